/* SPDX-License-Identifier: Apache-2.0 */
/* job-manager.update: what a user may change of a job that is active.
 * weir-jobs(7), weir-update(1). */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "schedd/schedd.h"
#include "schedd/update.h"

struct update {
	struct schedd *s;
	struct job *job;
	bool owner;		/* the instance's asks */
	struct job trial;	/* the job as it would be, for its limits */
	bool duration, queue;	/* are among what changes */
};

static int check_duration(struct update *u, json_t *value,
			  struct proto_error *err)
{
	double d = json_number_value(value);

	if (!json_is_number(value) || !(d >= 0 && d <= JOBSPEC_DURATION_MAX))
		return proto_error_set(err, EINVAL, "duration must be a "
				       "number of seconds from 0 to 1e10");
	if (u->job->state == STATE_RUN && !u->owner)
		return proto_error_set(err, EPERM, "update of duration for "
				       "running job requires instance owner");
	if (u->job->state == STATE_RUN && d > 0 &&
	    u->job->entered[STATE_RUN] + d <= now_wall())
		return proto_error_set(err, EINVAL, "requested duration "
				       "places job expiration in the past");
	u->trial.want.duration = d;
	u->duration = true;
	return 0;
}

static int check_name(struct update *u, json_t *value,
		      struct proto_error *err)
{
	if (json_is_string(value) && json_string_length(value) > 0 &&
	    json_string_length(value) <= 1024)
		return 0;
	return proto_error_set(err, EINVAL, "name must be a string of 1 to "
			       "1024 bytes");
}

static int check_queue(struct update *u, json_t *value,
		       struct proto_error *err)
{
	const char *name = json_string_value(value);
	struct queue *q = name && *name ? queue_find(u->s->queues, name) :
			  NULL;

	if (!q || !q->defined)
		return proto_error_set(err, EINVAL, "Invalid queue '%.64s' "
				       "specified", name ? name : "?");
	if (!q->enabled)
		return proto_error_set(err, EINVAL, "job submission to %s is "
				       "disabled", name);
	u->trial.q = q;
	u->queue = true;
	return 0;
}

static int check_any(struct update *u, json_t *value, struct proto_error *err)
{
	return 0;
}

static const struct row {
	const char *key;
	bool prefix;		/* and whatever is behind */
	bool running;		/* also of a job that runs */
	int (*check)(struct update *u, json_t *value, struct proto_error *err);
} rows[] = {
	{ UPDATE_DURATION, false, true, check_duration },
	{ UPDATE_NAME, false, false, check_name },
	{ UPDATE_QUEUE, false, false, check_queue },
	{ "attributes.system.bank", false, false, check_name },
	{ "attributes.system.project", false, false, check_name },
	{ "attributes.user.", true, true, check_any },
};

static const struct row *find_row(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].prefix ?
		    !strncmp(rows[i].key, key, strlen(rows[i].key)) :
		    !strcmp(rows[i].key, key))
			return &rows[i];
	return NULL;
}

static int check(struct update *u, json_t *updates, struct proto_error *err)
{
	const struct row *row;
	const char *key;
	json_t *value;

	if (u->job->state >= STATE_CLEANUP)
		return proto_error_set(err, EINVAL, "job is ending");
	if (u->job->immutable && !u->owner)
		return proto_error_set(err, EPERM, "job is immutable due to "
				       "previous instance owner update");
	json_object_foreach(updates, key, value) {
		row = find_row(key);
		if (!row)
			return proto_error_set(err, EINVAL, "update of %.100s "
					       "not supported", key);
		if (u->job->state == STATE_RUN && !row->running)
			return proto_error_set(err, EINVAL, "update of %.100s "
					       "for running job not supported",
					       key);
		if (row->check(u, value, err) < 0)
			return -1;
	}
	if (!(u->duration || u->queue) || u->owner)
		return 0;
	return limits_check(&u->trial, false, err) < 0 ? -1 :
	       plugins_update(u->s, &u->trial, err);
}

/* Into its new queue, so that it is put in the right line. */
static void move(struct update *u)
{
	if (!u->queue || u->trial.q == u->job->q)
		return;
	backlog_drop(u->job);
	queue_leave(u->job);
	if (queue_enter(u->trial.q, u->job) < 0)
		schedd_restart(u->s, "out of memory");
}

static void apply(struct update *u, json_t *updates)
{
	struct jobevent ev = { .event = EVENT_JOBSPEC_UPDATE,
			       .context = updates };
	json_t *flags;

	move(u);
	job_post(u->s, u->job, &ev);
	if (u->duration && u->job->state == STATE_RUN) {
		ev.event = EVENT_RESOURCE_UPDATE;
		ev.expiration = u->trial.want.duration > 0 ?
				u->job->entered[STATE_RUN] +
				u->trial.want.duration : 0;
		job_post(u->s, u->job, &ev);
	}
	if (!u->owner || u->job->userid == u->s->uid || u->job->immutable)
		return;
	flags = json_pack("{s:[s]}", "flags", "immutable");
	ev.event = EVENT_SET_FLAGS;
	ev.context = flags;
	job_post(u->s, u->job, &ev);
	json_decref(flags);
}

void do_update(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call), *updates = NULL;
	struct update u = { .s = s };
	struct proto_error error;
	json_error_t jerror;
	json_int_t id;

	if (!o)
		return;
	u.owner = may_act(s, call, s->uid);
	if (json_unpack_ex(o, &jerror, 0, "{s:I s:o}", "id", &id, "updates",
			   &updates) < 0) {
		weir_call_fail(call, EPROTO, "%s", jerror.text);
	} else if (json_object_size(updates) == 0 ||
		   json_dumpb(updates, NULL, 0, 0) > UPDATE_MAX) {
		weir_call_fail(call, EINVAL, "updates: must be an object of 1 "
			       "or more members, at most %d bytes",
			       UPDATE_MAX);
	} else if ((u.job = call_job(s, call, id))) {
		u.trial = *u.job;
		if (check(&u, updates, &error) < 0) {
			weir_call_fail(call, errno, "%s", error.text);
		} else {
			commit_reply(s->commit, call, 0);
			apply(&u, updates);
		}
	}
	json_decref(o);
}
