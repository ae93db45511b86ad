/* SPDX-License-Identifier: Apache-2.0 */
/* The records of ended jobs in the store: values `ended.NUMBER' of some lines
 * each, which are only appended to, and go when all jobs in them have. They
 * spare reading the directories of jobs at a start, and are no more than that:
 * a job without a record is read from its directory. weir-jobs(7). */
#ifndef WEIR_SCHEDD_ENDED_H
#define WEIR_SCHEDD_ENDED_H

#include "libclient/weir.h"
#include "schedd/history.h"
#include "schedd/jobdirs.h"

struct schedd;
struct ended;

struct ended *ended_create(void);	/* NULL with ENOMEM */
void ended_destroy(struct ended *e);	/* NULL is fine */

/* Blocking: those of the jobs in IDS, which ascend, go into the history, and
 * KNOWN[i] is set for each. -1 with ERROR. */
int ended_read(struct schedd *s, const struct job_ids *ids, bool *known,
	       struct weir_error *error);
/* Then, once there are transactions: records that are missing are written,
 * and values of which nothing counts go. */
void ended_resume(struct schedd *s);

/* R is in the history; it goes along with this turn's transaction. ORIGIN may
 * be NULL. */
void ended_add(struct schedd *s, struct record *r,
	       const struct job_origin *origin);
/* R's job is purged in this turn's transaction, and was in one before. */
void ended_remove(struct schedd *s, const struct record *r);
void ended_turn(struct schedd *s);	/* what a turn's end has to do */

/* Can ORIGIN's request be presented again? */
bool origin_recent(const struct job_origin *origin);

#endif
