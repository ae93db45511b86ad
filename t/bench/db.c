/* SPDX-License-Identifier: Apache-2.0 */
/* Speed of the database without the network: single-put transactions in
 * rounds of N, lookups of a hot key, appends, opening. One JSON object a line.
 *   t/bench/db FOLDER [SECONDS]
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

static struct event_base *base;
static double seconds = 2;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static struct db *open_db(const char *path, bool durable)
{
	struct db_options options = { .path = path, .durable = durable };
	struct db_error error;
	struct db *db = db_open(&options, base, &error);

	if (!db) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	return db;
}

static void report(const char *name, double value, const char *unit)
{
	printf("{\"name\":\"%s\",\"value\":%.3g,\"unit\":\"%s\"}\n", name,
	       value, unit);
	fflush(stdout);
}

static void apply(struct db *db, struct db_op op)
{
	struct db_error error;
	uint64_t version;

	if (db_apply(db, "primary", &op, 1, NULL, NULL, &version,
		     &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
}

/* Transactions a second, with OUTSTANDING at most not durable, into one
 * directory of ENTRIES. */
static void bench_put(const char *path, bool durable, unsigned outstanding,
		      unsigned entries)
{
	struct db *db = open_db(path, durable);
	struct db_stats before, after;
	unsigned long n = 0, settled = 0, at_seal = 0;
	char key[64], name[128];
	uint64_t ticket = 0;
	double start;

	for (unsigned i = 0; i < entries; i++) {
		snprintf(key, sizeof(key), "bench.d%u.key-%u", entries, i);
		apply(db, (struct db_op) { .op = OP_put, .key = key,
		      .data = "12345678", .len = 8 });
	}
	db_wait(db);
	db_stats(db, &before);
	start = now();
	while (now() - start < seconds) {
		for (int i = 0; i < 64 && n - settled < outstanding; i++) {
			snprintf(key, sizeof(key), "bench.d%u.key-%lu", entries,
				 n * 7919 % entries);
			apply(db, (struct db_op) { .op = OP_put, .key = key,
			      .data = &n, .len = sizeof(n) });
			n++;
		}
		if (db_ticket_durable(db) >= ticket) {
			settled = at_seal;
			at_seal = n;
			ticket = db_ticket(db);
		}
		db_turn_end(db);
		event_base_loop(base, n - settled < outstanding ?
				EVLOOP_NONBLOCK : EVLOOP_ONCE);
	}
	db_wait(db);
	db_stats(db, &after);
	snprintf(name, sizeof(name), "put-%s-outstanding%u-entries%u",
		 durable ? "durable" : "none", outstanding, entries);
	report(name, n / (now() - start), "1/s");
	snprintf(name + strlen(name), 16, "-batch");
	report(name, (double)n / (after.batches - before.batches), "");
	db_close(db);
}

static void bench_get(const char *path)
{
	struct db *db = open_db(path, true);
	unsigned long n = 0;
	char buf[64];
	double start;

	apply(db, (struct db_op) { .op = OP_put, .key = "hot.a.b.key",
	      .data = "12345678", .len = 8 });
	db_wait(db);
	start = now();
	while (now() - start < seconds / 2)
		for (int i = 0; i < 1000; i++, n++) {
			struct db_view *view = db_view_open(db, "primary",
							    NULL, false, NULL);
			struct db_entry entry;

			if (db_lookup(view, "hot.a.b.key", false, NULL, NULL,
				      &entry, NULL) < 0 ||
			    db_read(view, &entry, 0, buf, sizeof(buf)) != 8)
				abort();
			db_entry_clear(&entry);
			db_view_close(view);
		}
	report("get-hot", (now() - start) / n * 1e9, "ns");
	db_close(db);
}

static void bench_append(const char *path)
{
	struct db *db = open_db(path, true);
	static char data[4096];
	unsigned long n = 0;
	double start = now();

	while (now() - start < seconds) {
		apply(db, (struct db_op) { .op = OP_append, .key = "append.a",
		      .data = data, .len = sizeof(data) });
		if (++n % 16 == 0) {
			db_turn_end(db);
			event_base_loop(base, EVLOOP_NONBLOCK);
		}
	}
	db_wait(db);
	report("append-4k", n * sizeof(data) / (now() - start) / 1e6, "MB/s");
	db_close(db);
}

static void bench_open(const char *path)
{
	double start = now();
	struct db *db = open_db(path, true);

	report("open", (now() - start) * 1e3, "ms");
	db_close(db);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER [SECONDS]\n", argv[0]);
		return 2;
	}
	if (argc > 2)
		seconds = atof(argv[2]);
	base = event_base_new();
	bench_put(argv[1], true, 1, 1000);
	bench_put(argv[1], true, 128, 1000);
	bench_put(argv[1], true, 1024, 1000);
	bench_put(argv[1], true, 1024, 4000);
	bench_put(argv[1], false, 1024, 1000);
	bench_get(argv[1]);
	bench_append(argv[1]);
	bench_open(argv[1]);
	event_base_free(base);
	return 0;
}
