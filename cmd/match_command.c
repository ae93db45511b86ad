/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of weir match. See weir-match(1). */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/match.h"

#define WORDS_MAX	16

struct command {
	const char *word, *shorter;
	int least, most;	/* arguments */
	bool (*run)(struct match_tool *t, int argc, char **argv);
	const char *usage;
};

static const struct command *find_command(const char *word);

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- arguments ---- */

static bool get_number(struct match_tool *t, const char *text,
		       uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno &&
	    *number <= most)
		return true;
	match_wrong(t, "'%s' is not a number", text);
	return false;
}

static uint32_t get_path(struct match_tool *t, const char *path)
{
	uint32_t v = graph_find_path(t->g, path);

	if (v == GRAPH_NONE)
		match_wrong(t, "%s: there is no such resource", path);
	return v;
}

static const struct match_job *get_job(struct match_tool *t, const char *text)
{
	const struct match_job *job;
	uint64_t id;

	if (!get_number(t, text, UINT64_MAX, &id))
		return NULL;
	job = matcher_find(t->m, id);
	if (!job)
		match_wrong(t, "there is no job %s", text);
	return job;
}

static struct resource_set *get_R(struct match_tool *t, const char *path)
{
	struct proto_error err = { "" };
	struct resource_set *set = NULL;
	size_t len;
	char *text = match_read_file(path, &len);

	if (!text) {
		t->wrong = true;
		return NULL;
	}
	set = resource_set_parse(text, len, &err);
	if (!set)
		match_wrong(t, "%s: %s", path, err.text);
	free(text);
	return set;
}

/* ---- match ---- */

static const struct {
	const char *word;
	enum match_op op;
} ops[] = {
	{ "allocate", MATCH_ALLOCATE },
	{ "allocate_orelse_reserve", MATCH_ALLOCATE_ORELSE_RESERVE },
	{ "allocate_with_satisfiability",
	  MATCH_ALLOCATE_WITH_SATISFIABILITY },
	{ "satisfiability", MATCH_SATISFIABILITY },
};

static void count_match(struct match_tool *t, double seconds, bool matched)
{
	t->total += seconds;
	if (!t->tried++ || seconds < t->least)
		t->least = seconds;
	if (seconds > t->most)
		t->most = seconds;
	t->matched += matched;
}

static void print_result(struct match_tool *t, enum match_op op,
			 const struct match_job *job, int error)
{
	if (error) {
		puts("INFO: No matching resources found");
		if (error == ENODEV)
			puts("INFO: Unsatisfiable request");
	} else if (op == MATCH_SATISFIABILITY) {
		puts("INFO: Satisfiable request");
	} else if (match_print_job(t, job)) {
		printf("INFO: JOBID=%" PRIu64 "\n", job->id);
		printf("INFO: RESOURCES=%s\n",
		       job->reserved ? "RESERVED" : "ALLOCATED");
		if (job->reserved)
			printf("INFO: SCHEDULED AT=%" PRId64 "\n",
			       job->start);
		else
			puts("INFO: SCHEDULED AT=Now");
	}
}

static bool match_file(struct match_tool *t, enum match_op op,
		       const char *path)
{
	const struct match_job *job = NULL;
	struct proto_error err = { "" };
	struct request *req;
	size_t len;
	char *text = match_read_file(path, &len);
	double begin;
	int rc, error;

	if (!text) {
		t->wrong = true;
		return true;
	}
	req = request_parse(t->g, text, len, &err);
	free(text);
	if (!req) {
		match_wrong(t, "%s: %s", path, err.text);
		return true;
	}
	while (matcher_find(t->m, t->next_id))
		t->next_id++;
	begin = seconds_now();
	rc = matcher_match(t->m, op, t->next_id, req, t->now, &job);
	error = rc < 0 ? errno : 0;
	count_match(t, seconds_now() - begin, rc == 0);
	request_destroy(req);
	if (error && error != EBUSY && error != ENODEV) {
		match_wrong(t, "%s: %s", path, strerror(error));
		return true;
	}
	t->next_id += !error && op != MATCH_SATISFIABILITY;
	print_result(t, op, job, error);
	return true;
}

