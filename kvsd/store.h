/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB environment and its journal: tables of records, written a batch at a
 * time by one thread and read by another. It knows nothing of what the records
 * mean, except that blobs are never overwritten.
 *
 * The reading side (all but store_write) belongs to the loop's thread. What
 * it returns lasts until store_read_end.
 */
#ifndef WEIR_KVSD_STORE_H
#define WEIR_KVSD_STORE_H

#include "kvsd/blob.h"

enum store_table {
	STORE_BLOB,		/* hash -> bytes */
	STORE_NAMESPACE,	/* name -> id, owner, version, root */
	STORE_HISTORY,		/* id and version -> root */
	STORE_LEASE,		/* id -> seconds, owner; id and number -> key */
	STORE_META,
	STORE_TABLES
};

#define STORE_KEY_MAX	255

/* Changes of records, in order. */
struct store_changes {
	unsigned char *data;
	size_t len, room;
	unsigned count;
};

void store_changes_free(struct store_changes *changes);
void store_put(struct store_changes *changes, enum store_table table,
	       const void *key, size_t key_len, const void *value, size_t len);
void store_delete(struct store_changes *changes, enum store_table table,
		  const void *key, size_t key_len);
/* Keys from FROM up to and without TO; at most LIMIT of them (0: all). */
void store_delete_range(struct store_changes *changes, enum store_table table,
			const void *from, size_t from_len, const void *to,
			size_t to_len, uint32_t limit);

/* The greatest key of KEY_LEN bytes up to KEY that is put, with its value as
 * it is then; NULL: there is none. */
const unsigned char *store_changes_floor(const struct store_changes *changes,
		enum store_table table, const void *key, size_t key_len,
		const unsigned char **found, size_t *len);

struct store;

/* MAP_SIZE 0: the default. EBUSY and others with a text. */
struct store *store_open(const char *path, bool durable, size_t map_size,
			 struct db_error *error);
/* To look at, without changing anything: on read-only media too. */
struct store *store_open_to_read(const char *path, struct db_error *error);
void store_close(struct store *store);
/* What is lost of it, for people, as far as that shows when it is opened; or
 * NULL. */
const char *store_warning(struct store *store);

void store_read_end(struct store *store);
int store_blob(struct store *store, const struct db_hash *hash,
	       const unsigned char **data, size_t *len);
int store_get(struct store *store, enum store_table table, const void *key,
	      size_t key_len, const unsigned char **data, size_t *len);
/* Records from the first key that is not below FROM, until CB returns
 * nonzero, which is returned; -1 with errno EIO. */
typedef int store_each_f(const unsigned char *key, size_t key_len,
			 const unsigned char *data, size_t len, void *arg);
int store_each(struct store *store, enum store_table table, const void *from,
	       size_t from_len, store_each_f *cb, void *arg);
/* The record of TABLE with the greatest key up to KEY: 0, or -1 ENOENT. */
int store_get_floor(struct store *store, enum store_table table,
		    const void *key, size_t key_len,
		    const unsigned char **found, size_t *found_len,
		    const unsigned char **data, size_t *len);

/* In the writer's thread. 0; STORE_FULL: call store_grow in the loop's thread,
 * and again; STORE_BROKEN: call store_reopen there; else an errno. TEXT says
 * what failed. While it can't be read yet the batch may be durable: then CB is
 * called, and whatever fails after that, store_reopen finds it. */
void store_on_durable(struct store *store, void (*cb)(void *arg), void *arg);
enum { STORE_FULL = -1, STORE_BROKEN = -2 };
int store_write(struct store *store, const struct blob_set *blobs,
		const struct store_changes *changes, char *text, size_t size);
/* How long the last store_write waited for syncs; for the writer. */
double store_sync_seconds(const struct store *store);
/* After that succeeded, and in the same thread. */
struct store_total store_written(const struct store *store);
/* While no batch is being written. 0 or an errno. */
int store_grow(struct store *store);
int store_reopen(struct store *store, struct db_error *error);
/* Makes what was written without a sync durable. 0 or an errno. */
int store_sync(struct store *store);

void store_stats(struct store *store, struct db_stats *stats);

/* What the blobs are that are stored. */
struct store_total {
	uint64_t blobs, bytes;
};
int store_total(struct store *store, struct store_total *total);
/* Whether a smaller file would do: over twice what the records take, and
 * there is room for another. */
bool store_is_wasteful(struct store *store, const struct store_total *total);

/* Bytes that the file can still take: on the disk, and of its own free pages. */
uint64_t store_room(struct store *store);
/* A file that keeps so much of the disk, for when it is full. */
uint64_t store_reserve_size(const struct store *store);
bool store_reserve_take(struct store *store);
void store_reserve_release(struct store *store);

/* A part of making a smaller file, in the writer's thread: STORE_COPY_MORE;
 * STORE_COPY_DONE: call store_replaced in the loop's thread before all else; or
 * an errno with TEXT, and all is as it was. */
enum { STORE_COPY_MORE = -3, STORE_COPY_DONE = -4 };
int store_copy_step(struct store *store, char *text, size_t size);
int store_replaced(struct store *store, const struct store_total *total,
		   struct db_error *error);

/* How a batch is committed: mdb_txn_commit. Tests put a failing disk here. */
struct MDB_txn;
extern int (*store_commit)(struct MDB_txn *txn);
/* With less room than this on the disk a batch is committed before it is made
 * durable, so that there is a way back when it does not fit. */
extern uint64_t store_room_sure;

#endif
