/* SPDX-License-Identifier: Apache-2.0 */
/* weir shutdown, uptime, env, version and help: small things about the
 * instance and the command. */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/duration.h"
#include "proto/resource_set.h"

#define ASK_SECONDS	5	/* for what weir uptime can do without */

static const struct option no_options[] = { { 0 } };

static void no_arguments(int argc, char **argv, const char *page)
{
	while (next_option(argc, argv, "", no_options, page) != -1)
		;
	if (optind < argc)
		usage_error("it takes no arguments");
}

int main_shutdown(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "background", no_argument, NULL, 'b' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	bool background = false, quiet = false;
	weir_future_t *f;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "", longs, "weir-shutdown"))
	       != -1) {
		background |= c == 'b';
		quiet |= c == 'q';
	}
	if (optind < argc)
		setenv("WEIR_URI", argv[optind], 1);
	h = open_instance(0);
	f = weir_rpc(h, "instance.shutdown", NULL, 0, -1);
	must(f, "shutdown");
	weir_future_destroy(f);
	if (!background) {	/* until kvsd, the last of it, is gone */
		if (!quiet)
			warn("waiting for the instance to end");
		f = weir_event_subscribe(h, "instance.");
		while (f && weir_future_get(f) == 0)
			weir_future_next(f);
		weir_future_destroy(f);
	}
	weir_close(h);
	return 0;
}

/* A value below `instance', to be freed; "" if there is none. */
static char *attribute(weir_future_t *f)
{
	const char *data = NULL;
	size_t len = 0;
	char *value;

	if (f && weir_future_get(f) == 0)
		data = weir_future_data(f, &len);
	value = xstrdup(data ? data : "");
	weir_future_destroy(f);
	return value;
}

/* What METHOD replies, or NULL: schedd may be away. */
static json_t *ask(weir_t *h, const char *method)
{
	weir_future_t *f = weir_rpc(h, method, "{}", 2, ASK_SECONDS);
	json_t *reply = f && weir_future_get(f) == 0 ? reply_json(f) : NULL;

	weir_future_destroy(f);
	return reply;
}

static size_t count_offline(weir_t *h)
{
	json_t *status = ask(h, "resource.sched-status");
	json_t *down = json_object_get(status, "down");
	struct resource_set *set = down ? resource_set_from_json(down, NULL) :
				   NULL;
	size_t n = set ? set->count : 0;

	resource_set_destroy(set);
	json_decref(status);
	return n;
}

/* Whether FLAG is false of each queue. */
static bool all_without(const json_t *queues, const char *flag)
{
	json_t *q;
	size_t i;

	json_array_foreach(queues, i, q)
		if (json_is_true(json_object_get(q, flag)))
			return false;
	return json_array_size(queues) > 0;
}

/* Nothing if all is as it should be. */
static void print_stopped(weir_t *h)
{
	json_t *reply = ask(h, "job-manager.queue-list");
	const json_t *queues = json_object_get(reply, "queues");
	bool disabled = all_without(queues, "enable");
	bool stopped = all_without(queues, "start");

	if (disabled || stopped)
		printf("  %s%s%s\n", disabled ? "submit disabled" : "",
		       disabled && stopped ? ",  " : "",
		       stopped ? "scheduler stopped" : "");
	json_decref(reply);
}

int main_uptime(int argc, char **argv)
{
	static const char *const names[] = {
		"instance.start", "instance.owner", "instance.level",
		"instance.size"
	};
	char duration[DURATION_SIZE], clock[32], *value[4];
	weir_future_t *f[4];
	struct passwd *pw;
	struct timeval tv;
	struct tm tm;
	size_t offline;
	weir_t *h;
	int i;

	no_arguments(argc, argv, "weir-uptime");
	h = open_instance(0);
	for (i = 0; i < 4; i++)
		f[i] = weir_kvs_get(h, "primary", names[i], NULL);
	for (i = 0; i < 4; i++)
		value[i] = attribute(f[i]);
	offline = count_offline(h);
	gettimeofday(&tv, NULL);
	localtime_r(&tv.tv_sec, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	pw = getpwuid((uid_t)strtoul(value[1], NULL, 10));
	printf(" %s run %s,  owner %s,  depth %s,  size %s", clock,
	       duration_format((double)tv.tv_sec + (double)tv.tv_usec / 1e6 -
			       strtod(value[0], NULL), duration),
	       pw ? pw->pw_name : value[1], value[2], value[3]);
	if (offline)
		printf(",  %zu offline", offline);
	putchar('\n');
	print_stopped(h);
	weir_close(h);
	for (i = 0; i < 4; i++)
		free(value[i]);
	return 0;
}

int main_env(int argc, char **argv)
{
	const char *uri = getenv("WEIR_URI");

	while (next_option(argc, argv, "", no_options, "weir-env") != -1)
		;
	if (optind < argc) {
		execvp(argv[optind], argv + optind);
		warn("%s: %s", argv[optind], strerror(errno));
		return errno == ENOENT ? 127 : 126;
	}
	if (uri)
		printf("export WEIR_URI=\"%s\"\n", uri);
	return 0;
}

int main_version(int argc, char **argv)
{
	const char *uri = getenv("WEIR_URI");
	weir_t *h;

	no_arguments(argc, argv, "weir");
	printf("commands:    \t\t%s\n", PACKAGE_VERSION);
	printf("libweir:     \t\t%s\n", weir_version());
	if (!uri)
		return 0;
	h = weir_open(NULL, 0, NULL);
	if (h) {
		printf("kvsd:        \t\t%s\n", weir_greeting(h, "server"));
		printf("WEIR_URI:    \t\t%s\n", uri);
	}
	weir_close(h);
	return 0;
}

int main_help(int argc, char **argv)
{
	char *page;

	if (argc < 2)
		show_page("weir");
	page = strcmp(argv[1], "weir") ? xasprintf("weir-%s", argv[1]) :
					 xstrdup("weir");
	show_page(page);
}
