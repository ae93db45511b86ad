/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB environment: see store.h. kvsd(8).
 *
 * LMDB allows one writer and any number of readers of snapshots at a time.
 * The loop's read transaction is renewed on its first use in a turn and reset
 * at the turn's end, so that it never keeps old pages from being used again.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/error.h"
#include "kvsd/store.h"
#include "kvsd/store_private.h"

#define MAP_SIZE_DEFAULT	(1UL << 30)
#define MAP_SIZE_MAX		(1UL << 46)

/* The record of the meta table that says what is stored. */
static char total_key[] = "stored";

struct store {
	char *path;
	bool durable;
	size_t map_size;
	int lock;		/* file descriptor that holds the lock */
	MDB_env *env;
	MDB_dbi table[STORE_TABLES];
	MDB_txn *read;
	bool reading;		/* READ is renewed */
	double sync_seconds;	/* the last step of the last store_write; the
				   writer's */
	struct store_total written;	/* by the last store_write */
};

static const struct {
	const char *name;
	unsigned flags;
} tables[STORE_TABLES] = {
	[STORE_BLOB] = { "blob", 0 },
	[STORE_NAMESPACE] = { "namespace", 0 },
	[STORE_HISTORY] = { "history", 0 },
	[STORE_LEASE] = { "lease", 0 },
	[STORE_META] = { "meta", 0 },
};

int (*store_commit)(MDB_txn *txn) = mdb_txn_commit;

/* LMDB's own codes are negative. */
static int errnum_of(int rc)
{
	return rc > 0 ? rc : rc == MDB_NOTFOUND ? ENOENT : EIO;
}

static uint64_t file_size(const struct store *store)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s/data.mdb", store->path);
	return stat(name, &st) ? 0 : st.st_size;
}

/* ---- opening ---- */

static int lock_folder(struct store *store, struct db_error *error)
{
	char name[4096], pid[32] = "";
	ssize_t n;

	if (mkdir(store->path, 0700) < 0 && errno != EEXIST)
		return db_fail(error, errno, "cannot make the folder %s: %s",
			       store->path, strerror(errno));
	snprintf(name, sizeof(name), "%s/lock", store->path);
	store->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return db_fail(error, errno, "cannot open %s: %s", name,
			       strerror(errno));
	if (flock(store->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return db_fail(error, errno, "cannot lock %s: %s",
				       name, strerror(errno));
		n = read(store->lock, pid, sizeof(pid) - 1);
		pid[n > 0 ? n : 0] = '\0';
		return db_fail(error, EBUSY, "%s is in use by process %s",
			       store->path, pid);
	}
	n = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (ftruncate(store->lock, 0) < 0 ||
	    pwrite(store->lock, pid, n, 0) != n)
		return db_fail(error, errno, "cannot write %s: %s", name,
			       strerror(errno));
	return 0;
}

/* A file that was made must be found again after a loss of power. */
static int sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int open_tables(struct store *store)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (rc)
		return rc;
	for (int i = 0; i < STORE_TABLES && !rc; i++)
		rc = mdb_dbi_open(txn, tables[i].name,
				  MDB_CREATE | tables[i].flags,
				  &store->table[i]);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static int open_env(struct store *store)
{
	unsigned flags = MDB_NOTLS |
		(store->durable ? 0 : MDB_NOSYNC | MDB_NOMETASYNC);
	MDB_envinfo info;
	int rc = mdb_env_create(&store->env), dead;
	bool fresh = !file_size(store);

	if (rc)
		return rc;
	rc = mdb_env_set_maxdbs(store->env, STORE_TABLES);
	if (!rc)
		rc = mdb_env_set_mapsize(store->env, store->map_size);
	if (!rc)
		rc = mdb_env_open(store->env, store->path, flags, 0600);
	if (!rc && fresh && store->durable)
		rc = sync_folder(store->path);
	if (!rc)
		rc = mdb_reader_check(store->env, &dead);
	if (!rc)
		rc = open_tables(store);
	if (!rc)
		rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY,
				   &store->read);
	if (rc)
		return rc;
	mdb_txn_reset(store->read);
	store->reading = false;
	mdb_env_info(store->env, &info);
	store->map_size = info.me_mapsize;
	return 0;
}

static void close_env(struct store *store)
{
	if (store->read)
		mdb_txn_abort(store->read);
	store->read = NULL;
	store->reading = false;
	if (store->env)
		mdb_env_close(store->env);
	store->env = NULL;
}

struct store *store_open(const char *path, bool durable, size_t map_size,
			 struct db_error *error)
{
	struct store *store = xcalloc(1, sizeof(*store));
	int rc;

