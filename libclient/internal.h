/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libweir: the handle and the future, shared by its files.
 *
 * A request's tag is its future's slot number. A slot is taken until the
 * final reply (a stream: the end push) has come; if the future is destroyed
 * earlier the slot stays behind as an orphan, so that late replies find
 * nobody. Every item that arrives is copied, so a result lives as long as its
 * future keeps it.
 */
#ifndef WEIR_LIBCLIENT_INTERNAL_H
#define WEIR_LIBCLIENT_INTERNAL_H

#include "libclient/weir.h"
#include "proto/wire.h"

#define HANDLE_MAGIC	0x57454952u
#define FUTURE_MAGIC	0x46555455u
#define CALL_MAGIC	0x43414c4cu
#define NO_SLOT		UINT32_MAX
/* What a destroyed future leaves: its final reply frees the slot, or, if it
 * lasts (a watch, a subscription, a service), its end or error. */
#define SLOT_ORPHAN	((weir_future_t *)1)
#define SLOT_ORPHAN_LASTING	((weir_future_t *)2)
#define SLOT_ORPHAN_LEASE	((weir_future_t *)3)	/* to be ended */
#define slot_live(f)	((uintptr_t)(f) > 3)
#define HELLO_TAG	"hello"

/* One result, error or push: the words of its line and its payload. */
struct item {
	struct item *next;
	int errnum;		/* 0, or the error that it stands for */
	const char *text;	/* of an error */
	int words;
	char **word;		/* past the tag and, of a reply, "ok" */
	char *payload;		/* NULL if none */
	size_t payload_len;
	bool own_payload;	/* not part of the item's memory */
};

enum future_kind {
	KIND_ONCE,	/* one reply; not sent again, its outcome is unknown */
	KIND_READ,	/* one reply; may be sent again */
	KIND_RPC,	/* one reply, or several */
	KIND_PAGES,	/* likewise, by reading; may be sent again before the
			   first */
	KIND_AGAIN,	/* a call with one reply; sent again if who serves it
			   goes before it is answered */
	KIND_WATCH,
	KIND_SUBSCRIBE,
	KIND_SERVE,
	KIND_LOG,
	KIND_LEASE,	/* one reply; later perhaps its end, see lease.c */
	KIND_LOCK,	/* no request of its own: lock.c */
	KIND_ALL, KIND_ANY,	/* groups: no request of their own */
};

struct watch {
	enum weir_watch_mode mode;
	char *ns, *key;
	int flags;
	uint64_t from;		/* where it would be resumed */
	uint64_t offset;
	bool synced;
	bool partial;		/* a part of a difference has been told */
	struct item *held, *held_last;	/* prefix: operations that wait for
					   the last of those made durable
					   together */
	bool seen;		/* something has come: what was asked for at
				   first is settled */
};

struct weir_future {
	uint32_t magic;
	weir_t *h;
	enum future_kind kind;
	uint32_t slot;
	bool ended;		/* nothing more will come */
	bool streaming;		/* KIND_RPC: a first `more` has come */
	uint8_t tries;		/* KIND_AGAIN: how often it was sent again */
	bool in_callback, destroyed;
	struct item *item, *last;	/* queue; the first is current */
	weir_future_f *cb;
	void *arg;
	double timeout, deadline;	/* deadline: monotonic, 0 if none */
	weir_future_t *timed_next, **timed_prev;
	weir_future_t *ready_next, **ready_prev;
	char *request;		/* words after the tag, to send again */
	size_t request_len;
	struct watch *watch;
	weir_call_f *serve;	/* KIND_SERVE */
	void *serve_arg;
	uint64_t sequence;	/* KIND_SUBSCRIBE: the last one seen */
	bool numbered;		/* sequence is known */
	uint64_t lease;		/* KIND_LEASE: the id to be renewed */
	double lease_seconds;	/* KIND_LEASE: asked for; negative: unknown */
	struct lease *held;	/* KIND_LEASE: to be told of its end */
	bool cancelable;	/* one that a client need not wait for */
	weir_future_t *derived_next, **derived_prev;	/* without a slot */
	weir_future_t *group;
	weir_future_t **child;
	size_t children, fulfilled;
	size_t list_at;		/* future_line: where the next one begins */
	char *list_line;
	void *aux;		/* state of a derived future, see derive */
	void (*aux_free)(void *aux);
	/* Looks at an arriving item before anybody else; returns false to drop
	 * it. May turn it into an error. */
	bool (*filter)(weir_future_t *f, struct item *item);
};

struct weir_call {
	uint32_t magic;
	weir_t *h;
	weir_call_t *next, **prev;
	char *service;
	char *id, *method, *from, *role;
	uid_t uid;
	char *data;
	size_t len;
	bool gone;		/* the caller, or the connection it came by */
	weir_call_f *on_drop;
	void *drop_arg;
};

struct event;

