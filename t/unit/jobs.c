/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs by id and in the order of the queue; jobs taken through their events;
 * records of finished ones. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "libclient/weir.h"
#include "schedd/dependency.h"
#include "schedd/history.h"
#include "schedd/jobs.h"
#include "schedd/priority.h"
#include "schedd/record.h"
#include "t/unit/tap.h"

static struct job *job(uint64_t id, int64_t priority)
{
	struct job *j = job_create(NULL, id);

	j->priority = priority;
	j->name = strdup("true");
	return j;
}

static void test_find(void)
{
	struct jobs *jobs = jobs_create();
	uint64_t i;
	int bad = 0;

	for (i = 1; i <= 5000; i++)
		jobs_add(jobs, job(i << 24, 16));
	is_int((long long)jobs_count(jobs), 5000, "5000 jobs are there");
	for (i = 1; i <= 5000; i++) {
		struct job *j = jobs_find(jobs, i << 24);

		bad += !j || j->id != i << 24;
	}
	is_int(bad, 0, "each is found");
	ok(!jobs_find(jobs, 7), "another is not");
	is_int((long long)jobs_first(jobs)->id, 5000LL << 24,
	       "the newest is first");
	for (i = 1; i <= 5000; i += 2) {
		struct job *j = jobs_find(jobs, i << 24);

		jobs_remove(jobs, j);
		job_destroy(j);
	}
	is_int((long long)jobs_count(jobs), 2500, "half of them are removed");
	ok(!jobs_find(jobs, 1 << 24) && jobs_find(jobs, 2 << 24),
	   "the right half");
	jobs_destroy(jobs);
}

/* The queue against the obvious: the least of all by jobs_compare. */
static void test_queue(void)
{
	struct jobs *jobs = jobs_create();
	struct job_heap heap = { 0 }, other = { 0 };
	unsigned seed = 1, bad = 0;
	struct job *last = NULL;
	int i;

	for (i = 1; i <= 2000; i++) {
		struct job *j = job((uint64_t)i, rand_r(&seed) % 32);

		jobs_add(jobs, j);
		heap_put(&heap, j);
	}
	for (i = 1; i <= 2000; i += 3) {
		struct job *j = jobs_find(jobs, (uint64_t)i);

		j->priority = rand_r(&seed) % 32;
		heap_put(&heap, j);
	}
	for (i = 2; i <= 2000; i += 5)
		heap_drop(jobs_find(jobs, (uint64_t)i));
	is_int((long long)heap.count, 1600, "1600 wait");
	while (heap_head(&heap)) {
		struct job *j = heap_head(&heap);

		bad += last && jobs_compare(last, j) > 0;
		last = j;
		heap_drop(j);
	}
	is_int(bad, 0, "they come by priority, then by id");
	is_int((long long)heap.count, 0, "all of them");
	heap_drop(last);
	ok(!last->heap, "dropping again is harmless");
	heap_put(&heap, last);
	heap_put(&other, last);
	ok(!heap_head(&heap) && heap_head(&other) == last,
	   "a job is in one heap at most");
	jobs_destroy(jobs);
	heap_fini(&heap);
	heap_fini(&other);
}

static int step(struct job *j, enum job_event event, double time)
{
	struct jobevent ev = {
		.event = event, .time = time, .userid = 100, .urgency = 16,
		.priority = 16, .status = 256, .type = "cancel",
		.resources = "rank0/core0", .wait_status = NO_WAIT_STATUS,
	};
	enum job_action action;

	return job_update(j, &ev, &action) < 0 ? -1 : (int)action;
}

static const enum job_event life[] = {
	EVENT_SUBMIT, EVENT_VALIDATE, EVENT_DEPEND, EVENT_PRIORITY,
	EVENT_ALLOC, EVENT_START, EVENT_FINISH, EVENT_RELEASE, EVENT_FREE,
	EVENT_CLEAN,
};
#define LIFE (sizeof(life) / sizeof(life[0]))