static bool cmd_match(struct match_tool *t, int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		if (strcmp(ops[i].word, argv[1]))
			continue;
		for (int f = 2; f < argc; f++)
			match_file(t, ops[i].op, argv[f]);
		return true;
	}
	match_wrong(t, "match: there is no way '%s'", argv[1]);
	return true;
}

/* ---- jobs ---- */

static bool cmd_update(struct match_tool *t, int argc, char **argv)
{
	bool reserve = !strcmp(argv[1], "reserve");
	const struct match_job *job = NULL;
	struct proto_error err = { "" };
	uint64_t id, at, duration;
	struct resource_set *R;

	(void)argc;
	if (!reserve && strcmp(argv[1], "allocate")) {
		match_wrong(t, "update: it is allocate or reserve, not '%s'",
			    argv[1]);
		return true;
	}
	if (!get_number(t, argv[3], UINT64_MAX, &id) ||
	    !get_number(t, argv[4], MATCH_TIME_MAX, &at) ||
	    !get_number(t, argv[5], MATCH_TIME_MAX, &duration))
		return true;
	R = get_R(t, argv[2]);
	if (!R)
		return true;
	if (matcher_adopt(t->m, id, R, reserve, (int64_t)at,
			  (int64_t)(at + duration), &job, &err) < 0)
		match_wrong(t, "update: %s", err.text);
	else
		print_result(t, MATCH_ALLOCATE, job, 0);
	resource_set_destroy(R);
	return true;
}

static bool cmd_cancel(struct match_tool *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct match_job *job = get_job(t, argv[i]);

		if (job)
			matcher_cancel(t->m, job->id);
	}
	return true;
}

static bool cmd_partial_cancel(struct match_tool *t, int argc, char **argv)
{
	const struct match_job *job = get_job(t, argv[1]);
	struct resource_set *R = job ? get_R(t, argv[2]) : NULL;
	struct idset *ranks = R ? resource_set_ranks(R) : NULL;
	bool gone;

	(void)argc;
	if (ranks && matcher_cancel_ranks(t->m, job->id, ranks, &gone) < 0)
		match_wrong(t, "partial-cancel: %s", errno == EINVAL ?
			    "it is only reserved" : strerror(errno));
	else if (ranks)
		printf("INFO: %s\n", gone ? "all of it is free" :
		       "it has the rest");
	idset_destroy(ranks);
	resource_set_destroy(R);
	return true;
}

static void print_info(const struct match_job *job)
{
	printf("INFO: %" PRIu64 ", %s, %" PRId64 ", ", job->id,
	       job->reserved ? "RESERVED" : "ALLOCATED", job->start);
	if (job->end == MATCH_TIME_MAX)
		puts("inf");
	else
		printf("%" PRId64 "\n", job->end);
}

static bool cmd_info(struct match_tool *t, int argc, char **argv)
{
	const struct match_job *job = get_job(t, argv[1]);

	(void)argc;
	if (!job)
		return true;
	print_info(job);
	match_print_job(t, job);
	return true;
}

static bool cmd_list(struct match_tool *t, int argc, char **argv)
{
	const struct match_job *job;

	(void)argc;
	(void)argv;
	for (job = matcher_next(t->m, 0, true); job;
	     job = matcher_next(t->m, job->id, false))
		print_info(job);
	return true;
}

/* ---- the graph ---- */

static bool cmd_find(struct match_tool *t, int argc, char **argv)
{
	struct proto_error err = { "" };
	struct graph_part part;
	char text[4096] = "";

	for (int i = 1; i < argc; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "%s ", argv[i]);
	}
	if (matcher_search(t->m, text, &part, &err) < 0) {
		match_wrong(t, "find: %s", err.text);
		return true;
	}
	match_print_part(t, &part);
	graph_part_clear(&part);
	return true;
}

