/* SPDX-License-Identifier: Apache-2.0 */
/* The start: every job is read back from the store, its log taken through
 * the table as if it happened now. Of those that have ended there is a record
 * instead, see ended.h. A directory that makes no sense is told, and set
 * aside. schedd(8). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/jobdirs.h"
#include "schedd/schedd.h"

#define JOBID_TIME_SHIFT 24	/* an id's milliseconds since the epoch */

enum { EVENTLOG, JOBSPEC, R, KEYS };
static const char *const keys[KEYS] = { "eventlog", "jobspec", "R" };

/* ---- one job ---- */

static int take_events(struct job *job, const char *data, size_t len,
		       struct proto_error *error)
{
	struct eventlog_iter it = { .data = data, .len = len };
	struct eventlog_event line;
	enum job_action action;
	struct jobevent ev;
	int r;

	while ((r = eventlog_next(&it, &line, error)) > 0) {
		r = jobevent_decode(&ev, &line, error);
		if (r == 0 && job_update(job, &ev, &action) < 0)
			r = proto_error_set(error, errno, "event %s in state "
					    "%s", line.name,
					    state_name(job->state));
		eventlog_clear(&line);
		journal_seen(job->schedd, ev.time);
		if (r < 0)
			break;
	}
	if (r == 0 && it.len > 0)
		r = proto_error_set(error, EINVAL, "the last line has no end");
	if (r == 0 && job->entered[STATE_NEW] == 0)
		r = proto_error_set(error, EINVAL, "there is no submit");
	return r;
}

static const char *value(weir_future_t *f, size_t *len)
{
	*len = 0;
	return f && weir_future_get(f) == 0 ? weir_future_data(f, len) : NULL;
}

/* Whether F tells what is there: a value, or that there is none. */
static bool told(weir_future_t *f)
{
	int e;

	if (!f)
		return false;
	e = weir_future_get(f) == 0 ? 0 : errno;
	return !e || e == ENOENT || e == ENOTDIR || e == EISDIR;
}

/* Which were made. An array of which none was has no such key. */
static int read_elements(struct schedd *s, struct job *job,
			 struct proto_error *error)
{
	char key[JOBID_SIZE + 16];
	weir_future_t *f;
	const char *data;
	size_t len;
	int r = 0;

	snprintf(key, sizeof(key), "%s.elements", job->key);
	f = weir_kvs_get(s->h, "primary", key, NULL);
	data = value(f, &len);
	if (data)
		r = array_decode(job->array, data, len, error);
	else if (!told(f))
		r = proto_error_set(error, ENOMEM, "elements: cannot be read");
	weir_future_destroy(f);
	return r;
}

/* From the values of its keys; NULL with ERROR. */
static struct job *job_read(struct schedd *s, uint64_t id,
			    weir_future_t *const f[KEYS],
			    struct proto_error *error)
{
	struct job *job = job_create(s, id);
	struct resource_set *set;
	struct jobspec *spec;
	const char *data;
	size_t len;
	int r;

	if (!job)
		goto memory;
	data = value(f[JOBSPEC], &len);
	if (!data) {
		proto_error_set(error, EINVAL, "jobspec: cannot be read");
		goto fail;
	}
	spec = jobspec_parse(data, len, error);
	if (!spec)
		goto fail;
	r = job_set_request(job, spec, error);
	data = value(f[EVENTLOG], &len);
	if (r == 0 && !data)
		r = proto_error_set(error, EINVAL,
				    "eventlog: cannot be read");
	if (r == 0)
		r = take_events(job, data, len, error);
	if (r == 0 && job->state != STATE_INACTIVE) {
		job->demand = resources_demand(s->resources, spec->json);
		if (!job->demand)
			r = proto_error_set(error, ENOMEM, "out of memory");
	}
	jobspec_destroy(spec);
	if (r == 0 && job->array)
		r = read_elements(s, job, error);
	if (r < 0)
		goto fail;
	data = value(f[R], &len);
	if (data) {
		set = resource_set_parse(data, len, error);
		if (!set)
			goto fail;
		if (job_set_resources(job, set) < 0) {
			resource_set_destroy(set);
			goto memory;
		}
	}
	return job;
memory:
	proto_error_set(error, ENOMEM, "out of memory");
fail:
	job_destroy(job);
	return NULL;
}

