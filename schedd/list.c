/* SPDX-License-Identifier: Apache-2.0 */
/* job-list: jobs as objects with the attributes asked for. weir-jobs(7).
 *
 * Active jobs and records of finished ones are looked at through one view,
 * so that an attribute is written in one place only.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

/* One job of either kind; strings are borrowed, NULL or 0 is "no value". */
struct view {
	uint64_t id;
	uid_t userid;
	int urgency;
	int64_t priority;
	enum job_state state;
	int ntasks, ncores, nnodes;
	const double *entered;
	double duration, expiration;
	const char *name, *cwd, *queue, *nodelist, *ranks, *resources;
	bool exception, finished;
	int exception_severity, status, result;
	const char *exception_type, *exception_note;
	const struct job *job;		/* NULL once it has ended */
	const char *array, *rest;	/* as in struct record; or NULL */
	const char *memo;		/* and then this, or NULL */
};

static struct view view_job(const struct job *job)
{
	return (struct view) {
		.id = job->id, .userid = job->userid,
		.urgency = job->urgency, .priority = job->priority,
		.state = job->state, .ntasks = job->ntasks,
		.ncores = job->ncores, .nnodes = job->nnodes,
		.entered = job->entered, .duration = job->want.duration,
		.expiration = job->expiration, .name = job->name,
		.cwd = job->cwd, .queue = job->queue,
		.nodelist = job->nodelist, .ranks = job->ranks,
		.resources = job->resources, .exception = job->exception,
		.finished = job->finished,
		.exception_severity = job->exception_severity,
		.status = job->status, .result = 0,
		.exception_type = job->exception_type,
		.exception_note = job->exception_note, .job = job,
		.array = job->array ? job->array->text : NULL,
	};
}

static struct view view_record(const struct record *r)
{
	return (struct view) {
		.id = r->id, .userid = r->userid, .urgency = r->urgency,
		.priority = r->priority, .state = STATE_INACTIVE,
		.ntasks = r->ntasks, .ncores = r->ncores,
		.nnodes = r->nnodes, .entered = r->entered,
		.duration = r->duration, .expiration = r->expiration,
		.name = r->name, .cwd = r->cwd, .queue = r->queue,
		.nodelist = r->nodelist, .ranks = r->ranks,
		.resources = r->resources, .exception = r->exception,
		.finished = r->finished,
		.exception_severity = r->exception_severity,
		.status = r->status, .result = r->result,
		.exception_type = r->exception_type,
		.exception_note = r->exception_note, .memo = r->memo,
		.array = r->array, .rest = r->rest,
	};
}

/* ---- attributes: a new reference, or NULL for no value ---- */

static json_t *integer(bool has, long long n)
{
	return has ? json_integer(n) : NULL;
}

static json_t *number(double x)
{
	return x > 0 ? json_real(x) : NULL;
}

static json_t *string(const char *s)
{
	return s ? json_string(s) : NULL;
}

static bool ended(const struct view *v)
{
	return v->state == STATE_INACTIVE;
}

static json_t *annotations(const struct view *v)
{
	json_t *o = NULL, *user;

	user = v->job ? json_incref(v->job->memo) :
	       v->memo ? json_loads(v->memo, 0, NULL) : NULL;
	if (v->resources || user ||
	    (v->job && (v->job->expected > 0 || v->job->pending)))
		o = json_object();
	if (v->job && v->job->pending && v->state == STATE_SCHED)
		json_object_set_new(o, "sched", json_pack("{s:s}",
				    "reason_pending", v->job->pending));
	else if (v->job && v->job->expected > 0 && v->state == STATE_SCHED)
		json_object_set_new(o, "sched", json_pack("{s:f}",
				    "t_estimate", v->job->expected));
	if (v->resources)
		json_object_set_new(o, "sched", json_pack("{s:s}",
				    "resource_summary", v->resources));
	if (user)
		json_object_set_new(o, "user", user);
	return o;
}

