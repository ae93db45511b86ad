/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells schedd: the reports of a turn of the loop in one call,
 * each of them once. weir-jobs(7). */
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
#include "proto/jobid.h"

#define START_DELAY_MS	5	/* a report of `start' waits for others */
#define TELL_SECONDS	10	/* for schedd to commit what follows */
#define TOLD_LARGE	(1u << 20)	/* bytes of a call */

static double wall_clock(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* One more event to tell; takes CONTEXT. */
static void gather(struct agent_job *j, const char *name, json_t *context)
{
	struct agent *a = j->agent;
	size_t len;
	char *line = eventlog_encode(wall_clock(), name, context, &len);

	json_decref(context);
	if (!line)
		agent_again(a, "cannot report: %s", strerror(errno));
	wire_verbatim(&a->told, "report");
	wire_u64(&a->told, a->rank);
	wire_u64(&a->told, j->id);
	wire_u64(&a->told, j->reports++);
	wire_end_payload(&a->told, line, len);
	free(line);
}

/* The same, sent at the end of this turn of the loop. */
static void report(struct agent_job *j, const char *name, json_t *context)
{
	gather(j, name, context);
	event_active(j->agent->report_event, EV_TIMEOUT, 0);
}

/* Reports on their way: to schedd and, if it does not answer, to the store. */
struct telling {
	struct agent *agent;
	struct telling *next, **prev;
	weir_future_t *call;
	weir_future_t *commit;		/* of what it did not take */
	struct wire_buf frames;
	size_t count;		/* jobs with `finish` among them */
	uint64_t *id;
};

static void telling_free(struct telling *t)
{
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	weir_future_destroy(t->call);
	weir_future_destroy(t->commit);
	wire_buf_free(&t->frames);
	free(t->id);
	free(t);
}

static void taken(struct telling *t)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		struct agent_job *j = jobs_find(t->agent, t->id[i]);

		if (!j)
			continue;
		j->reported_finish = true;
		if (j->link)
			link_send_done(j->link);
	}
	telling_free(t);
}

static void on_committed(weir_future_t *f, void *arg)
{
	struct telling *t = arg;

	if (weir_future_error(f))
		agent_again(t->agent, "a report was not taken: %s",
			    weir_future_strerror(f));
	taken(t);
}

/* One of our own frames. */
static void add_frame(struct agent *a, weir_txn_t *txn,
		      const struct wire_frame *f)
{
	char key[AGENT_NAME_MAX];
	uint64_t id = 0;

	wire_parse_u64(f->word[2], &id);
	if (!jobs_find(a, id))
		return;		/* its end is durable, and this with it */
	snprintf(key, sizeof(key), "exec.%u.%" PRIu64 ".report", a->rank, id);
	weir_txn_append(txn, key, f->payload, f->payload_len);
}

/* Without schedd. */
static void commit_all(struct telling *t)
{
	struct wire_decoder *d = wire_decoder_create(false,
						     WIRE_PAYLOAD_OWNER);
	weir_txn_t *txn = weir_txn_create();
	struct wire_frame *f;
	size_t at = 0, used;

	if (!d || !txn)
		agent_again(t->agent, "out of memory");
	for (; at < t->frames.mark; at += used)
		if (wire_decode(d, t->frames.data + at, t->frames.mark - at,
				&used, &f) == WIRE_FRAME)
			add_frame(t->agent, txn, f);
	wire_decoder_destroy(d);
	if (weir_txn_count(txn) == 0) {
		taken(t);
	} else {
		t->commit = weir_kvs_commit(t->agent->h, "primary", txn, 0);
		if (!t->commit ||
		    weir_future_then(t->commit, -1, on_committed, t) < 0)
			agent_again(t->agent, "cannot report: %s",
				    strerror(errno));
	}
	weir_txn_destroy(txn);
}

static void on_told(weir_future_t *f, void *arg)
{
	struct telling *t = arg;

	/* schedd is away, and its watch will tell it; or it has them and was
	 * slow to say so: it knows them again */
	if (weir_future_error(f))
		commit_all(t);
	else
		taken(t);
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

static void send_reports(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct telling *t;

	event_del(a->report_event);
	watch_inputs(a);
	if (a->told.mark == 0)
		return;
	t = calloc(1, sizeof(*t));
	if (!t)
		agent_again(a, "out of memory");
	t->agent = a;
	t->next = a->tellings;
	if (t->next)
		t->next->prev = &t->next;
	t->prev = &a->tellings;
	a->tellings = t;
	t->frames = a->told;
	wire_buf_init(&a->told);
	t->id = a->finishing;
	t->count = a->finishings;
	a->finishing = NULL;
	a->finishings = 0;
	t->call = weir_rpc(a->h, "job-manager.report", t->frames.data,
			     t->frames.mark, TELL_SECONDS);
	if (!t->call || weir_future_then(t->call, -1, on_told, t) < 0)
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
	if (a->told.mark > TOLD_LARGE)
		send_reports(-1, 0, a);
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
	if (j->reported_finish) {
		link_send_done(j->link);
		return;
	}
	if (j->finishing)
		return;
	j->finish_waits = true;
	j->finish_status = status;
	if (job_output_done(j))
		job_output_is_durable(j);
}

void job_output_is_durable(struct agent_job *j)
{
	if (!j->finish_waits)
		return;
	j->finish_waits = false;
	report_finish(j, j->finish_status);
}

int reports_init(struct agent *a)
{
	wire_buf_init(&a->told);
	a->report_event = event_new(a->base, -1, 0, send_reports, a);
	return a->report_event ? 0 : -1;
}

void reports_free(struct agent *a)
{
	if (a->report_event)
		event_free(a->report_event);
	while (a->tellings)
		telling_free(a->tellings);
	wire_buf_free(&a->told);
	free(a->finishing);
}
