/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two waiting jobs is first: the one with the greater priority, and
 * of equal ones the older (jobs_compare). weir-jobs(7). */
#ifndef WEIR_SCHEDD_PRIORITY_H
#define WEIR_SCHEDD_PRIORITY_H

#include "schedd/job.h"

#define URGENCY_HOLD		0
#define URGENCY_EXPEDITE	31

/* 0 is "not before that changes". */
int64_t priority_of(const struct job *job);

#endif
