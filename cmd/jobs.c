/* SPDX-License-Identifier: Apache-2.0 */
/* weir jobs: a table of jobs. weir-jobs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/datetime.h"
#include "cmd/instance.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/wire.h"

struct listing {
	weir_t *h;
	int64_t user;		/* -1: all */
	json_int_t count;	/* 0: no limit */
	int states, results;
	bool filtered, all;
	double since, now;
	const char *name, *sort, *queues;
	struct format *format;
	bool header, json, stats, stats_only, color;
	bool recurse;
	int level;		/* of instances in jobs; -1: all */
	char **words;		/* ids that were asked for */
	int ids;
	int status;
};

/* ---- options ---- */

static void filter_option(struct listing *l, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;

	l->states = l->results = 0;
	while ((word = strsep(&rest, ",")))
		if (text_states(word, &l->states, &l->results) < 0)
			fail("Invalid filter specified: %s", word);
	if (l->results)		/* only the finished have one */
		l->states |= STATE_INACTIVE;
	l->filtered = true;
	free(copy);
}

static double since_option(const char *text, double now)
{
	struct proto_error error;
	double t;

	if (datetime_parse(text, now, &t, &error) < 0)
		fail("--since: %s", error.text);
	if (t > now)
		fail("--since: '%s' is in the future", text);
	return t;
}

static struct format *format_option(const char *text)
{
	const char *named;

	if (!strcmp(text, "help")) {
		format_list(stdout);
		exit(0);
	}
	if (!strncmp(text, "get-config=", 11)) {
		named = format_named(text + 11);
		if (!named)
			fail("--format: No such format %s", text + 11);
		printf("[formats.%s]\nformat = \"%s\"\n", text + 11, named);
		exit(0);
	}
	if (strchr(text, '{'))
		return format_parse(text);
	named = format_named(text);
	if (!named)
		fail("--format: No such format %s", text);
	return format_parse(named);
}

bool color_option(const char *when)
{
	if (!when || !strcmp(when, "always"))
		return true;
	if (!strcmp(when, "never"))
		return false;
	if (strcmp(when, "auto"))
		usage_error("--color: '%s' is not always, never or auto",
			    when);
	when = getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && (!when || !*when);
}

static json_int_t number_option(const char *name, const char *text)
{
	uint64_t n;

	if (wire_parse_u64(text, &n) < 0 || n > INT32_MAX)
		usage_error("%s: '%s' is no number from 0 on", name, text);
	return (json_int_t)n;
}

enum { SINCE = 256, NAME, SORT, JSON, COLOR, STATS, STATS_ONLY };

#define LEVEL_MAX	64	/* instances in each other */


static void parse_options(struct listing *l, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "count", required_argument, NULL, 'c' },
		{ "filter", required_argument, NULL, 'f' },
		{ "since", required_argument, NULL, SINCE },
		{ "no-header", no_argument, NULL, 'n' },
		{ "name", required_argument, NULL, NAME },
		{ "queue", required_argument, NULL, 'q' },
		{ "format", required_argument, NULL, 'o' },
		{ "sort", required_argument, NULL, SORT },
		{ "json", no_argument, NULL, JSON },
		{ "color", optional_argument, NULL, COLOR },
		{ "recursive", no_argument, NULL, 'R' },
		{ "level", required_argument, NULL, 'L' },
		{ "stats", no_argument, NULL, STATS },
		{ "stats-only", no_argument, NULL, STATS_ONLY },
		{ 0 }
	};
	const char *format = getenv("WEIR_JOBS_FORMAT_DEFAULT");
	int c;

	if (!format || !*format)
		format = "default";
	while ((c = next_option(argc, argv, "aAu:c:f:no:q:RL:", longs,
				"weir-jobs")) != -1) {
		switch (c) {
		case 'a': l->all = true; break;
		case 'A': l->user = -1; break;
		case 'u': l->user = text_user(optarg); break;
		case 'c': l->count = number_option("--count", optarg); break;
		case 'f': filter_option(l, optarg); break;
		case SINCE:
			l->since = since_option(optarg, l->now);
			l->all = true;
			break;
		case 'n': l->header = false; break;
		case NAME: l->name = optarg; break;
		case 'q': l->queues = optarg; break;
		case 'o': format = optarg; break;
		case SORT: l->sort = optarg; break;
		case JSON: l->json = true; break;
		case COLOR: l->color = color_option(optarg); break;
		case 'R': l->recurse = true; break;
		case 'L':
			l->level = (int)number_option("--level", optarg);
			break;
		case STATS: l->stats = true; break;
		case STATS_ONLY: l->stats_only = true; break;
		}
	}
	l->words = argv + optind;
	l->ids = argc - optind;
	l->format = format_option(format);
	if (!l->sort)
		l->sort = format_sort(l->format);
	if (l->all && l->filtered && l->since <= 0)
		fprintf(stderr, "%s: WARNING: Both -a and --filter specified, "
			"ignoring -a\n", cmd_name);
	else if (l->all && !l->filtered)
		l->states = STATE_ANY;
	if (l->ids && l->filtered)
		fprintf(stderr, "%s: WARNING: Filtering options ignored with "
			"jobid list\n", cmd_name);
}

