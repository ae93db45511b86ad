/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting blobs: random changes with a collection going on between and
 * amid them, then all that can be reached is there and nothing else. */
#include "config.h"

#include <lmdb.h>
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>

#include "kvsd/marks.h"
#include "kvsd/node.h"
#include "kvsd/store.h"
#include "t/unit/db_test.h"

#define HISTORY	5
#define VIEWS	4

static uint64_t seed;

/* xorshift: the same everywhere. */
static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

static struct db *open_manual(void)
{
	return test_open((struct db_options) { .durable = true,
			 .gc_manual = true, .history_max = HISTORY });
}

static void collect(struct db *db)
{
	struct db_gc_info info;
	uint64_t wanted = db_gc_start(db);

	do {
		if (db_gc_step(db, 1) == DB_GC_COPY)
			event_base_loop(test_base, EVLOOP_ONCE);
		db_wait(db);
		db_gc_info(db, &info);
	} while (info.ended < wanted);
	if (*info.why)
		diag("%s", info.why);
}

/* ---- what is in a store, found by other means ---- */

struct census {
	struct store *store;
	struct db_hash *reached;
	size_t count, room;
	size_t missing, stored, lost;
};

static int by_hash(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct db_hash));
}

static void reach(struct census *c, const struct db_hash *hash);

static int reach_node_child(enum blob_kind kind, const struct db_hash *hash,
			    uint64_t size, void *arg)
{
	reach(arg, hash);
	return 0;
}

static int reach_value_child(enum blob_kind kind, const struct db_hash *hash,
			     void *arg)
{
	reach(arg, hash);
	return 0;
}

/* Trees are small here: what is reached twice is looked into twice. */
static void reach(struct census *c, const struct db_hash *hash)
{
	const unsigned char *data;
	struct db_hash found;
	const char *why;
	size_t len;

	if (store_blob(c->store, hash, &data, &len) < 0) {
		c->missing++;
		return;
	}
	blob_hash(data, len, &found);
	if (memcmp(&found, hash, sizeof(found)))
		c->missing++;
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 1024;
		c->reached = realloc(c->reached, c->room * sizeof(*hash));
	}
	c->reached[c->count++] = *hash;
	if (data[2] == BLOB_DIRECTORY)
		node_each_child(data, len, reach_node_child, c, &why);
	else if (data[2] == BLOB_BRANCH)
		value_each_child(data, len, reach_value_child, c, &why);
}

static int census_namespace(const unsigned char *key, size_t key_len,
			    const unsigned char *data, size_t len, void *arg)
{
	reach(arg, (const struct db_hash *)(data + 21));
	return 0;
}

static int census_history(const unsigned char *key, size_t key_len,
			  const unsigned char *data, size_t len, void *arg)
{
	reach(arg, (const struct db_hash *)data);
	return 0;
}

static int census_blob(const unsigned char *key, size_t key_len,
		       const unsigned char *data, size_t len, void *arg)
{
	struct census *c = arg;

	c->stored++;
	c->lost += !bsearch(key, c->reached, c->count, sizeof(struct db_hash),
			    by_hash);
	return 0;
}

/* Of the closed database. */
static struct census take_census(void)
{
	struct census c = { .store = store_open(test_dir, true, 0,
						&test_error) };

	store_each(c.store, STORE_NAMESPACE, NULL, 0, census_namespace, &c);
	store_each(c.store, STORE_HISTORY, NULL, 0, census_history, &c);
	if (c.count)
		qsort(c.reached, c.count, sizeof(*c.reached), by_hash);
	store_each(c.store, STORE_BLOB, NULL, 0, census_blob, &c);
	store_close(c.store);
	free(c.reached);
	return c;
}

/* ---- views that must not change ---- */

struct held {
	struct db_view *view;
	struct db_hash digest;
};

struct digest {
	crypto_generichash_state state;
	struct db_view *view;
	bool failed;
};

static char value[1 << 20];

static int digest_one(enum wire_operation_id op, const char *key,
		      const struct db_entry *entry, void *arg)
{
	struct digest *d = arg;
	ssize_t n;

	crypto_generichash_update(&d->state, (const void *)key,
				  strlen(key) + 1);
	if (!entry || entry->type != DB_VALUE)
		return 0;
	n = db_read(d->view, entry, 0, value, sizeof(value));
	if (n != (ssize_t)entry->size)
		d->failed = true;
	else
		crypto_generichash_update(&d->state, (void *)value, n);
	return 0;
}

