/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench herd: many watches on one connection, many connections, many
 * watchers of one key. Sockets of our own, so that what is measured is the
 * server and not libweir. See weir-bench(1).
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/bench.h"

#define MILLI		1e3
#define ROUNDS		5		/* of notification; the median counts */
#define SPARE_FILES	64
#define AT_ONCE		256		/* requests written before replies are
					   read */

/* A connection, and what came on it. Tags begin with w, values with v. */
struct peer {
	int fd;
	char line[64];			/* the beginning of the present one */
	unsigned len;
	size_t replies, pushes;
	bool failed;
};

static void line_end(struct peer *p)
{
	p->line[p->len < sizeof(p->line) ? p->len : sizeof(p->line) - 1] = 0;
	if (p->line[0] == '*') {
		p->pushes++;
	} else if (p->line[0] == 'w') {
		p->replies++;
		if (strstr(p->line, " err ") && !p->failed)
			p->failed = bench_fail("herd: %s", p->line);
	}
	p->len = 0;
}

/* Takes what is there; waits for it if there is nothing. */
static int take(struct peer *p)
{
	char buf[65536];
	ssize_t n = read(p->fd, buf, sizeof(buf));

	if (n <= 0 || p->failed)
		return bench_fail("herd: the connection is gone");
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			line_end(p);
		else if (p->len++ < sizeof(p->line))
			p->line[p->len - 1] = buf[i];
	}
	return 0;
}

static int put_all(struct peer *p, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(p->fd, data, len);

		if (n < 0)
			return bench_fail("herd: %s", strerror(errno));
		data += n;
		len -= n;
	}
	return 0;
}

static int join(struct bench *b, struct peer *p)
{
	static const char scheme[] = "local://", hello[] = "w hello 1\n";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = weir_uri(b->h);

	memset(p, 0, sizeof(*p));
	if (!strncmp(path, scheme, sizeof(scheme) - 1))
		path += sizeof(scheme) - 1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0 ||
	    connect(p->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return bench_fail("herd: cannot connect: %s", strerror(errno));
	if (put_all(p, hello, strlen(hello)))
		return -1;
	while (!p->replies)
		if (take(p))
			return -1;
	return 0;
}

static void leave_peer(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
}

/* COUNT watches, of one key or each of its own. */
static int watch_many(struct bench *b, struct peer *p, size_t count, bool one)
{
	size_t before = p->replies, pushed = p->pushes;
	char buf[AT_ONCE * 192];

	for (size_t i = 0; i < count;) {
		size_t len = 0;

		for (size_t j = 0; j < AT_ONCE && i < count; j++, i++)
			len += one ? sprintf(buf + len, "w%zu watch - "
					     "%s.herd\n", i, b->key) :
				sprintf(buf + len, "w%zu watch - %s.w%zu.x "
					"wait=1\n", i, b->key, i);
		if (put_all(p, buf, len))
			return -1;
		while (p->replies - before < i ||
		       (one && p->pushes - pushed < i))
			if (take(p))
				return -1;
	}
	return 0;
}

/* Commits the watched key; -1 on an error. */
static int commit_one(struct bench *b, size_t round)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f = NULL;
	char key[128], value[32];
	int rc = -1;

	snprintf(key, sizeof(key), "%s.herd", b->key);
	snprintf(value, sizeof(value), "v%zu", round);
	if (txn && !weir_txn_put(txn, key, value, strlen(value)))
		f = weir_kvs_commit(b->h, NULL, txn, 0);
	if (f)
		rc = weir_future_get(f);
	if (rc)
		bench_fail("herd: %s", f ? weir_future_strerror(f) :
			   "out of memory");
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	return rc;
}

/* Bytes of the server's own memory, without what it maps. */
static double server_memory(struct bench *b)
{
	weir_future_t *f = weir_request(b->h, "stats", NULL, NULL, 0);
	const char *text = f && !weir_future_get(f) ?
			   weir_future_data(f, NULL) : NULL;
	json_t *o = text ? json_loads(text, 0, NULL) : NULL;
	json_int_t bytes = 0;

	if (json_unpack(o, "{s:{s:I}}", "process", "memory-own-bytes", &bytes))
		bench_fail("herd: the server gives no figures");
	json_decref(o);
	weir_future_destroy(f);
	return bytes;
}

static void report_bytes(struct bench *b, const char *name, size_t n,
			 double bytes)
{
	bench_report(b, &(struct figure){ .name = name, .unit = "bytes",
					  .n = n, .value = bytes / n });
}

/* ---- one connection ---- */

