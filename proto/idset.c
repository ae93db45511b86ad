/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of small integers. See idset.h; their text form is in idset_text.c.
 *
 * Invariant: runs ascend and neither overlap nor touch, so there is one
 * representation of each set.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/idset.h"

struct run {
	unsigned lo, hi;	/* both are members */
};

struct idset {
	struct run *runs;
	size_t count;
	size_t size;
};

struct idset *idset_create(void)
{
	return calloc(1, sizeof(struct idset));
}

void idset_destroy(struct idset *set)
{
	int saved = errno;

	if (set) {
		free(set->runs);
		free(set);
	}
	errno = saved;
}

static int reserve(struct idset *set, size_t count)
{
	size_t size = set->size ? set->size : 4;
	struct run *runs;

	if (count <= set->size)
		return 0;
	while (size < count)
		size *= 2;
	runs = reallocarray(set->runs, size, sizeof(*runs));
	if (!runs)
		return -1;
	set->runs = runs;
	set->size = size;
	return 0;
}

struct idset *idset_copy(const struct idset *set)
{
	struct idset *copy = idset_create();

	if (!copy)
		return NULL;
	if (reserve(copy, set->count) < 0) {
		idset_destroy(copy);
		return NULL;
	}
	if (set->count)
		memcpy(copy->runs, set->runs, set->count * sizeof(struct run));
	copy->count = set->count;
	return copy;
}

/* Index of the first run that ends at ID or later, or count. */
static size_t find(const struct idset *set, unsigned id)
{
	size_t lo = 0, hi = set->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->runs[mid].hi < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Put the N runs of WITH in place of those from FIRST up to END. */
static int splice(struct idset *set, size_t first, size_t end,
		  const struct run *with, size_t n)
{
	size_t rest = set->count - end;

	if (reserve(set, first + n + rest) < 0)
		return -1;
	if (rest)
		memmove(set->runs + first + n, set->runs + end,
			rest * sizeof(struct run));
	for (size_t i = 0; i < n; i++)
		set->runs[first + i] = with[i];
	set->count = first + n + rest;
	return 0;
}

static int check_range(unsigned lo, unsigned hi)
{
	if (lo <= hi && hi <= IDSET_MAX)
		return 0;
	errno = EINVAL;
	return -1;
}

int idset_range_set(struct idset *set, unsigned lo, unsigned hi)
{
	struct run run = { lo, hi };
	size_t first, end;

	if (check_range(lo, hi) < 0)
		return -1;
	/* Everything that overlaps or touches becomes one run. */
	first = find(set, lo ? lo - 1 : 0);
	for (end = first; end < set->count && set->runs[end].lo <= hi + 1;
	     end++)
		;
	if (end > first) {
		if (set->runs[first].lo < lo)
			run.lo = set->runs[first].lo;
		if (set->runs[end - 1].hi > hi)
			run.hi = set->runs[end - 1].hi;
	}
	return splice(set, first, end, &run, 1);
}

int idset_range_clear(struct idset *set, unsigned lo, unsigned hi)
{
	struct run left[2];
	size_t first, end, n = 0;

	if (check_range(lo, hi) < 0)
		return -1;
	first = find(set, lo);
	for (end = first; end < set->count && set->runs[end].lo <= hi; end++)
		;
	if (end == first)
		return 0;
	if (set->runs[first].lo < lo)
		left[n++] = (struct run){ set->runs[first].lo, lo - 1 };
	if (set->runs[end - 1].hi > hi)
		left[n++] = (struct run){ hi + 1, set->runs[end - 1].hi };
	return splice(set, first, end, left, n);
}

int idset_set(struct idset *set, unsigned id)
{
	return idset_range_set(set, id, id);
}

int idset_clear(struct idset *set, unsigned id)
{
	return idset_range_clear(set, id, id);
}

bool idset_test(const struct idset *set, unsigned id)
{
	size_t i = find(set, id);

	return i < set->count && set->runs[i].lo <= id;
}

bool idset_empty(const struct idset *set)
{
	return !set->count;
}

size_t idset_count(const struct idset *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++)
		count += (size_t)set->runs[i].hi - set->runs[i].lo + 1;
	return count;
}

unsigned idset_first(const struct idset *set)
{
	return set->count ? set->runs[0].lo : IDSET_NONE;
}

unsigned idset_last(const struct idset *set)
{
	return set->count ? set->runs[set->count - 1].hi : IDSET_NONE;
}

unsigned idset_next(const struct idset *set, unsigned id)
{
	size_t i;

	if (id >= IDSET_MAX)
		return IDSET_NONE;
	i = find(set, id + 1);
	if (i == set->count)
		return IDSET_NONE;
	return set->runs[i].lo > id ? set->runs[i].lo : id + 1;
}

unsigned idset_nth(const struct idset *set, size_t n)
{
	for (size_t i = 0; i < set->count; i++) {
		size_t len = (size_t)set->runs[i].hi - set->runs[i].lo + 1;

		if (n < len)
			return set->runs[i].lo + n;
		n -= len;
	}
	return IDSET_NONE;
}

