/* SPDX-License-Identifier: Apache-2.0 */
/* A job's fields and how events change them: see job.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "proto/duration.h"
#include "schedd/array.h"
#include "schedd/dependency.h"
#include "schedd/job.h"
#include "schedd/placement.h"
#include "schedd/update.h"

struct job *job_create(struct schedd *s, uint64_t id)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->magic = JOB_MAGIC;
	job->schedd = s;
	job->id = id;
	job->exception_status = NO_WAIT_STATUS;
	jobid_encode(id, JOBID_KVS, job->key);
	return job;
}

void job_destroy(struct job *job)
{
	if (!job)
		return;
	assert(!job->heap);
	resource_set_destroy(job->R);
	dependency_free(job);
	placement_free(&job->want);
	demand_release(job->demand);
	free(job->waiter);
	free(job->pending);
	if (job->limit_timer)
		event_free(job->limit_timer);
	if (job->kill_timer)
		event_free(job->kill_timer);
	free(job->name);
	free(job->cwd);
	free(job->queue);
	free(job->resources);
	free(job->ranks);
	free(job->nodelist);
	free(job->nodes);
	free(job->exception_type);
	free(job->exception_note);
	json_decref(job->memo);
	array_destroy(job->array);
	job->magic = 0;
	free(job);
}

void job_set_origin(struct job *job, const struct envelope *env)
{
	memcpy(job->origin.nonce, env->nonce, sizeof(job->origin.nonce));
	job->origin.time = env->time;
	job->origin.expiry = env->expiry;
}

/* ---- the request ---- */

static int get_per_resource(struct job_request *want, json_t *options,
			    struct proto_error *err)
{
	json_t *per = json_object_get(options, "per-resource");
	const char *type = NULL;
	int count = 1;

	if (!per)
		return 0;
	if (json_unpack(per, "{s:s s?i}", "type", &type, "count", &count) < 0 ||
	    (strcmp(type, "node") && strcmp(type, "core")) || count < 1 ||
	    count > TASKMAP_TASKS_MAX)
		return proto_error_set(err, EINVAL, "attributes.system.shell."
			"options.per-resource: must be an object with type "
			"\"node\" or \"core\" and a count of 1 or more");
	want->per = *type;
	want->per_count = count;
	return 0;
}

static int get_mock(struct job_request *want, json_t *system,
		    struct proto_error *err)
{
	json_t *test = json_object_get(json_object_get(json_object_get(system,
		"exec"), "test"), "run_duration");
	struct proto_error inner;

	if (!test)
		return 0;
	want->mock = true;
	want->mock_duration = json_number_value(test);
	inner.text[0] = '\0';
	if ((json_is_number(test) && want->mock_duration >= 0) ||
	    (json_is_string(test) &&
	     duration_parse(json_string_value(test), &want->mock_duration,
			    &inner) == 0 && isfinite(want->mock_duration)))
		return 0;
	return proto_error_set(err, EINVAL, "attributes.system.exec.test."
			       "run_duration: must be a duration%s%s",
			       *inner.text ? ": " : "", inner.text);
}

static int get_warning(struct job_request *want, json_t *options,
		       struct proto_error *err)
{
	json_t *o = json_object_get(options, "signal");
	int signum = SIGUSR1;
	double before = 60;

	if (!o || json_is_false(o))
		return 0;
	if ((json_is_object(o) &&
	     json_unpack(o, "{s?i s?F}", "signum", &signum, "timeleft",
			 &before) < 0) ||
	    signum < 1 || signum >= NSIG || !(before >= 0))
		return proto_error_set(err, EINVAL, "attributes.system.shell."
			"options.signal: must be an object with signum and "
			"timeleft");
	want->warn_signum = signum;
	want->warn_before = before;
	return 0;
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* An array waits for what it depends on, its elements do not. */
static int set_array(struct job *job, const struct jobspec *spec,
		     json_t *system, struct proto_error *err)
{
	uint64_t array;
	uint32_t index;

	if (spec->array && jobid_is_element(job->id, &array, &index))
		return 0;
	if (spec->array) {
		job->array = array_create(spec->array, err);
		if (!job->array)
			return -1;
	}
	return dependency_parse(job, json_object_get(system, "dependencies"),
				err);
}

int job_set_request(struct job *job, const struct jobspec *spec,
		    struct proto_error *err)
{
	json_t *system = json_object_get(json_object_get(spec->json,
				"attributes"), "system");
	struct job_request *want = &job->want;

