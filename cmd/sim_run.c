/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a trace: a virtual clock that goes from event to event. At each
 * time first jobs end, then jobs are submitted, then the queue decides. See
 * sim.h.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sim.h"

struct active {
	struct backfill_job b;
	struct request *request;
	uint32_t index;			/* in the trace */
	int64_t end;
	struct active *next;
};

struct clockwork {
	struct sim *sim;
	struct matcher *m;
	struct backfill *b;
	struct active **all;		/* by index; NULL: not there */
	struct active **running;	/* heap by end, then index */
	size_t count, size;
	size_t waiting;
	struct active *never;		/* set aside in this pass */
	int64_t now;
	bool due;			/* something happened */
	bool level;			/* all jobs have one priority */
	int64_t *busy;			/* if verify: each vertex until when */
	int error;			/* in a pass: ENOMEM */
};

/* ---- jobs that run, by end ---- */

static bool sooner(const struct active *a, const struct active *b)
{
	return a->end != b->end ? a->end < b->end : a->index < b->index;
}

static int push(struct clockwork *c, struct active *job)
{
	size_t i = c->count;

	if (c->count == c->size) {
		size_t size = c->size ? c->size * 2 : 256;
		struct active **list = reallocarray(c->running, size,
						    sizeof(*list));

		if (!list)
			return -1;
		c->running = list;
		c->size = size;
	}
	c->count++;
	for (; i && sooner(job, c->running[(i - 1) / 2]); i = (i - 1) / 2)
		c->running[i] = c->running[(i - 1) / 2];
	c->running[i] = job;
	return 0;
}

static struct active *pop(struct clockwork *c)
{
	struct active *top = c->running[0], *last = c->running[--c->count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < c->count) {
		if (child + 1 < c->count &&
		    sooner(c->running[child + 1], c->running[child]))
			child++;
		if (!sooner(c->running[child], last))
			break;
		c->running[i] = c->running[child];
		i = child;
	}
	c->running[i] = last;
	return top;
}

static void forget(struct clockwork *c, struct active *job)
{
	c->all[job->index] = NULL;
	request_destroy(job->request);
	free(job);
}

/* ---- requests ---- */

/* A slot of one for each processor. */
static json_t *procs_jobspec(const struct sim *sim,
			     const struct trace_job *job)
{
	const char *type = graph_string(sim->g,
					sim->g->types[sim->type].name);

	return json_pack("{s:i, s:[{s:s, s:I, s:s, s:[{s:s, s:i}]}], s:[], "
			 "s:{s:{s:I}}}", "version", 1, "resources",
			 "type", "slot", "count", (json_int_t)job->procs,
			 "label", "a", "with", "type", type, "count", 1,
			 "tasks", "attributes", "system", "duration",
			 (json_int_t)job->duration);
}

static struct request *make_request(const struct sim *sim,
				    const struct trace_job *job,
				    struct proto_error *err)
{
	json_t *json = job->jobspec ? json_incref(job->jobspec) :
		       procs_jobspec(sim, job);
	struct request *request;

	if (!json) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	request = request_create(sim->g, json, err);
	json_decref(json);
	return request;
}

/* ---- what a job gets ---- */

static int64_t units_of(const struct sim *sim, const struct match_job *m)
{
	int64_t units = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct match_pick *p = &m->picks[i];
		uint32_t from, to;

		if (!p->alone)
			continue;
		graph_slice(sim->g, p->vertex, sim->type, &from, &to);
		for (; from < to; from++)
			units += sim->g->vertices[sim->g->by_type[from]].size;
	}
	return units;
}

static void wrong(struct clockwork *c, uint32_t index, const char *what)
{
	if (!c->sim->wrong[0])
		snprintf(c->sim->wrong, sizeof(c->sim->wrong), "job %u: %s "
			 "(second %" PRId64 ")", index + 1, what, c->now);
}

/* All that is had alone was nobody's until now, and is its own until it ends:
 * told by a table of its own, that knows no matcher. */
static void verify_free(struct clockwork *c, const struct active *job,
			const struct match_job *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		uint32_t v = m->picks[i].vertex;

		if (!m->picks[i].alone)
			continue;
		for (uint32_t k = v; k < c->sim->g->vertices[v].end; k++) {
			if (c->busy[k] > c->now)
				wrong(c, job->index, "it has what another has");
			c->busy[k] = job->end;
		}
	}
}

