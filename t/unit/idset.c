/* SPDX-License-Identifier: Apache-2.0 */
/* Idsets: the text form, and the operations against a plain array. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/idset.h"
#include "t/unit/tap.h"

static struct idset *must(const char *text)
{
	struct proto_error err = { "" };
	struct idset *set = idset_decode(text, &err);

	if (!set) {
		ok(false, "decode '%s': %s", text, err.text);
		exit(1);
	}
	return set;
}

static void same(const struct idset *set, int flags, const char *want,
		 const char *what)
{
	char *text = idset_encode(set, flags);

	is_str(text, want, what);
	free(text);
}

static void check_text(const char *text, const char *want, size_t count)
{
	struct idset *set = must(text);

	same(set, 0, want, text);
	is_int(idset_count(set), count, "count");
	idset_destroy(set);
}

static void test_text(void)
{
	struct idset *set;

	check_text("", "", 0);
	check_text("[]", "", 0);
	check_text("0", "0", 1);
	check_text("[0]", "0", 1);
	check_text("1,2,3,5,6,42", "1-3,5-6,42", 6);
	check_text("1-3,5-6,42", "1-3,5-6,42", 6);
	check_text("[1-3,5-6,42]", "1-3,5-6,42", 6);
	check_text("1-3,4", "1-4", 4);
	check_text("7-7", "7", 1);
	check_text("0-2147483646", "0-2147483646", 2147483647);
	set = must("3");
	same(set, IDSET_BRACKETS, "3", "no brackets round one member");
	idset_set(set, 4);
	same(set, IDSET_BRACKETS, "[3-4]", "brackets");
	idset_range_clear(set, 0, 9);
	same(set, IDSET_BRACKETS, "", "no brackets round none");
	idset_destroy(set);
}

static void test_refused(void)
{
	static const struct { const char *text, *what; } bad[] = {
		{ "2,1", "out of order at character 3" },
		{ "1,1", "repeated or out of order at character 3" },
		{ "1-3,2", "out of order at character 5" },
		{ "3-1", "backwards at character 1" },
		{ "01", "leading zero at character 1" },
		{ "1-02", "leading zero at character 3" },
		{ "00", "leading zero" },
		{ "1,", "missing at character 3" },
		{ ",1", "expected at character 1" },
		{ "1,,2", "expected at character 3" },
		{ "1-", "missing at character 3" },
		{ "-1", "expected at character 1" },
		{ "1-2-3", "unexpected character at character 4" },
		{ "[1", "']' is missing at character 3" },
		{ "[", "']' is missing" },
		{ "1]", "unexpected character at character 2" },
		{ "]", "expected at character 1" },
		{ "[1]]", "unexpected character at character 3" },
		{ "[1,]", "expected at character 4" },
		{ "[[1]]", "expected at character 2" },
		{ " 1", "expected at character 1" },
		{ "1 ", "unexpected character at character 2" },
		{ "x", "expected at character 1" },
		{ "2147483647", "too large" },
		{ "99999999999999999999", "too large" },
	};
	struct proto_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct idset *set;

		errno = 0;
		set = idset_decode(bad[i].text, &err);
		ok(!set && errno == EINVAL && strstr(err.text, bad[i].what),
		   "refused: %s", set ? bad[i].text : err.text);
		idset_destroy(set);
	}
	ok(!idset_decode("x", NULL), "no error text wanted");
}

/* ---- a model: an array of booleans ---- */

#define UNIVERSE 64

static bool agrees(const struct idset *set, const bool *model)
{
	unsigned id = idset_first(set);
	size_t n = 0;

	for (unsigned i = 0; i < UNIVERSE; i++) {
		if (idset_test(set, i) != model[i])
			return false;
		if (!model[i])
			continue;
		if (id != i || idset_nth(set, n++) != i)
			return false;
		id = idset_next(set, id);
	}
	return id == IDSET_NONE && idset_count(set) == n &&
	       idset_nth(set, n) == IDSET_NONE && idset_empty(set) == !n;
}

