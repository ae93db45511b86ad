/* SPDX-License-Identifier: Apache-2.0 */
/* The handle: opening with the greeting, closing, what the server said.
 * weir_open(3). */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libclient/internal.h"

static void set_error(struct weir_error *error, int errnum, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));

static void set_error(struct weir_error *error, int errnum, const char *fmt,
		      ...)
{
	va_list ap;

	if (error) {
		error->errnum = errnum;
		va_start(ap, fmt);
		vsnprintf(error->text, sizeof(error->text), fmt, ap);
		va_end(ap);
	}
	errno = errnum;
}

static const char *uri_path(const char *uri)
{
	return strncmp(uri, "local://", 8) ? uri : uri + 8;
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

weir_t *weir_open(const char *uri, int flags, struct weir_error *error)
{
	return weir_open_as(uri, flags, NULL, NULL, error);
}

weir_t *handle_create(const char *uri, int flags, const char *name,
		      const char *endpoint, struct weir_error *error)
{
	weir_t *h = calloc(1, sizeof(*h));

	if (!h) {
		set_error(error, ENOMEM, "out of memory");
		return NULL;
	}
	h->magic = HANDLE_MAGIC;
	h->ready_end = &h->ready;
	h->fd = h->epfd = h->timerfd = -1;
	h->flags = flags;
	h->uri = strdup(uri);
	h->path = strdup(uri_path(uri));
	h->name = copy(name ? name : program_invocation_short_name);
	h->endpoint = copy(endpoint);
	h->in = malloc(IN_SIZE);
	if (h->uri && h->path && h->name && h->in && (h->endpoint || !endpoint))
		return h;
	weir_close(h);
	set_error(error, ENOMEM, "out of memory");
	return NULL;
}

weir_t *weir_open_as(const char *uri, int flags, const char *name,
		     const char *endpoint, struct weir_error *error)
{
	weir_t *h;
	int e;

	if (!uri)
		uri = getenv("WEIR_URI");
	if (!uri || !*uri) {
		set_error(error, ENOENT, "WEIR_URI is not set: "
			  "start an instance by weir start");
		return NULL;
	}
	if (strstr(uri, "://") && strncmp(uri, "local://", 8)) {
		set_error(error, EINVAL, "%s: only local:// is known", uri);
		return NULL;
	}
	h = handle_create(uri, flags, name, endpoint, error);
	if (!h)
		return NULL;
	if (io_connect(h, &h->open_error) == 0)
		while (!h->greeted && !h->dead && h->fd >= 0) {
			io_write(h);
			io_read(h);
		}
	if (h->greeted)
		return h;
	e = h->open_error.errnum ? h->open_error.errnum : ECONNRESET;
	set_error(error, e, "%.108s: %s", uri, h->open_error.errnum ?
		  h->open_error.text : strerror(e));
	weir_close(h);
	return NULL;
}

static void destroy(weir_t *h)
{
	uint32_t i;
	int e = errno;

	h->depth++;	/* a drop's callback may call weir_close */
	leases_free(h);
	while (h->derived) {
		h->derived->h = NULL;
		future_underive(h->derived);
	}
	loop_free(h);
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	for (i = 0; i < h->slots; i++)
		if (slot_live(h->slot[i])) {
			h->slot[i]->h = NULL;
			h->slot[i]->slot = NO_SLOT;
		}
	while (h->ready) {
		h->ready->h = NULL;
		h->ready->ready_prev = NULL;
		h->ready = h->ready->ready_next;
	}
	while (h->timed) {
		h->timed->h = NULL;
		h->timed->timed_prev = NULL;
		h->timed = h->timed->timed_next;
	}
	service_disconnected(h);
	while (h->calls) {
		h->calls->h = NULL;
		h->calls->prev = NULL;
		h->calls = h->calls->next;
	}
	wire_decoder_destroy(h->decoder);
	wire_buf_free(&h->out);
	free(h->slot);
	free(h->free_slot);
	free(h->greeting);
	free(h->in);
	free(h->uri);
	free(h->path);
	free(h->name);
	free(h->endpoint);
	h->magic = 0;
	free(h);
	errno = e;
}

void weir_close(weir_t *h)
{
	if (!h)
		return;
	h->closing = true;
	h->flags &= ~WEIR_O_RECONNECT;
	if (h->depth == 0)
		destroy(h);
}

/* A dispatch has ended: close if a callback asked for it. */
void handle_leave(weir_t *h)
{
	if (--h->depth == 0 && h->closing)
		destroy(h);
}

const char *weir_greeting(weir_t *h, const char *word)
{
	size_t len = strlen(word);
	int i;

	for (i = 0; h->greeting && i < h->greeting->words; i++)
		if (!strncmp(h->greeting->word[i], word, len) &&
		    h->greeting->word[i][len] == '=')
			return h->greeting->word[i] + len + 1;
	return NULL;
}

const char *weir_uri(weir_t *h)
{
	return h->uri;
}

void weir_on_state(weir_t *h, weir_state_f *cb, void *arg)
{
	h->state_cb = cb;
	h->state_arg = arg;
}

const char *weir_version(void)
{
	return PACKAGE_VERSION;
}
