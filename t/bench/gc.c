/* SPDX-License-Identifier: Apache-2.0 */
/* Speed of collecting blobs, and what others notice of it: COUNT values of
 * 1,100 bytes (a blob each) are written, overwritten ten times (or TIMES), and
 * then collected while commits go on. One JSON object a line.
 *   t/bench/gc FOLDER [COUNT [TIMES]]
 */
#include "config.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kvsd/db.h"

#define SIZE		1100
#define A_TRANSACTION	1000

static struct event_base *base;
static struct db *db;
static unsigned long count = 100000, done;
static double worst;		/* turn of the loop */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void report(const char *name, double value, const char *unit)
{
	printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"}\n", name,
	       value, unit);
	fflush(stdout);
}

static void apply(struct db_op *ops, size_t n)
{
	struct db_error error;
	uint64_t version;

	if (db_apply(db, "primary", ops, n, NULL, NULL, &version,
		     &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
}

/* One turn of a loop that has something to do now and then. */
static void turn(void)
{
	struct timeval soon = { 0, 1000 };
	double start = now(), took;

	event_base_once(base, -1, EV_TIMEOUT, on_timer, NULL, &soon);
	db_turn_end(db);
	event_base_loop(base, EVLOOP_ONCE);
	took = now() - start;
	if (took > worst)
		worst = took;
}

static void write_all(unsigned long round)
{
	static struct db_op ops[A_TRANSACTION];
	static char key[A_TRANSACTION][32], value[A_TRANSACTION][SIZE];

	for (unsigned long i = 0; i < count; i++) {
		unsigned at = i % A_TRANSACTION;

		snprintf(key[at], sizeof(key[at]), "d%lu.k%lu", i / 1000, i);
		memset(value[at], 'v', SIZE);
		snprintf(value[at], SIZE, "%lu %lu", round, i);
		ops[at] = (struct db_op) { .op = OP_put, .key = key[at],
			.data = value[at], .len = SIZE };
		if (at + 1 < A_TRANSACTION && i + 1 < count)
			continue;
		apply(ops, at + 1);
		db_turn_end(db);
		event_base_loop(base, EVLOOP_ONCE);
	}
	db_wait(db);
}

static void on_durable(void *arg, uint64_t ticket,
		       const struct db_error *error)
{
	if (error->errnum) {
		fprintf(stderr, "%s\n", error->text);
		exit(1);
	}
}

/* Commits a second, of one put each, ten at a time, until UNTIL collections
 * have ended or SECONDS are over. */
static double commits(double seconds, uint64_t until)
{
	struct db_gc_info info;
	double start = now();
	unsigned long n = 0;

	worst = 0;
	do {
		for (int i = 0; i < 10; i++) {
			char key[32], value[100];
			int len = snprintf(value, sizeof(value), "%lu", done);

			snprintf(key, sizeof(key), "load.k%lu", done++ % 1000);
			apply(&(struct db_op) { .op = OP_put, .key = key,
			      .data = value, .len = len }, 1);
		}
		n += 10;
		turn();
		db_gc_info(db, &info);
	} while (until ? info.ended < until : now() - start < seconds);
	return n / (now() - start);
}

static void sizes(const char *when)
{
	struct db_gc_info info;
	struct db_stats stats;
	char name[64];

	db_gc_info(db, &info);
	db_stats(db, &stats);
	snprintf(name, sizeof(name), "gc.file-to-live.%s", when);
	report(name, (double)stats.file_size / info.stored, "times");
	snprintf(name, sizeof(name), "gc.file.%s", when);
	report(name, stats.file_size, "bytes");
}

int main(int argc, char **argv)
{
	struct db_options options = { .durable = true, .history_max = 10,
				      .on_durable = on_durable };
	unsigned long times = argc > 3 ? strtoul(argv[3], NULL, 10) : 10;
	struct db_gc_info info;
	struct db_error error;
	double start;
	uint64_t until;

	if (argc < 2)
		return 2;
	if (argc > 2)
		count = strtoul(argv[2], NULL, 10);
	options.path = argv[1];
	base = event_base_new();
	db = db_open(&options, base, &error);
	if (!db) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	start = now();
	write_all(0);
	report("gc.fill", count / (now() - start), "values/s");
	start = now();
	for (unsigned long i = 1; i <= times; i++)
		write_all(i);
	report("gc.churn", count * times / (now() - start), "values/s");
	sizes("churned");
	db_gc_info(db, &info);
	report("gc.collections", info.ended, "times");
	report("gc.longest-step", info.longest_ever * 1000, "ms");
	while (info.phase != DB_GC_IDLE) {
		turn();
		db_gc_info(db, &info);
	}
	report("gc.commits.alone", commits(3, 0), "commits/s");
	report("gc.turn.alone", worst * 1000, "ms");
	until = db_gc_start(db);
	report("gc.commits.collecting", commits(0, until), "commits/s");
	report("gc.turn.collecting", worst * 1000, "ms");
	db_gc_info(db, &info);
	report("gc.blobs", info.swept, "blobs");
	report("gc.removed", info.removed, "blobs");
	report("gc.seconds", info.seconds, "s");
	report("gc.rate", info.swept / info.seconds, "blobs/s");
	report("gc.longest-step", info.longest_ever * 1000, "ms");
	sizes("collected");
	db_close(db);
	event_base_free(base);
	return 0;
}
