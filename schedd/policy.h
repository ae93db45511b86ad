/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match policies: of all that would do, what is taken first. See
 * weir-match(1).
 *
 * A policy is a constant table row. One that says KEY gives each vertex a
 * fixed number, and lower ones are taken first; the numbers are asked for once
 * and again when properties change. One that says RANK puts numbers to the
 * candidates of each choice, by what is free now. Equal numbers are taken in
 * the order of the graph.
 *
 * A policy of a site's own is a shared object that exports
 * "MATCH_POLICY_EXPORT const struct match_policy weir_match_policy".
 */
#ifndef WEIR_SCHEDD_POLICY_H
#define WEIR_SCHEDD_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/error.h"
#include "schedd/graph.h"

#define MATCH_POLICY_VERSION	1
#define MATCH_POLICY_EXPORT	__attribute__((visibility("default")))

enum match_order {
	MATCH_ASCENDING = 0,	/* lowest ids first, at each level */
	MATCH_DESCENDING = 1,
	MATCH_KEY = 2,
	MATCH_RANK = 3,
};

struct match_candidate {
	uint32_t vertex;
	int32_t fit;		/* of what is wanted it may have so many */
	int64_t key;		/* set by rank */
};

/* What a rank is asked for: WANT of something from candidates of one type. */
struct match_choice {
	const struct graph *graph;
	int64_t want;
	int tracked;		/* type that matters most: free[] of it; -1 */
};

struct match_policy {
	int version;		/* MATCH_POLICY_VERSION */
	const char *name;
	enum match_order order;
	bool node_exclusive;	/* whole nodes only */
	int64_t (*key)(const struct graph *graph, uint32_t vertex);
	void (*rank)(const struct match_choice *choice,
		     struct match_candidate *list, uint32_t count);
};

/* A built-in one; with a slash in NAME, that of the shared object there,
 * which stays loaded. NULL with EINVAL or ENOENT. */
const struct match_policy *policy_find(const char *name,
				       struct proto_error *err);
/* Name number I, or NULL. */
const char *policy_name(unsigned i);

#endif
