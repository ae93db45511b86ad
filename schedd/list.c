/* SPDX-License-Identifier: Apache-2.0 */
/* job-list: jobs as objects with the attributes asked for. weir-jobs(7).
 *
 * A listing is given by pages, each an answer of bounded size for which a
 * bounded number of jobs is looked at. Nothing is kept between: a page ends
 * with the place in the order where the next goes on.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/list.h"
#include "schedd/schedd.h"

#define PAGE_BYTES	(1 << 20)	/* then the next begins */
#define LOOK_MAX	200000		/* ended jobs looked at for one page */

/* Where a job is in the order: those that wait, by priority, then those that
 * run, then those that have ended, each the newest first. */
struct place {
	enum { PLACE_BEGIN, PLACE_WAITS, PLACE_RUNS, PLACE_ENDED } part;
	double number;		/* priority, or seconds since 1970 */
	uint64_t id;
};

struct query {
	weir_call_t *call;
	size_t max, bytes;		/* of a page; max 0: no limit */
	uint64_t wanted;		/* attributes */
	double since;
	json_int_t userid;		/* -1: any */
	unsigned states, results;
	const char *name, *queues;
	struct place after;
	/* the answer */
	struct wire_buf text;
	size_t count;
	bool failed, more;		/* more may follow behind: */
	struct place last;
};

static struct place place_job(const struct job *job)
{
	bool runs = job->state >= STATE_RUN;
	double changed = job->entered[STATE_CLEANUP] > 0 ?
			 job->entered[STATE_CLEANUP] : job->entered[STATE_RUN];

	return (struct place) {
		.part = runs ? PLACE_RUNS : PLACE_WAITS,
		.number = runs ? changed : (double)job->priority,
		.id = job->id,
	};
}

static int place_compare(const struct place *a, const struct place *b)
{
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	if (a->number != b->number)
		return a->number > b->number ? -1 : 1;
	if (a->id == b->id)
		return 0;
	return (a->id < b->id) == (a->part == PLACE_WAITS) ? -1 : 1;
}

/* ---- which jobs ---- */

/* One of the names with commas between. */
static bool is_among(const char *name, const char *names)
{
	size_t len = strlen(name), n;

	for (;; names += n + 1) {
		n = strcspn(names, ",");
		if (n == len && !memcmp(name, names, n))
			return true;
		if (!names[n])
			return false;
	}
}

static bool matches(struct schedd *s, const struct query *q,
		    const struct view *v)
{
	bool ended = v->state == STATE_INACTIVE;

	return (q->states & STATE_BIT(v->state)) &&
	       (q->userid < 0 || v->userid == (uid_t)q->userid) &&
	       (!q->results || !ended || (unsigned)v->result & q->results) &&
	       (!q->name || !strcmp(v->name, q->name)) &&
	       (!q->queues || (v->queue && is_among(v->queue, q->queues))) &&
	       (q->since <= 0 || !ended ||
		v->entered[STATE_INACTIVE] > q->since) &&
	       may_act(s, q->call, v->userid);
}

static bool full(const struct query *q)
{
	return q->failed || q->text.len >= q->bytes ||
	       (q->max && q->count >= q->max);
}

static void add(struct query *q, const struct view *v)
{
	if ((q->count++ && wire_buf_add(&q->text, ",", 1) < 0) ||
	    view_write(&q->text, v, q->wanted) < 0)
		q->failed = true;
}

struct active {
	struct place place;
	const struct job *job;
};

static int compare(const void *a, const void *b)
{
	return place_compare(&((const struct active *)a)->place,
			     &((const struct active *)b)->place);
}

static void add_active(struct schedd *s, struct query *q)
{
	struct active *found = calloc(jobs_count(s->jobs) + 1, sizeof(*found));
	struct job *job;
	size_t n = 0, i;

	if (!found) {
		q->failed = true;
		return;
	}
	for (job = jobs_first(s->jobs); job; job = job->next) {
		struct view v = view_job(job);

		found[n] = (struct active) { place_job(job), job };
		if (matches(s, q, &v) &&
		    place_compare(&q->after, &found[n].place) < 0)
			n++;
	}
	qsort(found, n, sizeof(*found), compare);
	for (i = 0; i < n && !full(q); i++) {
		struct view v = view_job(found[i].job);

		add(q, &v);
		q->last = found[i].place;
	}
	q->more = i < n;
	free(found);
}

