/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt to match a request at one time. See match_impl.h.
 *
 * Requests are fulfilled one after the other, and what was picked for one is
 * not given up for another. What is wanted beneath nodes is looked for node
 * by node, so that a slot is in one node and a node that has not enough free
 * is passed by with a look at its group.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/match_impl.h"

static int64_t take(struct match_walk *w, const struct request_item *r,
		    uint32_t in, int64_t want);
static bool take_children(struct match_walk *w, const struct request_item *r,
			  uint32_t in);

/* ---- marks ---- */

static void mark_above(struct graph *g, uint32_t v, int step)
{
	for (v = g->vertices[v].parent; v != GRAPH_NONE;
	     v = g->vertices[v].parent)
		graph_group(g, g->vertices[v].group)->picked += step;
}

static void mark(struct graph *g, const struct match_pick *p, bool on)
{
	const struct vertex *v = &g->vertices[p->vertex];
	uint32_t end = p->alone ? v->end : p->vertex + 1;

	/* a shared one with others beneath may be picked again */
	if (p->alone || v->end == p->vertex + 1)
		for (uint32_t i = p->vertex; i < end; i++) {
			uint32_t *held = graph_held(g, i);

			*held = on ? *held | HELD_PICKED :
				*held & ~HELD_PICKED;
		}
	else
		graph_group(g, v->group)->picked += on ? 1 : -1;
	mark_above(g, p->vertex, on ? 1 : -1);
}

static bool pick(struct match_walk *w, uint32_t v, bool alone, int64_t units)
{
	struct matcher *m = w->m;

	if (w->light)
		return true;
	if (m->pick_count == m->pick_size) {
		uint32_t size = m->pick_size ? m->pick_size * 2 : 256;
		struct match_pick *picks = reallocarray(m->picks, size,
							sizeof(*picks));

		if (!picks) {
			w->failed = true;
			return false;
		}
		m->picks = picks;
		m->pick_size = size;
	}
	m->picks[m->pick_count] = (struct match_pick) { v, alone, units };
	mark(w->g, &m->picks[m->pick_count++], true);
	return true;
}

void match_unpick(struct match_walk *w, uint32_t count)
{
	while (w->m->pick_count > count)
		mark(w->g, &w->m->picks[--w->m->pick_count], false);
}

/* ---- whether a vertex can be had ---- */

/* Nobody has V, or what it is in up to IN, alone at that time; if ALONE,
 * nobody has V at all. Beneath V, NEED is free. */
static bool calendar_fits(const struct match_walk *w, uint32_t v, bool alone,
			  uint32_t in, const int64_t *need)
{
	const struct graph *g = w->g;
	int64_t limit[PLANNER_KINDS_MAX];
	const struct vertex *vertex = &g->vertices[v];

	limit[0] = alone ? 0 : MATCH_ALONE - 1;
	if (!vertex->group) {
		if (!planner_fits(g->leaf_pool, vertex->planner, w->start,
				  w->end, limit))
			return false;
	} else {
		const int64_t *all = graph_totals(g, vertex->group);

		for (unsigned k = 0; k < g->tracked; k++)
			limit[1 + k] = need ? all[k] - need[k] : all[k];
		if (!planner_fits(g->group_pool, vertex->planner, w->start,
				  w->end, limit))
			return false;
	}
	for (unsigned k = 0; k < g->tracked; k++)
		limit[1 + k] = INT64_MAX / 2;
	limit[0] = MATCH_ALONE - 1;
	for (v = vertex->parent; v != in && v != GRAPH_NONE;
	     v = g->vertices[v].parent)
		if (!planner_fits(g->group_pool, g->vertices[v].planner,
				  w->start, w->end, limit))
			return false;
	return true;
}

static inline bool held_fits(const struct match_walk *w, uint32_t held,
			     bool alone)
{
	if (held & HELD_PICKED)
		return false;
	if (!w->now)
		return true;
	return alone ? !held : !(held & HELD_EXCLUSIVE);
}

