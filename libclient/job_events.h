/* SPDX-License-Identifier: Apache-2.0 */
/* weir_job_events as the store tells, for who is asked by others: schedd. */
#ifndef WEIR_LIBCLIENT_JOB_EVENTS_H
#define WEIR_LIBCLIENT_JOB_EVENTS_H

#include "libclient/weir.h"

/* For the instance's owner; the rest as in weir_job_events(3). */
weir_future_t *job_events_stored(weir_t *h, weir_jobid_t id);

#endif
