/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's log: a ring of the newest lines and those who read it. A
 * reader has the number of its next line; it holds nothing else, and is told
 * when lines that it hasn't read are gone. weir-protocol(7), The log. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/log_ring.h"

#define LINES_MAX	4096u
#define LINE_MAX_BYTES	(64u << 10)
#define RING_BYTES	(16u << 20)

struct line {
	double time;
	int level;
	size_t len;
	char *name;
	char text[];
};

struct reader {
	struct stream stream;
	TAILQ_ENTRY(reader) next;
	uint64_t number;	/* of the next line to tell */
	bool follow;
};

/* Lines are numbered from 1 on; FIRST to LAST - 1 are kept. */
struct log_ring {
	struct line *line[LINES_MAX];
	uint64_t first, last;
	size_t bytes;
	TAILQ_HEAD(, reader) readers;
};

void log_ring_create(struct kvsd *k)
{
	k->log = xcalloc(1, sizeof(*k->log));
	k->log->first = k->log->last = 1;
	TAILQ_INIT(&k->log->readers);
}

static struct line **at(struct log_ring *log, uint64_t number)
{
	return &log->line[number % LINES_MAX];
}

static void drop_first(struct log_ring *log)
{
	struct line *line = *at(log, log->first++);

	log->bytes -= line->len;
	free(line->name);
	free(line);
}

void log_ring_destroy(struct kvsd *k)
{
	if (!k->log)
		return;
	while (k->log->first < k->log->last)
		drop_first(k->log);
	free(k->log);
	k->log = NULL;
}

uint64_t log_ring_count(const struct kvsd *k)
{
	return k->log->last - k->log->first;
}

void log_ring_add(struct kvsd *k, int level, const char *name,
		  const void *text, size_t len)
{
	struct log_ring *log = k->log;
	struct reader *reader;
	struct line *line;

	while (log->last - log->first == LINES_MAX ||
	       (log->first < log->last && log->bytes + len > RING_BYTES))
		drop_first(log);
	line = xmalloc(sizeof(*line) + len);
	line->time = kvsd_now();
	line->level = level;
	line->name = xstrdup(name);
	line->len = len;
	if (len)
		memcpy(line->text, text, len);
	*at(log, log->last++) = line;
	log->bytes += len;
	TAILQ_FOREACH(reader, &log->readers, next)
		stream_ready(&reader->stream);
}

/* ---- reading ---- */

static void reader_free(struct stream *s)
{
	struct reader *r = (struct reader *)s;

	TAILQ_REMOVE(&s->conn->kvsd->log->readers, r, next);
	if (!r->follow)
		s->conn->calls--;
	stream_end(s);
	free(r);
}

static void reader_finish(struct stream *s)
{
	answer_begin(s->conn, s->tag, "ok");
	reply_end(s->conn);
	reader_free(s);
}

static void tell_line(struct reader *r, double time, int level,
		      const char *name, const char *text, size_t len)
{
	struct conn *c = r->stream.conn;
	struct wire_buf *b = answer_begin(c, r->stream.tag, "more");

	wire_opt_time(b, "time", time);
	wire_opt_u64(b, "level", level);
	wire_opt(b, "name", name);
	reply_payload(c, text, len);
}

static void tell_lost(struct reader *r, uint64_t first)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%ju lines are gone before "
			   "they were read", (uintmax_t)(first - r->number));

	tell_line(r, kvsd_now(), LOG_WARNING, "kvsd", text, len);
	r->number = first;
}

static bool reader_pump(struct stream *s)
{
	struct reader *r = (struct reader *)s;
	struct log_ring *log = s->conn->kvsd->log;

	if (r->number < log->first)
		tell_lost(r, log->first);
	while (r->number < log->last) {
		struct line *line = *at(log, r->number);

		if (conn_queued(s->conn) >= CONN_ROOM)
			return true;
		tell_line(r, line->time, line->level, line->name, line->text,
			  line->len);
		r->number++;
	}
	if (!r->follow)
		reader_finish(s);
	return false;
}

static const struct stream_ops reader_ops = {
	"log-read", reader_finish, reader_free, reader_pump
};

void do_log_read(struct conn *c, const struct wire_frame *f)
{
	struct reader *r;
	bool follow;

	if (arg_flag(c, f, "follow", &follow) < 0)
		return;
	r = xcalloc(1, sizeof(*r));
	if (stream_begin(&r->stream, c, f->word[0], &reader_ops) < 0) {
		free(r);
		return;
	}
	r->follow = follow;
	r->number = c->kvsd->log->first;
	if (!follow)
		c->calls++;
	TAILQ_INSERT_TAIL(&c->kvsd->log->readers, r, next);
	stream_ready(&r->stream);
}

void do_log(struct conn *c, const struct wire_frame *f)
{
	uint64_t level;

	if (wire_parse_u64(f->word[ARG], &level) < 0 || level > LOG_DEBUG) {
		reply_err(c, f->word[0], EINVAL, "'%.32s' is no severity from "
			  "0 to 7", f->word[ARG]);
		return;
	}
	if (f->payload_len > LINE_MAX_BYTES ||
	    f->word_len[ARG + 1] > DB_NAME_MAX) {
		reply_err(c, f->word[0], E2BIG, "a log line has at most %u "
			  "bytes, and its name %d", LINE_MAX_BYTES,
			  DB_NAME_MAX);
		return;
	}
	log_ring_add(c->kvsd, level, f->word[ARG + 1], f->payload,
		     f->payload_len);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}

void do_log_clear(struct conn *c, const struct wire_frame *f)
{
	struct log_ring *log = c->kvsd->log;
	struct reader *r;

	while (log->first < log->last)
		drop_first(log);
	/* Cleared is not lost. */
	TAILQ_FOREACH(r, &log->readers, next)
		r->number = log->last;
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}
