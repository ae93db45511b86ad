/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job-manager.journal: the events of all jobs as streams, each with its
 * filter. weir-jobs(7).
 *
 * The times of events never repeat, and grow: so the time of the last event
 * that was told is a position in the journal, and what comes after it can be
 * read back from the eventlogs. A stream tells the past first, job by job,
 * while new events are held; then these, and from then on what each
 * transaction brings, when it is durable.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/jobdirs.h"
#include "schedd/schedd.h"

#define STREAM_MAGIC	0x4a524e4cu
#define READ_AHEAD	256		/* eventlogs on the way */
#define CLOCK_BACK_MAX	60000000	/* microseconds */

struct stream {
	uint32_t magic;
	struct stream *next;
	struct schedd *schedd;
	weir_call_t *call;
	uid_t uid;			/* who asks */
	bool all;			/* and may see all jobs */
	/* the filter */
	json_int_t userid;		/* -1: any */
	char *queue;			/* or NULL */
	uint64_t *id;			/* ascending; NULL: any */
	size_t ids;
	unsigned events;		/* bits, 1u << EVENT_... */
	/* the past, in times of events: after SINCE, up to UNTIL */
	double since, until;
	uint64_t *past;			/* jobs to be read; NULL: over */
	size_t count, done, window;
	weir_future_t *reading;
	struct wire_buf held;		/* events that have come meanwhile */
	double position;		/* the last of these */
};

/* An event of a turn that is not durable yet. */
struct note {
	struct note *next;
	uint64_t turn, id;
	uid_t userid;
	enum job_event event;
	double time;
	char *queue;
	char *line;			/* with its line feed */
	size_t len;
};

struct journal {
	struct stream *streams;
	struct note *first, **last;
};

struct journal *journal_create(void)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (j)
		j->last = &j->first;
	return j;
}

static void note_free(struct note *n)
{
	free(n->queue);
	free(n->line);
	free(n);
}

static void stream_free(struct stream *st)
{
	weir_future_destroy(st->reading);
	wire_buf_free(&st->held);
	free(st->queue);
	free(st->id);
	free(st->past);
	st->magic = 0;
	free(st);
}

/* Out of the list; the call is still to be answered. */
static void unlink_stream(struct stream *st)
{
	struct stream **p = &st->schedd->journal->streams;

	while (*p != st)
		p = &(*p)->next;
	*p = st->next;
}

static void stream_fail(struct stream *st, int errnum, const char *text)
{
	unlink_stream(st);
	weir_call_on_drop(st->call, NULL, NULL);
	weir_call_fail(st->call, errnum, "%s", text);
	stream_free(st);
}

void journal_destroy(struct journal *j)
{
	struct note *n;

	if (!j)
		return;
	while (j->streams)
		stream_fail(j->streams, ECONNRESET, "schedd ends");
	while ((n = j->first)) {
		j->first = n->next;
		note_free(n);
	}
	free(j);
}

/* ---- times ---- */

double journal_time(struct schedd *s)
{
	int64_t now = llround(now_wall() * 1e6);

	/* a clock that was set back far is followed */
	if (now > s->last_event || s->last_event - now > CLOCK_BACK_MAX)
		s->last_event = now;
	else
		s->last_event++;
	return (double)s->last_event / 1e6;
}

void journal_seen(struct schedd *s, double time)
{
	int64_t t = llround(time * 1e6);

	if (t > s->last_event)
		s->last_event = t;
}

/* ---- the filter ---- */

static bool wants_job(const struct stream *st, uint64_t id, uid_t userid,
		      const char *queue)
{
	return (st->all || userid == st->uid) &&
	       (st->userid < 0 || userid == (uid_t)st->userid) &&
	       (!st->queue || !strcmp(st->queue, queue ? queue : "")) &&
	       (!st->id || bsearch(&id, st->id, st->ids, sizeof(id), jobid_compare));
}

static bool wants_event(const struct stream *st, enum job_event event)
{
	if (event == EVENT_FATAL)
		event = EVENT_EXCEPTION;
	return st->events & (1u << event);
}

/* ---- what is told ---- */

/* One more object of an array. */
static int add_event(struct wire_buf *b, uint64_t id, uid_t userid,
		     const char *line, size_t len)
{
	if (buf_printf(b, "%s{\"id\":%" PRIu64 ",\"userid\":%u,\"event\":",
		       b->len ? "," : "", id, (unsigned)userid) < 0 ||
	    wire_buf_add(b, line, len - 1) < 0)
		return -1;
	return wire_buf_add(b, "}", 1);
}

/* EVENTS are told; POSITION negative: none yet. */
static int tell(struct stream *st, const struct wire_buf *events,
		double position)
{
	struct wire_buf b;
	int r = -1;

	wire_buf_init(&b);
	if (buf_printf(&b, "{\"events\":[") == 0 &&
	    wire_buf_add(&b, events->data, events->len) == 0 &&
	    (position >= 0 ? buf_printf(&b, "],\"position\":%.6f}", position) :
			    buf_printf(&b, "]}")) == 0)
		r = weir_call_more(st->call, b.data, b.len);
	wire_buf_free(&b);
	return r;
}