size_t idset_ranges(const struct idset *set)
{
	return set->count;
}

void idset_range(const struct idset *set, size_t i, unsigned *lo, unsigned *hi)
{
	assert(i < set->count);
	*lo = set->runs[i].lo;
	*hi = set->runs[i].hi;
}

/* ---- two sets: one pass over both ---- */

/* Add a run that begins at or after the last one's begin. */
static int append(struct idset *set, unsigned lo, unsigned hi)
{
	struct run *last = set->count ? &set->runs[set->count - 1] : NULL;

	if (last && lo <= last->hi + 1) {
		if (hi > last->hi)
			last->hi = hi;
		return 0;
	}
	return splice(set, set->count, set->count, &(struct run){ lo, hi }, 1);
}

static int merge_union(struct idset *to, const struct idset *a,
		       const struct idset *b)
{
	size_t i = 0, j = 0;

	while (i < a->count || j < b->count) {
		const struct run *run;

		if (j == b->count || (i < a->count &&
				      a->runs[i].lo <= b->runs[j].lo))
			run = &a->runs[i++];
		else
			run = &b->runs[j++];
		if (append(to, run->lo, run->hi) < 0)
			return -1;
	}
	return 0;
}

static int merge_intersect(struct idset *to, const struct idset *a,
			   const struct idset *b)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		const struct run *x = &a->runs[i], *y = &b->runs[j];
		unsigned lo = x->lo > y->lo ? x->lo : y->lo;
		unsigned hi = x->hi < y->hi ? x->hi : y->hi;

		if (lo <= hi && append(to, lo, hi) < 0)
			return -1;
		if (x->hi < y->hi)
			i++;
		else
			j++;
	}
	return 0;
}

static int merge_difference(struct idset *to, const struct idset *a,
			    const struct idset *b)
{
	size_t j = 0;

	for (size_t i = 0; i < a->count; i++) {
		unsigned lo = a->runs[i].lo, hi = a->runs[i].hi;

		while (j < b->count && b->runs[j].hi < lo)
			j++;
		/* A run of B that reaches beyond this run of A stays current
		 * for the next one. */
		while (lo <= hi && j < b->count && b->runs[j].lo <= hi) {
			if (b->runs[j].lo > lo &&
			    append(to, lo, b->runs[j].lo - 1) < 0)
				return -1;
			lo = b->runs[j].hi + 1;
			if (lo <= hi)
				j++;
		}
		if (lo <= hi && append(to, lo, hi) < 0)
			return -1;
	}
	return 0;
}

typedef int merge_f(struct idset *to, const struct idset *a,
		    const struct idset *b);

static struct idset *merged(merge_f *merge, const struct idset *a,
			    const struct idset *b)
{
	struct idset *to = idset_create();

	if (to && merge(to, a, b) < 0) {
		idset_destroy(to);
		to = NULL;
	}
	return to;
}

static int merge_in_place(merge_f *merge, struct idset *set,
			  const struct idset *other)
{
	struct idset *to = merged(merge, set, other);
	struct idset old = *set;

	if (!to)
		return -1;
	*set = *to;
	*to = old;
	idset_destroy(to);
	return 0;
}

struct idset *idset_union(const struct idset *a, const struct idset *b)
{
	return merged(merge_union, a, b);
}

struct idset *idset_difference(const struct idset *a, const struct idset *b)
{
	return merged(merge_difference, a, b);
}

struct idset *idset_intersect(const struct idset *a, const struct idset *b)
{
	return merged(merge_intersect, a, b);
}

int idset_add(struct idset *set, const struct idset *other)
{
	return merge_in_place(merge_union, set, other);
}

int idset_subtract(struct idset *set, const struct idset *other)
{
	return merge_in_place(merge_difference, set, other);
}

int idset_keep(struct idset *set, const struct idset *other)
{
	return merge_in_place(merge_intersect, set, other);
}

bool idset_equal(const struct idset *a, const struct idset *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->runs, b->runs,
				     a->count * sizeof(struct run)));
}

int idset_compare(const struct idset *a, const struct idset *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		const struct run *x = &a->runs[i], *y = &b->runs[i];

		if (x->lo != y->lo)
			return x->lo < y->lo ? -1 : 1;
		if (x->hi != y->hi)
			return x->hi < y->hi ? -1 : 1;
	}
	return (a->count > b->count) - (a->count < b->count);
}

bool idset_contains(const struct idset *set, const struct idset *subset)
{
	for (size_t i = 0; i < subset->count; i++) {
		size_t at = find(set, subset->runs[i].lo);

		if (at == set->count ||
		    set->runs[at].lo > subset->runs[i].lo ||
		    set->runs[at].hi < subset->runs[i].hi)
			return false;
	}
	return true;
}

bool idset_intersects(const struct idset *a, const struct idset *b)
{
	for (size_t i = 0, j = 0; i < a->count && j < b->count; ) {
		if (a->runs[i].hi < b->runs[j].lo)
			i++;
		else if (b->runs[j].hi < a->runs[i].lo)
			j++;
		else
			return true;
	}
	return false;
}
