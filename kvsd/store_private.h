/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the store. */
#ifndef WEIR_KVSD_STORE_PRIVATE_H
#define WEIR_KVSD_STORE_PRIVATE_H

#include <lmdb.h>
#include <pthread.h>

#include "kvsd/journal.h"
#include "kvsd/store.h"

struct store_copy;

struct store {
	char *path;
	bool durable;
	bool read_only;
	uint64_t missing;	/* bytes that the file was too short */
	bool cut;		/* so was the journal */
	char warning[160];
	size_t map_size;
	int lock;		/* file descriptor that holds the lock */
	MDB_env *env;
	MDB_dbi table[STORE_TABLES];
	MDB_txn *read;
	bool reading;		/* READ is renewed */
	unsigned walks;		/* of store_each on it */
	bool unsure;		/* the file was replaced and the folder is not
				   synced since */
	bool synced;		/* the file to be opened is on the disk */
	struct journal *journal;
	bool retiring;		/* a file that was replaced is being closed */
	pthread_t retirer;
	double ratio;		/* bytes of a file just made to those of its
				   records; 0: not known */
	void (*on_durable)(void *arg);
	void *on_durable_arg;
	/* The writer's: */
	double sync_seconds;	/* of the last store_write */
	struct store_total written;	/* by it */
	struct store_copy *copy;	/* being made, or NULL */
	bool journaling;	/* LMDB does not sync: the journal does */
	MDB_txn *pin;		/* a reader of the last checkpoint */
	uint64_t pinned_pages;	/* of its file */
	uint64_t growth_max;	/* bytes since then */
};

/* Beside LMDB's own codes, which are negative and lower. */
enum {
	STORE_NOT_OURS = -1,
	STORE_EMPTY = -2,
	STORE_OLDER = -3,		/* than its journal */
	STORE_UNCLEAN = -4,
	STORE_JOURNAL_DAMAGED = -5,
};

/* LMDB's code as an errno. */
int store_errnum(int rc);
int store_read_begin(struct store *store);
/* mdb_cursor_get, and MDB_CORRUPTED where that would end the process. */
int store_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value,
		     MDB_cursor_op op);
/* 0 or an errno. */
int store_sync_folder(const char *path);
/* Opens the tables of ENV; MAKE: those that are missing are made. These and
 * all below return 0 or LMDB's code. */
int store_open_tables(MDB_env *env, MDB_dbi *table, bool make);
int store_read_total(MDB_txn *txn, const MDB_dbi *table,
		     struct store_total *total);

/* How far a copy is: all of the tables before, and of TABLE what is up to the
 * key. Only that is changed in it; what comes after will be copied as it is
 * then. */
struct store_place {
	enum store_table table;
	size_t len;		/* 0: nothing of TABLE */
	unsigned char key[STORE_KEY_MAX];
};
/* UPTO NULL: yes. */
bool store_place_reached(const struct store_place *upto,
			 enum store_table table, const void *key, size_t len);

int store_changes_apply(MDB_txn *txn, const MDB_dbi *table,
			const struct store_changes *changes,
			const struct store_place *upto);
int store_blobs_apply(MDB_txn *txn, MDB_dbi dbi, const struct blob_set *blobs,
		      struct store_total *total,
		      const struct store_place *upto);
/* A batch that was written is written to the copy as well. */
void store_copy_apply(struct store *store, const struct blob_set *blobs,
		      const struct store_changes *changes);
/* Bytes of the disk: MOST, or less of a small one. */
uint64_t store_share(const struct store *store, uint64_t most);
/* One batch, in a transaction that the caller ends. */
int store_apply(struct store *store, MDB_txn *txn,
		const struct blob_set *blobs,
		const struct store_changes *changes);

/* store_journal.c. Before LMDB's environment is opened: puts the file back to
 * its last checkpoint. After that: repeats what the journal has. */
int store_journal_open(struct store *store);
int store_journal_repeat(struct store *store);
void store_journal_close(struct store *store);
/* Before the first batch. */
int store_journal_ready(struct store *store);
/* A batch that was added is durable. False: it is too large, or the disk fails;
 * then it is durable after it was committed and a checkpoint. */
bool store_journal_add(struct store *store, const struct blob_set *blobs,
		       const struct store_changes *changes);
/* It is time for a checkpoint. */
bool store_journal_due(struct store *store);
/* Makes all durable, and free what was kept for a crash. */
int store_checkpoint(struct store *store);
/* Makes all durable without the journal. */
int store_journal_end(struct store *store);

/* If there is one. */
void store_copy_drop(struct store *store);
/* The first, empty file, whole or not at all. 0 or LMDB's code. */
int store_file_make(struct store *store);
/* To the size of the map. */
void store_copy_grow(struct store *store);

#endif
