/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of some resources is used at which time: the calendar of one
 * vertex of the resource graph, or of all that is beneath it.
 *
 * A planner counts 1 to PLANNER_KINDS_MAX kinds at once. It is a set of
 * points in time where the amounts in use change, in a balanced tree ordered
 * by time; a point holds the change, and each subtree its sum and the least
 * and greatest sum of its beginnings. So adding a span changes two points
 * only, and every question is a descent: O(log points). (The method is that of
 * "point of maximum overlap" in Cormen, Leiserson, Rivest and Stein,
 * Introduction to Algorithms, problem 14-1; the tree is a treap: Seidel and
 * Aragon, Randomized Search Trees, 1996.)
 *
 * A planner is but the number of its root in a pool that many planners share;
 * PLANNER_NONE is the one where nothing is ever used. Spans are not
 * remembered: who removes one says again what it was. Times are integers of
 * any one unit; amounts may not exceed 2^62 in sum.
 */
#ifndef WEIR_SCHEDD_PLANNER_H
#define WEIR_SCHEDD_PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLANNER_KINDS_MAX	17
#define PLANNER_NONE		0u
#define PLANNER_FOREVER		INT64_MAX	/* a time that never comes */

struct planner_pool;

struct planner_pool *planner_pool_create(unsigned kinds);	/* or NULL */
void planner_pool_destroy(struct planner_pool *pool);	/* NULL is fine */
size_t planner_pool_bytes(const struct planner_pool *pool);
size_t planner_pool_points(const struct planner_pool *pool);	/* in use */

/* Room for COUNT more spans: adding them can't fail. -1 with ENOMEM. */
int planner_reserve(struct planner_pool *pool, size_t count);
/*
 * The span from START until before END uses AMOUNT[kind] of each kind. -1
 * with ENOMEM, or EINVAL if it is empty; then nothing was changed. Removing
 * needs no memory and can't fail, if it is a span that was added.
 */
int planner_add(struct planner_pool *pool, uint32_t *planner, int64_t start,
		int64_t end, const int64_t *amount);
void planner_remove(struct planner_pool *pool, uint32_t *planner,
		    int64_t start, int64_t end, const int64_t *amount);

/* What is used at TIME. */
void planner_at(const struct planner_pool *pool, uint32_t planner,
		int64_t time, int64_t *used);
/* The first time from FROM on when more than LIMIT[kind] of a kind is used;
 * PLANNER_FOREVER if there is none. */
int64_t planner_first_over(const struct planner_pool *pool, uint32_t planner,
			   int64_t from, const int64_t *limit);
/* Whether no more than LIMIT[kind] is used from START until before END. */
bool planner_fits(const struct planner_pool *pool, uint32_t planner,
		  int64_t start, int64_t end, const int64_t *limit);
/*
 * The first time from FROM on when no more than LIMIT[kind] is used for
 * DURATION: one descent for each gap that is too short. PLANNER_FOREVER if
 * there is none.
 */
int64_t planner_first_fit(const struct planner_pool *pool, uint32_t planner,
			  int64_t from, int64_t duration,
			  const int64_t *limit);
/* The same, if it is before BEFORE; else PLANNER_FOREVER. */
int64_t planner_first_fit_before(const struct planner_pool *pool,
				 uint32_t planner, int64_t from,
				 int64_t before, int64_t duration,
				 const int64_t *limit);
/* CALL gets FROM, and each later time before TO when a span begins or ends, in
 * order, and what is used from then on. */
void planner_each(const struct planner_pool *pool, uint32_t planner,
		  int64_t from, int64_t to,
		  void (*call)(void *arg, int64_t time, const int64_t *used),
		  void *arg);
/* The first time after AFTER when a span begins or ends, or
 * PLANNER_FOREVER. */
int64_t planner_next(const struct planner_pool *pool, uint32_t planner,
		     int64_t after);

#endif
