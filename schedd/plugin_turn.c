/* SPDX-License-Identifier: Apache-2.0 */
/* What plug-ins asked for is done, once a turn: see plugin.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/plugin_impl.h"

#define PRIORITIES_MAX	2000	/* asked for in a turn */

static void reprioritize(struct schedd *s, struct job *job)
{
	struct jobevent ev = { .event = EVENT_PRIORITY };

	if (!job || job->state != STATE_SCHED)
		return;
	ev.priority = plugins_priority(s, job);
	if (ev.priority != job->priority)
		job_post(s, job, &ev);
}

static void serve(struct schedd *s, struct plugin_request *r)
{
	struct job *job = jobs_find(s->jobs, r->id);

	switch (r->kind) {
	case REQUEST_PRIORITY:
		reprioritize(s, job);
		break;
	case REQUEST_DEPEND:
		if (job && job->state == STATE_DEPEND)
			job_act(s, job, ACTION_DEPEND);
		break;
	case REQUEST_RAISE:
		if (job)
			job_raise(s, job, r->type, r->severity, r->note,
				  NO_WAIT_STATUS);
		free(r->note);
	}
}

/* What they ask for while they hear of this waits for the next turn. */
static void serve_all(struct schedd *s)
{
	struct plugin_request *list = s->plugins.request;
	size_t n = s->plugins.requests, i;

	s->plugins.request = NULL;
	s->plugins.requests = s->plugins.size = 0;
	for (i = 0; i < n; i++)
		serve(s, &list[i]);
	free(list);
}

/* All jobs that are there now, some in each turn. */
static void note_all(struct schedd *s)
{
	size_t n = jobs_count(s->jobs);
	struct job *job = jobs_first(s->jobs);
	uint64_t *ids = calloc(n + 1, sizeof(*ids));

	s->plugins.reprioritize = false;
	if (!ids) {
		schedd_restart(s, "out of memory");
		return;
	}
	free(s->plugins.ids);
	s->plugins.ids = ids;
	s->plugins.id_count = n;
	for (; job; job = job->next)
		*ids++ = job->id;
}

static void reprioritize_some(struct schedd *s)
{
	struct plugins *all = &s->plugins;
	int n = 0;

	if (all->reprioritize)
		note_all(s);
	if (!all->ids || !turn_room(s))
		return;
	while (all->id_count && n++ < PRIORITIES_MAX && !s->restart)
		reprioritize(s, jobs_find(s->jobs,
					  all->ids[--all->id_count]));
	if (all->id_count) {
		turn_again(s);
		return;
	}
	free(all->ids);
	all->ids = NULL;
}

bool plugins_wait(struct schedd *s)
{
	return s->plugins.requests || s->plugins.reprioritize ||
	       s->plugins.look;
}

void plugins_turn(struct schedd *s)
{
	if (s->plugins.requests)
		serve_all(s);
	if (s->plugins.reprioritize || s->plugins.ids)
		reprioritize_some(s);
	if (s->plugins.look)
		parked_turn(s);
}
