/* SPDX-License-Identifier: Apache-2.0 */
/* weir pgrep and weir pkill: jobs by their names, or by a range of ids.
 * weir-pgrep(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/many.h"
#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/wire.h"

struct search {
	bool kill;
	int64_t user;		/* -1: all */
	int states, results;
	json_int_t count, max;	/* of what is printed, of what is asked for */
	const char *queue, *format;
	bool formatted, no_header, wait;
	/* what EXPR says */
	bool named, ranged;
	regex_t name;
	weir_jobid_t first, last;
};

/* ---- EXPR ---- */

static void take_name(struct search *s, const char *pattern)
{
	char text[256];
	int e;

	if (s->named)
		usage_error("ERROR: expression error: a second name pattern "
			    "'%s'", pattern);
	e = regcomp(&s->name, pattern, REG_EXTENDED | REG_NOSUB);
	if (e) {
		regerror(e, &s->name, text, sizeof(text));
		usage_error("ERROR: expression error: %s: '%s'", text,
			    pattern);
	}
	s->named = true;
}

/* ID1..ID2, either of which may be left out. */
static bool take_range(struct search *s, const char *word)
{
	const char *dots = strstr(word, "..");
	char *first;
	bool good;

	if (!dots || (dots == word && !dots[2]))
		return false;
	first = xstrdup(word);
	first[dots - word] = '\0';
	s->first = 0;
	s->last = UINT64_MAX;
	good = (!*first || weir_jobid_parse(first, &s->first) == 0) &&
	       (!dots[2] || weir_jobid_parse(dots + 2, &s->last) == 0);
	free(first);
	s->ranged |= good;
	return good;
}

static void take_expression(struct search *s, char **words, int n)
{
	char *copy, *rest, *word;
	int i;

	for (i = 0; i < n; i++) {
		copy = rest = xstrdup(words[i]);
		while ((word = strsep(&rest, " \t"))) {
			if (!*word)
				continue;
			if (!strncmp(word, "name:", 5))
				take_name(s, word + 5);
			else if (!take_range(s, word))
				take_name(s, word);
		}
		free(copy);
	}
	if (!s->named && !s->ranged)
		usage_error("a pattern or ID1..ID2 is needed");
}

static bool matches(const struct search *s, const json_t *job)
{
	weir_jobid_t id = (weir_jobid_t)json_integer_value(
				json_object_get(job, "id"));
	const char *name = json_string_value(json_object_get(job, "name"));
	int result = (int)json_integer_value(json_object_get(job, "result"));

	if (s->ranged && (id < s->first || id > s->last))
		return false;
	if (s->results && result && !(result & s->results))
		return false;
	return !s->named || (name && regexec(&s->name, name, 0, NULL, 0) == 0);
}

/* ---- options ---- */

static void filter_option(struct search *s, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;

	s->states = s->results = 0;
	while ((word = strsep(&rest, ",")))
		if (text_states(word, &s->states, &s->results) < 0)
			usage_error("ERROR: Invalid filter specified: %s",
				    word);
	if (s->results)
		s->states |= STATE_INACTIVE;
	free(copy);
}

static json_int_t count_option(const char *name, const char *text)
{
	uint64_t n;

	if (wire_parse_u64(text, &n) < 0 || n > INT32_MAX)
		usage_error("%s: '%s' is no number from 0 on", name, text);
	return (json_int_t)n;
}

