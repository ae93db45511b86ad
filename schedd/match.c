/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher: its jobs, and the time when each gets what. See match.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/match_impl.h"

struct matcher *matcher_create(struct graph *g,
			       const struct match_policy *policy)
{
	struct matcher *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->g = g;
	m->policy = policy;
	m->keys = calloc(g->type_count + 1, sizeof(*m->keys));
	if (!m->keys) {
		free(m);
		return NULL;
	}
	return m;
}

static void forget_keys(struct matcher *m)
{
	for (uint32_t t = 0; t < m->g->type_count; t++) {
		free(m->keys[t].order);
		m->keys[t] = (struct match_keys) { 0 };
	}
}

void matcher_set_policy(struct matcher *m, const struct match_policy *policy)
{
	forget_keys(m);
	m->policy = policy;
}

static void free_job(struct match_job *job)
{
	if (job)
		free(job->picks);
	free(job);
}

void matcher_destroy(struct matcher *m)
{
	int saved = errno;

	if (m) {
		forget_keys(m);
		for (size_t i = 0; i < m->count; i++)
			free_job(m->jobs[i]);
		free(m->jobs);
		free(m->keys);
		free(m->picks);
		free(m->list);
		gaps_destroy(m->gaps);
		free(m->may);
		free(m->extra);
		free(m);
	}
	errno = saved;
}

/* ---- jobs by id ---- */

