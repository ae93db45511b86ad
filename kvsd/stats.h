/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: counters, gauges and histograms of all parts, as JSON and as text
 * for Prometheus. One const table in stats.c says what there is: a new figure
 * is a row there and a line in kvsd(8), Figures. */
#ifndef WEIR_KVSD_STATS_H
#define WEIR_KVSD_STATS_H

#include "kvsd/kvsd.h"

struct stats;

void stats_create(struct kvsd *k);
void stats_destroy(struct kvsd *k);

/* For the time that transactions wait: one joined the gathering batch; the
 * batches up to TICKET are durable (OK) or were undone. */
void stats_changed(struct kvsd *k);
void stats_settle(struct kvsd *k, uint64_t ticket, bool ok);

/* JSON, to be freed; NULL if there is no memory. */
char *stats_json(struct kvsd *k);
/* Appends the text of Prometheus, since start whatever was cleared. */
void stats_text(struct kvsd *k, struct wire_buf *b);
/* From now on stats_json counts from here. */
void stats_clear(struct kvsd *k);

#endif
