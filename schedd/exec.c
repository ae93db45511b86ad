/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to the nodes of a job and their reports: exec.RANK.ID. weir-jobs(7).
 *
 * A node reports each kind of event once at most, and may tell it more than
 * once: by a call, by the key, by both. Each counts once.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/output.h"
#include "schedd/schedd.h"

#define KEY_SIZE	64

/* ---- orders ---- */

static void exec_key(char key[KEY_SIZE], unsigned rank, uint64_t id,
		     const char *what)
{
	snprintf(key, KEY_SIZE, "exec.%u.%" PRIu64 "%s", rank, id, what);
}

static void namespace_name(char name[KEY_SIZE], uint64_t id)
{
	snprintf(name, KEY_SIZE, "job-%" PRIu64, id);
}

/* Where its tasks write, and the head of what they write. */
static void make_guest(struct schedd *s, struct job *job)
{
	weir_txn_t *txn = commit_txn(s->commit);
	char key[JOBID_SIZE + 16], ns[KEY_SIZE];
	struct wire_buf head;

	namespace_name(ns, job->id);
	if (!job->guest)
		weir_txn_make_namespace(txn, ns, job->userid);
	snprintf(key, sizeof(key), "%s.guest", job->key);
	weir_txn_link(txn, key, ".", ns);
	job->guest = true;
	wire_buf_init(&head);
	snprintf(key, sizeof(key), "%s.guest.output", job->key);
	if (output_encode_header(&head, (unsigned)job->ntasks) < 0)
		schedd_restart(s, "out of memory");
	else
		weir_txn_append(txn, key, head.data, head.len);
	wire_buf_free(&head);
}

/* {"timestamp":T,"name":"assign","context":{...,"node": */
static int assign_head(struct wire_buf *b, const struct job *job)
{
	char *R = resource_set_encode(job->R);
	int r = -1;

	if (R)
		r = buf_printf(b, "{\"timestamp\":%.6f,\"name\":\"assign\","
			       "\"context\":{\"id\":%" PRIu64 ",\"userid\":%u,"
			       "\"R\":%s,\"nnodes\":%d,\"ntasks\":%d,"
			       "\"kill-timeout\":%d,\"taskmap\":", now_wall(),
			       job->id, (unsigned)job->userid, R, job->nnodes,
			       job->ntasks, KILL_TIMEOUT);
	free(R);
	return r;
}

static int assign(struct schedd *s, const struct job *job, struct wire_buf *b)
{
	char *map = job_taskmap(job);
	char key[KEY_SIZE];
	size_t head;
	int i, r = -1;

	if (map && assign_head(b, job) == 0)
		r = buf_printf(b, "%s,\"node\":", map);
	free(map);
	head = b->len;
	for (i = 0; r == 0 && i < job->nnodes; i++) {
		b->len = head;
		r = buf_printf(b, "%d}}\n", i);
		exec_key(key, job->nodes[i].rank, job->id, ".order");
		if (r == 0)
			weir_txn_append(commit_txn(s->commit), key, b->data,
					b->len);
		job->nodes[i].ordered = true;
	}
	return r;
}

void exec_start(struct schedd *s, struct job *job)
{
	struct wire_buf b;

	make_guest(s, job);
	wire_buf_init(&b);
	if (assign(s, job, &b) < 0)
		schedd_restart(s, "out of memory");
	wire_buf_free(&b);
}

void exec_signal(struct schedd *s, struct job *job, int signum)
{
	char key[KEY_SIZE], text[128];
	int i, n;

	/* its nodes have not heard of it */
	if (job->prolog == HOOK_OPEN || job->prolog == HOOK_STOPPED)
		return;
	n = snprintf(text, sizeof(text), "{\"timestamp\":%.6f,"
		     "\"name\":\"signal\",\"context\":{\"signum\":%d}}\n",
		     now_wall(), signum);
	for (i = 0; job->nodes && i < job->nnodes; i++) {
		if (job->nodes[i].finished)
			continue;
		exec_key(key, job->nodes[i].rank, job->id, ".order");
		weir_txn_append(commit_txn(s->commit), key, text, (size_t)n);
	}
}

