/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the store. */
#ifndef WEIR_KVSD_STORE_PRIVATE_H
#define WEIR_KVSD_STORE_PRIVATE_H

#include <lmdb.h>

#include "kvsd/store.h"

/* 0 or LMDB's code. */
int store_changes_apply(MDB_txn *txn, const MDB_dbi *table,
			const struct store_changes *changes);

#endif
