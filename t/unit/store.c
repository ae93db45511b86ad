/* SPDX-License-Identifier: Apache-2.0 */
/* The store: records, ranges, the nearest key below, lock, growth, damage. */
#include "config.h"

#include <errno.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock" };
	char path[64];

	if (sodium_init() < 0 || !mkdtemp(dir))
		return 1;
	test_records();
	test_blobs();
	test_set();
	test_refused();
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
	return done();
}
