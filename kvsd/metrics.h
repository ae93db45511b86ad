/* SPDX-License-Identifier: Apache-2.0 */
/* Figures over HTTP, for Prometheus: GET /metrics. */
#ifndef WEIR_KVSD_METRICS_H
#define WEIR_KVSD_METRICS_H

#include "kvsd/kvsd.h"

/* Whether ADDRESS is ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH, and this
 * machine's own unless ANY. -1 with a text. */
int metrics_check(const char *address, bool any, char *why, size_t size);
/* Begins to serve at k->options.metrics, if that is set. */
int metrics_create(struct kvsd *k, char *why, size_t size);
void metrics_destroy(struct kvsd *k);

#endif
