/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to a server of weir-protocol(7) by a script on standard input, over
 * any number of connections, and prints what comes back, as it came. It waits
 * for frames, never for time, so a script says all about the order of things.
 *
 *	wiretalk SOCKET <<END
 *	NAME hello [OPTION...]	connect and be greeted (the reply isn't shown)
 *	NAME open		connect only
 *	NAME send TEXT		TEXT and a line feed; \n \r \\ \xHH stand for bytes
 *	NAME raw TEXT		without line feed
 *	NAME load LINE | TEXT	LINE, the count of TEXT, and TEXT
 *	NAME fill N		N bytes of 'x'
 *	NAME file PATH		the bytes of a file
 *	NAME read N		shows the next N frames
 *	NAME until TAG		shows frames up to TAG's ok or err
 *	NAME push TAG KIND	shows frames up to a push of that kind
 *	NAME drain TAG		as until, but shows only the last
 *	NAME eof		reads up to the end, shows "eof"
 *	NAME shut		sends no more
 *	NAME close
 *	kill PID SIGNAL		a number
 *	say TEXT		shows it
 *	END
 *
 * A payload of over 200 bytes is shown as its size. Status 1 if a server did
 * something else than the script waits for, or after 30 seconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNS_MAX	64
#define SHOWN_MAX	200
#define LIMIT_SECONDS	30

struct conn {
	char name[32];
	int fd;
	char *buf;
	size_t len, size;
};

static struct conn conns[CONNS_MAX];
static int count;
static const char *path;

__attribute__((noreturn))
static void die(const char *what, const char *detail)
{
	fflush(stdout);
	fprintf(stderr, "wiretalk: %s %s\n", what, detail);
	exit(1);
}

static struct conn *find(const char *name)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(conns[i].name, name))
			return &conns[i];
	return NULL;
}

static struct conn *need(const char *name)
{
	struct conn *c = find(name);

	if (!c || c->fd < 0)
		die("no connection", name);
	return c;
}

static struct conn *open_conn(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct conn *c = find(name);

	if (!c) {
		if (count == CONNS_MAX)
			die("too many connections", name);
		c = &conns[count++];
		snprintf(c->name, sizeof(c->name), "%s", name);
	}
	if (strlen(path) >= sizeof(address.sun_path))
		die("too long:", path);
	strcpy(address.sun_path, path);
	c->len = 0;
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address,
				 sizeof(address)) < 0)
		die("cannot connect:", strerror(errno));
	return c;
}

static void send_all(struct conn *c, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;		/* eof will show it */
		if (n < 0)
			die("send:", strerror(errno));
		data += n;
		len -= n;
	}
}

/* Replaces the escapes in TEXT; the length. */
static size_t unescape(char *text)
{
	char *to = text;

	for (char *p = text; *p; p++) {
		unsigned byte;

		if (*p != '\\') {
			*to++ = *p;
		} else if (p[1] == 'x' && sscanf(p + 2, "%2x", &byte) == 1) {
			*to++ = byte;
			p += 3;
		} else {
			p++;
			*to++ = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
		}
	}
	*to = '\0';
	return to - text;
}

/* More bytes into the buffer; false at the end. */
static bool more(struct conn *c)
{
	ssize_t n;

	if (c->size - c->len < 65536) {
		c->size = 2 * c->size + 131072;
		c->buf = realloc(c->buf, c->size);
		if (!c->buf)
			die("no memory", "");
	}
	n = read(c->fd, c->buf + c->len, c->size - c->len);
	if (n < 0 && errno != ECONNRESET)
		die("read:", strerror(errno));
	if (n > 0)
		c->len += n;
	return n > 0;
}

/* A line that ends with text for people, which may end like a count. */
static bool is_text(char *line, size_t len)
{
	char *space = memchr(line, ' ', len);

	if (space && line[0] == '*')
		space = memchr(space + 1, ' ', line + len - space - 1);
	return space && (!strncmp(space, " err ", 5) ||
			 !strncmp(space, " end ", 5));
}

/* A whole frame at the beginning of the buffer: the length of its line and of
 * its payload (-1: none). False at the end of the stream. */
static bool frame(struct conn *c, size_t *line, ssize_t *payload)
{
	char *lf, *brace;
	size_t need_len;

	while (!(lf = c->len ? memchr(c->buf, '\n', c->len) : NULL))
		if (!more(c))
			return false;
	*line = lf - c->buf;
	*payload = -1;
	brace = *line > 2 && lf[-1] == '}' && !is_text(c->buf, *line) ?
		memrchr(c->buf, '{', *line) : NULL;
	if (!brace || brace == c->buf || brace[-1] != ' ')
		return true;
	*payload = atol(brace + 1);
	need_len = *line + 1 + *payload + 1;
	while (c->len < need_len)
		if (!more(c))
			return false;
	return true;
}

static void show(struct conn *c, size_t line, ssize_t payload)
{
	printf("%.*s\n", (int)line, c->buf);
	if (payload > SHOWN_MAX)
		printf("(%zd bytes)\n", payload);
	else if (payload >= 0)
		printf("%.*s\n", (int)payload, c->buf + line + 1);
}

static void consume(struct conn *c, size_t line, ssize_t payload)
{
	size_t n = line + 1 + (payload >= 0 ? payload + 1 : 0);

	memmove(c->buf, c->buf + n, c->len - n);
	c->len -= n;
}

