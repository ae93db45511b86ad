/* SPDX-License-Identifier: Apache-2.0 */
/* Leases and their clocks. */
#ifndef WEIR_KVSD_LEASE_CMDS_H
#define WEIR_KVSD_LEASE_CMDS_H

#include "kvsd/conn.h"

/* All leases in the database have their seconds from now on. */
void leases_create(struct kvsd *k);
void leases_destroy(struct kvsd *k);
/* Batches were undone: what the database has now counts. */
void leases_reload(struct kvsd *k);
/* "lease ID has ended", and when, if that is known. */
void lease_ended_text(struct kvsd *k, uint64_t id, char *text, size_t size);
/* Its leases have their seconds from now on. */
void lease_conn_closed(struct conn *c);

#endif