/* What an array consists of, or of which one this is an element. */
static json_t *array(const struct view *v)
{
	const struct array *a = v->job ? v->job->array : NULL;
	char *rest = NULL;
	uint64_t id;
	uint32_t index;
	json_t *o;

	if (!v->array && jobid_is_element(v->id, &id, &index))
		return json_pack("{s:I s:I}", "id", (json_int_t)id, "index",
				 (json_int_t)index);
	if (!v->array)
		return NULL;
	if (a && array_rest(a, &rest) < 0)
		return NULL;
	o = json_pack("{s:s s:s*}", "indices", v->array, "rest",
		      a ? rest : v->rest);
	if (a)
		json_object_set_new(o, "active",
				    json_integer((json_int_t)a->active));
	free(rest);
	return o;
}

#define ATTRIBUTE(name, value) \
	static json_t *get_##name(const struct view *v) { return value; }
#define ATTRIBUTES(X) \
X(id, json_integer((json_int_t)v->id)) \
X(userid, json_integer(v->userid)) \
X(urgency, json_integer(v->urgency)) \
X(priority, integer(v->entered[STATE_SCHED] > 0, v->priority)) \
X(state, json_integer(STATE_BIT(v->state))) \
X(ntasks, json_integer(v->ntasks)) \
X(ncores, json_integer(v->ncores)) \
X(nnodes, integer(v->nnodes > 0, v->nnodes)) \
X(result, integer(ended(v), v->result)) \
X(waitstatus, integer(v->finished, v->status)) \
X(exception_severity, integer(v->exception, v->exception_severity)) \
X(t_submit, number(v->entered[STATE_NEW])) \
X(t_depend, number(v->entered[STATE_DEPEND])) \
X(t_priority, number(v->entered[STATE_PRIORITY])) \
X(t_sched, number(v->entered[STATE_SCHED])) \
X(t_run, number(v->entered[STATE_RUN])) \
X(t_cleanup, number(v->entered[STATE_CLEANUP])) \
X(t_inactive, number(v->entered[STATE_INACTIVE])) \
X(duration, number(v->duration)) \
X(expiration, number(v->expiration)) \
X(name, string(v->name)) \
X(cwd, string(v->cwd)) \
X(queue, string(v->queue)) \
X(nodelist, string(v->nodelist)) \
X(ranks, string(v->ranks)) \
X(exception_type, string(v->exception_type)) \
X(exception_note, string(v->exception_note)) \
X(success, ended(v) ? json_boolean(v->result == RESULT_COMPLETED) : NULL) \
X(exception_occurred, ended(v) ? json_boolean(v->exception) : NULL) \
X(dependencies, v->job ? dependency_list(v->job) : NULL) \
X(annotations, annotations(v)) \
X(array, array(v))

ATTRIBUTES(ATTRIBUTE)

static const struct attribute {
	const char *name;
	json_t *(*get)(const struct view *v);
} attributes[] = {
#define ROW(name, value) { #name, get_##name },
	ATTRIBUTES(ROW)
#undef ROW
};
#define COUNT (sizeof(attributes) / sizeof(attributes[0]))

/* WANTED[i]: attribute i is. */
static json_t *to_json(const struct view *v, const bool wanted[COUNT])
{
	json_t *o = json_object(), *value;
	size_t i;

	for (i = 0; o && i < COUNT; i++) {
		value = wanted[i] ? attributes[i].get(v) : NULL;
		if (value)
			json_object_set_new_nocheck(o, attributes[i].name,
						    value);
	}
	return o;
}

/* The id is always there. */
static int get_wanted(json_t *attrs, bool wanted[COUNT],
		      struct proto_error *err)
{
	json_t *name;
	size_t i, j;

	memset(wanted, 0, COUNT * sizeof(wanted[0]));
	wanted[0] = true;
	json_array_foreach(attrs, i, name) {
		const char *s = json_string_value(name);

		if (s && !strcmp(s, "all")) {
			memset(wanted, 1, COUNT * sizeof(wanted[0]));
			continue;
		}
		for (j = 0; s && j < COUNT; j++)
			if (!strcmp(attributes[j].name, s))
				break;
		if (!s || j == COUNT)
			return proto_error_set(err, EINVAL, "attrs: there is "
					       "no attribute \"%s\"",
					       s ? s : "(not a string)");
		wanted[j] = true;
	}
	return 0;
}

