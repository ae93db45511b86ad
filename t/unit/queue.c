/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: configurations, what was started, counts, limits. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/queue.h"
#include "t/unit/tap.h"

static int configure(struct queues *queues, const char *text,
		     struct proto_error *err)
{
	return queues_configure(queues, text, strlen(text), err);
}

static void refused(const char *text, const char *why)
{
	struct queues *queues = queues_create();
	struct proto_error err = { "" };

	if (configure(queues, text, &err) == 0)
		snprintf(err.text, sizeof(err.text), "(it was taken)");
	is_str(err.text, why, text);
	queues_destroy(queues);
}

static const char both[] = "{\"queues\":{\"a\":{\"policy\":{\"limits\":"
	"{\"duration\":\"1h\",\"job-size\":{\"max\":{\"nnodes\":2,"
	"\"ncores\":-1}}}}},\"b\":{}},\"policy\":{\"limits\":{\"duration\":"
	"7200,\"active-jobs\":1,\"job-size\":{\"max\":{\"ncores\":8},\"min\":"
	"{\"ngpus\":1}}},\"jobspec\":{\"defaults\":{\"system\":{\"queue\":"
	"\"b\",\"duration\":\"5m\"}}}},\"job-manager\":{\"inactive-age-limit\":"
	"\"1d\",\"inactive-num-limit\":10},\"other\":1}";

static void test_config(void)
{
	struct queues *queues = queues_create();
	struct queue *a, *b;

	ok(queues->first->defined && queues->first->started &&
	   !queues->named, "there is one queue without a name");
	is_int(configure(queues, both, NULL), 0, "two are configured");
	a = queue_find(queues, "a");
	b = queue_find(queues, "b");
	ok(a && b && !a->started && a->enabled, "they are stopped and enabled");
	ok(!queues->first->defined && queues->named, "the other one has gone");
	is_str(queues->standard, "b", "the default queue");
	ok(a->limits.duration == 3600 && b->limits.duration == 7200,
	   "a queue's policy is before the common one");
	ok(a->limits.max[LIMIT_NNODES] == 2 &&
	   a->limits.max[LIMIT_NCORES] == NO_LIMIT &&
	   b->limits.max[LIMIT_NCORES] == 8, "so are sizes");
	ok(a->limits.min[LIMIT_NGPUS] == 1 && a->limits.jobs == 1 &&
	   a->duration == 300, "what it does not say is common");
	ok(queues->age_limit == 86400 && queues->num_limit == 10,
	   "limits of what is kept");
	is_int(configure(queues, "{\"queues\":{\"b\":{}}}", NULL), 0,
	       "another configuration");
	ok(!a->defined && b->defined && b->limits.duration == 0,
	   "has nothing of the former");
	is_str(queues->standard, "b", "a single queue is the default");
	is_int(queues_configure(queues, NULL, 0, NULL), 0, "none");
	ok(queues->first->defined && !b->defined && !queues->standard,
	   "is the queue without a name");
	queues_destroy(queues);
}

static void test_refusals(void)
{
	refused("[]", "must be an object");
	refused("{\"queues\":[]}", "queues: must be an object, got an empty array");
	refused("{\"queues\":{\"\":{}}}", "queues: \"\" is no name of a queue");
	refused("{\"queues\":{\"a\":1}}", "a: must be an object, got 1");
	refused("{\"queues\":{\"a\":{\"policy\":1}}}",
		"queues.a.policy: must be an object, got 1");
	refused("{\"queues\":{\"a\":{\"policy\":{\"limits\":{\"job-size\":"
		"{\"min\":{\"nodes\":1}}}}}}}",
		"queues.a.policy.limits.job-size.min.nodes: unknown key");
	refused("{\"queues\":{\"a\":{\"hosts\":7}}}",
		"queues.a.hosts: must be a hostlist");
	refused("{\"policy\":{\"limits\":{\"active-jobs\":-2}}}",
		"policy.limits.active-jobs: must be a number, or -1 for no "
		"limit, got -2");
	refused("{\"policy\":{\"limits\":{\"duration\":\"-1\"}}}",
		"policy.limits.duration: must be a duration, got \"-1\"");
	refused("{\"queues\":{\"a\":{},\"b\":{}}}",
		"policy.jobspec.defaults.system.queue: must name one of the "
		"queues");
	refused("{\"job-manager\":{\"inactive-num-limit\":-1}}",
		"job-manager.inactive-num-limit: must be a number, got -1");
}

