/* SPDX-License-Identifier: Apache-2.0 */
/* Queues as others see and change them: methods of job-manager, the keys
 * config and queue.state. weir-jobs(7), weir-queue(1). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

/* ---- the store ---- */

static void take_config(struct schedd *s, const char *data, size_t len)
{
	struct proto_error error;
	struct queue *q;

	/* their requests refer to the conditions of queues */
	for (q = s->queues->first; q; q = q->next)
		backlog_reset(q);
	if (queues_configure(s->queues, data, len, &error) < 0)
		daemon_log(LOG_ERR, "config: %s; nothing of it is used",
			   error.text);
	else {
		resources_set_policy(s->resources, s->queues->match);
		plugins_configure(s, data, len);
	}
	if (s->commit)
		sched_wake(s);	/* jobs may fit elsewhere now */
}

int queues_read(struct schedd *s, struct weir_error *error)
{
	static const char *const key[] = { "config", "queue.state" };
	weir_future_t *f;
	const char *data;
	size_t len;
	int i, e;

	for (i = 0; i < 2; i++) {
		f = weir_kvs_get(s->h, "primary", key[i], NULL);
		e = !f || weir_future_get(f) < 0 ? errno : 0;
		if (e && e != ENOENT && e != ENOTDIR && e != EISDIR) {
			error->errnum = e;
			snprintf(error->text, sizeof(error->text), "%s: %s",
				 key[i], strerror(e));
			weir_future_destroy(f);
			errno = e;
			return -1;
		}
		data = e ? NULL : weir_future_data(f, &len);
		if (data && i == 0)
			take_config(s, data, len);
		else if (data)
			queues_restore(s->queues, data, len);
		weir_future_destroy(f);
	}
	return 0;
}

static void on_config(weir_future_t *f, void *arg)
{
	struct schedd *s = arg;
	const char *kind, *data;
	size_t len;

	assert(s->magic == SCHEDD_MAGIC);
	if (weir_future_error(f)) {
		schedd_restart(s, weir_future_strerror(f));
		return;
	}
	kind = weir_future_word(f, 0);
	data = weir_future_data(f, &len);
	if (kind && !strcmp(kind, "value"))
		take_config(s, data, data ? len : 0);
	else if (kind && !strcmp(kind, "gone"))
		take_config(s, NULL, 0);
	purge_wake(s);
}

int queues_watch(struct schedd *s)
{
	s->config_watch = weir_kvs_watch(s->h, "primary", "config",
					 WEIR_WATCH_LATEST, WEIR_FROM_NOW, 0,
					 WEIR_WATCH_WAIT);
	if (!s->config_watch)
		return -1;
	return weir_future_then(s->config_watch, -1, on_config, s);
}

static void put_state(struct schedd *s)
{
	char *text = queues_state(s->queues);

	if (!text) {
		schedd_restart(s, "out of memory");
		return;
	}
	weir_txn_put(commit_txn(s->commit), "queue.state", text, strlen(text));
	free(text);
}

/* ---- stop and start ---- */

void queue_place(struct schedd *s, struct job *job)
{
	if (job->array) {
		arrays_wake(s, job);
		return;
	}
	if (job->priority == 0 || !job->q->started) {
		backlog_drop(job);
		heap_drop(job);
		free(job->pending);
		job->pending = NULL;
		return;
	}
	if (plugins_hold(s, job))
		return;
	if (heap_put(&job->q->heap, job) < 0 || backlog_put(s, job) < 0) {
		schedd_restart(s, "out of memory");
		return;
	}
	sched_wake(s);
}

static void set_started(struct schedd *s, struct queue *q, bool start)
{
	struct job *job;

	if (q->started == start)
		return;
	q->started = start;
	while (!start && (job = heap_head(&q->heap))) {
		backlog_drop(job);
		heap_drop(job);
	}
	for (job = jobs_first(s->jobs); start && job; job = job->next)
		if (job->q == q && job->state == STATE_SCHED)
			queue_place(s, job);
}

static void set_reason(char **field, const char *reason)
{
	free(*field);
	*field = reason ? strdup(reason) : NULL;
}

/* ---- methods ---- */

/* The queue called NAME, or NULL and the call has failed. */
static struct queue *named(struct schedd *s, weir_call_t *call,
			   const char *name)
{
	struct queue *q = queue_find(s->queues, name);

	if (q && q->defined)
		return q;
	weir_call_fail(call, EINVAL, "'%s' is not a valid queue", name);
	return NULL;
}

