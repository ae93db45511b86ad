/* SPDX-License-Identifier: Apache-2.0 */
/* Services, calls and messages. A call is known by a number that is never
 * used again; it belongs to the caller, as a stream of its tag, and to the
 * service until one of them or the time limit ends it.
 * weir-protocol(7), Services and messages. */
#include "config.h"

#include <assert.h>
#include <stdio.h>

#include "kvsd/absent.h"
#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/server.h"
#include "kvsd/service.h"

#define CALL_MAGIC	0x77650003u
#define CALLS_MAX	65536u	/* of a connection, that wait */

struct call {
	unsigned magic;
	struct table_node node;		/* by id */
	uint64_t id;
	struct stream stream;		/* of the caller */
	struct service *service;
	TAILQ_ENTRY(call) next;		/* of its service */
	struct event *timer;
	double start;
};

struct service {
	struct stream stream;
	struct table_node node;		/* by name */
	TAILQ_HEAD(, call) calls;
	char name[];
};

struct services {
	struct table by_name, calls;
	uint64_t last_id;
	struct service_stats stats;
};

void services_create(struct kvsd *k)
{
	k->services = xcalloc(1, sizeof(*k->services));
}

void services_destroy(struct kvsd *k)
{
	if (!k->services)
		return;
	table_free(&k->services->by_name);
	table_free(&k->services->calls);
	free(k->services);
	k->services = NULL;
}

void service_stats(const struct kvsd *k, struct service_stats *stats)
{
	*stats = k->services->stats;
	stats->services = k->services->by_name.count;
	stats->calls_waiting = k->services->calls.count;
}

/* ---- calls ---- */

static void call_free(struct call *call)
{
	struct services *services = call->service->stream.conn->kvsd->services;

	assert(call->magic == CALL_MAGIC);
	histogram_add_seconds(&services->stats.call_time,
			      kvsd_now() - call->start, 1);
	call->stream.conn->calls--;
	conn_touch(call->stream.conn);
	stream_end(&call->stream);
	if (call->timer)
		event_free(call->timer);
	TAILQ_REMOVE(&call->service->calls, call, next);
	table_remove(&services->calls, &call->node);
	call->magic = 0;
	free(call);
}

static void call_fail(struct call *call, int errnum, const char *text)
{
	answer_err(call->stream.conn, call->stream.tag, errnum, text);
	call_free(call);
}

/* Nobody waits for its reply any more. */
static void tell_dropped(struct call *call)
{
	struct conn *c = call->service->stream.conn;

	wire_u64(push_begin(c, call->service->stream.tag, "dropped"),
		 call->id);
	reply_end(c);
}

static void call_cancel(struct stream *s)
{
	struct call *call = table_entry(s, struct call, stream);

	tell_dropped(call);
	call_fail(call, ECANCELED, "canceled");
}

static void call_drop(struct stream *s)
{
	struct call *call = table_entry(s, struct call, stream);

	tell_dropped(call);
	call_free(call);
}

static const struct stream_ops call_ops = {
	"call", call_cancel, call_drop, NULL
};

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	assert(call->magic == CALL_MAGIC);
	tell_dropped(call);
	call_fail(call, ETIMEDOUT, "the service did not answer in time");
}

static struct call *call_find(struct kvsd *k, uint64_t id)
{
	struct table_node *n;

	for (n = table_first(&k->services->calls, id); n; n = table_next(n)) {
		struct call *call = table_entry(n, struct call, node);

		if (call->id == id)
			return call;
	}
	return NULL;
}

static uint64_t name_hash(const char *name, size_t len)
{
	return table_hash(name, len, 0);
}

static struct service *service_find(struct kvsd *k, const char *name,
				    size_t len)
{
	struct table_node *n;

	for (n = table_first(&k->services->by_name, name_hash(name, len)); n;
	     n = table_next(n)) {
		struct service *service = table_entry(n, struct service, node);

		if (!strncmp(service->name, name, len) && !service->name[len])
			return service;
	}
	return NULL;
}

/* Registers a call of C at SERVICE, which wants a reply; NULL after an error
 * reply. */
static struct call *call_create(struct conn *c, const char *tag,
				struct service *service, double timeout)
{
	struct call *call = xcalloc(1, sizeof(*call));

	if (stream_begin(&call->stream, c, tag, &call_ops) < 0) {
		free(call);
		return NULL;
	}
	c->calls++;
	call->magic = CALL_MAGIC;
	call->service = service;
	call->start = kvsd_now();
	call->id = ++c->kvsd->services->last_id;
	TAILQ_INSERT_TAIL(&service->calls, call, next);
	table_add(&c->kvsd->services->calls, &call->node, call->id);
	if (timeout >= 0) {
		struct timeval tv = { timeout, (timeout - (long)timeout) *
				      1e6 };

		call->timer = event_new(c->kvsd->base, -1, 0, on_timeout,
					call);
		if (!call->timer || event_add(call->timer, &tv) < 0)
			abort();
	}
	return call;
}

static void forward(struct conn *c, const struct wire_frame *f)
{
	if (f->has_payload)
		reply_payload(c, f->payload, f->payload_len);
	else
		reply_end(c);
}