/* Of all that VIEW shows; false if not all can be read. */
static bool digest_of(struct db_view *view, struct db_hash *hash)
{
	struct digest d = { .view = view };

	crypto_generichash_init(&d.state, NULL, 0, DB_HASH_SIZE);
	if (db_diff(NULL, view, ".", digest_one, &d, &test_error) < 0) {
		diag("%s", test_error.text);
		d.failed = true;
	}
	crypto_generichash_final(&d.state, hash->byte, DB_HASH_SIZE);
	return !d.failed;
}

static void hold(struct db *db, struct held *held, const char *at)
{
	held->view = db_view_open(db, "primary", at, false, NULL);
	if (held->view && !digest_of(held->view, &held->digest)) {
		ok(0, "a view that was opened can be read");
		db_view_close(held->view);
		held->view = NULL;
	}
}

static bool release(struct held *held)
{
	struct db_hash digest;
	bool same = !held->view || (digest_of(held->view, &digest) &&
				    !by_hash(&digest, &held->digest));

	db_view_close(held->view);
	held->view = NULL;
	return same;
}

/* ---- random changes ---- */

struct model {
	struct db *db;
	struct held held[VIEWS];
	char root[64][2 * DB_HASH_SIZE + 1];	/* seen some time */
	unsigned roots, grafted, refused, changed, failed;
	bool same;
};

static int fail_enospc(MDB_txn *txn)
{
	mdb_txn_abort(txn);
	return ENOSPC;
}

/* One of few contents, so that blobs come again that were garbage. */
static size_t some_value(void)
{
	static const unsigned sizes[] = { 10, 900, 1500, 33000, 70000, 200000 };
	unsigned kind = below(8);

	memset(value, 'a' + kind, sizes[kind % 6]);
	return sizes[kind % 6];
}

static void change(struct model *m)
{
	static char key[64], source[64], hash[2 * DB_HASH_SIZE + 1];
	struct db_op op = { .op = OP_put, .key = key, .data = value };

	snprintf(key, sizeof(key), "d%u.e%u.k%u", below(3), below(3),
		 below(12));
	switch (below(13)) {
	case 0:
		key[2] = '\0';
		/* fall through */
	case 1:
		op.op = OP_unlink;
		op.flags = DB_UNLINK_RECURSIVE | DB_UNLINK_FORCE;
		break;
	case 2: case 3:
		op.op = OP_append;
		op.len = some_value();
		break;
	case 4:
		if (!m->roots)
			return;
		op.op = OP_graft;
		op.arg = strcpy(hash, m->root[below(m->roots)]);
		key[below(2) ? 2 : 5] = '\0';
		if (below(4))
			break;
		/* unlike put, it may bring the whole of an old state back */
		strcpy(key, ".");
		break;
	case 5:
		op.op = OP_copy;
		snprintf(source, sizeof(source), "d%u.e%u", below(3),
			 below(3));
		op.arg = source;
		if (m->roots && below(2))
			op.at = strcpy(hash, m->root[below(m->roots)]);
		key[below(2) ? 2 : 5] = '\0';
		break;
	default:
		op.len = some_value();
	}
	if (apply(m->db, &op, 1) > 0) {
		m->changed++;
		m->grafted += op.op == OP_graft;
	} else if (op.op == OP_graft) {
		m->refused++;
	}
}

static int anybody(const char *ns, uid_t owner, void *arg)
{
	return 0;
}