void exec_clear(struct schedd *s, struct job *job)
{
	char key[JOBID_SIZE + 16], ns[KEY_SIZE];
	weir_txn_t *txn = commit_txn(s->commit);
	int i;

	s->cleared[job->id % CLEARED_MAX] = job->id;
	for (i = 0; !job->want.mock && job->nodes && i < job->nnodes; i++) {
		exec_key(key, job->nodes[i].rank, job->id, "");
		weir_txn_unlink(txn, key, WEIR_UNLINK_RECURSIVE |
				WEIR_UNLINK_FORCE);
	}
	if (job->guest) {
		snprintf(key, sizeof(key), "%s.guest", job->key);
		namespace_name(ns, job->id);
		weir_txn_adopt(txn, key, ns);
		job->guest = false;
	}
}

/* ---- reports ---- */

void exec_progress(struct schedd *s, struct job *job)
{
	struct jobevent ev = { .event = EVENT_FINISH };

	if (!job->allocated || !job->nodes || job->want.mock)
		return;
	if (job->state == STATE_RUN && !job->started &&
	    job->nodes_started == job->nnodes)
		job_post_plain(s, job, EVENT_START);
	if (!job->finished && job->nodes_finished == job->nnodes) {
		ev.status = job_final_status(job);
		job_post(s, job, &ev);
	}
}

static void report_exception(struct schedd *s, struct job *job,
			     json_t *context)
{
	const char *type = "exec", *note = "";
	int severity = 0, wait_status = NO_WAIT_STATUS;

	json_unpack(context, "{s?s s?i s?s s?i}", "type", &type, "severity",
		    &severity, "note", &note, "wait_status", &wait_status);
	if (severity < 0 || severity > 7)
		severity = 0;
	if (!good_exception_type(type))
		type = "exec";
	if (strlen(note) > NOTE_MAX)
		note = "the node's note is too long";
	/* told again after a restart: its log has it */
	if (job->exception && job->exception_severity <= severity &&
	    !strcmp(job->exception_type, type) &&
	    !strcmp(job->exception_note, note))
		return;
	job_raise(s, job, type, severity, note, wait_status);
}

static void take_report(struct schedd *s, struct job *job,
			struct job_node *n, const struct eventlog_event *ev)
{
	int status = 0;

	if (n->finished)
		return;
	if (!strcmp(ev->name, "start")) {
		job->nodes_started += !n->started;
		n->started = true;
	} else if (!strcmp(ev->name, "finish")) {
		json_unpack(ev->context, "{s:i}", "status", &status);
		n->finished = true;
		n->status = status;
		job->nodes_finished++;
	} else if (!strcmp(ev->name, "exception")) {
		if (!n->excepted)
			report_exception(s, job, ev->context);
		n->excepted = true;
	}
}

/* How many kinds of events N has reported. */
static uint64_t reports_taken(const struct job_node *n)
{
	return n->started + n->excepted + n->finished;
}

static void take_reports(struct schedd *s, struct job *job,
			 struct job_node *n, const char *data, size_t len)
{
	struct eventlog_event ev;
	struct eventlog_iter it = { .data = data, .len = len };
	struct proto_error error;
	int r;

	while ((r = eventlog_next(&it, &ev, &error)) != 0) {
		if (r < 0) {
			daemon_log(LOG_ERR, "%s: a report of rank %u: %s",
				   job->key, n->rank, error.text);
			continue;
		}
		take_report(s, job, n, &ev);
		eventlog_clear(&ev);
	}
	exec_progress(s, job);
}

/* An assignment that no job has: what an unfinished commit or an execd that
 * came too late left behind. */
static void remove_orphan(struct schedd *s, unsigned rank, uint64_t id)
{
	char key[KEY_SIZE];

	exec_key(key, rank, id, "");
	weir_txn_unlink(commit_txn(s->commit), key, WEIR_UNLINK_RECURSIVE |
			WEIR_UNLINK_FORCE);
}

