/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of directories: see tree.h. A directory is one node. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/tree.h"

int tree_fail(struct tree *tree, int errnum, const struct db_hash *hash,
	      const char *why)
{
	char text[2 * DB_HASH_SIZE + 1] = "";

	if (hash)
		db_hash_text(hash, text);
	snprintf(tree->why, sizeof(tree->why), "%s%s%s", text,
		 hash ? ": " : "", why);
	errno = errnum;
	return -1;
}

static struct node *load(struct tree *tree, const struct db_hash *hash)
{
	const unsigned char *data;
	struct node *node = NULL;
	const char *why;
	size_t len;

	if (!blob_get(&tree->space, hash, BLOB_DIRECTORY, &data, &len, &why))
		node = node_decode(data, len, &why);
	else if (errno == ENOENT) {
		tree_fail(tree, ENOENT, hash, why);
		return NULL;
	}
	if (!node) {
		tree_fail(tree, EIO, hash, why);
		return NULL;
	}
	node->hash = *hash;
	cache_add(tree->cache, node);
	return node;
}

/* The node of a directory, a reference of the caller's. ENOTDIR, EIO. */
static struct node *dir_node(struct tree *tree, struct entry *dir)
{
	struct node *node;

	if (dir->kind != ENTRY_DIR) {
		errno = ENOTDIR;
		return NULL;
	}
	if (dir->dirty)
		return node_ref(dir->node);
	node = cache_find(tree->cache, entry_hash(dir));
	if (!node)
		node = load(tree, entry_hash(dir));
	if (!node)
		errno = EIO;
	return node;
}

struct entry *tree_empty(struct tree *tree)
{
	return entry_node("", 0, node_create(tree->token));
}

struct entry *tree_root(struct tree *tree, const struct db_hash *hash)
{
	const unsigned char *data;
	struct entry *root;
	struct node *node;
	const char *why;
	size_t len;

	/* The cache may hold what was given up and is not stored. */
	if (blob_get(&tree->space, hash, BLOB_DIRECTORY, &data, &len, &why)) {
		tree_fail(tree, errno == ENOENT ? ESTALE : EIO, hash, why);
		return NULL;
	}
	node = cache_find(tree->cache, hash);
	if (!node)
		node = load(tree, hash);
	if (!node)
		return NULL;
	root = entry_dir("", 0, node->count, hash);
	node_unref(node);
	return root;
}

struct entry *tree_child(struct tree *tree, struct entry *dir,
			 const char *name, size_t len)
{
	struct node *node = dir_node(tree, dir);
	struct entry *entry = NULL;
	bool found;
	size_t at;

	if (!node)
		return NULL;
	at = node_search(node, name, len, &found);
	if (found)
		entry = entry_ref(node->entry[at]);
	node_unref(node);
	if (!entry)
		errno = ENOENT;
	return entry;
}

int tree_each(struct tree *tree, struct entry *dir, const char *after,
	      tree_each_f *cb, void *arg)
{
	struct node *node = dir_node(tree, dir);
	bool found = false;
	size_t at = 0;
	int stop = 0;

	if (!node)
		return -1;
	if (after)
		at = node_search(node, after, strlen(after), &found);
	for (at += found; at < node->count && !stop; at++)
		stop = cb(node->entry[at], arg);
	node_unref(node);
	return stop;
}

static int order(const struct node *a, size_t i, const struct node *b,
		 size_t j)
{
	if (i == a->count)
		return 1;
	if (j == b->count)
		return -1;
	return strcmp(a->entry[i]->bytes, b->entry[j]->bytes);
}

