/* SPDX-License-Identifier: Apache-2.0 */
/* A hook of one job while it is open: what hook.c and hook_nodes.c share. */
#ifndef WEIR_SCHEDD_HOOK_IMPL_H
#define WEIR_SCHEDD_HOOK_IMPL_H

#include "schedd/schedd.h"

#define HOOK_MAGIC	0x484f4f4bu

struct hook_part;		/* on one node */

struct hook {
	uint32_t magic;
	struct schedd *schedd;
	struct job *job;
	enum hook_kind kind;
	struct hook *next, **prev;	/* in the order in which they began */
	uint64_t turn;			/* runs when that is durable; 0: it is */
	bool again;			/* the last time it was cut off */
	bool canceled;			/* its job is to end */
	bool ended;			/* what follows is being done */
	bool begun;			/* it does not wait any more */
	struct hook_run *run;		/* here */
	struct hook_part *part;		/* or on each node of the job */
	int parts, parts_open;
};

/* What it finds in its environment; -1 with ENOMEM. */
int hook_environment(struct hook_env *env, const struct hook *h);
/* "its exit code is 3" */
void hook_describe(char *text, size_t size, int status);

/* ---- hook_nodes.c ---- */

/* Asks the execds of its job's nodes to run it. -1 with ENOMEM. When it has
 * ended on all of them, parts_open is 0 and the turn's end is told. */
int parts_start(struct hook *h);
void parts_stop(struct hook *h);
void parts_node(struct hook *h, unsigned rank, bool online);
/* How it ended: 0, or the status of the first that failed, and a NOTE on all
 * of them; these are drained. */
int parts_result(struct hook *h, char *note, size_t size);
void parts_free(struct hook *h);

#endif
