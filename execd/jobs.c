/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a node: from the orders below exec.RANK to a shell, and what
 * the shell says to guest.output and the reports. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <syslog.h>

#include "execd/agent.h"
#include "execd/link.h"
#include "proto/eventlog.h"
#include "proto/jobid.h"
#include "proto/taskmap.h"

#define START_DELAY_MS	5	/* a report of `start' waits for others */
#define TELL_SECONDS	5	/* for schedd to take a report by a call */
#define LOOK_SECONDS	0.5	/* between looks at shells that are away */

static void look_later(struct agent *a)
{
	struct timeval tv = { .tv_usec = (suseconds_t)(LOOK_SECONDS * 1e6) };

	if (!evtimer_pending(a->lost_event, NULL))
		event_add(a->lost_event, &tv);
}

/* ---- the table of jobs ---- */

static size_t bucket(const struct agent *a, uint64_t id)
{
	return (size_t)((id >> 8) ^ (id >> 24)) & (a->buckets - 1);
}

struct agent_job *jobs_find(struct agent *a, uint64_t id)
{
	struct agent_job *j;

	for (j = a->job[bucket(a, id)]; j && j->id != id; j = j->next)
		;
	return j;
}

static struct agent_job *job_add(struct agent *a, uint64_t id)
{
	struct agent_job *j = calloc(1, sizeof(*j));
	size_t b = bucket(a, id);

	if (!j)
		agent_again(a, "out of memory");
	j->id = id;
	j->agent = a;
	j->next = a->job[b];
	a->job[b] = j;
	a->jobs++;
	return j;
}

static void job_free(struct agent_job *j)
{
	weir_future_destroy(j->fetch);
	weir_future_destroy(j->input);
	weir_future_destroy(j->progress);
	idset_destroy(j->tasks);
	resource_set_destroy(j->R);
	wire_buf_free(&j->orders);
	free(j->signal);
	free(j);
}

static void job_remove(struct agent_job *j)
{
	struct agent *a = j->agent;
	struct agent_job **p = &a->job[bucket(a, j->id)];

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	a->jobs--;
	if (j->link)
		link_kill(j->link);
	launch_forget(a, j->id);
	job_free(j);
}

void jobs_free(struct agent *a)
{
	size_t i;

	for (i = 0; a->job && i < a->buckets; i++)
		while (a->job[i]) {
			struct agent_job *j = a->job[i];

			a->job[i] = j->next;
			job_free(j);
		}
	free(a->job);
	event_free(a->report_event);
	event_free(a->lost_event);
	weir_txn_destroy(a->reports);
	wire_buf_free(&a->told);
	free(a->finishing);
	weir_future_destroy(a->assignments);
}

/* ---- reports ---- */

