/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource sets: nodes, their cores and gpus. See resource_set.h. The JSON
 * form is in resource_json.c.
 *
 * Invariant: nodes ascend by rank, none is without both cores and gpus unless
 * it was added so.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "proto/resource_set.h"

struct resource_set *resource_set_create(void)
{
	return calloc(1, sizeof(struct resource_set));
}

static void clear_node(struct resource_node *node)
{
	free(node->host);
	idset_destroy(node->cores);
	idset_destroy(node->gpus);
}

void resource_set_destroy(struct resource_set *set)
{
	int saved = errno;

	if (set) {
		for (size_t i = 0; i < set->count; i++)
			clear_node(&set->nodes[i]);
		for (size_t i = 0; i < set->property_count; i++) {
			free(set->properties[i].name);
			idset_destroy(set->properties[i].ranks);
		}
		free(set->nodes);
		free(set->properties);
		json_decref(set->scheduling);
		free(set);
	}
	errno = saved;
}

/* Index of the first node whose rank is RANK or greater. */
static size_t find_from(const struct resource_set *set, unsigned rank)
{
	size_t lo = 0, hi = set->count;

	/* Nodes mostly come in ascending order. */
	if (hi && set->nodes[hi - 1].rank < rank)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->nodes[mid].rank < rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct resource_node *resource_set_find(const struct resource_set *set,
					      unsigned rank)
{
	size_t i = find_from(set, rank);

	return i < set->count && set->nodes[i].rank == rank ?
		&set->nodes[i] : NULL;
}

static int reserve(struct resource_set *set)
{
	size_t size = set->size ? set->size * 2 : 4;
	struct resource_node *nodes;

	if (set->count < set->size)
		return 0;
	nodes = reallocarray(set->nodes, size, sizeof(*nodes));
	if (!nodes)
		return -1;
	set->nodes = nodes;
	set->size = size;
	return 0;
}

/* Whether HOST is one that a hostlist can carry. */
static int check_host(const char *host)
{
	struct hostlist *list = hostlist_create();
	int rc = list ? hostlist_append(list, host) : -1;

	hostlist_destroy(list);
	return rc;
}

static struct idset *copy_or_empty(const struct idset *set)
{
	return set ? idset_copy(set) : idset_create();
}

static int insert(struct resource_set *set, size_t at, unsigned rank,
		  const char *host, const struct idset *cores,
		  const struct idset *gpus)
{
	struct resource_node node = { .rank = rank };

	if (set->count == RESOURCE_NODES_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (check_host(host) < 0 || reserve(set) < 0)
		return -1;
	node.host = strdup(host);
	node.cores = copy_or_empty(cores);
	node.gpus = copy_or_empty(gpus);
	if (!node.host || !node.cores || !node.gpus) {
		clear_node(&node);
		errno = ENOMEM;
		return -1;
	}
	memmove(set->nodes + at + 1, set->nodes + at,
		(set->count - at) * sizeof(node));
	set->nodes[at] = node;
	set->count++;
	return 0;
}

int resource_set_add(struct resource_set *set, unsigned rank,
		     const char *host, const struct idset *cores,
		     const struct idset *gpus)
{
	size_t i = find_from(set, rank);
	struct resource_node *node;

	if (rank > IDSET_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (i == set->count || set->nodes[i].rank != rank)
		return insert(set, i, rank, host, cores, gpus);
	node = &set->nodes[i];
	if (strcmp(node->host, host)) {
		errno = EEXIST;
		return -1;
	}
	if ((cores && idset_add(node->cores, cores) < 0) ||
	    (gpus && idset_add(node->gpus, gpus) < 0))
		return -1;
	return 0;
}

int resource_set_replace(struct resource_set *set, unsigned rank,
			 const char *host, const struct idset *cores,
			 const struct idset *gpus)
{
	size_t i = find_from(set, rank);
	bool had = i < set->count && set->nodes[i].rank == rank;
	struct resource_node before = { 0 };

	if (rank > IDSET_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (insert(set, i, rank, host, cores, gpus) < 0)
		return -1;
	if (!had)
		return 0;
	before = set->nodes[i + 1];
	memmove(set->nodes + i + 1, set->nodes + i + 2,
		(set->count - i - 2) * sizeof(before));
	set->count--;
	clear_node(&before);
	return 0;
}

int resource_set_add_property(struct resource_set *set, const char *name,
			      const struct idset *ranks)
{
	struct resource_property *p, new;
	size_t i;

	if (!*name || strpbrk(name, "!&'\"^`|()")) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < set->property_count &&
	     strcmp(set->properties[i].name, name) < 0; i++)
		;
	if (i < set->property_count && !strcmp(set->properties[i].name, name))
		return idset_add(set->properties[i].ranks, ranks);
	p = reallocarray(set->properties, set->property_count + 1,
			 sizeof(*p));
	if (!p)
		return -1;
	set->properties = p;
	new.name = strdup(name);
	new.ranks = idset_copy(ranks);
	if (!new.name || !new.ranks) {
		free(new.name);
		idset_destroy(new.ranks);
		return -1;
	}
	memmove(p + i + 1, p + i, (set->property_count - i) * sizeof(*p));
	p[i] = new;
	set->property_count++;
	return 0;
}

struct resource_set *resource_set_copy(const struct resource_set *set)
{
	struct resource_set *copy = resource_set_create();

	if (!copy)
		return NULL;
	copy->nslots = set->nslots;
	copy->starttime = set->starttime;
	copy->expiration = set->expiration;
	copy->scheduling = json_incref(set->scheduling);
	if (resource_set_union(copy, set) < 0)
		goto fail;
	for (size_t i = 0; i < set->property_count; i++)
		if (resource_set_add_property(copy, set->properties[i].name,
					      set->properties[i].ranks) < 0)
			goto fail;
	return copy;
fail:
	resource_set_destroy(copy);
	return NULL;
}

size_t resource_set_ncores(const struct resource_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += idset_count(set->nodes[i].cores);
	return n;
}

size_t resource_set_ngpus(const struct resource_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += idset_count(set->nodes[i].gpus);
	return n;
}

struct idset *resource_set_ranks(const struct resource_set *set)
{
	struct idset *ranks = idset_create();

	for (size_t i = 0; ranks && i < set->count; i++)
		if (idset_set(ranks, set->nodes[i].rank) < 0) {
			idset_destroy(ranks);
			return NULL;
		}
	return ranks;
}

char *resource_set_nodelist(const struct resource_set *set)
{
	struct hostlist *list = hostlist_create();
	char *text = NULL;
	size_t i = 0;

	while (list && i < set->count &&
	       hostlist_append(list, set->nodes[i].host) == 0)
		i++;
	if (list && i == set->count)
		text = hostlist_encode(list);
	hostlist_destroy(list);
	return text;
}

/* ---- two sets ---- */

int resource_set_union(struct resource_set *set,
		       const struct resource_set *other)
{
	for (size_t i = 0; i < other->count; i++) {
		const struct resource_node *n = &other->nodes[i];

		if (resource_set_add(set, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			return -1;
	}
	return 0;
}

typedef int change_f(struct idset *set, const struct idset *other);

/*
 * Apply CHANGE to each node and its counterpart in OTHER; a node without one
 * is left alone or dropped.
 */
static int combine(struct resource_set *set, const struct resource_set *other,
		   change_f *change, bool drop_unmatched)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct resource_node *node = &set->nodes[i];
		const struct resource_node *n =
			resource_set_find(other, node->rank);
		bool drop = !n && drop_unmatched;

		if (n && strcmp(n->host, node->host)) {
			errno = EEXIST;
			rc = -1;
		} else if (n) {
			if (change(node->cores, n->cores) < 0 ||
			    change(node->gpus, n->gpus) < 0)
				rc = -1;
			drop = idset_empty(node->cores) &&
				idset_empty(node->gpus);
		}
		if (drop)
			clear_node(node);
		else
			set->nodes[kept++] = *node;
	}
	set->count = kept;
	return rc;
}

int resource_set_subtract(struct resource_set *set,
			  const struct resource_set *other)
{
	return combine(set, other, idset_subtract, false);
}

int resource_set_intersect(struct resource_set *set,
			   const struct resource_set *other)
{
	return combine(set, other, idset_keep, true);
}

bool resource_set_contains(const struct resource_set *set,
			   const struct resource_set *subset)
{
	for (size_t i = 0; i < subset->count; i++) {
		const struct resource_node *want = &subset->nodes[i];
		const struct resource_node *have =
			resource_set_find(set, want->rank);

		if (!have || strcmp(have->host, want->host) ||
		    !idset_contains(have->cores, want->cores) ||
		    !idset_contains(have->gpus, want->gpus))
			return false;
	}
	return true;
}
