/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at all that is stored: see fsck.h.
 *
 * First every blob is hashed, in the order of the file. Then each version of
 * each namespace is walked from its root, the present one first. What was
 * found whole is not looked at again, so that a version costs what it does not
 * share with others. Trees may be deeper than the stack: there is no recursion.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/fsck.h"
#include "kvsd/iter.h"

#define PIECE		65536	/* of a value, bytes at a time */
#define STEPS		4096	/* between two calls of progress */

struct fsck_level {
	struct iter it;
	struct db_hash hash, leaf;
	bool in_leaf;
	uint64_t before, before_leaf;	/* damages, when they were entered */
	size_t path_len;		/* of the directory above */
	char after[ENTRY_NAME_MAX + 1];	/* the last name that was passed */
};

static void step(struct fsck *f)
{
	if (f->progress && ++f->step % STEPS == 0)
		f->progress(&f->stats, f->arg);
}

/* ---- the file ---- */

static int check_blob(const unsigned char *key, size_t key_len,
		      const unsigned char *data, size_t len, void *arg)
{
	struct fsck *f = arg;
	struct db_hash hash, found;

	step(f);
	f->stats.blobs++;
	f->stats.blob_bytes += len;
	if (key_len != sizeof(hash))
		return 0;
	memcpy(&hash, key, sizeof(hash));
	blob_hash(data, len, &found);
	if (memcmp(&hash, &found, sizeof(hash)))
		hash_set_add(&f->bad, &hash);
	return 0;
}

/* ---- what was found ---- */

static char *copy_name(const void *name, size_t len)
{
	char *copy = xmalloc(len + 1);

	if (len)
		memcpy(copy, name, len);
	copy[len] = '\0';
	return copy;
}

/* HASH is that of what could not be read. */
static struct damage *found(struct fsck *f, const struct db_hash *hash)
{
	struct damage *d;

	f->damages++;
	/* older versions share it with the present one, and with each other */
	if (!hash_set_add(&f->told, hash) && !f->now)
		return NULL;
	if (f->count == f->room) {
		f->room = f->room ? 2 * f->room : 16;
		f->damage = xrealloc(f->damage, f->room * sizeof(*f->damage));
	}
	d = &f->damage[f->count++];
	memset(d, 0, sizeof(*d));
	d->ns = f->ns;
	d->version = f->version;
	d->now = f->now;
	d->dir = copy_name(f->path, f->path_len);
	d->why = xstrdup(f->db->tree.why);
	return d;
}

static void found_entry(struct fsck *f, const struct entry *entry)
{
	struct damage *d = found(f, entry_hash(entry));

	if (!d)
		return;
	if (entry->name_len)
		d->name = xstrdup(entry->bytes);
	d->entries = entry->kind == ENTRY_DIR ? entry->size : 0;
}

static void found_node(struct fsck *f, const struct fsck_level *l)
{
	const unsigned char *item = l->it.item;
	struct damage *d = found(f, item_hash(item));

	if (!d)
		return;
	d->after = xstrdup(l->after);
	d->upto = copy_name(item_name(item), item_name_len(item));
	d->entries = item_size(item);
}

/* ---- a tree ---- */

static void path_push(struct fsck *f, const char *name, size_t len)
{
	if (f->path_len + len + 2 > f->path_room) {
		f->path_room = 2 * f->path_room + len + 64;
		f->path = xrealloc(f->path, f->path_room);
	}
	if (f->path_len)
		f->path[f->path_len++] = '.';
	memcpy(f->path + f->path_len, name, len);
	f->path_len += len;
}

/* Into the directory ENTRY. */
static void enter(struct fsck *f, const struct entry *entry)
{
	struct fsck_level *l;

	if (hash_set_has(&f->whole, entry_hash(entry)))
		return;
	if (f->depth == f->levels) {
		f->levels = f->levels ? 2 * f->levels : 16;
		f->level = xrealloc(f->level, f->levels * sizeof(*f->level));
	}
	l = &f->level[f->depth];
	if (iter_open(&l->it, &f->db->tree, entry, NULL) < 0) {
		found_entry(f, entry);
		return;
	}
	l->hash = *entry_hash(entry);
	l->in_leaf = false;
	l->before = f->damages;
	l->path_len = f->path_len;
	l->after[0] = '\0';
	f->depth++;
	if (entry->name_len)
		path_push(f, entry->bytes, entry->name_len);
}

static void leave_leaf(struct fsck *f, struct fsck_level *l)
{
	if (l->in_leaf && l->before_leaf == f->damages)
		hash_set_add(&f->whole, &l->leaf);
	l->in_leaf = false;
}

static void leave(struct fsck *f, struct fsck_level *l)
{
	leave_leaf(f, l);
	iter_close(&l->it);
	if (l->before == f->damages)
		hash_set_add(&f->whole, &l->hash);
	f->path_len = l->path_len;
	f->depth--;
}

