/* SPDX-License-Identifier: Apache-2.0 */
/* weir bench kvs: commits and reads, one after the other and many in flight.
 * Keys are written again and again in a bounded number of directories. See
 * weir-bench(1). */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cmd/bench.h"

static weir_future_t *start_get(struct bench *b, size_t i, void *arg)
{
	char key[128];

	return weir_kvs_get(b->h, NULL, load_key(b, i, key, sizeof(key)), NULL);
}

static int measure(struct bench *b, struct figure figure, struct load load)
{
	struct samples s = { 0 };
	double seconds;

	load.s = figure.latency = &s;
	if (b->n)
		load.n = b->n;
	seconds = load_run(b, &load);
	if (seconds > 0) {
		figure.n = load.n;
		figure.value = load.n / seconds;
		bench_report(b, &figure);
	}
	samples_free(&s);
	return seconds < 0 ? -1 : 0;
}

static int commits(struct bench *b, const char *name, size_t n,
		   unsigned window)
{
	char full[64];
	struct figure figure = {
		.name = full, .unit = "commits/s",
		.baseline = base_lmdb_puts(b),
	};
	struct load load = { .n = n, .window = window, .start = load_put };
	bool durable = strcmp(b->durability, "none");
	int rc;

	snprintf(full, sizeof(full), "%s%s", name, durable ? "" : ".nosync");
	figure.baseline_name = durable ? "LMDB put, synced" :
			       "LMDB put, not synced";
	load.arg = weir_txn_create();
	if (!load.arg)
		return bench_fail("out of memory");
	rc = measure(b, figure, load);
	weir_txn_destroy(load.arg);
	return rc;
}

static int gets(struct bench *b, const char *name, size_t n, unsigned window)
{
	double round_trip = base_round_trip(b);
	struct figure figure = {
		.name = name, .unit = "gets/s",
		.baseline_name = "socket round trip",
		.baseline = round_trip > 0 ? 1 / round_trip : 0,
	};

	return measure(b, figure, (struct load){ .n = n, .window = window,
						 .start = start_get });
}

/* Put every key once, so that all gets find theirs. */
static int fill(struct bench *b)
{
	struct load load = { .n = (size_t)b->dirs * BENCH_KEYS_PER_DIR,
			     .window = 256, .start = load_put };
	double seconds;

	if (b->n && b->n < load.n)
		load.n = b->n;
	load.arg = weir_txn_create();
	if (!load.arg)
		return bench_fail("out of memory");
	seconds = load_run(b, &load);
	weir_txn_destroy(load.arg);
	return seconds < 0 ? -1 : 0;
}

int bench_kvs(struct bench *b)
{
	int rc = commits(b, "kvs.commit.serial", 500, 1) ||
		 commits(b, "kvs.commit.pipelined", 30000, b->window) ||
		 fill(b) ||
		 gets(b, "kvs.get.serial", 10000, 1) ||
		 gets(b, "kvs.get.pipelined", 50000, b->window);

	return load_clean_up(b) || rc ? -1 : 0;
}