static void test_update(void)
{
	struct history *h = history_create();
	struct job *j = job(42, 0);
	const struct record *r;
	size_t i;
	int bad = 0;

	for (i = 0; i < LIFE; i++) {
		bad += step(j, life[i], 1000.0 + (double)i) < 0;
		if (life[i] == EVENT_ALLOC)
			ok(j->allocated, "alloc: it holds resources");
	}
	is_int(bad, 0, "a whole life is legal");
	is_int(j->state, STATE_INACTIVE, "it is over");
	ok(!j->allocated, "it holds nothing");
	ok(j->entered[STATE_RUN] == 1004 && j->entered[STATE_CLEANUP] == 1006 &&
	   j->entered[STATE_INACTIVE] == 1009, "times of states are kept");
	is_int(step(j, EVENT_ALLOC, 2000), -1, "alloc is refused now");
	is_int(errno, EPROTO, "with EPROTO");
	is_int(j->state, STATE_INACTIVE, "and changes nothing");

	is_int(history_add(h, j), 0, "it goes into the history");
	job_destroy(j);
	r = history_find(h, 42);
	ok(r != NULL, "and is found there");
	is_str(r->name, "true", "with its name");
	is_str(r->resources, "rank0/core0", "its resources");
	ok(r->cwd == NULL, "and nothing for what it has not");
	is_int(r->result, RESULT_FAILED, "status 256 is failed");
	is_int((long long)history_count(h, RESULT_FAILED), 1, "it is counted");
	history_destroy(h);
}

static void test_history_order(void)
{
	struct history *h = history_create();
	int i, bad = 0;

	for (i = 0; i < 3000; i++) {
		struct job *j = job((uint64_t)i + 1, 0);

		j->entered[STATE_INACTIVE] = (i * 7919) % 3000;
		history_add(h, j);
		job_destroy(j);
	}
	history_sort(h);
	for (i = 0; i < 3000; i++)
		bad += history_nth(h, (size_t)i)->entered[STATE_INACTIVE] !=
		       2999 - i;
	is_int(bad, 0, "the newest is first");
	ok(!history_nth(h, 3000), "there are no more");
	history_destroy(h);
}

static void exception(struct job *j, int severity, const char *type,
		      int wait_status)
{
	struct jobevent ev = {
		.event = severity ? EVENT_EXCEPTION : EVENT_FATAL,
		.time = 1, .severity = severity, .type = type,
		.wait_status = wait_status,
	};
	enum job_action action;

	job_update(j, &ev, &action);
}

static void test_exceptions(void)
{
	struct job *j = job(1, 0);

	exception(j, 3, "warning", NO_WAIT_STATUS);
	is_int(j->state, STATE_NEW, "severity 3 does not end a job");
	exception(j, 0, "exec", 127 << 8);
	is_int(j->state, STATE_CLEANUP, "severity 0 does");
	exception(j, 0, "cancel", NO_WAIT_STATUS);
	is_str(j->exception_type, "exec", "the first of the worst is kept");
	is_int(job_final_status(j), 127 << 8, "and gives the status");
	is_int(job_result(j), RESULT_FAILED, "it failed");
	job_destroy(j);

	j = job(2, 0);
	exception(j, 0, "exec", 9);
	is_int(job_final_status(j), (128 + 9) << 8,
	       "a signal becomes an exit status");
	job_destroy(j);

	j = job(3, 0);
	exception(j, 0, "cancel", NO_WAIT_STATUS);
	is_int(job_result(j), RESULT_CANCELED, "canceled");
	job_destroy(j);
	j = job(4, 0);
	exception(j, 0, "timeout", NO_WAIT_STATUS);
	is_int(job_result(j), RESULT_TIMEOUT, "timed out");
	job_destroy(j);
}

