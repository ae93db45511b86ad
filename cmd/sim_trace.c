/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces: which jobs came when, and how long they ran. See weir-trace(5).
 *
 * The Standard Workload Format is that of Chapin et al., Benchmarks and
 * standards for the evaluation of parallel job schedulers, 1999, as kept by
 * the Parallel Workloads Archive.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sim.h"
#include "proto/yaml_json.h"

#define FIELDS		18
#define PRIORITY	16

/* Fields of a line, from 0. */
enum { SUBMIT = 1, RUN = 3, GOT = 4, CPU_TIME = 5, WANTED = 7, LIMIT = 8 };

static struct trace_job *add_job(struct trace *t, struct proto_error *err)
{
	if (t->count == TRACE_JOBS_MAX) {
		proto_error_set(err, EINVAL, "it has more than %u jobs",
				TRACE_JOBS_MAX);
		return NULL;
	}
	if (t->count == t->size) {
		size_t size = t->size ? t->size * 2 : 256;
		struct trace_job *jobs = reallocarray(t->jobs, size,
						      sizeof(*jobs));

		if (!jobs) {
			proto_error_set(err, ENOMEM, "out of memory");
			return NULL;
		}
		t->jobs = jobs;
		t->size = size;
	}
	return &t->jobs[t->count++];
}

/* Merge sort keeps those of one time as they are in the file. */
static int sort_jobs(struct trace *t, struct proto_error *err)
{
	struct trace_job *from = t->jobs, *to;
	size_t n = t->count;
	bool sorted = true;

	for (size_t i = 1; i < n; i++)
		sorted &= from[i - 1].submit <= from[i].submit;
	if (sorted)
		return 0;
	to = calloc(n, sizeof(*to));
	if (!to)
		return proto_error_set(err, ENOMEM, "out of memory");
	for (size_t width = 1; width < n; width *= 2) {
		struct trace_job *swap = from;

		for (size_t low = 0; low < n; low += 2 * width) {
			size_t mid = low + width < n ? low + width : n;
			size_t end = mid + width < n ? mid + width : n;
			size_t i = low, j = mid;

			for (size_t k = low; k < end; k++)
				to[k] = i < mid && (j == end ||
					from[i].submit <= from[j].submit) ?
					from[i++] : from[j++];
		}
		from = to;
		to = swap;
	}
	free(to);
	t->jobs = from;
	t->size = n;
	return 0;
}

void trace_destroy(struct trace *t)
{
	int saved = errno;

	if (t) {
		for (size_t i = 0; i < t->count; i++)
			json_decref(t->jobs[i].jobspec);
		free(t->jobs);
		free(t);
	}
	errno = saved;
}

static struct trace *give(struct trace *t, int rc, struct proto_error *err)
{
	if (rc == 0 && sort_jobs(t, err) == 0)
		return t;
	trace_destroy(t);
	return NULL;
}

/* ---- Standard Workload Format ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The word at *P to before END, as a number. */
static int read_field(const char **p, const char *end, int64_t *value)
{
	char word[32], *rest;
	size_t len = 0;

	while (*p < end && is_space(**p))
		(*p)++;
	for (; *p < end && !is_space(**p); (*p)++)
		if (len < sizeof(word) - 1)
			word[len++] = **p;
		else
			return -1;
	word[len] = '\0';
	errno = 0;
	*value = strtoll(word, &rest, 10);
	if (rest == word || errno || *value < -1 || *value > TRACE_TIME_MAX)
		return -1;
	/* averages have fractions, which nobody needs */
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	return *rest ? -1 : 0;
}

static int read_job(struct trace *t, const char *p, const char *end,
		    unsigned long line, struct proto_error *err)
{
	int64_t f[FIELDS], procs;
	struct trace_job *job;

	for (int i = 0; i < FIELDS; i++)
		if (read_field(&p, end, &f[i]) < 0)
			return proto_error_set(err, EINVAL, "line %lu: field "
					       "%d is not a number from -1 to "
					       "1e10", line, i + 1);
	while (p < end && is_space(*p))
		p++;
	if (p < end)
		return proto_error_set(err, EINVAL, "line %lu: it has more "
				       "than %d fields", line, FIELDS);
	procs = f[WANTED] > 0 ? f[WANTED] : f[GOT];
	if (f[SUBMIT] < 0 || f[RUN] < 0 || procs < 1) {
		t->skipped++;
		return 0;
	}
	job = add_job(t, err);
	if (!job)
		return -1;
	*job = (struct trace_job) { .submit = f[SUBMIT], .run = f[RUN],
		.duration = f[LIMIT] > 0 ? f[LIMIT] : f[RUN] ? f[RUN] : 1,
		.procs = procs, .priority = PRIORITY };
	return 0;
}

