/* SPDX-License-Identifier: Apache-2.0 */
/* weir match: try the matcher on a graph, without an instance. See
 * weir-match(1). */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/match.h"
#include "cmd/subcommands.h"

static const struct {
	const char *name;
	graph_loader load;
} loaders[] = {
	{ "recipe", graph_from_recipe },
	{ "jgf", graph_from_jgf },
	{ "R", graph_from_R },
	{ "hwloc", graph_from_hwloc },
};

static const struct {
	const char *name;
	enum match_format format;
} formats[] = {
	{ "R", FORMAT_R },
	{ "R+jgf", FORMAT_R_JGF },
	{ "jgf", FORMAT_JGF },
	{ "tree", FORMAT_TREE },
};

void match_wrong(struct match_tool *t, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("weir-match: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	t->wrong = true;
}

char *match_read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	char *text;

	if (!file) {
		fflush(stdout);
		warn("%s: %s", path, strerror(errno));
		return NULL;
	}
	text = read_all(file, len);
	fclose(file);
	return text;
}

graph_loader find_graph_loader(const char *name)
{
	for (size_t i = 0; i < sizeof(loaders) / sizeof(*loaders); i++)
		if (!strcmp(loaders[i].name, name))
			return loaders[i].load;
	usage_error("there is no format of graphs '%s'", name);
}

static enum match_format find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			return formats[i].format;
	usage_error("there is no output format '%s'", name);
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void load(struct match_tool *t, const char *path, graph_loader from,
		 const char *filters)
{
	struct proto_error err = { "" };
	double begin = seconds_now();
	size_t len;
	char *text = match_read_file(path, &len);

	if (!text)
		leave(1);
	t->g = from(text, len, filters, &err);
	free(text);
	if (!t->g)
		die("%s: %s", path, err.text);
	t->load_seconds = seconds_now() - begin;
	t->m = matcher_create(t->g, t->policy);
	if (!t->m)
		die("out of memory");
}

static void run_lines(struct match_tool *t)
{
	bool prompt = isatty(0);
	size_t size = 0;
	char *line = NULL;

	for (;;) {
		if (prompt) {
			fputs("match> ", stdout);
			fflush(stdout);
		}
		if (getline(&line, &size, stdin) < 0 ||
		    !match_command(t, line))
			break;
		fflush(stdout);
		/* what is wrong by hand can be put right by hand */
		if (prompt)
			t->wrong = false;
	}
	free(line);
}

int main_match(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "load", required_argument, NULL, 'L' },
		{ "load-format", required_argument, NULL, 'f' },
		{ "policy", required_argument, NULL, 'P' },
		{ "prune", required_argument, NULL, 'p' },
		{ "output", required_argument, NULL, 'F' },
		{ 0 }
	};
	struct match_tool t = { .next_id = 1, .format = FORMAT_TREE };
	const char *path = NULL, *filters = NULL, *policy = "first";
	graph_loader from = graph_from_recipe;
	struct proto_error err = { "" };
	int c;

	while ((c = next_option(argc, argv, "L:f:P:p:F:", longs,
				"weir-match")) != -1) {
		if (c == 'L')
			path = optarg;
		else if (c == 'f')
			from = find_graph_loader(optarg);
		else if (c == 'P')
			policy = optarg;
		else if (c == 'p')
			filters = optarg;
		else if (c == 'F')
			t.format = find_format(optarg);
	}
	if (optind < argc)
		usage_error("unexpected argument '%s'", argv[optind]);
	if (!path)
		usage_error("which graph? --load FILE");
	t.policy = policy_find(policy, &err);
	if (!t.policy)
		usage_error("%s", err.text);
	load(&t, path, from, filters);
	run_lines(&t);
	matcher_destroy(t.m);
	graph_destroy(t.g);
	return t.wrong ? 1 : 0;
}