/* ---- new events ---- */

void journal_event(struct schedd *s, const struct job *job,
		   const struct jobevent *ev)
{
	struct journal *j = s->journal;
	struct wire_buf line;
	struct note *n;

	if (!j->streams)
		return;
	n = calloc(1, sizeof(*n));
	wire_buf_init(&line);
	if (!n || jobevent_encode(&line, ev) < 0 ||
	    (job->queue && !(n->queue = strdup(job->queue)))) {
		wire_buf_free(&line);
		free(n);
		schedd_restart(s, "out of memory");
		return;
	}
	n->turn = commit_turn(s->commit);
	n->id = job->id;
	n->userid = job->userid;
	n->event = ev->event;
	n->time = ev->time;
	n->line = line.data;
	n->len = line.len;
	*j->last = n;
	j->last = &n->next;
}

/* The notes up to END, which are durable. */
static int take_notes(struct stream *st, const struct note *n,
		      const struct note *end)
{
	struct wire_buf *b = &st->held;

	for (; n != end; n = n->next) {
		if (n->time <= st->until || !wants_event(st, n->event) ||
		    !wants_job(st, n->id, n->userid, n->queue))
			continue;
		if (add_event(b, n->id, n->userid, n->line, n->len) < 0)
			return -1;
		st->position = n->time;
	}
	if (st->past || !b->len)
		return 0;
	if (tell(st, b, st->position) < 0)
		return -1;
	wire_buf_reset(b);
	return 0;
}

void journal_durable(struct schedd *s)
{
	struct journal *j = s->journal;
	uint64_t turn = commit_durable(s->commit);
	struct note *end = j->first, *n;
	struct stream *st, *next;

	while (end && end->turn <= turn)
		end = end->next;
	for (st = j->streams; st; st = next) {
		next = st->next;
		if (take_notes(st, j->first, end) < 0)
			stream_fail(st, ENOMEM, "out of memory");
	}
	while ((n = j->first) != end) {
		j->first = n->next;
		note_free(n);
	}
	if (!j->first)
		j->last = &j->first;
}

/* ---- the past ---- */

static int take_log(struct stream *st, uint64_t id, uid_t userid,
		    const char *data, size_t len, struct wire_buf *out)
{
	struct eventlog_iter it = { .data = data, .len = len };
	struct eventlog_event ev;
	const char *line = data;
	int r, result = 0;

	while (result == 0 && (r = eventlog_next(&it, &ev, NULL)) != 0) {
		if (r > 0 && ev.timestamp > st->since &&
		    ev.timestamp <= st->until &&
		    wants_event(st, event_named(ev.name)))
			result = add_event(out, id, userid, line,
					   (size_t)(it.data - line));
		if (r > 0)
			eventlog_clear(&ev);
		line = it.data;
	}
	return result;
}

static bool owner_of(struct schedd *s, uint64_t id, uid_t *userid)
{
	const struct job *job = jobs_find(s->jobs, id);
	const struct record *r = job ? NULL : history_find(s->history, id);

	if (job || r)
		*userid = job ? job->userid : r->userid;
	return job || r;
}

static void read_on(struct stream *st);

/* Logs of jobs that were purged meanwhile are left out. */
static void on_logs(weir_future_t *f, void *arg)
{
	struct stream *st = arg;
	struct wire_buf out;
	const char *data;
	size_t i, len;
	uid_t userid;
	int r = 0;

	assert(st->magic == STREAM_MAGIC);
	wire_buf_init(&out);
	for (i = 0; i < st->window && r == 0; i++) {
		weir_future_t *child = weir_future_child(f, i);
		uint64_t id = st->past[st->done + i];

		if (weir_future_error(child) ||
		    !owner_of(st->schedd, id, &userid))
			continue;
		data = weir_future_data(child, &len);
		if (data)
			r = take_log(st, id, userid, data, len, &out);
	}
	if (r == 0 && out.len)
		r = tell(st, &out, -1);
	wire_buf_free(&out);
	st->done += st->window;
	weir_future_destroy(st->reading);
	st->reading = NULL;
	if (r < 0)
		stream_fail(st, ENOMEM, "out of memory");
	else
		read_on(st);
}

static int read_window(struct stream *st)
{
	struct schedd *s = st->schedd;
	char key[JOBID_SIZE + 16];
	weir_future_t *f;
	size_t i;

	st->window = st->count - st->done < READ_AHEAD ?
		     st->count - st->done : READ_AHEAD;
	st->reading = weir_future_all(s->h);
	for (i = 0; st->reading && i < st->window; i++) {
		jobid_encode(st->past[st->done + i], JOBID_KVS, key);
		strcat(key, ".eventlog");
		f = weir_kvs_get(s->h, "primary", key, NULL);
		if (!f || weir_future_push(st->reading, f) < 0) {
			weir_future_destroy(f);
			return -1;
		}
	}
	return st->reading ? weir_future_then(st->reading, -1, on_logs, st) :
			     -1;
}

