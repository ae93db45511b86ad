/* SPDX-License-Identifier: Apache-2.0 */
/* How batches are made durable. kvsd(8), Batches.
 *
 * LMDB's own way writes pages all over its file and syncs twice. Instead its
 * pages go to the system's memory, and the batch as it came is added to the
 * journal, which is one write in one place and one sync. Now and then, and
 * when a batch is too large for the journal, the database's file is synced
 * whole: a checkpoint.
 *
 * After a loss of power any page written since the checkpoint may be on the
 * disk or not. So none that the checkpoint needs is written: a reader's
 * transaction, the pin, keeps LMDB from using them again. What leads to these
 * pages is the two meta pages at the file's beginning; the journal has them as
 * its base. To put them back and to repeat the batches gives all that was
 * acknowledged.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/store_private.h"

#define METAS		2	/* pages at the beginning of the file */
#define UNSYNCED	(MDB_NOSYNC | MDB_NOMETASYNC)
#define GROWTH_MAX	(16u << 20)	/* bytes of the file for pages that only
					   the pin needs */
#define COUNTS		16	/* of a record: removed and added blobs */

/* ---- checkpoints ---- */

static void unpin(struct store *store)
{
	if (store->pin)
		mdb_txn_abort(store->pin);
	store->pin = NULL;
	store->journaling = false;
}

static int pin(struct store *store, const MDB_envinfo *info)
{
	int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->pin);

	if (!rc)
		rc = mdb_env_set_flags(store->env, UNSYNCED, 1);
	if (rc) {
		unpin(store);
		return rc;
	}
	store->journaling = true;
	store->pinned_pages = info->me_last_pgno;
	return 0;
}

static int begin_journal(struct store *store, const MDB_envinfo *info)
{
	unsigned char *metas;
	MDB_stat stat;
	size_t size;
	int fd, rc;

	mdb_env_stat(store->env, &stat);
	size = METAS * stat.ms_psize;
	metas = xmalloc(size);
	rc = mdb_env_get_fd(store->env, &fd);
	if (!rc && pread(fd, metas, size, 0) != (ssize_t)size)
		rc = EIO;
	if (!rc)
		rc = journal_begin(store->journal, metas, size,
				   info->me_last_txnid);
	free(metas);
	return rc;
}

int store_checkpoint(struct store *store)
{
	MDB_envinfo info;
	int rc = mdb_env_sync(store->env, 1);

	if (rc || !store->journal)
		return rc;
	mdb_env_info(store->env, &info);
	rc = begin_journal(store, &info);
	/* The old pin may go only when nothing leads back to it. */
	if (!rc || !journal_end(store->journal)) {
		unpin(store);
		mdb_env_set_flags(store->env, UNSYNCED, 0);
		/* without a journal LMDB syncs each batch */
		return rc ? 0 : pin(store, &info);
	}
	return rc;
}

int store_journal_ready(struct store *store)
{
	return !store->durable || store->journaling ? 0 :
		store_checkpoint(store);
}

int store_journal_end(struct store *store)
{
	int rc;

	if (!store->journaling)
		return 0;
	rc = mdb_env_sync(store->env, 1);
	if (!rc)
		rc = journal_end(store->journal);
	if (rc)
		return rc;
	unpin(store);
	return mdb_env_set_flags(store->env, UNSYNCED, 0);
}

void store_journal_close(struct store *store)
{
	unpin(store);
	journal_close(store->journal);
	store->journal = NULL;
}

/* ---- a batch ---- */

bool store_journal_due(struct store *store)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (!store->journaling)
		return false;
	mdb_env_info(store->env, &info);
	mdb_env_stat(store->env, &stat);
	return (info.me_last_pgno - store->pinned_pages) * stat.ms_psize >
		store->growth_max;
}

static unsigned char *put_blob(unsigned char *p, const struct blob *blob)
{
	memcpy(p, &blob->hash, DB_HASH_SIZE);
	p = bytes_put(p + DB_HASH_SIZE, blob->len, 8);
	memcpy(p, blob->data, blob->len);
	return p + blob->len;
}

/* Counts, hashes of blobs to go, new blobs; the changes are the rest. */
static bool put_batch(struct journal *journal, const struct blob_set *blobs,
		      const struct store_changes *changes)
{
	size_t dead = blobs->dead_count * DB_HASH_SIZE;
	unsigned char *p = journal_record(journal, COUNTS + dead +
			blobs->count * (DB_HASH_SIZE + 8) + blobs->bytes +
			changes->len);

	if (!p)
		return false;
	p = bytes_put(bytes_put(p, blobs->dead_count, 8), blobs->count, 8);
	if (dead)
		memcpy(p, blobs->dead, dead);
	p += dead;
	for (size_t i = 0; i < blobs->count; i++)
		p = put_blob(p, blobs->blob[i]);
	if (changes->len)
		memcpy(p, changes->data, changes->len);
	return true;
}

