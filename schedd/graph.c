/* SPDX-License-Identifier: Apache-2.0 */
/* The graph: its parts, and questions to it. See graph.h; the ordering is in
 * graph_finish.c. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph.h"

struct graph *graph_create(void)
{
	struct graph *g = calloc(1, sizeof(*g));
	struct property none;

	if (!g)
		return NULL;
	g->node_type = GRAPH_NONE;
	if (strings_init(&g->strings) < 0 || graph_unit(g, "") < 0 ||
	    graph_property_set(g, &none, 0) < 0) {
		graph_destroy(g);
		return NULL;
	}
	return g;
}

void graph_destroy(struct graph *g)
{
	int saved = errno;

	if (g) {
		for (uint32_t i = 0; i < g->subsystem_count; i++) {
			free(g->subsystems[i].down);
			free(g->subsystems[i].up);
		}
		strings_fini(&g->strings);
		free(g->vertices);
		free(g->types);
		free(g->units);
		free(g->by_type);
		free(g->subsystems);
		free(g->properties);
		free(g->sets);
		free(g->by_rank);
		free(g->groups);
		free(g->totals);
		free(g->changed);
		free(g->changed_last);
		planner_pool_destroy(g->leaf_pool);
		planner_pool_destroy(g->group_pool);
		free(g);
	}
	errno = saved;
}

/* ---- types, units, properties ---- */

uint32_t graph_find_type(const struct graph *g, const char *name)
{
	uint32_t string = strings_find(&g->strings, name);

	for (uint32_t i = 0; i < g->type_count && string != STRING_NONE; i++)
		if (g->types[i].name == string)
			return i;
	return GRAPH_NONE;
}

int graph_type(struct graph *g, const char *name)
{
	uint32_t string = strings_add(&g->strings, name);
	struct vertex_type *types;

	if (string == STRING_NONE)
		return -1;
	for (uint32_t i = 0; i < g->type_count; i++)
		if (g->types[i].name == string)
			return (int)i;
	if (g->type_count == GRAPH_TYPES_MAX) {
		errno = ENOSPC;
		return -1;
	}
	types = reallocarray(g->types, g->type_count + 1, sizeof(*types));
	if (!types)
		return -1;
	g->types = types;
	types[g->type_count] = (struct vertex_type) { .name = string,
						      .tracked = -1 };
	if (!strcmp(name, "node"))
		g->node_type = g->type_count;
	return (int)g->type_count++;
}

int graph_unit(struct graph *g, const char *name)
{
	uint32_t string = strings_add(&g->strings, name), *units;

	if (string == STRING_NONE)
		return -1;
	for (uint32_t i = 0; i < g->unit_count; i++)
		if (g->units[i] == string)
			return (int)i;
	if (g->unit_count == UINT16_MAX) {
		errno = ENOSPC;
		return -1;
	}
	units = reallocarray(g->units, g->unit_count + 1, sizeof(*units));
	if (!units)
		return -1;
	g->units = units;
	units[g->unit_count] = string;
	return (int)g->unit_count++;
}

static int by_key(const void *a, const void *b)
{
	const struct property *p = a, *q = b;

	return p->key < q->key ? -1 : p->key > q->key;
}

static int64_t find_set(const struct graph *g, const struct property *list,
			uint32_t count)
{
	/* the same set twice does no harm but cost memory */
	uint32_t from = g->set_count > 512 ? g->set_count - 512 : 0;

	for (uint32_t i = from; i < g->set_count; i++)
		if (g->sets[i].count == count &&
		    !memcmp(g->properties + g->sets[i].first, list,
			    count * sizeof(*list)))
			return i;
	return -1;
}

int64_t graph_property_set(struct graph *g, struct property *list,
			   uint32_t count)
{
	struct property_set set = { g->property_count, count };
	int64_t found;

	if (count > 1)
		qsort(list, count, sizeof(*list), by_key);
	found = g->set_count || count ? find_set(g, list, count) : -1;
	if (found >= 0)
		return found;
	if (g->property_count + count >= g->property_room) {
		uint32_t room = (g->property_room + count + 8) * 2;
		struct property *p = reallocarray(g->properties, room,
						  sizeof(*p));

		if (!p)
			return -1;
		g->properties = p;
		g->property_room = room;
	}
	if (g->set_count == g->set_room) {
		uint32_t room = g->set_room * 2 + 8;
		struct property_set *s = reallocarray(g->sets, room,
						      sizeof(*s));

		if (!s)
			return -1;
		g->sets = s;
		g->set_room = room;
	}
	if (count)
		memcpy(g->properties + set.first, list,
		       count * sizeof(*list));
	g->property_count += count;
	g->sets[g->set_count] = set;
	return g->set_count++;
}

