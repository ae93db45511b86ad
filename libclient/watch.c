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

void watch_free(struct watch *w)
{
	if (w) {
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

void watch_saw(weir_future_t *f, const struct item *item)
{
	struct watch *w = f->watch;
	const char *kind = item->words ? item->word[0] : "";
	uint64_t version;

	w->seen = true;
	/* once seen, a key that is gone for a while is no error */
	w->flags |= WEIR_WATCH_WAIT;
	version = number(item, "version");
	if (w->mode == WEIR_WATCH_APPEND) {
		w->offset = strcmp(kind, "data") ? 0 :
			number(item, "offset") + item->payload_len;
		w->from = version;
		return;
	}
	if (!strcmp(kind, "synced"))
		w->synced = true;
	else if (!strcmp(kind, "lagged"))
		w->synced = false;
	if (w->mode == WEIR_WATCH_LATEST || !strcmp(kind, "synced") ||
	    !strcmp(kind, "lagged"))
		w->from = version;
	else if (w->synced && version)
		/* more of the same transaction may have been under way */
		w->from = version - 1;
	/* else: part of a difference, which is told again as a whole */
}