/* The first place whose job is not before ID. */
static size_t place(const struct matcher *m, uint64_t id)
{
	size_t lo = 0, hi = m->count;

	if (hi && m->jobs[hi - 1]->id < id)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->jobs[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct match_job *match_find(const struct matcher *m, uint64_t id)
{
	size_t i = place(m, id);

	return i < m->count && m->jobs[i]->id == id ? m->jobs[i] : NULL;
}

const struct match_job *matcher_find(const struct matcher *m, uint64_t id)
{
	return match_find(m, id);
}

size_t matcher_count(const struct matcher *m)
{
	return m->count;
}

const struct match_job *matcher_next(const struct matcher *m, uint64_t after,
				     bool first)
{
	size_t i = first ? 0 : place(m, after);

	if (!first && i < m->count && m->jobs[i]->id == after)
		i++;
	return i < m->count ? m->jobs[i] : NULL;
}

static int make_room(struct matcher *m)
{
	size_t size = m->size ? m->size * 2 : 64;
	struct match_job **jobs;

	if (m->count < m->size)
		return 0;
	jobs = reallocarray(m->jobs, size, sizeof(*jobs));
	if (!jobs)
		return -1;
	m->jobs = jobs;
	m->size = size;
	return 0;
}

static void keep(struct matcher *m, struct match_job *job)
{
	size_t i = place(m, job->id);

	assert(m->count < m->size);
	memmove(m->jobs + i + 1, m->jobs + i,
		(m->count - i) * sizeof(*m->jobs));
	m->jobs[i] = job;
	m->count++;
	m->reserved += job->reserved;
}

static void drop(struct matcher *m, struct match_job *job)
{
	size_t i = place(m, job->id);

	m->count--;
	memmove(m->jobs + i, m->jobs + i + 1,
		(m->count - i) * sizeof(*m->jobs));
	m->reserved -= job->reserved;
	free_job(job);
}

struct match_job *match_new_job(struct matcher *m, uint64_t id,
				const struct match_pick *picks,
				uint32_t count, bool reserved, int64_t start,
				int64_t end)
{
	struct match_job *job = calloc(1, sizeof(*job));
	size_t bytes = count * sizeof(*picks);

	if (!job || make_room(m) < 0) {
		free(job);
		return NULL;
	}
	*job = (struct match_job) { .id = id, .reserved = reserved,
		.start = start, .end = end };
	job->picks = malloc(bytes + 1);
	if (job->picks) {
		if (bytes)
			memcpy(job->picks, picks, bytes);
		job->count = match_sort_picks(m->g, job->picks, count);
	}
	if (!job->picks || match_enter(m->g, job->picks, job->count, start,
				       end, !reserved) < 0) {
		free_job(job);
		return NULL;
	}
	keep(m, job);
	return job;
}

/* ---- matching ---- */

static struct match_walk walk_at(struct matcher *m, const struct request *req,
				 int64_t start, int64_t duration)
{
	return (struct match_walk) { .m = m, .g = m->g, .req = req,
		.start = start, .end = start + duration };
}

int match_commit(struct match_walk *w, uint64_t id, bool reserved,
		 const struct match_job **job)
{
	struct matcher *m = w->m;
	uint32_t count = m->pick_count;
	struct match_job *new;

	match_unpick(w, 0);
	new = match_new_job(m, id, m->picks, count, reserved, w->start,
			    w->end);
	if (!new)
		return -1;
	new->slots = w->slots;
	*job = new;
	return 0;
}

bool match_enough(const struct matcher *m, const struct request *req,
		  bool ideal)
{
	uint32_t root = m->g->vertices[0].group;

	/* what is outside of containment is not counted there */
	if (!root || m->g->inside < m->g->count)
		return true;
	for (unsigned k = 0; k < m->g->tracked; k++) {
		int64_t have = ideal ? graph_totals(m->g, root)[k] :
			       graph_group(m->g, root)->free[k];

		if (req->need[k] > have)
			return false;
	}
	return true;
}

/* Whether it could be, were all free and, if IDEAL, up. */
static bool satisfiable(struct matcher *m, const struct request *req,
			bool ideal, bool *failed)
{
	struct match_walk w = walk_at(m, req, 0, 1);
	bool can;

	w.ideal = ideal;
	can = match_enough(m, req, true) && match_walk(&w);
	match_unpick(&w, 0);
	*failed = w.failed;
	return can;
}

/* -1 with EBUSY if it is not to be had now. */
static int allocate(struct matcher *m, uint64_t id,
		    const struct request *req, int64_t now, int64_t duration,
		    const struct match_job **job)
{
	struct match_walk w = walk_at(m, req, now, duration);

	w.now = true;
	w.ahead = m->reserved > 0;
	if (match_enough(m, req, false) &&
	    (!w.ahead || match_may_now(m, req, now)) && match_walk(&w))
		return match_commit(&w, id, false, job);
	errno = w.failed ? ENOMEM : EBUSY;
	return -1;
}

int matcher_match(struct matcher *m, enum match_op op, uint64_t id,
		  const struct request *req, int64_t now,
		  const struct match_job **job)
{
	int64_t duration = req->duration ? req->duration :
			   MATCH_TIME_MAX - now;
	bool failed;

	if (now < 0 || now >= MATCH_TIME_MAX ||
	    duration > MATCH_TIME_MAX - now) {
		errno = EINVAL;
		return -1;
	}
	if (op != MATCH_SATISFIABILITY && match_find(m, id)) {
		errno = EEXIST;
		return -1;
	}
	if (op != MATCH_SATISFIABILITY) {
		if (allocate(m, id, req, now, duration, job) == 0)
			return 0;
		if (op == MATCH_ALLOCATE || errno != EBUSY)
			return -1;
	}
	if (!satisfiable(m, req, true, &failed)) {
		errno = failed ? ENOMEM : ENODEV;
		return -1;
	}
	if (op == MATCH_SATISFIABILITY)
		return 0;
	if (op == MATCH_ALLOCATE_ORELSE_RESERVE && req->duration)
		return matcher_reserve(m, id, req, now + 1, job);
	errno = EBUSY;
	return -1;
}

int matcher_possible(struct matcher *m, const struct request *req)
{
	bool failed;

	if (satisfiable(m, req, false, &failed))
		return 0;
	errno = failed ? ENOMEM : EBUSY;
	return -1;
}

int matcher_set_end(struct matcher *m, uint64_t id, int64_t end)
{
	struct match_job *job = match_find(m, id);
	int64_t before;

	if (!job || job->reserved || end <= job->start) {
		errno = job ? EINVAL : ENOENT;
		return -1;
	}
	before = job->end;
	match_leave(m->g, job->picks, job->count, job->start, before, true);
	job->end = end;
	if (match_enter(m->g, job->picks, job->count, job->start, end,
			true) == 0)
		return 0;
	/* there is the room that it had */
	job->end = before;
	if (match_enter(m->g, job->picks, job->count, job->start, before,
			true) < 0)
		assert(!"room for what was there");
	errno = ENOMEM;
	return -1;
}

/* ---- giving back ---- */

int matcher_cancel(struct matcher *m, uint64_t id)
{
	struct match_job *job = match_find(m, id);

	if (!job) {
		errno = ENOENT;
		return -1;
	}
	match_leave(m->g, job->picks, job->count, job->start, job->end,
		    !job->reserved);
	drop(m, job);
	return 0;
}

struct rest {
	const struct graph *g;
	const struct idset *ranks;
	struct match_pick *picks;
	uint32_t count, size;
};

static int add_rest(struct rest *r, const struct match_pick *pick)
{
	if (r->count == r->size) {
		uint32_t size = r->size ? r->size * 2 : 64;
		struct match_pick *picks = reallocarray(r->picks, size,
							sizeof(*picks));

		if (!picks)
			return -1;
		r->picks = picks;
		r->size = size;
	}
	r->picks[r->count++] = *pick;
	return 0;
}

/* Whether one of the ranks is V's or beneath it. */
static bool has_rank(const struct rest *r, uint32_t v)
{
	for (unsigned i = idset_first(r->ranks); i != IDSET_NONE;
	     i = idset_next(r->ranks, i)) {
		uint32_t top = graph_find_rank(r->g, i);

		if (top != GRAPH_NONE && top >= v &&
		    top < r->g->vertices[v].end)
			return true;
	}
	return false;
}

/* Keep what of PICK is not of the ranks. */
static int keep_rest(struct rest *r, const struct match_pick *pick)
{
	const struct vertex *v = &r->g->vertices[pick->vertex];
	int rank = graph_rank(r->g, pick->vertex);

	if (rank >= 0 && idset_test(r->ranks, (unsigned)rank))
		return 0;
	if (!pick->alone || !has_rank(r, pick->vertex))
		return add_rest(r, pick);
	for (uint32_t c = pick->vertex + 1; c < v->end;
	     c = r->g->vertices[c].end) {
		struct match_pick child = { c, true, 0 };

		if (keep_rest(r, &child) < 0)
			return -1;
	}
	return 0;
}

/* Shared ones that nothing is left in go, too. */
static void drop_empty(struct rest *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		const struct match_pick *p = &r->picks[i];
		uint32_t end = r->g->vertices[p->vertex].end;

		if (!p->alone && !p->units && end > p->vertex + 1 &&
		    (i + 1 == r->count || r->picks[i + 1].vertex >= end))
			continue;
		r->picks[n++] = *p;
	}
	r->count = n;
}

static int replace(struct matcher *m, struct match_job *job, struct rest *r)
{
	match_leave(m->g, job->picks, job->count, job->start, job->end, true);
	if (match_enter(m->g, r->picks, r->count, job->start, job->end,
			true) < 0) {
		/* there is the room that it had */
		int rc = match_enter(m->g, job->picks, job->count,
				     job->start, job->end, true);
		assert(rc == 0);
		errno = ENOMEM;
		return -1;
	}
	free(job->picks);
	job->picks = r->picks;
	job->count = r->count;
	return 0;
}

int matcher_cancel_ranks(struct matcher *m, uint64_t id,
			 const struct idset *ranks, bool *gone)
{
	struct match_job *job = match_find(m, id);
	struct rest r = { .g = m->g, .ranks = ranks };
	int rc = 0;

	*gone = false;
	if (!job || job->reserved) {
		errno = job ? EINVAL : ENOENT;
		return -1;
	}
	for (uint32_t i = 0; i < job->count && !rc; i++)
		rc = keep_rest(&r, &job->picks[i]);
	drop_empty(&r);
	if (rc == 0 && r.count) {
		rc = replace(m, job, &r);
		if (rc == 0)
			return 0;
	}
	free(r.picks);
	if (rc < 0)
		return -1;
	*gone = true;
	return matcher_cancel(m, id);
}
