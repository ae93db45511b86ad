/* SPDX-License-Identifier: Apache-2.0 */
/* What jobs ask for, in one object for all that ask for the same, so that many
 * jobs take little memory and a question that was answered for one is answered
 * for all. schedd(8).
 *
 * A demand is a jobspec's resources and constraints. Its request, which is in
 * terms of one graph, is made anew when the graph is another.
 */
#ifndef WEIR_SCHEDD_DEMAND_H
#define WEIR_SCHEDD_DEMAND_H

#include <jansson.h>
#include <stdint.h>

#include "schedd/request.h"

/* A condition on the nodes of all jobs of a queue. All zeros is none. */
struct node_filter {
	json_t *json;			/* a constraint; or NULL */
	struct constraint *made;	/* of json, for the graph of that: */
	uint64_t generation;
	uint64_t serial;		/* no other, nor this before, has it */
};

/* JSON is taken; NULL: no condition. */
void node_filter_set(struct node_filter *filter, json_t *json);

struct demand {
	struct demands *home;		/* its table */
	size_t users;
	char *key;			/* request_key of json */
	json_t *json;
	struct request *request;	/* NULL: see wrong */
	uint64_t generation;		/* of the graph that it is for; 0 */
	struct proto_error wrong;	/* why the graph has no such thing */
	/* the last answer to whether it can ever be met */
	uint64_t asked_filter;		/* its serial */
	uint64_t asked_epoch;		/* of the resources; 0: never */
	bool can;
};

struct demands {
	void *tree;			/* of tsearch(3), by key */
};

/* What JOBSPEC asks for; to be released. NULL with ENOMEM. */
struct demand *demand_get(struct demands *demands, json_t *jobspec);
struct demand *demand_hold(struct demand *demand);	/* once more */
void demand_release(struct demand *demand);	/* NULL is fine */

/* Its request for GRAPH, which is of GENERATION. NULL with EINVAL or ENOMEM
 * and the reason in demand->wrong. */
struct request *demand_request(struct demand *demand,
			       const struct graph *graph,
			       uint64_t generation);

#endif
