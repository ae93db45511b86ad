/* SPDX-License-Identifier: Apache-2.0 */
/* Test Anything Protocol for unit tests: ok(), is_str(), is_int(), done(). */
#ifndef WEIR_TAP_H
#define WEIR_TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

/* One test point, which is told to standard error, too, if it fails: prove
 * shows that. Returns COND so that a caller can give up early. */
__attribute__((format(printf, 2, 3), unused))
static bool ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	if (!cond) {
		tap_failed++;
		fprintf(stderr, "# %s: not ok %d - ",
			program_invocation_short_name, tap_count);
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
		fputc('\n', stderr);
	}
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
		fprintf(stderr, "# got '%s', want '%s'\n",
			got ? got : "(null)", want ? want : "(null)");
	return same;
}

__attribute__((unused))
static bool is_int(long long got, long long want, const char *what)
{
	if (!ok(got == want, "%s", what))
		fprintf(stderr, "# got %lld, want %lld\n", got, want);
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
