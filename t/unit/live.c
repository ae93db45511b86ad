/* SPDX-License-Identifier: Apache-2.0 */
/* libweir against a real kvsd, which t/t0200-libweir.t starts. Arguments:
 *
 *   all      every part of the library, as TAP points
 *   write N  transaction N of those that `resume` is to see
 *   resume   watches over a restart of kvsd: says `ready` to descriptor 9
 *            when transaction 1 is seen, prints what it saw up to the last
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "libclient/weir.h"
#include "t/unit/tap.h"

static weir_t *a, *b;
static char seen[4096];

static weir_t *open_live(int flags)
{
	struct weir_error error;
	weir_t *h = weir_open(NULL, flags, &error);

	if (!h) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	return h;
}

/* Lets both handles work until F is fulfilled. */
static void until(weir_future_t *f)
{
	struct pollfd p[2] = {
		{ weir_pollfd(a), POLLIN, 0 }, { weir_pollfd(b), POLLIN, 0 }
	};

	while (!weir_future_ready(f)) {
		weir_dispatch(a);
		weir_dispatch(b);
		if (weir_future_ready(f))
			return;
		if (poll(p, 2, 60000) == 0) {
			diag("nothing happens");
			exit(1);
		}
	}
}

/* Waits for F, which must succeed, and destroys it. */
static bool must(weir_future_t *f, const char *what)
{
	bool good;

	if (!f)
		return ok(false, "%s: %s", what, strerror(errno));
	until(f);
	good = ok(weir_future_error(f) == 0, "%s", what);
	if (!good)
		diag("%s", weir_future_strerror(f));
	weir_future_destroy(f);
	return good;
}

static void fails(weir_future_t *f, int errnum, const char *what)
{
	until(f);
	ok(weir_future_error(f) == errnum, "%s: %s", what,
	   weir_future_strerror(f));
	weir_future_destroy(f);
}

static weir_future_t *put(weir_t *h, const char *key, const char *value)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f;

	weir_txn_put(txn, key, value, strlen(value));
	f = weir_kvs_commit(h, NULL, txn, 0);
	weir_txn_destroy(txn);
	return f;
}

static uint64_t number(weir_future_t *f, const char *name)
{
	uint64_t n = 0;

	until(f);
	weir_future_u64(f, name, &n);
	weir_future_destroy(f);
	return n;
}

static void store(void)
{
	weir_txn_t *txn = weir_txn_create();
	const char *type, *name;
	char hash[128];
	uint64_t size, version;
	weir_future_t *f;

	weir_txn_put(txn, "d.a b", "1", 1);
	weir_txn_put(txn, "d.b", "22", 2);
	weir_txn_append(txn, "d.b", "2", 1);
	weir_txn_mkdir(txn, "d.c");
	weir_txn_link(txn, "l", "d.b", NULL);
	f = weir_kvs_commit(a, NULL, txn, WEIR_COMMIT_HASH);
	until(f);
	ok(weir_future_option(f, "hash"), "commit tells the root's hash");
	weir_future_u64(f, "version", &version);
	weir_future_destroy(f);
	must(weir_kvs_sync(b, NULL, version, 10), "sync");
	f = weir_kvs_get(b, NULL, "l", NULL);
	until(f);
	is_str(weir_future_data(f, NULL), "222", "get through a link");
	weir_future_destroy(f);
	f = weir_kvs_list(a, NULL, "d", NULL, "a b", 0);
	until(f);
	ok(weir_kvs_list_next(f, &type, &size, &name) == 1 && size == 3 &&
	   !strcmp(name, "b") && !strcmp(type, "value"), "list: a value");
	ok(weir_kvs_list_next(f, &type, &size, &name) == 1 &&
	   !strcmp(name, "c") && !strcmp(type, "dir"), "list: a directory");
	is_int(weir_kvs_list_next(f, &type, &size, &name), 0, "list: end");
	weir_future_destroy(f);
	f = weir_kvs_stat(a, NULL, "d.b", NULL);
	until(f);
	snprintf(hash, sizeof(hash), "%s", weir_future_option(f, "hash"));
	weir_future_destroy(f);
	f = weir_kvs_readlink(a, NULL, "l", NULL);
	until(f);
	is_str(weir_future_option(f, "target"), "d.b", "readlink");
	weir_future_destroy(f);

	weir_txn_clear(txn);
	weir_txn_if_value(txn, "d.b", hash);
	weir_txn_if_unchanged(txn, "d", version);
	weir_txn_if_root(txn, version);
	weir_txn_unlink(txn, "d.b", 0);
	must(weir_kvs_commit(a, NULL, txn, 0), "conditions hold");
	fails(weir_kvs_commit(a, NULL, txn, 0), ECANCELED,
	      "and then they do not");
	fails(weir_kvs_get(a, NULL, "l", NULL), ENOENT, "a dangling link");
	f = weir_kvs_get(a, NULL, "d.b", "0");
	until(f);
	ok(weir_future_error(f), "version 0 has nothing: %s",
	   weir_future_strerror(f));
	weir_future_destroy(f);
	weir_txn_destroy(txn);

	must(weir_kvs_namespace_create(a, "other", getuid(), NULL),
	     "a namespace");
	fails(weir_kvs_namespace_create(a, "other", getuid(), NULL), EEXIST,
	      "the same again");
	f = weir_kvs_watch(b, "other", ".", WEIR_WATCH_PREFIX, WEIR_FROM_NOW,
			   0, 0);
	until(f);
	is_str(weir_future_word(f, 0), "synced", "a watch on it");
	weir_future_next(f);
	must(weir_kvs_namespace_remove(a, "other"), "is removed");
	fails(f, ENOENT, "which ends the watch");
}

