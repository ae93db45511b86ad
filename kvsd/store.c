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
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/error.h"
#include "kvsd/store.h"
#include "kvsd/store_private.h"

#define MAP_SIZE_DEFAULT	(1UL << 30)
#define MAP_SIZE_MAX		(1UL << 46)
#define LOCK_FILE_SIZE		8192	/* of LMDB, with 126 readers */
#define WASTE_LEAST		(1UL << 20)	/* not worth a copy */

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

static const struct {
	int rc;
	const char *text;
} damages[] = {
	{ STORE_NOT_OURS, "data.mdb is the database of another program" },
	{ STORE_EMPTY, "data.mdb is empty: what it held is lost; remove it to begin "
		 "with an empty database" },
	{ MDB_INVALID, "data.mdb is no file of LMDB" },
	{ MDB_VERSION_MISMATCH, "data.mdb is of another version of LMDB" },
	{ MDB_CORRUPTED, "a page of data.mdb that all others depend on is "
		"damaged; load a dump into a new folder" },
	{ MDB_PAGE_NOTFOUND, "a page of data.mdb that all others depend on is "
		"missing; load a dump into a new folder" },
	{ STORE_OLDER, "data.mdb is older than the journal beside it: put the "
		"one there that belongs to it, or remove the journal" },
	{ STORE_UNCLEAN, "it was not closed, and its last batches are in the "
		"journal; start kvsd with it, or run weir kvs fsck -r" },
	{ STORE_JOURNAL_DAMAGED, "the journal has a batch that is none" },
};

static const char *open_text(int rc)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		if (damages[i].rc == rc)
			return damages[i].text;
	return mdb_strerror(rc);
}

/* LMDB's own codes are negative. */
int store_errnum(int rc)
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

static bool file_exists(const struct store *store)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s/data.mdb", store->path);
	return access(name, F_OK) == 0;
}

/* ---- opening ---- */

static int lock_folder(struct store *store, struct db_error *error)
{
	char name[4096], pid[32] = "";
	ssize_t n;

	if (!store->read_only && mkdir(store->path, 0700) < 0 &&
	    errno != EEXIST)
		return db_fail(error, errno, "cannot make the folder %s: %s",
			       store->path, strerror(errno));
	snprintf(name, sizeof(name), "%s/lock", store->path);
	store->lock = open(name, O_CLOEXEC | (store->read_only ? O_RDONLY :
			   O_RDWR | O_CREAT), 0600);
	if (store->lock < 0 && store->read_only && errno == ENOENT)
		return 0;	/* nobody has used it here */
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
	if (store->read_only)
		return 0;
	n = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	/* For people only; on a full disk it may be lacking. */
	if ((pwrite(store->lock, pid, n, 0) != n ||
	     ftruncate(store->lock, n) < 0) && errno != ENOSPC &&
	    errno != EDQUOT)
		return db_fail(error, errno, "cannot write %s: %s", name,
			       strerror(errno));
	return 0;
}

/* A file that was made must be found again after a loss of power. */
int store_sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Another program's database has tables, but not ours. */
static int check_ours(MDB_txn *txn, MDB_dbi *table, bool make)
{
	MDB_dbi main;
	MDB_stat stat;
	int rc = mdb_dbi_open(txn, tables[STORE_META].name, 0,
			      &table[STORE_META]);

	if (rc != MDB_NOTFOUND && rc != MDB_INCOMPATIBLE)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &main);
	if (!rc)
		rc = mdb_stat(txn, main, &stat);
	return rc ? rc : stat.ms_entries || !make ? STORE_NOT_OURS : 0;
}

int store_open_tables(MDB_env *env, MDB_dbi *table, bool make)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(env, NULL, make ? 0 : MDB_RDONLY, &txn);

	if (rc)
		return rc;
	rc = check_ours(txn, table, make);
	for (int i = 0; i < STORE_TABLES && !rc; i++)
		rc = mdb_dbi_open(txn, tables[i].name,
				  (make ? MDB_CREATE : 0) | tables[i].flags,
				  &table[i]);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* LMDB maps its lock file: to write where the disk has no room would kill us.
 * 0 or an errno. */
