/* SPDX-License-Identifier: Apache-2.0 */
/* libweir: the client library of Weir. libweir(3) and a page a function.
 *
 * Conventions. Functions that return int give 0, or -1 with errno; those that
 * return a pointer give NULL with errno. Destructors accept NULL and keep
 * errno. Strings returned as const char * belong to the object they were
 * asked of and live as long as it, or for a stream until its next item.
 * Times are seconds since the epoch, durations seconds; a negative timeout
 * means none. NS NULL is $WEIR_KVS_NAMESPACE, else "primary". A handle and
 * everything made from it belong to one thread at a time.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

typedef struct weir weir_t;
typedef struct weir_future weir_future_t;
typedef struct weir_txn weir_txn_t;
typedef struct weir_call weir_call_t;
typedef uint64_t weir_jobid_t;
struct event_base;

struct weir_error {
	int errnum;
	char text[256];		/* for people: what was wrong, and where */
};

/* ---- handle ---- */

enum {
	WEIR_O_RECONNECT = 1,	/* when the server goes: try again for 30
				   seconds (3 if its socket is gone too),
				   restore watches, subscriptions, services
				   and leases */
};

/* URI NULL: $WEIR_URI. Form: local://PATH, or a bare path. Waits for the
 * greeting. ERROR may be NULL. errno ENOENT: no such socket; ECONNREFUSED:
 * nobody listens; EPERM; EPROTO: no common protocol. */
WEIR_API weir_t *weir_open(const char *uri, int flags,
			   struct weir_error *error);
/* As weir_open; NAME is for the server's log, ENDPOINT (may be NULL) the name
 * under which others may send to this client. */
WEIR_API weir_t *weir_open_as(const char *uri, int flags, const char *name,
			      const char *endpoint, struct weir_error *error);
/* Futures stay, to be destroyed or asked for results that they have. */
WEIR_API void weir_close(weir_t *h);

/* What the server said in its greeting: "instance", "endpoint", "uid",
 * "role", "server". NULL if there is no such word. */
WEIR_API const char *weir_greeting(weir_t *h, const char *word);
WEIR_API const char *weir_uri(weir_t *h);

/* CB is called after a connection was lost (connected false) and after it is
 * restored (true). One callback a handle; NULL takes it away. */
typedef void weir_state_f(weir_t *h, bool connected, void *arg);
WEIR_API void weir_on_state(weir_t *h, weir_state_f *cb, void *arg);

/* ---- loops ----
 * Own loop: weir_run. libevent: weir_attach. Foreign loop: poll weir_pollfd
 * for reading and call weir_dispatch. Or none: weir_future_wait blocks. */

/* Handles what is ready without blocking, writes what is queued. Returns the
 * number of callbacks run, -1 when the connection is gone for good. */
WEIR_API int weir_dispatch(weir_t *h);
/* A descriptor that is readable when weir_dispatch has something to do,
 * timeouts included. Constant for the handle's life; only to be polled. */
WEIR_API int weir_pollfd(weir_t *h);
/* Nonzero when weir_dispatch has something to do now, whether or not the
 * descriptor is readable. Ask before sleeping. */
WEIR_API int weir_pollevents(weir_t *h);
/* Dispatches until weir_stop, or until no future with a continuation, no
 * stream and no service is left. 0, or -1. */
WEIR_API int weir_run(weir_t *h);
WEIR_API void weir_stop(weir_t *h);
/* Dispatch from BASE, which the caller runs; NULL detaches. */
WEIR_API int weir_attach(weir_t *h, struct event_base *base);
/* Writes everything queued, blocking up to TIMEOUT. */
WEIR_API int weir_flush(weir_t *h, double timeout);

/* ---- futures ----
 * A future is pending, then fulfilled with a result or an error. A stream
 * (watch, subscription, log, job events, a call with several replies) is
 * fulfilled again for each item. Its end is an error: ENODATA when complete,
 * ECANCELED, or what the server says. The caller destroys it, also within
 * its own continuation; destroying a pending one cancels a stream or call. */

