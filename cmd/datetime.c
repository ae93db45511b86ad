/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time from words: see datetime.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd/datetime.h"
#include "proto/duration.h"
#include "proto/wire.h"

#define WORDS_MAX	6

struct words {
	char copy[128];
	char *word[WORDS_MAX];
	int count;
};

static int split(const char *text, struct words *w)
{
	char *rest = w->copy, *word;

	if (strlen(text) >= sizeof(w->copy))
		return -1;
	strcpy(w->copy, text);
	w->count = 0;
	while ((word = strsep(&rest, " \t,"))) {
		if (!*word)
			continue;
		if (w->count == WORDS_MAX)
			return -1;
		w->word[w->count++] = word;
	}
	return w->count > 0 ? 0 : -1;
}

/* ---- parts ---- */

static bool number(const char *s, int *n, const char **end)
{
	char *e;
	long value;

	if (!isdigit((unsigned char)*s))
		return false;
	value = strtol(s, &e, 10);
	if (value > 9999 || e - s > 4)
		return false;
	*n = (int)value;
	*end = e;
	return true;
}

static bool valid(int hour, int minute, int second)
{
	return hour < 24 && minute < 60 && second < 60;
}

/* A time of day into TM. */
static bool take_time(const char *s, struct tm *tm)
{
	int hour, minute = 0, second = 0;
	bool colon = false;
	const char *end;

	if (!strcasecmp(s, "noon") || !strcasecmp(s, "midnight")) {
		tm->tm_hour = tolower((unsigned char)*s) == 'n' ? 12 : 0;
		tm->tm_min = tm->tm_sec = 0;
		return true;
	}
	if (!number(s, &hour, &end))
		return false;
	if (*end == ':') {
		colon = true;
		if (!number(end + 1, &minute, &end))
			return false;
	}
	if (colon && *end == ':' && !number(end + 1, &second, &end))
		return false;
	if (!strcasecmp(end, "am") || !strcasecmp(end, "pm")) {
		if (hour < 1 || hour > 12)
			return false;
		hour = hour % 12 + (tolower((unsigned char)*end) == 'p' ? 12 :
				    0);
	} else if (*end || !colon) {
		return false;
	}
	if (!valid(hour, minute, second))
		return false;
	tm->tm_hour = hour;
	tm->tm_min = minute;
	tm->tm_sec = second;
	return true;
}

/* The place of WORD, or of its first three letters, in NAMES; -1. */
static int find_name(const char *word, const char *const *names, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcasecmp(word, names[i]) ||
		    (strlen(word) == 3 && !strncasecmp(word, names[i], 3)))
			return i;
	return -1;
}

static bool take_weekday(const char *word, struct tm *tm)
{
	static const char *const days[] = {
		"sunday", "monday", "tuesday", "wednesday", "thursday",
		"friday", "saturday",
	};
	int day = find_name(word, days, 7);

	if (day < 0)
		return false;
	/* the next one, a week ahead if that is today */
	tm->tm_mday += (day - tm->tm_wday + 6) % 7 + 1;
	return true;
}

static bool take_relative_day(const char *word, struct tm *tm)
{
	if (!strcasecmp(word, "tomorrow"))
		tm->tm_mday++;
	else if (!strcasecmp(word, "yesterday"))
		tm->tm_mday--;
	else if (strcasecmp(word, "today"))
		return take_weekday(word, tm);
	return true;
}

