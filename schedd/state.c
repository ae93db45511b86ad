/* SPDX-License-Identifier: Apache-2.0 */
/* The table of states and events: see state.h and weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "schedd/state.h"

#define GO(state, action)	{ STATE_LEGAL, STATE_##state, ACTION_##action }
#define IGNORE			{ STATE_IGNORED, 0, 0 }
#define ERROR			{ STATE_ERROR, 0, 0 }

/* Initializers of every cell, in the order of the enum. */
static const struct state_cell table[STATES][EVENTS] = {
	[STATE_NEW] = {
		[EVENT_SUBMIT] = GO(NEW, VALIDATE),
		[EVENT_VALIDATE] = GO(DEPEND, DEPEND),
		[EVENT_DEPENDENCY_ADD] = GO(NEW, NONE),
		[EVENT_DEPENDENCY_REMOVE] = ERROR,
		[EVENT_DEPEND] = ERROR,
		[EVENT_PRIORITY] = ERROR,
		[EVENT_URGENCY] = GO(NEW, NONE),
		[EVENT_ALLOC] = ERROR,
		[EVENT_START] = ERROR,
		[EVENT_FINISH] = ERROR,
		[EVENT_RELEASE] = ERROR,
		[EVENT_FREE] = ERROR,
		[EVENT_CLEAN] = ERROR,
		[EVENT_EXCEPTION] = GO(NEW, NONE),
		[EVENT_FATAL] = GO(CLEANUP, STOP),
		[EVENT_OTHER] = IGNORE,
	},
	[STATE_DEPEND] = {
		[EVENT_SUBMIT] = ERROR,
		[EVENT_VALIDATE] = ERROR,
		[EVENT_DEPENDENCY_ADD] = GO(DEPEND, NONE),
		[EVENT_DEPENDENCY_REMOVE] = GO(DEPEND, DEPEND),
		[EVENT_DEPEND] = GO(PRIORITY, PRIORITY),
		[EVENT_PRIORITY] = ERROR,
		[EVENT_URGENCY] = GO(DEPEND, NONE),
		[EVENT_ALLOC] = ERROR,
		[EVENT_START] = ERROR,
		[EVENT_FINISH] = ERROR,
		[EVENT_RELEASE] = ERROR,
		[EVENT_FREE] = ERROR,
		[EVENT_CLEAN] = ERROR,
		[EVENT_EXCEPTION] = GO(DEPEND, NONE),
		[EVENT_FATAL] = GO(CLEANUP, STOP),
		[EVENT_OTHER] = IGNORE,
	},
	[STATE_PRIORITY] = {
		[EVENT_SUBMIT] = ERROR,
		[EVENT_VALIDATE] = ERROR,
		[EVENT_DEPENDENCY_ADD] = ERROR,
		[EVENT_DEPENDENCY_REMOVE] = IGNORE,
		[EVENT_DEPEND] = ERROR,
		[EVENT_PRIORITY] = GO(SCHED, QUEUE),
		[EVENT_URGENCY] = GO(PRIORITY, PRIORITY),
		[EVENT_ALLOC] = ERROR,
		[EVENT_START] = ERROR,
		[EVENT_FINISH] = ERROR,
		[EVENT_RELEASE] = ERROR,
		[EVENT_FREE] = ERROR,
		[EVENT_CLEAN] = ERROR,
		[EVENT_EXCEPTION] = GO(PRIORITY, NONE),
		[EVENT_FATAL] = GO(CLEANUP, STOP),
		[EVENT_OTHER] = IGNORE,
	},
	[STATE_SCHED] = {
		[EVENT_SUBMIT] = ERROR,
		[EVENT_VALIDATE] = ERROR,
		[EVENT_DEPENDENCY_ADD] = ERROR,
		[EVENT_DEPENDENCY_REMOVE] = IGNORE,
		[EVENT_DEPEND] = ERROR,
		[EVENT_PRIORITY] = GO(SCHED, QUEUE),
		[EVENT_URGENCY] = GO(SCHED, PRIORITY),
		[EVENT_ALLOC] = GO(RUN, START),
		[EVENT_START] = ERROR,
		[EVENT_FINISH] = ERROR,
		[EVENT_RELEASE] = ERROR,
		[EVENT_FREE] = ERROR,
		[EVENT_CLEAN] = ERROR,
		[EVENT_EXCEPTION] = GO(SCHED, NONE),
		[EVENT_FATAL] = GO(CLEANUP, STOP),
		[EVENT_OTHER] = IGNORE,
	},
	[STATE_RUN] = {
		[EVENT_SUBMIT] = ERROR,
		[EVENT_VALIDATE] = ERROR,
		[EVENT_DEPENDENCY_ADD] = ERROR,
		[EVENT_DEPENDENCY_REMOVE] = IGNORE,
		[EVENT_DEPEND] = ERROR,
		[EVENT_PRIORITY] = IGNORE,
		[EVENT_URGENCY] = IGNORE,
		[EVENT_ALLOC] = ERROR,
		[EVENT_START] = GO(RUN, STARTED),
		[EVENT_FINISH] = GO(CLEANUP, RELEASE),
		[EVENT_RELEASE] = ERROR,
		[EVENT_FREE] = ERROR,
		[EVENT_CLEAN] = ERROR,
		[EVENT_EXCEPTION] = GO(RUN, NONE),
		[EVENT_FATAL] = GO(CLEANUP, STOP),
		[EVENT_OTHER] = IGNORE,
	},
	[STATE_CLEANUP] = {
		[EVENT_SUBMIT] = ERROR,
		[EVENT_VALIDATE] = ERROR,
		[EVENT_DEPENDENCY_ADD] = ERROR,
		[EVENT_DEPENDENCY_REMOVE] = IGNORE,
		[EVENT_DEPEND] = ERROR,
		[EVENT_PRIORITY] = IGNORE,
		[EVENT_URGENCY] = IGNORE,
		[EVENT_ALLOC] = ERROR,
		[EVENT_START] = GO(CLEANUP, NONE),
		[EVENT_FINISH] = GO(CLEANUP, RELEASE),
		[EVENT_RELEASE] = GO(CLEANUP, FREE),
		[EVENT_FREE] = GO(CLEANUP, CLEAN),
		[EVENT_CLEAN] = GO(INACTIVE, FORGET),
		[EVENT_EXCEPTION] = GO(CLEANUP, NONE),
		[EVENT_FATAL] = GO(CLEANUP, NONE),
		[EVENT_OTHER] = IGNORE,
	},
	[STATE_INACTIVE] = {
		[EVENT_SUBMIT] = ERROR,
		[EVENT_VALIDATE] = ERROR,
		[EVENT_DEPENDENCY_ADD] = ERROR,
		[EVENT_DEPENDENCY_REMOVE] = IGNORE,
		[EVENT_DEPEND] = ERROR,
		[EVENT_PRIORITY] = IGNORE,
		[EVENT_URGENCY] = IGNORE,
		[EVENT_ALLOC] = ERROR,
		[EVENT_START] = ERROR,
		[EVENT_FINISH] = ERROR,
		[EVENT_RELEASE] = ERROR,
		[EVENT_FREE] = ERROR,
		[EVENT_CLEAN] = ERROR,
		[EVENT_EXCEPTION] = IGNORE,
		[EVENT_FATAL] = IGNORE,
		[EVENT_OTHER] = IGNORE,
	},
};

