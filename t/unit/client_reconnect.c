/* SPDX-License-Identifier: Apache-2.0 */
/* libweir against a scripted server that goes away and comes back: what is
 * sent again, what fails, and where watches and subscriptions go on. */
#include "config.h"

#include <event2/event.h>

#include "libclient/weir.h"
#include "t/unit/fake.h"

static char seen[1024];

static void add(const char *text)
{
	strncat(seen, text, sizeof(seen) - strlen(seen) - 1);
}

static void on_state(weir_t *h, bool connected, void *arg)
{
	add(connected ? "(up)" : "(down)");
}

static void see(weir_future_t *f, void *arg)
{
	const char *data = weir_future_data(f, NULL);

	add(arg);
	if (weir_future_error(f)) {
		add("!");
		weir_future_destroy(f);
		return;
	}
	add(weir_future_word(f, 0) ? weir_future_word(f, 0) : "-");
	if (data) {
		add("=");
		add(data);
	}
	add(" ");
}

static void call(weir_call_t *c, void *arg)
{
	add("call ");
	weir_call_reply(c, NULL, 0);
}

static weir_t *open_fake(const struct fake_step *steps)
{
	struct weir_error error;
	weir_t *h;

	fake_start(steps);
	h = weir_open_as(fake_path, WEIR_O_RECONNECT, "t", NULL, &error);
	if (!h) {
		ok(false, "open: %s", error.text);
		exit(done());
	}
	weir_on_state(h, on_state, NULL);
	return h;
}

static void requests(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n1 ns-remove x\n2 call s.m\n"
			       "3 root -\n"),
		CLOSE, ACCEPT,
		EXPECT("0 get - a\n3 root -\n"),
		SEND("3 ok version=3\n0 ok {1}\na\n"),
		EXPECT("0 ping\n"), SEND("0 ok\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *a, *x, *m, *root;

	seen[0] = '\0';
	a = weir_kvs_get(h, NULL, "a", NULL);
	x = weir_kvs_namespace_remove(h, "x");
	m = weir_rpc(h, "s.m", NULL, 0, -1);
	root = weir_kvs_root(h, NULL, NULL);
	is_int(weir_future_get(a), 0, "a read is sent again");
	is_int(weir_future_get(root), 0, "so is another");
	ok(weir_future_get(x) < 0 && errno == ECONNRESET &&
	   strstr(weir_future_strerror(x), "not known"), "a change: %s",
	   weir_future_strerror(x));
	ok(weir_future_get(m) < 0 && errno == ECONNRESET &&
	   strstr(weir_future_strerror(m), "not known"), "a call: %s",
	   weir_future_strerror(m));
	is_str(seen, "(down)(up)", "the state is told");
	weir_future_destroy(a);
	weir_future_destroy(x);
	weir_future_destroy(m);
	weir_future_destroy(root);
	a = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(a), 0, "the connection goes on");
	weir_future_destroy(a);
	weir_close(h);
	fake_done("requests of both connections");
}

