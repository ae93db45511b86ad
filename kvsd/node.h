/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of directories, as stored: a leaf holds entries, a branch the nodes of
 * the level below. They never change. weir-treeobj(5).
 */
#ifndef WEIR_KVSD_NODE_H
#define WEIR_KVSD_NODE_H

#include "kvsd/chunk.h"

#define NODE_HEADER	(BLOB_HEADER + 1)
#define NODE_LEVEL_MAX	32	/* no directory in reach is as high */

struct node {
	unsigned refs;
	uint8_t level;		/* 0: a leaf */
	unsigned count;		/* of its items */
	struct extent extent;	/* of what is below it */
	struct db_hash hash;
	struct node *newer, *older, *next;	/* cache.c */
	unsigned char *items;	/* one behind the other, in order of names */
	uint16_t at[];		/* offset of each, and where they end */
};

/* Of a blob's bytes, with its hash for the caller to set; NULL with *WHY if
 * they are not what node_encode makes. */
struct node *node_decode(const unsigned char *data, size_t len,
			 const char **why);
/* Of the first COUNT items in WINDOW. *EXTENT is set to theirs. */
struct blob *node_encode(const struct window *window, unsigned count,
			 int level, struct extent *extent);
/* Of what node_encode made. */
struct node *node_of_blob(const struct blob *blob);
struct node *node_ref(struct node *node);
void node_unref(struct node *node);
size_t node_memory(const struct node *node);	/* bytes, about */

static inline const unsigned char *node_item(const struct node *node,
					     unsigned i)
{
	return node->items + node->at[i];
}

/* Position of the first item whose name is not below NAME; *FOUND if equal. */
unsigned node_search(const struct node *node, const void *name, size_t len,
		     bool *found);

/* Calls CB for each blob that the directory's blob DATA names, in its order:
 * KIND is BLOB_DIRECTORY (SIZE is the number of entries), or BLOB_LEAF or
 * BLOB_BRANCH, the root of a value of SIZE bytes. What CB returns if not 0
 * ends it and is returned; -1 with errno EIO and *WHY if DATA is malformed. */
typedef int node_child_f(enum blob_kind kind, const struct db_hash *hash,
			 uint64_t size, void *arg);
int node_each_child(const unsigned char *data, size_t len, node_child_f *cb,
		    void *arg, const char **why);

#endif
