/* SPDX-License-Identifier: Apache-2.0 */
/* Fences: transactions of several participants. */
#ifndef WEIR_KVSD_FENCE_H
#define WEIR_KVSD_FENCE_H

#include "kvsd/kvsd.h"

void fences_create(struct kvsd *k);
/* All connections are gone, and so is every fence. */
void fences_destroy(struct kvsd *k);

#endif