typedef void weir_future_f(weir_future_t *f, void *arg);

/* CB is called once, for a stream once an item, which is current during it.
 * TIMEOUT fulfils with ETIMEDOUT (for a stream: between items). EEXIST if it
 * has a continuation. */
WEIR_API int weir_future_then(weir_future_t *f, double timeout,
			      weir_future_f *cb, void *arg);
/* Blocks until fulfilled; 0 also if fulfilled with an error. -1: ETIMEDOUT,
 * and the future stays pending. Runs this handle's other callbacks. */
WEIR_API int weir_future_wait(weir_future_t *f, double timeout);
/* Waits; then 0, or -1 with errno the error that it is fulfilled with. */
WEIR_API int weir_future_get(weir_future_t *f);
WEIR_API bool weir_future_ready(weir_future_t *f);
/* A stream without continuation: drop this item, pending until the next. */
WEIR_API void weir_future_next(weir_future_t *f);
WEIR_API void weir_future_destroy(weir_future_t *f);
/* 0 or the errno it is fulfilled with, and the text for people. */
WEIR_API int weir_future_error(weir_future_t *f);
WEIR_API const char *weir_future_strerror(weir_future_t *f);
/* Payload of the result or item; LEN may be NULL; a NUL that is not counted
 * follows. NULL with ENODATA if it has none. */
WEIR_API const void *weir_future_data(weir_future_t *f, size_t *len);
/* Words of the reply's or push's line: an option's value, or NULL ... */
WEIR_API const char *weir_future_option(weir_future_t *f, const char *name);
/* ... as a number; -1 with ENOENT if absent. */
WEIR_API int weir_future_u64(weir_future_t *f, const char *name, uint64_t *n);
/* ... positional I, from 0; for a push 0 is its kind. */
WEIR_API const char *weir_future_word(weir_future_t *f, int i);
WEIR_API weir_t *weir_future_handle(weir_future_t *f);

/* Groups: fulfilled when all, or any, of the futures pushed are. The group
 * owns what is pushed, which has no continuation; all is pushed before the
 * group is waited for or gets one, else EINVAL. Index counts from 0 in the
 * order of pushing. */
WEIR_API weir_future_t *weir_future_all(weir_t *h);
WEIR_API weir_future_t *weir_future_any(weir_t *h);
WEIR_API int weir_future_push(weir_future_t *group, weir_future_t *f);
WEIR_API weir_future_t *weir_future_child(weir_future_t *group, size_t i);

/* ---- any request ----
 * COMMAND and the WORDS (NULL-terminated, positional first, then name=value)
 * as in weir-protocol(7), escaped by the library. DATA may be NULL. */
WEIR_API weir_future_t *weir_request(weir_t *h, const char *command,
				     const char *const words[],
				     const void *data, size_t len);

/* ---- key-value store: weir-protocol(7) states results and errors ---- */

/* AT: NULL for now, or a version, hash or @SNAPSHOT. Result: data; options version, size. */
WEIR_API weir_future_t *weir_kvs_get(weir_t *h, const char *ns,
				     const char *key, const char *at);
/* Options type (value, dir, link), size, hash. */
WEIR_API weir_future_t *weir_kvs_stat(weir_t *h, const char *ns,
				      const char *key, const char *at);
/* One page of names after AFTER (NULL: from the start); LIMIT 0: default. */
WEIR_API weir_future_t *weir_kvs_list(weir_t *h, const char *ns,
				      const char *key, const char *at,
				      const char *after, unsigned limit);
/* Entry by entry: 1 and the entry, 0 at the end of the page (option more tells
 * if others follow). *NAME lives as long as the future. */
WEIR_API int weir_kvs_list_next(weir_future_t *f, const char **type,
				uint64_t *size, const char **name);
