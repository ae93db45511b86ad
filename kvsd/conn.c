/* SPDX-License-Identifier: Apache-2.0 */
/* A client's life, its input and its output: see conn.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/conn.h"
#include "kvsd/dispatch.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/server.h"
#include "kvsd/stats.h"
#include "proto/daemon.h"

#define PARKED_MAX	(16u << 20)
#define HELD_MAX	(64u << 20)
#define STREAMS_MAX	65536u
#define STREAMS_MAX_OWNER	1048576u
#define ROUNDS		8	/* of writing to one client in a turn */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* ---- life ---- */

struct conn *conn_create(struct kvsd *k, int fd, uid_t uid, pid_t pid,
			 enum wire_role role)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->magic = CONN_MAGIC;
	c->kvsd = k;
	c->fd = fd;
	c->uid = uid;
	c->pid = pid;
	c->role = role;
	STAILQ_INIT(&c->parked);
	TAILQ_INIT(&c->stream_all);
	TAILQ_INIT(&c->stream_ready);
	c->decoder = wire_decoder_create(true, role == WIRE_OWNER ?
					 WIRE_PAYLOAD_OWNER :
					 WIRE_PAYLOAD_USER);
	c->readable = event_new(k->base, fd, EV_READ | EV_PERSIST,
				on_readable, c);
	c->writable = event_new(k->base, fd, EV_WRITE, on_writable, c);
	if (!c->decoder || !c->readable || !c->writable)
		abort();
	server_add(k, c);
	if (event_add(c->readable, NULL) < 0)
		conn_kill(c);
	return c;
}

static void drop_parked(struct conn *c)
{
	struct parked *p;

	while ((p = STAILQ_FIRST(&c->parked))) {
		STAILQ_REMOVE_HEAD(&c->parked, next);
		free(p);
	}
}

void conn_destroy(struct conn *c)
{
	struct stream *s;

	assert(c->magic == CONN_MAGIC);
	while ((s = TAILQ_FIRST(&c->stream_all)))
		s->ops->drop(s);
	lease_conn_closed(c);
	server_remove(c->kvsd, c);
	event_free(c->readable);
	event_free(c->writable);
	if (c->hangup)
		event_free(c->hangup);
	close(c->fd);
	wire_decoder_destroy(c->decoder);
	drop_parked(c);
	for (size_t i = 0; i < c->held_count; i++)
		free(c->held_item[i].ns);
	free(c->held_item);
	wire_buf_free(&c->held);
	wire_buf_free(&c->input);
	wire_buf_free(&c->out);
	for (int i = 0; i < LANES; i++)
		wire_buf_free(&c->lane[i]);
	table_free(&c->streams);
	free(c->name);
	free(c->endpoint);
	c->magic = 0;
	free(c);
}

void conn_touch(struct conn *c)
{
	server_touch(c);
}

void conn_kill(struct conn *c)
{
	c->dead = true;
	conn_touch(c);
}

void conn_finish(struct conn *c)
{
	c->eof = c->finished = true;
	event_del(c->readable);
	conn_touch(c);
}

const char *conn_name(const struct conn *c)
{
	static char text[160];

	snprintf(text, sizeof(text), "%.40s%s%.40s (pid %d, uid %u)",
		 c->endpoint ? c->endpoint : "a client", c->name ? " " : "",
		 c->name ? c->name : "", (int)c->pid, (unsigned)c->uid);
	return text;
}

void conn_depends(struct conn *c)
{
	c->ticket = db_ticket(c->kvsd->db);
}

void conn_changed(struct conn *c)
{
	conn_depends(c);
	stats_changed(c->kvsd);
	c->kvsd->changed = true;
}

/* ---- streams ---- */

static uint64_t tag_hash(const char *tag)
{
	return table_hash(tag, strlen(tag), 0);
}

struct stream *stream_find(struct conn *c, const char *tag)
{
	struct table_node *n;

	for (n = table_first(&c->streams, tag_hash(tag)); n;
	     n = table_next(n)) {
		struct stream *s = table_entry(n, struct stream, node);

		if (!strcmp(s->tag, tag))
			return s;
	}
	return NULL;
}

