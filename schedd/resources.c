/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's graph and who has what of it: see resources.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/daemon.h"
#include "schedd/resources_impl.h"

struct resources *resources_create(void)
{
	struct resources *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->all = resource_set_create();
	r->up = idset_create();
	r->drained = idset_create();
	r->policy = policy_find("first", NULL);
	if (!r->all || !r->up || !r->drained) {
		resources_destroy(r);
		errno = ENOMEM;
		return NULL;
	}
	return r;
}

void resources_destroy(struct resources *r)
{
	if (!r)
		return;
	assert(!r->demands.tree);
	matcher_destroy(r->matcher);
	graph_destroy(r->graph);
	resource_set_destroy(r->all);
	idset_destroy(r->up);
	idset_destroy(r->drained);
	resources_stay(r);
	free(r);
}

/* ---- nodes ---- */

int resources_define(struct resources *r, unsigned rank, const char *host,
		     const struct idset *cores, const struct idset *gpus)
{
	const struct resource_node *n = resource_set_find(r->all, rank);

	if (n && !strcmp(n->host, host) && idset_equal(n->cores, cores) &&
	    (gpus ? idset_equal(n->gpus, gpus) : idset_empty(n->gpus)))
		return 0;
	if (r->loaded) {
		errno = !n ? ENOENT : idset_contains(cores, n->cores) &&
			(gpus ? idset_contains(gpus, n->gpus) :
			 idset_empty(n->gpus)) ? 0 : EINVAL;
		return errno ? -1 : 0;
	}
	r->stale = true;
	return resource_set_replace(r->all, rank, host, cores, gpus);
}

int resources_define_all(struct resources *r, const struct resource_set *R)
{
	for (size_t i = 0; i < R->count; i++)
		if (resources_define(r, R->nodes[i].rank, R->nodes[i].host,
				     R->nodes[i].cores, R->nodes[i].gpus) < 0)
			return -1;
	return 0;
}

/* What the graph says of a node that is or is not up. */
static void set_down(struct resources *r, unsigned rank, bool down)
{
	uint32_t v = r->graph && !r->stale ? graph_find_rank(r->graph, rank) :
		     GRAPH_NONE;

	if (v != GRAPH_NONE)
		graph_set_down(r->graph, v, down);
}

int resources_set_up(struct resources *r, unsigned rank, bool up)
{
	if (up && !resource_set_find(r->all, rank)) {
		errno = ENOENT;
		return -1;
	}
	if ((up ? idset_set(r->up, rank) : idset_clear(r->up, rank)) < 0)
		return -1;
	set_down(r, rank, !resources_is_up(r, rank));
	r->changes++;
	return 0;
}

int resources_set_drained(struct resources *r, unsigned rank, bool drained)
{
	if ((drained ? idset_set(r->drained, rank) :
	     idset_clear(r->drained, rank)) < 0)
		return -1;
	set_down(r, rank, !resources_is_up(r, rank));
	r->changes++;
	return 0;
}

bool resources_is_up(const struct resources *r, unsigned rank)
{
	return resources_is_online(r, rank) &&
	       !idset_test(r->drained, rank) && !resources_leaves(r, rank);
}

bool resources_is_online(const struct resources *r, unsigned rank)
{
	return r->simulated ? resource_set_find(r->all, rank) != NULL :
	       idset_test(r->up, rank);
}

const char *resources_host(const struct resources *r, unsigned rank)
{
	const struct resource_node *n = resource_set_find(r->all, rank);

	return n ? n->host : NULL;
}

char *resources_path(struct resources *r, unsigned rank)
{
	uint32_t v = resources_refresh(r) < 0 || !r->graph ? GRAPH_NONE :
		     graph_find_rank(r->graph, rank);

	if (v == GRAPH_NONE) {
		errno = ENOENT;
		return NULL;
	}
	return graph_path(r->graph, v);
}

size_t resources_count(const struct resources *r)
{
	return r->all->count;
}

/* ---- the graph ---- */