/* ---- list ---- */

struct query {
	weir_call_t *call;
	size_t max;
	bool wanted[COUNT];
	double since;
	json_int_t userid;		/* -1: any */
	unsigned states, results;
	const char *name, *queue;
	json_t *jobs;			/* the answer */
};

static bool matches(struct schedd *s, const struct query *q,
		    const struct view *v)
{
	return (q->states & STATE_BIT(v->state)) &&
	       (q->userid < 0 || v->userid == (uid_t)q->userid) &&
	       (!q->results || (unsigned)v->result & q->results) &&
	       (!q->name || !strcmp(v->name, q->name)) &&
	       (!q->queue || (v->queue && !strcmp(v->queue, q->queue))) &&
	       (q->since <= 0 || !ended(v) ||
		v->entered[STATE_INACTIVE] > q->since) &&
	       may_act(s, q->call, v->userid);
}

static bool full(const struct query *q)
{
	return q->max && json_array_size(q->jobs) >= q->max;
}

static void add(struct schedd *s, struct query *q, const struct view *v)
{
	if (!full(q) && matches(s, q, v))
		json_array_append_new(q->jobs, to_json(v, q->wanted));
}

static double last_change(const struct job *job)
{
	return job->entered[STATE_CLEANUP] > 0 ?
	       job->entered[STATE_CLEANUP] : job->entered[STATE_RUN];
}

/* Pending ones by priority, then running ones, the newest first. */
static int compare(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a;
	const struct job *y = *(struct job *const *)b;
	bool rx = x->state >= STATE_RUN, ry = y->state >= STATE_RUN;
	double tx, ty;

	if (rx != ry)
		return rx ? 1 : -1;
	if (!rx)
		return jobs_compare(x, y);
	tx = last_change(x);
	ty = last_change(y);
	if (tx != ty)
		return tx > ty ? -1 : 1;
	return x->id > y->id ? -1 : 1;
}

static int add_active(struct schedd *s, struct query *q)
{
	size_t n = jobs_count(s->jobs), i = 0;
	struct job **sorted = calloc(n + 1, sizeof(*sorted)), *job;

	if (!sorted)
		return -1;
	for (job = jobs_first(s->jobs); job; job = job->next)
		sorted[i++] = job;
	qsort(sorted, n, sizeof(*sorted), compare);
	for (i = 0; i < n && !full(q); i++) {
		struct view v = view_job(sorted[i]);

		add(s, q, &v);
	}
	free(sorted);
	return 0;
}

static void add_inactive(struct schedd *s, struct query *q)
{
	const struct record *r;
	size_t i;

	for (i = 0; !full(q) && (r = history_nth(s->history, i)); i++) {
		struct view v = view_record(r);

		if (q->since > 0 && r->entered[STATE_INACTIVE] <= q->since)
			break;
		add(s, q, &v);
	}
}

static bool find(struct schedd *s, uint64_t id, struct view *v)
{
	struct job *job = jobs_find(s->jobs, id);
	const struct record *r = job ? NULL : history_find(s->history, id);

	if (!job && !r && !(job = arrays_rest_of(s, id)))
		r = arrays_rest_record(s, id);
	if (job)
		*v = view_job(job);
	else if (r)
		*v = view_record(r);
	else
		return false;
	/* an element that there is only as one of the array's */
	if (v->id != id)
		v->array = NULL;
	v->id = id;
	return true;
}

static void add_ids(struct schedd *s, struct query *q, json_t *ids)
{
	struct view v;
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
		if (find(s, (uint64_t)json_integer_value(id), &v))
			add(s, q, &v);
}

static int get_query(struct query *q, json_t *o, json_t **ids,
		     struct proto_error *err)
{
	json_int_t max = 1000, states = 0, results = 0;
	json_error_t error;
	json_t *attrs = NULL;

