/* SPDX-License-Identifier: Apache-2.0 */
/* Whether dependencies hold, and waiting until they do: see dependency.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "schedd/condition.h"
#include "schedd/schedd.h"

#define LOOK_MAX	512	/* conditions looked at in a turn */
#define TIMER_MAX	86400.0	/* seconds: the clock may be set meanwhile */

/* ---- who waits ---- */

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct condition *c = arg;
	struct job *job = c->dependency->job;

	assert(job->magic == JOB_MAGIC);
	job_act(job->schedd, job, ACTION_DEPEND);
}

static void wait_until(struct schedd *s, struct condition *c)
{
	double left = c->time - now_wall();
	struct timeval tv = { 0, 1000 };

	if (left > TIMER_MAX)
		left = TIMER_MAX;
	if (left > 0.001) {
		tv.tv_sec = (time_t)left;
		tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec) * 1e6);
	}
	if (!c->timer)
		c->timer = evtimer_new(s->base, on_time, c);
	if (!c->timer || evtimer_add(c->timer, &tv) < 0)
		schedd_restart(s, "out of memory");
}

static void wait_for(struct schedd *s, struct condition *c)
{
	struct job *job;

	if (c->kind == CONDITION_FOREIGN)
		return;		/* its plug-in tells */
	if (c->kind == CONDITION_TIME) {
		wait_until(s, c);
		return;
	}
	job = jobs_find(s->jobs, c->id);
	if (job)
		condition_link(&job->dependents, c);
}

/* ---- whether it holds ---- */

enum verdict {
	NEVER = WEIR_PLUGIN_NEVER,
	NOT_YET = WEIR_PLUGIN_WAIT,
	HOLDS = WEIR_PLUGIN_YES,
};

static enum verdict judge_ended(const struct condition *c,
				const struct record *r)
{
	bool holds = false;

	if (c->kind == CONDITION_FINISHED)
		return HOLDS;
	if (!r || r->entered[STATE_RUN] <= 0)
		return NEVER;
	switch (c->kind) {
	case CONDITION_STARTED:
		holds = r->started;
		break;
	case CONDITION_SUCCEEDED:
		holds = r->result == RESULT_COMPLETED;
		break;
	case CONDITION_FAILED:
		holds = r->result != RESULT_COMPLETED;
		break;
	default:
		holds = r->exception && r->exception_severity == 0;
	}
	return holds ? HOLDS : NEVER;
}

/* Jobs are listed newest first: the next older one of the same name and user
 * is in the way. */
static enum verdict judge_singleton(struct condition *c)
{
	struct job *job = c->dependency->job, *other;

	for (other = job->next; other; other = other->next)
		if (other->named && other->userid == job->userid &&
		    !strcmp(other->name, job->name))
			break;
	c->id = other ? other->id : 0;
	return other ? NOT_YET : HOLDS;
}

static enum verdict judge(struct schedd *s, struct condition *c)
{
	struct job *other;

	if (c->kind == CONDITION_TIME)
		return now_wall() >= c->time ? HOLDS : NOT_YET;
	if (c->kind == CONDITION_SINGLETON)
		return judge_singleton(c);
	if (c->kind == CONDITION_FOREIGN)
		return (enum verdict)plugins_depend(s, c->dependency->job,
						    c->scheme, c->value, NULL);
	other = jobs_find(s->jobs, c->id);
	if (!other)
		return judge_ended(c, history_find(s->history, c->id));
	return c->kind == CONDITION_STARTED && other->started ? HOLDS :
	       NOT_YET;
}

static void drop(struct dependency *d)
{
	size_t i;

	for (i = 0; i < d->count; i++) {
		condition_unlink(&d->condition[i]);
		if (d->condition[i].timer)
			evtimer_del(d->condition[i].timer);
	}
}

/* Of all its conditions; they are made to wait if there is nothing else. */
static enum verdict settle(struct schedd *s, struct dependency *d)
{
	enum verdict best = d->count ? NEVER : NOT_YET, v;
	size_t i;

	for (i = 0; i < d->count && best != HOLDS; i++) {
		v = judge(s, &d->condition[i]);
		if (v > best)
			best = v;
		if (v == NOT_YET)
			wait_for(s, &d->condition[i]);
	}
	return best;
}

/* ---- the job's way ---- */

