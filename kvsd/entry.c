/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of directories: see entry.h. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/dir.h"

#define DIR_ROOM	(sizeof(struct db_hash) + 2 * sizeof(uint64_t))

static struct entry *entry_create(enum entry_kind kind, const char *name,
				  size_t name_len, size_t room)
{
	struct entry *entry = xmalloc(sizeof(*entry) + name_len + 1 + room);

	assert(name_len <= ENTRY_NAME_MAX);
	entry->refs = 1;
	entry->kind = kind;
	entry->name_len = name_len;
	entry->len = 0;
	entry->size = 0;
	entry->dirty = NULL;
	memcpy(entry->bytes, name, name_len);
	entry->bytes[name_len] = '\0';
	return entry;
}

static char *payload(const struct entry *entry)
{
	return (char *)entry->bytes + entry->name_len + 1;
}

struct entry *entry_gone(const char *name, size_t name_len)
{
	return entry_create(ENTRY_GONE, name, name_len, 0);
}

struct entry *entry_inline(const char *name, size_t name_len,
			   const void *data, size_t len)
{
	struct entry *entry;

	assert(len <= ENTRY_INLINE_MAX);
	entry = entry_create(ENTRY_INLINE, name, name_len, len);
	entry->len = entry->size = len;
	if (len)
		memcpy(payload(entry), data, len);
	return entry;
}

static struct entry *entry_hashed(enum entry_kind kind, const char *name,
				  size_t name_len, uint64_t size,
				  const struct db_hash *hash)
{
	struct entry *entry = entry_create(kind, name, name_len,
					   kind == ENTRY_DIR ? DIR_ROOM :
					   sizeof(*hash));

	entry->size = size;
	if (hash)
		memcpy(payload(entry), hash, sizeof(*hash));
	return entry;
}

struct entry *entry_blob(const char *name, size_t name_len, uint64_t size,
			 const struct db_hash *hash)
{
	return entry_hashed(ENTRY_BLOB, name, name_len, size, hash);
}

struct entry *entry_dir(const char *name, size_t name_len,
			const struct extent *extent,
			const struct db_hash *hash)
{
	struct entry *entry = entry_hashed(ENTRY_DIR, name, name_len, 0, hash);

	entry_set_extent(entry, extent);
	return entry;
}

struct entry *entry_value(const char *name, size_t name_len,
			  struct value *value)
{
	struct entry *entry = entry_hashed(ENTRY_BLOB, name, name_len, 0,
					   NULL);

	entry->value = value;
	return entry;
}

struct entry *entry_open_dir(const char *name, size_t name_len,
			     struct dir *dir)
{
	struct entry *entry = entry_hashed(ENTRY_DIR, name, name_len, 0, NULL);

	entry->dir = dir;
	return entry;
}

struct entry *entry_link(const char *name, size_t name_len,
			 const char *target, const char *ns)
{
	size_t len = strlen(target), ns_len = ns ? strlen(ns) : 0;
	struct entry *entry = entry_create(ENTRY_LINK, name, name_len,
					   len + ns_len + 2);

	assert(len <= DB_KEY_MAX && ns_len <= DB_NAME_MAX);
	entry->len = len;
	entry->size = len;
	memcpy(payload(entry), target, len + 1);
	memcpy(payload(entry) + len + 1, ns ? ns : "", ns_len + 1);
	return entry;
}

struct entry *entry_rename(const struct entry *entry, const char *name,
			   size_t name_len)
{
	struct entry *copy;

	switch (entry->kind) {
	case ENTRY_INLINE:
		return entry_inline(name, name_len, payload(entry),
				    entry->len);
	case ENTRY_LINK:
		return entry_link(name, name_len, entry_target(entry),
				  entry_target_ns(entry));
	}
	copy = entry_hashed(entry->kind, name, name_len, entry->size,
			    entry->dirty ? NULL : entry_hash(entry));
	if (entry->kind == ENTRY_DIR && !entry->dirty) {
		struct extent extent = entry_extent(entry);

		entry_set_extent(copy, &extent);
	} else if (entry->kind == ENTRY_DIR) {
		copy->dir = dir_ref(entry->dir);
	} else if (entry->dirty) {
		copy->value = value_ref(entry->value);
	}
	return copy;
}

struct entry *entry_ref(struct entry *entry)
{
	entry->refs++;
	return entry;
}

void entry_unref(struct entry *entry)
{
	if (!entry || --entry->refs)
		return;
	if (entry->kind == ENTRY_DIR)
		dir_unref(entry->dir);
	else if (entry->kind == ENTRY_BLOB)
		value_unref(entry->value);
	free(entry);
}

const void *entry_data(const struct entry *entry)
{
	assert(entry->kind == ENTRY_INLINE);
	return payload(entry);
}

struct db_hash *entry_hash(const struct entry *entry)
{
	assert(!entry->dirty &&
	       (entry->kind == ENTRY_BLOB || entry->kind == ENTRY_DIR));
	return (struct db_hash *)payload(entry);
}

const char *entry_target(const struct entry *entry)
{
	assert(entry->kind == ENTRY_LINK);
	return payload(entry);
}

const char *entry_target_ns(const struct entry *entry)
{
	const char *ns = entry_target(entry) + entry->len + 1;

	return *ns ? ns : NULL;
}

uint64_t entry_size(const struct entry *entry)
{
	if (!entry->dirty)
		return entry->size;
	return entry->kind == ENTRY_DIR ? entry->dir->extent.entries
					: entry->value->size;
}

void entry_set_extent(struct entry *entry, const struct extent *extent)
{
	uint64_t below[2] = { extent->keys, extent->bytes };

	assert(entry->kind == ENTRY_DIR);
	entry->size = extent->entries;
	memcpy(payload(entry) + DB_HASH_SIZE, below, sizeof(below));
}

struct extent entry_extent(const struct entry *entry)
{
	uint64_t below[2];

	assert(entry->kind == ENTRY_DIR);
	if (entry->dirty)
		return entry->dir->extent;
	memcpy(below, payload(entry) + DB_HASH_SIZE, sizeof(below));
	return (struct extent){ entry->size, below[0], below[1] };
}

struct extent entry_share(const struct entry *entry)
{
	struct extent share = { 1, 1, 0 };
	const char *ns;

	if (!entry || entry->kind == ENTRY_GONE)
		return (struct extent){ 0 };
	if (entry->kind == ENTRY_DIR) {
		share = entry_extent(entry);
		share.entries = 1;
		share.keys++;
	} else {
		share.bytes = entry_size(entry);
	}
	ns = entry->kind == ENTRY_LINK ? entry_target_ns(entry) : NULL;
	share.bytes += entry->name_len + (ns ? strlen(ns) : 0);
	return share;
}
