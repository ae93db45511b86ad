/* SPDX-License-Identifier: Apache-2.0 */
/* One hook's process: its environment, its output, its end. Nothing here knows
 * of jobs. For schedd, and for execd, which reaps its children itself. */
#ifndef WEIR_PROTO_HOOK_RUN_H
#define WEIR_PROTO_HOOK_RUN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct hook_command {
	char **argv;		/* ends with NULL */
	double timeout;		/* seconds; 0: none */
	double kill_timeout;	/* seconds from SIGTERM to SIGKILL */
};

struct hook_env {
	char **name;		/* NAME=value; ends with NULL */
	size_t count;
};

/* -1 with ENOMEM. */
int hook_env_add(struct hook_env *env, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void hook_env_free(struct hook_env *env);

struct hook_run;

/* LEVEL is one of syslog(3). */
typedef void hook_log_f(int level, const char *text, void *arg);
/* STATUS is its wait status; WHY is NULL, or why it was told to end. It may
 * destroy the hook_run. */
typedef void hook_end_f(int status, const char *why, void *arg);

/* Runs COMMAND in / and a session of its own. What it puts out goes to LOG,
 * line by line behind LABEL. END is called once, later. NULL with errno: it
 * could not be run. */
struct hook_run *hook_run(struct event_base *base,
			  const struct hook_command *command, char **env,
			  const char *label, hook_log_f *log, hook_end_f *end,
			  void *arg);
void hook_run_stop(struct hook_run *run);	/* a signal, then SIGKILL */
/* PID, a child of this process, ended with STATUS and was waited for by
 * somebody else: if it was a hook, its end will be told. */
void hook_run_reaped(pid_t pid, int status);
/* Kills it if it runs, and waits for that. NULL is fine. */
void hook_run_destroy(struct hook_run *run);

#endif
