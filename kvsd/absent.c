/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to services that are away for a moment.
 * weir-protocol(7), Services and messages. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/absent.h"
#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"

#define ABSENT_BYTES	(16u << 20)	/* of a connection; more fail at once */

/* A call that waits: its stream, and its frame to be taken again. */
struct waiting {
	struct stream stream;
	struct event *timer;		/* its own time limit, or NULL */
	struct absent *absent;
	TAILQ_ENTRY(waiting) next;
	struct wire_buf frame;
};

struct absent {
	struct kvsd *kvsd;
	TAILQ_ENTRY(absent) next;
	TAILQ_HEAD(, waiting) calls;
	struct event *timer;
	char name[];
};

struct absents {
	/* few at any time: the daemons of one instance */
	TAILQ_HEAD(, absent) list;
};

void absents_create(struct kvsd *k)
{
	k->absents = xcalloc(1, sizeof(*k->absents));
	TAILQ_INIT(&k->absents->list);
}

static void waiting_free(struct waiting *w)
{
	w->stream.conn->calls--;
	conn_touch(w->stream.conn);
	stream_end(&w->stream);
	TAILQ_REMOVE(&w->absent->calls, w, next);
	w->stream.conn->absent_bytes -= w->frame.len;
	if (w->timer)
		event_free(w->timer);
	wire_buf_free(&w->frame);
	free(w);
}

static void absent_free(struct absent *a)
{
	assert(TAILQ_EMPTY(&a->calls));
	TAILQ_REMOVE(&a->kvsd->absents->list, a, next);
	event_free(a->timer);
	free(a);
}

void absents_destroy(struct kvsd *k)
{
	struct absent *a;

	if (!k->absents)
		return;
	while ((a = TAILQ_FIRST(&k->absents->list)))
		absent_free(a);
	free(k->absents);
	k->absents = NULL;
}

static struct absent *find(struct kvsd *k, const char *name, size_t len)
{
	struct absent *a;

	TAILQ_FOREACH(a, &k->absents->list, next)
		if (!strncmp(a->name, name, len) && !a->name[len])
			return a;
	return NULL;
}

static void waiting_fail(struct waiting *w, int errnum, const char *text)
{
	answer_err(w->stream.conn, w->stream.tag, errnum, text);
	waiting_free(w);
}

static void on_call_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct waiting *w = arg;
	char text[DB_NAME_MAX + 64];

	snprintf(text, sizeof(text), "nobody serves %.255s", w->absent->name);
	waiting_fail(w, ETIMEDOUT, text);
}

/* The time that the caller gives runs from its request on; what is left of it
 * when the service is back is not kept track of: it then runs anew. */
static void set_timer(struct waiting *w, const char *seconds)
{
	struct timeval tv;
	double timeout;

	if (!seconds || wire_parse_seconds(seconds, &timeout) < 0 ||
	    timeout >= ABSENT_SECONDS)
		return;
	tv = (struct timeval) { timeout, (timeout - (long)timeout) * 1e6 };
	w->timer = evtimer_new(w->stream.conn->kvsd->base, on_call_timeout, w);
	if (!w->timer || event_add(w->timer, &tv) < 0)
		abort();
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct absent *a = arg;
	struct waiting *w;
	char text[DB_NAME_MAX + 64];

	snprintf(text, sizeof(text), "nobody serves %.255s, nor began to for "
		 "%d s", a->name, ABSENT_SECONDS);
	while ((w = TAILQ_FIRST(&a->calls)))
		waiting_fail(w, ENOSYS, text);
	absent_free(a);
}

static struct absent *absent_create(struct kvsd *k, const char *name,
				    size_t len)
{
	struct timeval tv = { .tv_sec = ABSENT_SECONDS };
	struct absent *a = xcalloc(1, sizeof(*a) + len + 1);

	memcpy(a->name, name, len);
	a->kvsd = k;
	TAILQ_INIT(&a->calls);
	a->timer = evtimer_new(k->base, on_timeout, a);
	if (!a->timer || event_add(a->timer, &tv) < 0)
		abort();
	TAILQ_INSERT_TAIL(&k->absents->list, a, next);
	return a;
}

void absent_begin(struct kvsd *k, const char *name)
{
	if (!find(k, name, strlen(name)))
		absent_create(k, name, strlen(name));
}

/* The frame was taken once, so it is well formed. */
static void take_again(struct waiting *w)
{
	struct conn *c = w->stream.conn;
	struct wire_buf b = w->frame;
	struct wire_decoder *d = wire_decoder_create(true, b.len);
	struct wire_frame *f;
	size_t used;

	c->absent_bytes -= b.len;
	wire_buf_init(&w->frame);
	waiting_free(w);
	if (!d || wire_decode(d, b.data, b.len, &used, &f) != WIRE_FRAME)
		abort();
	do_call(c, f);
	wire_decoder_destroy(d);
	wire_buf_free(&b);
}

void absent_end(struct kvsd *k, const char *name)
{
	struct absent *a = find(k, name, strlen(name));
	struct waiting *w;

	if (!a)
		return;
	while ((w = TAILQ_FIRST(&a->calls)))
		take_again(w);
	absent_free(a);
}

static void cancel(struct stream *s)
{
	waiting_fail((struct waiting *)s, ECANCELED, "canceled");
}

static void drop(struct stream *s)
{
	waiting_free((struct waiting *)s);
}

static const struct stream_ops ops = { "call", cancel, drop, NULL };

bool absent_hold(struct conn *c, const char *name, size_t len,
		 const struct wire_frame *f)
{
	struct kvsd *k = c->kvsd;
	struct absent *a = find(k, name, len);
	struct waiting *w;
	int i, r;

	if (!strcmp(f->word[0], "-") || c->absent_bytes > ABSENT_BYTES)
		return false;
	/* a kvsd that was started anew does not know who served */
	if (!a && k->restarted && kvsd_now() - k->started < ABSENT_SECONDS)
		a = absent_create(k, name, len);
	if (!a)
		return false;
	w = xcalloc(1, sizeof(*w));
	if (stream_begin(&w->stream, c, f->word[0], &ops) < 0) {
		free(w);
		return true;
	}
	c->calls++;
	w->absent = a;
	for (i = 0; i < f->words; i++)
		wire_word_n(&w->frame, f->word[i], f->word_len[i]);
	r = f->has_payload ? wire_end_payload(&w->frame, f->payload,
					      f->payload_len) :
			     wire_end(&w->frame);
	if (r < 0)
		abort();
	c->absent_bytes += w->frame.len;
	TAILQ_INSERT_TAIL(&a->calls, w, next);
	set_timer(w, arg_option(f, "timeout"));
	return true;
}
