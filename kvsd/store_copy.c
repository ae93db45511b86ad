/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing the database's file by a smaller one: LMDB uses free pages again
 * but never gives them back. kvsd(8), Space.
 *
 * A copy of all records is made step by step in the writer's thread, between
 * batches; what a batch changes in the part that is copied already is changed
 * in the copy as well. When all is copied and synced it is renamed to the
 * place of the file, which is one step for who looks: before it, and after any
 * failure, the old file is the database and the copy is removed.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/store_private.h"

#define STEP_BYTES	(4u << 20)

struct store_copy {
	MDB_env *env;
	MDB_dbi table[STORE_TABLES];
	struct store_place place;
};

static void name_of(const struct store *store, char *name, size_t size)
{
	snprintf(name, size, "%s/data.new", store->path);
}

void store_copy_drop(struct store *store)
{
	char name[4096];

	if (store->copy) {
		if (store->copy->env)
			mdb_env_close(store->copy->env);
		free(store->copy);
		store->copy = NULL;
	}
	name_of(store, name, sizeof(name));
	unlink(name);
}

void store_copy_grow(struct store *store)
{
	if (store->copy &&
	    mdb_env_set_mapsize(store->copy->env, store->map_size))
		store_copy_drop(store);
}

bool store_place_reached(const struct store_place *upto,
			 enum store_table table, const void *key, size_t len)
{
	size_t least;
	int order;

	if (!upto)
		return true;
	if (table != upto->table)
		return table < upto->table;
	least = len < upto->len ? len : upto->len;
	order = memcmp(key, upto->key, least);
	return order < 0 || (!order && len <= upto->len);
}

static int begin(struct store *store)
{
	struct store_copy *copy = xcalloc(1, sizeof(*copy));
	char name[4096];
	int rc;

	store_copy_drop(store);
	store->copy = copy;
	name_of(store, name, sizeof(name));
	rc = mdb_env_create(&copy->env);
	if (!rc)
		rc = mdb_env_set_maxdbs(copy->env, STORE_TABLES);
	if (!rc)
		rc = mdb_env_set_mapsize(copy->env, store->map_size);
	if (!rc)
		rc = mdb_env_open(copy->env, name, MDB_NOSUBDIR | MDB_NOLOCK |
				  MDB_NOTLS | MDB_NOSYNC, 0600);
	return rc ? rc : store_open_tables(copy->env, copy->table, true);
}

int store_file_make(struct store *store)
{
	char new[4096], old[4096];
	int rc = begin(store);

	if (!rc)
		rc = mdb_env_sync(store->copy->env, 1);
	if (!rc) {
		mdb_env_close(store->copy->env);
		store->copy->env = NULL;
		name_of(store, new, sizeof(new));
		snprintf(old, sizeof(old), "%s/data.mdb", store->path);
		if (rename(new, old) < 0)
			rc = errno;
	}
	store_copy_drop(store);
	return rc;
}

/* Copies the rest of the table, or up to *LEFT bytes of it. */
static int copy_some(MDB_txn *from, MDB_dbi from_dbi, MDB_txn *to,
		     struct store_copy *copy, size_t *left)
{
	struct store_place *place = &copy->place;
	MDB_val key = { place->len, place->key }, value;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(from, from_dbi, &cursor);

	if (rc)
		return rc;
	rc = store_cursor_get(cursor, &key, &value,
			    place->len ? MDB_SET_RANGE : MDB_FIRST);
	if (!rc && place->len && key.mv_size == place->len &&
	    !memcmp(key.mv_data, place->key, place->len))
		rc = store_cursor_get(cursor, &key, &value, MDB_NEXT);
	/* the meta table at once: it counts what the others have */
	while (!rc && (*left || place->table == STORE_META)) {
		size_t size = key.mv_size + value.mv_size;

		if (key.mv_size > sizeof(place->key)) {
			rc = MDB_BAD_VALSIZE;
			break;
		}
		rc = mdb_put(to, copy->table[place->table], &key, &value,
			     MDB_APPEND);
		if (rc)
			break;
		place->len = key.mv_size;
		memcpy(place->key, key.mv_data, key.mv_size);
		*left -= size < *left ? size : *left;
		rc = store_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return rc;
	place->table++;
	place->len = 0;
	return 0;
}

static int copy_step(struct store *store)
{
	struct store_copy *copy = store->copy;
	size_t left = STEP_BYTES;
	MDB_txn *from, *to;
	int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &from);

	if (rc)
		return rc;
	rc = mdb_txn_begin(copy->env, NULL, 0, &to);
	if (rc) {
		mdb_txn_abort(from);
		return rc;
	}
	while (!rc && copy->place.table < STORE_TABLES &&
	       (left || copy->place.table == STORE_META))
		rc = copy_some(from, store->table[copy->place.table], to, copy,
			       &left);
	mdb_txn_abort(from);
	if (rc)
		mdb_txn_abort(to);
	else
		rc = mdb_txn_commit(to);
	return rc ? rc : mdb_env_sync(copy->env, 1);
}

static int finish(struct store *store)
{
	char new[4096], old[4096];
	int rc;

	name_of(store, new, sizeof(new));
	snprintf(old, sizeof(old), "%s/data.mdb", store->path);
	mdb_env_close(store->copy->env);
	store->copy->env = NULL;
	/* it is about the old file */
	rc = store_journal_end(store);
	if (rc)
		return rc;
	if (rename(new, old) < 0)
		return errno;
	free(store->copy);
	store->copy = NULL;
	/* Until that is done a loss of power may leave the old one, which
	 * lacks what is committed from now on: see open_env. */
	store->unsure = store_sync_folder(store->path) != 0;
	return 0;
}

int store_copy_step(struct store *store, char *text, size_t size)
{
	int rc = 0;

	if (!store->env)
		rc = MDB_PANIC;
	else if (!store->copy)
		rc = begin(store);
	if (!rc)
		rc = copy_step(store);
	if (!rc && store->copy->place.table < STORE_TABLES)
		return STORE_COPY_MORE;
	if (!rc)
		rc = finish(store);
	if (!rc)
		return STORE_COPY_DONE;
	store_copy_drop(store);
	snprintf(text, size, "cannot make a smaller file of the database in "
		 "%s: %s", store->path, mdb_strerror(rc));
	return store_errnum(rc);
}

void store_copy_apply(struct store *store, const struct blob_set *blobs,
		      const struct store_changes *changes)
{
	struct store_copy *copy = store->copy;
	struct store_total ignored = { 0, 0 };
	MDB_txn *txn;
	int rc;

	if (!copy)
		return;
	rc = mdb_txn_begin(copy->env, NULL, 0, &txn);
	if (!rc) {
		rc = store_blobs_apply(txn, copy->table[STORE_BLOB], blobs,
				       &ignored, &copy->place);
		if (!rc)
			rc = store_changes_apply(txn, copy->table, changes,
						 &copy->place);
		if (rc)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
	}
	if (rc)
		store_copy_drop(store);
}
