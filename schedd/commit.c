/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction a turn: see commit.h.
 *
 * Transactions take effect in the order in which they are sent, so that the
 * next turn need not wait for the answer to the last.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/commit.h"
#include "proto/daemon.h"

#define COMMIT_MAGIC	0x434f4d4du
#define FLIGHT_MAGIC	0x464c4947u
#define SIZE_LARGE	(32u << 20)	/* bytes; kvsd takes 128 MiB */

struct commit_entry {
	char key[JOBID_SIZE + 16];
	struct wire_buf lines;
};

struct reply {
	weir_call_t *call;
	uint64_t id;
	char *text;		/* instead of the id, or NULL */
};

/* Sent and not answered yet. */
struct flight {
	uint32_t magic;
	struct commit *commit;
	struct flight *next, **prev;
	uint64_t turn;
	weir_future_t *future;
	struct reply *replies;
	size_t count;
};

struct commit {
	uint32_t magic;
	weir_t *h;
	struct commit_hooks hooks;
	struct event *turn_event;
	bool awake;
	uint64_t turn;		/* from 1 */
	weir_txn_t *txn;
	size_t bytes;		/* roughly, of txn */
	struct commit_entry *entry;
	size_t entries, entry_size;
	struct reply *replies;
	size_t count, size;
	struct flight *flights;	/* the newest first */
	size_t in_flight;
};

static void end_turn(struct commit *c);

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct commit *c = arg;

	assert(c->magic == COMMIT_MAGIC);
	end_turn(c);
}

