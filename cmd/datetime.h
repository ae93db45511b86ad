/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people write them on a command line. weir-datetime(5). */
#ifndef WEIR_CMD_DATETIME_H
#define WEIR_CMD_DATETIME_H

#include "proto/error.h"

/*
 * TEXT, seen at NOW, as seconds since 1970:
 *
 *	+DURATION, -DURATION, in N UNITS, N UNITS ago
 *	seconds since 1970
 *	YYYY-MM-DD[ TIME], MM/DD[/YYYY][ TIME], MONTH DAY[ YEAR][ TIME]
 *	now, today, tomorrow, yesterday, [next ]WEEKDAY, each perhaps with TIME
 *	TIME: HH:MM[:SS], HH:MMam, 10am, noon, midnight
 *
 * in any case, as the local clock has it. -1 with EINVAL.
 */
int datetime_parse(const char *text, double now, double *t,
		   struct proto_error *err);

#endif