static void next(weir_future_t *f, const char *kind, const char *data,
		 const char *what)
{
	until(f);
	ok(weir_future_error(f) == 0 && !strcmp(weir_future_word(f, 0), kind) &&
	   (!data || !strcmp(weir_future_data(f, NULL), data)), "%s: %s",
	   what, kind);
	if (weir_future_error(f))
		diag("%s", weir_future_strerror(f));
	weir_future_next(f);
}

static void watches(void)
{
	weir_future_t *latest, *append, *prefix, *f;
	weir_txn_t *txn = weir_txn_create();

	latest = weir_kvs_watch(b, NULL, "w.k", WEIR_WATCH_LATEST,
				WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	append = weir_kvs_watch(b, NULL, "w.k", WEIR_WATCH_APPEND,
				WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	prefix = weir_kvs_watch(b, NULL, "w", WEIR_WATCH_PREFIX, 0, 0, 0);
	next(prefix, "synced", NULL, "prefix");
	must(put(a, "w.k", "one"), "put");
	next(latest, "value", "one", "latest");
	next(append, "data", "one", "append");
	next(prefix, "put", "one", "prefix");
	weir_txn_append(txn, "w.k", "+", 1);
	weir_txn_put(txn, "w.m", "m", 1);
	must(weir_kvs_commit(a, NULL, txn, 0), "append");
	next(latest, "value", "one+", "latest");
	next(append, "data", "+", "append");
	next(prefix, "append", "+", "prefix");
	next(prefix, "put", "m", "prefix");
	must(put(a, "w.k", "two"), "put");
	next(latest, "value", "two", "latest");
	next(append, "reset", NULL, "append");
	next(append, "data", "two", "append");
	weir_txn_clear(txn);
	weir_txn_unlink(txn, "w", WEIR_UNLINK_RECURSIVE);
	must(weir_kvs_commit(a, NULL, txn, 0), "unlink");
	next(latest, "gone", NULL, "latest");
	next(append, "gone", NULL, "append");
	weir_future_destroy(latest);
	weir_future_destroy(append);
	weir_future_destroy(prefix);
	f = weir_kvs_watch(b, NULL, "nowhere", WEIR_WATCH_LATEST,
			   WEIR_FROM_NOW, 0, 0);
	fails(f, ENOENT, "a watch on nothing");
	weir_txn_destroy(txn);
}

static void events(void)
{
	weir_future_t *f = weir_event_subscribe(b, "t.");
	weir_future_t *ping = weir_request(b, "ping", NULL, NULL, 0);

	must(ping, "subscribed");
	must(weir_event_publish(a, "other", 0, NULL, 0), "publish another");
	must(weir_event_publish(a, "t.x", WEIR_EVENT_PRIVATE, "hi", 2),
	     "publish");
	next(f, "event", "hi", "subscription");
	weir_future_destroy(f);
}

/* ---- services ---- */

static weir_call_t *held;

static void dropped(weir_call_t *call, void *arg)
{
	weir_call_reply(call, NULL, 0);
	held = NULL;
}

static void serve(weir_call_t *call, void *arg)
{
	size_t len;
	const void *data = weir_call_data(call, &len);

	if (!strcmp(weir_call_method(call), "echo")) {
		weir_call_reply(call, data, len);
	} else if (!strcmp(weir_call_method(call), "many")) {
		weir_call_more(call, "1", 1);
		weir_call_more(call, "2", 1);
		weir_call_reply(call, NULL, 0);
	} else if (!strcmp(weir_call_method(call), "hold")) {
		weir_call_on_drop(call, dropped, NULL);
		held = call;
	} else {
		weir_call_fail(call, ENOSYS, "no %s, %s",
			       weir_call_method(call), weir_call_role(call));
	}
}

static void got_message(weir_t *h, const char *from, uid_t uid,
			const void *data, size_t len, void *arg)
{
	snprintf(seen, sizeof(seen), "%s %.*s", from, (int)len,
		 (const char *)data);
}

static void services(void)
{
	weir_future_t *s = weir_serve(b, "svc", serve, NULL);
	weir_future_t *f, *again;
	char want[128];

	must(weir_request(b, "ping", NULL, NULL, 0), "served");
	again = weir_serve(a, "svc", serve, NULL);
	fails(again, EEXIST, "a name is served once");
	f = weir_rpc(a, "svc.echo", "x\ny", 3, 10);
	until(f);
	is_str(weir_future_data(f, NULL), "x\ny", "a call");
	weir_future_destroy(f);
	f = weir_rpc(a, "svc.many", NULL, 0, -1);
	until(f);
	is_str(weir_future_data(f, NULL), "1", "the first reply");
	weir_future_next(f);
	until(f);
	is_str(weir_future_data(f, NULL), "2", "the second");
	weir_future_next(f);
	fails(f, ENODATA, "the end");
	f = weir_rpc(a, "svc.none", NULL, 0, -1);
	until(f);
	is_str(weir_future_strerror(f), "no none, owner", "a call that fails");
	weir_future_destroy(f);
	fails(weir_rpc(a, "nobody.none", NULL, 0, -1), ENOSYS, "no service");
	fails(weir_rpc(a, "svc.hold", NULL, 0, 0.02), ETIMEDOUT, "a timeout");
	f = weir_rpc(a, "svc.hold", NULL, 0, -1);
	while (!held)
		must(weir_request(b, "ping", NULL, NULL, 0), "ping");
	weir_future_destroy(f);
	must(weir_request(a, "ping", NULL, NULL, 0), "canceled");
	must(weir_request(b, "ping", NULL, NULL, 0), "is told");
	ok(!held, "a canceled call is dropped");
	weir_future_destroy(s);
	must(weir_request(b, "ping", NULL, NULL, 0), "served no more");
	fails(weir_rpc(a, "svc.echo", NULL, 0, -1), ENOSYS, "nobody serves");

	weir_on_message(b, got_message, NULL);
	must(weir_send(a, weir_greeting(b, "endpoint"), "yo", 2), "send");
	must(weir_request(b, "ping", NULL, NULL, 0), "handed over");
	snprintf(want, sizeof(want), "%s yo", weir_greeting(a, "endpoint"));
	is_str(seen, want, "a message");
	fails(weir_send(a, "nobody", NULL, 0), EHOSTUNREACH, "nobody there");
}

static void leases(void)
{
	weir_t *c = open_live(0);
	weir_future_t *f = weir_lease(c, 0), *w;
	weir_txn_t *txn = weir_txn_create();
	uint64_t id = 0;

	weir_future_get(f);
	weir_future_u64(f, "id", &id);
	weir_future_destroy(f);
	weir_txn_put_leased(txn, "leased", "here", 4, id);
	f = weir_kvs_commit(c, NULL, txn, 0);
	is_int(weir_future_get(f), 0, "a leased key");
	weir_future_destroy(f);
	w = weir_kvs_watch(b, NULL, "leased", WEIR_WATCH_LATEST,
			   WEIR_FROM_NOW, 0, 0);
	next(w, "value", "here", "watch");
	weir_close(c);
	next(w, "gone", NULL, "it goes with its client");
	weir_future_destroy(w);
	fails(weir_lease_renew(a, id), ENOENT, "the lease has ended");
	id = number(weir_lease(a, 10), "id");
	must(weir_lease_renew(b, id), "taken over");
	must(weir_lease_end(b, id), "ended");
	weir_txn_destroy(txn);
}

static void logs(void)
{
	weir_future_t *f;

	must(weir_log_clear(a), "clear the log");
	weir_log(a, 4, "me", "line %d\nwith two", 1);
	must(weir_request(a, "ping", NULL, NULL, 0), "logged");
	f = weir_log_read(b, true);
	until(f);
	is_str(weir_future_data(f, NULL), "line 1\nwith two", "its text");
	is_str(weir_future_option(f, "level"), "4", "its level");
	weir_future_next(f);
	weir_log(a, 4, "me", "line 2");
	until(f);
	is_str(weir_future_data(f, NULL), "line 2", "followed");
	weir_future_destroy(f);
}

static int arrived;

static void count(weir_future_t *f, void *arg)
{
	arrived += weir_future_error(f) == 0;
	weir_future_destroy(f);
}

static void many(void)
{
	enum { N = 5000, SIZE = 30 << 20 };
	char key[32], *data = malloc(SIZE);
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f;
	size_t len;
	int i;

	for (i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "many.%d", i % 100);
		weir_future_then(put(a, key, "x"), 60, count, NULL);
		weir_future_then(weir_kvs_get(a, NULL, key, NULL), -1, count,
				 NULL);
	}
	is_int(weir_run(a), 0, "run");
	is_int(arrived, 2 * N, "many requests in flight");
	memset(data, 'z', SIZE);
	weir_txn_put(txn, "big", data, SIZE);
	must(weir_kvs_commit(a, NULL, txn, 0), "a large value");
	f = weir_kvs_get(a, NULL, "big", NULL);
	until(f);
	ok(weir_future_data(f, &len) && len == SIZE &&
	   !memcmp(weir_future_data(f, NULL), data, SIZE), "comes back");
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	free(data);
}

static int all(void)
{
	a = open_live(0);
	b = open_live(0);
	store();
	watches();
	events();
	services();
	leases();
	logs();
	many();
	weir_close(a);
	weir_close(b);
	return done();
}

/* ---- over a restart ---- */

static int write_some(const char *n)
{
	weir_txn_t *txn = weir_txn_create();
	weir_t *h = open_live(0);
	weir_future_t *f;
	char key[32];
	int r;

	snprintf(key, sizeof(key), "r.p.%s", n);
	weir_txn_append(txn, "r.log", n, strlen(n));
	weir_txn_put(txn, key, n, strlen(n));
	weir_txn_put(txn, "r.last", n, strlen(n));
	f = weir_kvs_commit(h, NULL, txn, 0);
	r = weir_future_get(f);
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	weir_close(h);
	return r ? 1 : 0;
}

static char got_log[64], got_keys[256];
static int last;

static void see_log(weir_future_t *f, void *arg)
{
	const char *data = weir_future_data(f, NULL);

	strncat(got_log, data ? data : "?", 20);
}

static void see_key(weir_future_t *f, void *arg)
{
	const char *key = weir_future_word(f, 1);

	/* the last before the restart may be told twice: set, not list */
	if (key && !strncmp(key, "r.p.", 4) && !strstr(got_keys, key + 4))
		strncat(got_keys, key + 4, 20);
}

static void see_last(weir_future_t *f, void *arg)
{
	const char *data = weir_future_data(f, NULL);

	last = data ? atoi(data) : 0;
}

static int resume(void)
{
	weir_t *h = open_live(WEIR_O_RECONNECT);
	struct pollfd p = { weir_pollfd(h), POLLIN, 0 };
	weir_future_t *f[3];
	bool told = false;
	int i;

	f[0] = weir_kvs_watch(h, NULL, "r.log", WEIR_WATCH_APPEND,
			      WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	f[1] = weir_kvs_watch(h, NULL, "r.p", WEIR_WATCH_PREFIX, 0, 0, 0);
	f[2] = weir_kvs_watch(h, NULL, "r.last", WEIR_WATCH_LATEST,
			      WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	weir_future_then(f[0], -1, see_log, NULL);
	weir_future_then(f[1], -1, see_key, NULL);
	weir_future_then(f[2], -1, see_last, NULL);
	for (;;) {
		weir_dispatch(h);
		if (last == 4 && strlen(got_log) >= 4 && strlen(got_keys) >= 4)
			break;
		if (!told && last >= 1 && *got_log && *got_keys)
			told = write(9, "ready\n", 6) == 6;
		if (last >= 4 && strlen(got_log) >= 4 && strlen(got_keys) >= 4)
			break;
		if (poll(&p, 1, 60000) <= 0)
			break;
	}
	printf("log=%s keys=%s last=%d\n", got_log, got_keys, last);
	for (i = 0; i < 3; i++)
		weir_future_destroy(f[i]);
	weir_close(h);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 2 && !strcmp(argv[1], "all"))
		return all();
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_some(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "resume"))
		return resume();
	fprintf(stderr, "usage: live all | write N | resume\n");
	return 2;
}