/* Options target, ns. */
WEIR_API weir_future_t *weir_kvs_readlink(weir_t *h, const char *ns,
					  const char *key, const char *at);
/* Options version, hash, owner. */
WEIR_API weir_future_t *weir_kvs_root(weir_t *h, const char *ns,
				      const char *at);
/* What differs between two places: a stream of pages, the first without any,
 * with options version and to-version. What is NULL in FROM: the namespace as
 * ever, the root, now; in TO, which may be NULL: as in FROM, and now. */
struct weir_kvs_place {
	const char *ns, *key, *at;
};
enum { WEIR_DIFF_RECURSIVE = 1 };	/* all that lies below, too */
WEIR_API weir_future_t *weir_kvs_diff(weir_t *h,
				      const struct weir_kvs_place *from,
				      const struct weir_kvs_place *to,
				      int flags);
struct weir_kvs_change {
	const char *what;		/* added, removed or changed */
	const char *key;		/* below those compared, or "." */
	const char *was, *is;		/* value, dir, link, or none */
	uint64_t was_size, is_size;	/* as of weir_kvs_stat; none: 0 */
};
/* Change by change: 1, or 0 at the end of the page. What it holds lives until
 * the next call. */
WEIR_API int weir_kvs_diff_next(weir_future_t *f,
				struct weir_kvs_change *change);
/* Until VERSION is there; 0: all that anybody committed before now. */
WEIR_API weir_future_t *weir_kvs_sync(weir_t *h, const char *ns,
				      uint64_t version, double timeout);
WEIR_API weir_future_t *weir_kvs_namespace_create(weir_t *h, const char *name,
						  uid_t owner,
						  const char *hash);
/* It is removed when LEASE ends, whatever is in it. */
WEIR_API weir_future_t *weir_kvs_namespace_create_leased(weir_t *h,
							 const char *name,
							 uid_t owner,
							 const char *hash,
							 uint64_t lease);
WEIR_API weir_future_t *weir_kvs_namespace_remove(weir_t *h,
						  const char *name);
/* Data: lines "name owner version", escaped as in the protocol. */
WEIR_API weir_future_t *weir_kvs_namespace_list(weir_t *h);
/* Keeps the state of a namespace, or AT a version, until it is removed; AT
 * "@NAME" reads it, and weir_txn_copy from the namespace NS@NAME. NAME NULL:
 * the version. Options name, version, hash. */
WEIR_API weir_future_t *weir_kvs_snapshot(weir_t *h, const char *ns,
					  const char *name, const char *at);
WEIR_API weir_future_t *weir_kvs_snapshot_remove(weir_t *h, const char *ns,
						 const char *name);
/* Data: lines "name version time hash", escaped as in the protocol. */
WEIR_API weir_future_t *weir_kvs_snapshot_list(weir_t *h, const char *ns);

enum { WEIR_UNLINK_RECURSIVE = 1, WEIR_UNLINK_FORCE = 2 };

/* A transaction is built without a connection and may be committed often. A
 * failed step makes the commit fail with its errno. */
WEIR_API weir_txn_t *weir_txn_create(void);
WEIR_API void weir_txn_destroy(weir_txn_t *txn);
WEIR_API void weir_txn_clear(weir_txn_t *txn);
WEIR_API size_t weir_txn_count(const weir_txn_t *txn);
WEIR_API int weir_txn_put(weir_txn_t *txn, const char *key,
			  const void *data, size_t len);
WEIR_API int weir_txn_put_leased(weir_txn_t *txn, const char *key,
				 const void *data, size_t len,
				 uint64_t lease);
/* Below the directory KEY, under a name that sorts after all that were
 * enqueued there: the version it makes, in 20 digits, and SUFFIX, which may be
 * NULL. LEASE 0: none. */
WEIR_API int weir_txn_enqueue(weir_txn_t *txn, const char *key,
			      const void *data, size_t len, uint64_t lease,
			      const char *suffix);
