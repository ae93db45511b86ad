/* SPDX-License-Identifier: Apache-2.0 */
/* Queue policies, against a model that looks at each core at each time. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/backfill.h"
#include "t/unit/tap.h"

#define NODES		4
#define CORES		4		/* of a node */
#define JOBS_MAX	4000
#define WAITING_MAX	40

static const char recipe[] =
	"version: 1\n"
	"resources:\n"
	"- type: cluster\n"
	"  with:\n"
	"  - type: node\n"
	"    count: 4\n"
	"    with:\n"
	"    - {type: core, count: 4}\n";

enum status { NONE, WAITING, RUNNING, ENDED };

struct sim_job {
	struct backfill_job b;
	struct request *request;
	enum status status;
	int cores, slots;		/* cores of a slot; slots */
	int64_t start, end;		/* as the matcher was told */
	int64_t ends;			/* when it really does */
	int64_t promised;		/* its last time, if that is binding */
	bool fresh;			/* got its reservation in this pass */
	bool told_never;
};

struct world {
	struct graph *g;
	struct matcher *m;
	struct backfill *b;
	struct backfill_config config;
	struct sim_job *jobs;
	int count, waiting, running;
	int64_t now;
	bool freed;		/* since the last pass */
	const char *wrong;
	long checked;
};

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static struct request *make_request(const struct graph *g, int slots,
				    int cores, int duration)
{
	struct proto_error err = { "" };
	struct request *req;
	/* all cores of a node are the node: the model need not know */
	bool node = cores == CORES && duration % 2;
	char text[300];

	snprintf(text, sizeof(text), "{\"version\":1,\"resources\":[{\"type\":"
		 "\"slot\",\"count\":%d,\"label\":\"a\",\"with\":[{\"type\":"
		 "\"%s\",\"count\":%d}]}],\"tasks\":[],\"attributes\":{"
		 "\"system\":{\"duration\":%d}}}", slots,
		 node ? "node" : "core", node ? 1 : cores, duration);
	req = request_parse(g, text, strlen(text), &err);
	if (!req)
		diag("%s", err.text);
	return req;
}

/* ---- the model ---- */

/* Sets USED[i] for each core that JOB's picks contain. */
static void cores_of(const struct world *w, const struct match_job *job,
		     bool used[NODES * CORES])
{
	uint32_t from, to, type = graph_find_type(w->g, "core");

	graph_slice(w->g, 0, type, &from, &to);
	for (uint32_t i = 0; i < job->count; i++)
		for (uint32_t c = from; c < to; c++) {
			uint32_t v = w->g->by_type[c];

			if (job->picks[i].alone &&
			    v >= job->picks[i].vertex &&
			    v < w->g->vertices[job->picks[i].vertex].end)
				used[c - from] = true;
		}
}

/* Whether JOB could be had from T on, were it not there itself. */
static bool model_fits(const struct world *w, const struct sim_job *job,
		       int64_t t)
{
	bool used[NODES * CORES] = { false };
	const struct match_job *m;
	int slots = 0;

	for (m = matcher_next(w->m, 0, true); m;
	     m = matcher_next(w->m, m->id, false)) {
		bool overruns = !m->reserved && t == w->now;

		if (m->id != job->b.id &&
		    ((m->start < t + job->request->duration && m->end > t) ||
		     overruns))
			cores_of(w, m, used);
	}
	for (int n = 0; n < NODES; n++) {
		int have = 0;

		for (int c = 0; c < CORES; c++)
			have += !used[n * CORES + c];
		slots += have / job->cores;
	}
	return slots >= job->slots;
}

static int64_t model_earliest(const struct world *w,
			      const struct sim_job *job)
{
	int64_t t = w->now + 1;

	while (!model_fits(w, job, t))
		t++;
	return t;
}

static bool possible(const struct sim_job *job)
{
	return job->slots <= NODES * (CORES / job->cores);
}

