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

/* The job that it is about; strings are borrowed. */
struct hook_subject {
	uint64_t id;
	uid_t userid;
	const char *ranks, *nodelist;
	int nnodes;
};

struct hook_subject hook_subject(const struct job *job);
/* What it finds in its environment; -1 with ENOMEM. */
int hook_environment(struct hook_env *env, struct schedd *s,
		     enum hook_kind kind, const struct hook_subject *subject,
		     bool again);
/* "its exit code is 3" */
void hook_describe(char *text, size_t size, int status);

/* ---- hook_nodes.c ---- */

#define HOOK_LOST	"contact with the node was lost"

/* What an execd is asked to do; RUN false: only if it does already. To be
 * freed; NULL with ENOMEM. */
char *hook_order(struct schedd *s, enum hook_kind kind,
		 const struct hook_subject *subject, bool again, bool run);
/* Its answer: WHY is empty if the status says it all. */
void hook_answer(weir_future_t *f, int *status, char *why, size_t size);
/* "epilog of job f1 failed on rank 0 (host): its exit code is 3" */
void hook_reason(struct schedd *s, enum hook_kind kind, uint64_t id,
		 unsigned rank, int status, const char *why, char *text,
		 size_t size);

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
