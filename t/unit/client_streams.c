/* SPDX-License-Identifier: Apache-2.0 */
/* libweir against a scripted server: watches, events, services, messages, the
 * log, listings, transactions, and the loops. */
#include "config.h"

#include <event2/event.h>

#include "libclient/weir.h"
#include "t/unit/fake.h"

static weir_t *open_fake(const struct fake_step *steps)
{
	struct weir_error error;
	weir_t *h;

	fake_start(steps);
	h = weir_open_as(fake_path, 0, "t", NULL, &error);
	if (!h) {
		ok(false, "open: %s", error.text);
		exit(done());
	}
	return h;
}

static char seen[1024];

/* The current item as text in SEEN. */
static void see(weir_future_t *f)
{
	size_t at = strlen(seen);
	const char *data = weir_future_data(f, NULL);
	int i;

	if (weir_future_error(f)) {
		snprintf(seen + at, sizeof(seen) - at, "(%s)",
			 weir_future_strerror(f));
		return;
	}
	at += snprintf(seen + at, sizeof(seen) - at, "[");
	for (i = 0; weir_future_word(f, i); i++)
		at += snprintf(seen + at, sizeof(seen) - at, "%s%s",
			       i ? " " : "", weir_future_word(f, i));
	snprintf(seen + at, sizeof(seen) - at, "%s%s]", data ? "|" : "",
		 data ? data : "");
}

static void see_item(weir_future_t *f, void *arg)
{
	see(f);
	if (weir_future_error(f))
		weir_future_destroy(f);
}

static void watches(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 watch - k mode=latest wait=1\n"),
		SEND("0 ok version=3\n* 0 value version=3 {1}\na\n"
		     "* 0 gone version=4\n"),
		SEND("* 0 end ENOENT no such namespace\n"),
		EXPECT("0 watch n . mode=append from=7 offset=9\n"
		       "1 watch - d mode=prefix from=0\n"),
		SEND("1 ok version=9\n* 1 put d.x version=9 {0}\n\n"
		     "* 1 synced version=9\n0 err EISDIR a directory\n"),
		EXPECT("- cancel 1\n"),
		/* what was under way when it was canceled is nobody's */
		SEND("* 1 put d.y version=10 {1}\ny\n"
		     "* 1 end ECANCELED canceled\n"),
		EXPECT("0 ping\n"), SEND("0 ok\n"),
		EXPECT("0 ping\n1 ping\n"), SEND("1 ok\n0 ok\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f, *g;

	f = weir_kvs_watch(h, NULL, "k", WEIR_WATCH_LATEST, WEIR_FROM_NOW, 0,
			   WEIR_WATCH_WAIT);
	is_int(weir_future_get(f), 0, "a watch's first item");
	is_str(weir_future_word(f, 0), "value", "its kind");
	is_str(weir_future_data(f, NULL), "a", "its data");
	weir_future_next(f);
	is_int(weir_future_get(f), 0, "the second");
	is_str(weir_future_word(f, 0), "gone", "its kind");
	weir_future_next(f);
	ok(weir_future_get(f) < 0 && errno == ENOENT, "the end: %s",
	   weir_future_strerror(f));
	weir_future_next(f);
	ok(weir_future_get(f) < 0 && errno == ENOENT, "stays the end");
	weir_future_destroy(f);

	f = weir_kvs_watch(h, "n", ".", WEIR_WATCH_APPEND, 7, 9, 0);
	g = weir_kvs_watch(h, NULL, "d", WEIR_WATCH_PREFIX, 0, 0, 0);
	ok(weir_future_get(f) < 0 && errno == EISDIR, "a watch refused");
	weir_future_destroy(f);
	is_int(weir_future_get(g), 0, "prefix watch");
	weir_future_next(g);
	ok(weir_future_ready(g), "both items are there");
	weir_future_destroy(g);
	f = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(f), 0, "after a cancel");
	weir_future_destroy(f);
	f = weir_request(h, "ping", NULL, NULL, 0);
	g = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(f), 0, "the canceled watch's tag is free");
	weir_future_destroy(f);
	weir_future_destroy(g);
	weir_close(h);
	fake_done("watches");
}

