/* SPDX-License-Identifier: Apache-2.0 */
/* Directory nodes in memory: see node.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/node.h"

#define NODE_HEADER	(BLOB_HEADER + 4)

/* ---- entries ---- */

static struct entry *entry_create(enum entry_kind kind, const char *name,
				  size_t name_len, size_t room)
{
	struct entry *entry = xmalloc(sizeof(*entry) + name_len + 1 + room);

	assert(name_len <= NODE_NAME_MAX);
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

struct entry *entry_inline(const char *name, size_t name_len,
			   const void *data, size_t len)
{
	struct entry *entry;

	assert(len <= NODE_INLINE_MAX);
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

struct entry *entry_dir(const char *name, size_t name_len, uint64_t count,
			const struct db_hash *hash)
{
	return entry_hashed(ENTRY_DIR, name, name_len, count, hash);
}

struct entry *entry_value(const char *name, size_t name_len,
			  struct value *value)
{
	struct entry *entry = entry_hashed(ENTRY_BLOB, name, name_len, 0,
					   NULL);

	entry->value = value;
	return entry;
}

struct entry *entry_node(const char *name, size_t name_len, struct node *node)
{
	struct entry *entry = entry_hashed(ENTRY_DIR, name, name_len, 0, NULL);

	entry->node = node;
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
	if (entry->dirty && entry->kind == ENTRY_DIR)
		copy->node = node_ref(entry->node);
	else if (entry->dirty)
		copy->value = value_ref(entry->value);
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
		node_unref(entry->node);
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
	return entry->kind == ENTRY_DIR ? entry->node->count
					: entry->value->size;
}

size_t entry_encoded(const struct entry *entry)
{
	size_t size = 2 + entry->name_len;

	switch (entry->kind) {
	case ENTRY_INLINE:
		return size + 2 + entry->len;
	case ENTRY_LINK:
		return size + 2 + entry->len + 1 +
			strlen(payload(entry) + entry->len + 1);
	}
	return size + 8 + DB_HASH_SIZE;
}

/* ---- nodes ---- */

struct node *node_create(uint64_t token)
{
	struct node *node = xcalloc(1, sizeof(*node));

	node->refs = 1;
	node->token = token;
	node->encoded = NODE_HEADER;
	return node;
}

struct node *node_clone(const struct node *node, uint64_t token)
{
	struct node *copy = node_create(token);

	copy->encoded = node->encoded;
	copy->count = node->count;
	copy->room = node->count + node->count / 8 + 4;
	copy->entry = xmalloc(copy->room * sizeof(struct entry *));
	for (size_t i = 0; i < node->count; i++)
		copy->entry[i] = entry_ref(node->entry[i]);
	return copy;
}

struct node *node_ref(struct node *node)
{
	node->refs++;
	return node;
}

void node_unref(struct node *node)
{
	if (!node || --node->refs)
		return;
	for (size_t i = 0; i < node->count; i++)
		entry_unref(node->entry[i]);
	free(node->entry);
	free(node);
}

size_t node_memory(const struct node *node)
{
	return sizeof(*node) + node->encoded +
		node->count * (sizeof(struct entry) + 32);
}

size_t node_search(const struct node *node, const char *name, size_t len,
		   bool *found)
{
	size_t low = 0, high = node->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct entry *entry = node->entry[mid];
		size_t n = entry->name_len < len ? entry->name_len : len;
		int order = memcmp(entry->bytes, name, n);

		if (!order && entry->name_len == len) {
			*found = true;
			return mid;
		}
		if (order < 0 || (!order && entry->name_len < len))
			low = mid + 1;
		else
			high = mid;
	}
	*found = false;
	return low;
}

static void node_insert(struct node *node, size_t at, struct entry *entry)
{
	if (node->count == node->room) {
		node->room = node->room ? 2 * node->room : 8;
		node->entry = xrealloc(node->entry, node->room *
				       sizeof(struct entry *));
	}
	memmove(&node->entry[at + 1], &node->entry[at],
		(node->count - at) * sizeof(struct entry *));
	node->entry[at] = entry;
	node->count++;
	node->encoded += entry_encoded(entry);
}

struct entry *node_set(struct node *node, struct entry *entry)
{
	struct entry *old;
	bool found;
	size_t at = node_search(node, entry->bytes, entry->name_len, &found);

	assert(!node->sealed);
	if (!found) {
		node_insert(node, at, entry);
		return NULL;
	}
	old = node->entry[at];
	node->entry[at] = entry;
	node->encoded += entry_encoded(entry);
	node->encoded -= entry_encoded(old);
	return old;
}

struct entry *node_remove(struct node *node, size_t at)
{
	struct entry *entry = node->entry[at];

	assert(!node->sealed && at < node->count);
	node->count--;
	memmove(&node->entry[at], &node->entry[at + 1],
		(node->count - at) * sizeof(struct entry *));
	node->encoded -= entry_encoded(entry);
	return entry;
}
