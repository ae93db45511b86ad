/* SPDX-License-Identifier: Apache-2.0 */
/* An instance from its start to its end, for start.c and start_end.c alone. */
#ifndef WEIR_CMD_START_H
#define WEIR_CMD_START_H

#include <event2/event.h>
#include <stdbool.h>

#include "cmd/daemons.h"
#include "cmd/parent.h"
#include "libclient/weir.h"

enum phase {
	STARTING_KVSD,
	STARTING_OTHERS,
	RUNNING,
	CANCELING,
	STOPPING_OTHERS,
	STOPPING_KVSD,
	STOPPED,
};

#define START_LIMITS	6

struct start {
	struct event_base *base;
	struct daemons daemons;
	enum phase phase;
	int size;		/* nodes; 0: not told */
	struct parent parent;	/* in a job: the nodes are the job's */
	const char *statedir, *durability, *metrics;
	bool keeps;		/* its state is for a later start */
	char *limit[START_LIMITS];	/* for kvsd, by start_limits.c; NULL:
					   not told */
	const char *graph;	/* file; NULL: none */
	char *graph_text;
	size_t graph_len;
	bool simulated;		/* no execd: the nodes are on paper */
	char *rundir, *uri, *socket_path;
	bool own_rundir;
	char **argv;
	pid_t program;
	int result;
	weir_t *h;
	weir_future_t *resources, *service, *listing;
	bool nodes_known;
	int active;		/* jobs whose end is waited for */
	struct event *child_event, *signals[3], *deadline;
	char parent_uri[4096];
};

/* For a daemon or the program to obey SIGTERM. */
#define STOP_SECONDS	5

/* start_on_deadline() comes in SECONDS, instead of when it was to come. */
void start_set_deadline(struct start *s, int seconds);

/* start_limits.c: options that limit what kvsd holds and keeps, which stay
 * with a statedir. */
extern const char *const start_limit_names[START_LIMITS];
/* As option I was given; false if TEXT is none of its values. */
bool start_limits_set(struct start *s, int i, const char *text);
/* Those that an earlier start with the same statedir was given, and this one
 * not. */
void start_limits_load(struct start *s);
/* For a later one. kvsd has the folder. */
void start_limits_store(const struct start *s);
/* Appends to ARGS; returns how many. What is appended is to be freed. */
int start_limits_args(const struct start *s, char **args);
void start_limits_free(struct start *s);

/* start_end.c */
/* The program has ended, or there will be none: RESULT is the exit status of
 * it all. */
void start_finish(struct start *s, int result);
void start_on_stopped(struct daemon *d, void *arg);
/* What was asked to end has not done so in time. */
void start_on_deadline(evutil_socket_t fd, short what, void *arg);

#endif
