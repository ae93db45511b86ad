/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching: which resources a request gets, now or later, and who has what.
 * See weir-match(1).
 *
 * What jobs that run have is held: counted in the graph itself, whatever the
 * time. What they and those to come have is also in the calendars (planners):
 * a vertex's own says who uses it (each job that shares it counts 1, one that
 * has it alone MATCH_ALONE); that of a group also what is used beneath it. A
 * vertex that a job has alone is entered with all that is beneath it at once:
 * the calendars beneath do not say so.
 */
#ifndef WEIR_SCHEDD_MATCH_H
#define WEIR_SCHEDD_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/resource_set.h"
#include "schedd/graph.h"
#include "schedd/graph_jgf.h"
#include "schedd/policy.h"
#include "schedd/request.h"

#define MATCH_ALONE	(1ll << 32)	/* more than jobs that share */
#define MATCH_TIME_MAX	(1ll << 60)	/* the end of what never ends */

struct matcher;

enum match_op {
	MATCH_ALLOCATE,			/* now, or EBUSY */
	MATCH_ALLOCATE_ORELSE_RESERVE,	/* now or as soon as it can be */
	MATCH_ALLOCATE_WITH_SATISFIABILITY,	/* now, or EBUSY or ENODEV */
	MATCH_SATISFIABILITY,		/* only asked: 0 or ENODEV */
};

/* A vertex that a job has. */
struct match_pick {
	uint32_t vertex;
	bool alone;		/* with all beneath it */
	int64_t units;		/* of a shared pool, of its own; else 0 */
};

struct match_job {
	uint64_t id;
	bool reserved;		/* for later */
	int64_t start, end;	/* end MATCH_TIME_MAX: none */
	struct match_pick *picks;	/* by vertex */
	uint32_t count;
	int64_t slots;
};

/* The graph is borrowed, and is the matcher's to change. */
struct matcher *matcher_create(struct graph *graph,
			       const struct match_policy *policy);
void matcher_destroy(struct matcher *matcher);	/* NULL is fine */
void matcher_set_policy(struct matcher *matcher,
			const struct match_policy *policy);

/*
 * Matches REQUEST from NOW on. 0, and *JOB is what it got (not for
 * MATCH_SATISFIABILITY). -1 with EBUSY: not now; ENODEV: never; EEXIST: there
 * is a job of that id; EINVAL: a time out of range; ENOMEM.
 */
int matcher_match(struct matcher *matcher, enum match_op op, uint64_t id,
		  const struct request *request, int64_t now,
		  const struct match_job **job);
/*
 * Reserves REQUEST for the first time from FROM on when it can be had by the
 * calendars; without a duration, for ever after. -1 with EBUSY: there is no
 * such time; EEXIST, EINVAL, ENOMEM.
 */
int matcher_reserve(struct matcher *matcher, uint64_t id,
		    const struct request *request, int64_t from,
		    const struct match_job **job);
/* A reservation can't be had before this time: its own, or one from FROM on. A
 * quick look. -1 with ENOENT, EINVAL (it is not reserved), ENOMEM. */
int64_t matcher_bound(struct matcher *matcher, uint64_t id,
		      const struct request *request, int64_t from);
/* A reservation is had at an earlier time from FROM on, if there is one, and
 * else stays as it is: it is never later. 0; -1 with ENOENT, EINVAL (it is not
 * reserved), ENOMEM. */
int matcher_advance(struct matcher *matcher, uint64_t id,
		    const struct request *request, int64_t from);
/* A reservation becomes an allocation from NOW on, of what is reserved if its
 * time has come. -1 with EBUSY: it can't be, and stays; ENOENT, EINVAL,
 * ENOMEM. */
int matcher_begin(struct matcher *matcher, uint64_t id,
		  const struct request *request, int64_t now,
		  const struct match_job **job);
/* Whether what is up would do, if no job had any of it: -1 with EBUSY or
 * ENOMEM. */
int matcher_possible(struct matcher *matcher, const struct request *request);
/* A job that is not reserved ends at END, after its start. -1 with ENOENT,
 * EINVAL, or ENOMEM and nothing is changed. */
int matcher_set_end(struct matcher *matcher, uint64_t id, int64_t end);
/* All of a job's is free. -1 with ENOENT. */
int matcher_cancel(struct matcher *matcher, uint64_t id);
/* What it has of these ranks is free; *GONE says whether that was all. -1 with
 * ENOENT, EINVAL (it is reserved), ENOMEM. */
int matcher_cancel_ranks(struct matcher *matcher, uint64_t id,
			 const struct idset *ranks, bool *gone);
/*
 * Take up a job that has R already. Vertices are those of R's scheduling
 * part, if that is a graph or picks, or else its cores and gpus. -1 with EEXIST (id or
 * resources taken), ENOENT (no such resources), EINVAL, ENOMEM; ERR names
 * them.
 */
int matcher_adopt(struct matcher *matcher, uint64_t id,
		  const struct resource_set *R, bool reserved, int64_t start,
		  int64_t end, const struct match_job **job,
		  struct proto_error *err);

const struct match_job *matcher_find(const struct matcher *matcher,
				     uint64_t id);
size_t matcher_count(const struct matcher *matcher);
/* Jobs in ascending order of id; NULL after the last. */
const struct match_job *matcher_next(const struct matcher *matcher,
				     uint64_t after, bool first);

/* All vertices that a job has or shares, those above them too. -1 with
 * ENOMEM. To be cleared by graph_part_clear. */
int matcher_part(const struct matcher *matcher, const struct match_job *job,
		 struct graph_part *part);
void graph_part_clear(struct graph_part *part);
/* R of a job, with its graph if JGF. NULL with EINVAL or ENOMEM. */
struct resource_set *matcher_R(const struct matcher *matcher,
			       const struct match_job *job, bool jgf,
			       struct proto_error *err);
/*
 * What a job has as a scheduling part of its R that is short, or NULL with
 * errno 0 if the cores and gpus in R say it all. NULL with ENOMEM.
 * {"picks":[{"rank":R,"path":P,"units":N,"shared":B}...]}: the path is from the
 * vertex of the rank, or without a rank from the root.
 */
json_t *matcher_picks(const struct matcher *matcher,
		      const struct match_job *job);
/* Vertices for which TEXT, a query, is true, and those above them. -1 with
 * EINVAL or ENOMEM. Words: status, sched-now, sched-future, names, property,
 * jobid-alloc, jobid-reserved. */
int matcher_search(const struct matcher *matcher, const char *text,
		   struct graph_part *part, struct proto_error *err);


#endif
