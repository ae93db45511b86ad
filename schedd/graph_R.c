/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs from R: cluster0, its nodes, their cores and gpus. weir-R(5). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph_jgf.h"

/* Whether the numbers at the end of the hosts' names order them as their ranks
 * do; if not, and if nodes share a host, their ids are their ranks. */
static bool are_ordered(const struct resource_set *set)
{
	int32_t last = -1;
	size_t len;

	for (size_t i = 0; i < set->count; i++) {
		int32_t id = graph_split_name(set->nodes[i].host, &len);

		if (id <= last)
			return false;
		last = id;
	}
	return true;
}

/* Base and number of a host's name, if they are its name together. */
static int set_host(struct graph *g, struct vertex *v, const char *host)
{
	char base[GRAPH_NAME_SIZE];
	size_t len;

	v->id = graph_split_name(host, &len);
	if (v->id < 0 || !len || len >= sizeof(base)) {
		v->name = strings_add(&g->strings, host);
		return v->name == STRING_NONE ? -1 : 0;
	}
	memcpy(base, host, len);
	base[len] = '\0';
	if (!strcmp(base, "node"))
		return 0;
	v->basename = strings_add(&g->strings, base);
	return v->basename == STRING_NONE ? -1 : 0;
}

static int set_rank(struct graph *g, struct vertex *v,
		    const struct resource_node *n)
{
	v->id = (int32_t)n->rank;
	v->name = strings_add(&g->strings, n->host);
	return v->name == STRING_NONE ? -1 : 0;
}

static int add_ids(struct graph *g, uint32_t parent, const char *type,
		   const struct idset *ids)
{
	int number = idset_empty(ids) ? 0 : graph_type(g, type);
	struct vertex *v;

	if (number < 0)
		return -1;
	for (unsigned i = idset_first(ids); i != IDSET_NONE;
	     i = idset_next(ids, i)) {
		v = graph_add(g, parent, number);
		if (!v)
			return -1;
		v->id = (int32_t)i;
	}
	return 0;
}

static int set_properties(struct graph *g, const struct resource_set *set,
			  uint32_t v, unsigned rank)
{
	for (size_t i = 0; i < set->property_count; i++) {
		const char *name = set->properties[i].name;
		const char *equal = strchr(name, '=');
		char *key;
		int rc;

		if (!idset_test(set->properties[i].ranks, rank))
			continue;
		key = equal ? strndup(name, (size_t)(equal - name)) :
			      strdup(name);
		rc = key ? graph_set_property(g, v, key,
					      equal ? equal + 1 : "") : -1;
		free(key);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int add_nodes(struct graph *g, const struct resource_set *set)
{
	int cluster = graph_type(g, "cluster"), node = graph_type(g, "node");
	struct vertex *v = cluster < 0 || node < 0 ? NULL :
			   graph_add(g, GRAPH_NONE, cluster);
	bool ordered;

	if (!v)
		return -1;
	v->id = 0;
	ordered = are_ordered(set);
	for (size_t i = 0; i < set->count; i++) {
		const struct resource_node *n = &set->nodes[i];
		uint32_t index = g->count;

		v = graph_add(g, 0, node);
		if (!v || (ordered ? set_host(g, v, n->host) :
			   set_rank(g, v, n)) < 0)
			return -1;
		v->rank = (int32_t)n->rank;
		if (set_properties(g, set, index, n->rank) < 0 ||
		    add_ids(g, index, "core", n->cores) < 0 ||
		    add_ids(g, index, "gpu", n->gpus) < 0)
			return -1;
	}
	return 0;
}

struct graph *graph_from_resource_set(const struct resource_set *set,
				      const char *filters,
				      struct proto_error *err)
{
	struct graph *g = graph_create();

	if (!g || add_nodes(g, set) < 0)
		proto_error_set(err, errno == ENOSPC ? EINVAL : errno,
				errno == ENOSPC ? "more resources than a "
				"graph can have" : "out of memory");
	else if (graph_finish(g, filters, err) == 0)
		return g;
	graph_destroy(g);
	return NULL;
}

struct graph *graph_from_R(const char *text, size_t len, const char *filters,
			   struct proto_error *err)
{
	struct resource_set *set = resource_set_parse(text, len, err);
	struct graph *g;

	if (!set)
		return NULL;
	if (json_object_get(set->scheduling, "graph"))
		g = graph_from_jgf_json(set->scheduling, filters, err);
	else
		g = graph_from_resource_set(set, filters, err);
	resource_set_destroy(set);
	return g;
}