static bool cmd_set_status(struct match_tool *t, int argc, char **argv)
{
	uint32_t v = get_path(t, argv[1]);
	bool down = !strcmp(argv[2], "down");

	(void)argc;
	if (v == GRAPH_NONE)
		return true;
	if (down || !strcmp(argv[2], "up"))
		graph_set_down(t->g, v, down);
	else
		match_wrong(t, "set-status: it is up or down, not '%s'",
			    argv[2]);
	return true;
}

static bool cmd_get_status(struct match_tool *t, int argc, char **argv)
{
	uint32_t v = get_path(t, argv[1]);

	(void)argc;
	if (v != GRAPH_NONE)
		printf("%s is %s\n", argv[1],
		       t->g->vertices[v].down ? "down" : "up");
	return true;
}

static bool cmd_set_property(struct match_tool *t, int argc, char **argv)
{
	uint32_t v = get_path(t, argv[1]);
	char *equal = strchr(argv[2], '=');

	(void)argc;
	if (v == GRAPH_NONE)
		return true;
	if (equal)
		*equal++ = '\0';
	if (!*argv[2])
		match_wrong(t, "set-property: it has no name");
	else if (graph_set_property(t->g, v, argv[2], equal ? equal : "") < 0)
		match_wrong(t, "set-property: %s", strerror(errno));
	return true;
}

static bool cmd_remove_property(struct match_tool *t, int argc, char **argv)
{
	uint32_t v = get_path(t, argv[1]);

	(void)argc;
	if (v != GRAPH_NONE && graph_set_property(t->g, v, argv[2], NULL) < 0)
		match_wrong(t, "remove-property: %s", strerror(errno));
	return true;
}

static bool cmd_get_property(struct match_tool *t, int argc, char **argv)
{
	uint32_t v = get_path(t, argv[1]);
	const char *value;

	(void)argc;
	if (v == GRAPH_NONE)
		return true;
	value = graph_property(t->g, v, argv[2]);
	if (value)
		printf("%s=%s\n", argv[2], value);
	else
		match_wrong(t, "%s: it has no property %s", argv[1], argv[2]);
	return true;
}

static bool cmd_stat(struct match_tool *t, int argc, char **argv)
{
	size_t edges = 0;

	(void)argc;
	(void)argv;
	for (uint32_t i = 0; i < t->g->subsystem_count; i++)
		edges += t->g->subsystems[i].count;
	printf("Vertices: %u\nEdges: %zu\nBytes: %zu\nLoad time: %.6f s\n",
	       t->g->count, edges + t->g->inside - 1, graph_bytes(t->g),
	       t->load_seconds);
	printf("Jobs: %zu\nPolicy: %s\nTime: %" PRId64 "\n",
	       matcher_count(t->m), t->policy->name, t->now);
	printf("Matches: %lu of %lu\nMatch time: min %.6f max %.6f "
	       "average %.6f s\n", t->matched, t->tried, t->least, t->most,
	       t->tried ? t->total / (double)t->tried : 0);
	return true;
}

static bool cmd_print(struct match_tool *t, int argc, char **argv)
{
	struct graph_part part = { .count = t->g->count };
	(void)argc;
	(void)argv;

	if (t->format != FORMAT_TREE)
		return match_print_part(t, NULL), true;
	part.vertices = calloc(part.count, sizeof(*part.vertices));
	part.exclusive = calloc(part.count, sizeof(*part.exclusive));
	for (uint32_t i = 0; part.vertices && i < part.count; i++)
		part.vertices[i] = i;
	if (part.vertices && part.exclusive)
		match_print_part(t, &part);
	graph_part_clear(&part);
	return true;
}

/* ---- the tool itself ---- */

