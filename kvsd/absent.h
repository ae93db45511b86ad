/* SPDX-License-Identifier: Apache-2.0 */
/* Services that are away for a moment: their server's connection was lost, or
 * kvsd itself was started anew. Calls to them wait for ABSENT_SECONDS, so
 * that the restart of a daemon is no error to its callers. */
#ifndef WEIR_KVSD_ABSENT_H
#define WEIR_KVSD_ABSENT_H

#include "kvsd/conn.h"

#define ABSENT_SECONDS	5

void absents_create(struct kvsd *k);
void absents_destroy(struct kvsd *k);

/* NAME's server has gone. */
void absent_begin(struct kvsd *k, const char *name);
/* It is served again: the calls that waited are made. */
void absent_end(struct kvsd *k, const char *name);
/* Keeps C's call F to the service of LEN bytes at NAME if that is absent;
 * false if it is not, or the call wants no reply. */
bool absent_hold(struct conn *c, const char *name, size_t len,
		 const struct wire_frame *f);

#endif
