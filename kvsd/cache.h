/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded nodes by hash, the least recently used dropped first. Nodes whose
 * batch is not written yet need no protection here: their bytes can be had
 * from the batch. */
#ifndef WEIR_KVSD_CACHE_H
#define WEIR_KVSD_CACHE_H

#include "kvsd/node.h"

struct cache;

struct cache *cache_create(size_t bytes_max);
void cache_destroy(struct cache *cache);
/* A reference of the caller's, or NULL. */
struct node *cache_find(struct cache *cache, const struct db_hash *hash);
/* The cache takes a reference of its own. */
void cache_add(struct cache *cache, struct node *node);
void cache_clear(struct cache *cache);
void cache_stats(const struct cache *cache, struct db_stats *stats);

#endif