static int many_watches(struct bench *b, size_t n)
{
	struct peer p;
	double before = server_memory(b);
	int rc = join(b, &p) || watch_many(b, &p, n, false);

	if (!rc)
		report_bytes(b, "herd.watch-memory", n,
			     server_memory(b) - before);
	leave_peer(&p);
	return rc;
}

static double commit_time(struct bench *b)
{
	struct samples s = { 0 };
	double begin, median;

	for (size_t i = 0; i < ROUNDS; i++) {
		begin = bench_now();
		if (commit_one(b, i))
			return 0;
		samples_add(&s, bench_now() - begin);
	}
	median = samples_percentile(&s, 0.5);
	samples_free(&s);
	return median;
}

static void report_notify(struct bench *b, const char *name, size_t n,
			  double plain, struct samples *s)
{
	bench_report(b, &(struct figure){
		.name = name, .unit = "ms", .n = n, .latency = s,
		.value = MILLI * samples_percentile(s, 0.5),
		.baseline = MILLI * plain,
		.baseline_name = "commit that nobody watches" });
}

static int one_key(struct bench *b, size_t n)
{
	double begin, plain = commit_time(b);
	struct samples s = { 0 };
	struct peer p;
	int rc = join(b, &p) || watch_many(b, &p, n, true);

	for (size_t i = 1; i <= ROUNDS && !rc; i++) {
		begin = bench_now();
		rc = commit_one(b, ROUNDS + i);
		while (!rc && p.pushes < (i + 1) * n)
			rc = take(&p);
		samples_add(&s, bench_now() - begin);
	}
	if (!rc)
		report_notify(b, "herd.notify", n, plain, &s);
	samples_free(&s);
	leave_peer(&p);
	return rc;
}

/* ---- many connections ---- */

static int await_all(struct peer *peers, int epfd, size_t n, size_t pushes)
{
	struct epoll_event events[256];
	size_t done = 0;

	for (size_t i = 0; i < n; i++)
		done += peers[i].pushes >= pushes;
	while (done < n) {
		int count = epoll_wait(epfd, events, 256, -1);

		for (int i = 0; i < count; i++) {
			struct peer *p = events[i].data.ptr;
			bool had = p->pushes >= pushes;

			if (take(p))
				return -1;
			done += !had && p->pushes >= pushes;
		}
	}
	return 0;
}

/* As many of N as this process may open files for. */
static size_t can_open(size_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (n + SPARE_FILES <= limit.rlim_max)
		return n;
	bench_fail("herd: only %zu connections: the limit of open files",
		   (size_t)limit.rlim_max - SPARE_FILES);
	return limit.rlim_max - SPARE_FILES;
}

static int measure_peers(struct bench *b, struct peer *peers, int epfd,
			 size_t n, double plain)
{
	struct samples s = { 0 };
	double begin;
	int rc = 0;

	for (size_t i = 1; i <= ROUNDS && !rc; i++) {
		begin = bench_now();
		rc = commit_one(b, 2 * ROUNDS + i) ||
			await_all(peers, epfd, n, i + 1);
		samples_add(&s, bench_now() - begin);
	}
	if (!rc)
		report_notify(b, "herd.connections-notify", n, plain, &s);
	samples_free(&s);
	return rc;
}

static int many_connections(struct bench *b, size_t want)
{
	size_t n = can_open(want), joined = 0;
	struct peer *peers = calloc(n, sizeof(*peers));
	double before = server_memory(b), plain = commit_time(b);
	int epfd = epoll_create1(EPOLL_CLOEXEC), rc = 0;

	if (!peers || epfd < 0)
		rc = bench_fail("herd: %s", strerror(errno));
	for (; joined < n && !rc; joined++) {
		struct epoll_event event = { .events = EPOLLIN,
					     .data.ptr = &peers[joined] };

		rc = join(b, &peers[joined]) ||
			watch_many(b, &peers[joined], 1, true) ||
			epoll_ctl(epfd, EPOLL_CTL_ADD, peers[joined].fd,
				  &event);
	}
	if (!rc)
		report_bytes(b, "herd.connection-memory", n,
			     server_memory(b) - before);
	rc = rc || measure_peers(b, peers, epfd, n, plain);
	while (joined)
		leave_peer(&peers[--joined]);
	close(epfd);
	free(peers);
	return rc;
}

int bench_herd(struct bench *b)
{
	size_t n = b->n ? b->n : 100000;
	size_t tenth = b->n ? b->n : 10000;
	int rc = many_watches(b, n) || one_key(b, tenth) ||
		many_connections(b, tenth);

	return load_clean_up(b) || rc ? -1 : 0;
}
