/* SPDX-License-Identifier: Apache-2.0 */
/* Where directories are cut into nodes: see chunk.h. */
#include "config.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "kvsd/chunk.h"

/* Part of the format: another key cuts another way. */
static const unsigned char key[crypto_shorthash_KEYBYTES] = "weir-treeobj 2.";

uint64_t chunk_hash(const unsigned char *item)
{
	unsigned char hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, item_name(item), item_name_len(item), key);
	return bytes_get(hash, sizeof(hash));
}

void window_add(struct window *window, const unsigned char *item, bool inner,
		bool last)
{
	size_t len = item_len(item);

	assert(window->len < CHUNK_LIMIT && window->count <= CHUNK_ITEMS_MAX);
	window->item[window->count].at = window->len;
	window->item[window->count].inner = inner;
	window->item[window->count].last = last;
	window->count++;
	memcpy(window->bytes + window->len, item, len);
	window->len += len;
}

/* Whatever came last, the items before it make a node. */
static unsigned cut_by_limit(const struct window *window)
{
	uint64_t best = 0;
	unsigned cut = 0;

	for (unsigned i = 1; i < window->count; i++) {
		uint64_t hash;

		if (window->item[i].at < CHUNK_HALF)
			continue;
		hash = chunk_hash(window->bytes + window->item[i - 1].at);
		if (cut && hash <= best)
			continue;
		best = hash;
		cut = i;
	}
	assert(cut);
	return cut;
}

unsigned window_cut(const struct window *window, int level)
{
	unsigned last = window->count - 1;

	if (window->len >= CHUNK_LIMIT)
		return cut_by_limit(window);
	if (!chunk_enough(window->count, window->len) ||
	    window->item[last].inner ||
	    !chunk_ends(chunk_hash(window->bytes + window->item[last].at),
			level))
		return 0;
	return window->count;
}

void window_drop(struct window *window, unsigned count)
{
	size_t at = count < window->count ? window->item[count].at
					  : window->len;

	memmove(window->bytes, window->bytes + at, window->len - at);
	memmove(window->item, window->item + count,
		(window->count - count) * sizeof(window->item[0]));
	window->len -= at;
	window->count -= count;
	for (unsigned i = 0; i < window->count; i++)
		window->item[i].at -= at;
}
