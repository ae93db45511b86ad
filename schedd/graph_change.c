/* SPDX-License-Identifier: Apache-2.0 */
/* A graph with more in it, or with less: always another one, made of the parts
 * of what is there. See graph.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph.h"

/* From one graph into another that is not finished. */
struct copy {
	struct graph *to;
	const struct graph *from;
	uint32_t *place;	/* of its vertices in TO; GRAPH_NONE: none */
	int *types;		/* of its types */
	int64_t *sets;		/* of its sets of properties; -1: not yet */
};

static int no_memory(struct proto_error *err)
{
	return errno == ENOSPC ?
		proto_error_set(err, EINVAL, "more resources than a graph can "
				"have") :
		proto_error_set(err, ENOMEM, "out of memory");
}

static void copy_end(struct copy *c)
{
	free(c->place);
	free(c->types);
	free(c->sets);
}

/* Types keep their order, and so do siblings. */
static int copy_begin(struct copy *c, struct graph *to,
		      const struct graph *from)
{
	*c = (struct copy) { .to = to, .from = from };
	c->place = malloc(((size_t)from->count + 1) * sizeof(*c->place));
	c->types = malloc(((size_t)from->type_count + 1) * sizeof(*c->types));
	c->sets = malloc(((size_t)from->set_count + 1) * sizeof(*c->sets));
	if (!c->place || !c->types || !c->sets)
		return -1;
	memset(c->place, 0xff, from->count * sizeof(*c->place));
	memset(c->sets, 0xff, from->set_count * sizeof(*c->sets));
	for (uint32_t t = 0; t < from->type_count; t++) {
		c->types[t] = graph_type(to, graph_string(from,
						from->types[t].name));
		if (c->types[t] < 0)
			return -1;
	}
	return 0;
}

static uint32_t copy_string(struct copy *c, uint32_t string)
{
	return string ? strings_add(&c->to->strings,
				    graph_string(c->from, string)) : 0;
}

static int64_t copy_set(struct copy *c, uint32_t number)
{
	const struct property_set *set = &c->from->sets[number];
	struct property *list;

	if (c->sets[number] >= 0)
		return c->sets[number];
	list = calloc((size_t)set->count + 1, sizeof(*list));
	if (!list)
		return -1;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct property *p =
			&c->from->properties[set->first + i];

		list[i].key = copy_string(c, p->key);
		list[i].value = copy_string(c, p->value);
		if (list[i].key == STRING_NONE ||
		    list[i].value == STRING_NONE) {
			free(list);
			return -1;
		}
	}
	c->sets[number] = graph_property_set(c->to, list, set->count);
	free(list);
	return c->sets[number];
}

/* V beneath PARENT of the other graph. Whether a node is down is not of the
 * graph: its rank says so. */
static int copy_vertex(struct copy *c, uint32_t v, uint32_t parent)
{
	const struct graph *g = c->from;
	const struct vertex *old = &g->vertices[v];
	struct vertex *new = graph_add(c->to, parent, c->types[old->type]);
	int unit = graph_unit(c->to, graph_string(g, g->units[old->unit]));
	int64_t set = copy_set(c, old->props);

	if (!new || unit < 0 || set < 0)
		return -1;
	new->id = old->id;
	new->rank = old->rank;
	new->size = old->size;
	new->unit = (uint16_t)unit;
	new->props = (uint32_t)set;
	new->is_down = old->is_down && old->rank == GRAPH_NO_RANK;
	new->name = copy_string(c, old->name);
	new->basename = copy_string(c, old->basename);
	c->place[v] = c->to->count - 1;
	return new->name == STRING_NONE || new->basename == STRING_NONE ?
	       -1 : 0;
}

