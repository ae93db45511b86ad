/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction has changed in memory: see undo.h. */
#include "config.h"

#include <assert.h>

#include "kvsd/alloc.h"
#include "kvsd/undo.h"

void undo_push(struct undo_log *log, struct undo undo)
{
	if (log->count == log->room) {
		log->room = log->room ? 2 * log->room : 32;
		log->undo = xrealloc(log->undo, log->room * sizeof(undo));
	}
	log->undo[log->count++] = undo;
}

void undo_revert(struct undo_log *log)
{
	while (log->count) {
		struct undo *undo = &log->undo[--log->count];

		undo->revert(undo);
	}
}

void undo_discard(struct undo_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		log->undo[i].discard(&log->undo[i]);
	log->count = 0;
}

void undo_free(struct undo_log *log)
{
	assert(!log->count);
	free(log->undo);
	log->undo = NULL;
	log->room = 0;
}