static int add_span(struct sim *sim, uint32_t job, uint32_t node)
{
	struct sim_span *last = sim->span_count ?
		&sim->spans[sim->span_count - 1] : NULL;

	if (last && last->job == job && node <= last->last + 1) {
		last->last = node;
		return 0;
	}
	if (sim->span_count == sim->span_size) {
		size_t size = sim->span_size ? sim->span_size * 2 : 1024;
		struct sim_span *spans = reallocarray(sim->spans, size,
						      sizeof(*spans));

		if (!spans)
			return -1;
		sim->spans = spans;
		sim->span_size = size;
	}
	sim->spans[sim->span_count++] = (struct sim_span) { node, node, job };
	return 0;
}

/* Remembers which nodes it has a part of; picks are in their order. */
static int note_spans(struct sim *sim, uint32_t index,
		      const struct match_job *m)
{
	const struct graph *g = sim->g;

	if (g->node_type == GRAPH_NONE)
		return 0;
	for (uint32_t i = 0; i < m->count; i++) {
		uint32_t v = m->picks[i].vertex, from, to;
		uint32_t node = graph_node_of(g, v);

		if (!m->picks[i].alone)
			continue;
		graph_slice(g, node == GRAPH_NONE ? v : node, g->node_type,
			    &from, &to);
		for (; from < to; from++)
			if (add_span(sim, index, from -
				     g->types[g->node_type].first) < 0)
				return -1;
	}
	return 0;
}

/* ---- what the queue says ---- */

static void on_start(void *arg, struct backfill_job *b,
		     const struct match_job *m)
{
	struct clockwork *c = arg;
	struct active *job = b->data;
	struct sim_job *told = &c->sim->jobs[job->index];
	const struct trace_job *want = &c->sim->trace->jobs[job->index];
	int64_t limit = job->request->duration, run = want->run;

	if (run < 0 || (limit && run > limit))
		run = limit;
	job->end = c->now + run;
	told->start = c->now;
	told->end = job->end;
	told->units = units_of(c->sim, m);
	if (c->level && told->promised != BACKFILL_NO_TIME &&
	    told->promised < c->now)
		wrong(c, job->index, "it starts later than it was told");
	if (told->submit > c->now)
		wrong(c, job->index, "it starts before it is there");
	if (c->busy)
		verify_free(c, job, m);
	if ((c->sim->draw && note_spans(c->sim, job->index, m) < 0) ||
	    push(c, job) < 0)
		c->error = ENOMEM;
	c->waiting--;
}

/* Only the first time counts: it may get better, never worse, unless jobs of
 * higher priority come later. */
static void on_expect(void *arg, struct backfill_job *b)
{
	struct clockwork *c = arg;
	struct active *job = b->data;
	struct sim_job *told = &c->sim->jobs[job->index];

	if (b->start != BACKFILL_NO_TIME &&
	    told->promised == BACKFILL_NO_TIME)
		told->promised = b->start;
}

static void on_never(void *arg, struct backfill_job *b)
{
	struct clockwork *c = arg;
	struct active *job = b->data;

	job->next = c->never;
	c->never = job;
}

static const struct backfill_sink sink = { on_start, on_expect, on_never };

/* ---- the clock ---- */

static int submit(struct clockwork *c, uint32_t index, struct proto_error *err)
{
	const struct trace_job *want = &c->sim->trace->jobs[index];
	struct active *job = calloc(1, sizeof(*job));

	if (!job)
		return proto_error_set(err, ENOMEM, "out of memory");
	c->all[index] = job;
	job->index = index;
	job->request = make_request(c->sim, want, err);
	if (job->request && !job->request->duration && want->run < 0)
		return proto_error_set(err, EINVAL, "job %u: it would never "
				       "end: it has neither run nor duration",
				       index + 1);
	job->b = (struct backfill_job) { .id = index + 1ull,
		.priority = want->priority, .request = job->request,
		.data = job };
	if (!job->request) {
		char text[sizeof(err->text)];

		memcpy(text, err->text, sizeof(text));
		return proto_error_set(err, EINVAL, "job %u: %.200s",
				       index + 1, text);
	}
	if (backfill_add(c->b, &job->b) < 0)
		return proto_error_set(err, ENOMEM, "out of memory");
	c->waiting++;
	c->due = true;
	return 0;
}

static void end_jobs(struct clockwork *c)
{
	while (c->count && c->running[0]->end <= c->now) {
		struct active *job = pop(c);
		int rc = matcher_cancel(c->m, job->b.id);

		assert(rc == 0);
		if (job->end > c->sim->last)
			c->sim->last = job->end;
		forget(c, job);
		backfill_freed(c->b);
		c->due = true;
	}
}

