/* SPDX-License-Identifier: Apache-2.0 */
/* Directory nodes as bytes. weir-treeobj(5) shows them byte by byte. The
 * decoder accepts exactly what the encoder makes: entries sorted by name and
 * unique, the least form of each, no byte too few or too many.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/node.h"

#define ENTRY_LEAST	(2 + 1 + 2)	/* kind, length, name, length */

static unsigned char *put_bytes(unsigned char *p, const void *data, size_t len)
{
	if (len)
		memcpy(p, data, len);
	return p + len;
}

static unsigned char *entry_encode(const struct entry *entry, unsigned char *p)
{
	const char *ns;

	*p++ = entry->kind;
	*p++ = entry->name_len;
	p = put_bytes(p, entry->bytes, entry->name_len);
	switch (entry->kind) {
	case ENTRY_INLINE:
		p = bytes_put(p, entry->len, 2);
		return put_bytes(p, entry_data(entry), entry->len);
	case ENTRY_LINK:
		ns = entry_target_ns(entry);
		p = bytes_put(p, entry->len, 2);
		p = put_bytes(p, entry_target(entry), entry->len);
		*p++ = ns ? strlen(ns) : 0;
		return put_bytes(p, ns, ns ? strlen(ns) : 0);
	}
	p = bytes_put(p, entry->size, 8);
	return put_bytes(p, entry_hash(entry), DB_HASH_SIZE);
}

struct blob *node_encode(const struct node *node)
{
	struct blob *blob = blob_create(BLOB_DIRECTORY, node->encoded);
	unsigned char *p = blob->data + BLOB_HEADER;

	p = bytes_put(p, node->count, 4);
	for (size_t i = 0; i < node->count; i++)
		p = entry_encode(node->entry[i], p);
	assert(p == blob->data + blob->len);
	blob_finish(blob);
	return blob;
}

/* ---- decoding ---- */

struct cursor {
	const unsigned char *p, *end;
};

static const void *take(struct cursor *c, size_t len)
{
	const unsigned char *p = c->p;

	if ((size_t)(c->end - p) < len)
		return NULL;
	c->p += len;
	return p;
}

static const char *decode_inline(struct cursor *c, const char *name,
				 size_t name_len, struct entry **entry)
{
	const unsigned char *len = take(c, 2);
	const void *data = len ? take(c, bytes_get(len, 2)) : NULL;

	if (!data)
		return "it ends within an inline value";
	if (bytes_get(len, 2) > NODE_INLINE_MAX)
		return "an inline value is too long";
	*entry = entry_inline(name, name_len, data, bytes_get(len, 2));
	return NULL;
}

static const char *decode_link(struct cursor *c, const char *name,
			       size_t name_len, struct entry **entry)
{
	char target[DB_KEY_MAX + 1], ns[DB_NAME_MAX + 1];
	const unsigned char *p = take(c, 2);
	size_t len = p ? bytes_get(p, 2) : 0, ns_len;

	if (len == 0 || len > DB_KEY_MAX)
		return "a link's target has a length that is not possible";
	p = take(c, len);
	if (!p || memchr(p, '\0', len))
		return "a link's target is malformed";
	memcpy(target, p, len);
	target[len] = '\0';
	p = take(c, 1);
	ns_len = p ? *p : 0;
	p = p ? take(c, ns_len) : NULL;
	if (!p || memchr(p, '\0', ns_len))
		return "a link's namespace is malformed";
	memcpy(ns, p, ns_len);
	ns[ns_len] = '\0';
	*entry = entry_link(name, name_len, target, ns);
	return NULL;
}

static const char *decode_hashed(struct cursor *c, const char *name,
				 size_t name_len, enum entry_kind kind,
				 struct entry **entry)
{
	const unsigned char *size = take(c, 8);
	const void *hash = size ? take(c, DB_HASH_SIZE) : NULL;

	if (!hash)
		return "it ends within a hash";
	if (kind == ENTRY_DIR) {
		*entry = entry_dir(name, name_len, bytes_get(size, 8), hash);
		return NULL;
	}
	if (bytes_get(size, 8) <= NODE_INLINE_MAX)
		return "a short value is not inline";
	if (bytes_get(size, 8) > VALUE_MAX)
		return "a value is beyond the limit";
	*entry = entry_blob(name, name_len, bytes_get(size, 8), hash);
	return NULL;
}

static const char *name_refuse(const char *name, size_t len)
{
	if (!name || !len)
		return "an entry has no name";
	for (size_t i = 0; i < len; i++)
		if (strchr(".\r\n", name[i]))	/* NUL too */
			return "a name has a byte that none may have";
	return NULL;
}

static const char *entry_decode(struct cursor *c, struct entry **entry)
{
	const unsigned char *head = take(c, 2);
	const char *name = head ? take(c, head[1]) : NULL;
	const char *why = name_refuse(name, head ? head[1] : 0);

	if (why)
		return why;
	switch (head[0]) {
	case ENTRY_INLINE:
		return decode_inline(c, name, head[1], entry);
	case ENTRY_LINK:
		return decode_link(c, name, head[1], entry);
	case ENTRY_BLOB:
	case ENTRY_DIR:
		return decode_hashed(c, name, head[1], head[0], entry);
	}
	return "an entry is of an unknown kind";
}

static bool in_order(const struct entry *a, const struct entry *b)
{
	size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order = memcmp(a->bytes, b->bytes, n);

	return order < 0 || (!order && a->name_len < b->name_len);
}

static const char *decode_entries(struct cursor *c, struct node *node)
{
	while (node->count < node->room) {
		struct entry *entry;
		const char *why = entry_decode(c, &entry);

		if (why)
			return why;
		node->entry[node->count++] = entry;
		if (node->count > 1 &&
		    !in_order(node->entry[node->count - 2], entry))
			return "its entries are not in order";
	}
	return c->p == c->end ? NULL : "bytes follow the last entry";
}

struct node *node_decode(const unsigned char *data, size_t len,
			 const char **why)
{
	struct cursor c = { data, data + len };
	struct node *node;
	const unsigned char *p;

	*why = blob_refuse(data, len, BLOB_DIRECTORY);
	if (*why)
		return NULL;
	c.p += BLOB_HEADER;
	p = take(&c, 4);
	*why = "its number of entries does not fit its length";
	if (!p || bytes_get(p, 4) > (size_t)(c.end - c.p) / ENTRY_LEAST ||
	    len > NODE_SIZE_MAX)
		return NULL;
	node = node_create(0);
	node->room = bytes_get(p, 4);
	node->entry = xmalloc(node->room * sizeof(struct entry *));
	*why = decode_entries(&c, node);
	if (*why) {
		node_unref(node);
		return NULL;
	}
	node->encoded = len;
	node->sealed = true;
	return node;
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
	for (size_t i = 0; i < node->count && !stop; i++) {
		const struct entry *entry = node->entry[i];

		if (entry->kind == ENTRY_DIR)
			stop = cb(BLOB_DIRECTORY, entry_hash(entry),
				  entry->size, arg);
		else if (entry->kind == ENTRY_BLOB)
			stop = cb(entry->size <= VALUE_LEAF ? BLOB_LEAF
				  : BLOB_BRANCH, entry_hash(entry),
				  entry->size, arg);
	}
	node_unref(node);
	return stop;
}
