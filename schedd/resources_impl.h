/* SPDX-License-Identifier: Apache-2.0 */
/* What is common to resources.c and resources_change.c, and to nobody else. */
#ifndef WEIR_SCHEDD_RESOURCES_IMPL_H
#define WEIR_SCHEDD_RESOURCES_IMPL_H

#include "schedd/match.h"
#include "schedd/resources.h"

struct resources {
	struct resource_set *all;	/* the nodes */
	struct idset *up;		/* ranks; some may not be known yet */
	struct idset *drained;		/* likewise */
	bool loaded;			/* the graph, and all is of it */
	bool simulated;			/* all are up */
	bool stale;			/* the graph is not of all */
	struct graph *graph;		/* NULL: there are no nodes */
	uint64_t generation;		/* of the graph */
	uint64_t epoch;			/* in which what can be is the same */
	struct matcher *matcher;	/* NULL like the graph */
	const struct match_policy *policy;
	struct demands demands;
	uint64_t changes, frees;
	/* what goes when no job has it any more; only of a loaded graph */
	struct leaving {
		char *path;
		uint32_t vertex;	/* GRAPH_NONE: it is gone */
	} *leaving;
	size_t leaving_count;
	bool leaving_new;		/* not tried yet */
	uint64_t leaving_frees;		/* when they were tried last */
	void (*on_change)(void *arg);	/* or NULL */
	void *on_change_arg;
};

/* ---- resources.c ---- */

/* The graph is that of the nodes that are known. -1 with ENOMEM. */
int resources_refresh(struct resources *r);
/* G, which is taken, is the graph and all nodes are of it. -1 with EINVAL, or
 * ENOMEM. */
int resources_use(struct resources *r, struct graph *g,
		  struct proto_error *err);
/* The graph says what is up. */
void resources_mark_down(struct resources *r);

/* ---- resources_change.c ---- */

/* RANK is, or is beneath, what leaves. */
bool resources_leaves(const struct resources *r, unsigned rank);
/* The graph is another: what leaves is found in it and is down. */
void resources_mark_leaving(struct resources *r);
void resources_stay(struct resources *r);	/* nothing leaves */

#endif
