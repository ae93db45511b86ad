/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a job: which event may happen in which state, where it leads
 * and what has to be done then. weir-jobs(7).
 *
 * This is a constant table without any effect of its own. Live events and
 * those read back at a start go through it alike.
 */
#ifndef WEIR_SCHEDD_STATE_H
#define WEIR_SCHEDD_STATE_H

#include <stdbool.h>

enum job_state {
	STATE_NEW, STATE_DEPEND, STATE_PRIORITY, STATE_SCHED, STATE_RUN,
	STATE_CLEANUP, STATE_INACTIVE,
	STATES
};

/* As job-list gives them and takes them. */
#define STATE_BIT(state)	(1u << (state))
#define STATE_PENDING	(STATE_BIT(STATE_DEPEND) | STATE_BIT(STATE_PRIORITY) | \
			 STATE_BIT(STATE_SCHED))
#define STATE_RUNNING	(STATE_BIT(STATE_RUN) | STATE_BIT(STATE_CLEANUP))
#define STATE_ALL	((1u << STATES) - 1)

enum job_event {
	EVENT_SUBMIT, EVENT_VALIDATE, EVENT_INVALIDATE, EVENT_DEPENDENCY_ADD,
	EVENT_DEPENDENCY_REMOVE, EVENT_DEPEND, EVENT_PRIORITY, EVENT_URGENCY,
	EVENT_ALLOC, EVENT_PROLOG_START, EVENT_PROLOG_FINISH, EVENT_START,
	EVENT_FINISH, EVENT_EPILOG_START, EVENT_EPILOG_FINISH, EVENT_RELEASE,
	EVENT_FREE, EVENT_CLEAN,
	EVENT_SET_FLAGS, EVENT_MEMO, EVENT_JOBSPEC_UPDATE,
	EVENT_RESOURCE_UPDATE,
	EVENT_EXCEPTION,	/* severity 1 to 7 */
	EVENT_FATAL,		/* an exception of severity 0 */
	EVENT_OTHER,		/* a name that we don't know */
	EVENTS
};

enum job_action {
	ACTION_NONE,
	ACTION_VALIDATE,	/* its request is in order: go on */
	ACTION_DEPEND,		/* go on once it depends on nothing */
	ACTION_PRIORITY,	/* give it a priority */
	ACTION_QUEUE,		/* it waits for resources, at its place */
	ACTION_START,		/* its prolog, then tell its nodes */
	ACTION_STARTED,		/* tell those who waited for that */
	ACTION_LIMIT,		/* its end of time has moved */
	ACTION_STOP,		/* let go, or kill what runs */
	ACTION_RELEASE,		/* nothing of it runs: its epilog, then
				   release */
	ACTION_FREE,		/* give its resources back */
	ACTION_CLEAN,		/* nothing is left to do */
	ACTION_FORGET,		/* keep only what listings need */
	ACTIONS
};

enum state_verdict {
	STATE_LEGAL,		/* NEXT and ACTION hold */
	STATE_IGNORED,		/* harmless, changes nothing */
	STATE_ERROR,		/* must not happen: the log is damaged */
};

struct state_cell {
	enum state_verdict verdict;
	enum job_state next;
	enum job_action action;
};

const struct state_cell *state_cell(enum job_state state,
				    enum job_event event);
/* What has to be done for a job that is found in STATE at a start. ALLOCATED:
 * it holds resources; FINISHED: nothing of it runs. */
enum job_action state_resume(enum job_state state, bool allocated,
			     bool finished);

const char *state_name(enum job_state state);	/* "SCHED" */
const char *event_name(enum job_event event);	/* "dependency-add" */
/* EVENT_OTHER for an unknown NAME; an exception is EVENT_EXCEPTION. */
enum job_event event_named(const char *name);

#endif
