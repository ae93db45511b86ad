/* SPDX-License-Identifier: Apache-2.0 */
/* How weir match shows what was matched and found. See weir-match(1). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/match.h"

static bool print_json(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text)
		puts(text);
	json_decref(json);
	free(text);
	return text;
}

/* Each beneath what it is in; the units that are had, alone or not. */
static void print_tree(const struct graph *g, const struct graph_part *part,
		       const struct match_job *job)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < part->count; i++) {
		uint32_t v = part->vertices[i];
		int64_t units = g->vertices[v].size;
		char buf[GRAPH_NAME_SIZE];
		int depth = 0;

		for (uint32_t up = g->vertices[v].parent; up != GRAPH_NONE;
		     up = g->vertices[up].parent)
			depth++;
		while (job && k < job->count && job->picks[k].vertex < v)
			k++;
		if (job && k < job->count && job->picks[k].vertex == v &&
		    job->picks[k].units)
			units = job->picks[k].units;
		printf("%*s%s[%" PRId64 ":%s]\n", 2 * depth, "",
		       graph_name(g, v, buf), units,
		       part->exclusive[i] ? "exclusive" : "shared");
	}
}

static bool print_R(struct match_tool *t, const struct graph_part *part)
{
	struct proto_error err = { "" };
	struct resource_set *set = graph_to_R(t->g, part, &err);

	if (!set) {
		match_wrong(t, "%s", err.text);
		return false;
	}
	if (t->format == FORMAT_R_JGF)
		set->scheduling = graph_to_jgf(t->g, part);
	print_json(resource_set_to_json(set));
	resource_set_destroy(set);
	return true;
}

bool match_print_part(struct match_tool *t, const struct graph_part *part)
{
	if (t->format == FORMAT_TREE)
		print_tree(t->g, part, NULL);
	else if (t->format == FORMAT_JGF)
		return print_json(graph_to_jgf(t->g, part));
	else
		return print_R(t, part);
	return true;
}

bool match_print_job(struct match_tool *t, const struct match_job *job)
{
	struct proto_error err = { "" };
	struct resource_set *set;
	struct graph_part part;

	if (t->format == FORMAT_TREE) {
		if (matcher_part(t->m, job, &part) < 0)
			return false;
		print_tree(t->g, &part, job);
		graph_part_clear(&part);
		return true;
	}
	set = matcher_R(t->m, job, t->format != FORMAT_R, &err);
	if (!set) {
		match_wrong(t, "%s", err.text);
		return false;
	}
	print_json(t->format == FORMAT_JGF ? json_incref(set->scheduling) :
		   resource_set_to_json(set));
	resource_set_destroy(set);
	return true;
}
