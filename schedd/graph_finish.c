/* SPDX-License-Identifier: Apache-2.0 */
/* Ordering a graph: from vertices in the order they came to a tree in one
 * array, its lists by type and rank, and its groups. See graph.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph.h"

#define UNITS_MAX	(1ll << 60)	/* of a type, in total */

static int no_memory(struct proto_error *err)
{
	return proto_error_set(err, ENOMEM, "out of memory");
}

/* ---- the tree ---- */

struct layout {
	struct graph *g;
	uint32_t *first;	/* of V's children in child; count + 2 */
	uint32_t *child;
	uint32_t *order;	/* old index by new */
	uint32_t *place;	/* new index by old, GRAPH_NONE: not yet */
	uint32_t placed;
};

static int compare_siblings(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct vertex *v = &g->vertices[i], *w = &g->vertices[j];

	if (v->type != w->type)
		return v->type < w->type ? -1 : 1;
	if (v->id != w->id)
		return v->id < w->id ? -1 : 1;
	return i < j ? -1 : i > j;
}

static bool same_name(const struct graph *g, uint32_t v, uint32_t w)
{
	char a[GRAPH_NAME_SIZE], b[GRAPH_NAME_SIZE];

	return !strcmp(graph_name(g, v, a), graph_name(g, w, b));
}

/* Children by parent, those of no parent as of the vertex after the last. */
static void gather_children(struct layout *l)
{
	const struct graph *g = l->g;

	for (uint32_t v = 0; v < g->count; v++) {
		uint32_t p = g->vertices[v].parent;

		l->first[(p == GRAPH_NONE ? g->count : p) + 1]++;
	}
	for (uint32_t v = 0; v <= g->count; v++)
		l->first[v + 1] += l->first[v];
	for (uint32_t v = g->count; v-- > 0;) {
		uint32_t p = g->vertices[v].parent;

		l->child[--l->first[(p == GRAPH_NONE ? g->count : p) + 1]] = v;
	}
	/* what was the end of each is now its beginning */
	memmove(l->first, l->first + 1, (g->count + 1) * sizeof(*l->first));
	l->first[g->count + 1] = g->count;
}

static int sort_children(struct layout *l, uint32_t parent,
			 struct proto_error *err)
{
	struct graph *g = l->g;
	uint32_t *list = l->child + l->first[parent];
	uint32_t n = l->first[parent + 1] - l->first[parent];
	char buf[GRAPH_NAME_SIZE];

	for (uint32_t i = 1; i < n; i++)
		if (compare_siblings(&list[i - 1], &list[i], g) > 0) {
			qsort_r(list, n, sizeof(*list), compare_siblings, g);
			break;
		}
	for (uint32_t i = 1; i < n; i++)
		if (g->vertices[list[i]].id == g->vertices[list[i - 1]].id &&
		    g->vertices[list[i]].type ==
		    g->vertices[list[i - 1]].type &&
		    same_name(g, list[i], list[i - 1]))
			return proto_error_set(err, EINVAL, "%s: two of that "
				"name in the same place",
				graph_name(g, list[i], buf));
	return 0;
}

/* Places V and all beneath it. */
static int place_tree(struct layout *l, uint32_t root,
		      struct proto_error *err)
{
	uint32_t stack[GRAPH_DEPTH_MAX], next[GRAPH_DEPTH_MAX];
	struct graph *g = l->g;
	char buf[GRAPH_NAME_SIZE];
	int depth = 0;

	stack[0] = root;
	next[0] = l->first[root];
	l->place[root] = l->placed;
	l->order[l->placed++] = root;
	if (sort_children(l, root, err) < 0)
		return -1;
	while (depth >= 0) {
		uint32_t v = stack[depth];

		if (next[depth] == l->first[v + 1]) {
			g->vertices[v].end = l->placed;
			depth--;
			continue;
		}
		if (++depth == GRAPH_DEPTH_MAX)
			return proto_error_set(err, EINVAL, "%s: nested deeper "
				"than %d levels", graph_name(g, v, buf),
				GRAPH_DEPTH_MAX);
		v = l->child[next[depth - 1]++];
		stack[depth] = v;
		next[depth] = l->first[v];
		l->place[v] = l->placed;
		l->order[l->placed++] = v;
		if (sort_children(l, v, err) < 0)
			return -1;
	}
	return 0;
}

