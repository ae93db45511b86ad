/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the matcher share. See match.h. */
#ifndef WEIR_SCHEDD_MATCH_IMPL_H
#define WEIR_SCHEDD_MATCH_IMPL_H

#include "schedd/gaps.h"
#include "schedd/match.h"

/* The order that a policy of keys gives a type, made when first needed. */
struct match_keys {
	uint32_t *order;	/* by_type's members, best first */
	bool as_is;		/* they are in that order already */
	bool reversed;		/* they are in the opposite order */
	bool made;
	unsigned changes;	/* of the graph, when it was made */
};

struct matcher {
	struct graph *g;
	const struct match_policy *policy;
	struct match_keys *keys;	/* one a type */
	struct match_job **jobs;	/* by id */
	size_t count, size;
	size_t reserved;	/* of them are for later */

	/* the match that is being made; kept for their memory */
	struct match_pick *picks;
	uint32_t pick_count, pick_size;
	struct match_candidate *list;
	uint32_t list_count, list_size;

	struct gaps_store *gaps;	/* NULL: not asked for yet */
	uint64_t *may;			/* a bit for each node */
	int64_t *extra;			/* of a query */
};

/* One attempt at one time. */
struct match_walk {
	struct matcher *m;
	struct graph *g;
	const struct request *req;
	int64_t start, end;
	bool now;		/* what is held counts */
	bool ahead;		/* calendars count */
	bool ideal;		/* everything is up and free */
	bool failed;		/* out of memory */
	bool whole_nodes;
	bool light;		/* nothing can be met twice: only count */
	int64_t slots;
	const uint64_t *may;	/* nodes that are worth a look, by their place;
				   NULL: any */
	uint32_t asked;		/* node that the constraint was asked of */
	bool answer;
};

/* Picks what the request wants; false if it can't be had. The marks of the
 * picks remain until match_unpick(w, 0). */
bool match_walk(struct match_walk *walk);
/* Whether the node V is one that the constraints of REQUEST allow. */
bool match_passes(const struct request *request, uint32_t v);
void match_unpick(struct match_walk *walk, uint32_t count);
/* Whether a pick made elsewhere can be had: of what is held now, or by the
 * calendars. */
bool match_pick_fits(struct matcher *m, const struct match_pick *pick,
		     int64_t start, int64_t end, bool held);

/*
 * Enter picks, sorted by vertex, or take them out. Calendars of the time, and
 * what is held now, if HELD. match_enter: -1 with ENOMEM, nothing was done.
 */
int match_enter(struct graph *g, const struct match_pick *picks,
		uint32_t count, int64_t start, int64_t end, bool held);
void match_leave(struct graph *g, const struct match_pick *picks,
		 uint32_t count, int64_t start, int64_t end, bool held);
/* Sorts, joins and drops what another contains; returns the count. */
uint32_t match_sort_picks(const struct graph *g, struct match_pick *picks,
			  uint32_t count);

/* A job of COUNT picks, which are copied, sorted, and entered; NULL with
 * ENOMEM, EINVAL (no time). */
struct match_job *match_new_job(struct matcher *m, uint64_t id,
				const struct match_pick *picks,
				uint32_t count, bool reserved, int64_t start,
				int64_t end);

/* Whether enough is free now of what is counted; if IDEAL, all is free. */
bool match_enough(const struct matcher *m, const struct request *req,
		  bool ideal);
/* What the walk picked becomes the job; -1 with ENOMEM. */
int match_commit(struct match_walk *walk, uint64_t id, bool reserved,
		 const struct match_job **job);
/* How long it would last from then on. */
int64_t match_duration(const struct request *req, int64_t from);
/* The first time from FROM on and before BEFORE; its picks are made. -1 with
 * EBUSY or ENOMEM. */
int match_first(struct match_walk *walk, struct matcher *m,
		const struct request *req, int64_t from, int64_t before);
/* Whether by the calendars it may be had NOW. */
bool match_may_now(struct matcher *m, const struct request *req, int64_t now);
struct match_job *match_find(const struct matcher *m, uint64_t id);

/* The best WANT of LIST to its front, in order. */
void match_sort(struct matcher *m, struct match_candidate *list,
		uint32_t count, int64_t want, const struct match_choice *c);
/* The order of a type by keys; NULL with ENOMEM. */
const struct match_keys *match_keys(struct matcher *m, uint32_t type);

#endif
