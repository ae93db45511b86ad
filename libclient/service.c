/* SPDX-License-Identifier: Apache-2.0 */
/* Services: calling, answering, and messages to one client. weir_serve(3). */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

static weir_future_t *call_begin(weir_t *h, enum future_kind kind,
				 const char *method)
{
	weir_future_t *f = request_begin(h, kind, "call");

	if (f)
		wire_word(&h->out, method);
	return f;
}

weir_future_t *weir_rpc(weir_t *h, const char *method, const void *data,
			size_t len, double timeout)
{
	weir_future_t *f = call_begin(h, KIND_RPC, method);

	if (!f)
		return NULL;
	if (timeout >= 0 && timeout < 1e9)
		wire_opt_time(&h->out, "timeout", timeout);
	return data ? request_end(f, data, len) : request_end_none(f);
}

weir_future_t *call_again(weir_t *h, const char *method, const void *data,
			  size_t len)
{
	weir_future_t *f = call_begin(h, KIND_AGAIN, method);

	return f ? request_end(f, data, len) : NULL;
}

weir_future_t *weir_serve(weir_t *h, const char *service, weir_call_f *cb,
			  void *arg)
{
	weir_future_t *f = request_begin(h, KIND_SERVE, "serve");

	if (!f)
		return NULL;
	f->serve = cb;
	f->serve_arg = arg;
	wire_word(&h->out, service);
	return request_end_none(f);
}

static void call_free(weir_call_t *call)
{
	if (call->prev) {
		*call->prev = call->next;
		if (call->next)
			call->next->prev = call->prev;
	}
	free(call->id);
	free(call->method);
	free(call->from);
	free(call->role);
	free(call->data);
	call->magic = 0;
	free(call);
}

static void dropped(weir_t *h, const char *id)
{
	weir_call_t *call;

	for (call = h->calls; call; call = call->next)
		if (!strcmp(call->id, id)) {
			call->gone = true;
			if (call->on_drop)
				call->on_drop(call, call->drop_arg);
			return;
		}
}

static char *copy_option(struct wire_frame *frame, const char *name)
{
	const char *value = wire_option(frame, 5, name);

	return strdup(value ? value : "");
}

void service_push(weir_future_t *f, struct wire_frame *frame)
{
	weir_t *h = f->h;
	weir_call_t *call;
	const char *uid;
	uint64_t n = 0;

	if (!strcmp(frame->word[2], "dropped") && frame->words > 3) {
		dropped(h, frame->word[3]);
		return;
	}
	if (strcmp(frame->word[2], "call") || frame->words < 5)
		return;
	call = calloc(1, sizeof(*call));
	uid = wire_option(frame, 5, "uid");
	if (call) {
		call->id = strdup(frame->word[3]);
		call->method = strdup(frame->word[4]);
		call->from = copy_option(frame, "from");
		call->role = copy_option(frame, "role");
		call->data = malloc(frame->payload_len + 1);
	}
	if (!call || !call->id || !call->method || !call->from ||
	    !call->role || !call->data || !uid || wire_parse_u64(uid, &n)) {
		if (call)
			call_free(call);
		return;		/* the caller's timeout tells it */
	}
	call->magic = CALL_MAGIC;
	call->h = h;
	call->uid = (uid_t)n;
	call->len = frame->payload_len;
	if (call->len)
		memcpy(call->data, frame->payload, call->len);
	call->data[call->len] = '\0';
	call->next = h->calls;
	if (call->next)
		call->next->prev = &call->next;
	call->prev = &h->calls;
	h->calls = call;
	h->active++;
	f->serve(call, f->serve_arg);
}

/* The server has told the callers; whoever still works on a call learns it. */
void service_disconnected(weir_t *h)
{
	weir_call_t *call;

again:
	for (call = h->calls; call; call = call->next) {
		if (call->gone)
			continue;
		call->gone = true;
		if (call->on_drop) {
			/* it may answer, which frees, this and others */
			call->on_drop(call, call->drop_arg);
			goto again;
		}
	}
}

const char *weir_call_method(const weir_call_t *call)
{
	return call->method;
}

const void *weir_call_data(const weir_call_t *call, size_t *len)
{
	if (len)
		*len = call->len;
	return call->data;
}

uid_t weir_call_uid(const weir_call_t *call)
{
	return call->uid;
}

const char *weir_call_role(const weir_call_t *call)
{
	return call->role;
}

const char *weir_call_from(const weir_call_t *call)
{
	return call->from;
}

void weir_call_on_drop(weir_call_t *call, weir_call_f *cb, void *arg)
{
	call->on_drop = cb;
	call->drop_arg = arg;
}

static int answer(weir_call_t *call, bool more, const void *data, size_t len)
{
	struct wire_buf *b;
	int r;

	if (call->gone || !call->h || call->h->fd < 0)
		return 0;
	b = &call->h->out;
	wire_verbatim(b, "-");
	wire_verbatim(b, "reply");
	wire_word(b, call->id);
	if (more)
		wire_opt(b, "more", "1");
	r = data ? wire_end_payload(b, data, len) : wire_end(b);
	loop_changed(call->h);
	return r;
}

int weir_call_more(weir_call_t *call, const void *data, size_t len)
{
	return answer(call, true, data, len);
}

int weir_call_reply(weir_call_t *call, const void *data, size_t len)
{
	int r = answer(call, false, data, len);
	int e = errno;

	call_free(call);
	errno = e;
	return r;
}

int weir_call_fail(weir_call_t *call, int errnum, const char *fmt, ...)
{
	char text[1024];
	struct wire_buf *b;
	va_list ap;
	int r = 0, e;
	char *p;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (p = text; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	if (!call->gone && call->h && call->h->fd >= 0) {
		b = &call->h->out;
		wire_verbatim(b, "-");
		wire_verbatim(b, "fail");
		wire_word(b, call->id);
		wire_verbatim(b, wire_code(errnum));
		wire_word(b, text);
		r = wire_end(b);
		loop_changed(call->h);
	}
	e = errno;
	call_free(call);
	errno = e;
	return r;
}

weir_future_t *weir_send(weir_t *h, const char *endpoint, const void *data,
			 size_t len)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "send");

	if (!f)
		return NULL;
	wire_word(&h->out, endpoint);
	return data ? request_end(f, data, len) : request_end_none(f);
}

void weir_on_message(weir_t *h, weir_message_f *cb, void *arg)
{
	h->message_cb = cb;
	h->message_arg = arg;
}
