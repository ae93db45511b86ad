/* SPDX-License-Identifier: Apache-2.0 */
/* Watches, as the rest of the daemon sees them: told of what was applied and
 * of what became of it. */
#ifndef WEIR_KVSD_WATCH_H
#define WEIR_KVSD_WATCH_H

#include "kvsd/kvsd.h"

void watches_create(struct kvsd *k);
void watches_destroy(struct kvsd *k);

/* db_apply has just applied OPS. */
void watches_record(struct kvsd *k, const struct db_op *ops, size_t count);
/* Namespace NAME was just made or removed. */
void watches_record_namespace(struct kvsd *k, const char *name);
/* What was recorded up to TICKET is durable (OK), or was undone. */
void watches_settle(struct kvsd *k, uint64_t ticket, bool ok);

struct watch_stats {
	uint64_t watches, spots, pushes, lagged, behind, kept_bytes;
};
void watch_stats(const struct kvsd *k, struct watch_stats *stats);

#endif