/* The next eventlogs; or the past is over. */
static void read_on(struct stream *st)
{
	int r;

	if (st->done < st->count) {
		r = read_window(st);
	} else {
		free(st->past);
		st->past = NULL;
		r = tell(st, &st->held, st->position);
		wire_buf_reset(&st->held);
	}
	if (r < 0)
		stream_fail(st, ENOMEM, "out of memory");
}

/* The jobs that have had events since, the oldest first. */
static int find_past(struct stream *st)
{
	struct schedd *s = st->schedd;
	size_t i = 0, ended = history_count(s->history, 0);
	const struct record *r;
	struct job *job;

	st->past = calloc(jobs_count(s->jobs) + ended + 1, sizeof(*st->past));
	if (!st->past)
		return -1;
	for (job = jobs_first(s->jobs); job; job = job->next)
		if (wants_job(st, job->id, job->userid, job->queue))
			st->past[st->count++] = job->id;
	while ((r = history_nth(s->history, i++)) &&
	       r->entered[STATE_INACTIVE] > st->since)
		if (wants_job(st, r->id, r->userid, r->queue))
			st->past[st->count++] = r->id;
	qsort(st->past, st->count, sizeof(*st->past), jobid_compare);
	return 0;
}

/* ---- the method ---- */

static void on_drop(weir_call_t *call, void *arg)
{
	struct stream *st = arg;

	assert(st->magic == STREAM_MAGIC && st->call == call);
	unlink_stream(st);
	weir_call_fail(call, ECANCELED, "canceled");
	stream_free(st);
}

static int get_ids(struct stream *st, json_t *ids, struct proto_error *err)
{
	json_t *id;
	size_t i;

	if (!ids)
		return 0;
	st->id = calloc(json_array_size(ids) + 1, sizeof(*st->id));
	if (!st->id)
		return proto_error_set(err, ENOMEM, "out of memory");
	json_array_foreach(ids, i, id) {
		if (!json_is_integer(id))
			return proto_error_set(err, EINVAL, "ids[%zu]: must "
					       "be an integer", i);
		st->id[st->ids++] = (uint64_t)json_integer_value(id);
	}
	qsort(st->id, st->ids, sizeof(*st->id), jobid_compare);
	return 0;
}

static int get_events(struct stream *st, json_t *events,
		      struct proto_error *err)
{
	json_t *name;
	size_t i;

	st->events = events ? 0 : ~0u;
	json_array_foreach(events, i, name) {
		const char *text = json_string_value(name);
		enum job_event event = text ? event_named(text) : EVENT_OTHER;

		if (event == EVENT_OTHER)
			return proto_error_set(err, EINVAL, "events: jobs "
					       "have no event \"%s\"", text ?
					       text : "(not a string)");
		st->events |= 1u << event;
	}
	return 0;
}

static int get_filter(struct stream *st, json_t *o, struct proto_error *err)
{
	json_t *ids = NULL, *events = NULL;
	const char *queue = NULL;
	json_error_t error;

	st->since = -1;
	st->userid = -1;
	if (json_unpack_ex(o, &error, 0, "{s?F s?I s?s s?o s?o}", "since",
			   &st->since, "userid", &st->userid, "queue", &queue,
			   "ids", &ids, "events", &events) < 0)
		return proto_error_set(err, EPROTO, "%s", error.text);
	if ((ids && !json_is_array(ids)) ||
	    (events && !json_is_array(events)))
		return proto_error_set(err, EPROTO, "ids and events: must be "
				       "arrays");
	if (queue && !(st->queue = strdup(queue)))
		return proto_error_set(err, ENOMEM, "out of memory");
	return get_ids(st, ids, err) < 0 ? -1 : get_events(st, events, err);
}

static void begin(struct stream *st)
{
	struct schedd *s = st->schedd;

	/* what was decided in this turn can be read behind it */
	commit_flush(s->commit);
	st->until = (double)s->last_event / 1e6;
	st->position = st->until;
	st->next = s->journal->streams;
	s->journal->streams = st;
	weir_call_on_drop(st->call, on_drop, st);
	if (st->since >= 0 && find_past(st) < 0)
		stream_fail(st, ENOMEM, "out of memory");
	else
		read_on(st);
}

void do_journal(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	struct proto_error error;
	struct stream *st;

	if (!o)
		return;
	st = calloc(1, sizeof(*st));
	if (!st) {
		weir_call_fail(call, ENOMEM, "out of memory");
	} else {
		st->magic = STREAM_MAGIC;
		st->schedd = s;
		st->call = call;
		st->uid = weir_call_uid(call);
		st->all = may_act(s, call, s->uid);
		wire_buf_init(&st->held);
		if (get_filter(st, o, &error) == 0) {
			begin(st);
		} else {
			weir_call_fail(call, errno, "%s", error.text);
			stream_free(st);
		}
	}
	json_decref(o);
}
