/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering what jobs have, and taking it out again. See match_impl.h.
 *
 * Picks are in the order of the graph, so one pass does, with the vertices
 * above the pick at hand on a stack: each gets, when it is left, the sum of
 * what is used beneath it, at once.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/match_impl.h"

struct level {
	uint32_t vertex;
	int64_t used[PLANNER_KINDS_MAX];	/* as in its calendar */
};

struct pass {
	struct graph *g;
	int64_t start, end;
	bool held;
	int sign;		/* 1: enter, -1: leave, 0: only count */
	size_t leaves, groups;	/* calendars that change */
	struct level stack[GRAPH_DEPTH_MAX];
	unsigned depth;
};

static void note_change(struct pass *p, const struct vertex *v)
{
	struct graph *g = p->g;

	uint32_t node = v->group - g->types[v->type].group;

	if (!g->changed || v->type != g->node_type || !v->group)
		return;
	if (g->changed_count == g->changed_size) {
		g->changed_first += g->changed_count;
		g->changed_count = 0;
	}
	g->changed_last[node] = g->changed_count;
	g->changed[g->changed_count++] = (struct node_change) { p->start,
		p->end, node };
}

static void change_calendar(struct pass *p, uint32_t v, const int64_t *used)
{
	struct vertex *vertex = &p->g->vertices[v];
	struct planner_pool *pool = vertex->group ? p->g->group_pool :
				    p->g->leaf_pool;

	if (p->sign == 0) {
		if (vertex->group)
			p->groups++;
		else
			p->leaves++;
	} else if (p->sign > 0) {
		/* room was made before */
		int rc = planner_add(pool, &vertex->planner, p->start, p->end,
				     used);
		assert(rc == 0);
	} else {
		planner_remove(pool, &vertex->planner, p->start, p->end,
			       used);
	}
	if (p->sign)
		note_change(p, vertex);
}

/* V is shared, and USED of what is beneath it. */
static void change_shared(struct pass *p, uint32_t v, const int64_t *used)
{
	uint32_t index = p->g->vertices[v].group;

	change_calendar(p, v, used);
	if (!p->held || !p->sign)
		return;
	*graph_held(p->g, v) += (uint32_t)p->sign;
	for (unsigned k = 0; index && k < p->g->tracked; k++) {
		struct group *group = graph_group(p->g, index);

		group->free[k] -= p->sign * used[1 + k];
		assert(group->free[k] >= 0 && group->free[k] <=
		       graph_totals(p->g, index)[k]);
	}
}

static void hold_alone(struct pass *p, uint32_t v)
{
	struct graph *g = p->g;

	for (uint32_t i = v; i < g->vertices[v].end; i++) {
		uint32_t index = g->vertices[i].group;
		uint32_t *held = graph_held(g, i);

		if (p->sign > 0)
			assert(!(*held & (HELD_EXCLUSIVE | HELD_JOBS)));
		*held = p->sign > 0 ? *held | HELD_EXCLUSIVE :
			*held & ~HELD_EXCLUSIVE;
		for (unsigned k = 0; index && k < g->tracked; k++)
			graph_group(g, index)->free[k] = p->sign > 0 ? 0 :
				graph_totals(g, index)[k];
	}
}

/* V is had alone; sets USED to what that takes. */
static void change_alone(struct pass *p, uint32_t v, int64_t *used)
{
	const struct graph *g = p->g;
	const struct vertex *vertex = &g->vertices[v];
	int tracked = g->types[vertex->type].tracked;

	memset(used, 0, sizeof(*used) * (1 + g->tracked));
	used[0] = MATCH_ALONE;
	if (vertex->group)
		memcpy(used + 1, graph_totals(g, vertex->group),
		       sizeof(*used) * g->tracked);
	else if (tracked >= 0)
		used[1 + tracked] = vertex->size;
	change_calendar(p, v, used);
	if (p->held && p->sign)
		hold_alone(p, v);
}

static void add_used(struct pass *p, const int64_t *used)
{
	struct level *top = p->depth ? &p->stack[p->depth - 1] : NULL;

	for (unsigned k = 1; top && k <= p->g->tracked; k++)
		top->used[k] += used[k];
}

static void leave_level(struct pass *p)
{
	struct level *top = &p->stack[--p->depth];

	change_shared(p, top->vertex, top->used);
	add_used(p, top->used);
}

/* Onto the stack: all above V, and V itself if SELF, that are not there. */
static void enter_levels(struct pass *p, uint32_t v, bool self)
{
	uint32_t way[GRAPH_DEPTH_MAX], n = 0;
	uint32_t top = p->depth ? p->stack[p->depth - 1].vertex : GRAPH_NONE;

	if (!self)
		v = p->g->vertices[v].parent;
	for (; v != GRAPH_NONE && v != top; v = p->g->vertices[v].parent)
		way[n++] = v;
	while (n > 0) {
		struct level *l = &p->stack[p->depth++];

		memset(l, 0, sizeof(*l));
		l->vertex = way[--n];
		l->used[0] = 1;
	}
}

static void run(struct pass *p, const struct match_pick *picks,
		uint32_t count)
{
	const struct graph *g = p->g;
	int64_t used[PLANNER_KINDS_MAX];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t v = picks[i].vertex;
		int tracked = g->types[g->vertices[v].type].tracked;

		while (p->depth && g->vertices[
		       p->stack[p->depth - 1].vertex].end <= v)
			leave_level(p);
		enter_levels(p, v, !picks[i].alone);
		if (picks[i].alone) {
			change_alone(p, v, used);
			add_used(p, used);
		} else if (picks[i].units && tracked >= 0) {
			p->stack[p->depth - 1].used[1 + tracked] +=
				picks[i].units;
		}
	}
	while (p->depth)
		leave_level(p);
}

int match_enter(struct graph *g, const struct match_pick *picks,
		uint32_t count, int64_t start, int64_t end, bool held)
{
	struct pass p = { .g = g, .start = start, .end = end, .held = held };

	if (start >= end) {
		errno = EINVAL;
		return -1;
	}
	run(&p, picks, count);
	if (planner_reserve(g->leaf_pool, p.leaves) < 0 ||
	    planner_reserve(g->group_pool, p.groups) < 0)
		return -1;
	p.sign = 1;
	run(&p, picks, count);
	return 0;
}

void match_leave(struct graph *g, const struct match_pick *picks,
		 uint32_t count, int64_t start, int64_t end, bool held)
{
	struct pass p = { .g = g, .start = start, .end = end, .held = held,
			  .sign = -1 };

	run(&p, picks, count);
}

static int by_vertex(const void *a, const void *b)
{
	const struct match_pick *p = a, *q = b;

	if (p->vertex != q->vertex)
		return p->vertex < q->vertex ? -1 : 1;
	return q->alone - p->alone;
}

uint32_t match_sort_picks(const struct graph *g, struct match_pick *picks,
			  uint32_t count)
{
	uint32_t n = 0, end = 0;	/* of the last that is had alone */

	for (uint32_t i = 1; i < count; i++)
		if (by_vertex(&picks[i - 1], &picks[i]) > 0) {
			qsort(picks, count, sizeof(*picks), by_vertex);
			break;
		}
	for (uint32_t i = 0; i < count; i++) {
		if (picks[i].vertex < end)
			continue;
		if (n && picks[n - 1].vertex == picks[i].vertex) {
			picks[n - 1].units += picks[i].units;
			continue;
		}
		if (picks[i].alone)
			end = g->vertices[picks[i].vertex].end;
		picks[n++] = picks[i];
	}
	return n;
}