/* Whether what is free beneath may do. FILTERS: the types to look at. */
static inline bool group_fits(const struct match_walk *w,
			      const struct group *group, uint32_t index,
			      uint32_t filters, const int64_t *need)
{
	const int64_t *have = w->now ? group->free :
			      graph_totals(w->g, index);

	for (unsigned k = 0; k < w->g->tracked; k++)
		if (filters & 1u << k && have[k] < need[k])
			return false;
	return true;
}

/* NEED may be NULL: nothing. */
static bool usable(const struct match_walk *w, uint32_t v, bool alone,
		   uint32_t in, const int64_t *need)
{
	const struct graph *g = w->g;
	const struct vertex *vertex = &g->vertices[v];
	const struct vertex_type *t = &g->types[vertex->type];

	if (!held_fits(w, *graph_held(g, v), alone))
		return false;
	if (vertex->group) {
		const struct group *group = graph_group(g, vertex->group);

		if (alone && group->picked)
			return false;
		if (!w->ideal && (group->down ||
				  (alone && group->down_below)))
			return false;
		if (need && !group_fits(w, group, vertex->group, t->filters,
					need))
			return false;
	}
	if (w->ideal)
		return true;
	return !vertex->down &&
	       (!w->ahead || calendar_fits(w, v, alone, in, need));
}

bool match_passes(const struct request *req, uint32_t node)
{
	return (!req->constraint || constraint_match(req->constraint, node)) &&
	       (!req->also || constraint_match(req->also, node));
}

/* Constraints are on nodes: that of V, or, if V is taken alone, all in it. */
static bool allowed(struct match_walk *w, uint32_t v, bool alone)
{
	const struct graph *g = w->g;
	uint32_t node, from, to;

	if ((!w->req->constraint && !w->req->also) ||
	    g->node_type == GRAPH_NONE)
		return true;
	node = graph_node_of(g, v);
	if (node != GRAPH_NONE) {
		if (w->asked != node)
			w->answer = match_passes(w->req, node);
		w->asked = node;
		return w->answer;
	}
	if (!alone || v >= g->inside)
		return true;
	graph_slice(g, v, g->node_type, &from, &to);
	for (; from < to; from++)
		if (!match_passes(w->req, g->by_type[from]))
			return false;
	return true;
}

/* ---- candidates ---- */

static struct match_candidate *add_candidate(struct match_walk *w, uint32_t v)
{
	struct matcher *m = w->m;

	if (m->list_count == m->list_size) {
		uint32_t size = m->list_size ? m->list_size * 2 : 1024;
		struct match_candidate *list = reallocarray(m->list, size,
							    sizeof(*list));

		if (!list) {
			w->failed = true;
			return NULL;
		}
		m->list = list;
		m->list_size = size;
	}
	m->list[m->list_count] = (struct match_candidate) { .vertex = v,
							    .fit = 1 };
	return &m->list[m->list_count++];
}

/* How many of one slot's needs a group may fulfil. */
static int32_t fit_of(const struct match_walk *w, uint32_t v,
		      const struct request_item *r)
{
	uint32_t index = w->g->vertices[v].group;
	const int64_t *have = w->now ? graph_group(w->g, index)->free :
			      graph_totals(w->g, index);
	int64_t fit = INT32_MAX;

	for (unsigned k = 0; index && k < w->g->tracked; k++)
		if (r->need[k] && have[k] / r->need[k] < fit)
			fit = have[k] / r->need[k];
	return fit == INT32_MAX ? 1 : (int32_t)fit;
}

/* The tracked type that a choice is about: the first that is needed. */
static int needed_type(const struct match_walk *w,
		       const struct request_item *r)
{
	for (unsigned k = 0; k < w->g->tracked; k++)
		if (r->need[k] && w->g->tracked_types[k] != w->g->node_type)
			return (int)k;
	return -1;
}

