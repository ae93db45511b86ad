/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: views, entries, values and directories. See db.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/database.h"

/* ---- views ---- */

static struct db_view *view_create(struct db *db, struct namespace *ns,
				   struct entry *root, uint64_t version,
				   bool applied)
{
	struct db_view *view = xmalloc(sizeof(*view));

	view->magic = DB_VIEW_MAGIC;
	view->db = db;
	view->ns = namespace_ref(ns);
	view->root = root;
	view->version = version;
	view->applied = applied;
	if (applied)
		db->applied_views++;
	view->next = db->views;
	view->link = &db->views;
	if (view->next)
		view->next->link = &view->next;
	db->views = view;
	if (!root->dirty)
		gc_pin(db, entry_hash(root));
	return view;
}

/* The tree with a hash: any that is stored. */
static struct db_view *view_of_hash(struct db *db, struct namespace *ns,
				    const struct db_hash *hash,
				    struct db_error *error)
{
	struct entry *root;

	if (gc_admit(db, hash, false, error) < 0)
		return NULL;
	root = tree_root(&db->tree, hash);
	if (!root) {
		db_fail(error, errno, "%s", db->tree.why);
		return NULL;
	}
	return view_create(db, ns, root, ns->durable.version, false);
}

static struct db_view *view_of_snapshot(struct db *db, struct namespace *ns,
					const char *name, bool applied,
					struct db_error *error)
{
	struct namespace *found = snapshot_find(db, ns, name, applied, error);
	struct state *state;

	if (!found)
		return NULL;
	state = applied ? &found->applied : &found->durable;
	return view_create(db, ns, entry_ref(state->root), state->version,
			   applied);
}

static int parse_version(const char *text, uint64_t *version)
{
	*version = 0;
	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    *version > (UINT64_MAX - 9) / 10)
			return -1;
		*version = *version * 10 + (*text - '0');
	}
	return 0;
}

static struct namespace *view_namespace(struct db *db, const char *name,
					bool applied, struct db_error *error)
{
	struct namespace *ns = namespace_find(db, name, applied);

	if (!ns)
		db_fail(error, ENOENT, "namespace %.255s does not exist",
			name);
	return ns;
}

static struct db_view *view_of_version(struct db *db, struct namespace *ns,
				       uint64_t version, bool floor,
				       struct db_error *error)
{
	struct entry *root = namespace_history(db, ns, &version, floor, error);

	return root ? view_create(db, ns, root, version, false) : NULL;
}

struct db_view *db_view_open(struct db *db, const char *name, const char *at,
			     bool applied, struct db_error *error)
{
	struct namespace *ns = view_namespace(db, name, applied, error);
	struct db_hash hash;
	struct state *state;
	uint64_t version;

	assert(db->magic == DB_MAGIC);
	if (!ns)
		return NULL;
	state = applied ? &ns->applied : &ns->durable;
	if (!at)
		return view_create(db, ns, entry_ref(state->root),
				   state->version, applied);
	if (*at == '@')
		return view_of_snapshot(db, ns, at + 1, applied, error);
	if (!db_hash_parse(at, &hash))
		return view_of_hash(db, ns, &hash, error);
	if (parse_version(at, &version) < 0) {
		db_fail(error, EINVAL, "'%.80s' is neither a version nor a "
			"hash nor @ and a snapshot's name", at);
		return NULL;
	}
	if (applied && version == state->version)
		return view_create(db, ns, entry_ref(state->root), version,
				   true);
	return view_of_version(db, ns, version, false, error);
}

struct db_view *db_view_open_from(struct db *db, const char *name,
				  uint64_t version, struct db_error *error)
{
	struct namespace *ns = view_namespace(db, name, false, error);

	return ns ? view_of_version(db, ns, version, true, error) : NULL;
}

void db_view_close(struct db_view *view)
{
	if (!view)
		return;
	assert(view->magic == DB_VIEW_MAGIC);
	if (view->applied)
		view->db->applied_views--;
	*view->link = view->next;
	if (view->next)
		view->next->link = view->link;
	entry_unref(view->root);
	namespace_unref(view->ns);
	view->magic = 0;
	free(view);
}

uint64_t db_view_version(const struct db_view *view)
{
	return view->version;
}

int db_view_root(const struct db_view *view, struct db_hash *hash)
{
	if (view->root->dirty) {
		errno = EAGAIN;
		return -1;
	}
	*hash = *entry_hash(view->root);
	return 0;
}

