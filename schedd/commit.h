/* SPDX-License-Identifier: Apache-2.0 */
/* What schedd changes in the store: everything that one turn of the event
 * loop decides goes into one transaction, sent at the end of the turn.
 * Replies that promise something leave when it is durable. */
#ifndef WEIR_SCHEDD_COMMIT_H
#define WEIR_SCHEDD_COMMIT_H

#include <event2/event.h>

#include "libclient/weir.h"
#include "schedd/job.h"

struct commit;

struct commit_hooks {
	/* the turn is at its end: what else is to go along? */
	void (*turn)(void *arg);
	/* a transaction is durable */
	void (*durable)(void *arg);
	/* A transaction was refused, so memory is ahead of the store. Called
	 * after the replies that waited for it have got the error. */
	void (*failed)(int errnum, const char *text, void *arg);
	void *arg;
};

/* NULL with ENOMEM. HOOKS is copied. */
struct commit *commit_create(weir_t *h, struct event_base *base,
			     const struct commit_hooks *hooks);
void commit_destroy(struct commit *c);	/* NULL is fine */

/* There will be an end of this turn, even if nothing is added. */
void commit_wake(struct commit *c);
/* The transaction of this turn, to be added to. */
weir_txn_t *commit_txn(struct commit *c);
/* Adds a line to JOB's eventlog; the events of a turn are one append. */
void commit_event(struct commit *c, struct job *job,
		  const struct jobevent *ev);
/* Answers CALL, which is taken, when this turn's transaction is durable:
 * with {"id":ID}, or {} if ID is 0. */
void commit_reply(struct commit *c, weir_call_t *call, uint64_t id);
/* The same with BODY, which is taken; NULL is that there was no memory. */
void commit_reply_json(struct commit *c, weir_call_t *call, json_t *body);
/* Transactions that are not durable yet. Who has much to do waits until there
 * are few: what others ask goes the same way. */
size_t commit_in_flight(const struct commit *c);
/* The number of this turn, from 1, and of the last one up to which all is
 * durable. */
uint64_t commit_turn(const struct commit *c);
uint64_t commit_durable(const struct commit *c);
/* Ends the turn now: what is read from now on comes behind it. */
void commit_flush(struct commit *c);
/* Ends the turn now if the transaction has become large. */
void commit_bound(struct commit *c, size_t added);

#endif