	want->nnodes = spec->nnodes;
	want->nslots = spec->nslots;
	want->slot = spec->slot;
	want->exclusive = spec->exclusive;
	want->ntasks = spec->ntasks;
	want->duration = spec->duration;
	if (set_array(job, spec, system, err) < 0)
		return -1;
	job->named = json_object_get(json_object_get(system, "job"), "name");
	if (get_per_resource(want, spec->shell_options, err) < 0 ||
	    placement_parse(want, spec->shell_options, err) < 0 ||
	    get_warning(want, spec->shell_options, err) < 0 ||
	    get_mock(want, system, err) < 0)
		return -1;
	job->ntasks = spec->ntasks;
	job->nnodes = spec->nnodes;
	job->ncores = spec->nslots * spec->slot.cores;
	job->name = strdup(spec->name);
	job->cwd = copy(spec->cwd);
	job->queue = copy(spec->queue);
	if (!job->name || (spec->cwd && !job->cwd) ||
	    (spec->queue && !job->queue))
		return proto_error_set(err, ENOMEM, "out of memory");
	return 0;
}

/* ---- resources ---- */

int job_set_resources(struct job *job, struct resource_set *R)
{
	struct idset *set = resource_set_ranks(R);
	char *ranks = set ? idset_encode(set, 0) : NULL;
	char *nodelist = resource_set_nodelist(R);
	struct job_node *nodes = calloc(R->count + 1, sizeof(*nodes));
	int total;
	int *counts = placement_counts(&job->want, R, &total);
	size_t i;

	idset_destroy(set);
	if (!ranks || !nodelist || !nodes || !counts) {
		free(ranks);
		free(nodelist);
		free(nodes);
		free(counts);
		errno = ENOMEM;
		return -1;
	}
	free(counts);
	for (i = 0; i < R->count; i++)
		nodes[i].rank = R->nodes[i].rank;
	free(job->ranks);
	free(job->nodelist);
	free(job->nodes);
	resource_set_destroy(job->R);
	job->R = R;
	job->ranks = ranks;
	job->nodelist = nodelist;
	job->nodes = nodes;
	job->nodes_started = job->nodes_finished = 0;
	job->nnodes = (int)R->count;
	job->ncores = (int)resource_set_ncores(R);
	job->ntasks = total;
	if (job->moved)
		R->expiration = job->expiration;
	job->expiration = R->expiration;
	return 0;
}

char *job_taskmap(const struct job *job)
{
	struct taskmap *map = placement_map(&job->want, job->R, NULL);
	char *text = map ? taskmap_encode(map) : NULL;

	taskmap_destroy(map);
	return text;
}

struct job_node *job_node_find(struct job *job, unsigned rank)
{
	int lo = 0, hi = job->nodes ? job->nnodes : 0;

	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;

