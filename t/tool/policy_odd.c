/* SPDX-License-Identifier: Apache-2.0 */
/* A match policy of a site's own: nodes with odd ids first. It is also the
 * example of weir-match(1). */
#include "schedd/policy.h"

static int64_t key(const struct graph *graph, uint32_t vertex)
{
	const struct vertex *v = graph_vertex(graph, vertex);

	return v->type == graph->node_type && v->id % 2 == 0;
}

MATCH_POLICY_EXPORT const struct match_policy weir_match_policy = {
	.version = MATCH_POLICY_VERSION,
	.name = "odd",
	.order = MATCH_KEY,
	.key = key,
};
