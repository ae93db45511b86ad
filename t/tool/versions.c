/* SPDX-License-Identifier: Apache-2.0 */
/* What the versions of replies say: see linear.h. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "t/tool/linear.h"

static bool commits(const struct op *op)
{
	return op->kind != OP_GET && op->kind != OP_ROOT &&
		op->outcome == OUTCOME_OK;
}

static int by_version(const void *a, const void *b)
{
	const struct op *x = *(const struct op *const *)a;
	const struct op *y = *(const struct op *const *)b;

	if (x->version != y->version)
		return x->version < y->version ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static int by_invoked(const void *a, const void *b)
{
	const struct op *x = *(const struct op *const *)a;
	const struct op *y = *(const struct op *const *)b;

	return (x->invoked > y->invoked) - (x->invoked < y->invoked);
}

static int by_returned(const void *a, const void *b)
{
	const struct op *x = *(const struct op *const *)a;
	const struct op *y = *(const struct op *const *)b;

	return (x->returned > y->returned) - (x->returned < y->returned);
}

static void bad(struct verdict *v, const char *why, const struct op *a,
		const struct op *b)
{
	v->result = VERDICT_BAD;
	snprintf(v->why, sizeof(v->why), "versions: %s", why);
	v->stuck[0] = a;
	v->stuck[1] = b;
	v->stucks = 2;
}

static void check_same(const struct op **op, size_t count, struct verdict *v)
{
	const struct op *commit = NULL, *root = NULL;

	qsort(op, count, sizeof(*op), by_version);
	for (size_t i = 0; i < count && !v->result; i++) {
		if (i && op[i]->version != op[i - 1]->version)
			commit = root = NULL;
		if (commits(op[i])) {
			if (commit)
				bad(v, "two commits have the same one",
				    commit, op[i]);
			commit = op[i];
		} else if (op[i]->kind == OP_ROOT) {
			if (root && strcmp(root->value, op[i]->value))
				bad(v, "one has two root hashes", root, op[i]);
			root = op[i];
		}
	}
}

/* BY_CALL in the order of calls, BY_RETURN in that of returns: HIGHEST is the
 * greatest version told before a call. */
static void check_order(const struct op **by_call, const struct op **by_return,
			size_t count, struct verdict *v)
{
	const struct op *highest = NULL;
	size_t returned = 0;

	qsort(by_call, count, sizeof(*by_call), by_invoked);
	qsort(by_return, count, sizeof(*by_return), by_returned);
	for (size_t i = 0; i < count && !v->result; i++) {
		const struct op *op = by_call[i];

		while (by_return[returned]->returned < op->invoked) {
			const struct op *told = by_return[returned++];

			if (!highest || told->version > highest->version)
				highest = told;
		}
		if (highest && (op->version < highest->version ||
				(commits(op) &&
				 op->version == highest->version)))
			bad(v, commits(op) ?
			    "a commit's is none after what was told before" :
			    "they went back", highest, op);
	}
}

void versions_check(const struct history *h, struct verdict *v)
{
	const struct op **op = calloc(h->count + 1, sizeof(*op));
	const struct op **other = calloc(h->count + 1, sizeof(*op));
	size_t count = 0;

	if (!op || !other)
		abort();
	memset(v, 0, sizeof(*v));
	for (size_t i = 0; i < h->count; i++)
		if (h->op[i].outcome == OUTCOME_OK && h->op[i].has_version)
			op[count++] = &h->op[i];
	check_same(op, count, v);
	memcpy(other, op, count * sizeof(*op));
	if (!v->result)
		check_order(op, other, count, v);
	free(op);
	free(other);
}
