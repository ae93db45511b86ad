/* SPDX-License-Identifier: Apache-2.0 */
/* Resource sets: JSON both ways, what is refused, set operations. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/resource_set.h"
#include "t/unit/tap.h"

static struct resource_set *must(const char *text)
{
	struct proto_error err = { "" };
	struct resource_set *set = resource_set_parse(text, strlen(text),
						      &err);

	if (!set) {
		ok(false, "parse '%s': %s", text, err.text);
		exit(1);
	}
	return set;
}

static void same(const struct resource_set *set, const char *want,
		 const char *what)
{
	char *text = resource_set_encode(set);

	is_str(text, want, what);
	free(text);
}

#define TIMES ",\"starttime\":0,\"expiration\":0}}"

static void test_sample(void)
{
	const char *text = "{\"version\":1,\"execution\":{\"R_lite\":"
		"[{\"rank\":\"19-22\",\"children\":{\"core\":\"0-47\","
		"\"gpu\":\"0-7\"}}],\"nodelist\":[\"node[186-189]\"],"
		"\"nslots\":32,\"starttime\":1676560542,"
		"\"expiration\":1676562342}}";
	struct resource_set *set = must(text), *copy;
	struct idset *ranks = resource_set_ranks(set);
	char *list = resource_set_nodelist(set), *names;

	is_int(set->count, 4, "nodes");
	is_int(set->nslots, 32, "nslots");
	is_int(resource_set_ncores(set), 192, "cores");
	is_int(resource_set_ngpus(set), 32, "gpus");
	names = idset_encode(ranks, 0);
	is_str(names, "19-22", "ranks");
	is_str(list, "node[186-189]", "nodelist");
	is_str(resource_set_find(set, 20)->host, "node187", "host of a rank");
	ok(!resource_set_find(set, 18) && !resource_set_find(set, 23),
	   "no such rank");
	ok(set->expiration == 1676562342, "expiration");
	same(set, text, "the same again");
	copy = resource_set_copy(set);
	same(copy, text, "a copy");
	free(names);
	free(list);
	idset_destroy(ranks);
	resource_set_destroy(set);
	resource_set_destroy(copy);
}

static void test_canonical(void)
{
	struct resource_set *set = must("{\"version\":1,\"execution\":"
		"{\"R_lite\":[{\"rank\":\"5\",\"children\":{\"core\":\"0\"}},"
		"{\"rank\":\"0,3\",\"children\":{\"core\":\"0-1\"}},"
		"{\"rank\":\"1-2\",\"children\":{\"core\":\"0-1\"}},"
		"{\"rank\":\"4\",\"children\":{\"core\":\"0-1\","
		"\"gpu\":\"0\"}}],\"nodelist\":[\"b\",\"a[1-3]\",\"x,y\"],"
		"\"properties\":{\"ssd\":\"1,3\",\"gone\":\"\"},"
		"\"starttime\":1.5},\"scheduling\":{\"writer\":\"x\"}}");
	struct resource_set *copy;

	is_str(resource_set_find(set, 0)->host, "b", "first host");
	is_str(resource_set_find(set, 5)->host, "y", "last host");
	same(set, "{\"version\":1,\"execution\":{\"R_lite\":["
	     "{\"rank\":\"0-3\",\"children\":{\"core\":\"0-1\"}},"
	     "{\"rank\":\"4\",\"children\":{\"core\":\"0-1\",\"gpu\":\"0\"}},"
	     "{\"rank\":\"5\",\"children\":{\"core\":\"0\"}}],"
	     "\"nodelist\":[\"b,a[1-3],x,y\"],\"properties\":"
	     "{\"ssd\":\"1,3\"},\"starttime\":1.5,\"expiration\":0},"
	     "\"scheduling\":{\"writer\":\"x\"}}", "entries joined, in order");
	copy = resource_set_copy(set);
	ok(resource_set_contains(set, copy) &&
	   resource_set_contains(copy, set), "a copy has the same");
	resource_set_subtract(copy, set);
	is_int(copy->count, 0, "nothing is left of it");
	same(copy, "{\"version\":1,\"execution\":{\"R_lite\":[],"
	     "\"nodelist\":[],\"starttime\":1.5,\"expiration\":0},"
	     "\"scheduling\":{\"writer\":\"x\"}}", "an empty set");
	resource_set_destroy(copy);
	copy = must("{\"version\":1,\"execution\":{\"R_lite\":[],"
		    "\"nodelist\":[\"\"]}}");
	is_int(copy->count, 0, "which can be read");
	resource_set_destroy(copy);
	resource_set_destroy(set);
}

#define ENTRY "{\"rank\":\"0\",\"children\":{\"core\":\"0\"}}"
#define R(entries, rest) "{\"version\":1,\"execution\":{\"R_lite\":[" \
	entries "]" rest "}}"

static void test_refused(void)
{
	static const struct { const char *text, *what; } bad[] = {
		{ "{", "R: not JSON" },
		{ "[]", "R: must be an object, got an empty array" },
		{ "{}", "version: is missing" },
		{ "{\"version\":2}", "version: must be 1, got 2" },
		{ "{\"version\":1}", "execution: is missing" },
		{ "{\"version\":1,\"execution\":{}}",
		  "execution.R_lite: is missing" },
		{ R("1", ""), "execution.R_lite[0]: must be an object" },
		{ R("{}", ""), "execution.R_lite[0].rank: is missing" },
		{ R("{\"rank\":0}", ""), "execution.R_lite[0].rank: must be "
		  "an idset in a string, got 0" },
		{ R("{\"rank\":\"1,0\"}", ""), "execution.R_lite[0].rank: "
		  "idset '1,0': number repeated or out of order" },
		{ R("{\"rank\":\"0\"}", ""),
		  "execution.R_lite[0].children: is missing" },
		{ R("{\"rank\":\"0\",\"children\":{}}", ""),
		  "execution.R_lite[0].children.core: is missing" },
		{ R("{\"rank\":\"0\",\"children\":{\"core\":\"0\",\"gpu\":1}}",
		    ""), "execution.R_lite[0].children.gpu: must be" },
		{ R(ENTRY "," ENTRY, ""), "execution.R_lite[1].rank: a rank "
		  "is in another entry" },
		{ R("{\"rank\":\"0-2147483646\",\"children\":"
		    "{\"core\":\"0\"}}", ""),
		  "execution.R_lite[0].rank: more than 1048576 ranks" },
		{ R(ENTRY, ""), "execution.nodelist: is missing" },
		{ R(ENTRY, ",\"nodelist\":\"a\""),
		  "execution.nodelist: must be an array" },
		{ R(ENTRY, ",\"nodelist\":[1]"),
		  "execution.nodelist[0]: must be a hostlist" },
		{ R(ENTRY, ",\"nodelist\":[\"a\",\"b[\"]"),
		  "execution.nodelist[1]: hostlist 'b['" },
		{ R(ENTRY, ",\"nodelist\":[\"a[0-9999999]\"]"),
		  "execution.nodelist[0]: hostlist 'a[0-9999999]': more" },
		{ R(ENTRY, ",\"nodelist\":[\"a,b\"]"),
		  "execution.nodelist: 2 hosts for 1 ranks" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"nslots\":0"),
		  "execution.nslots: must be an integer" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"starttime\":-1"),
		  "execution.starttime: must be a number" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"expiration\":\"1\""),
		  "execution.expiration: must be a number" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"starttime\":5,"
		    "\"expiration\":5"), "execution.expiration: must be later" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"properties\":[]"),
		  "execution.properties: must be an object" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"properties\":{\"x\":1}"),
		  "execution.properties.x: must be an idset" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"properties\":"
		    "{\"x\":\"1\"}"), "execution.properties.x: has a rank" },
		{ R(ENTRY, ",\"nodelist\":[\"a\"],\"properties\":"
		    "{\"a|b\":\"0\"}"), "execution.properties.a|b: not a" },
		{ "{\"version\":1,\"execution\":{},\"scheduling\":1}",
		  "scheduling: must be an object, got 1" },
	};
	struct proto_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct resource_set *set;

		errno = 0;
		set = resource_set_parse(bad[i].text, strlen(bad[i].text),
					 &err);
		if (!ok(!set && errno == EINVAL &&
			!strncmp(err.text, bad[i].what, strlen(bad[i].what)),
			"refused: %s", set ? bad[i].text : err.text))
			diag("want %s", bad[i].what);
		resource_set_destroy(set);
	}
}

static void add(struct resource_set *set, unsigned rank, const char *host,
		const char *cores, const char *gpus)
{
	struct idset *c = idset_decode(cores, NULL);
	struct idset *g = gpus ? idset_decode(gpus, NULL) : NULL;

	if (resource_set_add(set, rank, host, c, g) < 0)
		ok(false, "add rank %u: errno %d", rank, errno);
	idset_destroy(c);
	idset_destroy(g);
}

static void test_operations(void)
{
	struct resource_set *a = resource_set_create();
	struct resource_set *b = resource_set_create();
	struct resource_set *c;

	add(a, 2, "n2", "0-3", "0-1");
	add(a, 0, "n0", "0-3", NULL);
	add(a, 1, "n1", "0-1", NULL);
	add(a, 1, "n1", "2-3", NULL);
	same(a, "{\"version\":1,\"execution\":{\"R_lite\":["
	     "{\"rank\":\"0-1\",\"children\":{\"core\":\"0-3\"}},"
	     "{\"rank\":\"2\",\"children\":{\"core\":\"0-3\",\"gpu\":"
	     "\"0-1\"}}],\"nodelist\":[\"n[0-2]\"]" TIMES, "built");
	add(b, 0, "n0", "1", NULL);
	add(b, 1, "n1", "0-3", NULL);
	add(b, 2, "n2", "0-3", "1");
	ok(resource_set_contains(a, b) && !resource_set_contains(b, a),
	   "contains");
	c = resource_set_copy(a);
	ok(!resource_set_subtract(c, b), "subtract");
	same(c, "{\"version\":1,\"execution\":{\"R_lite\":["
	     "{\"rank\":\"0\",\"children\":{\"core\":\"0,2-3\"}},"
	     "{\"rank\":\"2\",\"children\":{\"core\":\"\",\"gpu\":\"0\"}}],"
	     "\"nodelist\":[\"n[0,2]\"]" TIMES, "a node used up is gone");
	ok(!resource_set_union(c, b), "union");
	ok(resource_set_contains(c, a) && resource_set_contains(a, c),
	   "what was taken is back");
	ok(!resource_set_intersect(c, b), "intersect");
	ok(resource_set_contains(c, b) && resource_set_contains(b, c),
	   "the common part");
	resource_set_destroy(c);

	c = resource_set_create();
	add(c, 1, "other", "0", NULL);
	ok(!resource_set_contains(a, c), "another host under the same rank");
	ok(resource_set_union(a, c) < 0 && errno == EEXIST, "no union");
	ok(resource_set_subtract(b, c) < 0 && errno == EEXIST, "no subtract");
	ok(resource_set_add(c, 2, "a,b", NULL, NULL) < 0 && errno == EINVAL,
	   "a bad host name");
	ok(resource_set_add(c, IDSET_MAX + 1, "a", NULL, NULL) < 0 &&
	   errno == EINVAL, "a rank out of range");
	resource_set_destroy(a);
	resource_set_destroy(b);
	resource_set_destroy(c);
	resource_set_destroy(NULL);
}

/* 16384 nodes, odd and even ones alike: no quadratic work. */
static void test_large(void)
{
	struct resource_set *set = resource_set_create(), *again;
	char *text;

	for (unsigned i = 0; i < 16384; i++) {
		char host[32];

		snprintf(host, sizeof(host), "node%u", i);
		add(set, i, host, i % 2 ? "0-63" : "0-127", "0-3");
	}
	text = resource_set_encode(set);
	again = must(text);
	ok(resource_set_contains(set, again) &&
	   resource_set_ncores(again) == 16384 * 96, "16384 nodes");
	free(text);
	resource_set_destroy(set);
	resource_set_destroy(again);
}

int main(void)
{
	test_sample();
	test_canonical();
	test_refused();
	test_operations();
	test_large();
	return done();
}