static void streams(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 subscribe job.\n"),
		SEND("0 ok sequence=4\n"
		     "* 0 event job.a%20b sequence=5 uid=1 {1}\nx\n"
		     "* 0 lost count=3\n* 0 event job.c sequence=9 uid=1\n"
		     "* 0 end ECANCELED canceled\n"),
		EXPECT("0 call s.many\n1 log-read\n"),
		SEND("0 more {1}\n1\n0 more x=y {1}\n2\n"
		     "1 more time=1.5 level=6 name=a {2}\nhi\n1 ok\n"
		     "0 err EIO broke\n"),
		EXPECT("0 call s.more\n"),
		SEND("0 more {1}\n1\n0 ok {1}\n2\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f;

	f = weir_event_subscribe(h, "job.");
	seen[0] = '\0';
	weir_future_then(f, -1, see_item, NULL);
	weir_run(h);
	is_str(seen, "[event job.a b sequence=5 uid=1|x][lost count=3]"
	       "[event job.c sequence=9 uid=1](canceled)", "a subscription");
	seen[0] = '\0';
	f = weir_rpc(h, "s.many", NULL, 0, -1);
	weir_future_then(f, -1, see_item, NULL);
	f = weir_log_read(h, false);
	weir_future_then(f, -1, see_item, NULL);
	weir_run(h);
	is_str(seen, "[|1][x=y|2][time=1.5 level=6 name=a|hi]"
	       "(end of the stream)(broke)", "calls with several replies");
	f = weir_rpc(h, "s.more", NULL, 0, -1);
	seen[0] = '\0';
	while (weir_future_wait(f, -1) == 0) {
		see(f);
		if (strstr(seen, "2"))
			break;
		weir_future_next(f);
	}
	is_str(seen, "[|1][|2]", "the last reply may have data");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("streams");
}

/* ---- services ---- */

static weir_call_t *held;
static int drops;

static void on_drop(weir_call_t *call, void *arg)
{
	drops++;
	weir_call_fail(call, EIO, "nobody reads this");
	if (call == held)
		held = NULL;
}

static void serve(weir_call_t *call, void *arg)
{
	const char *method = weir_call_method(call);
	size_t len;

	if (!strcmp(method, "echo")) {
		const void *data = weir_call_data(call, &len);

		is_int(weir_call_uid(call), 7, "call: uid");
		is_str(weir_call_role(call), "user", "call: role");
		is_str(weir_call_from(call), "c9", "call: from");
		weir_call_more(call, "m", 1);
		weir_call_reply(call, data, len);
	} else if (!strcmp(method, "hold")) {
		weir_call_on_drop(call, on_drop, NULL);
		held = call;
	} else if (!strcmp(method, "last")) {
		weir_call_reply(call, NULL, 0);
		weir_stop(arg);
	} else {
		weir_call_fail(call, ENOSYS, "no %s\nhere", method);
	}
}

static void message(weir_t *h, const char *from, uid_t uid, const void *data,
		    size_t len, void *arg)
{
	weir_future_t *f = weir_request(h, "ping", NULL, NULL, 0);

	/* what was passed lives on while it waits */
	is_int(weir_future_get(f), 0, "a wait within a message's callback");
	weir_future_destroy(f);
	snprintf(seen, sizeof(seen), "%s %d %.*s", from, (int)uid, (int)len,
		 (const char *)data);
}

static void services(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 serve s\n"),
		SEND("0 ok\n* 0 call 11 echo uid=7 role=user from=c9 {2}\nhi\n"
		     "* 0 call 12 none uid=7 role=user from=c9\n"
		     "* 0 call 13 hold uid=7 role=user from=c9\n"
		     "* 0 dropped 13\n* 0 dropped 77\n"
		     "* - message c%207 uid=3 {2}\nyo\n"
		     "* 0 call 14 hold uid=7 role=user from=c9\n"
		     "* 0 call 15 last uid=7 role=user from=c9\n"),
		EXPECT("- reply 11 more=1 {1}\nm\n- reply 11 {2}\nhi\n"
		       "- fail 12 ENOSYS no%20none%20here\n1 ping\n"),
		SEND("1 ok\n"), EXPECT("- reply 15\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f = weir_serve(h, "s", serve, h);

	seen[0] = '\0';
	weir_on_message(h, message, NULL);
	is_int(weir_run(h), 0, "run, until stopped");
	is_str(seen, "c 7 3 yo", "a message");
	is_int(drops, 1, "a dropped call");
	ok(held, "another is held");
	is_int(weir_flush(h, -1), 0, "flush");
	/* the handle goes, and tells whoever holds a call */
	weir_close(h);
	ok(drops == 2 && !held, "closing drops it");
	weir_future_destroy(f);
	fake_done("services");
}

static void answer_late(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 serve s\n"),
		SEND("0 ok\n* 0 call 1 hold uid=0 role=owner from=c1\n"
		     "* 0 call 2 last uid=0 role=owner from=c1\n"),
		EXPECT("- reply 2\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f = weir_serve(h, "s", serve, h);

	weir_run(h);
	weir_call_on_drop(held, NULL, NULL);
	weir_flush(h, -1);
	weir_close(h);
	weir_future_destroy(f);
	is_int(weir_call_more(held, "x", 1), 0, "more after the close");
	is_int(weir_call_reply(held, "x", 1), 0, "and a reply do no harm");
	held = NULL;
	fake_done("an answer after the close");
}

/* ---- the store ---- */

static void store(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 list - d after=a%20 limit=2\n"),
		SEND("0 ok version=1 count=2 more=1 {26}\n"
		     "value 3 b%20c\ndir 0 %2541\n\n"),
		EXPECT("0 list - d\n"), SEND("0 ok {6}\nvalue \n"),
		EXPECT("0 commit work hash=1 {246}\n"
		       "put a lease=9 {3}\nx\ny\nput b%20b {0}\n\n"
		       "append c {1}\nz\nmkdir d\n"
		       "link e f target-ns=n\nlink g h\n"
		       "unlink i recursive=1 force=1\nunlink j\n"
		       "graft . 00\nmake-namespace m owner=5\n"
		       "adopt k m\nif-absent l\nif-value o ff\n"
		       "if-unchanged p 18446744073709551615\nif-root 3\n"),
		EXPECT("\n"), SEND("0 ok version=5 hash=aa\n"),
		EXPECT("0 sync - 7 timeout=0.500000\n1 ns-create w owner=3 "
		       "root=ab\n2 ns-remove w\n3 ns-list\n4 stat - k at=1\n"
		       "5 readlink - l\n6 log-clear\n7 lease 1.250\n"
		       "8 lease-renew 4\n9 lease-end 4\n10 send c%201 {1}\nm\n"
		       "11 publish t private=1 {1}\np\n12 publish t\n"
		       "- log 3 me {3}\na b\n"), END
	};
	const char *type, *name;
	uint64_t size;
	weir_txn_t *txn = weir_txn_create();
	weir_t *h = open_fake(steps);
	weir_future_t *f[14];
	int i;

	f[0] = weir_kvs_list(h, NULL, "d", NULL, "a ", 2);
	ok(weir_kvs_list_next(f[0], &type, &size, &name) == 1 &&
	   !strcmp(type, "value") && size == 3 && !strcmp(name, "b c"),
	   "list: a value");
	ok(weir_kvs_list_next(f[0], &type, &size, &name) == 1 &&
	   !strcmp(type, "dir") && size == 0 && !strcmp(name, "%41"),
	   "list: a directory");
	is_int(weir_kvs_list_next(f[0], &type, &size, &name), 0, "its end");
	is_str(weir_future_option(f[0], "more"), "1", "others follow");
	weir_future_destroy(f[0]);
	f[0] = weir_kvs_list(h, NULL, "d", NULL, NULL, 0);
	ok(weir_kvs_list_next(f[0], &type, &size, &name) < 0 &&
	   errno == EPROTO, "a malformed listing");
	weir_future_destroy(f[0]);

	weir_txn_put_leased(txn, "a", "x\ny", 3, 9);
	weir_txn_put(txn, "b b", NULL, 0);
	weir_txn_append(txn, "c", "z", 1);
	weir_txn_mkdir(txn, "d");
	weir_txn_link(txn, "e", "f", "n");
	weir_txn_link(txn, "g", "h", NULL);
	weir_txn_unlink(txn, "i",
			WEIR_UNLINK_RECURSIVE | WEIR_UNLINK_FORCE);
	weir_txn_unlink(txn, "j", 0);
	weir_txn_graft(txn, ".", "00");
	weir_txn_make_namespace(txn, "m", 5);
	weir_txn_adopt(txn, "k", "m");
	weir_txn_if_absent(txn, "l");
	weir_txn_if_value(txn, "o", "ff");
	weir_txn_if_unchanged(txn, "p", UINT64_MAX);
	weir_txn_if_root(txn, 3);
	is_int((long long)weir_txn_count(txn), 15, "steps");
	f[0] = weir_kvs_commit(h, "work", txn, WEIR_COMMIT_HASH);
	weir_txn_clear(txn);
	is_int((long long)weir_txn_count(txn), 0, "cleared");
	is_int(weir_future_get(f[0]), 0, "a transaction of every step");
	is_str(weir_future_option(f[0], "hash"), "aa", "its hash");
	weir_future_destroy(f[0]);
	ok(weir_txn_mkdir(txn, "a\nb") < 0 && errno == EINVAL,
	   "a key with a line feed");
	weir_txn_mkdir(txn, "ok");
	ok(!weir_kvs_commit(h, NULL, txn, 0) && errno == EINVAL,
	   "a failed step fails the commit");
	weir_txn_destroy(txn);
	weir_txn_destroy(NULL);

	f[0] = weir_kvs_sync(h, NULL, 7, 0.5);
	f[1] = weir_kvs_namespace_create(h, "w", 3, "ab");
	f[2] = weir_kvs_namespace_remove(h, "w");
	f[3] = weir_kvs_namespace_list(h);
	f[4] = weir_kvs_stat(h, NULL, "k", "1");
	f[5] = weir_kvs_readlink(h, NULL, "l", NULL);
	f[6] = weir_log_clear(h);
	f[7] = weir_lease(h, 1.25);
	f[8] = weir_lease_renew(h, 4);
	f[9] = weir_lease_end(h, 4);
	f[10] = weir_send(h, "c 1", "m", 1);
	f[11] = weir_event_publish(h, "t", WEIR_EVENT_PRIVATE, "p", 1);
	f[12] = weir_event_publish(h, "t", 0, NULL, 0);
	weir_log(h, 3, "me", "a %s", "b");
	is_int(weir_flush(h, -1), 0, "all that in one write");
	weir_close(h);
	for (i = 0; i < 13; i++)
		weir_future_destroy(f[i]);
	fake_done("every request's words");
}

/* ---- loops ---- */

static struct event_base *base;
static int turns;

static void again(weir_future_t *f, void *arg)
{
	weir_t *h = weir_future_handle(f);

	weir_future_destroy(f);
	if (++turns == 3) {
		event_base_loopbreak(base);
		return;
	}
	weir_future_then(weir_kvs_get(h, NULL, turns == 1 ? "b" : "never",
				      NULL), turns == 1 ? -1 : 0.01, again,
			 arg);
}

static void libevent(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n"), SEND("0 ok\n"),
		EXPECT("0 get - b\n"), SEND("0 ok\n"),
		EXPECT("0 get - never\n"), END
	};
	weir_t *h = open_fake(steps);

	turns = 0;
	base = event_base_new();
	is_int(weir_attach(h, base), 0, "attach");
	weir_future_then(weir_kvs_get(h, NULL, "a", NULL), -1, again, NULL);
	event_base_dispatch(base);
	is_int(turns, 3, "libevent: replies, and a timeout");
	is_int(weir_attach(h, NULL), 0, "detach");
	weir_close(h);
	event_base_free(base);
	fake_done("libevent");
}

static void foreign(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n"), SEND("0 ok\n"),
		EXPECT("0 get - b\n"), SEND("0 ok\n"),
		EXPECT("0 get - never\n"), END
	};
	weir_t *h = open_fake(steps);
	struct pollfd p = { weir_pollfd(h), POLLIN, 0 };

	turns = 0;
	base = event_base_new();
	ok(p.fd >= 0 && p.fd == weir_pollfd(h), "one descriptor for life");
	is_int(weir_pollevents(h), 0, "nothing to do");
	is_int(poll(&p, 1, 0), 0, "nor is it readable");
	weir_future_then(weir_kvs_get(h, NULL, "a", NULL), -1, again, NULL);
	ok(weir_pollevents(h), "a request to be written");
	while (turns < 3 && poll(&p, 1, 10000) > 0)
		weir_dispatch(h);
	is_int(turns, 3, "poll: replies, and a timeout");
	is_int(poll(&p, 1, 0), 0, "not readable any more");
	weir_close(h);
	event_base_free(base);
	fake_done("poll");
}

