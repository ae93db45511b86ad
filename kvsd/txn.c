/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: conditions first, then operations, all or nothing. See db.h
 * and weir-protocol(7) for what each does; condition.c has the conditions,
 * copy.c the copies. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/database.h"
#include "kvsd/txn.h"

static const char *const op_word[OP_COUNT] = {
#define OPERATION(id, word, ...) [OP_##id] = word,
	WEIR_OPERATIONS(OPERATION)
#undef OPERATION
};

/* ---- where an operation changes something ---- */

static int may_write(struct txn *txn, struct namespace *ns)
{
	int errnum = txn->check ? txn->check(ns->name, ns->owner, txn->arg)
				: 0;

	if (errnum)
		return db_fail(txn->error, errnum, "namespace %s belongs to "
			       "another user", ns->name);
	if (namespace_is_snapshot(ns))
		return db_fail(txn->error, EROFS, "%s is a snapshot, which "
			       "stays as it is", ns->name);
	return 0;
}

static void list_once(struct namespace_list *list, struct namespace *ns)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ns[i] == ns)
			return;
	namespace_list_add(list, ns);
}

int txn_locate(struct txn *txn, struct db_op *op, bool nofollow,
	       struct walk *walk, struct entry **entry)
{
	walk->db = txn->db;
	walk->applied = true;
	walk->nofollow = nofollow;
	walk->note_links = false;
	walk->check = NULL;
	walk->ns = txn->ns;
	if (op->op == OP_unlink && op->target_ns)
		walk->ns = namespace_find(txn->db, op->target_ns, true);
	walk->no_namespace = !walk->ns;
	if (!walk->ns)
		return db_fail(txn->error, ENOENT, "namespace %.200s does not "
			       "exist", op->target_ns);
	walk->root = walk->ns->applied.root;
	*entry = walk_run(walk, op->key, txn->error);
	if (!*entry && ((errno != ENOENT && errno != ENOTDIR) ||
			walk->no_namespace))
		return -1;
	walk->missing = *entry ? 0 : errno;
	if (walk->ns != txn->ns && may_write(txn, walk->ns) < 0) {
		int errnum = errno;

		entry_unref(*entry);
		errno = errnum;
		return -1;
	}
	return 0;
}

char *txn_note(struct db *db, const void *bytes, size_t len)
{
	struct note *note = xmalloc(sizeof(*note) + len + 1);

	if (len)
		memcpy(note->bytes, bytes, len);
	note->bytes[len] = '\0';
	note->next = db->notes;
	db->notes = note;
	return note->bytes;
}

static void changed(struct txn *txn, struct db_op *op, struct walk *walk)
{
	list_once(&txn->db->touched, walk->ns);
	op->ns_changed = walk->ns->name;
	op->key_changed = !walk->links ? op->key :
		txn_note(txn->db, walk->key, strlen(walk->key));
}

/* The result of a tree_* call that changed what WALK found. */
static int finish(struct txn *txn, struct db_op *op, struct walk *walk, int rc)
{
	switch (rc < 0 ? errno : 0) {
	case 0:
		changed(txn, op, walk);
		return 0;
	case EIO:
		return db_fail(txn->error, EIO, "key %.200s of namespace "
			       "%.64s: %s", walk->key, walk->ns->name,
			       txn->db->tree.why);
	case EFBIG:
		return db_fail(txn->error, EFBIG, "%s", txn->db->tree.why);
	}
	return db_fail(txn->error, errno, "%s", strerror(errno));
}

static bool is_root(const struct walk *walk)
{
	return !strcmp(walk->key, ".");
}

static int refuse_root(struct txn *txn)
{
	return db_fail(txn->error, EINVAL, "the root is always a directory");
}

/* ---- operations ---- */

static int do_put(struct txn *txn, struct db_op *op)
{
	struct tree *tree = &txn->db->tree;
	struct entry *entry;
	struct walk walk;
	int rc;

	if (txn_locate(txn, op, false, &walk, &entry) < 0)
		return -1;
	entry_unref(entry);
	if (is_root(&walk))
		return refuse_root(txn);
	if (op->len > VALUE_MAX)
		return db_fail(txn->error, EFBIG, "the value is too long");
	rc = tree_set(tree, &walk.ns->applied.root, walk.key,
		      tree_value(tree, tree_basename(walk.key), op->data,
				 op->len));
	if (finish(txn, op, &walk, rc) < 0)
		return -1;
	lease_unbind(txn->db, walk.ns, walk.key);
	return op->number ? lease_bind(txn->db, walk.ns, walk.key, op->number,
				       txn->error) : 0;
}