struct change {
	const char *reason;
	bool scheduling;	/* else submission */
	int on, is_volatile;
};

static void apply(struct schedd *s, struct queue *q, const struct change *c)
{
	if (c->scheduling) {
		set_started(s, q, c->on);
		set_reason(&q->stop_reason, c->on ? NULL : c->reason);
	} else {
		q->enabled = c->on;
		set_reason(&q->disable_reason, c->on ? NULL : c->reason);
	}
}

/* To the queue NAME, or all of them without one. False and the call has
 * failed. */
static bool apply_to(struct schedd *s, weir_call_t *call, const char *name,
		     bool all, const struct change *c)
{
	struct queue *q = name ? named(s, call, name) : NULL;

	if (name && !q)
		return false;
	if (!q && s->queues->named && !all) {
		weir_call_fail(call, EINVAL, "Named queues are defined. "
			       "Specify queues or use --all.");
		return false;
	}
	if (q)
		apply(s, q, c);
	for (q = s->queues->first; !name && q; q = q->next)
		if (q->defined)
			apply(s, q, c);
	return true;
}

static void change(struct schedd *s, weir_call_t *call, const char *verb,
		   struct change c)
{
	json_t *o = call_json(call);
	const char *name = NULL;
	json_error_t error;
	int all = 0;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s?s s?b s:b s?s s?b}", "name",
			   &name, "all", &all, verb, &c.on, "reason",
			   &c.reason, "nocheckpoint", &c.is_volatile) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
	} else if (!may_act(s, call, s->uid)) {
		weir_call_fail(call, EPERM, "only the instance's owner may do "
			       "that");
	} else if (apply_to(s, call, name, all, &c)) {
		if (!c.is_volatile)
			put_state(s);
		commit_reply(s->commit, call, 0);
	}
	json_decref(o);
}

void do_queue_enable(struct schedd *s, weir_call_t *call)
{
	change(s, call, "enable", (struct change) { .scheduling = false });
}

void do_queue_start(struct schedd *s, weir_call_t *call)
{
	change(s, call, "start", (struct change) { .scheduling = true });
}

/* ---- listing ---- */

static json_t *sizes(const int limit[LIMIT_SIZES])
{
	return json_pack("{s:i s:i s:i}", "nnodes", limit[LIMIT_NNODES],
			 "ncores", limit[LIMIT_NCORES], "ngpus",
			 limit[LIMIT_NGPUS]);
}

static json_t *status(const struct queue *q)
{
	return json_pack("{s:s s:b s:b s:s* s:s*}", "name", q->name, "enable",
			 q->enabled, "start", q->started, "disable_reason",
			 q->disable_reason, "stop_reason", q->stop_reason);
}

/* "hosts" or "requires", as the configuration says it. */
static void add_condition(json_t *o, json_t *condition)
{
	json_t *hosts = json_object_get(condition, "hostlist");

	if (hosts)
		json_object_set(o, "hosts", json_array_get(hosts, 0));
	else
		json_object_set(o, "requires", json_object_get(condition,
							"properties"));
}

static json_t *describe(struct schedd *s, const struct queue *q)
{
	json_t *o = status(q), *condition;
	bool standard = s->queues->standard &&
			!strcmp(s->queues->standard, q->name);
	size_t i;

	json_object_update_new(o, json_pack("{s:b s:f s:{s:f s:i s:o s:o} "
		"s:I s:I s:I s:I}", "default", standard, "duration", q->duration,
		"limits", "duration", q->limits.duration, "active-jobs",
		q->limits.jobs, "min", sizes(q->limits.min), "max",
		sizes(q->limits.max), "queued", (json_int_t)q->heap.count,
		"stopped", q->started ? (json_int_t)0 :
		(json_int_t)q->count[STATE_SCHED],
		"running", (json_int_t)queue_running(q), "active",
		(json_int_t)queue_active(q)));
	json_array_foreach(json_object_get(q->filter.json, "and"), i, condition)
		add_condition(o, condition);
	return o;
}

void do_queue_list(struct schedd *s, weir_call_t *call)
{
	json_t *list = json_array();
	struct queue *q;

	for (q = s->queues->first; q; q = q->next)
		if (q->defined)
			json_array_append_new(list, describe(s, q));
	call_answer(call, json_pack("{s:o}", "queues", list));
}

