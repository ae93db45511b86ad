/* SPDX-License-Identifier: Apache-2.0 */
/* What a job has, and what a query finds, as a part of the graph. See
 * match.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "schedd/match_impl.h"

void graph_part_clear(struct graph_part *part)
{
	free(part->vertices);
	free(part->exclusive);
	memset(part, 0, sizeof(*part));
}

struct builder {
	const struct graph *g;
	struct graph_part *part;
	uint32_t size;
	uint32_t stack[GRAPH_DEPTH_MAX];	/* above the last one added */
	unsigned depth;
};

static int append(struct builder *b, uint32_t v, bool alone)
{
	struct graph_part *p = b->part;

	if (p->count == b->size) {
		uint32_t size = b->size ? b->size * 2 : 64;
		uint32_t *vertices = reallocarray(p->vertices, size,
						  sizeof(*vertices));
		bool *exclusive;

		if (!vertices)
			return -1;
		p->vertices = vertices;
		exclusive = reallocarray(p->exclusive, size,
					 sizeof(*exclusive));
		if (!exclusive)
			return -1;
		p->exclusive = exclusive;
		b->size = size;
	}
	p->vertices[p->count] = v;
	p->exclusive[p->count++] = alone;
	return 0;
}

/* V after those above it that are not there yet. Vertices come in order. */
static int add(struct builder *b, uint32_t v, bool alone)
{
	uint32_t way[GRAPH_DEPTH_MAX];
	unsigned n = 0;
	uint32_t top;

	while (b->depth && b->g->vertices[b->stack[b->depth - 1]].end <= v)
		b->depth--;
	top = b->depth ? b->stack[b->depth - 1] : GRAPH_NONE;
	if (v == top)
		return 0;
	for (uint32_t up = b->g->vertices[v].parent;
	     up != GRAPH_NONE && up != top; up = b->g->vertices[up].parent)
		way[n++] = up;
	while (n > 0) {
		b->stack[b->depth++] = way[--n];
		if (append(b, way[n], false) < 0)
			return -1;
	}
	b->stack[b->depth++] = v;
	return append(b, v, alone);
}

int matcher_part(const struct matcher *m, const struct match_job *job,
		 struct graph_part *part)
{
	struct builder b = { .g = m->g, .part = part };

	memset(part, 0, sizeof(*part));
	for (uint32_t i = 0; i < job->count; i++) {
		const struct match_pick *p = &job->picks[i];
		uint32_t end = p->alone ? m->g->vertices[p->vertex].end :
			       p->vertex + 1;

		for (uint32_t v = p->vertex; v < end; v++)
			if (add(&b, v, p->alone) < 0) {
				graph_part_clear(part);
				errno = ENOMEM;
				return -1;
			}
	}
	return 0;
}

/* The nodes of shared pools say how many units are had. */
static void set_units(const struct match_job *job,
		      const struct graph_part *part, json_t *jgf)
{
	json_t *nodes = json_object_get(json_object_get(jgf, "graph"),
					"nodes");
	uint32_t k = 0;

	for (uint32_t i = 0; i < job->count; i++) {
		while (k < part->count &&
		       part->vertices[k] < job->picks[i].vertex)
			k++;
		if (job->picks[i].units)
			json_object_set_new(json_object_get(
				json_array_get(nodes, k), "metadata"), "size",
				json_integer(job->picks[i].units));
	}
}

struct resource_set *matcher_R(const struct matcher *m,
			       const struct match_job *job, bool jgf,
			       struct proto_error *err)
{
	struct resource_set *set;
	struct graph_part part;

	if (matcher_part(m, job, &part) < 0) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	set = graph_to_R(m->g, &part, err);
	if (set) {
		set->nslots = job->slots > INT32_MAX ? INT32_MAX :
			      (int)job->slots;
		set->starttime = (double)job->start;
		set->expiration = job->end == MATCH_TIME_MAX ? 0 :
				  (double)job->end;
	}
	if (set && jgf) {
		set->scheduling = graph_to_jgf(m->g, &part);
		set_units(job, &part, set->scheduling);
	}
	graph_part_clear(&part);
	return set;
}

