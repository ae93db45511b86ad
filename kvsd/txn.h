/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the transactions. */
#ifndef WEIR_KVSD_TXN_H
#define WEIR_KVSD_TXN_H

#include "kvsd/database.h"

struct txn {
	struct db *db;
	struct namespace *ns;
	int (*check)(const char *ns, uid_t owner, void *arg);
	void *arg;
	struct db_error *error;
	struct entry **source;	/* of each copy, in order; sealed */
	size_t sources, sources_used;
};

/* Follows the links on the way to op->key. *ENTRY is what is there (to be
 * released) or NULL. -1 if nothing can be there. */
int txn_locate(struct txn *txn, struct db_op *op, bool nofollow,
	       struct walk *walk, struct entry **entry);

/* Puts ENTRY, which is taken, at op->key, where a link is replaced. */
int txn_put_entry(struct txn *txn, struct db_op *op, struct entry *entry);
/* A copy of bytes, with a NUL behind, that lasts until the next db_apply. */
char *txn_note(struct db *db, const void *bytes, size_t len);

/* copy.c: before anything is changed; then; and at the end. */
int copy_find(struct txn *txn, struct db_op *op);
int copy_put(struct txn *txn, struct db_op *op);
void copy_forget(struct txn *txn);

/* 0 if the condition holds; -1 with txn->error, ECANCELED if it doesn't. */
int condition_absent(struct txn *txn, struct db_op *op);
int condition_present(struct txn *txn, struct db_op *op);
int condition_value(struct txn *txn, struct db_op *op);
int condition_unchanged(struct txn *txn, struct db_op *op);
int condition_root(struct txn *txn, struct db_op *op);

#endif
