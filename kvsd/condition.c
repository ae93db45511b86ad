/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of transactions: they look at the state before it and change
 * nothing, but may have to hash what is not sealed yet. See txn.h and
 * weir-protocol(7). */
#include "config.h"

#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/txn.h"

static const char *const kind_word[] = {
	[ENTRY_INLINE] = "value", [ENTRY_BLOB] = "value",
	[ENTRY_DIR] = "dir", [ENTRY_LINK] = "link",
};

/* ENTRY is what was found, or NULL. */
static int refuse(struct txn *txn, struct entry *entry, const char *text)
{
	struct db_conflict *conflict = &txn->db->conflict;

	conflict->found = entry ? kind_word[entry->kind] : "absent";
	conflict->version = txn->ns->applied.version;
	conflict->has_hash = entry && entry->kind != ENTRY_DIR &&
		entry->kind != ENTRY_LINK;
	if (conflict->has_hash) {
		tree_seal(&txn->db->tree, entry);
		tree_hash(entry, &conflict->hash);
	}
	return db_fail(txn->error, ECANCELED, "%s", text);
}

/* ENTRY, which may be NULL, is given its hash. */
static int seal(struct txn *txn, struct db_op *op, struct entry *entry)
{
	if (!entry || !tree_seal(&txn->db->tree, entry))
		return 0;
	return db_fail(txn->error, EIO, "key %.200s: directory %s", op->key,
		       txn->db->tree.why);
}

int condition_absent(struct txn *txn, struct db_op *op)
{
	struct entry *entry;
	struct walk walk;

	if (txn_locate(txn, op, true, &walk, &entry) < 0)
		return walk.no_namespace ? 0 : -1;
	if (!entry)
		return 0;
	refuse(txn, entry, "the key exists");
	entry_unref(entry);
	errno = ECANCELED;
	return -1;
}

int condition_present(struct txn *txn, struct db_op *op)
{
	struct entry *entry;
	struct walk walk;

	if (txn_locate(txn, op, true, &walk, &entry) < 0)
		return walk.no_namespace ?
			refuse(txn, NULL, "the key does not exist") : -1;
	if (!entry)
		return refuse(txn, NULL, "the key does not exist");
	entry_unref(entry);
	return 0;
}

/* ENTRY's hash is to be compared: values alone have one that says what a
 * program has written. */
static int value_only(struct txn *txn, const struct entry *entry)
{
	if (entry->kind == ENTRY_DIR)
		return db_fail(txn->error, EISDIR, "the key is a directory: "
			       "if-value compares values, if-unchanged "
			       "directories too");
	if (entry->kind == ENTRY_LINK)
		return db_fail(txn->error, EINVAL, "the key is a link: "
			       "if-value compares values");
	return 0;
}

int condition_value(struct txn *txn, struct db_op *op)
{
	struct db_hash want, hash;
	struct entry *entry;
	struct walk walk;
	int rc, errnum;

	if (db_hash_parse(op->arg, &want) < 0)
		return db_fail(txn->error, EINVAL, "'%.64s' is no hash",
			       op->arg);
	if (txn_locate(txn, op, true, &walk, &entry) < 0)
		return -1;
	if (!entry)
		return refuse(txn, NULL, "the key does not exist");
	rc = value_only(txn, entry);
	if (!rc) {
		tree_seal(&txn->db->tree, entry);
		tree_hash(entry, &hash);
		if (memcmp(&hash, &want, sizeof(hash)))
			rc = refuse(txn, entry,
				    "its content has another hash");
	}
	errnum = errno;
	entry_unref(entry);
	errno = errnum;
	return rc;
}

/* The root of txn->ns at VERSION, a reference; NULL if it can't be had. */
static struct entry *past_root(struct txn *txn, uint64_t version)
{
	if (txn->ns->sealed.root && version == txn->ns->sealed.version)
		return entry_ref(txn->ns->sealed.root);
	return namespace_history(txn->db, txn->ns, &version, false,
				 txn->error);
}

/* As recent_written, of what WALK found and of the links on the way to it. */
static int written_since(struct txn *txn, struct walk *walk, uint64_t version)
{
	const struct recent *recent = &txn->db->recent;
	int written = 0;

	if (walk->ns == txn->ns)
		written = recent_written(recent, txn->ns, walk->key, version);
	for (int i = 0; i < walk->links && !written; i++)
		if (!strcmp(walk->link[i].ns, txn->ns->name))
			written = recent_written(recent, txn->ns,
						 walk->link[i].key, version);
	return written;
}

/* 0 if the content at VERSION equals that of ENTRY, which may be NULL. */
static int same_as_at(struct txn *txn, struct db_op *op, struct entry *entry,
		      int written)
{
	struct entry *root = past_root(txn, op->number), *old;
	struct walk walk = { .db = txn->db, .applied = true, .nofollow = true,
			     .ns = txn->ns, .root = root };
	bool same;

	/* Inside a batch: what it was then isn't known, only that it was
	 * written since. */
	if (!root && written > 0 && (errno == ESTALE || errno == EINVAL))
		return refuse(txn, entry, "it was written since");
	if (!root)
		return -1;
	old = walk_run(&walk, op->key, txn->error);
	entry_unref(root);
	if (!old && errno != ENOENT && errno != ENOTDIR)
		return -1;
	if (old && entry &&
	    (seal(txn, op, old) < 0 || seal(txn, op, entry) < 0)) {
		entry_unref(old);
		return -1;
	}
	same = old && entry ? tree_same(old, entry) : old == entry;
	entry_unref(old);
	return same ? 0 : refuse(txn, entry, "its content is different now");
}

int condition_unchanged(struct txn *txn, struct db_op *op)
{
	struct walk walk = { .db = txn->db, .applied = true, .nofollow = true,
			     .note_links = true, .ns = txn->ns,
			     .root = txn->ns->applied.root };
	struct entry *entry;
	int written, rc = 0, errnum;

	entry = walk_run(&walk, op->key, txn->error);
	if (!entry && errno != ENOENT && errno != ENOTDIR)
		rc = -1;
	else if (op->number > txn->ns->applied.version)
		rc = refuse(txn, entry, "the namespace has not that version "
			    "yet");
	else if ((written = written_since(txn, &walk, op->number)))
		rc = same_as_at(txn, op, entry, written);
	errnum = errno;
	free(walk.link);
	entry_unref(entry);
	errno = errnum;
	return rc;
}

int condition_root(struct txn *txn, struct db_op *op)
{
	if (op->number == txn->ns->applied.version)
		return 0;
	refuse(txn, NULL, "the namespace is at another version");
	txn->db->conflict.found = NULL;
	return -1;
}