/* ---- entries ---- */

static const enum db_type type_of[] = {
	[ENTRY_INLINE] = DB_VALUE, [ENTRY_BLOB] = DB_VALUE,
	[ENTRY_DIR] = DB_DIR, [ENTRY_LINK] = DB_LINK,
};

/* Takes CONTENT. */
void entry_fill(struct db_entry *entry, struct entry *content)
{
	entry->type = type_of[content->kind];
	entry->size = entry_size(content);
	if (content->kind == ENTRY_LINK) {
		entry->target = entry_target(content);
		entry->target_ns = entry_target_ns(content);
	}
	entry->private = content;
}

int db_lookup(struct db_view *view, const char *key, bool nofollow,
	      int (*check)(const char *ns, uid_t owner, void *arg), void *arg,
	      struct db_entry *entry, struct db_error *error)
{
	struct walk walk;
	struct entry *content;

	assert(view->magic == DB_VIEW_MAGIC);
	walk.db = view->db;
	walk.applied = view->applied;
	walk.nofollow = nofollow;
	walk.note_links = true;
	walk.check = check;
	walk.arg = arg;
	walk.ns = view->ns;
	walk.root = view->root;
	content = walk_run(&walk, key, error);
	entry->target = entry->target_ns = NULL;
	entry->private = NULL;
	entry->link = walk.link;
	entry->links = walk.links;
	strcpy(entry->ns, walk.ns->name);
	strcpy(entry->key, walk.key);
	if (!content)
		return -1;
	entry_fill(entry, content);
	return 0;
}

void db_entry_clear(struct db_entry *entry)
{
	int errnum = errno;

	entry_unref(entry->private);
	free(entry->link);
	entry->private = NULL;
	entry->link = NULL;
	entry->links = 0;
	errno = errnum;
}

int db_entry_hash(struct db_view *view, const struct db_entry *entry,
		  struct db_hash *hash)
{
	struct entry *content = entry->private;

	if (content->dirty) {
		errno = EAGAIN;
		return -1;
	}
	tree_hash(content, hash);
	return 0;
}

ssize_t db_read(struct db_view *view, const struct db_entry *entry,
		uint64_t offset, void *buf, size_t len)
{
	assert(view->magic == DB_VIEW_MAGIC);
	if (entry->type != DB_VALUE) {
		errno = entry->type == DB_DIR ? EISDIR : EINVAL;
		return -1;
	}
	return tree_read(&view->db->tree, entry->private, offset, buf, len);
}

/* Values that fit an entry of a directory. */
static int same_bytes(struct db_view *view, const struct db_entry *a,
		      const struct db_entry *b, size_t len)
{
	char *x = xmalloc(2 * len), *y = x + len;
	int rc = -1;

	if (db_read(view, a, 0, x, len) == (ssize_t)len &&
	    db_read(view, b, 0, y, len) == (ssize_t)len)
		rc = !memcmp(x, y, len);
	free(x);
	return rc;
}

int db_same_prefix(struct db_view *view, const struct db_entry *a,
		   const struct db_entry *b, uint64_t len)
{
	struct tree *tree = &view->db->tree;
	struct entry *x = a->private, *y = b->private;
	const char *why = "it is not a value";
	int rc;

	assert(!x->dirty && !y->dirty);
	if (a->size < len || b->size < len)
		return 0;
	if (x->kind != ENTRY_BLOB || y->kind != ENTRY_BLOB)
		return same_bytes(view, a, b, len);
	rc = value_same_prefix(&tree->space, a->size, entry_hash(x), b->size,
			       entry_hash(y), len, &why);
	return rc < 0 ? tree_fail(tree, EIO, entry_hash(y), why) : rc;
}

struct list {
	db_list_f *cb;
	void *arg;
};

static int list_one(struct entry *entry, void *arg)
{
	struct list *list = arg;

	return list->cb(type_of[entry->kind], entry_size(entry), entry->bytes,
			list->arg);
}

int db_list(struct db_view *view, const struct db_entry *entry,
	    const char *after, db_list_f *cb, void *arg)
{
	struct list list = { cb, arg };

	assert(view->magic == DB_VIEW_MAGIC);
	return tree_each(&view->db->tree, entry->private, after, list_one,
			 &list);
}

const char *db_why(const struct db_view *view)
{
	return view->db->tree.why;
}
