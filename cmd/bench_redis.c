/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench: the baseline of a redis-server of our own, beside the instance's
 * store and syncing like it, spoken to over a Unix socket as the figures are:
 * one request after the other, or a window of them in flight. Where there is
 * no redis-server, that is said once and the figures have other baselines.
 * See weir-bench(1).
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/bench.h"

#define SECONDS		0.3		/* of each measurement */

extern char **environ;

struct redis {
	const struct bench *b;
	char dir[104], path[108];	/* path: of the socket */
	pid_t pid;
	int fd;
	char in[65536];
	size_t sent;			/* requests, ever: for the keys */
};

static int talk_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, strnlen(path, sizeof(addr.sun_path) - 1));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Its first line comes when it is ready to serve: the pipe is its log. */
static int await_ready(struct redis *r, int log)
{
	FILE *file = fdopen(log, "r");
	char line[512];

	if (!file) {
		close(log);
		return -1;
	}
	while (r->fd < 0 && fgets(line, sizeof(line), file))
		if (strstr(line, "eady to accept connections"))
			r->fd = talk_to(r->path);
	fclose(file);
	return r->fd < 0 ? -1 : 0;
}

static int start(struct redis *r)
{
	const char *sync = strcmp(r->b->durability, "none") ? "always" : "no";
	const char *const argv[] = { "redis-server", "--port", "0",
		"--unixsocket", r->path, "--dir", r->dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", sync, "--loglevel",
		"notice", NULL };
	posix_spawn_file_actions_t actions;
	int fd[2], rc;

	if (pipe(fd))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, fd[0]);
	posix_spawn_file_actions_adddup2(&actions, fd[1], 1);
	posix_spawn_file_actions_adddup2(&actions, fd[1], 2);
	rc = posix_spawnp(&r->pid, argv[0], &actions, NULL,
			  (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fd[1]);
	if (rc) {
		r->pid = 0;
		close(fd[0]);
		bench_fail("baseline: redis-server is not installed (%s): "
			   "LMDB and round trips stand in for it",
			   strerror(rc));
		return -1;
	}
	if (!await_ready(r, fd[0]))
		return 0;
	return bench_fail("baseline: redis-server does not start in %s",
			  r->dir);
}

static void stop(struct redis *r)
{
	const char *const argv[] = { "rm", "-rf", r->dir, NULL };
	struct spawned result = { 0 };

	if (r->fd >= 0)
		close(r->fd);
	if (r->pid > 0) {
		kill(r->pid, SIGTERM);
		waitpid(r->pid, NULL, 0);
	}
	spawn_run(argv, &result);
}

/* ---- measuring ---- */

/* N requests in one write; -1 if they do not go. */
static int send_some(struct redis *r, bool set, size_t n)
{
	static char out[1 << 20], value[BENCH_SIZE_MAX];
	size_t len = 0, at = 0, size = set ? r->b->size : 0;
	ssize_t done;

	while (n--) {
		char key[32];
		int key_len = snprintf(key, sizeof(key), "key:%zu",
				       r->sent++ % (64 * r->b->dirs));

		if (len + size + 256 > sizeof(out))
			break;
		len += sprintf(out + len, "*%d\r\n$3\r\n%s\r\n$%d\r\n%s\r\n",
			       set ? 3 : 2, set ? "SET" : "GET", key_len, key);
		if (!set)
			continue;
		len += sprintf(out + len, "$%zu\r\n", size);
		memcpy(out + len, value, size);
		len += size;
		out[len++] = '\r';
		out[len++] = '\n';
	}
	for (; at < len; at += done) {
		done = write(r->fd, out + at, len - at);
		if (done < 0)
			return -1;
	}
	return 0;
}

/* Whole replies in what comes next, at least one; *REST are the bytes of one
 * that began. All replies of a kind are of one length. */
static long take_some(struct redis *r, size_t reply, size_t *rest)
{
	size_t had = *rest;

	do {
		ssize_t n = read(r->fd, r->in, sizeof(r->in));

		if (n <= 0)
			return -1;
		*rest += n;
		if (r->in[0] == '-' && !had)
			return -1;
	} while (*rest < reply);
	had = *rest / reply;
	*rest %= reply;
	return had;
}

/* Operations a second with WINDOW in flight. */
static double measure(struct redis *r, bool set, unsigned window)
{
	double begin = bench_now(), spent = 0;
	size_t count = 0, rest = 0, reply = 5;	/* +OK */
	char head[32];
	long n;

	/* a window that goes out in one write */
	if (set && window > (1 << 20) / (r->b->size + 256))
		window = (1 << 20) / (r->b->size + 256);
	if (!set)
		reply = snprintf(head, sizeof(head), "$%zu\r\n", r->b->size) +
			r->b->size + 2;
	if (send_some(r, set, window))
		return 0;
	while (spent < SECONDS) {
		n = take_some(r, reply, &rest);
		if (n < 0 || send_some(r, set, n))
			return 0;
		count += n;
		spent = bench_now() - begin;
	}
	for (size_t left = window; left; left -= n) {
		n = take_some(r, reply, &rest);
		if (n < 0)
			return 0;
	}
	return count / spent;
}

/* Sets every key once, so that each get finds its. */
static int fill(struct redis *r)
{
	size_t rest = 0, left = 64 * r->b->dirs, n;

	for (r->sent = 0; left; left -= n) {
		size_t got = 0;

		n = left < 16 ? left : 16;
		if (send_some(r, true, n))
			return -1;
		while (got < n) {
			long more = take_some(r, 5, &rest);

			if (more < 0)
				return -1;
			got += more;
		}
	}
	return 0;
}

static void measure_all(struct redis *r, struct redis_rates *rates)
{
	if (fill(r)) {
		bench_fail("baseline: redis-server does not answer");
		return;
	}
	rates->set_serial = measure(r, true, 1);
	rates->set_pipelined = measure(r, true, r->b->window);
	rates->get_serial = measure(r, false, 1);
	rates->get_pipelined = measure(r, false, r->b->window);
}

const struct redis_rates *base_redis(const struct bench *b)
{
	static struct redis_rates rates;
	static bool asked;
	struct redis r = { .b = b, .fd = -1 };
	const char *tmp = getenv("TMPDIR");

	if (asked || !b->baseline)
		return &rates;
	asked = true;
	if (snprintf(r.dir, sizeof(r.dir), "%s/redis-XXXXXX", b->statedir ?
		     b->statedir : tmp ? tmp : "/tmp") >=
	    (int)sizeof(r.dir)) {
		bench_fail("baseline: no redis-server: the path of its socket "
			   "would be too long");
		return &rates;
	}
	if (!mkdtemp(r.dir)) {
		bench_fail("baseline: %s: %s", r.dir, strerror(errno));
		return &rates;
	}
	snprintf(r.path, sizeof(r.path), "%s/s", r.dir);
	if (!start(&r))
		measure_all(&r, &rates);
	stop(&r);
	return &rates;
}
