/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a struct db_error. */
#ifndef WEIR_KVSD_ERROR_H
#define WEIR_KVSD_ERROR_H

#include "kvsd/db.h"

/* ERROR may be NULL. Sets errno and returns -1. */
int db_fail(struct db_error *error, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts a text before the one that is there; keeps errno. Returns -1. */
int db_fail_prefix(struct db_error *error, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
