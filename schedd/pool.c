/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, what is free on each, and first-fit: see pool.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/pool.h"

struct pool_node {
	unsigned rank;
	char *host;
	struct idset *cores, *gpus;	/* all */
	struct idset *free_cores, *free_gpus;
	int ncores, ngpus;		/* counts of the four */
	int nfree_cores, nfree_gpus;
	bool up;
};

struct pool {
	struct pool_node *nodes;	/* by rank */
	size_t count, size;
	size_t hint;		/* nodes before it have no free core */
};

struct pool *pool_create(void)
{
	return calloc(1, sizeof(struct pool));
}

static void node_fini(struct pool_node *n)
{
	free(n->host);
	idset_destroy(n->cores);
	idset_destroy(n->gpus);
	idset_destroy(n->free_cores);
	idset_destroy(n->free_gpus);
}

void pool_destroy(struct pool *pool)
{
	size_t i;

	if (!pool)
		return;
	for (i = 0; i < pool->count; i++)
		node_fini(&pool->nodes[i]);
	free(pool->nodes);
	free(pool);
}

/* Where RANK is or would be. */
static size_t position(const struct pool *pool, unsigned rank)
{
	size_t lo = 0, hi = pool->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pool->nodes[mid].rank < rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct pool_node *find(const struct pool *pool, unsigned rank)
{
	size_t i = position(pool, rank);

	return i < pool->count && pool->nodes[i].rank == rank ?
	       &pool->nodes[i] : NULL;
}

static void count_free(struct pool *pool, struct pool_node *n)
{
	size_t i = (size_t)(n - pool->nodes);

	n->nfree_cores = (int)idset_count(n->free_cores);
	n->nfree_gpus = (int)idset_count(n->free_gpus);
	if (n->nfree_cores > 0 && i < pool->hint)
		pool->hint = i;
}

/* Everything of N but what is in use of it now. */
static struct idset *now_free(const struct idset *all,
			      const struct idset *before,
			      const struct idset *before_free)
{
	struct idset *used = idset_difference(before, before_free);
	struct idset *set = used ? idset_difference(all, used) : NULL;

	idset_destroy(used);
	return set;
}

static struct pool_node *insert(struct pool *pool, unsigned rank)
{
	size_t i = position(pool, rank);
	struct pool_node *n;

	if (pool->count == pool->size) {
		size_t size = pool->size ? pool->size * 2 : 16;

		n = reallocarray(pool->nodes, size, sizeof(*n));
		if (!n)
			return NULL;
		pool->nodes = n;
		pool->size = size;
	}
	n = &pool->nodes[i];
	memmove(n + 1, n, (pool->count - i) * sizeof(*n));
	memset(n, 0, sizeof(*n));
	n->rank = rank;
	pool->count++;
	pool->hint = 0;
	return n;
}

int pool_define(struct pool *pool, unsigned rank, const char *host,
		const struct idset *cores, const struct idset *gpus)
{
	struct pool_node *n = find(pool, rank);
	struct idset *none = idset_create();
	struct pool_node new = { .rank = rank, .up = n && n->up };

	new.host = strdup(host);
	new.cores = idset_copy(cores);
	new.gpus = gpus ? idset_copy(gpus) : idset_create();
	if (none && new.cores && new.gpus) {
		new.free_cores = now_free(cores, n ? n->cores : none,
					  n ? n->free_cores : none);
		new.free_gpus = now_free(new.gpus, n ? n->gpus : none,
					 n ? n->free_gpus : none);
	}
	idset_destroy(none);
	if (new.host && new.free_cores && new.free_gpus && !n)
		n = insert(pool, rank);
	if (!n || !new.host || !new.free_cores || !new.free_gpus) {
		node_fini(&new);
		errno = ENOMEM;
		return -1;
	}
	new.ncores = (int)idset_count(new.cores);
	new.ngpus = (int)idset_count(new.gpus);
	node_fini(n);
	*n = new;
	count_free(pool, n);
	return 0;
}

int pool_define_all(struct pool *pool, const struct resource_set *R)
{
	size_t i;

	for (i = 0; i < R->count; i++)
		if (pool_define(pool, R->nodes[i].rank, R->nodes[i].host,
				R->nodes[i].cores, R->nodes[i].gpus) < 0)
			return -1;
	return 0;
}

int pool_set_up(struct pool *pool, unsigned rank, bool up)
{
	struct pool_node *n = find(pool, rank);

	if (!n) {
		errno = ENOENT;
		return -1;
	}
	n->up = up;
	return 0;
}

bool pool_is_up(const struct pool *pool, unsigned rank)
{
	struct pool_node *n = find(pool, rank);

	return n && n->up;
}

const char *pool_host(const struct pool *pool, unsigned rank)
{
	struct pool_node *n = find(pool, rank);

	return n ? n->host : NULL;
}

size_t pool_count(const struct pool *pool)
{
	return pool->count;
}

/* ---- choice ---- */

/* Slots of WANT that fit into so many cores and GPUs. */
static int slots_in(const struct job_request *want, int cores, int gpus)
{
	int n = cores / want->cores_per_slot;

	if (want->gpus_per_slot && gpus / want->gpus_per_slot < n)
		n = gpus / want->gpus_per_slot;
	return n;
}

/* Slots that N has for WANT, now or, with EMPTY, when nothing else is on it. */
static int slots_on(const struct pool_node *n, const struct job_request *want,
		    bool empty)
{
	if (want->hosts && hostlist_find(want->hosts, n->host) < 0)
		return 0;
	if (empty)
		return slots_in(want, n->ncores, n->ngpus);
	if (!n->up || (want->exclusive && (n->nfree_cores < n->ncores ||
					   n->nfree_gpus < n->ngpus)))
		return 0;
	return slots_in(want, n->nfree_cores, n->nfree_gpus);
}

/* Moves the first COUNT members of FROM into a new set; the rest stays. */
static struct idset *take_first(struct idset *from, int count)
{
	struct idset *set = idset_create();
	unsigned lo, hi;

	while (set && count > 0) {
		idset_range(from, 0, &lo, &hi);
		if (hi - lo >= (unsigned)count)
			hi = lo + (unsigned)count - 1;
		count -= (int)(hi - lo + 1);
		if (idset_range_set(set, lo, hi) < 0 ||
		    idset_range_clear(from, lo, hi) < 0) {
			idset_destroy(set);
			return NULL;
		}
	}
	return set;
}

static int take(struct pool *pool, struct pool_node *n, int slots,
		const struct job_request *want, struct resource_set *R)
{
	int cores = want->exclusive ? n->ncores :
		    slots * want->cores_per_slot;
	int gpus = want->exclusive ? n->ngpus : slots * want->gpus_per_slot;
	struct idset *c = take_first(n->free_cores, cores);
	struct idset *g = take_first(n->free_gpus, gpus);
	int r = -1;

	if (c && g)
		r = resource_set_add(R, n->rank, n->host, c, g);
	if (r < 0) {
		/* back, so that pool_free of R sees only what R has */
		if (c)
			idset_add(n->free_cores, c);
		if (g)
			idset_add(n->free_gpus, g);
	}
	idset_destroy(c);
	idset_destroy(g);
	count_free(pool, n);
	return r;
}

/* Walks the nodes until WANT is met; SLOTS_OF, which may be NULL, gets how many
 * slots of each node. Returns what is missing in the end, in nodes if WANT
 * counts these, else in slots. */
static int walk(const struct pool *pool, const struct job_request *want,
		bool empty, int *slots_of)
{
	int missing = want->nnodes ? want->nnodes : want->nslots;
	size_t i;

	for (i = empty ? 0 : pool->hint; i < pool->count && missing > 0; i++) {
		int n = slots_on(&pool->nodes[i], want, empty);

		if (want->nnodes) {
			int each = want->nslots / want->nnodes;

			n = n >= each ? each : 0;
			missing -= n > 0;
		} else {
			n = n < missing ? n : missing;
			missing -= n;
		}
		if (slots_of)
			slots_of[i] = n;
	}
	return missing;
}

struct resource_set *pool_alloc(struct pool *pool,
				const struct job_request *want)
{
	struct resource_set *R;
	int *slots_of;
	size_t i;

	while (pool->hint < pool->count &&
	       pool->nodes[pool->hint].nfree_cores == 0)
		pool->hint++;
	if (walk(pool, want, false, NULL) > 0) {
		errno = EAGAIN;
		return NULL;
	}
	slots_of = calloc(pool->count, sizeof(*slots_of));
	R = resource_set_create();
	if (!slots_of || !R)
		goto fail;
	walk(pool, want, false, slots_of);
	for (i = 0; i < pool->count; i++)
		if (slots_of[i] > 0 &&
		    take(pool, &pool->nodes[i], slots_of[i], want, R) < 0) {
			pool_free(pool, R);
			goto fail;
		}
	free(slots_of);
	R->nslots = want->nslots;
	return R;
fail:
	free(slots_of);
	resource_set_destroy(R);
	errno = ENOMEM;
	return NULL;
}

int pool_check(const struct pool *pool, const struct job_request *want,
	       struct proto_error *err)
{
	long long cores = 0, gpus = 0;
	long long need_cores = (long long)want->nslots * want->cores_per_slot;
	long long need_gpus = (long long)want->nslots * want->gpus_per_slot;
	size_t i;

	if (walk(pool, want, true, NULL) <= 0)
		return 0;
	if (want->hosts)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "it does not fit on the hosts of its "
				       "queue");
	for (i = 0; i < pool->count; i++) {
		cores += pool->nodes[i].ncores;
		gpus += pool->nodes[i].ngpus;
	}
	if (want->nnodes > 0 && (size_t)want->nnodes > pool->count)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "%d nodes are needed, the instance has "
				       "%zu", want->nnodes, pool->count);
	if (need_cores > cores)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "%lld cores are needed, the instance "
				       "has %lld", need_cores, cores);
	if (need_gpus > gpus)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "%lld gpus are needed, the instance "
				       "has %lld", need_gpus, gpus);
	if (want->nnodes > 0)
		return proto_error_set(err, EINVAL, "unsatisfiable request: "
				       "%d nodes with %d cores and %d gpus "
				       "each are needed, there are too few",
				       want->nnodes,
				       want->nslots / want->nnodes *
				       want->cores_per_slot,
				       want->nslots / want->nnodes *
				       want->gpus_per_slot);
	return proto_error_set(err, EINVAL, "unsatisfiable request: %d slots "
			       "of %d cores and %d gpus on one node each are "
			       "needed, there are too few", want->nslots,
			       want->cores_per_slot, want->gpus_per_slot);
}

