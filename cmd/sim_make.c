/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up trace. Sizes are powers of two more often than not, and run times
 * span decades with many short ones, as in Lublin and Feitelson, The workload
 * on parallel supercomputers, 2003, though by a simpler law: both are uniform
 * in their logarithm. Users ask for one to ten times what they need, in round
 * numbers. The same seed gives the same trace on any machine: integers and
 * powers of two only, but for the time between jobs, which is rounded.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>

#include "cmd/sim.h"

#define RUN_BITS	15	/* run times to about 9 hours */

/* xorshift64*: Vigna, An experimental exploration of Marsaglia's xorshift
 * generators, scrambled, 2016. */
static uint64_t draw(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t *state, uint64_t n)
{
	return draw(state) % n;
}

/* From 1 on, below 2 to the BITS, uniform in the logarithm by halves. */
static int64_t spread(uint64_t *state, unsigned bits)
{
	uint64_t base = 1ull << below(state, bits);

	return (int64_t)(base + below(state, base));
}

static int64_t draw_size(uint64_t *state, int64_t units)
{
	unsigned bits = 0;
	int64_t n;

	while (bits < 40 && 1ll << bits < units)
		bits++;
	/* a job of the whole machine is rare */
	n = below(state, 50) ? spread(state, bits > 1 ? bits - 1 : 1) : units;
	if (below(state, 4) && n < units)
		while (n & (n - 1))
			n &= n - 1;
	return n < units ? n : units;
}

static int64_t draw_limit(uint64_t *state, int64_t run)
{
	int64_t limit = run * (int64_t)(1 + below(state, 10));

	return (limit + 299) / 300 * 300;
}

struct made {
	int64_t size, run, limit;
};

static struct made make_job(uint64_t *state, int64_t units)
{
	struct made job = { .size = draw_size(state, units),
			    .run = spread(state, RUN_BITS) };

	job.limit = draw_limit(state, job.run);
	return job;
}

void trace_make(FILE *file, size_t count, int64_t units, double load,
		uint64_t seed)
{
	uint64_t start = seed * 0x9e3779b97f4a7c15ull + 1;
	uint64_t arrivals = ~start ? ~start : 1, state;
	double work = 0, mean, submit = 0;

	start = start ? start : 1;
	state = start;
	/* the same jobs twice: first to know how far apart they have to be */
	for (size_t i = 0; i < count; i++) {
		struct made job = make_job(&state, units);

		work += (double)job.size * (double)job.run;
	}
	mean = work / (double)count / ((double)units * load);
	fprintf(file, "; Version: 2.2\n; MaxJobs: %zu\n; MaxProcs: %" PRId64
		"\n; Note: made by weir sim --generate, seed %" PRIu64 "\n",
		count, units, seed);
	state = start;
	for (size_t i = 0; i < count; i++) {
		struct made job = make_job(&state, units);
		double u = (double)((draw(&arrivals) >> 11) + 1) / 0x1p53;

		submit += -log(u) * mean;
		fprintf(file, "%zu %.0f -1 %" PRId64 " %" PRId64 " -1 -1 %"
			PRId64 " %" PRId64 " -1 1 -1 -1 -1 -1 -1 -1 -1\n",
			i + 1, floor(submit), job.run, job.size, job.size,
			job.limit);
	}
}
