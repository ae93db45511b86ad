/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and the frames that come back: tags, greeting, who gets what.
 * weir_request(3), weir-protocol(7). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

#define LARGE_PAYLOAD	(1u << 20)

#define TRIES_MAX	5	/* of a call whose server goes */

const char *namespace_word(const char *ns)
{
	if (!ns)
		ns = getenv("WEIR_KVS_NAMESPACE");
	return ns && *ns ? ns : "-";
}

static int more_slots(weir_t *h)
{
	uint32_t n = h->slots ? 2 * h->slots : 64, i;
	weir_future_t **slot = realloc(h->slot, n * sizeof(*slot));
	uint32_t *free_slot;

	if (!slot)
		return -1;
	h->slot = slot;
	free_slot = realloc(h->free_slot, n * sizeof(*free_slot));
	if (!free_slot)
		return -1;
	h->free_slot = free_slot;
	for (i = n; i-- > h->slots;) {
		slot[i] = NULL;
		free_slot[h->free_slots++] = i;
	}
	h->slots = n;
	return 0;
}

weir_future_t *request_begin(weir_t *h, enum future_kind kind,
			     const char *command)
{
	weir_future_t *f;

	if (h->dead) {
		errno = ECONNRESET;
		return NULL;
	}
	if (h->free_slots == 0 && more_slots(h) < 0)
		return NULL;
	f = future_create(h, kind);
	if (!f)
		return NULL;
	f->slot = h->free_slot[--h->free_slots];
	h->slot[f->slot] = f;
	wire_u64(&h->out, f->slot);
	wire_verbatim(&h->out, command);
	return f;
}

void request_opt(weir_t *h, const char *name, const char *value)
{
	if (value)
		wire_opt(&h->out, name, value);
}

/* What can be sent again keeps its frame, without the tag. */
static int keep(weir_future_t *f, size_t start)
{
	weir_t *h = f->h;
	const char *frame = h->out.data + start;
	size_t len = h->out.mark - start;
	const char *space;

	if (f->kind != KIND_AGAIN && (!(h->flags & WEIR_O_RECONNECT) ||
	    (f->kind != KIND_READ && f->kind != KIND_PAGES &&
	     f->kind != KIND_SUBSCRIBE && f->kind != KIND_SERVE &&
	     f->kind != KIND_WATCH)))
		return 0;
	space = memchr(frame, ' ', len);
	len -= space - frame;
	f->request = malloc(len);
	if (!f->request)
		return -1;
	memcpy(f->request, space, len);
	f->request_len = len;
	return 0;
}

/* The future that had SLOT and gets nothing more, or NULL: an orphan. */
static weir_future_t *release_slot(weir_t *h, uint32_t slot)
{
	weir_future_t *f = h->slot[slot];

	h->slot[slot] = NULL;
	h->free_slot[h->free_slots++] = slot;
	if (!slot_live(f))
		return NULL;
	f->slot = NO_SLOT;
	f->ended = true;
	return f;
}

static weir_future_t *finish(weir_future_t *f, int r, size_t start)
{
	weir_t *h = f->h;
	int e;

	if (r == 0)
		r = keep(f, start);
	e = errno;
	if (r < 0 || h->fd < 0)
		h->out.len = h->out.mark = start;
	if (r < 0 || (h->fd < 0 && (!f->request ||
				    !(h->flags & WEIR_O_RECONNECT)))) {
		release_slot(h, f->slot);
		if (r == 0) {
			future_fail(f, ECONNRESET,
				    "there is no connection to kvsd");
			return f;
		}
		weir_future_destroy(f);
		errno = e;
		return NULL;
	}
	/* without a connection: it is sent when there is one */
	loop_changed(h);
	return f;
}

weir_future_t *request_end(weir_future_t *f, const void *data, size_t len)
{
	size_t start = f->h->out.mark;

	return finish(f, wire_end_payload(&f->h->out, data, len), start);
}

weir_future_t *request_end_none(weir_future_t *f)
{
	size_t start = f->h->out.mark;

	return finish(f, wire_end(&f->h->out), start);
}

/* What is not named is KIND_ONCE: not sent again. */
static const enum future_kind command_kind[CMD_COUNT] = {
	[CMD_ping] = KIND_READ, [CMD_help] = KIND_READ, [CMD_get] = KIND_READ,
	[CMD_stat] = KIND_READ, [CMD_list] = KIND_READ,
	[CMD_readlink] = KIND_READ, [CMD_root] = KIND_READ,
	[CMD_sync] = KIND_READ, [CMD_ns_list] = KIND_READ,
	[CMD_stats] = KIND_READ, [CMD_call] = KIND_RPC,
	[CMD_diff] = KIND_PAGES, [CMD_dump] = KIND_PAGES,
	[CMD_subscribe] = KIND_SUBSCRIBE, [CMD_log_read] = KIND_LOG,
	[CMD_lease] = KIND_LEASE, [CMD_lease_renew] = KIND_LEASE,
};

