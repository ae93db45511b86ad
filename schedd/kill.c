/* SPDX-License-Identifier: Apache-2.0 */
/* Ending a job that runs: a signal that it may heed, then one that it can't.
 * Time limits. schedd(8). */
#include "config.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "schedd/schedd.h"

static struct timeval seconds(double t)
{
	struct timeval tv = { 0, 0 };

	if (t > 0) {
		tv.tv_sec = (time_t)t;
		tv.tv_usec = (suseconds_t)((t - (double)tv.tv_sec) * 1e6);
	}
	return tv;
}

static void on_kill(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	assert(job->magic == JOB_MAGIC);
	exec_signal(job->schedd, job, SIGKILL);
}

void kill_job(struct schedd *s, struct job *job)
{
	struct timeval tv = seconds(KILL_TIMEOUT);
	bool timeout = job->exception_type &&
		       !strcmp(job->exception_type, "timeout");

	exec_signal(s, job, timeout ? SIGALRM : SIGTERM);
	if (!job->kill_timer)
		job->kill_timer = evtimer_new(s->base, on_kill, job);
	if (!job->kill_timer || evtimer_add(job->kill_timer, &tv) < 0)
		schedd_restart(s, "out of memory");
}

static void on_limit(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct schedd *s, struct job *job, double delay)
{
	struct timeval tv = seconds(delay);

	if (!job->limit_timer)
		job->limit_timer = evtimer_new(s->base, on_limit, job);
	if (!job->limit_timer || evtimer_add(job->limit_timer, &tv) < 0)
		schedd_restart(s, "out of memory");
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	assert(job->magic == JOB_MAGIC);
	if (job->state != STATE_RUN)
		return;
	if (job->warning) {
		/* not by limit_set: a timer may come early, and the warning
		 * is sent once */
		job->warning = false;
		exec_signal(job->schedd, job, job->want.warn_signum);
		set_timer(job->schedd, job, job->expiration - now_wall());
		return;
	}
	job_raise(job->schedd, job, "timeout", 0,
		  "resource allocation expired", NO_WAIT_STATUS);
}

/* The warning, if it is still to come, then the end. */
void limit_set(struct schedd *s, struct job *job)
{
	double now = now_wall(), warn = job->expiration - job->want.warn_before;

	job->warning = job->want.warn_signum && warn > now;
	if (job->expiration > 0)
		set_timer(s, job, (job->warning ? warn : job->expiration) -
			  now);
	else if (job->limit_timer)
		evtimer_del(job->limit_timer);
}