const struct state_cell *state_cell(enum job_state state,
				    enum job_event event)
{
	assert(state < STATES && event < EVENTS);
	return &table[state][event];
}

enum job_action state_resume(enum job_state state, bool allocated,
			     bool finished)
{
	switch (state) {
	case STATE_NEW:
		return ACTION_VALIDATE;
	case STATE_DEPEND:
		return ACTION_DEPEND;
	case STATE_PRIORITY:
		return ACTION_PRIORITY;
	case STATE_SCHED:
		return ACTION_QUEUE;
	case STATE_CLEANUP:
		if (!allocated)
			return ACTION_CLEAN;
		return finished ? ACTION_RELEASE : ACTION_STOP;
	default:
		return ACTION_NONE;
	}
}

static const char *const states[STATES] = {
	[STATE_NEW] = "NEW", [STATE_DEPEND] = "DEPEND",
	[STATE_PRIORITY] = "PRIORITY", [STATE_SCHED] = "SCHED",
	[STATE_RUN] = "RUN", [STATE_CLEANUP] = "CLEANUP",
	[STATE_INACTIVE] = "INACTIVE",
};

static const char *const events[EVENTS] = {
	[EVENT_SUBMIT] = "submit", [EVENT_VALIDATE] = "validate",
	[EVENT_DEPENDENCY_ADD] = "dependency-add",
	[EVENT_DEPENDENCY_REMOVE] = "dependency-remove",
	[EVENT_DEPEND] = "depend", [EVENT_PRIORITY] = "priority",
	[EVENT_URGENCY] = "urgency", [EVENT_ALLOC] = "alloc",
	[EVENT_START] = "start", [EVENT_FINISH] = "finish",
	[EVENT_RELEASE] = "release", [EVENT_FREE] = "free",
	[EVENT_CLEAN] = "clean", [EVENT_EXCEPTION] = "exception",
	[EVENT_FATAL] = "exception", [EVENT_OTHER] = "?",
};

const char *state_name(enum job_state state)
{
	assert(state < STATES);
	return states[state];
}

const char *event_name(enum job_event event)
{
	assert(event < EVENTS);
	return events[event];
}

enum job_event event_named(const char *name)
{
	int i;

	for (i = 0; i < EVENT_FATAL; i++)
		if (!strcmp(events[i], name))
			return (enum job_event)i;
	return EVENT_OTHER;
}
