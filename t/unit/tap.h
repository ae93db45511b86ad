/* SPDX-License-Identifier: Apache-2.0 */
/* Test Anything Protocol for unit tests: ok(), is_str(), is_int(), done(). */
#ifndef WEIR_TAP_H
#define WEIR_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

/* One test point; returns COND so that a caller can give up early. */
__attribute__((format(printf, 2, 3), unused))
static bool ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!cond)
		tap_failed++;
	fflush(stdout);
	return cond;
}

__attribute__((format(printf, 1, 2), unused))
static void diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

__attribute__((unused))
static bool is_str(const char *got, const char *want, const char *what)
{
	bool same = got && want ? !strcmp(got, want) : got == want;

	if (!ok(same, "%s", what))
		diag("got '%s', want '%s'", got ? got : "(null)",
		     want ? want : "(null)");
	return same;
}

__attribute__((unused))
static bool is_int(long long got, long long want, const char *what)
{
	if (!ok(got == want, "%s", what))
		diag("got %lld, want %lld", got, want);
	return got == want;
}

/* Last call of main: prints the plan, returns the exit code. */
__attribute__((unused))
static int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