struct trace *trace_from_swf(const char *text, size_t len,
			     struct proto_error *err)
{
	struct trace *t = calloc(1, sizeof(*t));
	const char *end = text + len;
	int rc = 0;

	if (!t) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	for (unsigned long line = 1; text < end && !rc; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		if (!stop)
			stop = end;
		while (text < stop && is_space(*text))
			text++;
		if (text < stop && *text != ';')
			rc = read_job(t, text, stop, line, err);
		text = stop < end ? stop + 1 : end;
	}
	return give(t, rc, err);
}

/* ---- YAML ---- */

/* A whole number of JOB, or what it is if it is not given. */
static int get_number(const json_t *job, size_t i, const char *key,
		      int64_t least, int64_t most, int64_t *value,
		      struct proto_error *err)
{
	const json_t *json = json_object_get(job, key);

	if (!json)
		return 0;
	*value = json_integer_value(json);
	if (json_is_integer(json) && *value >= least && *value <= most)
		return 0;
	return proto_error_set(err, EINVAL, "jobs[%zu].%s: must be an integer "
			       "from %lld to %lld", i, key, (long long)least,
			       (long long)most);
}

static int check_keys(const json_t *json, const char *const *keys,
		      const char *where, struct proto_error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return proto_error_set(err, EINVAL, "%s must be an object",
				       where);
	json_object_foreach((json_t *)json, key, value) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key))
			i++;
		if (!keys[i])
			return proto_error_set(err, EINVAL, "%s: '%.40s' is "
					       "unknown", where, key);
	}
	return 0;
}

static int read_entry(struct trace *t, const json_t *entry, size_t i,
		      struct proto_error *err)
{
	static const char *const keys[] = { "submit", "run", "count", "every",
		"priority", "jobspec", NULL };
	struct trace_job one = { .run = -1, .priority = PRIORITY };
	int64_t count = 1, every = 0;
	char where[40];

	snprintf(where, sizeof(where), "jobs[%zu]", i);
	if (check_keys(entry, keys, where, err) < 0)
		return -1;
	one.jobspec = json_object_get(entry, "jobspec");
	if (!json_is_object(one.jobspec))
		return proto_error_set(err, EINVAL, "%s.jobspec: must be an "
				       "object", where);
	if (get_number(entry, i, "submit", 0, TRACE_TIME_MAX, &one.submit,
		       err) < 0 ||
	    get_number(entry, i, "run", 0, TRACE_TIME_MAX, &one.run,
		       err) < 0 ||
	    get_number(entry, i, "count", 1, TRACE_JOBS_MAX, &count,
		       err) < 0 ||
	    get_number(entry, i, "every", 0, 1000000, &every, err) < 0 ||
	    get_number(entry, i, "priority", 0, UINT32_MAX, &one.priority,
		       err) < 0)
		return -1;
	for (; count > 0; count--, one.submit += every) {
		struct trace_job *job = add_job(t, err);

		if (!job)
			return -1;
		*job = one;
		json_incref(job->jobspec);
	}
	return 0;
}

static int read_list(struct trace *t, const json_t *json,
		     struct proto_error *err)
{
	static const char *const keys[] = { "version", "jobs", NULL };
	const json_t *jobs = json_object_get(json, "jobs"), *entry;
	const json_t *version = json_object_get(json, "version");
	size_t i;

	if (check_keys(json, keys, "the trace", err) < 0)
		return -1;
	if (json_integer_value(version) != 1)
		return proto_error_set(err, EINVAL, "version: must be 1");
	if (!json_is_array(jobs))
		return proto_error_set(err, EINVAL, "jobs: must be a list");
	json_array_foreach(jobs, i, entry)
		if (read_entry(t, entry, i, err) < 0)
			return -1;
	return 0;
}

struct trace *trace_from_yaml(const char *text, size_t len,
			      struct proto_error *err)
{
	json_t *json = yaml_to_json(text, len, err);
	struct trace *t;
	int rc;

	if (!json)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t) {
		json_decref(json);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	rc = read_list(t, json, err);
	json_decref(json);
	return give(t, rc, err);
}

struct trace *trace_parse(const char *text, size_t len,
			  struct proto_error *err)
{
	size_t i = 0;

	while (i < len && (is_space(text[i]) || text[i] == '\n'))
		i++;
	if (i < len && (text[i] == ';' || text[i] == '-' ||
			(text[i] >= '0' && text[i] <= '9')))
		return trace_from_swf(text, len, err);
	return trace_from_yaml(text, len, err);
}