bool store_journal_add(struct store *store, const struct blob_set *blobs,
		       const struct store_changes *changes)
{
	return store->journaling && put_batch(store->journal, blobs, changes) &&
		!journal_append(store->journal);
}

/* ---- after a crash ---- */

struct reader {
	const unsigned char *p;
	size_t left;
};

static const unsigned char *take(struct reader *r, uint64_t n)
{
	const unsigned char *p = r->p;

	if (n > r->left)
		return NULL;
	r->p += n;
	r->left -= n;
	return p;
}

static bool take_number(struct reader *r, uint64_t *n)
{
	const unsigned char *p = take(r, 8);

	if (p)
		*n = bytes_get(p, 8);
	return p;
}

static bool take_blobs(struct reader *r, struct blob_set *set)
{
	uint64_t dead, count, len;

	if (!take_number(r, &dead) || !take_number(r, &count))
		return false;
	while (dead--) {
		const unsigned char *p = take(r, DB_HASH_SIZE);
		struct db_hash hash;

		if (!p)
			return false;
		memcpy(&hash, p, sizeof(hash));
		blob_set_bury(set, &hash);
	}
	while (count--) {
		const unsigned char *hash = take(r, DB_HASH_SIZE), *data;
		struct blob *blob;

		if (!hash || !take_number(r, &len))
			return false;
		data = take(r, len);
		if (!data || len < BLOB_HEADER)
			return false;
		blob = blob_create(data[2], len);
		memcpy(&blob->hash, hash, sizeof(blob->hash));
		memcpy(blob->data, data, len);
		blob_set_add(set, blob);
	}
	return true;
}

static int repeat_one(struct store *store, MDB_txn *txn, struct reader r)
{
	struct blob_set *set = blob_set_create();
	struct store_changes changes;
	int rc = STORE_JOURNAL_DAMAGED;

	if (take_blobs(&r, set)) {
		changes = (struct store_changes) {
			.data = (unsigned char *)r.p, .len = r.left,
		};
		rc = store_apply(store, txn, set, &changes);
	}
	blob_set_destroy(set);
	return rc;
}

/* In one transaction: were there two, the second might use pages of the
 * checkpoint, to which another crash leads back. */
static int repeat_all(struct store *store)
{
	struct reader r;
	MDB_txn *txn;
	int rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (rc)
		return rc;
	journal_rewind(store->journal);
	while (!rc && (r.p = journal_next(store->journal, &r.left)))
		rc = repeat_one(store, txn, r);
	if (!rc)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

int store_journal_repeat(struct store *store)
{
	uint64_t number;
	size_t len;
	int rc;

	if (!store->journal || !journal_base(store->journal, &len, &number))
		return 0;
	while ((rc = repeat_all(store)) == MDB_MAP_FULL) {
		rc = mdb_env_set_mapsize(store->env, 2 * store->map_size);
		if (rc)
			return rc;
		store->map_size *= 2;
	}
	if (rc == ENOSPC) {
		store_reserve_release(store);
		rc = repeat_all(store);
	}
	if (rc)
		return rc;
	store->cut = journal_is_cut(store->journal);
	return journal_end(store->journal);
}

/* The number of the last transaction in the file as it is. */
static int look_at(const struct store *store, uint64_t *number)
{
	MDB_envinfo info;
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc)
		return rc;
	rc = mdb_env_open(env, store->path, MDB_RDONLY | MDB_NOLOCK |
			  MDB_NOTLS, 0600);
	if (!rc) {
		mdb_env_info(env, &info);
		*number = info.me_last_txnid;
	}
	mdb_env_close(env);
	return rc;
}

static int put_back(const struct store *store, const void *base, size_t len)
{
	char name[4096];
	int fd, rc = 0;

	snprintf(name, sizeof(name), "%s/data.mdb", store->path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (pwrite(fd, base, len, 0) != (ssize_t)len || fdatasync(fd) < 0)
		rc = errno ? errno : EIO;
	close(fd);
	return rc;
}

int store_journal_open(struct store *store)
{
	uint64_t began, is;
	const void *base;
	size_t len;
	int rc;

	store->growth_max = store_share(store, GROWTH_MAX);
	store->journal = journal_open(store->path, store->read_only ? 0 :
				      store_share(store, JOURNAL_SIZE));
	if (!store->journal)
		return errno;
	base = journal_base(store->journal, &len, &began);
	if (store->read_only)
		return base ? STORE_UNCLEAN : 0;
	if (!base)
		return journal_end(store->journal);
	rc = look_at(store, &is);
	if (!rc && is < began)
		rc = STORE_OLDER;
	return rc ? rc : put_back(store, base, len);
}
