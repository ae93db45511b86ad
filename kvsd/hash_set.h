/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of hashes of blobs. */
#ifndef WEIR_KVSD_HASH_SET_H
#define WEIR_KVSD_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "kvsd/blob.h"

struct hash_set {		/* all zero: empty */
	struct db_hash *slot;	/* all zero: free */
	size_t size, count;	/* SIZE is a power of 2 */
};

bool hash_set_has(const struct hash_set *set, const struct db_hash *hash);
/* The next from *AT on, which is 0 at first; NULL: that was all. */
const struct db_hash *hash_set_next(const struct hash_set *set, size_t *at);
/* False if it was there. */
bool hash_set_add(struct hash_set *set, const struct db_hash *hash);
void hash_set_free(struct hash_set *set);

#endif