/* ---- order ---- */

static const struct sort_key {
	struct field *field;
	bool down;
} *sort_keys;
static size_t sort_count;
static double sort_now;

static int compare(const void *a, const void *b)
{
	static struct value x, y;
	size_t i;
	int r = 0;

	for (i = 0; !r && i < sort_count; i++) {
		field_get(sort_keys[i].field, *(json_t *const *)a, sort_now,
			  &x);
		field_get(sort_keys[i].field, *(json_t *const *)b, sort_now,
			  &y);
		r = value_compare(&x, &y);
		if (sort_keys[i].down)
			r = -r;
	}
	return r;
}

/* A new array in the order of KEYS, "k1,-k2"; takes JOBS. */
static json_t *sorted(json_t *jobs, const char *keys, double now)
{
	size_t n = json_array_size(jobs), i;
	json_t **item = xmalloc(n * sizeof(json_t *)), *result = json_array();
	char *copy = xstrdup(keys), *rest = copy, *word;
	struct sort_key *key = NULL;

	sort_count = 0;
	while ((word = strsep(&rest, ","))) {
		key = xrealloc(key, (sort_count + 1) * sizeof(*key));
		key[sort_count].down = *word == '-';
		word += *word == '-';
		key[sort_count].field = field_find(word);
		if (!key[sort_count++].field)
			fail("Invalid sort key: %s", word);
	}
	for (i = 0; i < n; i++)
		item[i] = json_array_get(jobs, i);
	sort_keys = key;
	sort_now = now;
	qsort(item, n, sizeof(json_t *), compare);
	for (i = 0; i < n; i++)
		json_array_append(result, item[i]);
	for (i = 0; i < sort_count; i++)
		field_free(key[i].field);
	free(key);
	free(copy);
	free(item);
	json_decref(jobs);
	return result;
}

/* ---- asking ---- */

static json_t *by_ids(struct listing *l)
{
	json_t *jobs = json_array(), *job;
	weir_jobid_t id;
	int i;

	for (i = 0; i < l->ids; i++)
		if (weir_jobid_parse(l->words[i], &id) < 0) {
			warn_error("invalid JobID value: '%s'", l->words[i]);
			exit(2);
		}
	for (i = 0; i < l->ids; i++) {
		weir_jobid_parse(l->words[i], &id);
		job = jobs_query_id(l->h, id);
		if (job) {
			json_array_append_new(jobs, job);
		} else {
			fprintf(stderr, "JobID %s unknown\n", l->words[i]);
			l->status = 1;
		}
	}
	return jobs;
}

/* What has ended with another result is left out. */
static json_t *drop_results(json_t *jobs, int results)
{
	json_t *kept = json_array(), *job;
	size_t i;

	json_array_foreach(jobs, i, job) {
		int r = (int)json_integer_value(json_object_get(job,
								"result"));

		if (!r || (r & results))
			json_array_append(kept, job);
	}
	json_decref(jobs);
	return kept;
}

static void tell_truncated(struct listing *l)
{
	if (l->header && !l->json)
		fprintf(stderr, "warning: output truncated at %lld jobs.\n"
			"Use --count to increase returned results or use "
			"filters to alter results.\n", (long long)l->count);
}

