/* SPDX-License-Identifier: Apache-2.0 */
/* weir bench: its options and the table of its cases. See weir-bench(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bench.h"
#include "cmd/common.h"
#include "cmd/subcommands.h"

static const struct {
	const char *name;
	int (*run)(struct bench *b);
} cases[] = {
	{ "kvs", bench_kvs },
	{ "event", bench_event },
	{ "watch", bench_watch },
	{ "herd", bench_herd },
	{ "jobs", bench_jobs },
	{ "command", bench_command },
	{ "attach", bench_attach },
};
#define CASES	(sizeof(cases) / sizeof(cases[0]))

static unsigned long parse_number(const char *name, unsigned long most)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(optarg, &end, 10);
	if (*optarg < '0' || *optarg > '9' || *end || errno || !n || n > most)
		usage_error("--%s: '%s' is not a number from 1 to %lu", name,
			    optarg, most);
	return n;
}

/* Bits of the cases that NAME stands for. */
static unsigned find_case(const char *name)
{
	if (!strcmp(name, "all"))
		return (1u << CASES) - 1;
	for (size_t i = 0; i < CASES; i++)
		if (!strcmp(cases[i].name, name))
			return 1u << i;
	usage_error("there is no case '%s'", name);
}

/* Text of a future's result, to be freed; NULL if it has none. */
static char *take_text(weir_future_t *f)
{
	const char *data = f && !weir_future_get(f) ?
			   weir_future_data(f, NULL) : NULL;
	char *text = data ? strdup(data) : NULL;

	weir_future_destroy(f);
	return text;
}

/* Where the store is and whether it syncs, for baselines alike. */
static void ask_instance(struct bench *b)
{
	char *stats = take_text(weir_request(b->h, "stats", NULL, NULL, 0));
	json_t *o = stats ? json_loads(stats, 0, NULL) : NULL;
	const char *durability;

	if (!json_unpack(o, "{s:{s:s}}", "database", "durability",
			 &durability) && !strcmp(durability, "none"))
		b->durability = "none";
	b->statedir = take_text(weir_kvs_get(b->h, NULL, "instance.statedir",
					     NULL));
	json_decref(o);
	free(stats);
}

enum { OPT_SIM = 256, OPT_ARRAY, OPT_JSON, OPT_NO_BASELINE };

static void take_option(struct bench *b, int c)
{
	switch (c) {
	case 'n':
		b->n = parse_number("count", 1UL << 30);
		break;
	case 'w':
		b->window = parse_number("window", 1UL << 16);
		break;
	case 'd':
		b->dirs = parse_number("dirs", 1UL << 20);
		break;
	case 's':
		b->size = parse_number("size", BENCH_SIZE_MAX);
		break;
	case OPT_SIM:
		b->sim = true;
		break;
	case OPT_ARRAY:
		b->array = true;
		break;
	case OPT_JSON:
		b->json = true;
		break;
	case OPT_NO_BASELINE:
		b->baseline = false;
		break;
	}
}

/* Options may stand before and behind the cases; bits of these are set in
 * *WANTED. */
static void parse(struct bench *b, unsigned *wanted, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "window", required_argument, NULL, 'w' },
		{ "dirs", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "sim", no_argument, NULL, OPT_SIM },
		{ "array", no_argument, NULL, OPT_ARRAY },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "no-baseline", no_argument, NULL, OPT_NO_BASELINE },
		{ 0 }
	};
	int c;

	for (;;) {
		c = next_option(argc, argv, "n:w:d:s:", longs, "weir-bench");
		if (c != -1)
			take_option(b, c);
		else if (optind < argc)
			*wanted |= find_case(argv[optind++]);
		else
			break;
	}
	if (!*wanted)
		usage_error("which case? kvs, event, watch, herd, jobs, command, "
			    "attach or all");
}

int main_bench(int argc, char **argv)
{
	struct bench b = { .window = 1024, .dirs = 64, .size = 64,
			   .baseline = true, .durability = "commit" };
	unsigned wanted = 0;
	char self[4096];
	ssize_t len;
	int rc = 0;

	if (argc > 1 && !strcmp(argv[1], "sched"))
		return bench_sched(argc - 1, argv + 1);
	parse(&b, &wanted, argc, argv);
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		die("/proc/self/exe: %s", strerror(errno));
	self[len] = '\0';
	b.weir = self;
	snprintf(b.key, sizeof(b.key), "bench-%d", (int)getpid());
	b.h = open_instance(0);
	ask_instance(&b);
	bench_report_header(&b);
	for (size_t i = 0; i < CASES && !rc; i++)
		if (wanted & 1u << i)
			rc = cases[i].run(&b);
	weir_close(b.h);
	free(b.statedir);
	return rc ? 1 : 0;
}