static void change_namespaces(struct model *m)
{
	char name[8], hash[2 * DB_HASH_SIZE + 1], key[8];
	struct db_namespace_info info;
	struct db_hash root;
	uint64_t version;

	sprintf(name, "n%u", below(3));
	if (!below(3)) {
		snprintf(key, sizeof(key), "%u", below(1000));
		if (db_snapshot(m->db, "primary", name, below(2) ? NULL : key,
				&version, &root, NULL) < 0)
			db_snapshot_remove(m->db, "primary", name, anybody,
					   NULL, NULL);
		return;
	}
	if (db_namespace_info(m->db, name, true, &info) < 0) {
		if (m->roots)
			strcpy(hash, m->root[below(m->roots)]);
		if (m->roots && !db_hash_parse(hash, &root))
			db_namespace_create(m->db, name, 0,
					    below(2) ? &root : NULL, NULL);
	} else if (below(3)) {
		size_t len = some_value();

		db_apply(m->db, name, (struct db_op[]) { { .op = OP_put,
			 .key = "a.b", .data = value, .len = len } }, 1, NULL,
			 NULL, &version, &test_error);
	} else if (below(2)) {
		db_namespace_remove(m->db, name, NULL);
	} else {
		sprintf(key, "d%u", below(3));
		APPLY(m->db, { .op = OP_adopt, .key = key, .arg = name });
	}
}

static void look(struct model *m)
{
	struct held *held = &m->held[below(VIEWS)];
	char version[32];
	struct db_namespace_info info;

	if (held->view) {
		m->same = release(held) && m->same;
		return;
	}
	db_namespace_info(m->db, "primary", false, &info);
	snprintf(version, sizeof(version), "%ju",
		 (uintmax_t)(info.version - below(HISTORY + 1)));
	hold(m->db, held, below(3) ? version : m->roots && below(2) ?
	     m->root[below(m->roots)] : NULL);
}

static void note_root(struct model *m)
{
	unsigned at = m->roots < 64 ? m->roots++ : below(64);

	strcpy(m->root[at], root_of(m->db, "primary"));
}

static void act(struct model *m)
{
	switch (below(16)) {
	case 0:
		look(m);
		break;
	case 1:
		change_namespaces(m);
		break;
	case 2:
		note_root(m);
		break;
	case 3:
		store_commit = below(8) ? mdb_txn_commit : fail_enospc;
		db_wait(m->db);
		m->failed += told.errnum != 0;
		store_commit = mdb_txn_commit;
		break;
	case 4: case 5:
		db_turn_end(m->db);
		break;
	case 6:
		event_base_loop(test_base, EVLOOP_NONBLOCK);
		break;
	case 7: case 8: case 9: case 10:
		for (unsigned n = below(30); n; n--)
			db_gc_step(m->db, 0);
		break;
	case 11:
		if (!below(20))
			db_gc_start(m->db);
		break;
	default:
		change(m);
	}
}

static void run(uint64_t with, unsigned rounds)
{
	struct model m = { .db = open_manual(), .same = true };
	struct db_gc_info info;
	struct census census;

	seed = with;
	for (unsigned i = 0; i < rounds; i++)
		act(&m);
	for (int i = 0; i < VIEWS; i++)
		m.same = release(&m.held[i]) && m.same;
	ok(m.same, "seed %ju: views show the same from first to last",
	   (uintmax_t)with);
	db_wait(m.db);
	db_gc_info(m.db, &info);
	diag("%u changes, %u grafts, %u refused, %u batches failed, "
	     "%ju collections", m.changed, m.grafted, m.refused, m.failed,
	     (uintmax_t)info.ended);
	collect(m.db);
	collect(m.db);
	db_gc_info(m.db, &info);
	db_close(m.db);
	census = take_census();
	is_int(census.missing, 0, "all that is in use is there, whole");
	is_int(census.lost, 0, "nothing else is");
	is_int(info.blobs, census.stored, "and the number is known");
	test_wipe();
}

/* ---- single cases ---- */

static void put_big(struct db *db, const char *key, char fill)
{
	memset(value, fill, 100000);
	for (int i = 0; i < 100000; i += VALUE_LEAF)
		value[i + 1] = i / VALUE_LEAF;	/* no two leaves equal */
	APPLY(db, { .op = OP_put, .key = key, .data = value, .len = 100000 });
}

static void forget_history(struct db *db)
{
	for (int i = 0; i < HISTORY + 2; i++) {
		APPLY(db, PUT("n", i % 2 ? "1" : "2"));
		db_wait(db);
	}
}

