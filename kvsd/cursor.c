/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a stored directory: see cursor.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>

#include "kvsd/cursor.h"
#include "kvsd/tree.h"

struct node *cursor_load(struct tree *tree, const struct db_hash *hash)
{
	struct node *node = cache_find(tree->cache, hash);
	const unsigned char *data;
	const char *why;
	size_t len;

	if (node)
		return node;
	if (blob_get(&tree->space, hash, BLOB_DIRECTORY, &data, &len, &why)) {
		tree_fail(tree, errno, hash, why);
		return NULL;
	}
	node = node_decode(data, len, &why);
	if (!node) {
		tree_fail(tree, EIO, hash, why);
		return NULL;
	}
	node->hash = *hash;
	cache_add(tree->cache, node);
	return node;
}

int cursor_open(struct cursor *c, struct tree *tree,
		const struct db_hash *hash, const struct extent *extent)
{
	struct node *root = cursor_load(tree, hash);

	c->tree = tree;
	c->top = -1;
	if (!root) {
		errno = EIO;
		return -1;
	}
	if (!extent_same(root->extent, *extent) ||
	    (root->level && root->count == 1)) {
		tree_fail(tree, EIO, hash, root->level && root->count == 1 ?
			  "it is a branch of one node" :
			  "it has not the extent that it should");
		node_unref(root);
		errno = EIO;
		return -1;
	}
	c->top = root->level;
	memset(c->frame, 0, (c->top + 1) * sizeof(c->frame[0]));
	c->frame[c->top].node = root;
	return 0;
}

void cursor_close(struct cursor *c)
{
	for (int i = 0; i <= c->top; i++)
		node_unref(c->frame[i].node);
	c->top = -1;
}

static const char *refuse(const struct node *node, int level,
			  const unsigned char *item)
{
	if (node->level != level)
		return "it is not of the level that it should";
	if (!extent_same(node->extent, item_extent(item)))
		return "it has not the extent that it should";
	if (item_order(node_item(node, node->count - 1), item))
		return "it does not end with the name that it should";
	return NULL;
}

int cursor_down(struct cursor *c, int level)
{
	struct frame *above = &c->frame[level], *f = above - 1;
	const unsigned char *item = node_item(above->node, above->at);
	const char *why;
	struct node *node;

	assert(level > 0 && above->at < above->node->count);
	f->at = 0;
	if (f->node && !memcmp(&f->node->hash, item_hash(item),
			       sizeof(f->node->hash)))
		return 0;
	node = cursor_load(c->tree, item_hash(item));
	if (!node) {
		errno = EIO;
		return -1;
	}
	why = refuse(node, level - 1, item);
	if (why) {
		tree_fail(c->tree, EIO, item_hash(item), why);
		node_unref(node);
		errno = EIO;
		return -1;
	}
	node_unref(f->node);
	f->node = node;
	return 0;
}

int cursor_seek(struct cursor *c, int level, const void *name, size_t len)
{
	bool found;

	for (int i = c->top;; i--) {
		struct frame *f = &c->frame[i];

		f->at = node_search(f->node, name, len, &found);
		if (i == level)
			return found;
		if (f->at == f->node->count)
			f->at--;
		if (cursor_down(c, i) < 0)
			return -1;
	}
}

static int down_to(struct cursor *c, int from, int level)
{
	while (from > level)
		if (cursor_down(c, from--) < 0)
			return -1;
	return 0;
}

int cursor_next(struct cursor *c, int level)
{
	for (int i = level + 1; i <= c->top; i++) {
		if (c->frame[i].at + 1 == c->frame[i].node->count)
			continue;
		c->frame[i].at++;
		return down_to(c, i, level) < 0 ? -1 : 1;
	}
	return 0;
}

const unsigned char *cursor_before(const struct cursor *c, int level)
{
	for (int i = level + 1; i <= c->top; i++)
		if (c->frame[i].at)
			return node_item(c->frame[i].node, c->frame[i].at - 1);
	return NULL;
}

int cursor_back(struct cursor *c, int level)
{
	int i = level + 1;

	while (!c->frame[i].at)
		i++;
	c->frame[i].at--;
	for (; i > level + 1; i--) {
		if (cursor_down(c, i) < 0)
			return -1;
		c->frame[i - 1].at = c->frame[i - 1].node->count - 1;
	}
	return cursor_down(c, i);
}
