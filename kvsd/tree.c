/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of directories: see tree.h. Here: finding and changing. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/iter.h"
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

struct entry *tree_empty(struct tree *tree, const char *name)
{
	return entry_open_dir(name, strlen(name), dir_create(tree->token));
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
	node = cursor_load(tree, hash);
	if (!node)
		return NULL;
	/* Any node is a directory of what is below it, but for this. */
	if (node->level && node->count == 1)
		root = tree_root(tree, item_hash(node_item(node, 0)));
	else
		root = entry_dir("", 0, &node->extent, hash);
	node_unref(node);
	return root;
}

/* What is stored of DIR (or of what it was opened from) by that name. */
static struct entry *stored_child(struct tree *tree,
				  const struct db_hash *hash,
				  const struct extent *extent,
				  const char *name, size_t len)
{
	struct entry *entry = NULL;
	struct cursor c;
	int found;

	if (cursor_open(&c, tree, hash, extent) < 0)
		return NULL;
	found = cursor_seek(&c, 0, name, len);
	if (found > 0)
		entry = item_decode(node_item(c.frame[0].node,
					      c.frame[0].at));
	cursor_close(&c);
	if (!entry)
		errno = found < 0 ? EIO : ENOENT;
	return entry;
}

/* As tree_child. */
static struct entry *dir_child(struct tree *tree, const struct dir *dir,
			       const char *name, size_t len)
{
	struct entry *entry = overlay_find(&dir->changes, name, len);

	if (entry && entry->kind != ENTRY_GONE)
		return entry_ref(entry);
	errno = ENOENT;
	if (entry || !dir->stored)
		return NULL;
	return stored_child(tree, &dir->hash, &dir->stored_extent, name, len);
}

struct entry *tree_child(struct tree *tree, struct entry *dir,
			 const char *name, size_t len)
{
	struct extent extent;

	if (dir->kind != ENTRY_DIR) {
		errno = ENOTDIR;
		return NULL;
	}
	if (dir->dirty)
		return dir_child(tree, dir->dir, name, len);
	extent = entry_extent(dir);
	return stored_child(tree, entry_hash(dir), &extent, name, len);
}

int tree_each(struct tree *tree, struct entry *dir, const char *after,
	      tree_each_f *cb, void *arg)
{
	struct iter it;
	int more, stop = 0;

	if (dir->kind != ENTRY_DIR) {
		errno = ENOTDIR;
		return -1;
	}
	if (iter_open(&it, tree, dir, after) < 0)
		return -1;
	while (!stop) {
		struct entry *entry;

		more = iter_get(&it);
		if (more <= 0) {
			stop = more;
			break;
		}
		if (it.level) {
			stop = iter_enter(&it);
			continue;
		}
		entry = iter_entry(&it);
		iter_pass(&it);
		stop = cb(entry, arg);
		entry_unref(entry);
	}
	iter_close(&it);
	return stop;
}

/* ---- changing ---- */

/* A directory and those above it up to the root, of which the extents were
 * changed. */
struct chain {
	struct extent change;	/* ENTRIES is of the first alone */
	unsigned count;
	struct dir *dir[];
};

/* CHANGE is made. NULL: the tree would be too large, and nothing is done. */
static struct chain *chain_create(struct tree *tree, struct dir *dir,
				  struct extent change)
{
	struct dir *root = dir;
	struct chain *chain;
	unsigned count = 1;

	for (; root->up; root = root->up)
		count++;
	if (root->extent.keys + change.keys > EXTENT_MAX ||
	    root->extent.bytes + change.bytes > EXTENT_MAX) {
		tree_fail(tree, EFBIG, NULL, "the tree would be too large");
		return NULL;
	}
	chain = xmalloc(sizeof(*chain) + count * sizeof(struct dir *));
	chain->change = change;
	chain->count = count;
	for (unsigned i = 0; i < count; i++, dir = dir->up) {
		chain->dir[i] = dir_ref(dir);
		extent_add(&dir->extent, change);
		change.entries = 0;
	}
	return chain;
}

static void chain_destroy(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		dir_unref(chain->dir[i]);
	free(chain);
}

static void chain_revert(struct chain *chain)
{
	struct extent change = chain->change;

	for (unsigned i = 0; i < chain->count; i++) {
		struct dir *dir = chain->dir[i];

		dir->extent = extent_less(dir->extent, change);
		change.entries = 0;
	}
	chain_destroy(chain);
}

