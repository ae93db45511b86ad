/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of job arrays: made, followed, and counted when they end. See
 * array.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

#define AHEAD		256	/* elements of an array that may wait */
#define STOP_TURN	500	/* elements stopped in a turn */

void arrays_add(struct schedd *s, struct job *job)
{
	struct array *a = job->array;

	a->next_array = s->arrays;
	if (a->next_array)
		a->next_array->array->prev_array = &a->next_array;
	a->prev_array = &s->arrays;
	s->arrays = job;
}

static void todo(struct schedd *s, struct job *job)
{
	struct array *a = job->array;

	commit_wake(s->commit);
	if (a->prev_todo)
		return;
	a->next_todo = s->array_todo;
	if (a->next_todo)
		a->next_todo->array->prev_todo = &a->next_todo;
	a->prev_todo = &s->array_todo;
	s->array_todo = job;
}

static void done(struct array *a)
{
	if (!a->prev_todo)
		return;
	*a->prev_todo = a->next_todo;
	if (a->next_todo)
		a->next_todo->array->prev_todo = a->prev_todo;
	a->prev_todo = NULL;
}

void arrays_wake(struct schedd *s, struct job *array)
{
	array->array->look = true;
	todo(s, array);
}

static void changed(struct schedd *s, struct job *array)
{
	array->array->changed = true;
	todo(s, array);
}

bool arrays_wait(struct schedd *s)
{
	return s->array_todo;
}

static struct job *array_of(struct schedd *s, uint64_t id, uint32_t *index)
{
	uint64_t array;
	struct job *job;

	if (!jobid_is_element(id, &array, index))
		return NULL;
	job = jobs_find(s->jobs, array);
	return job && job->array ? job : NULL;
}

/* ---- elements as they live ---- */

static void enter(struct job *array, struct job *job)
{
	struct array *a = array->array;

	job->parent = array;
	job->sibling = a->first;
	if (job->sibling)
		job->sibling->sibling_of = &job->sibling;
	job->sibling_of = &a->first;
	a->first = job;
	a->active++;
	a->waiting += job->state < STATE_RUN;
}

static void leave(struct job *job)
{
	*job->sibling_of = job->sibling;
	if (job->sibling)
		job->sibling->sibling_of = job->sibling_of;
	job->parent->array->active--;
	job->parent = NULL;
}

void arrays_adopt(struct schedd *s, struct job *job)
{
	uint32_t index;
	struct job *array = array_of(s, job->id, &index);

	if (!array)
		return;
	enter(array, job);
	array->array->held += dependency_is_open(job, ARRAY_HOLD);
}

void array_moved(struct schedd *s, struct job *job, enum job_state before)
{
	struct array *a = job->parent->array;

	if (before <= STATE_DEPEND && job->state > STATE_DEPEND &&
	    dependency_is_open(job, ARRAY_HOLD))
		a->held--;	/* it ends before its turn */
	if (before < STATE_RUN && job->state >= STATE_RUN)
		a->waiting--;
	if (a->waiting < AHEAD / 2)
		arrays_wake(s, job->parent);
}

void array_ended(struct schedd *s, struct job *job)
{
	struct job *array = job->parent;
	struct array *a = array->array;

	leave(job);
	a->results[job_result(job)]++;
	if (job->finished && job->status > a->status)
		a->status = job->status;
	changed(s, array);
	arrays_wake(s, array);
}

/* ---- making them ---- */

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to ? 0 : -1;
}

/* As the array's request is now. */
static int copy_request(struct job *job, const struct job *array)
{
	job->userid = array->userid;
	job->want = array->want;
	job->named = array->named;
	job->immutable = array->immutable;
	job->ntasks = array->ntasks;
	job->nnodes = array->nnodes;
	job->ncores = array->ncores;
	job->demand = demand_hold(array->demand);
	return copy(&job->name, array->name) | copy(&job->cwd, array->cwd) |
	       copy(&job->queue, array->queue);
}

static struct job *new_element(struct schedd *s, const struct job *array,
			       uint32_t index)
{
	struct job *job = NULL;
	uint64_t id;

	if (jobid_element(array->id, index, &id) == 0)
		job = job_create(s, id);
	if (!job)
		return NULL;
	if (copy_request(job, array) == 0 && queue_enter(array->q, job) == 0) {
		if (jobs_add(s->jobs, job) == 0)
			return job;
		queue_leave(job);
	}
	job_destroy(job);
	return NULL;
}

