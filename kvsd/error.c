/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a struct db_error: see error.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kvsd/error.h"

int db_fail(struct db_error *error, int errnum, const char *fmt, ...)
{
	va_list ap;

	if (error) {
		error->errnum = errnum;
		va_start(ap, fmt);
		vsnprintf(error->text, sizeof(error->text), fmt, ap);
		va_end(ap);
	}
	errno = errnum;
	return -1;
}

int db_fail_prefix(struct db_error *error, const char *fmt, ...)
{
	char text[sizeof(error->text)];
	int errnum = errno, n;
	va_list ap;

	if (!error)
		return -1;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, "%s", error->text);
	memcpy(error->text, text, sizeof(text));
	error->text[sizeof(text) - 1] = '\0';
	errno = errnum;
	return -1;
}