/* Whether V needs no closer look: quick, from its group alone. */
static inline bool glance(const struct match_walk *w,
			  const struct vertex_type *t, uint32_t place,
			  bool alone, const int64_t *need)
{
	uint32_t index = t->group + place;
	const struct group *group = graph_group(w->g, index);

	if (w->may && t == &w->g->types[w->g->node_type] &&
	    !(w->may[place / 64] >> place % 64 & 1))
		return false;
	if (!held_fits(w, group->held, alone) || (alone && group->picked) ||
	    (group->down && !w->ideal))
		return false;
	return group_fits(w, group, index, t->filters, need);
}

/* What is done with a candidate: R itself is taken, or, where it is looked
 * for node by node, R in the node V. Returns how many of R it gave. */
static int64_t try_vertex(struct match_walk *w, const struct request_item *r,
			  uint32_t v, uint32_t in, int64_t want);
static int64_t try_node(struct match_walk *w, const struct request_item *r,
			uint32_t v, uint32_t in, int64_t want);

struct search {
	const struct request_item *r;
	uint32_t type;		/* of candidates */
	uint32_t in;
	bool by_node;
	bool alone;		/* candidates are */
	int64_t want, got;
};

static bool try_one(struct match_walk *w, struct search *s, uint32_t v)
{
	s->got += s->by_node ?
		try_node(w, s->r, v, s->in, s->want - s->got) :
		try_vertex(w, s->r, v, s->in, s->want - s->got);
	return s->got < s->want && !w->failed;
}

/* Candidates one after the other in the order of the graph, or against it. */
static void search_slice(struct match_walk *w, struct search *s,
			 uint32_t from, uint32_t to, bool down)
{
	const struct vertex_type *t = &w->g->types[s->type];
	bool skip = w->may && s->type == w->g->node_type;

	for (uint32_t i = 0; i < to - from; i++) {
		uint32_t at = down ? to - 1 - i : from + i;

		if (skip && !w->may[(at - t->first) / 64]) {
			/* on to the last of these 64 */
			i += down ? (at - t->first) % 64 :
			     63 - (at - t->first) % 64;
			continue;
		}
		if (t->grouped && !glance(w, t, at - t->first, s->alone,
					  s->r->need))
			continue;
		if (!try_one(w, s, w->g->by_type[at]))
			return;
	}
}

static void search_keys(struct match_walk *w, struct search *s,
			const struct match_keys *keys)
{
	const struct vertex_type *t = &w->g->types[s->type];

	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t v = keys->order[i];

		if (t->grouped && !glance(w, t, w->g->vertices[v].group -
					  t->group, s->alone, s->r->need))
			continue;
		if (!try_one(w, s, v))
			return;
	}
}

/* Gathers all candidates, then takes the best. */
static void search_ranked(struct match_walk *w, struct search *s,
			  uint32_t from, uint32_t to)
{
	const struct vertex_type *t = &w->g->types[s->type];
	uint32_t base = w->m->list_count, done = 0, count;
	struct match_choice choice = { w->g, s->want, needed_type(w, s->r) };

	for (uint32_t i = from; i < to; i++) {
		uint32_t v = w->g->by_type[i];
		struct match_candidate *c;

		if (t->grouped ? !glance(w, t, i - t->first, s->alone,
					 s->r->need) :
		    !usable(w, v, s->alone, s->in, NULL))
			continue;
		c = add_candidate(w, v);
		if (!c)
			break;
		if (s->by_node)
			c->fit = fit_of(w, v, s->r);
	}
	count = w->m->list_count - base;
	while (done < count && s->got < s->want && !w->failed) {
		int64_t batch = s->want - s->got;
		uint32_t end;

		if (batch > count - done)
			batch = count - done;
		choice.want = s->want - s->got;
		match_sort(w->m, w->m->list + base + done, count - done,
			   batch, &choice);
		for (end = done + (uint32_t)batch; done < end; done++)
			if (!try_one(w, s, w->m->list[base + done].vertex))
				break;
	}
	w->m->list_count = base;
}

