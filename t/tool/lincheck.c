/* SPDX-License-Identifier: Apache-2.0 */
/* lincheck FILE: judges a recorded history (history.h says its format). Says
 * "OK" and some figures and ends with status 0; or says what is wrong and the
 * smallest part that shows it, status 1; status 2 if the file can't be read,
 * 3 if the search was given up. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "t/tool/linear.h"

static int judge(const struct history *h)
{
	struct verdict linear, versions;
	size_t unknown = 0;

	for (size_t i = 0; i < h->count; i++)
		unknown += h->op[i].outcome == OUTCOME_UNKNOWN;
	versions_check(h, &versions);
	verdict_print(stdout, &versions);
	linear_check(h, 0, &linear);
	verdict_print(stdout, &linear);
	if (linear.result == VERDICT_BAD || versions.result == VERDICT_BAD)
		return 1;
	if (linear.result == VERDICT_UNDECIDED)
		return 3;
	printf("OK: %zu operations, %zu of unknown outcome, %zu states "
	       "tried\n", h->count, unknown, linear.states);
	return 0;
}

int main(int argc, char **argv)
{
	struct history h = { 0 };
	const char *why;
	size_t line;
	FILE *in;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: lincheck FILE\n");
		return 2;
	}
	in = strcmp(argv[1], "-") ? fopen(argv[1], "re") : stdin;
	if (!in) {
		fprintf(stderr, "lincheck: %s: %s\n", argv[1],
			strerror(errno));
		return 2;
	}
	rc = history_read(&h, in, &line, &why);
	if (rc < 0)
		fprintf(stderr, "lincheck: %s: line %zu: %s\n", argv[1], line,
			why);
	rc = rc < 0 ? 2 : judge(&h);
	history_free(&h);
	fclose(in);
	return rc;
}
