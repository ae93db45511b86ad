/* SPDX-License-Identifier: Apache-2.0 */
/* Replies and pushes: encoding them to where they have to go, which is OUT,
 * what is held until a batch is durable, a lane, or nowhere (tag "-").
 * See conn.h; weir-protocol(7), CONSISTENCY and Limits. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/conn.h"
#include "kvsd/server.h"
#include "proto/daemon.h"

#define TEXT_MAX	5000	/* of an error: with a whole key, escaped */

static struct wire_buf *begin(struct conn *c, struct wire_buf *b,
			      const char *tag)
{
	assert(!c->encoding);
	c->encoding = b;
	c->encoding_start = b->len;
	c->encoding_tag = tag;
	return b;
}

static struct wire_buf *sink(struct conn *c)
{
	struct wire_buf *b = server_sink(c->kvsd);

	wire_buf_reset(b);
	return b;
}

static bool unwanted(const char *tag)
{
	return tag[0] == '-' && !tag[1];
}

static struct wire_buf *reply_to(struct conn *c, const char *tag)
{
	if (unwanted(tag))
		return sink(c);
	return conn_outstanding(c) ? &c->held : &c->out;
}

/* Notes that what stands in c->held belongs to the last ticket. */
static struct held *held_add(struct conn *c, const char *tag)
{
	struct held *item;

	if (c->held_count == c->held_room) {
		c->held_room = c->held_room ? 2 * c->held_room : 16;
		c->held_item = xrealloc(c->held_item, c->held_room *
					sizeof(*c->held_item));
	}
	item = &c->held_item[c->held_count++];
	item->ticket = c->ticket;
	item->end = c->held.len;
	item->ns = NULL;
	snprintf(item->tag, sizeof(item->tag), "%s", tag);
	server_wait(c);
	return item;
}

/* The frame is whole. */
static void ended(struct conn *c)
{
	struct wire_buf *b = c->encoding;
	const char *tag = c->encoding_tag;

	c->encoding = NULL;
	if (b == &c->held)
		held_add(c, tag);
	else
		conn_touch(c);
}

/* The encoder refused it: a word that no line can hold. */
static void refused(struct conn *c)
{
	const char *tag = c->encoding_tag;

	c->encoding = NULL;
	if (errno == ENOMEM) {
		daemon_log(LOG_ERR, "no memory for output to %s",
			   conn_name(c));
		conn_kill(c);
	} else if (tag) {
		reply_err(c, tag, EINVAL, "what is to be said does not go "
			  "into a line");
	}
}

struct wire_buf *reply_begin(struct conn *c, const char *tag, const char *kind)
{
	struct wire_buf *b = begin(c, reply_to(c, tag), tag);

	wire_verbatim(b, tag);
	wire_verbatim(b, kind);
	return b;
}

void reply_end(struct conn *c)
{
	if (wire_end(c->encoding) < 0)
		refused(c);
	else
		ended(c);
}

void reply_payload(struct conn *c, const void *data, size_t len)
{
	if (wire_end_payload(c->encoding, data, len) < 0)
		refused(c);
	else
		ended(c);
}

char *reply_room(struct conn *c, size_t len)
{
	struct wire_buf *b = c->encoding;
	char *data;

	if (wire_end_count(b, len) < 0) {
		refused(c);
		return NULL;
	}
	if (b->size - b->len < len + 1) {
		size_t size = b->len + len + 1;

		data = realloc(b->data, size + size / 8);
		if (!data) {
			errno = ENOMEM;
			refused(c);
			return NULL;
		}
		b->data = data;
		b->size = size + size / 8;
		wire_large(data, b->size);
	}
	return b->data + b->len;
}

void reply_filled(struct conn *c, size_t len)
{
	struct wire_buf *b = c->encoding;

	assert(b->size - b->len >= len + 1);
	b->len += len;
	b->data[b->len++] = '\n';
	b->mark = b->len;
	ended(c);
}

void reply_undo(struct conn *c)
{
	c->encoding->len = c->encoding->mark = c->encoding_start;
	c->encoding = NULL;
}

static void encode_err(struct wire_buf *b, const char *tag, int errnum,
		       const char *text)
{
	wire_verbatim(b, tag);
	wire_verbatim(b, "err");
	wire_verbatim(b, wire_code(errnum));
	wire_text(b, text);
}

void reply_err(struct conn *c, const char *tag, int errnum,
	       const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->kvsd->refused++;
	encode_err(begin(c, reply_to(c, tag), tag), tag, errnum, text);
	c->encoding_tag = NULL;
	if (wire_end(c->encoding) < 0) {
		refused(c);
		return;
	}
	c->encoding_tag = tag;
	ended(c);
}

void reply_error(struct conn *c, const char *tag, const struct db_error *e)
{
	reply_err(c, tag, e->errnum, "%s", e->text);
}

