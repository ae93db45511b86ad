/* SPDX-License-Identifier: Apache-2.0 */
/* weir job id, namespace, last, list, list-ids and list-inactive.
 * weir-job(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

/* ---- ids ---- */

/* CB for each argument, or each line of standard input if there is none. */
static void each_id(int argc, char **argv,
		    void (*cb)(weir_jobid_t id, const char *form),
		    const char *form)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int i;

	for (i = optind; i < argc; i++)
		cb(job_argument(argv[i]), form);
	if (argc > optind)
		return;
	while ((n = getline(&line, &size, stdin)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (*line)
			cb(job_argument(line), form);
	}
	free(line);
}

static void print_id(weir_jobid_t id, const char *form)
{
	char buf[JOBID_SIZE];

	/* "f58" is what this terminal can show; text_f58 knows */
	if (!strcmp(form, "f58"))
		text_f58(id, buf);
	else if (weir_jobid_encode(id, form, buf, sizeof(buf)) < 0)
		die("--to: %s: %s", form, errno == EINVAL ?
		    "no such form (dec, hex, dothex, kvs, f58, f58plain, emoji)" :
		    errno == ENOTSUP ? "this form is not supported" :
		    strerror(errno));
	puts(buf);
}

int job_id(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "to", required_argument, NULL, 't' },
		{ 0 }
	};
	const char *form = "dec";

	while (next_option(argc, argv, "t:", longs, "weir-job") != -1)
		form = optarg;
	each_id(argc, argv, print_id, form);
	return 0;
}

static void print_namespace(weir_jobid_t id, const char *form)
{
	(void)form;
	printf("job-%llu\n", (unsigned long long)id);
}

int job_namespace(int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };

	next_option(argc, argv, "", longs, "weir-job");
	each_id(argc, argv, print_namespace, NULL);
	return 0;
}

/* ---- last ---- */

/* A slice of COUNT elements, as "[start:stop:step]" of other languages. */
struct slice {
	long start, stop, step;
};

static bool slice_number(const char **s, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(*s, &end, 10);
	if (end == *s || errno)
		return false;
	*s = end;
	return true;
}

static long within(long n, long low, long high)
{
	return n < low ? low : n > high ? high : n;
}

static void slice_parse(struct slice *s, const char *text, long count)
{
	const char *p = text + 1;
	bool start, stop = false, colon = false;

	s->step = 1;
	start = slice_number(&p, &s->start);
	if (*p == ':') {
		colon = true;
		p++;
		stop = slice_number(&p, &s->stop);
		if (*p == ':') {
			p++;
			if (*p != ']' && (!slice_number(&p, &s->step) ||
					  !s->step))
				usage_error("'%s': the step must be a number "
					    "other than 0", text);
		}
	}
	if (strcmp(p, "]") || (!colon && !start))
		usage_error("'%s' is not [START:STOP:STEP]", text);
	if (start && s->start < 0)
		s->start += count;
	if (stop && s->stop < 0)
		s->stop += count;
	if (!colon) {
		s->stop = s->start + 1;
		stop = true;
	}
	if (s->step > 0) {
		s->start = start ? within(s->start, 0, count) : 0;
		s->stop = stop ? within(s->stop, 0, count) : count;
	} else {
		s->start = start ? within(s->start, -1, count - 1) :
				   count - 1;
		s->stop = stop ? within(s->stop, -1, count - 1) : -1;
	}
}

static int compare_ids(const void *a, const void *b)
{
	json_int_t x = json_integer_value(json_object_get(
				*(json_t *const *)a, "id"));
	json_int_t y = json_integer_value(json_object_get(
				*(json_t *const *)b, "id"));

	return x > y ? -1 : x < y;
}

