/* SPDX-License-Identifier: Apache-2.0 */
/* Is a history linearizable: could each operation have taken effect at one
 * moment between INVOKED and RETURNED, in the order in which its connection
 * sent it, so that every outcome is what a store with one client at a time
 * would have told? Keys are judged one by one.
 *
 * The search is Wing and Gong's with Lowe's memory of what was tried: an order
 * is built operation by operation, and a set of operations that led to a state
 * is tried once. Unknown outcomes may be left out; if what they wrote was read
 * they may not.
 */
#ifndef WEIR_T_LINEAR_H
#define WEIR_T_LINEAR_H

#include "t/tool/history.h"

#define VERDICT_OPS	32

enum verdict_result { VERDICT_OK, VERDICT_BAD, VERDICT_UNDECIDED };

struct verdict {
	enum verdict_result result;
	char why[256];
	/* The window, for people: the operations that took effect last in the
	 * longest order found, and those that can't follow. */
	const struct op *before[VERDICT_OPS], *stuck[VERDICT_OPS];
	size_t befores, stucks;
	size_t states;		/* tried, in all */
};

/* LIMIT: of states tried for a key, then VERDICT_UNDECIDED; 0: 20 million. */
void linear_check(const struct history *h, size_t limit, struct verdict *v);
/* Versions: a commit's are its own, no reply goes back behind what was told
 * before it was asked for, and one version has one root hash. */
void versions_check(const struct history *h, struct verdict *v);
/* Says the verdict, and the window unless it is VERDICT_OK. */
void verdict_print(FILE *out, const struct verdict *v);

#endif
