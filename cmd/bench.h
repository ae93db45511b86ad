/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench: what its files share. A case is a row of the table in bench.c; it
 * measures figures, reports each beside a baseline that it measures itself,
 * and leaves nothing behind. See weir-bench(1).
 */
#ifndef WEIR_CMD_BENCH_H
#define WEIR_CMD_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "libclient/weir.h"

#define BENCH_KEYS_PER_DIR	64
#define BENCH_SIZE_MAX		65536u	/* bytes of a value */

/* Times of single operations, in seconds. */
struct samples {
	double *v;
	size_t count, size;
};

struct bench {
	weir_t *h;
	size_t n;		/* operations; 0: each figure's own */
	unsigned window;	/* requests in flight */
	unsigned dirs;		/* that keys are spread over */
	size_t size;		/* bytes of a value */
	bool json, sim;
	bool array;		/* the jobs are one array */
	bool baseline;		/* measure baselines at all */
	char *statedir;		/* of the instance; NULL: not known */
	const char *durability;	/* "commit" or "none" */
	const char *weir;	/* path of the weir command */
	char key[64];		/* what the keys and topics begin with */
};

/* ---- the clock, samples, the report (bench_report.c) ---- */

double bench_now(void);			/* monotonic, seconds */
void samples_add(struct samples *s, double seconds);	/* exits if no memory */
void samples_free(struct samples *s);
/* The value that the fraction P (0 to 1) of the samples does not exceed. Sorts
 * them. 0 if there are none. */
double samples_percentile(struct samples *s, double p);

struct figure {
	const char *name;
	double value;
	const char *unit;
	const char *baseline_name;	/* NULL: has none */
	double baseline;		/* in the same unit; 0: not measured */
	size_t n;			/* operations measured */
	struct samples *latency;	/* of single operations; or NULL */
};

void bench_report_header(const struct bench *b);
void bench_report(const struct bench *b, const struct figure *f);

/* warn() that returns -1. */
int bench_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- baselines (bench_base.c): 0 when not wanted or not possible ----
 * Each is measured once a process and remembered. */

double base_lmdb_puts(const struct bench *b);	/* puts/s, a transaction each,
				synced unless the instance's durability is
				none, on the store's file system */
double base_round_trip(const struct bench *b);	/* seconds: a Unix socket */
double base_file(const struct bench *b, const void *data,
		 size_t len);	/* MB/s: written to a file beside the store and
				   synced, if the instance does; not
				   remembered */
double base_spawn(const struct bench *b);	/* seconds: /bin/true */
double base_xargs(const struct bench *b);	/* /bin/true a second, two at
						   a time */

/* Operations a second of a redis-server that syncs as the instance does, with
 * values of the size asked for; 0 when there is none. */
struct redis_rates {
	double set_serial, set_pipelined, get_serial, get_pipelined;
};
const struct redis_rates *base_redis(const struct bench *b);

/* ---- many requests (bench_load.c) ---- */

struct load {
	size_t n;		/* operations */
	unsigned window;	/* in flight at most; 1: one after the other */
	/* Starts operation number I. */
	weir_future_t *(*start)(struct bench *b, size_t i, void *arg);
	/* Called with each that succeeded, and the time of its start. May be
	 * NULL. -1 after a message. */
	int (*done)(weir_future_t *f, double begin, void *arg);
	void *arg;
	struct samples *s;	/* gets their times; may be NULL */
};

/* The whole time in seconds, or -1 after a message. */
double load_run(struct bench *b, const struct load *load);

/* Key number I of the benchmark in BUF of SIZE. */
const char *load_key(const struct bench *b, size_t i, char *buf, size_t size);
/* A load's start: put key number I; ARG is a weir_txn_t to use each time. */
weir_future_t *load_put(struct bench *b, size_t i, void *arg);
/* Take the benchmark's keys away. */
int load_clean_up(struct bench *b);

/* ---- programs (bench_spawn.c) ---- */

struct spawned {
	void (*tick)(void *arg);	/* called now and then while it runs */
	void *arg;
	double seconds;		/* from start to the end of its output and it */
	size_t bytes;		/* of its standard output */
	long max_rss_kib;
};

/* Run ARGV to its end, reading its output. -1 after a message, also if it
 * fails. RESULT's tick and arg are the caller's. */
int spawn_run(const char *const argv[], struct spawned *result);
/* As above N times; the samples are their times. */
int spawn_times(const char *const argv[], size_t n, struct samples *s);

/* ---- cases: 0, or -1 after a message ---- */

int bench_kvs(struct bench *b);
int bench_event(struct bench *b);
int bench_watch(struct bench *b);
int bench_herd(struct bench *b);
int bench_jobs(struct bench *b);
int bench_command(struct bench *b);
int bench_attach(struct bench *b);

/* The one that needs no instance, with options of its own. */
int bench_sched(int argc, char **argv);

#endif