/* Nothing listens for a while: what is asked meanwhile waits, or fails. */
static void meanwhile(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, REFUSE, CLOSE, ACCEPT_RAW, EXPECT(HELLO),
		SEND("hello err EEXIST the endpoint is taken\n"), CLOSE,
		ACCEPT_RAW, EXPECT(HELLO), EXPECT("0 get - a\n"),
		SEND(GREETING "0 ok {1}\na\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *a, *x, *d;

	seen[0] = '\0';
	while (!strstr(seen, "down"))
		weir_dispatch(h);
	a = weir_kvs_get(h, NULL, "a", NULL);
	x = weir_kvs_namespace_remove(h, "x");
	d = weir_kvs_get(h, NULL, "d", NULL);
	weir_future_destroy(d);
	ok(weir_future_ready(x) && weir_future_error(x) == ECONNRESET,
	   "a change fails at once: %s", weir_future_strerror(x));
	ok(weir_future_wait(a, 0) < 0 && errno == ETIMEDOUT, "a read waits");
	is_int(weir_future_get(a), 0, "until there is a connection");
	is_str(weir_future_data(a, NULL), "a", "its data");
	is_str(seen, "(down)(up)", "a greeting refused is no connection");
	weir_future_destroy(a);
	weir_future_destroy(x);
	weir_close(h);
	fake_done("tried again and again");
}

static void lasting(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 watch - l mode=latest\n"
		       "1 watch - a mode=append offset=2 wait=1\n"
		       "2 watch - p mode=prefix from=0\n"
		       "3 watch - q mode=prefix\n"
		       "4 subscribe e\n5 serve s\n6 lease 5.000\n"
		       "7 watch - x mode=latest from=3\n"),
		SEND("0 ok version=5\n1 ok version=5\n2 ok version=5\n"
		     "3 ok version=5\n4 ok sequence=8\n5 ok\n6 ok id=44\n"
		     "7 ok version=5\n* 0 value version=5 {1}\nl\n"
		     "* 1 data offset=2 version=5 {3}\nabc\n"
		     "* 2 put p.1 version=5 {1}\n1\n* 2 synced version=5\n"
		     "* 3 synced version=5\n* 3 put q.1 version=6 {1}\n1\n"
		     "* 4 event e sequence=9 uid=1\n"
		     "* 0 value version=7 {1}\nm\n"),
		CLOSE, ACCEPT, EXPECT("6 lease-renew 44\n"
		       "0 watch - l mode=latest from=7 wait=1 anew=1\n"
		       "1 watch - a mode=append from=5 offset=5 wait=1 "
		       "anew=1\n"
		       "2 watch - p mode=prefix from=5 wait=1\n"
		       "3 watch - q mode=prefix from=6 wait=1\n"
		       "4 subscribe e\n5 serve s\n"
		       "7 watch - x mode=latest from=3\n"),
		SEND("0 ok version=9\n1 ok version=9\n2 ok version=9\n"
		     "3 ok version=9\n4 ok sequence=12\n5 ok\n"
		     "7 err ESTALE history starts at 8\n"
		     "* 1 data offset=5 version=9 {1}\nd\n"
		     "* 2 put p.1 version=9 {1}\n1\n* 2 synced version=9\n"
		     "* 3 put q.1 version=9 {1}\n1\n* 3 synced version=9\n"
		     "* 4 event e sequence=13 uid=1\n"
		     "* 5 call 1 m uid=0 role=owner from=c1\n"),
		EXPECT("- reply 1\n"), CLOSE, ACCEPT,
		EXPECT("6 lease-renew 44\n"
		       "0 watch - l mode=latest from=7 wait=1 anew=1\n"
		       "1 watch - a mode=append from=9 offset=6 wait=1 "
		       "anew=1\n"
		       "2 watch - p mode=prefix from=9 wait=1\n"
		       "3 watch - q mode=prefix from=9 wait=1\n"
		       "4 subscribe e\n5 serve s\n"),
		SEND("0 ok version=2\n4 ok sequence=3\n"
		     "* 0 end ENOENT the namespace is gone\n"), END
	};
	weir_t *h = open_fake(steps);
	struct pollfd p = { weir_pollfd(h), POLLIN, 0 };
	weir_future_t *f[8];
	int i;

	seen[0] = '\0';
	f[0] = weir_kvs_watch(h, NULL, "l", WEIR_WATCH_LATEST, WEIR_FROM_NOW,
			      0, 0);
	f[1] = weir_kvs_watch(h, NULL, "a", WEIR_WATCH_APPEND, WEIR_FROM_NOW,
			      2, WEIR_WATCH_WAIT);
	f[2] = weir_kvs_watch(h, NULL, "p", WEIR_WATCH_PREFIX, 0, 0, 0);
	f[3] = weir_kvs_watch(h, NULL, "q", WEIR_WATCH_PREFIX, WEIR_FROM_NOW,
			      0, 0);
	f[4] = weir_event_subscribe(h, "e");
	f[5] = weir_serve(h, "s", call, NULL);
	f[6] = weir_lease(h, 5);
	f[7] = weir_kvs_watch(h, NULL, "x", WEIR_WATCH_LATEST, 3, 0, 0);
	weir_future_then(f[0], -1, see, (void *)"l:");
	weir_future_then(f[1], -1, see, (void *)"a:");
	weir_future_then(f[2], -1, see, (void *)"p:");
	weir_future_then(f[3], -1, see, (void *)"q:");
	weir_future_then(f[4], -1, see, (void *)"e:");
	weir_future_then(f[7], -1, see, (void *)"x:");
	while (!strstr(seen, "l:!") && poll(&p, 1, 10000) > 0)
		weir_dispatch(h);
	is_str(seen, "l:value=l a:data=abc p:put=1 p:synced q:synced q:put=1 e:event "
	       "l:value=m (down)(up)e:lost x:!a:data=d p:put=1 p:synced "
	       "q:put=1 q:synced e:event call (down)(up)e:lost l:!",
	       "watches, subscriptions and services go on");
	is_int(weir_future_get(f[6]), 0, "the lease");
	for (i = 1; i < 7; i++)
		weir_future_destroy(f[i]);
	weir_close(h);
	fake_done("restored");
}

