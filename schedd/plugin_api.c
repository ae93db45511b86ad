/* SPDX-License-Identifier: Apache-2.0 */
/* The table that plug-ins get: what they may see and ask for. weir-plugin(7),
 * libclient/weir-plugin.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/plugin_impl.h"

#define REQUESTS_MAX	1000000		/* of a turn: more is a mistake */
#define TIMER_MAX	1e8		/* seconds */

_Static_assert((int)STATE_NEW == WEIR_PLUGIN_NEW &&
	       (int)STATE_DEPEND == WEIR_PLUGIN_DEPEND &&
	       (int)STATE_PRIORITY == WEIR_PLUGIN_PRIORITY &&
	       (int)STATE_SCHED == WEIR_PLUGIN_SCHED &&
	       (int)STATE_RUN == WEIR_PLUGIN_RUN &&
	       (int)STATE_CLEANUP == WEIR_PLUGIN_CLEANUP &&
	       (int)STATE_INACTIVE == WEIR_PLUGIN_INACTIVE,
	       "states are part of the ABI");

/* ---- jobs ---- */

static const struct job *job_of(const struct weir_plugin_job *handle)
{
	const struct job *job = (const struct job *)handle;

	assert(job->magic == JOB_MAGIC);
	return job;
}

static uint64_t job_id(const struct weir_plugin_job *job)
{
	return job_of(job)->id;
}

static uint32_t job_userid(const struct weir_plugin_job *job)
{
	return job_of(job)->userid;
}

static int job_urgency(const struct weir_plugin_job *job)
{
	return job_of(job)->urgency;
}

static int64_t job_priority(const struct weir_plugin_job *job)
{
	return job_of(job)->priority;
}

static enum weir_plugin_state job_state(const struct weir_plugin_job *job)
{
	return (enum weir_plugin_state)job_of(job)->state;
}

static enum weir_plugin_kind job_kind(const struct weir_plugin_job *handle)
{
	const struct job *job = job_of(handle);
	uint64_t array;
	uint32_t index;

	if (job->array)
		return WEIR_PLUGIN_ARRAY;
	return jobid_is_element(job->id, &array, &index) ?
	       WEIR_PLUGIN_ELEMENT : WEIR_PLUGIN_SINGLE;
}

static double job_submitted(const struct weir_plugin_job *job)
{
	double t = job_of(job)->entered[STATE_NEW];

	return t > 0 ? t : now_wall();
}

static double job_duration(const struct weir_plugin_job *job)
{
	return job_of(job)->want.duration;
}

static int job_nnodes(const struct weir_plugin_job *job)
{
	return job_of(job)->nnodes;
}

static int job_ncores(const struct weir_plugin_job *job)
{
	return job_of(job)->ncores;
}

static int job_ngpus(const struct weir_plugin_job *handle)
{
	const struct job *job = job_of(handle);
	size_t i;
	int n = 0;

	if (!job->R)
		return job->want.nslots * job->want.slot.gpus;
	for (i = 0; i < job->R->count; i++)
		n += (int)idset_count(job->R->nodes[i].gpus);
	return n;
}

static const char *job_name(const struct weir_plugin_job *job)
{
	return job_of(job)->name;
}

static const char *job_queue(const struct weir_plugin_job *job)
{
	return job_of(job)->q->name;
}

static const char *job_jobspec(const struct weir_plugin_job *job)
{
	return job_of(job)->schedd->plugins.jobspec;
}

/* ---- what a plug-in says ---- */

static struct plugin *plugin_of(struct weir_plugin_host *host)
{
	struct plugin *p = (struct plugin *)host;

	assert(p->magic == PLUGIN_MAGIC);
	return p;
}

static void __attribute__((format(printf, 2, 3)))
explain(struct weir_plugin_host *host, const char *fmt, ...)
{
	struct plugin *p = plugin_of(host);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 3, 4)))