static void test_simple(void)
{
	struct db *db = open_manual();
	struct db_gc_info before, after;

	put_big(db, "a", 'a');
	put_big(db, "b", 'b');
	APPLY(db, UNLINK("a"));
	db_wait(db);
	put_big(db, "c", 'c');
	db_wait(db);
	APPLY(db, UNLINK("c"));
	collect(db);
	db_gc_info(db, &before);
	ok(before.stored > 200000, "what history has stays");
	forget_history(db);
	collect(db);
	db_gc_info(db, &after);
	ok(after.stored < before.stored - 90000 && after.stored > 32768,
	   "what no kept state has goes: %ju of %ju bytes left",
	   (uintmax_t)after.stored, (uintmax_t)before.stored);
	is_int(after.live, after.stored, "what is live is known");
	put_big(db, "c", 'c');
	db_wait(db);
	is_int(*get(db, "c"), 'c', "a value that was removed can come again");
	db_close(db);
	db = open_manual();
	db_gc_info(db, &before);
	is_int(before.live, after.stored, "also when opened again");
	db_close(db);
	test_wipe();
}

/* Directories of many nodes: those that changes have left behind go, what they
 * share with the present ones stays. */
static bool have_nodes(struct db *db, int count)
{
	char key[32], want[32];
	bool have = true;

	for (int i = 0; i < count && have; i++) {
		snprintf(key, sizeof(key), "d.k%d", i);
		snprintf(want, sizeof(want), "%d", i);
		have = !strcmp(get(db, key), i % 5 ? want : "ENOENT");
	}
	return have;
}

static void test_nodes(void)
{
	enum { COUNT = 20000 };
	struct db *db = open_manual();
	struct db_gc_info before, after;
	struct census census;
	char key[32], text[32];

	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "d.k%d", i);
		APPLY(db, PUT(key, "first"));
	}
	db_wait(db);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "d.k%d", i);
		snprintf(text, sizeof(text), "%d", i);
		if (i % 5)
			APPLY(db, PUT(key, text));
		else
			APPLY(db, UNLINK(key));
		if (i % 400 == 0)
			db_wait(db);
		if (i == COUNT / 2)
			db_gc_start(db);
		if (i > COUNT / 2 && i % 100 == 0)
			db_gc_step(db, 0);
	}
	db_wait(db);
	db_gc_info(db, &before);
	forget_history(db);
	collect(db);
	db_gc_info(db, &after);
	ok(after.blobs < before.blobs / 3, "%ju of %ju nodes are needed",
	   (uintmax_t)after.blobs, (uintmax_t)before.blobs);
	db_close(db);
	census = take_census();
	is_int(census.missing, 0, "these are there");
	is_int(census.lost, 0, "and no other");
	db = open_manual();
	ok(have_nodes(db, COUNT), "with all entries");
	db_close(db);
	test_wipe();
}

static double fake_time = 1000;

static double fake_clock(void)
{
	return fake_time;
}

/* Versions go when they are old enough, and what only they had. */
/* A namespace with a time of its own, which is longer, and then shorter. */
static void test_own_age(struct db *db)
{
	struct db_settings set = db_settings_default;
	uint64_t version;

	set.history_time = 200 * 1000000ULL;
	if (db_namespace_create(db, "own", 1000, NULL, &test_error) ||
	    db_namespace_set(db, "own", &set, &test_error))
		abort();
	for (int i = 0; i < 3; i++) {
		struct db_op op = PUT("k", i ? i > 1 ? "3" : "2" : "1");

		if (db_apply(db, "own", &op, 1, NULL, NULL, &version,
			     &test_error) < 0)
			abort();
		APPLY(db, op);
		db_wait(db);
		fake_time += 60;
	}
	collect(db);
	is_str(get_in(db, "own", "k", "1", false), "1",
	       "kept for the namespace's own time");
	is_int(db_history_start(db, "own"), 1, "all of it");
	is_int(db_history_start(db, "primary"), 6, "not where the instance's "
	       "holds");
	set.history_time = 70 * 1000000ULL;
	db_namespace_set(db, "own", &set, &test_error);
	collect(db);
	is_int(db_history_start(db, "own"), 3, "a shorter one");
	set.history_time = DB_DEFAULT;
	set.history_versions = 0;
	db_namespace_set(db, "own", &set, &test_error);
	APPLY(db, PUT("b", "2"));
	collect(db);
	is_int(db_history_start(db, "own"), 3, "no versions");
	is_str(get_in(db, "own", "k", NULL, false), "3", "but the newest");
}

