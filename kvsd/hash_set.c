/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of hashes: open addressing, at most three quarters full. A hash is its
 * own hash; that of all zeros, which no blob has, marks what is free. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/hash_set.h"

#define SIZE_MIN	1024

static const struct db_hash none;

static bool same(const struct db_hash *a, const struct db_hash *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Where HASH is or would be. */
static struct db_hash *slot_of(const struct hash_set *set,
			       const struct db_hash *hash)
{
	struct db_hash *slot;
	size_t at;

	memcpy(&at, hash->byte, sizeof(at));
	for (;; at++) {
		slot = &set->slot[at & (set->size - 1)];
		if (same(slot, hash) || same(slot, &none))
			return slot;
	}
}

bool hash_set_has(const struct hash_set *set, const struct db_hash *hash)
{
	return set->size && same(slot_of(set, hash), hash);
}

const struct db_hash *hash_set_next(const struct hash_set *set, size_t *at)
{
	while (*at < set->size)
		if (!same(&set->slot[(*at)++], &none))
			return &set->slot[*at - 1];
	return NULL;
}

static void grow(struct hash_set *set)
{
	struct hash_set old = *set;
	const struct db_hash *hash;
	size_t at = 0;

	set->size = old.size ? 2 * old.size : SIZE_MIN;
	set->slot = xcalloc(set->size, sizeof(*set->slot));
	while ((hash = hash_set_next(&old, &at)))
		*slot_of(set, hash) = *hash;
	free(old.slot);
}

bool hash_set_add(struct hash_set *set, const struct db_hash *hash)
{
	struct db_hash *slot;

	if (set->count >= set->size / 4 * 3)
		grow(set);
	slot = slot_of(set, hash);
	if (same(slot, hash))
		return false;
	*slot = *hash;
	set->count++;
	return true;
}

void hash_set_free(struct hash_set *set)
{
	free(set->slot);
	*set = (struct hash_set){ .slot = NULL };
}
