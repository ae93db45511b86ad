/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench sched: the matcher on a machine of many nodes, without an
 * instance. See weir-bench(1).
 *
 * Matches are measured while the machine fills: between stages whole nodes
 * are given to others, so that a few thousand matches see all of the way from
 * empty to full.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench_sched.h"
#include "cmd/common.h"
#include "cmd/sim.h"
#include "cmd/subcommands.h"
#include "schedd/match.h"

#define STAGES		40
#define NODES_MAX	200000ul

static const char recipe[] =
	"version: 1\n"
	"resources:\n"
	"- type: cluster\n"
	"  with:\n"
	"  - type: rack\n"
	"    count: %lu\n"
	"    with:\n"
	"    - type: node\n"
	"      count: %lu\n"
	"      properties: {perf_class=1: 0-%lu}\n"
	"      with:\n"
	"      - type: socket\n"
	"        count: 2\n"
	"        with:\n"
	"        - {type: core, count: 32}\n"
	"        - {type: gpu, count: 2}\n"
	"        - {type: memory, size: 256, unit: GB}\n";

#define JOBSPEC(resources) "{\"version\":1,\"resources\":[" resources \
	"],\"tasks\":[],\"attributes\":{\"system\":{\"duration\":3600}}}"

static const char one_core[] = JOBSPEC("{\"type\":\"slot\",\"count\":1,"
	"\"label\":\"a\",\"with\":[{\"type\":\"core\",\"count\":1}]}");
static const char one_node[] = JOBSPEC("{\"type\":\"slot\",\"count\":1,"
	"\"label\":\"a\",\"with\":[{\"type\":\"node\",\"count\":1}]}");
static const char some_nodes[] = JOBSPEC("{\"type\":\"slot\",\"count\":"
	"{\"min\":1,\"max\":%lu,\"operator\":\"+\",\"operand\":1},"
	"\"label\":\"a\",\"with\":[{\"type\":\"node\",\"count\":1}]}");
static const char all_cores[] = JOBSPEC("{\"type\":\"node\",\"count\":%lu,"
	"\"with\":[{\"type\":\"slot\",\"count\":64,\"label\":\"a\","
	"\"with\":[{\"type\":\"core\",\"count\":1}]}]}");
static const char too_many[] = JOBSPEC("{\"type\":\"node\",\"count\":%lu}");
static const char too_large[] = JOBSPEC("{\"type\":\"node\",\"count\":1,"
	"\"with\":[{\"type\":\"slot\",\"count\":1,\"label\":\"a\","
	"\"with\":[{\"type\":\"core\",\"count\":65}]}]}");

static struct request *parse_request(struct sched_bench *s, const char *form,
				     unsigned long number)
{
	struct proto_error err = { "" };
	struct request *req;
	char text[512];

	/* those without a number in them have no use for one */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), form, number);
#pragma GCC diagnostic pop
	req = request_parse(s->g, text, strlen(text), &err);
	if (!req)
		die("%s", err.text);
	return req;
}

static void build(struct sched_bench *s)
{
	unsigned long per = s->nodes % 64 ? s->nodes : 64;
	struct proto_error err = { "" };
	double begin = bench_now();
	char text[1024];

	snprintf(text, sizeof(text), recipe, s->nodes / per, per,
		 s->nodes / 2);
	s->g = graph_from_recipe(text, strlen(text), NULL, &err);
	if (!s->g)
		die("%s", err.text);
	s->m = matcher_create(s->g, s->policy);
	if (!s->m)
		die("out of memory");
	bench_report(&s->b, &(struct figure) { .name = "sched.build",
		.value = bench_now() - begin, .unit = "s", .n = s->g->count });
}

/* One match; 0, or the errno. */
static int match(struct sched_bench *s, enum match_op op,
		 const struct request *req, double *seconds)
{
	const struct match_job *job;
	double begin = bench_now();
	int rc = matcher_match(s->m, op, s->next_id, req, 0, &job);
	int error = rc < 0 ? errno : 0;

	*seconds = bench_now() - begin;
	s->next_id += !rc && op != MATCH_SATISFIABILITY;
	return error;
}

/* Others get nodes until no more than LEFT are free of jobs. */
static void fill(struct sched_bench *s, unsigned long left)
{
	unsigned long taken = 0;
	struct request *req;
	double seconds;
	uint32_t from, to;

	graph_slice(s->g, 0, s->g->node_type, &from, &to);
	for (; from < to; from++)
		taken += *graph_held(s->g, s->g->by_type[from]) != 0;
	if (s->nodes - taken <= left)
		return;
	req = parse_request(s, some_nodes, s->nodes - taken - left);
	match(s, MATCH_ALLOCATE, req, &seconds);
	request_destroy(req);
}

static void release(struct sched_bench *s, uint64_t from, unsigned step)
{
	const struct match_job *job = matcher_next(s->m, from, false);
	unsigned i = 0;

	while (job) {
		uint64_t id = job->id;

		job = matcher_next(s->m, id, false);
		if (i++ % step == 0)
			matcher_cancel(s->m, id);
	}
}

