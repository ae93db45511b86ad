/* SPDX-License-Identifier: Apache-2.0 */
/* Event logs in the key-value store: appending, reading, following, waiting
 * for one event. weir_eventlog(3), weir-eventlog(5). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libclient/internal.h"
#include "proto/eventlog.h"

/* ---- appending ---- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int weir_txn_append_event(weir_txn_t *txn, const char *key, double timestamp,
			  const char *name, const char *context)
{
	json_t *o = context ? json_loads(context, 0, NULL) : NULL;
	char *line = NULL;
	size_t len;
	int r = -1;

	if (context && !json_is_object(o))
		errno = EINVAL;
	else
		line = eventlog_encode(timestamp < 0 ? now() : timestamp, name,
				       o, &len);
	if (line)
		r = weir_txn_append(txn, key, line, len);
	free(line);
	json_decref(o);
	return r;
}

weir_future_t *weir_eventlog_append(weir_t *h, const char *ns,
				    const char *key, double timestamp,
				    const char *name, const char *context)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f = NULL;

	if (txn && weir_txn_append_event(txn, key, timestamp, name,
					 context) == 0)
		f = weir_kvs_commit(h, ns, txn, 0);
	weir_txn_destroy(txn);
	return f;
}

/* ---- reading ---- */

struct log {
	struct wire_buf part;	/* of a line */
	size_t line;		/* number of the last that was taken */
	bool once;		/* end after what came first */
	char *name;		/* of the event waited for, or NULL */
	json_t *match;		/* or NULL */
};

static void log_free(void *aux)
{
	struct log *l = aux;

	wire_buf_free(&l->part);
	free(l->name);
	json_decref(l->match);
	free(l);
}

static bool matches(const struct log *l, const struct eventlog_event *event)
{
	const char *key;
	json_t *value;

	if (!l->name)
		return true;
	if (strcmp(event->name, l->name))
		return false;
	json_object_foreach(l->match, key, value)
		if (!json_equal(json_object_get(event->context, key), value))
			return false;
	return true;
}

static struct item *event_item(const struct eventlog_event *event,
			       const char *line, size_t len)
{
	char timestamp[64], *context = NULL, *dump;
	const char *words[4] = { "event", event->name, timestamp };
	struct item *item;

	snprintf(timestamp, sizeof(timestamp), "timestamp=%.6f",
		 event->timestamp);
	if (event->context) {
		dump = json_dumps(event->context, JSON_COMPACT);
		if (!dump || asprintf(&context, "context=%s", dump) < 0) {
			free(dump);
			return NULL;
		}
		free(dump);
		words[3] = context;
	}
	item = item_create(words, context ? 4 : 3, NULL, line, len);
	free(context);
	return item;
}

/* One line; true if nothing more is wanted. */
static bool take_line(weir_future_t *f, struct log *l, const char *line,
		      size_t len)
{
	struct eventlog_event event;
	struct proto_error error;
	char text[512];
	bool last;

	l->line++;
	if (eventlog_decode(line, len, &event, &error) < 0) {
		snprintf(text, sizeof(text), "line %zu: %s", l->line,
			 error.text);
		future_end(f, EPROTO, text);
		return true;
	}
	last = l->name && matches(l, &event);
	if (last || !l->name)
		future_queue(f, event_item(&event, line, len));
	eventlog_clear(&event);
	if (last)
		future_end(f, ENODATA, "the event has come");
	return last;
}

/* Takes whole lines, leaves a part; true if nothing more is wanted. */
static bool take_lines(weir_future_t *f, struct log *l)
{
	const char *start = l->part.data, *end = start + l->part.len, *lf;
	bool last = false;

	while (!last && start < end &&
	       (lf = memchr(start, '\n', end - start))) {
		last = take_line(f, l, start, lf + 1 - start);
		start = lf + 1;
	}
	if (!last)
		wire_buf_consume(&l->part, start - l->part.data);
	return last;
}

static bool split(weir_future_t *f, struct item *item)
{
	struct log *l = f->aux;
	const char *kind = item->words ? item->word[0] : "";

	if (item->errnum)
		return true;
	if (!strcmp(kind, "reset") || !strcmp(kind, "gone")) {
		wire_buf_reset(&l->part);	/* it begins anew */
		l->line = 0;
		return false;
	}
	if (item->payload_len && wire_buf_add(&l->part, item->payload,
					      item->payload_len) < 0)
		future_end(f, ENOMEM, "out of memory");
	else if (!take_lines(f, l) && l->once)
		future_end(f, l->part.len ? EPROTO : ENODATA, l->part.len ?
			   "its last line has no end: no event log" :
			   "the end of the event log");
	return false;
}

static weir_future_t *log_request(weir_t *h, const char *ns, const char *key,
				  int flags)
{
	weir_future_t *f;
	bool follow = flags & WEIR_EVENTLOG_FOLLOW;

	if (flags & (WEIR_EVENTLOG_FOLLOW | WEIR_EVENTLOG_WAIT))
		return weir_kvs_watch(h, ns, key, follow ? WEIR_WATCH_APPEND :
				      WEIR_WATCH_LATEST, WEIR_FROM_NOW, 0,
				      flags & WEIR_EVENTLOG_WAIT ?
				      WEIR_WATCH_WAIT : 0);
	f = request_begin(h, KIND_PAGES, "get");
	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(ns));
	wire_word(&h->out, key);
	return request_end_none(f);
}

static weir_future_t *log_begin(weir_t *h, const char *ns, const char *key,
				struct log *l, int flags)
{
	weir_future_t *f = log_request(h, ns, key, flags);

	if (!f) {
		log_free(l);
		return NULL;
	}
	l->once = !(flags & WEIR_EVENTLOG_FOLLOW);
	f->aux = l;
	f->aux_free = log_free;
	f->filter = split;
	return f;
}

weir_future_t *weir_eventlog(weir_t *h, const char *ns, const char *key,
			     int flags)
{
	struct log *l = calloc(1, sizeof(*l));

	return l ? log_begin(h, ns, key, l, flags) : NULL;
}

weir_future_t *weir_eventlog_wait(weir_t *h, const char *ns, const char *key,
				  const char *name, const char *match,
				  int flags)
{
	struct log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->name = strdup(name);
	l->match = match ? json_loads(match, 0, NULL) : NULL;
	if (!l->name || (match && !json_is_object(l->match))) {
		int errnum = l->name ? EINVAL : ENOMEM;

		log_free(l);
		errno = errnum;
		return NULL;
	}
	return log_begin(h, ns, key, l, flags | WEIR_EVENTLOG_FOLLOW);
}
