/* SPDX-License-Identifier: Apache-2.0 */
/* Queues as objects, and the counts of their jobs: see queue.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/queue.h"

static struct queue *add(struct queues *queues, const char *name)
{
	struct queue **p = &queues->first, *q = calloc(1, sizeof(*q));
	int i;

	if (q)
		q->name = strdup(name);
	if (!q || !q->name) {
		free(q);
		errno = ENOMEM;
		return NULL;
	}
	q->enabled = true;
	q->started = !*name;
	q->limits.jobs = NO_LIMIT;
	backfill_config_parse(&q->config, "fcfs", NULL);
	for (i = 0; i < LIMIT_SIZES; i++)
		q->limits.min[i] = q->limits.max[i] = NO_LIMIT;
	while (*p)
		p = &(*p)->next;
	*p = q;
	return q;
}

struct queues *queues_create(void)
{
	struct queues *queues = calloc(1, sizeof(*queues));
	struct queue *q = queues ? add(queues, "") : NULL;

	if (!q) {
		free(queues);
		return NULL;
	}
	q->defined = true;
	queues->num_limit = NO_LIMIT;
	return queues;
}

void queues_destroy(struct queues *queues)
{
	struct queue *q;

	if (!queues)
		return;
	hook_config_free(queues->hooks);
	while ((q = queues->first)) {
		queues->first = q->next;
		heap_fini(&q->heap);
		free(q->name);
		free(q->disable_reason);
		free(q->stop_reason);
		free(q->users);
		node_filter_set(&q->filter, NULL);
		free(q);
	}
	free(queues->standard);
	free(queues);
}

struct queue *queue_find(const struct queues *queues, const char *name)
{
	struct queue *q = queues->first;

	while (q && strcmp(q->name, name))
		q = q->next;
	return q;
}

struct queue *queue_get(struct queues *queues, const char *name)
{
	struct queue *q = queue_find(queues, name);

	return q ? q : add(queues, name);
}

/* ---- counting ---- */

static struct user_count *find_user(const struct queue *q, uid_t uid)
{
	size_t i;

	for (i = 0; i < q->user_count; i++)
		if (q->users[i].uid == uid)
			return &q->users[i];
	return NULL;
}

int queue_enter(struct queue *q, struct job *job)
{
	struct user_count *u = find_user(q, job->userid);

	assert(!job->q && job->state < STATE_INACTIVE);
	if (!u) {
		u = reallocarray(q->users, q->user_count + 1, sizeof(*u));
		if (!u)
			return -1;
		q->users = u;
		u += q->user_count++;
		u->uid = job->userid;
		u->jobs = 0;
	}
	u->jobs++;
	q->count[job->state]++;
	job->q = q;
	return 0;
}

void queue_leave(struct job *job)
{
	struct queue *q = job->q;

	heap_drop(job);
	find_user(q, job->userid)->jobs--;
	if (job->state < STATE_INACTIVE)
		q->count[job->state]--;
	else
		q->results[job_result(job)]++;
	job->q = NULL;
}

void queue_moved(struct job *job, enum job_state before)
{
	job->q->count[before]--;
	if (job->state < STATE_INACTIVE)
		job->q->count[job->state]++;
}

void queue_forget(struct queues *queues, const char *name, int result)
{
	struct queue *q = queue_find(queues, name);

	if (q && q->results[result] > 0)
		q->results[result]--;
}

size_t queue_active(const struct queue *q)
{
	size_t n = 0;
	int i;

	for (i = 0; i < STATE_INACTIVE; i++)
		n += q->count[i];
	return n;
}

size_t queue_running(const struct queue *q)
{
	return q->count[STATE_RUN] + q->count[STATE_CLEANUP];
}

size_t queue_user_jobs(const struct queue *q, uid_t uid)
{
	struct user_count *u = find_user(q, uid);

	return u ? u->jobs : 0;
}
