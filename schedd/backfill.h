/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue policies: which of the jobs that wait starts now, and what is kept
 * free for which of the others. One struct backfill is one queue; several may
 * share a matcher, which knows what runs. There is no clock here: the caller
 * says what time it is. See weir-sim(1).
 *
 * Jobs wait in the order of priority, then id. In a pass each is started if
 * it can be without delaying a reservation; of those that can't the first few
 * are reserved, in order, at the first time when they can be:
 *
 *	fcfs		none, and nothing behind it starts
 *	easy		one: Lifka, The ANL/IBM SP scheduling system, 1995
 *	hybrid		so many
 *	conservative	all: Mu'alem and Feitelson, Utilization,
 *			predictability, workloads, and user runtime estimates
 *			in scheduling the IBM SP2 with backfilling, 2001
 *
 * A reservation is never later than it was, unless the caller says that what
 * it was made of has changed (backfill_reconsider), a job that has it runs
 * longer than it said, or a job comes before it in the order.
 *
 * A job that the whole machine could not run is set aside: it counts neither
 * among the reservations nor in the depth. One that only waits for what is
 * down is passed by. One that could run, but at no time that is known, as
 * those that run have no end, holds up all behind it: they would starve it.
 */
#ifndef WEIR_SCHEDD_BACKFILL_H
#define WEIR_SCHEDD_BACKFILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "schedd/match.h"

#define BACKFILL_NO_TIME	(-1)
#define BACKFILL_UNLIMITED	UINT32_MAX
#define BACKFILL_SLICE		50000	/* some 50 ms */

struct backfill;
struct shape;

/* How a queue is run. */
struct backfill_config {
	const char *policy;	/* its name */
	bool strict;		/* nothing starts behind one that waits */
	uint32_t reservations;	/* at most */
	uint32_t depth;		/* jobs looked at in a pass that are
				   not started */
	uint32_t slice;		/* work of a pass: see backfill.c; then there
				   is more to do */
};

/* A job that waits: the caller's memory, from backfill_add until it is
 * started or removed. The caller sets the first part before. */
struct backfill_job {
	uint64_t id;			/* the matcher's too */
	int64_t priority;		/* higher ones first */
	const struct request *request;	/* borrowed */
	void *data;			/* the caller's own */

	int64_t start;		/* when it is expected, or BACKFILL_NO_TIME */
	bool aside;		/* it can never run */

	/* backfill's own */
	int64_t told;
	uint64_t tried, refused;	/* sweeps */
	struct shape *shape;
};

/* What a pass decides. None may call the same struct backfill. */
struct backfill_sink {
	/* JOB has what MATCHED says, and waits no more. */
	void (*start)(void *arg, struct backfill_job *job,
		      const struct match_job *matched);
	/* job->start is another; NULL: nobody wants to know. */
	void (*expect)(void *arg, struct backfill_job *job);
	/* JOB is set aside; it is still to be removed. May be NULL. */
	void (*never)(void *arg, struct backfill_job *job);
};

/* ---- backfill_config.c ---- */

/* "fcfs", "easy", "conservative", "hybrid" (64 reservations) or "hybrid:N".
 * The depth is unlimited, the slice is BACKFILL_SLICE. -1 with EINVAL. */
int backfill_config_parse(struct backfill_config *config, const char *text,
			  struct proto_error *err);
/* Name number I, or NULL. */
const char *backfill_policy_name(unsigned i);

/* ---- backfill.c ---- */

/* NULL with ENOMEM. */
struct backfill *backfill_create(struct matcher *matcher,
				 const struct backfill_config *config);
/* Its reservations are given back. NULL is fine. */
void backfill_destroy(struct backfill *b);
void backfill_configure(struct backfill *b,
			const struct backfill_config *config);

int backfill_add(struct backfill *b, struct backfill_job *job);	/* or ENOMEM */
void backfill_remove(struct backfill *b, struct backfill_job *job);
/* Its place among the others changes. */
void backfill_set_priority(struct backfill *b, struct backfill_job *job,
			   int64_t priority);

/* A job of the matcher ended, or was cut: there is more free than before. */
void backfill_freed(struct backfill *b);
/* The graph changed (up, down, properties), or what was said of jobs that run:
 * all is decided anew, also of those set aside. */
void backfill_reconsider(struct backfill *b);

/*
 * Decide, at NOW, or the time of the last pass if a clock was set back. 1:
 * there is more to do, at once or a little later; what is not looked at yet
 * keeps what it has. -1 with ENOMEM; what was told before that stands.
 */
int backfill_pass(struct backfill *b, int64_t now,
		  const struct backfill_sink *sink, void *arg);
/* When the next pass is due, if nothing happens before, or
 * BACKFILL_NO_TIME. */
int64_t backfill_next(const struct backfill *b);
size_t backfill_count(const struct backfill *b);	/* that wait */
size_t backfill_reserved(const struct backfill *b);

#endif