static int lock_file_make(const struct store *store, const char *file)
{
	char name[4096];
	int fd, rc;

	snprintf(name, sizeof(name), "%s/%s", store->path, file);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	rc = posix_fallocate(fd, 0, LOCK_FILE_SIZE);
	close(fd);
	return rc;
}

/* LMDB reads what is mapped and not in the file only if the file was cut off;
 * it is to find nothing there rather than to be killed. 0 or an errno. */
static int make_whole(struct store *store)
{
	uint64_t size = file_size(store), want;
	MDB_envinfo info;
	char name[4096];
	MDB_stat stat;

	mdb_env_info(store->env, &info);
	mdb_env_stat(store->env, &stat);
	want = (info.me_last_pgno + 1) * stat.ms_psize;
	if (size >= want)
		return 0;
	store->missing = want - size;
	snprintf(name, sizeof(name), "%s/data.mdb", store->path);
	return truncate(name, want) ? errno : 0;
}

static void on_assertion(MDB_env *env, const char *text);

static int open_env_to_read(struct store *store)
{
	int rc = store_journal_open(store);

	if (!rc)
		rc = mdb_env_create(&store->env);
	if (!rc)
		rc = mdb_env_set_maxdbs(store->env, STORE_TABLES);
	if (!rc)
		rc = mdb_env_set_assert(store->env, on_assertion);
	if (!rc)
		rc = mdb_env_open(store->env, store->path, MDB_NOTLS |
				  MDB_RDONLY | MDB_NOLOCK, 0600);
	if (!rc)
		rc = store_open_tables(store->env, store->table, false);
	if (!rc)
		rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY,
				   &store->read);
	if (!rc)
		mdb_txn_reset(store->read);
	return rc;
}

static int open_env(struct store *store)
{
	unsigned flags = MDB_NOTLS |
		(store->durable ? 0 : MDB_NOSYNC | MDB_NOMETASYNC);
	MDB_envinfo info;
	bool fresh = !file_exists(store);
	int rc = fresh || file_size(store) ? lock_file_make(store, "lock.mdb")
					   : STORE_EMPTY, dead;

	if (!rc)
		rc = store_journal_open(store);
	if (!rc && fresh)
		rc = store_file_make(store);
	if (!rc)
		rc = mdb_env_create(&store->env);
	if (rc)
		return rc;
	rc = mdb_env_set_maxdbs(store->env, STORE_TABLES);
	if (!rc)
		rc = mdb_env_set_mapsize(store->env, store->map_size);
	if (!rc)
		rc = mdb_env_set_assert(store->env, on_assertion);
	if (!rc)
		rc = mdb_env_open(store->env, store->path, flags, 0600);
	if (!rc)
		rc = make_whole(store);
	/* What a process that was killed wrote last may not be on the disk; it
	 * must be before anybody is told of it. */
	if (!rc && store->durable && !store->synced)
		rc = mdb_env_sync(store->env, 1);
	if (!rc && ((fresh && store->durable) || store->unsure))
		rc = store_sync_folder(store->path);
	if (!rc)
		store->unsure = false;
	if (!rc)
		rc = mdb_reader_check(store->env, &dead);
	if (!rc)
		rc = store_open_tables(store->env, store->table, true);
	if (rc)
		return rc;
	mdb_env_info(store->env, &info);
	store->map_size = info.me_mapsize;
	rc = store_journal_repeat(store);
	if (!rc)
		rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY,
				   &store->read);
	if (rc)
		return rc;
	mdb_txn_reset(store->read);
	store->reading = false;
	return 0;
}

static void close_env(struct store *store)
{
	if (store->read)
		mdb_txn_abort(store->read);
	store->read = NULL;
	store->reading = false;
	store_journal_close(store);
	if (store->env)
		mdb_env_close(store->env);
	store->env = NULL;
}

static void finish_retiring(struct store *store)
{
	if (store->retiring)
		pthread_join(store->retirer, NULL);
	store->retiring = false;
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
	store_copy_drop(store);
	rc = open_env(store);
	if (rc) {
		db_fail(error, store_errnum(rc), "cannot open the database "
			"in %s: %s", path, open_text(rc));
		goto fail;
	}
	return store;
fail:
	rc = errno;
	store_close(store);
	errno = rc;
	return NULL;
}

