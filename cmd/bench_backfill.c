/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench sched, the passes of a queue: a full machine, many jobs that
 * wait, and each time one that runs ends before its time; and a whole trace.
 * See weir-bench(1).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "cmd/bench_sched.h"
#include "cmd/common.h"
#include "cmd/sim.h"
#include "schedd/backfill.h"

#define PASSES	40

struct waiting {
	struct backfill_job b;
	struct request *request;
};

struct passes {
	struct sched_bench *s;
	struct backfill *b;
	struct waiting *jobs;
	size_t count, started;
	uint64_t *running;	/* ids */
	double longest;		/* part of a pass, seconds */
	unsigned random;
};

static unsigned draw(struct passes *p, unsigned n)
{
	p->random = p->random * 1103515245u + 12345u;
	return (p->random >> 8) % n;
}

/* 1 to 64 nodes, small ones more often; 1 of 4 is of 1 to 64 cores in one
 * node. From 10 minutes to a day. */
static struct request *draw_request(struct passes *p)
{
	unsigned size = 1u << draw(p, 7);
	unsigned seconds = 600u * (1 + draw(p, 144));
	bool cores = draw(p, 4) == 0;
	struct proto_error err = { "" };
	struct request *req;
	char text[300];

	if (!cores && size > p->s->nodes)
		size = (unsigned)p->s->nodes;
	snprintf(text, sizeof(text), "{\"version\":1,\"resources\":[{\"type\":"
		 "\"slot\",\"count\":%u,\"label\":\"a\",\"with\":[{\"type\":"
		 "\"%s\",\"count\":%u}]}],\"tasks\":[],\"attributes\":{"
		 "\"system\":{\"duration\":%u}}}", cores ? 1 : size,
		 cores ? "core" : "node", cores ? size : 1, seconds);
	req = request_parse(p->s->g, text, strlen(text), &err);
	if (!req)
		die("%s", err.text);
	return req;
}

static void add(struct passes *p, size_t i)
{
	struct waiting *w = &p->jobs[i];

	w->request = draw_request(p);
	w->b = (struct backfill_job) { .id = p->s->next_id++, .priority = 16,
		.request = w->request, .data = w };
	if (backfill_add(p->b, &w->b) < 0)
		die("out of memory");
}

static void on_start(void *arg, struct backfill_job *job,
		     const struct match_job *matched)
{
	struct passes *p = arg;

	(void)matched;
	p->running[p->started++] = job->id;
}

/* All parts of a pass. */
static double pass(struct passes *p, int64_t now)
{
	static const struct backfill_sink sink = { .start = on_start };
	double total = 0;
	int rc;

	do {
		double begin = bench_now(), took;

		rc = backfill_pass(p->b, now, &sink, p);
		if (rc < 0)
			die("out of memory");
		took = bench_now() - begin;
		total += took;
		if (took > p->longest)
			p->longest = took;
	} while (rc > 0);
	return total;
}

/* Jobs run until the machine is full: those that the policy lets start. */
static void fill(struct passes *p, size_t room)
{
	size_t i = 0;

	do {
		add(p, i++);
		pass(p, 0);
	} while (i < room && backfill_count(p->b) == 0);
	p->count = i;
}

static void report(struct passes *p, const char *policy, const char *which,
		   double seconds, size_t n, struct samples *all)
{
	char name[80];

	snprintf(name, sizeof(name), "sched.backfill.%.20s%s", policy, which);
	bench_report(&p->s->b, &(struct figure) { .name = name,
		.value = 1e3 * seconds, .unit = "ms", .n = n,
		.latency = all });
}

static void measure_passes(struct passes *p, const char *policy)
{
	struct samples all = { 0 };
	int64_t now = 0;

	for (int i = 0; i < PASSES && p->started; i++) {
		size_t which = draw(p, (unsigned)p->started);

		backfill_freed(p->b);
		matcher_cancel(p->s->m, p->running[which]);
		p->running[which] = p->running[--p->started];
		samples_add(&all, pass(p, ++now));
	}
	report(p, policy, "", samples_percentile(&all, 0.5), all.count, &all);
	samples_free(&all);
}

/* COUNT jobs wait under POLICY. */
static void measure_policy(struct sched_bench *s, const char *policy,
			   size_t count)
{
	size_t room = count + 2 * s->nodes + 64;
	struct passes p = { .s = s, .random = 1 };
	struct backfill_config config;

	if (backfill_config_parse(&config, policy, NULL) < 0)
		die("%s: no policy", policy);
	p.b = backfill_create(s->m, &config);
	if (!p.b)
		die("out of memory");
	p.jobs = xmalloc(room * sizeof(*p.jobs));
	p.running = xmalloc(room * sizeof(*p.running));
	fill(&p, room - count);
	for (size_t i = 0; i < count; i++)
		add(&p, p.count++);
	report(&p, config.policy, ".first", pass(&p, 0), count, NULL);
	measure_passes(&p, config.policy);
	report(&p, config.policy, ".part", p.longest, PASSES, NULL);
	while (p.started)
		matcher_cancel(s->m, p.running[--p.started]);
	backfill_destroy(p.b);
	while (p.count)
		request_destroy(p.jobs[--p.count].request);
	free(p.jobs);
	free(p.running);
}

void bench_backfill(struct sched_bench *s)
{
	static const char *const policies[] = { "easy", "hybrid:64",
						"conservative" };

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++)
		measure_policy(s, policies[i], s->b.n ? s->b.n : 10000);
}

/* JOBS of nodes under EASY; what comes of it is checked. */
void bench_trace(struct sched_bench *s, size_t jobs)
{
	struct sim sim = { .g = s->g, .policy = s->policy,
			   .type = s->g->node_type, .verify = true };
	struct proto_error err = { "" };
	struct trace *trace;
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	double begin;

	if (!file)
		die("out of memory");
	trace_make(file, jobs, (int64_t)s->nodes, 0.8, 1);
	if (fclose(file))
		die("out of memory");
	trace = trace_parse(text, len, &err);
	free(text);
	if (!trace)
		die("%s", err.text);
	backfill_config_parse(&sim.config, "easy", NULL);
	sim.trace = trace;
	begin = bench_now();
	if (sim_run(&sim, &err) < 0)
		die("%s", err.text);
	if (sim.wrong[0])
		die("the schedule is wrong: %s", sim.wrong);
	bench_report(&s->b, &(struct figure) { .name = "sched.trace.easy",
		.value = (double)trace->count / (bench_now() - begin),
		.unit = "jobs/s", .n = trace->count });
	sim_clear(&sim);
	trace_destroy(trace);
}
