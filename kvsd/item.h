/* SPDX-License-Identifier: Apache-2.0 */
/* Items: entries of directories, and references to nodes, as the bytes that
 * stand in nodes. weir-treeobj(5) shows them. An item is passed about as a
 * pointer to its first byte; it says itself how long it is. It begins with
 * kind, length of the name, name. A removal among changes is an item of
 * ENTRY_GONE, which is no more than that and is never stored.
 */
#ifndef WEIR_KVSD_ITEM_H
#define WEIR_KVSD_ITEM_H

#include "kvsd/bytes.h"
#include "kvsd/entry.h"

#define ITEM_NODE	5	/* beside enum entry_kind; in branches only */
#define ITEM_MIN	(2 + 1 + 2)
#define ITEM_MAX	(2 + ENTRY_NAME_MAX + 2 + DB_KEY_MAX + 1 + DB_NAME_MAX)

/* Writes ENTRY, which is not dirty, to P, which has room for ITEM_MAX bytes.
 * Returns how many it took. */
size_t item_encode(const struct entry *entry, unsigned char *p);
/* A node with the hash whose last name is that of the item LAST. */
size_t item_encode_node(const unsigned char *last,
			const struct extent *extent,
			const struct db_hash *hash, unsigned char *p);
struct entry *item_decode(const unsigned char *item);	/* not ITEM_NODE */
/* Why there is no well formed item, of a branch or not, at P before END; or
 * NULL and its length. */
const char *item_refuse(const unsigned char *p, const unsigned char *end,
			bool branch, size_t *len);

static inline size_t item_name_len(const unsigned char *item)
{
	return item[1];
}

static inline const unsigned char *item_name(const unsigned char *item)
{
	return item + 2;
}

static inline int item_order(const unsigned char *a, const unsigned char *b)
{
	return name_order(item_name(a), item_name_len(a), item_name(b),
			  item_name_len(b));
}

/* ---- of those that hold a hash ---- */

static inline uint64_t item_size(const unsigned char *item)
{
	return bytes_get(item_name(item) + item_name_len(item), 8);
}

static inline const struct db_hash *item_hash(const unsigned char *item)
{
	return (const struct db_hash *)(item_name(item) +
					item_name_len(item) + 8);
}

/* Of a directory, or of a node: what is below. */
static inline struct extent item_extent(const unsigned char *item)
{
	const unsigned char *p = item_name(item) + item_name_len(item);

	return (struct extent){ bytes_get(p, 8),
				bytes_get(p + 8 + DB_HASH_SIZE, 8),
				bytes_get(p + 16 + DB_HASH_SIZE, 8) };
}

static inline size_t item_len(const unsigned char *item)
{
	size_t len = 2 + item_name_len(item);

	switch (item[0]) {
	case ENTRY_GONE:
		return len;
	case ENTRY_INLINE:
		return len + 2 + bytes_get(item + len, 2);
	case ENTRY_LINK:
		len += 2 + bytes_get(item + len, 2);
		return len + 1 + item[len];
	}
	return len + 8 + DB_HASH_SIZE + (item[0] == ENTRY_BLOB ? 0 : 16);
}

/* What it adds to the node that it is in; as entry_share. */
static inline struct extent item_share(const unsigned char *item)
{
	size_t name_len = item_name_len(item);
	const unsigned char *p = item_name(item) + name_len;
	struct extent share = { 1, 1, name_len };

	switch (item[0]) {
	case ITEM_NODE:
		return item_extent(item);
	case ENTRY_DIR:
		share.keys += item_extent(item).keys;
		share.bytes += item_extent(item).bytes;
		break;
	case ENTRY_BLOB:
		share.bytes += item_size(item);
		break;
	case ENTRY_LINK:
		share.bytes += p[2 + bytes_get(p, 2)];
		/* and the target: */ __attribute__((fallthrough));
	case ENTRY_INLINE:
		share.bytes += bytes_get(p, 2);
		break;
	}
	return share;
}

#endif
