/* SPDX-License-Identifier: Apache-2.0 */
/* Futures: fulfilled by items, waited for, continued, timed out.
 * weir_future(3). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

/* One piece of memory: the item, its words' pointers, words and payload. */
struct item *item_create(const char *const word[], int words, const char *text,
			 const void *payload, size_t len)
{
	size_t size = sizeof(struct item) + words * sizeof(char *);
	struct item *item;
	char *p;
	int i;

	for (i = 0; i < words; i++)
		size += strlen(word[i]) + 1;
	if (text)
		size += strlen(text) + 1;
	if (payload)
		size += len + 1;
	item = malloc(size);
	if (!item)
		return NULL;
	memset(item, 0, sizeof(*item));
	item->word = (char **)(item + 1);
	item->words = words;
	p = (char *)(item->word + words);
	for (i = 0; i < words; i++) {
		item->word[i] = p;
		p = stpcpy(p, word[i]) + 1;
	}
	if (text) {
		item->text = p;
		p = stpcpy(p, text) + 1;
	}
	if (payload) {
		item->payload = p;
		item->payload_len = len;
		memcpy(p, payload, len);
		p[len] = '\0';
	}
	return item;
}

void item_free(struct item *item)
{
	if (item && item->own_payload)
		free(item->payload);
	free(item);
}

void item_set_payload(struct item *item, char *data, size_t len)
{
	if (item->own_payload)
		free(item->payload);
	item->own_payload = true;
	item->payload = data;
	item->payload_len = len;
}

weir_future_t *future_create(weir_t *h, enum future_kind kind)
{
	weir_future_t *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->magic = FUTURE_MAGIC;
	f->h = h;
	f->kind = kind;
	f->slot = NO_SLOT;
	f->timeout = -1;
	return f;
}

void future_derive(weir_future_t *f)
{
	if (f->derived_prev)
		return;
	f->derived_next = f->h->derived;
	if (f->derived_next)
		f->derived_next->derived_prev = &f->derived_next;
	f->derived_prev = &f->h->derived;
	f->h->derived = f;
}

void future_underive(weir_future_t *f)
{
	if (!f->derived_prev)
		return;
	*f->derived_prev = f->derived_next;
	if (f->derived_next)
		f->derived_next->derived_prev = f->derived_prev;
	f->derived_prev = NULL;
}

static void ready_add(weir_future_t *f)
{
	weir_t *h = f->h;

	if (f->ready_prev)
		return;
	f->ready_next = NULL;
	f->ready_prev = h->ready_end;
	*h->ready_end = f;
	h->ready_end = &f->ready_next;
	loop_changed(h);
}

static void ready_remove(weir_future_t *f)
{
	if (!f->ready_prev)
		return;
	*f->ready_prev = f->ready_next;
	if (f->ready_next)
		f->ready_next->ready_prev = f->ready_prev;
	else if (f->h)
		f->h->ready_end = f->ready_prev;
	f->ready_prev = NULL;
}

static void timed_remove(weir_future_t *f)
{
	if (!f->timed_prev)
		return;
	*f->timed_prev = f->timed_next;
	if (f->timed_next)
		f->timed_next->timed_prev = f->timed_prev;
	f->timed_prev = NULL;
}

static void timed_start(weir_future_t *f)
{
	timed_remove(f);
	f->deadline = f->ended ? 0 : deadline_after(f->timeout);
	if (f->deadline <= 0)
		return;
	f->timed_next = f->h->timed;
	if (f->timed_next)
		f->timed_next->timed_prev = &f->timed_next;
	f->timed_prev = &f->h->timed;
	f->h->timed = f;
	if (!f->h->next_timeout || f->deadline < f->h->next_timeout) {
		f->h->next_timeout = f->deadline;
		loop_changed(f->h);
	}
}

static void future_free(weir_future_t *f)
{
	while (f->item) {
		struct item *next = f->item->next;

		item_free(f->item);
		f->item = next;
	}
	if (f->aux_free)
		f->aux_free(f->aux);
	watch_free(f->watch);
	free(f->child);
	free(f->request);
	free(f->list_line);
	f->magic = 0;
	free(f);
}

/* Tells the server that nobody waits, and leaves an orphan for its reply. */
static void abandon(weir_future_t *f)
{
	weir_t *h = f->h;
	char tag[16];

	if (f->slot == NO_SLOT || !h)
		return;
	if (h->fd >= 0) {
		h->slot[f->slot] = kind_lasts(f->kind) ? SLOT_ORPHAN_LASTING :
				   f->kind == KIND_LEASE && !f->lease ?
				   SLOT_ORPHAN_LEASE : SLOT_ORPHAN;
		if ((f->kind >= KIND_RPC && f->kind <= KIND_LOG) ||
		    f->cancelable) {
			snprintf(tag, sizeof(tag), "%u", f->slot);
			request_silent(h, "cancel", tag);
		}
	} else {
		h->slot[f->slot] = NULL;
		h->free_slot[h->free_slots++] = f->slot;
	}
	f->slot = NO_SLOT;
}