/* It breaks within what became durable together, which the store keeps as one
 * state: none of that has been told, and all of it comes afterwards. */
static void halves(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 watch - p mode=prefix\n"),
		SEND("0 ok version=5\n* 0 synced version=5\n"
		     "* 0 put p.1 version=6 more=1 {1}\n1\n"
		     "* 0 append p.1 offset=1 version=7 whole=9 {1}\n2\n"
		     "* 0 put p.2 version=10 more=1 {1}\n3\n"
		     "* 0 append p.1 offset=2 version=10 more=1 {1}\n4\n"),
		CLOSE, ACCEPT, EXPECT("0 watch - p mode=prefix from=9 wait=1\n"),
		SEND("0 ok version=11\n* 0 put p.1 version=11 {3}\n124\n"
		     "* 0 synced version=11\n"
		     "* 0 put p.3 version=12 more=1 {1}\n5\n"
		     /* the rest would not fit */
		     "* 0 lagged version=11\n"),
		CLOSE, ACCEPT,
		EXPECT("0 watch - p mode=prefix from=11 wait=1\n"),
		SEND("0 ok version=12\n* 0 put p.4 version=12 {1}\n6\n"),
		CLOSE, ACCEPT, EXPECT("0 ping\n"), SEND("0 ok\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f, *ping;

	seen[0] = '\0';
	weir_on_state(h, NULL, NULL);
	f = weir_kvs_watch(h, NULL, "p", WEIR_WATCH_PREFIX, WEIR_FROM_NOW, 0,
			   0);
	while (!weir_future_get(f)) {
		see(f, (void *)"");
		weir_future_next(f);
	}
	is_str(seen, "synced put=1 append=2 put=124 synced lagged put=6 ", "no half of a batch is told");
	is_int(weir_future_error(f), ESTALE,
	       "a difference that broke off cannot be completed");
	ok(strstr(weir_future_strerror(f), "part of a difference"), "%s",
	   weir_future_strerror(f));
	weir_future_destroy(f);
	ping = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(ping), 0, "the handle goes on");
	weir_future_destroy(ping);
	weir_close(h);
	fake_done("halves");
}

/* A lease that ended, or may have, while there was no connection. */
static void leases(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 lease 60.000\n"), SEND("0 ok id=44\n"),
		EXPECT("0 lease 0.000\n"), SEND("0 ok id=45\n"),
		EXPECT("0 lease-renew 46\n"),
		SEND("0 ok seconds=60.000000\n"), CLOSE, ACCEPT,
		EXPECT("0 lease-renew 46\n1 lease-renew 44\n"),
		SEND("0 ok seconds=60.000000\n"
		     "1 err ENOENT lease 44 has ended, at noon [ended=5.5]\n"),
		END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *a = weir_lease(h, 60), *b, *c;

	weir_future_get(a);
	b = weir_lease(h, 0);
	weir_future_get(b);
	c = weir_lease_renew(h, 46);
	weir_future_get(c);
	is_str(weir_future_option(c, "seconds"), "60.000000", "taken over");
	weir_future_next(a);
	weir_future_next(b);
	weir_future_next(c);
	is_int(weir_future_get(b) < 0 ? errno : 0, ETIMEDOUT,
	       "without a connection for its seconds");
	is_int(weir_future_get(a) < 0 ? errno : 0, ENOENT,
	       "it was refused afterwards");
	is_str(weir_future_strerror(a), "lease 44 has ended, at noon",
	       "and the text says so");
	is_str(weir_future_option(a, "ended"), "5.5", "when");
	ok(!weir_future_ready(c), "the other goes on");
	weir_future_destroy(a);
	weir_future_destroy(b);
	weir_future_destroy(c);
	weir_close(h);
	fake_done("leases");
}

