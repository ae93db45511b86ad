/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench jobs: N jobs of /bin/true, submitted with many in flight, until
 * the last is clean; or, with --sim, jobs that execd only pretends to run. With
 * --array they are the elements of one array, which is submitted at once.
 * One watch of all job directories tells how they fare. See weir-bench(1).
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "proto/eventlog.h"
#include "proto/jobid.h"
#include "proto/jobspec.h"

#define KVS_ID	23	/* characters of job.0000.0000.0000.0000 */

struct job {
	weir_jobid_t id;	/* 0: free */
	double submitted;	/* 0: not by us, or its id isn't known yet */
	double clean;
	bool failed;
};

struct jobs {
	weir_t *h;
	char *jobspec;
	size_t n, submitted, clean, failed;
	struct job *table;	/* open, by id */
	size_t mask, used;
	double begin, last_submit;
	bool array;
	struct samples s;
	bool broken;
};

/* The job's row, made if missing; NULL when the table is full. */
static struct job *find(struct jobs *jobs, weir_jobid_t id)
{
	size_t i = (id * 0x9e3779b97f4a7c15u >> 20) & jobs->mask;

	while (jobs->table[i].id && jobs->table[i].id != id)
		i = (i + 1) & jobs->mask;
	if (!jobs->table[i].id) {
		if (jobs->used > jobs->mask / 4 * 3)
			return NULL;
		jobs->used++;
		jobs->table[i].id = id;
	}
	return &jobs->table[i];
}

/* Both the submission's reply and the end have come, in either order. */
static void settle(struct jobs *jobs, struct job *job)
{
	if (!job->submitted || !job->clean)
		return;
	samples_add(&jobs->s, job->clean - job->submitted);
	jobs->failed += job->failed;
	jobs->clean++;
	if (jobs->clean == jobs->n)
		weir_stop(jobs->h);
}

static weir_future_t *submit(struct bench *b, size_t i, void *arg)
{
	struct jobs *jobs = arg;

	return weir_job_submit(b->h, jobs->jobspec, WEIR_URGENCY_DEFAULT, 0);
}

static int submitted(weir_future_t *f, double begin, void *arg)
{
	struct jobs *jobs = arg;
	weir_jobid_t id;
	struct job *job;

	if (weir_job_submit_id(f, &id))
		return bench_fail("submission gave no id");
	jobs->last_submit = bench_now();
	if (jobs->array)
		return 0;	/* its elements are counted */
	job = find(jobs, id);
	if (!job)
		return bench_fail("too many other jobs run here");
	job->submitted = begin;
	settle(jobs, job);
	return 0;
}

static void take_event(struct jobs *jobs, struct job *job,
		       const struct eventlog_event *event)
{
	json_t *status = json_object_get(event->context, "status");

	if (!strcmp(event->name, "finish"))
		job->failed = json_integer_value(status) != 0;
	if (!strcmp(event->name, "clean") && !job->clean) {
		job->clean = bench_now();
		settle(jobs, job);
	}
}

/* Whether it is of an array, as all that are wanted are. */
static bool is_element(weir_jobid_t id)
{
	uint64_t array;
	uint32_t index;

	return jobid_is_element(id, &array, &index);
}

/* An append to, or the whole of, an eventlog of a job. */
static void take_log(struct jobs *jobs, const char *key, const char *data,
		     size_t len)
{
	struct eventlog_iter it = { .data = data, .len = len };
	struct eventlog_event event;
	char name[KVS_ID + 1];
	weir_jobid_t id;
	struct job *job;

	snprintf(name, sizeof(name), "%s", key);
	if (strlen(name) != KVS_ID || strcmp(key + KVS_ID, ".eventlog") ||
	    weir_jobid_parse(name, &id) ||
	    (jobs->array && !is_element(id)))
		return;
	job = find(jobs, id);
	if (!job) {
		jobs->broken = bench_fail("too many other jobs run here");
		weir_stop(jobs->h);
		return;
	}
	if (jobs->array)
		job->submitted = jobs->begin;
	while (eventlog_next(&it, &event, NULL) > 0) {
		take_event(jobs, job, &event);
		eventlog_clear(&event);
	}
}