int tree_compare(struct tree *tree, struct entry *old, struct entry *new,
		 tree_compare_f *cb, void *arg)
{
	struct node *a = dir_node(tree, old), *b;
	size_t i = 0, j = 0;
	int stop = 0;

	if (!a)
		return -1;
	b = dir_node(tree, new);
	if (!b) {
		node_unref(a);
		return -1;
	}
	while (!stop && (i < a->count || j < b->count)) {
		int cmp = order(a, i, b, j);
		struct entry *x = cmp <= 0 ? a->entry[i++] : NULL;
		struct entry *y = cmp >= 0 ? b->entry[j++] : NULL;

		if (x != y && !(x && y && !x->dirty && !y->dirty &&
				tree_same(x, y)))
			stop = cb(x, y, arg);
	}
	node_unref(a);
	node_unref(b);
	return stop;
}

/* ---- changing ---- */

/* A change of an entry: OBJECT the node, BEFORE and AFTER what was and is. */
static void entry_discard(struct undo *undo)
{
	node_unref(undo->object);
	entry_unref(undo->before);
	entry_unref(undo->after);
}

static void entry_revert(struct undo *undo)
{
	struct node *node = undo->object;
	struct entry *after = undo->after, *now = NULL;
	bool found;

	if (undo->before) {
		now = node_set(node, undo->before);
	} else {
		size_t at = node_search(node, after->bytes, after->name_len,
					&found);

		assert(found);
		now = node_remove(node, at);
	}
	entry_unref(now);
	entry_unref(after);
	node_unref(node);
}

static void log_entry(struct tree *tree, struct node *node,
		      struct entry *before, struct entry *after)
{
	undo_push(tree->undo, (struct undo) {
		.revert = entry_revert, .discard = entry_discard,
		.object = node_ref(node), .before = before,
		.after = after ? entry_ref(after) : NULL });
}

/* Takes ENTRY. */
static int set_entry(struct tree *tree, struct node *node,
		     struct entry *entry)
{
	if (node->encoded + entry_encoded(entry) > NODE_SIZE_MAX) {
		entry_unref(entry);
		return tree_fail(tree, EFBIG, NULL, "the directory is full");
	}
	log_entry(tree, node, node_set(node, entry), entry);
	return 0;
}

/* The node of the directory in *SLOT, in a state in which it may be changed;
 * borrowed from *SLOT. Not logged: the content stays the same. */
static struct node *mutable(struct tree *tree, struct entry **slot)
{
	struct entry *entry = *slot;
	struct node *node, *copy;

	if (entry->dirty && entry->node->token == tree->token &&
	    !entry->node->sealed)
		return entry->node;
	node = dir_node(tree, entry);
	if (!node)
		return NULL;
	copy = node_clone(node, tree->token);
	*slot = entry_node(entry->bytes, entry->name_len, copy);
	entry_unref(entry);
	node_unref(node);
	return copy;
}

/* The node that PATH's last component is or will be in, changeable. MAKE:
 * makes directories on the way, in the place of anything else. */
static struct node *parent(struct tree *tree, struct entry **root,
			   const char *path, bool make)
{
	struct node *node = mutable(tree, root);
	const char *dot;

	for (; node && (dot = strchr(path, '.')); path = dot + 1) {
		size_t len = dot - path, at;
		bool found;

		at = node_search(node, path, len, &found);
		if (!found || node->entry[at]->kind != ENTRY_DIR) {
			if (!make) {
				errno = found ? ENOTDIR : ENOENT;
				return NULL;
			}
			if (set_entry(tree, node, entry_node(path, len,
					node_create(tree->token))) < 0)
				return NULL;
			at = node_search(node, path, len, &found);
		}
		node = mutable(tree, &node->entry[at]);
	}
	return node;
}

