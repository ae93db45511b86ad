/* SPDX-License-Identifier: Apache-2.0 */
/* The operation copy: what a key holds, of any size, put at another. Nothing
 * is read but the way to it, and nothing is written but the way to the other.
 *
 * Sources are looked up before the transaction changes anything, so that one
 * that unlinks its source is a move, and two that cross are an exchange. They
 * are sealed then, and so stay what they are. weir-protocol(7). */
#include "config.h"

#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/txn.h"

/* A reference, sealed; NULL with txn->error. */
static struct entry *find(struct txn *txn, struct db_view *view,
			  const char *key)
{
	struct entry *entry = NULL;
	struct db_entry found;

	if (!db_lookup(view, key, true, txn->check, txn->arg, &found,
		       txn->error))
		entry = entry_ref(found.private);
	db_entry_clear(&found);
	if (entry && tree_seal(&txn->db->tree, entry) < 0) {
		entry_unref(entry);
		entry = NULL;
		db_fail(txn->error, EIO, "key %.200s: directory %s", key,
			txn->db->tree.why);
	}
	return entry;
}

int copy_find(struct txn *txn, struct db_op *op)
{
	const char *ns = op->target_ns ? op->target_ns : txn->ns->name;
	struct db_view *view = db_view_open(txn->db, ns, op->at, true,
					    txn->error);
	struct entry *entry;
	int errnum;

	if (!view)
		return -1;
	/* A past state may be dropped before this transaction is stored. */
	if (op->at && !view->root->dirty)
		gc_graft(txn->db, entry_hash(view->root));
	entry = find(txn, view, op->arg);
	errnum = errno;
	db_view_close(view);
	errno = errnum;
	if (!entry)
		return -1;
	txn->source = xrealloc(txn->source, (txn->sources + 1) *
			       sizeof(struct entry *));
	txn->source[txn->sources++] = entry;
	return 0;
}

/* What is small is told to watches as what it is. */
static void become(struct txn *txn, struct db_op *op, struct entry *entry)
{
	const char *ns;

	switch (entry->kind) {
	case ENTRY_INLINE:
		op->op = OP_put;
		op->len = entry->len;
		op->data = txn_note(txn->db, entry_data(entry), entry->len);
		break;
	case ENTRY_LINK:
		ns = entry_target_ns(entry);
		op->op = OP_link;
		op->arg = txn_note(txn->db, entry_target(entry), entry->len);
		op->target_ns = ns ? txn_note(txn->db, ns, strlen(ns)) : NULL;
		break;
	}
}

int copy_put(struct txn *txn, struct db_op *op)
{
	struct entry *entry = txn->source[txn->sources_used++];

	if (txn_put_entry(txn, op, entry_ref(entry)) < 0)
		return -1;
	become(txn, op, entry);
	return 0;
}

void copy_forget(struct txn *txn)
{
	int errnum = errno;

	while (txn->sources)
		entry_unref(txn->source[--txn->sources]);
	free(txn->source);
	txn->source = NULL;
	errno = errnum;
}
