/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: states of a namespace that are kept until they are removed. Each
 * is a namespace of its own, NS@NAME, which nobody may write; so it is a root
 * for the collection, is read, copied from and compared like any other, and
 * outlives the one that it was taken of. weir-kvs(7). */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/database.h"

bool namespace_is_snapshot(const struct namespace *ns)
{
	return strchr(ns->name, '@') != NULL;
}

/* "NS@NAME". */
static int full_name(const char *ns, const char *name,
		     char full[DB_NAME_MAX + 1], struct db_error *error)
{
	size_t len = strlen(name);

	if (!len || strpbrk(name, "@\r\n") ||
	    strlen(ns) + 1 + len > DB_NAME_MAX)
		return db_fail(error, EINVAL, "'%.200s' is no name of a "
			       "snapshot: 1 byte or more, no @ or line ends, "
			       "with the namespace's name at most %d", name,
			       DB_NAME_MAX - 1);
	strcpy(full, ns);
	strcat(full, "@");
	strcat(full, name);
	return 0;
}

struct namespace *snapshot_find(struct db *db, const struct namespace *ns,
				const char *name, bool applied,
				struct db_error *error)
{
	struct namespace *found;
	char full[DB_NAME_MAX + 1];

	if (full_name(ns->name, name, full, error) < 0)
		return NULL;
	found = namespace_find(db, full, applied);
	if (found && found->owner == ns->owner)
		return found;
	db_fail(error, ENOENT, "namespace %.100s has no snapshot %.100s",
		ns->name, name);
	return NULL;
}

static unsigned count(const struct db *db, const char *ns)
{
	size_t len = strlen(ns);
	unsigned n = 0;

	for (size_t i = 0; i < db->ns_count; i++)
		n += db->ns[i]->applied.root &&
			!strncmp(db->ns[i]->name, ns, len) &&
			db->ns[i]->name[len] == '@';
	return n;
}

/* Whether NS may be given one more, called FULL. */
static int admit(struct db *db, const struct namespace *ns, const char *full,
		 struct db_error *error)
{
	static const struct db_op op = { .op = OP_make_namespace };

	if (namespace_is_snapshot(ns))
		return db_fail(error, EINVAL, "%.200s is a snapshot itself",
			       ns->name);
	if (namespace_find(db, full, true))
		return db_fail(error, EEXIST, "snapshot %.255s exists", full);
	if (count(db, ns->name) >= DB_SNAPSHOTS_MAX)
		return db_fail(error, E2BIG, "namespace %.200s has %u "
			       "snapshots: remove some", ns->name,
			       DB_SNAPSHOTS_MAX);
	return room_check(db, &op, 1, error);
}

/* The root that VIEW shows, sealed: a reference. */
static struct entry *take_root(struct db *db, struct db_view *view, bool past,
			       struct db_error *error)
{
	if (tree_seal(&db->tree, view->root) < 0) {
		db_fail(error, EIO, "%s", db->tree.why);
		return NULL;
	}
	if (past)
		gc_graft(db, entry_hash(view->root));
	return entry_ref(view->root);
}

int db_snapshot(struct db *db, const char *name, const char *label,
		const char *at, uint64_t *version, struct db_hash *hash,
		struct db_error *error)
{
	struct namespace *ns = namespace_find(db, name, true), *made;
	char full[DB_NAME_MAX + 1], number[24];
	struct db_view *view;
	struct entry *root;

	if (!ns)
		return db_fail(error, ENOENT, "namespace %.255s does not "
			       "exist", name);
	if (at && !db_hash_parse(at, hash))
		return db_fail(error, EINVAL, "a tree by its hash is no "
			       "version of a namespace");
	view = db_view_open(db, name, at, true, error);
	if (!view)
		return -1;
	*version = db_view_version(view);
	snprintf(number, sizeof(number), "%ju", (uintmax_t)*version);
	root = full_name(name, label ? label : number, full, error) < 0 ||
		admit(db, ns, full, error) < 0 ? NULL :
		take_root(db, view, at, error);
	db_view_close(view);
	if (!root)
		return -1;
	*hash = *entry_hash(root);
	made = namespace_make(db, full, ns->owner, root, error);
	if (!made)
		return -1;
	made->applied.version = made->recent_floor = *version;
	return namespace_moved(db, made, error);
}

int db_snapshot_remove(struct db *db, const char *ns, const char *name,
		       int (*check)(const char *ns, uid_t owner, void *arg),
		       void *arg, struct db_error *error)
{
	char full[DB_NAME_MAX + 1];
	struct namespace *found;

	if (full_name(ns, name, full, error) < 0)
		return -1;
	found = namespace_find(db, full, true);
	if (!found)
		return db_fail(error, ENOENT, "namespace %.100s has no "
			       "snapshot %.100s", ns, name);
	if (check(full, found->owner, arg))
		return db_fail(error, EPERM, "snapshot %.255s belongs to "
			       "another user", full);
	return db_namespace_remove(db, full, error);
}

double db_snapshot_time(struct db *db, const char *full)
{
	struct namespace *ns = namespace_find(db, full, false);

	return ns ? namespace_time(db, ns) : 0;
}