/* The one vertex without parent that has children; the first, if none has. */
static int find_root(const struct layout *l, uint32_t *root,
		     struct proto_error *err)
{
	const struct graph *g = l->g;
	char a[GRAPH_NAME_SIZE], b[GRAPH_NAME_SIZE];
	uint32_t from = l->first[g->count], to = l->first[g->count + 1];

	*root = GRAPH_NONE;
	for (uint32_t i = from; i < to; i++) {
		uint32_t v = l->child[i];

		if (l->first[v] == l->first[v + 1])
			continue;
		if (*root != GRAPH_NONE)
			return proto_error_set(err, EINVAL, "containment has "
				"two roots, %s and %s",
				graph_name(g, *root, a), graph_name(g, v, b));
		*root = v;
	}
	if (*root == GRAPH_NONE && from < to)
		*root = l->child[from];
	if (*root == GRAPH_NONE)
		return proto_error_set(err, EINVAL, g->count ?
				       "containment has no root" :
				       "there are no resources");
	return 0;
}

static int place_all(struct layout *l, struct proto_error *err)
{
	struct graph *g = l->g;
	char buf[GRAPH_NAME_SIZE];
	uint32_t root;

	gather_children(l);
	if (find_root(l, &root, err) < 0 || place_tree(l, root, err) < 0)
		return -1;
	g->inside = l->placed;
	for (uint32_t i = l->first[g->count]; i < l->first[g->count + 1]; i++)
		if (l->child[i] != root &&
		    place_tree(l, l->child[i], err) < 0)
			return -1;
	for (uint32_t v = 0; v < g->count; v++)
		if (l->place[v] == GRAPH_NONE)
			return proto_error_set(err, EINVAL, "%s: it is beneath "
				"itself", graph_name(g, v, buf));
	return 0;
}

static int move_vertices(struct layout *l)
{
	struct graph *g = l->g;
	struct vertex *all = malloc(g->count * sizeof(*all));

	if (!all)
		return -1;
	for (uint32_t i = 0; i < g->count; i++) {
		all[i] = g->vertices[l->order[i]];
		if (all[i].parent != GRAPH_NONE)
			all[i].parent = l->place[all[i].parent];
	}
	free(g->vertices);
	g->vertices = all;
	g->size = g->count;
	for (uint32_t s = 0; s < g->subsystem_count; s++)
		for (size_t i = 0; i < g->subsystems[s].count; i++) {
			struct edge *e = &g->subsystems[s].down[i];

			e->source = l->place[e->source];
			e->target = l->place[e->target];
		}
	return 0;
}

static int order_vertices(struct graph *g, struct proto_error *err)
{
	struct layout l = { .g = g };
	int rc = -1;

	l.first = calloc((size_t)g->count + 2, sizeof(*l.first));
	l.child = calloc((size_t)g->count + 1, sizeof(*l.child));
	l.order = calloc((size_t)g->count + 1, sizeof(*l.order));
	l.place = malloc(((size_t)g->count + 1) * sizeof(*l.place));
	if (!l.first || !l.child || !l.order || !l.place) {
		no_memory(err);
	} else {
		memset(l.place, 0xff, (g->count + 1) * sizeof(*l.place));
		rc = place_all(&l, err);
		if (!rc && move_vertices(&l) < 0)
			rc = no_memory(err);
	}
	free(l.first);
	free(l.child);
	free(l.order);
	free(l.place);
	return rc;
}

/* ---- edges of other subsystems ---- */

static int by_source(const void *a, const void *b)
{
	const struct edge *p = a, *q = b;

	if (p->source != q->source)
		return p->source < q->source ? -1 : 1;
	return p->target < q->target ? -1 : p->target > q->target;
}

static int by_target(const void *a, const void *b)
{
	const struct edge *p = a, *q = b;

	if (p->target != q->target)
		return p->target < q->target ? -1 : 1;
	return p->source < q->source ? -1 : p->source > q->source;
}

