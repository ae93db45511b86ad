/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: immutable bytes named by their BLAKE2b-256. Each begins with four
 * bytes that say what it is, so that one kind can't pass for another.
 * A set holds those that are not in the store yet. weir-treeobj(5).
 */
#ifndef WEIR_KVSD_BLOB_H
#define WEIR_KVSD_BLOB_H

#include "kvsd/db.h"

#define BLOB_HEADER	4

enum blob_kind {
	BLOB_DIRECTORY = 'D',
	BLOB_LEAF = 'L',	/* bytes of a value */
	BLOB_BRANCH = 'B',	/* hashes of leaves or branches */
	BLOB_LINK = 'S',	/* a link's content; hashed, never stored */
};

struct blob {
	struct blob *next;	/* of its bucket */
	struct db_hash hash;
	size_t len;
	unsigned char data[];
};

/* LEN counts the header, which is filled in; the caller fills the rest and
 * then calls blob_finish for the hash. */
struct blob *blob_create(enum blob_kind kind, size_t len);
void blob_finish(struct blob *blob);
void blob_hash(const void *data, size_t len, struct db_hash *hash);
/* Why DATA isn't a blob of KIND in a known encoding; NULL if it is. */
const char *blob_refuse(const void *data, size_t len, enum blob_kind kind);

struct blob_set {
	struct blob **blob;	/* in the order in which they came */
	size_t count, room;
	struct blob **bucket;	/* a power of two of them */
	size_t buckets;
	uint64_t bytes;
	struct db_hash *dead;	/* to go from the store; before additions */
	size_t dead_count, dead_room;
};

struct blob_set *blob_set_create(void);
void blob_set_destroy(struct blob_set *set);
/* Takes BLOB; one that is there already is freed instead. Returns the one
 * that is in the set. */
struct blob *blob_set_add(struct blob_set *set, struct blob *blob);
struct blob *blob_set_find(const struct blob_set *set,
			   const struct db_hash *hash);
/* Notes that the blob is to be removed from the store. If it is among the
 * additions as well, it is there afterwards. */
void blob_set_bury(struct blob_set *set, const struct db_hash *hash);
/* Forgets all but the first COUNT. */
void blob_set_truncate(struct blob_set *set, size_t count);

/* All that can be read: what gathers, what is being written, the store. */
struct store;
struct blob_space {
	struct blob_set *fresh;		/* additions go here */
	struct blob_set *sealed;	/* or NULL */
	struct store *store;		/* or NULL */
};

/* A blob of KIND, checked against its hash when it comes from the store; the
 * bytes (header included) last until the next turn of the loop. -1 with errno
 * ENOENT or EIO and *WHY. */
int blob_get(struct blob_space *space, const struct db_hash *hash,
	     enum blob_kind kind, const unsigned char **data, size_t *len,
	     const char **why);

#endif
