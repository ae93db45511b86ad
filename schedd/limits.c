/* SPDX-License-Identifier: Apache-2.0 */
/* A job against the limits of its queue: see queue.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "proto/duration.h"
#include "schedd/queue.h"

/* " for queue NAME", or nothing. */
static const char *of_queue(const struct queue *q, char buf[96])
{
	buf[0] = '\0';
	if (*q->name)
		snprintf(buf, 96, " for queue %s", q->name);
	return buf;
}

static int check_duration(const struct job *job, struct proto_error *err)
{
	const struct queue *q = job->q;
	char asked[DURATION_SIZE] = "inf", limit[DURATION_SIZE], name[96];
	double d = job->want.duration;

	if (q->limits.duration <= 0 || (d > 0 && d <= q->limits.duration))
		return 0;
	if (d > 0)
		duration_format(d, asked);
	return proto_error_set(err, EINVAL, "requested duration (%s) exceeds "
			       "policy limit of %s%s", asked,
			       duration_format(q->limits.duration, limit),
			       of_queue(q, name));
}

static int check_size(const struct queue *q, int i, long long n,
		      struct proto_error *err)
{
	static const char *const what[LIMIT_SIZES] = {
		"nnodes", "ncores", "ngpus"
	};
	char name[96];

	if (q->limits.max[i] != NO_LIMIT && n > q->limits.max[i])
		return proto_error_set(err, EINVAL, "requested %s (%lld) "
				       "exceeds policy limit of %d%s", what[i],
				       n, q->limits.max[i], of_queue(q, name));
	if (q->limits.min[i] != NO_LIMIT && n < q->limits.min[i])
		return proto_error_set(err, EINVAL, "requested %s (%lld) is "
				       "under policy limit of %d%s", what[i],
				       n, q->limits.min[i], of_queue(q, name));
	return 0;
}

int limits_check(const struct job *job, bool new_job, struct proto_error *err)
{
	const struct job_request *want = &job->want;
	const struct queue *q = job->q;
	char name[96];

	if (check_duration(job, err) < 0)
		return -1;
	/* a job that names no number of nodes may get one */
	if (check_size(q, LIMIT_NNODES, want->nnodes ? want->nnodes : 1,
		       err) < 0 ||
	    check_size(q, LIMIT_NCORES, (long long)want->nslots *
		       want->slot.cores, err) < 0 ||
	    check_size(q, LIMIT_NGPUS, (long long)want->nslots *
		       want->slot.gpus, err) < 0)
		return -1;
	if (new_job && q->limits.jobs != NO_LIMIT &&
	    queue_user_jobs(q, job->userid) > (size_t)q->limits.jobs)
		return proto_error_set(err, EINVAL, "user has max active jobs "
				       "(%d)%s", q->limits.jobs,
				       of_queue(q, name));
	return 0;
}
