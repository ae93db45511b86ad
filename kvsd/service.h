/* SPDX-License-Identifier: Apache-2.0 */
/* Services that clients serve, the calls to them, and messages. */
#ifndef WEIR_KVSD_SERVICE_H
#define WEIR_KVSD_SERVICE_H

#include "kvsd/kvsd.h"

void services_create(struct kvsd *k);
void services_destroy(struct kvsd *k);

struct service_stats {
	uint64_t services, calls, calls_waiting;
	struct histogram call_time;
};
void service_stats(const struct kvsd *k, struct service_stats *stats);

#endif
