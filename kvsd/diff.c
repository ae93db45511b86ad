/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two states below a key, or between two entries: see
 * db.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/database.h"

struct diff {
	struct db *db;
	struct db_entry entry;	/* for the callback; ns is set */
	char key[DB_KEY_MAX + 1];	/* of the entry in hand */
	size_t len;			/* of key */
	int depth;			/* components in key */
	const char *skip;	/* the rest of the way to what was told last:
				   entries on it are told, and those before
				   it; NULL: all that come are new */
	db_diff_f *cb;
	db_change_f *change;	/* or NULL; then of db_changes: */
	bool recursive;
	struct db_entry was;
	void *arg;
	bool failed;
	struct db_error *error;
};

static int tell(struct diff *diff, enum wire_operation_id op,
		struct entry *content)
{
	int stop;

	if (!content)
		return diff->cb(op, diff->key, NULL, diff->arg);
	strcpy(diff->entry.key, diff->key);
	diff->entry.target = diff->entry.target_ns = NULL;
	entry_fill(&diff->entry, entry_ref(content));
	stop = diff->cb(op, diff->key, &diff->entry, diff->arg);
	db_entry_clear(&diff->entry);
	return stop;
}

static const struct db_entry *fill(struct db_entry *entry,
				   struct entry *content)
{
	if (!content)
		return NULL;
	entry->target = entry->target_ns = NULL;
	entry_fill(entry, entry_ref(content));
	return entry;
}

static int tell_change(struct diff *diff, struct entry *old,
		       struct entry *new)
{
	int stop = diff->change(diff->len ? diff->key : ".",
				fill(&diff->was, old),
				fill(&diff->entry, new), diff->arg);

	db_entry_clear(&diff->was);
	db_entry_clear(&diff->entry);
	return stop;
}

static int compare(struct diff *diff, struct entry *old, struct entry *new);

/* Whether NAME, the next child, comes before the way to what was told. */
static bool skip_child(struct diff *diff, const char *name)
{
	size_t len = strcspn(diff->skip, ".");
	int order = strncmp(name, diff->skip, len);

	if (!order)
		order = name[len] != '\0';
	if (order < 0)
		return true;
	if (order)
		diff->skip = NULL;
	else
		diff->skip += len + (diff->skip[len] == '.');
	return false;
}

static int compare_child(struct entry *old, struct entry *new, void *arg)
{
	struct diff *diff = arg;
	struct entry *named = old ? old : new;
	size_t len = diff->len, dot = len ? 1 : 0;
	int stop;

	if (diff->skip && skip_child(diff, named->bytes))
		return 0;
	/* Deeper than any key reaches (a tree that was put below others). */
	if (len + dot + named->name_len > DB_KEY_MAX ||
	    diff->depth == DB_COMPONENTS_MAX)
		return 0;
	if (dot)
		diff->key[len] = '.';
	memcpy(diff->key + len + dot, named->bytes, named->name_len + 1);
	diff->len = len + dot + named->name_len;
	diff->depth++;
	stop = compare(diff, old, new);
	diff->depth--;
	diff->len = len;
	diff->key[len] = '\0';
	return stop;
}

/* A string just below NAME, so that no other name stands between. */
static const char *just_before(const char *name, char before[ENTRY_NAME_MAX + 1])
{
	size_t len = strcspn(name, ".");

	assert(len && len <= ENTRY_NAME_MAX);
	memcpy(before, name, len);
	if (--before[len - 1]) {
		memset(before + len, 0xff, ENTRY_NAME_MAX - len);
		len = ENTRY_NAME_MAX;
	}
	before[len] = '\0';
	return before;
}

static int children(struct diff *diff, struct entry *old, struct entry *new)
{
	struct tree *tree = &diff->db->tree;
	struct entry *none = tree_empty(tree, "");
	char before[ENTRY_NAME_MAX + 1];
	int stop;

	if (!old || old->kind != ENTRY_DIR)
		old = none;
	if (!new || new->kind != ENTRY_DIR)
		new = none;
	errno = 0;
	stop = tree_compare(tree, old, new, diff->skip ?
			    just_before(diff->skip, before) : NULL,
			    compare_child, diff);
	if (stop < 0 && !diff->failed && errno == EIO) {
		diff->failed = true;
		db_fail(diff->error, EIO, "key %.200s: directory %s",
			diff->len ? diff->key : ".", tree->why);
	}
	entry_unref(none);
	return stop;
}

