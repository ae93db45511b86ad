/* SPDX-License-Identifier: Apache-2.0 */
/* weir lock and weir elect. weir-lock(1), weir-elect(1). */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/lock.h"
#include "cmd/subcommands.h"
#include "proto/duration.h"

#define TTL_DEFAULT	10.0	/* seconds: kvsd can be started again in it */

struct options {
	const char *ns, *value;
	double ttl;
	int flags;
	bool observe;
	unsigned long count;	/* of changes to print; 0: no limit */
	struct lock_run run;
};

static double seconds(const char *option, const char *text)
{
	struct proto_error error;
	double s;

	if (duration_parse(text, &s, &error) < 0)
		usage_error("%s: %s", option, error.text);
	return s;
}

static void take_option(struct options *o, int c)
{
	char *end;

	switch (c) {
	case 'N': o->ns = optarg; break;
	case 't':
		o->run.timeout = seconds("--timeout", optarg);
		if (isinf(o->run.timeout))
			o->run.timeout = -1;
		break;
	case 'T': o->ttl = seconds("--ttl", optarg); break;
	case 'k':
		o->run.signum = text_signal(optarg);
		if (!o->run.signum)
			usage_error("--signal: '%s' is no signal", optarg);
		break;
	case 's': o->flags |= WEIR_LOCK_SHARED; break;
	case 'v': o->value = optarg; break;
	case 'o': o->observe = true; break;
	case 'c':
		o->count = strtoul(optarg, &end, 10);
		if (*end || end == optarg)
			usage_error("--count: '%s' is no number", optarg);
		break;
	}
}

/* KEY and, behind it or after --, the program. */
static void take_words(struct options *o, int argc, char **argv)
{
	if (optind == argc)
		usage_error("a key is needed");
	o->run.key = argv[optind++];
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind < argc)
		o->run.command = argv + optind;
}

static int finish(struct options *o)
{
	int status;

	if (!o->run.lock)
		usage_error("%s: %s", o->run.key, errno == EINVAL ?
			    "--ttl is at most a day" : strerror(errno));
	status = lock_run(&o->run);
	weir_close(o->run.h);
	return status;
}

int main_lock(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "timeout", required_argument, NULL, 't' },
		{ "ttl", required_argument, NULL, 'T' },
		{ "signal", required_argument, NULL, 'k' },
		{ "shared", no_argument, NULL, 's' },
		{ 0 }
	};
	struct options o = { .ttl = TTL_DEFAULT,
			     .run = { .timeout = -1, .signum = SIGTERM } };
	int c;

	usage_status = LOCK_FAILED;
	while ((c = next_option(argc, argv, "N:t:T:k:s", longs, "weir-lock"))
	       != -1)
		take_option(&o, c);
	take_words(&o, argc, argv);
	if (!o.run.command)
		usage_error("a command to run is needed");
	o.run.h = open_instance(WEIR_O_RECONNECT);
	o.run.lock = weir_lock(o.run.h, o.ns, o.run.key, o.ttl, o.flags);
	return finish(&o);
}

/* ---- elections ---- */

static int observe(const struct options *o)
{
	weir_t *h = open_lasting();
	weir_future_t *f = made(weir_leader(h, o->ns, o->run.key), o->run.key);
	unsigned long left = o->count;

	for (;; weir_future_next(f)) {
		const char *data, *number;
		size_t len;

		must(f, o->run.key);
		number = weir_future_option(f, "number");
		data = weir_future_data(f, &len);
		if (number)
			printf("%s %.*s\n", number, (int)len,
			       data ? data : "");
		else
			puts("none");
		if (fflush(stdout) == EOF)
			die("standard output: %s", strerror(errno));
		if (left && --left == 0)
			break;
	}
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

static char *who(void)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return xasprintf("%s:%d", host, (int)getpid());
}

int main_elect(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "timeout", required_argument, NULL, 't' },
		{ "ttl", required_argument, NULL, 'T' },
		{ "signal", required_argument, NULL, 'k' },
		{ "value", required_argument, NULL, 'v' },
		{ "observe", no_argument, NULL, 'o' },
		{ "count", required_argument, NULL, 'c' },
		{ 0 }
	};
	struct options o = { .ttl = TTL_DEFAULT,
			     .run = { .timeout = -1, .signum = SIGTERM } };
	char *name;
	int c;

	usage_status = LOCK_FAILED;
	while ((c = next_option(argc, argv, "N:t:T:k:v:oc:", longs,
				"weir-elect")) != -1)
		take_option(&o, c);
	take_words(&o, argc, argv);
	if (o.observe && o.run.command)
		usage_error("--observe runs no command");
	if (o.observe)
		return observe(&o);
	o.run.h = open_instance(WEIR_O_RECONNECT);
	name = o.value ? xstrdup(o.value) : who();
	o.run.lock = weir_elect(o.run.h, o.ns, o.run.key, name, strlen(name),
				o.ttl);
	free(name);
	return finish(&o);
}
