/* SPDX-License-Identifier: Apache-2.0 */
/* A job that is not finished: what it asks for, where it is in its life,
 * what it holds. weir-jobs(7).
 *
 * job_update is the only way in which a job gets on: it takes an event,
 * asks the table and changes the fields. It has no effect elsewhere, so that
 * a log read back at a start gives the same job as the events did live.
 */
#ifndef WEIR_SCHEDD_JOB_H
#define WEIR_SCHEDD_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/envelope.h"
#include "proto/jobid.h"
#include "proto/jobspec.h"
#include "proto/resource_set.h"
#include "proto/taskmap.h"
#include "schedd/demand.h"
#include "schedd/hook.h"
#include "schedd/jobevent.h"
#include "schedd/state.h"

#define JOB_MAGIC	0x4a4f4253u
#define PRIORITY_MAX	4294967295LL

enum job_result { RESULT_COMPLETED = 1, RESULT_FAILED = 2,
		  RESULT_CANCELED = 4, RESULT_TIMEOUT = 8 };

/* What a jobspec asks of the scheduler, and how tasks go on nodes. */
struct job_request {
	int nnodes;		/* 0: any number */
	int nslots;
	struct jobspec_slot slot;
	bool exclusive;
	int ntasks;		/* in total, unless PER is set */
	char per;		/* tasks per 'n'ode or 'c'ore; 0: as ntasks */
	int per_count;
	int cyclic;		/* tasks at a time on a node; 0: in blocks */
	struct taskmap *map;	/* or where each goes; NULL: not given */
	struct hostlist *hosts;	/* or the hosts in order; likewise */
	double duration;	/* seconds; 0: no limit */
	int warn_signum;	/* sent before its time is over; 0: none */
	double warn_before;	/* seconds */
	bool mock;		/* nothing is run: it ends by itself */
	double mock_duration;	/* seconds */
};

/* The part of a job on one of its nodes. */
struct job_node {
	unsigned rank;
	bool ordered;		/* its assignment is there */
	bool started, finished;
	int status;		/* wait status, once finished */
	bool excepted;		/* it has reported an exception */
};

/* What tells its request from others. */
struct job_origin {
	unsigned char nonce[ENVELOPE_NONCE_BYTES];
	int64_t time, expiry;	/* seconds since 1970; TIME 0: not known */
};

struct array;
struct commit_entry;
struct hook;
struct waiter;
struct event;
struct schedd;

struct job {
	uint32_t magic;
	struct schedd *schedd;		/* whose timers call back */
	uint64_t id;
	struct job *chain;		/* in the hash */
	struct job *next, **prev;	/* all jobs, newest first */
	struct job_heap *heap;		/* in which it waits; NULL: in none */
	size_t queued;			/* place there */
	struct waiter *waiter;		/* of backlog.c; or NULL */
	char *pending;			/* why it may not start; or NULL */
	double expected;		/* start, seconds since 1970; 0: not
					   known */
	struct queue *q;		/* from submission to the end */
	struct array *array;		/* it is one; or NULL */
	struct job *parent;		/* the array that it is of; or NULL */
	struct job *sibling, **sibling_of;	/* active elements of that */
	enum job_state state;
	char key[JOBID_SIZE];		/* job.0000.... */
	/* from the request */
	uid_t userid;
	struct job_origin origin;
	int urgency, flags;
	int64_t priority;
	struct job_request want;
	struct demand *demand;		/* NULL: not to be scheduled */
	char *name, *cwd, *queue;	/* cwd, queue: or NULL */
	bool named;			/* by its user, not by its command */
	struct dependency *dependencies;
	struct condition *dependents;	/* of others, that wait for this one */
	/* when it came into each state; 0: not yet */
	double entered[STATES];
	/* what it holds */
	struct resource_set *R;		/* from alloc until free */
	char *resources;		/* summary, from alloc on; or NULL */
	char *ranks, *nodelist;		/* likewise */
	int ncores, nnodes, ntasks;	/* as asked, then as given */
	double expiration;		/* seconds since 1970; 0: none */
	bool moved;			/* it is not R's any more */
	bool immutable;			/* only the instance's owner updates */
	json_t *memo;			/* object: annotations.user; or NULL */
	bool allocated;			/* by its log: alloc, no free */
	bool guest;			/* its namespace exists */
	struct job_node *nodes;		/* nnodes of them, of R */
	int nodes_started, nodes_finished;
	enum hook_state prolog, epilog;
	struct hook *hook;		/* that runs, or will; or NULL */
	/* how it ended */
	bool started, finished;
	int status;			/* wait status, once finished */
	bool exception;			/* one has come; the worst: */
	int exception_severity;
	int exception_status;		/* its wait status, or NO_... */
	char *exception_type, *exception_note;
	/* timers */
	struct event *limit_timer;	/* time limit; of a mock, its end */
	bool warning;			/* it is for the warning before that */
	struct event *kill_timer;	/* SIGKILL comes after a while */
	/* where its events of this turn are gathered (commit.c) */
	uint64_t turn;
	size_t entry;
};

/* NULL with ENOMEM. */
struct job *job_create(struct schedd *s, uint64_t id);
void job_destroy(struct job *job);	/* NULL is fine; not while queued */
/* What ENV says of the request that JOB was made by. */
void job_set_origin(struct job *job, const struct envelope *env);
/* Takes what counts from a jobspec that has been parsed. -1 with EINVAL: an
 * attribute that schedd reads is malformed or not known. */
int job_set_request(struct job *job, const struct jobspec *spec,
		    struct proto_error *err);
/* Gives it R, which is taken. -1 with ENOMEM: R is still the caller's. */
int job_set_resources(struct job *job, struct resource_set *R);

/* -1 with EPROTO if EV must not happen in this state, -1 with ENOMEM; else
 * what has to be done now. */
int job_update(struct job *job, const struct jobevent *ev,
	       enum job_action *action);

/* The text of the task map, to be freed. */
char *job_taskmap(const struct job *job);
/* The part on RANK, or NULL. */
struct job_node *job_node_find(struct job *job, unsigned rank);
/* The wait status that its nodes and its exception give. */
int job_final_status(const struct job *job);
int job_result(const struct job *job);

#endif
