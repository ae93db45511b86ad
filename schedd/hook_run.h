/* SPDX-License-Identifier: Apache-2.0 */
/* One hook's process: its environment, its output, its end. Nothing here knows
 * of jobs. */
#ifndef WEIR_SCHEDD_HOOK_RUN_H
#define WEIR_SCHEDD_HOOK_RUN_H

#include <event2/event.h>
#include <stddef.h>

#include "schedd/hook.h"

struct hook_env {
	char **name;		/* NAME=value; ends with NULL */
	size_t count;
};

/* -1 with ENOMEM. */
int hook_env_add(struct hook_env *env, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void hook_env_free(struct hook_env *env);

struct hook_run;

/* STATUS is its wait status; WHY is NULL, or why it was told to end. It may
 * destroy the hook_run. */
typedef void hook_end_f(int status, const char *why, void *arg);

/* Runs CONFIG's command in / and a session of its own, with what it puts out
 * in the log behind LABEL. END is called once, later. NULL with errno: it could
 * not be run. */
struct hook_run *hook_run(struct event_base *base,
			  const struct hook_config *config, char **env,
			  const char *label, hook_end_f *end, void *arg);
void hook_run_stop(struct hook_run *run);	/* a signal, then SIGKILL */
/* Kills it if it runs, and waits for that. NULL is fine. */
void hook_run_destroy(struct hook_run *run);

#endif
