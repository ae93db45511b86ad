/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of job arrays: which there are, as text and back, what is refused. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arrayspec.h"
#include "proto/jobid.h"
#include "t/unit/tap.h"

/* The text from FROM on. */
static void check_rest(const struct array_spec *spec, uint32_t from,
		       const char *want, uint32_t count)
{
	char *text = array_spec_encode(spec, from, NULL);

	is_str(text, want, "those from an index on");
	is_int(array_spec_left(spec, from), count, "so many");
	free(text);
}

static void test_ranges(void)
{
	struct array_spec *spec = array_spec_parse("20,0-15:4,30-32%3", NULL);
	uint32_t i = 0, n = 0, sum = 0;

	if (!spec) {
		ok(false, "a list is read");
		return;
	}
	is_int(spec->count, 8, "elements");
	is_int(spec->limit, 3, "limit");
	while (array_spec_next(spec, i, &i)) {
		n++;
		sum += i++;
	}
	is_int(n, 8, "one after the other");
	is_int(sum, 0 + 4 + 8 + 12 + 20 + 30 + 31 + 32, "the right ones");
	ok(array_spec_has(spec, 12) && !array_spec_has(spec, 13) &&
	   !array_spec_has(spec, 15) && !array_spec_has(spec, 33), "has");
	check_rest(spec, 0, "0-12:4,20,30-32", 8);
	check_rest(spec, 5, "8-12:4,20,30-32", 6);
	check_rest(spec, 9, "12,20,30-32", 5);
	check_rest(spec, 13, "20,30-32", 4);
	check_rest(spec, 32, "32", 1);
	check_rest(spec, 33, "", 0);
	array_spec_destroy(spec);
}

static void check_holes(const char *all, const char *without,
			const char *want)
{
	struct array_spec *spec = array_spec_parse(all, NULL);
	struct idset *holes = idset_decode(without, NULL);
	char *text = array_spec_encode(spec, 3, holes);

	is_str(text, want, "with holes");
	free(text);
	idset_destroy(holes);
	array_spec_destroy(spec);
}

static void test_holes(void)
{
	check_holes("1-9", "", "3-9");
	check_holes("1-9", "5", "3-4,6-9");
	check_holes("1-9", "3,9", "4-8");
	check_holes("1-9", "4,6,8", "3,5,7,9");
	check_holes("1-9", "3-9", "");
	check_holes("1-9:2,20-21", "4,7,20", "3-5:2,9,21");
	check_holes("1-9:2", "1-2,10-50", "3-9:2");
}

static void test_large(void)
{
	struct array_spec *spec = array_spec_parse("0-16776191", NULL);
	uint32_t i;

	ok(spec && spec->count == JOBID_INDEX_MAX + 1 && spec->ranges == 1,
	   "all there can be, in one range");
	ok(array_spec_next(spec, JOBID_INDEX_MAX, &i) &&
	   i == JOBID_INDEX_MAX, "the last");
	ok(!array_spec_next(spec, JOBID_INDEX_MAX + 1, &i), "none behind it");
	array_spec_destroy(spec);
	spec = array_spec_parse("5-16776191:16776191", NULL);
	ok(spec && spec->count == 1, "a step beyond the end");
	array_spec_destroy(spec);
}

static void check_refused(const char *text, int errnum, const char *what)
{
	struct proto_error err = { "" };
	struct array_spec *spec;

	errno = 0;
	spec = array_spec_parse(text, &err);
	ok(!spec && errno == errnum && strstr(err.text, what),
	   "'%.20s' refused: %s", text, err.text);
	array_spec_destroy(spec);
}

static void test_refused(void)
{
	char many[ARRAY_RANGES_MAX * 8], *p = many;
	int i;

	check_refused("", EINVAL, "want a number");
	check_refused("a", EINVAL, "want a number");
	check_refused("-1", EINVAL, "want a number");
	check_refused("1-", EINVAL, "want a number");
	check_refused("1,", EINVAL, "want a number");
	check_refused("1--2", EINVAL, "want a number");
	check_refused("1-4:", EINVAL, "step");
	check_refused("1-4:0", EINVAL, "step");
	check_refused("4-1", EINVAL, "ends before it begins");
	check_refused("1-4%", EINVAL, "limit");
	check_refused("1-4%0", EINVAL, "limit");
	check_refused("1-4%-1", EINVAL, "limit");
	check_refused("1-4%1,5", EINVAL, "cannot read");
	check_refused("1-4 ", EINVAL, "cannot read");
	check_refused("1-4,4", EINVAL, "overlaps");
	check_refused("1-9:2,2-8:2", EINVAL, "overlaps");
	check_refused("5,5", EINVAL, "overlaps");
	check_refused("1-1000000000", E2BIG, "at most 16776191");
	check_refused("99999999999999999999", E2BIG, "at most");
	check_refused("1%4294967296", E2BIG, "at most");
	for (i = 0; i <= ARRAY_RANGES_MAX; i++)
		p += sprintf(p, "%s%d", i ? "," : "", 2 * i);
	check_refused(many, E2BIG, "ranges");
}

int main(void)
{
	test_ranges();
	test_holes();
	test_large();
	test_refused();
	return done();
}