/* Every event written as a line and read again gives the same line. */
static void test_lines(void)
{
	struct wire_buf a, b;
	struct eventlog_event line;
	struct proto_error err;
	struct jobevent ev, again;
	json_t *context = json_pack("{s:[s] s:n}", "flags", "debug", "x");
	int e, bad = 0;

	wire_buf_init(&a);
	wire_buf_init(&b);
	for (e = 0; e < EVENT_OTHER; e++) {
		ev = (struct jobevent) {
			.event = e, .time = 1700000000.25, .userid = 65534,
			.has_userid = true, .urgency = 31, .flags = 2,
			.priority = 4294967295LL, .status = 768,
			.severity = e == EVENT_FATAL ? 0 : 2,
			.wait_status = 9, .type = "exec",
			.note = "tab\t, \"quote\" \\ and \303\244",
			.description = "after-start=f1",
			.resources = "rank0/core[0-1]",
			.expiration = 1700000001.5, .context = context,
		};
		wire_buf_reset(&a);
		wire_buf_reset(&b);
		jobevent_encode(&a, &ev);
		if (eventlog_decode(a.data, a.len, &line, &err) < 0 ||
		    jobevent_decode(&again, &line, &err) < 0) {
			diag("%s: %s", event_name(e), err.text);
			bad++;
			continue;
		}
		if (e == EVENT_URGENCY)
			again.userid = ev.userid;
		jobevent_encode(&b, &again);
		if (again.event != ev.event || a.len != b.len ||
		    memcmp(a.data, b.data, a.len)) {
			diag("%.*s", (int)a.len, a.data);
			diag("%.*s", (int)b.len, b.data);
			bad++;
		}
		eventlog_clear(&line);
	}
	json_decref(context);
	is_int(bad, 0, "events survive being written and read");
	wire_buf_free(&a);
	wire_buf_free(&b);
}

/* ---- what a jobspec asks of the scheduler ---- */

/* -n TASKS with attributes PATH=VALUE; NULL and the error if refused. */
static struct job *asks(int ntasks, const char *path, const char *value,
			struct proto_error *err)
{
	static const char *const argv[] = { "/bin/true", NULL };
	struct jobspec_request request = {
		.argv = argv, .ntasks = ntasks, .cwd = "/",
	};
	json_t *o = jobspec_build(&request, err);
	struct jobspec *spec;
	struct job *j = job_create(NULL, 1);

	err->text[0] = '\0';
	if (path)
		jobspec_setattr(o, path, json_loads(value, JSON_DECODE_ANY,
						    NULL), err);
	spec = jobspec_from_json(o, err);
	json_decref(o);
	if (!spec || job_set_request(j, spec, err) < 0) {
		job_destroy(j);
		j = NULL;
	}
	jobspec_destroy(spec);
	return j;
}

static void refused(const char *path, const char *value, const char *text)
{
	struct proto_error err;
	struct job *j = asks(1, path, value, &err);

	ok(!j && !strncmp(err.text, text, strlen(text)), "%s=%s: %s", path,
	   value, err.text);
	job_destroy(j);
}

static void has_map(const char *path, const char *value, const char *want)
{
	struct proto_error err;
	struct job *j = asks(4, path, value, &err);
	struct resource_set *R = resource_set_create();
	struct idset *cores = idset_decode("0-1", NULL);
	char *map;

	resource_set_add(R, 0, "a", cores, NULL);
	resource_set_add(R, 1, "b", cores, NULL);
	job_set_resources(j, R);
	map = job_taskmap(j);
	is_str(map, want, path ? path : "tasks in blocks");
	free(map);
	idset_destroy(cores);
	job_destroy(j);
}

