/* SPDX-License-Identifier: Apache-2.0 */
/* libweir against a scripted server: opening, requests, futures and groups. */
#include "config.h"

#include <math.h>

#include "libclient/weir.h"
#include "t/unit/fake.h"

static weir_t *open_fake(int flags)
{
	struct weir_error error;
	weir_t *h = weir_open_as(fake_path, flags, "t", NULL, &error);

	if (!h) {
		ok(false, "open: %s", error.text);
		exit(done());
	}
	return h;
}

static void refused(const char *uri, int errnum, const char *text)
{
	struct weir_error error = { 0, "" };
	weir_t *h = weir_open_as(uri, 0, "t", NULL, &error);

	ok(!h && errno == errnum && error.errnum == errnum &&
	   strstr(error.text, text), "open %.40s: %s", uri, error.text);
	weir_close(h);
}

static void open_errors(void)
{
	static const struct fake_step no[] = {
		ACCEPT_RAW, EXPECT(HELLO),
		SEND("hello err EPERM you may not\n"), END
	};
	static const struct fake_step gone[] = {
		ACCEPT_RAW, EXPECT(HELLO), CLOSE, REFUSE, END
	};
	static const struct fake_step noise[] = {
		ACCEPT_RAW, EXPECT(HELLO), SEND("220 mail ready {99999999999999}\n"), END
	};
	char path[300];

	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	refused("/nonexistent/socket", ENOENT, "/nonexistent/socket");
	refused("tcp://x", EINVAL, "local://");
	refused(path, ENAMETOOLONG, "longer");
	unsetenv("WEIR_URI");
	refused(NULL, ENOENT, "WEIR_URI");
	fake_start(no);
	refused(fake_path, EPERM, "you may not");
	fake_done("the server sees the close");
	fake_start(gone);
	refused(fake_path, ECONNRESET, "closed the connection");
	kill(fake_pid, SIGKILL);
	waitpid(fake_pid, NULL, 0);
	refused(fake_path, ECONNREFUSED, "nobody listens");
	fake_start(noise);
	refused(fake_path, EPROTO, "");
	kill(fake_pid, SIGKILL);
	waitpid(fake_pid, NULL, 0);
}

static void greeting(void)
{
	static const struct fake_step steps[] = {
		ACCEPT_RAW,
		EXPECT("hello hello 1 name=a%20b endpoint=me\n"),
		SEND("hello ok prot"), SEND("ocol=1 ins"), SEND("tance=i%201"),
		SEND(" role=user\n"), END
	};
	weir_t *h;

	fake_start(steps);
	setenv("WEIR_URI", fake_path, 1);
	h = weir_open_as(NULL, 0, "a b", "me", NULL);
	ok(h, "WEIR_URI is used; a greeting in pieces");
	is_str(weir_greeting(h, "instance"), "i 1", "greeting: instance");
	is_str(weir_greeting(h, "role"), "user", "greeting: role");
	ok(!weir_greeting(h, "prot"), "greeting: a word's beginning is none");
	is_str(weir_uri(h), fake_path, "uri");
	weir_close(h);
	fake_done("hello as it should be");
	weir_close(NULL);
}

