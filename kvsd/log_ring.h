/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's log: the newest lines, in memory. */
#ifndef WEIR_KVSD_LOG_RING_H
#define WEIR_KVSD_LOG_RING_H

#include "kvsd/kvsd.h"

void log_ring_create(struct kvsd *k);
void log_ring_destroy(struct kvsd *k);
void log_ring_add(struct kvsd *k, int level, const char *name,
		  const void *text, size_t len);
uint64_t log_ring_count(const struct kvsd *k);

#endif