static void test_request(void)
{
	struct proto_error err;
	struct job *j = asks(3, "exec.test.run_duration", "\"1.5m\"", &err);

	is_str(j->name, "true", "the name is the command's");
	is_int(j->want.nslots, 3, "three slots");
	ok(j->want.mock && j->want.mock_duration == 90, "a mock job of 90 s");
	job_destroy(j);
	has_map(NULL, NULL, "[[0,2,2,1]]");
	has_map("shell.options.taskmap", "{\"scheme\":\"cyclic\"}",
		"[[0,2,1,2]]");
	has_map("shell.options.taskmap",
		"{\"scheme\":\"manual\",\"value\":\"0,3;1-2\"}",
		"[[0,1,1,1],[1,1,2,1],[0,1,1,1]]");
	has_map("shell.options.taskmap",
		"{\"scheme\":\"hostfile\",\"value\":\"b,x,a,a\"}",
		"[[1,1,1,1],[0,1,2,1],[1,1,1,1]]");
	refused("shell.options.taskmap",
		"{\"scheme\":\"manual\",\"value\":\"0;1\"}",
		"attributes.system.shell.options.taskmap.value: the map has 2 ");
	has_map("shell.options.per-resource", "{\"type\":\"node\"}",
		"[[0,2,1,1]]");
	has_map("shell.options.per-resource",
		"{\"type\":\"core\",\"count\":2}", "[[0,2,4,1]]");
	refused("exec.test.run_duration", "-1",
		"attributes.system.exec.test.run_duration: ");
	refused("shell.options.per-resource", "{\"type\":\"rack\"}",
		"attributes.system.shell.options.per-resource: ");
	refused("shell.options.taskmap",
		"{\"scheme\":\"cyclic\",\"value\":\"0\"}",
		"attributes.system.shell.options.taskmap.value: ");
	refused("shell.options.taskmap", "{\"scheme\":\"round\"}",
		"attributes.system.shell.options.taskmap: ");
	refused("dependencies",
		"[{\"scheme\":\"Bogus\",\"value\":\"f1\"}]",
		"dependency scheme \"Bogus\" not supported");
	refused("dependencies",
		"[{\"scheme\":\"afterok\",\"value\":\"x\"}]",
		"dependency: afterok: \"x\" is not a valid jobid");
	refused("dependencies",
		"[{\"scheme\":\"any-of\",\"value\":\"afterok:f1,,\"}]",
		"dependency scheme \"\" not supported");
}

/* Records go, the oldest or any other. */
static void test_history(void)
{
	struct history *h = history_create();
	uint64_t i, bad = 0;

	for (i = 1; i <= 5000; i++) {
		struct job *j = job(i << 24, 0);

		j->entered[STATE_INACTIVE] = (double)i;
		j->finished = true;
		history_add(h, j);
		job_destroy(j);
		if (i % 2 == 0)
			history_remove(h, history_oldest(h)->id);
	}
	is_int((long long)history_count(h, 0), 2500, "half of them are left");
	is_int((long long)history_count(h, RESULT_COMPLETED), 2500,
	       "also by result");
	is_int((long long)(history_oldest(h)->id >> 24), 2501,
	       "the newer half");
	history_remove(h, 3000ULL << 24);
	history_remove(h, 3000ULL << 24);
	history_remove(h, 5000ULL << 24);
	is_int((long long)history_count(h, 0), 2498, "two of others go");
	is_int((long long)(history_nth(h, 0)->id >> 24), 4999,
	       "the newest is another");
	for (i = 2501; i < 5000; i++)
		bad += !history_find(h, i << 24) != (i == 3000);
	is_int((long long)bad, 0, "the right ones are left");
	for (i = 0; i + 1 < history_count(h, 0); i++)
		bad += history_nth(h, i)->id <= history_nth(h, i + 1)->id;
	is_int((long long)bad, 0, "in their order");
	history_destroy(h);
}

/* An event with whatever it may say. */
static struct jobevent any_event(enum job_event event, unsigned *seed,
				 double time, json_t *context)
{
	static const char *const what[] = { "after-start=f1", "singleton",
					    "begin-time=1.000" };
	unsigned n = (unsigned)rand_r(seed);

	return (struct jobevent) {
		.event = event, .time = time, .userid = n % 7,
		.urgency = (int)(n % 32), .flags = (int)(n % 3) * 2,
		.priority = n, .status = (int)(n % 4) * 256,
		.severity = event == EVENT_FATAL ? 0 : 1 + (int)(n % 7),
		.wait_status = n % 2 ? NO_WAIT_STATUS : 9,
		.type = n % 3 ? "exec" : "cancel", .note = "n",
		.description = what[n % 3], .resources = "rank0",
		.expiration = n, .context = context,
	};
}

