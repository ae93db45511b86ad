/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that wait in a queue whose policy looks beyond the first of them:
 * see backfill.h, which decides. What it knows is made of the queue's heap, and
 * is thrown away whenever the graph or the configuration changes. schedd(8).
 */
#ifndef WEIR_SCHEDD_BACKLOG_H
#define WEIR_SCHEDD_BACKLOG_H

#include "schedd/job.h"

struct schedd;
struct queue;
struct backlog;

/* Gives what is free to jobs of Q, and reserves for others. Only with a graph
 * that is fresh (resources_ready). */
void backlog_run(struct schedd *s, struct queue *q);
/* When it should run next although nothing happens; 0: never. */
double backlog_next(const struct queue *q);
/* JOB waits in its queue's heap from now on, or what it asks for, or its
 * priority, is another. -1 with ENOMEM. */
int backlog_put(struct schedd *s, struct job *job);
/* JOB waits no more, or elsewhere. */
void backlog_drop(struct job *job);
/* All of Q is forgotten; its jobs wait on. */
void backlog_reset(struct queue *q);

#endif