/* ---- giving back, taking again ---- */

void pool_free(struct pool *pool, const struct resource_set *R)
{
	size_t i;

	for (i = 0; i < R->count; i++) {
		const struct resource_node *r = &R->nodes[i];
		struct pool_node *n = find(pool, r->rank);
		struct idset *cores, *gpus;

		if (!n)
			continue;
		/* a core that the node has lost since does not come back */
		cores = idset_intersect(r->cores, n->cores);
		gpus = idset_intersect(r->gpus, n->gpus);
		if (cores)
			idset_add(n->free_cores, cores);
		if (gpus)
			idset_add(n->free_gpus, gpus);
		idset_destroy(cores);
		idset_destroy(gpus);
		count_free(pool, n);
	}
}

static int adopt_node(struct pool *pool, const struct resource_node *r)
{
	struct pool_node *n = find(pool, r->rank);

	if (!n) {
		if (pool_define(pool, r->rank, r->host, r->cores, r->gpus) < 0)
			return -1;
		n = find(pool, r->rank);
	}
	/* used cores that the inventory does not have: the node changed */
	if (idset_subtract(n->free_cores, r->cores) < 0 ||
	    idset_subtract(n->free_gpus, r->gpus) < 0)
		return -1;
	count_free(pool, n);
	return 0;
}

