/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory amounts to. It stands beside the directory's hash wherever
 * that does, so that what a tree takes is known without reading it; and so it
 * is part of the content that a hash stands for. weir-treeobj(5).
 */
#ifndef WEIR_KVSD_EXTENT_H
#define WEIR_KVSD_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#define EXTENT_MAX	INT64_MAX	/* of keys and of bytes */

struct extent {
	uint64_t entries;	/* in the directory itself */
	uint64_t keys;		/* in and below it: entries of any kind */
	uint64_t bytes;		/* of their names, values and links' targets */
};

/* Modulo 2^64, so that a difference can be less than nothing. */
static inline struct extent extent_less(struct extent a, struct extent b)
{
	return (struct extent){ a.entries - b.entries, a.keys - b.keys,
				a.bytes - b.bytes };
}

static inline void extent_add(struct extent *to, struct extent add)
{
	to->entries += add.entries;
	to->keys += add.keys;
	to->bytes += add.bytes;
}

static inline bool extent_same(struct extent a, struct extent b)
{
	return a.entries == b.entries && a.keys == b.keys &&
		a.bytes == b.bytes;
}

/* Of what has more than nothing of each, and not too much. */
static inline bool extent_possible(struct extent e)
{
	return e.keys <= EXTENT_MAX && e.bytes <= EXTENT_MAX &&
		e.entries <= e.keys && e.keys <= e.bytes &&
		(e.entries || !e.bytes);
}

#endif
