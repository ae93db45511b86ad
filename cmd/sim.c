/* SPDX-License-Identifier: Apache-2.0 */
/* weir sim: what would have happened to these jobs on that machine. See
 * weir-sim(1). */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/match.h"
#include "cmd/sim.h"
#include "cmd/subcommands.h"

#define RUNS_MAX 32

struct options {
	const char *graph, *filters, *match, *queue, *compare, *type;
	const char *svg, *html;
	graph_loader from;
	uint32_t depth;
	bool json, verify;
	uint64_t generate, seed;
	double demand;
};

static uint64_t get_number(const char *name, uint64_t most)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(optarg, &end, 10);
	if (*optarg < '0' || *optarg > '9' || *end || errno || n > most)
		usage_error("--%s: '%s' is not a number from 0 to %llu", name,
			    optarg, (unsigned long long)most);
	return n;
}

static double get_demand(void)
{
	char *end;
	double demand = strtod(optarg, &end);

	if (end == optarg || *end || !(demand > 0 && demand <= 100))
		usage_error("--demand: '%s' is not a number above 0, up to 100",
			    optarg);
	return demand;
}

static void take_option(struct options *o, int c)
{
	if (c == 'L')
		o->graph = optarg;
	else if (c == 'f')
		o->from = find_graph_loader(optarg);
	else if (c == 'p')
		o->filters = optarg;
	else if (c == 'P')
		o->match = optarg;
	else if (c == 'Q')
		o->queue = optarg;
	else if (c == 'c')
		o->compare = optarg;
	else if (c == 'T')
		o->type = optarg;
	else if (c == 'D')
		o->depth = (uint32_t)get_number("depth", UINT32_MAX);
	else if (c == 's')
		o->svg = optarg;
	else if (c == 'H')
		o->html = optarg;
	else if (c == 'j')
		o->json = true;
	else if (c == 'v')
		o->verify = true;
	else if (c == 'G')
		o->generate = get_number("generate", TRACE_JOBS_MAX);
	else if (c == 'S')
		o->seed = get_number("seed", UINT64_MAX);
	else
		o->demand = get_demand();
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "load", required_argument, NULL, 'L' },
		{ "load-format", required_argument, NULL, 'f' },
		{ "prune", required_argument, NULL, 'p' },
		{ "policy", required_argument, NULL, 'P' },
		{ "queue-policy", required_argument, NULL, 'Q' },
		{ "compare", required_argument, NULL, 'c' },
		{ "type", required_argument, NULL, 'T' },
		{ "depth", required_argument, NULL, 'D' },
		{ "svg", required_argument, NULL, 's' },
		{ "html", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		{ "verify", no_argument, NULL, 'v' },
		{ "generate", required_argument, NULL, 'G' },
		{ "seed", required_argument, NULL, 'S' },
		{ "demand", required_argument, NULL, 'd' },
		{ 0 }
	};
	int c;

	while ((c = next_option(argc, argv, "L:f:p:P:Q:c:T:D:", longs,
				"weir-sim")) != -1)
		take_option(o, c);
	if (!o->graph)
		usage_error("which graph? --load FILE");
	if (!o->depth)
		usage_error("--depth: a pass that looks at no job starts none");
	if (o->generate && optind < argc)
		usage_error("unexpected argument '%s'", argv[optind]);
	if (!o->generate && optind + 1 != argc)
		usage_error("which trace?");
}

static struct graph *load_graph(const struct options *o)
{
	struct proto_error err = { "" };
	struct graph *g;
	size_t len;
	char *text = match_read_file(o->graph, &len);

	if (!text)
		leave(1);
	g = o->from(text, len, o->filters, &err);
	free(text);
	if (!g)
		die("%s: %s", o->graph, err.text);
	return g;
}

static struct trace *load_trace(const char *path)
{
	struct proto_error err = { "" };
	struct trace *trace;
	size_t len;
	char *text = strcmp(path, "-") ? match_read_file(path, &len) :
		     read_all(stdin, &len);

	if (!text)
		leave(1);
	trace = trace_parse(text, len, &err);
	free(text);
	if (!trace)
		die("%s: %s", path, err.text);
	if (trace->skipped)
		warn("%s: %zu jobs that did not run, or of no known size, are "
		     "left out", path, trace->skipped);
	return trace;
}

