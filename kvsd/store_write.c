/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a batch, in the writer's thread: see store.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

#include "kvsd/bytes.h"
#include "kvsd/store_private.h"

#define LEAST	65536	/* bytes of pages that any batch may take */

/* The record of the meta table that says what is stored. */
static char total_key[] = "stored";

int (*store_commit)(MDB_txn *txn) = mdb_txn_commit;
uint64_t store_room_sure = 64u << 20;

/* A database that does not know it yet was written before it was kept: its
 * pages are counted instead of its bytes. */
int store_read_total(MDB_txn *txn, const MDB_dbi *table,
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
		     struct store_total *total,
		     const struct store_place *upto)
{
	for (size_t i = 0; i < blobs->count; i++) {
		struct blob *blob = blobs->blob[i];
		MDB_val key = { sizeof(blob->hash), &blob->hash };
		MDB_val value = { blob->len, blob->data };
		int rc;

		if (!store_place_reached(upto, STORE_BLOB, &blob->hash,
					 sizeof(blob->hash)))
			continue;
		rc = mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE);
		if (rc == MDB_KEYEXIST)
			continue;
		if (rc)
			return rc;
		total->blobs++;
		total->bytes += blob->len;
	}
	return 0;
}

int store_blobs_apply(MDB_txn *txn, MDB_dbi dbi, const struct blob_set *blobs,
		      struct store_total *total,
		      const struct store_place *upto)
{
	int rc = remove_blobs(txn, dbi, blobs, total);

	return rc ? rc : add_blobs(txn, dbi, blobs, total, upto);
}

static int write_blobs(struct store *store, MDB_txn *txn,
		       const struct blob_set *blobs)
{
	struct store_total *total = &store->written;
	MDB_dbi dbi = store->table[STORE_BLOB];
	MDB_val key = { sizeof(total_key) - 1, total_key }, value;
	unsigned char bytes[16];
	int rc = store_read_total(txn, store->table, total);

	if (!blobs->count && !blobs->dead_count)
		return rc;
	if (!rc)
		rc = store_blobs_apply(txn, dbi, blobs, total, NULL);
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
static uint64_t room_of(const struct store *store)
{
	struct statvfs fs;

	return statvfs(store->path, &fs) ? UINT64_MAX :
		(uint64_t)fs.f_bavail * fs.f_frsize;
}

static bool is_full(const struct store *store, int rc, uint64_t need)
{
	return rc == ENOSPC || rc == EDQUOT ||
		(rc == EIO && room_of(store) < need);
}

double store_sync_seconds(const struct store *store)
{
	return store->sync_seconds;
}

int store_apply(struct store *store, MDB_txn *txn,
		const struct blob_set *blobs,
		const struct store_changes *changes)
{
	int rc = write_blobs(store, txn, blobs);

	return rc ? rc : store_changes_apply(txn, store->table, changes, NULL);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* What is being written. */
struct writing {
	const struct blob_set *blobs;
	const struct store_changes *changes;
	bool durable;
	bool committed;		/* and not known to be durable */
};

static void make_durable(struct store *store, struct writing *w)
{
	double start = now();

	if (!w->durable)
		w->durable = store_journal_add(store, w->blobs, w->changes);
	store->sync_seconds += now() - start;
}

static int write_once(struct store *store, struct writing *w)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (rc)
		return rc;
	rc = store_apply(store, txn, w->blobs, w->changes);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	if (room_of(store) >= store_room_sure)
		make_durable(store, w);
	if (w->durable && store->on_durable)
		store->on_durable(store->on_durable_arg);
	return store_commit(txn);
}

/* What the journal could not take is durable with this. */
static int settle(struct store *store, struct writing *w)
{
	double start;
	int rc;

	w->committed = true;
	make_durable(store, w);
	if (!store->journaling || (w->durable && !store_journal_due(store)))
		return 0;
	start = now();
	rc = store_checkpoint(store);
	store->sync_seconds += now() - start;
	return rc;
}

static bool commit_little(struct store *store)
{
	unsigned char bytes[16];
	MDB_val key = { sizeof(total_key) - 1, total_key };
	MDB_val value = { sizeof(bytes), bytes };
	struct store_total total;
	MDB_txn *txn;

	if (mdb_txn_begin(store->env, NULL, 0, &txn))
		return false;
	if (!store_read_total(txn, store->table, &total)) {
		bytes_put(bytes_put(bytes, total.blobs, 8), total.bytes, 8);
		if (!mdb_put(txn, store->table[STORE_META], &key, &value, 0))
			return !mdb_txn_commit(txn);
	}
	mdb_txn_abort(txn);
	return false;
}

static bool renew_pin(struct store *store)
{
	return !store->journaling || !store_checkpoint(store);
}

/* LMDB gives the pages that a commit freed to the second commit after it, not
 * to the next, and none that were freed since a checkpoint. If the next is too
 * large for what else is free, then it and all that follow would fail; one that
 * changes next to nothing comes between. */
static bool reclaim(struct store *store)
{
	return renew_pin(store) && commit_little(store) && renew_pin(store);
}

/* Fills TEXT. */
static int failed(struct store *store, const struct writing *w, int rc,
		  uint64_t need, char *text, size_t size)
{
	if (is_full(store, rc, need)) {
		rc = ENOSPC;
		snprintf(text, size, "the disk of the database in %s is full: "
			 "about %ju bytes are needed and %ju are free: No "
			 "space left on device",
			 store->path, (uintmax_t)need,
			 (uintmax_t)room_of(store));
	} else {
		snprintf(text, size, "cannot write to the database in %s: %s",
			 store->path, mdb_strerror(rc));
	}
	return w->durable || w->committed || rc == MDB_PANIC ||
	       is_broken(store) ? STORE_BROKEN : store_errnum(rc);
}

int store_write(struct store *store, const struct blob_set *blobs,
		const struct store_changes *changes, char *text, size_t size)
{
	struct writing w = { .blobs = blobs, .changes = changes };
	uint64_t need = blobs->bytes + blobs->bytes / 8 + changes->len + LEAST;
	int rc = store->env ? store_journal_ready(store) : MDB_PANIC;

	store->sync_seconds = 0;
	if (!rc)
		rc = write_once(store, &w);
	/* a checkpoint would forget what only the journal has */
	if (!w.durable && is_full(store, rc, need)) {
		/* it may be in the way */
		store_copy_drop(store);
		if (!is_broken(store) && reclaim(store))
			rc = write_once(store, &w);
	}
	if (rc == MDB_MAP_FULL)
		return STORE_FULL;
	if (!rc) {
		rc = settle(store, &w);
		if (!rc) {
			store_copy_apply(store, blobs, changes);
			return 0;
		}
	}
	/* it lacks what is found written later */
	store_copy_drop(store);
	return failed(store, &w, rc, need, text, size);
}

void store_on_durable(struct store *store, void (*cb)(void *arg), void *arg)
{
	store->on_durable = cb;
	store->on_durable_arg = arg;
}
