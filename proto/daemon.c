/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemons' main functions share: see daemon.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proto/daemon.h"
#include "proto/wire.h"

#define OPTIONS_MAX	32
#define LINE_MAX_LOG	1024

static struct {
	const char *name;
	int level, fd;
	void (*hook)(int level, const char *text, void *arg);
	void *arg;
} sink = { "weir", LOG_INFO, STDERR_FILENO, NULL, NULL };

/* ---- options ---- */

static void usage(FILE *out, const char *name,
		  const struct daemon_option *options)
{
	const struct daemon_option *o;

	fprintf(out, "Usage: %s [-n]", name);
	for (o = options; o->name; o++)
		fprintf(out, o->kind == DAEMON_FLAG ? " [--%s]" : " [--%s=%s]",
			o->name, o->argument);
	fprintf(out, " [--ready-fd=N] [--log-level=N]\n");
	if (out == stderr)
		return;
	fprintf(out, "  %-24s %s\n", "-n", "check the configuration and exit");
	for (o = options; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name,
			 o->kind == DAEMON_FLAG ? "" : "=",
			 o->kind == DAEMON_FLAG ? "" : o->argument);
		fprintf(out, "  %-24s %s\n", left, o->help);
	}
	fprintf(out, "  %-24s %s\n", "--ready-fd=N",
		"write \"ready\", or why not, to this descriptor");
	fprintf(out, "  %-24s %s\n", "--log-level=N",
		"greatest syslog severity on standard error (default 6)");
}

__attribute__((format(printf, 3, 4), noreturn))
static void usage_error(const char *name, const struct daemon_option *options,
			const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	usage(stderr, name, options);
	exit(2);
}

/* 0, or -1 if TEXT isn't what the option takes. */
static int set_value(const struct daemon_option *o, const char *text)
{
	switch (o->kind) {
	case DAEMON_FLAG:
		*(bool *)o->value = true;
		return 0;
	case DAEMON_STRING:
		*(const char **)o->value = text;
		return *text ? 0 : -1;
	case DAEMON_NUMBER:
		return wire_parse_u64(text, o->value);
	case DAEMON_SECONDS:
		return wire_parse_seconds(text, o->value);
	}
	return -1;
}

enum { OPT_READY = 1000, OPT_LEVEL, OPT_HELP, OPT_VERSION };

static const struct option common[] = {
	{ "ready-fd", required_argument, NULL, OPT_READY },
	{ "log-level", required_argument, NULL, OPT_LEVEL },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static int small_number(const char *text, uint64_t max)
{
	uint64_t n;

	return wire_parse_u64(text, &n) < 0 || n > max ? -1 : (int)n;
}

/* One option that every daemon has; -1 if its argument is wrong. */
static int set_common(struct daemon *d, int id,
		      const struct daemon_option *options)
{
	switch (id) {
	case 'n':
		d->check_only = true;
		return 0;
	case OPT_READY:
		d->ready_fd = small_number(optarg, 1 << 20);
		return d->ready_fd < 0 ||
			fcntl(d->ready_fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
	case OPT_LEVEL:
		d->log_level = small_number(optarg, LOG_DEBUG);
		return d->log_level < 0 ? -1 : 0;
	case OPT_HELP:
		usage(stdout, d->name, options);
		exit(0);
	case OPT_VERSION:
		printf("%s %s\n", d->name, PACKAGE_VERSION);
		exit(0);
	}
	usage(stderr, d->name, options);
	exit(2);
}

void daemon_options(struct daemon *d, const char *name, int argc, char **argv,
		    const struct daemon_option *options)
{
	struct option table[OPTIONS_MAX + 5];
	int count = 0, c, at = -1;

	*d = (struct daemon) { .name = name, .ready_fd = -1,
			       .log_level = LOG_INFO };
	for (; options[count].name && count < OPTIONS_MAX; count++)
		table[count] = (struct option) {
			options[count].name,
			options[count].kind == DAEMON_FLAG ? no_argument
							   : required_argument,
			NULL, 0 };
	memcpy(&table[count], common, sizeof(common));
	while ((c = getopt_long(argc, argv, "n", table, &at)) != -1) {
		if (!c && set_value(&options[at], optarg) < 0)
			usage_error(name, options, "--%s: '%s' is not valid",
				    options[at].name, optarg);
		if (c && set_common(d, c, options) < 0)
			usage_error(name, options, "--%s: '%s' is not valid",
				    c == OPT_READY ? "ready-fd" : "log-level",
				    optarg);
	}
	if (optind < argc)
		usage_error(name, options, "unexpected argument '%s'",
			    argv[optind]);
	sink.name = name;
	sink.level = d->log_level;
}

/* ---- the starter's pipe ---- */

static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;	/* nobody is there to be told */
		data += n;
		len -= n;
	}
}

void daemon_ready(struct daemon *d)
{
	if (d->ready_fd < 0)
		return;
	write_all(d->ready_fd, "ready\n", 6);
	close(d->ready_fd);
	d->ready_fd = -1;
}

void daemon_fail(struct daemon *d, const char *fmt, ...)
{
	char line[LINE_MAX_LOG];
	int len = snprintf(line, sizeof(line), "%s: ", d->name), more;
	va_list ap;

	va_start(ap, fmt);
	more = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (more > 0)
		len = strlen(line);
	line[len++] = '\n';
	write_all(d->ready_fd < 0 ? STDERR_FILENO : d->ready_fd, line, len);
	exit(1);
}

/* ---- signals ---- */

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

int daemon_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	stop_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int daemon_signal_take(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return info.ssi_signo;
}

void daemon_signals_restore(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	stop_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- starting anew ---- */

void daemon_restart(struct daemon *d, char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int i, kept = 0;

	for (i = 0; argv[i]; i++)
		if (strncmp(argv[i], "--ready-fd", 10))
			argv[kept++] = argv[i];
	argv[kept] = NULL;
	daemon_signals_restore();
	/* by its path, so that the process keeps its name */
	if (n > 0) {
		path[n] = '\0';
		execv(path, argv);
	}
	execv("/proc/self/exe", argv);
	daemon_fail(d, "cannot start anew: %s", strerror(errno));
}

/* ---- log lines ---- */

void daemon_log(int level, const char *fmt, ...)
{
	static const char *const severity[] = {
		"emergency", "alert", "critical", "error", "warning",
		"notice", "info", "debug"
	};
	char text[LINE_MAX_LOG], line[LINE_MAX_LOG + 128];
	int errnum = errno, len;
	va_list ap;

	level &= LOG_PRIMASK;
	if (level > sink.level && (!sink.hook || level > LOG_INFO))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	len = snprintf(line, sizeof(line), "%.64s: %s: %s\n", sink.name,
		       severity[level], text);
	if (level <= sink.level)
		write_all(sink.fd, line, len);
	if (sink.hook)
		sink.hook(level, text, sink.arg);
	errno = errnum;
}

void daemon_log_fd(int fd)
{
	sink.fd = fd;
}

void daemon_log_hook(void (*hook)(int level, const char *text, void *arg),
		     void *arg)
{
	sink.hook = hook;
	sink.arg = arg;
}