/* The key that an enqueue makes: below op->key, named by the version that the
 * transaction will have, so that names rise in the order of commits. */
static int queue_key(struct txn *txn, struct db_op *op, struct walk *walk)
{
	uint64_t number = txn->ns->applied.version + 1;
	char key[2 * DB_KEY_MAX];
	int len;

	if (op->arg && strchr(op->arg, '.'))
		return db_fail(txn->error, EINVAL, "a suffix has no dot");
	len = snprintf(key, sizeof(key), "%s%s%020ju%.512s",
		       is_root(walk) ? "" : walk->key,
		       is_root(walk) ? "" : ".", (uintmax_t)number,
		       op->arg ? op->arg : "");
	if (key_check(key, txn->error) < 0)
		return -1;
	op->key = txn_note(txn->db, key, len);
	return 0;
}

static int do_enqueue(struct txn *txn, struct db_op *op)
{
	struct entry *entry;
	struct walk walk;
	int kind;

	if (txn_locate(txn, op, false, &walk, &entry) < 0)
		return -1;
	kind = entry ? entry->kind : 0;
	entry_unref(entry);
	if (walk.ns != txn->ns)
		return db_fail(txn->error, EINVAL, "the queue is in another "
			       "namespace");
	if ((kind && kind != ENTRY_DIR) || walk.missing == ENOTDIR)
		return db_fail(txn->error, ENOTDIR, "there is a value");
	if (queue_key(txn, op, &walk) < 0 ||
	    txn_locate(txn, op, true, &walk, &entry) < 0)
		return -1;
	if (entry) {
		entry_unref(entry);
		return db_fail(txn->error, EEXIST, "a transaction enqueues "
			       "once in a directory");
	}
	op->op = OP_put;
	op->arg = NULL;
	return do_put(txn, op);
}

static int do_append(struct txn *txn, struct db_op *op)
{
	struct entry *entry;
	struct walk walk;

	if (txn_locate(txn, op, false, &walk, &entry) < 0)
		return -1;
	entry_unref(entry);
	if (is_root(&walk))
		return db_fail(txn->error, EISDIR, "the root is a directory");
	return finish(txn, op, &walk,
		      tree_append(&txn->db->tree, &walk.ns->applied.root,
				  walk.key, op->data, op->len, &op->offset));
}

static int do_mkdir(struct txn *txn, struct db_op *op)
{
	struct tree *tree = &txn->db->tree;
	struct entry *entry;
	struct walk walk;
	int kind;

	if (txn_locate(txn, op, false, &walk, &entry) < 0)
		return -1;
	kind = entry ? entry->kind : 0;
	entry_unref(entry);
	if (kind == ENTRY_DIR)
		return 0;
	if (kind)
		return db_fail(txn->error, EEXIST, "there is a value");
	lease_unbind(txn->db, walk.ns, walk.key);
	return finish(txn, op, &walk,
		      tree_set(tree, &walk.ns->applied.root, walk.key,
			       tree_empty(tree, tree_basename(walk.key))));
}

static int do_link(struct txn *txn, struct db_op *op)
{
	struct entry *entry;
	struct walk walk;
	const char *name;

	if (key_check(op->arg, txn->error) < 0)
		return db_fail_prefix(txn->error, "target: ");
	if (op->target_ns &&
	    namespace_name_check(op->target_ns, txn->error) < 0)
		return -1;
	if (txn_locate(txn, op, true, &walk, &entry) < 0)
		return -1;
	entry_unref(entry);
	if (is_root(&walk))
		return refuse_root(txn);
	lease_unbind(txn->db, walk.ns, walk.key);
	name = tree_basename(walk.key);
	return finish(txn, op, &walk,
		      tree_set(&txn->db->tree, &walk.ns->applied.root,
			       walk.key, entry_link(name, strlen(name),
						    op->arg, op->target_ns)));
}

static int do_unlink(struct txn *txn, struct db_op *op)
{
	struct entry *entry;
	struct walk walk;
	bool full;

	if (txn_locate(txn, op, true, &walk, &entry) < 0)
		return -1;
	if (!entry) {
		errno = walk.missing;
		return op->flags & DB_UNLINK_FORCE ? 0 : -1;
	}
	full = entry->kind == ENTRY_DIR && entry_size(entry);
	entry_unref(entry);
	if (is_root(&walk))
		return refuse_root(txn);
	if (full && !(op->flags & DB_UNLINK_RECURSIVE))
		return db_fail(txn->error, ENOTEMPTY,
			       "the directory has entries");
	lease_unbind(txn->db, walk.ns, walk.key);
	return finish(txn, op, &walk,
		      tree_remove(&txn->db->tree, &walk.ns->applied.root,
				  walk.key));
}