static void take_push(weir_future_t *f, void *arg)
{
	struct jobs *jobs = arg;
	const char *kind, *key, *data;
	size_t len;

	if (weir_future_get(f)) {
		jobs->broken = bench_fail("watch of the jobs: %s",
					  weir_future_strerror(f));
		weir_stop(jobs->h);
		return;
	}
	kind = weir_future_word(f, 0);
	key = weir_future_word(f, 1);
	data = weir_future_data(f, &len);
	if (kind && key && data && strlen(key) > KVS_ID &&
	    (!strcmp(kind, "append") || !strcmp(kind, "put")))
		take_log(jobs, key, data, len);
}

static char *make_jobspec(const struct bench *b, size_t n)
{
	static const char *const argv[] = { "/bin/true", NULL };
	struct jobspec_request request = {
		.argv = argv, .ntasks = 1, .cwd = "/",
		.environment = json_object(),
	};
	struct proto_error err = { "" };
	json_t *spec = jobspec_build(&request, &err);
	char *text = NULL, indices[32];
	int rc = spec ? 0 : -1;

	if (rc == 0 && b->sim)
		rc = jobspec_setattr(spec, "system.exec.test.run_duration",
				     json_string("0.001s"), &err);
	snprintf(indices, sizeof(indices), "1-%zu", n);
	if (rc == 0 && b->array)
		rc = jobspec_setattr(spec, "system.array",
				     json_string(indices), &err);
	if (rc == 0)
		text = json_dumps(spec, JSON_COMPACT);
	if (!text)
		bench_fail("jobspec: %s", err.text);
	json_decref(spec);
	json_decref(request.environment);
	return text;
}

static void report(struct bench *b, struct jobs *jobs, double begin,
		   double end)
{
	static const char *const names[2][2][2] = {
		{ { "jobs.real", "jobs.real.submit" },
		  { "jobs.real.array", "jobs.real.array.submit" } },
		{ { "jobs.sim", "jobs.sim.submit" },
		  { "jobs.sim.array", "jobs.sim.array.submit" } },
	};
	struct figure rate = {
		.name = names[b->sim][b->array][0], .unit = "jobs/s",
		.value = jobs->n / (end - begin), .n = jobs->n,
		.latency = b->array ? NULL : &jobs->s,
		.baseline_name = "xargs -P2 -n1 /bin/true",
		.baseline = base_xargs(b),
	};
	struct figure ingest = {
		.name = names[b->sim][b->array][1],
		.unit = "jobs/s", .n = jobs->n,
		.value = jobs->n / (jobs->last_submit - begin),
		.baseline_name = "LMDB put, synced",
		.baseline = base_lmdb_puts(b),
	};

	bench_report(b, &ingest);
	bench_report(b, &rate);
}

static int run(struct bench *b, struct jobs *jobs)
{
	struct load load = { .n = b->array ? 1 : jobs->n, .window = b->window,
			     .start = submit, .done = submitted, .arg = jobs };
	weir_future_t *watch;
	double begin;

	watch = weir_kvs_watch(b->h, NULL, "job", WEIR_WATCH_PREFIX,
			       WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	if (!watch || weir_future_then(watch, -1, take_push, jobs)) {
		weir_future_destroy(watch);
		return bench_fail("cannot watch the jobs");
	}
	begin = jobs->begin = bench_now();
	if (load_run(b, &load) < 0)
		jobs->broken = true;
	while (!jobs->broken && jobs->clean < jobs->n)
		if (weir_run(b->h) < 0)
			jobs->broken = bench_fail("the connection is gone");
	weir_future_destroy(watch);
	if (!jobs->broken && jobs->failed)
		return bench_fail("%zu jobs failed", jobs->failed);
	if (!jobs->broken)
		report(b, jobs, begin, bench_now());
	return jobs->broken ? -1 : 0;
}

int bench_jobs(struct bench *b)
{
	struct jobs jobs = { .h = b->h, .n = b->n ? b->n : 1000,
			     .array = b->array };
	int rc = -1;

	jobs.mask = 1023;
	while (jobs.mask < 4 * jobs.n)
		jobs.mask = 2 * jobs.mask + 1;
	jobs.table = calloc(jobs.mask + 1, sizeof(*jobs.table));
	jobs.jobspec = make_jobspec(b, jobs.n);
	if (jobs.table && jobs.jobspec)
		rc = run(b, &jobs);
	free(jobs.table);
	free(jobs.jobspec);
	samples_free(&jobs.s);
	return rc;
}
