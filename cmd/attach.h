/* SPDX-License-Identifier: Apache-2.0 */
/* Following a job to its end: events, output, result. Many may be followed
 * at once over one connection. */
#ifndef WEIR_CMD_ATTACH_H
#define WEIR_CMD_ATTACH_H

#include <stdbool.h>
#include <stdio.h>

#include "libclient/weir.h"
#include "proto/eventlog.h"

struct attach;

struct attach_options {
	bool output;		/* show what the tasks wrote */
	bool label;		/* each line with its task's rank */
	bool label_id;		/* and before that with the job's id */
	bool unbuffered;	/* parts of lines at once */
	bool events;		/* show the events on standard error */
	bool quiet;		/* no word about exceptions and the result */
	bool no_result;		/* none about the result alone */
	FILE *out, *err;	/* in the place of standard output and error;
				   NULL: these */
	const char *until;	/* the event that ends it; NULL: finish */
	/* For each event; may be NULL. */
	void (*event)(struct attach *a, const struct eventlog_event *event,
		      void *arg);
	/* Once, when it is over; must not destroy A. */
	void (*done)(struct attach *a, void *arg);
	void *arg;
};

/* OPTIONS is borrowed. NULL with errno. */
struct attach *attach_create(weir_t *h, weir_jobid_t id,
			     const struct attach_options *options);
void attach_destroy(struct attach *a);

weir_jobid_t attach_id(const struct attach *a);
/* When it is over: the exit code of a command that stands for the job. */
int attach_exit_code(const struct attach *a);
/* 0, or why the job couldn't be followed (ENOENT: there is none). */
int attach_errno(const struct attach *a);
const char *attach_strerror(const struct attach *a);
/* Whether its tasks may be running: allocated and not finished. */
bool attach_running(const struct attach *a);
/* Whether it is still waiting for its turn. */
bool attach_pending(const struct attach *a);

/* ---- the terminal's side (attach_terminal.c) ---- */

struct terminal_options {
	bool read_only;		/* no standard input, no signals */
};

/* Those that attach_run forwards wait for it, so that one that comes when the
 * job has just started reaches the job. */
void terminal_hold_signals(bool hold);
/* Follows ID with standard input and signals forwarded, until its end or the
 * user's leaving. Gives the exit code. OPTIONS' event, done, arg are used. */
int attach_run(weir_t *h, weir_jobid_t id, struct attach_options *options,
	       const struct terminal_options *terminal);

/* "task(s) exited with exit code 3": what STATUS, a wait status, means, or
 * NULL for success. CODE gets the exit code. */
const char *attach_status_text(int status, int *code, char *buf, size_t size);

#endif
