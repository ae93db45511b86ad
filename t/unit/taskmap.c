/* SPDX-License-Identifier: Apache-2.0 */
/* Task maps: forms, builders, questions, what is refused. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "proto/taskmap.h"
#include "t/unit/tap.h"

static const struct { const char *raw, *json; } same[] = {
	{ "", "[]" },
	{ "0", "[[0,1,1,1]]" },
	{ "0;1", "[[0,2,1,1]]" },
	{ "0-1", "[[0,1,2,1]]" },
	{ "0-1;2-3", "[[0,2,2,1]]" },
	{ "0,2;1,3", "[[0,2,1,2]]" },
	{ "1;0", "[[1,1,1,1],[0,1,1,1]]" },
	{ ";0", "[[1,1,1,1]]" },
	{ "0-3;4-7;8-11;12-15", "[[0,4,4,1]]" },
	{ "0,4,8,12;1,5,9,13;2,6,10,14;3,7,11,15", "[[0,4,1,4]]" },
	{ "0-1,8-9;2-3,10-11;4-5,12-13;6-7,14-15", "[[0,4,2,2]]" },
	{ "0-1;2-3;4-5;6-7;8-11;12-15", "[[0,4,2,1],[4,2,4,1]]" },
	{ "0,6;1,7;2,8;3,9;4,10,12,14;5,11,13,15",
	  "[[0,6,1,2],[4,2,1,2]]" },
	{ "0-1;2-3;4-5;6-7;8-9,12-13;10-11,14-15",
	  "[[0,6,2,1],[4,2,2,1]]" },
	{ "12-15;8-11;4-7;0-3",
	  "[[3,1,4,1],[2,1,4,1],[1,1,4,1],[0,1,4,1]]" },
	{ "14-15;12-13;10-11;8-9;4-7;0-3",
	  "[[5,1,4,1],[4,1,4,1],[3,1,2,1],[2,1,2,1],[1,1,2,1],[0,1,2,1]]" },
	{ "0-1;2-3;4-5;6-7;8-9;12-13;10-11;14-15",
	  "[[0,5,2,1],[6,1,2,1],[5,1,2,1],[7,1,2,1]]" },
};

static struct taskmap *must(const char *text)
{
	struct proto_error err = { "" };
	struct taskmap *map = taskmap_decode(text, &err);

	if (!map) {
		ok(false, "decode '%s': %s", text, err.text);
		exit(1);
	}
	return map;
}

static void check(struct taskmap *map, const char *raw, const char *json,
		  const char *what)
{
	char *got = map ? taskmap_encode(map) : NULL;

	is_str(got, json, what);
	free(got);
	got = map ? taskmap_encode_raw(map) : NULL;
	is_str(got, raw, what);
	free(got);
	taskmap_destroy(map);
}

/* Every question about a task and its node agrees with the raw form. */
static bool answers_agree(const struct taskmap *map)
{
	int total = 0;

	for (int node = 0; node < map->nnodes; node++) {
		struct idset *tasks = taskmap_tasks(map, node);
		bool good = (int)idset_count(tasks) ==
			taskmap_node_ntasks(map, node);

		for (unsigned t = idset_first(tasks); t != IDSET_NONE;
		     t = idset_next(tasks, t))
			good = good && taskmap_node_of(map, t) == node;
		total += idset_count(tasks);
		idset_destroy(tasks);
		if (!good)
			return false;
	}
	return total == map->ntasks &&
	       taskmap_node_of(map, map->ntasks) < 0 &&
	       taskmap_node_of(map, -1) < 0;
}

static void test_forms(void)
{
	struct taskmap *map;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		map = must(same[i].raw);
		ok(answers_agree(map), "tasks and nodes of '%s'",
		   same[i].raw);
		check(map, same[i].raw, same[i].json, same[i].raw);
		check(must(same[i].json), same[i].raw, same[i].json,
		      same[i].json);
	}
	check(must("{\"version\":1,\"map\":[[0,1,2,1]]}"), "0-1",
	      "[[0,1,2,1]]", "wrapped");
}

