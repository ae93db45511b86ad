/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in match policies, and loading of others. See policy.h. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/policy.h"

#define CLASS_NONE	9999	/* without a performance class */

/* ---- nodes by id, whatever they are beneath ---- */

static int64_t by_id(const struct graph *g, uint32_t v)
{
	return g->vertices[v].type == g->node_type ? g->vertices[v].id :
	       (int64_t)v;
}

static int64_t by_id_down(const struct graph *g, uint32_t v)
{
	return -by_id(g, v);
}

/* ---- variation: nodes of a performance class side by side, best first ---- */

static int64_t by_class(const struct graph *g, uint32_t v)
{
	const char *text = graph_property(g, v, "perf_class");
	char *end;
	long n;

	if (!text || *text < '0' || *text > '9')
		return CLASS_NONE;
	errno = 0;
	n = strtol(text, &end, 10);
	return *end || errno || n > CLASS_NONE ? CLASS_NONE : n;
}

/* ---- best fit: the least that is large enough ---- */

/* Groups that have more than enough last, those that have too little after
 * them, the largest first. */
static int64_t fit_key(int64_t have, int64_t want)
{
	return have >= want ? have : INT64_MAX - have;
}

static int64_t free_of(const struct match_choice *c, uint32_t v)
{
	uint32_t group = v == GRAPH_NONE ? 0 : c->graph->vertices[v].group;

	return group && c->tracked >= 0 ?
	       graph_group(c->graph, group)->free[c->tracked] : 0;
}

/* Vertices with something beneath by what is free there, others by what is
 * free where they are. */
static void rank_best_fit(const struct match_choice *c,
			  struct match_candidate *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct vertex *v = &c->graph->vertices[list[i].vertex];

		if (v->group)
			list[i].key = free_of(c, list[i].vertex);
		else
			list[i].key = fit_key(free_of(c, v->parent), c->want);
	}
}

/* ---- locality: as few places as possible ---- */

/* Where a vertex is: its switch, if there is a network, or what it is
 * beneath. */
static uint32_t place_of(const struct graph *g, const struct subsystem *net,
			 uint32_t v)
{
	size_t lo = 0, hi = net ? net->count : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (net->up[mid].target < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (net && lo < net->count && net->up[lo].target == v)
		return net->up[lo].source;
	return g->vertices[v].parent;
}

static const struct subsystem *network(const struct graph *g)
{
	for (uint32_t i = 0; i < g->subsystem_count; i++)
		if (!strcmp(graph_string(g, g->subsystems[i].name),
			    "network"))
			return &g->subsystems[i];
	return NULL;
}

/* Candidates side by side that are in one place, or, with RUNS, also have
 * consecutive ids. Returns whether there was more than one place. */
static bool rank_runs(const struct match_choice *c,
		      struct match_candidate *list, uint32_t count, bool runs)
{
	const struct graph *g = c->graph;
	const struct subsystem *net = network(g);
	uint32_t place = count ? place_of(g, net, list[0].vertex) : 0;
	bool several = false;

	for (uint32_t i = 0, j; i < count; i = j) {
		int64_t have = list[i].fit;

		for (j = i + 1; j < count; j++) {
			uint32_t next = place_of(g, net, list[j].vertex);

			several |= next != place;
			if (next != place) {
				place = next;
				break;
			}
			if (runs && g->vertices[list[j].vertex].id !=
			    g->vertices[list[j - 1].vertex].id + 1)
				break;
			have += list[j].fit;
		}
		for (uint32_t k = i; k < j; k++)
			list[k].key = fit_key(have, c->want);
	}
	return several;
}

static void rank_locality(const struct match_choice *c,
			  struct match_candidate *list, uint32_t count)
{
	if (!rank_runs(c, list, count, false))
		rank_runs(c, list, count, true);
}

/* ---- the table ---- */

#define ROW(name, ...) { MATCH_POLICY_VERSION, name, __VA_ARGS__ }

static const struct match_policy policies[] = {
	ROW("first", MATCH_ASCENDING, false, NULL, NULL),
	ROW("firstnodex", MATCH_ASCENDING, true, NULL, NULL),
	ROW("low", MATCH_ASCENDING, false, NULL, NULL),
	ROW("high", MATCH_DESCENDING, false, NULL, NULL),
	ROW("lonode", MATCH_KEY, false, by_id, NULL),
	ROW("hinode", MATCH_KEY, false, by_id_down, NULL),
	ROW("lonodex", MATCH_KEY, true, by_id, NULL),
	ROW("hinodex", MATCH_KEY, true, by_id_down, NULL),
	ROW("locality", MATCH_RANK, false, NULL, rank_locality),
	ROW("bestfit", MATCH_RANK, false, NULL, rank_best_fit),
	ROW("variation", MATCH_KEY, false, by_class, NULL),
};
#define POLICIES	(sizeof(policies) / sizeof(*policies))

const char *policy_name(unsigned i)
{
	return i < POLICIES ? policies[i].name : NULL;
}

static const struct match_policy *load(const char *path,
				       struct proto_error *err)
{
	const struct match_policy *p;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		proto_error_set(err, ENOENT, "policy: %s", dlerror());
		return NULL;
	}
	p = dlsym(handle, "weir_match_policy");
	if (!p)
		proto_error_set(err, EINVAL, "policy: %.100s: it has no "
				"weir_match_policy", path);
	else if (p->version != MATCH_POLICY_VERSION)
		proto_error_set(err, EINVAL, "policy: %.100s: it is of "
				"version %d, not %d", path, p->version,
				MATCH_POLICY_VERSION);
	else if (!p->name || (unsigned)p->order > MATCH_RANK ||
		 (p->order == MATCH_KEY && !p->key) ||
		 (p->order == MATCH_RANK && !p->rank))
		proto_error_set(err, EINVAL, "policy: %.100s: it says an "
				"order without the function for it", path);
	else
		return p;
	dlclose(handle);
	return NULL;
}

const struct match_policy *policy_find(const char *name,
				       struct proto_error *err)
{
	if (strchr(name, '/'))
		return load(name, err);
	for (unsigned i = 0; i < POLICIES; i++)
		if (!strcmp(policies[i].name, name))
			return &policies[i];
	proto_error_set(err, EINVAL, "there is no policy '%.60s'", name);
	return NULL;
}
