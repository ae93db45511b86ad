/* SPDX-License-Identifier: Apache-2.0 */
/* What is done once a turn of the event loop, before the turn's transaction is
 * sent. schedd(8). */
#include "config.h"

#include <assert.h>

#include "schedd/schedd.h"

#define IN_FLIGHT_MAX	2	/* transactions */

void turn_end(struct schedd *s)
{
	hooks_wake(s);
	grown_turn(s);
	nodes_turn(s);
	bulk_turn(s);
	purge_turn(s);
	plugins_turn(s);
	dependency_turn(s);
	arrays_turn(s);
	sched_run(s);
	queues_turn(s);
	ended_turn(s);
	arrays_save(s);
	drain_save(s);
	s->fresh = 0;
	if (arrays_wait(s) && turn_room(s))
		turn_again(s);
	if (resources_may_leave(s->resources))
		turn_again(s);
	/* which may have ended jobs that others wait for */
	if (s->to_settle || plugins_wait(s))
		turn_again(s);
}

bool turn_room(struct schedd *s)
{
	return commit_in_flight(s->commit) < IN_FLIGHT_MAX;
}

bool turn_waits(struct schedd *s)
{
	return s->bulk || s->purges || s->purge_wanted || s->to_settle ||
	       s->plugins.ids ||
	       arrays_wait(s);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct schedd *s = arg;

	assert(s->magic == SCHEDD_MAGIC);
	commit_wake(s->commit);
}

/* A timer comes only after the loop has looked at its connections, which an
 * event made active would not. */
void turn_again(struct schedd *s)
{
	struct timeval now = { 0, 0 };

	if (!s->again)
		s->again = evtimer_new(s->base, on_again, s);
	if (!s->again || evtimer_add(s->again, &now) < 0)
		schedd_restart(s, "out of memory");
}