static bool is_dir(const struct entry *entry)
{
	return entry && entry->kind == ENTRY_DIR;
}

static int compare_changes(struct diff *diff, struct entry *old,
			   struct entry *new)
{
	bool told = diff->skip != NULL, into = !diff->len || diff->recursive;
	int stop = 0;

	if (told && !*diff->skip)
		diff->skip = NULL;
	if (old && new && tree_same(old, new))
		return 0;
	if (!told && !(into && is_dir(old) && is_dir(new)))
		stop = tell_change(diff, old, new);
	if (stop || !into || (!is_dir(old) && !is_dir(new)))
		return stop;
	return children(diff, old, new);
}

/* Either may be NULL; they are not known to be the same. */
static int compare(struct diff *diff, struct entry *old, struct entry *new)
{
	bool told = diff->skip != NULL;
	int stop = 0;

	if (diff->change)
		return compare_changes(diff, old, new);
	if (told && !*diff->skip)
		diff->skip = NULL;
	if (!new)
		return old && !told ? tell(diff, OP_unlink, NULL) : 0;
	if (old && !old->dirty && !new->dirty && tree_same(old, new))
		return 0;
	switch (new->kind) {
	case ENTRY_LINK:
		return told ? 0 : tell(diff, OP_link, new);
	case ENTRY_DIR:
		if ((!old || old->kind != ENTRY_DIR) && diff->len && !told)
			stop = tell(diff, OP_mkdir, new);
		return stop ? stop : children(diff, old, new);
	}
	return told ? 0 : tell(diff, OP_put, new);
}

/* What is at KEY (a reference), or NULL; -1 if that can't be told. */
static int find(struct db_view *view, const char *key, struct walk *walk,
		struct entry **entry, struct db_error *error)
{
	*entry = NULL;
	if (!view)
		return 0;
	*walk = (struct walk) { .db = view->db, .applied = view->applied,
				.ns = view->ns, .root = view->root };
	*entry = walk_run(walk, key, error);
	return *entry || errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

int db_diff_after(struct db_view *old, struct db_view *new, const char *key,
		  const char *after, db_diff_f *cb, void *arg,
		  struct db_error *error)
{
	struct diff *diff = xcalloc(1, sizeof(*diff));
	struct entry *a = NULL, *b = NULL;
	struct walk walk;
	int rc, errnum;

	diff->db = new->db;
	diff->cb = cb;
	diff->arg = arg;
	diff->error = error;
	rc = find(old, key, &walk, &a, error);
	if (!rc)
		rc = find(new, key, &walk, &b, error);
	if (!rc) {
		strcpy(diff->entry.ns, walk.ns->name);
		if (strcmp(key, "."))
			diff->len = strlen(strcpy(diff->key, key));
		for (const char *p = diff->key; *p; p++)
			diff->depth += *p == '.';
		diff->depth += diff->len > 0;
		if (after) {
			assert(!strncmp(after, diff->key, diff->len));
			diff->skip = after + diff->len;
			diff->skip += diff->len && *diff->skip == '.';
		}
		rc = compare(diff, a, b);
	}
	errnum = diff->failed ? EIO : errno;
	entry_unref(a);
	entry_unref(b);
	free(diff);
	errno = errnum;
	return rc;
}

int db_diff(struct db_view *old, struct db_view *new, const char *key,
	    db_diff_f *cb, void *arg, struct db_error *error)
{
	return db_diff_after(old, new, key, NULL, cb, arg, error);
}

int db_changes(struct db_view *a_view, const struct db_entry *a,
	       struct db_view *b_view, const struct db_entry *b,
	       bool recursive, const char *after, db_change_f *cb, void *arg,
	       struct db_error *error)
{
	struct diff *diff = xcalloc(1, sizeof(*diff));
	int rc, errnum;

	assert(b_view->magic == DB_VIEW_MAGIC && !b_view->applied);
	assert(!a || (a_view->magic == DB_VIEW_MAGIC && !a_view->applied));
	diff->db = b_view->db;
	diff->change = cb;
	diff->arg = arg;
	diff->recursive = recursive;
	diff->error = error;
	if (after)
		diff->skip = strcmp(after, ".") ? after : "";
	rc = compare(diff, a ? a->private : NULL, b->private);
	errnum = diff->failed ? EIO : errno;
	free(diff);
	errno = errnum;
	return rc;
}
