/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two directories: see tree.h. Two nodes of a level that
 * both stand next and have one hash are passed by at once; others are entered,
 * the higher first, so that what is read is in proportion to what differs. */
#include "config.h"

#include <errno.h>

#include "kvsd/iter.h"
#include "kvsd/tree.h"

struct comparison {
	struct iter a, b;
	tree_compare_f *cb;
	void *arg;
};

static int both_nodes(struct comparison *c)
{
	if (!memcmp(item_hash(c->a.item), item_hash(c->b.item),
		    DB_HASH_SIZE)) {
		iter_pass(&c->a);
		iter_pass(&c->b);
		return 0;
	}
	return iter_enter(&c->a) < 0 ? -1 : iter_enter(&c->b);
}

static bool same_item(const struct iter *a, const struct iter *b)
{
	return a->item && b->item && item_len(a->item) == item_len(b->item) &&
		!memcmp(a->item, b->item, item_len(a->item));
}

static int tell(struct comparison *c, bool has_a, bool has_b)
{
	struct entry *a = has_a ? iter_entry(&c->a) : NULL;
	struct entry *b = has_b ? iter_entry(&c->b) : NULL;
	int stop = 0;

	if (a != b && !(a && b && !a->dirty && !b->dirty && tree_same(a, b)))
		stop = c->cb(a, b, c->arg);
	entry_unref(a);
	entry_unref(b);
	return stop;
}

static int order(const struct iter *a, const struct iter *b)
{
	size_t a_len, b_len;
	const void *a_name = iter_name(a, &a_len);
	const void *b_name = iter_name(b, &b_len);

	return name_order(a_name, a_len, b_name, b_len);
}

/* HAS_A, HAS_B: there is one left; of one of them at least. */
static int step(struct comparison *c, bool has_a, bool has_b)
{
	int a_level = has_a ? c->a.level : -1, b_level = has_b ? c->b.level : -1;
	int cmp, stop = 0;

	if (a_level > 0 && a_level == b_level)
		return both_nodes(c);
	if (a_level > 0 && a_level > b_level)
		return iter_enter(&c->a);
	if (b_level > 0)
		return iter_enter(&c->b);
	cmp = !has_a ? 1 : !has_b ? -1 : order(&c->a, &c->b);
	if (cmp || !same_item(&c->a, &c->b))
		stop = tell(c, cmp <= 0, cmp >= 0);
	if (cmp <= 0)
		iter_pass(&c->a);
	if (cmp >= 0)
		iter_pass(&c->b);
	return stop;
}

static int run(struct comparison *c)
{
	int a, b, stop = 0;

	while (!stop) {
		a = iter_get(&c->a);
		b = a < 0 ? -1 : iter_get(&c->b);
		if (b < 0)
			return -1;
		if (!a && !b)
			return 0;
		stop = step(c, a, b);
	}
	return stop;
}

int tree_compare(struct tree *tree, struct entry *old, struct entry *new,
		 const char *after, tree_compare_f *cb, void *arg)
{
	struct comparison c = { .cb = cb, .arg = arg };
	int stop = -1, errnum;

	if (old->kind != ENTRY_DIR || new->kind != ENTRY_DIR) {
		errno = ENOTDIR;
		return -1;
	}
	if (iter_open(&c.a, tree, old, after) < 0)
		return -1;
	if (iter_open(&c.b, tree, new, after) == 0)
		stop = run(&c);
	errnum = errno;
	iter_close(&c.a);
	iter_close(&c.b);
	errno = errnum;
	return stop;
}
