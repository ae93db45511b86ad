/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a job's life: every cell, against a picture of it. */
#include "config.h"

#include "schedd/state.h"
#include "t/unit/tap.h"

/*
 * A line a state, a letter an event in the order of the enum: the state it
 * leads to (N D P S R C I), '.' for ignored, '-' for an error.
 */
static const char *const picture[STATES] = {
	/* submit validate invalidate dep-add dep-remove depend priority
	 * urgency | alloc prolog-start prolog-finish start finish
	 * epilog-start epilog-finish release free clean | set-flags memo
	 * jobspec-update resource-update | exception fatal other */
	[STATE_NEW] =		"NDIN---N" "----------" "NNN-" "NC.",
	[STATE_DEPEND] =	"---DDP-D" "----------" "DDD-" "DC.",
	[STATE_PRIORITY] =	"----.-SP" "----------" "PPP-" "PC.",
	[STATE_SCHED] =		"----.-SS" "R---------" "SSS-" "SC.",
	[STATE_RUN] =		"----.-.." "-RRRC-----" "RRRR" "RC.",
	[STATE_CLEANUP] =	"----.-.." "--CCCCCCCI" "CC-." "CC.",
	[STATE_INACTIVE] =	"----.-.." "----------" "..--" "...",
};

static char letter(const struct state_cell *cell)
{
	if (cell->verdict == STATE_IGNORED)
		return '.';
	if (cell->verdict == STATE_ERROR)
		return '-';
	return "NDPSRCI"[cell->next];
}

static void test_cells(void)
{
	int s, e;

	for (s = 0; s < STATES; s++) {
		is_int((long long)strlen(picture[s]), EVENTS,
		       "the picture has every event");
		for (e = 0; e < EVENTS; e++) {
			char got[2] = { letter(state_cell(s, e)) };
			char want[2] = { picture[s][e] };
			char name[64];

			snprintf(name, sizeof(name), "%s and %s",
				 state_name(s), event_name(e));
			is_str(got, want, name);
		}
	}
}

/* A job never goes back, and only INACTIVE is without a way out. */
static void test_order(void)
{
	int s, e, bad = 0, stuck = 0;

	for (s = 0; s < STATES; s++) {
		int ways = 0;

		for (e = 0; e < EVENTS; e++) {
			const struct state_cell *c = state_cell(s, e);

			if (c->verdict != STATE_LEGAL)
				continue;
			bad += (int)c->next < s;
			ways += (int)c->next != s;
		}
		stuck += !ways;
	}
	is_int(bad, 0, "no event leads back");
	is_int(stuck, 1, "one state has no way out");
}

static enum job_event next_event(enum job_action action)
{
	switch (action) {
	case ACTION_VALIDATE:
		return EVENT_VALIDATE;
	case ACTION_DEPEND:
		return EVENT_DEPEND;
	case ACTION_PRIORITY:
		return EVENT_PRIORITY;
	case ACTION_QUEUE:
		return EVENT_ALLOC;
	case ACTION_START:
		return EVENT_FINISH;
	case ACTION_STOP:
	case ACTION_RELEASE:
		return EVENT_RELEASE;
	case ACTION_FREE:
		return EVENT_FREE;
	case ACTION_CLEAN:
		return EVENT_CLEAN;
	default:
		return EVENTS;
	}
}

/* Following the actions alone takes a job from its submission to the end. */
static void test_actions(void)
{
	enum job_state state = STATE_NEW;
	enum job_event event = EVENT_SUBMIT;
	const struct state_cell *c = NULL;
	int steps = 0;

	while (event != EVENTS && steps++ < 20) {
		c = state_cell(state, event);
		if (!ok(c->verdict == STATE_LEGAL, "%s is legal in %s",
			event_name(event), state_name(state)))
			return;
		state = c->next;
		event = next_event(c->action);
	}
	is_int(state, STATE_INACTIVE, "the actions lead to the end");
	is_int(c->action, ACTION_FORGET, "where the job is forgotten");
}

static void test_resume(void)
{
	is_int(state_resume(STATE_NEW, false, false), ACTION_VALIDATE,
	       "NEW goes on with validate");
	is_int(state_resume(STATE_SCHED, false, false), ACTION_QUEUE,
	       "SCHED is queued again");
	is_int(state_resume(STATE_RUN, true, false), ACTION_NONE,
	       "RUN waits for its nodes");
	is_int(state_resume(STATE_CLEANUP, true, false), ACTION_STOP,
	       "CLEANUP with tasks kills them");
	is_int(state_resume(STATE_CLEANUP, true, true), ACTION_RELEASE,
	       "CLEANUP without tasks releases");
	is_int(state_resume(STATE_CLEANUP, false, false), ACTION_CLEAN,
	       "CLEANUP with nothing is clean");
	is_int(state_resume(STATE_INACTIVE, false, true), ACTION_NONE,
	       "INACTIVE stays");
}

static void test_names(void)
{
	int e, bad = 0;

	for (e = 0; e < EVENT_FATAL; e++)
		bad += event_named(event_name(e)) != (enum job_event)e;
	is_int(bad, 0, "every event is found by its name");
	is_int(event_named("exception"), EVENT_EXCEPTION,
	       "an exception is not fatal by its name");
	is_int(event_named("debug.x"), EVENT_OTHER, "others are others");
}

int main(void)
{
	test_cells();
	test_order();
	test_actions();
	test_resume();
	test_names();
	return done();
}
