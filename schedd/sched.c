/* SPDX-License-Identifier: Apache-2.0 */
/* First come, first served: once a turn of the loop each queue gets of what is
 * free, until its first job has to wait. schedd(8). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

void sched_wake(struct schedd *s)
{
	s->sched_wanted = true;
	commit_wake(s->commit);
}

static int add_range(struct wire_buf *b, const char *kind,
		     const struct idset *set)
{
	char *text;
	int r;

	if (idset_empty(set))
		return 0;
	text = idset_encode(set, IDSET_BRACKETS);
	if (!text)
		return -1;
	r = buf_printf(b, "%s%s", kind, text);
	free(text);
	return r;
}

/* "rank0/core[0-1],gpu0 rank1/core0", cut after a while; to be freed. */
static char *summary(const struct resource_set *R)
{
	struct wire_buf b;
	char *text;
	size_t i;

	wire_buf_init(&b);
	for (i = 0; i < R->count && b.len < 1024; i++)
		if (buf_printf(&b, "%srank%u", i ? " " : "",
			       R->nodes[i].rank) < 0 ||
		    add_range(&b, "/core", R->nodes[i].cores) < 0 ||
		    add_range(&b, ",gpu", R->nodes[i].gpus) < 0) {
			wire_buf_free(&b);
			return NULL;
		}
	if (i < R->count)
		buf_printf(&b, " ...");
	text = b.data ? strndup(b.data, b.len) : strdup("");
	wire_buf_free(&b);
	return text;
}

static void put_R(struct schedd *s, struct job *job)
{
	char key[JOBID_SIZE + 8];
	char *text = resource_set_encode(job->R);

	if (!text) {
		schedd_restart(s, "out of memory");
		return;
	}
	snprintf(key, sizeof(key), "%s.R", job->key);
	weir_txn_put(commit_txn(s->commit), key, text, strlen(text));
	free(text);
}

static void give(struct schedd *s, struct job *job, struct resource_set *R)
{
	struct jobevent ev = { .event = EVENT_ALLOC };
	char *resources = summary(R);

	R->starttime = now_wall();
	if (job->want.duration > 0)
		R->expiration = R->starttime + job->want.duration;
	if (!resources || job_set_resources(job, R) < 0) {
		resources_free(s->resources, job->id);
		resource_set_destroy(R);
		free(resources);
		schedd_restart(s, "out of memory");
		return;
	}
	put_R(s, job);
	ev.resources = resources;
	job_post(s, job, &ev);
	free(resources);
}

/* It waited, and now can never run: nodes were lost from the inventory. */
static void give_up(struct schedd *s, struct job *job, const char *why)
{
	job_raise(s, job, "alloc", 0, why, NO_WAIT_STATUS);
}

/* The first of all that are first in a queue. */
static struct job *next_job(struct schedd *s)
{
	struct job *best = NULL, *job;
	struct queue *q;

	for (q = s->queues->first; q; q = q->next) {
		job = q->blocked ? NULL : heap_head(&q->heap);
		if (job && (!best || jobs_compare(job, best) < 0))
			best = job;
	}
	return best;
}

void sched_run(struct schedd *s)
{
	struct proto_error error;
	struct resource_set *R;
	struct queue *q;
	struct job *job;

	if (!s->ready || !s->sched_wanted)
		return;
	for (q = s->queues->first; q; q = q->next)
		q->blocked = false;
	while (!s->restart && (job = next_job(s))) {
		R = resources_alloc(s->resources, job->id, job->demand,
				    &job->q->filter, now_wall(),
				    job->want.duration);
		if (R) {
			give(s, job, R);
			continue;
		}
		if (errno != EAGAIN && errno != EINVAL) {
			schedd_restart(s, strerror(errno));
			return;
		}
		if (!s->nodes_known || resources_count(s->resources) == 0 ||
		    resources_check(s->resources, job->demand,
				    &job->q->filter, &error) == 0) {
			job->q->blocked = true;
			continue;
		}
		give_up(s, job, error.text);
	}
	/* jobs that ended by this have asked again, to no avail */
	s->sched_wanted = false;
}
