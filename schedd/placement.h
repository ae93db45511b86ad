/* SPDX-License-Identifier: Apache-2.0 */
/* Which task of a job goes on which of its nodes: the shell option taskmap.
 * weir-taskmap(5). */
#ifndef WEIR_SCHEDD_PLACEMENT_H
#define WEIR_SCHEDD_PLACEMENT_H

#include <jansson.h>

#include "proto/error.h"
#include "proto/resource_set.h"
#include "proto/taskmap.h"

struct job_request;

/* Takes the option from OPTIONS. -1 with EINVAL (or ENOMEM). */
int placement_parse(struct job_request *want, const json_t *options,
		    struct proto_error *err);
void placement_free(struct job_request *want);

/* Tasks on each node of R, to be freed; *TOTAL gets the sum. */
int *placement_counts(const struct job_request *want,
		      const struct resource_set *R, int *total);

/* The map of its tasks on the nodes of R, to be destroyed. NULL with EINVAL:
 * what was asked for does not go with R; ENOMEM. */
struct taskmap *placement_map(const struct job_request *want,
			      const struct resource_set *R,
			      struct proto_error *err);

#endif