static void parse(struct search *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "filter", required_argument, NULL, 'f' },
		{ "queue", required_argument, NULL, 'q' },
		{ "count", required_argument, NULL, 'c' },
		{ "max-entries", required_argument, NULL, 'm' },
		{ "no-header", no_argument, NULL, 'n' },
		{ "format", required_argument, NULL, 'o' },
		{ "wait", no_argument, NULL, 'w' },
		{ 0 }
	};
	int c;

	while ((c = next_option(argc, argv, s->kill ? "Au:f:q:c:w" :
				"aAu:f:q:c:no:", longs, s->kill ?
				"weir-pkill" : "weir-pgrep")) != -1) {
		switch (c) {
		case 'a': s->states = STATE_ANY; break;
		case 'A': s->user = -1; break;
		case 'u': s->user = text_user(optarg); break;
		case 'f': filter_option(s, optarg); break;
		case 'q': s->queue = optarg; break;
		case 'c': s->count = count_option("--count", optarg); break;
		case 'm':
			s->max = count_option("--max-entries", optarg);
			break;
		case 'n': s->no_header = true; break;
		case 'o':
			s->format = optarg;
			s->formatted = true;
			break;
		case 'w': s->wait = true; break;
		}
	}
	if (s->kill ? s->formatted || s->no_header : s->wait)
		usage_error(s->kill ? "--format and --no-header are for weir "
			    "pgrep" : "--wait is for weir pkill");
	take_expression(s, argv + optind, argc - optind);
}

/* ---- searching ---- */

static json_t *search(weir_t *h, const struct search *s)
{
	json_t *query = json_pack("{s:I s:[s] s:I s:i}", "max_entries",
				  s->max, "attrs", s->kill ? "name" : "all",
				  "userid", (json_int_t)s->user, "states",
				  s->states);
	json_t *jobs, *found = json_array(), *job;
	size_t i;

	if (s->queue)
		json_object_set_new(query, "queue", json_string(s->queue));
	jobs = jobs_query(h, query);
	json_array_foreach(jobs, i, job)
		if (matches(s, job) && (!s->count ||
		    (json_int_t)json_array_size(found) < s->count))
			json_array_append(found, job);
	json_decref(jobs);
	return found;
}

static void print(const struct search *s, json_t *jobs)
{
	const char *named = format_named(s->format);
	double now = wall_clock();
	struct format *format;
	json_t *job;
	size_t i;

	if (!named && !strchr(s->format, '{'))
		usage_error("ERROR: --format: No such format %s", s->format);
	format = format_parse(named ? named : s->format);
	format_fit(format, jobs, now);
	if (s->formatted && !s->no_header)
		format_header(format, stdout);
	json_array_foreach(jobs, i, job)
		format_row(format, job, now, stdout);
	format_free(format);
}

static int kill_found(weir_t *h, const struct search *s, json_t *jobs)
{
	json_t *ids = json_array(), *job;
	size_t i, count, errors;

	json_array_foreach(jobs, i, job)
		json_array_append(ids, json_object_get(job, "id"));
	count = many_call(h, "job-manager.raiseall", json_pack(
			  "{s:s s:i s:O}", "type", "cancel", "severity", 0,
			  "ids", ids), &errors);
	fprintf(stderr, "%s: INFO: Canceled %zu job%s (%zu error%s)\n",
		cmd_name, count - errors, count - errors == 1 ? "" : "s",
		errors, errors == 1 ? "" : "s");
	if (s->wait)
		many_wait(h, ids);
	json_decref(ids);
	return errors ? 1 : 0;
}

static int run(struct search *s, int argc, char **argv)
{
	json_t *jobs;
	weir_t *h;
	int rc;

	usage_status = 2;
	options_anywhere = true;
	s->user = getuid();
	s->states = STATE_ACTIVE;
	s->count = s->max = 1000;
	parse(s, argc, argv);
	h = open_instance(0);
	jobs = search(h, s);
	rc = json_array_size(jobs) > 0 ? 0 : 1;
	if (s->kill && rc == 0)
		rc = kill_found(h, s, jobs);
	else if (!s->kill)
		print(s, jobs);
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
	if (s->named)
		regfree(&s->name);
	json_decref(jobs);
	weir_close(h);
	return rc;
}

int main_pgrep(int argc, char **argv)
{
	const char *format = getenv("WEIR_PGREP_FORMAT_DEFAULT");
	struct search s = { .format = "{id}" };

	if (format && *format)
		s.format = format;
	return run(&s, argc, argv);
}

int main_pkill(int argc, char **argv)
{
	struct search s = { .kill = true };

	return run(&s, argc, argv);
}