/* So recent that its request could be presented again? */
static bool replayable(const struct job *job)
{
	return now_wall() - job->entered[STATE_NEW] <
	       ENVELOPE_SUBMIT_AGE + ENVELOPE_SKEW;
}

static void remember(struct schedd *s, const struct envelope *env,
		     const struct envelope_policy *policy, uint64_t id)
{
	struct job *job = jobs_find(s->jobs, id);

	envelope_nonces_add(s->nonces, env, policy, id);
	if (job)
		job_set_origin(job, env);
}

/* Requests that are so recent that they could be presented again. */
static int remember_nonces(struct schedd *s, const struct job_ids *recent,
			   struct weir_error *error)
{
	struct envelope_policy policy = {
		.now = (int64_t)now_wall(), .skew = ENVELOPE_SKEW,
		.max_age = ENVELOPE_SUBMIT_AGE,
	};
	weir_future_t *f[WINDOW];
	char key[JOBID_SIZE + 8];
	struct envelope *env;
	const char *data;
	size_t i, j, n, len;
	int r = 0;

	for (i = 0; i < recent->count && r == 0; i += n) {
		n = recent->count - i < WINDOW ? recent->count - i : WINDOW;
		for (j = 0; j < n; j++) {
			jobid_encode(recent->id[i + j], JOBID_KVS, key);
			strcat(key, ".J");
			f[j] = weir_kvs_get(s->h, "primary", key, NULL);
		}
		for (j = 0; j < n; j++) {
			if (r == 0 && !told(f[j]))
				r = replay_failed(error, f[j], "J");
			data = value(f[j], &len);
			env = data ? envelope_unpack(data, len, NULL) : NULL;
			if (env)
				remember(s, env, &policy, recent->id[i + j]);
			envelope_destroy(env);
			weir_future_destroy(f[j]);
		}
	}
	return r;
}

static int keep(struct schedd *s, struct job *job, struct job_ids *recent)
{
	struct proto_error error;
	struct queue *q;
	uint64_t array;
	uint32_t index;

	/* an element's request is the array's */
	if (!jobid_is_element(job->id, &array, &index) &&
	    replayable(job) && job_ids_add(recent, job->id) < 0) {
		job_destroy(job);
		return -1;
	}
	q = queue_get(s->queues, job->queue ? job->queue : "");
	if (!q) {
		job_destroy(job);
		return -1;
	}
	if (job->state == STATE_INACTIVE) {
		int r = history_add(s->history, job);

		q->results[job_result(job)]++;

		job_destroy(job);
		return r;
	}
	if (queue_enter(q, job) < 0 || jobs_add(s->jobs, job) < 0) {
		job_destroy(job);
		return -1;
	}
	if (job->array)
		arrays_add(s, job);
	if (job->allocated && job->R &&
	    resources_adopt(s->resources, job->id, job->R, &error) < 0)
		daemon_log(LOG_ERR, "%s: its resources are in use: %s",
			   job->key, error.text);
	return 0;
}

/* Moves the directory KEY, of which WHY says what is wrong, out of the way of
 * the next start: to `damaged'. If that cannot be done now, then later. */
static void set_aside(struct schedd *s, const char *key, const char *why)
{
	weir_future_t *stat = weir_kvs_stat(s->h, "primary", key, NULL), *f;
	weir_txn_t *txn = weir_txn_create();
	char to[JOBID_SIZE + 32];
	const char *hash;

	f = NULL;
	hash = stat && weir_future_get(stat) == 0 ?
	       weir_future_option(stat, "hash") : NULL;
	snprintf(to, sizeof(to), "damaged.%s", key + strlen("job."));
	if (hash && txn && weir_txn_graft(txn, to, hash) == 0 &&
	    weir_txn_unlink(txn, key, WEIR_UNLINK_RECURSIVE) == 0)
		f = weir_kvs_commit(s->h, "primary", txn, 0);
	if (f && weir_future_get(f) == 0)
		daemon_log(LOG_ERR, "%s: damaged: %s; it is now %s", key, why,
			   to);
	else
		daemon_log(LOG_ERR, "%s: skipped: %s; it cannot be moved to "
			   "%s: %s", key, why, to, f ?
			   weir_future_strerror(f) : strerror(errno));
	weir_future_destroy(f);
	weir_future_destroy(stat);
	weir_txn_destroy(txn);
}

