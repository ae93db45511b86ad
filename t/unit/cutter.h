/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy between clients and a server, both on Unix sockets, that cuts a
 * connection after a number of bytes, for tests: a child process that serves
 * one client at a time, and what it shares with its parent. */
#ifndef WEIR_CUTTER_H
#define WEIR_CUTTER_H

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum cut_side { CUT_REQUESTS, CUT_REPLIES };

struct cutter {
	_Atomic long left[2];	/* bytes until the cut, by side; negative:
				   none comes */
	_Atomic long next;	/* likewise of the replies, for the connection
				   after the cut */
	_Atomic int cuts;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	pid_t pid;
};

static struct sockaddr_un cutter_address(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return addr;
}

/* Up to where it is cut, of what FROM has. False at an end. */
static bool cutter_pass(struct cutter *c, enum cut_side side, int from, int to)
{
	char buf[16384], *p = buf;
	long left = atomic_load(&c->left[side]);
	size_t most = left >= 0 && left < (long)sizeof(buf) ? (size_t)left :
		      sizeof(buf);
	ssize_t n = most ? read(from, buf, most) : 0, out;

	if (n <= 0)
		return false;
	if (left >= 0)
		atomic_fetch_sub(&c->left[side], n);
	for (; n > 0; n -= out, p += out) {
		out = write(to, p, n);
		if (out <= 0)
			return false;
	}
	return left < 0 || atomic_load(&c->left[side]) > 0;
}

static void cutter_serve(struct cutter *c, int client, const char *server)
{
	struct sockaddr_un addr = cutter_address(server);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p[2] = { { client, POLLIN, 0 }, { fd, POLLIN, 0 } };
	bool on = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;

	while (on && poll(p, 2, -1) > 0) {
		if (p[0].revents)
			on = cutter_pass(c, CUT_REQUESTS, client, fd);
		if (on && p[1].revents)
			on = cutter_pass(c, CUT_REPLIES, fd, client);
	}
	if (!atomic_load(&c->left[0]) || !atomic_load(&c->left[1])) {
		atomic_store(&c->left[CUT_REQUESTS], -1);
		atomic_store(&c->left[CUT_REPLIES],
			     atomic_exchange(&c->next, -1));
		atomic_fetch_add(&c->cuts, 1);
	}
	close(fd);
	close(client);
}

/* Between who connects to PATH and the server at SERVER. */
static struct cutter *cutter_start(const char *path, const char *server)
{
	struct cutter *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sockaddr_un addr = cutter_address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client;
	pid_t pid;

	if (c == MAP_FAILED || fd < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 16) < 0) {
		perror("cutter");
		exit(1);
	}
	strcpy(c->path, addr.sun_path);
	c->left[0] = c->left[1] = c->next = -1;
	fflush(stdout);
	pid = fork();
	if (pid) {
		close(fd);
		c->pid = pid;
		return c;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	while ((client = accept(fd, NULL, NULL)) >= 0)
		cutter_serve(c, client, server);
	_exit(1);
}

static void cutter_stop(struct cutter *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	unlink(c->path);
	munmap(c, sizeof(*c));
}

#endif
