/* SPDX-License-Identifier: Apache-2.0 */
/* Text of an error: see error.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "proto/error.h"

/* Bytes of the UTF-8 character at P, 0 if there is none that is well formed.
 * Overlong forms and surrogates count as malformed. */
static size_t utf8_len(const unsigned char *p)
{
	static const struct {
		unsigned char lo, hi;		/* first byte */
		unsigned char lo2, hi2;		/* second byte */
		size_t len;
	} rows[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (*p >= ' ' && *p < 0x7f)
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (*p < rows[i].lo || *p > rows[i].hi)
			continue;
		if (p[1] < rows[i].lo2 || p[1] > rows[i].hi2)
			return 0;
		for (size_t n = 2; n < rows[i].len; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}

static void make_printable(char *text)
{
	while (*text) {
		size_t len = utf8_len((const unsigned char *)text);

		if (!len) {
			*text = '?';
			len = 1;
		}
		text += len;
	}
}

int proto_error_set(struct proto_error *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		make_printable(err->text);
	}
	errno = errnum;
	return -1;
}
