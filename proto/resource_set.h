/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource sets (R, version 1): which cores and gpus of which nodes. What a
 * node offers, what the instance has, what a job got. See weir-R(5).
 *
 * A set is an array of nodes in ascending order of rank. Read its fields;
 * change them through the functions below.
 */
#ifndef WEIR_PROTO_RESOURCE_SET_H
#define WEIR_PROTO_RESOURCE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include "proto/error.h"
#include "proto/idset.h"

#define RESOURCE_NODES_MAX	(1u << 20)

struct resource_node {
	unsigned rank;
	char *host;
	struct idset *cores;	/* never NULL */
	struct idset *gpus;	/* never NULL */
};

struct resource_property {
	char *name;
	struct idset *ranks;
};

struct resource_set {
	struct resource_node *nodes;
	size_t count;
	size_t size;		/* allocated elements of nodes */
	struct resource_property *properties;	/* by name */
	size_t property_count;
	int nslots;		/* slots of an allocation; 0: not said.
				   May be written. */
	double starttime;	/* seconds since 1970; 0: not set. Writable. */
	double expiration;	/* likewise; 0: never ends */
	json_t *scheduling;	/* the scheduler's own, kept as it came */
};

struct resource_set *resource_set_create(void);
struct resource_set *resource_set_copy(const struct resource_set *set);
void resource_set_destroy(struct resource_set *set);	/* NULL is fine */

/* NULL with EINVAL; ERR names the field. */
struct resource_set *resource_set_parse(const char *text, size_t len,
					struct proto_error *err);
struct resource_set *resource_set_from_json(const json_t *json,
					    struct proto_error *err);
/* Canonical: nodes with the same children share an entry. */
json_t *resource_set_to_json(const struct resource_set *set);
char *resource_set_encode(const struct resource_set *set);	/* to free */

/*
 * Add cores and gpus (NULL: none) of a rank; both sets are copied. What the
 * rank has already is joined. -1: EINVAL (a host name that the form can't
 * carry), EEXIST (the rank has another host), ENOMEM, EOVERFLOW (too many).
 */
int resource_set_add(struct resource_set *set, unsigned rank,
		     const char *host, const struct idset *cores,
		     const struct idset *gpus);
/* The same, but what the rank had before, and its host, go. */
int resource_set_replace(struct resource_set *set, unsigned rank,
			 const char *host, const struct idset *cores,
			 const struct idset *gpus);
int resource_set_add_property(struct resource_set *set, const char *name,
			      const struct idset *ranks);

/* The node of RANK, or NULL. */
const struct resource_node *resource_set_find(const struct resource_set *set,
					      unsigned rank);
size_t resource_set_ncores(const struct resource_set *set);
size_t resource_set_ngpus(const struct resource_set *set);
struct idset *resource_set_ranks(const struct resource_set *set);
/* The hosts in order of rank as one hostlist, to be freed. */
char *resource_set_nodelist(const struct resource_set *set);

/*
 * In place: add, take away, or keep only what OTHER has. Nodes left with
 * nothing go. The fields of SET other than nodes stay. -1 with ENOMEM, or
 * EEXIST when a rank has different hosts in the two; after an error SET is
 * only good to be destroyed.
 */
int resource_set_union(struct resource_set *set,
		       const struct resource_set *other);
int resource_set_subtract(struct resource_set *set,
			  const struct resource_set *other);
int resource_set_intersect(struct resource_set *set,
			   const struct resource_set *other);
/* Whether all of SUBSET's cores and gpus are in SET. */
bool resource_set_contains(const struct resource_set *set,
			   const struct resource_set *subset);

#endif
