/* SPDX-License-Identifier: Apache-2.0 */
/* The store: records, ranges, the nearest key below, lock, growth, damage. */
#include "config.h"

#include <errno.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvsd/journal.h"
#include "kvsd/store.h"
#include "t/unit/tap.h"

static char dir[] = "/tmp/weir-store-XXXXXX";
static struct db_error error;
static char text[256];

static struct store *reopen(size_t map_size)
{
	return store_open(dir, true, map_size, &error);
}

static int write_it(struct store *store, struct blob_set *blobs,
		    struct store_changes *changes)
{
	int rc;

	while ((rc = store_write(store, blobs, changes, text, sizeof(text))) ==
	       STORE_FULL)
		if (store_grow(store))
			return ENOSPC;
	store_read_end(store);
	store_changes_free(changes);
	return rc;
}

static const char *value(struct store *store, const char *key)
{
	static char out[64];
	const unsigned char *data;
	size_t len;

	if (store_get(store, STORE_META, key, strlen(key), &data, &len) < 0)
		return strerrorname_np(errno);
	memcpy(out, data, len);
	out[len] = '\0';
	return out;
}

static const char *floor_of(struct store *store, const char *key)
{
	static char out[64];
	const unsigned char *found, *data;
	size_t found_len, len;

	if (store_get_floor(store, STORE_META, key, strlen(key), &found,
			    &found_len, &data, &len) < 0)
		return strerrorname_np(errno);
	memcpy(out, found, found_len);
	out[found_len] = '\0';
	return out;
}

static int collect(const unsigned char *key, size_t key_len,
		   const unsigned char *data, size_t len, void *arg)
{
	strncat(arg, (const char *)key, key_len);
	return *key == 'e' ? 5 : 0;
}

static void test_records(void)
{
	struct store *store = reopen(0);
	struct blob_set *none = blob_set_create();
	struct store_changes changes = { 0 };
	char keys[64] = "";

	if (!ok(store != NULL, "open: %s", error.text))
		return;
	is_str(value(store, "b"), "ENOENT", "empty");
	is_str(floor_of(store, "b"), "ENOENT", "no nearest key");
	for (const char *p = "bdefgh"; *p; p++)
		store_put(&changes, STORE_META, p, 1, p, strlen(p));
	store_put(&changes, STORE_LEASE, "b", 1, "other", 5);
	store_put(&changes, STORE_META, "h", 1, "new", 3);
	is_int(write_it(store, none, &changes), 0, "write");
	is_str(value(store, "d"), "defgh", "a record");
	is_str(value(store, "h"), "new", "the last put counts");
	is_str(floor_of(store, "d"), "d", "the key itself");
	is_str(floor_of(store, "c"), "b", "the nearest below");
	is_str(floor_of(store, "z"), "h", "the last");
	is_str(floor_of(store, "a"), "ENOENT", "none below");
	is_int(store_each(store, STORE_META, "c", 1, collect, keys), 5,
	       "each, from a key, stopped");
	is_str(keys, "de", "in order");
	store_delete(&changes, STORE_META, "b", 1);
	store_delete(&changes, STORE_META, "nope", 4);
	store_delete_range(&changes, STORE_META, "d", 1, "h", 1, 2);
	write_it(store, none, &changes);
	*keys = '\0';
	store_each(store, STORE_META, NULL, 0, collect, keys);
	is_str(keys, "fgh", "deleted, of the range no more than the limit");
	store_delete_range(&changes, STORE_META, "a", 1, "h", 1, 0);
	write_it(store, none, &changes);
	*keys = '\0';
	store_each(store, STORE_META, NULL, 0, collect, keys);
	is_str(keys, "h", "a range without a limit and without its end");
	is_int(store_reopen(store, &error), 0, "reopen");
	is_str(value(store, "h"), "new", "and read");
	store_close(store);
	blob_set_destroy(none);
}