void do_queue_status(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	const char *name = "";
	struct queue *q;

	if (!o)
		return;
	json_unpack(o, "{s?s}", "name", &name);
	q = named(s, call, name);
	if (q)
		call_answer(call, status(q));
	json_decref(o);
}

/* The counts of job-stats, for each named queue. */
json_t *queues_stats(struct schedd *s)
{
	json_t *list = json_array();
	const struct queue *q;
	json_int_t ended;
	int i;

	for (q = s->queues->first; q; q = q->next) {
		if (!q->defined || !*q->name)
			continue;
		for (ended = 0, i = 1; i <= RESULT_TIMEOUT; i *= 2)
			ended += (json_int_t)q->results[i];
		json_array_append_new(list, json_pack("{s:s s:{s:I s:I s:I "
			"s:I s:I s:I s:I s:I} s:I s:I s:I s:I}",
			"name", q->name, "job_states",
			"new", (json_int_t)q->count[STATE_NEW],
			"depend", (json_int_t)q->count[STATE_DEPEND],
			"priority", (json_int_t)q->count[STATE_PRIORITY],
			"sched", (json_int_t)q->count[STATE_SCHED],
			"run", (json_int_t)q->count[STATE_RUN],
			"cleanup", (json_int_t)q->count[STATE_CLEANUP],
			"inactive", ended, "total",
			ended + (json_int_t)queue_active(q),
			"successful", (json_int_t)q->results[RESULT_COMPLETED],
			"failed", (json_int_t)q->results[RESULT_FAILED],
			"canceled", (json_int_t)q->results[RESULT_CANCELED],
			"timeout", (json_int_t)q->results[RESULT_TIMEOUT]));
	}
	return list;
}

/* ---- drain and idle ---- */

/* A call that waits until a queue, or all of them (NULL), has no jobs, or
 * none that run or are about to. */
struct queue_wait {
	struct queue_wait *next;
	weir_call_t *call;
	const struct queue *q;
	bool idle;
};

static bool quiet(const struct queue_wait *w, const struct queue *q)
{
	return w->idle ? queue_running(q) == 0 && q->heap.count == 0 :
	       queue_active(q) == 0;
}

static bool over(struct schedd *s, const struct queue_wait *w)
{
	const struct queue *q;

	if (w->q)
		return quiet(w, w->q);
	for (q = s->queues->first; q; q = q->next)
		if (!quiet(w, q))
			return false;
	return true;
}

void queues_turn(struct schedd *s)
{
	struct queue_wait **p = &s->queue_waits, *w;

	while ((w = *p)) {
		if (!over(s, w)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		weir_call_on_drop(w->call, NULL, NULL);
		commit_reply_json(s->commit, w->call,
				  json_pack("{s:i}", "pending", 0));
		free(w);
	}
}

static void on_drop(weir_call_t *call, void *arg)
{
	struct schedd *s = arg;
	struct queue_wait **p = &s->queue_waits, *w;

	assert(s->magic == SCHEDD_MAGIC);
	weir_call_fail(call, ECANCELED, "canceled");
	while ((w = *p) && w->call != call)
		p = &w->next;
	if (w) {
		*p = w->next;
		free(w);
	}
}

void queues_stop(struct schedd *s)
{
	struct queue_wait *w;

	while ((w = s->queue_waits)) {
		s->queue_waits = w->next;
		weir_call_fail(w->call, ECONNRESET, "schedd ends");
		free(w);
	}
}

static void wait_quiet(struct schedd *s, weir_call_t *call, bool idle)
{
	json_t *o = call_json(call);
	const char *name = NULL;
	struct queue *q = NULL;
	struct queue_wait *w;

	if (!o)
		return;
	json_unpack(o, "{s?s}", "name", &name);
	if (name && !(q = named(s, call, name))) {
		json_decref(o);
		return;
	}
	json_decref(o);
	w = calloc(1, sizeof(*w));
	if (!w) {
		weir_call_fail(call, ENOMEM, "out of memory");
		return;
	}
	w->call = call;
	w->q = q;
	w->idle = idle;
	w->next = s->queue_waits;
	s->queue_waits = w;
	weir_call_on_drop(call, on_drop, s);
	commit_wake(s->commit);
}

void do_queue_drain(struct schedd *s, weir_call_t *call)
{
	wait_quiet(s, call, false);
}

void do_queue_idle(struct schedd *s, weir_call_t *call)
{
	wait_quiet(s, call, true);
}
