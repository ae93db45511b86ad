/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: bytes in and out of the socket, its loss, and trying again.
 * Nothing here blocks but the connect of a Unix socket and, before the
 * greeting, the read of weir_open. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "libclient/internal.h"

#define WIDE		(1 << 20)	/* bytes of the socket's buffer */
#define BACKOFF_FIRST	0.01	/* seconds */
#define BACKOFF_MAX	1.0

double now_monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double deadline_after(double timeout)
{
	return timeout >= 0 && timeout < 1e9 ? now_monotonic() + timeout : 0;
}

int poll_timeout(double until)
{
	double left;

	if (until <= 0)
		return -1;
	left = until - now_monotonic();
	if (left <= 0)
		return 0;
	return left < INT_MAX / 1000 - 1 ? (int)(left * 1000) + 1 : INT_MAX;
}

bool io_pending(const weir_t *h)
{
	return h->fd >= 0 && h->out.mark > h->sent;
}

int io_begin(weir_t *h)
{
	wire_decoder_destroy(h->decoder);
	h->decoder = wire_decoder_create(false, WIRE_COUNT_MAX);
	if (!h->decoder)
		return -1;
	wire_buf_reset(&h->out);
	h->sent = h->in_at = h->in_len = 0;
	h->wide = false;
	request_hello(h);
	loop_connected(h);
	return 0;
}

int io_connect(weir_t *h, struct weir_error *error)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *why = NULL;
	int e;

	if (strlen(h->path) >= sizeof(addr.sun_path)) {
		error->errnum = ENAMETOOLONG;
		snprintf(error->text, sizeof(error->text),
			 "the socket's path is longer than %zu bytes",
			 sizeof(addr.sun_path) - 1);
		return -1;
	}
	strcpy(addr.sun_path, h->path);
	/* weir_open waits while the server's queue of connections is full */
	h->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		       (h->greeting ? SOCK_NONBLOCK : 0), 0);
	if (h->fd < 0)
		goto fail;
	if (connect(h->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT)
			why = "no such socket: the instance is not running";
		else if (errno == ECONNREFUSED)
			why = "nobody listens: the instance is not running";
		goto fail;
	}
	if (fcntl(h->fd, F_SETFL, O_NONBLOCK) < 0 || io_begin(h) < 0)
		goto fail;
	return 0;
fail:
	e = errno;
	error->errnum = e;
	snprintf(error->text, sizeof(error->text), "%s",
		 why ? why : strerror(e));
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	errno = e;
	return -1;
}

static bool changes_state(const weir_future_t *f)
{
	return f->kind == KIND_ONCE || f->kind == KIND_LEASE ||
	       (f->kind == KIND_RPC && !f->streaming);
}

/* Fails or, where that is right, keeps every request in flight. */
static void settle(weir_t *h, const char *why)
{
	uint32_t i;

	for (i = 0; i < h->slots; i++) {
		weir_future_t *f = h->slot[i];
		bool whole;

		if (!f)
			continue;
		if (!slot_live(f)) {
			h->slot[i] = NULL;
			h->free_slot[h->free_slots++] = i;
			continue;
		}
		whole = !f->watch || watch_lost(f->watch);
		if ((h->flags & WEIR_O_RECONNECT) && f->request &&
		    !f->streaming && whole)
			continue;
		f->slot = NO_SLOT;
		h->slot[i] = NULL;
		h->free_slot[h->free_slots++] = i;
		if (!whole && (h->flags & WEIR_O_RECONNECT))
			future_fail(f, ESTALE, "%s; the watch had been told "
				    "a part of a difference", why);
		else
			future_fail(f, ECONNRESET, changes_state(f) ?
				    "%s; whether it was done is not known" :
				    "%s", why);
	}
}

void io_give_up(weir_t *h, const char *why)
{
	h->flags &= ~WEIR_O_RECONNECT;
	h->dead = true;
	h->retry_at = 0;
	settle(h, why);
	leases_disconnected(h);
}