static void test_blobs(void)
{
	struct store *store = reopen(1 << 16);
	struct blob_space space = { .store = store };
	struct blob_set *set = blob_set_create();
	struct store_changes changes = { 0 };
	struct blob *blob = blob_create(BLOB_LEAF, 500000);
	const unsigned char *data;
	struct db_stats stats;
	struct db_hash hash;
	const char *why;
	size_t len;

	memset(blob->data + BLOB_HEADER, 7, 500000 - BLOB_HEADER);
	blob_finish(blob);
	hash = blob->hash;
	blob_set_add(set, blob);
	is_int(write_it(store, set, &changes), 0, "a blob beyond the map");
	is_int(write_it(store, set, &changes), 0, "again");
	store_stats(store, &stats);
	ok(stats.map_size >= 500000, "the map grew");
	space.fresh = blob_set_create();
	ok(!blob_get(&space, &hash, BLOB_LEAF, &data, &len, &why) &&
	   len == 500000 && data[499999] == 7, "read back");
	ok(blob_get(&space, &hash, BLOB_BRANCH, &data, &len, &why) < 0 &&
	   errno == EIO, "as another kind: %s", why);
	hash.byte[0] ^= 1;
	ok(blob_get(&space, &hash, BLOB_LEAF, &data, &len, &why) < 0 &&
	   errno == ENOENT, "of an unknown hash: %s", why);
	store_put(&changes, STORE_BLOB, &hash, sizeof(hash), "WTL\1x", 5);
	write_it(store, space.fresh, &changes);
	ok(blob_get(&space, &hash, BLOB_LEAF, &data, &len, &why) < 0 &&
	   errno == EIO, "bytes of another hash: %s", why);
	blob_set_destroy(space.fresh);
	blob_set_destroy(set);
	store_close(store);
}

static void test_set(void)
{
	struct blob_set *set = blob_set_create();
	struct db_hash hash[1000];
	bool found = true, gone = true;

	for (int i = 0; i < 1000; i++) {
		struct blob *blob = blob_create(BLOB_LEAF, 8);

		memcpy(blob->data + BLOB_HEADER, &i, 4);
		blob_finish(blob);
		hash[i] = blob->hash;
		blob_set_add(set, blob);
	}
	for (int i = 0; i < 1000; i++)
		found = found && blob_set_find(set, &hash[i]);
	ok(found && set->bytes == 8000, "a set of 1,000 blobs");
	blob_set_truncate(set, 300);
	for (int i = 0; i < 1000; i++)
		gone = gone && !!blob_set_find(set, &hash[i]) == (i < 300);
	ok(gone && set->count == 300 && set->bytes == 2400, "cut to 300");
	blob_set_destroy(set);
}

/* ---- a folder as a crash leaves it ---- */

static char crashed[64];

static void copy_file(const char *from, const char *to, const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "mkdir -p %s && cp %s/%s %s/%s",
		 to, from, name, to, name);
	if (system(command))
		abort();
}

static void put(struct store *store, const char *key, const char *data)
{
	struct blob_set *none = blob_set_create();
	struct store_changes changes = { 0 };

	store_put(&changes, STORE_META, key, strlen(key), data, strlen(data));
	ok(!write_it(store, none, &changes), "put %s", key);
	blob_set_destroy(none);
}

static void put_blob(struct store *store, char fill, size_t size,
		     struct db_hash *hash, const struct db_hash *dead)
{
	struct blob_set *set = blob_set_create();
	struct blob *blob = blob_create(BLOB_LEAF, size);
	struct store_changes changes = { 0 };

	memset(blob->data + BLOB_HEADER, fill, size - BLOB_HEADER);
	blob_finish(blob);
	*hash = blob->hash;
	blob_set_add(set, blob);
	if (dead)
		blob_set_bury(set, dead);
	ok(!write_it(store, set, &changes), "a blob of %zu bytes", size);
	blob_set_destroy(set);
}

static bool has(struct store *store, const struct db_hash *hash)
{
	const unsigned char *data;
	size_t len;

	return !store_blob(store, hash, &data, &len);
}

static struct store *after_crash(void)
{
	return store_open(crashed, true, 0, &error);
}

/* The file as it was at the checkpoint stands for one of which nothing that
 * was written since has reached the disk. */
