/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendars in a treap. See planner.h.
 *
 * Points are in one array and named by their index, which also gives their
 * priority, so that a point of one kind takes 56 bytes. A point stays as long
 * as a span begins or ends there, even if the changes make 0 together.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/planner.h"

#define POINTS_MAX	UINT32_MAX

struct point {
	int64_t time;
	uint32_t left, right;
	uint32_t spans;		/* that begin or end here */
	/* KINDS each: change at this point; of the subtree the sum, and the
	 * least and greatest sum of its first points, one at least. */
	int64_t v[];
};

struct planner_pool {
	unsigned kinds;
	size_t stride;		/* bytes a point */
	char *points;		/* the first is not used */
	uint32_t count, size;
	uint32_t unused;	/* list of given back points, by left */
	size_t in_use;
	size_t spans;		/* in_use <= 2 * spans < size */
};

static inline struct point *at(const struct planner_pool *pool, uint32_t i)
{
	return (struct point *)(pool->points + i * pool->stride);
}

static inline uint32_t priority(uint32_t i)
{
	i *= 0x9e3779b1u;
	i ^= i >> 15;
	return i * 0x85ebca77u;
}

struct planner_pool *planner_pool_create(unsigned kinds)
{
	struct planner_pool *pool;

	if (!kinds || kinds > PLANNER_KINDS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->kinds = kinds;
	pool->stride = sizeof(struct point) + 4 * kinds * sizeof(int64_t);
	pool->count = 1;
	return pool;
}

void planner_pool_destroy(struct planner_pool *pool)
{
	int saved = errno;

	if (pool)
		free(pool->points);
	free(pool);
	errno = saved;
}

size_t planner_pool_bytes(const struct planner_pool *pool)
{
	return pool->size * pool->stride;
}

size_t planner_pool_points(const struct planner_pool *pool)
{
	return pool->in_use;
}

int planner_reserve(struct planner_pool *pool, size_t count)
{
	size_t need = 2 * (pool->spans + count) + 1;
	size_t size = pool->size ? pool->size + pool->size / 2 : 64;
	char *points;

	if (need <= pool->size)
		return 0;
	if (size < need)
		size = need;
	if (size > POINTS_MAX) {
		errno = ENOMEM;
		return -1;
	}
	points = reallocarray(pool->points, size, pool->stride);
	if (!points)
		return -1;
	pool->points = points;
	pool->size = (uint32_t)size;
	return 0;
}

static uint32_t take_point(struct planner_pool *pool, int64_t time,
			   const int64_t *change)
{
	uint32_t i = pool->unused;
	struct point *p;

	if (i) {
		pool->unused = at(pool, i)->left;
	} else {
		assert(pool->count < pool->size);
		i = pool->count++;
	}
	pool->in_use++;
	p = at(pool, i);
	p->time = time;
	p->left = p->right = 0;
	p->spans = 1;
	for (unsigned k = 0; k < 4 * pool->kinds; k += pool->kinds)
		memcpy(p->v + k, change, pool->kinds * sizeof(*change));
	return i;
}

static void give_point(struct planner_pool *pool, uint32_t i)
{
	at(pool, i)->left = pool->unused;
	pool->unused = i;
	pool->in_use--;
}

static inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* Sum, least and greatest of a subtree from those of its children. */
static void pull(const struct planner_pool *pool, uint32_t i)
{
	unsigned n = pool->kinds;
	struct point *p = at(pool, i);
	const struct point *l = p->left ? at(pool, p->left) : NULL;
	const struct point *r = p->right ? at(pool, p->right) : NULL;

	for (unsigned k = 0; k < n; k++) {
		int64_t here = (l ? l->v[n + k] : 0) + p->v[k];
		int64_t least = here, most = here;

		if (l) {
			least = min64(least, l->v[2 * n + k]);
			most = max64(most, l->v[3 * n + k]);
		}
		p->v[n + k] = here;
		if (r) {
			p->v[n + k] += r->v[n + k];
			least = min64(least, here + r->v[2 * n + k]);
			most = max64(most, here + r->v[3 * n + k]);
		}
		p->v[2 * n + k] = least;
		p->v[3 * n + k] = most;
	}
}

/* Points before TIME to *L, the others to *R. */
static void split(struct planner_pool *pool, uint32_t i, int64_t time,
		  uint32_t *l, uint32_t *r)
{
	struct point *p;

	if (!i) {
		*l = *r = 0;
		return;
	}
	p = at(pool, i);
	if (p->time < time) {
		*l = i;
		split(pool, p->right, time, &p->right, r);
	} else {
		*r = i;
		split(pool, p->left, time, l, &p->left);
	}
	pull(pool, i);
}

static uint32_t merge(struct planner_pool *pool, uint32_t l, uint32_t r)
{
	struct point *p;

	if (!l || !r)
		return l ? l : r;
	if (priority(l) > priority(r)) {
		p = at(pool, l);
		p->right = merge(pool, p->right, r);
		pull(pool, l);
		return l;
	}
	p = at(pool, r);
	p->left = merge(pool, l, p->left);
	pull(pool, r);
	return r;
}

static uint32_t insert(struct planner_pool *pool, uint32_t i, uint32_t new)
{
	struct point *p = at(pool, new), *q;

	if (i && priority(i) >= priority(new)) {
		q = at(pool, i);
		if (p->time < q->time)
			q->left = insert(pool, q->left, new);
		else
			q->right = insert(pool, q->right, new);
		pull(pool, i);
		return i;
	}
	split(pool, i, p->time, &p->left, &p->right);
	pull(pool, new);
	return new;
}

/* Adds SIGN * CHANGE at TIME if there is a point, and STEP to its spans; it
 * goes with the last. Sets *FOUND. */
static uint32_t change_point(struct planner_pool *pool, uint32_t i,
			     int64_t time, const int64_t *change, int sign,
			     int step, bool *found)
{
	struct point *p;

	if (!i)
		return 0;
	p = at(pool, i);
	if (time < p->time) {
		p->left = change_point(pool, p->left, time, change, sign,
				       step, found);
	} else if (time > p->time) {
		p->right = change_point(pool, p->right, time, change, sign,
					step, found);
	} else {
		*found = true;
		for (unsigned k = 0; k < pool->kinds; k++)
			p->v[k] += sign * change[k];
		p->spans += (uint32_t)step;
		if (!p->spans) {
			uint32_t rest = merge(pool, p->left, p->right);

			give_point(pool, i);
			return rest;
		}
	}
	if (*found)
		pull(pool, i);
	return i;
}

static void change_at(struct planner_pool *pool, uint32_t *planner,
		      int64_t time, const int64_t *change, int sign, int step)
{
	int64_t negated[PLANNER_KINDS_MAX];
	bool found = false;

	*planner = change_point(pool, *planner, time, change, sign, step,
				&found);
	if (found)
		return;
	assert(step > 0);
	for (unsigned k = 0; k < pool->kinds; k++)
		negated[k] = sign * change[k];
	*planner = insert(pool, *planner, take_point(pool, time, negated));
}

static bool nothing(const struct planner_pool *pool, const int64_t *amount)
{
	int64_t any = 0;

	for (unsigned k = 0; k < pool->kinds; k++)
		any |= amount[k];
	return !any;
}

int planner_add(struct planner_pool *pool, uint32_t *planner, int64_t start,
		int64_t end, const int64_t *amount)
{
	if (start >= end) {
		errno = EINVAL;
		return -1;
	}
	if (nothing(pool, amount))
		return 0;
	if (planner_reserve(pool, 1) < 0)
		return -1;
	pool->spans++;
	change_at(pool, planner, start, amount, 1, 1);
	change_at(pool, planner, end, amount, -1, 1);
	return 0;
}

void planner_remove(struct planner_pool *pool, uint32_t *planner,
		    int64_t start, int64_t end, const int64_t *amount)
{
	if (nothing(pool, amount))
		return;
	change_at(pool, planner, start, amount, -1, -1);
	change_at(pool, planner, end, amount, 1, -1);
	assert(pool->spans);
	pool->spans--;
}

/* Adds the changes of P (PART 0) or of its subtree (1) to SUM. */
static inline void add_to(const struct planner_pool *pool, int64_t *sum,
			  const struct point *p, unsigned part)
{
	for (unsigned k = 0; k < pool->kinds; k++)
		sum[k] += p->v[part * pool->kinds + k];
}

void planner_at(const struct planner_pool *pool, uint32_t planner,
		int64_t time, int64_t *used)
{
	memset(used, 0, pool->kinds * sizeof(*used));
	while (planner) {
		const struct point *p = at(pool, planner);

		if (p->time > time) {
			planner = p->left;
			continue;
		}
		if (p->left)
			add_to(pool, used, at(pool, p->left), 1);
		add_to(pool, used, p, 0);
		planner = p->right;
	}
}

static inline bool over(const struct planner_pool *pool, const int64_t *sum,
			const int64_t *more, const int64_t *limit)
{
	for (unsigned k = 0; k < pool->kinds; k++)
		if (sum[k] + more[k] > limit[k])
			return true;
	return false;
}

/*
 * The first point after AFTER in the subtree at I where the sum is over LIMIT
 * (WANT) or not (!WANT). SUM is that of all points before the subtree, and at
 * the end of those up to its last.
 */
static int64_t search(const struct planner_pool *pool, uint32_t i,
		      int64_t after, bool want, const int64_t *limit,
		      int64_t *sum)
{
	unsigned n = pool->kinds;
	int64_t found;

	while (i) {
		const struct point *p = at(pool, i);

		/* no prefix within can be what is looked for */
		if (over(pool, sum, p->v + (want ? 3 : 2) * n, limit) != want) {
			add_to(pool, sum, p, 1);
			return PLANNER_FOREVER;
		}
		if (p->time > after) {
			found = search(pool, p->left, after, want, limit, sum);
			if (found != PLANNER_FOREVER)
				return found;
		} else if (p->left) {
			add_to(pool, sum, at(pool, p->left), 1);
		}
		add_to(pool, sum, p, 0);
		if (p->time > after) {
			static const int64_t zero[PLANNER_KINDS_MAX];

			if (over(pool, sum, zero, limit) == want)
				return p->time;
		}
		i = p->right;
	}
	return PLANNER_FOREVER;
}

static int64_t first_after(const struct planner_pool *pool, uint32_t planner,
			   int64_t after, bool want, const int64_t *limit)
{
	int64_t sum[PLANNER_KINDS_MAX] = { 0 };

	return search(pool, planner, after, want, limit, sum);
}

int64_t planner_first_over(const struct planner_pool *pool, uint32_t planner,
			   int64_t from, const int64_t *limit)
{
	static const int64_t zero[PLANNER_KINDS_MAX];
	int64_t used[PLANNER_KINDS_MAX];

	planner_at(pool, planner, from, used);
	if (over(pool, used, zero, limit))
		return from;
	return first_after(pool, planner, from, true, limit);
}

bool planner_fits(const struct planner_pool *pool, uint32_t planner,
		  int64_t start, int64_t end, const int64_t *limit)
{
	return planner_first_over(pool, planner, start, limit) >= end;
}

int64_t planner_first_fit_before(const struct planner_pool *pool,
				 uint32_t planner, int64_t from,
				 int64_t before, int64_t duration,
				 const int64_t *limit)
{
	while (from < before) {
		int64_t end = planner_first_over(pool, planner, from, limit);

		if (end == PLANNER_FOREVER || end - from >= duration)
			return from;
		from = first_after(pool, planner, end, false, limit);
	}
	return PLANNER_FOREVER;
}

int64_t planner_first_fit(const struct planner_pool *pool, uint32_t planner,
			  int64_t from, int64_t duration,
			  const int64_t *limit)
{
	return planner_first_fit_before(pool, planner, from, PLANNER_FOREVER,
					duration, limit);
}

struct each {
	int64_t from, to;
	void (*call)(void *arg, int64_t time, const int64_t *used);
	void *arg;
	int64_t used[PLANNER_KINDS_MAX];
};

static void each(const struct planner_pool *pool, uint32_t i, struct each *e)
{
	while (i) {
		const struct point *p = at(pool, i);

		if (p->time > e->from)
			each(pool, p->left, e);
		if (p->time >= e->to)
			return;
		if (p->time > e->from) {
			add_to(pool, e->used, p, 0);
			e->call(e->arg, p->time, e->used);
		}
		i = p->right;
	}
}

void planner_each(const struct planner_pool *pool, uint32_t planner,
		  int64_t from, int64_t to,
		  void (*call)(void *arg, int64_t time, const int64_t *used),
		  void *arg)
{
	struct each e = { .from = from, .to = to, .call = call, .arg = arg };

	planner_at(pool, planner, from, e.used);
	call(arg, from, e.used);
	each(pool, planner, &e);
}

int64_t planner_next(const struct planner_pool *pool, uint32_t planner,
		     int64_t after)
{
	int64_t next = PLANNER_FOREVER;

	while (planner) {
		const struct point *p = at(pool, planner);

		if (p->time > after) {
			next = p->time;
			planner = p->left;
		} else {
			planner = p->right;
		}
	}
	return next;
}