static double wall_clock(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* One more event in the transaction that is gathered; takes CONTEXT. */
static void gather(struct agent_job *j, const char *name, json_t *context)
{
	struct agent *a = j->agent;
	char key[AGENT_NAME_MAX];
	size_t len;
	char *line = eventlog_encode(wall_clock(), name, context, &len);

	json_decref(context);
	snprintf(key, sizeof(key), "exec.%u.%" PRIu64 ".report", a->rank,
		 j->id);
	if (!line || weir_txn_append(a->reports, key, line, len) < 0)
		agent_again(a, "cannot report: %s", strerror(errno));
	wire_verbatim(&a->told, "report");
	wire_u64(&a->told, a->rank);
	wire_u64(&a->told, j->id);
	wire_u64(&a->told, j->report_end);
	wire_end_payload(&a->told, line, len);
	j->report_end += len;
	free(line);
}

/* The same, sent at the end of this turn of the loop. */
static void report(struct agent_job *j, const char *name, json_t *context)
{
	gather(j, name, context);
	event_active(j->agent->report_event, EV_TIMEOUT, 0);
}

struct finishes {
	struct agent *agent;
	size_t count;
	uint64_t id[];
};

static void on_reported(weir_future_t *f, void *arg)
{
	struct finishes *done = arg;
	struct agent *a = done->agent;
	size_t i;

	if (weir_future_error(f))
		agent_again(a, "a report was not taken: %s",
			    weir_future_strerror(f));
	for (i = 0; i < done->count; i++) {
		struct agent_job *j = jobs_find(a, done->id[i]);

		if (!j)
			continue;
		j->reported_finish = true;
		if (j->link)
			link_send_done(j->link);
	}
	free(done);
	weir_future_destroy(f);
}

/* Input for the jobs that have started and did not end at once. */
static void watch_inputs(struct agent *a)
{
	size_t i;

	for (i = 0; i < a->newlies; i++) {
		struct agent_job *j = jobs_find(a, a->newly[i]);

		if (j && j->resumed && !j->finishing)
			job_input_room(j);
	}
	a->newlies = 0;
}

static void on_told(weir_future_t *f, void *arg)
{
	weir_future_destroy(f);
}

static void send_reports(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	size_t size = a->finishings * sizeof(uint64_t);
	struct finishes *done;
	weir_future_t *f;

	event_del(a->report_event);
	watch_inputs(a);
	if (weir_txn_count(a->reports) == 0)
		return;
	done = malloc(sizeof(*done) + size);
	if (!done)
		agent_again(a, "out of memory");
	done->agent = a;
	done->count = a->finishings;
	if (size)
		memcpy(done->id, a->finishing, size);
	a->finishings = 0;
	/* schedd need not wait until it is durable, see its do_report; if it
	 * is away its watch tells it. The call goes first, since kvsd holds
	 * one that follows a commit until that is durable. */
	f = weir_rpc(a->h, "job-manager.report", a->told.data, a->told.mark,
		     TELL_SECONDS);
	wire_buf_reset(&a->told);
	if (f)
		weir_future_then(f, -1, on_told, NULL);
	f = weir_kvs_commit(a->h, "primary", a->reports, 0);
	weir_txn_clear(a->reports);
	if (!f || weir_future_then(f, -1, on_reported, done) < 0)
		agent_again(a, "cannot report: %s", strerror(errno));
}

static void report_exception(struct agent_job *j, int status,
			     const char *note)
{
	report(j, "exception",
	       json_pack("{s:s s:i s:s s:i}", "type", "exec", "severity", 0,
			 "note", note, "wait_status", status));
}

static void report_finish(struct agent_job *j, int status)
{
	struct agent *a = j->agent;
	uint64_t *more = realloc(a->finishing, (a->finishings + 1) *
				 sizeof(*more));

	if (!more)
		agent_again(a, "out of memory");
	j->finishing = true;
	a->finishing = more;
	more[a->finishings++] = j->id;
	report(j, "finish", json_pack("{s:i}", "status", status));
}

/* It will not run, or its shell is lost. */
static void give_up(struct agent_job *j, int status, const char *note)
{
	struct agent *a = j->agent;
	char id[JOBID_SIZE];

	jobid_encode(j->id, JOBID_F58, id);
	agent_log(a, LOG_ERR, "job %s: %s", id, note);
	report_exception(j, status, note);
	report_finish(j, status);
	j->launching = true;	/* and not again */
	j->reported_finish = true;
}

/* ---- from order to shell ---- */

static void on_envelope(weir_future_t *f, void *arg)
{
	struct agent_job *j = arg;
	char why[512];
	const char *data;
	size_t len;

	j->fetch = NULL;
	data = weir_future_error(f) ? NULL : weir_future_data(f, &len);
	if (!data) {
		if (weir_future_error(f) == ECONNRESET)
			return;		/* the agent will start anew */
		snprintf(why, sizeof(why), "the job's request: %s",
			 weir_future_strerror(f));
		give_up(j, 1 << 8, why);
	} else if (launch(j, data, len, why, sizeof(why)) < 0) {
		give_up(j, 1 << 8, why);
	} else {
		j->own = true;
		look_later(j->agent);
	}
	weir_future_destroy(f);
}

static void start(struct agent_job *j)
{
	struct agent *a = j->agent;
	char id[JOBID_SIZE], key[JOBID_SIZE + 8];
	enum launch_state state;

	if (!j->assigned || j->reported_finish || j->launching || !a->synced)
		return;
	j->launching = true;
	state = launch_state(a, j->id);
	/* started in a run folder that is not this one */
	if (state == LAUNCH_NEVER && j->reported_start)
		state = LAUNCH_DEAD;
	switch (state) {
	case LAUNCH_NEVER:
		jobid_encode(j->id, JOBID_KVS, id);
		snprintf(key, sizeof(key), "%s.J", id);
		j->fetch = weir_kvs_get(a->h, "primary", key, NULL);
		if (!j->fetch ||
		    weir_future_then(j->fetch, -1, on_envelope, j) < 0)
			agent_again(a, "cannot ask for a job: %s",
				    strerror(errno));
		break;
	case LAUNCH_ALIVE:
		look_later(a);
		break;
	case LAUNCH_DEAD:
		give_up(j, SIGKILL, "the job's shell is gone and left no "
			"result");
		break;
	}
}

/* Shells that are away: those that died are reported. */
static void look_for_lost(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	bool away = false;
	size_t i;

	for (i = 0; i < a->buckets; i++) {
		struct agent_job *j;

		for (j = a->job[i]; j; j = j->next) {
			if (!j->launching || j->fetch || j->link ||
			    j->reported_finish)
				continue;
			if (launch_state(a, j->id) == LAUNCH_ALIVE)
				away = true;
			else
				give_up(j, SIGKILL, "the job's shell died");
		}
	}
	if (away)
		look_later(a);
}

/* ---- orders ---- */

static void send_signals(struct agent_job *j)
{
	while (j->link && j->resumed && j->signals_sent < j->signals) {
		link_send_signal(j->link, j->signal[j->signals_sent],
				 j->signals_sent + 1);
		j->signals_sent++;
	}
}

static void take_signal(struct agent_job *j, json_t *context)
{
	int signum = (int)json_integer_value(json_object_get(context,
							     "signum"));
	int *more = realloc(j->signal, (j->signals + 1) * sizeof(*more));

	if (!more)
		agent_again(j->agent, "out of memory");
	j->signal = more;
	more[j->signals++] = signum;
	send_signals(j);
}

static void take_assignment(struct agent_job *j, json_t *context)
{
	struct proto_error error = { "" };
	json_int_t userid = -1;
	json_t *R, *map;
	struct taskmap *taskmap = NULL;

	if (json_unpack(context, "{s:I s:i s:i s:i s:o s:o}", "userid",
			&userid, "nnodes", &j->nnodes, "node", &j->node,
			"ntasks", &j->ntasks, "R", &R, "taskmap", &map) == 0) {
		j->userid = (uid_t)userid;
		j->R = resource_set_from_json(R, &error);
		taskmap = taskmap_from_json(map, &error);
		j->tasks = taskmap ? taskmap_tasks(taskmap, j->node) : NULL;
		taskmap_destroy(taskmap);
	}
	j->assigned = true;
	if (!j->R || !j->tasks) {
		char why[400];

		snprintf(why, sizeof(why), "the order is malformed: %s",
			 error.text);
		give_up(j, 1 << 8, why);
		return;
	}
	start(j);
}

static void take_order(struct agent_job *j, const char *line, size_t len)
{
	struct eventlog_event event;
	struct proto_error error;

	if (eventlog_decode(line, len, &event, &error) < 0) {
		agent_log(j->agent, LOG_ERR, "exec.%u.%" PRIu64 ".order: %s",
			  j->agent->rank, j->id, error.text);
		return;
	}
	if (!strcmp(event.name, "assign") && !j->assigned)
		take_assignment(j, event.context);
	else if (!strcmp(event.name, "signal"))
		take_signal(j, event.context);
	eventlog_clear(&event);
}

/* Bytes of the orders key from OFFSET on: those that are new. */
static void take_orders(struct agent_job *j, uint64_t offset,
			const char *data, size_t len)
{
	char *start, *end, *lf;

	if (offset + len <= j->orders_taken)
		return;
	if (offset < j->orders_taken) {
		data += j->orders_taken - offset;
		len -= j->orders_taken - offset;
	}
	j->orders_taken += len;
	wire_buf_add(&j->orders, data, len);
	start = j->orders.data;
	end = start + j->orders.len;
	while (start < end && (lf = memchr(start, '\n', end - start))) {
		take_order(j, start, lf - start);
		start = lf + 1;
	}
	wire_buf_consume(&j->orders, start - j->orders.data);
}

/* What an earlier agent has reported, read once at the start. */
static void take_reports(struct agent_job *j, const char *data, size_t len)
{
	struct eventlog_iter it = { .data = data, .len = len };
	struct eventlog_event event;
	struct proto_error error;

	j->report_end += len;
	while (eventlog_next(&it, &event, &error) > 0) {
		if (!strcmp(event.name, "start"))
			j->reported_start = true;
		else if (!strcmp(event.name, "finish"))
			j->reported_finish = true;
		eventlog_clear(&event);
	}
}

static void on_synced(struct agent *a)
{
	size_t i;

	if (a->synced)
		return;
	a->synced = true;
	for (i = 0; i < a->buckets; i++) {
		struct agent_job *j = a->job[i], *next;

		for (; j; j = next) {
			next = j->next;
			start(j);
		}
	}
}

static void on_assignments(weir_future_t *f, void *arg)
{
	struct agent *a = arg;
	const char *kind, *key, *data, *leaf;
	struct agent_job *j;
	uint64_t id, offset = 0;
	unsigned rank;
	size_t len;
	int n = 0;

	if (weir_future_error(f))
		agent_again(a, "the watch of assignments ended: %s",
			    weir_future_strerror(f));
	kind = weir_future_word(f, 0);
	if (!strcmp(kind, "synced")) {
		on_synced(a);
		return;
	}
	key = weir_future_word(f, 1);
	if (!key || sscanf(key, "exec.%u.%" SCNu64 "%n", &rank, &id, &n) < 2)
		return;
	leaf = key + n;
	j = jobs_find(a, id);
	if (!strcmp(kind, "unlink")) {
		if (j && !*leaf)
			job_remove(j);
		return;
	}
	data = weir_future_data(f, &len);
	if (!data)
		return;
	if (!j)
		j = job_add(a, id);
	weir_future_u64(f, "offset", &offset);
	if (!strcmp(leaf, ".order"))
		take_orders(j, offset, data, len);
	else if (!strcmp(leaf, ".report") && !a->synced)
		take_reports(j, data, len);
}

int jobs_watch(struct agent *a)
{
	char key[AGENT_NAME_MAX];

	a->buckets = 1024;
	a->job = calloc(a->buckets, sizeof(*a->job));
	a->reports = weir_txn_create();
	a->report_event = event_new(a->base, -1, 0, send_reports, a);
	a->lost_event = evtimer_new(a->base, look_for_lost, a);
	snprintf(key, sizeof(key), "exec.%u", a->rank);
	a->assignments = weir_kvs_watch(a->h, "primary", key,
					WEIR_WATCH_PREFIX, 0, 0,
					WEIR_WATCH_WAIT);
	if (!a->job || !a->reports || !a->report_event || !a->lost_event ||
	    !a->assignments)
		return -1;
	return weir_future_then(a->assignments, -1, on_assignments, a);
}

/* ---- from the shell ---- */

static void guest_namespace(const struct agent_job *j, char *buf, size_t size)
{
	snprintf(buf, size, "job-%" PRIu64, j->id);
}

static void on_input(weir_future_t *f, void *arg)
{
	struct agent_job *j = arg;
	const char *data;
	uint64_t offset;
	size_t len;

	if (weir_future_error(f)) {	/* the namespace has been adopted */
		j->input = NULL;
		weir_future_destroy(f);
		return;
	}
	data = weir_future_data(f, &len);
	if (!data || weir_future_u64(f, "offset", &offset) < 0 || !j->link)
		return;
	j->input_offset = offset + len;
	if (link_send_input(j->link, offset, data, len) > LINK_INPUT_MAX) {
		/* read on when the shell has taken this */
		j->input = NULL;
		weir_future_destroy(f);
	}
}

void job_input_room(struct agent_job *j)
{
	char ns[AGENT_NAME_MAX];

	if (j->input || !j->link || !idset_test(j->tasks, 0))
		return;
	guest_namespace(j, ns, sizeof(ns));
	j->input = weir_kvs_watch(j->agent->h, ns, "input", WEIR_WATCH_APPEND,
				  WEIR_FROM_NOW, j->input_offset,
				  WEIR_WATCH_WAIT);
	if (j->input)
		weir_future_then(j->input, -1, on_input, j);
}

static void resume(struct agent_job *j)
{
	j->resumed = true;
	link_send_resume(j->link, j->output_end);
	send_signals(j);
	if (j->reported_start)
		job_input_room(j);
	if (j->reported_finish)
		link_send_done(j->link);
}

static void on_progress(weir_future_t *f, void *arg)
{
	struct agent_job *j = arg;
	const char *data;
	size_t len;

	j->progress = NULL;
	data = weir_future_error(f) ? NULL : weir_future_data(f, &len);
	if (!data && weir_future_error(f) != ENOENT)
		agent_again(j->agent, "cannot read how far a job's output "
			    "is: %s", weir_future_strerror(f));
	j->output_end = data ? strtoull(data, NULL, 10) : 0;
	j->own = true;
	weir_future_destroy(f);
	if (j->link)
		resume(j);
}

void job_connected(struct agent_job *j, struct link *link)
{
	char ns[AGENT_NAME_MAX], key[AGENT_NAME_MAX];

	j->link = link;
	j->resumed = false;
	j->input_offset = 0;
	j->signals_sent = 0;	/* the shell knows which it has had */
	if (j->own) {
		resume(j);
		return;
	}
	guest_namespace(j, ns, sizeof(ns));
	snprintf(key, sizeof(key), "shell.%d", j->node);
	weir_future_destroy(j->progress);
	j->progress = weir_kvs_get(j->agent->h, ns, key, NULL);
	if (j->progress)
		weir_future_then(j->progress, -1, on_progress, j);
}

void job_lost_link(struct agent_job *j)
{
	j->link = NULL;
	weir_future_destroy(j->input);
	j->input = NULL;
	if (!j->reported_finish)
		look_later(j->agent);
}

void job_started(struct agent_job *j, pid_t pid)
{
	static const struct timeval soon = { .tv_usec = START_DELAY_MS * 1000 };
	struct agent *a = j->agent;

	if (j->reported_start)
		return;
	j->reported_start = true;
	/* most short jobs have ended before this is sent, which saves them a
	 * commit here and one of schedd's */
	gather(j, "start", json_pack("{s:i}", "pid", (int)pid));
	if (a->newlies < NEWLY_MAX)
		a->newly[a->newlies++] = j->id;
	else
		job_input_room(j);
	if (!evtimer_pending(a->report_event, NULL))
		event_add(a->report_event, &soon);
}

struct output {
	struct agent *agent;
	uint64_t id, end;
};

static void on_output(weir_future_t *f, void *arg)
{
	struct output *o = arg;
	struct agent_job *j = jobs_find(o->agent, o->id);
	int e = weir_future_error(f);

	/* a job whose namespace is gone has ended without us */
	if (e && e != ENOENT)
		agent_again(o->agent, "output was not taken: %s",
			    weir_future_strerror(f));
	if (j && j->link)
		link_send_ack(j->link, o->end);
	free(o);
	weir_future_destroy(f);
}

void job_output(struct agent_job *j, uint64_t offset, const char *data,
		size_t len)
{
	char ns[AGENT_NAME_MAX], key[AGENT_NAME_MAX], progress[24];
	weir_txn_t *txn;
	struct output *o;
	weir_future_t *f;

	if (offset != j->output_end)
		return;		/* said twice */
	txn = weir_txn_create();
	o = malloc(sizeof(*o));
	if (!txn || !o)
		agent_again(j->agent, "out of memory");
	j->output_end += len;
	*o = (struct output){ j->agent, j->id, j->output_end };
	guest_namespace(j, ns, sizeof(ns));
	snprintf(key, sizeof(key), "shell.%d", j->node);
	snprintf(progress, sizeof(progress), "%" PRIu64, j->output_end);
	weir_txn_append(txn, "output", data, len);
	weir_txn_put(txn, key, progress, strlen(progress));
	f = weir_kvs_commit(j->agent->h, ns, txn, 0);
	weir_txn_destroy(txn);
	if (!f || weir_future_then(f, -1, on_output, o) < 0)
		agent_again(j->agent, "cannot pass output on: %s",
			    strerror(errno));
}

void job_exception(struct agent_job *j, const char *type, int severity,
		   int status, const char *note, size_t len)
{
	if (!j->reported_finish)
		report(j, "exception",
		       json_pack("{s:s s:i s:s# s:i}", "type", type,
				 "severity", severity, "note", note, (int)len,
				 "wait_status", status));
}

void job_finished(struct agent_job *j, int status)
{
	if (j->reported_finish) {
		link_send_done(j->link);
		return;
	}
	report_finish(j, status);
}