static void link_to(struct schedd *s, const struct job *job,
		    const struct job *array, const char *name)
{
	char key[JOBID_SIZE + 16], target[JOBID_SIZE + 16];

	snprintf(key, sizeof(key), "%s.%s", job->key, name);
	snprintf(target, sizeof(target), "%s.%s", array->key, name);
	weir_txn_link(commit_txn(s->commit), key, target, NULL);
}

/* Element INDEX comes to life, and goes as far as it can. */
static void make(struct schedd *s, struct job *array, uint32_t index,
		 bool hold)
{
	struct job *job = new_element(s, array, index);
	struct jobevent ev = {
		.event = EVENT_SUBMIT, .userid = array->userid,
		.urgency = array->urgency, .flags = array->flags,
	}, update = { .event = EVENT_JOBSPEC_UPDATE,
		      .context = array->array->updates };
	uint64_t id;

	if (!job || (hold && dependency_hold(job, ARRAY_HOLD) < 0)) {
		schedd_restart(s, "out of memory");
		return;
	}
	enter(array, job);
	array->array->held += hold;
	changed(s, array);
	link_to(s, job, array, "J");
	link_to(s, job, array, "jobspec");
	id = job->id;
	job_post(s, job, &ev);
	job = update.context ? jobs_find(s->jobs, id) : NULL;
	if (job && job->state <= STATE_SCHED)
		job_post(s, job, &update);
}

/* Element INDEX was made before its turn, which is now. Whether it waited for
 * that. */
static bool release(struct schedd *s, struct job *array, uint32_t index)
{
	struct jobevent ev = { .event = EVENT_DEPENDENCY_REMOVE,
			       .description = ARRAY_HOLD };
	struct job *job;
	uint64_t id;

	idset_clear(array->array->apart, index);
	changed(s, array);
	jobid_element(array->id, index, &id);
	job = jobs_find(s->jobs, id);
	if (!job || job->state != STATE_DEPEND ||
	    !dependency_is_open(job, ARRAY_HOLD))
		return false;
	array->array->held--;
	job_post(s, job, &ev);
	return true;
}

/* How many may be made now. */
static size_t room(const struct job *array)
{
	const struct array *a = array->array;
	const struct queue *q = array->q;
	size_t n = a->waiting - a->held, most, active = a->active - a->held;

	n = n < AHEAD ? AHEAD - n : 0;
	if (a->spec->limit) {
		most = active < a->spec->limit ? a->spec->limit - active : 0;
		n = n < most ? n : most;
	}
	if (q->limits.jobs != NO_LIMIT) {
		/* but for the array itself */
		active = queue_user_jobs(q, array->userid) - 1;
		most = active < (size_t)q->limits.jobs ?
		       (size_t)q->limits.jobs - active : 0;
		n = n < most ? n : most;
	}
	return n;
}

/* If somebody removed what is written of the array, elements are there that
 * it does not know. */
static bool is_there(struct schedd *s, const struct job *array,
		     uint32_t index)
{
	uint64_t id;

	return jobid_element(array->id, index, &id) < 0 ||
	       jobs_find(s->jobs, id) || history_find(s->history, id);
}

static void make_some(struct schedd *s, struct job *array)
{
	struct array *a = array->array;
	uint32_t index;
	size_t n = array->priority > 0 ? room(array) : 0;

	while (n > 0 && a->more && !s->restart) {
		index = a->next;
		a->more = array_spec_next(a->spec, index + 1, &a->next);
		if (idset_test(a->apart, index)) {
			n -= release(s, array, index);
		} else if (!is_there(s, array, index)) {
			make(s, array, index, false);
			n--;
		}
	}
}

/* ---- the array's own life ---- */

static bool all_started(const struct array *a)
{
	const struct job *job;

	for (job = a->first; job; job = job->sibling)
		if (!job->started)
			return false;
	return true;
}

/* One that ended without a wait status has failed all the same. */
static void finish(struct schedd *s, struct job *array)
{
	const struct array *a = array->array;
	struct jobevent ev = { .event = EVENT_FINISH, .status = a->status };

	if (!ev.status && (a->results[RESULT_FAILED] ||
			   a->results[RESULT_CANCELED] ||
			   a->results[RESULT_TIMEOUT]))
		ev.status = 1 << 8;
	job_post(s, array, &ev);
}

static void stop_some(struct schedd *s, struct job *array)
{
	struct job *job, *next;
	int n = 0;

	for (job = array->array->first; job && !s->restart; job = next) {
		next = job->sibling;
		if (job->state >= STATE_CLEANUP)
			continue;
		if (n++ == STOP_TURN) {
			arrays_wake(s, array);
			return;
		}
		job_raise(s, job, array->exception_type, 0,
			  array->exception_note, NO_WAIT_STATUS);
	}
}