static void root_discard(struct undo *undo)
{
	namespace_unref(undo->object);
	entry_unref(undo->before);
}

static void root_revert(struct undo *undo)
{
	struct namespace *ns = undo->object;

	entry_unref(ns->applied.root);
	ns->applied.root = undo->before;
	namespace_unref(ns);
}

/* ROOT is taken. */
static int put_root(struct txn *txn, struct db_op *op, struct walk *walk,
		    struct entry *root)
{
	if (root->kind != ENTRY_DIR) {
		entry_unref(root);
		return refuse_root(txn);
	}
	undo_push(&txn->db->undo, (struct undo) {
		.revert = root_revert, .discard = root_discard,
		.object = namespace_ref(walk->ns),
		.before = walk->ns->applied.root });
	walk->ns->applied.root = root;
	return finish(txn, op, walk, 0);
}

int txn_put_entry(struct txn *txn, struct db_op *op, struct entry *entry)
{
	struct entry *there, *named;
	struct walk walk;
	const char *name;

	if (txn_locate(txn, op, true, &walk, &there) < 0) {
		int errnum = errno;

		entry_unref(entry);
		errno = errnum;
		return -1;
	}
	entry_unref(there);
	name = is_root(&walk) ? "" : tree_basename(walk.key);
	named = entry_rename(entry, name, strlen(name));
	entry_unref(entry);
	if (is_root(&walk))
		return put_root(txn, op, &walk, named);
	lease_unbind(txn->db, walk.ns, walk.key);
	return finish(txn, op, &walk,
		      tree_set(&txn->db->tree, &walk.ns->applied.root,
			       walk.key, named));
}

static int do_graft(struct txn *txn, struct db_op *op)
{
	struct db_hash hash;
	struct entry *root;

	if (db_hash_parse(op->arg, &hash) < 0)
		return db_fail(txn->error, EINVAL, "'%.64s' is no hash",
			       op->arg);
	if (gc_admit(txn->db, &hash, true, txn->error) < 0)
		return -1;
	root = tree_root(&txn->db->tree, &hash);
	if (!root)
		return db_fail(txn->error, errno, "%s", txn->db->tree.why);
	return txn_put_entry(txn, op, root);
}

static int do_make_namespace(struct txn *txn, struct db_op *op)
{
	struct namespace *ns;

	if (namespace_new_check(op->key, txn->error) < 0)
		return -1;
	ns = namespace_make(txn->db, op->key, op->owner,
			    tree_empty(&txn->db->tree, ""), txn->error);
	if (!ns)
		return -1;
	list_once(&txn->db->moved, ns);
	return 0;
}

static int do_adopt(struct txn *txn, struct db_op *op)
{
	struct namespace *ns = namespace_find(txn->db, op->arg, true);
	struct entry *root;

	if (!ns)
		return db_fail(txn->error, ENOENT, "namespace %.200s does not "
			       "exist", op->arg);
	if (ns == txn->ns)
		return db_fail(txn->error, EINVAL, "a namespace cannot adopt "
			       "itself");
	if (!strcmp(ns->name, "primary"))
		return db_fail(txn->error, EPERM, "primary cannot be removed");
	if (may_write(txn, ns) < 0)
		return -1;
	root = entry_ref(ns->applied.root);
	namespace_end(txn->db, ns);
	list_once(&txn->db->moved, ns);
	return txn_put_entry(txn, op, root);
}

/* LOOK is done for all operations before any is RUN. */
static const struct {
	int (*look)(struct txn *txn, struct db_op *op);
	int (*run)(struct txn *txn, struct db_op *op);
} op_table[OP_COUNT] = {
	[OP_put] = { NULL, do_put },
	[OP_append] = { NULL, do_append },
	[OP_enqueue] = { NULL, do_enqueue },
	[OP_mkdir] = { NULL, do_mkdir },
	[OP_link] = { NULL, do_link },
	[OP_unlink] = { NULL, do_unlink },
	[OP_graft] = { NULL, do_graft },
	[OP_make_namespace] = { NULL, do_make_namespace },
	[OP_adopt] = { NULL, do_adopt },
	[OP_copy] = { copy_find, copy_put },
	[OP_if_absent] = { condition_absent, NULL },
	[OP_if_present] = { condition_present, NULL },
	[OP_if_value] = { condition_value, NULL },
	[OP_if_unchanged] = { condition_unchanged, NULL },
	[OP_if_root] = { condition_root, NULL },
};

/* ---- all or nothing ---- */

