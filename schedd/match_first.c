/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first time when a request can be had by the calendars. See match.h.
 *
 * Two things are asked before a walk is made, as they are answered without
 * looking at each node: whether enough of what is counted is free in all, and
 * whether so many nodes are free as long as that (gaps.h). Either may say yes
 * though it is no: a walk decides, and if it fails, it goes on at the next
 * time when anything changes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/match_impl.h"

#define FEW	8	/* reservations: gaps of parts of nodes do not pay */

/* How much of what is counted may be in use for the request to fit. */
static void limits_of(const struct graph *g, const struct request *req,
		      int64_t *limit)
{
	uint32_t root = g->vertices[0].group;
	bool counted = root && g->inside == g->count;

	limit[0] = INT64_MAX / 2;
	for (unsigned k = 0; k < g->tracked; k++)
		limit[1 + k] = counted ? graph_totals(g, root)[k] -
			req->need[k] : INT64_MAX / 2;
}

int64_t match_duration(const struct request *req, int64_t from)
{
	return req->duration ? req->duration : MATCH_TIME_MAX - from;
}

/* ---- what a request wants of nodes ---- */

struct wanted {
	const struct graph *g;
	const struct request *req;
	const struct request_item *item;	/* what is in each node */
	struct gaps_want want;
	struct gaps_query query;
};

/* So many of ITEM are in one node at most. */
static int64_t most_in_node(const struct graph *g,
			    const struct request_item *item)
{
	const int64_t *have = g->types[g->node_type].most;
	int64_t most = INT64_MAX;

	for (unsigned k = 0; k < g->tracked; k++)
		if (item->need[k] && have[k] / item->need[k] < most)
			most = have[k] / item->need[k];
	return most > 0 && item->count.min ? most : 1;
}

/* Finds, on the way down, what is wanted of each node, and of how many; false:
 * that can't be said in this way. */
static bool find_item(struct wanted *w, bool whole_nodes, bool *alone)
{
	const struct request_item *r = w->req->items;
	int64_t n = 1;

	for (;; r = w->req->items + r->first) {
		int64_t count = r->count.min;

		w->item = r;
		*alone = whole_nodes || (r->type == w->g->node_type &&
					 r->exclusive);
		if (r->by_node) {
			int64_t most = most_in_node(w->g, r);

			count = count / most + (count % most > 0);
		}
		if (count < 1 || count > GRAPH_VERTICES_MAX)
			return false;
		n *= count;
		w->query.count = n;
		if (r->by_node || r->type == w->g->node_type)
			return n <= GRAPH_VERTICES_MAX;
		if (r->children != 1 || n > GRAPH_VERTICES_MAX)
			return false;
	}
}

static bool node_passes(void *arg, uint32_t node)
{
	const struct wanted *w = arg;
	const struct graph *g = w->g;
	uint32_t v = g->by_type[g->types[g->node_type].first + node];
	const int64_t *have = graph_totals(g, g->vertices[v].group);

	for (unsigned k = 0; k < g->tracked; k++)
		if (have[k] < w->item->need[k])
			return false;
	return !g->vertices[v].down && match_passes(w->req, v);
}

/* The gaps for REQ, and a query without a time; NULL with errno 0 if there are
 * none for such, or ENOMEM. */
static struct gaps *find_gaps(struct matcher *m, const struct request *req,
			      struct wanted *w)
{
	const struct graph *g = m->g;
	bool alone;

	errno = 0;
	*w = (struct wanted) { .g = g, .req = req };
	w->query.duration = req->duration;
	w->query.passes = node_passes;
	w->query.arg = w;
	if (req->top != 1 || !req->duration || g->node_type == GRAPH_NONE ||
	    !g->types[g->node_type].grouped || g->inside < g->count ||
	    !find_item(w, m->policy->node_exclusive || req->whole_nodes,
		       &alone) || (!alone && m->reserved < FEW))
		return NULL;
	w->want.alone = alone;
	/* a whole node is one whatever is wanted in it */
	if (!alone)
		memcpy(w->want.need, w->item->need,
		       g->tracked * sizeof(*w->want.need));
	if (!m->gaps) {
		size_t n = (g->types[g->node_type].count + 63) / 64;

		m->gaps = gaps_create(m->g);
		m->may = calloc(n, sizeof(*m->may));
		if (!m->gaps || !m->may) {
			gaps_destroy(m->gaps);
			free(m->may);
			m->gaps = NULL;
			m->may = NULL;
			errno = ENOMEM;
			return NULL;
		}
	}
	return gaps_get(m->gaps, &w->want);
}

/* ---- the first time ---- */

/* The first time from FROM on when neither root nor gaps say no, before
 * BEFORE or at it. */
static int64_t next_time(struct matcher *m, const struct request *req,
			 struct gaps *gaps, struct wanted *w, int64_t from,
			 int64_t before)
{
	const struct graph *g = m->g;
	int64_t limit[PLANNER_KINDS_MAX], t;

	limits_of(g, req, limit);
	w->query.before = before;
	for (t = from; t < before; t = from) {
		w->query.from = t;
		if (gaps)
			t = gaps_first(gaps, &w->query, m->may);
		if (t >= before)
			break;
		from = planner_first_fit_before(g->group_pool,
			g->vertices[0].planner, t, before,
			match_duration(req, t), limit);
		if (from == t)
			return t;
	}
	return before;
}

