/* SPDX-License-Identifier: Apache-2.0 */
/* Which elements a job array has, and how many of them may be active at once:
 * "1-1000000", "0-15:4,20%3". Kept as ranges, whatever their number. Section
 * Arrays of weir-jobs(7). */
#ifndef WEIR_PROTO_ARRAYSPEC_H
#define WEIR_PROTO_ARRAYSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/idset.h"

#define ARRAY_RANGES_MAX	1000

struct array_range {
	uint32_t first, last;	/* both are in it */
	uint32_t step;		/* 1 or more */
};

struct array_spec {
	struct array_range *range;	/* ascending, none within another */
	size_t ranges;			/* at least 1 */
	uint32_t count;			/* of elements */
	uint32_t limit;			/* at once; 0: none */
};

/* NULL with EINVAL, E2BIG (an index beyond JOBID_INDEX_MAX, too many ranges)
 * or ENOMEM. */
struct array_spec *array_spec_parse(const char *text, struct proto_error *err);
void array_spec_destroy(struct array_spec *spec);	/* NULL is fine */

/* The first index from FROM on; false: there is none. */
bool array_spec_next(const struct array_spec *spec, uint32_t from,
		     uint32_t *index);
bool array_spec_has(const struct array_spec *spec, uint32_t index);
/* How many there are from FROM on. */
uint32_t array_spec_left(const struct array_spec *spec, uint32_t from);
/* Those from FROM on that are not in WITHOUT, which may be NULL, as text
 * without the limit; to be freed. NULL with ENOMEM. */
char *array_spec_encode(const struct array_spec *spec, uint32_t from,
			const struct idset *without);

#endif