static void test_crash(void)
{
	struct store *store = reopen(0), *again;
	struct store_total total, same;
	struct db_hash first, second, third;

	put(store, "a", "1");
	copy_file(dir, crashed, "data.mdb");
	put_blob(store, 'f', 100, &first, NULL);
	put(store, "a", "2");
	put_blob(store, 's', 70000, &second, &first);
	put_blob(store, 't', 100, &third, NULL);
	copy_file(dir, crashed, "journal");
	total = store_written(store);

	ok(!store_open_to_read(crashed, &error) &&
	   strstr(error.text, "was not closed"), "to read: %s", error.text);
	again = after_crash();
	if (!ok(again != NULL, "with the old file: %s", error.text))
		return;
	ok(!store_warning(again), "no warning");
	is_str(value(again, "a"), "2", "a record");
	ok(has(again, &second) && has(again, &third), "blobs");
	ok(!has(again, &first), "one that was removed");
	store_total(again, &same);
	ok(total.blobs == same.blobs && total.bytes == same.bytes, "the sums");
	store_read_end(again);
	put(again, "b", "3");
	store_close(again);
	again = store_open_to_read(crashed, &error);
	ok(again != NULL, "closed, it can be looked at: %s", error.text);
	is_str(value(again, "b"), "3", "the last record");
	store_close(again);

	copy_file(dir, crashed, "data.mdb");
	copy_file(dir, crashed, "journal");
	again = after_crash();
	ok(again && has(again, &third), "with the newer file");
	put_blob(store, 'l', JOURNAL_SIZE, &first, NULL);
	put(store, "c", "4");
	store_close(again);
	copy_file(dir, crashed, "journal");
	ok(!after_crash() && strstr(error.text, "is older than the journal"),
	   "a journal of later: %s", error.text);
	copy_file(dir, crashed, "data.mdb");
	again = after_crash();
	ok(again && has(again, &first), "what was too large for a journal");
	is_str(value(again, "c"), "4", "and what came after it");
	store_close(again);
	store_close(store);
}

static int sync_fails(int fd)
{
	errno = EIO;
	return -1;
}

static void test_failing_journal(void)
{
	struct blob_set *none = blob_set_create();
	struct store_changes changes = { 0 };
	struct store *store = reopen(0);

	put(store, "a", "good");
	store_put(&changes, STORE_META, "a", 1, "bad", 3);
	journal_sync = sync_fails;
	ok(write_it(store, none, &changes) == STORE_BROKEN, "%s", text);
	ok(store_reopen(store, &error) > 0, "still: %s", error.text);
	journal_sync = fdatasync;
	is_int(store_reopen(store, &error), 0, "the disk is well again");
	put(store, "b", "fine");
	store_close(store);
	store = reopen(0);
	is_str(value(store, "b"), "fine", "and it goes on");
	store_close(store);
	blob_set_destroy(none);
}

static void test_refused(void)
{
	struct store *store = reopen(0);
	char path[128];

	ok(!reopen(0) && errno == EBUSY &&
	   strstr(error.text, dir), "in use: %s", error.text);
	store_close(store);
	store = reopen(0);
	ok(store != NULL, "free again");
	store_close(store);
	snprintf(path, sizeof(path), "%s/no/such", dir);
	ok(!store_open(path, true, 0, &error) && errno == ENOENT &&
	   strstr(error.text, path), "no folder: %s", error.text);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	ok(!store_open(path, true, 0, &error) && errno == ENOTDIR &&
	   strstr(error.text, path), "a file: %s", error.text);
	truncate(path, 100);
	ok(!reopen(0) && strstr(error.text, dir), "damaged: %s", error.text);
}

int main(void)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock",
					     "journal" };
	char path[128];

	if (sodium_init() < 0 || !mkdtemp(dir))
		return 1;
	test_records();
	test_blobs();
	test_set();
	snprintf(crashed, sizeof(crashed), "%s.crashed", dir);
	test_crash();
	test_failing_journal();
	test_refused();
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s", crashed, files[i]);
		unlink(path);
	}
	rmdir(dir);
	rmdir(crashed);
	return done();
}
