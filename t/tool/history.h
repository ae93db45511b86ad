/* SPDX-License-Identifier: Apache-2.0 */
/* A history: what clients asked of a store and what they were told, as
 * torture records it and lincheck judges it.
 *
 * A line an operation, nine words, in no particular order:
 *
 *	CLIENT KIND KEY INVOKED RETURNED OUTCOME VERSION VALUE EXPECTED
 *
 * CLIENT	a connection, as a number. What one connection asks for takes
 *		effect in the order of INVOKED.
 * KIND		get, put, append, cas (put if KEY holds EXPECTED), unlink;
 *		or root, whose VALUE is the root hash at VERSION
 * KEY		operations on different keys are independent; root: any word
 * INVOKED, RETURNED  nanoseconds of a monotonic clock. Of an unknown outcome
 *		RETURNED is when the server was dead for certain, or - if that
 *		never was.
 * OUTCOME	ok; unknown, if the connection was lost; or an error's code.
 *		ENOENT of get and unlink says that nothing was there, ECANCELED
 *		of cas that something else was there; other codes say only that
 *		nothing was done.
 * VERSION	of the reply, or -
 * VALUE	of put, append and cas what was written: a token that ends in ;
 *		and is written once in the whole history. Of get what was read:
 *		tokens. Else -
 * EXPECTED	of cas: what was to be there, - for nothing
 *
 * No word holds white space. Lines that begin with # say things to people.
 */
#ifndef WEIR_T_HISTORY_H
#define WEIR_T_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum op_kind { OP_GET, OP_PUT, OP_APPEND, OP_CAS, OP_UNLINK, OP_ROOT,
	       OP_KINDS };
enum op_outcome { OUTCOME_OK, OUTCOME_ABSENT, OUTCOME_DIFFERS,
		  OUTCOME_NOTHING, OUTCOME_UNKNOWN };

#define OP_NEVER	UINT64_MAX	/* RETURNED */

struct op {
	uint64_t client;
	enum op_kind kind;
	char *key;
	uint64_t invoked, returned;
	enum op_outcome outcome;
	char *code;		/* OUTCOME as it was written */
	bool has_version;
	uint64_t version;
	char *value, *expected;	/* NULL for none */
};

struct history {
	struct op *op;
	size_t count, room;
};

/* The strings are copied. CODE is the word for OUTCOME. */
void history_add(struct history *h, const struct op *op);
/* An operation from a line, without its line feed: 0, or -1 with WHY. */
int history_parse(struct history *h, char *line, const char **why);
/* 0, or -1 with the line's number and WHY. */
int history_read(struct history *h, FILE *in, size_t *line, const char **why);
void history_free(struct history *h);
void op_write(FILE *out, const struct op *op);
/* The same for people: long values are cut. */
void op_print(FILE *out, const struct op *op);

#endif