/* The type that processors are, and utilization is measured of. */
static uint32_t find_type(const struct graph *g, const char *name)
{
	uint32_t type = graph_find_type(g, name ? name : "core");

	if (type == GRAPH_NONE && !name)
		type = g->node_type;
	if (type == GRAPH_NONE)
		die("the graph has no '%s'", name ? name : "core");
	return type;
}

static uint64_t units_of(const struct graph *g, uint32_t type)
{
	uint64_t units = 0;

	for (uint32_t i = 0; i < g->types[type].count; i++)
		units += (uint64_t)g->vertices[g->by_type[
			g->types[type].first + i]].size;
	return units;
}

/* "QUEUE" or "QUEUE/MATCH"; of a match policy that is a file, all behind the
 * first slash is its path. */
static void set_policies(struct sim *sim, const struct options *o, char *text)
{
	struct proto_error err = { "" };
	char *slash = strchr(text, '/');

	if (slash)
		*slash++ = '\0';
	if (backfill_config_parse(&sim->config, text, &err) < 0)
		usage_error("%s", err.text);
	sim->config.depth = o->depth;
	sim->policy = policy_find(slash ? slash : o->match, &err);
	if (!sim->policy)
		usage_error("%s", err.text);
}

/* One run for each pair of policies; returns how many. */
static size_t plan(struct sim *sims, const struct options *o,
		   const struct sim *first)
{
	char *list = xstrdup(o->compare ? o->compare : o->queue), *save = NULL;
	size_t count = 0;

	for (char *word = strtok_r(list, o->compare ? "," : "", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		if (count == RUNS_MAX)
			usage_error("at most %d policies can be compared",
				    RUNS_MAX);
		sims[count] = *first;
		set_policies(&sims[count++], o, word);
	}
	free(list);
	if (!count)
		usage_error("--compare: which policies?");
	return count;
}

static void write_file(const char *path, const struct sim *sims,
		       size_t count, void (*draw)(const struct sim *sims,
						  size_t count, FILE *file))
{
	FILE *file;

	if (!path)
		return;
	file = fopen(path, "w");
	if (!file)
		die("%s: %s", path, strerror(errno));
	draw(sims, count, file);
	if (ferror(file) | fclose(file))
		die("%s: %s", path, strerror(errno));
}

static bool run_all(struct sim *sims, size_t count, const char *path)
{
	struct proto_error err = { "" };
	char name[SIM_NAME_SIZE];
	bool right = true;

	for (size_t i = 0; i < count; i++) {
		if (sim_run(&sims[i], &err) < 0)
			die("%s: %s", path, err.text);
		if (!sims[i].wrong[0])
			continue;
		warn("%s: %s", sim_name(&sims[i], name), sims[i].wrong);
		right = false;
	}
	return right;
}

static bool simulate(const struct options *o, struct graph *g,
		     const char *path)
{
	struct trace *trace = load_trace(path);
	struct sim first = { .g = g, .trace = trace,
		.type = find_type(g, o->type), .verify = o->verify,
		.draw = o->svg || o->html };
	struct sim sims[RUNS_MAX];
	size_t count = plan(sims, o, &first);
	bool right = run_all(sims, count, path);

	if (o->json)
		sim_json(sims, count);
	else
		sim_table(sims, count, stdout);
	if (fflush(stdout))
		die("standard output: %s", strerror(errno));
	write_file(o->svg, sims, count, sim_svg);
	write_file(o->html, sims, count, sim_html);
	for (size_t i = 0; i < count; i++)
		sim_clear(&sims[i]);
	trace_destroy(trace);
	return right;
}

int main_sim(int argc, char **argv)
{
	struct options o = { .from = graph_from_recipe, .match = "first",
		.queue = "easy", .depth = BACKFILL_UNLIMITED, .demand = 0.8,
		.seed = 1 };
	struct graph *g;
	bool right = true;

	options_anywhere = true;
	read_options(&o, argc, argv);
	g = load_graph(&o);
	if (o.generate)
		trace_make(stdout, o.generate,
			   (int64_t)units_of(g, find_type(g, o.type)),
			   o.demand, o.seed);
	else
		right = simulate(&o, g, argv[optind]);
	graph_destroy(g);
	return right ? 0 : 1;
}