static bool same(const struct job *a, const struct job *b)
{
	json_t *x = dependency_list(a), *y = dependency_list(b);
	bool equal = a->state == b->state && a->urgency == b->urgency &&
		a->flags == b->flags && a->priority == b->priority &&
		a->userid == b->userid && a->status == b->status &&
		a->allocated == b->allocated && a->started == b->started &&
		a->finished == b->finished && a->moved == b->moved &&
		a->expiration == b->expiration &&
		a->exception == b->exception &&
		a->exception_severity == b->exception_severity &&
		a->want.duration == b->want.duration &&
		!strcmp(a->name, b->name) && job_result(a) == job_result(b) &&
		!memcmp(a->entered, b->entered, sizeof(a->entered)) &&
		(!x == !y) && (!x || json_equal(x, y)) &&
		(!a->memo == !b->memo) &&
		(!a->memo || json_equal(a->memo, b->memo));

	json_decref(x);
	json_decref(y);
	return equal;
}

/* The job that LOG tells of, or NULL. */
static struct job *replayed(const struct wire_buf *log)
{
	struct eventlog_iter it = { .data = log->data, .len = log->len };
	struct eventlog_event line;
	struct job *j = job(7, 0);
	enum job_action action;
	struct proto_error err;
	struct jobevent ev;
	int r;

	while ((r = eventlog_next(&it, &line, &err)) > 0) {
		r = jobevent_decode(&ev, &line, &err);
		if (r == 0)
			r = job_update(j, &ev, &action);
		eventlog_clear(&line);
		if (r < 0)
			break;
	}
	if (r == 0)
		return j;
	job_destroy(j);
	return NULL;
}

/* One way through the table, at random; every step is read back. */
static unsigned walk(unsigned seed, bool seen[STATES][EVENTS])
{
	json_t *context = json_pack("{s:f s:s s:[s]}",
		"attributes.system.duration", (double)seed,
		"attributes.system.job.name", "x", "flags", "waitable");
	struct job *j = job(7, 0), *again;
	enum job_event event = EVENT_SUBMIT;
	enum job_action action;
	struct jobevent ev;
	struct wire_buf log;
	unsigned bad = 0, i;

	wire_buf_init(&log);
	for (i = 1; i < 60 && j->state != STATE_INACTIVE; i++) {
		ev = any_event(event, &seed, 1000.0 + i, context);
		seen[j->state][event] = true;
		if (job_update(j, &ev, &action) < 0 ||
		    jobevent_encode(&log, &ev) < 0)
			bad++;
		again = replayed(&log);
		bad += !again || !same(j, again);
		job_destroy(again);
		do
			event = (enum job_event)((unsigned)rand_r(&seed) %
						 EVENT_OTHER);
		while (j->state != STATE_INACTIVE &&
		       (event == EVENT_SUBMIT ||
			state_cell(j->state, event)->verdict != STATE_LEGAL));
	}
	wire_buf_free(&log);
	job_destroy(j);
	json_decref(context);
	return bad;
}

static void test_walks(void)
{
	bool seen[STATES][EVENTS] = { { false } };
	unsigned seed, bad = 0, missed = 0;
	int s, e;

	for (seed = 1; seed <= 800; seed++)
		bad += walk(seed, seen) > 0;
	is_int(bad, 0, "a log gives the state and all else, at every step");
	for (s = 0; s < STATES; s++)
		for (e = 0; e < EVENT_OTHER; e++)
			missed += state_cell(s, e)->verdict == STATE_LEGAL &&
				  !seen[s][e];
	is_int(missed, 0, "every legal cell was on the way");
}

/* The event with this CONTEXT happens to J. */
static int change(struct job *j, enum job_event event, const char *context)
{
	json_t *o = json_loads(context, 0, NULL);
	struct jobevent ev = { .event = event, .time = 1, .context = o,
			       .expiration = 2000 };
	enum job_action action;
	int r = job_update(j, &ev, &action);

	json_decref(o);
	return r < 0 ? -1 : (int)action;
}

static void has_memo(struct job *j, const char *context, const char *want)
{
	char *text;

	change(j, EVENT_MEMO, context);
	text = j->memo ? json_dumps(j->memo, JSON_COMPACT | JSON_SORT_KEYS) :
			 NULL;
	is_str(text, want, context);
	free(text);
}

