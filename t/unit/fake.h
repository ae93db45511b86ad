/* SPDX-License-Identifier: Apache-2.0 */
/* A server that plays a script, for tests of the client library: a child
 * process on a Unix socket. What the client sends must be, byte for byte, what
 * the script expects; if it is not, the child says so, hangs up and fails. */
#ifndef WEIR_FAKE_H
#define WEIR_FAKE_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"

enum fake_what {
	FAKE_END,	/* wait until the client closes; nothing may come */
	FAKE_ACCEPT,	/* also greets, unless TEXT is given */
	FAKE_EXPECT,	/* TEXT is received */
	FAKE_SEND,	/* TEXT */
	FAKE_SWALLOW,	/* N bytes are received, whatever they are */
	FAKE_FILL,	/* N bytes x are sent */
	FAKE_CLOSE,
	FAKE_REFUSE,	/* stop listening until the next FAKE_ACCEPT */
};

struct fake_step {
	enum fake_what what;
	const char *text;
	size_t n;
};

#define EXPECT(text)	{ FAKE_EXPECT, text, 0 }
#define SEND(text)	{ FAKE_SEND, text, 0 }
#define SWALLOW(n)	{ FAKE_SWALLOW, NULL, n }
#define FILL(n)		{ FAKE_FILL, NULL, n }
#define ACCEPT		{ FAKE_ACCEPT, NULL, 0 }
#define ACCEPT_RAW	{ FAKE_ACCEPT, "", 0 }
#define CLOSE		{ FAKE_CLOSE, NULL, 0 }
#define REFUSE		{ FAKE_REFUSE, NULL, 0 }
#define END		{ FAKE_END, NULL, 0 }

#define HELLO		"hello hello 1 name=t\n"
#define GREETING	"hello ok protocol=1 server=weir-0 instance=i1 " \
			"endpoint=c7 uid=1000 role=owner\n"

static char fake_dir[] = "/tmp/weir-fake.XXXXXX";
static char fake_path[64];
static pid_t fake_pid;

/* ---- in the child ---- */

static int fake_listen(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, fake_path);
	unlink(fake_path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 4) < 0) {
		perror("fake server");
		_exit(2);
	}
	return fd;
}

static void fake_read(int fd, char *buf, size_t len, const char *want)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = read(fd, buf + at, len - at);

		if (n > 0) {
			at += (size_t)n;
			if (want && memcmp(buf, want, at)) {
				at += (size_t)recv(fd, buf + at, len - at,
						   MSG_DONTWAIT) + 1;
				break;
			}
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	if (at == len && (!want || !memcmp(buf, want, len)))
		return;
	fprintf(stderr, "# fake server got '%.*s'\n# instead of '%s'\n",
		(int)at, buf, want ? want : "so many bytes");
	_exit(1);
}

static void fake_write(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			_exit(3);
		text += n;
		len -= (size_t)n;
	}
}

static void fake_expect(int fd, const char *text)
{
	size_t len = strlen(text);
	char *buf = malloc(len + 1);

	fake_read(fd, buf, len, text);
	free(buf);
}

static void fake_bulk(int fd, enum fake_what what, size_t left)
{
	char buf[65536];

	memset(buf, 'x', sizeof(buf));
	while (left > 0) {
		size_t n = left < sizeof(buf) ? left : sizeof(buf);

		if (what == FAKE_FILL)
			fake_write(fd, buf, n);
		else
			fake_read(fd, buf, n, NULL);
		left -= n;
	}
}

static void fake_play(const struct fake_step *step, int listener)
{
	int fd = -1;
	char c;

	for (;; step++) {
		switch (step->what) {
		case FAKE_ACCEPT:
			if (listener < 0)
				listener = fake_listen();
			fd = accept(listener, NULL, NULL);
			if (!step->text) {
				fake_expect(fd, HELLO);
				fake_write(fd, GREETING, strlen(GREETING));
			}
			break;
		case FAKE_EXPECT:
			fake_expect(fd, step->text);
			break;
		case FAKE_SEND:
			fake_write(fd, step->text, strlen(step->text));
			break;
		case FAKE_SWALLOW:
		case FAKE_FILL:
			fake_bulk(fd, step->what, step->n);
			break;
		case FAKE_CLOSE:
			close(fd);
			break;
		case FAKE_REFUSE:
			close(listener);
			listener = -1;
			break;
		case FAKE_END:
			if (read(fd, &c, 1) > 0) {
				fprintf(stderr, "# fake server got '%c' after "
					"the end\n", c);
				_exit(1);
			}
			_exit(0);
		}
	}
}

/* ---- in the test ---- */

/* Listens, then plays STEPS in a child. */
__attribute__((unused))
static void fake_start(const struct fake_step *steps)
{
	int fd;

	if (!fake_path[0]) {
		if (!mkdtemp(fake_dir))
			abort();
		snprintf(fake_path, sizeof(fake_path), "%s/s", fake_dir);
	}
	fd = fake_listen();
	fflush(stdout);
	fake_pid = fork();
	if (fake_pid == 0) {
		alarm(60);
		fake_play(steps, fd);
	}
	close(fd);
}

/* After weir_close: the server has seen what it expected. */
__attribute__((unused))
static void fake_done(const char *what)
{
	int status = -1;

	waitpid(fake_pid, &status, 0);
	is_int(status, 0, what);
}

__attribute__((unused))
static void fake_remove(void)
{
	unlink(fake_path);
	rmdir(fake_dir);
}

#endif