static void add_inactive(struct schedd *s, struct query *q)
{
	size_t first = q->after.part < PLACE_ENDED ? 0 :
		       history_behind(s->history, q->after.number,
				      q->after.id), i;
	const struct record *r;

	for (i = first; (r = history_nth(s->history, i)); i++) {
		struct view v = view_record(r);

		if (q->since > 0 && r->entered[STATE_INACTIVE] <= q->since)
			return;
		if (full(q) || i - first == LOOK_MAX) {
			q->more = true;
			return;
		}
		if (matches(s, q, &v))
			add(q, &v);
		q->last = (struct place) { PLACE_ENDED,
				r->entered[STATE_INACTIVE], r->id };
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

	q->bytes = SIZE_MAX;
	json_array_foreach(ids, i, id)
		if (!full(q) && find(s, (uint64_t)json_integer_value(id), &v) &&
		    matches(s, q, &v))
			add(q, &v);
}

/* ---- list ---- */

/* The place from [PART,NUMBER,ID]. */
static int get_after(struct place *place, json_t *after,
		     struct proto_error *err)
{
	json_int_t part, id;

	if (json_unpack(after, "[I,F,I!]", &part, &place->number, &id) < 0 ||
	    part < PLACE_WAITS || part > PLACE_ENDED)
		return proto_error_set(err, EINVAL, "after: must be \"more\" "
				       "of an answer");
	place->part = (unsigned)part;
	place->id = (uint64_t)id;
	return 0;
}

static int get_query(struct query *q, json_t *o, json_t **ids,
		     struct proto_error *err)
{
	json_int_t max = 1000, states = 0, results = 0;
	json_t *attrs = NULL, *after = NULL;
	json_error_t error;

	q->userid = -1;
	if (json_unpack_ex(o, &error, 0, "{s?I s?o s?F s?I s?I s?I s?s s?s "
			   "s?o s?o}", "max_entries", &max, "attrs", &attrs,
			   "since", &q->since, "userid", &q->userid, "states",
			   &states, "results", &results, "name", &q->name,
			   "queue", &q->queues, "ids", ids, "after",
			   &after) < 0)
		return proto_error_set(err, EPROTO, "%s", error.text);
	if (max < 0)
		return proto_error_set(err, EINVAL, "max_entries: must be 0 "
				       "(all) or more");
	if ((attrs && !json_is_array(attrs)) || (*ids && !json_is_array(*ids)))
		return proto_error_set(err, EPROTO, "attrs and ids: must be "
				       "arrays");
	q->max = (size_t)max;
	q->bytes = PAGE_BYTES;
	q->states = states ? (unsigned)states :
		    results ? STATE_BIT(STATE_INACTIVE) : STATE_ALL;
	q->results = (unsigned)results;
	if (after && get_after(&q->after, after, err) < 0)
		return -1;
	return view_attributes(attrs, &q->wanted, err);
}

/* "more" is left out once nothing follows. */
static void answer(struct query *q)
{
	struct wire_buf *b = &q->text;
	char more[64];
	int n = snprintf(more, sizeof(more), "],\"more\":[%d,%.17e,%lld]}",
			 q->last.part, q->last.number, (long long)q->last.id);

	if (!q->failed && wire_buf_add(b, q->more ? more : "]}",
				       q->more ? (size_t)n : 2) == 0)
		weir_call_reply(q->call, b->data, b->len);
	else
		weir_call_fail(q->call, ENOMEM, "out of memory");
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
	wire_buf_init(&q.text);
	q.failed = wire_buf_add(&q.text, "{\"jobs\":[", 9) < 0;
	if (ids) {
		add_ids(s, &q, ids);
	} else {
		if (q.states & ~STATE_BIT(STATE_INACTIVE) &&
		    q.after.part < PLACE_ENDED)
			add_active(s, &q);
		if (q.states & STATE_BIT(STATE_INACTIVE) && !q.more)
			add_inactive(s, &q);
	}
	answer(&q);
	wire_buf_free(&q.text);
	json_decref(o);
}

void do_list_id(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call), *attrs = NULL;
	struct proto_error error;
	struct wire_buf b;
	json_error_t jerror;
	uint64_t wanted;
	json_int_t id;
	struct view v;

	if (!o)
		return;
	wire_buf_init(&b);
	if (json_unpack_ex(o, &jerror, 0, "{s:I s?o}", "id", &id, "attrs",
			   &attrs) < 0)
		weir_call_fail(call, EPROTO, "%s", jerror.text);
	else if (view_attributes(attrs, &wanted, &error) < 0)
		weir_call_fail(call, errno, "%s", error.text);
	else if (!find(s, (uint64_t)id, &v) || !may_act(s, call, v.userid))
		weir_call_fail(call, ENOENT, "no such job");
	else if (wire_buf_add(&b, "{\"job\":", 7) < 0 ||
		 view_write(&b, &v, wanted) < 0 ||
		 wire_buf_add(&b, "}", 1) < 0)
		weir_call_fail(call, ENOMEM, "out of memory");
	else
		weir_call_reply(call, b.data, b.len);
	wire_buf_free(&b);
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
