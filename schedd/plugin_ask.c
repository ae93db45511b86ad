/* SPDX-License-Identifier: Apache-2.0 */
/* Where plug-ins have a say: each callback is made here. See plugin.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/plugin_impl.h"

/* ---- notices ---- */

static void tell_event(struct plugin *p, const struct job *job,
		       const struct jobevent *ev)
{
	struct wire_buf line;

	wire_buf_init(&line);
	if (jobevent_encode(&line, ev) == 0 &&
	    wire_buf_add(&line, "", 1) == 0) {
		line.data[line.len - 2] = '\0';	/* the line's end */
		plugin_enter(p, "event", job->id);
		p->ops.event(p->self, plugin_job(job), event_name(ev->event),
			     line.data);
		plugin_leave(p);
	}
	wire_buf_free(&line);
}

static void tell(struct plugin *p, const struct job *job,
		 const struct jobevent *ev, enum job_state before)
{
	if (ev->event == EVENT_SUBMIT && p->ops.job) {
		plugin_enter(p, "job", job->id);
		p->ops.job(p->self, plugin_job(job));
		plugin_leave(p);
	}
	if (p->ops.event)
		tell_event(p, job, ev);
	if (job->state != before && p->ops.state) {
		plugin_enter(p, "state", job->id);
		p->ops.state(p->self, plugin_job(job),
			     (enum weir_plugin_state)before);
		plugin_leave(p);
	}
}

void plugins_event(struct schedd *s, const struct job *job,
		   const struct jobevent *ev, int before)
{
	struct plugin *p;

	for (p = s->plugins.first; p; p = p->next)
		tell(p, job, ev, (enum job_state)before);
}

/* ---- questions ---- */

static int validate(struct schedd *s, const struct job *job,
		    struct proto_error *err)
{
	struct plugin *p;
	int r;

	for (p = s->plugins.first; p; p = p->next) {
		if (!p->ops.validate)
			continue;
		plugin_enter(p, "validate", job->id);
		r = p->ops.validate(p->self, plugin_job(job));
		plugin_leave(p);
		if (r < 0)
			return proto_error_set(err, EINVAL, "%s",
					       plugin_why(p, "a plug-in "
					       "refused the job"));
	}
	return 0;
}

int plugins_validate(struct schedd *s, const struct job *job,
		     const char *jobspec, size_t len, struct proto_error *err)
{
	char *text;
	int r;

	if (!s->plugins.first)
		return 0;
	text = strndup(jobspec, len);
	if (!text)
		return proto_error_set(err, ENOMEM, "out of memory");
	s->plugins.jobspec = text;
	r = validate(s, job, err);
	s->plugins.jobspec = NULL;
	free(text);
	return r;
}

int plugins_update(struct schedd *s, const struct job *job,
		   struct proto_error *err)
{
	struct plugin *p;
	int r;

	for (p = s->plugins.first; p; p = p->next) {
		if (!p->ops.update)
			continue;
		plugin_enter(p, "update", job->id);
		r = p->ops.update(p->self, plugin_job(job));
		plugin_leave(p);
		if (r < 0)
			return proto_error_set(err, EINVAL, "%s",
					       plugin_why(p, "a plug-in "
					       "refused the update"));
	}
	return 0;
}

int64_t plugins_priority(struct schedd *s, const struct job *job)
{
	int64_t priority = priority_of(job);
	struct plugin *p;
	int r;

	if (job->urgency == URGENCY_HOLD || job->urgency == URGENCY_EXPEDITE)
		return priority;
	for (p = s->plugins.first; p; p = p->next) {
		if (!p->ops.priority)
			continue;
		plugin_enter(p, "priority", job->id);
		r = p->ops.priority(p->self, plugin_job(job), &priority);
		plugin_leave(p);
		if (r == 0 && priority >= 0 && priority <= PRIORITY_MAX)
			return priority;
		if (r == 0)
			daemon_log(LOG_ERR, "plug-in %s: priority %lld of %s "
				   "is not used: must be 0 to %lld",
				   p->ops.name, (long long)priority, job->key,
				   PRIORITY_MAX);
		priority = priority_of(job);
	}
	return priority;
}

static bool has_scheme(const struct plugin *p, const char *scheme)
{
	const char *const *have = p->ops.schemes;

	while (have && *have && strcmp(*have, scheme))
		have++;
	return have && *have;
}

static struct plugin *find_scheme(struct schedd *s, const char *scheme)
{
	struct plugin *p = s->plugins.first;

	while (p && !has_scheme(p, scheme))
		p = p->next;
	return p;
}

bool plugins_know(struct schedd *s, const char *scheme)
{
	return find_scheme(s, scheme);
}

enum weir_plugin_verdict plugins_depend(struct schedd *s,
		const struct job *job, const char *scheme, const char *value,
		struct proto_error *why)
{
	struct plugin *p = find_scheme(s, scheme);
	enum weir_plugin_verdict verdict;

	if (!p)
		return WEIR_PLUGIN_WAIT;
	plugin_enter(p, "depend", job->id);
	verdict = p->ops.depend(p->self, plugin_job(job), scheme, value);
	plugin_leave(p);
	if (why && verdict == WEIR_PLUGIN_NEVER)
		proto_error_set(why, EINVAL, "dependency: %s: %s", scheme,
				plugin_why(p, "it can never be satisfied"));
	return verdict;
}
