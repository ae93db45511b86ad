/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Merkle trees: leaves of 32 KiB (the last may be shorter) under
 * branches of up to 256 hashes, packed from the left, so that the bytes alone
 * decide the root hash. weir-treeobj(5).
 *
 * A struct value is one that is being written: the unfinished leaf and, a
 * level, the hashes of what is complete and not yet under a branch. Complete
 * leaves and branches go to the blobs at once; value_seal adds the rest.
 */
#ifndef WEIR_KVSD_VALUE_H
#define WEIR_KVSD_VALUE_H

#include "kvsd/blob.h"

#define VALUE_LEAF	32768u
#define VALUE_FANOUT	256u
#define VALUE_LEVELS	4	/* enough for VALUE_MAX */
#define VALUE_MAX	(1ULL << 40)

struct value {
	unsigned refs;
	uint64_t token;		/* batch under which it may be changed */
	uint64_t size;
	unsigned char *tail;	/* size % VALUE_LEAF bytes */
	size_t room;		/* of tail */
	struct {
		unsigned count;
		struct db_hash *hash;	/* VALUE_FANOUT of them, or NULL */
	} level[VALUE_LEVELS];
};

struct value *value_create(uint64_t token);
/* To go on writing one of SIZE bytes. NULL: EIO and *WHY. */
struct value *value_open(struct blob_space *space, uint64_t token,
			 uint64_t size, const struct db_hash *root,
			 const char **why);
struct value *value_clone(const struct value *value, uint64_t token);
struct value *value_ref(struct value *value);
void value_unref(struct value *value);
/* Gives TO the content of FROM, for undo. */
void value_restore(struct value *to, struct value *from);

/* The caller has checked VALUE_MAX. */
void value_append(struct blob_space *space, struct value *value,
		  const void *data, size_t len);
/* Adds what is missing to the blobs; the value can be written on. */
void value_seal(struct blob_space *space, const struct value *value,
		struct db_hash *root);

/* Up to LEN bytes from OFFSET; how many, or -1 with EIO and *WHY. */
ssize_t value_read(struct blob_space *space, uint64_t size,
		   const struct db_hash *root, uint64_t offset, void *buf,
		   size_t len, const char **why);
ssize_t value_read_open(struct blob_space *space, const struct value *value,
			uint64_t offset, void *buf, size_t len,
			const char **why);

/* Calls CB for each blob that the branch DATA names, with its kind. -1 with
 * EIO and *WHY, or what CB returned if not 0, which ends it. */
typedef int value_child_f(enum blob_kind kind, const struct db_hash *hash,
			  void *arg);
int value_each_child(const unsigned char *data, size_t len, value_child_f *cb,
		     void *arg, const char **why);

/* Whether the first LEN bytes, which both have, are the same: 1, 0, or -1 with
 * EIO and *WHY. Reads what lies at the end of these only. */
int value_same_prefix(struct blob_space *space, uint64_t size_a,
		      const struct db_hash *a, uint64_t size_b,
		      const struct db_hash *b, uint64_t len,
		      const char **why);

/* The root hash of bytes that fit one leaf, without storing them. */
void value_hash_small(const void *data, size_t len, struct db_hash *hash);

#endif
