/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk: who may still write. See room.c. */
#ifndef WEIR_KVSD_ROOM_H
#define WEIR_KVSD_ROOM_H

#include "kvsd/db.h"

struct room {
	bool full;		/* only removing is admitted */
	bool reserved;		/* the reserve is there */
	double looked;		/* when LEFT was found; monotonic seconds */
	uint64_t left;		/* bytes for others than who removes */
};

void room_init(struct db *db);
/* A batch could not be written for lack of room; after it was given up. */
void room_failed(struct db *db);
/* A commit was written, and may have freed some: look before the next no. */
void room_changed(struct db *db);
/* OPS may be applied: -1 with ENOSPC and a text. */
int room_check(struct db *db, const struct db_op *ops, size_t count,
	       struct db_error *error);

#endif