static void test_age(void)
{
	double (*clock)(void) = db_clock;
	struct db_gc_info info;
	struct db *db;

	db_clock = fake_clock;
	db = test_open((struct db_options) { .durable = true,
		       .gc_manual = true, .history_seconds = 100 });
	put_big(db, "a", 'a');
	db_wait(db);
	APPLY(db, UNLINK("a"));
	db_wait(db);
	fake_time += 60;
	APPLY(db, PUT("b", "1"));
	db_wait(db);
	fake_time += 39;
	collect(db);
	is_int(*get_in(db, "primary", "a", "1", false), 'a',
	       "a version is kept for its time");
	fake_time += 2;
	collect(db);
	is_str(get_in(db, "primary", "a", "1", false), "ESTALE", "and no longer");
	is_str(test_error.text, "history starts at 3", "which is said");
	db_gc_info(db, &info);
	ok(info.stored < 10000, "what only it had is gone");
	fake_time += 1000;
	collect(db);
	is_str(get_in(db, "primary", "b", "3", false), "1",
	       "the newest stays however old it is");
	test_own_age(db);
	db_clock = clock;
	db_close(db);
	test_wipe();
}

/* A value comes again in the batch that would remove it. */
static void test_reborn(void)
{
	struct db *db = open_manual();
	uint64_t wanted;
	struct db_gc_info info;

	put_big(db, "a", 'a');
	APPLY(db, PUT("keep", "1"));
	db_wait(db);
	APPLY(db, UNLINK("a"));
	db_wait(db);
	forget_history(db);
	wanted = db_gc_start(db);
	while (db_gc_step(db, 0) != DB_GC_SETTLE)
		;
	put_big(db, "again", 'a');
	do {
		db_wait(db);
		db_gc_step(db, 0);
		db_gc_info(db, &info);
	} while (info.ended < wanted);
	ok(info.removed > 0, "removed: %ju", (uintmax_t)info.removed);
	is_int(*get(db, "again"), 'a', "and there again");
	db_close(db);
	is_int(take_census().missing, 0, "whole");
	test_wipe();
}

/* A tree that is garbage is grafted while it is being swept: refused, or kept
 * whole. */
static void test_graft(void)
{
	int64_t rc, accepted = 0, refused = 0;
	char hash[2 * DB_HASH_SIZE + 1];

	for (int steps = 0; steps < 40; steps++) {
		struct db *db = open_manual();

		put_big(db, "d.a", 'a');
		db_wait(db);
		strcpy(hash, root_of(db, "primary"));
		APPLY(db, UNLINK_ALL("d"));
		db_wait(db);
		forget_history(db);
		db_gc_start(db);
		for (int i = 0; i < steps; i++)
			db_gc_step(db, 0);
		rc = APPLY(db, { .op = OP_graft, .key = "g", .arg = hash });
		accepted += rc > 0;
		refused += rc < 0 && errno == ESTALE;
		if (rc < 0 && errno != ESTALE)
			ok(0, "refused with %s", strerrorname_np(errno));
		collect(db);
		if (rc > 0 && *get(db, "g.d.a") != 'a')
			ok(0, "a graft is whole after %d steps", steps);
		db_close(db);
		test_wipe();
	}
	ok(accepted && refused && accepted + refused == 40,
	   "grafts: %jd accepted, %jd refused", (intmax_t)accepted,
	   (intmax_t)refused);
}

/* The clock is looked at after each item, so what one step may do is bounded by
 * what it does when its time is over at once. */
