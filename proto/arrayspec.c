/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of a job array as text and ranges: see arrayspec.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arrayspec.h"
#include "proto/jobid.h"

#define RANGE_SIZE	40	/* bytes of a range's text, comma included */

/* ---- parsing ---- */

/* Digits at *P, at most MAX; WHAT is said of others. */
static int get_number(const char **p, uint32_t max, const char *what,
		      uint32_t *n, struct proto_error *err)
{
	const char *start = *p;
	uint64_t value = 0;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		value = value * 10 + (uint64_t)(**p - '0');
		if (value > max)
			return proto_error_set(err, E2BIG, "%s '%.20s': at "
					       "most %" PRIu32 " is possible",
					       what, start, max);
	}
	if (*p == start)
		return proto_error_set(err, EINVAL, "%s: want a number at "
				       "'%.20s'", what, start);
	*n = (uint32_t)value;
	return 0;
}

/* FIRST[-LAST[:STEP]] */
static int get_range(const char **p, struct array_range *r,
		     struct proto_error *err)
{
	if (get_number(p, JOBID_INDEX_MAX, "index", &r->first, err) < 0)
		return -1;
	r->last = r->first;
	r->step = 1;
	if (**p != '-')
		return 0;
	++*p;
	if (get_number(p, JOBID_INDEX_MAX, "index", &r->last, err) < 0)
		return -1;
	if (r->last < r->first)
		return proto_error_set(err, EINVAL, "range %" PRIu32 "-%"
				       PRIu32 ": ends before it begins",
				       r->first, r->last);
	if (**p != ':')
		return 0;
	++*p;
	if (get_number(p, JOBID_INDEX_MAX, "step", &r->step, err) < 0)
		return -1;
	if (r->step == 0)
		return proto_error_set(err, EINVAL, "range %" PRIu32 "-%"
				       PRIu32 ": the step must be 1 or more",
				       r->first, r->last);
	r->last -= (r->last - r->first) % r->step;
	return 0;
}

static int get_limit(const char **p, uint32_t *limit, struct proto_error *err)
{
	if (**p != '%')
		return 0;
	++*p;
	if (get_number(p, INT32_MAX, "limit behind %", limit, err) < 0)
		return -1;
	if (*limit == 0)
		return proto_error_set(err, EINVAL, "limit behind %%: must be "
				       "1 or more");
	return 0;
}

static int get_all(struct array_spec *spec, const char *p,
		   struct proto_error *err)
{
	do {
		if (spec->ranges == ARRAY_RANGES_MAX)
			return proto_error_set(err, E2BIG, "more than %d "
					       "ranges", ARRAY_RANGES_MAX);
		if (get_range(&p, &spec->range[spec->ranges++], err) < 0)
			return -1;
	} while (*p == ',' && *p++);
	if (get_limit(&p, &spec->limit, err) < 0)
		return -1;
	return *p ? proto_error_set(err, EINVAL, "cannot read '%.20s'", p) :
	       0;
}

static int by_first(const void *a, const void *b)
{
	const struct array_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static uint32_t size_of(const struct array_range *r)
{
	return (r->last - r->first) / r->step + 1;
}

static int put_in_order(struct array_spec *spec, struct proto_error *err)
{
	size_t i;

	qsort(spec->range, spec->ranges, sizeof(*spec->range), by_first);
	for (i = 0; i < spec->ranges; i++) {
		if (i > 0 && spec->range[i].first <= spec->range[i - 1].last)
			return proto_error_set(err, EINVAL, "the range from %"
				PRIu32 " on overlaps that from %" PRIu32
				" on", spec->range[i].first,
				spec->range[i - 1].first);
		spec->count += size_of(&spec->range[i]);
	}
	return 0;
}

struct array_spec *array_spec_parse(const char *text, struct proto_error *err)
{
	struct array_spec *spec = calloc(1, sizeof(*spec));
	size_t n = 1;
	const char *p;

	for (p = text; *p && n < ARRAY_RANGES_MAX; p++)
		n += *p == ',';
	if (spec)
		spec->range = calloc(n, sizeof(*spec->range));
	if (!spec || !spec->range) {
		array_spec_destroy(spec);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (get_all(spec, text, err) < 0 || put_in_order(spec, err) < 0) {
		array_spec_destroy(spec);
		return NULL;
	}
	return spec;
}

void array_spec_destroy(struct array_spec *spec)
{
	int saved = errno;

	if (spec)
		free(spec->range);
	free(spec);
	errno = saved;
}

/* ---- asking ---- */

/* The first range that does not end before FROM. */
static size_t find(const struct array_spec *spec, uint32_t from)
{
	size_t lo = 0, hi = spec->ranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (spec->range[mid].last < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first of R from FROM on, which is not beyond its end. */
static uint32_t first_of(const struct array_range *r, uint32_t from)
{
	uint32_t over;

	if (from <= r->first)
		return r->first;
	over = (from - r->first) % r->step;
	return over ? from + (r->step - over) : from;
}

bool array_spec_next(const struct array_spec *spec, uint32_t from,
		     uint32_t *index)
{
	size_t i = find(spec, from);

	if (i == spec->ranges)
		return false;
	*index = first_of(&spec->range[i], from);
	return true;
}

bool array_spec_has(const struct array_spec *spec, uint32_t index)
{
	uint32_t next;

	return array_spec_next(spec, index, &next) && next == index;
}

uint32_t array_spec_left(const struct array_spec *spec, uint32_t from)
{
	size_t i = find(spec, from);
	struct array_range r;
	uint32_t n = 0;

	for (; i < spec->ranges; i++) {
		r = spec->range[i];
		r.first = first_of(&r, from);
		n += size_of(&r);
	}
	return n;
}

/* Behind what there is from START to P. */
static char *put_range(char *p, const char *start, uint32_t first,
		       uint32_t last, uint32_t step)
{
	if (p > start)
		*p++ = ',';
	p += sprintf(p, "%" PRIu32, first);
	if (last > first)
		p += sprintf(p, "-%" PRIu32, last);
	return last > first && step > 1 ? p + sprintf(p, ":%" PRIu32, step) :
	       p;
}

/* What WITHOUT leaves of R, in pieces. */
static char *put_rest(char *p, const char *start, struct array_range r,
		      const struct idset *without)
{
	unsigned hole = IDSET_NONE;

	if (without)
		hole = idset_test(without, r.first) ? r.first :
		       idset_next(without, r.first);
	for (; hole != IDSET_NONE && hole <= r.last;
	     hole = idset_next(without, hole)) {
		if ((hole - r.first) % r.step)
			continue;
		if (hole > r.first)
			p = put_range(p, start, r.first, hole - r.step,
				      r.step);
		r.first = hole + r.step;
		if (r.first > r.last)
			return p;
	}
	return put_range(p, start, r.first, r.last, r.step);
}

char *array_spec_encode(const struct array_spec *spec, uint32_t from,
			const struct idset *without)
{
	size_t i = find(spec, from), n = spec->ranges - i;
	char *text, *p;

	if (without)
		n += idset_count(without);
	text = p = malloc(n * RANGE_SIZE + 1);
	if (!text)
		return NULL;
	*p = '\0';
	for (; i < spec->ranges; i++) {
		struct array_range r = spec->range[i];

		r.first = first_of(&r, from);
		p = put_rest(p, text, r, without);
	}
	return text;
}
