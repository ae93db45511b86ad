/* SPDX-License-Identifier: Apache-2.0 */
/* A job comes in: its envelope is verified, its jobspec checked, it gets an
 * id and its directory. weir-envelope(5), weir-jobspec(5). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/pubkey.h"
#include "schedd/schedd.h"

struct submission {
	json_t *payload;
	const char *J;
	int urgency, flags;
	struct envelope *env;
	struct jobspec *spec;
	char *text;		/* of it with defaults; NULL: as it came */
	uint64_t known;		/* the job that it made already, or 0 */
};

static int get_payload(struct submission *sub, struct proto_error *err)
{
	json_error_t error;

	sub->urgency = WEIR_URGENCY_DEFAULT;
	if (json_unpack_ex(sub->payload, &error, 0, "{s:s s?i s?i}", "J",
			   &sub->J, "urgency", &sub->urgency, "flags",
			   &sub->flags) < 0)
		return proto_error_set(err, EPROTO, "%s", error.text);
	return 0;
}

static int check_flags(const struct submission *sub, struct proto_error *err)
{
	if (sub->flags & ~(WEIR_JOB_DEBUG | WEIR_JOB_WAITABLE))
		return proto_error_set(err, EINVAL, "flags: unknown bits in "
				       "%d", sub->flags);
	return 0;
}

static struct envelope_policy policy_of(struct schedd *s, weir_call_t *call)
{
	return (struct envelope_policy) {
		.mechanisms = ENVELOPE_NONE | ENVELOPE_MUNGE | ENVELOPE_SODIUM,
		.uid = s->uid,
		.sender = weir_call_uid(call),
		.instance = weir_greeting(s->h, "instance"),
		.now = time(NULL),
		.max_lifetime = ENVELOPE_LIFETIME,
		.max_age = ENVELOPE_SUBMIT_AGE,
		.skew = ENVELOPE_SKEW,
		.keydir = s->keydir,
		.own_public = s->own_public,
	};
}

static int verify(const struct schedd *s, struct submission *sub,
		  const struct envelope_policy *policy,
		  struct proto_error *err)
{
	sub->env = envelope_unpack(sub->J, strlen(sub->J), err);
	if (!sub->env)
		return -1;
	if (envelope_verify(sub->env, policy, err) < 0) {
		/* whatever the cause, it is the signature that is refused */
		if (errno == EBADMSG || errno == ESTALE)
			errno = EPERM;
		return -1;
	}
	/* one who did not hear of the answer asks again */
	envelope_nonces_find(s->nonces, sub->env, policy, &sub->known);
	return 0;
}

/* A job with the request, which has the defaults of its queue by then. */
static struct job *new_job(struct schedd *s, struct submission *sub,
			   struct proto_error *err)
{
	uint64_t id, now = (uint64_t)(now_wall() * 1000);
	struct job *job;

	if ((sub->spec->array ? jobid_gen_array(&s->ids, now, &id) :
	     jobid_gen_next(&s->ids, now, &id)) < 0) {
		proto_error_set(err, errno, "no more job ids");
		return NULL;
	}
	job = job_create(s, id);
	if (!job) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	job->userid = sub->env->userid;
	job->urgency = sub->urgency;
	job_set_origin(job, sub->env);
	if (job_set_request(job, sub->spec, err) == 0) {
		job->demand = resources_demand(s->resources, sub->spec->json);
		if (job->demand)
			return job;
		proto_error_set(err, ENOMEM, "out of memory");
	}
	job_destroy(job);
	return NULL;
}

static struct queue *find_queue(struct schedd *s, const char *name,
				struct proto_error *err)
{
	const struct queues *all = s->queues;
	struct queue *q;

	if (!name)
		name = all->named ? all->standard : "";
	q = queue_find(all, name);
	if (!q || !q->defined) {
		proto_error_set(err, EINVAL, "Invalid queue '%.64s' specified",
				name);
		return NULL;
	}
	if (q->enabled)
		return q;
	proto_error_set(err, EINVAL, "job submission%s%s is disabled%s%s",
			*q->name ? " to " : "", q->name,
			q->disable_reason ? ": " : "",
			q->disable_reason ? q->disable_reason : "");
	return NULL;
}

/* What the request leaves open and the queue has a default for. */
static int apply_defaults(struct submission *sub, const struct queue *q,
			  struct proto_error *err)
{
	struct jobspec *spec = sub->spec;

