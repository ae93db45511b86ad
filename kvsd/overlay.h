/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a directory by name, in order: a skip list of entries, of which
 * one of ENTRY_GONE stands for a removal. */
#ifndef WEIR_KVSD_OVERLAY_H
#define WEIR_KVSD_OVERLAY_H

#include "kvsd/entry.h"

#define OVERLAY_HEIGHT	16

struct change {
	struct entry *entry;
	struct change *next[];	/* next[0]: by name */
};

struct overlay {
	int height;
	struct change *first[OVERLAY_HEIGHT];
};

void overlay_clear(struct overlay *overlay);
/* Borrowed, or NULL. */
struct entry *overlay_find(const struct overlay *overlay, const void *name,
			   size_t len);
/* Takes ENTRY; returns the one that it replaces, or NULL. */
struct entry *overlay_put(struct overlay *overlay, struct entry *entry);
/* The caller owns what was taken out; NULL if it is not there. */
struct entry *overlay_take(struct overlay *overlay, const void *name,
			   size_t len);
/* The first after NAME. */
struct change *overlay_after(const struct overlay *overlay, const void *name,
			     size_t len);

#endif
