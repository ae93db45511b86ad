/* SPDX-License-Identifier: Apache-2.0 */
/* What libweir does beyond single requests, against a real kvsd, which
 * t/t0202-locks.t starts: details of errors, fences, event logs, locks,
 * elections. TAP points. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "libclient/weir.h"
#include "t/unit/tap.h"

static weir_t *a, *b;

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

static void must(weir_future_t *f, const char *what)
{
	until(f);
	if (!ok(weir_future_error(f) == 0, "%s", what))
		diag("%s", weir_future_strerror(f));
}

static void done_with(weir_future_t *f, const char *what)
{
	must(f, what);
	weir_future_destroy(f);
}

static void is_option(weir_future_t *f, const char *name, const char *want)
{
	const char *got = weir_future_option(f, name);

	is_str(got ? got : "(none)", want, name);
}

static void conditions(void)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f;

	weir_txn_put(txn, "c.key with space", "1", 1);
	done_with(weir_kvs_commit(a, NULL, txn, WEIR_COMMIT_NO_MERGE), "put");
	weir_txn_clear(txn);
	weir_txn_if_present(txn, "c");
	weir_txn_if_absent(txn, "c.key with space");
	f = weir_kvs_commit(a, NULL, txn, 0);
	until(f);
	is_int(weir_future_error(f), ECANCELED, "a condition does not hold");
	is_option(f, "condition", "2");
	is_option(f, "key", "c.key with space");
	is_option(f, "found", "value");
	ok(weir_future_option(f, "hash"), "hash");
	is_str(weir_future_strerror(f), "if-absent c.key with space "
	       "(operation 2): the key exists", "the text is for people");
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	done_with(weir_kvs_sync(a, NULL, 0, -1), "sync with what was before");
}

static void fences(void)
{
	weir_txn_t *txn = weir_txn_create(), *none = weir_txn_create();
	weir_future_t *f, *g;
	uint64_t v = 0, w = 1;

	weir_txn_put(txn, "f", "1", 1);
	f = weir_kvs_fence(a, NULL, "gate", 2, txn, -1);
	g = weir_kvs_fence(b, NULL, "gate", 2, none, -1);
	must(f, "a fence");
	must(g, "of two");
	weir_future_u64(f, "version", &v);
	weir_future_u64(g, "version", &w);
	ok(v == w, "the same version");
	weir_future_destroy(f);
	weir_future_destroy(g);
	f = weir_kvs_fence(a, NULL, "gate", 3, txn, -1);
	g = weir_kvs_fence(a, NULL, "gate", 3, none, -1);
	weir_future_destroy(g);
	until(f);
	ok(weir_future_error(f) == ECANCELED, "one left: %s",
	   weir_future_strerror(f));
	is_option(f, "missing", "1");
	is_option(f, "count", "3");
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	weir_txn_destroy(none);
}

static void is_event(weir_future_t *f, const char *name, const char *time,
		     const char *context)
{
	must(f, name);
	is_str(weir_future_word(f, 0), "event", "an event");
	is_str(weir_future_word(f, 1), name, "its name");
	is_option(f, "timestamp", time);
	is_option(f, "context", context);
}

static void eventlogs(void)
{
	weir_future_t *f, *g, *all;
	weir_txn_t *txn = weir_txn_create();

	ok(weir_txn_append_event(txn, "log", 1, "no", "[]") < 0 &&
	   errno == EINVAL, "a context that is no object");
	ok(weir_txn_append_event(txn, "log", 1, "a b", NULL) < 0 &&
	   errno == EINVAL, "no name");
	weir_txn_destroy(txn);
	ok(!weir_eventlog_wait(a, NULL, "log", "x", "1", 0) &&
	   errno == EINVAL, "a match that is no object");
	all = weir_eventlog(b, NULL, "log", WEIR_EVENTLOG_FOLLOW |
			    WEIR_EVENTLOG_WAIT);
	g = weir_eventlog_wait(b, NULL, "log", "two", "{\"n\":3,\"s\":\"x\"}",
			       WEIR_EVENTLOG_WAIT);
	done_with(weir_eventlog_append(a, NULL, "log", 1.5, "one", NULL),
		  "append");
	done_with(weir_eventlog_append(a, NULL, "log", 2, "two",
				       "{\"n\": 2, \"s\": \"x\"}"), "append");
	done_with(weir_eventlog_append(a, NULL, "log", 3, "two",
				       "{\"n\":3,\"more\":[1],\"s\":\"x\"}"),
		  "append");
	is_event(g, "two", "3.000000", "{\"n\":3,\"more\":[1],\"s\":\"x\"}");
	is_str(weir_future_data(g, NULL), "{\"timestamp\":3.000000,\"name\":\"two\","
	       "\"context\":{\"n\":3,\"more\":[1],\"s\":\"x\"}}\n", "the line");
	weir_future_destroy(g);
	is_event(all, "one", "1.500000", "(none)");
	weir_future_next(all);
	is_event(all, "two", "2.000000", "{\"n\":2,\"s\":\"x\"}");
	weir_future_destroy(all);
	f = weir_eventlog(a, NULL, "log", 0);
	is_event(f, "one", "1.500000", "(none)");
	weir_future_next(f);
	weir_future_next(f);
	is_event(f, "two", "3.000000", "{\"n\":3,\"more\":[1],\"s\":\"x\"}");
	weir_future_next(f);
	until(f);
	is_int(weir_future_error(f), ENODATA, "the end");
	weir_future_destroy(f);
	txn = weir_txn_create();
	weir_txn_append(txn, "log", "junk\n", 5);
	done_with(weir_kvs_commit(a, NULL, txn, 0), "a bad line");
	weir_txn_destroy(txn);
	f = weir_eventlog_wait(a, NULL, "log", "three", NULL, 0);
	until(f);
	ok(weir_future_error(f) == EPROTO &&
	   !strncmp(weir_future_strerror(f), "line 4: ", 8), "is told: %s",
	   weir_future_strerror(f));
	weir_future_destroy(f);
	f = weir_eventlog(a, NULL, "c.key with space", 0);
	until(f);
	ok(weir_future_error(f) == EPROTO, "a value that is no log: %s",
	   weir_future_strerror(f));
	weir_future_destroy(f);
	f = weir_eventlog(a, NULL, "nolog", 0);
	until(f);
	is_int(weir_future_error(f), ENOENT, "no such key");
	weir_future_destroy(f);
}

static void locks(void)
{
	weir_future_t *f = weir_lock(a, NULL, "lock", 1, 0), *g, *h;
	uint64_t first, second;

	is_int(weir_lock_number(f), 0, "not held yet");
	must(f, "a lock");
	is_str(weir_future_word(f, 0), "held", "is held");
	first = weir_lock_number(f);
	ok(first && weir_future_option(f, "key"), "by number %d", (int)first);
	g = weir_lock(b, NULL, "lock", 1, 0);
	h = weir_lock(b, NULL, "lock", 1, 0);
	ok(!weir_unlock(h) && errno == EINVAL, "one that is not held");
	done_with(weir_unlock(f), "unlock");
	must(g, "the next has it");
	second = weir_lock_number(g);
	ok(second > first, "its number is higher");
	/* whoever removes its key takes it away */
	f = weir_request(a, "unlink", (const char *const []) { "-",
			 weir_future_option(g, "key"), NULL }, NULL, 0);
	done_with(f, "its key is removed");
	weir_future_next(g);
	until(g);
	ok(weir_future_error(g) == ENOLCK, "%s", weir_future_strerror(g));
	is_int(weir_lock_number(g), 0, "no number any more");
	weir_future_destroy(g);
	ok(!weir_lock(a, NULL, "lock", -1, 0) && errno == EINVAL, "no time");
	weir_future_destroy(weir_lock(a, NULL, "lock", 1, 0));
	f = weir_lock(a, NULL, "lock", 1, 0);
	must(f, "one destroyed at once is in nobody's way");
	weir_future_destroy(f);
}