static int order_edges(struct graph *g, struct proto_error *err)
{
	char a[GRAPH_NAME_SIZE], b[GRAPH_NAME_SIZE];

	for (uint32_t i = 0; i < g->subsystem_count; i++) {
		struct subsystem *s = &g->subsystems[i];

		s->up = malloc((s->count + 1) * sizeof(*s->up));
		if (!s->up)
			return no_memory(err);
		if (!s->count)
			continue;
		qsort(s->down, s->count, sizeof(*s->down), by_source);
		memcpy(s->up, s->down, s->count * sizeof(*s->up));
		qsort(s->up, s->count, sizeof(*s->up), by_target);
		for (size_t e = 1; e < s->count; e++)
			if (!by_source(&s->down[e - 1], &s->down[e]))
				return proto_error_set(err, EINVAL, "%s: two "
					"edges from %s to %s",
					graph_string(g, s->name),
					graph_name(g, s->down[e].source, a),
					graph_name(g, s->down[e].target, b));
	}
	return 0;
}

static bool in_subsystem(const struct graph *g, uint32_t v)
{
	for (uint32_t i = 0; i < g->subsystem_count; i++) {
		char *path = graph_path_in(g, i, v);

		free(path);
		if (path)
			return true;
	}
	return false;
}

static int check_outside(const struct graph *g, struct proto_error *err)
{
	char buf[GRAPH_NAME_SIZE];

	for (uint32_t v = g->inside; v < g->count; v++)
		if (!in_subsystem(g, v))
			return proto_error_set(err, EINVAL, "%s: it is "
				"connected to nothing",
				graph_name(g, v, buf));
	return 0;
}

/* ---- lists by type and rank ---- */

static void mark_below_nodes(struct graph *g)
{
	uint32_t end = 0;	/* of the node at hand */

	for (uint32_t t = 0; t < g->type_count; t++)
		g->types[t].below_node = t != g->node_type;
	for (uint32_t v = 0; v < g->count; v++) {
		if (v >= end && g->vertices[v].type == g->node_type)
			end = g->vertices[v].end;
		else if (v >= end)
			g->types[g->vertices[v].type].below_node = false;
	}
}

static int list_types(struct graph *g, struct proto_error *err)
{
	uint32_t next = 0;

	g->by_type = malloc(g->count * sizeof(*g->by_type));
	if (!g->by_type)
		return no_memory(err);
	for (uint32_t t = 0; t < g->type_count; t++) {
		g->types[t].unit_size = true;
		g->types[t].count = 0;
	}
	for (uint32_t v = 0; v < g->count; v++) {
		struct vertex_type *t = &g->types[g->vertices[v].type];

		t->count++;
		if (g->vertices[v].size != 1)
			t->unit_size = false;
		if (g->vertices[v].end > v + 1 || g->vertices[v].size != 1)
			t->grouped = true;
	}
	for (uint32_t t = 0; t < g->type_count; t++) {
		g->types[t].first = next;
		next += g->types[t].count;
		g->types[t].count = 0;
	}
	for (uint32_t v = 0; v < g->count; v++) {
		struct vertex_type *t = &g->types[g->vertices[v].type];

		g->by_type[t->first + t->count++] = v;
	}
	if (g->node_type == GRAPH_NONE)
		return 0;
	g->types[g->node_type].grouped = true;
	mark_below_nodes(g);
	for (uint32_t i = 0; i < g->types[g->node_type].count; i++) {
		uint32_t v = g->by_type[g->types[g->node_type].first + i];

		for (; v != GRAPH_NONE; v = g->vertices[v].parent)
			g->types[g->vertices[v].type].above_node = true;
	}
	return 0;
}

static int compare_ranks(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	int i = g->vertices[*(const uint32_t *)a].rank;
	int j = g->vertices[*(const uint32_t *)b].rank;

	return i < j ? -1 : i > j;
}

