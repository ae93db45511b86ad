/* SPDX-License-Identifier: Apache-2.0 */
/* Text of an error: see error.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/error.h"

int proto_error_set(struct proto_error *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	errno = errnum;
	return -1;
}
