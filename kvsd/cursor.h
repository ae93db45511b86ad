/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a stored directory: a node of each level from the root down, each
 * checked against what the one above says of it. */
#ifndef WEIR_KVSD_CURSOR_H
#define WEIR_KVSD_CURSOR_H

#include "kvsd/node.h"

struct tree;

struct cursor {
	struct tree *tree;
	int top;		/* level of the root */
	struct frame {
		struct node *node;	/* or NULL: never been there */
		unsigned at;		/* of its items; may be the end */
	} frame[NODE_LEVEL_MAX];	/* by level */
};

/* A node from the cache or the store: NULL with errno ENOENT or EIO. */
struct node *cursor_load(struct tree *tree, const struct db_hash *hash);
/* At the first item of the root of the directory with HASH and EXTENT. All
 * return -1 with EIO when something stored is damaged. */
int cursor_open(struct cursor *c, struct tree *tree,
		const struct db_hash *hash, const struct extent *extent);
void cursor_close(struct cursor *c);
/* From LEVEL into the node of its item: at the first item there. */
int cursor_down(struct cursor *c, int level);
/* To where NAME is or would be in LEVEL; 1 if it is there, else 0. */
int cursor_seek(struct cursor *c, int level, const void *name, size_t len);
/* To the first item of the next node of LEVEL; 0: there is none. */
int cursor_next(struct cursor *c, int level);
/* The item that the node before the one at LEVEL ends with stands in a branch
 * too: that item, or NULL if there is no node before. */
const unsigned char *cursor_before(const struct cursor *c, int level);
/* To the first item of the node before. */
int cursor_back(struct cursor *c, int level);

#endif