/* ---- jobs ---- */

static void jobs(void)
{
	static const struct fake_step user[] = {
		ACCEPT_RAW, EXPECT(HELLO),
		SEND("hello ok protocol=1 instance=i uid=1000 role=user\n"),
		EXPECT("0 call job-info.lookup {27}\n"
		       "{\"id\":5,\"keys\":[\"jobspec\"]}\n"
		       "1 call job-info.eventlog-watch {26}\n"
		       "{\"id\":5,\"path\":\"eventlog\"}\n"
		       "2 call job-manager.kill {20}\n"
		       "{\"id\":5,\"signum\":15}\n"
		       "3 call job-manager.raise {47}\n{\"id\":5,\"type\":"
		       "\"cancel\",\"severity\":0,\"note\":\"\"}\n"
		       "4 call job-list.list {2}\n{}\n"),
		SEND("0 ok {23}\n{\"id\":5,\"jobspec\":\"{}\"}\n"
		     "1 more {14}\n{\"event\":\"e1\"}\n1 more {2}\n{}\n"
		     "1 ok\n2 ok\n3 ok\n4 ok\n"), END
	};
	static const struct fake_step owner[] = {
		ACCEPT, EXPECT("0 watch primary job.0000.0000.0000.0005.eventlog"
			       " mode=append\n"),
		SEND("0 ok version=1\n"
		     "* 0 data offset=0 version=1 {20}\n{\"name\":\"submit\"}\n{\"\n"
		     "* 0 data offset=20 version=2 {15}\nname\":\"clean\"}\n\n"),
		EXPECT("- cancel 0\n1 get primary job.0000.0000.0000.0005.R\n"),
		SEND("* 0 end ECANCELED canceled\n1 ok {1}\nR\n"),
		EXPECT("1 call job-ingest.submit {36}\n"
		       "{\"J\":\"e.n.v\",\"urgency\":16,\"flags\":0}\n"),
		SEND("1 ok {9}\n{\"id\":77}\n"), END
	};
	weir_future_t *f, *g[4];
	weir_jobid_t id;
	weir_t *h;
	int i;

	h = open_fake(owner);
	f = weir_job_events(h, 5);
	seen[0] = '\0';
	weir_future_then(f, -1, see_item, NULL);
	weir_run(h);
	is_str(seen, "[event|{\"name\":\"submit\"}\n]"
	       "[event|{\"name\":\"clean\"}\n](the job has ended)",
	       "events are whole lines, and end after clean");
	f = weir_job_lookup(h, 5, "R");
	is_int(weir_future_get(f), 0, "lookup by the owner reads the store");
	weir_future_destroy(f);
	f = weir_job_submit_signed(h, "e.n.v", WEIR_URGENCY_DEFAULT, 0);
	ok(weir_job_submit_id(f, &id) == 0 && id == 77, "submit");
	weir_future_destroy(f);
	setenv("WEIR_SIGN_MECHANISM", "wax", 1);
	f = weir_job_submit(h, "{}", 16, 0);
	ok(f && weir_future_get(f) < 0, "an unknown mechanism: %s",
	   weir_future_strerror(f));
	weir_future_destroy(f);
	weir_close(h);
	fake_done("jobs as the owner");

	h = open_fake(user);
	f = weir_job_lookup(h, 5, "jobspec");
	g[0] = weir_job_events(h, 5);
	g[1] = weir_job_kill(h, 5, 15);
	g[2] = weir_job_cancel(h, 5, NULL);
	g[3] = weir_job_list(h, "{}");
	is_int(weir_future_get(f), 0, "lookup by another calls schedd");
	is_str(weir_future_data(f, NULL), "{}", "and gives the member");
	weir_future_destroy(f);
	is_int(weir_future_get(g[0]), 0, "events by another");
	is_str(weir_future_data(g[0], NULL), "e1", "one line an item");
	weir_future_next(g[0]);
	ok(weir_future_get(g[0]) < 0 && errno == EPROTO, "a malformed one");
	weir_future_next(g[0]);
	ok(weir_future_get(g[0]) < 0 && errno == ENODATA, "the end");
	for (i = 0; i < 4; i++)
		weir_future_destroy(g[i]);
	weir_close(h);
	fake_done("jobs as another user");
}

static void jobids(void)
{
	weir_jobid_t id;
	char text[64];

	ok(!weir_jobid_parse("f58plain", &id) || errno == EINVAL, "a word");
	ok(weir_jobid_parse("1234567", &id) == 0 && id == 1234567, "decimal");
	ok(!weir_jobid_encode(id, "hex", text, sizeof(text)), "encode");
	is_str(text, "0x12d687", "as hex");
	ok(weir_jobid_encode(id, "hex", text, 8) < 0 && errno == ENOSPC,
	   "no space");
	ok(!weir_jobid_encode(id, "hex", text, 9), "just enough");
	ok(weir_jobid_encode(id, "octal", text, 64) < 0 && errno == EINVAL,
	   "no such form");
	ok(weir_jobid_parse("", &id) < 0 && errno == EINVAL, "an empty one");
	is_str(weir_version(), PACKAGE_VERSION, "version");
}

int main(void)
{
	unsetenv("WEIR_KVS_NAMESPACE");
	watches();
	streams();
	services();
	answer_late();
	store();
	libevent();
	foreign();
	jobs();
	jobids();
	fake_remove();
	return done();
}