	store->path = xstrdup(path);
	store->durable = durable;
	store->map_size = map_size ? map_size : MAP_SIZE_DEFAULT;
	store->lock = -1;
	if (lock_folder(store, error) < 0)
		goto fail;
	rc = open_env(store);
	if (rc) {
		db_fail(error, errnum_of(rc), "cannot open the database "
			"in %s: %s", path, mdb_strerror(rc));
		goto fail;
	}
	return store;
fail:
	rc = errno;
	store_close(store);
	errno = rc;
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	close_env(store);
	if (store->lock >= 0)
		close(store->lock);
	free(store->path);
	free(store);
}

int store_reopen(struct store *store, struct db_error *error)
{
	int rc;

	close_env(store);
	rc = open_env(store);
	if (rc) {
		close_env(store);
		db_fail(error, errnum_of(rc), "cannot open the database "
			"in %s again: %s", store->path, mdb_strerror(rc));
		return errnum_of(rc);
	}
	return 0;
}

int store_grow(struct store *store)
{
	int rc;

	if (store->map_size >= MAP_SIZE_MAX)
		return ENOSPC;
	store_read_end(store);
	rc = mdb_env_set_mapsize(store->env, 2 * store->map_size);
	if (rc)
		return errnum_of(rc);
	store->map_size *= 2;
	return 0;
}

int store_sync(struct store *store)
{
	int rc = mdb_env_sync(store->env, 1);

	return rc ? errnum_of(rc) : 0;
}

/* ---- reading ---- */

static int read_begin(struct store *store)
{
	int rc;

	if (store->reading)
		return 0;
	rc = store->env ? mdb_txn_renew(store->read) : EIO;
	if (rc) {
		errno = errnum_of(rc);
		return -1;
	}
	store->reading = true;
	return 0;
}

void store_read_end(struct store *store)
{
	if (store->reading)
		mdb_txn_reset(store->read);
	store->reading = false;
}

int store_get(struct store *store, enum store_table table, const void *key,
	      size_t key_len, const unsigned char **data, size_t *len)
{
	MDB_val k = { key_len, (void *)key }, v;
	int rc;

	if (read_begin(store) < 0)
		return -1;
	rc = mdb_get(store->read, store->table[table], &k, &v);
	if (rc) {
		errno = errnum_of(rc);
		return -1;
	}
	*data = v.mv_data;
	*len = v.mv_size;
	return 0;
}

int store_blob(struct store *store, const struct db_hash *hash,
	       const unsigned char **data, size_t *len)
{
	return store_get(store, STORE_BLOB, hash, sizeof(*hash), data, len);
}

int store_each(struct store *store, enum store_table table, const void *from,
	       size_t from_len, store_each_f *cb, void *arg)
{
	MDB_val k = { from_len, (void *)from }, v;
	MDB_cursor *cursor;
	int rc, stop = 0;

	if (read_begin(store) < 0)
		return -1;
	rc = mdb_cursor_open(store->read, store->table[table], &cursor);
	if (rc) {
		errno = errnum_of(rc);
		return -1;
	}
	rc = mdb_cursor_get(cursor, &k, &v,
			    from_len ? MDB_SET_RANGE : MDB_FIRST);
	while (!rc && !stop) {
		stop = cb(k.mv_data, k.mv_size, v.mv_data, v.mv_size, arg);
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (stop || rc == MDB_NOTFOUND)
		return stop;
	errno = errnum_of(rc);
	return -1;
}

int store_get_floor(struct store *store, enum store_table table,
		    const void *key, size_t key_len,
		    const unsigned char **found, size_t *found_len,
		    const unsigned char **data, size_t *len)
{
	MDB_val k = { key_len, (void *)key }, v;
	MDB_cursor *cursor;
	int rc;

	if (read_begin(store) < 0)
		return -1;
	rc = mdb_cursor_open(store->read, store->table[table], &cursor);
	if (rc) {
		errno = errnum_of(rc);
		return -1;
	}
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
	else if (!rc && (k.mv_size != key_len ||
			 memcmp(k.mv_data, key, key_len)))
		rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
	mdb_cursor_close(cursor);
	if (rc) {
		errno = errnum_of(rc);
		return -1;
	}
	*found = k.mv_data;
	*found_len = k.mv_size;
	*data = v.mv_data;
	*len = v.mv_size;
	return 0;
}

/* A database that does not know it yet was written before it was kept: its
 * pages are counted instead of its bytes. */
static int read_total(MDB_txn *txn, const MDB_dbi *table,
		      struct store_total *total)
{
	MDB_val key = { sizeof(total_key) - 1, total_key }, value;
	MDB_stat stat;
	int rc = mdb_get(txn, table[STORE_META], &key, &value);

	if (!rc && value.mv_size == 16) {
		total->blobs = bytes_get(value.mv_data, 8);
		total->bytes = bytes_get((unsigned char *)value.mv_data + 8,
					 8);
		return 0;
	}
	rc = mdb_stat(txn, table[STORE_BLOB], &stat);
	total->blobs = rc ? 0 : stat.ms_entries;
	total->bytes = rc ? 0 : (stat.ms_leaf_pages +
				 stat.ms_overflow_pages) * stat.ms_psize;
	return rc;
}

int store_total(struct store *store, struct store_total *total)
{
	int rc;

	if (read_begin(store) < 0)
		return -1;
	rc = read_total(store->read, store->table, total);
	if (!rc)
		return 0;
	errno = errnum_of(rc);
	return -1;
}

void store_stats(struct store *store, struct db_stats *stats)
{
	stats->map_size = store->map_size;
	stats->file_size = file_size(store);
}

/* ---- writing, in the writer's thread ---- */

static int remove_blobs(MDB_txn *txn, MDB_dbi dbi,
			const struct blob_set *blobs,
			struct store_total *total)
{
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, dbi, &cursor);

	if (rc)
		return rc;
	for (size_t i = 0; i < blobs->dead_count && !rc; i++) {
		MDB_val key = { DB_HASH_SIZE, &blobs->dead[i] }, value;

		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
		if (rc == MDB_NOTFOUND) {
			rc = 0;
			continue;
		}
		if (rc)
			break;
		total->blobs--;
		/* it may have been estimated */
		total->bytes -= value.mv_size < total->bytes ?
			value.mv_size : total->bytes;
		rc = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return rc;
}

static int add_blobs(MDB_txn *txn, MDB_dbi dbi, const struct blob_set *blobs,
		     struct store_total *total)
{
	for (size_t i = 0; i < blobs->count; i++) {
		struct blob *blob = blobs->blob[i];
		MDB_val key = { sizeof(blob->hash), &blob->hash };
		MDB_val value = { blob->len, blob->data };
		int rc = mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE);

		if (rc == MDB_KEYEXIST)
			continue;
		if (rc)
			return rc;
		total->blobs++;
		total->bytes += blob->len;
	}
	return 0;
}

