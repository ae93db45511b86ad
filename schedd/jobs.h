/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that are not finished: found by id, and heaps of those that wait
 * for resources in the order in which they get them, the highest priority
 * first and of equal ones the oldest. */
#ifndef WEIR_SCHEDD_JOBS_H
#define WEIR_SCHEDD_JOBS_H

#include "schedd/job.h"

struct jobs;

struct jobs *jobs_create(void);		/* NULL with ENOMEM */
void jobs_destroy(struct jobs *jobs);	/* with the jobs in it; NULL is fine */

int jobs_add(struct jobs *jobs, struct job *job);	/* -1 with ENOMEM */
/* Takes it out, of its heap as well; it is the caller's again. */
void jobs_remove(struct jobs *jobs, struct job *job);
struct job *jobs_find(const struct jobs *jobs, uint64_t id);
struct job *jobs_first(const struct jobs *jobs);	/* then job->next */
size_t jobs_count(const struct jobs *jobs);

/* All zeros is an empty one; jobs in it are not owned. */
struct job_heap {
	struct job **job;
	size_t count, size;
};

/* A job is in one heap at most; one that is in HEAP gets the place that its
 * priority gives. Each takes O(log n). -1 with ENOMEM. */
int heap_put(struct job_heap *heap, struct job *job);
void heap_drop(struct job *job);		/* fine if in none */
struct job *heap_head(const struct job_heap *heap);	/* or NULL */
void heap_fini(struct job_heap *heap);		/* which is empty */

/* Negative if A comes before B; the order of a heap. */
int jobs_compare(const struct job *a, const struct job *b);

#endif
