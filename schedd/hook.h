/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the instance's owner that run before a job starts and after it
 * has ended, each once a job, where schedd runs, or on each of its nodes; and
 * housekeeping.h's, which are configured and told of jobs in the same way.
 * weir-jobs(7), weir-config(5). */
#ifndef WEIR_SCHEDD_HOOK_H
#define WEIR_SCHEDD_HOOK_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/error.h"
#include "proto/hook_run.h"

enum hook_kind { HOOK_PROLOG, HOOK_EPILOG, HOOK_HOUSEKEEPING, HOOKS };
extern const char *const hook_names[HOOKS];

/* Of a job, by its log. */
enum hook_state {
	HOOK_NONE,
	HOOK_OPEN,		/* begun, and not known to have ended */
	HOOK_ENDED,
	HOOK_STOPPED,		/* a prolog that ended when its job was to
				   end: its nodes were never told */
};

struct hook_config {
	struct hook_command command;	/* argv NULL: there is no such hook */
	bool per_rank;		/* on each node of the job, by its execd */
	bool cancel;		/* a prolog, when its job is to end */
	double release_after;	/* housekeeping: seconds until nodes need
				   not wait for others; -1: they do */
};

/* All, of the object `job-manager', which may be NULL. -1 with EINVAL or
 * ENOMEM, and nothing is kept. */
int hook_configure(struct hook_config config[HOOKS], json_t *manager,
		   struct proto_error *err);
void hook_config_free(struct hook_config config[HOOKS]);

struct schedd;
struct job;

/* None of these ends in job_forget at once.
 * True: JOB does not start now, but when its prolog has ended. */
bool hook_prolog(struct schedd *s, struct job *job);
/* True: JOB's resources are not given back now, but when its hooks have
 * ended. */
bool hook_epilog(struct schedd *s, struct job *job);
/* JOB, whose prolog is open, is to end. */
void hook_cancel(struct schedd *s, struct job *job);
/* Those that may run, do: at a turn's end, and when one is durable. */
void hooks_wake(struct schedd *s);
/* The node RANK has come, maybe again; or is lost. */
void hooks_node(struct schedd *s, unsigned rank, bool online);
void hooks_stop(struct schedd *s);	/* kills those that run */

#endif