/* What of R there is in ALL, by ranks. NULL with ENOMEM. */
static struct resource_set *known_part(const struct resource_set *all,
				       const struct resource_set *R)
{
	struct resource_set *set = resource_set_create();
	int rc = set ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < R->count; i++) {
		const struct resource_node *n = &R->nodes[i];
		const struct resource_node *have =
			resource_set_find(all, n->rank);
		struct idset *cores, *gpus;

		if (!have)
			continue;
		cores = idset_intersect(n->cores, have->cores);
		gpus = idset_intersect(n->gpus, have->gpus);
		if (!cores || !gpus)
			rc = -1;
		else if (!idset_empty(cores) || !idset_empty(gpus))
			rc = resource_set_add(set, n->rank, have->host, cores,
					      gpus);
		idset_destroy(cores);
		idset_destroy(gpus);
	}
	if (rc == 0) {
		set->nslots = R->nslots;
		return set;
	}
	resource_set_destroy(set);
	errno = ENOMEM;
	return NULL;
}

/* Enters in M what of R there is in ALL: exactly what its scheduling part
 * says, if all of that is there, or else cores and gpus. */
static int enter(struct matcher *m, const struct resource_set *all,
		 uint64_t id, const struct resource_set *R, int64_t start,
		 int64_t end, struct proto_error *err)
{
	struct resource_set *set;
	int rc;

	if (json_object_get(R->scheduling, "picks")) {
		rc = matcher_adopt(m, id, R, false, start, end, NULL, err);
		if (rc == 0 || (errno != ENOENT && errno != EINVAL))
			return rc;
	}
	set = known_part(all, R);
	if (!set)
		return proto_error_set(err, ENOMEM, "out of memory");
	rc = set->count ? matcher_adopt(m, id, set, false, start, end, NULL,
					err) : 0;
	resource_set_destroy(set);
	return rc;
}

/* The R of a job, with its picks if they are more than cores and gpus. */
static struct resource_set *R_of(const struct matcher *m,
				 const struct match_job *job)
{
	struct proto_error err;
	struct resource_set *R = matcher_R(m, job, false, &err);

	if (!R) {
		errno = ENOMEM;
		return NULL;
	}
	R->scheduling = matcher_picks(m, job);
	if (R->scheduling || !errno)
		return R;
	resource_set_destroy(R);
	errno = ENOMEM;
	return NULL;
}

/* What jobs have by the old matcher, into M, whose nodes are ALL. */
static int enter_all(const struct matcher *old, struct matcher *m,
		     const struct resource_set *all, struct proto_error *err)
{
	const struct match_job *job = old ? matcher_next(old, 0, true) : NULL;
	struct resource_set *R;
	int rc = 0;

	for (; job && rc == 0; job = matcher_next(old, job->id, false)) {
		assert(!job->reserved);
		R = R_of(old, job);
		rc = R ? enter(m, all, job->id, R, job->start, job->end,
			       err) :
		     proto_error_set(err, ENOMEM, "out of memory");
		resource_set_destroy(R);
	}
	return rc;
}

/* G, which is taken, is the graph; its nodes are ALL. -1 with ENOMEM, or
 * EEXIST: jobs would have the same. */
static int set_graph(struct resources *r, struct graph *g,
		     const struct resource_set *all, struct proto_error *err)
{
	struct matcher *m = g ? matcher_create(g, r->policy) : NULL;
	int rc = 0;

	if (r->on_change)
		r->on_change(r->on_change_arg);
	if (g && !m)
		rc = proto_error_set(err, ENOMEM, "out of memory");
	if (m && rc == 0)
		rc = enter_all(r->matcher, m, all, err);
	if (rc < 0) {
		matcher_destroy(m);
		graph_destroy(g);
		return -1;
	}
	matcher_destroy(r->matcher);
	graph_destroy(r->graph);
	r->graph = g;
	r->matcher = m;
	r->generation++;
	r->epoch++;
	r->changes++;
	r->stale = false;
	return 0;
}

void resources_mark_down(struct resources *r)
{
	resources_mark_leaving(r);
	for (size_t i = 0; i < r->all->count; i++)
		set_down(r, r->all->nodes[i].rank,
			 !resources_is_up(r, r->all->nodes[i].rank));
}

int resources_refresh(struct resources *r)
{
	struct graph *g = NULL;
	struct proto_error err;

	if (!r->stale)
		return 0;
	if (r->all->count) {
		g = graph_from_resource_set(r->all, NULL, &err);
		if (!g)
			return -1;
	}
	if (set_graph(r, g, r->all, &err) < 0)
		return -1;
	resources_mark_down(r);
	return 0;
}

