/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions as they come over the wire. */
#ifndef WEIR_KVSD_WRITE_CMDS_H
#define WEIR_KVSD_WRITE_CMDS_H

#include "kvsd/kvsd.h"

void scratch_create(struct kvsd *k);
void scratch_destroy(struct kvsd *k);

#endif
