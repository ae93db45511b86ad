/* SPDX-License-Identifier: Apache-2.0 */
/* Publish and subscribe: one order, numbers without a gap. */
#ifndef WEIR_KVSD_EVENT_H
#define WEIR_KVSD_EVENT_H

#include "kvsd/kvsd.h"

void events_create(struct kvsd *k);
void events_destroy(struct kvsd *k);

struct event_stats {
	uint64_t published, delivered, lost, subscriptions, sequence;
};
void event_stats(const struct kvsd *k, struct event_stats *stats);

#endif