static void test_steps(void)
{
	struct db *db = open_manual();
	uint64_t wanted, marked = 0, swept = 0, most_marked = 0,
		 most_swept = 0, most_removed = 0, removed = 0;
	struct db_gc_info info;
	char key[32];

	for (unsigned i = 0; i < 20000; i++) {
		sprintf(key, "d%u.k%u", i % 3, i);
		APPLY(db, { .op = OP_put, .key = key, .data = value,
			    .len = 2000 + i % 7000 });
		if (i % 500 == 0)
			db_wait(db);
	}
	APPLY(db, UNLINK_ALL("d1"));
	forget_history(db);
	wanted = db_gc_start(db);
	do {
		db_gc_step(db, 0);
		db_gc_info(db, &info);
		if (info.marked - marked > most_marked)
			most_marked = info.marked - marked;
		if (info.swept - swept > most_swept)
			most_swept = info.swept - swept;
		if (info.removed - removed > most_removed)
			most_removed = info.removed - removed;
		marked = info.marked;
		swept = info.swept;
		removed = info.removed;
		if (info.phase == DB_GC_SETTLE || info.phase == DB_GC_COPY)
			db_wait(db);
	} while (info.ended < wanted);
	ok(marked > 100 && most_marked <= 400, "%ju marked, %ju at most by a "
	   "step", (uintmax_t)marked, (uintmax_t)most_marked);
	ok(swept > 1000 && most_swept == 1, "%ju swept, %ju at most by a step",
	   (uintmax_t)swept, (uintmax_t)most_swept);
	ok(removed > 100 && most_removed == 1, "%ju removed, %ju at most by "
	   "a step", (uintmax_t)removed, (uintmax_t)most_removed);
	db_close(db);
	test_wipe();
}

static uint64_t file_size(struct db *db)
{
	struct db_stats stats;

	db_stats(db, &stats);
	return stats.file_size;
}

/* Much is written and removed: the file gets smaller while more is written,
 * and the copy is the same as what it replaces. */
static void test_smaller(bool durable)
{
	struct db *db = test_open((struct db_options) { .durable = durable,
			.gc_manual = true, .history_max = HISTORY });
	char key[32], gone[32], root[2 * DB_HASH_SIZE + 1];
	struct db_gc_info info;
	uint64_t before, wanted;
	unsigned written = 0;
	struct census census;

	for (unsigned i = 0; i < 4000; i++) {
		sprintf(key, "d%u.k%u", i % 10, i / 10);
		randombytes_buf(value, 10000);
		APPLY(db, { .op = OP_put, .key = key, .data = value,
			    .len = 10000 });
		if (i % 10)
			continue;
		db_wait(db);
	}
	for (int i = 1; i < 8; i++) {
		sprintf(key, "d%d", i);
		APPLY(db, UNLINK_ALL(key));
	}
	forget_history(db);
	before = file_size(db);
	wanted = db_gc_start(db);
	do {
		if (db_gc_step(db, 0) == DB_GC_COPY) {
			sprintf(key, "new.k%u", written++);
			sprintf(gone, "d8.k%u", written % 400);
			APPLY(db, PUT(key, key), { .op = OP_unlink,
				.key = gone, .flags = DB_UNLINK_FORCE }, { .op = OP_put, .key = "big", .data = value,
				.len = 10000 + written });
			db_turn_end(db);
			event_base_loop(test_base, EVLOOP_NONBLOCK);
		} else {
			db_wait(db);
		}
		db_gc_info(db, &info);
	} while (info.ended < wanted);
	db_wait(db);
	/* The filter of leaves takes one or two in a hundred thousand of those
	 * that are garbage for others, anew each time: three times, none. */
	for (int i = 0; i < 3; i++)
		collect(db);
	db_gc_info(db, &info);
	ok(written > 3 && file_size(db) <= 2 * info.stored &&
	   file_size(db) < before / 2, "%ju bytes of file where %ju were, for "
	   "%ju bytes, while %u transactions were written",
	   (uintmax_t)file_size(db), (uintmax_t)before,
	   (uintmax_t)info.stored, written);
	strcpy(root, root_of(db, "primary"));
	is_str(get(db, "new.k2"), "new.k2", "what was written meanwhile is there");
	db_close(db);
	db = open_manual();
	is_str(root_of(db, "primary"), root, "also when opened again");
	db_gc_info(db, &info);
	db_close(db);
	census = take_census();
	ok(!census.missing && !census.lost && census.stored == info.blobs,
	   "whole, and nothing else: %zu missing, %zu lost, %zu stored, %zu "
	   "counted", (size_t)census.missing, (size_t)census.lost,
	   (size_t)census.stored, (size_t)info.blobs);
	test_wipe();
}