void do_call(struct conn *c, const struct wire_frame *f)
{
	const char *name = f->word[ARG], *dot = strchr(name, '.');
	struct service *service;
	double timeout = -1;
	struct wire_buf *b;
	struct conn *to;
	uint64_t id;

	if (arg_seconds(c, f, "timeout", &timeout) < 0)
		return;
	if (!dot || dot == name || !dot[1] ||
	    f->word_len[ARG] > 2 * DB_NAME_MAX) {
		reply_err(c, f->word[0], EINVAL, "'%.255s' is not of the form "
			  "SERVICE.METHOD", name);
		return;
	}
	service = service_find(c->kvsd, name, dot - name);
	if (!service && absent_hold(c, name, dot - name, f))
		return;
	if (!service) {
		reply_err(c, f->word[0], ENOSYS, "nobody serves %.*s",
			  (int)(dot - name), name);
		return;
	}
	to = service->stream.conn;
	if (conn_queued(to) > CONN_CALLS_MAX) {
		reply_err(c, f->word[0], EAGAIN, "%s is too busy to take more "
			  "calls", service->name);
		return;
	}
	if (c->calls >= CALLS_MAX) {
		reply_err(c, f->word[0], EAGAIN, "%u calls wait for their "
			  "reply: take some first", CALLS_MAX);
		return;
	}
	/* nobody waits for the end of one that wants no reply */
	id = c->kvsd->services->last_id + 1;
	if (!strcmp(f->word[0], "-"))
		c->kvsd->services->last_id = id;
	else if (!call_create(c, f->word[0], service, timeout))
		return;
	c->kvsd->services->stats.calls++;
	b = push_begin(to, service->stream.tag, "call");
	wire_u64(b, id);
	wire_word(b, dot + 1);
	wire_opt_u64(b, "uid", c->uid);
	wire_opt(b, "role", wire_role_name(c->role));
	wire_opt(b, "from", c->endpoint);
	forward(to, f);
}

/* The call that F, from the service's own connection, names. */
static struct call *answered_call(struct conn *c, const struct wire_frame *f)
{
	struct call *call;
	uint64_t id;

	if (wire_parse_u64(f->word[ARG], &id) < 0) {
		reply_err(c, f->word[0], EINVAL, "'%.32s' is no call's number",
			  f->word[ARG]);
		return NULL;
	}
	call = call_find(c->kvsd, id);
	if (!call || call->service->stream.conn != c) {
		reply_err(c, f->word[0], ENOENT, "no call %ju waits for your "
			  "reply", (uintmax_t)id);
		return NULL;
	}
	return call;
}

static void confirm(struct conn *c, const struct wire_frame *f)
{
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}

void do_reply(struct conn *c, const struct wire_frame *f)
{
	struct call *call;
	bool more;

	if (arg_flag(c, f, "more", &more) < 0)
		return;
	call = answered_call(c, f);
	if (!call)
		return;
	answer_begin(call->stream.conn, call->stream.tag, more ? "more" : "ok");
	forward(call->stream.conn, f);
	if (!more)
		call_free(call);
	confirm(c, f);
}

void do_fail(struct conn *c, const struct wire_frame *f)
{
	const char *code = f->word[ARG + 1];
	struct call *call = answered_call(c, f);
	int errnum = wire_errnum(code);

	if (!call)
		return;
	if (strcmp(code, wire_code(errnum))) {
		reply_err(c, f->word[0], EINVAL, "there is no error code "
			  "'%.32s'", code);
		return;
	}
	call_fail(call, errnum, f->word[ARG + 2]);
	confirm(c, f);
}

/* ---- services ---- */

static void service_free(struct stream *s)
{
	struct service *service = (struct service *)s;
	struct call *call;

	while ((call = TAILQ_FIRST(&service->calls)))
		call_fail(call, ECONNRESET, "who served it has gone");
	table_remove(&s->conn->kvsd->services->by_name, &service->node);
	stream_end(s);
	free(service);
}

/* The connection is lost: whoever served it may come back. */
static void service_drop(struct stream *s)
{
	absent_begin(s->conn->kvsd, ((struct service *)s)->name);
	service_free(s);
}

static void service_cancel(struct stream *s)
{
	push_end(s->conn, s->tag, ECANCELED, "canceled");
	service_free(s);
}

static const struct stream_ops service_ops = {
	"service", service_cancel, service_drop, NULL
};

void do_serve(struct conn *c, const struct wire_frame *f)
{
	const char *name = f->word[ARG];
	size_t len = f->word_len[ARG];
	struct service *service;

	if (!len || len > DB_NAME_MAX || strchr(name, '.')) {
		reply_err(c, f->word[0], EINVAL, "a service's name has 1 to "
			  "%d bytes and no dot", DB_NAME_MAX);
		return;
	}
	if (service_find(c->kvsd, name, len)) {
		reply_err(c, f->word[0], EEXIST, "%s is served already",
			  name);
		return;
	}
	service = xcalloc(1, sizeof(*service) + len + 1);
	memcpy(service->name, name, len);
	TAILQ_INIT(&service->calls);
	if (stream_begin(&service->stream, c, f->word[0], &service_ops) < 0) {
		free(service);
		return;
	}
	table_add(&c->kvsd->services->by_name, &service->node,
		  name_hash(name, len));
	confirm(c, f);
	absent_end(c->kvsd, name);
}

/* ---- messages ---- */

void do_send(struct conn *c, const struct wire_frame *f)
{
	struct conn *to = server_endpoint(c->kvsd, f->word[ARG]);
	struct wire_buf *b;

	if (!to || to->dead) {
		reply_err(c, f->word[0], EHOSTUNREACH, "there is no endpoint "
			  "%.255s", f->word[ARG]);
		return;
	}
	if (conn_queued(to) > CONN_CALLS_MAX) {
		reply_err(c, f->word[0], EAGAIN, "endpoint %.255s does not "
			  "read what was sent to it", f->word[ARG]);
		return;
	}
	b = push_begin(to, "-", "message");
	wire_word(b, c->endpoint);
	wire_opt_u64(b, "uid", c->uid);
	forward(to, f);
	confirm(c, f);
}
