/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, and clients that wait for a version of one. */
#ifndef WEIR_KVSD_NS_CMDS_H
#define WEIR_KVSD_NS_CMDS_H

#include "kvsd/conn.h"

/* Sets of SET what the options of F say: -1 after an error reply. */
int arg_settings(struct conn *c, const struct wire_frame *f,
		 struct db_settings *set);

void waiters_create(struct kvsd *k);
void waiters_destroy(struct kvsd *k);
/* Tells those whose version has come. ERROR, or NULL: what was applied before
 * was undone. */
void waiters_settle(struct kvsd *k, const struct db_error *error);

#endif
