/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job ids: 64 bits, unique without coordination, sorted by time of creation.
 *
 *	bits 63..24  milliseconds since the generator's epoch
 *	bits 23..10  the generator's number
 *	bits  9..0   sequence within the millisecond
 *
 * A generator never makes 0, so that 0 can mean "no job". See weir-jobid(5).
 *
 * An array has an id whose low 24 bits are 0, from generator 0; its elements
 * have that and 1024 more than their index, which no job of generator 0 has.
 */
#ifndef WEIR_PROTO_JOBID_H
#define WEIR_PROTO_JOBID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

#define JOBID_GENERATORS	16384	/* generator numbers: 0 to this - 1 */
#define JOBID_SIZE		64	/* room for any form and its NUL */
#define JOBID_INDEX_MAX		16776191	/* of an array's element */

struct jobid_gen {
	uint64_t epoch_ms;	/* ms since 1970 that count as 0 */
	uint64_t last_ms;	/* ms since the epoch of the last id made */
	uint32_t generator;
	uint32_t sequence;	/* of the last id made */
};

enum jobid_form {
	JOBID_DEC,		/* 6731191091817518 */
	JOBID_HEX,		/* 0x17e9fb8df16c2e */
	JOBID_DOTHEX,		/* 0017.e9fb.8df1.6c2e */
	JOBID_KVS,		/* job.0017.e9fb.8df1.6c2e */
	JOBID_F58,		/* U+0192 and base 58 */
	JOBID_F58PLAIN,		/* the same with an ASCII f */
	JOBID_EMOJI,		/* base 576, jobid_emoji.h */
};

/*
 * Start a generator. HIGHEST is the greatest id that exists already (0: none);
 * every id made from here on is greater, whatever the clock says. Returns -1
 * and errno EINVAL if GENERATOR is out of range.
 */
int jobid_gen_init(struct jobid_gen *gen, uint64_t epoch_ms,
		   uint32_t generator, uint64_t highest);

/*
 * Make the next id at the time NOW_MS (ms since 1970). It never waits: when
 * the millisecond is used up, or the clock has gone back, it goes on in
 * the millisecond after the last one. Returns -1 and errno EOVERFLOW when the
 * 40 bits of time are used up (about 35 years after the epoch).
 */
int jobid_gen_next(struct jobid_gen *gen, uint64_t now_ms, uint64_t *id);

/* The same for an array: its low 24 bits are 0. EINVAL of a generator other
 * than 0. */
int jobid_gen_array(struct jobid_gen *gen, uint64_t now_ms, uint64_t *id);

/* The element INDEX of ARRAY. -1 with EINVAL: that is no array's id, or INDEX
 * is above JOBID_INDEX_MAX. */
int jobid_element(uint64_t array, uint32_t index, uint64_t *id);
/* Whether ID, made by generator 0, is of an element, and of which. */
bool jobid_is_element(uint64_t id, uint64_t *array, uint32_t *index);

/*
 * Parse any form, or that of an element, an array's id in any form and
 * [INDEX]; white space round it is ignored. Returns -1 with errno
 * EINVAL (not an id), EOVERFLOW (more than 64 bits) or ENOTSUP (the word form,
 * which needs a dictionary that is not part of Weir).
 */
int jobid_parse(const char *text, uint64_t *id, struct proto_error *err);

/* Write ID into BUF as FORM; returns BUF. */
char *jobid_encode(uint64_t id, enum jobid_form form, char buf[JOBID_SIZE]);

/* The order of ids, for qsort(3) and bsearch(3). */
int jobid_compare(const void *a, const void *b);

/*
 * The form called NAME ("dec", "hex", "dothex", "kvs", "f58", "f58plain",
 * "emoji"). Returns -1 with errno EINVAL, or ENOTSUP for "words".
 */
int jobid_form_parse(const char *name, enum jobid_form *form,
		     struct proto_error *err);

#endif