/* Damage: nothing is removed, and that is told. */
static void test_damaged(void)
{
	struct db *db = open_manual();
	struct db_gc_info info;
	char text[2 * DB_HASH_SIZE + 1];
	struct db_hash hash;
	struct store *store;
	struct blob_set *set = blob_set_create();
	struct store_changes none = { 0 };

	put_big(db, "a", 'a');
	put_big(db, "d.b", 'b');
	db_wait(db);
	strcpy(text, root_of(db, "primary"));
	APPLY(db, UNLINK("a"));
	db_wait(db);
	forget_history(db);
	strcpy(text, root_of(db, "primary"));
	db_hash_parse(text, &hash);
	db_close(db);
	store = store_open(test_dir, true, 0, &test_error);
	blob_set_bury(set, &hash);
	is_int(store_write(store, set, &none, value, sizeof(value)), 0,
	       "a blob is taken away");
	store_close(store);
	blob_set_destroy(set);
	db = open_manual();
	collect(db);
	db_gc_info(db, &info);
	ok(strstr(info.why, text) != NULL, "%s", info.why);
	is_int(info.removed, 0, "nothing was removed");
	db_close(db);
	test_wipe();
}

/* Killed while it collects: it is begun again, and all is as it should be. */
static void test_killed(void)
{
	bool whole = true, clean = true;
	unsigned long removed = 0;

	for (int round = 0; round < 20; round++) {
		struct db *db = open_manual();
		struct census census;
		pid_t pid;

		for (int i = 0; i < 40; i++) {
			char key[16];

			sprintf(key, "k%d", i);
			put_big(db, key, i + 1);
		}
		db_wait(db);
		for (int i = 0; i < 40; i += 2) {
			char key[16];

			sprintf(key, "k%d", i);
			APPLY(db, UNLINK(key));
		}
		forget_history(db);
		db_close(db);
		pid = fork();
		if (!pid) {
			/* Alone in its process: the parent has it closed. */
			db = open_manual();
			db_gc_start(db);
			for (int i = 0;; i++) {
				if (i == round * 3)
					raise(SIGKILL);
				db_gc_step(db, 0);
				if (round % 2)
					db_wait(db);
				put_big(db, "x", i);
			}
		}
		waitpid(pid, NULL, 0);
		census = take_census();
		whole = whole && !census.missing;
		removed += !census.lost;
		db = open_manual();
		collect(db);
		collect(db);
		db_close(db);
		census = take_census();
		clean = clean && !census.missing && !census.lost;
		test_wipe();
	}
	ok(whole, "killed at 20 points: nothing is lost");
	ok(clean, "and nothing is left after the next collection");
	diag("%lu were at the end", removed);
}

static void test_marks(void)
{
	struct marks *marks = marks_create(100000);
	unsigned wrong = 0, missed = 0, again = 0;
	struct db_hash hash;

	for (uint32_t i = 0; i < 200000; i++) {
		blob_hash(&i, sizeof(i), &hash);
		again += !marks_add(marks, i % 2 ? BLOB_LEAF : BLOB_BRANCH,
				    &hash);
	}
	is_int(again, 0, "200,000 marks are new");
	for (uint32_t i = 0; i < 200000; i++) {
		blob_hash(&i, sizeof(i), &hash);
		missed += !marks_have(marks, &hash);
		missed += !(i % 2) && !marks_have_exactly(marks, &hash);
	}
	is_int(missed, 0, "and known");
	for (uint32_t i = 200000; i < 400000; i++) {
		blob_hash(&i, sizeof(i), &hash);
		wrong += marks_have(marks, &hash);
		missed += marks_have_exactly(marks, &hash);
	}
	is_int(missed, 0, "others are not");
	ok(wrong < 2000, "but for %u in 200,000 leaves", wrong);
	diag("%zu bytes of memory", marks_memory(marks));
	marks_destroy(marks);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		run(strtoull(argv[1], NULL, 0), 20000);
		return test_end();
	}
	test_marks();
	test_simple();
	test_nodes();
	test_age();
	test_reborn();
	test_graft();
	test_steps();
	test_smaller(true);
	test_smaller(false);
	test_damaged();
	test_killed();
	for (uint64_t i = 1; i <= 12; i++)
		run(i * 0x9e3779b97f4a7c15u, 3000);
	return test_end();
}