int pool_adopt(struct pool *pool, const struct resource_set *R)
{
	size_t i;

	for (i = 0; i < R->count; i++) {
		const struct resource_node *r = &R->nodes[i];
		struct pool_node *n = find(pool, r->rank);
		struct idset *used;
		bool conflict;

		if (!n)
			continue;
		used = idset_difference(n->cores, n->free_cores);
		if (!used)
			return -1;
		conflict = idset_intersects(used, r->cores);
		idset_destroy(used);
		if (conflict) {
			errno = EEXIST;
			return -1;
		}
	}
	for (i = 0; i < R->count; i++)
		if (adopt_node(pool, &R->nodes[i]) < 0)
			return -1;
	return 0;
}

/* ---- reporting ---- */

static int add_used(struct resource_set *set, const struct pool_node *n)
{
	struct idset *c = idset_difference(n->cores, n->free_cores);
	struct idset *g = idset_difference(n->gpus, n->free_gpus);
	int r = c && g ? 0 : -1;

	if (r == 0 && (!idset_empty(c) || !idset_empty(g)))
		r = resource_set_add(set, n->rank, n->host, c, g);
	idset_destroy(c);
	idset_destroy(g);
	return r;
}

struct resource_set *pool_part(const struct pool *pool, enum pool_part part)
{
	struct resource_set *set = resource_set_create();
	size_t i;

	for (i = 0; set && i < pool->count; i++) {
		const struct pool_node *n = &pool->nodes[i];
		int r = 0;

		if (part == POOL_ALLOCATED)
			r = add_used(set, n);
		else if (part == POOL_ALL || !n->up)
			r = resource_set_add(set, n->rank, n->host, n->cores,
					     n->gpus);
		if (r < 0) {
			resource_set_destroy(set);
			return NULL;
		}
	}
	return set;
}
