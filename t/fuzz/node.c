/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the decoder of directory nodes: what it accepts must be exactly what
 * the encoder makes of it, entry by entry. */
#include "config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "kvsd/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct window window;

static void must(int cond)
{
	if (!cond)
		abort();
}

static int count_child(enum blob_kind kind, const struct db_hash *hash,
		       uint64_t size, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

/* The item in the window again, from the entry that it is decoded to. */
static void add_again(const unsigned char *item)
{
	unsigned char again[ITEM_MAX];
	struct entry *entry;

	if (item[0] != ITEM_NODE) {
		entry = item_decode(item);
		must(item_encode(entry, again) == item_len(item));
		entry_unref(entry);
		item = again;
	}
	window_add(&window, item, false, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct node *node = node_decode(data, size, &why), *again;
	unsigned children = 0;
	struct blob *blob;
	struct extent extent;

	must(node || why);
	if (!node)
		return 0;
	window_drop(&window, window.count);
	for (unsigned i = 0; i < node->count; i++) {
		must(i + 1 == node->count || !i ||
		     !window_cut(&window, node->level));
		add_again(node_item(node, i));
	}
	blob = node_encode(&window, node->count, node->level, &extent);
	must(blob->len == size && !memcmp(blob->data, data, size));
	must(extent_same(extent, node->extent));
	again = node_of_blob(blob);
	must(again->count == node->count && extent_same(again->extent, extent));
	must(!node_each_child(data, size, count_child, &children, &why));
	must(children <= node->count);
	node_unref(again);
	free(blob);
	node_unref(node);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return sodium_init() < 0;
}
