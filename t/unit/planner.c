/* SPDX-License-Identifier: Apache-2.0 */
/* Planners against a model that has one cell for each time. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/planner.h"
#include "t/unit/tap.h"

#define TIMES	200
#define SPANS	60
#define KINDS_MAX 5

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

struct span {
	int64_t start, end, amount[KINDS_MAX];
};

struct model {
	unsigned kinds;
	int64_t used[TIMES + 1][KINDS_MAX];	/* the last: for ever after */
	struct span spans[SPANS];
	unsigned count;
};

static void model_change(struct model *m, const struct span *s, int sign)
{
	for (int64_t t = s->start; t < s->end; t++)
		for (unsigned k = 0; k < m->kinds; k++)
			m->used[t][k] += sign * s->amount[k];
}

static int64_t model_over(const struct model *m, int64_t from,
			  const int64_t *limit)
{
	for (int64_t t = from; t <= TIMES; t++)
		for (unsigned k = 0; k < m->kinds; k++)
			if (m->used[t][k] > limit[k])
				return t;
	return PLANNER_FOREVER;
}

static int64_t model_fit(const struct model *m, int64_t from,
			 int64_t duration, const int64_t *limit)
{
	for (int64_t t = from; t <= TIMES; t++)
		if (model_over(m, t, limit) >= t + duration)
			return t;
	return PLANNER_FOREVER;
}

static void random_span(struct model *m, struct span *s)
{
	s->start = pick(TIMES - 1);
	s->end = s->start + 1 + pick(TIMES - 1 - (unsigned)s->start);
	for (unsigned k = 0; k < m->kinds; k++)
		s->amount[k] = pick(6);
}

static const char *compare(const struct model *m,
			   const struct planner_pool *pool, uint32_t planner)
{
	int64_t from = pick(TIMES), limit[KINDS_MAX], used[KINDS_MAX];
	int64_t duration = 1 + pick(60);
	int64_t over;

	for (unsigned k = 0; k < m->kinds; k++)
		limit[k] = pick(40);
	planner_at(pool, planner, from, used);
	for (unsigned k = 0; k < m->kinds; k++)
		if (used[k] != m->used[from][k])
			return "at";
	over = model_over(m, from, limit);
	if (planner_first_over(pool, planner, from, limit) != over)
		return "first_over";
	if (planner_fits(pool, planner, from, from + duration, limit) !=
	    (over >= from + duration))
		return "fits";
	if (planner_first_fit(pool, planner, from, duration, limit) !=
	    model_fit(m, from, duration, limit))
		return "first_fit";
	return NULL;
}

static void run(unsigned kinds, unsigned number)
{
	struct planner_pool *pool = planner_pool_create(kinds);
	struct model m = { .kinds = kinds };
	uint32_t planner = PLANNER_NONE;
	const char *wrong = NULL;

	seed = number;
	for (unsigned step = 0; step < 2000 && !wrong; step++) {
		bool add = m.count < SPANS && pick(5) < 3;

		if (add) {
			struct span *s = &m.spans[m.count++];

			random_span(&m, s);
			model_change(&m, s, 1);
			if (planner_add(pool, &planner, s->start, s->end,
					s->amount) < 0)
				wrong = "add";
		} else if (m.count) {
			unsigned i = pick(m.count);

			model_change(&m, &m.spans[i], -1);
			planner_remove(pool, &planner, m.spans[i].start,
				       m.spans[i].end, m.spans[i].amount);
			m.spans[i] = m.spans[--m.count];
		}
		for (int i = 0; i < 4 && !wrong; i++)
			wrong = compare(&m, pool, planner);
	}
	ok(!wrong, "%u kinds, seed %u: as the model says%s%s", kinds, number,
	   wrong ? ", but not " : "", wrong ? wrong : "");
	while (m.count) {
		const struct span *s = &m.spans[--m.count];

		planner_remove(pool, &planner, s->start, s->end, s->amount);
	}
	ok(planner == PLANNER_NONE && !planner_pool_points(pool),
	   "without spans there are no points");
	planner_pool_destroy(pool);
}

static void edges(void)
{
	struct planner_pool *pool = planner_pool_create(1);
	uint32_t a = PLANNER_NONE, b = PLANNER_NONE;
	int64_t one = 1, zero = 0, none = -1, used;

	ok(!planner_pool_create(0) && errno == EINVAL, "no kinds: EINVAL");
	ok(!planner_pool_create(PLANNER_KINDS_MAX + 1) && errno == EINVAL,
	   "too many kinds: EINVAL");
	ok(planner_add(pool, &a, 5, 5, &one) < 0 && errno == EINVAL &&
	   !a, "an empty span: EINVAL");
	is_int(planner_first_fit(pool, a, 7, 100, &zero), 7,
	       "a planner without spans fits at once");
	is_int(planner_first_fit(pool, a, 7, 100, &none),
	       PLANNER_FOREVER, "what is more than all never fits");
	planner_add(pool, &a, 0, 10, &one);
	planner_add(pool, &a, 12, PLANNER_FOREVER, &one);
	planner_add(pool, &b, 0, 3, &one);
	is_int(planner_first_fit(pool, a, 0, 2, &zero), 10, "a gap");
	is_int(planner_first_fit(pool, a, 0, 3, &zero), PLANNER_FOREVER,
	       "a gap that is too short, then nothing for ever");
	is_int(planner_first_fit(pool, b, 0, 9, &zero), 3,
	       "planners of one pool do not mix");
	is_int(planner_next(pool, a, 0), 10, "the next change");
	is_int(planner_next(pool, b, 3), PLANNER_FOREVER, "no next change");
	planner_add(pool, &a, 10, 12, &one);
	planner_at(pool, a, 11, &used);
	is_int(used, 1, "spans that meet");
	is_int(planner_next(pool, a, 0), 10, "are two all the same");
	is_int(planner_pool_points(pool), 6, "and share a point");
	planner_remove(pool, &a, 0, 10, &one);
	is_int(planner_first_fit(pool, a, 0, 10, &zero), 0,
	       "one of merged spans is removed");
	planner_remove(pool, &a, 10, 12, &one);
	planner_remove(pool, &a, 12, PLANNER_FOREVER, &one);
	planner_remove(pool, &b, 0, 3, &one);
	is_int(planner_pool_points(pool), 0, "all are removed");
	planner_pool_destroy(pool);
	planner_pool_destroy(NULL);
}

int main(void)
{
	edges();
	for (unsigned kinds = 1; kinds <= KINDS_MAX; kinds++)
		for (unsigned s = 1; s <= 4; s++)
			run(kinds, s * 7919 + kinds);
	return done();
}
