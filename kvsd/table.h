/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of nodes that live in their owners. The caller compares keys:
 *
 *	for (n = table_first(t, hash); n; n = table_next(n))
 *		if (is the one) ...
 */
#ifndef WEIR_KVSD_TABLE_H
#define WEIR_KVSD_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {		/* all zero: empty */
	struct table_node **bucket;
	size_t size, count;
};

uint64_t table_hash(const void *key, size_t len, uint64_t seed);
void table_add(struct table *table, struct table_node *node, uint64_t hash);
void table_remove(struct table *table, struct table_node *node);
struct table_node *table_first(const struct table *table, uint64_t hash);
struct table_node *table_next(const struct table_node *node);
void table_free(struct table *table);	/* its own memory, not the nodes */

#define table_entry(node, type, member) \
	((type *)((char *)(node) - offsetof(type, member)))

#endif