/* A vertex whose rank is that of one above it does not count. */
static int list_ranks(struct graph *g, struct proto_error *err)
{
	char a[GRAPH_NAME_SIZE], b[GRAPH_NAME_SIZE];
	uint32_t n = 0, v;

	for (v = 0; v < g->count; v++)
		if (g->vertices[v].rank != GRAPH_NO_RANK &&
		    (g->vertices[v].parent == GRAPH_NONE ||
		     graph_rank(g, g->vertices[v].parent) !=
		     g->vertices[v].rank))
			n++;
	g->by_rank = malloc((n + 1) * sizeof(*g->by_rank));
	if (!g->by_rank)
		return no_memory(err);
	for (v = 0; v < g->count; v++)
		if (g->vertices[v].rank != GRAPH_NO_RANK &&
		    (g->vertices[v].parent == GRAPH_NONE ||
		     graph_rank(g, g->vertices[v].parent) !=
		     g->vertices[v].rank))
			g->by_rank[g->rank_count++] = v;
	for (v = 1; v < n; v++)
		if (compare_ranks(&g->by_rank[v - 1], &g->by_rank[v], g) > 0) {
			qsort_r(g->by_rank, n, sizeof(*g->by_rank),
				compare_ranks, g);
			break;
		}
	for (v = 1; v < n; v++)
		if (!compare_ranks(&g->by_rank[v - 1], &g->by_rank[v], g))
			return proto_error_set(err, EINVAL, "%s and %s have "
				"the same rank, %d",
				graph_name(g, g->by_rank[v - 1], a),
				graph_name(g, g->by_rank[v], b),
				g->vertices[g->by_rank[v]].rank);
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;

	return i < j ? -1 : i > j;
}

/* The ids of TYPE beneath each vertex with a rank, which R names them by. */
static int check_ids(const struct graph *g, const char *type,
		     struct proto_error *err)
{
	uint32_t t = graph_find_type(g, type), from, to;
	char buf[GRAPH_NAME_SIZE];
	int32_t *ids;

	if (t == GRAPH_NONE)
		return 0;
	ids = malloc((g->types[t].count + 1) * sizeof(*ids));
	if (!ids)
		return no_memory(err);
	for (uint32_t r = 0; r < g->rank_count; r++) {
		bool sorted = true;

		graph_slice(g, g->by_rank[r], t, &from, &to);
		for (uint32_t i = from; i < to; i++) {
			ids[i - from] = g->vertices[g->by_type[i]].id;
			if (i > from && ids[i - from] <= ids[i - from - 1])
				sorted = false;
		}
		if (sorted)
			continue;
		qsort(ids, to - from, sizeof(*ids), compare_ids);
		for (uint32_t i = 1; i < to - from; i++)
			if (ids[i] == ids[i - 1]) {
				int32_t id = ids[i];

				free(ids);
				return proto_error_set(err, EINVAL, "%s: it "
					"has %s %d twice", graph_name(g,
					g->by_rank[r], buf), type, id);
			}
	}
	free(ids);
	return 0;
}

/* ---- groups ---- */

static int track(struct graph *g, uint32_t type)
{
	struct vertex_type *t = &g->types[type];

	if (t->tracked < 0 && g->tracked < GRAPH_TRACKED_MAX) {
		t->tracked = (int)g->tracked;
		g->tracked_types[g->tracked++] = (uint16_t)type;
	}
	return t->tracked;
}

/* One HIGH:LOW of the filters, which ends at END. */
static int add_filter(struct graph *g, const char *word, const char *end,
		      struct proto_error *err)
{
	char high[64], low[64];
	const char *colon = memchr(word, ':', (size_t)(end - word));
	uint32_t h, l;
	int i;

	if (!colon || colon == word || colon + 1 == end ||
	    colon - word >= 64 || end - colon > 64)
		return proto_error_set(err, EINVAL, "filter '%.*s': it must "
				       "be HIGH:LOW, names of types",
				       (int)(end - word), word);
	snprintf(high, sizeof(high), "%.*s", (int)(colon - word), word);
	snprintf(low, sizeof(low), "%.*s", (int)(end - colon - 1), colon + 1);
	l = graph_find_type(g, low);
	h = graph_find_type(g, high);
	if (l == GRAPH_NONE || (h == GRAPH_NONE && strcmp(high, "ALL")))
		return 0;
	i = track(g, l);
	if (i < 0)
		return proto_error_set(err, EINVAL, "filter '%s:%s': more "
				       "than %d types", high, low,
				       GRAPH_TRACKED_MAX);
	for (uint32_t t = 0; t < g->type_count; t++)
		if (h == GRAPH_NONE || t == h)
			g->types[t].filters |= 1u << i;
	return 0;
}

static int add_filters(struct graph *g, const char *filters,
		       struct proto_error *err)
{
	char text[1024];
	size_t n = 0;