	q->userid = -1;
	if (json_unpack_ex(o, &error, 0, "{s?I s?o s?F s?I s?I s?I s?s s?s "
			   "s?o}", "max_entries", &max, "attrs", &attrs,
			   "since", &q->since, "userid", &q->userid, "states",
			   &states, "results", &results, "name", &q->name,
			   "queue", &q->queue, "ids", ids) < 0)
		return proto_error_set(err, EPROTO, "%s", error.text);
	if (max < 0)
		return proto_error_set(err, EINVAL, "max_entries: must be 0 "
				       "(all) or more");
	if ((attrs && !json_is_array(attrs)) || (*ids && !json_is_array(*ids)))
		return proto_error_set(err, EPROTO, "attrs and ids: must be "
				       "arrays");
	q->max = (size_t)max;
	q->states = states ? (unsigned)states : STATE_ALL;
	q->results = (unsigned)results;
	return get_wanted(attrs, q->wanted, err);
}

void do_list(struct schedd *s, weir_call_t *call)
{
	struct query q = { .call = call };
	json_t *o = call_json(call), *ids = NULL;
	struct proto_error error;

	if (!o)
		return;
	if (get_query(&q, o, &ids, &error) < 0) {
		weir_call_fail(call, errno, "%s", error.text);
		json_decref(o);
		return;
	}
	q.jobs = json_array();
	if (ids) {
		add_ids(s, &q, ids);
	} else {
		if (q.states & ~STATE_BIT(STATE_INACTIVE) &&
		    add_active(s, &q) < 0) {
			json_decref(q.jobs);
			q.jobs = NULL;
		}
		if (q.states & STATE_BIT(STATE_INACTIVE))
			add_inactive(s, &q);
	}
	call_answer(call, q.jobs ? json_pack("{s:o}", "jobs", q.jobs) : NULL);
	json_decref(o);
}

void do_list_id(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call), *attrs = NULL;
	bool wanted[COUNT];
	struct proto_error error;
	json_error_t jerror;
	json_int_t id;
	struct view v;

	if (!o)
		return;
	if (json_unpack_ex(o, &jerror, 0, "{s:I s?o}", "id", &id, "attrs",
			   &attrs) < 0)
		weir_call_fail(call, EPROTO, "%s", jerror.text);
	else if (get_wanted(attrs, wanted, &error) < 0)
		weir_call_fail(call, errno, "%s", error.text);
	else if (!find(s, (uint64_t)id, &v) || !may_act(s, call, v.userid))
		weir_call_fail(call, ENOENT, "no such job");
	else
		call_answer(call, json_pack("{s:o}", "job",
					    to_json(&v, wanted)));
	json_decref(o);
}

/* ---- job-stats ---- */

static const char *const stat_names[STATES] = {
	[STATE_NEW] = "new", [STATE_DEPEND] = "depend",
	[STATE_PRIORITY] = "priority", [STATE_SCHED] = "sched",
	[STATE_RUN] = "run", [STATE_CLEANUP] = "cleanup",
	[STATE_INACTIVE] = "inactive",
};

void do_job_stats(struct schedd *s, weir_call_t *call)
{
	size_t count[STATES] = { 0 }, total = 0;
	json_t *states = json_object();
	struct job *job;
	int i;

	for (job = jobs_first(s->jobs); job; job = job->next)
		count[job->state]++;
	count[STATE_INACTIVE] = history_count(s->history, 0);
	for (i = 0; i < STATES; i++) {
		total += count[i];
		json_object_set_new(states, stat_names[i],
				    json_integer((json_int_t)count[i]));
	}
	json_object_set_new(states, "total", json_integer((json_int_t)total));
	call_answer(call, json_pack("{s:o s:I s:I s:I s:I s:I s:o}",
		"job_states", states,
		"successful", (json_int_t)history_count(s->history,
							RESULT_COMPLETED),
		"failed", (json_int_t)history_count(s->history,
						    RESULT_FAILED),
		"canceled", (json_int_t)history_count(s->history,
						      RESULT_CANCELED),
		"timeout", (json_int_t)history_count(s->history,
						     RESULT_TIMEOUT),
		"inactive_purged", (json_int_t)s->purged, "queues", queues_stats(s)));
}