/*
 * The walk at T failed, though enough was free by count: perhaps of this core
 * now and of that one then. The next time when it may do better: something
 * changes in a node that was looked at, or another is to be looked at.
 */
static int64_t next_chance(struct matcher *m, const struct gaps *gaps,
			   struct wanted *w, int64_t t)
{
	const struct graph *g = m->g;
	const struct vertex_type *type = &g->types[g->node_type];
	int64_t next, then;

	if (!gaps)
		return planner_next(g->group_pool, g->vertices[0].planner, t);
	w->query.from = t;
	next = gaps_next(gaps, &w->query);
	for (uint32_t i = 0; i < type->count; i++) {
		if (!(m->may[i / 64] >> i % 64)) {
			i |= 63;
			continue;
		}
		if (!(m->may[i / 64] >> i % 64 & 1))
			continue;
		then = planner_next(g->group_pool, g->vertices[
			g->by_type[type->first + i]].planner, t);
		if (then < next)
			next = then;
	}
	return next;
}

int match_first(struct match_walk *walk, struct matcher *m,
		const struct request *req, int64_t from, int64_t before)
{
	const struct graph *g = m->g;
	struct wanted w;
	struct gaps *gaps = find_gaps(m, req, &w);
	int64_t t = from;

	if (!gaps && errno)
		return -1;
	while (g->vertices[0].group) {
		t = next_time(m, req, gaps, &w, t, before);
		if (t >= before || t > MATCH_TIME_MAX - match_duration(req, t))
			break;
		*walk = (struct match_walk) { .m = m, .g = m->g, .req = req,
			.start = t, .end = t + match_duration(req, t),
			.ahead = true, .may = gaps ? m->may : NULL };
		if (match_walk(walk))
			return 0;
		if (walk->failed) {
			errno = ENOMEM;
			return -1;
		}
		t = next_chance(m, gaps, &w, t);
	}
	errno = EBUSY;
	return -1;
}

bool match_may_now(struct matcher *m, const struct request *req, int64_t now)
{
	struct wanted w;
	struct gaps *gaps = find_gaps(m, req, &w);

	w.query.from = now;
	w.query.before = now + 1;
	return !gaps || gaps_first(gaps, &w.query, NULL) == now;
}

/* ---- earlier ---- */

static int by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* JOB's own nodes, those that are free before it begins: since when. -1 with
 * ENOMEM, or ERANGE: it has something that is not in one node. */
static int add_extras(struct matcher *m, const struct match_job *job,
		      const struct gaps *gaps, struct gaps_query *q)
{
	const struct graph *g = m->g;
	uint32_t last = GRAPH_NONE;
	int64_t *extra = reallocarray(m->extra, job->count + 1,
				      sizeof(*extra));

	if (!extra)
		return -1;
	q->extra = m->extra = extra;
	for (uint32_t i = 0; i < job->count; i++) {
		uint32_t v = graph_node_of(g, job->picks[i].vertex);
		int64_t begin;

		if (v == last)
			continue;
		if (v == GRAPH_NONE && job->picks[i].alone) {
			errno = ERANGE;
			return -1;
		}
		if (v == GRAPH_NONE)
			continue;
		last = v;
		begin = gaps_begin(gaps, g->vertices[v].group -
				   g->types[g->node_type].group, job->start);
		if (begin < job->start)
			extra[q->extras++] = begin;
	}
	qsort(extra, q->extras, sizeof(*extra), by_time);
	return 0;
}

/*
 * Whether by what is counted at the root JOB may be had before it begins: there
 * is a gap that is long enough, or one that ends where the job itself begins.
 */
static bool root_may(const struct graph *g, const struct request *req,
		     const struct match_job *job, int64_t from)
{
	uint32_t planner = g->vertices[0].planner;
	int64_t limit[PLANNER_KINDS_MAX];

	limits_of(g, req, limit);
	return planner_fits(g->group_pool, planner, job->start - 1,
			    job->start, limit) ||
	       planner_first_fit_before(g->group_pool, planner, from,
					job->start, match_duration(req, from),
					limit) < job->start;
}

int64_t matcher_bound(struct matcher *m, uint64_t id,
		      const struct request *req, int64_t from)
{
	const struct match_job *job = match_find(m, id);
	struct gaps *gaps;
	struct wanted w;

	if (!job || !job->reserved) {
		errno = job ? EINVAL : ENOENT;
		return -1;
	}
	if (from >= job->start)
		return job->start;
	gaps = find_gaps(m, req, &w);
	if (!gaps && errno)
		return -1;
	w.query.from = from;
	w.query.before = job->start;
	if (gaps && add_extras(m, job, gaps, &w.query) == 0)
		from = gaps_first(gaps, &w.query, NULL);
	else if (gaps && errno != ERANGE)
		return -1;
	return from < job->start && root_may(m->g, req, job, from) ? from :
	       job->start;
}