int resources_use(struct resources *r, struct graph *g,
		  struct proto_error *err)
{
	struct resource_set *all = graph_to_R(g, NULL, err);

	if (all && !all->count) {
		proto_error_set(err, EINVAL, "no resource has a rank");
		resource_set_destroy(all);
		all = NULL;
	}
	if (!all) {
		graph_destroy(g);
		return -1;
	}
	if (set_graph(r, g, all, err) < 0) {
		resource_set_destroy(all);
		return -1;
	}
	resource_set_destroy(r->all);
	r->all = all;
	resources_mark_down(r);
	return 0;
}

int resources_load(struct resources *r, const char *text, size_t len,
		   struct proto_error *err)
{
	struct graph *g;
	size_t count;

	if (!len) {
		resources_stay(r);
		r->stale |= r->loaded;
		r->loaded = false;
		return 0;
	}
	g = graph_from_text(text, len, NULL, err);
	if (!g)
		return -1;
	count = r->leaving_count;
	r->leaving_count = 0;	/* in the graph that was before */
	if (resources_use(r, g, err) < 0) {
		r->leaving_count = count;
		return -1;
	}
	r->leaving_count = count;
	resources_stay(r);
	r->loaded = true;
	return 0;
}

int resources_simulate(struct resources *r)
{
	r->simulated = true;
	if (resources_refresh(r) < 0)
		return -1;
	resources_mark_down(r);
	return 0;
}

bool resources_simulated(const struct resources *r)
{
	return r->simulated;
}

void resources_set_policy(struct resources *r,
			  const struct match_policy *policy)
{
	r->policy = policy ? policy : policy_find("first", NULL);
	r->epoch++;
	if (r->matcher)
		matcher_set_policy(r->matcher, r->policy);
}

/* ---- what jobs ask for ---- */

struct demand *resources_demand(struct resources *r, json_t *jobspec)
{
	return demand_get(&r->demands, jobspec);
}

/* The request of DEMAND with the condition of FILTER, or NULL. */
static struct request *request_for(struct resources *r,
				   struct demand *demand,
				   struct node_filter *filter,
				   struct proto_error *err)
{
	struct request *req = demand_request(demand, r->graph, r->generation);

	if (!req) {
		proto_error_set(err, errno, "%s", demand->wrong.text);
		return NULL;
	}
	if (filter->json && filter->generation != r->generation) {
		constraint_destroy(filter->made);
		filter->made = constraint_create(r->graph, filter->json, NULL,
						 NULL, err);
		if (!filter->made)
			return NULL;
		filter->generation = r->generation;
	}
	req->also = filter->made;
	return req;
}

struct resource_set *resources_alloc(struct resources *r, uint64_t id,
				     struct demand *demand,
				     struct node_filter *filter, double now,
				     double duration)
{
	const struct match_job *job;
	struct resource_set *R;
	struct request *req;
	struct proto_error err;

	if (resources_refresh(r) < 0)
		return NULL;
	if (!r->matcher) {
		errno = EAGAIN;
		return NULL;
	}
	req = request_for(r, demand, filter, &err);
	if (!req)
		return NULL;
	req->duration = (int64_t)ceil(duration);
	if (matcher_match(r->matcher, MATCH_ALLOCATE, id, req, (int64_t)now,
			  &job) < 0) {
		if (errno == EBUSY)
			errno = EAGAIN;
		return NULL;
	}
	R = R_of(r->matcher, job);
	if (!R)
		matcher_cancel(r->matcher, id);
	return R;
}

bool resources_ready(struct resources *r)
{
	errno = 0;
	return resources_refresh(r) == 0 && r->matcher;
}

struct request *resources_request(struct resources *r, struct demand *demand,
				  struct node_filter *filter)
{
	return request_for(r, demand, filter, NULL);
}

struct backfill *resources_backfill(struct resources *r,
				    const struct backfill_config *config)
{
	return backfill_create(r->matcher, config);
}

struct resource_set *resources_taken(struct resources *r, uint64_t id)
{
	const struct match_job *job = matcher_find(r->matcher, id);

	assert(job && !job->reserved);
	return R_of(r->matcher, job);
}

