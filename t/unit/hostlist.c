/* SPDX-License-Identifier: Apache-2.0 */
/* Hostlists: text to names and back, what is refused, and access. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/hostlist.h"
#include "t/unit/tap.h"

/* The names with single blanks between them, to be freed. */
static char *spelled(const struct hostlist *list)
{
	struct hostlist_iter it = { 0 };
	char name[HOSTLIST_NAME_SIZE], *text = NULL;
	size_t size, n = 0;
	FILE *file = open_memstream(&text, &size);

	while (hostlist_next(list, &it, name)) {
		char again[HOSTLIST_NAME_SIZE];

		fprintf(file, "%s%s", n ? " " : "", name);
		if (!hostlist_nth(list, n, again) || strcmp(name, again))
			fputs("(nth differs)", file);
		n++;
	}
	fclose(file);
	if (n != hostlist_count(list))
		diag("count differs");
	return text;
}

static const struct { const char *text, *names, *canon; } same[] = {
	{ "", "", "" },
	{ "foo", "foo", "foo" },
	{ "foox,fooy,fooz", "foox fooy fooz", "foox,fooy,fooz" },
	{ "[1-3,5-6]", "1 2 3 5 6", "[1-3,5-6]" },
	{ "foo[0-4]-eth2", "foo0-eth2 foo1-eth2 foo2-eth2 foo3-eth2 foo4-eth2",
	  "foo[0-4]-eth2" },
	{ "foo[1,1,2,1]", "foo1 foo1 foo2 foo1", "foo[1,1-2,1]" },
	{ "foo1,foo1,foo1", "foo1 foo1 foo1", "foo[1,1,1]" },
	{ "foo,foo", "foo foo", "foo,foo" },
	{ "[005,4,11-13]", "005 004 011 012 013", "[005,004,011-013]" },
	{ "[00-2]", "00 01 02", "[00-02]" },
	{ "[9-11]", "9 10 11", "[9-11]" },
	{ "[99-101]", "99 100 101", "[99-101]" },
	{ "foo1,foo2,foo3,foo7", "foo1 foo2 foo3 foo7", "foo[1-3,7]" },
	{ "foo7,foo1", "foo7 foo1", "foo[7,1]" },
	{ "foo10,foo1", "foo10 foo1", "foo10,foo1" },
	{ "foo[10,1]", "foo10 foo1", "foo10,foo1" },
	{ "foo1,foo10", "foo1 foo10", "foo[1,10]" },
	{ "foo5,foo005", "foo5 foo005", "foo5,foo005" },
	{ "foo9,foo10", "foo9 foo10", "foo[9-10]" },
	{ "foo09,foo10", "foo09 foo10", "foo[09-10]" },
	{ "foo10,foo02", "foo10 foo02", "foo10,foo02" },
	{ "foo01,foo2", "foo01 foo2", "foo01,foo2" },
	{ "foo1,bar1,foo2", "foo1 bar1 foo2", "foo1,bar1,foo2" },
	{ "n1.c2.org,n2.c2.org", "n1.c2.org n2.c2.org", "n[1-2].c2.org" },
	{ "a[1-2],a[3-4]", "a1 a2 a3 a4", "a[1-4]" },
	{ "a[1-2]b,a3", "a1b a2b a3", "a[1-2]b,a3" },
	{ "x[3]", "x3", "x3" },
	{ "a1b1,a1b2,a2b2", "a1b1 a1b2 a2b2", "a1b[1-2],a2b2" },
	{ "n1234567890123456789", "n1234567890123456789",
	  "n1234567890123456789" },
	{ "n999999999999999,n1000000000000000",
	  "n999999999999999 n1000000000000000",
	  "n999999999999999,n1000000000000000" },
};

static void test_text(void)
{
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct proto_error err = { "" };
		struct hostlist *list = hostlist_decode(same[i].text, &err);
		struct hostlist *again;
		char *names, *canon;

		if (!ok(list != NULL, "decode '%s' %s", same[i].text,
			err.text))
			continue;
		names = spelled(list);
		canon = hostlist_encode(list);
		is_str(names, same[i].names, "names");
		is_str(canon, same[i].canon, "text");
		free(names);
		hostlist_destroy(list);
		again = hostlist_decode(canon, &err);
		names = again ? spelled(again) : NULL;
		is_str(names, same[i].names, "names again");
		free(names);
		free(canon);
		hostlist_destroy(again);
	}
}

