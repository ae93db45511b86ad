/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions as they come over the wire. */
#ifndef WEIR_KVSD_WRITE_CMDS_H
#define WEIR_KVSD_WRITE_CMDS_H

#include "kvsd/conn.h"

void scratch_create(struct kvsd *k);
void scratch_destroy(struct kvsd *k);

/* 0 if DATA is the operations of a transaction that C may ask for, as far as
 * that can be told without doing it; -1 with ERROR. */
int commit_check(struct conn *c, const char *data, size_t len,
		 struct db_error *error);

struct commit_party {
	struct conn *conn;
	const char *tag;
};
/* One transaction with the rights of C, answered to every party. */
void commit_for(struct conn *c, const char *ns, const char *data, size_t len,
		struct commit_party *party, size_t parties);

#endif
