/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as people write them: "1.5h", "30s", "inf". See
 * weir-duration(5). The decimal point is '.' in every locale. */
#ifndef WEIR_PROTO_DURATION_H
#define WEIR_PROTO_DURATION_H

#include "proto/error.h"

#define DURATION_SIZE	32	/* room for any duration and its NUL */

/*
 * A number and perhaps ms, s, m, h or d, to seconds; without a unit they are
 * seconds. "inf" and "infinity" give INFINITY. -1 with EINVAL (not a
 * duration, negative) or ERANGE (too large).
 */
int duration_parse(const char *text, double *seconds, struct proto_error *err);

/* The largest unit of which there is at least one, with six significant
 * digits; returns BUF. SECONDS must not be negative or NaN. */
char *duration_format(double seconds, char buf[DURATION_SIZE]);

#endif