/* Puts the operation's line and number before the text. */
static int explain(struct txn *txn, const struct db_op *op, size_t number)
{
	char arg[80] = "";
	bool condition = !op_table[op->op].run;

	if (op->op == OP_if_root)
		snprintf(arg, sizeof(arg), "%ju", (uintmax_t)op->number);
	else if (op->op == OP_if_unchanged)
		snprintf(arg, sizeof(arg), " %ju", (uintmax_t)op->number);
	else if (op->arg)
		snprintf(arg, sizeof(arg), " %.70s", op->arg);
	txn->db->conflict.number = number;
	if (condition)
		return db_fail_prefix(txn->error, "%s %.200s%s (operation "
				      "%zu): ", op_word[op->op],
				      op->key ? op->key : "", arg, number);
	return db_fail_prefix(txn->error, "operation %zu: %s %.200s%s: ",
			      number, op_word[op->op], op->key, arg);
}

static int look_all(struct txn *txn, struct db_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert(ops[i].op < OP_COUNT);
		ops[i].ns_changed = ops[i].key_changed = NULL;
		if (op_table[ops[i].op].look &&
		    op_table[ops[i].op].look(txn, &ops[i]) < 0)
			return explain(txn, &ops[i], i + 1);
	}
	return 0;
}

static int run_all(struct txn *txn, struct db_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (op_table[ops[i].op].run &&
		    op_table[ops[i].op].run(txn, &ops[i]) < 0)
			return explain(txn, &ops[i], i + 1);
	return 0;
}

void txn_forget(struct db *db)
{
	namespace_list_clear(&db->touched);
	namespace_list_clear(&db->moved);
	while (db->notes) {
		struct note *next = db->notes->next;

		free(db->notes);
		db->notes = next;
	}
}

static void commit(struct txn *txn, const struct db_op *ops, size_t count)
{
	struct db *db = txn->db;

	undo_discard(&db->undo);
	for (size_t i = 0; i < db->touched.count; i++) {
		db->touched.ns[i]->applied.version++;
		namespace_changed(db, db->touched.ns[i]);
	}
	for (size_t i = 0; i < db->moved.count; i++)
		namespace_changed(db, db->moved.ns[i]);
	for (size_t i = 0; i < count; i++) {
		struct namespace *ns = txn->ns;

		if (!ops[i].ns_changed)
			continue;
		for (size_t j = 0; ops[i].ns_changed != ns->name; j++)
			ns = db->touched.ns[j];
		recent_add(&db->recent, ns, ns->applied.version,
			   ops[i].key_changed);
	}
	db->batch->transactions++;
	db->stats.transactions++;
	db->stats.operations += count;
}

/* All of it or nothing. */
static int run(struct txn *txn, struct db_op *ops, size_t count)
{
	struct db *db = txn->db;
	struct store_changes *changes = &db->batch->changes;
	size_t blobs = db->batch->blobs->count;
	size_t changes_len = changes->len, changes_count = changes->count;
	int errnum;

	list_once(&db->touched, txn->ns);
	if (!run_all(txn, ops, count) &&
	    !quota_take(db, &db->touched, &db->moved, txn->error)) {
		commit(txn, ops, count);
		return 0;
	}
	errnum = errno;
	undo_revert(&db->undo);
	blob_set_truncate(db->batch->blobs, blobs);
	changes->len = changes_len;
	changes->count = changes_count;
	errno = errnum;
	return -1;
}

int db_apply(struct db *db, const char *ns, struct db_op *ops, size_t count,
	     int (*check)(const char *ns, uid_t owner, void *arg), void *arg,
	     uint64_t *version, struct db_error *error)
{
	struct txn txn = { db, namespace_find(db, ns, true), check, arg,
			   error, NULL, 0, 0 };
	int rc;

	txn_forget(db);
	if (!txn.ns)
		return db_fail(error, ENOENT, "namespace %.255s does not "
			       "exist", ns);
	if (may_write(&txn, txn.ns) < 0 ||
	    room_check(db, ops, count, error) < 0)
		return -1;
	if (db->applied_views)
		db->tree.token++;
	rc = look_all(&txn, ops, count);
	if (!rc)
		rc = run(&txn, ops, count);
	copy_forget(&txn);
	if (!rc)
		*version = txn.ns->applied.version;
	return rc;
}

const struct db_conflict *db_conflict(const struct db *db)
{
	return &db->conflict;
}

void db_keep_version(struct db *db, const char *ns)
{
	struct namespace *found = namespace_find(db, ns, true);

	if (found && found->gathering)
		namespace_keep(db, found);
}