static void test_build(void)
{
	static const int even[] = { 4, 4, 4, 4 };
	static const int uneven[] = { 2, 2, 2, 2, 4, 4 };
	static const int gap[] = { 1, 0, 2 };
	static const int huge[] = { INT_MAX, INT_MAX };

	check(taskmap_block(even, 4), "0-3;4-7;8-11;12-15", "[[0,4,4,1]]",
	      "block");
	check(taskmap_cyclic(even, 4, 1),
	      "0,4,8,12;1,5,9,13;2,6,10,14;3,7,11,15", "[[0,4,1,4]]",
	      "cyclic");
	check(taskmap_cyclic(even, 4, 2),
	      "0-1,8-9;2-3,10-11;4-5,12-13;6-7,14-15", "[[0,4,2,2]]",
	      "cyclic:2");
	check(taskmap_block(uneven, 6), "0-1;2-3;4-5;6-7;8-11;12-15",
	      "[[0,4,2,1],[4,2,4,1]]", "uneven block");
	check(taskmap_cyclic(uneven, 6, 1),
	      "0,6;1,7;2,8;3,9;4,10,12,14;5,11,13,15",
	      "[[0,6,1,2],[4,2,1,2]]", "uneven cyclic");
	check(taskmap_cyclic(uneven, 6, 2),
	      "0-1;2-3;4-5;6-7;8-9,12-13;10-11,14-15",
	      "[[0,6,2,1],[4,2,2,1]]", "uneven cyclic:2");
	check(taskmap_block(gap, 3), "0;;1-2", "[[0,1,1,1],[2,1,2,1]]",
	      "a node without tasks");
	ok(!taskmap_block(huge, 2) && errno == EOVERFLOW, "too many tasks");
	ok(!taskmap_cyclic(even, 4, 0) && errno == EINVAL, "no stride");
}

static void test_pmi(void)
{
	struct taskmap *map = must("[[0,2,1,2]]");
	char *text = taskmap_encode_pmi(map, 64);

	is_str(text, "(vector,(0,2,1),(0,2,1))", "PMI form");
	free(text);
	text = taskmap_encode_pmi(map, 24);
	is_str(text, "(vector,(0,2,1),(0,2,1))", "which just fits");
	free(text);
	text = taskmap_encode_pmi(map, 23);
	is_str(text, "", "or is left empty");
	free(text);
	taskmap_destroy(map);
	map = taskmap_create();
	text = taskmap_encode_pmi(map, 64);
	is_str(text, "", "unknown");
	free(text);
	taskmap_destroy(map);
	taskmap_destroy(NULL);
}

static void test_refused(void)
{
	static const struct { const char *text, *what; } bad[] = {
		{ "[", "not JSON" },
		{ "{}", "version: is missing" },
		{ "{\"version\":2,\"map\":[]}", "version: must be 1, got 2" },
		{ "{\"version\":1}", "taskmap: is missing" },
		{ "[1]", "block 0: must be an array of four" },
		{ "[[0,1,1]]", "block 0: must be an array of four" },
		{ "[[0,1,1,1],[0,1,1,\"1\"]]", "block 1: must be of integers" },
		{ "[[-1,1,1,1]]", "block 0: must be of integers >= 0, got -1" },
		{ "[[0,0,1,1]]", "block 0: a count must be at least 1" },
		{ "[[0,1,1,0]]", "block 0: a count must be at least 1" },
		{ "[[0,1,16777217,1]]", "block 0: too many" },
		{ "[[0,65536,65536,65536]]", "block 0: too many" },
		{ "[[2147483647,1,1,1]]", "block 0: too many" },
		{ "[[1048576,1,1,1]]", "block 0: too many" },
		{ "0;x", "node 1: idset 'x'" },
		{ "0;0", "task 0 is on two nodes" },
		{ "0-2;1", "task 1 is on two nodes" },
		{ "0;2", "task 1 is missing" },
		{ "1", "task 0 is missing" },
		{ "0-16777216", "too many tasks" },
	};
	struct proto_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct taskmap *map;

		errno = 0;
		map = taskmap_decode(bad[i].text, &err);
		if (!ok(!map && errno == EINVAL &&
			strstr(err.text, bad[i].what), "refused: %s",
			map ? bad[i].text : err.text))
			diag("want %s", bad[i].what);
		taskmap_destroy(map);
	}
}

int main(void)
{
	test_forms();
	test_build();
	test_pmi();
	test_refused();
	return done();
}
