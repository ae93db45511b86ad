/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of weir bench sched share. */
#ifndef WEIR_CMD_BENCH_SCHED_H
#define WEIR_CMD_BENCH_SCHED_H

#include "cmd/bench.h"
#include "schedd/match.h"

struct sched_bench {
	struct bench b;
	unsigned long nodes;
	const struct match_policy *policy;
	struct graph *g;
	struct matcher *m;
	uint64_t next_id;
};

/* The passes of a queue, on a machine that no job has anything of. */
void bench_backfill(struct sched_bench *s);
/* The same machine runs a made-up trace. */
void bench_trace(struct sched_bench *s, size_t jobs);

#endif
