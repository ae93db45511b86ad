/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job asks for, in terms of one graph: a canonical jobspec taken
 * apart. See weir-resources(5).
 */
#ifndef WEIR_SCHEDD_REQUEST_H
#define WEIR_SCHEDD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "proto/idset.h"
#include "schedd/constraint.h"
#include "schedd/graph.h"

#define REQUEST_DEPTH_MAX	32
#define REQUEST_ITEMS_MAX	1000
#define REQUEST_COUNT_MAX	(1ll << 50)
#define REQUEST_ANY		INT64_MAX	/* no greatest count */

/* Which numbers will do. */
struct request_count {
	int64_t min, max;
	int64_t operand;
	char op;		/* + * ^; next = cur OP operand */
	struct idset *set;	/* or one of these; NULL: as above */
};

/* The greatest number that will do and is not above N; 0 if there is none. */
int64_t request_count_best(const struct request_count *count, int64_t n);
int request_count_parse(struct request_count *count, const json_t *json,
			const char *path, struct proto_error *err);

/* One vertex of the request. */
struct request_item {
	uint32_t type;		/* of the graph; GRAPH_NONE: a slot */
	bool exclusive;
	bool given;		/* exclusive was said, not inherited */
	bool plain;		/* fixed count of vertices of size 1 that
				   are tracked, without ids, nothing beneath */
	bool flat;		/* all beneath is plain, or flat slots */
	bool by_node;		/* to be looked for node by node */
	struct request_count count;
	struct idset *ids;	/* NULL: any */
	const char *label;	/* borrowed of json; NULL: none */
	uint32_t first, children;	/* items beneath are side by side */
	int64_t slots;		/* of one, beneath it, if flat */
	/* units of each tracked type that one of it needs, at least */
	int64_t need[GRAPH_TRACKED_MAX];
};

struct request {
	json_t *json;
	char *key;		/* request_key of json */
	struct request_item *items;	/* the top ones first */
	uint32_t count, top;
	bool lone;		/* no two lists beside each other in it */
	int64_t duration;	/* seconds; 0: not given */
	struct constraint *constraint;	/* NULL: none */
	const struct constraint *also;	/* another; borrowed; may be
					   written */
	bool whole_nodes;	/* a slot is exclusive: so are its nodes */
	int64_t need[GRAPH_TRACKED_MAX];	/* of all */
};

/* All of a jobspec that says which resources will do: jobs with the same key
 * want the same, if not for as long. To be freed; NULL with ENOMEM. */
char *request_key(const json_t *jobspec);
/* NULL with EINVAL; ERR names the field. Valid as long as GRAPH is. */
struct request *request_create(const struct graph *graph, json_t *jobspec,
			       struct proto_error *err);
/* The same of YAML or JSON. */
struct request *request_parse(const struct graph *graph, const char *text,
			      size_t len, struct proto_error *err);
void request_destroy(struct request *request);	/* NULL is fine */

#endif