static void elections(void)
{
	weir_future_t *see = weir_leader(b, NULL, "elect"), *f, *g;

	must(see, "an observer");
	is_str(weir_future_word(see, 0), "none", "nobody leads");
	weir_future_next(see);
	f = weir_elect(a, NULL, "elect", "me", 2, 1);
	must(f, "elected");
	must(see, "is seen");
	is_str(weir_future_data(see, NULL), "me", "by its data");
	weir_future_next(see);
	g = weir_elect(a, NULL, "elect", "you", 3, 1);
	weir_future_destroy(weir_unlock(f));
	must(g, "the next");
	must(see, "is seen");
	if (!strcmp(weir_future_word(see, 0), "none"))	/* in between */
		weir_future_next(see);
	must(see, "is seen");
	is_str(weir_future_word(see, 0), "leader", "it leads");
	is_str(weir_future_data(see, NULL), "you", "by its data");
	weir_future_next(see);
	done_with(weir_unlock(g), "resigns");
	must(see, "is seen");
	is_str(weir_future_word(see, 0), "none", "nobody leads");
	weir_future_destroy(see);
}

/* As large as a transaction may be, and one step more. */
static void large(void)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f, *g;
	char key[32];
	int i;

	for (i = 0; i < 1000000; i++) {
		snprintf(key, sizeof(key), "large.%d", i);
		weir_txn_put(txn, key, key, 1);
	}
	is_int(weir_txn_count(txn), 1000000, "steps");
	f = weir_kvs_commit(a, NULL, txn, 0);
	g = weir_request(b, "ping", NULL, NULL, 0);
	done_with(g, "another client is served");
	done_with(f, "a transaction of a million puts");
	f = weir_kvs_stat(b, NULL, "large", NULL);
	must(f, "all is there");
	is_option(f, "size", "1000000");
	weir_future_destroy(f);
	weir_txn_put(txn, "large.one", "x", 1);
	f = weir_kvs_commit(a, NULL, txn, 0);
	until(f);
	is_int(weir_future_error(f), E2BIG, "one more is refused");
	weir_future_destroy(f);
	weir_txn_clear(txn);
	weir_txn_if_absent(txn, "large.one");
	weir_txn_unlink(txn, "large", WEIR_UNLINK_RECURSIVE);
	done_with(weir_kvs_commit(a, NULL, txn, 0), "and goes again");
	weir_txn_destroy(txn);
}

/* A handle that is closed with all of these still there. */
static void closing(void)
{
	struct weir_error error;
	weir_t *c = weir_open(NULL, 0, &error);
	weir_future_t *f = weir_lock(c, NULL, "closed", 0, 0), *g, *l;

	g = weir_lock(c, NULL, "closed", 0, 0);
	l = weir_lease(c, 1);
	weir_future_get(f);
	weir_future_get(l);
	weir_close(c);
	ok(weir_lock_number(f), "was held");
	weir_future_destroy(f);
	weir_future_destroy(g);
	weir_future_destroy(l);
	f = weir_lock(a, NULL, "closed", 0, 0);
	must(f, "and goes with its handle");
	weir_future_destroy(f);
}

int main(void)
{
	struct weir_error error;

	a = weir_open(NULL, 0, &error);
	b = weir_open(NULL, WEIR_O_RECONNECT, &error);
	if (!a || !b) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	conditions();
	fences();
	eventlogs();
	locks();
	elections();
	closing();
	large();
	weir_close(a);
	weir_close(b);
	return done();
}
