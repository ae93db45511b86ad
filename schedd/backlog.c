/* SPDX-License-Identifier: Apache-2.0 */
/* Queues with reservations: see backlog.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/backfill.h"
#include "schedd/backlog.h"
#include "schedd/schedd.h"

/* What a job that waits is for backfill. */
struct waiter {
	struct backfill_job b;
	struct request request;		/* its demand's, with its duration */
	struct backlog *in;		/* NULL: not known there */
	struct waiter *next, **prev;	/* of those that can never run; or
					   prev is NULL */
};

struct backlog {
	struct backfill *b;
	uint64_t changes, frees;	/* of the resources, as it knows them */
	struct job **started;		/* by the pass that is being made */
	size_t started_count, size;
	struct waiter *never;
	bool more;			/* the pass was cut short */
};

/* ---- those that can never run ---- */

static void never_unlink(struct waiter *w)
{
	if (!w->prev)
		return;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->prev = NULL;
}

static void never_link(struct backlog *l, struct waiter *w)
{
	never_unlink(w);
	w->next = l->never;
	if (w->next)
		w->next->prev = &w->next;
	w->prev = &l->never;
	l->never = w;
}

/* ---- jobs come and go ---- */

static void forget(struct waiter *w)
{
	if (w->in)
		backfill_remove(w->in->b, &w->b);
	w->in = NULL;
	never_unlink(w);
}

void backlog_drop(struct job *job)
{
	if (job->waiter)
		forget(job->waiter);
	free(job->waiter);
	job->waiter = NULL;
	job->expected = 0;
}

static int add(struct schedd *s, struct backlog *l, struct job *job)
{
	struct request *req = resources_request(s->resources, job->demand,
						&job->q->filter);
	struct waiter *w = job->waiter;

	if (!req && errno != EINVAL)
		return -1;
	if (!w)
		w = job->waiter = calloc(1, sizeof(*w));
	if (!w)
		return -1;
	*w = (struct waiter) { .b = { .id = job->id, .data = job,
		.priority = job->priority, .request = &w->request } };
	/* it asks for something that is not there at all */
	if (!req) {
		never_link(l, w);
		return 0;
	}
	w->request = *req;
	w->request.duration = (int64_t)ceil(job->want.duration);
	if (backfill_add(l->b, &w->b) < 0)
		return -1;
	w->in = l;
	return 0;
}

int backlog_put(struct schedd *s, struct job *job)
{
	struct backlog *l = job->q->backlog;
	struct waiter *w = job->waiter;

	if (!l)
		return 0;
	if (w && w->in && w->request.duration ==
	    (int64_t)ceil(job->want.duration)) {
		backfill_set_priority(l->b, &w->b, job->priority);
		return 0;
	}
	backlog_drop(job);
	return add(s, l, job);
}

/* ---- what a pass says ---- */

static void on_start(void *arg, struct backfill_job *b,
		     const struct match_job *matched)
{
	struct backlog *l = arg;
	struct job *job = b->data;

	assert(job->magic == JOB_MAGIC);
	job->waiter->in = NULL;
	l->started[l->started_count++] = job;
}

static void on_expect(void *arg, struct backfill_job *b)
{
	struct job *job = b->data;

	assert(job->magic == JOB_MAGIC);
	job->expected = b->start == BACKFILL_NO_TIME ? 0 : (double)b->start;
}

static void on_never(void *arg, struct backfill_job *b)
{
	struct job *job = b->data;

	never_link(arg, job->waiter);
}

static const struct backfill_sink sink = { on_start, on_expect, on_never };

/* ---- running ---- */

void backlog_reset(struct queue *q)
{
	struct backlog *l = q->backlog;

	if (!l)
		return;
	for (size_t i = 0; i < q->heap.count; i++)
		if (q->heap.job[i]->waiter)
			forget(q->heap.job[i]->waiter);
	backfill_destroy(l->b);
	free(l->started);
	free(l);
	q->backlog = NULL;
}

static int in_order(const void *a, const void *b)
{
	return jobs_compare(*(struct job *const *)a, *(struct job *const *)b);
}

/* All that wait, in order: each is added behind those before it. */
static int add_all(struct schedd *s, struct queue *q)
{
	size_t n = q->heap.count;
	struct job **jobs = calloc(n + 1, sizeof(*jobs));
	int rc = jobs ? 0 : -1;

	if (jobs) {
		memcpy(jobs, q->heap.job, n * sizeof(*jobs));
		qsort(jobs, n, sizeof(*jobs), in_order);
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add(s, q->backlog, jobs[i]);
	free(jobs);
	return rc;
}

static int create(struct schedd *s, struct queue *q)
{
	struct backlog *l = calloc(1, sizeof(*l));

	if (l)
		l->b = resources_backfill(s->resources, &q->config);
	if (!l || !l->b) {
		free(l);
		return -1;
	}
	q->backlog = l;
	return add_all(s, q);
}

/* Room for each of the queue's jobs to start. */
static int make_room(struct backlog *l, size_t count)
{
	struct job **started;

	l->started_count = 0;
	if (count <= l->size)
		return 0;
	started = reallocarray(l->started, 2 * count, sizeof(*started));
	if (!started)
		return -1;
	l->started = started;
	l->size = 2 * count;
	return 0;
}

static int pass(struct schedd *s, struct queue *q)
{
	struct backlog *l;
	int rc;
	uint64_t changes = resources_changes(s->resources);
	uint64_t frees = resources_frees(s->resources);

	if (!q->backlog && create(s, q) < 0)
		return -1;
	l = q->backlog;
	if (make_room(l, q->heap.count) < 0)
		return -1;
	if (l->changes != changes)
		backfill_reconsider(l->b);
	else if (l->frees != frees)
		backfill_freed(l->b);
	l->changes = changes;
	l->frees = frees;
	rc = backfill_pass(l->b, (int64_t)now_wall(), &sink, l);
	l->more = rc > 0;
	return rc;
}

/* Each that gets on may take others out of the lists. */
void backlog_run(struct schedd *s, struct queue *q)
{
	struct backlog *l = q->backlog;
	struct waiter *w;

	if (!l && !q->heap.count)
		return;
	if (pass(s, q) < 0) {
		schedd_restart(s, strerror(errno));
		return;
	}
	l = q->backlog;
	for (size_t i = 0; !s->restart && i < l->started_count; i++)
		sched_give(s, l->started[i]);
	while (!s->restart && (w = l->never)) {
		never_unlink(w);
		sched_give_up(s, w->b.data);
	}
}

double backlog_next(const struct queue *q)
{
	int64_t next = q->backlog ? backfill_next(q->backlog->b) :
		       BACKFILL_NO_TIME;

	if (q->backlog && q->backlog->more)
		return now_wall();
	return next == BACKFILL_NO_TIME ? 0 : (double)next;
}
