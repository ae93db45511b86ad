/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs from R: cluster0, its nodes, their cores and gpus. weir-R(5). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph_jgf.h"

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

	if (!v)
		return -1;
	v->id = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct resource_node *n = &set->nodes[i];
		uint32_t index = g->count;

		v = graph_add(g, 0, node);
		if (!v || set_host(g, v, n->host) < 0)
			return -1;
		v->rank = (int32_t)n->rank;
		if (set_properties(g, set, index, n->rank) < 0 ||
		    add_ids(g, index, "core", n->cores) < 0 ||
		    add_ids(g, index, "gpu", n->gpus) < 0)
			return -1;
	}
	return 0;
}

struct graph *graph_from_R(const char *text, size_t len, const char *filters,
			   struct proto_error *err)
{
	struct resource_set *set = resource_set_parse(text, len, err);
	struct graph *g;

	if (!set)
		return NULL;
	if (json_object_get(set->scheduling, "graph")) {
		g = graph_from_jgf_json(set->scheduling, filters, err);
		resource_set_destroy(set);
		return g;
	}
	g = graph_create();
	if (!g || add_nodes(g, set) < 0)
		proto_error_set(err, errno == ENOSPC ? EINVAL : errno,
				errno == ENOSPC ? "more resources than a "
				"graph can have" : "out of memory");
	else if (graph_finish(g, filters, err) == 0) {
		resource_set_destroy(set);
		return g;
	}
	graph_destroy(g);
	resource_set_destroy(set);
	return NULL;
}