struct commit *commit_create(weir_t *h, struct event_base *base,
			     const struct commit_hooks *hooks)
{
	struct commit *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->magic = COMMIT_MAGIC;
	c->h = h;
	c->hooks = *hooks;
	c->turn = 1;
	c->txn = weir_txn_create();
	c->turn_event = event_new(base, -1, 0, on_turn, c);
	if (!c->txn || !c->turn_event) {
		commit_destroy(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

static void flight_free(struct flight *f)
{
	f->commit->in_flight--;
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	weir_future_destroy(f->future);
	free(f->replies);
	f->magic = 0;
	free(f);
}

static void fail_replies(struct reply *r, size_t n, int errnum,
			 const char *text)
{
	size_t i;

	for (i = 0; i < n; i++) {
		weir_call_fail(r[i].call, errnum, "%s", text);
		free(r[i].text);
	}
}

void commit_destroy(struct commit *c)
{
	size_t i;

	if (!c)
		return;
	while (c->flights) {
		fail_replies(c->flights->replies, c->flights->count,
			     ECONNRESET, "schedd ends");
		flight_free(c->flights);
	}
	fail_replies(c->replies, c->count, ECONNRESET, "schedd ends");
	for (i = 0; i < c->entry_size; i++)
		wire_buf_free(&c->entry[i].lines);
	free(c->entry);
	free(c->replies);
	weir_txn_destroy(c->txn);
	if (c->turn_event)
		event_free(c->turn_event);
	c->magic = 0;
	free(c);
}

void commit_wake(struct commit *c)
{
	if (!c->awake) {
		c->awake = true;
		event_active(c->turn_event, EV_TIMEOUT, 0);
	}
}

weir_txn_t *commit_txn(struct commit *c)
{
	commit_wake(c);
	return c->txn;
}

static void out_of_memory(struct commit *c)
{
	c->hooks.failed(ENOMEM, "out of memory", c->hooks.arg);
}

/* A buffer is kept and used again from turn to turn. */
static struct commit_entry *entry_add(struct commit *c)
{
	if (c->entries == c->entry_size) {
		size_t n = c->entry_size ? c->entry_size * 2 : 64, i;
		struct commit_entry *entry = reallocarray(c->entry, n,
							  sizeof(*entry));

		if (!entry)
			return NULL;
		for (i = c->entry_size; i < n; i++)
			wire_buf_init(&entry[i].lines);
		c->entry = entry;
		c->entry_size = n;
	}
	return &c->entry[c->entries++];
}

void commit_event(struct commit *c, struct job *job, const struct jobevent *ev)
{
	struct commit_entry *e;

	commit_wake(c);
	if (job->turn != c->turn) {
		e = entry_add(c);
		if (!e) {
			out_of_memory(c);
			return;
		}
		job->turn = c->turn;
		job->entry = (size_t)(e - c->entry);
		snprintf(e->key, sizeof(e->key), "%s.eventlog", job->key);
	}
	if (jobevent_encode(&c->entry[job->entry].lines, ev) < 0)
		out_of_memory(c);
}

static void add_reply(struct commit *c, weir_call_t *call, uint64_t id,
		      char *text)
{
	commit_wake(c);
	if (c->count == c->size) {
		size_t n = c->size ? c->size * 2 : 64;
		struct reply *r = reallocarray(c->replies, n, sizeof(*r));

		if (!r) {
			weir_call_fail(call, ENOMEM, "out of memory");
			free(text);
			return;
		}
		c->replies = r;
		c->size = n;
	}
	c->replies[c->count].call = call;
	c->replies[c->count].text = text;
	c->replies[c->count++].id = id;
}

void commit_reply(struct commit *c, weir_call_t *call, uint64_t id)
{
	add_reply(c, call, id, NULL);
}

void commit_reply_json(struct commit *c, weir_call_t *call, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (text)
		add_reply(c, call, 0, text);
	else
		weir_call_fail(call, ENOMEM, "out of memory");
}

size_t commit_in_flight(const struct commit *c)
{
	return c->in_flight;
}

uint64_t commit_turn(const struct commit *c)
{
	return c->turn;
}

uint64_t commit_durable(const struct commit *c)
{
	const struct flight *f;
	uint64_t turn = c->turn - 1;

	for (f = c->flights; f; f = f->next)
		if (f->turn <= turn)
			turn = f->turn - 1;
	return turn;
}

void commit_flush(struct commit *c)
{
	end_turn(c);
}

void commit_bound(struct commit *c, size_t added)
{
	c->bytes += added;
	if (c->bytes > SIZE_LARGE)
		end_turn(c);
}

static void send_replies(struct reply *r, size_t n)
{
	char text[64];
	size_t i;
	int len;

	for (i = 0; i < n; i++) {
		if (r[i].text) {
			weir_call_reply(r[i].call, r[i].text,
					strlen(r[i].text));
			free(r[i].text);
			continue;
		}
		if (r[i].id)
			len = snprintf(text, sizeof(text),
				       "{\"id\":%" PRIu64 "}", r[i].id);
		else
			len = snprintf(text, sizeof(text), "{}");
		weir_call_reply(r[i].call, text, (size_t)len);
	}
}

static void on_done(weir_future_t *future, void *arg)
{
	struct flight *f = arg;
	struct commit *c = f->commit;
	int errnum = weir_future_error(future);
	char text[512];

	assert(f->magic == FLIGHT_MAGIC && c->magic == COMMIT_MAGIC);
	if (!errnum) {
		send_replies(f->replies, f->count);
		flight_free(f);
		c->hooks.durable(c->hooks.arg);
		return;
	}
	snprintf(text, sizeof(text), "%s", weir_future_strerror(future));
	fail_replies(f->replies, f->count, errnum, text);
	flight_free(f);
	c->hooks.failed(errnum, text, c->hooks.arg);
}

static void send_txn(struct commit *c)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (!f) {
		out_of_memory(c);
		return;
	}
	f->magic = FLIGHT_MAGIC;
	f->commit = c;
	f->turn = c->turn;
	f->next = c->flights;
	if (f->next)
		f->next->prev = &f->next;
	f->prev = &c->flights;
	c->flights = f;
	c->in_flight++;
	f->replies = c->replies;
	f->count = c->count;
	c->replies = NULL;
	c->count = c->size = 0;
	f->future = weir_kvs_commit(c->h, "primary", c->txn, 0);
	if (!f->future || weir_future_then(f->future, -1, on_done, f) < 0) {
		int e = errno;

		fail_replies(f->replies, f->count, e, strerror(e));
		f->count = 0;
		flight_free(f);
		c->hooks.failed(e, strerror(e), c->hooks.arg);
	}
}

/* Nothing to add: what the replies promise is in what was sent before. */
static void reply_with_last(struct commit *c)
{
	struct flight *f = c->flights;
	struct reply *r;

	if (!f) {
		send_replies(c->replies, c->count);
		c->count = 0;
		return;
	}
	r = reallocarray(f->replies, f->count + c->count, sizeof(*r));
	if (!r) {
		out_of_memory(c);
		return;
	}
	memcpy(r + f->count, c->replies, c->count * sizeof(*r));
	f->replies = r;
	f->count += c->count;
	c->count = 0;
}

static void end_turn(struct commit *c)
{
	size_t i;

	c->hooks.turn(c->hooks.arg);
	for (i = 0; i < c->entries; i++) {
		struct wire_buf *lines = &c->entry[i].lines;

		weir_txn_append(c->txn, c->entry[i].key, lines->data,
				lines->len);
		wire_buf_reset(lines);
	}
	c->entries = 0;
	c->awake = false;
	c->bytes = 0;
	if (weir_txn_count(c->txn) > 0) {
		send_txn(c);
		weir_txn_clear(c->txn);
	} else if (c->count > 0) {
		reply_with_last(c);
	}
	c->turn++;
}
