/* SPDX-License-Identifier: Apache-2.0 */
/* A hash of jobs by id, and binary heaps: see jobs.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "schedd/jobs.h"

#define BUCKETS_FIRST	1024	/* a power of two */

struct jobs {
	struct job **bucket;
	size_t buckets;
	struct job *first;
	size_t count;
};

struct jobs *jobs_create(void)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		return NULL;
	jobs->buckets = BUCKETS_FIRST;
	jobs->bucket = calloc(jobs->buckets, sizeof(*jobs->bucket));
	if (!jobs->bucket) {
		free(jobs);
		return NULL;
	}
	return jobs;
}

void jobs_destroy(struct jobs *jobs)
{
	struct job *job;

	if (!jobs)
		return;
	while ((job = jobs->first)) {
		jobs_remove(jobs, job);
		job_destroy(job);
	}
	free(jobs->bucket);
	free(jobs);
}

/* Ids differ in time, which is above the generator's number: mix well. */
static size_t hash(const struct jobs *jobs, uint64_t id)
{
	id ^= id >> 33;
	id *= 0xff51afd7ed558ccdULL;
	id ^= id >> 33;
	return (size_t)id & (jobs->buckets - 1);
}

static int grow(struct jobs *jobs)
{
	size_t n = jobs->buckets * 2;
	struct job **bucket = calloc(n, sizeof(*bucket)), *job;

	if (!bucket)
		return -1;
	free(jobs->bucket);
	jobs->bucket = bucket;
	jobs->buckets = n;
	for (job = jobs->first; job; job = job->next) {
		size_t i = hash(jobs, job->id);

		job->chain = bucket[i];
		bucket[i] = job;
	}
	return 0;
}

int jobs_add(struct jobs *jobs, struct job *job)
{
	size_t i;

	assert(job->magic == JOB_MAGIC && !jobs_find(jobs, job->id));
	if (jobs->count >= jobs->buckets && grow(jobs) < 0)
		return -1;
	i = hash(jobs, job->id);
	job->chain = jobs->bucket[i];
	jobs->bucket[i] = job;
	job->next = jobs->first;
	if (job->next)
		job->next->prev = &job->next;
	job->prev = &jobs->first;
	jobs->first = job;
	jobs->count++;
	return 0;
}

void jobs_remove(struct jobs *jobs, struct job *job)
{
	struct job **p = &jobs->bucket[hash(jobs, job->id)];

	heap_drop(job);
	while (*p != job)
		p = &(*p)->chain;
	*p = job->chain;
	*job->prev = job->next;
	if (job->next)
		job->next->prev = job->prev;
	jobs->count--;
}

struct job *jobs_find(const struct jobs *jobs, uint64_t id)
{
	struct job *job = jobs->bucket[hash(jobs, id)];

	while (job && job->id != id)
		job = job->chain;
	return job;
}

struct job *jobs_first(const struct jobs *jobs)
{
	return jobs->first;
}

size_t jobs_count(const struct jobs *jobs)
{
	return jobs->count;
}

/* ---- heaps ---- */

int jobs_compare(const struct job *a, const struct job *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static void place(struct job_heap *heap, struct job *job, size_t i)
{
	heap->job[i] = job;
	job->queued = i;
}

static void sift(struct job_heap *heap, struct job *job)
{
	size_t i = job->queued, child;

	while (i > 0 && jobs_compare(job, heap->job[(i - 1) / 2]) < 0) {
		place(heap, heap->job[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	while ((child = 2 * i + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    jobs_compare(heap->job[child + 1], heap->job[child]) < 0)
			child++;
		if (jobs_compare(job, heap->job[child]) < 0)
			break;
		place(heap, heap->job[child], i);
		i = child;
	}
	place(heap, job, i);
}

int heap_put(struct job_heap *heap, struct job *job)
{
	if (job->heap != heap) {
		if (heap->count == heap->size) {
			size_t n = heap->size ? heap->size * 2 : 256;
			struct job **array = reallocarray(heap->job, n,
							  sizeof(*array));

			if (!array)
				return -1;
			heap->job = array;
			heap->size = n;
		}
		heap_drop(job);
		job->heap = heap;
		place(heap, job, heap->count++);
	}
	sift(heap, job);
	return 0;
}

void heap_drop(struct job *job)
{
	struct job_heap *heap = job->heap;
	size_t i = job->queued;
	struct job *last;

	if (!heap)
		return;
	assert(i < heap->count && heap->job[i] == job);
	job->heap = NULL;
	last = heap->job[--heap->count];
	if (last != job) {
		place(heap, last, i);
		sift(heap, last);
	}
}

struct job *heap_head(const struct job_heap *heap)
{
	return heap->count ? heap->job[0] : NULL;
}

void heap_fini(struct job_heap *heap)
{
	assert(heap->count == 0);
	free(heap->job);
}