static bool set_date(struct tm *tm, int year, int month, int day)
{
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* 2026-11-23, 11/23, 11/23/2026 */
static bool take_date(const char *word, struct tm *tm)
{
	int a, b, c = tm->tm_year + 1900;
	const char *end;
	char mark;

	if (!number(word, &a, &end) || (*end != '-' && *end != '/'))
		return false;
	mark = *end;
	if (!number(end + 1, &b, &end))
		return false;
	if (*end == mark && !number(end + 1, &c, &end))
		return false;
	if (*end)
		return false;
	return mark == '-' ? set_date(tm, a, b, c) : set_date(tm, c, a, b);
}

/* "Nov 23" or "23 Nov": how many of the words it is, or 0. */
static int take_month(const struct words *w, int i, struct tm *tm)
{
	static const char *const months[] = {
		"january", "february", "march", "april", "may", "june",
		"july", "august", "september", "october", "november",
		"december",
	};
	int month, day, year = tm->tm_year + 1900, used = 2;
	const char *end;

	if (i + 1 >= w->count)
		return 0;
	month = find_name(w->word[i], months, 12);
	if (month >= 0 ? !number(w->word[i + 1], &day, &end) :
	    !number(w->word[i], &day, &end))
		return 0;
	if (month < 0)
		month = find_name(w->word[i + 1], months, 12);
	if (month < 0 || *end)
		return 0;
	if (i + 2 < w->count && strlen(w->word[i + 2]) == 4 &&
	    number(w->word[i + 2], &year, &end) && !*end)
		used = 3;
	return set_date(tm, year, month + 1, day) ? used : 0;
}

/* ---- the whole ---- */

/* Words of a day, of a time, or both. */
static int parse_calendar(const struct words *w, double now, double *t)
{
	time_t start = (time_t)now;
	bool day = false, time = false;
	struct tm tm;
	int i = 0, n;

	localtime_r(&start, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	while (i < w->count) {
		const char *word = w->word[i];

		if (!strcasecmp(word, "at") || !strcasecmp(word, "next")) {
			if (++i == w->count)
				return -1;
			continue;
		}
		if (!day && (n = take_month(w, i, &tm)) > 0) {
			day = true;
			i += n;
			continue;
		}
		if (!time && take_time(word, &tm))
			time = true;
		else if (!day && (take_date(word, &tm) ||
				  take_relative_day(word, &tm)))
			day = true;
		else
			return -1;
		i++;
	}
	tm.tm_isdst = -1;
	*t = (double)mktime(&tm);
	return *t == -1.0 ? -1 : 0;
}

/* "N UNITS", such as "5 minutes", in seconds. */
static bool count_units(const char *count, const char *unit, double *seconds)
{
	static const struct { const char *name; double seconds; } units[] = {
		{ "second", 1 }, { "sec", 1 }, { "minute", 60 }, { "min", 60 },
		{ "hour", 3600 }, { "hr", 3600 }, { "day", 86400 },
		{ "week", 604800 },
	};
	size_t len = strlen(unit), i;

	if (len && tolower((unsigned char)unit[len - 1]) == 's')
		len--;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len &&
		    !strncasecmp(units[i].name, unit, len) &&
		    wire_parse_seconds(count, seconds) == 0) {
			*seconds *= units[i].seconds;
			return true;
		}
	return false;
}

/* "in 5 minutes", "5 minutes", "5 minutes ago" */
static bool parse_offset(const struct words *w, double *seconds)
{
	int first = !strcasecmp(w->word[0], "in");
	int n = w->count - first;

	if (n < 2 || n > 3 ||
	    !count_units(w->word[first], w->word[first + 1], seconds))
		return false;
	if (n == 2)
		return true;
	*seconds = -*seconds;
	return !first && !strcasecmp(w->word[2], "ago");
}

int datetime_parse(const char *text, double now, double *t,
		   struct proto_error *err)
{
	struct words w;
	double seconds;
	char *mark;

	if (wire_parse_seconds(text, t) == 0)
		return 0;
	if ((*text == '+' || *text == '-') &&
	    duration_parse(text + 1, &seconds, NULL) == 0 &&
	    isfinite(seconds)) {
		*t = now + (*text == '-' ? -seconds : seconds);
		return 0;
	}
	if (split(text, &w) < 0)
		goto bad;
	if (w.count == 1 && !strcasecmp(w.word[0], "now")) {
		*t = now;
		return 0;
	}
	if (parse_offset(&w, &seconds)) {
		*t = now + seconds;
		return 0;
	}
	/* 2026-11-23T10:00 */
	mark = strchr(w.word[0], 'T');
	if (w.count == 1 && mark && isdigit((unsigned char)mark[1])) {
		*mark = '\0';
		w.word[w.count++] = mark + 1;
	}
	if (parse_calendar(&w, now, t) == 0)
		return 0;
bad:
	return proto_error_set(err, EINVAL, "'%.80s' is neither "
			       "+DURATION, -DURATION nor a date and time", text);
}