	for (const char *p = filters; *p; p++) {
		if (*p == ' ' || *p == '\t')
			continue;
		if (n == sizeof(text) - 1)
			return proto_error_set(err, EINVAL, "filters: longer "
					       "than %zu bytes",
					       sizeof(text) - 1);
		text[n++] = *p;
	}
	text[n] = '\0';
	for (const char *p = text; n; p++) {
		const char *end = strchrnul(p, ',');

		if (add_filter(g, p, end, err) < 0)
			return -1;
		if (!*end)
			break;
		p = end;
	}
	/* units that are given out one by one are counted in any case */
	for (uint32_t t = 0; t < g->type_count; t++)
		if (!g->types[t].unit_size)
			track(g, t);
	return 0;
}

static int sum_totals(struct graph *g, struct proto_error *err)
{
	char buf[GRAPH_NAME_SIZE];

	for (uint32_t v = g->count; v-- > 0;) {
		const struct vertex *vertex = &g->vertices[v];
		int tracked = g->types[vertex->type].tracked;
		uint32_t p = vertex->parent == GRAPH_NONE ? 0 :
			     g->vertices[vertex->parent].group;
		int64_t *up = g->totals + (size_t)p * g->tracked;
		int64_t *own = g->totals + (size_t)vertex->group * g->tracked;

		if (vertex->group && tracked >= 0)
			own[tracked] += vertex->size;
		for (unsigned k = 0; p && vertex->group && k < g->tracked; k++)
			up[k] += own[k];
		if (p && !vertex->group && tracked >= 0)
			up[tracked] += vertex->size;
		for (unsigned k = 0; p && k < g->tracked; k++)
			if (up[k] > UNITS_MAX)
				return proto_error_set(err, EINVAL, "%s: more "
					"units than can be counted",
					graph_name(g, vertex->parent, buf));
	}
	return 0;
}

static void find_most(struct graph *g)
{
	for (uint32_t t = 0; t < g->type_count; t++) {
		struct vertex_type *type = &g->types[t];

		for (uint32_t i = 0; type->grouped && i < type->count; i++) {
			const int64_t *have = graph_totals(g, type->group + i);

			for (unsigned k = 0; k < g->tracked; k++)
				if (have[k] > type->most[k])
					type->most[k] = have[k];
		}
	}
}

static int make_groups(struct graph *g, struct proto_error *err)
{
	uint32_t n = 1;

	for (uint32_t t = 0; t < g->type_count; t++) {
		if (!g->types[t].grouped)
			continue;
		g->types[t].group = n;
		n += g->types[t].count;
	}
	g->group_count = n;
	g->group_stride = sizeof(struct group) + g->tracked * sizeof(int64_t);
	g->groups = calloc(n, g->group_stride);
	g->totals = calloc((size_t)n * g->tracked + 1, sizeof(*g->totals));
	g->leaf_pool = planner_pool_create(1);
	g->group_pool = planner_pool_create(1 + g->tracked);
	if (!g->groups || !g->totals || !g->leaf_pool || !g->group_pool)
		return no_memory(err);
	for (uint32_t t = 0; t < g->type_count; t++)
		for (uint32_t i = 0; g->types[t].grouped &&
		     i < g->types[t].count; i++) {
			uint32_t v = g->by_type[g->types[t].first + i];

			g->vertices[v].group = g->types[t].group + i;
			graph_group(g, g->types[t].group + i)->vertex = v;
		}
	if (sum_totals(g, err) < 0)
		return -1;
	find_most(g);
	for (uint32_t i = 1; i < n; i++)
		memcpy(graph_group(g, i)->free, graph_totals(g, i),
		       g->tracked * sizeof(int64_t));
	return 0;
}

int graph_finish(struct graph *g, const char *filters,
		 struct proto_error *err)
{
	if (order_vertices(g, err) < 0 || order_edges(g, err) < 0 ||
	    check_outside(g, err) < 0 || list_types(g, err) < 0 ||
	    list_ranks(g, err) < 0 || check_ids(g, "core", err) < 0 ||
	    check_ids(g, "gpu", err) < 0 ||
	    add_filters(g, filters ? filters : GRAPH_FILTERS, err) < 0 ||
	    make_groups(g, err) < 0)
		return -1;
	for (uint32_t v = 0; v < g->count; v++)
		if (g->vertices[v].is_down) {
			g->vertices[v].is_down = false;
			graph_set_down(g, v, true);
		}
	return 0;
}
