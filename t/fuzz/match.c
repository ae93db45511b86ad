/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of canonical jobspecs and queries: what is accepted is matched by
 * some policy, and when it is gone nothing is left of it. */
#include "config.h"

#include "schedd/match.h"
#include "t/fuzz/fuzz.h"

static const char recipe[] =
	"version: 1\n"
	"resources: [{type: cluster, with: [{type: rack, count: 2, with: ["
	"{type: node, count: 2, properties: {a: 1-2}, with: [{type: socket, "
	"count: 2, with: [{type: core, count: 2}, {type: gpu}, {type: memory, "
	"size: 8, unit: GB}]}]}]}]}]\n"
	"subsystems: [{name: bw, with: [{type: bandwidth, size: 9, count: 2, "
	"covers: node}]}]\n";

static void check(struct graph *g, const struct request *req,
		  const char *policy)
{
	struct proto_error err = { "" };
	struct matcher *m = matcher_create(g, policy_find(policy, &err));
	const struct match_job *job;

	must(m);
	for (uint64_t id = 1; id < 4; id++)
		if (!matcher_match(m, MATCH_ALLOCATE_ORELSE_RESERVE, id, req, 0,
				   &job)) {
			struct resource_set *R = matcher_R(m, job, true, &err);

			must(R && job->start < job->end);
			resource_set_destroy(R);
		}
	for (uint64_t id = 1; id < 4; id++)
		matcher_cancel(m, id);
	for (uint32_t v = 0; v < g->count; v++)
		must(!*graph_held(g, v) && !g->vertices[v].planner);
	matcher_destroy(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_error err = { "" };
	struct graph *g = graph_from_recipe(recipe, strlen(recipe), NULL,
					    &err);
	char *text = fuzz_text(data, size);
	struct request *req;
	json_t *query;

	must(g);
	req = request_parse(g, text, strlen(text), &err);
	if (!req)
		must(err.text[0]);
	for (unsigned i = 0; req && policy_name(i); i++)
		check(g, req, policy_name(i));
	request_destroy(req);
	query = constraint_query(text, "properties", &err);
	json_decref(query);
	graph_destroy(g);
	free(text);
	return 0;
}
