/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When nodes have what is wanted of one: the gaps in their calendars, those of
 * all nodes in one tree. The first time when so many nodes have a gap that is
 * long enough is found by going through the gaps that are, in the order in
 * which they begin; subtrees without any are passed by.
 *
 * There are gaps of each kind of want, as whole nodes or two cores, made when
 * first asked for. Of the nodes whose calendars have changed since (the graph
 * has a list) they are made anew before the next question.
 */
#ifndef WEIR_SCHEDD_GAPS_H
#define WEIR_SCHEDD_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "schedd/graph.h"

struct gaps_store;
struct gaps;

/* What is wanted of each node; equal bytes, equal wants. */
struct gaps_want {
	int64_t alone;			/* 1: nobody has anything of it */
	int64_t need[GRAPH_TRACKED_MAX];	/* free of each tracked type */
};

struct gaps_query {
	int64_t count;			/* nodes, 1 at least */
	int64_t from, before;		/* the time wanted */
	int64_t duration;		/* 1 at least */
	bool (*passes)(void *arg, uint32_t node);	/* others don't count */
	void *arg;
	/* nodes besides these: free from then on; ascending */
	const int64_t *extra;
	uint32_t extras;
};

/* Nodes are named by their place among the nodes of the graph, which has
 * some. NULL with ENOMEM. */
struct gaps_store *gaps_create(struct graph *graph);
void gaps_destroy(struct gaps_store *store);	/* NULL is fine */

/* As the calendars are now; valid until they change. NULL with ENOMEM,
 * or errno 0: too many kinds are wanted at a time. */
struct gaps *gaps_get(struct gaps_store *store, const struct gaps_want *want);
/* The first time, or PLANNER_FOREVER. MAY, if not NULL, gets a bit for each
 * node that has such a gap then: words of 64. */
int64_t gaps_first(const struct gaps *gaps, const struct gaps_query *query,
		   uint64_t *may);
/* When the first gap begins that is long enough, after the time FROM; or
 * PLANNER_FOREVER. */
int64_t gaps_next(const struct gaps *gaps, const struct gaps_query *query);
/* When the gap of NODE that ends at END begins; END if there is none. */
int64_t gaps_begin(const struct gaps *gaps, uint32_t node, int64_t end);

#endif