static bool cmd_policy(struct match_tool *t, int argc, char **argv)
{
	struct proto_error err = { "" };
	const struct match_policy *policy = policy_find(argv[1], &err);

	(void)argc;
	if (!policy) {
		match_wrong(t, "%s", err.text);
		return true;
	}
	t->policy = policy;
	matcher_set_policy(t->m, policy);
	return true;
}

static bool cmd_time(struct match_tool *t, int argc, char **argv)
{
	uint64_t now;

	(void)argc;
	if (get_number(t, argv[1], MATCH_TIME_MAX - 1, &now))
		t->now = (int64_t)now;
	return true;
}

static bool cmd_cat(struct match_tool *t, int argc, char **argv)
{
	size_t len;
	char *text = match_read_file(argv[1], &len);

	(void)argc;
	if (text)
		fwrite(text, 1, len, stdout);
	else
		t->wrong = true;
	free(text);
	return true;
}

static bool cmd_quit(struct match_tool *t, int argc, char **argv)
{
	(void)t;
	(void)argc;
	(void)argv;
	return false;
}

static bool cmd_help(struct match_tool *t, int argc, char **argv);

static const struct command commands[] = {
	{ "match", "m", 2, WORDS_MAX, cmd_match,
	  "allocate|allocate_orelse_reserve|allocate_with_satisfiability|"
	  "satisfiability FILE..." },
	{ "update", "u", 5, 5, cmd_update,
	  "allocate|reserve R JOBID AT DURATION" },
	{ "cancel", "c", 1, WORDS_MAX, cmd_cancel, "JOBID..." },
	{ "partial-cancel", "pc", 2, 2, cmd_partial_cancel, "JOBID R" },
	{ "find", "f", 1, WORDS_MAX, cmd_find, "QUERY" },
	{ "list", "l", 0, 0, cmd_list, "" },
	{ "info", "i", 1, 1, cmd_info, "JOBID" },
	{ "set-status", "t", 2, 2, cmd_set_status, "PATH up|down" },
	{ "get-status", "e", 1, 1, cmd_get_status, "PATH" },
	{ "set-property", "p", 2, 2, cmd_set_property, "PATH NAME[=VALUE]" },
	{ "get-property", "g", 2, 2, cmd_get_property, "PATH NAME" },
	{ "remove-property", "rp", 2, 2, cmd_remove_property, "PATH NAME" },
	{ "stat", "s", 0, 0, cmd_stat, "" },
	{ "print", "pr", 0, 0, cmd_print, "" },
	{ "policy", "po", 1, 1, cmd_policy, "NAME" },
	{ "time", "ti", 1, 1, cmd_time, "SECONDS" },
	{ "cat", "a", 1, 1, cmd_cat, "FILE" },
	{ "help", "h", 0, 0, cmd_help, "" },
	{ "quit", "q", 0, 0, cmd_quit, "" },
};

static bool cmd_help(struct match_tool *t, int argc, char **argv)
{
	(void)t;
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("%s (%s) %s\n", commands[i].word, commands[i].shorter,
		       commands[i].usage);
	return true;
}

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].word, word) ||
		    !strcmp(commands[i].shorter, word))
			return &commands[i];
	return NULL;
}

bool match_command(struct match_tool *t, char *line)
{
	const struct command *c;
	char *argv[WORDS_MAX + 2], *save = NULL, *word;
	int argc = 0;

	for (word = strtok_r(line, " \t\n", &save); word && *word != '#';
	     word = strtok_r(NULL, " \t\n", &save)) {
		if (argc > WORDS_MAX) {
			match_wrong(t, "a line has at most %d words",
				    WORDS_MAX + 1);
			return true;
		}
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	if (!argc)
		return true;
	c = find_command(argv[0]);
	if (!c) {
		match_wrong(t, "there is no command '%s'", argv[0]);
		return true;
	}
	if (argc - 1 < c->least || argc - 1 > c->most) {
		match_wrong(t, "usage: %s %s", c->word, c->usage);
		return true;
	}
	return c->run(t, argc, argv);
}