static int read_jobs(struct schedd *s, const struct job_ids *ids,
		     struct job_ids *recent, struct weir_error *error)
{
	weir_future_t *f[WINDOW / KEYS][KEYS];
	bool lost;
	char key[JOBID_SIZE + 16];
	struct proto_error why;
	size_t i, j, n, most = WINDOW / KEYS;
	struct job *job;
	int e, k, r = 0;

	for (i = 0; i < ids->count && r == 0; i += n) {
		n = ids->count - i < most ? ids->count - i : most;
		for (j = 0; j < n; j++)
			for (k = 0; k < KEYS; k++) {
				jobid_encode(ids->id[i + j], JOBID_KVS, key);
				strcat(key, ".");
				strcat(key, keys[k]);
				f[j][k] = weir_kvs_get(s->h, "primary", key,
						       NULL);
			}
		for (j = 0; j < n; j++) {
			jobid_encode(ids->id[i + j], JOBID_KVS, key);
			for (lost = r < 0, k = 0; k < KEYS && !lost; k++)
				if (!told(f[j][k])) {
					lost = true;
					r = replay_failed(error, f[j][k], key);
				}
			job = lost ? NULL : job_read(s, ids->id[i + j], f[j],
						     &why);
			e = errno;
			for (k = 0; k < KEYS; k++)
				weir_future_destroy(f[j][k]);
			if (lost)
				continue;
			if (!job && e == ENOMEM)
				r = replay_failed(error, NULL, key);
			else if (!job)
				set_aside(s, key, why.text);
			else if (keep(s, job, recent) < 0)
				r = replay_failed(error, NULL, key);
		}
	}
	return r;
}

/* ---- the rest ---- */

static int read_inventory(struct schedd *s, struct weir_error *error)
{
	weir_future_t *f = weir_kvs_get(s->h, "primary", "resource.R", NULL);
	struct proto_error why;
	struct resource_set *all;
	size_t len;
	const char *data = value(f, &len);
	int r = 0;

	if (!data && (!f || weir_future_error(f) != ENOENT)) {
		r = replay_failed(error, f, "resource.R");
		weir_future_destroy(f);
		return r;
	}
	all = data ? resource_set_parse(data, len, &why) : NULL;
	if (all) {
		if (resources_define_all(s->resources, all) < 0)
			r = replay_failed(error, NULL, "resource.R");
		s->inventory = strndup(data, len);
	} else if (data) {
		daemon_log(LOG_ERR, "resource.R: %s", why.text);
	}
	resource_set_destroy(all);
	weir_future_destroy(f);
	return r;
}

/* The graph, if one is given: keys resource.graph and resource.simulated. */
static int read_graph(struct schedd *s, struct weir_error *error)
{
	weir_future_t *f = weir_kvs_get(s->h, "primary", "resource.graph",
					NULL);
	weir_future_t *g = weir_kvs_get(s->h, "primary", "resource.simulated",
					NULL);
	const char *data;
	size_t len;
	int r = 0;

	if (!told(f) || !told(g)) {
		r = replay_failed(error, told(f) ? g : f, "resource.graph");
	} else {
		data = value(f, &len);
		if (data)
			graph_load(s, data, len);
		if (data)
			r = grown_read(s, data, len, error);
		data = value(g, &len);
		if (r == 0 && data && len == 4 && !memcmp(data, "true", 4) &&
		    resources_simulate(s->resources) < 0)
			r = replay_failed(error, NULL, "resource.simulated");
	}
	weir_future_destroy(f);
	weir_future_destroy(g);
	return r;
}

