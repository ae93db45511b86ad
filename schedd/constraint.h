/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which nodes will do: constraints in JSON, and the text that stands for
 * them. See weir-resources(5).
 */
#ifndef WEIR_SCHEDD_CONSTRAINT_H
#define WEIR_SCHEDD_CONSTRAINT_H

#include <stdbool.h>
#include <jansson.h>

#include "schedd/graph.h"

#define CONSTRAINT_DEPTH_MAX	64
#define CONSTRAINT_QUERY_MAX	65536	/* bytes */

struct constraint;

/* An operator of one's own: whether V is as VALUE says. */
struct constraint_test {
	const char *name;		/* NULL after the last */
	bool (*test)(void *arg, uint32_t v, const char *value);
	/* Whether VALUE can be asked for; NULL: any. */
	bool (*valid)(const char *value);
};

/*
 * Operators are properties, hostlist, ranks, and, or, not, and those of
 * TESTS (NULL: none; kept), which are called with ARG. NULL with EINVAL; ERR
 * names the place.
 */
struct constraint *constraint_create(const struct graph *graph,
				     const json_t *json,
				     const struct constraint_test *tests,
				     void *arg, struct proto_error *err);
void constraint_destroy(struct constraint *constraint);
bool constraint_match(const struct constraint *constraint, uint32_t v);

/*
 * "rack:3 and not (big or -gpu)" to JSON: terms are OPERATOR:OPERAND, or an
 * operand alone, whose operator is WORD; OPERATOR=OPERAND says the same. NULL
 * with EINVAL; ERR says at which byte.
 */
json_t *constraint_query(const char *text, const char *word,
			 struct proto_error *err);

#endif