/* ---- find ---- */

static bool is_status(const char *value)
{
	return !strcmp(value, "up") || !strcmp(value, "down");
}

static bool is_now(const char *value)
{
	return !strcmp(value, "allocated") || !strcmp(value, "free");
}

static bool is_future(const char *value)
{
	return !strcmp(value, "reserved") || !strcmp(value, "free");
}

static bool is_number(const char *value)
{
	return *value && strlen(value) < 20 &&
	       strspn(value, "0123456789") == strlen(value);
}

static bool is_hostlist(const char *value)
{
	struct hostlist *list = hostlist_decode(value, NULL);

	hostlist_destroy(list);
	return list;
}

static bool test_status(void *arg, uint32_t v, const char *value)
{
	const struct matcher *m = arg;

	return !m->g->vertices[v].down == !strcmp(value, "up");
}

static bool test_now(void *arg, uint32_t v, const char *value)
{
	const struct matcher *m = arg;

	return !*graph_held(m->g, v) == !strcmp(value, "free");
}

static bool job_has(const struct matcher *m, const struct match_job *job,
		    uint32_t v)
{
	for (uint32_t i = 0; job && i < job->count; i++) {
		const struct match_pick *p = &job->picks[i];
		uint32_t end = p->alone ? m->g->vertices[p->vertex].end :
			       p->vertex + 1;

		if ((v >= p->vertex && v < end) ||
		    (p->vertex >= v && p->vertex < m->g->vertices[v].end))
			return true;
	}
	return false;
}

static bool test_future(void *arg, uint32_t v, const char *value)
{
	const struct matcher *m = arg;
	bool reserved = false;

	for (size_t i = 0; i < m->count && !reserved; i++)
		reserved = m->jobs[i]->reserved && job_has(m, m->jobs[i], v);
	return reserved == !strcmp(value, "reserved");
}

static bool test_names(void *arg, uint32_t v, const char *value)
{
	const struct matcher *m = arg;
	struct hostlist *list = hostlist_decode(value, NULL);
	char buf[GRAPH_NAME_SIZE];
	bool found = list && hostlist_find(list, graph_name(m->g, v, buf)) >= 0;

	hostlist_destroy(list);
	return found;
}

static bool test_property(void *arg, uint32_t v, const char *value)
{
	const struct matcher *m = arg;

	return graph_property(m->g, v, value);
}

static bool test_job(void *arg, uint32_t v, const char *value, bool reserved)
{
	const struct matcher *m = arg;
	const struct match_job *job = matcher_find(m, strtoull(value, NULL,
							       10));

	return job && job->reserved == reserved && job_has(m, job, v);
}

static bool test_alloc(void *arg, uint32_t v, const char *value)
{
	return test_job(arg, v, value, false);
}

static bool test_reserved(void *arg, uint32_t v, const char *value)
{
	return test_job(arg, v, value, true);
}

int matcher_search(const struct matcher *m, const char *text,
		   struct graph_part *part, struct proto_error *err)
{
	static const struct constraint_test tests[] = {
		{ "status", test_status, is_status },
		{ "sched-now", test_now, is_now },
		{ "sched-future", test_future, is_future },
		{ "names", test_names, is_hostlist },
		{ "property", test_property, NULL },
		{ "jobid-alloc", test_alloc, is_number },
		{ "jobid-reserved", test_reserved, is_number },
		{ 0 },
	};
	json_t *json = constraint_query(text, "names", err);
	struct builder b = { .g = m->g, .part = part };
	struct constraint *c;
	int rc = 0;

	memset(part, 0, sizeof(*part));
	c = json ? constraint_create(m->g, json, tests, (void *)m, err) :
		   NULL;
	json_decref(json);
	if (!c)
		return -1;
	for (uint32_t v = 0; v < m->g->count && rc == 0; v++)
		if (constraint_match(c, v))
			rc = add(&b, v, true);
	constraint_destroy(c);
	if (rc < 0) {
		graph_part_clear(part);
		proto_error_set(err, ENOMEM, "out of memory");
	}
	return rc;
}