int stream_begin(struct stream *s, struct conn *c, const char *tag,
		 const struct stream_ops *ops)
{
	struct stream *other = stream_find(c, tag);
	unsigned most = c->role == WIRE_OWNER ? STREAMS_MAX_OWNER :
		STREAMS_MAX;

	if (!strcmp(tag, "-") || other) {
		reply_err(c, tag, EINVAL, other ?
			  "the tag is taken by a %s that has not ended" :
			  "a %s needs a tag of its own, not -",
			  other ? other->ops->what : ops->what);
		return -1;
	}
	if (c->streams.count >= most) {
		reply_err(c, tag, EAGAIN, "%u tags are taken in this "
			  "connection: end some", most);
		return -1;
	}
	s->conn = c;
	s->ops = ops;
	s->is_ready = false;
	snprintf(s->tag, sizeof(s->tag), "%s", tag);
	table_add(&c->streams, &s->node, tag_hash(tag));
	TAILQ_INSERT_TAIL(&c->stream_all, s, all);
	return 0;
}

void stream_end(struct stream *s)
{
	struct conn *c = s->conn;

	if (s->is_ready)
		TAILQ_REMOVE(&c->stream_ready, s, ready);
	TAILQ_REMOVE(&c->stream_all, s, all);
	table_remove(&c->streams, &s->node);
}

void stream_ready(struct stream *s)
{
	if (!s->is_ready) {
		s->is_ready = true;
		TAILQ_INSERT_TAIL(&s->conn->stream_ready, s, ready);
	}
	conn_touch(s->conn);
}

/* ---- input ---- */

static bool may_go_on(struct conn *c)
{
	if (conn_queued(c) > CONN_PAUSE || c->parked_size > PARKED_MAX ||
	    c->held.len > HELD_MAX)
		c->paused = true;
	return !c->paused && !c->stalled && !c->finished && !c->dead;
}

/* Handles whole frames of DATA; returns how much was used. */
static size_t decode(struct conn *c, const char *data, size_t len)
{
	size_t used = 0, n;

	while (used < len && may_go_on(c)) {
		struct wire_frame *frame;
		const char *tag, *text;
		int errnum;

		switch (wire_decode(c->decoder, data + used, len - used, &n,
				    &frame)) {
		case WIRE_MORE:
			break;
		case WIRE_FRAME:
			dispatch(c, frame);
			break;
		case WIRE_BAD:
			errnum = wire_decoder_error(c->decoder, &tag, &text);
			/* Perhaps a person who forgot the tag. */
			if (errnum == EPROTO && !strcmp(tag, "-"))
				conn_protest(c, errnum, text);
			else
				reply_err(c, tag, errnum, "%s", text);
			break;
		case WIRE_BROKEN:
			wire_decoder_error(c->decoder, &tag, &text);
			conn_protest(c, EPROTO, text);
			conn_finish(c);
			return len;
		}
		used += n;
	}
	return used;
}

static void watch_input(struct conn *c)
{
	bool want = !c->eof && !c->paused && !c->stalled && !c->dead &&
		!c->broken;

	if (want)
		event_add(c->readable, NULL);
	else
		event_del(c->readable);
}

void conn_input(struct conn *c, const char *data, size_t len)
{
	size_t used = c->input.len ? 0 : decode(c, data, len);

	if (used < len && !c->finished &&
	    wire_buf_add(&c->input, data + used, len - used) < 0)
		conn_kill(c);
	watch_input(c);
}

static void decode_waiting(struct conn *c)
{
	size_t used = decode(c, c->input.data, c->input.len);

	wire_buf_consume(&c->input, c->finished ? c->input.len : used);
	if (!c->input.len && c->input.size > CONN_ROOM)
		wire_buf_free(&c->input);
}

void conn_resume(struct conn *c)
{
	struct parked *p;

	while ((p = STAILQ_FIRST(&c->parked)) && !c->dead &&
	       p->ticket <= c->kvsd->settled) {
		STAILQ_REMOVE_HEAD(&c->parked, next);
		c->parked_size -= p->size;
		if (p->stalls)
			c->stalled = false;
		dispatch_parked(c, &p->frame);
		free(p);
	}
	if (STAILQ_EMPTY(&c->parked) && !c->held_count)
		server_unwait(c);
	if (c->paused && conn_queued(c) <= CONN_PAUSE / 2 &&
	    c->parked_size <= PARKED_MAX / 2 && c->held.len <= HELD_MAX / 2)
		c->paused = false;
	if (c->input.len)
		decode_waiting(c);
	watch_input(c);
	conn_touch(c);
}