static bool truncate_jobs(json_t *jobs, json_int_t count)
{
	if ((json_int_t)json_array_size(jobs) <= count)
		return false;
	while ((json_int_t)json_array_size(jobs) > count)
		json_array_remove(jobs, json_array_size(jobs) - 1);
	return true;
}

/* One more than wanted tells whether there are more. ATTRS is taken. */
static json_t *query_filter(struct listing *l, json_t *attrs)
{
	json_t *query = json_pack("{s:I s:o s:I s:i}", "max_entries",
				  l->count ? l->count + 1 : 0, "attrs", attrs,
				  "userid", (json_int_t)l->user, "states",
				  l->states);

	if (!query)
		die("out of memory");
	if (l->since > 0)
		json_object_set_new(query, "since", json_real(l->since));
	if (l->name && json_object_set_new(query, "name",
					   json_string(l->name)) < 0)
		fail("--name: not UTF-8");
	if (l->results)
		json_object_set_new(query, "results",
				    json_integer(l->results));
	if (l->queues && json_object_set_new(query, "queue",
					     json_string(l->queues)) < 0)
		fail("--queue: not UTF-8");
	return query;
}

static json_t *by_filter(struct listing *l)
{
	json_t *jobs = jobs_query(l->h, query_filter(l, json_pack("[s]",
								  "all")));

	if (l->count && truncate_jobs(jobs, l->count))
		tell_truncated(l);
	return jobs;
}

/* ---- showing ---- */

static const char *row_color(const json_t *job)
{
	const char *s = job_status_name(job);

	return !strcmp(s, "COMPLETED") ? "\033[01;32m" :
	       !strcmp(s, "FAILED") || !strcmp(s, "TIMEOUT") ?
	       "\033[01;31m" : !strcmp(s, "CANCELED") ? "\033[37m" : NULL;
}

static void print_rows(struct listing *l, json_t *jobs)
{
	json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job) {
		const char *color = l->color ? row_color(job) : NULL;

		if (color)
			fputs(color, stdout);
		format_row(l->format, job, l->now, stdout);
		if (color)
			fputs("\033[0;0m", stdout);
	}
}

static void print_table(struct listing *l, json_t *jobs, bool header)
{
	format_fit(l->format, jobs, l->now);
	if (header)
		format_header(l->format, stdout);
	print_rows(l, jobs);
}

/* A table as its jobs come. If its columns depend on all of them they are held
 * back, as text, which is far smaller than what it stands for. */
struct stream {
	struct listing *l;
	json_int_t shown;
	bool truncated, fits;
	char **page;
	size_t pages;
};

static void take_page(json_t *jobs, void *arg)
{
	struct stream *st = arg;
	struct listing *l = st->l;
	char *text;

	if (l->count && truncate_jobs(jobs, l->count - st->shown))
		st->truncated = true;
	st->shown += (json_int_t)json_array_size(jobs);
	if (!st->fits) {
		print_rows(l, jobs);
		return;
	}
	format_fit(l->format, jobs, l->now);
	text = json_dumps(jobs, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!text)
		die("out of memory");
	st->page = xrealloc(st->page, (st->pages + 1) * sizeof(*st->page));
	st->page[st->pages++] = text;
}

static void stream_table(struct listing *l)
{
	struct stream st = { .l = l, .fits = format_fits(l->format) };
	json_t *attrs = json_pack("[s,s]", "state", "result"), *jobs;
	size_t i;

	format_attributes(l->format, attrs);
	if (!st.fits && l->header)
		format_header(l->format, stdout);
	jobs_pages(l->h, query_filter(l, attrs), take_page, &st);
	if (st.truncated)
		tell_truncated(l);
	if (!st.fits)
		return;
	jobs = json_array();
	format_fit(l->format, jobs, l->now);	/* if there was no job */
	json_decref(jobs);
	if (l->header)
		format_header(l->format, stdout);
	for (i = 0; i < st.pages; i++) {
		jobs = json_loads(st.page[i], 0, NULL);
		if (!jobs)
			die("out of memory");
		free(st.page[i]);
		print_rows(l, jobs);
		json_decref(jobs);
	}
	free(st.page);
}