int job_last(int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };
	struct slice s = { 0, 1, 1 };
	char f58[JOBID_SIZE];
	json_t *jobs, **sorted;
	uint64_t number;
	long i, count;
	weir_t *h;

	next_option(argc, argv, "", longs, "weir-job");
	if (argc - optind > 1)
		verb_usage();
	h = open_instance(0);
	jobs = jobs_query(h, json_pack("{s:i s:[s] s:I}", "max_entries", 0,
				       "attrs", "id", "userid",
				       (json_int_t)getuid()));
	count = (long)json_array_size(jobs);
	if (!count)
		die("job history is empty");
	sorted = xmalloc((size_t)count * sizeof(json_t *));
	for (i = 0; i < count; i++)
		sorted[i] = json_array_get(jobs, (size_t)i);
	qsort(sorted, (size_t)count, sizeof(json_t *), compare_ids);
	if (argc > optind && argv[optind][0] == '[')
		slice_parse(&s, argv[optind], count);
	else if (argc > optind) {
		if (wire_parse_u64(argv[optind], &number) < 0)
			usage_error("'%s' is neither a number nor a slice",
				    argv[optind]);
		s.stop = number < (uint64_t)count ? (long)number : count;
	}
	for (i = s.start; s.step > 0 ? i < s.stop : i > s.stop; i += s.step)
		if (i >= 0 && i < count)
			puts(text_f58((weir_jobid_t)json_integer_value(
				json_object_get(sorted[i], "id")), f58));
	free(sorted);
	json_decref(jobs);
	weir_close(h);
	return 0;
}

/* ---- lists: an object a line ---- */

static void print_jobs(json_t *jobs)
{
	json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job) {
		char *text = json_dumps(job, JSON_REAL_PRECISION(17));

		if (!text)
			die("out of memory");
		puts(text);
		free(text);
	}
	json_decref(jobs);
}

static json_int_t count_option(const char *text)
{
	uint64_t n;

	if (wire_parse_u64(text, &n) < 0 || n > INT32_MAX)
		usage_error("--count: '%s' is no number from 0 on", text);
	return (json_int_t)n;
}

int job_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "states", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ 0 }
	};
	json_int_t max = 1000, user = (json_int_t)getuid();
	int c, states = STATE_ACTIVE;
	weir_t *h;

	while ((c = next_option(argc, argv, "c:s:u:aA", longs, "weir-job"))
	       != -1) {
		switch (c) {
		case 'c': max = count_option(optarg); break;
		case 's': states = text_state_list(optarg); break;
		case 'u': user = text_user(optarg); break;
		case 'a': states = STATE_ANY; break;
		case 'A': states = STATE_ANY; user = -1; break;
		}
	}
	if (argc != optind)
		verb_usage();
	h = open_instance(0);
	print_jobs(jobs_query(h, json_pack("{s:I s:[s] s:I s:i}",
					   "max_entries", max, "attrs", "all",
					   "userid", user, "states",
					   states)));
	weir_close(h);
	return 0;
}

int job_list_inactive(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "since", required_argument, NULL, 's' },
		{ 0 }
	};
	json_int_t max = 1000;
	double since = 0;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "c:s:", longs, "weir-job"))
	       != -1) {
		if (c == 'c')
			max = count_option(optarg);
		else if (wire_parse_seconds(optarg, &since) < 0)
			usage_error("--since: '%s' is no number of seconds",
				    optarg);
	}
	if (argc != optind)
		verb_usage();
	h = open_instance(0);
	print_jobs(jobs_query(h, json_pack("{s:I s:[s] s:f s:i}",
					   "max_entries", max, "attrs", "all",
					   "since", since, "states",
					   STATE_INACTIVE)));
	weir_close(h);
	return 0;
}

int job_list_ids(int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };
	int i, rc = 0;
	weir_t *h;

	next_option(argc, argv, "", longs, "weir-job");
	if (argc == optind)
		verb_usage();
	h = open_instance(0);
	for (i = optind; i < argc; i++) {
		json_t *job = jobs_query_id(h, job_argument(argv[i]));

		if (job) {
			print_jobs(json_pack("[o]", job));
		} else {
			warn("%s: unknown job id", argv[i]);
			rc = 1;
		}
	}
	weir_close(h);
	return rc;
}
