/* SPDX-License-Identifier: Apache-2.0 */
/* A database in a temporary folder, and one-line transactions, for tests. */
#ifndef WEIR_DB_TEST_H
#define WEIR_DB_TEST_H

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "kvsd/db.h"
#include "t/unit/tap.h"

static char test_dir[] = "/tmp/weir-db-XXXXXX";
static struct event_base *test_base;
static struct db_error test_error;	/* of the last call */
static struct db_error told;		/* last told by on_durable */
static uint64_t told_ticket;
static unsigned told_count;

__attribute__((unused))
static void test_durable(void *arg, uint64_t ticket,
			 const struct db_error *error)
{
	told = *error;
	told_ticket = ticket;
	told_count++;
}

__attribute__((unused))
static struct db *test_open(struct db_options options)
{
	struct db *db;

	if (!test_base) {
		if (!mkdtemp(test_dir))
			abort();
		test_base = event_base_new();
	}
	options.path = test_dir;
	options.owner = 1000;
	options.on_durable = test_durable;
	db = db_open(&options, test_base, &test_error);
	if (!db)
		diag("db_open: %s", test_error.text);
	return db;
}

/* Removes the files of the database. */
__attribute__((unused))
static void test_wipe(void)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock",
					     "reserve", "journal" };
	char name[256];

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/%s", test_dir, files[i]);
		unlink(name);
	}
}

__attribute__((unused))
static int test_end(void)
{
	test_wipe();
	rmdir(test_dir);
	if (test_base)
		event_base_free(test_base);
	return done();
}

/* Applies OPS to primary; the new version, or -1. */
__attribute__((unused))
static int64_t apply(struct db *db, struct db_op *ops, size_t count)
{
	uint64_t version;

	memset(&test_error, 0, sizeof(test_error));
	if (db_apply(db, "primary", ops, count, NULL, NULL, &version,
		     &test_error) < 0)
		return -1;
	return version;
}

#define APPLY(db, ...) \
	apply(db, (struct db_op[]) { __VA_ARGS__ }, \
	      sizeof((struct db_op[]) { __VA_ARGS__ }) / sizeof(struct db_op))
#define PUT(k, s) \
	{ .op = OP_put, .key = k, .data = s, .len = strlen(s) }
#define APPEND(k, s) \
	{ .op = OP_append, .key = k, .data = s, .len = strlen(s) }
#define MKDIR(k) { .op = OP_mkdir, .key = k }
#define LINK(k, t, n) \
	{ .op = OP_link, .key = k, .arg = t, .target_ns = n }
#define COPY(k, s) { .op = OP_copy, .key = k, .arg = s }
#define UNLINK(k) { .op = OP_unlink, .key = k }
#define UNLINK_ALL(k) \
	{ .op = OP_unlink, .key = k, .flags = DB_UNLINK_RECURSIVE }

/* The value of KEY, "(dir)", "(link)", or the name of the error, in a static
 * buffer. */
__attribute__((unused))
static const char *get_in(struct db *db, const char *ns, const char *key,
			  const char *at, bool applied)
{
	static char value[4096];
	struct db_view *view = db_view_open(db, ns, at, applied, &test_error);
	struct db_entry entry;
	ssize_t n;

	if (!view)
		return strerrorname_np(errno);
	if (db_lookup(view, key, false, NULL, NULL, &entry, &test_error) < 0) {
		strcpy(value, strerrorname_np(errno));
	} else if (entry.type == DB_VALUE) {
		n = db_read(view, &entry, 0, value, sizeof(value) - 1);
		if (n < 0)
			strcpy(value, strerrorname_np(errno));
		else
			value[n] = '\0';
	} else {
		strcpy(value, entry.type == DB_DIR ? "(dir)" : "(link)");
	}
	db_entry_clear(&entry);
	db_view_close(view);
	return value;
}

#define get(db, key) get_in(db, "primary", key, NULL, false)
#define get_applied(db, key) get_in(db, "primary", key, NULL, true)

/* Root hash of the durable state as text, in one of four static buffers. */
__attribute__((unused))
static const char *root_of(struct db *db, const char *ns)
{
	static char text[4][2 * DB_HASH_SIZE + 1];
	static unsigned turn;
	struct db_namespace_info info;

	if (db_namespace_info(db, ns, false, &info) < 0)
		return NULL;
	db_hash_text(&info.root, text[++turn % 4]);
	return text[turn % 4];
}

#endif