/* Matches of REQ from empty to full; the figures are NAME's. */
static void measure_fill(struct sched_bench *s, const char *name,
			 const struct request *req)
{
	size_t n = s->b.n ? s->b.n : 20000;
	struct samples all = { 0 };
	double total = 0, worst = 0;
	char slowest[64];

	for (unsigned stage = 0; stage < STAGES; stage++) {
		size_t each = n / STAGES + 1, done = 0;
		double stage_total = 0, seconds;

		for (; done < each; done++) {
			if (match(s, MATCH_ALLOCATE, req, &seconds))
				break;
			samples_add(&all, seconds);
			stage_total += seconds;
		}
		if (done && stage_total / (double)done > worst)
			worst = stage_total / (double)done;
		total += stage_total;
		fill(s, s->nodes * (STAGES - 1 - stage) / STAGES);
	}
	snprintf(slowest, sizeof(slowest), "%s.slowest", name);
	bench_report(&s->b, &(struct figure) { .name = name,
		.value = (double)all.count / total, .unit = "matches/s",
		.n = all.count, .latency = &all });
	bench_report(&s->b, &(struct figure) { .name = slowest,
		.value = worst > 0 ? 1 / worst : 0, .unit = "matches/s",
		.n = all.count / STAGES });
	samples_free(&all);
}

/* Into what is left when a third of the jobs have ended. */
static void measure_holes(struct sched_bench *s, const char *name,
			  const struct request *req)
{
	size_t n = s->b.n ? s->b.n : 20000;
	struct samples all = { 0 };
	double total = 0, seconds, begin = bench_now();
	size_t before = matcher_count(s->m);
	char ended[64];

	snprintf(ended, sizeof(ended), "%s.end", name);
	release(s, 0, 3);
	bench_report(&s->b, &(struct figure) { .name = ended,
		.value = (double)(before - matcher_count(s->m)) /
			(bench_now() - begin), .unit = "jobs/s",
		.n = before - matcher_count(s->m) });
	while (all.count < n && !match(s, MATCH_ALLOCATE, req, &seconds)) {
		samples_add(&all, seconds);
		total += seconds;
	}
	bench_report(&s->b, &(struct figure) { .name = name,
		.value = (double)all.count / total, .unit = "matches/s",
		.n = all.count, .latency = &all });
	samples_free(&all);
	release(s, 0, 1);
}

/* The time of one answer, the median of 20; it has to be WANT. */
static void measure_answer(struct sched_bench *s, const char *name,
			   const char *form, unsigned long number, int want)
{
	struct request *req = parse_request(s, form, number);
	struct samples all = { 0 };
	double seconds;

	for (int i = 0; i < 20; i++) {
		int error = match(s, MATCH_SATISFIABILITY, req, &seconds);

		if (error != want)
			die("%s: the answer is wrong: %s", name,
			    strerror(error));
		samples_add(&all, seconds);
	}
	bench_report(&s->b, &(struct figure) { .name = name,
		.value = 1e3 * samples_percentile(&all, 0.5), .unit = "ms", .n = all.count,
		.latency = &all });
	samples_free(&all);
	request_destroy(req);
}

static void measure(struct sched_bench *s)
{
	struct request *core, *node;

	core = parse_request(s, one_core, 0);
	node = parse_request(s, one_node, 0);
	measure_fill(s, "sched.core", core);
	measure_holes(s, "sched.core.gaps", core);
	measure_fill(s, "sched.node", node);
	measure_holes(s, "sched.node.gaps", node);
	measure_answer(s, "sched.possible", all_cores, s->nodes, 0);
	measure_answer(s, "sched.impossible.many", too_many, s->nodes + 1,
		       ENODEV);
	measure_answer(s, "sched.impossible.large", too_large, 0, ENODEV);
	bench_report(&s->b, &(struct figure) { .name = "sched.memory",
		.value = (double)graph_bytes(s->g) / 1e6, .unit = "MB",
		.n = s->g->count });
	request_destroy(core);
	request_destroy(node);
	bench_backfill(s);
}

static unsigned long number(const char *name, unsigned long most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(optarg, &end, 10);
	if (*optarg < '0' || *optarg > '9' || *end || errno || !n || n > most)
		usage_error("--%s: '%s' is not a number from 1 to %lu", name,
			    optarg, most);
	return n;
}

int bench_sched(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "nodes", required_argument, NULL, 'N' },
		{ "policy", required_argument, NULL, 'P' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "trace", required_argument, NULL, 'T' },
		{ 0 }
	};
	struct sched_bench s = { .nodes = 1024, .next_id = 1 };
	struct proto_error err = { "" };
	const char *policy = "first";
	size_t trace = 0;
	int c;

	while ((c = next_option(argc, argv, "N:P:n:T:", longs,
				"weir-bench")) != -1) {
		if (c == 'N')
			s.nodes = number("nodes", NODES_MAX);
		else if (c == 'P')
			policy = optarg;
		else if (c == 'n')
			s.b.n = number("count", 1UL << 30);
		else if (c == 'T')
			trace = number("trace", TRACE_JOBS_MAX);
		else
			s.b.json = true;
	}
	if (optind < argc)
		usage_error("unexpected argument '%s'", argv[optind]);
	s.policy = policy_find(policy, &err);
	if (!s.policy)
		usage_error("%s", err.text);
	bench_report_header(&s.b);
	build(&s);
	if (trace)
		bench_trace(&s, trace);
	else
		measure(&s);
	matcher_destroy(s.m);
	graph_destroy(s.g);
	return 0;
}