static void test_changes(void)
{
	struct job *j = job(7, 0);

	step(j, EVENT_SUBMIT, 1);
	change(j, EVENT_JOBSPEC_UPDATE, "{\"attributes.system.duration\":90,"
	       "\"attributes.system.job.name\":\"n\","
	       "\"attributes.system.queue\":\"q\",\"attributes.user.x\":1}");
	ok(j->want.duration == 90, "jobspec-update: the duration");
	is_str(j->name, "n", "the name");
	ok(j->named, "which is given now");
	is_str(j->queue, "q", "the queue");
	change(j, EVENT_JOBSPEC_UPDATE, "{\"attributes.system.duration\":"
	       "\"x\",\"attributes.system.queue\":7}");
	ok(j->want.duration == 90 && !strcmp(j->queue, "q"),
	   "what has the wrong type changes nothing");
	is_int(change(j, EVENT_RESOURCE_UPDATE, "{}"), -1,
	       "resource-update needs resources");
	has_memo(j, "{\"a\":1,\"b\":{\"c\":2}}", "{\"a\":1,\"b\":{\"c\":2}}");
	has_memo(j, "{\"a\":null,\"b\":{\"d\":3}}", "{\"b\":{\"c\":2,\"d\":3}}");
	has_memo(j, "{\"b\":null}", NULL);
	change(j, EVENT_SET_FLAGS, "{\"flags\":[\"waitable\",\"x\",1]}");
	is_int(j->flags, WEIR_JOB_WAITABLE, "set-flags");
	step(j, EVENT_VALIDATE, 1);
	step(j, EVENT_DEPEND, 1);
	step(j, EVENT_PRIORITY, 1);
	is_int(change(j, EVENT_JOBSPEC_UPDATE, "{}"), ACTION_QUEUE,
	       "an update in SCHED may change its place");
	step(j, EVENT_ALLOC, 1);
	is_int(change(j, EVENT_RESOURCE_UPDATE, "{}"), ACTION_LIMIT,
	       "resource-update in RUN moves the limit");
	ok(j->expiration == 2000, "to this time");
	job_destroy(j);
}

static void test_priority(void)
{
	struct job *j = job(7, 0);

	j->urgency = 16;
	is_int(priority_of(j), 16, "the priority is the urgency");
	j->urgency = 0;
	is_int(priority_of(j), 0, "0 holds");
	j->urgency = 31;
	is_int(priority_of(j), 4294967295LL, "31 is before all others");
	job_destroy(j);
}

/* ---- lines of records ---- */

/* The line of R taken apart and read again; NULL: it is refused. */
static const char *line_error(char *line, struct record *r,
			      struct job_origin *o)
{
	static struct proto_error err;
	struct wire_decoder *d = wire_decoder_create(true, 0);
	struct wire_frame *f;
	size_t used;
	int bad;

	bad = wire_decode(d, line, strlen(line), &used, &f) != WIRE_FRAME ||
	      record_decode(f, r, o, &err) < 0;
	wire_decoder_destroy(d);
	return bad ? err.text : NULL;
}

static struct record full_record(void)
{
	return (struct record) {
		.id = 1ULL << 63, .userid = 4294967294u, .urgency = 31,
		.priority = 4294967295LL, .flags = 6,
		.result = RESULT_CANCELED, .status = -1,
		.exception_severity = 7, .exception = true, .finished = true,
		.ntasks = 2147483647, .ncores = 3, .nnodes = 2,
		.duration = 0.1, .expiration = 1795415770.3226071,
		.entered = { 1795415770.322607, 0, 0, 0, 0, 0,
			     1795415771.000001 },
		.name = "a b%=\"\\", .cwd = "", .queue = "{3}",
		.nodelist = "n[0-1]", .ranks = "0-1",
		.exception_type = "cancel", .exception_note = "x=\t\x7f",
		.resources = "rank[0-1]/core0", .memo = "{\"a\":1}",
	};
}