	if ((spec->queue || !*q->name) &&
	    (spec->duration > 0 || q->duration <= 0))
		return 0;
	if (!spec->queue && *q->name)
		jobspec_setattr(spec->json, "queue", json_string(q->name),
				NULL);
	if (spec->duration <= 0 && q->duration > 0)
		jobspec_setattr(spec->json, "duration",
				json_real(q->duration), NULL);
	sub->spec = jobspec_from_json(spec->json, err);
	jobspec_destroy(spec);
	if (!sub->spec)
		return -1;
	sub->text = json_dumps(sub->spec->json, JSON_COMPACT);
	return sub->text ? 0 : proto_error_set(err, ENOMEM, "out of memory");
}

static int check_job(struct schedd *s, struct job *job,
		     const struct submission *sub, struct proto_error *err)
{
	if (resources_simulated(s->resources) && !job->want.mock)
		return proto_error_set(err, EINVAL, "the nodes of this "
				       "instance are simulated: only jobs "
				       "with exec.test.run_duration are "
				       "taken");
	if (limits_check(job, true, err) < 0 ||
	    dependency_check(s, job, err) < 0)
		return -1;
	if (resources_count(s->resources) > 0 &&
	    resources_check(s->resources, job->demand, &job->q->filter,
			    err) < 0)
		return -1;
	return sub->text ?
	       plugins_validate(s, job, sub->text, strlen(sub->text), err) :
	       plugins_validate(s, job, sub->env->payload,
				sub->env->payload_len, err);
}

static struct job *make_job(struct schedd *s, struct submission *sub,
			    const struct envelope_policy *policy,
			    struct proto_error *err)
{
	struct queue *q;
	struct job *job;

	sub->spec = jobspec_parse(sub->env->payload, sub->env->payload_len,
				  err);
	q = sub->spec ? find_queue(s, sub->spec->queue, err) : NULL;
	if (!q || apply_defaults(sub, q, err) < 0)
		return NULL;
	job = new_job(s, sub, err);
	if (!job)
		return NULL;
	if (queue_enter(q, job) < 0) {
		job_destroy(job);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (check_job(s, job, sub, err) == 0) {
		if (envelope_nonces_add(s->nonces, sub->env, policy,
					job->id) < 0)
			proto_error_set(err, errno, "too many submissions in "
					"the last %d s", ENVELOPE_SUBMIT_AGE);
		else if (jobs_add(s->jobs, job) < 0)
			proto_error_set(err, ENOMEM, "out of memory");
		else
			return job;
	}
	queue_leave(job);
	job_destroy(job);
	return NULL;
}

static void put(struct schedd *s, const struct job *job, const char *name,
		const char *data, size_t len)
{
	char key[JOBID_SIZE + 16];

	snprintf(key, sizeof(key), "%s.%s", job->key, name);
	weir_txn_put(commit_txn(s->commit), key, data, len);
}

static void enter(struct schedd *s, weir_call_t *call, struct job *job,
		  const struct submission *sub)
{
	struct jobevent ev = {
		.event = EVENT_SUBMIT, .userid = sub->env->userid,
		.urgency = sub->urgency, .flags = sub->flags,
	};
	size_t len = strlen(sub->J);

	put(s, job, "J", sub->J, len);
	if (sub->text)
		put(s, job, "jobspec", sub->text, strlen(sub->text));
	else
		put(s, job, "jobspec", sub->env->payload,
		    sub->env->payload_len);
	commit_reply(s->commit, call, job->id);
	if (job->array)
		arrays_add(s, job);
	job_post(s, job, &ev);
	commit_bound(s->commit, len + sub->env->payload_len);
}

void do_submit(struct schedd *s, weir_call_t *call)
{
	struct submission sub = { .payload = call_json(call) };
	struct envelope_policy policy;
	struct proto_error error;
	struct job *job = NULL;

	if (!sub.payload)
		return;
	policy = policy_of(s, call);
	if (get_payload(&sub, &error) == 0 &&
	    check_flags(&sub, &error) == 0) {
		if (check_urgency(s, call, sub.urgency) < 0) {
			json_decref(sub.payload);
			return;
		}
		if (verify(s, &sub, &policy, &error) == 0 && !sub.known)
			job = make_job(s, &sub, &policy, &error);
	}
	if (sub.known)
		commit_reply(s->commit, call, sub.known);
	else if (job)
		enter(s, call, job, &sub);
	else
		weir_call_fail(call, errno, "%s", error.text);
	jobspec_destroy(sub.spec);
	free(sub.text);
	envelope_destroy(sub.env);
	json_decref(sub.payload);
}