static void test_refused(void)
{
	static const struct { const char *text; int errnum; const char *what; }
	bad[] = {
		{ ",", EINVAL, "a name is expected at character 1" },
		{ "a,", EINVAL, "a name is expected at character 3" },
		{ "a,,b", EINVAL, "a name is expected at character 3" },
		{ " a", EINVAL, "a name is expected at character 1" },
		{ "a b", EINVAL, "unexpected character at character 2" },
		{ "a[1", EINVAL, "']' is missing" },
		{ "a[", EINVAL, "']' is missing" },
		{ "a]", EINVAL, "unexpected character at character 2" },
		{ "a[]", EINVAL, "a number is expected at character 3" },
		{ "a[1-]", EINVAL, "a number is expected at character 5" },
		{ "a[-1]", EINVAL, "a number is expected at character 3" },
		{ "a[1,]", EINVAL, "a number is expected at character 5" },
		{ "a[2-1]", EINVAL, "range runs backwards" },
		{ "a[1-2-3]", EINVAL, "unexpected character at character 6" },
		{ "a[x]", EINVAL, "a number is expected at character 3" },
		{ "a[1][2]", EINVAL, "unexpected character at character 5" },
		{ "a[[1]]", EINVAL, "a number is expected at character 3" },
		{ "a[1;2]", EINVAL, "unexpected character at character 4" },
		{ "a[1234567890123456]", EINVAL, "number too long" },
		{ "caf\xc3\xa9", EINVAL, "unexpected character" },
		{ "a[0-1048576]", EOVERFLOW, "more than 1048576 hosts" },
		{ "a[0-999999999999999]", EOVERFLOW, "more than 1048576" },
		{ "a[0-600000],b[0-600000]", EOVERFLOW, "more than" },
		{ "a[0-600000],a[600001-1200000]", EOVERFLOW, "more than" },
	};
	struct proto_error err;
	char longname[400];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hostlist *list;

		errno = 0;
		list = hostlist_decode(bad[i].text, &err);
		if (!ok(!list && errno == bad[i].errnum &&
			strstr(err.text, bad[i].what), "refused: %s",
			list ? bad[i].text : err.text))
			diag("want %s", bad[i].what);
		hostlist_destroy(list);
	}
	memset(longname, 'x', sizeof(longname));
	strcpy(longname + HOSTLIST_NAME_MAX + 1, "");
	ok(!hostlist_decode(longname, &err) && errno == EINVAL &&
	   strstr(err.text, "too long"), "a name of 256 bytes");
	strcpy(longname + HOSTLIST_NAME_MAX - 1, "[1-9]");
	{
		struct hostlist *list = hostlist_decode(longname, &err);

		is_int(list ? hostlist_count(list) : 0, 9, "255 bytes are ok");
		hostlist_destroy(list);
	}
	strcpy(longname + HOSTLIST_NAME_MAX - 1, "[1-10]");
	ok(!hostlist_decode(longname, &err) && errno == EINVAL,
	   "a range that reaches 256 bytes");
	strcpy(longname + HOSTLIST_NAME_MAX - 1, "[1-9,10]");
	ok(!hostlist_decode(longname, &err) && errno == EINVAL,
	   "numbers that reach 256 bytes");
}

static void test_access(void)
{
	struct hostlist *list = hostlist_decode("a[08-11],b,a[1-2]", NULL);
	char name[HOSTLIST_NAME_SIZE];

	is_int(hostlist_find(list, "a08"), 0, "find the first");
	is_int(hostlist_find(list, "a11"), 3, "find in a run");
	is_int(hostlist_find(list, "b"), 4, "find a plain name");
	is_int(hostlist_find(list, "a2"), 6, "find in a later run");
	ok(hostlist_find(list, "a8") < 0 && errno == ENOENT, "a8 is no a08");
	ok(hostlist_find(list, "a") < 0, "no number");
	ok(hostlist_find(list, "a12") < 0, "beyond the run");
	ok(hostlist_find(list, "a09x") < 0, "another suffix");
	ok(!hostlist_nth(list, 7, name) && errno == ENOENT, "no eighth name");
	ok(hostlist_append(list, "") < 0 && errno == EINVAL, "empty name");
	ok(hostlist_append(list, "a[1]") < 0 && errno == EINVAL,
	   "a name with brackets");
	ok(hostlist_append(list, "a,b") < 0 && errno == EINVAL,
	   "a name with a comma");
	hostlist_destroy(list);
	list = hostlist_decode("[1-153]5,1515", NULL);
	is_int(hostlist_find(list, "1515"), 150, "a suffix of digits");
	hostlist_destroy(list);
	list = hostlist_decode("a[0-1048575]", NULL);
	ok(hostlist_append(list, "b") < 0 && errno == EOVERFLOW,
	   "a full list");
	hostlist_destroy(list);
	hostlist_destroy(NULL);
}

int main(void)
{
	test_text();
	test_refused();
	test_access();
	return done();
}