static void search_type(struct match_walk *w, struct search *s)
{
	const struct vertex_type *t = &w->g->types[s->type];
	enum match_order order = w->m->policy->order;
	uint32_t from = t->first, to = t->first + t->count;

	if (s->in != GRAPH_NONE)
		graph_slice(w->g, s->in, s->type, &from, &to);
	if (w->ideal)
		order = MATCH_ASCENDING;
	/* of a part, such as the cores of a node, keys are asked for anew */
	if (order == MATCH_KEY && to - from == t->count) {
		const struct match_keys *keys = match_keys(w->m, s->type);

		if (!keys) {
			w->failed = true;
			return;
		}
		if (!keys->as_is && !keys->reversed) {
			search_keys(w, s, keys);
			return;
		}
		order = keys->as_is ? MATCH_ASCENDING : MATCH_DESCENDING;
	}
	if (order == MATCH_ASCENDING || order == MATCH_DESCENDING)
		search_slice(w, s, from, to, order == MATCH_DESCENDING);
	else
		search_ranked(w, s, from, to);
}

/* ---- other subsystems ---- */

/* The vertices that edges of SUB lead to from V, against them if UP, are
 * added to the list. Each is seen once. */
static void follow(struct match_walk *w, const struct subsystem *sub,
		   uint32_t v, bool up)
{
	const struct edge *edges = up ? sub->up : sub->down;
	size_t lo = 0, hi = sub->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((up ? edges[mid].target : edges[mid].source) < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < sub->count && (up ? edges[lo].target :
	     edges[lo].source) == v; lo++) {
		uint32_t next = up ? edges[lo].source : edges[lo].target;
		uint32_t *held = graph_held(w->g, next);

		if (!(*held & HELD_SEEN) && add_candidate(w, next))
			*held |= HELD_SEEN;
	}
}

/* Lists the vertices of TYPE that edges lead to from V, the nearest first;
 * returns how many. They are the last of the list. */
static uint32_t reach(struct match_walk *w, uint32_t v, uint32_t type,
		      bool up)
{
	struct matcher *m = w->m;
	uint32_t base = m->list_count, n = base;

	for (uint32_t s = 0; s < w->g->subsystem_count; s++) {
		uint32_t from = m->list_count;

		follow(w, &w->g->subsystems[s], v, up);
		for (; from < m->list_count; from++)
			follow(w, &w->g->subsystems[s],
			       m->list[from].vertex, up);
	}
	for (uint32_t i = base; i < m->list_count; i++) {
		uint32_t found = m->list[i].vertex;

		*graph_held(w->g, found) &= ~HELD_SEEN;
		if (w->g->vertices[found].type == type)
			m->list[n++] = m->list[i];
	}
	m->list_count = n;
	return n - base;
}

/* Tries what is in the list from BASE on. On the way up a shared amount, such
 * as bandwidth, is taken of all of them. */
static void search_reached(struct match_walk *w, struct search *s,
			   uint32_t base, bool up)
{
	const struct request_item *r = s->r;
	uint32_t count = w->m->list_count - base;
	bool every = up && !s->alone && !r->children &&
		     !w->g->types[s->type].unit_size;
	struct match_choice choice = { w->g, s->want, needed_type(w, r) };
	int64_t got = s->want;

	if (!every && !w->ideal)
		match_sort(w->m, w->m->list + base, count, count, &choice);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t v = w->m->list[base + i].vertex;

		if (!every && !try_one(w, s, v))
			return;
		if (every) {
			int64_t n = try_vertex(w, r, v, GRAPH_NONE, s->want);

			got = n < got ? n : got;
		}
	}
	if (every)
		s->got = got;
}

/* From where S looks, and from what that is in: down edges, or else up. */
static void search_subsystems(struct match_walk *w, struct search *s)
{
	uint32_t base = w->m->list_count;

	for (uint32_t v = s->in; v != GRAPH_NONE;
	     v = w->g->vertices[v].parent)
		for (int up = 0; up < 2; up++)
			if (reach(w, v, s->type, up)) {
				s->in = GRAPH_NONE;
				search_reached(w, s, base, up);
				w->m->list_count = base;
				return;
			}
}

/* ---- taking ---- */