WEIR_API int weir_txn_append(weir_txn_t *txn, const char *key,
			     const void *data, size_t len);
WEIR_API int weir_txn_mkdir(weir_txn_t *txn, const char *key);
WEIR_API int weir_txn_link(weir_txn_t *txn, const char *key,
			   const char *target, const char *target_ns);
WEIR_API int weir_txn_unlink(weir_txn_t *txn, const char *key, int flags);
WEIR_API int weir_txn_graft(weir_txn_t *txn, const char *key,
			    const char *hash);
/* What SOURCE holds, of any size, at KEY; it does not pass through the client.
 * SOURCE_NS NULL: the transaction's. AT: NULL for as it is before the
 * transaction, or a version or hash. */
WEIR_API int weir_txn_copy(weir_txn_t *txn, const char *key,
			   const char *source, const char *source_ns,
			   const char *at);
/* The same, and the source is gone: two operations. */
WEIR_API int weir_txn_move(weir_txn_t *txn, const char *key,
			   const char *source, const char *source_ns);
WEIR_API int weir_txn_make_namespace(weir_txn_t *txn, const char *name,
				     uid_t owner);
WEIR_API int weir_txn_adopt(weir_txn_t *txn, const char *key,
			    const char *name);
WEIR_API int weir_txn_if_absent(weir_txn_t *txn, const char *key);
WEIR_API int weir_txn_if_present(weir_txn_t *txn, const char *key);
WEIR_API int weir_txn_if_value(weir_txn_t *txn, const char *key,
			       const char *hash);
WEIR_API int weir_txn_if_unchanged(weir_txn_t *txn, const char *key,
				   uint64_t version);
WEIR_API int weir_txn_if_root(weir_txn_t *txn, uint64_t version);

enum {
	WEIR_COMMIT_HASH = 1,		/* the reply has option hash */
	WEIR_COMMIT_NO_MERGE = 2,	/* its version is kept in the history
					   though others become durable with
					   it */
};
/* Result: option version. TXN stays the caller's and may be changed at once.
 * ECANCELED, a condition does not hold: options condition (its number, from
 * 1), key, found (absent, value, dir, link), hash, version. */
WEIR_API weir_future_t *weir_kvs_commit(weir_t *h, const char *ns,
					const weir_txn_t *txn, int flags);
/* Commits together with what COUNT - 1 others bring to the fence NAME, once
 * all are there; results as of a commit. ETIMEDOUT, ECONNRESET, ECANCELED if
 * one of them is not: options missing, count. */
WEIR_API weir_future_t *weir_kvs_fence(weir_t *h, const char *ns,
				       const char *name, unsigned count,
				       const weir_txn_t *txn, double timeout);

enum weir_watch_mode { WEIR_WATCH_LATEST, WEIR_WATCH_APPEND,
		       WEIR_WATCH_PREFIX };
enum { WEIR_WATCH_WAIT = 1 };	/* the key may not exist yet */
#define WEIR_FROM_NOW	UINT64_MAX

/* A stream; weir_future_word(f, 0) is the kind of push: value gone, data
 * reset gone, put append mkdir link unlink graft synced lagged. FROM: a
 * version, or WEIR_FROM_NOW. OFFSET for WEIR_WATCH_APPEND. */
WEIR_API weir_future_t *weir_kvs_watch(weir_t *h, const char *ns,
				       const char *key,
				       enum weir_watch_mode mode,
				       uint64_t from, uint64_t offset,
				       int flags);

/* ---- events ---- */

enum { WEIR_EVENT_PRIVATE = 1 };
/* Result: option sequence. */
WEIR_API weir_future_t *weir_event_publish(weir_t *h, const char *topic,
					   int flags, const void *data,
					   size_t len);
/* A stream: kind event, word 1 the topic, options sequence, uid, data; or
 * kind lost, option count. */