struct store *store_open_to_read(const char *path, struct db_error *error)
{
	struct store *store = xcalloc(1, sizeof(*store));
	int rc;

	store->path = xstrdup(path);
	store->durable = store->read_only = true;
	store->lock = -1;
	if (lock_folder(store, error) == 0) {
		rc = file_exists(store) && !file_size(store) ? STORE_EMPTY :
			open_env_to_read(store);
		if (!rc)
			return store;
		db_fail(error, store_errnum(rc), "cannot open the database "
			"in %s: %s", path, open_text(rc));
	}
	rc = errno;
	store_close(store);
	errno = rc;
	return NULL;
}

const char *store_warning(struct store *store)
{
	if (store->cut)
		return "a batch in the journal is damaged: it and those after "
			"it are lost";
	if (!store->missing)
		return NULL;
	snprintf(store->warning, sizeof(store->warning), "the last %ju bytes "
		 "of data.mdb are missing: if keys cannot be read, weir kvs "
		 "fsck finds them", (uintmax_t)store->missing);
	return store->warning;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->lock >= 0 && !store->read_only)
		store_copy_drop(store);
	finish_retiring(store);
	/* if that fails, it is as after a crash */
	store_journal_end(store);
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
		db_fail(error, store_errnum(rc), "cannot open the database "
			"in %s again: %s", store->path, open_text(rc));
		return store_errnum(rc);
	}
	return 0;
}

int store_grow(struct store *store)
{
	int rc;

	if (store->map_size >= MAP_SIZE_MAX)
		return ENOSPC;
	store_read_end(store);
	/* the pin only keeps its place among the readers, it reads nothing */
	rc = mdb_env_set_mapsize(store->env, 2 * store->map_size);
	if (rc)
		return store_errnum(rc);
	store->map_size *= 2;
	store_copy_grow(store);
	return 0;
}

int store_sync(struct store *store)
{
	int rc = mdb_env_sync(store->env, 1);

	return rc ? store_errnum(rc) : 0;
}

/* ---- reading ---- */

/* LMDB ends the process where it finds a page that is none of its own, but for
 * this. */
static _Thread_local jmp_buf out;
static _Thread_local bool guarded;

static void on_assertion(MDB_env *env, const char *text)
{
	if (guarded)
		longjmp(out, 1);
	fprintf(stderr, "%s\n", text);
	abort();
}

int store_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value,
		     MDB_cursor_op op)
{
	int rc = MDB_CORRUPTED;

	guarded = true;
	if (!setjmp(out))
		rc = mdb_cursor_get(cursor, key, value, op);
	guarded = false;
	return rc;
}

