/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer: whatever a server sends, libweir neither crashes nor hangs, and in
 * the end each future is fulfilled. The first byte chooses how the client
 * behaves, the rest is sent after a greeting. */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libclient/internal.h"
#include "t/fuzz/fuzz.h"

#define GREETING "hello ok protocol=1 instance=i role=owner\n"
#define FUTURES	13
#define DIFF	12

static uint8_t behaviour;
static weir_future_t *future[FUTURES];
static weir_call_t *held;
static bool closed;

static void drop(weir_call_t *call, void *arg)
{
	if (call == held)
		held = NULL;
	weir_call_fail(call, EIO, "dropped");
}

static void serve(weir_call_t *call, void *arg)
{
	size_t len;

	must(weir_call_data(call, &len) && weir_call_from(call));
	weir_call_more(call, "1", 1);
	if ((behaviour & 1) && !held) {
		held = call;
		weir_call_on_drop(call, drop, NULL);
	} else {
		weir_call_reply(call, NULL, 0);
	}
}

static void look(weir_future_t *f, void *arg)
{
	struct weir_kvs_change change;
	const char *type, *name;
	uint64_t n;
	size_t len;
	int i;

	must(weir_future_ready(f));
	weir_future_u64(f, "version", &n);
	if (weir_future_data(f, &len))
		must(!((const char *)weir_future_data(f, NULL))[len]);
	for (i = 0; weir_future_word(f, i); i++)
		;
	must(weir_future_error(f) >= 0 && weir_future_strerror(f));
	if (!weir_future_error(f) && arg == (void *)DIFF)
		while (weir_kvs_diff_next(f, &change) == 1)
			must(*change.what && *change.was && *change.is &&
			     change.key);
	else if (!weir_future_error(f))
		while (weir_kvs_list_next(f, &type, &n, &name) == 1)
			;
	if (behaviour & 2) {
		weir_future_destroy(f);
		future[(intptr_t)arg] = NULL;
	} else if ((behaviour & 4) && !arg) {
		closed = true;
		weir_close(weir_future_handle(f));
	}
}

static void message(weir_t *h, const char *from, uid_t uid, const void *data,
		    size_t len, void *arg)
{
	must(from && (data || !len));
}

static void ask(weir_t *h)
{
	struct weir_kvs_place from = { .key = "d" };
	int i;

	future[0] = weir_kvs_get(h, NULL, "a", NULL);
	future[1] = weir_kvs_namespace_remove(h, "b");
	future[2] = weir_rpc(h, "s.m", NULL, 0, -1);
	for (i = 0; i < 3; i++)
		future[3 + i] = weir_kvs_watch(h, NULL, "w", i, WEIR_FROM_NOW,
					       0, 0);
	future[6] = weir_event_subscribe(h, "");
	future[7] = weir_serve(h, "s", serve, NULL);
	future[8] = weir_log_read(h, true);
	future[9] = weir_lease(h, 1);
	future[10] = weir_job_events(h, 1);
	future[11] = weir_kvs_list(h, NULL, ".", NULL, NULL, 0);
	future[DIFF] = weir_kvs_diff(h, &from, NULL, 0);
	for (i = 0; i < FUTURES; i++) {
		must(future[i]);
		if (behaviour & 8)
			weir_future_then(future[i], -1, look,
					 (void *)(intptr_t)i);
	}
	weir_on_message(h, message, NULL);
}

/* Bytes that the client has not room for are not sent. */
static void converse(weir_t *h, int peer, const char *data, size_t size)
{
	char sink[4096];

	must(write(peer, GREETING, strlen(GREETING)) > 0);
	while (size > 0) {
		ssize_t n = write(peer, data, size);

		if (n < 0)
			break;
		data += n;
		size -= (size_t)n;
	}
	shutdown(peer, SHUT_WR);
	handle_enter(h);
	while (h->fd >= 0 && !h->closing && weir_dispatch(h) >= 0)
		while (read(peer, sink, sizeof(sink)) > 0)
			;
	handle_leave(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_error error;
	int pair[2], i;
	weir_t *h;

	if (size < 1)
		return 0;
	behaviour = data[0];
	closed = false;
	h = handle_create("x", behaviour & 16 ? WEIR_O_RECONNECT : 0, "t",
			  NULL, &error);
	must(h && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	h->fd = pair[0];
	must(io_begin(h) == 0);
	/* as if weir_open had waited for the greeting */
	must(write(pair[1], GREETING, strlen(GREETING)) > 0);
	while (!h->greeting)
		io_read(h);
	ask(h);
	converse(h, pair[1], (const char *)data + 1, size - 1);
	if (!(behaviour & 8) && !(behaviour & 16))
		for (i = 0; i < FUTURES; i++)
			must(weir_future_ready(future[i]));
	if (!closed)
		weir_close(h);
	for (i = 0; i < FUTURES; i++)
		weir_future_destroy(future[i]);
	close(pair[1]);
	return 0;
}
