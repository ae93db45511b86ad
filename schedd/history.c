/* SPDX-License-Identifier: Apache-2.0 */
/* Records of finished jobs: see history.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/array.h"
#include "schedd/history.h"

struct history {
	struct record **record;		/* by time of the end */
	size_t first, count, size;	/* from FIRST on, COUNT of them */
	struct record **bucket;
	size_t buckets;			/* a power of two, or 0 */
	size_t results[RESULT_TIMEOUT + 1];
};

struct history *history_create(void)
{
	return calloc(1, sizeof(struct history));
}

void history_destroy(struct history *h)
{
	size_t i;

	if (!h)
		return;
	for (i = 0; i < h->count; i++)
		free(h->record[h->first + i]);
	free(h->record);
	free(h->bucket);
	free(h);
}

static size_t hash(const struct history *h, uint64_t id)
{
	id ^= id >> 33;
	id *= 0xff51afd7ed558ccdULL;
	id ^= id >> 33;
	return (size_t)id & (h->buckets - 1);
}

/* Room for one more in both arrays. */
static int reserve(struct history *h)
{
	size_t size = h->size ? h->size * 2 : 1024, i;
	struct record **record, **bucket;

	if (h->first + h->count < h->size)
		return 0;
	if (h->first > h->size / 2) {
		memmove(h->record, h->record + h->first,
			h->count * sizeof(*h->record));
		h->first = 0;
		return 0;
	}
	record = reallocarray(h->record, size, sizeof(*record));
	if (!record)
		return -1;
	h->record = record;
	bucket = calloc(size, sizeof(*bucket));
	if (!bucket)
		return -1;
	free(h->bucket);
	h->bucket = bucket;
	h->size = h->buckets = size;
	for (i = 0; i < h->count; i++) {
		struct record *r = record[h->first + i];
		size_t b = hash(h, r->id);

		r->chain = bucket[b];
		bucket[b] = r;
	}
	return 0;
}

static size_t length(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *put(char **p, const char *s)
{
	char *start = *p;

	if (!s)
		return NULL;
	*p = stpcpy(start, s) + 1;
	return start;
}

/* A copy of FROM. */
static struct record *record_create(const struct record *from)
{
	size_t len = length(from->name) + length(from->cwd) +
		     length(from->queue) + length(from->nodelist) +
		     length(from->ranks) + length(from->exception_type) +
		     length(from->exception_note) +
		     length(from->resources) + length(from->memo) +
		     length(from->array) + length(from->rest);
	struct record *r = malloc(sizeof(*r) + len);
	char *p = (char *)(r + 1);

	if (!r)
		return NULL;
	*r = *from;
	r->name = put(&p, from->name);
	r->cwd = put(&p, from->cwd);
	r->queue = put(&p, from->queue);
	r->nodelist = put(&p, from->nodelist);
	r->ranks = put(&p, from->ranks);
	r->exception_type = put(&p, from->exception_type);
	r->exception_note = put(&p, from->exception_note);
	r->resources = put(&p, from->resources);
	r->memo = put(&p, from->memo);
	r->array = put(&p, from->array);
	r->rest = put(&p, from->rest);
	return r;
}

int history_put(struct history *h, const struct record *from)
{
	struct record *r;
	size_t b;

	if (reserve(h) < 0)
		return -1;
	r = record_create(from);
	if (!r)
		return -1;
	h->record[h->first + h->count++] = r;
	b = hash(h, r->id);
	r->chain = h->bucket[b];
	h->bucket[b] = r;
	h->results[r->result]++;
	return 0;
}

int history_add(struct history *h, const struct job *job)
{
	char *memo = job->memo ? json_dumps(job->memo, JSON_COMPACT) : NULL;
	char *rest = NULL;
	int known = job->array ? array_rest(job->array, &rest) : 0;
	struct record r = {
		.id = job->id, .expiration = job->expiration,
		.duration = job->want.duration, .priority = job->priority,
		.userid = job->userid, .ntasks = job->ntasks,
		.ncores = job->ncores, .nnodes = job->nnodes,
		.status = job->status, .flags = job->flags,
		.urgency = (unsigned char)job->urgency,
		.result = (unsigned char)job_result(job),
		.exception_severity = (unsigned char)job->exception_severity,
		.exception = job->exception, .started = job->started,
		.finished = job->finished, .name = job->name,
		.cwd = job->cwd, .queue = job->queue,
		.nodelist = job->nodelist, .ranks = job->ranks,
		.exception_type = job->exception_type,
		.exception_note = job->exception_note,
		.resources = job->resources, .memo = memo,
		.array = job->array ? job->array->text : NULL,
	};
	int result = -1;

	memcpy(r.entered, job->entered, sizeof(r.entered));
	r.rest = rest;
	if ((!job->memo || memo) && known == 0)
		result = history_put(h, &r);
	free(memo);
	free(rest);
	return result;
}

static int compare(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a;
	const struct record *y = *(const struct record *const *)b;
	double s = x->entered[STATE_INACTIVE], t = y->entered[STATE_INACTIVE];

	if (s != t)
		return s < t ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void history_sort(struct history *h)
{
	if (h->count)
		qsort(h->record + h->first, h->count, sizeof(h->record[0]),
		      compare);
}

const struct record *history_find(const struct history *h, uint64_t id)
{
	struct record *r = h->buckets ? h->bucket[hash(h, id)] : NULL;

	while (r && r->id != id)
		r = r->chain;
	return r;
}

struct record *history_nth(const struct history *h, size_t i)
{
	return i < h->count ? h->record[h->first + h->count - 1 - i] : NULL;
}

size_t history_behind(const struct history *h, double t, uint64_t id)
{
	const struct record *r = history_find(h, id);
	size_t low = 0, high = h->count, i;

	while (low < high) {	/* the first that did not end after T */
		size_t middle = low + (high - low) / 2;

		if (history_nth(h, middle)->entered[STATE_INACTIVE] > t)
			low = middle + 1;
		else
			high = middle;
	}
	for (i = low; i < h->count; i++) {
		const struct record *at = history_nth(h, i);

		if (at == r)
			return i + 1;
		if (at->entered[STATE_INACTIVE] < t)
			break;
	}
	if (!r)
		return i;
	/* the clock was set back: not all are in order */
	for (i = 0; history_nth(h, i) != r; )
		i++;
	return i + 1;
}

const struct record *history_oldest(const struct history *h)
{
	return h->count ? h->record[h->first] : NULL;
}

void history_remove(struct history *h, uint64_t id)
{
	struct record **p, *r;
	size_t i = h->first;

	if (!h->buckets)
		return;
	for (p = &h->bucket[hash(h, id)]; *p && (*p)->id != id; )
		p = &(*p)->chain;
	r = *p;
	if (!r)
		return;
	*p = r->chain;
	while (h->record[i] != r)
		i++;
	/* those before it are fewer, as the oldest go first */
	memmove(&h->record[h->first + 1], &h->record[h->first],
		(i - h->first) * sizeof(*h->record));
	h->first++;
	h->count--;
	h->results[r->result]--;
	free(r);
}

size_t history_count(const struct history *h, int result)
{
	return result ? h->results[result] : h->count;
}
