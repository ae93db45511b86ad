/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a format, for the files jobs_format*.c. A format is a list of
 * columns, each with the literal text before it; a column that is dropped
 * takes that text along. */
#ifndef WEIR_CMD_JOBS_COLUMN_H
#define WEIR_CMD_JOBS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

struct column {
	char *before;		/* literal text */
	struct field *field;	/* NULL: the text behind the last field */
	char conversion;	/* of D d F H P, or 0 */
	char *date;		/* strftime format of !d */
	char fill[8];		/* one character */
	char align;		/* < > ^, or 0: by the kind of value */
	int width, precision;	/* precision -1: none */
	char type;		/* as printf's, or 0 */
	bool dash;		/* h: nothing is shown as - */
	bool mark;		/* +: a cut is shown as + */
	bool optional, widen;	/* ?: and +: */
	bool any;		/* a row had a value */
	bool dropped;
};

struct format {
	struct column *column;
	size_t count;
	char *sort;
};

/* Whether C is the first byte of a character of UTF-8. */
static inline bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

#endif
