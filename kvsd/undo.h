/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction has changed in memory, so that it can be taken back. */
#ifndef WEIR_KVSD_UNDO_H
#define WEIR_KVSD_UNDO_H

#include <stddef.h>
#include <stdint.h>

struct undo {
	/* REVERT takes the change back and DISCARD lets it be; each releases
	 * what the three hold. */
	void (*revert)(struct undo *undo);
	void (*discard)(struct undo *undo);
	void *object, *before, *after;
	uint64_t number;
};

struct undo_log {
	struct undo *undo;
	size_t count, room;
};

void undo_push(struct undo_log *log, struct undo undo);
void undo_revert(struct undo_log *log);		/* the newest first */
void undo_discard(struct undo_log *log);
void undo_free(struct undo_log *log);		/* an empty one */

#endif
