/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: what the key config says of them, whether they take jobs and give
 * them resources, and which jobs wait in them. weir-queue(1), weir-config(5).
 *
 * Without a configuration there is one, the anonymous queue, whose name is
 * "". A queue that the configuration drops keeps the jobs it has.
 */
#ifndef WEIR_SCHEDD_QUEUE_H
#define WEIR_SCHEDD_QUEUE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "proto/error.h"
#include "schedd/backfill.h"
#include "schedd/hook.h"
#include "schedd/jobs.h"
#include "schedd/policy.h"

#define NO_LIMIT	(-1)

enum { LIMIT_NNODES, LIMIT_NCORES, LIMIT_NGPUS, LIMIT_SIZES };

struct limits {
	double duration;		/* seconds; 0: none */
	int min[LIMIT_SIZES], max[LIMIT_SIZES];		/* or NO_LIMIT */
	int jobs;			/* active ones of a user; or NO_LIMIT */
};

struct user_count {
	uid_t uid;
	size_t jobs;			/* active */
};

struct queue {
	struct queue *next;
	char *name;
	bool defined;			/* jobs may ask for it */
	bool enabled, started;		/* takes jobs; gives them resources */
	char *disable_reason, *stop_reason;	/* or NULL */
	bool blocked;			/* its first job has to wait */
	struct limits limits;
	struct backfill_config config;	/* its policy */
	struct backlog *backlog;	/* or NULL; not fcfs's */
	struct node_filter filter;	/* its jobs run on such nodes */
	double duration;		/* of jobs that do not say; 0: none */
	struct job_heap heap;		/* those that wait for resources */
	size_t count[STATES];		/* jobs, up to CLEANUP */
	size_t results[RESULT_TIMEOUT + 1];	/* ended, by result */
	struct user_count *users;
	size_t user_count;
};

struct queues {
	struct queue *first;		/* the anonymous one; then in the
					   order of the configuration */
	bool named;			/* there are others */
	const struct match_policy *match;	/* NULL: not said */
	char *standard;			/* for jobs that name none, or NULL */
	double age_limit;		/* of ended jobs, seconds; 0: none */
	long long num_limit;		/* how many; NO_LIMIT */
	struct hook_config hooks[HOOKS];
};

struct queues *queues_create(void);		/* NULL with ENOMEM */
void queues_destroy(struct queues *queues);	/* no job is in one any more */
struct queue *queue_find(const struct queues *queues, const char *name);
/* For a job of a log; made, but not defined, if there is none. NULL with
 * ENOMEM. */
struct queue *queue_get(struct queues *queues, const char *name);

/* ---- queue_config.c ---- */

/* A duration at PATH, or NULL, which leaves *SECONDS; 0 and infinite are none,
 * 0. -1 with EINVAL. */
int config_duration(json_t *value, const char *path, double *seconds,
		    struct proto_error *err);

/* The configuration's text, an object; LEN 0 is none. -1 with EINVAL and
 * nothing is changed. */
int queues_configure(struct queues *queues, const char *text, size_t len,
		     struct proto_error *err);
/* What was enabled and started: the key queue.state. */
void queues_restore(struct queues *queues, const char *text, size_t len);
char *queues_state(const struct queues *queues);	/* to be freed */

/* ---- counting ---- */

/* JOB is in Q from now on; it leaves where it is, for good or for another, and
 * is in no backlog any more; it was in state BEFORE. */
int queue_enter(struct queue *q, struct job *job);	/* -1 with ENOMEM */
void queue_leave(struct job *job);
void queue_moved(struct job *job, enum job_state before);
/* An ended job with RESULT is purged. */
void queue_forget(struct queues *queues, const char *name, int result);
size_t queue_active(const struct queue *q);
size_t queue_running(const struct queue *q);
size_t queue_user_jobs(const struct queue *q, uid_t uid);

/* ---- limits.c ---- */

/* Whether JOB keeps within its queue's limits; the error tells which not.
 * NEW_JOB: also how many jobs its user may have. */
int limits_check(const struct job *job, bool new_job,
		 struct proto_error *err);

#endif