/* No core has two jobs at one time. */
static void check_overlap(struct world *w)
{
	const struct match_job *a, *b;

	for (a = matcher_next(w->m, 0, true); a;
	     a = matcher_next(w->m, a->id, false)) {
		bool used[NODES * CORES] = { false };

		cores_of(w, a, used);
		for (b = matcher_next(w->m, a->id, false); b;
		     b = matcher_next(w->m, b->id, false)) {
			bool other[NODES * CORES] = { false };

			if ((a->start >= b->end || b->start >= a->end) &&
			    (a->reserved || b->reserved))
				continue;
			cores_of(w, b, other);
			for (int i = 0; i < NODES * CORES; i++)
				if (used[i] && other[i])
					w->wrong = "two jobs have a core";
		}
	}
}

static void check_reserved(struct world *w, struct sim_job *job)
{
	const struct match_job *m = matcher_find(w->m, job->b.id);

	if (!m || !m->reserved || m->start != job->b.start)
		w->wrong = "the matcher knows of another time";
	if (job->b.start <= w->now)
		w->wrong = "a job that is due was not started";
	if (job->promised != BACKFILL_NO_TIME && job->b.start > job->promised)
		w->wrong = "a reservation was delayed";
	/* when others were moved too, an earlier time may have come up
	 * behind its back */
	if ((job->fresh && !w->freed) || w->config.reservations == 1)
		if (model_earliest(w, job) != job->b.start)
			w->wrong = "a reservation is not at the first time";
	job->promised = job->b.start;
	job->fresh = false;
}

static bool before(const struct sim_job *a, const struct sim_job *b)
{
	return a->b.priority != b->b.priority ?
	       a->b.priority > b->b.priority : a->b.id < b->b.id;
}

/* It is the first that waits, of those that can ever run. */
static bool is_first(const struct world *w, const struct sim_job *job)
{
	for (int i = 0; i < w->count; i++)
		if (w->jobs[i].status == WAITING && possible(&w->jobs[i]) &&
		    before(&w->jobs[i], job))
			return false;
	return true;
}

static void check(struct world *w)
{
	size_t reserved = 0, able = 0;

	check_overlap(w);
	for (int i = 0; i < w->count && !w->wrong; i++) {
		struct sim_job *job = &w->jobs[i];

		if (job->status != WAITING)
			continue;
		w->checked++;
		able += possible(job);
		/* fcfs does not look behind the first */
		if (job->told_never && possible(job))
			w->wrong = "set aside by mistake";
		if (!job->told_never && !possible(job) && !w->config.strict)
			w->wrong = "not set aside by mistake";
		if (job->b.start != BACKFILL_NO_TIME) {
			reserved++;
			check_reserved(w, job);
		} else if (possible(job) && model_fits(w, job, w->now) &&
			   (!w->config.strict || is_first(w, job))) {
			w->wrong = "a job waits in vain";
		}
		if (job->b.told != job->b.start)
			w->wrong = "a time was not told";
	}
	if (!w->wrong && reserved != (able < w->config.reservations ? able :
				      w->config.reservations))
		w->wrong = "there are too many or too few reservations";
	w->freed = false;
}

/* ---- what happens ---- */

static void on_start(void *arg, struct backfill_job *b,
		     const struct match_job *m)
{
	struct world *w = arg;
	struct sim_job *job = b->data;

	if (job->status != WAITING || m->start != w->now || m->reserved)
		w->wrong = "what was started was not to be";
	if (w->config.strict && !is_first(w, job))
		w->wrong = "a job was overtaken";
	if (job->promised != BACKFILL_NO_TIME && w->now > job->promised)
		w->wrong = "a job was started too late";
	job->status = RUNNING;
	job->start = m->start;
	job->end = m->end;
	job->ends = job->request->duration && pick(3) ? m->start + 1 +
		    pick((unsigned)job->request->duration) : m->end;
	w->waiting--;
	w->running++;
}

static void on_expect(void *arg, struct backfill_job *b)
{
	struct sim_job *job = b->data;

	(void)arg;
	if (job->promised == BACKFILL_NO_TIME)
		job->fresh = true;
}

static void on_never(void *arg, struct backfill_job *b)
{
	struct sim_job *job = b->data;

	(void)arg;
	job->told_never = true;
}

