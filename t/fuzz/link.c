/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the link between agent and shell against bytes of the other:
 * those up to the first byte of value 255 go to the agent, after a hello if
 * they begin with 1, the rest to a shell without tasks. execd/link.h. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>

#include "execd/shell.h"
#include "proto/output.h"
#include "t/fuzz/fuzz.h"
#include "t/unit/links.h"

static void begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	must(links_begin() == 0);
	atexit(links_end);
}

static void say(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size < 997 ? size : 997,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			break;
		data += n;
		size -= (size_t)n;
		links_turn();
	}
}

static void to_agent(const uint8_t *data, size_t size)
{
	static const char hello[] = "hello 3 42 1234\n";
	int fd = links_connect();

	*links_told = '\0';
	if (size && *data == 1) {
		say(fd, (const uint8_t *)hello, sizeof(hello) - 1);
		must(!strcmp(links_told, "connected\n"));
		data++;
		size--;
	}
	say(fd, data, size);
	close(fd);
	links_turn();
	must(!links_job.link);
}

static void to_shell(const uint8_t *data, size_t size)
{
	/* no job can be taken up there */
	static const struct shell_spec home = { .socket_path = "/nowhere",
						.rundir = "/nowhere" };
	struct shell_spec spec = home;
	struct shell s = { .home = &home, .lock = -1 };
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			fd) == 0);
	s.fd = fd[0];
	s.decoder = wire_decoder_create(false, LINK_INPUT_MAX);
	must(s.decoder);
	if (size && *data == 2) {	/* it has no job yet */
		data++;
		size--;
	} else {
		s.spec = &spec;
		must(wire_buf_add(&s.output, "0123456789", 10) == 0);
		s.started = true;
	}
	if (size && send(fd[1], data, size, MSG_NOSIGNAL) == (ssize_t)size) {
		while (s.fd >= 0 && recv(s.fd, &(char){ 0 }, 1, MSG_PEEK) > 0)
			link_read(&s);
		link_tell(&s);
		link_write(&s);
	}
	/* malformed input adds a line of its own */
	must((s.spec != &spec || s.acked + s.output.len >= 10) && s.sent >= s.acked &&
	     s.sent <= s.acked + s.output.len);
	if (s.fd >= 0)
		close(s.fd);
	close(fd[1]);
	shell_forget(&s);
	wire_decoder_destroy(s.decoder);
	wire_buf_free(&s.send);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 255, size);
	size_t n = end ? (size_t)(end - data) : size;

	if (!links_agent.base)
		begin();
	to_agent(data, n);
	if (end)
		to_shell(end + 1, size - n - 1);
	return 0;
}
