/* SPDX-License-Identifier: Apache-2.0 */
/* A kvsd of one's own that is killed and started again on the same folder,
 * with or without the loss of what was not synced. */
#ifndef WEIR_T_KVSD_RUN_H
#define WEIR_T_KVSD_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kvsd_run {
	const char *program, *socket, *statedir, *durability;
	const char *preload;	/* powerloss.so, or NULL */
	bool ignore_sync;	/* nothing counts as synced */
	bool lose_all;		/* all that was not synced, no random part */
	pid_t pid;		/* 0: none runs */
};

/* Random numbers that a seed repeats: up to and without N. */
uint64_t random_below(uint64_t *seed, uint64_t n);

/* Starts it; with PRELOAD it ends itself at its CALLth (0: never) write or
 * sync of the database. 0 when it is ready, 1 if it was killed before that,
 * -1 after a message. */
int kvsd_start(struct kvsd_run *run, uint64_t call);
/* Kills it, or finds that it was, and waits for its end. -1 after a message
 * if it ended in another way. */
int kvsd_kill(struct kvsd_run *run);
/* While it is dead, with PRELOAD: if the power is LOST a random part of what
 * it wrote and did not sync is undone, by sectors, or with LOSE_ALL all. To be called after each
 * end. Returns the sectors' number, -1 after a message. */
long power_loss(struct kvsd_run *run, bool lost, uint64_t *seed);

#endif
