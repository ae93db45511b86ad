/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time and dependencies as they are written on a command line. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/datetime.h"
#include "proto/dependency.h"
#include "t/unit/tap.h"

#define NOW	1795396427.25	/* Monday, 2026-11-23 01:13:47 UTC */

/* TEXT as "YYYY-MM-DD HH:MM:SS", or the error's first words. */
static const char *when(const char *text)
{
	static char buf[64];
	struct proto_error error;
	struct tm tm;
	time_t t;
	double d;

	if (datetime_parse(text, NOW, &d, &error) < 0) {
		snprintf(buf, sizeof(buf), "%s", errno == EINVAL ? "EINVAL" :
			 "?");
		return buf;
	}
	t = (time_t)d;
	gmtime_r(&t, &tm);
	strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

static void test_datetime(void)
{
	static const char *const rows[][2] = {
		{ "now", "2026-11-23 01:13:47" },
		{ "+10m", "2026-11-23 01:23:47" },
		{ "-1h", "2026-11-23 00:13:47" },
		{ "1795396000", "2026-11-23 01:06:40" },
		{ "in 5 minutes", "2026-11-23 01:18:47" },
		{ "2 hours", "2026-11-23 03:13:47" },
		{ "1 week ago", "2026-11-16 01:13:47" },
		{ "today", "2026-11-23 00:00:00" },
		{ "tomorrow", "2026-11-24 00:00:00" },
		{ "Yesterday", "2026-11-22 00:00:00" },
		{ "noon", "2026-11-23 12:00:00" },
		{ "tomorrow noon", "2026-11-24 12:00:00" },
		{ "3pm tomorrow", "2026-11-24 15:00:00" },
		{ "12am", "2026-11-23 00:00:00" },
		{ "12:30pm", "2026-11-23 12:30:00" },
		{ "15:04", "2026-11-23 15:04:00" },
		{ "15:04:05", "2026-11-23 15:04:05" },
		{ "monday", "2026-11-30 00:00:00" },
		{ "tue 8am", "2026-11-24 08:00:00" },
		{ "next friday at 18:00", "2026-11-27 18:00:00" },
		{ "2026-12-24", "2026-12-24 00:00:00" },
		{ "2026-12-24T18:00", "2026-12-24 18:00:00" },
		{ "2026-12-24 18:00:01", "2026-12-24 18:00:01" },
		{ "12/24", "2026-12-24 00:00:00" },
		{ "12/24/2027 1am", "2027-12-24 01:00:00" },
		{ "Dec 24", "2026-12-24 00:00:00" },
		{ "December 24, 2027", "2027-12-24 00:00:00" },
		{ "24 dec 6pm", "2026-12-24 18:00:00" },
	};
	static const char *const bad[] = {
		"", "soon", "25:00", "13pm", "0am", "12:60", "+", "+x",
		"2026-13-01", "2026-12-32", "tomorrow today", "noon noon",
		"5 minutes ago now", "in 5", "next", "dec", "+inf",
		"in 5 minutes ago", "a b c d e f g",
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(when(rows[i][0]), rows[i][1], rows[i][0]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_str(when(bad[i]), "EINVAL", bad[i]);
}

static void dependency(const char *uri, const char *want)
{
	struct proto_error error;
	json_t *o = dependency_from_uri(uri, &error);
	char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	is_str(text ? text : error.text, want, uri);
	free(text);
	json_decref(o);
}

static void test_dependency(void)
{
	dependency("afterok:f12", "{\"scheme\":\"afterok\",\"value\":"
		   "\"f12\"}");
	dependency("singleton", "{\"scheme\":\"singleton\",\"value\":\"\"}");
	dependency("string:a:b?type=in&scope=user", "{\"scheme\":\"string\","
		   "\"scope\":\"user\",\"type\":\"in\",\"value\":\"a:b\"}");
	dependency("x:y?a=1;b=", "{\"a\":\"1\",\"b\":\"\",\"scheme\":\"x\","
		   "\"value\":\"y\"}");
	dependency("x:y?a=1&a=2", "dependency \"x:y?a=1&a=2\": \"a\" is given "
		   "twice");
	dependency("x:y?scheme=1", "dependency \"x:y?scheme=1\": \"scheme\" "
		   "is given twice");
	dependency("x:y?=1", "dependency \"x:y?=1\": behind \"?\" must stand "
		   "KEY=VALUE");
	dependency(":y", "dependency \":y\": must be SCHEME:VALUE");
	dependency("x:", "dependency \"x:\": must be SCHEME:VALUE");
	dependency("", "dependency \"\": must be SCHEME:VALUE");
	dependency("x:\377", "dependency \"x:?\" is not UTF-8");
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	test_datetime();
	test_dependency();
	return done();
}
