/* SPDX-License-Identifier: Apache-2.0 */
/* Directories without a store, for tests: a tree whose blobs stay in memory,
 * and the root hash that weir-treeobj(5) gives for a sorted list of entries,
 * made anew from all of them. */
#ifndef WEIR_DIRECTORY_H
#define WEIR_DIRECTORY_H

#include <errno.h>
#include <stdlib.h>

#include "kvsd/alloc.h"
#include "kvsd/cursor.h"
#include "kvsd/splice.h"
#include "kvsd/tree.h"
#include "t/unit/tap.h"

struct fixture {
	struct tree tree;
	struct undo_log undo;
	struct entry *root;
};

__attribute__((unused))
static void fixture_open(struct fixture *f, size_t cache_max)
{
	memset(f, 0, sizeof(*f));
	f->tree.space.fresh = blob_set_create();
	f->tree.cache = cache_create(cache_max);
	f->tree.undo = &f->undo;
	f->tree.token = 1;
	f->root = tree_empty(&f->tree, "");
}

__attribute__((unused))
static void fixture_close(struct fixture *f)
{
	entry_unref(f->root);
	undo_free(&f->undo);
	splice_destroy(f->tree.splice);
	cache_destroy(f->tree.cache);
	blob_set_destroy(f->tree.space.fresh);
}

/* Ends a batch. */
__attribute__((unused))
static struct db_hash fixture_seal(struct fixture *f)
{
	if (tree_seal(&f->tree, f->root) < 0)
		abort();
	f->tree.token++;
	return *entry_hash(f->root);
}

__attribute__((unused))
static void put(struct fixture *f, const char *name, const void *data,
		size_t len)
{
	if (tree_set(&f->tree, &f->root, name,
		     tree_value(&f->tree, tree_basename(name), data, len)) < 0)
		abort();
	undo_discard(&f->undo);
}

__attribute__((unused))
static void drop(struct fixture *f, const char *name)
{
	if (tree_remove(&f->tree, &f->root, name) < 0)
		abort();
	undo_discard(&f->undo);
}

/* How many nodes were asked for up to now. */
__attribute__((unused))
static uint64_t nodes_read(const struct fixture *f)
{
	struct db_stats stats;

	cache_stats(f->tree.cache, &stats);
	return stats.cache_hits + stats.cache_misses;
}

__attribute__((unused))
static bool same_hash(struct db_hash a, struct db_hash b)
{
	return !memcmp(&a, &b, sizeof(a));
}

/* ---- the shape by the manual ---- */

struct list {
	unsigned char **item;
	size_t count, room;
};

static void list_add(struct list *list, unsigned char *item)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->item = xrealloc(list->item, list->room *
				      sizeof(list->item[0]));
	}
	list->item[list->count++] = item;
}

__attribute__((unused))
static void list_clear(struct list *list)
{
	while (list->count)
		free(list->item[--list->count]);
	free(list->item);
	memset(list, 0, sizeof(*list));
}

__attribute__((unused))
static void list_add_value(struct list *list, const char *name,
			   const void *data, size_t len)
{
	struct entry *entry = entry_inline(name, strlen(name), data, len);
	unsigned char *item = xmalloc(ITEM_MAX);

	item_encode(entry, item);
	entry_unref(entry);
	list_add(list, item);
}

/* Bytes up to and with the item I of a node that begins with FROM. */
static size_t bytes_to(const struct list *list, size_t from, size_t i)
{
	size_t bytes = 0;

	for (size_t j = from; j <= i; j++)
		bytes += item_len(list->item[j]);
	return bytes;
}

/* Where the node of LEVEL that begins with the item FROM ends. */
static size_t reference_end(const struct list *list, size_t from, int level)
{
	size_t bytes = 0, i, best = 0;
	uint64_t best_hash = 0;

	for (i = from; i < list->count; i++) {
		bytes += item_len(list->item[i]);
		if (bytes >= CHUNK_LIMIT)
			break;
		if ((i + 1 - from >= CHUNK_LEAST || bytes >= CHUNK_HALF) &&
		    chunk_hash(list->item[i]) % (1ULL << CHUNK_BITS *
						 (level + 1)) == 0)
			return i + 1;
	}
	if (i == list->count)
		return i;
	for (size_t j = from; j < i; j++)
		if (bytes_to(list, from, j) >= CHUNK_HALF &&
		    (!best || chunk_hash(list->item[j]) > best_hash)) {
			best_hash = chunk_hash(list->item[j]);
			best = j + 1;
		}
	return best;
}

struct shape {
	int levels;
	size_t nodes, least, most;	/* bytes; of all but the last ones */
	struct db_hash root;
};

/* LIST holds items of LEVEL. Returns those of the next. */
static struct list reference_level(const struct list *list, int level,
				   struct shape *shape)
{
	struct list above = { 0 };
	size_t from = 0, end;

	do {
		unsigned char *bytes, *item = xmalloc(ITEM_MAX);
		size_t len = 5;
		struct extent extent = { 0 };

		end = list->count ? reference_end(list, from, level) : 0;
		bytes = xmalloc(5 + CHUNK_LIMIT);
		memcpy(bytes, "WTD\3", 4);
		bytes[4] = level;
		for (size_t i = from; i < end; i++) {
			memcpy(bytes + len, list->item[i],
			       item_len(list->item[i]));
			len += item_len(list->item[i]);
			extent_add(&extent, item_share(list->item[i]));
		}
		blob_hash(bytes, len, &shape->root);
		free(bytes);
		shape->nodes++;
		if (end < list->count && len < shape->least)
			shape->least = len;
		if (len > shape->most)
			shape->most = len;
		if (end)
			item_encode_node(list->item[end - 1], &extent,
					 &shape->root, item);
		list_add(&above, item);
		from = end;
	} while (end < list->count);
	return above;
}

/* The tree of the entries in LIST. */
__attribute__((unused))
static struct shape reference(const struct list *list)
{
	struct shape shape = { 0, 0, SIZE_MAX, 0, { { 0 } } };
	struct list level = reference_level(list, 0, &shape), above;

	for (shape.levels = 1; level.count > 1; shape.levels++) {
		above = reference_level(&level, shape.levels, &shape);
		list_clear(&level);
		level = above;
	}
	list_clear(&level);
	return shape;
}

#endif
