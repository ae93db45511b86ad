/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting out what is damaged: see fsck.h.
 *
 * An entry that cannot be read is removed. A directory of which nodes cannot
 * be read is made anew of the entries that can. A root that cannot be read
 * gives way to that of the newest version that can. History up to a version
 * with damage is dropped. The blobs that do not have their hash go too: else
 * who stores the same bytes again would get them.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/fsck.h"
#include "kvsd/iter.h"

/* ---- one directory ---- */

/* All that can be read of DIR, in a new one of that name. */
static struct entry *remake(struct tree *tree, const struct entry *dir)
{
	struct entry *fresh = tree_empty(tree, dir->bytes), *entry;
	struct iter it;

	if (iter_open(&it, tree, dir, NULL) < 0)
		return fresh;
	while (iter_get(&it) > 0) {
		if (it.level) {
			if (iter_enter(&it) < 0)
				iter_pass(&it);
			continue;
		}
		entry = iter_entry(&it);
		iter_pass(&it);
		tree_set(tree, &fresh, entry->bytes, entry);
	}
	iter_close(&it);
	return fresh;
}

/* The directory at PATH below ROOT, a reference of the caller's. */
static struct entry *find(struct tree *tree, struct entry *root,
			  const char *path)
{
	struct entry *entry = entry_ref(root), *child;

	while (*path) {
		size_t n = strcspn(path, ".");

		child = tree_child(tree, entry, path, n);
		entry_unref(entry);
		if (!child)
			return NULL;
		entry = child;
		path += n + (path[n] == '.');
	}
	return entry;
}

static void remake_at(struct db *db, struct namespace *ns, const char *path)
{
	struct entry *dir = find(&db->tree, ns->applied.root, path), *fresh;

	if (!dir)
		return;		/* it was in what was cut out */
	fresh = remake(&db->tree, dir);
	entry_unref(dir);
	if (*path) {
		tree_set(&db->tree, &ns->applied.root, path, fresh);
		return;
	}
	undo_discard(&db->undo);
	entry_unref(ns->applied.root);
	ns->applied.root = fresh;
}

static void remove_at(struct db *db, struct namespace *ns,
		      const struct damage *d)
{
	size_t len = strlen(d->dir);
	char *path = xmalloc(len + strlen(d->name) + 2);

	memcpy(path, d->dir, len);
	if (len)
		path[len++] = '.';
	strcpy(path + len, d->name);
	tree_remove(&db->tree, &ns->applied.root, path);
	free(path);
}

/* ---- the root ---- */

struct newest {
	struct db *db;
	uint64_t id, below;
	struct entry *root;
};

static int newest_whole(const unsigned char *key, size_t key_len,
			const unsigned char *data, size_t len, void *arg)
{
	struct newest *n = arg;
	struct entry *root;

	if (key_len != 16 || bytes_get(key, 8) != n->id ||
	    bytes_get(key + 8, 8) >= n->below)
		return 1;
	root = len < DB_HASH_SIZE ? NULL :
		tree_root(&n->db->tree, (const struct db_hash *)data);
	if (root) {
		entry_unref(n->root);
		n->root = root;
	}
	return 0;
}

static void replace_root(struct db *db, struct namespace *ns)
{
	struct newest n = { db, ns->id, ns->applied.version, NULL };
	unsigned char from[16];

	bytes_put(bytes_put(from, ns->id, 8), 0, 8);
	store_each(db->store, STORE_HISTORY, from, sizeof(from), newest_whole,
		   &n);
	undo_discard(&db->undo);
	entry_unref(ns->applied.root);
	ns->applied.root = n.root ? n.root : tree_empty(&db->tree, "");
}

/* ---- all ---- */

static unsigned depth(const char *path)
{
	unsigned n = *path != '\0';

	for (; *path; path++)
		n += *path == '.';
	return n;
}

/* Directories from the root down, each before its entries are removed. */
static int by_depth(const void *a, const void *b)
{
	const struct damage *x = a, *y = b;
	unsigned m = depth(x->dir), n = depth(y->dir);
	int order;

	if (m != n)
		return m < n ? -1 : 1;
	order = strcmp(x->dir, y->dir);
	return order ? order : !!x->name - !!y->name;
}

static void mend_namespace(struct fsck *f, struct namespace *ns)
{
	struct db *db = f->db;
	const char *remade = NULL;

	db->tree.token++;
	for (size_t i = 0; i < f->count; i++) {
		const struct damage *d = &f->damage[i];

		if (d->ns != ns || !d->now)
			continue;
		if (d->name)
			remove_at(db, ns, d);
		else if (!d->upto)
			replace_root(db, ns);
		else if (!remade || strcmp(remade, d->dir))
			remake_at(db, ns, d->dir);
		remade = d->name ? remade : d->dir;
	}
	undo_discard(&db->undo);
	ns->applied.version++;
	namespace_changed(db, ns);
}

static bool is_damaged(const struct fsck *f, const struct namespace *ns)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->damage[i].ns == ns && f->damage[i].now)
			return true;
	return false;
}

static void drop_history(struct db *db, const struct namespace *ns,
			 uint64_t upto)
{
	unsigned char from[16], to[16];

	bytes_put(bytes_put(from, ns->id, 8), 0, 8);
	bytes_put(bytes_put(to, ns->id, 8), upto + 1, 8);
	store_delete_range(&db->batch->changes, STORE_HISTORY, from, 16, to,
			   16, 0);
	db->batch->dirty = true;
}

static void on_durable(void *arg, uint64_t ticket,
		       const struct db_error *error)
{
	*(struct db_error *)arg = *error;
}

int fsck_mend(struct fsck *f, struct db_error *error)
{
	struct db *db = f->db;
	const struct db_hash *bad;
	size_t at = 0;

	qsort(f->damage, f->count, sizeof(*f->damage), by_depth);
	for (size_t i = 0; i < db->ns_count; i++) {
		struct namespace *ns = db->ns[i];
		bool now = ns->durable.root && is_damaged(f, ns);

		if (now)
			mend_namespace(f, ns);
		if (now || f->old[i])
			drop_history(db, ns, now ? ns->durable.version :
				     f->old[i]);
	}
	while ((bad = hash_set_next(&f->bad, &at))) {
		blob_set_bury(db->batch->blobs, bad);
		db->batch->dirty = true;
	}
	error->errnum = 0;
	db->on_durable = on_durable;
	db->arg = error;
	db_wait(db);
	return error->errnum ? -1 : 0;
}
