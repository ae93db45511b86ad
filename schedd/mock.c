/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that are not run: attributes.system.exec.test.run_duration lets a job
 * hold its resources that long, for tests of everything but execution.
 * schedd(8). */
#include "config.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "schedd/schedd.h"

static void finish(struct schedd *s, struct job *job, int status)
{
	struct jobevent ev = { .event = EVENT_FINISH, .status = status };

	job_post(s, job, &ev);
}

/* Its time limit is over before it would end. */
static bool limited(const struct job *job)
{
	return job->expiration > 0 && job->expiration <
	       job->entered[STATE_RUN] + job->want.mock_duration;
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	assert(job->magic == JOB_MAGIC);
	if (limited(job))
		job_raise(job->schedd, job, "timeout", 0,
			  "resource allocation expired", NO_WAIT_STATUS);
	else
		finish(job->schedd, job, 0);
}

void mock_limit(struct schedd *s, struct job *job)
{
	double end = limited(job) ? job->expiration :
		     job->entered[STATE_RUN] + job->want.mock_duration;
	double left = end - now_wall();
	struct timeval tv = { 0, 0 };

	if (left > 0) {
		tv.tv_sec = (time_t)left;
		tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec) * 1e6) + 1;
		if (tv.tv_usec >= 1000000) {
			tv.tv_usec -= 1000000;
			tv.tv_sec++;
		}
	}
	if (!job->limit_timer)
		job->limit_timer = evtimer_new(s->base, on_end, job);
	if (!job->limit_timer || evtimer_add(job->limit_timer, &tv) < 0)
		schedd_restart(s, "out of memory");
}

void mock_start(struct schedd *s, struct job *job)
{
	if (!job->started)
		job_post_plain(s, job, EVENT_START);
	mock_limit(s, job);
}

void mock_end(struct schedd *s, struct job *job)
{
	bool timeout = job->exception_type &&
		       !strcmp(job->exception_type, "timeout");

	if (job->limit_timer)
		evtimer_del(job->limit_timer);
	finish(s, job, timeout ? SIGALRM : SIGTERM);
}