static void requests(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 get - a.b\n1 get ns%201 x at=3\n2 ping\n"
		       "3 call s.m timeout=1.500000 {3}\na\nb\n"
		       "4 root -\n"),
		SEND("2 ok time=5.5\n1 err ENOENT ns 1: x: no such key\n"
		     "0 ok version=12 type=value size=3 {3}\nx\ny\n"
		     "3 ok {0}\n\n4 ok version=18446744073709551615 hash=h%25\n"),
		EXPECT("4 get - %7Bk} at={9}\n"),
		SEND("99 ok stray=1\n4 ok v=x {1}\nz\n"), END
	};
	const char *const nul[] = { "a\nb", NULL };
	weir_t *h;
	weir_future_t *f[5];
	uint64_t n = 0;
	size_t len;
	int i;

	fake_start(steps);
	h = open_fake(0);
	f[0] = weir_kvs_get(h, NULL, "a.b", NULL);
	f[1] = weir_kvs_get(h, "ns 1", "x", "3");
	f[2] = weir_request(h, "ping", NULL, NULL, 0);
	f[3] = weir_rpc(h, "s.m", "a\nb", 3, 1.5);
	f[4] = weir_kvs_root(h, NULL, NULL);
	ok(!weir_future_ready(f[0]), "pending");
	is_int(weir_future_get(f[0]), 0, "get");
	is_str(weir_future_data(f[0], &len), "x\ny", "data, NUL follows");
	is_int((long long)len, 3, "length");
	is_str(weir_future_option(f[0], "type"), "value", "option");
	ok(weir_future_u64(f[0], "version", &n) == 0 && n == 12, "u64");
	ok(weir_future_u64(f[0], "type", &n) < 0 && errno == EINVAL,
	   "u64: no number");
	ok(weir_future_u64(f[0], "ver", &n) < 0 && errno == ENOENT,
	   "u64: no option");
	is_str(weir_future_word(f[0], 1), "type=value", "word");
	ok(!weir_future_word(f[0], 3) && !weir_future_word(f[0], -1),
	   "no such word");
	ok(weir_future_get(f[1]) < 0 && errno == ENOENT, "an error");
	is_int(weir_future_error(f[1]), ENOENT, "its number");
	is_str(weir_future_strerror(f[1]), "ns 1: x: no such key", "its text");
	ok(!weir_future_data(f[2], &len) && errno == ENODATA && len == 0,
	   "no payload");
	ok(weir_future_get(f[3]) == 0 && weir_future_data(f[3], &len) &&
	   len == 0, "an empty payload");
	ok(weir_future_get(f[4]) == 0 && !weir_future_u64(f[4], "version", &n)
	   && n == UINT64_MAX, "the greatest number");
	is_str(weir_future_option(f[4], "hash"), "h%", "unescaped");
	ok(weir_future_handle(f[4]) == h, "handle");
	for (i = 0; i < 5; i++)
		weir_future_destroy(f[i]);
	ok(!weir_request(h, "ping", nul, NULL, 0) && errno == EINVAL,
	   "a line feed in a word is refused");
	ok(!weir_request(h, "watch", NULL, NULL, 0) && errno == EINVAL,
	   "a watch by weir_request is refused");
	ok(!weir_lease(h, -1) && errno == EINVAL, "a negative lease");
	ok(!weir_lease(h, NAN) && errno == EINVAL, "a lease of NaN");
	f[0] = weir_kvs_get(h, NULL, "{k}", "{9}");
	ok(weir_future_get(f[0]) == 0, "a stray reply does no harm");
	weir_future_destroy(f[0]);
	weir_future_destroy(NULL);
	weir_close(h);
	fake_done("requests as they should be");
}

static int order[16], orders;
static weir_future_t *other;

static void note(weir_future_t *f, void *arg)
{
	order[orders++] = (int)(intptr_t)arg;
}

static void note_and_destroy(weir_future_t *f, void *arg)
{
	note(f, arg);
	weir_future_destroy(f);
}

/* Waits for another, within its own continuation. */
static void nested(weir_future_t *f, void *arg)
{
	weir_t *h = weir_future_handle(f);
	weir_future_t *g = weir_kvs_get(h, NULL, "inner", NULL);

	note(f, arg);
	is_int(weir_future_get(g), 0, "a wait within a continuation");
	is_str(weir_future_data(g, NULL), "i", "gets its own reply");
	weir_future_destroy(g);
	note(f, (void *)((intptr_t)arg + 10));
	weir_future_destroy(f);
}

static void continuations(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 get - a\n1 get - b\n2 get - c\n"),
		/* all in one read: the inner wait must not lose b and c */
		SEND("0 ok {1}\na\n1 ok {1}\nb\n2 ok {1}\nc\n"),
		EXPECT("0 get - inner\n"), SEND("0 ok {1}\ni\n"),
		END
	};
	weir_t *h;
	weir_future_t *f[3];

	fake_start(steps);
	h = open_fake(0);
	f[0] = weir_kvs_get(h, NULL, "a", NULL);
	f[1] = weir_kvs_get(h, NULL, "b", NULL);
	f[2] = weir_kvs_get(h, NULL, "c", NULL);
	other = f[2];
	orders = 0;
	ok(!weir_future_then(f[0], -1, nested, (void *)1), "then");
	ok(weir_future_then(f[0], -1, note, NULL) < 0 && errno == EEXIST,
	   "a second continuation");
	weir_future_then(f[1], -1, note_and_destroy, (void *)2);
	is_int(weir_run(h), 0, "run ends when nothing is left to do");
	ok(orders == 3 && order[0] == 1 && order[1] == 2 && order[2] == 11,
	   "each once, others within the wait");
	ok(weir_future_ready(f[2]), "the last one is ready");
	weir_future_then(f[2], -1, note_and_destroy, (void *)3);
	is_int(orders, 3, "a continuation never runs within then");
	is_int(weir_run(h), 0, "run");
	ok(orders == 4 && order[3] == 3, "a ready one's runs in the next turn");
	weir_close(h);
	fake_done("continuations");
}

