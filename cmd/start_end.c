/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an instance: jobs, then schedd and the execds, then kvsd.
 * weir-start(1). */
#include "config.h"

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "cmd/common.h"
#include "cmd/start.h"

#define CANCEL_SECONDS	10	/* for jobs to end when the instance does */

/* By states as bits: from DEPEND or from RUN to CLEANUP. */
#define ACTIVE_JOBS	"{\"states\":62,\"max_entries\":0,\"attrs\":[]}"
#define RUNNING_JOBS	"{\"states\":48,\"max_entries\":0," \
			"\"attrs\":[\"array\"]}"

void start_set_deadline(struct start *s, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	event_add(s->deadline, &tv);
}

static void stop_kvsd(struct start *s)
{
	struct daemon *d;

	s->phase = STOPPING_KVSD;
	if (s->parent.rank == 0)
		parent_leave(&s->parent);	/* the others end, too */
	weir_future_destroy(s->resources);
	weir_future_destroy(s->service);
	weir_future_destroy(s->listing);
	s->resources = s->service = s->listing = NULL;
	weir_close(s->h);
	s->h = NULL;
	for (d = s->daemons.first; d; d = d->next)
		daemon_signal(d, SIGTERM);
	start_set_deadline(s, STOP_SECONDS);
	if (!daemons_running(&s->daemons, NULL)) {
		s->phase = STOPPED;
		event_base_loopbreak(s->base);
	}
}

static void stop_others(struct start *s)
{
	struct daemon *d;

	s->phase = STOPPING_OTHERS;
	for (d = s->daemons.first; d; d = d->next)
		if (strcmp(d->program, "kvsd"))
			daemon_signal(d, SIGTERM);
	start_set_deadline(s, STOP_SECONDS);
	if (!daemons_running(&s->daemons, "schedd") &&
	    !daemons_running(&s->daemons, "execd"))
		stop_kvsd(s);
}

void start_on_stopped(struct daemon *d, void *arg)
{
	struct start *s = arg;

	if (s->phase == STOPPING_OTHERS &&
	    !daemons_running(&s->daemons, "schedd") &&
	    !daemons_running(&s->daemons, "execd")) {
		stop_kvsd(s);
	} else if (s->phase == STOPPING_KVSD &&
		   !daemons_running(&s->daemons, NULL)) {
		s->phase = STOPPED;
		event_base_loopbreak(s->base);
	}
}

static void on_job_event(weir_future_t *f, void *arg)
{
	struct start *s = arg;

	if (!weir_future_error(f))
		return;		/* an event; the stream ends after `clean` */
	weir_future_destroy(f);
	if (--s->active == 0 && s->phase == CANCELING)
		stop_others(s);
}

static void on_active_jobs(weir_future_t *f, void *arg)
{
	struct start *s = arg;
	const char *data;
	size_t len, i;
	json_t *o, *job;

	data = weir_future_error(f) ? NULL : weir_future_data(f, &len);
	o = data ? json_loadb(data, len, 0, NULL) : NULL;
	json_array_foreach(json_object_get(o, "jobs"), i, job) {
		weir_jobid_t id = (weir_jobid_t)
			json_integer_value(json_object_get(job, "id"));
		weir_future_t *g;

		/* only elements of it run, and others may wait */
		if (json_object_get(json_object_get(job, "array"), "indices"))
			continue;
		g = weir_job_events(s->h, id);
		if (!g)
			continue;
		s->active++;
		weir_future_then(g, -1, on_job_event, s);
		weir_future_destroy(weir_job_cancel(s->h, id,
						    "the instance ends"));
	}
	json_decref(o);
	weir_future_destroy(f);
	s->listing = NULL;
	if (s->active == 0)
		stop_others(s);
}

/* No job starts any more in this life of the instance: what waits does so
 * for the next. */
static void stop_queues(struct start *s)
{
	static const char all[] = "{\"all\":true,\"start\":false,"
				  "\"nocheckpoint\":true}";

	weir_future_destroy(weir_rpc(s->h, "job-manager.queue-start", all,
				     strlen(all), CANCEL_SECONDS));
}

void start_finish(struct start *s, int result)
{
	if (s->phase >= CANCELING)
		return;
	s->result = result;
	if (s->phase != RUNNING || !s->h) {
		stop_others(s);
		return;
	}
	s->phase = CANCELING;
	start_set_deadline(s, CANCEL_SECONDS);
	if (s->keeps)
		stop_queues(s);
	s->listing = weir_job_list(s->h, s->keeps ? RUNNING_JOBS : ACTIVE_JOBS);
	if (!s->listing ||
	    weir_future_then(s->listing, CANCEL_SECONDS, on_active_jobs,
			     s) < 0)
		stop_others(s);
}

void start_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct start *s = arg;
	struct daemon *d;

	switch (s->phase) {
	case RUNNING:
		kill(s->program, SIGKILL);
		break;
	case CANCELING:
		warn("jobs did not end within %d s", CANCEL_SECONDS);
		stop_others(s);
		break;
	case STOPPING_OTHERS:
	case STOPPING_KVSD:
		for (d = s->daemons.first; d; d = d->next)
			if (d->pid > 0 && d->stopping) {
				warn("%s did not end within %d s: killed",
				     d->name, STOP_SECONDS);
				kill(d->pid, SIGKILL);
			}
		start_set_deadline(s, STOP_SECONDS);
		break;
	default:
		break;
	}
}

