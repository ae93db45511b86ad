/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a job: an event is written to its log, the table is asked, and
 * what the table wants done is done, which often is the next event.
 * weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "schedd/schedd.h"

double now_wall(void)
{
	struct timespec t;

	/* as it is read back from a log, which has microseconds */
	clock_gettime(CLOCK_REALTIME, &t);
	return (double)(t.tv_sec * 1000000LL + t.tv_nsec / 1000) / 1e6;
}

void job_post(struct schedd *s, struct job *job, struct jobevent *ev)
{
	enum job_state before = job->state;
	enum job_action action;

	assert(job->magic == JOB_MAGIC);
	ev->time = journal_time(s);
	if (job_update(job, ev, &action) < 0) {
		/* ours are legal by construction */
		assert(errno == ENOMEM);
		schedd_restart(s, "out of memory");
		return;
	}
	if (job->state != before) {
		queue_moved(job, before);
		if (job->parent)
			array_moved(s, job, before);
	}
	commit_event(s->commit, job, ev);
	journal_event(s, job, ev);
	plugins_event(s, job, ev, (int)before);
	job_act(s, job, action);
}

void job_post_plain(struct schedd *s, struct job *job, enum job_event event)
{
	struct jobevent ev = { .event = event };

	job_post(s, job, &ev);
}

static void raise_event(struct schedd *s, struct job *job,
			struct jobevent *ev)
{
	ev->event = ev->severity == 0 ? EVENT_FATAL : EVENT_EXCEPTION;
	job_post(s, job, ev);
}

void job_raise(struct schedd *s, struct job *job, const char *type,
	       int severity, const char *note, int wait_status)
{
	struct jobevent ev = {
		.severity = severity, .type = type, .note = note,
		.wait_status = wait_status,
	};

	raise_event(s, job, &ev);
}

void job_raise_by(struct schedd *s, struct job *job, const char *type,
		  int severity, const char *note, uid_t userid)
{
	struct jobevent ev = {
		.severity = severity, .type = type, .note = note,
		.wait_status = NO_WAIT_STATUS,
		.has_userid = true, .userid = userid,
	};

	raise_event(s, job, &ev);
}

/* ---- actions ---- */

static void act_validate(struct schedd *s, struct job *job)
{
	dependency_post(s, job);
	job_post_plain(s, job, EVENT_VALIDATE);
}

static void act_depend(struct schedd *s, struct job *job)
{
	if (dependency_none(s, job))
		job_post_plain(s, job, EVENT_DEPEND);
}

static void act_priority(struct schedd *s, struct job *job)
{
	struct jobevent ev = {
		.event = EVENT_PRIORITY, .priority = plugins_priority(s, job),
	};

	job_post(s, job, &ev);
}

static void act_queue(struct schedd *s, struct job *job)
{
	queue_place(s, job);
}

static void act_start(struct schedd *s, struct job *job)
{
	if (job->array)
		return;
	backlog_drop(job);
	heap_drop(job);
	if (hook_prolog(s, job))
		return;
	if (job->want.mock) {
		mock_start(s, job);
		return;
	}
	limit_set(s, job);
	exec_start(s, job);
}

static void act_limit(struct schedd *s, struct job *job)
{
	resources_set_end(s->resources, job->id, job->expiration);
	sched_wake(s);
	if (job->prolog == HOOK_OPEN)
		return;
	if (job->want.mock)
		mock_limit(s, job);
	else
		limit_set(s, job);
}

/* Its tasks run: others may have waited for that. */
static void act_started(struct schedd *s, struct job *job)
{
	dependency_wake(s, job);
	if (job->parent && !job->parent->started)
		arrays_wake(s, job->parent);
}

static void act_stop(struct schedd *s, struct job *job)
{
	if (job->array) {
		array_stop(s, job);
		return;
	}
	dependency_drop(job);
	backlog_drop(job);
	heap_drop(job);
	sched_wake(s);
	if (!job->allocated)
		job_post_plain(s, job, EVENT_CLEAN);
	else if (job->prolog == HOOK_OPEN)
		hook_cancel(s, job);
	else if (job->prolog == HOOK_STOPPED)
		job_act(s, job, ACTION_RELEASE);
	else if (job->want.mock)
		mock_end(s, job);
	else
		kill_job(s, job);
}

static void act_release(struct schedd *s, struct job *job)
{
	if (job->array)
		job_post_plain(s, job, EVENT_CLEAN);
	else if (!hook_epilog(s, job))
		job_post_plain(s, job, EVENT_RELEASE);
}

static void act_free(struct schedd *s, struct job *job)
{
	if (!housekeeping_begin(s, job))
		resources_free(s->resources, job->id);
	exec_clear(s, job);
	sched_wake(s);
	job_post_plain(s, job, EVENT_FREE);
}

static void act_clean(struct schedd *s, struct job *job)
{
	job_post_plain(s, job, EVENT_CLEAN);
}

static void act_forget(struct schedd *s, struct job *job)
{
	if (history_add(s->history, job) < 0)
		schedd_restart(s, "out of memory");
	else
		ended_add(s, history_nth(s->history, 0), &job->origin);
	s->fresh++;
	if (job->parent)
		array_ended(s, job);
	if (job->array)
		array_gone(s, job);
	dependency_wake(s, job);
	queue_leave(job);
	jobs_remove(s->jobs, job);
	if (job->flags & WEIR_JOB_WAITABLE)
		waits_ended(s, job->id, job->userid);
	job_destroy(job);
}

static void (*const actions[ACTIONS])(struct schedd *, struct job *) = {
	[ACTION_NONE] = NULL,
	[ACTION_VALIDATE] = act_validate,
	[ACTION_DEPEND] = act_depend,
	[ACTION_PRIORITY] = act_priority,
	[ACTION_QUEUE] = act_queue,
	[ACTION_START] = act_start,
	[ACTION_STARTED] = act_started,
	[ACTION_LIMIT] = act_limit,
	[ACTION_STOP] = act_stop,
	[ACTION_RELEASE] = act_release,
	[ACTION_FREE] = act_free,
	[ACTION_CLEAN] = act_clean,
	[ACTION_FORGET] = act_forget,
};

void job_act(struct schedd *s, struct job *job, enum job_action action)
{
	assert(action < ACTIONS);
	if (actions[action])
		actions[action](s, job);
}