static const struct backfill_sink sink = { on_start, on_expect, on_never };

/* Nothing is promised to those behind JOB any more. */
static void release_promises(struct world *w, const struct sim_job *job)
{
	for (int i = 0; i < w->count; i++)
		if (before(job, &w->jobs[i]) || job == &w->jobs[i])
			w->jobs[i].promised = BACKFILL_NO_TIME;
}

static void add_job(struct world *w)
{
	struct sim_job *job = &w->jobs[w->count];

	*job = (struct sim_job) { .status = WAITING,
		.promised = BACKFILL_NO_TIME };
	job->cores = 1 + (int)pick(CORES);
	job->slots = 1 + (int)pick(pick(3) ? 4 : 18);
	job->request = make_request(w->g, job->slots, job->cores,
				    1 + (int)pick(30));
	job->b = (struct backfill_job) { .id = (uint64_t)++w->count,
		.priority = pick(10) ? 16 : pick(31),
		.request = job->request, .data = job };
	if (backfill_add(w->b, &job->b) < 0)
		w->wrong = "add";
	w->waiting++;
	release_promises(w, job);
}

static struct sim_job *any(const struct world *w, enum status status)
{
	int from = (int)pick((unsigned)w->count);

	for (int i = 0; i < w->count; i++)
		if (w->jobs[(from + i) % w->count].status == status)
			return &w->jobs[(from + i) % w->count];
	return NULL;
}

static void remove_job(struct world *w, struct sim_job *job)
{
	if (job->b.start != BACKFILL_NO_TIME)
		w->freed = true;
	backfill_remove(w->b, &job->b);
	job->status = ENDED;
	w->waiting--;
}

static void change_priority(struct world *w, struct sim_job *job)
{
	/* its place before and after */
	release_promises(w, job);
	backfill_set_priority(w->b, &job->b, pick(31));
	release_promises(w, job);
	w->freed = true;
}

/* To the next time when something happens. */
static void advance(struct world *w)
{
	int64_t next = backfill_next(w->b);

	for (int i = 0; i < w->count; i++)
		if (w->jobs[i].status == RUNNING &&
		    (next == BACKFILL_NO_TIME || w->jobs[i].ends < next))
			next = w->jobs[i].ends;
	if (next == BACKFILL_NO_TIME)
		return;
	w->now = next;
	for (int i = 0; i < w->count; i++)
		if (w->jobs[i].status == RUNNING && w->jobs[i].ends <= next) {
			matcher_cancel(w->m, w->jobs[i].b.id);
			backfill_freed(w->b);
			w->freed = true;
			w->jobs[i].status = ENDED;
			w->running--;
		}
}

static void happen(struct world *w)
{
	unsigned what = pick(20);
	struct sim_job *job = w->count ? any(w, WAITING) : NULL;

	if (what < 9 && w->waiting < WAITING_MAX)
		add_job(w);
	else if (what == 9 && job)
		remove_job(w, job);
	else if (what == 10 && job)
		change_priority(w, job);
	else
		advance(w);
}

/* Something happens between two parts of a pass. */
static void happen_between(struct world *w)
{
	struct sim_job *job = any(w, pick(2) ? WAITING : RUNNING);

	if (!job && w->count < JOBS_MAX) {
		add_job(w);
	} else if (job && job->status == RUNNING) {
		matcher_cancel(w->m, job->b.id);
		backfill_freed(w->b);
		w->freed = true;
		job->status = ENDED;
		w->running--;
	} else if (job && pick(2)) {
		remove_job(w, job);
	} else if (job) {
		change_priority(w, job);
	}
}

static void step(struct world *w)
{
	int rc;

	while ((rc = backfill_pass(w->b, w->now, &sink, w)) > 0)
		if (w->config.slice < BACKFILL_SLICE && !pick(8))
			happen_between(w);
	if (rc < 0)
		w->wrong = "pass";
	check(w);
}

static void remove_aside(struct world *w)
{
	for (int i = 0; i < w->count; i++)
		if (w->jobs[i].status == WAITING && w->jobs[i].b.aside)
			remove_job(w, &w->jobs[i]);
}