/* Units of the shared pool V. */
static int64_t take_units(struct match_walk *w, uint32_t v, uint32_t in,
			  int64_t want)
{
	const struct graph *g = w->g;
	const struct vertex *vertex = &g->vertices[v];
	int tracked = g->types[vertex->type].tracked;
	int64_t have = w->now ? graph_group(g, vertex->group)->free[tracked] :
		       vertex->size;
	int64_t need[GRAPH_TRACKED_MAX] = { 0 };

	need[tracked] = have < want ? have : want;
	if (need[tracked] < 1 ||
	    (w->ahead && !calendar_fits(w, v, false, in, need)) ||
	    !pick(w, v, false, need[tracked]))
		return 0;
	return need[tracked];
}

/* What is wanted beneath V is there; its picks stay, unless V is ALONE. */
static bool try_children(struct match_walk *w, const struct request_item *r,
			 uint32_t v, bool alone)
{
	uint32_t group = w->g->vertices[v].group, picks = w->m->pick_count;
	bool enough = alone && r->flat && group;
	int64_t slots = w->slots;

	for (unsigned k = 0; enough && k < w->g->tracked; k++)
		enough = graph_totals(w->g, group)[k] >= r->need[k];
	if (enough) {
		w->slots += r->slots;
		return true;
	}
	if (take_children(w, r, v)) {
		if (alone)
			match_unpick(w, picks);
		return true;
	}
	match_unpick(w, picks);
	w->slots = slots;
	return false;
}

static int64_t try_vertex(struct match_walk *w, const struct request_item *r,
			  uint32_t v, uint32_t in, int64_t want)
{
	const struct vertex *vertex = &w->g->vertices[v];
	bool node = vertex->type == w->g->node_type;
	bool alone = r->exclusive || (node && w->whole_nodes);

	if (!usable(w, v, alone, in, r->need) || !allowed(w, v, alone))
		return 0;
	if (r->ids && (vertex->id < 0 ||
		       !idset_test(r->ids, (unsigned)vertex->id)))
		return 0;
	if (r->children && !try_children(w, r, v, alone))
		return 0;
	if (!alone && !r->children && vertex->size > 1 &&
	    w->g->types[vertex->type].tracked >= 0)
		return take_units(w, v, in, want);
	return pick(w, v, alone, 0) ? vertex->size : 0;
}

static int64_t try_node(struct match_walk *w, const struct request_item *r,
			uint32_t v, uint32_t in, int64_t want)
{
	bool alone = w->whole_nodes;
	uint32_t picks = w->m->pick_count;
	int64_t got;

	if (!usable(w, v, alone, in, r->need) || !allowed(w, v, alone))
		return 0;
	got = take(w, r, v, want);
	if (!got)
		return 0;
	if (alone) {
		match_unpick(w, picks);
		if (!pick(w, v, true, 0))
			return 0;
	}
	return got;
}

/* Slots whose contents are so simple that those of all are taken at once. */
static int64_t take_plain_slots(struct match_walk *w,
				const struct request_item *r, uint32_t in,
				int64_t n)
{
	const struct request_item *items = w->req->items + r->first;
	uint32_t picks = w->m->pick_count, i = 0;

	while (i < r->children && n > 0) {
		int64_t each = items[i].count.min, got;

		if (n > REQUEST_COUNT_MAX / each)
			n = REQUEST_COUNT_MAX / each;
		got = take(w, &items[i], in, n * each);
		if (got == n * each) {
			i++;
			continue;
		}
		n = got / each;
		match_unpick(w, picks);
		i = 0;
	}
	w->slots += n;
	return n;
}

