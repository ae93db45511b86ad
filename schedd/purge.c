/* SPDX-License-Identifier: Apache-2.0 */
/* Ended jobs go for good: by job-manager.purge, or by the limits of the
 * configuration, some in each turn. weir-jobs(7), weir-config(5). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

#define PURGE_TURN	200	/* jobs in a turn */

/* Limits that a job must be beyond, or ids. */
struct purge {
	struct purge *next;
	weir_call_t *call;	/* NULL: the caller has left */
	double before;		/* ended before; 0: no matter */
	long long keep;		/* so many at most; NO_LIMIT */
	uint64_t *id;		/* or these */
	size_t count, done, purged;
};

static void purge_free(struct purge *p)
{
	if (p)
		free(p->id);
	free(p);
}

/* ---- one job ---- */

static void on_parent(weir_future_t *f, void *arg)
{
	weir_future_destroy(f);
}

static void remove_parent(struct schedd *s, const char *key)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f = NULL;

	if (txn && weir_txn_unlink(txn, key, WEIR_UNLINK_FORCE) == 0)
		f = weir_kvs_commit(s->h, "primary", txn, 0);
	weir_txn_destroy(txn);
	if (f && weir_future_then(f, -1, on_parent, NULL) < 0)
		weir_future_destroy(f);
}

/* The directories that ids share go when all in them have gone. A
 * transaction for each, behind those of the jobs: one that is refused, because
 * there are other jobs in it, does no harm. */
static void remove_parents(struct schedd *s)
{
	char key[JOBID_SIZE];
	size_t i;

	for (i = 0; i < s->parent_count; i++) {
		jobid_encode(s->parents[i], JOBID_KVS, key);
		*strrchr(key, '.') = '\0';
		remove_parent(s, key);
	}
	free(s->parents);
	s->parents = NULL;
	s->parent_count = 0;
}

/* ID's, in the next turn. */
static void note_parent(struct schedd *s, uint64_t id)
{
	uint64_t *p;

	if (s->parent_count > 0 &&
	    s->parents[s->parent_count - 1] >> 16 == id >> 16)
		return;
	p = reallocarray(s->parents, s->parent_count + 1, sizeof(*p));
	if (!p)
		return;
	s->parents = p;
	p[s->parent_count++] = id;
}

static void purge_one(struct schedd *s, const struct record *r)
{
	char key[JOBID_SIZE];

	jobid_encode(r->id, JOBID_KVS, key);
	weir_txn_unlink(commit_txn(s->commit), key, WEIR_UNLINK_RECURSIVE |
			WEIR_UNLINK_FORCE);
	note_parent(s, r->id);
	if (r->flags & WEIR_JOB_WAITABLE)
		waits_forget(s, r->id, r->userid);
	queue_forget(s->queues, r->queue ? r->queue : "", r->result);
	ended_remove(s, r);
	history_remove(s->history, r->id);
	s->purged++;
}

/* A job that ended in this turn: its log is still to be written, and would
 * come back. */
static bool is_fresh(struct schedd *s, const struct record *r)
{
	size_t i;

	for (i = 0; i < s->fresh; i++)
		if (history_nth(s->history, i) == r)
			return true;
	return false;
}

/* ---- by limits ---- */

static bool beyond(struct schedd *s, const struct record *r, double before,
		   long long keep)
{
	size_t count = history_count(s->history, 0);

	return r && ((keep != NO_LIMIT && count > (unsigned long long)keep) ||
		     (before > 0 && r->entered[STATE_INACTIVE] < before));
}

/* How many would go. */
static size_t count_beyond(struct schedd *s, const struct purge *p)
{
	size_t n = history_count(s->history, 0), by_number = 0, by_age = 0;
	const struct record *r;

	if (p->keep != NO_LIMIT && n > (unsigned long long)p->keep)
		by_number = n - (size_t)p->keep;
	while (p->before > 0 && by_age < n &&
	       (r = history_nth(s->history, n - 1 - by_age)) &&
	       r->entered[STATE_INACTIVE] < p->before)
		by_age++;
	return by_number > by_age ? by_number : by_age;
}

