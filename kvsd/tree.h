/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of directories: finding, changing, hashing.
 *
 * A tree is held by its root, an entry that is a directory with an empty
 * name. Roots of different states share what they have in common. Changing
 * opens the directories on the way anew unless they are under the present
 * token; a new token thus makes all there is unchangeable. Paths here are dotted, well
 * formed, not the root, and no link is followed.
 *
 * A stored directory is itself a tree of nodes (node.h, chunk.h), which iter.c
 * walks and compare.c compares. Its changes wait beside it (dir.h) until it is
 * sealed, when splice.c makes the nodes that are new, once a batch.
 */
#ifndef WEIR_KVSD_TREE_H
#define WEIR_KVSD_TREE_H

#include "kvsd/cache.h"
#include "kvsd/node.h"
#include "kvsd/undo.h"

struct tree {
	struct blob_space space;
	struct cache *cache;
	struct undo_log *undo;
	uint64_t token;
	struct splice *splice;	/* NULL before the first directory is sealed */
	/* Why the last call failed with EIO or EFBIG, for people. */
	char why[256];
};

/* A new, empty directory; that of the root has an empty name. */
struct entry *tree_empty(struct tree *tree, const char *name);
/* A stored directory as a root: ESTALE if it is not there, EIO. */
struct entry *tree_root(struct tree *tree, const struct db_hash *hash);

/* The entry NAME of DIR, a reference of the caller's; NULL with errno ENOENT,
 * ENOTDIR or EIO. */
struct entry *tree_child(struct tree *tree, struct entry *dir,
			 const char *name, size_t len);
/* Entries after the name AFTER (NULL: all); stops when CB returns nonzero,
 * which is returned. -1: errno ENOTDIR, EIO. */
typedef int tree_each_f(struct entry *entry, void *arg);
int tree_each(struct tree *tree, struct entry *dir, const char *after,
	      tree_each_f *cb, void *arg);
/* All that is different between two directories after the name AFTER (NULL:
 * all), in order of names: what is gone has NEW NULL, what came OLD NULL. */
typedef int tree_compare_f(struct entry *old, struct entry *new, void *arg);
int tree_compare(struct tree *tree, struct entry *old, struct entry *new,
		 const char *after, tree_compare_f *cb, void *arg);

/* ---- changing; all is logged in tree->undo ---- */

/* Puts ENTRY, which is taken and whose name is PATH's last component. Makes
 * directories on the way, in the place of anything else that is there. */
int tree_set(struct tree *tree, struct entry **root, const char *path,
	     struct entry *entry);
/* ENOENT, ENOTDIR. */
int tree_remove(struct tree *tree, struct entry **root, const char *path);
/* EISDIR, EFBIG; *OFFSET is where DATA begins. */
int tree_append(struct tree *tree, struct entry **root, const char *path,
		const void *data, size_t len, uint64_t *offset);
/* An entry that holds a new value. */
struct entry *tree_value(struct tree *tree, const char *name,
			 const void *data, size_t len);

/* ---- content ---- */

/* Hashes what is dirty in and below ENTRY and adds it to the blobs. -1 EIO:
 * what is stored is damaged where it had to be read. */
int tree_seal(struct tree *tree, struct entry *entry);
/* Of a sealed entry. */
void tree_hash(const struct entry *entry, struct db_hash *hash);
bool tree_same(const struct entry *a, const struct entry *b); /* both sealed */
ssize_t tree_read(struct tree *tree, const struct entry *entry,
		  uint64_t offset, void *buf, size_t len);
/* Fills tree->why, with HASH (may be NULL) before it; sets errno, returns -1. */
int tree_fail(struct tree *tree, int errnum, const struct db_hash *hash,
	      const char *why);
/* Last component of a path. */
const char *tree_basename(const char *path);

#endif
