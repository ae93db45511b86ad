/* SPDX-License-Identifier: Apache-2.0 */
/* Once a turn of the loop each queue gets of what is free: one that is first
 * come, first served until its first job has to wait, the others by backlog.c.
 * schedd(8). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/placement.h"
#include "schedd/schedd.h"

void sched_wake(struct schedd *s)
{
	s->sched_wanted = true;
	commit_wake(s->commit);
}

static int add_range(struct wire_buf *b, const char *kind,
		     const struct idset *set)
{
	char *text;
	int r;

	if (idset_empty(set))
		return 0;
	text = idset_encode(set, IDSET_BRACKETS);
	if (!text)
		return -1;
	r = buf_printf(b, "%s%s", kind, text);
	free(text);
	return r;
}

/* "rank0/core[0-1],gpu0 rank1/core0", cut after a while; to be freed. */
static char *summary(const struct resource_set *R)
{
	struct wire_buf b;
	char *text;
	size_t i;

	wire_buf_init(&b);
	for (i = 0; i < R->count && b.len < 1024; i++)
		if (buf_printf(&b, "%srank%u", i ? " " : "",
			       R->nodes[i].rank) < 0 ||
		    add_range(&b, "/core", R->nodes[i].cores) < 0 ||
		    add_range(&b, ",gpu", R->nodes[i].gpus) < 0) {
			wire_buf_free(&b);
			return NULL;
		}
	if (i < R->count)
		buf_printf(&b, " ...");
	text = b.data ? strndup(b.data, b.len) : strdup("");
	wire_buf_free(&b);
	return text;
}

static void put_R(struct schedd *s, struct job *job)
{
	char key[JOBID_SIZE + 8];
	char *text = resource_set_encode(job->R);

	if (!text) {
		schedd_restart(s, "out of memory");
		return;
	}
	snprintf(key, sizeof(key), "%s.R", job->key);
	weir_txn_put(commit_txn(s->commit), key, text, strlen(text));
	free(text);
}

/* What it says of its tasks does not go with what it gets. */
static void refuse(struct schedd *s, struct job *job, struct resource_set *R,
		   const char *why)
{
	resources_free(s->resources, job->id);
	resource_set_destroy(R);
	job_raise(s, job, "alloc", 0, why, NO_WAIT_STATUS);
}

/* Only what was written by hand can be wrong. */
static bool placed(const struct job *job, const struct resource_set *R,
		   struct proto_error *error)
{
	struct taskmap *map;

	if (!job->want.map && !job->want.hosts)
		return true;
	map = placement_map(&job->want, R, error);
	taskmap_destroy(map);
	return map || errno != EINVAL;
}

static void give(struct schedd *s, struct job *job, struct resource_set *R)
{
	struct jobevent ev = { .event = EVENT_ALLOC };
	struct proto_error error;
	char *resources;

	if (!placed(job, R, &error)) {
		refuse(s, job, R, error.text);
		return;
	}
	resources = summary(R);
	R->starttime = now_wall();
	if (job->want.duration > 0)
		R->expiration = R->starttime + job->want.duration;
	else
		R->expiration = 0;
	if (!resources || job_set_resources(job, R) < 0) {
		resources_free(s->resources, job->id);
		resource_set_destroy(R);
		free(resources);
		schedd_restart(s, "out of memory");
		return;
	}
	put_R(s, job);
	ev.resources = resources;
	job_post(s, job, &ev);
	free(resources);
}

void sched_give(struct schedd *s, struct job *job)
{
	struct resource_set *R;

	if (plugins_hold(s, job)) {
		/* what others may have now */
		resources_free(s->resources, job->id);
		s->sched_again = true;
		return;
	}
	R = resources_taken(s->resources, job->id);
	if (R)
		give(s, job, R);
	else
		schedd_restart(s, "out of memory");
}

/* It waited, and now can never run: nodes were lost from the inventory. */
void sched_give_up(struct schedd *s, struct job *job)
{
	struct proto_error error = { "it can never run" };

	resources_check(s->resources, job->demand, &job->q->filter, &error);
	job_raise(s, job, "alloc", 0, error.text, NO_WAIT_STATUS);
}

/* The first of all that are first in a queue that looks no further. */
static struct job *next_job(struct schedd *s)
{
	struct job *best = NULL, *job;
	struct queue *q;

	for (q = s->queues->first; q; q = q->next) {
		job = q->blocked || !q->config.strict ? NULL :
		      heap_head(&q->heap);
		if (job && (!best || jobs_compare(job, best) < 0))
			best = job;
	}
	return best;
}

static void run_strict(struct schedd *s)
{
	struct proto_error error;
	struct resource_set *R;
	struct job *job;

	while (!s->restart && (job = next_job(s))) {
		if (plugins_hold(s, job))
			continue;
		R = resources_alloc(s->resources, job->id, job->demand,
				    &job->q->filter, now_wall(),
				    job->want.duration);
		if (R)
			give(s, job, R);
		else if (errno != EAGAIN && errno != EINVAL)
			schedd_restart(s, strerror(errno));
		else if (!s->nodes_known || !resources_count(s->resources) ||
			 resources_check(s->resources, job->demand,
					 &job->q->filter, &error) == 0)
			job->q->blocked = true;
		else
			sched_give_up(s, job);
	}
}

/* ---- queues with reservations ---- */

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct schedd *s = arg;

	assert(s->magic == SCHEDD_MAGIC);
	sched_wake(s);
}

/* Something reserved begins at WHEN; 0: nothing does. */
static void set_timer(struct schedd *s, double when)
{
	double left = when - now_wall() + 0.001;
	struct timeval tv = { 0, 0 };

	if (s->sched_timer)
		evtimer_del(s->sched_timer);
	if (when <= 0)
		return;
	if (left > 0) {
		tv.tv_sec = (time_t)left;
		tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec) * 1e6);
	}
	if (!s->sched_timer)
		s->sched_timer = evtimer_new(s->base, on_time, s);
	if (!s->sched_timer || evtimer_add(s->sched_timer, &tv) < 0)
		schedd_restart(s, "out of memory");
}

static void run_others(struct schedd *s)
{
	double next = 0, when;
	struct queue *q;

	if (!s->nodes_known || !resources_ready(s->resources)) {
		if (s->nodes_known && errno)
			schedd_restart(s, strerror(errno));
		return;
	}
	for (q = s->queues->first; q && !s->restart; q = q->next) {
		if (q->config.strict)
			continue;
		backlog_run(s, q);
		when = backlog_next(q);
		if (when > 0 && (next <= 0 || when < next))
			next = when;
	}
	set_timer(s, next);
}

void sched_run(struct schedd *s)
{
	struct queue *q;

	if (!s->ready || !s->sched_wanted)
		return;
	for (q = s->queues->first; q; q = q->next)
		q->blocked = false;
	run_strict(s);
	if (!s->restart)
		run_others(s);
	/* jobs that ended by this have asked again, to no avail */
	s->sched_wanted = s->sched_again;
	s->sched_again = false;
	if (s->sched_wanted)
		turn_again(s);
}

void sched_stop(struct schedd *s)
{
	struct queue *q;

	for (q = s->queues ? s->queues->first : NULL; q; q = q->next)
		backlog_reset(q);
	if (s->sched_timer)
		event_free(s->sched_timer);
}
