/* SPDX-License-Identifier: Apache-2.0 */
/* weir bench kvs: commits and reads, one after the other and many in flight.
 * Keys are written again and again in a bounded number of directories. See
 * weir-bench(1). */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"

#define LARGE	(64u << 20)	/* bytes; fewer mebibytes with -n */

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

/* RATE is redis's; where it has none, what stands in for it. */
static void set_baseline(struct figure *figure, double rate, const char *name,
			 double other, const char *other_name)
{
	figure->baseline = rate > 0 ? rate : other;
	figure->baseline_name = rate > 0 ? name : other_name;
}

static int commits(struct bench *b, const char *name, size_t n,
		   unsigned window, double redis)
{
	char full[64];
	struct figure figure = { .name = full, .unit = "commits/s" };
	struct load load = { .n = n, .window = window, .start = load_put };
	bool durable = strcmp(b->durability, "none");
	int rc;

	snprintf(full, sizeof(full), "%s%s", name, durable ? "" : ".nosync");
	set_baseline(&figure, redis, durable ? "redis SET, synced" :
		     "redis SET, not synced", base_lmdb_puts(b), durable ?
		     "LMDB put, synced" : "LMDB put, not synced");
	load.arg = weir_txn_create();
	if (!load.arg)
		return bench_fail("out of memory");
	rc = measure(b, figure, load);
	weir_txn_destroy(load.arg);
	return rc;
}

static int gets(struct bench *b, const char *name, size_t n, unsigned window,
		double redis)
{
	double round_trip = base_round_trip(b);
	struct figure figure = { .name = name, .unit = "gets/s" };

	set_baseline(&figure, redis, "redis GET", round_trip > 0 ?
		     1 / round_trip : 0, "socket round trip");
	return measure(b, figure, (struct load){ .n = n, .window = window,
						 .start = start_get });
}

/* ---- one large value ---- */

static weir_future_t *put_large(struct bench *b, void *data, size_t len)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f = NULL;
	char key[128];

	snprintf(key, sizeof(key), "%s.large", b->key);
	if (txn && !weir_txn_put(txn, key, data, len))
		f = weir_kvs_commit(b->h, NULL, txn, 0);
	weir_txn_destroy(txn);
	return f;
}

static weir_future_t *get_large(struct bench *b, void *data, size_t len)
{
	char key[128];

	snprintf(key, sizeof(key), "%s.large", b->key);
	return weir_kvs_get(b->h, NULL, key, NULL);
}

/* Megabytes a second, the best of three. */
static int large(struct bench *b, const char *name, char *data, size_t len,
		 double baseline, weir_future_t *(*start)(struct bench *, void *, size_t))
{
	struct figure figure = { .name = name, .unit = "MB/s", .n = len,
				 .baseline_name = "a file, synced",
				 .baseline = baseline };
	double begin, rate;
	weir_future_t *f;
	size_t got;
	int rc = 0;

	for (int i = 0; i < 3 && !rc; i++) {
		memset(data, 'a' + i, 64);	/* another value each time */
		begin = bench_now();
		f = start(b, data, len);
		if (!f || weir_future_get(f))
			rc = bench_fail("%s: %s", name, f ?
					weir_future_strerror(f) :
					"out of memory");
		else if (start == get_large &&
			 (!weir_future_data(f, &got) || got != len))
			rc = bench_fail("%s: %zu bytes came, not %zu", name,
					got, len);
		rate = len / 1e6 / (bench_now() - begin);
		if (rate > figure.value)
			figure.value = rate;
		weir_future_destroy(f);
	}
	if (!rc)
		bench_report(b, &figure);
	return rc;
}

static int large_values(struct bench *b)
{
	size_t len = b->n && b->n < 64 ? b->n << 20 : LARGE;
	char *data = malloc(len);
	int rc;

	if (!data)
		return bench_fail("out of memory");
	/* nothing that could be stored once for all of its parts */
	for (size_t i = 0; i < len / sizeof(uint32_t); i++)
		((uint32_t *)data)[i] = i * 2654435761u;
	rc = large(b, "kvs.value.in", data, len, base_file(b, data, len),
		   put_large) ||
	     large(b, "kvs.value.out", data, len, 0, get_large) ? -1 : 0;
	free(data);
	return rc;
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

/* What the ratios come from, as figures of their own. */
static void report_bases(struct bench *b, const struct redis_rates *redis)
{
	const struct {
		const char *name;
		double value;
	} bases[] = {
		{ "base.lmdb.put", base_lmdb_puts(b) },
		{ "base.redis.set.serial", redis->set_serial },
		{ "base.redis.set.pipelined", redis->set_pipelined },
		{ "base.redis.get.serial", redis->get_serial },
		{ "base.redis.get.pipelined", redis->get_pipelined },
	};

	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		if (bases[i].value > 0)
			bench_report(b, &(struct figure){
				     .name = bases[i].name, .unit = "ops/s",
				     .value = bases[i].value, .n = 1 });
}

int bench_kvs(struct bench *b)
{
	const struct redis_rates *redis = base_redis(b);
	int rc = commits(b, "kvs.commit.serial", 500, 1, redis->set_serial) ||
		 commits(b, "kvs.commit.pipelined", 100000, b->window,
			 redis->set_pipelined) ||
		 fill(b) ||
		 gets(b, "kvs.get.serial", 10000, 1, redis->get_serial) ||
		 gets(b, "kvs.get.pipelined", 200000, b->window,
		      redis->get_pipelined) ||
		 large_values(b);

	if (!rc)
		report_bases(b, redis);
	return load_clean_up(b) || rc ? -1 : 0;
}
