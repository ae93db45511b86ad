/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs, and parts of them, as JSON. See weir-resources(5), weir-R(5). */
#ifndef WEIR_SCHEDD_GRAPH_JGF_H
#define WEIR_SCHEDD_GRAPH_JGF_H

#include "proto/resource_set.h"
#include "schedd/graph.h"

/* Some vertices of a graph, in ascending order, each once. */
struct graph_part {
	uint32_t *vertices;
	bool *exclusive;	/* one each; NULL: none is marked so */
	uint32_t count;
};

/* As graph_from_jgf, of a document at hand. */
struct graph *graph_from_jgf_json(const json_t *json, const char *filters,
				  struct proto_error *err);
/* PART NULL is all. NULL with ENOMEM. */
json_t *graph_to_jgf(const struct graph *graph,
		     const struct graph_part *part);
/* Cores and gpus by rank. NULL with ENOMEM or EINVAL. */
struct resource_set *graph_to_R(const struct graph *graph,
				const struct graph_part *part,
				struct proto_error *err);
/* Splits NAME into a base and the number at its end: -1 if it has none. The
 * base is the first *LEN bytes. */
int32_t graph_split_name(const char *name, size_t *len);

#endif
