/* SPDX-License-Identifier: Apache-2.0 */
/* What events change of a job's request, flags and memo. No effect elsewhere.
 * Each fails with ENOMEM only. */
#ifndef WEIR_SCHEDD_UPDATE_H
#define WEIR_SCHEDD_UPDATE_H

#include "schedd/job.h"

#define UPDATE_DURATION	"attributes.system.duration"
#define UPDATE_NAME	"attributes.system.job.name"
#define UPDATE_QUEUE	"attributes.system.queue"

#define UPDATE_MAX	65536	/* bytes of JSON */

/* Dotted names and their values; those that schedd does not keep are for
 * whoever reads the log. */
int update_apply(struct job *job, json_t *updates);
/* Merges CONTEXT into the memo; null takes a name away. */
int update_memo(struct job *job, json_t *context);
int update_flags(struct job *job, json_t *context);

/* Objects within objects are merged, null removes. */
int json_merge(json_t *into, json_t *from);

#endif
