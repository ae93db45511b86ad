/* SPDX-License-Identifier: Apache-2.0 */
/* weir dmesg and logger: the instance's log. weir-dmesg(1), weir-logger(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd/common.h"
#include "cmd/subcommands.h"

static const char *const levels[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"
};

struct dmesg {
	bool human, delta;
	double reference;
};

static void print_time(struct dmesg *d, double t)
{
	time_t seconds = (time_t)t;
	long us = (long)((t - (double)seconds) * 1e6);
	struct tm tm;
	char text[64];

	if (!d->human) {
		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		printf("%s.%06ldZ ", text, us);
		return;
	}
	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%b%d %H:%M", &tm);
	/* a new minute shows the clock, the rest the time since then */
	if (d->reference <= 0 || t - d->reference >= 60) {
		printf("[%s] ", text);
		d->reference = t;
	} else {
		printf("[%+11.6f] ", t - d->reference);
	}
	if (d->delta)
		d->reference = t;
}

/* "schedd-0" is program schedd on rank 0; a name without a rank is rank 0. */
static void print_line(struct dmesg *d, weir_future_t *f)
{
	const char *name = weir_future_option(f, "name"), *data, *dash, *text;
	uint64_t level = 0;
	size_t len;
	double t;

	text = weir_future_option(f, "time");
	t = text ? strtod(text, NULL) : 0;
	weir_future_u64(f, "level", &level);
	data = weir_future_data(f, &len);
	print_time(d, t);
	name = name ? name : "?";
	dash = strrchr(name, '-');
	if (dash && dash[1] >= '0' && dash[1] <= '9')
		printf("%.*s.%s[%s]: ", (int)(dash - name), name,
		       levels[level & 7], dash + 1);
	else
		printf("%s.%s[0]: ", name, levels[level & 7]);
	printf("%.*s\n", (int)len, data ? data : "");
}

int main_dmesg(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "clear", no_argument, NULL, 'C' },
		{ "read-clear", no_argument, NULL, 'c' },
		{ "follow", no_argument, NULL, 'f' },
		{ "new", no_argument, NULL, 'n' },
		{ "human", no_argument, NULL, 'H' },
		{ "delta", no_argument, NULL, 'd' },
		{ "color", optional_argument, NULL, 'L' },
		{ 0 }
	};
	bool clear = false, read = true, follow = false, only_new = false;
	struct dmesg d = { 0 };
	struct timespec now;
	weir_future_t *f;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "CcfnHdL::", longs, "weir-dmesg"))
	       != -1) {
		switch (c) {
		case 'C': clear = true; read = false; break;
		case 'c': clear = true; break;
		case 'f': follow = true; break;
		case 'n': only_new = follow = true; break;
		case 'H': d.human = true; break;
		case 'd': d.delta = true; break;
		}
	}
	clock_gettime(CLOCK_REALTIME, &now);
	h = open_instance(0);
	if (read) {
		f = made(weir_log_read(h, follow), "log");
		for (;; weir_future_next(f)) {
			const char *t;

			if (weir_future_get(f) < 0)
				break;
			t = weir_future_option(f, "time");
			if (only_new && t && strtod(t, NULL) <
			    (double)now.tv_sec + (double)now.tv_nsec / 1e9)
				continue;
			print_line(&d, f);
			if (follow && fflush(stdout) == EOF)
				die("standard output: %s", strerror(errno));
		}
		if (weir_future_error(f) != ENODATA)
			die("log: %s", weir_future_strerror(f));
		weir_future_destroy(f);
	}
	if (clear) {
		f = weir_log_clear(h);
		must(f, "log");
		weir_future_destroy(f);
	}
	weir_close(h);
	return 0;
}

int main_logger(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "severity", required_argument, NULL, 's' },
		{ "appname", required_argument, NULL, 'n' },
		{ 0 }
	};
	const char *name = "logger";
	int c, i, level = 6;
	char *text, *p;
	size_t size = 1;
	weir_future_t *f;
	weir_t *h;

	while ((c = next_option(argc, argv, "s:n:", longs, "weir-logger"))
	       != -1) {
		if (c == 'n') {
			name = optarg;
			continue;
		}
		for (level = 0; level < 8; level++)
			if (!strcasecmp(optarg, levels[level]))
				break;
		if (level == 8)
			usage_error("--severity: '%s' is none of emerg alert "
				    "crit err warning notice info debug",
				    optarg);
	}
	if (optind == argc)
		usage_error("a text is needed");
	for (i = optind; i < argc; i++)
		size += strlen(argv[i]) + 1;
	p = text = xmalloc(size);
	for (i = optind; i < argc; i++)
		p += sprintf(p, "%s%s", i > optind ? " " : "", argv[i]);
	h = open_instance(0);
	weir_log(h, level, name, "%s", text);
	/* the reply comes after the line was taken */
	f = weir_request(h, "ping", NULL, NULL, 0);
	must(f, "log");
	weir_future_destroy(f);
	weir_close(h);
	free(text);
	return 0;
}