static void on_change(struct schedd *s, weir_future_t *f, const char *kind)
{
	const char *key = weir_future_word(f, 1), *data;
	bool append = !strcmp(kind, "append");
	struct job_node *n;
	struct job *job;
	uint64_t id;
	unsigned rank;
	char what[16];
	size_t len = 0;

	if (key && !strcmp(kind, "unlink")) {
		exec_removed(s, key);
		if (sscanf(key, "exec.%u.%" SCNu64, &rank, &id) == 2 &&
		    s->cleared[id % CLEARED_MAX] == id)
			s->cleared[id % CLEARED_MAX] = 0;
	}
	if ((!append && strcmp(kind, "put")) || !key ||
	    sscanf(key, "exec.%u.%" SCNu64 ".%15s", &rank, &id, what) != 3)
		return;
	job = jobs_find(s->jobs, id);
	n = job ? job_node_find(job, rank) : NULL;
	if (!n || !job->allocated) {
		/* the report that ended it comes here after the call that
		 * told of it, and before the assignment's removal */
		if ((!job || !strcmp(what, "report")) &&
		    s->cleared[id % CLEARED_MAX] != id)
			remove_orphan(s, rank, id);
		return;
	}
	n->ordered = true;
	data = weir_future_data(f, &len);
	if (strcmp(what, "report") || !data)
		return;
	take_reports(s, job, n, data, len);
}

/* What nothing in the job's own log says yet. */
static void keep_report(struct schedd *s, uint64_t id, unsigned rank,
			const char *data, size_t len)
{
	struct job *job = jobs_find(s->jobs, id);
	char key[KEY_SIZE];

	if (!job || !job->allocated)
		return;
	exec_key(key, rank, id, ".report");
	weir_txn_append(commit_txn(s->commit), key, data, len);
}

/* 0; 1 if one before it has not been seen; -1 if it makes no sense. */
static int take_told(struct schedd *s, const struct wire_frame *f)
{
	uint64_t rank, id, earlier;
	struct job_node *n;
	struct job *job;

	if (strcmp(f->word[0], "report") || f->words != 4 ||
	    !f->has_payload || wire_parse_u64(f->word[1], &rank) < 0 ||
	    wire_parse_u64(f->word[2], &id) < 0 ||
	    wire_parse_u64(f->word[3], &earlier) < 0)
		return -1;
	job = jobs_find(s->jobs, id);
	n = job && job->allocated ? job_node_find(job, (unsigned)rank) : NULL;
	if (!n)
		return 0;
	if (earlier > reports_taken(n))
		return 1;
	take_reports(s, job, n, f->payload, f->payload_len);
	/* the job may be gone by now */
	keep_report(s, id, (unsigned)rank, f->payload, f->payload_len);
	return 0;
}

/* An execd's reports, answered when what follows from them is durable. It
 * keeps them, and the shells their results, until then. */
void do_report(struct schedd *s, weir_call_t *call)
{
	size_t len, at = 0, used;
	const char *data = weir_call_data(call, &len);
	struct wire_decoder *d;
	struct wire_frame *f;
	int r = 0;

	if (strcmp(weir_call_role(call), "owner")) {
		weir_call_fail(call, EPERM, "only the instance's execds "
			       "report");
		return;
	}
	d = wire_decoder_create(false, WIRE_PAYLOAD_OWNER);
	while (d && at < len && r == 0) {
		enum wire_status status = wire_decode(d, data + at, len - at,
						      &used, &f);

		at += used;
		r = status == WIRE_FRAME ? take_told(s, f) : -1;
	}
	wire_decoder_destroy(d);
	if (r < 0)
		weir_call_fail(call, EPROTO, "a report is malformed");
	else if (r > 0)
		weir_call_fail(call, EAGAIN, "an earlier report is missing");
	else
		commit_reply(s->commit, call, 0);
}

static void on_watch(weir_future_t *f, void *arg)
{
	struct schedd *s = arg;
	const char *kind;

	assert(s->magic == SCHEDD_MAGIC);
	if (weir_future_error(f)) {
		schedd_restart(s, weir_future_strerror(f));
		return;
	}
	kind = weir_future_word(f, 0);
	if (kind && !strcmp(kind, "synced"))
		exec_synced(s);
	else if (kind)
		on_change(s, f, kind);
}

int exec_watch(struct schedd *s)
{
	s->exec_watch = weir_kvs_watch(s->h, "primary", "exec",
				       WEIR_WATCH_PREFIX, 0, 0,
				       WEIR_WATCH_WAIT);
	if (!s->exec_watch)
		return -1;
	return weir_future_then(s->exec_watch, -1, on_watch, s);
}