static unsigned randomly(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

static void change(struct idset *set, bool *model, unsigned *seed)
{
	unsigned lo = randomly(seed) % UNIVERSE;
	unsigned hi = lo + randomly(seed) % 8;
	bool value = randomly(seed) % 2;

	if (hi >= UNIVERSE)
		hi = UNIVERSE - 1;
	for (unsigned i = lo; i <= hi; i++)
		model[i] = value;
	if (value)
		idset_range_set(set, lo, hi);
	else
		idset_range_clear(set, lo, hi);
}

static bool pair_agrees(const struct idset *a, const bool *x,
			const struct idset *b, const bool *y)
{
	bool sum[UNIVERSE], less[UNIVERSE], both[UNIVERSE];
	bool contains = true, intersects = false, equal = true, good;
	struct idset *s = idset_union(a, b), *d = idset_difference(a, b),
		     *i = idset_intersect(a, b), *c = idset_copy(a);

	for (int n = 0; n < UNIVERSE; n++) {
		sum[n] = x[n] || y[n];
		less[n] = x[n] && !y[n];
		both[n] = x[n] && y[n];
		contains = contains && (x[n] || !y[n]);
		intersects = intersects || both[n];
		equal = equal && x[n] == y[n];
	}
	good = agrees(s, sum) && agrees(d, less) && agrees(i, both) &&
		idset_contains(a, b) == contains &&
		idset_intersects(a, b) == intersects &&
		idset_equal(a, b) == equal &&
		(idset_compare(a, b) == 0) == equal &&
		idset_compare(a, b) == -idset_compare(b, a) && idset_contains(s, b) &&
		idset_equal(a, c);
	idset_subtract(c, b);
	good = good && idset_equal(c, d);
	idset_add(c, b);
	good = good && idset_equal(c, s);
	idset_keep(c, i);
	good = good && idset_equal(c, i);
	idset_destroy(s);
	idset_destroy(d);
	idset_destroy(i);
	idset_destroy(c);
	return good;
}

static bool text_agrees(const struct idset *set)
{
	char *text = idset_encode(set, IDSET_BRACKETS);
	struct idset *again = idset_decode(text, NULL);
	bool good = again && idset_equal(set, again);

	free(text);
	idset_destroy(again);
	return good;
}

static void test_model(void)
{
	bool x[UNIVERSE] = { false }, y[UNIVERSE] = { false };
	struct idset *a = idset_create(), *b = idset_create();
	unsigned seed = 1;
	int bad = -1;

	for (int step = 0; step < 20000 && bad < 0; step++) {
		change(a, x, &seed);
		change(b, y, &seed);
		if (!agrees(a, x) || !pair_agrees(a, x, b, y) ||
		    !text_agrees(a))
			bad = step;
	}
	ok(bad < 0, "20000 random changes agree with a plain array");
	if (bad >= 0)
		diag("step %d differs", bad);
	idset_destroy(a);
	idset_destroy(b);
}

static void test_edges(void)
{
	struct idset *set = idset_create();
	unsigned lo, hi;

	ok(idset_set(set, IDSET_MAX + 1) < 0 && errno == EINVAL,
	   "a member above the maximum is refused");
	ok(idset_range_set(set, 3, 2) < 0 && errno == EINVAL,
	   "a range that runs backwards is refused");
	is_int(idset_last(set), IDSET_NONE, "no last member");
	idset_set(set, IDSET_MAX);
	idset_set(set, 0);
	is_int(idset_next(set, 0), IDSET_MAX, "next over a gap");
	is_int(idset_next(set, IDSET_MAX), IDSET_NONE, "next after the last");
	is_int(idset_next(set, IDSET_NONE), IDSET_NONE, "next after none");
	is_int(idset_ranges(set), 2, "two ranges");
	idset_range(set, 1, &lo, &hi);
	ok(lo == IDSET_MAX && hi == IDSET_MAX, "the second range");
	idset_range_set(set, 0, IDSET_MAX);
	same(set, 0, "0-2147483646", "all there can be");
	idset_clear(set, 5);
	same(set, 0, "0-4,6-2147483646", "a hole");
	idset_destroy(set);
	idset_destroy(NULL);
}

int main(void)
{
	test_text();
	test_refused();
	test_edges();
	test_model();
	return done();
}
