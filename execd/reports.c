/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells schedd: the reports of a turn of the loop in one
 * commit, each of them once. weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "execd/agent.h"
#include "proto/eventlog.h"

#define START_DELAY_MS	5	/* a report of `start' waits for others */
#define TELL_SECONDS	5	/* for schedd to take a report by a call */

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

/* ---- what shells say ---- */

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

/* What JSON can hold: names of files need not be that. */
static void make_utf8(char *text)
{
	json_t *o = json_string(text);
	size_t i;

	for (i = 0; !o && text[i]; i++)
		if (text[i] & 0x80)
			text[i] = '?';
	json_decref(o);
}

void job_exception(struct agent_job *j, const char *type, int severity,
		   int status, const char *note, size_t len)
{
	char text[1024];

	/* a shell that comes back says it again */
	if (j->reported_exception || j->reported_finish || j->finishing)
		return;
	j->reported_exception = true;
	snprintf(text, sizeof(text), "%.*s", (int)len, note);
	make_utf8(text);
	report(j, "exception",
	       json_pack("{s:s s:i s:s s:i}", "type", type, "severity",
			 severity, "note", text, "wait_status", status));
}

void job_finished(struct agent_job *j, int status)
{
	if (j->reported_finish)
		link_send_done(j->link);
	else if (!j->finishing)
		report_finish(j, status);
}

int reports_init(struct agent *a)
{
	a->reports = weir_txn_create();
	a->report_event = event_new(a->base, -1, 0, send_reports, a);
	return a->reports && a->report_event ? 0 : -1;
}

void reports_free(struct agent *a)
{
	if (a->report_event)
		event_free(a->report_event);
	weir_txn_destroy(a->reports);
	wire_buf_free(&a->told);
	free(a->finishing);
}
