/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of a directory in order of names: see iter.h. */
#include "config.h"

#include <errno.h>

#include "kvsd/iter.h"
#include "kvsd/tree.h"

int iter_open(struct iter *it, struct tree *tree, const struct entry *dir,
	      const char *after)
{
	const struct dir *open = dir->dir;
	const struct db_hash *hash = open ? &open->hash : entry_hash(dir);
	struct extent extent = open ? open->stored_extent : entry_extent(dir);
	size_t len = after ? strlen(after) : 0;
	int found = 0;

	it->stored = !open || open->stored;
	it->change = open ? open->changes.first[0] : NULL;
	it->flat = it->change;
	it->cursor.top = -1;
	if (it->stored && cursor_open(&it->cursor, tree, hash, &extent) < 0)
		return -1;
	it->level = it->cursor.top;
	if (!after)
		return 0;
	if (it->change)
		it->change = overlay_after(&open->changes, after, len);
	if (!it->stored)
		return 0;
	found = cursor_seek(&it->cursor, 0, after, len);
	if (found < 0) {
		iter_close(it);
		errno = EIO;
		return -1;
	}
	it->cursor.frame[0].at += found;
	it->level = 0;
	return 0;
}

void iter_close(struct iter *it)
{
	cursor_close(&it->cursor);
}

int iter_enter(struct iter *it)
{
	if (cursor_down(&it->cursor, it->level) < 0)
		return -1;
	it->level--;
	return 0;
}

/* Sets ITEM to the next of what is stored, if any is left. */
static int settle(struct iter *it)
{
	it->item = NULL;
	while (it->stored) {
		struct frame *f = &it->cursor.frame[it->level];

		if (f->at < f->node->count) {
			if (!it->level || !it->flat) {
				it->item = node_item(f->node, f->at);
				return 0;
			}
			if (iter_enter(it) < 0)
				return -1;
			continue;
		}
		if (it->level == it->cursor.top)
			it->stored = false;
		else
			it->cursor.frame[++it->level].at++;
	}
	return 0;
}

int iter_get(struct iter *it)
{
	for (;;) {
		int order = 1;

		it->entry = NULL;
		if (settle(it) < 0)
			return -1;
		if (!it->change)
			return it->item ? 1 : 0;
		if (it->item)
			order = name_order(it->change->entry->bytes,
					   it->change->entry->name_len,
					   item_name(it->item),
					   item_name_len(it->item));
		if (it->item && order > 0)
			return 1;
		if (it->item && !order)
			it->cursor.frame[it->level].at++;
		if (it->change->entry->kind != ENTRY_GONE) {
			it->item = NULL;
			it->entry = it->change->entry;
			it->level = 0;
			return 1;
		}
		it->change = it->change->next[0];
	}
}

void iter_pass(struct iter *it)
{
	if (it->entry)
		it->change = it->change->next[0];
	else
		it->cursor.frame[it->level].at++;
}

struct entry *iter_entry(const struct iter *it)
{
	return it->entry ? entry_ref(it->entry) : item_decode(it->item);
}

const void *iter_name(const struct iter *it, size_t *len)
{
	*len = it->entry ? it->entry->name_len : item_name_len(it->item);
	return it->entry ? (const void *)it->entry->bytes
			 : item_name(it->item);
}
