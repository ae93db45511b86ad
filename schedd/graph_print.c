/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs and parts of them as JGF and R. See graph_jgf.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph_jgf.h"

static uint32_t part_size(const struct graph *g, const struct graph_part *p)
{
	return p ? p->count : g->count;
}

static bool part_has(const struct graph_part *p, uint32_t v)
{
	uint32_t lo = 0, hi = p ? p->count : 0;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->vertices[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return !p || (lo < p->count && p->vertices[lo] == v);
}

static json_t *label_of(const struct graph *g, uint32_t v)
{
	uint32_t label = g->vertices[v].label;

	return label & LABEL_STRING ?
		json_string(graph_string(g, label & ~LABEL_STRING)) :
		json_sprintf("%u", label);
}

static json_t *paths_of(const struct graph *g, uint32_t v)
{
	json_t *paths = json_object();
	char *path = v < g->inside ? graph_path(g, v) : NULL;

	if (path)
		json_object_set_new(paths, "containment", json_string(path));
	free(path);
	for (uint32_t i = 0; i < g->subsystem_count; i++) {
		path = graph_path_in(g, i, v);
		if (path)
			json_object_set_new(paths, graph_string(g,
					g->subsystems[i].name),
					json_string(path));
		free(path);
	}
	return paths;
}

static json_t *properties_of(const struct graph *g, uint32_t v)
{
	const struct property_set *set = &g->sets[g->vertices[v].props];
	json_t *object = json_object();

	for (uint32_t i = 0; i < set->count; i++) {
		const struct property *p = &g->properties[set->first + i];

		json_object_set_new(object, graph_string(g, p->key),
				    json_string(graph_string(g, p->value)));
	}
	return object;
}

/* The id that a reader takes if it is not said. */
static int64_t default_id(const struct graph *g, uint32_t v)
{
	const struct vertex *vertex = &g->vertices[v];
	size_t len;

	if (vertex->name && vertex->type == g->node_type) {
		int32_t id = graph_split_name(graph_string(g, vertex->name),
					      &len);

		if (id >= 0)
			return id;
	}
	return vertex->label & LABEL_STRING ? -1 : (int64_t)vertex->label;
}

static json_t *jgf_node(const struct graph *g, uint32_t v, bool exclusive)
{
	const struct vertex *vertex = &g->vertices[v];
	json_t *meta = json_pack("{s:s}", "type", graph_type_name(g, v));

	if (vertex->basename)
		json_object_set_new(meta, "basename", json_string(
				graph_string(g, vertex->basename)));
	if (vertex->name)
		json_object_set_new(meta, "name", json_string(
				graph_string(g, vertex->name)));
	if (vertex->id != default_id(g, v))
		json_object_set_new(meta, "id", json_integer(vertex->id));
	if (vertex->rank != GRAPH_NO_RANK)
		json_object_set_new(meta, "rank", json_integer(vertex->rank));
	if (vertex->is_down)
		json_object_set_new(meta, "status", json_integer(1));
	if (exclusive)
		json_object_set_new(meta, "exclusive", json_true());
	if (vertex->unit)
		json_object_set_new(meta, "unit", json_string(
				graph_string(g, g->units[vertex->unit])));
	if (vertex->size != 1)
		json_object_set_new(meta, "size", json_integer(vertex->size));
	if (vertex->props)
		json_object_set_new(meta, "properties", properties_of(g, v));
	json_object_set_new(meta, "paths", paths_of(g, v));
	return json_pack("{s:o, s:o}", "id", label_of(g, v), "metadata", meta);
}

static void add_edges(const struct graph *g, const struct graph_part *part,
		      json_t *edges)
{
	for (uint32_t i = 0; i < part_size(g, part); i++) {
		uint32_t v = part ? part->vertices[i] : i;
		uint32_t up = g->vertices[v].parent;

		if (up != GRAPH_NONE && part_has(part, up))
			json_array_append_new(edges, json_pack("{s:o, s:o}",
				"source", label_of(g, up),
				"target", label_of(g, v)));
	}
	for (uint32_t s = 0; s < g->subsystem_count; s++) {
		const struct subsystem *sub = &g->subsystems[s];

		for (size_t i = 0; i < sub->count; i++) {
			const struct edge *e = &sub->down[i];

			if (part_has(part, e->source) &&
			    part_has(part, e->target))
				json_array_append_new(edges, json_pack(
					"{s:o, s:o, s:{s:s}}",
					"source", label_of(g, e->source),
					"target", label_of(g, e->target),
					"metadata", "subsystem",
					graph_string(g, sub->name)));
		}
	}
}

json_t *graph_to_jgf(const struct graph *g, const struct graph_part *part)
{
	json_t *nodes = json_array(), *edges = json_array();

	for (uint32_t i = 0; i < part_size(g, part); i++)
		json_array_append_new(nodes, jgf_node(g,
			part ? part->vertices[i] : i,
			part && part->exclusive && part->exclusive[i]));
	add_edges(g, part, edges);
	return json_pack("{s:{s:o, s:o}}", "graph", "nodes", nodes,
			 "edges", edges);
}

/* ---- R ---- */

static int add_property(const struct graph *g, struct resource_set *set,
			const struct property *p, unsigned rank)
{
	const char *key = graph_string(g, p->key);
	const char *value = graph_string(g, p->value);
	struct idset *ranks = idset_create();
	char name[2 * GRAPH_NAME_MAX];
	int rc = -1;

	snprintf(name, sizeof(name), "%s%s%s", key, *value ? "=" : "", value);
	if (ranks && idset_set(ranks, rank) == 0)
		rc = resource_set_add_property(set, name, ranks);
	idset_destroy(ranks);
	return rc;
}

int graph_add_properties(const struct graph *g, struct resource_set *set,
			 uint32_t v, unsigned rank, bool inventory)
{
	const struct property_set *props = &g->sets[g->vertices[v].props];

	for (uint32_t i = 0; i < props->count; i++) {
		const struct property *p = &g->properties[props->first + i];

		/* those with a plus are of this instance alone */
		if ((inventory || *graph_string(g, p->key) != '+') &&
		    add_property(g, set, p, rank) < 0)
			return -1;
	}
	return 0;
}

static int add_rank(const struct graph *g, struct resource_set *set,
		    uint32_t v, unsigned rank, const struct idset *cores,
		    const struct idset *gpus, bool inventory)
{
	char buf[GRAPH_NAME_SIZE];

	if (resource_set_add(set, rank, graph_name(g, v, buf), cores,
			     gpus) < 0)
		return -1;
	return graph_add_properties(g, set, v, rank, inventory);
}

/* The cores and gpus of PART from number I on that are of the rank of V. */
static int add_run(const struct graph *g, const struct graph_part *part,
		   uint32_t core, uint32_t gpu, uint32_t *i, uint32_t top,
		   struct resource_set *set)
{
	struct idset *cores = idset_create(), *gpus = idset_create();
	uint32_t end = g->vertices[top].end;
	int rc = cores && gpus ? 0 : -1;

	for (; *i < part_size(g, part) && !rc; (*i)++) {
		uint32_t v = part ? part->vertices[*i] : *i;
		const struct vertex *vertex = &g->vertices[v];

		if (v >= end)
			break;
		if (vertex->id >= 0 && vertex->type == core)
			rc = idset_set(cores, (unsigned)vertex->id);
		else if (vertex->id >= 0 && vertex->type == gpu)
			rc = idset_set(gpus, (unsigned)vertex->id);
	}
	if (!rc && (!part || !idset_empty(cores) || !idset_empty(gpus)))
		rc = add_rank(g, set, top, (unsigned)graph_rank(g, top), cores,
			      gpus, !part);
	idset_destroy(cores);
	idset_destroy(gpus);
	return rc;
}

/* The highest vertex whose rank is V's, or GRAPH_NONE. */
static uint32_t top_of_rank(const struct graph *g, uint32_t v)
{
	int rank = g->vertices[v].rank;

	while (rank != GRAPH_NO_RANK && g->vertices[v].parent != GRAPH_NONE &&
	       graph_rank(g, g->vertices[v].parent) == rank)
		v = g->vertices[v].parent;
	return rank == GRAPH_NO_RANK ? GRAPH_NONE : v;
}

struct resource_set *graph_to_R(const struct graph *g,
				const struct graph_part *part,
				struct proto_error *err)
{
	uint32_t core = graph_find_type(g, "core");
	uint32_t gpu = graph_find_type(g, "gpu");
	struct resource_set *set = resource_set_create();
	uint32_t i = 0;

	while (set && i < part_size(g, part)) {
		uint32_t v = part ? part->vertices[i] : i;
		uint32_t top = top_of_rank(g, v);

		if (top == GRAPH_NONE) {
			i++;
			continue;
		}
		if (add_run(g, part, core, gpu, &i, top, set) < 0) {
			char buf[GRAPH_NAME_SIZE];

			proto_error_set(err, errno, "%s: %s",
					graph_name(g, top, buf),
					strerror(errno));
			resource_set_destroy(set);
			return NULL;
		}
	}
	if (!set)
		proto_error_set(err, ENOMEM, "out of memory");
	return set;
}