struct weir {
	uint32_t magic;
	int fd;			/* -1 while there is no connection */
	int flags;
	bool dead;		/* no connection will come any more */
	bool greeted;
	int depth;		/* of dispatch: weir_close waits for 0 */
	bool closing;
	bool stop;
	char *uri, *path, *name, *endpoint;
	struct wire_decoder *decoder;
	char *in;		/* IN_SIZE; decoded up to in_at */
	size_t in_at, in_len;
	struct wire_buf out;
	size_t sent;		/* of out */
	bool wide;		/* the socket's buffer is larger */
	weir_future_t **slot;
	uint32_t slots, *free_slot, free_slots;
	weir_future_t *timed, *ready, **ready_end;
	double next_timeout;	/* of no future earlier than this; 0: none */
	double retry_at, backoff, lost_at;
	struct item *greeting;
	struct weir_error open_error;
	weir_call_t *calls;
	struct lease *leases;	/* to be renewed by the next connection */
	weir_future_t *derived;	/* KIND_LEASE, KIND_LOCK that have no slot */
	weir_state_f *state_cb;
	void *state_arg;
	weir_message_f *message_cb;
	void *message_arg;
	/* attached libevent base */
	struct event_base *base;
	struct event *read_event, *write_event, *timer_event, *turn_event;
	/* foreign loop */
	int epfd, timerfd;
	bool ep_out;
	double timer_set;	/* what timerfd is set to; 0: off */
	double event_set;	/* likewise timer_event */
	int active;		/* callbacks run by this dispatch */
};

double now_monotonic(void);
/* When TIMEOUT seconds have passed; 0, never, if it is negative or beyond
 * reason. */
double deadline_after(double timeout);
/* Milliseconds from now until UNTIL for poll; -1 if that is not positive. */
int poll_timeout(double until);

/* handle.c: callbacks run between these; true if the handle still exists */
#define handle_enter(h) ((h)->depth++)
void handle_leave(weir_t *h);
/* Without a connection. */
weir_t *handle_create(const char *uri, int flags, const char *name,
		      const char *endpoint, struct weir_error *error);

/* io.c: the connection's bytes */
#define IN_SIZE (256 * 1024)
int io_connect(weir_t *h, struct weir_error *error);
/* Begins a conversation on h->fd, which is connected and does not block. */
int io_begin(weir_t *h);
void io_read(weir_t *h);
void io_write(weir_t *h);
void io_lost(weir_t *h, int errnum, const char *why);
void io_give_up(weir_t *h, const char *why);
bool io_pending(const weir_t *h);

/* loop.c */
void loop_changed(weir_t *h);	/* output, timers or the ready list did */
void loop_connected(weir_t *h);
void loop_disconnected(weir_t *h);
void loop_free(weir_t *h);
/* Nothing is due earlier; 0 if nothing is. */
double loop_next_deadline(const weir_t *h);
void loop_step(weir_t *h);	/* writes, timers, ready continuations */

/* service.c */
/* A call that may be sent again, should who serves it go. */
weir_future_t *call_again(weir_t *h, const char *method, const void *data,
			  size_t len);

/* request.c */
bool kind_lasts(enum future_kind kind);
void request_hello(weir_t *h);
/* A new future of KIND with a slot; the tag is already written to h->out. */
weir_future_t *request_begin(weir_t *h, enum future_kind kind,
			     const char *command);
/* Ends the request with or without payload; NULL (and f freed) on error. */
weir_future_t *request_end(weir_future_t *f, const void *data, size_t len);
weir_future_t *request_end_none(weir_future_t *f);
/* The frame h->out is at: an option if VALUE is not NULL. */
void request_opt(weir_t *h, const char *name, const char *value);
/* A request that wants no reply; SERVICE-side answers use it too. */
void request_silent(weir_t *h, const char *command, const char *word);
void request_frame(weir_t *h, struct wire_frame *frame);
const char *namespace_word(const char *ns);

/* future.c */
weir_future_t *future_create(weir_t *h, enum future_kind kind);
void future_fulfill(weir_future_t *f, struct item *item);
/* For filters: queues an item, or the end and its error, without running the
 * continuation; that happens when the filter has returned. */
void future_queue(weir_future_t *f, struct item *item);
void future_end(weir_future_t *f, int errnum, const char *text);
/* The next line of the current item's payload, without its line feed, in
 * list_line, which the caller may cut up: 1, 0 if there is none, or -1. */
int future_line(weir_future_t *f);
/* The handle is to be told when F, without a slot, goes; and the other way
 * round. */
void future_derive(weir_future_t *f);
void future_underive(weir_future_t *f);
void future_fail(weir_future_t *f, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void group_check(weir_future_t *f);	/* fulfils it if its children are */
void future_run_ready(weir_t *h);
void future_run_timeouts(weir_t *h, double now);
struct item *item_create(const char *const word[], int words, const char *text,
			 const void *payload, size_t len);
void item_free(struct item *item);
/* Value of option NAME of an item, or NULL. */
const char *item_option(const struct item *item, const char *name);
/* Takes DATA (malloc, a NUL after LEN) in the place of the payload. */
void item_set_payload(struct item *item, char *data, size_t len);

/* watch.c, event.c, service.c, lease.c: pushes, and what a new connection
 * needs to be told */
/* Notes ITEM; false if it is held back. */
bool watch_saw(weir_future_t *f, struct item *item);
/* What was held back, oldest first, which the caller takes. */
struct item *watch_release(struct watch *w);
/* The connection is lost; false if the watch cannot go on with another. */
bool watch_lost(struct watch *w);
int watch_send(weir_future_t *f);
void watch_free(struct watch *w);
void service_push(weir_future_t *f, struct wire_frame *frame);
void service_disconnected(weir_t *h);
void event_saw(weir_future_t *f, const struct item *item);
void event_subscribed(weir_future_t *f, const struct item *ok);
void lease_made(weir_future_t *f, const struct item *ok);
void lease_forget(weir_t *h, uint64_t id);
void lease_abandon(weir_future_t *f);	/* F will not be told */
void leases_disconnected(weir_t *h);
void leases_renew(weir_t *h);		/* on the new connection */
void leases_free(weir_t *h);

#endif