static void test_state(void)
{
	struct queues *queues = queues_create(), *again = queues_create();
	struct queue *q;
	char *text;

	configure(queues, both, NULL);
	q = queue_find(queues, "a");
	q->started = true;
	q->enabled = false;
	q->disable_reason = strdup("full \"up\"");
	text = queues_state(queues);
	configure(again, both, NULL);
	queues_restore(again, text, strlen(text));
	q = queue_find(again, "a");
	ok(q->started && !q->enabled && q->defined, "what was started is");
	is_str(q->disable_reason, "full \"up\"", "with the reason");
	ok(!queue_find(again, "b")->started, "what was not is not");
	queues_restore(again, "[", 1);
	ok(q->started, "rubbish changes nothing");
	free(text);
	queues_destroy(queues);
	queues_destroy(again);
}

static struct job *job(int nnodes, int ncores, double duration)
{
	struct job *j = job_create(NULL, 1);

	j->want.nnodes = nnodes;
	j->want.nslots = ncores;
	j->want.slot.cores = 1;
	j->want.slot.gpus = 1;
	j->want.duration = duration;
	return j;
}

static void limit(struct queue *q, int nnodes, int ncores, double duration,
		  const char *want)
{
	struct proto_error err = { "fits" };
	struct job *j = job(nnodes, ncores, duration);

	queue_enter(q, j);
	limits_check(j, true, &err);
	is_str(err.text, want, want);
	queue_leave(j);
	job_destroy(j);
}

static void test_limits(void)
{
	struct queues *queues = queues_create();
	struct queue *a, *b;
	struct job *j = job(0, 1, 1);

	configure(queues, both, NULL);
	a = queue_find(queues, "a");
	b = queue_find(queues, "b");
	limit(a, 2, 100, 3600, "fits");
	limit(a, 2, 2, 3601, "requested duration (1.00028h) exceeds policy "
	      "limit of 1h for queue a");
	limit(a, 2, 2, 0, "requested duration (inf) exceeds policy limit of "
	      "1h for queue a");
	limit(a, 3, 3, 1, "requested nnodes (3) exceeds policy limit of 2 for "
	      "queue a");
	limit(b, 0, 9, 1, "requested ncores (9) exceeds policy limit of 8 for "
	      "queue b");
	limit(queues->first, 0, 0, 1, "requested ngpus (0) is under policy "
	      "limit of 1");
	queue_enter(a, j);
	is_int((long long)queue_active(a), 1, "a job is in its queue");
	limit(a, 1, 1, 1, "user has max active jobs (1) for queue a");
	limit(b, 1, 1, 1, "fits");
	j->state = STATE_RUN;
	queue_moved(j, STATE_NEW);
	is_int((long long)queue_running(a), 1, "it runs");
	queue_leave(j);
	is_int((long long)queue_active(a), 0, "it leaves");
	limit(a, 1, 1, 1, "fits");
	queue_enter(b, j);
	j->state = STATE_INACTIVE;
	queue_moved(j, STATE_RUN);
	queue_leave(j);
	ok(queue_active(b) == 0 && b->results[RESULT_FAILED] == 1,
	   "at its end its result is counted");
	job_destroy(j);
	queues_destroy(queues);
}

int main(void)
{
	test_config();
	test_refusals();
	test_state();
	test_limits();
	return done();
}