int64_t graph_property_change(struct graph *g, uint32_t set, const char *key,
			      const char *value)
{
	uint32_t k = strings_add(&g->strings, key);
	uint32_t v = value ? strings_add(&g->strings, value) : 0;
	uint32_t n = 0, old = g->sets[set].count;
	struct property *list;
	int64_t result;

	if (k == STRING_NONE || v == STRING_NONE)
		return -1;
	list = calloc(old + 1, sizeof(*list));
	if (!list)
		return -1;
	for (uint32_t i = 0; i < old; i++)
		if (g->properties[g->sets[set].first + i].key != k)
			list[n++] = g->properties[g->sets[set].first + i];
	if (value)
		list[n++] = (struct property) { k, v };
	result = graph_property_set(g, list, n);
	free(list);
	return result;
}

static const struct property *find_property(const struct graph *g, uint32_t v,
					    uint32_t key)
{
	const struct property_set *set = &g->sets[g->vertices[v].props];

	for (uint32_t i = 0; i < set->count; i++)
		if (g->properties[set->first + i].key == key)
			return &g->properties[set->first + i];
	return NULL;
}

bool graph_has_property(const struct graph *g, uint32_t v, uint32_t key)
{
	return find_property(g, v, key);
}

const char *graph_property(const struct graph *g, uint32_t v, const char *key)
{
	uint32_t k = strings_find(&g->strings, key);
	const struct property *p = k == STRING_NONE ? NULL :
		find_property(g, v, k);

	return p ? graph_string(g, p->value) : NULL;
}

int graph_set_property(struct graph *g, uint32_t v, const char *key,
		       const char *value)
{
	int64_t set = graph_property_change(g, g->vertices[v].props, key,
					    value);

	if (set < 0)
		return -1;
	g->vertices[v].props = (uint32_t)set;
	g->changes++;
	return 0;
}

/* ---- vertices and edges ---- */

struct vertex *graph_add(struct graph *g, uint32_t parent, int type)
{
	struct vertex *v;

