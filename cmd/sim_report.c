/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run comes to: waits, slowdowns, utilization. The slowdown is bounded:
 * jobs shorter than 10 seconds count as if they took that long (Feitelson and
 * Rudolph, Metrics and benchmarking for parallel job scheduling, 1998).
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/sim.h"

#define SHORTEST 10.0

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The value that the fraction P of the sorted ones does not exceed. */
static double fraction(const double *v, size_t n, double p)
{
	size_t i = (size_t)(p * (double)n);

	return n ? v[i < n ? i : n - 1] : 0;
}

static double mean(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return n ? sum / (double)n : 0;
}

static double slowdown(const struct sim_job *job)
{
	double run = (double)(job->end - job->start);
	double all = (double)(job->end - job->submit);
	double s = all / (run > SHORTEST ? run : SHORTEST);

	return s > 1 ? s : 1;
}

struct sim_figures sim_figures(const struct sim *sim)
{
	struct sim_figures f = { .never = sim->never,
		.makespan = sim->last - sim->first };
	size_t count = sim->trace->count, n = 0;
	double *waits = xmalloc((count + 1) * sizeof(*waits)), work = 0;
	double *slow = xmalloc((count + 1) * sizeof(*slow));

	for (size_t i = 0; i < count; i++) {
		const struct sim_job *job = &sim->jobs[i];

		if (job->start == BACKFILL_NO_TIME)
			continue;
		f.waited += job->start > job->submit;
		f.promised += job->promised != BACKFILL_NO_TIME;
		work += (double)job->units * (double)(job->end - job->start);
		waits[n] = (double)(job->start - job->submit);
		slow[n++] = slowdown(job);
	}
	qsort(waits, n, sizeof(*waits), by_value);
	qsort(slow, n, sizeof(*slow), by_value);
	f.jobs = n;
	f.wait_mean = mean(waits, n);
	f.wait_median = fraction(waits, n, 0.5);
	f.wait_p95 = fraction(waits, n, 0.95);
	f.wait_max = fraction(waits, n, 1);
	f.slowdown_mean = mean(slow, n);
	f.slowdown_median = fraction(slow, n, 0.5);
	f.slowdown_max = fraction(slow, n, 1);
	if (f.makespan && sim->units)
		f.utilization = work / (double)f.makespan / (double)sim->units;
	free(waits);
	free(slow);
	return f;
}

const char *sim_name(const struct sim *sim, char buf[SIM_NAME_SIZE])
{
	char number[16] = "";

	if (!strcmp(sim->config.policy, "hybrid"))
		snprintf(number, sizeof(number), ":%u",
			 sim->config.reservations);
	snprintf(buf, SIM_NAME_SIZE, "%s%s/%s", sim->config.policy, number,
		 sim->policy->name);
	return buf;
}

void sim_table(const struct sim *sims, size_t count, FILE *file)
{
	char name[SIM_NAME_SIZE];

	fprintf(file, "%-20s %8s %6s %10s %8s %10s %10s %9s %9s %6s %10s\n",
		"POLICIES", "JOBS", "NEVER", "WAIT", "MEDIAN", "P95", "MAX",
		"SLOWDOWN", "MEDIAN", "USED", "MAKESPAN");
	for (size_t i = 0; i < count; i++) {
		struct sim_figures f = sim_figures(&sims[i]);

		fprintf(file, "%-20s %8zu %6zu %10.1f %8.0f %10.0f %10.0f "
			"%9.2f %9.2f %5.1f%% %10" PRId64 "\n",
			sim_name(&sims[i], name), f.jobs, f.never,
			f.wait_mean, f.wait_median, f.wait_p95, f.wait_max,
			f.slowdown_mean, f.slowdown_median,
			100 * f.utilization, f.makespan);
	}
}

void sim_json(const struct sim *sims, size_t count)
{
	char name[SIM_NAME_SIZE];

	for (size_t i = 0; i < count; i++) {
		struct sim_figures f = sim_figures(&sims[i]);
		json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:{s:f, "
			"s:f, s:f, s:f}, s:{s:f, s:f, s:f}, s:f, s:I, s:I}",
			"policies", sim_name(&sims[i], name),
			"jobs", (json_int_t)f.jobs,
			"never", (json_int_t)f.never,
			"waited", (json_int_t)f.waited,
			"promised", (json_int_t)f.promised,
			"wait", "mean", f.wait_mean, "median", f.wait_median,
			"p95", f.wait_p95, "max", f.wait_max,
			"slowdown", "mean", f.slowdown_mean,
			"median", f.slowdown_median, "max", f.slowdown_max,
			"utilization", f.utilization,
			"makespan", (json_int_t)f.makespan,
			"passes", (json_int_t)sims[i].passes);

		if (!json)
			die("out of memory");
		json_dumpf(json, stdout, JSON_COMPACT |
			   JSON_REAL_PRECISION(9));
		putchar('\n');
		json_decref(json);
	}
}