static void timeouts(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 get - slow\n1 get - a\n"),
		SEND("1 ok\n"),
		EXPECT("1 get - b\n"),
		/* late: finds nobody, then its tag is free */
		SEND("0 ok {4}\nlate\n1 ok {1}\nb\n"),
		EXPECT("1 get - c\n0 call s.m\n"),
		SEND("1 ok\n"),
		EXPECT("- cancel 0\n"), SEND("0 err ECANCELED canceled\n"),
		EXPECT("0 get - d\n"), SEND("0 ok\n"), END
	};
	struct pollfd p = { -1, POLLIN, 0 };
	weir_t *h;
	weir_future_t *f, *g;

	fake_start(steps);
	h = open_fake(0);
	orders = 0;
	f = weir_kvs_get(h, NULL, "slow", NULL);
	ok(weir_future_wait(f, 0) < 0 && errno == ETIMEDOUT, "wait of 0");
	ok(weir_future_wait(f, 0.01) < 0 && errno == ETIMEDOUT, "wait");
	ok(!weir_future_ready(f), "still pending");
	g = weir_kvs_get(h, NULL, "a", NULL);
	is_int(weir_future_get(g), 0, "another passes it");
	weir_future_destroy(g);
	weir_future_then(f, 0.01, note, (void *)7);
	is_int(weir_run(h), 0, "run");
	ok(orders == 1 && weir_future_error(f) == ETIMEDOUT,
	   "then with a timeout: %s", weir_future_strerror(f));
	g = weir_kvs_get(h, NULL, "b", NULL);
	is_int(weir_future_get(g), 0, "the connection goes on");
	is_str(weir_future_data(g, NULL), "b", "with its own data");
	is_int(orders, 1, "the late reply is nobody's");
	weir_future_destroy(f);
	weir_future_destroy(g);
	f = weir_kvs_get(h, NULL, "c", NULL);
	g = weir_rpc(h, "s.m", NULL, 0, -1);
	is_int(weir_future_get(f), 0, "a tag is used again after its reply");
	weir_future_destroy(g);
	weir_future_destroy(f);
	is_int(weir_flush(h, 5), 0, "flush");
	p.fd = weir_pollfd(h);
	poll(&p, 1, -1);
	weir_dispatch(h);
	g = weir_kvs_get(h, NULL, "d", NULL);
	is_int(weir_future_get(g), 0, "a destroyed call's tag too");
	weir_future_destroy(g);
	weir_close(h);
	fake_done("timeouts");
}

static void end_group(weir_future_t *group, void *arg)
{
	note(group, arg);
	is_str(weir_future_data(weir_future_child(group, 1), NULL), "b",
	       "a child within the group's continuation");
	weir_future_destroy(group);
}

static void groups(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 get - a\n1 get - b\n2 get - c\n3 get - d\n"),
		SEND("1 ok {1}\nb\n0 err EIO no\n3 ok\n2 ok\n"), END
	};
	weir_t *h;
	weir_future_t *all, *any, *empty, *d;

	fake_start(steps);
	h = open_fake(0);
	all = weir_future_all(h);
	any = weir_future_any(h);
	empty = weir_future_all(h);
	orders = 0;
	weir_future_push(all, weir_kvs_get(h, NULL, "a", NULL));
	weir_future_push(all, weir_kvs_get(h, NULL, "b", NULL));
	weir_future_push(any, weir_kvs_get(h, NULL, "c", NULL));
	d = weir_kvs_get(h, NULL, "d", NULL);
	weir_future_push(any, d);
	is_int(weir_future_get(empty), 0, "all of none");
	ok(weir_future_push(empty, d) < 0 && errno == EINVAL,
	   "a fulfilled group takes no more");
	ok(weir_future_then(d, -1, note, NULL) < 0 && errno == EINVAL,
	   "a child has no continuation");
	weir_future_then(all, -1, end_group, (void *)5);
	is_int(weir_future_get(any), 0, "any");
	ok(weir_future_child(any, 1) == d && weir_future_ready(d),
	   "it is the one that came");
	ok(!weir_future_child(any, 2), "no third");
	is_int(weir_run(h), 0, "run");
	ok(orders == 1 && order[0] == 5, "all, with one of them an error");
	weir_future_destroy(any);
	weir_future_destroy(empty);
	weir_close(h);
	fake_done("groups");
}

