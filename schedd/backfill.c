/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passes of a queue. See backfill.h.
 *
 * What was decided is kept from pass to pass. A job is tried again only after
 * something became free (the generation), as time alone frees nothing. All are
 * gone through before what became free on the way is seen (the sweep): else
 * those at the end would never have their turn when passes are cut short. And
 * reservations are moved up one by one in order, each from where it is, so
 * that none can be lost to another ("compression" in Mu'alem and Feitelson).
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/backfill.h"
#include "schedd/backfill_shape.h"

struct backfill {
	struct matcher *m;
	struct backfill_config config;
	struct backfill_job **jobs;	/* in order, from head on */
	size_t head, count, size;
	size_t reserved;	/* of them have reservations */
	size_t expected;	/* were told a time */
	struct shapes shapes;
	uint64_t generation;
	uint64_t sweep;		/* the generation that is being looked at */
	bool partly;		/* not all of it yet */
	uint64_t pass;		/* what shapes learned before is not so */
	int64_t hole;		/* reservations from here on were given back
				   since then */
	int64_t now, next;
};

/* ---- the order ---- */

static int compare(const struct backfill_job *a, const struct backfill_job *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static struct backfill_job **list(const struct backfill *b)
{
	return b->jobs + b->head;
}

/* The first place whose job is not before JOB. */
static size_t place(const struct backfill *b, const struct backfill_job *job)
{
	size_t lo = 0, hi = b->count;

	if (hi && compare(list(b)[hi - 1], job) < 0)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(list(b)[mid], job) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Room for one more behind the last. */
static int make_room(struct backfill *b)
{
	size_t size = b->size ? b->size * 2 : 64;
	struct backfill_job **jobs;

	if (b->head + b->count < b->size)
		return 0;
	if (b->head > b->size / 2) {
		memmove(b->jobs, list(b), b->count * sizeof(*b->jobs));
		b->head = 0;
		return 0;
	}
	jobs = reallocarray(b->jobs, size, sizeof(*jobs));
	if (!jobs)
		return -1;
	b->jobs = jobs;
	b->size = size;
	return 0;
}

static size_t insert(struct backfill *b, struct backfill_job *job)
{
	size_t i = place(b, job);

	memmove(list(b) + i + 1, list(b) + i,
		(b->count - i) * sizeof(*b->jobs));
	list(b)[i] = job;
	b->count++;
	return i;
}

static size_t take_out(struct backfill *b, struct backfill_job *job)
{
	size_t i = place(b, job);

	assert(i < b->count && list(b)[i] == job);
	b->count--;
	if (i == 0)
		b->head++;
	else
		memmove(list(b) + i, list(b) + i + 1,
			(b->count - i) * sizeof(*b->jobs));
	return i;
}

/* ---- reservations ---- */

static int64_t length(const struct backfill_job *job)
{
	return job->request->duration ? job->request->duration : INT64_MAX;
}

/* Nothing that was learned of what is free holds any more. */
static void forget(struct backfill *b)
{
	b->generation++;
	b->pass++;
	b->hole = INT64_MAX;
}

static void give_back(struct backfill *b, struct backfill_job *job)
{
	int rc;

	if (job->start == BACKFILL_NO_TIME)
		return;
	rc = matcher_cancel(b->m, job->id);
	assert(rc == 0);
	job->start = BACKFILL_NO_TIME;
	job->tried = job->refused = 0;
	b->reserved--;
	forget(b);
}

/* Those from place I on lose their reservations, and are to be tried again. */
static void give_back_from(struct backfill *b, size_t i)
{
	for (; i < b->count && b->reserved; i++)
		give_back(b, list(b)[i]);
}

/* A time that JOB can't start before, NOW at least. */
static int64_t bound(const struct backfill *b, const struct backfill_job *job)
{
	int64_t start = shape_bound(job->shape, b->pass, length(job));

	/* it may end in the hole, or begin there */
	if (b->hole != INT64_MAX && start > b->hole - length(job))
		start = b->hole - length(job) + 1;
	return start > b->now ? start : b->now;
}

static void learn(struct backfill *b, const struct backfill_job *job,
		  int64_t start)
{
	shape_learn(job->shape, b->pass, length(job), start);
}

static void open_hole(struct backfill *b, int64_t start)
{
	if (start < b->hole)
		b->hole = start;
}

/* ---- one job of a pass ---- */

enum outcome { FAILED = -1, STARTED, WAITS, HOLDS_UP };

struct round {
	struct backfill *b;
	const struct backfill_sink *sink;
	void *arg;
	size_t left;		/* were told a time and not yet seen */
	uint32_t work;
};

/* What a question to the matcher costs: one to its indexes, or one for which
 * it has to try; microseconds, about, of a large machine. */
#define LOOK	5
#define TRY	100

static void tell(struct round *r, struct backfill_job *job)
{
	if (job->told == job->start)
		return;
	r->b->expected += job->start != BACKFILL_NO_TIME;
	r->b->expected -= job->told != BACKFILL_NO_TIME;
	job->told = job->start;
	if (r->sink->expect)
		r->sink->expect(r->arg, job);
}

static enum outcome start(struct round *r, struct backfill_job *job,
			  const struct match_job *matched)
{
	struct backfill *b = r->b;

	b->reserved -= job->start != BACKFILL_NO_TIME;
	b->expected -= job->told != BACKFILL_NO_TIME;
	job->start = matched->start;
	shape_put(&b->shapes, job->shape);
	job->shape = NULL;
	r->sink->start(r->arg, job, matched);
	return STARTED;
}

/* Whether the whole machine could not run it. -1 with ENOMEM. */
static int is_never(struct round *r, struct backfill_job *job)
{
	struct shape *shape = job->shape;

	if (shape->verdict == SHAPE_UNKNOWN) {
		r->work += TRY;
		if (matcher_match(r->b->m, MATCH_SATISFIABILITY, job->id,
				  job->request, r->b->now, NULL) == 0)
			shape->verdict = SHAPE_POSSIBLE;
		else if (errno == ENODEV)
			shape->verdict = SHAPE_NEVER;
		else
			return -1;
	}
	if (shape->verdict == SHAPE_POSSIBLE)
		return 0;
	job->aside = true;
	if (r->sink->never)
		r->sink->never(r->arg, job);
	return 1;
}

/* It can't be had, at least not now: because what it wants is down? */
static enum outcome hold_up(struct round *r, struct backfill_job *job)
{
	struct backfill *b = r->b;

	job->refused = b->sweep;
	if (job->shape->down == b->pass)
		return WAITS;
	r->work += TRY;
	if (matcher_possible(b->m, job->request) == 0) {
		job->refused = 0;
		return HOLDS_UP;
	}
	if (errno != EBUSY)
		return FAILED;
	job->shape->down = b->pass;
	return WAITS;
}

/* Now, or with a reservation, or not at all. */
static enum outcome try_new(struct round *r, struct backfill_job *job)
{
	struct backfill *b = r->b;
	const struct match_job *matched;
	int64_t from = bound(b, job);

	if (job->tried != b->sweep && from <= b->now) {
		r->work += TRY;
		if (matcher_match(b->m, MATCH_ALLOCATE, job->id, job->request,
				  b->now, &matched) == 0)
			return start(r, job, matched);
		if (errno != EBUSY)
			return FAILED;
		learn(b, job, b->now + 1);
	}
	job->tried = b->sweep;
	if (job->refused == b->sweep)
		return WAITS;
	if (b->config.strict)
		return hold_up(r, job);
	if (b->reserved >= b->config.reservations)
		return WAITS;
	from = bound(b, job);
	if (from <= b->now)
		from = b->now + 1;
	r->work += TRY;
	if (from < MATCH_TIME_MAX &&
	    matcher_reserve(b->m, job->id, job->request, from,
			    &matched) == 0) {
		job->start = matched->start;
		b->reserved++;
		learn(b, job, job->start);
		return WAITS;
	}
	if (from < MATCH_TIME_MAX && errno != EBUSY)
		return FAILED;
	learn(b, job, MATCH_TIME_MAX);
	return hold_up(r, job);
}

/* Its time has come, or it is moved up as far as can be. */
static enum outcome try_reserved(struct round *r, struct backfill_job *job,
				 size_t i)
{
	struct backfill *b = r->b;
	const struct match_job *matched;
	int64_t was = job->start, from = bound(b, job);
	bool due = was <= b->now;

	if (!due && job->tried == b->sweep)
		return WAITS;
	if (!due && from < was) {
		r->work += LOOK;
		from = matcher_bound(b->m, job->id, job->request, from);
		if (from < 0)
			return FAILED;
		if (from == was) {
			job->tried = b->sweep;
			learn(b, job, was);
			return WAITS;
		}
	}
	if (due || from <= b->now) {
		r->work += TRY;
		if (matcher_begin(b->m, job->id, job->request, b->now,
				  &matched) == 0) {
			open_hole(b, was);
			return start(r, job, matched);
		}
		if (errno != EBUSY)
			return FAILED;
		if (due) {
			/* another runs longer than it said, or this pass is
			 * late: it goes before those behind it */
			give_back_from(b, i);
			return try_new(r, job);
		}
		learn(b, job, b->now + 1);
		from = bound(b, job);
	}
	job->tried = b->sweep;
	if (from <= b->now)
		from = b->now + 1;
	r->work += TRY;
	if (matcher_advance(b->m, job->id, job->request, from) < 0)
		return FAILED;
	matched = matcher_find(b->m, job->id);
	job->start = matched->start;
	if (job->start < was)
		open_hole(b, was);
	learn(b, job, job->start);
	return WAITS;
}

static enum outcome try_job(struct round *r, struct backfill_job *job,
			    size_t i)
{
	return job->start != BACKFILL_NO_TIME ? try_reserved(r, job, i) :
	       try_new(r, job);
}

/* ---- the pass ---- */

/* Those behind the last that was looked at have no reservations, and may have
 * to be told so. */
static void tell_rest(struct round *r, size_t i)
{
	for (; i < r->b->count && r->left; i++) {
		struct backfill_job *job = list(r->b)[i];

		r->left -= job->told != BACKFILL_NO_TIME;
		tell(r, job);
	}
}

/* The places of KEPT jobs of the first SEEN are their first ones; the others
 * were started. */
static void close_gap(struct backfill *b, size_t kept, size_t seen)
{
	size_t gone = seen - kept;

	if (!gone)
		return;
	memmove(list(b) + gone, list(b), kept * sizeof(*b->jobs));
	b->head += gone;
	b->count -= gone;
	if (!b->count)
		b->head = 0;
}

static void note_next(struct backfill *b, const struct backfill_job *job)
{
	if (job->start != BACKFILL_NO_TIME &&
	    (b->next == BACKFILL_NO_TIME || job->start < b->next))
		b->next = job->start;
}

int backfill_pass(struct backfill *b, int64_t now,
		  const struct backfill_sink *sink, void *arg)
{
	struct round r = { b, sink, arg, b->expected, 0 };
	enum outcome outcome = WAITS;
	size_t i = 0, kept = 0;
	uint32_t looked = 0;

	if (now > b->now)
		b->now = now;
	if (!b->partly)
		b->sweep = b->generation;
	b->next = BACKFILL_NO_TIME;
	b->pass++;
	b->hole = INT64_MAX;
	while (i < b->count && looked < b->config.depth &&
	       r.work < b->config.slice &&
	       outcome != HOLDS_UP && outcome != FAILED) {
		struct backfill_job *job = list(b)[i];
		int never = job->aside ? 1 : is_never(&r, job);

		r.left -= job->told != BACKFILL_NO_TIME;
		if (never == 0) {
			outcome = try_job(&r, job, i);
			looked += outcome != STARTED;
		} else if (never < 0) {
			outcome = FAILED;
		}
		i++;
		if (never == 0 && outcome == STARTED)
			continue;
		list(b)[kept++] = job;
		tell(&r, job);
		note_next(b, job);
	}
	close_gap(b, kept, i);
	if (outcome == FAILED)
		return -1;
	b->partly = r.work >= b->config.slice && kept < b->count &&
		    outcome != HOLDS_UP;
	if (b->partly)
		return 1;
	if (outcome == HOLDS_UP)
		give_back_from(b, kept);
	tell_rest(&r, kept);
	return b->generation != b->sweep;
}

int64_t backfill_next(const struct backfill *b)
{
	return b->next;
}

/* ---- the rest ---- */

struct backfill *backfill_create(struct matcher *m,
				 const struct backfill_config *config)
{
	struct backfill *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->m = m;
	b->config = *config;
	b->generation = 1;
	b->next = BACKFILL_NO_TIME;
	b->hole = INT64_MAX;
	return b;
}

void backfill_destroy(struct backfill *b)
{
	int saved = errno;

	if (b) {
		for (size_t i = 0; i < b->count; i++) {
			give_back(b, list(b)[i]);
			shape_put(&b->shapes, list(b)[i]->shape);
		}
		free(b->jobs);
		free(b);
	}
	errno = saved;
}

void backfill_configure(struct backfill *b,
			const struct backfill_config *config)
{
	b->config = *config;
	give_back_from(b, 0);
}

/* JOB is at place I now: those behind it get what it leaves. */
static void entered(struct backfill *b, size_t i)
{
	if (i + 1 < b->count)
		give_back_from(b, i + 1);
}

int backfill_add(struct backfill *b, struct backfill_job *job)
{
	if (make_room(b) < 0)
		return -1;
	job->shape = shape_get(&b->shapes, job->request);
	if (!job->shape)
		return -1;
	job->start = job->told = BACKFILL_NO_TIME;
	job->aside = false;
	job->tried = job->refused = 0;
	entered(b, insert(b, job));
	return 0;
}

void backfill_remove(struct backfill *b, struct backfill_job *job)
{
	give_back(b, job);
	b->expected -= job->told != BACKFILL_NO_TIME;
	take_out(b, job);
	shape_put(&b->shapes, job->shape);
	job->shape = NULL;
}

void backfill_set_priority(struct backfill *b, struct backfill_job *job,
			   int64_t priority)
{
	size_t from, to;

	if (job->priority == priority)
		return;
	give_back(b, job);
	from = take_out(b, job);
	job->priority = priority;
	/* there was room for it */
	if (b->head + b->count == b->size) {
		memmove(b->jobs, list(b), b->count * sizeof(*b->jobs));
		b->head = 0;
	}
	to = insert(b, job);
	entered(b, to < from ? to : from);
}

void backfill_freed(struct backfill *b)
{
	b->generation++;
}

void backfill_reconsider(struct backfill *b)
{
	give_back_from(b, 0);
	forget(b);
	b->partly = false;
	shapes_doubt(&b->shapes);
	for (size_t i = 0; i < b->count; i++)
		list(b)[i]->aside = false;
}

size_t backfill_count(const struct backfill *b)
{
	return b->count;
}

size_t backfill_reserved(const struct backfill *b)
{
	return b->reserved;
}