/* Which jobs have a namespace: lines "job-ID OWNER VERSION". */
static int read_namespaces(struct schedd *s, struct weir_error *error)
{
	weir_future_t *f = weir_kvs_namespace_list(s->h);
	const char *data, *p;
	struct job *job;
	uint64_t id;
	int r = 0;

	if (!f || weir_future_get(f) < 0) {
		r = replay_failed(error, f, "namespaces");
		weir_future_destroy(f);
		return r;
	}
	data = weir_future_data(f, NULL);
	for (p = data; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (sscanf(p, "job-%" SCNu64 " ", &id) == 1) {
			job = jobs_find(s->jobs, id);
			if (job)
				job->guest = true;
		}
	weir_future_destroy(f);
	return 0;
}

/* Where ids count from: the newest job tells. */
static void find_epoch(struct schedd *s, const struct job_ids *ids)
{
	size_t i = ids->count;

	while (!s->epoch_ms && i-- > 0) {
		uint64_t id = ids->id[i], age = id >> JOBID_TIME_SHIFT, t;
		const struct job *job = jobs_find(s->jobs, id);
		const struct record *r = job ? NULL :
					 history_find(s->history, id);
		uint64_t array;
		uint32_t index;

		if ((!job && !r) || jobid_is_element(id, &array, &index))
			continue;
		t = (uint64_t)((job ? job->entered : r->entered)[STATE_NEW] *
			       1000);
		if (t > age)
			s->epoch_ms = t - age;
	}
	if (!s->epoch_ms)
		s->epoch_ms = (uint64_t)(now_wall() * 1000);
}

static void adopt_elements(struct schedd *s)
{
	struct job *job;

	for (job = s->arrays ? jobs_first(s->jobs) : NULL; job;
	     job = job->next)
		arrays_adopt(s, job);
}

/* Records, and then the directories of those that have none. */
static int read_all(struct schedd *s, const struct job_ids *ids,
		    struct weir_error *error)
{
	struct job_ids rest = { NULL, 0, 0 }, recent = { NULL, 0, 0 };
	bool *known = calloc(ids->count + 1, sizeof(*known));
	size_t i;
	int r;

	if (!known)
		return replay_failed(error, NULL, "jobs");
	r = ended_read(s, ids, known, error);
	for (i = 0; r == 0 && i < ids->count; i++)
		if (!known[i] && job_ids_add(&rest, ids->id[i]) < 0)
			r = replay_failed(error, NULL, "jobs");
	free(known);
	if (r == 0)
		r = read_jobs(s, &rest, &recent, error);
	if (r == 0)
		r = remember_nonces(s, &recent, error);
	free(rest.id);
	free(recent.id);
	return r;
}

int replay(struct schedd *s, struct weir_error *error)
{
	struct job_ids ids = { NULL, 0, 0 };
	uint64_t highest;
	int r;

	if (queues_read(s, error) < 0 || plugins_read(s, error) < 0 ||
	    read_inventory(s, error) < 0 ||
	    read_graph(s, error) < 0 || drain_read(s, error) < 0 ||
	    jobdirs_find(s->h, &ids, error) < 0)
		return -1;
	highest = ids.count ? ids.id[ids.count - 1] : 0;
	r = read_all(s, &ids, error);
	if (r == 0) {
		find_epoch(s, &ids);
		adopt_elements(s);
	}
	free(ids.id);
	if (r < 0 || read_namespaces(s, error) < 0)
		return -1;
	history_sort(s->history);
	if (waits_read(s, error) < 0 || housekeeping_read(s, error) < 0)
		return -1;
	if (jobid_gen_init(&s->ids, s->epoch_ms, 0, highest) < 0)
		return replay_failed(error, NULL, "job ids");
	return 0;
}

/* What is in its log but not in memory cannot be told from outside: a job
 * that runs on resources that nobody knows is ended. */
static void resume(struct schedd *s, struct job *job)
{
	struct jobevent ev = { .event = EVENT_FINISH, .status = 9 };

	if (job->array && job->state >= STATE_SCHED) {
		arrays_wake(s, job);
		return;
	}
	if (job->allocated && !job->R) {
		/* no hook could do anything without it, either */
		job->prolog = HOOK_NONE;
		job->epilog = HOOK_ENDED;
		if (job->state == STATE_RUN)
			job_raise(s, job, "exec", 0, "R: cannot be read",
				  NO_WAIT_STATUS);
		if (!job->finished)
			job_post(s, job, &ev);
		else
			job_act(s, job, ACTION_RELEASE);
		return;
	}
	if (job->state == STATE_RUN && job->prolog == HOOK_OPEN)
		job_act(s, job, ACTION_START);
	else if (job->state == STATE_RUN && job->want.mock)
		mock_start(s, job);
	else if (job->state == STATE_RUN)
		limit_set(s, job);
	else
		job_act(s, job, state_resume(job->state, job->allocated,
					     job->finished));
}

void replay_resume(struct schedd *s)
{
	struct job *job, *next;
	size_t n = jobs_count(s->jobs);

	if (n > 0 || history_count(s->history, 0) > 0)
		daemon_log(LOG_INFO, "%zu jobs go on, %zu have ended", n,
			   history_count(s->history, 0));
	for (job = jobs_first(s->jobs); job; job = next) {
		next = job->next;
		resume(s, job);
	}
}