weir_future_t *weir_request(weir_t *h, const char *command,
			    const char *const words[], const void *data,
			    size_t len)
{
	const struct wire_command *row = wire_command_find(command);
	weir_future_t *f;
	int i;

	/* these have state in the library, and functions of their own */
	if (row && (row->id == CMD_hello || row->id == CMD_watch ||
		    row->id == CMD_serve)) {
		errno = EINVAL;
		return NULL;
	}
	f = request_begin(h, row ? command_kind[row->id] : KIND_ONCE, command);
	if (!f)
		return NULL;
	f->lease_seconds = -1;
	for (i = 0; words && words[i]; i++) {
		const char *equal = strchr(words[i], '=');

		/* an option's name is not escaped, its value is */
		if (row && i >= row->positional && equal) {
			char *name = strndup(words[i], equal - words[i]);

			if (name)
				wire_opt(&h->out, name, equal + 1);
			else
				h->out.failed = ENOMEM;
			free(name);
		} else {
			wire_word(&h->out, words[i]);
		}
	}
	return data ? request_end(f, data, len) : request_end_none(f);
}

void request_silent(weir_t *h, const char *command, const char *word)
{
	if (h->fd < 0)
		return;
	wire_verbatim(&h->out, "-");
	wire_verbatim(&h->out, command);
	wire_word(&h->out, word);
	wire_end(&h->out);
	loop_changed(h);
}

/* ---- greeting and restoring ---- */

static void resend(weir_future_t *f)
{
	weir_t *h = f->h;

	if (f->kind == KIND_WATCH) {
		watch_send(f);
		return;
	}
	wire_u64(&h->out, f->slot);
	wire_buf_add(&h->out, f->request, f->request_len);
}

void request_hello(weir_t *h)
{
	uint32_t i;

	wire_verbatim(&h->out, HELLO_TAG);
	wire_verbatim(&h->out, "hello");
	wire_u64(&h->out, WIRE_PROTOCOL);
	request_opt(h, "name", h->name);
	request_opt(h, "endpoint", h->endpoint);
	wire_end(&h->out);
	leases_renew(h);
	for (i = 0; i < h->slots; i++)
		if (slot_live(h->slot[i]) && h->slot[i]->request)
			resend(h->slot[i]);
}

static void greeted(weir_t *h, struct wire_frame *frame)
{
	bool again = h->greeting != NULL;

	if (strcmp(frame->word[1], "ok")) {
		h->open_error.errnum = frame->words > 2 ?
				       wire_errnum(frame->word[2]) : EPROTO;
		snprintf(h->open_error.text, sizeof(h->open_error.text), "%s",
			 frame->rest ? frame->rest : "no greeting");
		io_lost(h, h->open_error.errnum, h->open_error.text);
		return;
	}
	free(h->greeting);
	h->greeting = item_create((const char *const *)frame->word + 2,
				  frame->words - 2, NULL, NULL, 0);
	if (!h->greeting) {
		io_lost(h, ENOMEM, "out of memory");
		return;
	}
	h->greeted = true;
	h->backoff = 0;
	h->lost_at = 0;
	memset(&h->open_error, 0, sizeof(h->open_error));
	if (again && h->state_cb)
		h->state_cb(h, true, h->state_arg);
}

/* ---- replies and pushes ---- */

/* A large payload is taken over, a small one copied. */
static struct item *reply_item(weir_t *h, struct wire_frame *frame, int first)
{
	char *own = frame->payload_len >= LARGE_PAYLOAD ?
		wire_decoder_take_payload(h->decoder) : NULL;
	struct item *item = item_create((const char *const *)frame->word +
					first, frame->words - first, NULL,
					frame->has_payload && !own ?
					frame->payload : NULL,
					frame->payload_len);

	if (item && own)
		item_set_payload(item, own, frame->payload_len);
	else
		free(own);
	return item;
}

/* "TEXT [NAME=VALUE ...]": cuts the details off and unescapes them into WORD.
 * Returns how many; 0 if TEXT ends with something else. */
static int take_details(char *text, const char *word[WIRE_WORDS_MAX])
{
	size_t len = strlen(text);
	char *p, *start = NULL, *next;
	int n = 0;

	for (p = text; (p = strstr(p, " [")); p++)
		start = p;
	if (!start || text[len - 1] != ']')
		return 0;
	text[len - 1] = '\0';
	for (p = start + 2; p; p = next) {
		next = strchr(p, ' ');
		if (next)
			*next++ = '\0';
		if (n == WIRE_WORDS_MAX || *p == '=' || !strchr(p, '=') ||
		    wire_unescape(p) < 0)
			return -1;
		word[n++] = p;
	}
	*start = '\0';
	return n;
}

static struct item *error_item(int errnum, const char *rest)
{
	const char *word[WIRE_WORDS_MAX], *text = rest ? rest : "";
	char *copy = strdup(text);
	int n = copy ? take_details(copy, word) : 0;
	struct item *item;

	item = item_create(word, n > 0 ? n : 0, n > 0 ? copy : text, NULL, 0);
	if (item)
		item->errnum = errnum;
	free(copy);
	return item;
}