		if (job->nodes[mid].rank == rank)
			return &job->nodes[mid];
		if (job->nodes[mid].rank < rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- events ---- */

/* The worst exception is kept, of equally bad ones the first. */
static int take_exception(struct job *job, const struct jobevent *ev)
{
	char *type, *note;

	if (job->exception && job->exception_severity <= ev->severity)
		return 0;
	type = strdup(ev->type);
	note = strdup(ev->note ? ev->note : "");
	if (!type || !note) {
		free(type);
		free(note);
		errno = ENOMEM;
		return -1;
	}
	free(job->exception_type);
	free(job->exception_note);
	job->exception = true;
	job->exception_severity = ev->severity;
	job->exception_status = ev->wait_status;
	job->exception_type = type;
	job->exception_note = note;
	return 0;
}

static int take_event(struct job *job, const struct jobevent *ev)
{
	switch (ev->event) {
	case EVENT_SUBMIT:
		job->userid = ev->userid;
		job->urgency = ev->urgency;
		job->flags = ev->flags;
		job->entered[STATE_NEW] = ev->time;
		return 0;
	case EVENT_DEPENDENCY_ADD:
		return dependency_opened(job, ev->description);
	case EVENT_DEPENDENCY_REMOVE:
		dependency_closed(job, ev->description);
		return 0;
	case EVENT_SET_FLAGS:
		return update_flags(job, ev->context);
	case EVENT_MEMO:
		return update_memo(job, ev->context);
	case EVENT_JOBSPEC_UPDATE:
		return update_apply(job, ev->context);
	case EVENT_RESOURCE_UPDATE:
		job->expiration = ev->expiration;
		job->moved = true;
		if (job->R)
			job->R->expiration = ev->expiration;
		return 0;
	case EVENT_PRIORITY:
		job->priority = ev->priority;
		return 0;
	case EVENT_URGENCY:
		job->urgency = ev->urgency;
		return 0;
	case EVENT_ALLOC:
		free(job->resources);
		job->resources = strdup(ev->resources);
		job->allocated = true;
		return job->resources ? 0 : -1;
	case EVENT_PROLOG_START:
		job->prolog = HOOK_OPEN;
		return 0;
	case EVENT_PROLOG_FINISH:
		job->prolog = job->state == STATE_RUN ? HOOK_ENDED :
			      HOOK_STOPPED;
		return 0;
	case EVENT_EPILOG_START:
		job->epilog = HOOK_OPEN;
		return 0;
	case EVENT_EPILOG_FINISH:
		job->epilog = HOOK_ENDED;
		return 0;
	case EVENT_START:
		job->started = true;
		return 0;
	case EVENT_FINISH:
		job->finished = true;
		job->status = ev->status;
		return 0;
	case EVENT_FREE:
		job->allocated = false;
		return 0;
	case EVENT_EXCEPTION:
	case EVENT_FATAL:
		return take_exception(job, ev);
	default:
		return 0;
	}
}

int job_update(struct job *job, const struct jobevent *ev,
	       enum job_action *action)
{
	const struct state_cell *cell = state_cell(job->state, ev->event);

	*action = ACTION_NONE;
	if (cell->verdict == STATE_ERROR) {
		errno = EPROTO;
		return -1;
	}
	if (cell->verdict == STATE_IGNORED)
		return 0;
	if (take_event(job, ev) < 0)
		return -1;
	if (cell->next != job->state) {
		job->state = cell->next;
		job->entered[cell->next] = ev->time;
	}
	*action = cell->action;
	return 0;
}

/* ---- the end ---- */

/* A wait status as that of a process that exited, as a shell would see it. */
static int exit_form(int status)
{
	return WIFSIGNALED(status) ? (128 + WTERMSIG(status)) << 8 : status;
}

int job_final_status(const struct job *job)
{
	int i, status = 0;

	if (job->exception && job->exception_severity == 0 &&
	    job->exception_status != NO_WAIT_STATUS)
		return exit_form(job->exception_status);
	for (i = 0; job->nodes && i < job->nnodes; i++)
		if (job->nodes[i].status > status)
			status = job->nodes[i].status;
	return status;
}

int job_result(const struct job *job)
{
	if (job->exception && job->exception_severity == 0) {
		if (!strcmp(job->exception_type, "cancel"))
			return RESULT_CANCELED;
		if (!strcmp(job->exception_type, "timeout"))
			return RESULT_TIMEOUT;
		return RESULT_FAILED;
	}
	return job->finished && job->status == 0 ? RESULT_COMPLETED :
	       RESULT_FAILED;
}
