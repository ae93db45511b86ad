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
/* The lease that the value of an option lease= names, 0 if TEXT is NULL. -1 with
 * ERROR: it has ended (and when, if that is known), or C may not use it. */
int lease_check(struct conn *c, const char *text, uint64_t *id,
		struct db_error *error);
/* Its leases have their seconds from now on. */
void lease_conn_closed(struct conn *c);

#endif
