/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's nodes with their cores and GPUs, which of them are in use,
 * and the choice of some for a job: the first that fit, by rank. weir-R(5).
 *
 * A node that is down keeps its place, and what jobs have of it, but gets no
 * new job. A node may be down before anything else is known about it.
 */
#ifndef WEIR_SCHEDD_POOL_H
#define WEIR_SCHEDD_POOL_H

#include <stdbool.h>

#include "proto/resource_set.h"
#include "schedd/job.h"

struct pool;

struct pool *pool_create(void);		/* NULL with ENOMEM */
void pool_destroy(struct pool *pool);	/* NULL is fine */

/* A node has these; a new rank is down. -1 with ENOMEM. */
int pool_define(struct pool *pool, unsigned rank, const char *host,
		const struct idset *cores, const struct idset *gpus);
/* The inventory, as pool_define for each of its nodes. */
int pool_define_all(struct pool *pool, const struct resource_set *R);
/* -1 with ENOENT for a rank that was never defined. */
int pool_set_up(struct pool *pool, unsigned rank, bool up);
bool pool_is_up(const struct pool *pool, unsigned rank);
const char *pool_host(const struct pool *pool, unsigned rank);	/* or NULL */
size_t pool_count(const struct pool *pool);

/* Resources for WANT, marked as used; to be given back by pool_free. NULL
 * with EAGAIN: not now; ENOMEM. */
struct resource_set *pool_alloc(struct pool *pool,
				const struct job_request *want);
/* Whether WANT fits when everything is up and free. -1 with EINVAL and the
 * reason. An empty pool fits nothing: ask pool_count first. */
int pool_check(const struct pool *pool, const struct job_request *want,
	       struct proto_error *err);
void pool_free(struct pool *pool, const struct resource_set *R);
/* Marks R, allocated earlier, as used. -1 with EEXIST: some of it is used
 * already, nothing was changed; ENOMEM. */
int pool_adopt(struct pool *pool, const struct resource_set *R);

/* Copies: NULL with ENOMEM. */
enum pool_part { POOL_ALL, POOL_DOWN, POOL_ALLOCATED };
struct resource_set *pool_part(const struct pool *pool, enum pool_part part);

#endif