void io_lost(weir_t *h, int errnum, const char *why)
{
	char text[sizeof(h->open_error.text)];

	if (h->fd < 0)
		return;
	/* WHY may belong to what a callback below frees */
	snprintf(text, sizeof(text), "%s", why);
	loop_disconnected(h);
	close(h->fd);
	h->fd = -1;
	if (!h->open_error.errnum) {
		h->open_error.errnum = errnum;
		memcpy(h->open_error.text, text, sizeof(text));
	}
	if (!h->greeting)	/* weir_open reports it */
		return;
	if (h->flags & WEIR_O_RECONNECT) {
		h->backoff = h->backoff > 0 ? h->backoff : BACKOFF_FIRST;
		h->retry_at = now_monotonic() + h->backoff;
		if (h->lost_at <= 0)
			h->lost_at = now_monotonic();
		h->backoff = h->backoff * 2 < BACKOFF_MAX ? h->backoff * 2 :
							    BACKOFF_MAX;
	} else {
		h->dead = true;
	}
	settle(h, text);
	leases_disconnected(h);
	service_disconnected(h);
	if (h->greeted) {
		h->greeted = false;
		if (h->state_cb)
			h->state_cb(h, false, h->state_arg);
	}
	loop_changed(h);
}

/* What is large goes in larger pieces. */
static void widen(weir_t *h)
{
	int size = WIDE;

	h->wide = true;
	setsockopt(h->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

void io_write(weir_t *h)
{
	if (!h->wide && h->fd >= 0 && h->out.mark - h->sent >= WIDE)
		widen(h);
	while (io_pending(h)) {
		ssize_t n = send(h->fd, h->out.data + h->sent,
				 h->out.mark - h->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			/* what the server said before it left comes first */
			io_read(h);
			if (h->fd >= 0)
				io_lost(h, ECONNRESET,
					"connection to kvsd lost");
			return;
		}
		h->sent += n;
	}
	if (h->sent == h->out.mark && h->sent) {
		wire_buf_consume(&h->out, h->sent);
		h->sent = 0;
		if (h->out.size > 4 << 20 && h->out.len == 0)
			wire_buf_free(&h->out);
	} else if (h->sent > 1 << 20 && h->sent > h->out.len / 2) {
		wire_buf_consume(&h->out, h->sent);
		h->sent = 0;
	}
}

/* The frames in what was read. A callback may dispatch: it goes on where this
 * is, so that frames stay in order. */
static void decode(weir_t *h)
{
	while (h->in_at < h->in_len && h->fd >= 0 && !h->closing) {
		struct wire_frame *frame;
		enum wire_status status;
		const char *tag, *text;
		size_t used;

		status = wire_decode(h->decoder, h->in + h->in_at,
				     h->in_len - h->in_at, &used, &frame);
		h->in_at += used;
		if (status == WIRE_FRAME) {
			request_frame(h, frame);
		} else if (status != WIRE_MORE) {
			wire_decoder_error(h->decoder, &tag, &text);
			io_lost(h, EPROTO, text);
		}
	}
}

/* The greeting is not there yet: weir_open waits. */
static void wait_greeting(weir_t *h)
{
	struct pollfd p = {
		.fd = h->fd,
		.events = POLLIN | (io_pending(h) ? POLLOUT : 0)
	};

	poll(&p, 1, -1);
}

void io_read(weir_t *h)
{
	ssize_t n;
	int rounds = 16;	/* then let others have their turn */

	decode(h);
	while (h->fd >= 0 && !h->closing && rounds--) {
		n = recv(h->fd, h->in, IN_SIZE, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (!h->greeting)
				wait_greeting(h);
			return;
		}
		if (n <= 0) {
			io_lost(h, ECONNRESET,
				h->greeting ? "connection to kvsd lost" :
				"the server closed the connection");
			return;
		}
		h->in_at = 0;
		h->in_len = n;
		decode(h);
		if (n < IN_SIZE / 2)
			return;
	}
}
