/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes in memory: see node.h. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/node.h"

struct node *node_ref(struct node *node)
{
	node->refs++;
	return node;
}

void node_unref(struct node *node)
{
	if (node && !--node->refs)
		free(node);
}

size_t node_memory(const struct node *node)
{
	return sizeof(*node) + (node->count + 1) * sizeof(node->at[0]) +
		node->at[node->count] + 2 * sizeof(void *);
}

unsigned node_search(const struct node *node, const void *name, size_t len,
		     bool *found)
{
	unsigned low = 0, high = node->count;

	*found = false;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		const unsigned char *item = node_item(node, mid);
		int order = name_order(item_name(item), item_name_len(item),
				       name, len);

		if (!order) {
			*found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