static void test_record(void)
{
	struct record r = full_record(), s;
	struct job_origin o = { { 1, 2, 3 }, 1795415770, 1795419999 }, p;
	struct wire_buf b;
	bool same;

	wire_buf_init(&b);
	is_int(record_encode(&b, &r, &o), 0, "a record has a line");
	wire_buf_add(&b, "", 1);
	/* decoding takes a copy apart: the words are gone with the decoder */
	same = line_error(b.data, &s, &p) == NULL;
	ok(same && s.id == r.id && s.userid == r.userid &&
	   s.urgency == r.urgency && s.priority == r.priority &&
	   s.flags == r.flags && s.result == r.result &&
	   s.status == r.status && s.exception_severity == 7 &&
	   s.exception && !s.started && s.finished && s.ntasks == r.ntasks &&
	   s.ncores == 3 && s.nnodes == 2, "its numbers come back");
	ok(same && s.duration == r.duration && s.expiration == r.expiration &&
	   !memcmp(s.entered, r.entered, sizeof(s.entered)),
	   "its times, to the bit");
	ok(same && !memcmp(&o, &p, sizeof(o)), "and its origin");
	wire_buf_free(&b);
}

static void test_record_texts(void)
{
	struct wire_decoder *d = wire_decoder_create(true, 0);
	struct record r = full_record(), s;
	struct job_origin o;
	struct wire_frame *f;
	struct wire_buf b;
	size_t used;

	wire_buf_init(&b);
	r.queue = NULL;
	record_encode(&b, &r, NULL);
	ok(wire_decode(d, b.data, b.len, &used, &f) == WIRE_FRAME &&
	   record_decode(f, &s, &o, NULL) == 0, "a record is read");
	is_str(s.name, r.name, "its name");
	is_str(s.cwd, "", "an empty text");
	ok(!s.queue, "one that it does not have");
	is_str(s.exception_note, r.exception_note, "control characters");
	is_str(s.memo, r.memo, "its memo");
	is_int(o.time, 0, "no origin");
	wire_decoder_destroy(d);
	wire_buf_free(&b);
}

static void test_record_refused(void)
{
	static const char *const bad[] = {
		"job 1\n", "rubbish\n", "end 1 0 16 16 0 1 0 0 6 1 1 1 0 0 "
		"1 1 1 1 1 1 1 name=a\n",
		"job 1 0 16 16 0 3 0 0 6 1 1 1 0 0 1 1 1 1 1 1 1 name=a\n",
		"job 1 0 32 16 0 1 0 0 6 1 1 1 0 0 1 1 1 1 1 1 1 name=a\n",
		"job 1 0 16 16 0 1 0 0 6 1 1 1 nan 0 1 1 1 1 1 1 1 name=a\n",
		"job 1 0 16 16 0 1 0 0 6 1 1 1 0 0 1 1 1 1 1 1 1\n",
		"job 1 0 16 16 0 1 0 0 7 1 1 1 0 0 1 1 1 1 1 1 1 name=a\n",
		"job 1 0 16 16 0 1 0 0 6 1 1 1 0 0 1 1 1 1 1 1 1 name=a "
		"nonce=12\n",
		"job 1 0 16 16 0 1 0 0 6 1 1 1 0 0 1 1 1 1 1 1 x name=a\n",
	};
	struct record r = full_record();
	struct job_origin o;
	struct wire_buf b;
	char line[256], *note;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "%s", bad[i]);
		ok(line_error(line, &r, &o) != NULL, "refused: %.60s",
		   bad[i]);
	}
	wire_buf_init(&b);
	wire_buf_add(&b, "before\n", 7);
	r = full_record();
	r.exception_note = "two\nlines";
	is_int(record_encode(&b, &r, NULL), -1, "a line feed has no line");
	r.exception_note = note = malloc(20001);
	memset(note, 'x', 20000);
	note[20000] = '\0';
	is_int(record_encode(&b, &r, NULL), -1, "nor has a long text");
	is_int((long long)b.len, 7, "and what was there is left");
	free(note);
	wire_buf_free(&b);
}

int main(void)
{
	test_record();
	test_record_texts();
	test_record_refused();
	test_request();
	test_find();
	test_history();
	test_walks();
	test_changes();
	test_priority();
	test_queue();
	test_update();
	test_history_order();
	test_exceptions();
	test_lines();
	return done();
}
