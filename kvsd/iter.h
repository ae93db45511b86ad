/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a directory in order of names, its changes over what is
 * stored. Where there are no changes, an item may first be a node, so that
 * whoever knows it can pass it by without reading it. */
#ifndef WEIR_KVSD_ITER_H
#define WEIR_KVSD_ITER_H

#include "kvsd/cursor.h"
#include "kvsd/dir.h"

struct iter {
	bool stored;		/* CURSOR is open and not at its end */
	bool flat;		/* there are changes */
	struct cursor cursor;
	struct change *change;	/* the next one */
	/* What iter_get has found: */
	int level;		/* 0: an entry, else a node of LEVEL - 1 */
	const unsigned char *item;	/* NULL: it is ENTRY */
	struct entry *entry;
};

/* DIR is a directory and is not changed while the iter is open. AFTER NULL:
 * from the beginning. -1 EIO. */
int iter_open(struct iter *it, struct tree *tree, const struct entry *dir,
	      const char *after);
void iter_close(struct iter *it);
/* 1; 0: that was all; -1 EIO. */
int iter_get(struct iter *it);
void iter_pass(struct iter *it);	/* what iter_get has found */
int iter_enter(struct iter *it);	/* the node that it has found; -1 EIO */
/* Of the entry that it has found: a reference of the caller's. */
struct entry *iter_entry(const struct iter *it);
const void *iter_name(const struct iter *it, size_t *len);

#endif