static int check_foreign(struct schedd *s, const struct job *job,
			 const struct condition *c, struct proto_error *err)
{
	if (!plugins_know(s, c->scheme))
		return proto_error_set(err, EINVAL, "dependency scheme \"%s\" "
				       "not supported", c->scheme);
	return plugins_depend(s, job, c->scheme, c->value, err) ==
	       WEIR_PLUGIN_NEVER ? -1 : 0;
}

/* Whether C names a job that this one may wait for. */
static int check_condition(struct schedd *s, const struct job *job,
			   const struct condition *c, struct proto_error *err)
{
	const struct record *r;
	struct job *other;
	char id[JOBID_SIZE];

	if (c->kind == CONDITION_FOREIGN)
		return check_foreign(s, job, c, err);
	if (c->kind == CONDITION_SINGLETON && !job->named)
		return proto_error_set(err, EINVAL, "dependency: singleton: "
				       "the job must have a name");
	if (c->kind == CONDITION_TIME || c->kind == CONDITION_SINGLETON)
		return 0;
	other = arrays_find(s, c->id, job->userid, job->userid == s->uid);
	r = other ? NULL : history_find(s->history, c->id);
	if (!other && !r)
		r = arrays_rest_record(s, c->id);
	jobid_encode(c->id, JOBID_F58, id);
	if (!other && !r)
		return proto_error_set(err, EINVAL, "dependency: %s: id %s:"
				       " job not found",
				       condition_scheme(c), id);
	if (job->userid != s->uid &&
	    job->userid != (other ? other->userid : r->userid))
		return proto_error_set(err, EPERM, "dependency: %s: id %s: "
				       "the job is another user's",
				       condition_scheme(c), id);
	return 0;
}

int dependency_check(struct schedd *s, const struct job *job,
		     struct proto_error *err)
{
	struct dependency *d;
	size_t i;

	for (d = job->dependencies; d; d = d->next)
		for (i = 0; i < d->count; i++)
			if (check_condition(s, job, &d->condition[i], err) < 0)
				return -1;
	return 0;
}

void dependency_post(struct schedd *s, struct job *job)
{
	struct jobevent ev = { .event = EVENT_DEPENDENCY_ADD };
	struct dependency *d;

	for (d = job->dependencies; d; d = d->next)
		if (!d->posted) {
			ev.description = d->description;
			job_post(s, job, &ev);
		}
}

bool dependency_none(struct schedd *s, struct job *job)
{
	struct jobevent ev = { .event = EVENT_DEPENDENCY_REMOVE };
	struct dependency *d;
	char note[300];
	bool none = true;

	for (d = job->dependencies; d; d = d->next) {
		if (!d->open)
			continue;
		switch (settle(s, d)) {
		case HOLDS:
			/* takes it further by itself, perhaps to its end */
			drop(d);
			ev.description = d->description;
			job_post(s, job, &ev);
			return false;
		case NEVER:
			snprintf(note, sizeof(note), "dependency %.250s can "
				 "never be satisfied", d->description);
			job_raise(s, job, "dependency", 0, note,
				  NO_WAIT_STATUS);
			return false;
		default:
			none = false;
		}
	}
	return none;
}

void dependency_drop(struct job *job)
{
	struct dependency *d;

	for (d = job->dependencies; d; d = d->next)
		drop(d);
}

void dependency_look(struct schedd *s)
{
	struct dependency *d;
	struct job *job;
	size_t i;

	for (job = jobs_first(s->jobs); job; job = job->next)
		for (d = job->state == STATE_DEPEND ? job->dependencies : NULL;
		     d; d = d->next)
			for (i = 0; d->open && i < d->count; i++)
				if (d->condition[i].kind == CONDITION_FOREIGN)
					condition_link(&s->to_settle,
						       &d->condition[i]);
	if (s->to_settle)
		commit_wake(s->commit);
}

/* Not at once: one job's end may end the next, in a chain as long as users
 * like to make it. */
void dependency_wake(struct schedd *s, struct job *job)
{
	if (!job->dependents)
		return;
	while (job->dependents)
		condition_link(&s->to_settle, job->dependents);
	commit_wake(s->commit);
}

void dependency_turn(struct schedd *s)
{
	int looked = 0;
	struct job *job;

	/* more than a turn's worth waits for room */
	if (s->settling && !turn_room(s))
		return;
	while (s->to_settle && looked++ < LOOK_MAX) {
		job = s->to_settle->dependency->job;
		assert(job->magic == JOB_MAGIC);
		condition_unlink(s->to_settle);
		job_act(s, job, ACTION_DEPEND);
	}
	s->settling = s->to_settle;
}
