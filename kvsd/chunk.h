/* SPDX-License-Identifier: Apache-2.0 */
/* Where directories are cut into nodes: by what they hold alone, so that equal
 * content is cut alike whatever led to it. weir-treeobj(5).
 *
 * A name's hash decides after which names a node of a level may end, and it
 * does at the first of these that leaves it not too small; so a change moves
 * few boundaries but those of names that come and go. Names can be chosen so
 * that no boundary comes: a node that would reach CHUNK_LIMIT is cut after the
 * name with the greatest hash in the second half of the limit, which makes it
 * likely that cuts fall where they were soon after a change.
 */
#ifndef WEIR_KVSD_CHUNK_H
#define WEIR_KVSD_CHUNK_H

#include "kvsd/item.h"

#define CHUNK_LIMIT	16384u	/* bytes of a node's items are fewer */
#define CHUNK_HALF	(CHUNK_LIMIT / 2)
#define CHUNK_LEAST	96	/* items, unless they have half the limit */
#define CHUNK_BITS	5	/* a leaf ends after one of 2^5 names, a
				   branch after one of 2^5 of those that end
				   nodes of the level below */
#define CHUNK_ITEMS_MAX	(CHUNK_LIMIT / ITEM_MIN)

uint64_t chunk_hash(const unsigned char *item);
/* Whether nodes of LEVEL end after a name with HASH. */
static inline bool chunk_ends(uint64_t hash, int level)
{
	int bits = (level + 1) * CHUNK_BITS;

	return bits < 64 && !(hash & ((1ULL << bits) - 1));
}

/* Whether a node may end after COUNT items of LEN bytes. */
static inline bool chunk_enough(unsigned count, size_t len)
{
	return count >= CHUNK_LEAST || len >= CHUNK_HALF;
}

/* The items from which the next node of a level is to be cut, one behind the
 * other: no boundary among them but perhaps after the last. */
struct window {
	unsigned count;
	struct {
		uint16_t at;		/* offset of its bytes */
		bool inner;		/* no node ends after it */
		bool last;		/* an old node ended with it */
	} item[CHUNK_ITEMS_MAX + 1];
	size_t len;
	unsigned char bytes[CHUNK_LIMIT + ITEM_MAX];
};

void window_add(struct window *window, const unsigned char *item, bool inner,
		bool last);
/* How many items the node that begins the window has; 0: it takes more items
 * to tell. */
unsigned window_cut(const struct window *window, int level);
void window_drop(struct window *window, unsigned count);

#endif
