/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates in the order of the policy. See match_impl.h. */
#include "config.h"

#include <stdlib.h>

#include "schedd/match_impl.h"

static inline bool before(const struct match_candidate *a,
			  const struct match_candidate *b)
{
	return a->key != b->key ? a->key < b->key : a->vertex < b->vertex;
}

static int compare(const void *a, const void *b)
{
	return before(a, b) ? -1 : 1;
}

static void sift(struct match_candidate *heap, uint32_t n, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		struct match_candidate swap;

		if (child >= n)
			return;
		if (child + 1 < n && before(&heap[child], &heap[child + 1]))
			child++;
		if (!before(&heap[i], &heap[child]))
			return;
		swap = heap[i];
		heap[i] = heap[child];
		heap[child] = swap;
		i = child;
	}
}

/* The N least of LIST to its front: they are a heap with the greatest first,
 * which goes whenever a lesser is met. */
static void least(struct match_candidate *list, uint32_t count, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(list, n, i);
	for (uint32_t i = n; i < count; i++)
		if (before(&list[i], &list[0])) {
			struct match_candidate swap = list[0];

			list[0] = list[i];
			list[i] = swap;
			sift(list, n, 0);
		}
}

static bool is_sorted(const struct match_candidate *list, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		if (before(&list[i], &list[i - 1]))
			return false;
	return true;
}

static void reverse(struct match_candidate *list, uint32_t count)
{
	for (uint32_t i = 0; i < count / 2; i++) {
		struct match_candidate swap = list[i];

		list[i] = list[count - 1 - i];
		list[count - 1 - i] = swap;
	}
}

void match_sort(struct matcher *m, struct match_candidate *list,
		uint32_t count, int64_t want, const struct match_choice *c)
{
	const struct match_policy *p = m->policy;
	uint32_t n = want < count ? (uint32_t)want : count;

	if (p->order == MATCH_ASCENDING || count < 2)
		return;
	if (p->order == MATCH_DESCENDING) {
		reverse(list, count);
		return;
	}
	if (p->order == MATCH_RANK)
		p->rank(c, list, count);
	for (uint32_t i = 0; i < count && p->order == MATCH_KEY; i++)
		list[i].key = p->key(m->g, list[i].vertex);
	if (is_sorted(list, count))
		return;
	least(list, count, n);
	qsort(list, n, sizeof(*list), compare);
}

/* ---- keys ---- */

struct keyed {
	uint32_t vertex;
	int64_t key;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *p = a, *q = b;

	if (p->key != q->key)
		return p->key < q->key ? -1 : 1;
	return p->vertex < q->vertex ? -1 : p->vertex > q->vertex;
}

const struct match_keys *match_keys(struct matcher *m, uint32_t type)
{
	struct match_keys *k = &m->keys[type];
	const struct vertex_type *t = &m->g->types[type];
	struct keyed *list;

	if (k->made && k->changes == m->g->changes)
		return k;
	list = malloc((t->count + 1) * sizeof(*list));
	free(k->order);
	*k = (struct match_keys) { .as_is = true, .reversed = true };
	k->order = malloc((t->count + 1) * sizeof(*k->order));
	if (!list || !k->order) {
		free(list);
		return NULL;
	}
	for (uint32_t i = 0; i < t->count; i++) {
		list[i].vertex = m->g->by_type[t->first + i];
		list[i].key = m->policy->key(m->g, list[i].vertex);
		if (i && list[i].key < list[i - 1].key)
			k->as_is = false;
		if (i && list[i].key >= list[i - 1].key)
			k->reversed = false;
	}
	if (!k->as_is && !k->reversed)
		qsort(list, t->count, sizeof(*list), by_key);
	for (uint32_t i = 0; i < t->count; i++)
		k->order[i] = list[i].vertex;
	free(list);
	k->made = true;
	k->changes = m->g->changes;
	return k;
}
