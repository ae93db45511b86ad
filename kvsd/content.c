/* SPDX-License-Identifier: Apache-2.0 */
/* What entries hold: reading values, sealing, hashes of content. See tree.h.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/dir.h"
#include "kvsd/splice.h"
#include "kvsd/tree.h"

ssize_t tree_read(struct tree *tree, const struct entry *entry,
		  uint64_t offset, void *buf, size_t len)
{
	const char *why = "it is not a value";
	ssize_t n;

	if (entry->kind == ENTRY_INLINE) {
		if (offset >= entry->len)
			return 0;
		if (len > entry->len - offset)
			len = entry->len - offset;
		memcpy(buf, (const char *)entry_data(entry) + offset, len);
		return len;
	}
	assert(entry->kind == ENTRY_BLOB);
	if (entry->dirty)
		n = value_read_open(&tree->space, entry->value, offset, buf,
				    len, &why);
	else
		n = value_read(&tree->space, entry->size, entry_hash(entry),
			       offset, buf, len, &why);
	return n < 0 ? tree_fail(tree, EIO, entry->dirty ? NULL : entry_hash(entry),
			    why) : n;
}

/* ---- hashing ---- */

static int seal_dir(struct tree *tree, struct entry *entry)
{
	struct dir *dir = entry->dir;

	if (!dir->sealed) {
		for (struct change *c = dir->changes.first[0]; c;
		     c = c->next[0])
			if (tree_seal(tree, c->entry) < 0)
				return -1;
		if (splice_dir(tree, dir) < 0)
			return -1;
		overlay_clear(&dir->changes);
		dir->sealed = true;
	}
	entry_set_extent(entry, &dir->extent);
	entry->dirty = NULL;
	*entry_hash(entry) = dir->hash;
	dir_unref(dir);
	return 0;
}

static void seal_value(struct tree *tree, struct entry *entry)
{
	struct value *value = entry->value;
	struct db_hash hash;

	value_seal(&tree->space, value, &hash);
	entry->size = value->size;
	entry->dirty = NULL;
	*entry_hash(entry) = hash;
	value_unref(value);
}

int tree_seal(struct tree *tree, struct entry *entry)
{
	if (!entry->dirty)
		return 0;
	if (entry->kind == ENTRY_DIR)
		return seal_dir(tree, entry);
	seal_value(tree, entry);
	return 0;
}

static void link_hash(const struct entry *entry, struct db_hash *hash)
{
	const char *target = entry_target(entry), *ns = entry_target_ns(entry);
	size_t ns_len = ns ? strlen(ns) : 0;
	size_t len = BLOB_HEADER + entry->len + 1 + ns_len;
	struct blob *blob = blob_create(BLOB_LINK, len);

	memcpy(blob->data + BLOB_HEADER, target, entry->len);
	blob->data[BLOB_HEADER + entry->len] = '\0';
	if (ns)
		memcpy(blob->data + len - ns_len, ns, ns_len);
	blob_finish(blob);
	*hash = blob->hash;
	free(blob);
}

void tree_hash(const struct entry *entry, struct db_hash *hash)
{
	assert(!entry->dirty);
	switch (entry->kind) {
	case ENTRY_INLINE:
		value_hash_small(entry_data(entry), entry->len, hash);
		break;
	case ENTRY_LINK:
		link_hash(entry, hash);
		break;
	default:
		*hash = *entry_hash(entry);
	}
}

bool tree_same(const struct entry *a, const struct entry *b)
{
	assert(!a->dirty && !b->dirty);
	if (a->kind != b->kind || a->size != b->size || a->len != b->len)
		return false;
	switch (a->kind) {
	case ENTRY_INLINE:
		return !memcmp(entry_data(a), entry_data(b), a->len);
	case ENTRY_LINK:
		return !strcmp(entry_target(a), entry_target(b)) &&
			!strcmp(entry_target_ns(a) ? entry_target_ns(a) : "",
				entry_target_ns(b) ? entry_target_ns(b) : "");
	}
	return !memcmp(entry_hash(a), entry_hash(b), DB_HASH_SIZE);
}
