/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that are being changed: see dir.h. */
#include "config.h"

#include <assert.h>

#include "kvsd/alloc.h"
#include "kvsd/dir.h"

struct dir *dir_create(uint64_t token)
{
	struct dir *dir = xcalloc(1, sizeof(*dir));

	dir->refs = 1;
	dir->token = token;
	return dir;
}

struct dir *dir_open(const struct entry *entry, uint64_t token)
{
	struct dir *dir = dir_create(token);
	const struct dir *from = entry->dir;

	assert(entry->kind == ENTRY_DIR);
	if (!from) {
		dir->stored = true;
		dir->extent = dir->stored_extent = entry_extent(entry);
		dir->hash = *entry_hash(entry);
		return dir;
	}
	dir->stored = from->stored;
	dir->extent = from->extent;
	dir->stored_extent = from->stored_extent;
	dir->hash = from->hash;
	for (struct change *c = from->changes.first[0]; c; c = c->next[0])
		overlay_put(&dir->changes, entry_ref(c->entry));
	return dir;
}

struct dir *dir_ref(struct dir *dir)
{
	dir->refs++;
	return dir;
}

void dir_unref(struct dir *dir)
{
	if (!dir || --dir->refs)
		return;
	overlay_clear(&dir->changes);
	free(dir);
}
