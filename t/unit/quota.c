/* SPDX-License-Identifier: Apache-2.0 */
/* What namespaces and users hold is counted exactly, whatever changes, fails
 * and is given up, and over a restart; quotas. */
#include "config.h"

#include <lmdb.h>
#include <string.h>

#include "kvsd/database.h"
#include "t/unit/db_test.h"

#define NAMESPACES	3
#define STEPS		10000

static const char *const ns_name[NAMESPACES] = { "primary", "one", "two" };
static bool disk_fails;

static int commit(MDB_txn *txn)
{
	if (!disk_fails)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return EIO;
}

/* ---- counting by looking at all ---- */

struct sum {
	struct db_view *view;
	struct extent extent;
	const char *dir;
};

static void add_all(struct sum *sum, const char *dir);

static int add_one(enum db_type type, uint64_t size, const char *name,
		   void *arg)
{
	struct sum *sum = arg;
	char key[DB_KEY_MAX + 1];
	struct db_entry entry;

	snprintf(key, sizeof(key), "%s%s%s", sum->dir, *sum->dir ? "." : "",
		 name);
	sum->extent.keys++;
	sum->extent.bytes += strlen(name);
	if (type == DB_DIR) {
		add_all(sum, key);
		return 0;
	}
	if (db_lookup(sum->view, key, true, NULL, NULL, &entry, &test_error))
		abort();
	if (type == DB_LINK)
		sum->extent.bytes += strlen(entry.target) +
			(entry.target_ns ? strlen(entry.target_ns) : 0);
	else
		sum->extent.bytes += entry.size;
	db_entry_clear(&entry);
	return 0;
}

static void add_all(struct sum *sum, const char *dir)
{
	const char *above = sum->dir;
	struct db_entry entry;

	sum->dir = dir;
	if (db_lookup(sum->view, *dir ? dir : ".", true, NULL, NULL, &entry,
		      &test_error) ||
	    db_list(sum->view, &entry, NULL, add_one, sum))
		abort();
	db_entry_clear(&entry);
	sum->dir = above;
}

/* Whether what DB says of NS is so, in the applied or the durable state;
 * *EXTENT is set. */
static bool is_exact(struct db *db, const char *ns, bool applied,
		     struct extent *extent)
{
	struct db_namespace_info info;
	struct sum sum = { .dir = "" };

	sum.view = db_view_open(db, ns, NULL, applied, &test_error);
	if (!sum.view || db_namespace_info(db, ns, applied, &info))
		abort();
	add_all(&sum, "");
	db_view_close(sum.view);
	*extent = sum.extent;
	return info.keys == sum.extent.keys && info.bytes == sum.extent.bytes;
}

static bool all_exact(struct db *db, bool applied)
{
	struct extent all = { 0 }, one;
	struct db_namespace_info info;
	struct db_user_info user;
	bool exact = true;

	for (int i = 0; i < NAMESPACES; i++) {
		exact &= is_exact(db, ns_name[i], applied, &one);
		extent_add(&all, one);
	}
	if (!db_namespace_info(db, "guest", applied, &info)) {
		exact &= is_exact(db, "guest", applied, &one);
		extent_add(&all, one);
	}
	db_user_info(db, 1000, &user);
	return exact && (!applied || (user.keys == all.keys &&
				      user.bytes == all.bytes));
}

/* ---- all kinds of changes ---- */

static const char *random_key(void)
{
	static char key[4][64];
	static unsigned n;
	char *p = key[n++ % 4];

	switch (random() % 4) {
	case 0:
		snprintf(p, 64, "k%ld", random() % 5);
		break;
	case 1:
		snprintf(p, 64, "k%ld.long%ld", random() % 5, random() % 9);
		break;
	default:
		snprintf(p, 64, "k%ld.d%ld.x%ld", random() % 5, random() % 3,
			 random() % 400);
	}
	return p;
}

static struct db_op random_op(void)
{
	static char data[80000];
	struct db_op op = { .key = random_key(), .data = data };