WEIR_API weir_future_t *weir_event_subscribe(weir_t *h, const char *prefix);

/* ---- services ---- */

/* Calls SERVICE.METHOD. One result, or a stream if the service gives more. */
WEIR_API weir_future_t *weir_rpc(weir_t *h, const char *method,
				 const void *data, size_t len,
				 double timeout);

/* CB takes each call and answers it now or later; it owns CALL until it has
 * answered (weir_call_reply, weir_call_fail end it). The future stands for
 * the service: fulfilled only by an error; destroy it to stop serving. */
typedef void weir_call_f(weir_call_t *call, void *arg);
WEIR_API weir_future_t *weir_serve(weir_t *h, const char *service,
				   weir_call_f *cb, void *arg);
WEIR_API const char *weir_call_method(const weir_call_t *call);
WEIR_API const void *weir_call_data(const weir_call_t *call, size_t *len);
WEIR_API uid_t weir_call_uid(const weir_call_t *call);
WEIR_API const char *weir_call_role(const weir_call_t *call);
WEIR_API const char *weir_call_from(const weir_call_t *call);
/* CB is called when the caller no longer wants a reply; answering is then
 * still required and harmless. */
WEIR_API void weir_call_on_drop(weir_call_t *call, weir_call_f *cb, void *arg);
WEIR_API int weir_call_more(weir_call_t *call, const void *data, size_t len);
WEIR_API int weir_call_reply(weir_call_t *call, const void *data, size_t len);
WEIR_API int weir_call_fail(weir_call_t *call, int errnum, const char *fmt,
			    ...) __attribute__((format(printf, 3, 4)));

WEIR_API weir_future_t *weir_send(weir_t *h, const char *endpoint,
				  const void *data, size_t len);
typedef void weir_message_f(weir_t *h, const char *from, uid_t uid,
			    const void *data, size_t len, void *arg);
WEIR_API void weir_on_message(weir_t *h, weir_message_f *cb, void *arg);

/* ---- leases ---- */

/* A stream of one item, option id, and an error when the lease has ended by
 * itself, or may have: ENOENT (option ended), ETIMEDOUT without a connection
 * for SECONDS, ECONNRESET when there won't be one. Destroying it leaves the
 * lease alone. */
WEIR_API weir_future_t *weir_lease(weir_t *h, double seconds);
WEIR_API weir_future_t *weir_lease_renew(weir_t *h, uint64_t id);
WEIR_API weir_future_t *weir_lease_end(weir_t *h, uint64_t id);

/* ---- locks and elections: keys enqueued below KEY, under leases ---- */

enum { WEIR_LOCK_SHARED = 1 };	/* with others that are shared */

/* A stream of one item when it is held: word 0 `held', options number, key
 * (that stands for it); then an error if it is lost: ENOLCK. Until it is held
 * it may fail by other errors. TTL: seconds that it is kept without a
 * connection. Destroying it gives it up, or leaves the queue. */
WEIR_API weir_future_t *weir_lock(weir_t *h, const char *ns, const char *key,
				  double ttl, int flags);
/* The same; the one that holds it is the leader, and others see its DATA. */
WEIR_API weir_future_t *weir_elect(weir_t *h, const char *ns, const char *key,
				   const void *data, size_t len, double ttl);
/* Its fencing number: higher than of whoever held it before; 0 if not held. */
WEIR_API uint64_t weir_lock_number(const weir_future_t *lock);
/* Gives it up and destroys it; fulfilled when that is durable. EINVAL if it is
 * not held; it is destroyed all the same. */
WEIR_API weir_future_t *weir_unlock(weir_future_t *lock);
/* A stream: word 0 `leader', option number, data; or word 0 `none'. */
WEIR_API weir_future_t *weir_leader(weir_t *h, const char *ns,
				    const char *key);

/* ---- event logs: weir-eventlog(5) ---- */