/* The peer's end of both directions is closed: nobody will read. */
static bool hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	size_t size;
	char *data;
	ssize_t n;

	assert(c->magic == CONN_MAGIC);
	data = server_input(c->kvsd, &size);
	n = read(fd, data, size);
	if (n > 0) {
		server_stats(c->kvsd)->bytes_in += n;
		conn_input(c, data, n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->eof = true;
	if (n < 0 || hung_up(fd))
		c->broken = true;
	event_del(c->readable);
	conn_touch(c);
}

/* ---- output ---- */

static void pump(struct conn *c)
{
	while (conn_queued(c) < CONN_ROOM && !c->dead) {
		struct stream *s = TAILQ_FIRST(&c->stream_ready);

		if (!s)
			return;
		TAILQ_REMOVE(&c->stream_ready, s, ready);
		s->is_ready = false;
		if (s->ops->pump(s))
			stream_ready(s);
	}
}

/* What watches tell goes before the events, so that an event does not overtake
 * the operations before it. */
static void fill(struct conn *c)
{
	if (conn_queued(c) >= CONN_ROOM)
		return;
	conn_drain_lane(c, LANE_OPERATIONS);
	pump(c);
	conn_drain_lane(c, LANE_EVENTS);
}

static void tidy(struct conn *c)
{
	if (c->out_sent == c->out.len) {
		wire_buf_reset(&c->out);
		c->out_sent = 0;
		if (c->out.size > 4 * CONN_ROOM)
			wire_buf_free(&c->out);
	} else if (c->out_sent > CONN_ROOM && c->out_sent > c->out.len / 2) {
		wire_buf_consume(&c->out, c->out_sent);
		c->out_sent = 0;
	}
}

/* What is large goes in larger pieces, with fewer changes between us and the
 * client. */
static void widen(struct conn *c)
{
	int size = CONN_WIDE;

	c->is_wide = true;
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void write_out(struct conn *c)
{
	ssize_t n = write(c->fd, c->out.data + c->out_sent, conn_queued(c));

	if (n >= 0) {
		server_stats(c->kvsd)->bytes_out += n;
		c->out_sent += n;
		tidy(c);
	} else if (errno == EAGAIN) {
		c->blocked = true;
		if (event_add(c->writable, NULL) < 0)
			conn_kill(c);
	} else if (errno != EINTR) {
		c->broken = true;
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	assert(c->magic == CONN_MAGIC);
	c->blocked = false;
	conn_touch(c);
}

/* Nothing is left to do for one that sends no more. One that only closed its
 * side gets the answers to its calls; after quit nobody waits for them. */
static bool is_done(const struct conn *c)
{
	if (!c->eof || !STAILQ_EMPTY(&c->parked) || c->held_count)
		return false;
	return c->broken || (!conn_queued(c) &&
			     (c->finished || (!c->calls && !c->input.len)));
}

static void on_hangup_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	assert(c->magic == CONN_MAGIC);
	if (hung_up(c->fd))
		c->broken = true;
	conn_touch(c);
}

/* The end of its input was read, so no event will tell when it has gone. */
static void watch_hangup(struct conn *c)
{
	static const struct timeval interval = { 1, 0 };

	if (!c->hangup)
		c->hangup = evtimer_new(c->kvsd->base, on_hangup_timer, c);
	if (!c->hangup || event_add(c->hangup, &interval) < 0)
		conn_kill(c);
}

void conn_flush(struct conn *c)
{
	if (!c->is_wide && conn_queued(c) >= CONN_WIDE)
		widen(c);
	for (int i = 0; i < ROUNDS && !c->blocked && !c->broken; i++) {
		fill(c);
		if (!conn_queued(c))
			break;
		write_out(c);
	}
	if (c->broken) {
		c->eof = true;
		wire_buf_reset(&c->out);
		c->out_sent = 0;
		wire_buf_reset(&c->input);
		event_del(c->readable);
	}
	if (conn_queued(c) > CONN_OUT_MAX) {
		daemon_log(LOG_WARNING, "%s does not read: disconnected",
			   conn_name(c));
		server_stats(c->kvsd)->cut++;
		c->dead = true;
	}
	if (is_done(c))
		c->dead = true;
	else if (c->eof && c->calls && !c->broken)
		watch_hangup(c);
	if (c->dead || c->blocked || c->broken)
		return;
	if (conn_queued(c) || !TAILQ_EMPTY(&c->stream_ready))
		conn_touch(c);
	if (c->paused && conn_queued(c) <= CONN_PAUSE / 2)
		server_runnable(c);
}