/* Those that can never run go; all others must end in due course. */
static void drain(struct world *w)
{
	for (int i = 0; i < 1000 && !w->wrong && w->waiting + w->running;
	     i++) {
		remove_aside(w);
		advance(w);
		step(w);
	}
	if (!w->wrong && w->waiting + w->running)
		w->wrong = "a job starves";
}

static void open_world(struct world *w, const char *policy)
{
	struct proto_error err = { "" };

	*w = (struct world) { .jobs = calloc(JOBS_MAX, sizeof(*w->jobs)) };
	w->g = graph_from_recipe(recipe, strlen(recipe), NULL, &err);
	w->m = matcher_create(w->g, policy_find("first", &err));
	backfill_config_parse(&w->config, policy, &err);
	w->b = backfill_create(w->m, &w->config);
}

static void close_world(struct world *w)
{
	backfill_destroy(w->b);
	for (int i = 0; i < w->count; i++)
		request_destroy(w->jobs[i].request);
	free(w->jobs);
	matcher_destroy(w->m);
	graph_destroy(w->g);
}

static void run(const char *policy, unsigned number)
{
	struct world w;

	open_world(&w, policy);
	if (number % 2) {
		w.config.slice = number * 100;
		backfill_configure(w.b, &w.config);
	}
	seed = number;
	for (int i = 0; i < 1500 && !w.wrong; i++) {
		happen(&w);
		step(&w);
	}
	if (!w.wrong)
		drain(&w);
	ok(!w.wrong, "%s, seed %u: %d jobs, %ld looks%s%s", policy, number,
	   w.count, w.checked, w.wrong ? ": " : "", w.wrong ? w.wrong : "");
	close_world(&w);
}

/* ---- single cases ---- */

static struct sim_job *put(struct world *w, int slots, int cores,
			   int duration)
{
	struct sim_job *job = &w->jobs[w->count++];

	job->status = WAITING;
	job->slots = slots;
	job->cores = cores;
	job->promised = BACKFILL_NO_TIME;
	job->request = make_request(w->g, slots, cores, duration);
	job->b = (struct backfill_job) { .id = (uint64_t)w->count,
		.priority = 16, .request = job->request, .data = job };
	backfill_add(w->b, &job->b);
	w->waiting++;
	return job;
}

static void pass(struct world *w, int64_t now)
{
	w->now = now;
	while (backfill_pass(w->b, now, &sink, w) > 0)
		;
}

static void finish(struct world *w, struct sim_job *job)
{
	matcher_cancel(w->m, job->b.id);
	backfill_freed(w->b);
	job->status = ENDED;
}

static void test_easy(void)
{
	struct sim_job *a, *b, *c, *d;
	struct world w;

	open_world(&w, "easy");
	a = put(&w, 3, 4, 100);
	b = put(&w, 4, 4, 50);
	c = put(&w, 1, 4, 101);
	d = put(&w, 1, 4, 100);
	pass(&w, 0);
	ok(a->status == RUNNING && b->status == WAITING &&
	   c->status == WAITING && d->status == RUNNING,
	   "easy: what ends in time goes before, what does not waits");
	is_int(b->b.start, 100, "the first that waits is told when it starts");
	is_int(c->b.start, BACKFILL_NO_TIME, "the second is not");
	is_int(backfill_next(w.b), 100, "and that is when the next pass is");
	finish(&w, a);
	pass(&w, 10);
	is_int(b->b.start, 100, "what it waits for decides");
	finish(&w, d);
	pass(&w, 20);
	ok(b->status == RUNNING && c->b.start == 70,
	   "it starts when that ends early; the next gets a time");
	close_world(&w);
}

static void test_no_end(void)
{
	struct sim_job *a, *b, *c;
	struct world w;

	open_world(&w, "conservative");
	a = put(&w, 1, 4, 0);
	b = put(&w, 4, 4, 10);
	c = put(&w, 1, 4, 10);
	pass(&w, 0);
	ok(a->status == RUNNING && b->status == WAITING &&
	   b->b.start == BACKFILL_NO_TIME && c->status == WAITING,
	   "behind one that waits for what has no end, nothing starts");
	finish(&w, a);
	pass(&w, 5);
	ok(b->status == RUNNING && c->b.start == 15, "until it ended");
	close_world(&w);
}