/* A change of a directory: OBJECT its chain, BEFORE and AFTER its change
 * of that name that was (or NULL) and is. */
static void change_discard(struct undo *undo)
{
	chain_destroy(undo->object);
	entry_unref(undo->before);
	entry_unref(undo->after);
}

static void change_revert(struct undo *undo)
{
	struct chain *chain = undo->object;
	struct dir *dir = chain->dir[0];
	struct entry *after = undo->after, *now;

	if (undo->before)
		now = overlay_put(&dir->changes, undo->before);
	else
		now = overlay_take(&dir->changes, after->bytes,
				   after->name_len);
	assert(now);
	entry_unref(now);
	entry_unref(after);
	chain_revert(chain);
}

/* Takes ENTRY, which may be of ENTRY_GONE. OLD is the share of what there is
 * of that name. DIR was come to by open_root and open_child. EFBIG. */
static int set_entry(struct tree *tree, struct dir *dir, struct entry *entry,
		     struct extent old)
{
	struct chain *chain;

	assert(!dir->sealed && dir->token == tree->token);
	chain = chain_create(tree, dir, extent_less(entry_share(entry), old));
	if (!chain) {
		entry_unref(entry);
		errno = EFBIG;
		return -1;
	}
	undo_push(tree->undo, (struct undo) {
		.revert = change_revert, .discard = change_discard,
		.object = chain, .after = entry_ref(entry),
		.before = overlay_put(&dir->changes, entry) });
	return 0;
}

static bool changeable(const struct tree *tree, const struct entry *entry)
{
	return entry->dirty && entry->dir->token == tree->token &&
		!entry->dir->sealed;
}

/* The directory in *SLOT, in a state in which it may be changed; borrowed from
 * *SLOT. Not logged: the content stays the same. */
static struct dir *open_root(struct tree *tree, struct entry **slot)
{
	struct entry *entry = *slot;

	if (!changeable(tree, entry)) {
		*slot = entry_open_dir(entry->bytes, entry->name_len,
				       dir_open(entry, tree->token));
		entry_unref(entry);
	}
	(*slot)->dir->up = NULL;
	return (*slot)->dir;
}

/* The same of the directory NAME in DIR. MAKE: makes one, in the place of
 * anything else. */
static struct dir *open_child(struct tree *tree, struct dir *dir,
			      const char *name, size_t len, bool make)
{
	struct entry *entry = overlay_find(&dir->changes, name, len), *old;
	struct dir *child = NULL;

	if (entry && entry->kind == ENTRY_DIR && changeable(tree, entry)) {
		entry->dir->up = dir;
		return entry->dir;
	}
	old = dir_child(tree, dir, name, len);
	if (!old && (errno != ENOENT || !make))
		return NULL;
	if (old && old->kind == ENTRY_DIR) {
		child = dir_open(old, tree->token);
		entry_unref(overlay_put(&dir->changes,
					entry_open_dir(name, len, child)));
	} else if (make) {
		child = dir_create(tree->token);
		if (set_entry(tree, dir, entry_open_dir(name, len, child),
			      entry_share(old)) < 0)
			child = NULL;
	} else {
		errno = ENOTDIR;
	}
	if (child)
		child->up = dir;
	entry_unref(old);
	return child;
}

/* The directory that PATH's last component is or will be in, changeable. */
static struct dir *parent(struct tree *tree, struct entry **root,
			  const char *path, bool make)
{
	struct dir *dir = open_root(tree, root);
	const char *dot;

	for (; dir && (dot = strchr(path, '.')); path = dot + 1)
		dir = open_child(tree, dir, path, dot - path, make);
	return dir;
}