/* At most MAX of the oldest; whether there are more. */
static bool purge_oldest(struct schedd *s, double before, long long keep,
			 size_t max, size_t *purged)
{
	const struct record *r;

	while (beyond(s, r = history_oldest(s->history), before, keep)) {
		if (max-- == 0 || is_fresh(s, r))
			return true;
		purge_one(s, r);
		if (purged)
			++*purged;
	}
	return false;
}

static void on_age(evutil_socket_t fd, short what, void *arg)
{
	struct schedd *s = arg;

	assert(s->magic == SCHEDD_MAGIC);
	purge_wake(s);
}

/* When the oldest is old enough. */
static void set_timer(struct schedd *s)
{
	const struct record *r = history_oldest(s->history);
	struct timeval tv = { 0, 1000 };
	double left;

	if (!r || s->queues->age_limit <= 0)
		return;
	left = r->entered[STATE_INACTIVE] + s->queues->age_limit - now_wall();
	if (left > 86400)
		left = 86400;
	if (left > 0)
		tv.tv_sec = (time_t)left + 1;
	if (!s->purge_timer)
		s->purge_timer = evtimer_new(s->base, on_age, s);
	if (!s->purge_timer || evtimer_add(s->purge_timer, &tv) < 0)
		schedd_restart(s, "out of memory");
}

void purge_wake(struct schedd *s)
{
	s->purge_wanted = true;
	commit_wake(s->commit);
}

/* How many there are more than wanted. */
static size_t excess(struct schedd *s)
{
	size_t n = history_count(s->history, 0);
	long long limit = s->queues->num_limit;

	return limit != NO_LIMIT && n > (size_t)limit ? n - (size_t)limit : 0;
}

static void by_configuration(struct schedd *s)
{
	const struct queues *q = s->queues;

	if (!s->purge_wanted && excess(s) == 0) {
		if (!s->purge_timer || !evtimer_pending(s->purge_timer, NULL))
			set_timer(s);
		return;
	}
	/* more than a turn's worth waits for room */
	if (excess(s) > PURGE_TURN && !turn_room(s)) {
		s->purge_wanted = true;
		return;
	}
	s->purge_wanted = purge_oldest(s, q->age_limit > 0 ? now_wall() -
				       q->age_limit : 0, q->num_limit,
				       PURGE_TURN, NULL);
	if (s->purge_wanted)
		turn_again(s);
	else
		set_timer(s);
}

/* ---- by calls ---- */

static void answer(struct schedd *s, weir_call_t *call, size_t purged)
{
	weir_call_on_drop(call, NULL, NULL);
	commit_reply_json(s->commit, call, json_pack("{s:I s:I}", "count",
			  (json_int_t)purged, "total",
			  (json_int_t)history_count(s->history, 0)));
}

static bool purge_some(struct schedd *s, struct purge *p)
{
	const struct record *r;
	int n = 0;

	if (!p->id)
		return purge_oldest(s, p->before, p->keep, PURGE_TURN,
				    &p->purged);
	while (p->done < p->count && n++ < PURGE_TURN) {
		r = history_find(s->history, p->id[p->done]);
		if (r && is_fresh(s, r))
			break;
		p->done++;
		if (!r)
			continue;
		purge_one(s, r);
		p->purged++;
	}
	return p->done < p->count;
}

void purge_turn(struct schedd *s)
{
	struct purge *p = s->purges;

	remove_parents(s);
	if (p && turn_room(s) && !purge_some(s, p)) {
		s->purges = p->next;
		if (p->call)
			answer(s, p->call, p->purged);
		purge_free(p);
	}
	by_configuration(s);
	if (s->purges || s->parent_count > 0)
		turn_again(s);
}

void purge_stop(struct schedd *s)
{
	struct purge *p;

	while ((p = s->purges)) {
		s->purges = p->next;
		if (p->call)
			weir_call_fail(p->call, ECONNRESET, "schedd ends");
		purge_free(p);
	}
	if (s->purge_timer)
		event_free(s->purge_timer);
	s->purge_timer = NULL;
	free(s->parents);
}

