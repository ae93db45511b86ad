/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of nodes that live in their owners: see table.h. */
#include "config.h"

#include <assert.h>

#include "kvsd/alloc.h"
#include "kvsd/table.h"

#define SIZE_MIN	16

uint64_t table_hash(const void *key, size_t len, uint64_t seed)
{
	const unsigned char *p = key;
	uint64_t h = 14695981039346656037u ^ seed;

	while (len--)
		h = (h ^ *p++) * 1099511628211u;
	return h ^ h >> 29;
}

static struct table_node **bucket(const struct table *table, uint64_t hash)
{
	return &table->bucket[hash & (table->size - 1)];
}

static void resize(struct table *table, size_t size)
{
	struct table old = *table;

	table->size = size;
	table->bucket = xcalloc(size, sizeof(struct table_node *));
	for (size_t i = 0; i < old.size; i++) {
		struct table_node *node, *next;

		for (node = old.bucket[i]; node; node = next) {
			struct table_node **b = bucket(table, node->hash);

			next = node->next;
			node->next = *b;
			*b = node;
		}
	}
	free(old.bucket);
}

void table_add(struct table *table, struct table_node *node, uint64_t hash)
{
	struct table_node **b;

	if (table->count++ >= table->size)
		resize(table, table->size ? 4 * table->size : SIZE_MIN);
	b = bucket(table, hash);
	node->hash = hash;
	node->next = *b;
	*b = node;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **p = bucket(table, node->hash);

	while (*p != node) {
		assert(*p);
		p = &(*p)->next;
	}
	*p = node->next;
	table->count--;
}

static struct table_node *match(struct table_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
	return table->size ? match(*bucket(table, hash), hash) : NULL;
}

struct table_node *table_next(const struct table_node *node)
{
	return match(node->next, node->hash);
}

void table_free(struct table *table)
{
	free(table->bucket);
	*table = (struct table) { NULL, 0, 0 };
}