void weir_future_destroy(weir_future_t *f)
{
	int e = errno;
	size_t i;

	if (!f || f->destroyed)
		return;
	assert(f->magic == FUTURE_MAGIC);
	abandon(f);
	lease_abandon(f);
	future_underive(f);
	ready_remove(f);
	timed_remove(f);
	for (i = 0; i < f->children; i++) {
		f->child[i]->group = NULL;
		weir_future_destroy(f->child[i]);
	}
	f->children = 0;
	f->destroyed = true;
	if (!f->in_callback)
		future_free(f);
	errno = e;
}

static void drop_item(weir_future_t *f)
{
	struct item *item = f->item;

	f->item = item->next;
	if (!f->item)
		f->last = NULL;
	item_free(item);
	f->list_at = 0;
}

/* Runs the continuation for each item that is there. */
static void run(weir_future_t *f)
{
	weir_t *h = f->h;

	/* the handle is closed; or the continuation dispatches: keep order */
	if (!h || f->in_callback)
		return;
	while (f->item && f->cb && !f->destroyed && !h->closing) {
		struct item *item = f->item;
		bool last = f->ended && !item->next;

		f->in_callback = true;
		h->active++;
		f->cb(f, f->arg);
		f->in_callback = false;
		if (f->destroyed) {
			future_free(f);
			return;
		}
		if (last || f->kind < KIND_RPC || f->kind >= KIND_ALL)
			return;		/* the result stays readable */
		drop_item(f);
	}
}

void group_check(weir_future_t *f)
{
	if (f->kind < KIND_ALL || f->ended || f->fulfilled <
	    (f->kind == KIND_ALL ? f->children : 1))
		return;
	f->ended = true;
	future_fulfill(f, item_create(NULL, 0, NULL, NULL, 0));
}

void future_queue(weir_future_t *f, struct item *item)
{
	if (!item) {	/* out of memory ends it with that error */
		item = calloc(1, sizeof(*item));
		if (!item)
			abort();
		item->errnum = ENOMEM;
		item->text = "out of memory";
		f->ended = true;
	}
	if (f->last)
		f->last->next = item;
	else
		f->item = item;
	f->last = item;
}

void future_end(weir_future_t *f, int errnum, const char *text)
{
	struct item *item = item_create(NULL, 0, text, NULL, 0);

	if (item)
		item->errnum = errnum;
	abandon(f);
	f->ended = true;
	future_queue(f, item);
}

static void take(weir_future_t *f, struct item *item)
{
	if (item && f->filter && !f->filter(f, item))
		item_free(item);
	else
		future_queue(f, item);
}

/* A watch's operations that waited for ITEM. False if its filter has ended it
 * with one of them. */
static bool take_held(weir_future_t *f)
{
	struct item *item = watch_release(f->watch), *next;
	bool ended = f->ended;

	for (; item; item = next) {
		next = item->next;
		item->next = NULL;
		if (f->ended == ended)
			take(f, item);
		else
			item_free(item);
	}
	return f->ended == ended;
}

void future_fulfill(weir_future_t *f, struct item *item)
{
	bool first = !f->item;
	weir_future_t *group = f->group;

	if (!f->watch || take_held(f))
		take(f, item);
	else
		item_free(item);
	if (!f->item)
		return;
	if (f->ended)
		timed_remove(f);
	else if (f->cb && f->timeout >= 0)
		timed_start(f);
	if (group && first) {
		/* F has no continuation; the group's may destroy both */
		group->fulfilled++;
		group_check(group);
	} else if (f->cb) {
		run(f);
	}
}

void future_fail(weir_future_t *f, int errnum, const char *fmt, ...)
{
	char text[512];
	struct item *item;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->ended = true;
	item = item_create(NULL, 0, text, NULL, 0);
	if (item)
		item->errnum = errnum;
	future_fulfill(f, item);
}

void future_run_ready(weir_t *h)
{
	weir_future_t *f;

	while ((f = h->ready) && !h->closing) {
		ready_remove(f);
		run(f);
	}
}