static void encode_version(struct conn *c, struct wire_buf *b,
			   const char *tag, uint64_t version, const char *ns)
{
	struct db_namespace_info info;
	char hash[2 * DB_HASH_SIZE + 1];

	wire_verbatim(b, tag);
	wire_verbatim(b, "ok");
	wire_opt_u64(b, "version", version);
	if (ns && !db_namespace_info(c->kvsd->db, ns, false, &info)) {
		db_hash_text(&info.root, hash);
		wire_opt(b, "hash", hash);
	}
}

void reply_version(struct conn *c, const char *tag, uint64_t version,
		   const char *ns)
{
	struct held *item;

	if (ns && !unwanted(tag) && conn_outstanding(c)) {
		item = held_add(c, tag);
		item->version = version;
		item->ns = xstrdup(ns);
		return;
	}
	encode_version(c, begin(c, reply_to(c, tag), tag), tag, version, ns);
	reply_end(c);
}

/* ---- held replies ---- */

/* One that is made when it goes out; or what it is replaced by. */
static void held_encode(struct conn *c, const struct held *item,
			const struct db_error *error)
{
	begin(c, &c->out, NULL);
	if (error)
		encode_err(&c->out, item->tag, error->errnum, error->text);
	else
		encode_version(c, &c->out, item->tag, item->version,
			       item->ns);
	reply_end(c);
}

static void held_copy(struct conn *c, size_t from, size_t to)
{
	if (from < to && wire_buf_add(&c->out, c->held.data + from,
				      to - from) < 0)
		conn_kill(c);
}

void conn_settle(struct conn *c, const struct db_error *error)
{
	size_t i, run = 0, end = 0;

	for (i = 0; i < c->held_count &&
	     c->held_item[i].ticket <= c->kvsd->settled; i++) {
		struct held *item = &c->held_item[i];

		if (item->ns || error) {
			held_copy(c, run, end);
			held_encode(c, item, error);
			run = item->end;
		}
		end = item->end;
		free(item->ns);
	}
	held_copy(c, run, end);
	wire_buf_consume(&c->held, end);
	c->held_count -= i;
	for (size_t j = 0; j < c->held_count; j++) {
		c->held_item[j] = c->held_item[j + i];
		c->held_item[j].end -= end;
	}
	if (c->held.size > CONN_ROOM && !c->held.len)
		wire_buf_free(&c->held);
	if (!c->held_count && STAILQ_EMPTY(&c->parked))
		server_unwait(c);
	conn_touch(c);
	server_runnable(c);
}

/* ---- what others cause ---- */

struct wire_buf *answer_begin(struct conn *c, const char *tag,
			      const char *kind)
{
	struct wire_buf *b = begin(c, unwanted(tag) ? sink(c) : &c->out, NULL);

	wire_verbatim(b, tag);
	wire_verbatim(b, kind);
	return b;
}

void answer_err(struct conn *c, const char *tag, int errnum, const char *text)
{
	encode_err(begin(c, unwanted(tag) ? sink(c) : &c->out, NULL), tag,
		   errnum, text);
	reply_end(c);
}

void conn_protest(struct conn *c, int errnum, const char *text)
{
	encode_err(begin(c, &c->out, NULL), "-", errnum, text);
	reply_end(c);
}

static struct wire_buf *push_to(struct conn *c, struct wire_buf *b,
				const char *tag, const char *kind)
{
	begin(c, b, NULL);
	wire_verbatim(b, "*");
	wire_verbatim(b, tag);
	wire_verbatim(b, kind);
	return b;
}

struct wire_buf *push_begin(struct conn *c, const char *tag, const char *kind)
{
	return push_to(c, &c->out, tag, kind);
}

struct wire_buf *lane_add(struct conn *c, enum lane lane, const char *tag,
			  const char *kind)
{
	return push_to(c, &c->lane[lane], tag, kind);
}

struct wire_buf *lane_begin(struct conn *c, enum lane lane, const char *tag,
			    const char *kind)
{
	return c->lane[lane].len > CONN_LANE_MAX ? NULL :
		lane_add(c, lane, tag, kind);
}

void conn_drain_lane(struct conn *c, enum lane lane)
{
	struct wire_buf *b = &c->lane[lane];

	if (b->len && wire_buf_add(&c->out, b->data, b->len) < 0)
		conn_kill(c);
	wire_buf_reset(b);
	if (b->size > CONN_ROOM)
		wire_buf_free(b);
}

void push_end(struct conn *c, const char *tag, int errnum, const char *text)
{
	struct wire_buf *b;

	conn_drain_lane(c, LANE_OPERATIONS);
	conn_drain_lane(c, LANE_EVENTS);
	b = push_begin(c, tag, "end");
	wire_verbatim(b, wire_code(errnum));
	wire_text(b, text);
	reply_end(c);
}
