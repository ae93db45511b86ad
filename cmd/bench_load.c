/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench: many requests with a bounded number in flight, and the keys they
 * are about. A slot stands for one request in flight; when its reply comes it
 * starts the next. See weir-bench(1).
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"

struct run {
	struct bench *b;
	const struct load *load;
	size_t started, finished;
	bool failed;
};

struct slot {
	struct run *run;
	weir_future_t *f;
	size_t i;
	double begin;
};

static void slot_start(struct slot *slot);

/* Wait for the result of operation I and take it. */
static int finish(const struct load *load, weir_future_t *f, size_t i,
		  double begin)
{
	int rc = weir_future_get(f);

	if (load->s)
		samples_add(load->s, bench_now() - begin);
	if (rc)
		return bench_fail("request %zu: %s", i,
				  weir_future_strerror(f));
	return load->done ? load->done(f, begin, load->arg) : 0;
}

static void slot_done(weir_future_t *f, void *arg)
{
	struct slot *slot = arg;

	if (finish(slot->run->load, f, slot->i, slot->begin))
		slot->run->failed = true;
	weir_future_destroy(f);
	slot->f = NULL;
	slot->run->finished++;
	slot_start(slot);
}

/* Start the next request in SLOT, or stop after the last. */
static void slot_start(struct slot *slot)
{
	struct run *run = slot->run;
	const struct load *load = run->load;

	if (!run->failed && run->started < load->n) {
		slot->i = run->started++;
		slot->begin = bench_now();
		slot->f = load->start(run->b, slot->i, load->arg);
		if (!slot->f || weir_future_then(slot->f, -1, slot_done, slot)) {
			bench_fail("request %zu cannot be sent", slot->i);
			run->failed = true;
		}
	}
	if (run->failed || run->finished == load->n)
		weir_stop(run->b->h);
}

static int run_serially(struct bench *b, const struct load *load)
{
	weir_future_t *f;
	double begin;
	int rc = 0;

	for (size_t i = 0; i < load->n && !rc; i++) {
		begin = bench_now();
		f = load->start(b, i, load->arg);
		rc = f ? finish(load, f, i, begin) :
		     bench_fail("request %zu cannot be sent", i);
		weir_future_destroy(f);
	}
	return rc;
}

static int run_pipelined(struct bench *b, const struct load *load)
{
	struct run run = { .b = b, .load = load };
	struct slot *slots = calloc(load->window, sizeof(*slots));

	if (!slots)
		return bench_fail("out of memory");
	for (unsigned i = 0; i < load->window && i < load->n && !run.failed;
	     i++) {
		slots[i].run = &run;
		slot_start(&slots[i]);
	}
	while (!run.failed && run.finished < load->n)
		if (weir_run(b->h) < 0) {
			bench_fail("the connection is gone");
			run.failed = true;
		}
	for (unsigned i = 0; i < load->window; i++)
		weir_future_destroy(slots[i].f);
	free(slots);
	return run.failed ? -1 : 0;
}

double load_run(struct bench *b, const struct load *load)
{
	double begin = bench_now();

	if (load->window <= 1 ? run_serially(b, load) : run_pipelined(b, load))
		return -1;
	return bench_now() - begin;
}

const char *load_key(const struct bench *b, size_t i, char *buf, size_t size)
{
	snprintf(buf, size, "%s.d%zu.k%zu", b->key, i % b->dirs,
		 i / b->dirs % BENCH_KEYS_PER_DIR);
	return buf;
}

weir_future_t *load_put(struct bench *b, size_t i, void *arg)
{
	static char value[BENCH_SIZE_MAX];
	weir_txn_t *txn = arg;
	char key[128];

	assert(b->size <= sizeof(value));
	memcpy(value, &i, b->size < sizeof(i) ? b->size : sizeof(i));
	weir_txn_clear(txn);
	if (weir_txn_put(txn, load_key(b, i, key, sizeof(key)), value,
			 b->size))
		return NULL;
	return weir_kvs_commit(b->h, NULL, txn, 0);
}

int load_clean_up(struct bench *b)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f = NULL;
	int rc = -1;

	if (txn && !weir_txn_unlink(txn, b->key, WEIR_UNLINK_RECURSIVE |
				    WEIR_UNLINK_FORCE))
		f = weir_kvs_commit(b->h, NULL, txn, 0);
	if (f)
		rc = weir_future_get(f);
	if (rc)
		bench_fail("cannot remove %s: %s", b->key,
			   f ? weir_future_strerror(f) : "out of memory");
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	return rc;
}