void future_run_timeouts(weir_t *h, double now)
{
	weir_future_t *f;

	if (!h->next_timeout || now < h->next_timeout)
		return;
again:
	h->next_timeout = 0;
	for (f = h->timed; f && !h->closing; f = f->timed_next) {
		if (f->deadline > now) {
			if (!h->next_timeout || f->deadline < h->next_timeout)
				h->next_timeout = f->deadline;
			continue;
		}
		timed_remove(f);
		abandon(f);
		future_fail(f, ETIMEDOUT, "timed out after %g s", f->timeout);
		goto again;	/* the callback may have changed the list */
	}
}

int weir_future_then(weir_future_t *f, double timeout, weir_future_f *cb,
		     void *arg)
{
	if (f->cb) {
		errno = EEXIST;
		return -1;
	}
	if (!cb || !f->h || f->group) {
		errno = EINVAL;
		return -1;
	}
	group_check(f);
	f->cb = cb;
	f->arg = arg;
	f->timeout = timeout;
	timed_start(f);
	if (f->item)
		ready_add(f);
	return 0;
}

/* Sleeps until the socket or a deadline wants attention. */
static void wait_once(weir_t *h, double deadline)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	double next = loop_next_deadline(h);

	if (deadline > 0 && (next <= 0 || deadline < next))
		next = deadline;
	if (io_pending(h))
		p.events |= POLLOUT;
	poll(&p, h->fd >= 0 ? 1 : 0, poll_timeout(next));
}

static int wait(weir_future_t *f, double deadline)
{
	weir_t *h = f->h;

	while (!f->item && !h->closing) {
		if (weir_dispatch(h) < 0) {
			if (!f->item)
				future_fail(f, ECONNRESET,
					    "there is no connection to kvsd");
			return 0;
		}
		if (f->item || h->closing)
			return 0;
		if (deadline > 0 && now_monotonic() >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		wait_once(h, deadline);
	}
	return 0;
}

int weir_future_wait(weir_future_t *f, double timeout)
{
	weir_t *h = f->h;
	int r;

	group_check(f);
	if (f->item)
		return 0;
	if (!h) {
		future_fail(f, ECANCELED, "the handle was closed");
		return 0;
	}
	handle_enter(h);
	r = wait(f, deadline_after(timeout));
	if (h->closing && !f->item) {
		abandon(f);
		future_fail(f, ECANCELED, "the handle was closed");
	}
	handle_leave(h);
	return r;
}

int weir_future_get(weir_future_t *f)
{
	if (weir_future_wait(f, -1) < 0)
		return -1;
	if (f->item->errnum) {
		errno = f->item->errnum;
		return -1;
	}
	return 0;
}

bool weir_future_ready(weir_future_t *f)
{
	group_check(f);
	return f->item != NULL;
}

void weir_future_next(weir_future_t *f)
{
	if (f->item && !f->in_callback && (!f->ended || f->item->next))
		drop_item(f);
}

int weir_future_error(weir_future_t *f)
{
	return f->item ? f->item->errnum : 0;
}

const char *weir_future_strerror(weir_future_t *f)
{
	if (!f->item || !f->item->errnum)
		return "no error";
	return f->item->text && *f->item->text ? f->item->text :
						 strerror(f->item->errnum);
}

const void *weir_future_data(weir_future_t *f, size_t *len)
{
	if (!f->item || !f->item->payload) {
		if (len)
			*len = 0;
		errno = ENODATA;
		return NULL;
	}
	if (len)
		*len = f->item->payload_len;
	return f->item->payload;
}

int future_line(weir_future_t *f)
{
	size_t len;
	const char *data = weir_future_data(f, &len), *line, *lf;

	if (!data || f->list_at >= len)
		return 0;
	line = data + f->list_at;
	lf = memchr(line, '\n', len - f->list_at);
	if (!lf)
		lf = data + len;
	f->list_at = lf - data + 1;
	free(f->list_line);
	f->list_line = strndup(line, lf - line);
	return f->list_line ? 1 : -1;
}

const char *item_option(const struct item *item, const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; i < item->words; i++)
		if (!strncmp(item->word[i], name, len) &&
		    item->word[i][len] == '=')
			return item->word[i] + len + 1;
	return NULL;
}

const char *weir_future_option(weir_future_t *f, const char *name)
{
	return f->item ? item_option(f->item, name) : NULL;
}

int weir_future_u64(weir_future_t *f, const char *name, uint64_t *n)
{
	const char *value = weir_future_option(f, name);

	if (!value) {
		errno = ENOENT;
		return -1;
	}
	return wire_parse_u64(value, n);
}

const char *weir_future_word(weir_future_t *f, int i)
{
	return f->item && i >= 0 && i < f->item->words ? f->item->word[i] :
							 NULL;
}

weir_t *weir_future_handle(weir_future_t *f)
{
	return f->h;
}