/* Edges whose ends both are there, and not both before KNOWN. */
static int copy_edges(struct copy *c, uint32_t known)
{
	const struct graph *g = c->from;

	for (uint32_t i = 0; i < g->subsystem_count; i++) {
		const struct subsystem *s = &g->subsystems[i];
		int number = graph_subsystem(c->to, graph_string(g, s->name));

		if (number < 0)
			return -1;
		for (size_t e = 0; e < s->count; e++) {
			uint32_t source = c->place[s->down[e].source];
			uint32_t target = c->place[s->down[e].target];

			if (source == GRAPH_NONE || target == GRAPH_NONE ||
			    (source < known && target < known))
				continue;
			if (graph_connect(c->to, number, source, target) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- more ---- */

/* The vertex beneath PARENT in C->TO, which is as BASE so far, that V is. */
static uint32_t find_same(const struct copy *c, const struct graph *base,
			  uint32_t parent, uint32_t v)
{
	const struct vertex *want = &c->from->vertices[v];
	uint32_t w = parent == GRAPH_NONE ? 0 : parent + 1;
	uint32_t end = parent == GRAPH_NONE ? base->count :
		       base->vertices[parent].end;
	char a[GRAPH_NAME_SIZE], b[GRAPH_NAME_SIZE];

	for (; w < end; w = base->vertices[w].end)
		if (base->vertices[w].type == c->types[want->type] &&
		    base->vertices[w].id == want->id &&
		    !strcmp(graph_name(base, w, a),
			    graph_name(c->from, v, b)))
			return w;
	return GRAPH_NONE;
}

static int add_new(struct copy *c, const struct graph *base,
		   struct proto_error *err)
{
	const struct graph *more = c->from;
	char a[GRAPH_NAME_SIZE], b[GRAPH_NAME_SIZE];

	for (uint32_t v = 0; v < more->count; v++) {
		uint32_t parent = more->vertices[v].parent;

		if (parent != GRAPH_NONE)
			parent = c->place[parent];
		if (parent == GRAPH_NONE || parent < base->count)
			c->place[v] = find_same(c, base, parent, v);
		if (c->place[v] != GRAPH_NONE)
			continue;
		if (v == 0)
			return proto_error_set(err, EINVAL, "%s: the graph "
				"begins with %s", graph_name(more, 0, a),
				graph_name(base, 0, b));
		if (copy_vertex(c, v, parent) < 0)
			return no_memory(err);
	}
	if (c->to->count == base->count)
		return proto_error_set(err, EEXIST, "the graph has all of it");
	return copy_edges(c, base->count) < 0 ? no_memory(err) : 0;
}

/* If the rank of a new vertex is taken they all get the next ones. */
static int number_new(struct graph *g, const struct graph *base,
		      struct proto_error *err)
{
	int64_t next = base->rank_count ? base->vertices[
		base->by_rank[base->rank_count - 1]].rank + 1ll : 0;
	bool taken = false;

	for (uint32_t v = base->count; v < g->count && !taken; v++)
		taken = g->vertices[v].rank != GRAPH_NO_RANK &&
			graph_find_rank(base, (unsigned)g->vertices[v].rank) !=
			GRAPH_NONE;
	for (uint32_t v = base->count; v < g->count && taken; v++) {
		if (g->vertices[v].rank == GRAPH_NO_RANK)
			continue;
		if (next > IDSET_MAX)
			return proto_error_set(err, EINVAL, "there is no rank "
					       "left for new nodes");
		g->vertices[v].rank = (int32_t)next++;
	}
	return 0;
}

struct graph *graph_grown(const struct graph *base, const struct graph *more,
			  struct proto_error *err)
{
	struct graph *g = graph_create();
	struct copy all = { 0 }, new = { 0 };
	int rc = g && copy_begin(&all, g, base) == 0 &&
		 copy_begin(&new, g, more) == 0 ? 0 : no_memory(err);

	/* all has its old place */
	for (uint32_t v = 0; rc == 0 && v < base->count; v++)
		if (copy_vertex(&all, v, base->vertices[v].parent) < 0)
			rc = no_memory(err);
	if (rc == 0 && copy_edges(&all, 0) < 0)
		rc = no_memory(err);
	if (rc == 0 && (add_new(&new, base, err) < 0 ||
			number_new(g, base, err) < 0 ||
			graph_finish(g, NULL, err) < 0))
		rc = -1;
	copy_end(&all);
	copy_end(&new);
	if (rc == 0)
		return g;
	graph_destroy(g);
	return NULL;
}

/* ---- less ---- */

static bool is_connected(const struct graph *g, const bool *gone, uint32_t v)
{
	for (uint32_t i = 0; i < g->subsystem_count; i++) {
		const struct subsystem *s = &g->subsystems[i];

		for (size_t e = 0; e < s->count; e++)
			if ((s->down[e].source == v ||
			     s->down[e].target == v) &&
			    !gone[s->down[e].source] &&
			    !gone[s->down[e].target])
				return true;
	}
	return false;
}

struct graph *graph_shrunk(const struct graph *base, bool *gone,
			   struct proto_error *err)
{
	struct graph *g = graph_create();
	struct copy c = { 0 };
	int rc = g && copy_begin(&c, g, base) == 0 ? 0 : no_memory(err);

	for (uint32_t v = 0; v < base->count; v++) {
		uint32_t parent = base->vertices[v].parent;

		if (parent != GRAPH_NONE && gone[parent])
			gone[v] = true;
	}
	for (uint32_t v = base->inside; v < base->count; v++)
		if (!gone[v] && !is_connected(base, gone, v))
			gone[v] = true;
	for (uint32_t v = 0; rc == 0 && v < base->count; v++) {
		uint32_t parent = base->vertices[v].parent;

		if (!gone[v] && copy_vertex(&c, v, parent == GRAPH_NONE ?
					    parent : c.place[parent]) < 0)
			rc = no_memory(err);
	}
	if (rc == 0 && copy_edges(&c, 0) < 0)
		rc = no_memory(err);
	if (rc == 0)
		rc = graph_finish(g, NULL, err);
	copy_end(&c);
	if (rc == 0)
		return g;
	graph_destroy(g);
	return NULL;
}