static bool begins(const char *line, size_t len, const char *a, const char *b,
		   const char *c)
{
	char want[256];
	int n = snprintf(want, sizeof(want), "%s%s%s%s%s", a, *a ? " " : "", b,
			 *c ? " " : "", c);

	return len >= (size_t)n && !memcmp(line, want, n) &&
		(len == (size_t)n || line[n] == ' ');
}

/* Takes frames up to the one that begins so; QUIET shows only that one. */
static void take(struct conn *c, const char *tag, const char *kind,
		 const char *other, const char *mark, bool quiet, bool none)
{
	bool found = false;
	ssize_t payload;
	size_t line;

	while (!found) {
		if (!frame(c, &line, &payload))
			die("the stream ended before", tag);
		found = begins(c->buf, line, mark, tag, kind) ||
			(other && begins(c->buf, line, mark, tag, other));
		if (!none && (!quiet || found))
			show(c, line, payload);
		consume(c, line, payload);
	}
}

static void take_count(struct conn *c, long n)
{
	ssize_t payload;
	size_t line;

	while (n-- > 0) {
		if (!frame(c, &line, &payload))
			die("the stream ended on", c->name);
		show(c, line, payload);
		consume(c, line, payload);
	}
}

static void take_eof(struct conn *c)
{
	ssize_t payload;
	size_t line;

	while (frame(c, &line, &payload)) {
		show(c, line, payload);
		consume(c, line, payload);
	}
	if (c->len)
		printf("%.*s...\n", (int)c->len, c->buf);
	puts("eof");
}

/* LINE | TEXT, both with escapes. */
static void send_load(struct conn *c, char *text)
{
	char *payload = strstr(text, " | "), number[32];
	size_t line_len, len;

	if (!payload)
		die("load without |:", text);
	*payload = '\0';
	payload += 3;
	line_len = unescape(text);
	len = unescape(payload);
	send_all(c, text, line_len);
	send_all(c, number, snprintf(number, sizeof(number), " {%zu}\n",
				     len));
	send_all(c, payload, len);
	send_all(c, "\n", 1);
}

static void send_fill(struct conn *c, long n)
{
	static char data[65536];

	memset(data, 'x', sizeof(data));
	for (; n > 0; n -= sizeof(data))
		send_all(c, data, n < (long)sizeof(data) ? n
							 : (long)sizeof(data));
}

static void send_file(struct conn *c, const char *name)
{
	FILE *file = fopen(name, "r");
	char data[65536];
	size_t n;

	if (!file)
		die("cannot open", name);
	while ((n = fread(data, 1, sizeof(data), file)))
		send_all(c, data, n);
	fclose(file);
}

static void hello(const char *name, const char *options)
{
	struct conn *c = open_conn(name);
	char line[512];

	snprintf(line, sizeof(line), "hello hello 1%s%s\n",
		 *options ? " " : "", options);
	send_all(c, line, strlen(line));
	take(c, "hello", "ok", NULL, "", false, true);
}

static void do_kill(char *rest)
{
	char *end;
	long pid = strtol(rest, &end, 10);

	if (pid <= 1 || kill(pid, strtol(end, NULL, 10)) < 0)
		die("kill", rest);
}

static void run(const char *name, const char *command, char *rest)
{
	char *second = strchr(rest, ' ');
	size_t len;

	if (!strcmp(command, "hello")) {
		hello(name, rest);
	} else if (!strcmp(command, "open")) {
		open_conn(name);
	} else if (!strcmp(command, "send") || !strcmp(command, "raw")) {
		len = unescape(rest);
		if (*command == 's')
			rest[len++] = '\n';
		send_all(need(name), rest, len);
	} else if (!strcmp(command, "load")) {
		send_load(need(name), rest);
	} else if (!strcmp(command, "fill")) {
		send_fill(need(name), atol(rest));
	} else if (!strcmp(command, "file")) {
		send_file(need(name), rest);
	} else if (!strcmp(command, "read")) {
		take_count(need(name), atol(rest));
	} else if (!strcmp(command, "until")) {
		take(need(name), rest, "ok", "err", "", false, false);
	} else if (!strcmp(command, "drain")) {
		take(need(name), rest, "ok", "err", "", true, false);
	} else if (!strcmp(command, "push") && second) {
		*second++ = '\0';
		take(need(name), rest, second, NULL, "*", false, false);
	} else if (!strcmp(command, "eof")) {
		take_eof(need(name));
	} else if (!strcmp(command, "shut")) {
		shutdown(need(name)->fd, SHUT_WR);
	} else if (!strcmp(command, "close")) {
		close(need(name)->fd);
		need(name)->fd = -1;
	} else {
		die("no such command:", command);
	}
}

int main(int argc, char **argv)
{
	static char line[1 << 17];

	if (argc != 2)
		die("usage: wiretalk SOCKET", "<SCRIPT");
	path = argv[1];
	alarm(LIMIT_SECONDS);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line) - 1, stdin)) {
		char *name = line + strspn(line, " \t"), *command, *rest;

		name[strcspn(name, "\n")] = '\0';
		if (!*name || *name == '#')
			continue;
		command = name + strcspn(name, " ");
		if (*command)
			*command++ = '\0';
		if (!strcmp(name, "say")) {
			puts(command);
			continue;
		}
		if (!strcmp(name, "kill")) {
			do_kill(command);
			continue;
		}
		rest = command + strcspn(command, " ");
		if (*rest)
			*rest++ = '\0';
		run(name, command, rest);
	}
	return 0;
}