/* TIMESTAMP negative: now. CONTEXT: a JSON object, or NULL. */
WEIR_API int weir_txn_append_event(weir_txn_t *txn, const char *key,
				   double timestamp, const char *name,
				   const char *context);
WEIR_API weir_future_t *weir_eventlog_append(weir_t *h, const char *ns,
					     const char *key,
					     double timestamp,
					     const char *name,
					     const char *context);
enum {
	WEIR_EVENTLOG_FOLLOW = 1,	/* events to come, too */
	WEIR_EVENTLOG_WAIT = 2,		/* the key may not exist yet */
};
/* A stream, an item an event: word 0 `event', word 1 its name, options
 * timestamp and, if there is one, context; data the line. EPROTO for a line
 * that is none. */
WEIR_API weir_future_t *weir_eventlog(weir_t *h, const char *ns,
				      const char *key, int flags);
/* The first event NAME whose context has all that the JSON object MATCH has
 * (NULL: any), past or to come. One such item. */
WEIR_API weir_future_t *weir_eventlog_wait(weir_t *h, const char *ns,
					   const char *key, const char *name,
					   const char *match, int flags);

/* ---- the instance's log ---- */

/* LEVEL as syslog(3). H NULL: standard error. Without a connection the line is
 * lost. */
WEIR_API void weir_log(weir_t *h, int level, const char *name,
		       const char *fmt, ...)
		       __attribute__((format(printf, 4, 5)));
/* A stream: options time, level, name; data the text. */
WEIR_API weir_future_t *weir_log_read(weir_t *h, bool follow);
WEIR_API weir_future_t *weir_log_clear(weir_t *h);

/* ---- jobs: weir-jobs(7) ---- */

enum { WEIR_JOB_DEBUG = 2, WEIR_JOB_WAITABLE = 4 };
#define WEIR_URGENCY_DEFAULT	16

/* Signs JOBSPEC (JSON text) as the caller and submits it. Result:
 * weir_job_submit_id. Errors carry the reason as text. */
WEIR_API weir_future_t *weir_job_submit(weir_t *h, const char *jobspec,
					int urgency, int flags);
WEIR_API weir_future_t *weir_job_submit_signed(weir_t *h,
					       const char *envelope,
					       int urgency, int flags);
WEIR_API int weir_job_submit_id(weir_future_t *f, weir_jobid_t *id);
/* TYPE "cancel" and SEVERITY 0 end the job. NOTE may be NULL. */
WEIR_API weir_future_t *weir_job_raise(weir_t *h, weir_jobid_t id,
				       const char *type, int severity,
				       const char *note);
WEIR_API weir_future_t *weir_job_cancel(weir_t *h, weir_jobid_t id,
					const char *note);
WEIR_API weir_future_t *weir_job_kill(weir_t *h, weir_jobid_t id, int signum);
/* A stream of eventlog lines (data, one line each with its line feed), past
 * ones first; ends with ENODATA after `clean`. */
WEIR_API weir_future_t *weir_job_events(weir_t *h, weir_jobid_t id);
/* QUERY and result are JSON: weir-jobs(7), service job-list. */
WEIR_API weir_future_t *weir_job_list(weir_t *h, const char *query);
/* KEY of the job's directory: J, jobspec, R, eventlog. Result: data. */
WEIR_API weir_future_t *weir_job_lookup(weir_t *h, weir_jobid_t id,
					const char *key);

/* Any form but words and emoji; -1 with EINVAL, EOVERFLOW, ENOTSUP for
 * those. */
WEIR_API int weir_jobid_parse(const char *s, weir_jobid_t *id);
/* FORM: dec hex dothex kvs f58 f58plain. -1: EINVAL, ENOSPC, ENOTSUP for words
 * and emoji. */
WEIR_API int weir_jobid_encode(weir_jobid_t id, const char *form, char *buf,
			       size_t size);

WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