/* Below the table, one for each instance that a job of yours in it runs. */
static void recurse(struct listing *l, json_t *jobs, const char *path,
		    int level)
{
	json_t *job, *inner;
	size_t i;

	if ((l->level >= 0 && level >= l->level) || level == LEVEL_MAX)
		return;
	json_array_foreach(jobs, i, job) {
		const char *uri = instance_of_job(job);
		weir_jobid_t id = (weir_jobid_t)json_integer_value(
					json_object_get(job, "id"));
		char name[JOBID_SIZE], *longer;

		if (!uri || !(json_integer_value(json_object_get(job,
				"state")) & STATE_RUNNING) ||
		    !(inner = instance_jobs(uri, l->states, l->count)))
			continue;
		if (l->results)
			inner = drop_results(inner, l->results);
		longer = xasprintf("%s%s%s", path, *path ? "/" : "",
				   text_f58(id, name));
		printf("\n%s:\n", longer);
		if (l->sort)
			inner = sorted(inner, l->sort, l->now);
		print_table(l, inner, false);
		recurse(l, inner, longer, level + 1);
		json_decref(inner);
		free(longer);
	}
}

static void print_json(struct listing *l, json_t *jobs)
{
	json_t *list = json_array(), *out, *job;
	size_t i;

	json_array_foreach(jobs, i, job)
		json_array_append_new(list, job_describe(job, l->now));
	if (l->ids == 1)	/* the bare object, if there is one */
		out = json_incref(json_array_get(list, 0));
	else
		out = json_pack("{s:O}", "jobs", list);
	if (out) {
		json_dumpf(out, stdout, JSON_ENSURE_ASCII |
			   JSON_REAL_PRECISION(17));
		putchar('\n');
	}
	json_decref(out);
	json_decref(list);
}

/* The line of --stats; the exit code of --stats-only. */
static int print_stats(struct listing *l)
{
	weir_future_t *f = weir_rpc(l->h, "job-list.job-stats", NULL, 0, -1);
	json_t *o, *s;
	json_int_t active, run, pending;

	must(f, "job-list.job-stats");
	o = reply_json(f);
	s = json_object_get(o, "job_states");
#define STATE(name) json_integer_value(json_object_get(s, name))
#define COUNT(name) json_integer_value(json_object_get(o, name))
	run = STATE("run") + STATE("cleanup");
	pending = STATE("new") + STATE("depend") + STATE("priority") +
		  STATE("sched");
	active = run + pending;
	printf("%lld running, %lld completed, %lld failed, %lld pending, "
	       "%lld inactive purged\n", (long long)run,
	       (long long)COUNT("successful"),
	       (long long)(COUNT("failed") + COUNT("canceled") +
			   COUNT("timeout")),
	       (long long)pending, (long long)COUNT("inactive_purged"));
	json_decref(o);
	weir_future_destroy(f);
	return active ? 0 : 1;
}

/* What is sorted, or looked at again, has to be there as a whole. */
static void show(struct listing *l)
{
	json_t *jobs;

	l->now = wall_clock();
	if (!l->ids && !l->sort && !l->json && !l->recurse) {
		stream_table(l);
		return;
	}
	jobs = l->ids ? by_ids(l) : by_filter(l);
	l->now = wall_clock();
	if (l->sort)
		jobs = sorted(jobs, l->sort, l->now);
	if (l->json)
		print_json(l, jobs);
	else
		print_table(l, jobs, l->header);
	if (l->recurse && !l->json)
		recurse(l, jobs, "", 0);
	json_decref(jobs);
}

int main_jobs(int argc, char **argv)
{
	struct listing l = {
		.user = getuid(), .count = 1000, .header = true,
		.states = STATE_PENDING | STATE_RUNNING,
		.now = wall_clock(), .level = -1,
	};

	usage_status = 2;
	l.color = color_option("auto");
	parse_options(&l, argc, argv);
	l.h = open_instance(0);
	if (l.stats_only) {
		l.status = print_stats(&l);
	} else {
		if (l.stats)
			print_stats(&l);
		show(&l);
	}
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
	format_free(l.format);
	weir_close(l.h);
	return l.status;
}