const char *tree_basename(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* The share of what DIR has of that NAME; nothing if there is none. -1 EIO. */
static int dir_share(struct tree *tree, const struct dir *dir,
		     const char *name, struct extent *share)
{
	size_t len = strlen(name);
	struct entry *entry = overlay_find(&dir->changes, name, len);
	struct cursor c;
	int found;

	*share = entry_share(entry);
	if (entry || !dir->stored)
		return 0;
	if (cursor_open(&c, tree, &dir->hash, &dir->stored_extent) < 0)
		return -1;
	found = cursor_seek(&c, 0, name, len);
	if (found > 0)
		*share = item_share(node_item(c.frame[0].node,
					      c.frame[0].at));
	cursor_close(&c);
	if (found >= 0)
		return 0;
	errno = EIO;
	return -1;
}

int tree_set(struct tree *tree, struct entry **root, const char *path,
	     struct entry *entry)
{
	struct dir *dir = parent(tree, root, path, true);
	struct extent old;

	if (!dir || dir_share(tree, dir, tree_basename(path), &old) < 0) {
		int errnum = errno;

		entry_unref(entry);
		errno = errnum;
		return -1;
	}
	return set_entry(tree, dir, entry, old);
}

int tree_remove(struct tree *tree, struct entry **root, const char *path)
{
	struct dir *dir = parent(tree, root, path, false);
	const char *name = tree_basename(path);
	struct extent old;

	if (!dir || dir_share(tree, dir, name, &old) < 0)
		return -1;
	if (!old.entries) {
		errno = ENOENT;
		return -1;
	}
	return set_entry(tree, dir, entry_gone(name, strlen(name)), old);
}

/* ---- values ---- */

struct entry *tree_value(struct tree *tree, const char *name,
			 const void *data, size_t len)
{
	struct value *value;

	if (len <= ENTRY_INLINE_MAX)
		return entry_inline(name, strlen(name), data, len);
	value = value_create(tree->token);
	value_append(&tree->space, value, data, len);
	return entry_value(name, strlen(name), value);
}

/* An append to a value in place: OBJECT the value, BEFORE its content if that
 * can't be had by making it shorter, NUMBER its size; AFTER the chain of the
 * directory that it is in, and NULL when that is done with. */
static void append_discard(struct undo *undo)
{
	if (undo->after)
		chain_destroy(undo->after);
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
	chain_revert(undo->after);
	undo->after = NULL;
	append_discard(undo);
}

static int append_open(struct tree *tree, struct dir *dir,
		       struct value *value, const void *data, size_t len)
{
	bool ends_leaf = value->size % VALUE_LEAF + len >= VALUE_LEAF;
	struct chain *chain = chain_create(tree, dir, (struct extent) {
					   .bytes = len });

	if (!chain)
		return -1;
	undo_push(tree->undo, (struct undo) {
		.revert = append_revert, .discard = append_discard,
		.object = value_ref(value), .number = value->size,
		.before = ends_leaf ? value_clone(value, 0) : NULL,
		.after = chain });
	value_append(&tree->space, value, data, len);
	return 0;
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
	char both[ENTRY_INLINE_MAX];

	if (entry->len)
		memcpy(both, entry_data(entry), entry->len);
	if (len)
		memcpy(both + entry->len, data, len);
	return entry_inline(entry->bytes, entry->name_len, both,
			    entry->len + len);
}

static int append_entry(struct tree *tree, struct dir *dir, const char *name,
			struct entry *old, const void *data, size_t len)
{
	struct extent share = entry_share(old);
	struct value *value;

	if (!old || old->kind == ENTRY_LINK)
		return set_entry(tree, dir, tree_value(tree, name, data, len),
				 share);
	if (old->kind == ENTRY_INLINE && old->len + len <= ENTRY_INLINE_MAX)
		return set_entry(tree, dir, inline_longer(old, data, len),
				 share);
	if (old->kind == ENTRY_BLOB && old->dirty &&
	    old->value->token == tree->token)
		return append_open(tree, dir, old->value, data, len);
	value = value_of(tree, old);
	if (!value)
		return -1;
	value_append(&tree->space, value, data, len);
	return set_entry(tree, dir, entry_value(name, strlen(name), value),
			 share);
}

int tree_append(struct tree *tree, struct entry **root, const char *path,
		const void *data, size_t len, uint64_t *offset)
{
	struct dir *dir = parent(tree, root, path, true);
	const char *name = tree_basename(path);
	struct entry *old;
	int rc = -1;

	if (!dir)
		return -1;
	old = dir_child(tree, dir, name, strlen(name));
	if (!old && errno != ENOENT)
		return -1;
	*offset = old ? entry_size(old) : 0;
	if (old && old->kind == ENTRY_DIR)
		errno = EISDIR;
	else if (len > VALUE_MAX - *offset)
		tree_fail(tree, EFBIG, NULL, "the value would be too long");
	else
		rc = append_entry(tree, dir, name, old, data, len);
	entry_unref(old);
	return rc;
}