/* Each may take it to its end, when it is gone. */
static void look(struct schedd *s, struct job *array)
{
	struct array *a = array->array;
	struct jobevent ev = { .event = EVENT_ALLOC, .resources = "" };

	a->look = false;
	if (array->state == STATE_SCHED) {
		make_some(s, array);
		if (!a->more && !s->restart)
			job_post(s, array, &ev);
	}
	if (array->state == STATE_RUN && !array->started &&
	    a->waiting == 0 && all_started(a))
		job_post_plain(s, array, EVENT_START);
	if (array->state == STATE_RUN && a->active == 0)
		finish(s, array);
	else if (array->state == STATE_CLEANUP && a->active > 0)
		stop_some(s, array);
	else if (array->state == STATE_CLEANUP)
		job_post_plain(s, array, EVENT_CLEAN);
}

void arrays_turn(struct schedd *s)
{
	struct job *job, *next;

	for (job = s->ready ? s->array_todo : NULL; job && !s->restart;
	     job = next) {
		next = job->array->next_todo;
		/* more than a turn's worth waits for room */
		if (job->array->look && turn_room(s))
			look(s, job);
	}
}

static void save(struct schedd *s, struct job *array)
{
	char key[JOBID_SIZE + 16], *text = array_encode(array->array);

	array->array->changed = false;
	if (!text) {
		schedd_restart(s, "out of memory");
		return;
	}
	snprintf(key, sizeof(key), "%s.elements", array->key);
	weir_txn_put(commit_txn(s->commit), key, text, strlen(text));
	free(text);
}

void arrays_save(struct schedd *s)
{
	struct job *job, *next;

	for (job = s->array_todo; job; job = next) {
		next = job->array->next_todo;
		if (job->array->changed)
			save(s, job);
		if (!job->array->look)
			done(job->array);
	}
}

void array_gone(struct schedd *s, struct job *job)
{
	struct array *a = job->array;

	if (a->changed)
		save(s, job);
	done(a);
	*a->prev_array = a->next_array;
	if (a->next_array)
		a->next_array->array->prev_array = a->prev_array;
}

void array_stop(struct schedd *s, struct job *job)
{
	dependency_drop(job);
	arrays_wake(s, job);
}

/* ---- by name ---- */

/* Of an array that has it, and has not made it. */
static bool unmade(const struct array *a, uint32_t index)
{
	return a->more && index >= a->next &&
	       array_spec_has(a->spec, index) && !idset_test(a->apart, index);
}

struct job *arrays_rest_of(struct schedd *s, uint64_t id)
{
	uint32_t index;
	struct job *array = array_of(s, id, &index);

	return array && unmade(array->array, index) ? array : NULL;
}

const struct record *arrays_rest_record(struct schedd *s, uint64_t id)
{
	const struct record *r;
	struct array_spec *spec;
	uint64_t array;
	uint32_t index;
	bool has;

	if (!jobid_is_element(id, &array, &index))
		return NULL;
	r = history_find(s->history, array);
	spec = r && r->rest ? array_spec_parse(r->rest, NULL) : NULL;
	has = spec && array_spec_has(spec, index);
	array_spec_destroy(spec);
	return has ? r : NULL;
}

struct job *arrays_find(struct schedd *s, uint64_t id, uid_t uid, bool any)
{
	struct job *job = jobs_find(s->jobs, id), *array;
	uint32_t index;

	if (job || !(array = arrays_rest_of(s, id)) ||
	    array->state >= STATE_CLEANUP || (!any && array->userid != uid))
		return job;
	jobid_is_element(id, &id, &index);
	if (idset_set(array->array->apart, index) < 0) {
		schedd_restart(s, "out of memory");
		return NULL;
	}
	jobid_element(array->id, index, &id);
	make(s, array, index, true);
	arrays_wake(s, array);
	return jobs_find(s->jobs, id);
}

size_t array_signal(struct schedd *s, struct job *array, int signum)
{
	struct job *job;
	size_t n = 0;

	for (job = array->array->first; job; job = job->sibling)
		if (job->state == STATE_RUN && !job->want.mock) {
			exec_signal(s, job, signum);
			n++;
		}
	return n;
}

void array_urgency(struct schedd *s, struct job *array,
		   const struct jobevent *ev)
{
	struct jobevent copy = *ev;
	struct job *job, *next;

	for (job = array->array->first; job; job = next) {
		next = job->sibling;
		if (STATE_BIT(job->state) & STATE_PENDING)
			job_post(s, job, &copy);
	}
}
