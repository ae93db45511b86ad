/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes as bytes. weir-treeobj(5) shows them byte by byte. The decoder accepts
 * exactly what the encoder makes: items sorted by name and unique, the least
 * form of each, no byte too few or too many, and not cut otherwise than
 * chunk.c would.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/node.h"

struct blob *node_encode(const struct window *window, unsigned count,
			 int level, struct extent *extent)
{
	size_t len = count < window->count ? window->item[count].at
					   : window->len;
	struct blob *blob = blob_create(BLOB_DIRECTORY, NODE_HEADER + len);

	assert(count <= window->count && len < CHUNK_LIMIT);
	assert(level < NODE_LEVEL_MAX);
	blob->data[BLOB_HEADER] = level;
	memcpy(blob->data + NODE_HEADER, window->bytes, len);
	blob_finish(blob);
	memset(extent, 0, sizeof(*extent));
	for (unsigned i = 0; i < count; i++)
		extent_add(extent, item_share(window->bytes +
					      window->item[i].at));
	return blob;
}

/* AT has the offsets of the items in DATA and where they end. */
static struct node *node_create(const unsigned char *data, const uint16_t *at,
				unsigned count)
{
	size_t table = (count + 1) * sizeof(*at), len = at[count];
	struct node *node = xmalloc(sizeof(*node) + table + len);

	memset(node, 0, sizeof(*node));
	node->refs = 1;
	node->level = data[BLOB_HEADER];
	node->count = count;
	memcpy(node->at, at, table);
	node->items = (unsigned char *)node->at + table;
	if (len)
		memcpy(node->items, data + NODE_HEADER, len);
	for (unsigned i = 0; i < count; i++)
		extent_add(&node->extent, item_share(node_item(node, i)));
	return node;
}

struct node *node_of_blob(const struct blob *blob)
{
	const unsigned char *items = blob->data + NODE_HEADER;
	size_t len = blob->len - NODE_HEADER;
	uint16_t at[CHUNK_ITEMS_MAX + 1];
	unsigned count = 0;
	struct node *node;

	at[0] = 0;
	while (at[count] < len) {
		at[count + 1] = at[count] + item_len(items + at[count]);
		count++;
	}
	node = node_create(blob->data, at, count);
	node->hash = blob->hash;
	return node;
}

/* ---- decoding ---- */

/* They must not add up to more than there can be. */
static const char *refuse_extent(const unsigned char *item,
				 struct extent *extent)
{
	extent_add(extent, item_share(item));
	return extent_possible(*extent) ? NULL : "its extent is not possible";
}

/* Fills AT; NULL, or what is wrong. */
static const char *scan(const unsigned char *items, size_t len, int level,
			uint16_t *at, unsigned *count)
{
	struct extent extent = { 0 };
	size_t item_size, end = 0;
	const char *why;

	for (*count = 0; end < len; (*count)++) {
		const unsigned char *item = items + end;
		const unsigned char *last = items + at[*count ? *count - 1 : 0];

		why = item_refuse(item, items + len, level > 0, &item_size);
		if (!why)
			why = refuse_extent(item, &extent);
		if (why)
			return why;
		if (*count && item_order(last, item) >= 0)
			return "its entries are not in order";
		if (chunk_enough(*count, end) &&
		    chunk_ends(chunk_hash(last), level))
			return "it does not end where it should";
		at[*count] = end;
		end += item_size;
	}
	at[*count] = end;
	return NULL;
}

struct node *node_decode(const unsigned char *data, size_t len,
			 const char **why)
{
	uint16_t at[CHUNK_ITEMS_MAX + 1] = { 0 };
	unsigned count = 0;

	*why = blob_refuse(data, len, BLOB_DIRECTORY);
	if (*why)
		return NULL;
	if (len < NODE_HEADER || data[BLOB_HEADER] >= NODE_LEVEL_MAX)
		*why = "it has a level that is not possible";
	else if (len - NODE_HEADER >= CHUNK_LIMIT)
		*why = "it is longer than the limit";
	else
		*why = scan(data + NODE_HEADER, len - NODE_HEADER,
			    data[BLOB_HEADER], at, &count);
	if (!*why && !count && data[BLOB_HEADER])
		*why = "it is a branch without nodes";
	return *why ? NULL : node_create(data, at, count);
}

int node_each_child(const unsigned char *data, size_t len, node_child_f *cb,
		    void *arg, const char **why)
{
	struct node *node = node_decode(data, len, why);
	int stop = 0;

	if (!node) {
		errno = EIO;
		return -1;
	}
	for (unsigned i = 0; i < node->count && !stop; i++) {
		const unsigned char *item = node_item(node, i);

		if (item[0] == ITEM_NODE || item[0] == ENTRY_DIR)
			stop = cb(BLOB_DIRECTORY, item_hash(item),
				  item_size(item), arg);
		else if (item[0] == ENTRY_BLOB)
			stop = cb(item_size(item) <= VALUE_LEAF ? BLOB_LEAF
				  : BLOB_BRANCH, item_hash(item),
				  item_size(item), arg);
	}
	node_unref(node);
	return stop;
}