static void test_down(void)
{
	struct sim_job *a, *b;
	struct world w;

	open_world(&w, "fcfs");
	graph_set_down(w.g, graph_find_rank(w.g, 0), true);
	a = put(&w, 4, 4, 10);
	b = put(&w, 3, 4, 10);
	pass(&w, 0);
	ok(a->status == WAITING && !a->b.aside && b->status == RUNNING,
	   "one that waits for what is down is passed by");
	finish(&w, b);
	graph_set_down(w.g, graph_find_rank(w.g, 0), false);
	backfill_reconsider(w.b);
	pass(&w, 1);
	ok(a->status == RUNNING, "until it is up");
	close_world(&w);
}

static void test_overrun(void)
{
	struct sim_job *a, *b, *c;
	struct world w;

	open_world(&w, "conservative");
	a = put(&w, 4, 4, 10);
	b = put(&w, 4, 4, 10);
	c = put(&w, 4, 4, 10);
	pass(&w, 0);
	ok(b->b.start == 10 && c->b.start == 20, "one behind the other");
	pass(&w, 13);
	ok(b->status == WAITING && b->b.start == 14 && c->b.start == 24,
	   "a job runs on: those behind it are moved, and remain in order");
	finish(&w, a);
	pass(&w, 14);
	ok(b->status == RUNNING && c->b.start == 24, "it ends");
	pass(&w, 12);
	is_int(c->b.start, 24, "a clock that is set back delays nobody");
	close_world(&w);
}

static void test_depth(void)
{
	struct proto_error err = { "" };
	struct backfill_config config;
	struct sim_job *a, *b, *c, *d;
	struct world w;

	open_world(&w, "easy");
	a = put(&w, 3, 4, 10);
	b = put(&w, 9, 4, 10);
	c = put(&w, 4, 4, 10);
	d = put(&w, 1, 4, 5);
	backfill_config_parse(&config, "easy", &err);
	config.depth = 1;
	backfill_configure(w.b, &config);
	pass(&w, 0);
	ok(a->status == RUNNING && b->b.aside && b->told_never &&
	   c->b.start == 10 && d->status == WAITING,
	   "one that can never run counts for nothing; the depth ends a pass");
	config.depth = 2;
	backfill_configure(w.b, &config);
	backfill_remove(w.b, &b->b);
	pass(&w, 0);
	ok(d->status == RUNNING && c->b.start == 10, "a greater depth");
	backfill_remove(w.b, &c->b);
	pass(&w, 0);
	is_int(backfill_next(w.b), BACKFILL_NO_TIME, "nothing is awaited");
	is_int((long long)backfill_count(w.b), 0, "nobody waits");
	close_world(&w);
}

static void test_config(void)
{
	static const char *const wrong[] = { "", "fast", "easy:2", "hybrid:",
		"hybrid:0", "hybrid:-1", "hybrid:1x", "hybrid:4294967295" };
	struct backfill_config config;
	struct proto_error err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(backfill_config_parse(&config, wrong[i], &err) < 0 &&
		   errno == EINVAL && err.text[0], "refused: %s: %s",
		   wrong[i], err.text);
	ok(backfill_config_parse(&config, "hybrid:7", &err) == 0 &&
	   config.reservations == 7, "hybrid:7");
	for (unsigned i = 0; backfill_policy_name(i); i++)
		ok(backfill_config_parse(&config, backfill_policy_name(i),
					 &err) == 0, "%s",
		   backfill_policy_name(i));
}

int main(void)
{
	static const char *const policies[] = { "fcfs", "easy", "hybrid:3",
		"conservative" };

	test_config();
	test_easy();
	test_no_end();
	test_down();
	test_overrun();
	test_depth();
	for (unsigned i = 0; i < 4; i++)
		for (unsigned number = 1; number <= 8; number++)
			run(policies[i], number);
	return done();
}