const char *tree_basename(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

int tree_set(struct tree *tree, struct entry **root, const char *path,
	     struct entry *entry)
{
	struct node *node = parent(tree, root, path, true);

	if (!node) {
		int errnum = errno;

		entry_unref(entry);
		errno = errnum;
		return -1;
	}
	return set_entry(tree, node, entry);
}

int tree_remove(struct tree *tree, struct entry **root, const char *path)
{
	struct node *node = parent(tree, root, path, false);
	const char *name = tree_basename(path);
	bool found;
	size_t at;

	if (!node)
		return -1;
	at = node_search(node, name, strlen(name), &found);
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	log_entry(tree, node, node_remove(node, at), NULL);
	return 0;
}

/* ---- values ---- */

struct entry *tree_value(struct tree *tree, const char *name,
			 const void *data, size_t len)
{
	struct value *value;

	if (len <= NODE_INLINE_MAX)
		return entry_inline(name, strlen(name), data, len);
	value = value_create(tree->token);
	value_append(&tree->space, value, data, len);
	return entry_value(name, strlen(name), value);
}

/* An append to a value in place: OBJECT the value, BEFORE its content if that
 * can't be had by making it shorter, NUMBER its size. */
static void append_discard(struct undo *undo)
{
	value_unref(undo->object);
	value_unref(undo->before);
}

static void append_revert(struct undo *undo)
{
	struct value *value = undo->object;

	if (undo->before)
		value_restore(value, undo->before);
	else
		value->size = undo->number;
	append_discard(undo);
}

static void append_open(struct tree *tree, struct value *value,
			const void *data, size_t len)
{
	bool ends_leaf = value->size % VALUE_LEAF + len >= VALUE_LEAF;

	undo_push(tree->undo, (struct undo) {
		.revert = append_revert, .discard = append_discard,
		.object = value_ref(value), .number = value->size,
		.before = ends_leaf ? value_clone(value, 0) : NULL });
	value_append(&tree->space, value, data, len);
}

static struct value *value_of(struct tree *tree, const struct entry *entry)
{
	struct value *value;
	const char *why;

	if (entry->kind == ENTRY_INLINE) {
		value = value_create(tree->token);
		value_append(&tree->space, value, entry_data(entry),
			     entry->len);
		return value;
	}
	if (entry->dirty)
		return value_clone(entry->value, tree->token);
	value = value_open(&tree->space, tree->token, entry->size,
			   entry_hash(entry), &why);
	if (!value)
		tree_fail(tree, EIO, entry_hash(entry), why);
	return value;
}

static struct entry *inline_longer(const struct entry *entry,
				   const void *data, size_t len)
{
	char both[NODE_INLINE_MAX];

	if (entry->len)
		memcpy(both, entry_data(entry), entry->len);
	if (len)
		memcpy(both + entry->len, data, len);
	return entry_inline(entry->bytes, entry->name_len, both,
			    entry->len + len);
}

int tree_append(struct tree *tree, struct entry **root, const char *path,
		const void *data, size_t len, uint64_t *offset)
{
	struct node *node = parent(tree, root, path, true);
	const char *name = tree_basename(path);
	struct entry *entry;
	struct value *value;
	bool found;
	size_t at;

	if (!node)
		return -1;
	at = node_search(node, name, strlen(name), &found);
	entry = found ? node->entry[at] : NULL;
	if (entry && entry->kind == ENTRY_DIR) {
		errno = EISDIR;
		return -1;
	}
	*offset = entry ? entry_size(entry) : 0;
	if (len > VALUE_MAX - *offset)
		return tree_fail(tree, EFBIG, NULL, "the value would be too long");
	if (!entry || entry->kind == ENTRY_LINK)
		return set_entry(tree, node, tree_value(tree, name, data,
							len));
	if (entry->kind == ENTRY_INLINE && entry->len + len <= NODE_INLINE_MAX)
		return set_entry(tree, node, inline_longer(entry, data, len));
	if (entry->kind == ENTRY_BLOB && entry->dirty &&
	    entry->value->token == tree->token) {
		append_open(tree, entry->value, data, len);
		return 0;
	}
	value = value_of(tree, entry);
	if (!value)
		return -1;
	value_append(&tree->space, value, data, len);
	return set_entry(tree, node, entry_value(name, strlen(name), value));
}
