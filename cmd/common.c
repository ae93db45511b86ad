/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands share: messages, options, the connection. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/complete.h"

const char *cmd_name = "weir";
int usage_status = 1;
bool options_anywhere;

__attribute__((format(printf, 1, 0)))
static void message(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", cmd_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void leave(int status)
{
	fflush(NULL);
	_exit(status);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	leave(1);
}

/* "weir-kvs" gives "kvs". */
static const char *command_word(void)
{
	const char *dash = strchr(cmd_name, '-');

	return dash ? dash + 1 : "weir";
}

void usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try `weir help %s' for more information.\n",
		command_word());
	leave(usage_status);
}

/* Refuses a long option that is not written in full. */
static void check_long(const char *word, const struct option *longs,
		       const char *page)
{
	size_t len = strcspn(word + 2, "=");
	int i;

	if (len == 0)
		return;		/* "--" */
	if (len == 4 && !strncmp(word + 2, "help", 4))
		show_page(page);
	for (i = 0; longs[i].name; i++)
		if (strlen(longs[i].name) == len &&
		    !strncmp(longs[i].name, word + 2, len))
			return;
	usage_error("unrecognized option '%.*s'", (int)len + 2, word);
}

int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs, const char *page)
{
	static bool begun;
	char list[128];
	int c, next = optind;

	if (completing)
		complete_options(shorts, longs);
	/* the other order takes effect only when getopt begins anew */
	if (options_anywhere && !begun)
		optind = 0;
	begun = true;
	while (options_anywhere && next < argc && argv[next][0] != '-')
		next++;
	if (next < argc && !strncmp(argv[next], "--", 2))
		check_long(argv[next], longs, page);
	snprintf(list, sizeof(list), "%s:%s%s", options_anywhere ? "" : "+",
		 shorts,
		 strchr(shorts, 'h') ? "" : "h");
	opterr = 0;
	c = getopt_long(argc, argv, list, longs, NULL);
	if (c == 'h' && !strchr(shorts, 'h'))
		show_page(page);
	if (c == ':')
		usage_error("option '%s' needs an argument", argv[optind - 1]);
	if (c == '?') {
		if (optopt && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
				     "OPQRSTUVWXYZ0123456789", optopt))
			usage_error("unrecognized option '-%c'", optopt);
		usage_error("option '%s' is wrong", argv[optind - 1]);
	}
	return c;
}

static void list_verbs(FILE *out, const struct verb *verbs)
{
	const struct verb *v;

	fprintf(out, "Usage: weir %s COMMAND [OPTIONS] ...\n", command_word());
	for (v = verbs; v->word; v++)
		fprintf(out, "   %s %s\n", v->word, v->usage);
}

static const struct verb *running;

int run_verb(const struct verb *verbs, int argc, char **argv,
	     const char *page)
{
	const struct verb *v;

	if (completing)
		complete_verbs(verbs);
	if (argc < 2) {
		list_verbs(stderr, verbs);
		return 1;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		show_page(page);
	for (v = verbs; v->word; v++)
		if (!strcmp(v->word, argv[1])) {
			optind = 1;
			running = v;
			return v->main(argc - 1, argv + 1);
		}
	if (completing)
		return 0;
	warn("unknown subcommand '%s'", argv[1]);
	list_verbs(stderr, verbs);
	return 1;
}

void verb_usage(void)
{
	fprintf(stderr, "Usage: weir %s %s %s\n", command_word(),
		running->word, running->usage);
	leave(1);
}

/* A socket where nobody listens may be that of a kvsd that is being started
 * again: that is given some time. */
weir_t *open_instance(int flags)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	struct weir_error error;
	weir_t *h;
	int tries = 100, first = 0;

	while (!(h = weir_open_as(NULL, flags, cmd_name, NULL, &error))) {
		first = first ? first : error.errnum;
		if ((first != ECONNREFUSED && first != ECONNRESET) ||
		    tries-- == 0)
			die("unable to connect to the instance: %s",
			    error.text);
		nanosleep(&pause, NULL);
	}
	return h;
}

/* ---- a connection that may be lost for a while ---- */

#define TICK_NS		100000000L
#define TICKS		100	/* then there is no hope */

static char *run_folder;
static timer_t lost_timer;
static bool has_timer;
static volatile sig_atomic_t ticks;

/* In a signal handler, for the program may wait anywhere. */
static void on_tick(int signum)
{
	static const char text[] = ": connection to the instance lost\n";
	ssize_t n;

	(void)signum;
	if (++ticks < TICKS && access(run_folder, F_OK) == 0)
		return;
	n = write(STDERR_FILENO, cmd_name, strlen(cmd_name));
	n = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)n;
	_exit(1);
}

static void on_state(weir_t *h, bool connected, void *arg)
{
	struct itimerspec t = { .it_value = { 0 } };

	(void)h;
	(void)arg;
	ticks = 0;
	if (!connected)
		t.it_value.tv_nsec = t.it_interval.tv_nsec = TICK_NS;
	if (has_timer)
		timer_settime(lost_timer, 0, &t, NULL);
}

weir_t *open_lasting(void)
{
	weir_t *h = open_instance(WEIR_O_RECONNECT);
	struct sigaction sa = { .sa_handler = on_tick,
				.sa_flags = SA_RESTART };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGRTMIN };
	const char *path = weir_uri(h);
	char *slash;

	run_folder = xstrdup(strncmp(path, "local://", 8) ? path : path + 8);
	slash = strrchr(run_folder, '/');
	if (slash && slash > run_folder)
		*slash = '\0';
	else
		strcpy(run_folder, slash ? "/" : ".");
	sigaction(SIGRTMIN, &sa, NULL);
	has_timer = timer_create(CLOCK_MONOTONIC, &e, &lost_timer) == 0;
	weir_on_state(h, on_state, NULL);
	return h;
}

weir_future_t *made(weir_future_t *f, const char *what)
{
	if (!f)
		die("%s: %s", what, strerror(errno));
	return f;
}

void must(weir_future_t *f, const char *what)
{
	made(f, what);
	if (weir_future_get(f) < 0)
		die("%s: %s", what, weir_future_strerror(f));
}

void show_page(const char *page)
{
	execlp("man", "man", page, (char *)NULL);
	die("cannot run man to show %s(1): %s", page, strerror(errno));
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		die("out of memory");
	return p;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		die("out of memory");
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	return p;
}

char *read_all(FILE *file, size_t *len)
{
	size_t size = 65536, n = 0, got;
	char *data = xmalloc(size);

	while ((got = fread(data + n, 1, size - n - 1, file)) > 0) {
		n += got;
		if (n + 1 == size)
			data = xrealloc(data, size *= 2);
	}
	if (ferror(file))
		die("reading standard input: %s", strerror(errno));
	data[n] = '\0';
	*len = n;
	return data;
}
