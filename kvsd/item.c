/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as bytes: see item.h. What is refused is all that the encoder does
 * not make: each content has one form. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "kvsd/item.h"

static unsigned char *put_bytes(unsigned char *p, const void *data, size_t len)
{
	if (len)
		memcpy(p, data, len);
	return p + len;
}

static unsigned char *put_extent(unsigned char *p, const struct extent *extent,
				 const struct db_hash *hash)
{
	p = bytes_put(p, extent->entries, 8);
	p = put_bytes(p, hash, DB_HASH_SIZE);
	p = bytes_put(p, extent->keys, 8);
	return bytes_put(p, extent->bytes, 8);
}

size_t item_encode(const struct entry *entry, unsigned char *item)
{
	unsigned char *p = item;
	struct extent extent;
	const char *ns;

	*p++ = entry->kind;
	*p++ = entry->name_len;
	p = put_bytes(p, entry->bytes, entry->name_len);
	switch (entry->kind) {
	case ENTRY_GONE:
		break;
	case ENTRY_INLINE:
		p = bytes_put(p, entry->len, 2);
		p = put_bytes(p, entry_data(entry), entry->len);
		break;
	case ENTRY_LINK:
		ns = entry_target_ns(entry);
		p = bytes_put(p, entry->len, 2);
		p = put_bytes(p, entry_target(entry), entry->len);
		*p++ = ns ? strlen(ns) : 0;
		p = put_bytes(p, ns, ns ? strlen(ns) : 0);
		break;
	case ENTRY_BLOB:
		p = bytes_put(p, entry->size, 8);
		p = put_bytes(p, entry_hash(entry), DB_HASH_SIZE);
		break;
	case ENTRY_DIR:
		extent = entry_extent(entry);
		p = put_extent(p, &extent, entry_hash(entry));
		break;
	}
	return p - item;
}

size_t item_encode_node(const unsigned char *last,
			const struct extent *extent,
			const struct db_hash *hash, unsigned char *item)
{
	unsigned char *p = item;

	*p++ = ITEM_NODE;
	*p++ = item_name_len(last);
	p = put_bytes(p, item_name(last), item_name_len(last));
	return put_extent(p, extent, hash) - item;
}

static struct entry *decode_link(const char *name, size_t name_len,
				 const unsigned char *p)
{
	char target[DB_KEY_MAX + 1], ns[DB_NAME_MAX + 1];
	size_t len = bytes_get(p, 2), ns_len = p[2 + len];

	memcpy(target, p + 2, len);
	target[len] = '\0';
	memcpy(ns, p + 2 + len + 1, ns_len);
	ns[ns_len] = '\0';
	return entry_link(name, name_len, target, ns);
}

struct entry *item_decode(const unsigned char *item)
{
	const char *name = (const char *)item_name(item);
	size_t len = item_name_len(item);
	const unsigned char *p = item_name(item) + len;
	struct extent extent;

	switch (item[0]) {
	case ENTRY_INLINE:
		return entry_inline(name, len, p + 2, bytes_get(p, 2));
	case ENTRY_LINK:
		return decode_link(name, len, p);
	case ENTRY_BLOB:
		return entry_blob(name, len, item_size(item), item_hash(item));
	}
	assert(item[0] == ENTRY_DIR);
	extent = item_extent(item);
	return entry_dir(name, len, &extent, item_hash(item));
}

/* ---- what is malformed ---- */

struct reader {
	const unsigned char *p, *end;
};

static const unsigned char *take(struct reader *r, size_t len)
{
	const unsigned char *p = r->p;

	if ((size_t)(r->end - p) < len)
		return NULL;
	r->p += len;
	return p;
}

static const char *refuse_name(const unsigned char *name, size_t len)
{
	if (!name || !len)
		return "an entry has no name";
	for (size_t i = 0; i < len; i++)
		if (name[i] == '.' || name[i] == '\r' || name[i] == '\n' ||
		    !name[i])
			return "a name has a byte that none may have";
	return NULL;
}

static const char *refuse_inline(struct reader *r)
{
	const unsigned char *len = take(r, 2);

	if (!len || !take(r, bytes_get(len, 2)))
		return "it ends within an inline value";
	if (bytes_get(len, 2) > ENTRY_INLINE_MAX)
		return "an inline value is too long";
	return NULL;
}

static const char *refuse_link(struct reader *r)
{
	const unsigned char *p = take(r, 2);
	size_t len = p ? bytes_get(p, 2) : 0;

	if (len == 0 || len > DB_KEY_MAX)
		return "a link's target has a length that is not possible";
	p = take(r, len);
	if (!p || memchr(p, '\0', len))
		return "a link's target is malformed";
	p = take(r, 1);
	len = p ? *p : 0;
	p = p ? take(r, len) : NULL;
	if (!p || memchr(p, '\0', len))
		return "a link's namespace is malformed";
	return NULL;
}

static const char *refuse_blob(struct reader *r)
{
	const unsigned char *p = take(r, 8 + DB_HASH_SIZE);

	if (!p)
		return "it ends within a hash";
	if (bytes_get(p, 8) <= ENTRY_INLINE_MAX)
		return "a short value is not inline";
	if (bytes_get(p, 8) > VALUE_MAX)
		return "a value is beyond the limit";
	return NULL;
}

static const char *refuse_dir(struct reader *r, const unsigned char *item)
{
	if (!take(r, 8 + DB_HASH_SIZE + 16))
		return "it ends within a hash or an extent";
	if (item[0] == ITEM_NODE && !item_size(item))
		return "a node of it is empty";
	if (!extent_possible(item_extent(item)))
		return "an extent in it is not possible";
	return NULL;
}

const char *item_refuse(const unsigned char *p, const unsigned char *end,
			bool branch, size_t *len)
{
	struct reader r = { p, end };
	const unsigned char *head = take(&r, 2);
	const unsigned char *name = head ? take(&r, head[1]) : NULL;
	const char *why = refuse_name(name, head ? head[1] : 0);

	if (why)
		return why;
	if (branch != (head[0] == ITEM_NODE))
		return "an entry is of a kind that is not expected";
	switch (head[0]) {
	case ENTRY_INLINE:
		why = refuse_inline(&r);
		break;
	case ENTRY_LINK:
		why = refuse_link(&r);
		break;
	case ENTRY_BLOB:
		why = refuse_blob(&r);
		break;
	case ENTRY_DIR:
	case ITEM_NODE:
		why = refuse_dir(&r, head);
		break;
	default:
		return "an entry is of an unknown kind";
	}
	*len = r.p - p;
	return why;
}
