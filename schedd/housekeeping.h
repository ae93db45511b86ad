/* SPDX-License-Identifier: Apache-2.0 */
/* What the instance's owner has run on each node of a job after the job: the
 * job has ended, but its resources are not given to others before. weir-jobs(7),
 * section Housekeeping.
 *
 * The key housekeeping.ID holds what is still kept of the job ID. It comes in
 * the transaction that says `free', and goes when everything is given back.
 */
#ifndef WEIR_SCHEDD_HOUSEKEEPING_H
#define WEIR_SCHEDD_HOUSEKEEPING_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/idset.h"

struct job;
struct keeping;
struct schedd;

/* JOB is about to say `free'. True: its resources are kept. */
bool housekeeping_begin(struct schedd *s, struct job *job);
/* What may be done is: at a turn's end, and when one is durable. */
void housekeeping_turn(struct schedd *s);
/* The node RANK has come, maybe again; or is lost. */
void housekeeping_node(struct schedd *s, unsigned rank, bool online);
/* The ranks of nodes that are kept; NULL with ENOMEM. */
struct idset *housekeeping_ranks(const struct schedd *s);
/* What was not over when an earlier schedd ended; blocking. */
int housekeeping_read(struct schedd *s, struct weir_error *error);
void housekeeping_stop(struct schedd *s);

#endif