static int write_blobs(struct store *store, MDB_txn *txn,
		       const struct blob_set *blobs)
{
	struct store_total *total = &store->written;
	MDB_dbi dbi = store->table[STORE_BLOB];
	MDB_val key = { sizeof(total_key) - 1, total_key }, value;
	unsigned char bytes[16];
	int rc = read_total(txn, store->table, total);

	if (!blobs->count && !blobs->dead_count)
		return rc;
	if (!rc)
		rc = remove_blobs(txn, dbi, blobs, total);
	if (!rc)
		rc = add_blobs(txn, dbi, blobs, total);
	bytes_put(bytes_put(bytes, total->blobs, 8), total->bytes, 8);
	value = (MDB_val){ sizeof(bytes), bytes };
	return rc ? rc : mdb_put(txn, store->table[STORE_META], &key, &value,
				 0);
}

struct store_total store_written(const struct store *store)
{
	return store->written;
}

/* A commit that failed in its last step leaves an environment that takes no
 * more transactions. */
static bool is_broken(struct store *store)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (!rc)
		mdb_txn_abort(txn);
	return rc == MDB_PANIC;
}

/* LMDB says EIO of a write that was cut short; as a rule the disk is full. */
static bool no_room(struct store *store, size_t need)
{
	struct statvfs fs;

	return !statvfs(store->path, &fs) &&
		(uint64_t)fs.f_bavail * fs.f_frsize < need;
}

static int commit_timed(struct store *store, MDB_txn *txn)
{
	struct timespec start, end;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &start);
	rc = store_commit(txn);
	clock_gettime(CLOCK_MONOTONIC, &end);
	store->sync_seconds = end.tv_sec - start.tv_sec +
		(end.tv_nsec - start.tv_nsec) / 1e9;
	return rc;
}

double store_sync_seconds(const struct store *store)
{
	return store->sync_seconds;
}

int store_write(struct store *store, const struct blob_set *blobs,
		const struct store_changes *changes, char *text, size_t size)
{
	MDB_txn *txn;
	int rc = store->env ? mdb_txn_begin(store->env, NULL, 0, &txn)
			    : MDB_PANIC;

	if (!rc) {
		rc = write_blobs(store, txn, blobs);
		if (!rc)
			rc = store_changes_apply(txn, store->table, changes);
		if (rc)
			mdb_txn_abort(txn);
		else
			rc = commit_timed(store, txn);
	}
	if (!rc)
		return 0;
	if (rc == MDB_MAP_FULL)
		return STORE_FULL;
	if (rc == EIO && no_room(store, blobs->bytes + changes->len))
		rc = ENOSPC;
	snprintf(text, size, "cannot write to the database in %s: %s",
		 store->path, mdb_strerror(rc));
	return rc == MDB_PANIC || is_broken(store) ? STORE_BROKEN
						   : errnum_of(rc);
}