	if (g->count == g->size) {
		uint32_t size = g->size ? g->size + g->size / 2 : 64;
		struct vertex *all = reallocarray(g->vertices, size,
						  sizeof(*all));

		if (!all)
			return NULL;
		g->vertices = all;
		g->size = size;
	}
	if (g->count == GRAPH_VERTICES_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	v = &g->vertices[g->count];
	*v = (struct vertex) { .parent = parent, .id = -1, .size = 1,
		.rank = GRAPH_NO_RANK, .type = (uint16_t)type,
		.label = g->count };
	g->count++;
	return v;
}

int graph_subsystem(struct graph *g, const char *name)
{
	uint32_t string = strings_add(&g->strings, name);
	struct subsystem *s;

	if (string == STRING_NONE)
		return -1;
	for (uint32_t i = 0; i < g->subsystem_count; i++)
		if (g->subsystems[i].name == string)
			return (int)i;
	s = reallocarray(g->subsystems, g->subsystem_count + 1, sizeof(*s));
	if (!s)
		return -1;
	g->subsystems = s;
	s[g->subsystem_count] = (struct subsystem) { .name = string };
	return (int)g->subsystem_count++;
}

int graph_connect(struct graph *g, int subsystem, uint32_t source,
		  uint32_t target)
{
	struct subsystem *s = &g->subsystems[subsystem];

	if (s->count == s->size) {
		size_t size = s->size * 2 + 16;
		struct edge *down = reallocarray(s->down, size,
						 sizeof(*down));

		if (!down)
			return -1;
		s->down = down;
		s->size = size;
	}
	s->down[s->count++] = (struct edge) { source, target };
	return 0;
}

/* ---- names and places ---- */

const char *graph_type_name(const struct graph *g, uint32_t v)
{
	return graph_string(g, g->types[g->vertices[v].type].name);
}

const char *graph_name(const struct graph *g, uint32_t v,
		       char buf[GRAPH_NAME_SIZE])
{
	const struct vertex *vertex = &g->vertices[v];
	const char *base;

	if (vertex->name)
		return graph_string(g, vertex->name);
	base = graph_string(g, vertex->basename ? vertex->basename :
			    g->types[vertex->type].name);
	if (vertex->id < 0)
		return base;
	snprintf(buf, GRAPH_NAME_SIZE, "%s%d", base, vertex->id);
	return buf;
}

char *graph_path(const struct graph *g, uint32_t v)
{
	uint32_t way[GRAPH_DEPTH_MAX + 1];
	char buf[GRAPH_NAME_SIZE], *path = NULL;
	unsigned n = 0;
	size_t len;
	FILE *f = open_memstream(&path, &len);

	if (!f)
		return NULL;
	for (; v != GRAPH_NONE && n <= GRAPH_DEPTH_MAX;
	     v = g->vertices[v].parent)
		way[n++] = v;
	while (n-- > 0)
		fprintf(f, "/%s", graph_name(g, way[n], buf));
	if (fclose(f)) {
		free(path);
		path = NULL;
	}
	return path;
}

/* The first edge of EDGES whose SOURCE (or TARGET, if UP) is V. */
static size_t find_edge(const struct subsystem *s, uint32_t v, bool up)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((up ? s->up[mid].target : s->down[mid].source) < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

char *graph_path_in(const struct graph *g, uint32_t subsystem, uint32_t v)
{
	const struct subsystem *s = &g->subsystems[subsystem];
	uint32_t way[GRAPH_DEPTH_MAX + 1];
	char buf[GRAPH_NAME_SIZE], *path = NULL;
	size_t i = find_edge(s, v, false), len;
	unsigned n = 0;
	FILE *f;

	if (i == s->count || s->down[i].source != v) {
		i = find_edge(s, v, true);
		if (i == s->count || s->up[i].target != v) {
			errno = ENOENT;
			return NULL;
		}
	}
	do {
		way[n++] = v;
		i = find_edge(s, v, true);
		v = i < s->count && s->up[i].target == v ? s->up[i].source :
		    GRAPH_NONE;
	} while (v != GRAPH_NONE && n <= GRAPH_DEPTH_MAX);
	f = open_memstream(&path, &len);
	if (!f)
		return NULL;
	while (n-- > 0)
		fprintf(f, "/%s", graph_name(g, way[n], buf));
	if (fclose(f)) {
		free(path);
		path = NULL;
	}
	return path;
}

/* The child of PARENT (or root) with this name. */
static uint32_t find_child(const struct graph *g, uint32_t parent,
			   const char *name, size_t len)
{
	uint32_t v = parent == GRAPH_NONE ? 0 : parent + 1;
	uint32_t end = parent == GRAPH_NONE ? g->count :
		       g->vertices[parent].end;
	char buf[GRAPH_NAME_SIZE];

	for (; v < end; v = g->vertices[v].end) {
		const char *have = graph_name(g, v, buf);

		if (!strncmp(have, name, len) && !have[len])
			return v;
	}
	return GRAPH_NONE;
}

uint32_t graph_find_path(const struct graph *g, const char *path)
{
	uint32_t v = GRAPH_NONE;

	if (*path != '/')
		return GRAPH_NONE;
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		v = find_child(g, v, path, len);
		if (v == GRAPH_NONE)
			return v;
		path += len;
	}
	return v;
}

uint32_t graph_find_below(const struct graph *g, uint32_t v, const char *path)
{
	while (*path && v != GRAPH_NONE) {
		size_t len = strcspn(path, "/");

		v = find_child(g, v, path, len);
		path += len;
		path += *path == '/';
	}
	return v;
}

int graph_rank(const struct graph *g, uint32_t v)
{
	for (; v != GRAPH_NONE; v = g->vertices[v].parent)
		if (g->vertices[v].rank != GRAPH_NO_RANK)
			return g->vertices[v].rank;
	return GRAPH_NO_RANK;
}

uint32_t graph_find_rank(const struct graph *g, unsigned rank)
{
	uint32_t lo = 0, hi = g->rank_count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((unsigned)g->vertices[g->by_rank[mid]].rank < rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < g->rank_count &&
	    (unsigned)g->vertices[g->by_rank[lo]].rank == rank)
		return g->by_rank[lo];
	return GRAPH_NONE;
}

uint32_t graph_node_of(const struct graph *g, uint32_t v)
{
	while (v != GRAPH_NONE && g->vertices[v].type != g->node_type)
		v = g->vertices[v].parent;
	return v;
}

/* The first place in by_type from LO to before HI whose vertex is not before
 * V. */
static uint32_t place(const struct graph *g, uint32_t lo, uint32_t hi,
		      uint32_t v)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (g->by_type[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void graph_slice(const struct graph *g, uint32_t v, uint32_t type,
		 uint32_t *from, uint32_t *to)
{
	const struct vertex_type *t = &g->types[type];
	uint32_t last = t->first + t->count;

	if (v == 0) {
		*from = t->first;
		*to = place(g, t->first, last, g->inside);
		return;
	}
	*from = place(g, t->first, last, v);
	*to = place(g, *from, last, g->vertices[v].end);
}

/* ---- changing ---- */

void graph_set_down(struct graph *g, uint32_t v, bool down)
{
	int step = down ? 1 : -1;

	if (g->vertices[v].is_down == down)
		return;
	g->vertices[v].is_down = down;
	for (uint32_t i = v; i < g->vertices[v].end; i++) {
		g->vertices[i].down = (uint16_t)(g->vertices[i].down + step);
		if (g->vertices[i].group)
			graph_group(g, g->vertices[i].group)->down =
				g->vertices[i].down;
	}
	for (v = g->vertices[v].parent; v != GRAPH_NONE;
	     v = g->vertices[v].parent)
		graph_group(g, g->vertices[v].group)->down_below += step;
}

size_t graph_bytes(const struct graph *g)
{
	size_t bytes = sizeof(*g) + g->size * sizeof(*g->vertices);

	bytes += g->count * sizeof(*g->by_type);
	bytes += g->group_count * (g->group_stride +
				   g->tracked * sizeof(*g->totals));
	bytes += planner_pool_bytes(g->leaf_pool);
	bytes += planner_pool_bytes(g->group_pool);
	for (uint32_t i = 0; i < g->subsystem_count; i++)
		bytes += 2 * g->subsystems[i].count * sizeof(struct edge);
	return bytes + g->strings.size;
}
