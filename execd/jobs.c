/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a node: from the orders below exec.RANK to a shell, and what
 * became of shells that are away. weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "execd/agent.h"
#include "proto/eventlog.h"
#include "proto/jobid.h"
#include "proto/taskmap.h"

#define LAUNCHES_MAX	3	/* of a job whose shells die at once */
#define LOOK_SECONDS	0.5	/* between looks at shells that are away */

void jobs_look_later(struct agent *a)
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
	wire_buf_free(&j->gathered);
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
	if (a->lost_event)
		event_free(a->lost_event);
	weir_future_destroy(a->assignments);
}

/* It will not run, or its shell is lost. */
static void give_up(struct agent_job *j, int status, const char *note)
{
	struct agent *a = j->agent;
	char id[JOBID_SIZE];

	jobid_encode(j->id, JOBID_F58, id);
	agent_log(a, LOG_ERR, "job %s: %s", id, note);
	j->launching = true;	/* and not again */
	job_exception(j, "exec", 0, status, note, strlen(note));
	job_finished(j, status);
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
	}
	weir_future_destroy(f);
}

static void start(struct agent_job *j)
{
	struct agent *a = j->agent;
	char id[JOBID_SIZE], key[JOBID_SIZE + 8];
	enum launch_state state;

	if (!j->assigned || j->reported_finish || j->finishing ||
	    j->launching || !a->synced)
		return;
	if (!j->R || !j->tasks) {
		give_up(j, 1 << 8, "the order is malformed");
		return;
	}
	j->launching = true;
	j->launches++;
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
		jobs_look_later(a);
		break;
	case LAUNCH_DEAD:
		give_up(j, SIGKILL, "the job's shell is gone and left no "
			"result");
		break;
	}
}

/* A job whose shell is away; whether to look again. */
static bool look_for(struct agent_job *j)
{
	switch (launch_state(j->agent, j->id)) {
	case LAUNCH_ALIVE:
		return true;
	case LAUNCH_NEVER:
		/* the shell died before it took the job up */
		if (!j->reported_start && j->launches < LAUNCHES_MAX) {
			j->launching = false;
			start(j);
			return false;
		}
		break;
	case LAUNCH_DEAD:
		break;
	}
	give_up(j, SIGKILL, "the job's shell died");
	return false;
}

static void look_for_lost(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	bool away = false;
	size_t i;

	for (i = 0; i < a->buckets; i++) {
		struct agent_job *j;

		for (j = a->job[i]; j; j = j->next) {
			if (!j->launching || j->fetch || j->link ||
			    j->reported_finish || j->finishing)
				continue;
			if (look_for(j))
				away = true;
		}
	}
	if (away)
		jobs_look_later(a);
}

/* ---- orders ---- */

void job_send_signals(struct agent_job *j)
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
	job_send_signals(j);
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
	if (!j->R || !j->tasks)
		agent_log(j->agent, LOG_ERR, "exec.%u.%" PRIu64 ".order: %s",
			  j->agent->rank, j->id, error.text);
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

	while (eventlog_next(&it, &event, &error) > 0) {
		if (!strcmp(event.name, "start"))
			j->reported_start = true;
		else if (!strcmp(event.name, "exception"))
			j->reported_exception = true;
		else if (!strcmp(event.name, "finish"))
			j->reported_finish = true;
		eventlog_clear(&event);
	}
	j->reports = j->reported_start + j->reported_exception +
		     j->reported_finish;
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

static void remove_all(struct agent *a)
{
	size_t i;

	for (i = 0; i < a->buckets; i++)
		while (a->job[i])
			job_remove(a->job[i]);
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
	if (!key || sscanf(key, "exec.%u.%" SCNu64 "%n", &rank, &id, &n) < 2) {
		/* the whole of exec.RANK; orders have a longer key */
		if (!strcmp(kind, "unlink"))
			remove_all(a);
		return;
	}
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

/* One page of the names below exec.RANK; 1 if others follow AFTER. */
static int disown_page(struct agent *a, char after[AGENT_NAME_MAX])
{
	char key[AGENT_NAME_MAX];
	const char *type, *name;
	weir_future_t *f;
	uint64_t size, id, more = 0;
	int r;

	snprintf(key, sizeof(key), "exec.%u", a->rank);
	f = weir_kvs_list(a->h, "primary", key, NULL, *after ? after : NULL,
			  1000);
	r = f ? weir_future_get(f) : -1;
	if (r < 0 && f && weir_future_error(f) == ENOENT)
		r = 0;
	else
		while (r >= 0 && (r = weir_kvs_list_next(f, &type, &size,
							 &name)) > 0) {
			snprintf(after, AGENT_NAME_MAX, "%s", name);
			if (wire_parse_u64(name, &id) == 0 &&
			    launch_disown(a, id) < 0)
				r = -1;
		}
	if (r == 0 && weir_future_u64(f, "more", &more) < 0)
		more = 0;
	weir_future_destroy(f);
	return r < 0 ? -1 : more != 0;
}

int jobs_disown(struct agent *a, char *error, size_t size)
{
	char after[AGENT_NAME_MAX] = "";
	int r = 1;

	if (launch_folder_known(a))
		return 0;
	while (r > 0)
		r = disown_page(a, after);
	if (r == 0)
		r = launch_folder_mark(a);
	if (r < 0)
		snprintf(error, size, "what was assigned to rank %u before: "
			 "%s", a->rank, strerror(errno));
	return r;
}

int jobs_watch(struct agent *a)
{
	char key[AGENT_NAME_MAX];

	a->buckets = 1024;
	a->job = calloc(a->buckets, sizeof(*a->job));
	a->lost_event = evtimer_new(a->base, look_for_lost, a);
	snprintf(key, sizeof(key), "exec.%u", a->rank);
	a->assignments = weir_kvs_watch(a->h, "primary", key,
					WEIR_WATCH_PREFIX, 0, 0,
					WEIR_WATCH_WAIT);
	if (!a->job || !a->lost_event || !a->assignments ||
	    reports_init(a) < 0)
		return -1;
	return weir_future_then(a->assignments, -1, on_assignments, a);
}
