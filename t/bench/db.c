/* SPDX-License-Identifier: Apache-2.0 */
/* Speed of the database without the network: single-put transactions one by
 * one and many at a time into directories of several sizes, pages of names,
 * lookups of a hot key, appends, opening. One JSON object a line.
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

static const unsigned sizes[] = { 100, 1000, 10000, 1000000 };
#define SIZES	(sizeof(sizes) / sizeof(sizes[0]))

/* The directory of ENTRIES, in one batch. */
static void fill(const char *path, unsigned entries)
{
	struct db *db = open_db(path, true);
	char text[64];
	double start = now();

	for (unsigned i = 0; i < entries; i++) {
		snprintf(text, sizeof(text), "bench.d%u.key-%u", entries, i);
		apply(db, (struct db_op) { .op = OP_put, .key = text,
		      .data = "12345678", .len = 8 });
	}
	db_wait(db);
	snprintf(text, sizeof(text), "fill-entries%u", entries);
	report(text, (now() - start) / entries * 1e9, "ns");
	db_close(db);
}

static void put(struct db *db, unsigned entries, unsigned long n)
{
	char key[64];

	snprintf(key, sizeof(key), "bench.d%u.key-%lu", entries,
		 n * 7919 % entries);
	apply(db, (struct db_op) { .op = OP_put, .key = key, .data = &n,
	      .len = sizeof(n) });
}

/* Commits one after the other, in turns of each directory, so that all of
 * them have the same share of what else the disk does. */
static void bench_serial(const char *path)
{
	struct db *db = open_db(path, true);
	double spent[SIZES] = { 0 }, start = now(), before;
	unsigned long n = 0;
	char name[64];

	while (now() - start < 4 * seconds) {
		for (size_t i = 0; i < SIZES; i++) {
			before = now();
			for (int j = 0; j < 10; j++) {
				put(db, sizes[i], n + j);
				db_wait(db);
			}
			spent[i] += now() - before;
		}
		n += 10;
	}
	for (size_t i = 0; i < SIZES; i++) {
		snprintf(name, sizeof(name), "serial-entries%u", sizes[i]);
		report(name, n / spent[i], "1/s");
	}
	db_close(db);
}

/* Transactions a second, with OUTSTANDING at most not durable, into one
 * directory of ENTRIES. */
static void bench_put(const char *path, bool durable, unsigned outstanding,
		      unsigned entries)
{
	struct db *db = open_db(path, durable);
	struct db_stats before, after;
	unsigned long n = 0, settled = 0, at_seal = 0;
	uint64_t ticket = 0;
	double start = now();
	char name[128];
	size_t len;

	db_stats(db, &before);
	while (now() - start < seconds) {
		for (int i = 0; i < 64 && n - settled < outstanding; i++)
			put(db, entries, n++);
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
	len = snprintf(name, sizeof(name), "put-%s-outstanding%u-entries%u",
		       durable ? "durable" : "none", outstanding, entries);
	report(name, n / (now() - start), "1/s");
	strcpy(name + len, "-batch");
	report(name, (double)n / (after.batches - before.batches), "");
	strcpy(name + len, "-bytes");
	report(name, (double)(after.bytes_written - before.bytes_written) / n,
	       "B");
	db_close(db);
}

static int count_to(enum db_type type, uint64_t size, const char *name,
		    void *arg)
{
	unsigned *left = arg;

	return !--*left;
}

/* A page of 1,000 names from somewhere in the directory of ENTRIES. */
static void bench_page(const char *path, unsigned entries)
{
	struct db *db = open_db(path, true);
	char key[64], name[64];
	unsigned n = 0;
	double start;

	snprintf(key, sizeof(key), "bench.d%u", entries);
	start = now();
	while (now() - start < seconds / 2) {
		struct db_view *view = db_view_open(db, "primary", NULL, false,
						    NULL);
		struct db_entry entry;
		unsigned left = 1000;

		snprintf(name, sizeof(name), "key-%u",
			 ++n * 7919 % entries);
		if (db_lookup(view, key, false, NULL, NULL, &entry, NULL) ||
		    db_list(view, &entry, name, count_to, &left) < 0)
			abort();
		db_entry_clear(&entry);
		db_view_close(view);
	}
	snprintf(name, sizeof(name), "page-entries%u", entries);
	report(name, (now() - start) / n * 1e3, "ms");
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
	for (size_t i = 0; i < SIZES; i++)
		fill(argv[1], sizes[i]);
	bench_serial(argv[1]);
	for (size_t i = 0; i < SIZES; i++) {
		bench_put(argv[1], true, 128, sizes[i]);
		bench_put(argv[1], true, 1024, sizes[i]);
		bench_put(argv[1], false, 1024, sizes[i]);
		bench_page(argv[1], sizes[i]);
	}
	bench_get(argv[1]);
	bench_append(argv[1]);
	bench_open(argv[1]);
	event_base_free(base);
	return 0;
}