static void close_it(weir_future_t *f, void *arg)
{
	note(f, arg);
	weir_close(weir_future_handle(f));
}

static void lost(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n1 ns-remove x\n"),
		SEND("- err EPROTO what was that\n"), CLOSE, ACCEPT, END
	};
	static const struct fake_step broken[] = {
		ACCEPT, EXPECT("0 get - a\n"), SEND("0 ok {2}\nabc"), END
	};
	static const struct fake_step closes[] = {
		ACCEPT, EXPECT("0 get - a\n1 get - b\n"),
		SEND("0 ok\n1 ok\n"), END
	};
	weir_t *h, *second;
	weir_future_t *f, *g;

	fake_start(steps);
	h = open_fake(0);
	f = weir_kvs_get(h, NULL, "a", NULL);
	g = weir_kvs_namespace_remove(h, "x");
	ok(weir_future_get(f) < 0 && errno == ECONNRESET, "lost: %s",
	   weir_future_strerror(f));
	ok(weir_future_get(g) < 0 && errno == ECONNRESET &&
	   strstr(weir_future_strerror(g), "not known"), "lost: %s",
	   weir_future_strerror(g));
	ok(!weir_kvs_get(h, NULL, "b", NULL) && errno == ECONNRESET,
	   "nothing more is accepted");
	ok(weir_dispatch(h) < 0 && errno == ECONNRESET && weir_pollevents(h),
	   "dispatch says so");
	ok(weir_run(h) == 0, "run has nothing to do");
	ok(weir_flush(h, 1) < 0 && errno == ECONNRESET, "flush fails");
	weir_close(h);
	weir_future_destroy(f);
	weir_future_destroy(g);
	second = open_fake(0);
	weir_close(second);
	fake_done("lost connection");

	fake_start(broken);
	h = open_fake(0);
	f = weir_kvs_get(h, NULL, "a", NULL);
	ok(weir_future_get(f) < 0, "out of step: %s", weir_future_strerror(f));
	weir_future_destroy(f);
	weir_close(h);
	fake_done("a broken stream");

	fake_start(closes);
	h = open_fake(0);
	orders = 0;
	f = weir_kvs_get(h, NULL, "a", NULL);
	g = weir_kvs_get(h, NULL, "b", NULL);
	weir_future_then(f, -1, close_it, (void *)1);
	is_int(weir_future_wait(g, -1), 0, "closed while waiting");
	is_int(weir_future_error(g), ECANCELED, "the one waited for fails");
	is_int(orders, 1, "after the continuation that closed");
	weir_future_destroy(f);
	weir_future_destroy(g);
	fake_done("close within a continuation");
}

static void large(void)
{
	enum { SIZE = 20 << 20 };
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 call s.m {20971520}\n"), SWALLOW(SIZE + 1),
		SEND("0 ok {20971520}\n"), FILL(SIZE), SEND("\n"), END
	};
	char *data = malloc(SIZE);
	const char *back;
	weir_future_t *f;
	weir_t *h;
	size_t len;

	memset(data, 'x', SIZE);
	fake_start(steps);
	h = open_fake(0);
	f = weir_rpc(h, "s.m", data, SIZE, -1);
	is_int(weir_future_get(f), 0, "a large request and reply");
	back = weir_future_data(f, &len);
	ok(len == SIZE && !memcmp(back, data, SIZE), "whole");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("large payloads");
	free(data);
}

int main(void)
{
	unsetenv("WEIR_KVS_NAMESPACE");
	open_errors();
	greeting();
	requests();
	continuations();
	timeouts();
	groups();
	lost();
	large();
	fake_remove();
	return done();
}