static int64_t take_slots(struct match_walk *w, const struct request_item *r,
			  uint32_t in, int64_t want)
{
	const struct request_item *items = w->req->items + r->first;
	bool plain = true, light = w->light;
	int64_t n = 0;

	if (in != GRAPH_NONE && w->g->vertices[in].group) {
		int32_t fit = fit_of(w, in, r);
		bool counted = false;

		for (unsigned k = 0; k < w->g->tracked; k++)
			counted |= r->need[k] > 0;
		if (counted && fit < want)
			want = fit;
	}
	for (uint32_t i = 0; i < r->children; i++)
		plain &= items[i].plain;
	if (plain && light && in != GRAPH_NONE) {
		w->slots += want;
		return want;
	}
	w->light = false;
	if (plain) {
		n = take_plain_slots(w, r, in, want);
	} else {
		while (n < want) {
			uint32_t picks = w->m->pick_count;
			int64_t slots = w->slots;

			if (!take_children(w, r, in) || w->failed) {
				match_unpick(w, picks);
				w->slots = slots;
				break;
			}
			n++;
			if (!r->slots)
				w->slots++;
		}
	}
	w->light = light;
	return n;
}

/* Up to WANT of R in IN (or a little more, of what comes in pools). */
static int64_t take(struct match_walk *w, const struct request_item *r,
		    uint32_t in, int64_t want)
{
	const struct graph *g = w->g;
	bool above = in == GRAPH_NONE || (in < g->inside &&
		g->types[g->vertices[in].type].above_node &&
		g->vertices[in].type != g->node_type);
	bool by_node = r->by_node && above;
	struct search s = { .r = r, .in = in, .want = want,
		.by_node = by_node,
		.type = by_node ? g->node_type : r->type,
		.alone = r->exclusive };
	uint32_t from, to;

	if (r->type == GRAPH_NONE && !by_node)
		return take_slots(w, r, in, want);
	if (by_node)
		s.alone = w->whole_nodes;
	else if (r->type == g->node_type)
		s.alone |= w->whole_nodes;
	if (in != GRAPH_NONE) {
		graph_slice(g, in, s.type, &from, &to);
		if (from == to || (to - from == 1 && g->by_type[from] == in)) {
			search_subsystems(w, &s);
			return s.got;
		}
	}
	search_type(w, &s);
	return s.got;
}

/* As many of R as its count wants; of those that will do the most that can be
 * had. */
static bool take_item(struct match_walk *w, const struct request_item *r,
		      uint32_t in)
{
	uint32_t picks = w->m->pick_count;
	int64_t slots = w->slots;
	int64_t got = take(w, r, in, r->count.max), n;

	n = request_count_best(&r->count, got < r->count.max ? got :
			       r->count.max);
	if (!n || w->failed)
		return false;
	if (n != r->count.max && n != got) {
		match_unpick(w, picks);
		w->slots = slots;
		got = take(w, r, in, n);
	}
	return got >= n;
}

static bool take_children(struct match_walk *w, const struct request_item *r,
			  uint32_t in)
{
	for (uint32_t i = 0; i < r->children; i++)
		if (!take_item(w, &w->req->items[r->first + i], in))
			return false;
	return true;
}

bool match_pick_fits(struct matcher *m, const struct match_pick *pick,
		     int64_t start, int64_t end, bool held)
{
	const struct graph *g = m->g;
	const struct match_walk w = { .m = m, .g = m->g, .start = start,
		.end = end, .now = held, .ahead = !held };
	const struct vertex *v = &g->vertices[pick->vertex];
	int64_t need[GRAPH_TRACKED_MAX] = { 0 };
	int tracked = g->types[v->type].tracked;

	if (pick->units && tracked >= 0) {
		need[tracked] = pick->units;
		if (held && graph_group(g, v->group)->free[tracked] <
			    pick->units)
			return false;
	}
	return held_fits(&w, *graph_held(g, pick->vertex), pick->alone) &&
	       (held || calendar_fits(&w, pick->vertex, pick->alone,
				      GRAPH_NONE, need));
}

bool match_walk(struct match_walk *w)
{
	w->asked = GRAPH_NONE;
	w->whole_nodes = w->m->policy->node_exclusive || w->req->whole_nodes;
	w->slots = 0;
	w->light = w->ideal && w->req->lone;
	w->m->pick_count = w->m->list_count = 0;
	for (uint32_t i = 0; i < w->req->top; i++)
		if (!take_item(w, &w->req->items[i], GRAPH_NONE) ||
		    w->failed) {
			match_unpick(w, 0);
			return false;
		}
	return true;
}
