/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons that weir start runs: started with a pipe on which each says
 * that it is ready or why not, started again when they die, stopped. */
#ifndef WEIR_CMD_DAEMONS_H
#define WEIR_CMD_DAEMONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct event_base;
struct event;
struct daemons;

#define DAEMON_ARGS 16

struct daemon {
	struct daemons *all;
	const char *program;	/* kvsd, schedd, execd */
	char name[32];		/* "execd-0" */
	char *argv[DAEMON_ARGS];	/* owned; argv[0] is a path */
	pid_t pid;		/* 0: not running */
	bool ready;
	bool stopping;
	int pipe;		/* -1, or where it will say "ready" */
	char line[512];		/* what it has said so far */
	size_t line_len;
	double backoff;		/* seconds to the next try, 0: at once */
	struct event *pipe_event, *restart_event;
	struct daemon *next;
};

struct daemons {
	struct event_base *base;
	struct daemon *first;
	bool verbose;
	/* D has become ready, for the first time or again. */
	void (*on_ready)(struct daemon *d, void *arg);
	/* D has said TEXT instead, or ended before it was ready for the first
	 * time. */
	void (*on_failed)(struct daemon *d, const char *text, void *arg);
	/* D has ended after it was told to. */
	void (*on_stopped)(struct daemon *d, void *arg);
	/* For the instance's log. */
	void (*log)(const char *text, void *arg);
	void *arg;
};

/* The file of a daemon, to be freed: in the build tree beside the command, else
 * in libexec. */
char *program_path(const char *program);
/* ARGS: NULL-terminated, without the program's name; --ready-fd is added. */
struct daemon *daemon_start(struct daemons *all, const char *program,
			    const char *name, char *const args[]);
/* A child has ended: true if it was a daemon. */
bool daemon_reaped(struct daemons *all, pid_t pid, int status);
void daemon_signal(struct daemon *d, int signum);
bool daemons_running(const struct daemons *all, const char *program);
void daemons_free(struct daemons *all);

#endif
