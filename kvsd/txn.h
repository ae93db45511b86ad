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
};

/* Follows the links on the way to op->key. *ENTRY is what is there (to be
 * released) or NULL. -1 if nothing can be there. */
int txn_locate(struct txn *txn, struct db_op *op, bool nofollow,
	       struct walk *walk, struct entry **entry);

/* 0 if the condition holds; -1 with txn->error, ECANCELED if it doesn't. */
int condition_absent(struct txn *txn, struct db_op *op);
int condition_present(struct txn *txn, struct db_op *op);
int condition_value(struct txn *txn, struct db_op *op);
int condition_unchanged(struct txn *txn, struct db_op *op);
int condition_root(struct txn *txn, struct db_op *op);

#endif
