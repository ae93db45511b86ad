/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that are not finished: found by id, and those that wait for
 * resources in the order in which they get them, the highest priority first
 * and of equal ones the oldest. */
#ifndef WEIR_SCHEDD_JOBS_H
#define WEIR_SCHEDD_JOBS_H

#include "schedd/job.h"

struct jobs;

struct jobs *jobs_create(void);		/* NULL with ENOMEM */
void jobs_destroy(struct jobs *jobs);	/* with the jobs in it; NULL is fine */

int jobs_add(struct jobs *jobs, struct job *job);	/* -1 with ENOMEM */
/* Takes it out, of the queue as well; it is the caller's again. */
void jobs_remove(struct jobs *jobs, struct job *job);
struct job *jobs_find(const struct jobs *jobs, uint64_t id);
struct job *jobs_first(const struct jobs *jobs);	/* then job->next */
size_t jobs_count(const struct jobs *jobs);

/* Queued jobs; a job that is in the queue gets the place that its priority
 * gives. Each takes O(log n). -1 with ENOMEM. */
int jobs_enqueue(struct jobs *jobs, struct job *job);
void jobs_dequeue(struct jobs *jobs, struct job *job);	/* fine if not in */
struct job *jobs_head(const struct jobs *jobs);		/* or NULL */
size_t jobs_queued(const struct jobs *jobs);

/* Negative if A comes before B; the order of the queue. */
int jobs_compare(const struct job *a, const struct job *b);

#endif
