/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of small non-negative integers: ranks, core numbers, task numbers.
 * Kept as sorted ranges, so that a million consecutive members cost no more
 * than one. The text form is in weir-idset(5).
 *
 * Members are 0 to IDSET_MAX. Functions that can run out of memory return -1
 * or NULL with errno ENOMEM, then leave the set as it was; a member out of
 * range is EINVAL.
 */
#ifndef WEIR_PROTO_IDSET_H
#define WEIR_PROTO_IDSET_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/error.h"

#define IDSET_MAX	2147483646u
#define IDSET_NONE	4294967295u	/* "no such member" */

struct idset;

struct idset *idset_create(void);
struct idset *idset_copy(const struct idset *set);
void idset_destroy(struct idset *set);	/* accepts NULL, keeps errno */

/*
 * Text to set. Strict: ascending, no repeats, no leading zeros, no spaces;
 * brackets round the whole are allowed. "" and "[]" are the empty set. NULL
 * with errno EINVAL, and ERR says at which character.
 */
struct idset *idset_decode(const char *text, struct proto_error *err);
struct idset *idset_decode_n(const char *text, size_t len,
			     struct proto_error *err);

enum {
	IDSET_BRACKETS = 1,	/* [0-1] if there is more than one member */
};
/* Canonical text, to be freed: equal sets give equal strings. */
char *idset_encode(const struct idset *set, int flags);

int idset_set(struct idset *set, unsigned id);
int idset_clear(struct idset *set, unsigned id);
int idset_range_set(struct idset *set, unsigned lo, unsigned hi);
int idset_range_clear(struct idset *set, unsigned lo, unsigned hi);

bool idset_test(const struct idset *set, unsigned id);
bool idset_empty(const struct idset *set);
size_t idset_count(const struct idset *set);
unsigned idset_first(const struct idset *set);	/* IDSET_NONE if empty */
unsigned idset_last(const struct idset *set);
/* The least member greater than ID, or IDSET_NONE:
 * for (id = idset_first(s); id != IDSET_NONE; id = idset_next(s, id)) */
unsigned idset_next(const struct idset *set, unsigned id);
/* Member number N, from 0, or IDSET_NONE. */
unsigned idset_nth(const struct idset *set, size_t n);
/* The runs that make up the set: 0 <= I < idset_ranges(set). */
size_t idset_ranges(const struct idset *set);
void idset_range(const struct idset *set, size_t i, unsigned *lo,
		 unsigned *hi);

/* In place: set = set + other, set - other, set & other. */
int idset_add(struct idset *set, const struct idset *other);
int idset_subtract(struct idset *set, const struct idset *other);
int idset_keep(struct idset *set, const struct idset *other);
/* The same into a new set. */
struct idset *idset_union(const struct idset *a, const struct idset *b);
struct idset *idset_difference(const struct idset *a, const struct idset *b);
struct idset *idset_intersect(const struct idset *a, const struct idset *b);

bool idset_equal(const struct idset *a, const struct idset *b);
/* A total order of sets, for sorting: negative, 0 (equal) or positive. */
int idset_compare(const struct idset *a, const struct idset *b);
bool idset_contains(const struct idset *set, const struct idset *subset);
bool idset_intersects(const struct idset *a, const struct idset *b);

#endif