static void check_value(struct fsck *f, const struct entry *entry)
{
	static char piece[PIECE];
	uint64_t at = 0;
	ssize_t n;

	if (hash_set_has(&f->whole, entry_hash(entry)))
		return;
	for (; at < entry->size; at += n) {
		n = tree_read(&f->db->tree, entry, at, piece, sizeof(piece));
		if (n <= 0) {
			found_entry(f, entry);
			return;
		}
		f->stats.bytes += n;
		step(f);
	}
	hash_set_add(&f->whole, entry_hash(entry));
}

static void set_after(struct fsck_level *l)
{
	const unsigned char *item = l->it.item;

	memcpy(l->after, item_name(item), item_name_len(item));
	l->after[item_name_len(item)] = '\0';
}

/* The iterator of L is at a node. */
static void check_node(struct fsck *f, struct fsck_level *l)
{
	struct db_hash hash = *item_hash(l->it.item);

	leave_leaf(f, l);
	if (l->it.level == 1 && hash_set_has(&f->whole, &hash)) {
		set_after(l);
		iter_pass(&l->it);
		return;
	}
	if (iter_enter(&l->it) < 0) {
		found_node(f, l);
		set_after(l);
		iter_pass(&l->it);
	} else if (l->it.level == 0) {
		l->in_leaf = true;
		l->leaf = hash;
		l->before_leaf = f->damages;
	}
}

static void check_entry(struct fsck *f, struct fsck_level *l)
{
	struct entry *entry = iter_entry(&l->it);

	f->stats.keys++;
	step(f);
	set_after(l);
	iter_pass(&l->it);
	if (entry->kind == ENTRY_DIR)
		enter(f, entry);	/* L may have moved */
	else if (entry->kind == ENTRY_BLOB)
		check_value(f, entry);
	entry_unref(entry);
}

static void check_tree(struct fsck *f, const struct entry *root)
{
	f->path_len = 0;
	f->stats.versions++;
	enter(f, root);
	while (f->depth) {
		struct fsck_level *l = &f->level[f->depth - 1];

		if (iter_get(&l->it) <= 0)
			leave(f, l);
		else if (l->it.level)
			check_node(f, l);
		else
			check_entry(f, l);
	}
}

/* ---- versions ---- */

struct past {
	uint64_t id;
	size_t count, room;
	struct version {
		uint64_t number;
		struct extent extent;
		struct db_hash root;
	} *version;
};

static int add_version(const unsigned char *key, size_t key_len,
		       const unsigned char *data, size_t len, void *arg)
{
	struct past *past = arg;
	struct version *v;

	if (key_len != 16 || bytes_get(key, 8) != past->id)
		return 1;
	if (len < DB_HASH_SIZE + 24)
		return 0;
	if (past->count == past->room) {
		past->room = past->room ? 2 * past->room : 64;
		past->version = xrealloc(past->version,
					 past->room * sizeof(*v));
	}
	v = &past->version[past->count++];
	v->number = bytes_get(key + 8, 8);
	memcpy(&v->root, data, DB_HASH_SIZE);
	v->extent.entries = bytes_get(data + DB_HASH_SIZE, 8);
	v->extent.keys = bytes_get(data + DB_HASH_SIZE + 8, 8);
	v->extent.bytes = bytes_get(data + DB_HASH_SIZE + 16, 8);
	return 0;
}

static void check_version(struct fsck *f, const struct version *v)
{
	struct entry *root = entry_dir("", 0, &v->extent, &v->root);
	uint64_t before = f->damages;

	f->version = v->number;
	check_tree(f, root);
	entry_unref(root);
	if (f->damages > before)
		f->old[f->at] = v->number;
}

/* The present version first: what is told of it is not told of older ones. */
static int check_namespace(struct fsck *f, struct namespace *ns)
{
	struct past past = { .id = ns->id };
	unsigned char from[16];
	int rc;

	f->ns = ns;
	f->version = ns->durable.version;
	f->now = true;
	check_tree(f, ns->durable.root);
	f->now = false;
	bytes_put(bytes_put(from, ns->id, 8), 0, 8);
	rc = store_each(f->db->store, STORE_HISTORY, from, sizeof(from),
			add_version, &past);
	for (size_t i = 0; i < past.count; i++)
		if (past.version[i].number != ns->durable.version)
			check_version(f, &past.version[i]);
	free(past.version);
	return rc;
}

void fsck_check(struct fsck *f)
{
	struct db *db = f->db;

	/* what can be found by its hash is looked at all the same */
	f->pages = store_each(db->store, STORE_BLOB, NULL, 0, check_blob,
			      f) < 0;
	f->old = xcalloc(db->ns_count, sizeof(*f->old));
	for (f->at = 0; f->at < db->ns_count; f->at++)
		if (db->ns[f->at]->durable.root)
			f->pages |= check_namespace(f, db->ns[f->at]) < 0;
	store_read_end(db->store);
}

void fsck_clear(struct fsck *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->damage[i].dir);
		free(f->damage[i].name);
		free(f->damage[i].after);
		free(f->damage[i].upto);
		free(f->damage[i].why);
	}
	free(f->damage);
	free(f->old);
	free(f->level);
	free(f->path);
	hash_set_free(&f->bad);
	hash_set_free(&f->whole);
	hash_set_free(&f->told);
	*f = (struct fsck){ .db = f->db, .progress = f->progress,
			    .arg = f->arg };
}