void resources_on_change(struct resources *r, void (*call)(void *arg),
			 void *arg)
{
	r->on_change = call;
	r->on_change_arg = arg;
}

uint64_t resources_changes(const struct resources *r)
{
	return r->changes;
}

uint64_t resources_frees(const struct resources *r)
{
	return r->frees;
}

/* "5 cores and 1 gpus", what is needed of each type but nodes. */
static void describe(const struct graph *g, const int64_t *need, char *text,
		     size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned k = 0; k < g->tracked; k++)
		if (need[k] && g->tracked_types[k] != g->node_type && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%lld %ss",
				n ? " and " : "", (long long)need[k],
				graph_string(g, g->types[
					g->tracked_types[k]].name));
}

/* The first type in LIST that the graph does not have, or NULL. */
static const char *missing_type(const struct graph *g, json_t *list)
{
	const char *name, *found;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		uint32_t t;

		name = json_string_value(json_object_get(item, "type"));
		if (!name)
			return NULL;
		t = graph_find_type(g, name);
		if (strcmp(name, "slot") &&
		    (t == GRAPH_NONE || !g->types[t].count))
			return name;
		found = missing_type(g, json_object_get(item, "with"));
		if (found)
			return found;
	}
	return NULL;
}

/* Why no request could be made of DEMAND. */
static int refuse_demand(const struct resources *r,
			 const struct demand *demand, struct proto_error *err)
{
	const char *type = missing_type(r->graph, json_object_get(demand->json,
							"resources"));

	if (type)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "the instance has no %.60s", type);
	return proto_error_set(err, EINVAL, "unsatisfiable request: %s",
			       demand->wrong.text);
}

/* Why REQ can never be met. */
static int refuse(const struct resources *r, const struct request *req,
		  struct proto_error *err)
{
	static const char *const first[] = { "node", "core", "gpu" };
	const struct graph *g = r->graph;
	const int64_t *have = graph_totals(g, g->vertices[0].group);
	const struct request_item *item = &req->items[0];
	char text[160];

	if (req->also)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "it does not fit on the nodes of its "
				       "queue");
	for (unsigned i = 0; i < 3 + g->tracked; i++) {
		uint32_t t = i < 3 ? graph_find_type(g, first[i]) :
			     g->tracked_types[i - 3];
		int k = t == GRAPH_NONE ? -1 : g->types[t].tracked;

		if (k >= 0 && req->need[k] > have[k])
			return proto_error_set(err, EINVAL, "unsatisfiable "
				"request: %lld %ss are needed, the instance "
				"has %lld", (long long)req->need[k],
				graph_string(g, g->types[t].name),
				(long long)have[k]);
	}
	if (req->constraint)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "it does not fit on the nodes that its "
				       "constraints allow");
	describe(g, item->need, text, sizeof(text));
	return proto_error_set(err, EINVAL, "unsatisfiable request: %lld %s "
			       "of %s on one node each are needed, there are "
			       "too few", (long long)item->count.min,
			       item->type == GRAPH_NONE ? "slots" :
			       item->type == g->node_type ? "nodes" : "parts",
			       text);
}

int resources_check(struct resources *r, struct demand *demand,
		    struct node_filter *filter, struct proto_error *err)
{
	const struct match_job *job;
	struct request *req;

	if (resources_refresh(r) < 0)
		return proto_error_set(err, ENOMEM, "out of memory");
	if (!r->matcher)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "there are no nodes");
	req = request_for(r, demand, filter, err);
	if (!req)
		return errno == EINVAL ? refuse_demand(r, demand, err) : -1;
	if (demand->asked_filter != filter->serial ||
	    demand->asked_epoch != r->epoch) {
		demand->can = matcher_match(r->matcher, MATCH_SATISFIABILITY,
					    0, req, 0, &job) == 0;
		if (!demand->can && errno != ENODEV)
			return proto_error_set(err, errno, "%s",
					       strerror(errno));
		demand->asked_filter = filter->serial;
		demand->asked_epoch = r->epoch;
	}
	return demand->can ? 0 : refuse(r, req, err);
}

/* ---- giving back, taking again ---- */

void resources_free(struct resources *r, uint64_t id)
{
	const struct match_job *job = r->matcher ?
				      matcher_find(r->matcher, id) : NULL;

	if (!job || job->reserved)
		return;
	matcher_cancel(r->matcher, id);
	r->frees++;
}

