/* SPDX-License-Identifier: Apache-2.0 */
/* Many small pieces of memory that stay where they are and go all at once. */
#ifndef WEIR_KVSD_ARENA_H
#define WEIR_KVSD_ARENA_H

#include "kvsd/alloc.h"

#define ARENA_BLOCK	32768

struct arena_block {
	struct arena_block *next;
	size_t used, room;
	unsigned char data[];
};

struct arena {
	struct arena_block *block;
};

/* LEN bytes at most, of which arena_keep says how many are used. */
static inline unsigned char *arena_room(struct arena *arena, size_t len)
{
	struct arena_block *block = arena->block;

	if (!block || block->room - block->used < len) {
		size_t room = len > ARENA_BLOCK ? len : ARENA_BLOCK;

		block = xmalloc(sizeof(*block) + room);
		block->next = arena->block;
		block->used = 0;
		block->room = room;
		arena->block = block;
	}
	return block->data + block->used;
}

static inline void arena_keep(struct arena *arena, size_t len)
{
	arena->block->used += len;
}

/* All of it goes, but for a block to go on with. */
static inline void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->block;

	if (!block)
		return;
	while (block->next) {
		struct arena_block *next = block->next->next;

		free(block->next);
		block->next = next;
	}
	block->used = 0;
}

static inline void arena_free(struct arena *arena)
{
	while (arena->block) {
		struct arena_block *next = arena->block->next;

		free(arena->block);
		arena->block = next;
	}
}

#endif