/* Those that can never run have no place in the queue. */
static void drop_never(struct clockwork *c)
{
	while (c->never) {
		struct active *job = c->never;

		c->never = job->next;
		backfill_remove(c->b, &job->b);
		c->waiting--;
		c->sim->never++;
		forget(c, job);
	}
}

static int decide(struct clockwork *c, struct proto_error *err)
{
	int rc;

	if (!c->due)
		return 0;
	c->due = false;
	c->sim->passes++;
	do
		rc = backfill_pass(c->b, c->now, &sink, c);
	while (rc > 0);
	if (rc < 0 || c->error)
		return proto_error_set(err, ENOMEM, "out of memory");
	drop_never(c);
	return 0;
}

/* The next time something happens; false: nothing does any more. */
static bool next_time(struct clockwork *c, size_t next)
{
	const struct trace *t = c->sim->trace;
	int64_t then = backfill_next(c->b);

	if (c->count && (then == BACKFILL_NO_TIME ||
			 c->running[0]->end < then))
		then = c->running[0]->end;
	if (next < t->count && (then == BACKFILL_NO_TIME ||
				t->jobs[next].submit < then))
		then = t->jobs[next].submit;
	if (then == BACKFILL_NO_TIME)
		return false;
	c->due |= then == backfill_next(c->b);
	c->now = then > c->now ? then : c->now;
	return true;
}

static int run(struct clockwork *c, struct proto_error *err)
{
	const struct trace *t = c->sim->trace;
	size_t next = 0;

	while (next_time(c, next)) {
		end_jobs(c);
		for (; next < t->count && t->jobs[next].submit <= c->now;
		     next++)
			if (submit(c, (uint32_t)next, err) < 0)
				return -1;
		if (decide(c, err) < 0)
			return -1;
	}
	if (c->waiting && !c->sim->wrong[0])
		snprintf(c->sim->wrong, sizeof(c->sim->wrong), "%zu jobs wait "
			 "for ever", c->waiting);
	return 0;
}

/* ---- from begin to end ---- */

static int prepare(struct clockwork *c)
{
	struct sim *sim = c->sim;
	const struct trace *t = sim->trace;
	uint32_t from, to;

	sim->jobs = calloc(t->count + 1, sizeof(*sim->jobs));
	c->m = matcher_create(sim->g, sim->policy);
	c->b = c->m ? backfill_create(c->m, &sim->config) : NULL;
	c->all = calloc(t->count + 1, sizeof(*c->all));
	if (sim->verify)
		c->busy = calloc(sim->g->count, sizeof(*c->busy));
	if (!sim->jobs || !c->b || !c->all || (sim->verify && !c->busy))
		return -1;
	c->level = true;
	for (size_t i = 1; i < t->count; i++)
		c->level &= t->jobs[i].priority == t->jobs[0].priority;
	for (size_t i = 0; i < t->count; i++)
		sim->jobs[i] = (struct sim_job) { .submit = t->jobs[i].submit,
			.start = BACKFILL_NO_TIME, .end = BACKFILL_NO_TIME,
			.promised = BACKFILL_NO_TIME };
	sim->first = sim->last = c->now = t->count ? t->jobs[0].submit : 0;
	graph_slice(sim->g, 0, sim->type, &from, &to);
	for (; from < to; from++)
		sim->units += sim->g->vertices[sim->g->by_type[from]].size;
	return 0;
}

/* Also after an error, when jobs wait and run. */
static void clean_up(struct clockwork *c)
{
	while (c->count)
		matcher_cancel(c->m, pop(c)->b.id);
	backfill_destroy(c->b);
	for (size_t i = 0; c->all && i < c->sim->trace->count; i++)
		if (c->all[i])
			forget(c, c->all[i]);
	free(c->all);
	free(c->running);
	free(c->busy);
	matcher_destroy(c->m);
}

int sim_run(struct sim *sim, struct proto_error *err)
{
	struct clockwork c = { .sim = sim };
	int rc;

	rc = prepare(&c) < 0 ? proto_error_set(err, ENOMEM, "out of memory") :
	     run(&c, err);
	clean_up(&c);
	return rc;
}

void sim_clear(struct sim *sim)
{
	free(sim->jobs);
	free(sim->spans);
	sim->jobs = NULL;
	sim->spans = NULL;
	sim->span_count = sim->span_size = 0;
}
