/* SPDX-License-Identifier: Apache-2.0 */
/* Durations: text to seconds and back, in a locale with a decimal comma
 * where there is one. */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

#include "proto/duration.h"
#include "t/unit/tap.h"

static void test_parse(void)
{
	static const struct { const char *text; double want; } good[] = {
		{ "2ms", 0.002 }, { "0.1s", 0.1 }, { "30", 30 },
		{ "1.2h", 4320 }, { "5m", 300 }, { "0s", 0 }, { "0", 0 },
		{ "5d", 432000 }, { "inf", INFINITY }, { "INF", INFINITY },
		{ "infinity", INFINITY }, { ".5", 0.5 }, { "1e3s", 1000 },
		{ "0x10", 16 }, { "+5s", 5 }, { "1.", 1 },
	};
	static const struct { const char *text; int errnum; } bad[] = {
		{ "", EINVAL }, { " 1", EINVAL }, { "1 ", EINVAL },
		{ "1 s", EINVAL }, { "-1", EINVAL }, { "+-1", EINVAL },
		{ "-0", EINVAL }, { "nan", EINVAL }, { "+nan", EINVAL },
		{ "infs", EINVAL }, { "infm", EINVAL }, { "-inf", EINVAL },
		{ "s", EINVAL }, { "xx", EINVAL }, { "1S", EINVAL },
		{ "1ss", EINVAL }, { "1x", EINVAL }, { "1,5", EINVAL },
		{ "1h30m", EINVAL }, { "1e999", ERANGE },
		{ "1e999s", ERANGE }, { "1e308d", ERANGE },
		{ "1e308h", ERANGE }, { ".", EINVAL },
	};
	struct proto_error err;
	double got;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		got = -1;
		if (!ok(!duration_parse(good[i].text, &got, &err) &&
			(got == good[i].want ||
			 fabs(got - good[i].want) < 1e-12), "'%s'",
			good[i].text))
			diag("got %g", got);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		ok(duration_parse(bad[i].text, &got, &err) < 0 &&
		   errno == bad[i].errnum, "refused: %s", err.text);
	}
}

static void test_format(void)
{
	static const struct { double seconds; const char *want; } rows[] = {
		{ 0, "0s" }, { 0.002, "2ms" }, { 0.0999, "99.9ms" },
		{ 0.1, "0.1s" }, { 0.25, "0.25s" }, { 59.5, "59.5s" },
		{ 60, "1m" }, { 5400, "1.5h" }, { 3599, "59.9833m" },
		{ 86400, "1d" }, { 432000, "5d" }, { INFINITY, "infinity" },
		{ 1e-9, "1e-06ms" }, { 1e300, "1.15741e+295d" },
	};
	char buf[DURATION_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(duration_format(rows[i].seconds, buf), rows[i].want,
		       rows[i].want);
}

int main(void)
{
	setlocale(LC_ALL, "de_DE.UTF-8");
	test_parse();
	test_format();
	return done();
}