int resources_free_ranks(struct resources *r, uint64_t id,
			 const struct idset *ranks)
{
	bool gone;

	if (!r->matcher || !matcher_find(r->matcher, id))
		return 0;
	if (matcher_cancel_ranks(r->matcher, id, ranks, &gone) < 0)
		return -1;
	r->frees++;
	return 0;
}

void resources_set_end(struct resources *r, uint64_t id, double end)
{
	const struct match_job *job = r->matcher ?
				      matcher_find(r->matcher, id) : NULL;
	int64_t t = end > 0 ? (int64_t)ceil(end) : MATCH_TIME_MAX;

	if (!job || job->reserved)
		return;
	if (matcher_set_end(r->matcher, id, t > job->start ? t :
			    job->start + 1) == 0)
		r->changes++;
}

int resources_adopt(struct resources *r, uint64_t id,
		    const struct resource_set *R, struct proto_error *err)
{
	int64_t start = (int64_t)R->starttime, end = MATCH_TIME_MAX;

	for (size_t i = 0; i < R->count; i++) {
		const struct resource_node *n = &R->nodes[i];

		if (!r->loaded && !resource_set_find(r->all, n->rank) &&
		    resources_define(r, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			return proto_error_set(err, ENOMEM, "out of memory");
	}
	if (resources_refresh(r) < 0)
		return proto_error_set(err, ENOMEM, "out of memory");
	if (!r->matcher)
		return 0;
	if (R->expiration > 0)
		end = (int64_t)ceil(R->expiration);
	return enter(r->matcher, r->all, id, R, start, end > start ? end :
		     start + 1, err);
}

/* ---- reporting ---- */

/* Ids of TYPE beneath the node V that jobs have. */
static struct idset *used(const struct graph *g, uint32_t v, const char *type)
{
	uint32_t t = graph_find_type(g, type), from = 0, to = 0;
	struct idset *set = idset_create();

	if (t != GRAPH_NONE)
		graph_slice(g, v, t, &from, &to);
	for (; set && from < to; from++) {
		uint32_t leaf = g->by_type[from];

		if (g->vertices[leaf].id < 0 || !*graph_held(g, leaf) ||
		    idset_set(set, (unsigned)g->vertices[leaf].id) == 0)
			continue;
		idset_destroy(set);
		set = NULL;
	}
	return set;
}

static int add_used(const struct resources *r, struct resource_set *set,
		    const struct resource_node *n)
{
	uint32_t v = graph_find_rank(r->graph, n->rank);
	struct idset *cores, *gpus;
	int rc = -1;

	if (v == GRAPH_NONE || !*graph_held(r->graph, v))
		return 0;
	cores = used(r->graph, v, "core");
	gpus = used(r->graph, v, "gpu");
	if (cores && gpus)
		rc = idset_empty(cores) && idset_empty(gpus) ? 0 :
		     resource_set_add(set, n->rank, n->host, cores, gpus);
	idset_destroy(cores);
	idset_destroy(gpus);
	return rc;
}

struct resource_set *resources_part(struct resources *r,
				    enum resources_part part)
{
	struct resource_set *set = resource_set_create();

	if (!set || resources_refresh(r) < 0) {
		resource_set_destroy(set);
		return NULL;
	}
	for (size_t i = 0; i < r->all->count; i++) {
		const struct resource_node *n = &r->all->nodes[i];
		int rc = 0;

		if (part == RESOURCES_ALLOCATED)
			rc = add_used(r, set, n);
		else if (part == RESOURCES_ALL || !resources_is_up(r, n->rank))
			rc = resource_set_add(set, n->rank, n->host, n->cores,
					      n->gpus);
		if (rc < 0) {
			resource_set_destroy(set);
			return NULL;
		}
	}
	return set;
}

int resources_add_properties(const struct resources *r,
			     struct resource_set *set)
{
	for (size_t i = 0; r->graph && i < set->count; i++) {
		unsigned rank = set->nodes[i].rank;
		uint32_t v = graph_find_rank(r->graph, rank);

		if (v != GRAPH_NONE &&
		    graph_add_properties(r->graph, set, v, rank, true) < 0)
			return -1;
	}
	return 0;
}
