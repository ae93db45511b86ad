/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a hostlist, for hostlist.c and hostlist_text.c alone.
 *
 * A run is COUNT names: prefix, a number padded with zeros to WIDTH digits,
 * suffix. A name that has not been found to differ from a neighbour in one
 * number alone is a run by itself, with the whole name as prefix.
 */
#ifndef WEIR_PROTO_HOSTLIST_RUN_H
#define WEIR_PROTO_HOSTLIST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/hostlist.h"

struct hostlist_run {
	char *prefix;
	char *suffix;		/* NULL: no number, a plain name */
	uint64_t lo;
	size_t count;
	int width;		/* 0: not padded */
};

struct hostlist {
	struct hostlist_run *runs;
	size_t run_count;
	size_t size;
	size_t hosts;
};

int hostlist_count_digits(uint64_t n);
/* Whether LO and all greater numbers look the same padded to A and to B. */
bool hostlist_same_width(int a, int b, uint64_t lo);
bool hostlist_name_char(char c);
/* A number at the begin of TEXT, its length and the width that its leading
 * zeros ask for. False if there is none or it is too long. */
bool hostlist_scan_number(const char *text, size_t *len, uint64_t *value,
			  int *width);
/* Add numbered names, to the last run if they continue it. -1: EINVAL (too
 * long), EOVERFLOW, ENOMEM. */
int hostlist_add_numbers(struct hostlist *list, const char *prefix,
			 size_t prefix_len, const char *suffix, uint64_t lo,
			 size_t count, int width);

#endif