/* What was asked for goes on. */
static void on_drop(weir_call_t *call, void *arg)
{
	struct schedd *s = arg;
	struct purge *p = s->purges;

	assert(s->magic == SCHEDD_MAGIC);
	while (p && p->call != call)
		p = p->next;
	if (p)
		p->call = NULL;
	weir_call_fail(call, ECANCELED, "canceled");
}

/* The elements of ARRAY behind the P->count ids that there are: they cannot be
 * understood without it. -1 with ENOMEM. */
static int take_elements(struct schedd *s, struct purge *p, uint64_t array)
{
	size_t i, n = history_count(s->history, 0), size = p->count;
	const struct record *r;
	uint64_t of, *ids;
	uint32_t index;

	for (i = 0; i < n; i++) {
		r = history_nth(s->history, i);
		if (!jobid_is_element(r->id, &of, &index) || of != array)
			continue;
		if (p->count == size) {
			size = 2 * size + 64;
			ids = reallocarray(p->id, size, sizeof(*ids));
			if (!ids)
				return -1;
			p->id = ids;
		}
		p->id[p->count++] = r->id;
	}
	return 0;
}

/* With each array its elements. */
static int take_arrays(struct schedd *s, weir_call_t *call, struct purge *p)
{
	const struct record *r;
	size_t i, n = p->count;

	for (i = 0; i < n; i++) {
		r = history_find(s->history, p->id[i]);
		if (r->array && take_elements(s, p, r->id) < 0) {
			weir_call_fail(call, ENOMEM, "out of memory");
			return -1;
		}
	}
	return 0;
}

/* -1 and the call has failed. */
static int take_ids(struct schedd *s, weir_call_t *call, struct purge *p,
		    json_t *ids)
{
	char f58[JOBID_SIZE];
	json_t *id;
	size_t i;

	p->id = calloc(json_array_size(ids) + 1, sizeof(*p->id));
	if (!p->id) {
		weir_call_fail(call, ENOMEM, "out of memory");
		return -1;
	}
	json_array_foreach(ids, i, id) {
		p->id[i] = (uint64_t)json_integer_value(id);
		if (history_find(s->history, p->id[i]))
			continue;
		jobid_encode(p->id[i], JOBID_F58, f58);
		if (jobs_find(s->jobs, p->id[i]))
			weir_call_fail(call, EINVAL, "%s: cannot purge active "
				       "job", f58);
		else
			weir_call_fail(call, ENOENT, "%s: no such job", f58);
		return -1;
	}
	p->count = json_array_size(ids);
	return take_arrays(s, call, p);
}

static void begin(struct schedd *s, weir_call_t *call, struct purge *p,
		  bool force)
{
	struct purge **last = &s->purges;

	if (!force) {
		answer(s, call, p->id ? p->count : count_beyond(s, p));
		purge_free(p);
		return;
	}
	while (*last)
		last = &(*last)->next;
	*last = p;
	p->call = call;
	weir_call_on_drop(call, on_drop, s);
	commit_wake(s->commit);
}

void do_purge(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call), *ids = NULL;
	struct purge *p = calloc(1, sizeof(*p));
	json_int_t keep = NO_LIMIT;
	json_error_t error;
	double age = -1;
	int force = 0;

	if (!o) {
		free(p);
		return;
	}
	if (!p) {
		weir_call_fail(call, ENOMEM, "out of memory");
	} else if (!may_act(s, call, s->uid)) {
		weir_call_fail(call, EPERM, "only the instance's owner may do "
			       "that");
	} else if (json_unpack_ex(o, &error, 0, "{s?F s?I s?b s?o}",
				  "age_limit", &age, "num_limit", &keep,
				  "force", &force, "ids", &ids) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
	} else if (!ids || take_ids(s, call, p, ids) == 0) {
		p->before = age >= 0 ? now_wall() - age : 0;
		p->keep = keep < 0 ? NO_LIMIT : keep;
		begin(s, call, p, force);
		p = NULL;
	}
	purge_free(p);
	json_decref(o);
}