int store_read_begin(struct store *store)
{
	int rc;

	if (store->reading)
		return 0;
	rc = store->env ? mdb_txn_renew(store->read) : EIO;
	if (rc) {
		errno = store_errnum(rc);
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

/* A page that is damaged spoils LMDB's transaction for all that is read after
 * it: the next read begins another. */
static int read_failed(struct store *store, int rc)
{
	if (rc != MDB_NOTFOUND && !store->walks)
		store_read_end(store);
	errno = store_errnum(rc);
	return -1;
}

int store_get(struct store *store, enum store_table table, const void *key,
	      size_t key_len, const unsigned char **data, size_t *len)
{
	MDB_val k = { key_len, (void *)key }, v;
	int rc;

	if (store_read_begin(store) < 0)
		return -1;
	rc = mdb_get(store->read, store->table[table], &k, &v);
	if (rc)
		return read_failed(store, rc);
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

	if (store_read_begin(store) < 0)
		return -1;
	rc = mdb_cursor_open(store->read, store->table[table], &cursor);
	if (rc) {
		errno = store_errnum(rc);
		return -1;
	}
	store->walks++;
	rc = store_cursor_get(cursor, &k, &v,
			      from_len ? MDB_SET_RANGE : MDB_FIRST);
	while (!rc && !stop) {
		stop = cb(k.mv_data, k.mv_size, v.mv_data, v.mv_size, arg);
		rc = store_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	store->walks--;
	return stop || rc == MDB_NOTFOUND ? stop : read_failed(store, rc);
}

int store_get_floor(struct store *store, enum store_table table,
		    const void *key, size_t key_len,
		    const unsigned char **found, size_t *found_len,
		    const unsigned char **data, size_t *len)
{
	MDB_val k = { key_len, (void *)key }, v;
	MDB_cursor *cursor;
	int rc;

	if (store_read_begin(store) < 0)
		return -1;
	rc = mdb_cursor_open(store->read, store->table[table], &cursor);
	if (rc) {
		errno = store_errnum(rc);
		return -1;
	}
	rc = store_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		rc = store_cursor_get(cursor, &k, &v, MDB_LAST);
	else if (!rc && (k.mv_size != key_len ||
			 memcmp(k.mv_data, key, key_len)))
		rc = store_cursor_get(cursor, &k, &v, MDB_PREV);
	mdb_cursor_close(cursor);
	if (rc)
		return read_failed(store, rc);
	*found = k.mv_data;
	*found_len = k.mv_size;
	*data = v.mv_data;
	*len = v.mv_size;
	return 0;
}

int store_total(struct store *store, struct store_total *total)
{
	int rc;

	if (store_read_begin(store) < 0)
		return -1;
	rc = store_read_total(store->read, store->table, total);
	if (!rc)
		return 0;
	errno = store_errnum(rc);
	return -1;
}

void store_stats(struct store *store, struct db_stats *stats)
{
	stats->map_size = store->map_size;
	stats->file_size = file_size(store);
}

/* Bytes of the records, about. */
static uint64_t net_size(struct store *store, const struct store_total *total)
{
	uint64_t size = total->bytes;
	MDB_stat stat;

	for (int i = STORE_BLOB + 1; i < STORE_TABLES; i++)
		if (!mdb_stat(store->read, store->table[i], &stat))
			size += stat.ms_psize * (stat.ms_leaf_pages +
				stat.ms_branch_pages + stat.ms_overflow_pages);
	return size;
}

/* Blobs of a little over half a page make the smallest file nearly twice as
 * large as they are: it may then be larger yet before it is copied again. */
bool store_is_wasteful(struct store *store, const struct store_total *total)
{
	struct statvfs fs;
	uint64_t net;

	if (store_read_begin(store) < 0 || statvfs(store->path, &fs))
		return false;
	net = net_size(store, total);
	if (store->ratio > 1.6)
		net *= store->ratio / 1.6;
	return file_size(store) > 2 * net + WASTE_LEAST &&
		(uint64_t)fs.f_bavail * fs.f_frsize > 2 * net + WASTE_LEAST;
}

static void *close_old(void *arg)
{
	mdb_env_close(arg);
	return NULL;
}

/* To unmap a large file that has no name any more, and to free it, takes a
 * while: not in the loop. */
static void retire_env(struct store *store)
{
	char name[4096], new[4096];
	sigset_t all, old;

	finish_retiring(store);
	snprintf(name, sizeof(name), "%s/lock.mdb", store->path);
	snprintf(new, sizeof(new), "%s/lock.new", store->path);
	/* Another process that looks at the old file is no reader of the new
	 * one, and locks of a file go when it is closed. */
	if (lock_file_make(store, "lock.new") || rename(new, name) < 0) {
		unlink(new);
		close_env(store);
		return;
	}
	mdb_txn_abort(store->read);
	store->read = NULL;
	store->reading = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	store->retiring = !pthread_create(&store->retirer, NULL, close_old,
					  store->env);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!store->retiring)
		mdb_env_close(store->env);
	store->env = NULL;
}

int store_replaced(struct store *store, const struct store_total *total,
		   struct db_error *error)
{
	uint64_t net;
	int rc;

	retire_env(store);
	/* by the writer; the loop is not to wait for the disk */
	store->synced = true;
	rc = store_reopen(store, error);
	store->synced = false;
	if (rc || store_read_begin(store) < 0)
		return rc ? rc : errno;
	net = net_size(store, total);
	store->ratio = net ? (double)file_size(store) / net : 1;
	return 0;
}
