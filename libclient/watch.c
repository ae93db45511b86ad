/* SPDX-License-Identifier: Apache-2.0 */
/* Watches, and where each would be resumed after a new connection.
 * weir_kvs_watch(3). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

static const char *const modes[] = {
	[WEIR_WATCH_LATEST] = "latest",
	[WEIR_WATCH_APPEND] = "append",
	[WEIR_WATCH_PREFIX] = "prefix",
};

struct item *watch_release(struct watch *w)
{
	struct item *held = w->held;

	w->held = w->held_last = NULL;
	return held;
}

static void drop_held(struct watch *w)
{
	struct item *item, *next;

	for (item = watch_release(w); item; item = next) {
		next = item->next;
		item_free(item);
	}
}

void watch_free(struct watch *w)
{
	if (w) {
		drop_held(w);
		free(w->ns);
		free(w->key);
		free(w);
	}
}

static void write_words(weir_t *h, const struct watch *w)
{
	wire_word(&h->out, w->ns);
	wire_word(&h->out, w->key);
	wire_opt(&h->out, "mode", modes[w->mode]);
	if (w->from != WEIR_FROM_NOW)
		wire_opt_u64(&h->out, "from", w->from);
	if (w->offset)
		wire_opt_u64(&h->out, "offset", w->offset);
	if (w->flags & WEIR_WATCH_WAIT)
		wire_opt(&h->out, "wait", "1");
	/* whoever follows a prefix has to begin anew by itself */
	if (w->seen && w->mode != WEIR_WATCH_PREFIX)
		wire_opt(&h->out, "anew", "1");
}

weir_future_t *weir_kvs_watch(weir_t *h, const char *ns, const char *key,
			      enum weir_watch_mode mode, uint64_t from,
			      uint64_t offset, int flags)
{
	weir_future_t *f = request_begin(h, KIND_WATCH, "watch");
	struct watch *w;

	if (!f)
		return NULL;
	w = calloc(1, sizeof(*w));
	if (w) {
		w->mode = mode;
		w->ns = strdup(namespace_word(ns));
		w->key = strdup(key);
		w->flags = flags;
		w->from = from;
		w->offset = offset;
	}
	if (!w || !w->ns || !w->key) {
		watch_free(w);
		w = NULL;
		h->out.failed = ENOMEM;
	}
	f->watch = w;
	if (w)
		write_words(h, w);
	return request_end_none(f);
}

int watch_send(weir_future_t *f)
{
	weir_t *h = f->h;

	wire_u64(&h->out, f->slot);
	wire_verbatim(&h->out, "watch");
	write_words(h, f->watch);
	return wire_end(&h->out);
}

static uint64_t number(const struct item *item, const char *name)
{
	size_t len = strlen(name);
	uint64_t n;
	int i;

	for (i = 0; i < item->words; i++)
		if (!strncmp(item->word[i], name, len) &&
		    item->word[i][len] == '=' &&
		    wire_parse_u64(item->word[i] + len + 1, &n) == 0)
			return n;
	return 0;
}

/* An operation that more of the same batch follow waits for the last of them:
 * the store keeps no state in between from which the watch could go on. */
static void hold(struct watch *w, struct item *item)
{
	if (w->held)
		w->held_last->next = item;
	else
		w->held = item;
	w->held_last = item;
}

bool watch_lost(struct watch *w)
{
	drop_held(w);
	/* Where it goes on, a difference comes first. */
	w->synced = false;
	/* What was told may be gone again, which no later difference says. */
	return !w->partial;
}

static bool prefix_saw(struct watch *w, struct item *item, const char *kind,
		       uint64_t version)
{
	uint64_t whole = number(item, "whole");

	if (!strcmp(kind, "synced")) {
		w->synced = true;
		w->partial = false;
	} else if (!strcmp(kind, "lagged")) {
		/* more of the batch cannot come: it is told with the rest */
		if (w->held)
			version = w->from;
		drop_held(w);
		w->synced = false;
	} else if (!w->synced) {
		w->partial = true;
		return true;
	} else if (number(item, "more")) {
		hold(w, item);
		return false;
	}
	if (whole || version)
		w->from = whole ? whole : version;
	return true;
}

bool watch_saw(weir_future_t *f, struct item *item)
{
	struct watch *w = f->watch;
	const char *kind = item->words ? item->word[0] : "";
	uint64_t version;

	w->seen = true;
	/* once seen, a key that is gone for a while is no error */
	w->flags |= WEIR_WATCH_WAIT;
	version = number(item, "version");
	if (w->mode == WEIR_WATCH_PREFIX)
		return prefix_saw(w, item, kind, version);
	if (w->mode == WEIR_WATCH_APPEND)
		w->offset = strcmp(kind, "data") ? 0 :
			number(item, "offset") + item->payload_len;
	w->from = version;
	return true;
}