static struct event_base *base;

static void stop(weir_future_t *f, void *arg)
{
	see(f, arg);
	weir_future_destroy(f);
	event_base_loopbreak(base);
}

static void libevent(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n"), REFUSE, CLOSE, ACCEPT,
		EXPECT("0 get - a\n"), SEND("0 ok {1}\na\n"), END
	};
	weir_t *h = open_fake(steps);

	seen[0] = '\0';
	base = event_base_new();
	weir_attach(h, base);
	weir_future_then(weir_kvs_get(h, NULL, "a", NULL), -1, stop,
			 (void *)"a:");
	event_base_dispatch(base);
	is_str(seen, "(down)(up)a:-=a ", "under libevent");
	weir_close(h);
	event_base_free(base);
	fake_done("libevent");
}

static void foreign(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n"), REFUSE, CLOSE, ACCEPT,
		EXPECT("0 get - a\n"), SEND("0 ok {1}\na\n"), END
	};
	weir_t *h = open_fake(steps);
	struct pollfd p = { weir_pollfd(h), POLLIN, 0 };
	weir_future_t *f = weir_kvs_get(h, NULL, "a", NULL);

	seen[0] = '\0';
	while (!weir_future_ready(f) && poll(&p, 1, 10000) > 0)
		weir_dispatch(h);
	is_str(seen, "(down)(up)", "under poll");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("poll");
}

static void closes(weir_t *h, bool connected, void *arg)
{
	weir_close(h);
}

static void close_when_lost(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 get - a\n"), CLOSE, REFUSE, END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f = weir_kvs_get(h, NULL, "a", NULL);

	weir_on_state(h, closes, NULL);
	is_int(weir_future_wait(f, -1), 0, "closed when the connection went");
	is_int(weir_future_error(f), ECANCELED, "the read will not be sent");
	weir_future_destroy(f);
	kill(fake_pid, SIGKILL);
	waitpid(fake_pid, NULL, 0);
}

/* Where a watch goes on a difference comes first, also if it was beyond one
 * before: what of it has come is no state to go on from. */
static void broken_off(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 watch - p mode=prefix\n"),
		SEND("0 ok version=3\n* 0 synced version=3\n"),
		CLOSE, ACCEPT, EXPECT("0 watch - p mode=prefix from=3 wait=1\n"),
		SEND("0 ok version=5\n* 0 unlink p.a version=5\n"),
		CLOSE, ACCEPT, EXPECT("0 ping\n"), SEND("0 ok\n"), END
	};
	weir_t *h = open_fake(steps);
	weir_future_t *f, *ping;

	seen[0] = '\0';
	weir_on_state(h, NULL, NULL);
	f = weir_kvs_watch(h, NULL, "p", WEIR_WATCH_PREFIX, WEIR_FROM_NOW, 0,
			   0);
	while (!weir_future_get(f)) {
		see(f, (void *)"");
		weir_future_next(f);
	}
	is_str(seen, "synced unlink ", "a difference after another state");
	is_int(weir_future_error(f), ESTALE, "breaks off");
	ping = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(ping), 0, "the connection goes on");
	weir_future_destroy(f);
	weir_future_destroy(ping);
	weir_close(h);
	fake_done("broken off");
}

int main(void)
{
	unsetenv("WEIR_KVS_NAMESPACE");
	requests();
	meanwhile();
	lasting();
	halves();
	broken_off();
	leases();
	libevent();
	foreign();
	close_when_lost();
	fake_remove();
	return done();
}
