/* SPDX-License-Identifier: Apache-2.0 */
/* The instance whose job this process is a task of: where an instance that is
 * started in a job finds its nodes and its other parts. Their meeting point
 * is a key of the job's namespace. weir-start(1). */
#ifndef WEIR_CMD_PARENT_H
#define WEIR_CMD_PARENT_H

#include <stdbool.h>

#include "libclient/weir.h"

struct event_base;

struct parent {
	weir_t *h;		/* NULL: not in a job */
	weir_jobid_t id;
	int rank, size;		/* of this process among those of the job */
	int level;		/* of that instance; the first is 0 */
	char *cores, *gpus;	/* of this node, idsets */
	char *hosts;		/* of all of them, with commas */
	weir_future_t *watch, *lease, *memo;
	/* followers: where the instance is, and that it is no more */
	void (*on_uri)(const char *uri, void *arg);
	void (*on_gone)(void *arg);
	void *arg;
};

/* Looks where we are; ends the program if it is no place to start. */
void parent_find(struct parent *p);
/* Rank 0: where the instance is, told to the others until this process ends.
 * Waits. */
void parent_announce(struct parent *p, const char *uri,
		     struct event_base *base);
/* Rank 0, after that and when all of the instance answers: the job's memo says
 * where it is, so that tools find the way down. */
void parent_remember(struct parent *p, const char *uri);
/* The others: BASE will see it. */
void parent_follow(struct parent *p, struct event_base *base);
void parent_leave(struct parent *p);

#endif
