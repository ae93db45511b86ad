/* SPDX-License-Identifier: Apache-2.0 */
/* Instances in jobs of other instances: where they are. uri.c */
#ifndef WEIR_CMD_INSTANCE_H
#define WEIR_CMD_INSTANCE_H

#include <jansson.h>
#include <stdbool.h>

#include "libclient/weir.h"

/* Connected with the instance at URI, or fails. */
weir_t *instance_at(const char *uri);
/* The key below `instance', "" if there is none; to be freed. */
char *instance_attribute(weir_t *h, const char *name);
/* The URI of the instance that JOB runs, or NULL; borrowed. */
const char *instance_of_job(const json_t *job);
/* Your jobs of the instance at URI that are in one of STATES, at most COUNT of
 * them, newest first; a new reference. NULL if it can't be asked. */
json_t *instance_jobs(const char *uri, int states, json_int_t count);
/* The URI of TARGET: itself one, pid:PID, or ids with slashes between, seen
 * from WEIR_URI; to be freed. WAIT: until a job's instance is there. Fails. */
char *instance_resolve(const char *target, bool wait);

#endif
