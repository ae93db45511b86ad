/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two states below a key: see db.h. */
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

static int children(struct diff *diff, struct entry *old, struct entry *new)
{
	struct tree *tree = &diff->db->tree;
	struct entry *none = NULL;
	int stop;

	if (!old || old->kind != ENTRY_DIR)
		old = none = tree_empty(tree, "");
	errno = 0;
	stop = tree_compare(tree, old, new, compare_child, diff);
	if (stop < 0 && !diff->failed && errno == EIO) {
		diff->failed = true;
		db_fail(diff->error, EIO, "key %.200s: directory %s",
			diff->len ? diff->key : ".", tree->why);
	}
	entry_unref(none);
	return stop;
}

/* Either may be NULL; they are not known to be the same. */
static int compare(struct diff *diff, struct entry *old, struct entry *new)
{
	bool told = diff->skip != NULL;
	int stop = 0;

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
