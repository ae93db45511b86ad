/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded nodes by hash: see cache.h. */
#include "config.h"

#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/cache.h"

#define BUCKETS		16384	/* a power of two */

struct cache {
	size_t bytes, bytes_max;
	uint64_t hits, misses;
	struct node *newest, *oldest;
	struct node *bucket[BUCKETS];
};

struct cache *cache_create(size_t bytes_max)
{
	struct cache *cache = xcalloc(1, sizeof(*cache));

	cache->bytes_max = bytes_max;
	return cache;
}

static struct node **bucket_of(struct cache *cache, const struct db_hash *hash)
{
	size_t n;

	memcpy(&n, hash->byte, sizeof(n));
	return &cache->bucket[n & (BUCKETS - 1)];
}

static void unlink_use(struct cache *cache, struct node *node)
{
	*(node->newer ? &node->newer->older : &cache->newest) = node->older;
	*(node->older ? &node->older->newer : &cache->oldest) = node->newer;
}

static void link_newest(struct cache *cache, struct node *node)
{
	node->newer = NULL;
	node->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = node;
	cache->newest = node;
}

static void drop(struct cache *cache, struct node *node)
{
	struct node **p = bucket_of(cache, &node->hash);

	while (*p != node)
		p = &(*p)->next;
	*p = node->next;
	unlink_use(cache, node);
	cache->bytes -= node_memory(node);
	node_unref(node);
}

static struct node *find(struct cache *cache, const struct db_hash *hash)
{
	struct node *node = *bucket_of(cache, hash);

	while (node && memcmp(&node->hash, hash, sizeof(*hash)))
		node = node->next;
	return node;
}

struct node *cache_find(struct cache *cache, const struct db_hash *hash)
{
	struct node *node = find(cache, hash);

	if (!node) {
		cache->misses++;
		return NULL;
	}
	cache->hits++;
	if (cache->newest != node) {
		unlink_use(cache, node);
		link_newest(cache, node);
	}
	return node_ref(node);
}

void cache_add(struct cache *cache, struct node *node)
{
	struct node **bucket = bucket_of(cache, &node->hash);

	if (find(cache, &node->hash))
		return;
	node_ref(node);
	node->next = *bucket;
	*bucket = node;
	link_newest(cache, node);
	cache->bytes += node_memory(node);
	while (cache->bytes > cache->bytes_max && cache->oldest != node)
		drop(cache, cache->oldest);
}

void cache_clear(struct cache *cache)
{
	while (cache->oldest)
		drop(cache, cache->oldest);
}

void cache_destroy(struct cache *cache)
{
	if (!cache)
		return;
	cache_clear(cache);
	free(cache);
}

void cache_stats(const struct cache *cache, struct db_stats *stats)
{
	stats->cache_bytes = cache->bytes;
	stats->cache_hits = cache->hits;
	stats->cache_misses = cache->misses;
}