to_log(struct weir_plugin_host *host, int level, const char *fmt, ...)
{
	struct plugin *p = plugin_of(host);
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	daemon_log(level, "plug-in %s: %s", p->ops.name, text);
}

static double now(struct weir_plugin_host *host)
{
	return now_wall();
}

/* ---- what it asks for ---- */

static int request(struct weir_plugin_host *host,
		   const struct plugin_request *r)
{
	struct plugins *all = &plugin_of(host)->schedd->plugins;
	size_t n = all->size ? 2 * all->size : 64;
	struct plugin_request *more;

	if (all->requests >= REQUESTS_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if (all->requests == all->size) {
		more = reallocarray(all->request, n, sizeof(*more));
		if (!more)
			return -1;
		all->request = more;
		all->size = n;
	}
	all->request[all->requests++] = *r;
	commit_wake(plugin_of(host)->schedd->commit);
	return 0;
}

static int reprioritize(struct weir_plugin_host *host, uint64_t id)
{
	struct schedd *s = plugin_of(host)->schedd;

	if (id)
		return request(host, &(struct plugin_request) {
				.kind = REQUEST_PRIORITY, .id = id });
	s->plugins.reprioritize = true;
	commit_wake(s->commit);
	return 0;
}

static int redepend(struct weir_plugin_host *host, uint64_t id)
{
	return request(host, &(struct plugin_request) {
			.kind = REQUEST_DEPEND, .id = id });
}

static int restart(struct weir_plugin_host *host, uint32_t userid)
{
	parked_look(plugin_of(host)->schedd, userid);
	return 0;
}

static int raise_exception(struct weir_plugin_host *host, uint64_t id,
			   const char *type, int severity, const char *note)
{
	struct plugin_request r = { .kind = REQUEST_RAISE, .id = id,
				    .severity = severity };

	if (severity < 0 || severity > 7 || !good_exception_type(type) ||
	    (note && strlen(note) > NOTE_MAX)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(r.type, sizeof(r.type), "%s", type);
	r.note = strdup(note ? note : "");
	if (!r.note)
		return -1;
	if (request(host, &r) == 0)
		return 0;
	free(r.note);
	return -1;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct plugin *p = arg;

	assert(p->magic == PLUGIN_MAGIC);
	if (!p->ops.timer)
		return;
	plugin_enter(p, "timer", 0);
	p->ops.timer(p->self);
	plugin_leave(p);
}

static int timer(struct weir_plugin_host *host, double seconds)
{
	struct plugin *p = plugin_of(host);
	struct timeval tv;

	if (isnan(seconds)) {
		errno = EINVAL;
		return -1;
	}
	if (p->timer)
		evtimer_del(p->timer);
	if (seconds < 0)
		return 0;
	if (seconds > TIMER_MAX)
		seconds = TIMER_MAX;
	tv.tv_sec = (time_t)seconds;
	tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
	if (!p->timer)
		p->timer = evtimer_new(p->schedd->base, on_timer, p);
	if (p->timer && evtimer_add(p->timer, &tv) == 0)
		return 0;
	errno = ENOMEM;
	return -1;
}

const struct weir_plugin_api plugin_api = {
	.abi = WEIR_PLUGIN_ABI,
	.size = sizeof(struct weir_plugin_api),
	.job_id = job_id,
	.job_userid = job_userid,
	.job_urgency = job_urgency,
	.job_priority = job_priority,
	.job_state = job_state,
	.job_kind = job_kind,
	.job_submitted = job_submitted,
	.job_duration = job_duration,
	.job_nnodes = job_nnodes,
	.job_ncores = job_ncores,
	.job_ngpus = job_ngpus,
	.job_name = job_name,
	.job_queue = job_queue,
	.job_jobspec = job_jobspec,
	.explain = explain,
	.log = to_log,
	.now = now,
	.reprioritize = reprioritize,
	.redepend = redepend,
	.restart = restart,
	.raise = raise_exception,
	.timer = timer,
};
