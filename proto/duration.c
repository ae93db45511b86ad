/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as text: see duration.h and weir-duration(5). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/duration.h"

static const struct unit {
	const char *suffix;
	double seconds;
} units[] = {			/* ascending */
	{ "ms", 1e-3 },
	{ "s", 1 },
	{ "m", 60 },
	{ "h", 3600 },
	{ "d", 86400 },
};
#define UNIT_COUNT	(sizeof(units) / sizeof(units[0]))

static locale_t c_locale;	/* made once, for the life of the process */

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	assert(c_locale != (locale_t)0);	/* "C" is built in */
}

static locale_t get_c_locale(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_c_locale);
	return c_locale;
}

static int refuse(const char *text, struct proto_error *err)
{
	return proto_error_set(err, EINVAL, "invalid duration '%.40s': want a "
			       "number >= 0 and perhaps ms, s, m, h or d",
			       text);
}

static const struct unit *find_unit(const char *suffix)
{
	for (size_t i = 0; i < UNIT_COUNT; i++)
		if (!strcmp(suffix, units[i].suffix))
			return &units[i];
	return NULL;
}

int duration_parse(const char *text, double *seconds, struct proto_error *err)
{
	const struct unit *unit;
	double value;
	char *end;

	/* strtod would skip white space and take a minus and "nan". */
	if (!strchr("0123456789.iI+", text[0]) || !text[0])
		return refuse(text, err);
	errno = 0;
	value = strtod_l(text, &end, get_c_locale());
	if (end == text || value < 0 || isnan(value))
		return refuse(text, err);
	unit = *end ? find_unit(end) : &units[1];
	if (!unit || (isinf(value) && !errno && *end))
		return refuse(text, err);
	if ((isinf(value) && errno == ERANGE) ||
	    (isfinite(value) && isinf(value * unit->seconds)))
		return proto_error_set(err, ERANGE, "duration '%.40s' is too "
				       "large", text);
	*seconds = value * unit->seconds;
	return 0;
}

char *duration_format(double seconds, char buf[DURATION_SIZE])
{
	const struct unit *unit = &units[UNIT_COUNT - 1];
	locale_t saved;

	assert(seconds >= 0);
	if (isinf(seconds)) {
		strcpy(buf, "infinity");
		return buf;
	}
	while (unit > units && seconds < unit->seconds)
		unit--;
	/* Tenths of a second read better than hundreds of milliseconds. */
	if (unit == units && (seconds == 0 || seconds >= 0.1))
		unit++;
	saved = uselocale(get_c_locale());
	snprintf(buf, DURATION_SIZE, "%.6g%s", seconds / unit->seconds,
		 unit->suffix);
	uselocale(saved);
	return buf;
}