	op.len = random() % (random() % 3 ? 40 : (long)sizeof(data));
	switch (random() % 10) {
	case 0:
		op.op = OP_mkdir;
		break;
	case 1:
		op.op = OP_link;
		op.arg = "some.where";
		op.target_ns = random() % 2 ? "over-there" : NULL;
		break;
	case 2:
		op.op = OP_unlink;
		op.flags = DB_UNLINK_RECURSIVE | DB_UNLINK_FORCE;
		break;
	case 3:
		op.op = OP_copy;
		op.arg = random_key();
		break;
	case 4:
	case 5:
	case 6:
		op.op = OP_append;
		break;
	default:
		op.op = OP_put;
	}
	return op;
}

/* Four changes, of which the last may be one that fails. */
static bool change(struct db *db)
{
	struct db_op ops[5] = { { .op = OP_unlink, .key = "not.there" } };
	uint64_t version;
	int n = 0;

	while (n < 4)
		ops[n++] = random_op();
	if (random() % 4 == 0)
		ops[n++] = (struct db_op){ .op = OP_unlink,
					   .key = "not.there" };
	return !db_apply(db, ns_name[random() % NAMESPACES], ops, n, NULL,
			 NULL, &version, &test_error);
}

/* A namespace is made, written to in the same batch, and taken up. */
static bool adopt(struct db *db)
{
	uint64_t version;
	struct db_op make = PUT("a.b", "123");
	struct db_op take[] = {
		PUT("k1.more", "x"),
		{ .op = OP_adopt, .key = "k1.adopted", .arg = "guest" },
		PUT("k1.adopted.a.c", "4"),
		{ .op = OP_unlink, .key = "not.there" }
	};
	size_t n = 3 + random() % 2;

	/* one that a lost batch had removed is there again */
	db_namespace_remove(db, "guest", &test_error);
	if (db_namespace_create(db, "guest", 1000, NULL, &test_error) ||
	    db_apply(db, "guest", &make, 1, NULL, NULL, &version, &test_error))
		abort();
	if (random() % 2)
		db_turn_end(db);
	if (!db_apply(db, "one", take, n, NULL, NULL, &version, &test_error))
		return true;
	if (db_namespace_remove(db, "guest", &test_error))
		abort();
	return false;
}

static void test_exact(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	bool applied = true, durable = true;
	unsigned done = 0, failed = 0, lost = 0;

	if (db_namespace_create(db, "one", 1000, NULL, &test_error) ||
	    db_namespace_create(db, "two", 1000, NULL, &test_error))
		abort();
	db_wait(db);
	for (int i = 0; i < STEPS; i++) {
		if (random() % 20 ? change(db) : adopt(db))
			done++;
		else
			failed++;
		if (i % 10 == 0)
			applied &= all_exact(db, true);
		if (random() % 3 == 0)
			db_turn_end(db);
		if (random() % 30 == 0) {
			disk_fails = random() % 4 == 0;
			lost += disk_fails;
			db_wait(db);
			disk_fails = false;
			durable &= all_exact(db, false) && all_exact(db, true);
		}
	}
	ok(applied, "what is counted is there, after %u changes, %u that "
	   "failed and %u lost batches", done, failed, lost);
	ok(durable, "also in what is durable");
	db_close(db);
	db = test_open((struct db_options) { .durable = true });
	ok(all_exact(db, false) && all_exact(db, true), "and after a restart");
	db_close(db);
	test_wipe();
}

/* ---- quotas ---- */

static void set_quota(struct db *db, const char *ns, uint64_t keys,
		      uint64_t bytes)
{
	struct db_settings set = db_settings_default;

	set.quota = (struct db_limits){ keys, bytes };
	if (db_namespace_set(db, ns, &set, &test_error))
		abort();
}

static bool over(void)
{
	return test_error.errnum == EDQUOT;
}

