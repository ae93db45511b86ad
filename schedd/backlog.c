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
};

struct backlog {
	struct backfill *b;
	uint64_t changes, frees;	/* of the resources, as it knows them */
	struct job **started, **never;	/* by the pass that is being made */
	size_t started_count, never_count, size;
};

/* ---- jobs come and go ---- */

void backlog_drop(struct job *job)
{
	struct waiter *w = job->waiter;

	if (w && w->in)
		backfill_remove(w->in->b, &w->b);
	free(w);
	job->waiter = NULL;
	job->expected = 0;
}

static int add(struct schedd *s, struct queue *q, struct job *job)
{
	struct request *req = resources_request(s->resources, job->demand,
						&q->filter);
	struct waiter *w = job->waiter;

	/* it asks for something that is not there at all */
	if (!req && errno == EINVAL)
		q->backlog->never[q->backlog->never_count++] = job;
	if (!req)
		return errno == EINVAL ? 0 : -1;
	if (!w)
		w = job->waiter = calloc(1, sizeof(*w));
	if (!w)
		return -1;
	*w = (struct waiter) { .request = *req };
	w->request.duration = (int64_t)ceil(job->want.duration);
	w->b = (struct backfill_job) { .id = job->id, .data = job,
		.priority = job->priority, .request = &w->request };
	if (backfill_add(q->backlog->b, &w->b) < 0)
		return -1;
	w->in = q->backlog;
	return 0;
}

/* All that wait are known, as they are now. */
static int update(struct schedd *s, struct queue *q)
{
	for (size_t i = 0; i < q->heap.count; i++) {
		struct job *job = q->heap.job[i];
		struct waiter *w = job->waiter;

		if (w && w->in && w->request.duration !=
		    (int64_t)ceil(job->want.duration)) {
			backlog_drop(job);
			w = NULL;
		}
		if (!w || !w->in) {
			if (add(s, q, job) < 0)
				return -1;
		} else if (w->b.priority != job->priority) {
			backfill_set_priority(q->backlog->b, &w->b,
					      job->priority);
		}
	}
	return 0;
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
	struct backlog *l = arg;

	l->never[l->never_count++] = b->data;
}

static const struct backfill_sink sink = { on_start, on_expect, on_never };

/* ---- running ---- */

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
	return 0;
}

void backlog_reset(struct queue *q)
{
	struct backlog *l = q->backlog;

	if (!l)
		return;
	backfill_destroy(l->b);
	for (size_t i = 0; i < q->heap.count; i++)
		if (q->heap.job[i]->waiter)
			q->heap.job[i]->waiter->in = NULL;
	free(l->started);
	free(l->never);
	free(l);
	q->backlog = NULL;
}

/* Room for each of the queue's jobs to start, or never to. */
static int make_room(struct backlog *l, size_t count)
{
	struct job **started, **never;

	l->started_count = l->never_count = 0;
	if (count <= l->size)
		return 0;
	started = reallocarray(l->started, count, sizeof(struct job *));
	if (started)
		l->started = started;
	never = reallocarray(l->never, count, sizeof(struct job *));
	if (never)
		l->never = never;
	if (!started || !never)
		return -1;
	l->size = count;
	return 0;
}

static int pass(struct schedd *s, struct queue *q)
{
	struct backlog *l;
	uint64_t changes = resources_changes(s->resources);
	uint64_t frees = resources_frees(s->resources);

	if (!q->backlog && create(s, q) < 0)
		return -1;
	l = q->backlog;
	if (make_room(l, q->heap.count) < 0 || update(s, q) < 0)
		return -1;
	if (l->changes != changes)
		backfill_reconsider(l->b);
	else if (l->frees != frees)
		backfill_freed(l->b);
	l->changes = changes;
	l->frees = frees;
	return backfill_pass(l->b, (int64_t)now_wall(), &sink, l);
}

/* The jobs may go, and with them the lists: each is looked for anew. */
void backlog_run(struct schedd *s, struct queue *q)
{
	if (!q->backlog && !q->heap.count)
		return;
	if (pass(s, q) < 0) {
		schedd_restart(s, strerror(errno));
		return;
	}
	for (size_t i = 0; !s->restart && i < q->backlog->started_count; i++)
		sched_give(s, q->backlog->started[i]);
	for (size_t i = 0; !s->restart && i < q->backlog->never_count; i++)
		sched_give_up(s, q->backlog->never[i]);
}

double backlog_next(const struct queue *q)
{
	int64_t next = q->backlog ? backfill_next(q->backlog->b) :
		       BACKFILL_NO_TIME;

	return next == BACKFILL_NO_TIME ? 0 : (double)next;
}
