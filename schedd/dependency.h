/* SPDX-License-Identifier: Apache-2.0 */
/* What a job waits for before it may be scheduled. weir-jobs(7).
 *
 * The jobspec says which dependencies there are, the events dependency-add
 * and dependency-remove which of them are open. Whether one holds is asked of
 * the other jobs, active and ended: nothing of that is kept, so that it can be
 * asked again after a start.
 *
 * A condition that may hold later is linked to the job that it waits for, or
 * has a timer. It is looked at again only when that job starts or ends.
 */
#ifndef WEIR_SCHEDD_DEPENDENCY_H
#define WEIR_SCHEDD_DEPENDENCY_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/error.h"

#define DEPENDENCIES_MAX	1000	/* of a job, and of one any-of */

struct condition;
struct dependency;
struct job;
struct schedd;

/* From attributes.system.dependencies; NULL is none. -1 with EINVAL. */
int dependency_parse(struct job *job, json_t *array, struct proto_error *err);
void dependency_free(struct job *job);	/* what JOB has, and who waits for it */

/* ---- from events; no effect elsewhere ---- */

int dependency_opened(struct job *job, const char *description);
void dependency_closed(struct job *job, const char *description);
/* One that is not in the jobspec, open from the beginning; it is still to be
 * posted. -1 with ENOMEM. */
int dependency_hold(struct job *job, const char *description);
bool dependency_is_open(const struct job *job, const char *description);
/* The descriptions of the open ones; NULL if there is none. */
json_t *dependency_list(const struct job *job);

/* ---- effects ---- */

/* Whether a plug-in may have SCHEME for its own. */
bool dependency_is_foreign(const char *scheme);
/* At submission: the jobs it names exist and are its user's. -1 with EINVAL
 * or EPERM. */
int dependency_check(struct schedd *s, const struct job *job,
		     struct proto_error *err);
/* Posts dependency-add for each that is not in the log yet. */
void dependency_post(struct schedd *s, struct job *job);
/* Whether JOB depends on nothing any more; if not, it goes on by itself, or
 * was ended: then it may be gone. */
bool dependency_none(struct schedd *s, struct job *job);
/* Those that plug-ins know are asked about again. */
void dependency_look(struct schedd *s);
/* JOB no longer waits: it is ending. */
void dependency_drop(struct job *job);
/* JOB has started, or has ended and is about to be forgotten. */
void dependency_wake(struct schedd *s, struct job *job);
/* At the end of a turn: those who were waiting for what happened. */
void dependency_turn(struct schedd *s);

#endif