/* One that is over fails as if it had not been tried, in the very batch. */
static void test_alone(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	int64_t before;

	set_quota(db, "primary", DB_NO_LIMIT, 10);
	before = APPLY(db, PUT("a", "123"));
	ok(APPLY(db, PUT("b", "1"), PUT("c", "12345")) < 0 && over(),
	   "refused: %s", test_error.text);
	is_int(APPLY(db, PUT("d", "12345")), before + 1,
	       "up to the quota, in the same batch");
	ok(APPLY(db, UNLINK("a"), PUT("e", "123"), PUT("f", "")) < 0 && over(),
	   "one byte more");
	ok(APPLY(db, UNLINK("a"), PUT("e", "123")) > 0, "room that it makes "
	   "itself");
	db_wait(db);
	set_quota(db, "primary", 0, 0);
	ok(APPLY(db, PUT("e", "321")) > 0, "the same size");
	ok(APPLY(db, PUT("e", "3214"), UNLINK("d")) > 0, "less");
	ok(APPLY(db, PUT("e", "32145")) < 0 && over(), "more");
	ok(APPLY(db, UNLINK("e")) > 0, "nothing");
	db_wait(db);
	is_str(get_in(db, "primary", "e", NULL, false), "ENOENT", "it is gone");
	db_close(db);
	db = test_open((struct db_options) { .durable = true });
	ok(APPLY(db, PUT("e", "")) < 0 && over(), "set over a restart");
	set_quota(db, "primary", DB_DEFAULT, DB_DEFAULT);
	ok(APPLY(db, PUT("e", "")) > 0, "the owner has no default");
	db_close(db);
	test_wipe();
}

/* Settings and users' quotas that could not be written are as before. */
static void test_give_up(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	struct db_limits quota = { 1, 1 };
	struct db_settings set;
	struct db_user_info user;

	db_wait(db);
	disk_fails = true;
	set_quota(db, "primary", 5, 6);
	db_user_set(db, 7, &quota);
	db_wait(db);
	disk_fails = false;
	ok(!db_namespace_settings(db, "primary", true, false, &set) &&
	   set.quota.keys == DB_DEFAULT, "a namespace's settings");
	db_user_info(db, 7, &user);
	ok(user.quota.keys == DB_DEFAULT && user.effective.keys == DB_NO_LIMIT,
	   "a user's quota");
	db_user_set(db, 7, &quota);
	db_wait(db);
	db_close(db);
	db = test_open((struct db_options) { .durable = true });
	db_user_info(db, 7, &user);
	ok(user.quota.keys == 1 && user.effective.bytes == 1, "which lasts");
	quota = (struct db_limits){ DB_DEFAULT, DB_DEFAULT };
	db_user_set(db, 7, &quota);
	db_close(db);
	db = test_open((struct db_options) { .durable = true });
	db_user_info(db, 7, &user);
	ok(user.quota.keys == DB_DEFAULT, "and is taken back");
	db_close(db);
	test_wipe();
}

/* What is made from what there is, for a user. */
static void test_made(void)
{
	static const struct db_limits two = { 2, DB_NO_LIMIT };
	struct db *db = test_open((struct db_options) {
				  .durable = true, .user_quota = &two });
	struct db_namespace_info info;
	struct db_user_info user;
	struct db_hash hash;
	uint64_t version;

	APPLY(db, PUT("a", "1"), PUT("b", "2"));
	db_wait(db);
	db_namespace_info(db, "primary", false, &info);
	ok(!db_namespace_create(db, "x", 7, &info.root, &test_error),
	   "a namespace with content, up to the quota");
	ok(db_namespace_create(db, "y", 7, &info.root, &test_error) &&
	   over(), "refused: %s", test_error.text);
	ok(db_namespace_info(db, "y", true, &info) < 0, "it is not there");
	ok(db_snapshot(db, "x", "s", NULL, &version, &hash, &test_error) &&
	   over(), "a snapshot: %s", test_error.text);
	ok(db_namespace_info(db, "x@s", true, &info) < 0, "is not there");
	db_user_info(db, 7, &user);
	is_int(user.keys, 2, "counted once");
	ok(!db_namespace_remove(db, "x", &test_error), "removed");
	db_user_info(db, 7, &user);
	is_int(user.keys, 0, "is not counted");
	ok(!db_namespace_create(db, "y", 7, NULL, &test_error),
	   "the name can be used");
	db_close(db);
	test_wipe();
}

int main(void)
{
	store_commit = commit;
	store_room_sure = UINT64_MAX;
	srandom(4);
	test_exact();
	test_alone();
	test_give_up();
	test_made();
	return test_end();
}