/* The options of the last reply, a sum as a rule, can be read with its end. */
static struct item *end_item(struct wire_frame *frame)
{
	struct item *item = item_create((const char *const *)frame->word + 2,
					frame->words - 2, "end of the stream",
					NULL, 0);

	if (item)
		item->errnum = ENODATA;
	return item;
}

bool kind_lasts(enum future_kind kind)
{
	return kind == KIND_WATCH || kind == KIND_SUBSCRIBE ||
	       kind == KIND_SERVE;
}

static void reply(weir_t *h, uint32_t slot, struct wire_frame *frame)
{
	weir_future_t *f = h->slot[slot];
	bool orphan = !slot_live(f);

	if (!strcmp(frame->word[1], "more")) {
		if (!orphan) {
			f->streaming = true;
			future_fulfill(f, reply_item(h, frame, 2));
		}
		return;
	}
	if (!strcmp(frame->word[1], "err")) {
		int errnum = frame->words > 2 ? wire_errnum(frame->word[2]) :
						EPROTO;

		if (!orphan && f->kind == KIND_AGAIN && errnum == ECONNRESET &&
		    f->tries++ < TRIES_MAX) {
			resend(f);
			loop_changed(h);
			return;
		}
		f = release_slot(h, slot);
		if (f)
			future_fulfill(f, error_item(errnum, frame->rest));
		return;
	}
	/* the ok of what lasts only opens it */
	if (f == SLOT_ORPHAN_LASTING)
		return;
	if (!orphan && kind_lasts(f->kind)) {
		struct item *item = reply_item(h, frame, 2);

		if (f->kind == KIND_SUBSCRIBE && item)
			event_subscribed(f, item);
		free(item);
		return;
	}
	if (f == SLOT_ORPHAN_LEASE && wire_option(frame, 2, "id"))
		request_silent(h, "lease-end", wire_option(frame, 2, "id"));
	f = release_slot(h, slot);
	if (!f)
		return;
	if ((f->streaming || f->kind == KIND_LOG) && !frame->has_payload) {
		f->ended = true;
		future_fulfill(f, end_item(frame));
	} else {
		struct item *item = reply_item(h, frame, 2);

		if (f->kind == KIND_LEASE && item)
			lease_made(f, item);
		future_fulfill(f, item);
	}
}

/* A copy: the callback may dispatch, which ends the frame. */
static void message(weir_t *h, struct wire_frame *frame, uid_t uid)
{
	struct item *item = reply_item(h, frame, 3);

	if (!item)
		return;		/* as a message to an endpoint that left */
	h->active++;
	h->message_cb(h, item->word[0], uid, item->payload,
		      item->payload_len, h->message_arg);
	free(item);
}

static void push(weir_t *h, struct wire_frame *frame)
{
	uint64_t slot;
	weir_future_t *f;

	if (frame->words < 3)
		return;
	if (!strcmp(frame->word[1], "-")) {
		uint64_t uid = 0;
		const char *text = wire_option(frame, 4, "uid");

		if (!strcmp(frame->word[2], "message") && frame->words > 3 &&
		    h->message_cb && text && !wire_parse_u64(text, &uid))
			message(h, frame, (uid_t)uid);
		return;
	}
	if (wire_parse_u64(frame->word[1], &slot) < 0 || slot >= h->slots)
		return;
	f = h->slot[slot];
	if (!f)
		return;
	if (!strcmp(frame->word[2], "end")) {
		f = release_slot(h, slot);
		if (f)
			future_fulfill(f, error_item(frame->words > 3 ?
				       wire_errnum(frame->word[3]) : EPROTO,
				       frame->rest));
		return;
	}
	if (!slot_live(f))
		return;
	if (f->kind == KIND_SERVE) {
		service_push(f, frame);
	} else {
		struct item *item = reply_item(h, frame, 2);

		if (f->kind == KIND_WATCH && item) {
			if (!watch_saw(f, item))
				return;
		} else if (f->kind == KIND_SUBSCRIBE && item) {
			event_saw(f, item);
		}
		future_fulfill(f, item);
	}
}

void request_frame(weir_t *h, struct wire_frame *frame)
{
	uint64_t slot;

	handle_enter(h);
	if (frame->words < 2) {
		io_lost(h, EPROTO, "the server sent a line of one word");
	} else if (!strcmp(frame->word[0], "*")) {
		push(h, frame);
	} else if (!strcmp(frame->word[0], HELLO_TAG)) {
		greeted(h, frame);
	} else if (!strcmp(frame->word[0], "-")) {
		/* the connection is about to be closed: this is why */
		h->open_error.errnum = frame->words > 2 ?
				       wire_errnum(frame->word[2]) : EPROTO;
		snprintf(h->open_error.text, sizeof(h->open_error.text), "%s",
			 frame->rest ? frame->rest : "");
	} else if (wire_parse_u64(frame->word[0], &slot) == 0 &&
		   slot < h->slots && h->slot[slot]) {
		reply(h, slot, frame);
	}
	/* not handle_leave: the reader still uses the handle */
	h->depth--;
}
