/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resource graph: what there is, how it is connected, and what of it is
 * in use now. See weir-resources(5).
 *
 * Vertices are in one array. Those of the subsystem "containment" are a tree
 * and come first, each followed by all that is beneath it, siblings by type
 * and id: a subtree is the range from v to before v.end, and an index is a
 * place in the order of walking. Vertices that are only in other subsystems
 * follow; each is a tree of its own. The edges of other subsystems are lists.
 *
 * Vertices of a type are also in one list, in the same order, so that all of a
 * type beneath a vertex are a slice of it.
 *
 * A vertex with others beneath it, or with more than one unit, has a *group*:
 * the units of each tracked type that are beneath it, in total and not in
 * use. Groups of a type are side by side, so that a search among many thousand
 * nodes reads memory in order.
 *
 * A graph is made by graph_create(), graph_add() and graph_connect(), then
 * graph_finish() orders it; indexes from before that are of no use then.
 */
#ifndef WEIR_SCHEDD_GRAPH_H
#define WEIR_SCHEDD_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "proto/error.h"
#include "proto/resource_set.h"
#include "schedd/planner.h"
#include "schedd/strings.h"

#define GRAPH_VERTICES_MAX	(1u << 24)
#define GRAPH_TYPES_MAX		4096
#define GRAPH_TRACKED_MAX	(PLANNER_KINDS_MAX - 1)
#define GRAPH_DEPTH_MAX		64
#define GRAPH_NAME_MAX		255		/* bytes */
#define GRAPH_SIZE_MAX		(1ll << 50)	/* units of a vertex */
#define GRAPH_NONE		UINT32_MAX	/* "no vertex" */
#define GRAPH_NO_RANK		(-1)

/* How a vertex is in use: the number of jobs that do, and marks. */
#define HELD_EXCLUSIVE	0x80000000u	/* by one job alone */
#define HELD_PICKED	0x40000000u	/* by the match that is being made */
#define HELD_SEEN	0x20000000u	/* by the walk that is being made */
#define HELD_JOBS	0x1fffffffu

struct vertex {
	uint32_t parent;	/* GRAPH_NONE: a root */
	uint32_t end;
	int32_t id;		/* -1: its name has no number */
	int32_t rank;		/* its own; see graph_rank */
	uint32_t name;		/* string; 0: basename and id */
	uint32_t label;		/* its id in JGF: see LABEL_STRING */
	uint32_t props;		/* property set */
	uint32_t group;		/* 0: none */
	uint32_t planner;	/* of the pool of leaves or of groups */
	uint32_t held;		/* of a vertex without a group */
	int64_t size;		/* units */
	uint16_t type;		/* index into types */
	uint16_t unit;		/* index into units */
	uint32_t basename;	/* string; 0: the name of the type */
	uint16_t down;		/* it and those above it that are down */
	bool is_down;		/* it is itself */
};
#define LABEL_STRING	0x80000000u	/* the rest is a string's number */

struct group {
	uint32_t vertex;
	uint32_t held;
	uint32_t picked;	/* picks beneath, of the match being made */
	uint32_t down;		/* as in struct vertex, for nearness */
	uint32_t down_below;	/* vertices beneath that are down */
	int64_t free[];		/* units of each tracked type not in use */
};

struct vertex_type {
	uint32_t name;
	uint32_t first, count;	/* in by_type */
	uint32_t group;		/* of its first vertex; others follow */
	bool grouped;		/* all of its vertices have groups */
	bool unit_size;		/* all of its vertices are of size 1 */
	bool above_node;	/* some have nodes beneath, or are nodes */
	bool below_node;	/* all are beneath nodes */
	int tracked;		/* index of free[], or -1 */
	/* if grouped: units of each tracked type, at most in one of them */
	int64_t most[GRAPH_TRACKED_MAX];
	uint32_t filters;	/* bit i: its groups prune by tracked type i */
};

struct edge {
	uint32_t source, target;
};

struct subsystem {
	uint32_t name;
	struct edge *down;	/* by source */
	struct edge *up;	/* the same by target */
	size_t count, size;
};

struct property {
	uint32_t key, value;	/* strings */
};

struct property_set {
	uint32_t first, count;	/* in properties, by key's number */
};

/* The calendar of a node, which is named by its place among them. */
struct node_change {
	int64_t start, end;
	uint32_t node;
};

struct graph {
	struct strings strings;
	struct vertex *vertices;
	uint32_t count, size;
	uint32_t inside;	/* the first that is not in containment */
	struct vertex_type *types;
	uint32_t type_count;
	uint32_t node_type;	/* GRAPH_NONE: there are no nodes */
	uint32_t *units;	/* strings; 0 is "" */
	uint32_t unit_count;
	uint32_t *by_type;
	struct subsystem *subsystems;
	uint32_t subsystem_count;
	struct property *properties;
	uint32_t property_count, property_room;
	struct property_set *sets;
	uint32_t set_count, set_room;

	uint32_t *by_rank;	/* vertices with a rank, by rank */
	uint32_t rank_count;

	/* groups */
	unsigned tracked;
	uint16_t tracked_types[GRAPH_TRACKED_MAX];
	size_t group_stride;
	char *groups;		/* the first is not used */
	int64_t *totals;	/* [group * tracked] */
	uint32_t group_count;
	struct planner_pool *leaf_pool;		/* use */
	struct planner_pool *group_pool;	/* use, then tracked types */
	/* the last changes, from number changed_first on; see gaps.h */
	struct node_change *changed;	/* or NULL: nobody asks */
	uint32_t changed_count, changed_size;
	uint32_t *changed_last;	/* of each node, in changed */
	uint64_t changed_first;
	unsigned changes;	/* of properties */
};

/* ---- making ---- */

struct graph *graph_create(void);		/* NULL with ENOMEM */
void graph_destroy(struct graph *graph);	/* NULL is fine */

/* Numbers of a type, a unit, a property set; -1 with ENOMEM or ENOSPC. */
int graph_type(struct graph *graph, const char *name);
int graph_unit(struct graph *graph, const char *name);
/* Properties are sorted in place. */
int64_t graph_property_set(struct graph *graph, struct property *list,
			   uint32_t count);
/* A set that is SET with KEY having VALUE (NULL: not having it). */
int64_t graph_property_change(struct graph *graph, uint32_t set,
			      const char *key, const char *value);

/* A new vertex of size 1 and no id, beneath PARENT or GRAPH_NONE; to be
 * completed. NULL with ENOMEM or ENOSPC. Valid until the next is added. */
struct vertex *graph_add(struct graph *graph, uint32_t parent, int type);
int graph_subsystem(struct graph *graph, const char *name);
int graph_connect(struct graph *graph, int subsystem, uint32_t source,
		  uint32_t target);
/*
 * Order the vertices and check that they are a graph as said above: one root
 * that has all others beneath it or in another subsystem, no vertex beneath
 * itself, core and gpu ids that do not repeat in a node, ranks that do not
 * repeat. FILTERS says what is tracked where; NULL: GRAPH_FILTERS.
 */
int graph_finish(struct graph *graph, const char *filters,
		 struct proto_error *err);
#define GRAPH_FILTERS "ALL:core,ALL:gpu,ALL:memory,ALL:node"

/* ---- from files ---- */

/* All of these give NULL with EINVAL and ERR that says where. */
struct graph *graph_from_recipe(const char *text, size_t len,
				const char *filters, struct proto_error *err);
struct graph *graph_from_jgf(const char *text, size_t len,
			     const char *filters, struct proto_error *err);
/* R, by its scheduling part if that is a graph. */
struct graph *graph_from_R(const char *text, size_t len,
			   const char *filters, struct proto_error *err);
/* A recipe, JGF or R, whichever it is; TEXT is terminated. */
struct graph *graph_from_text(const char *text, size_t len,
			      const char *filters, struct proto_error *err);
/* A set at hand, whatever its scheduling part. */
struct graph *graph_from_resource_set(const struct resource_set *set,
				      const char *filters,
				      struct proto_error *err);
struct graph *graph_from_hwloc(const char *text, size_t len,
			       const char *filters, struct proto_error *err);

/* ---- from others ---- */

/* BASE and what MORE has besides: what has the same type, id and name at the
 * same place is the same. If the rank of a new vertex is taken, all new ones
 * get those that follow the highest. NULL with EINVAL; EEXIST: there is nothing
 * new; ENOMEM. */
struct graph *graph_grown(const struct graph *base, const struct graph *more,
			  struct proto_error *err);
/* BASE without the vertices that are marked in GONE, one for each; marked
 * there too is what goes with them: what is beneath, and what is only in other
 * subsystems and connects nothing any more. NULL with EINVAL or ENOMEM. */
struct graph *graph_shrunk(const struct graph *base, bool *gone,
			   struct proto_error *err);

/* ---- reading ---- */

static inline struct vertex *graph_vertex(const struct graph *g, uint32_t v)
{
	return &g->vertices[v];
}

static inline struct group *graph_group(const struct graph *g, uint32_t i)
{
	return (struct group *)(g->groups + i * g->group_stride);
}

static inline uint32_t *graph_held(const struct graph *g, uint32_t v)
{
	struct vertex *vertex = &g->vertices[v];

	return vertex->group ? &graph_group(g, vertex->group)->held :
	       &vertex->held;
}

static inline const int64_t *graph_totals(const struct graph *g, uint32_t i)
{
	return g->totals + (size_t)i * g->tracked;
}

static inline const char *graph_string(const struct graph *g, uint32_t i)
{
	return strings_get(&g->strings, i);
}

const char *graph_type_name(const struct graph *graph, uint32_t v);
/* The number of a type that exists, or GRAPH_NONE. */
uint32_t graph_find_type(const struct graph *graph, const char *name);
/* Its name, in BUF. */
#define GRAPH_NAME_SIZE (GRAPH_NAME_MAX + 16)
const char *graph_name(const struct graph *graph, uint32_t v,
		       char buf[GRAPH_NAME_SIZE]);
/* "/cluster0/node1", to be freed. */
char *graph_path(const struct graph *graph, uint32_t v);
/* The same in a subsystem other than containment. NULL with ENOENT if V is
 * not in it. */
char *graph_path_in(const struct graph *graph, uint32_t subsystem,
		    uint32_t v);
uint32_t graph_find_path(const struct graph *graph, const char *path);
/* "socket1/core3" beneath V; "" is V itself. */
uint32_t graph_find_below(const struct graph *graph, uint32_t v,
			  const char *path);
/* The rank of the nearest vertex from V up that has one. */
int graph_rank(const struct graph *graph, uint32_t v);
uint32_t graph_find_rank(const struct graph *graph, unsigned rank);
/* The node that V is or is beneath, or GRAPH_NONE. */
uint32_t graph_node_of(const struct graph *graph, uint32_t v);
/* Vertices of TYPE beneath V or V itself: by_type[*FROM] to before *TO. */
void graph_slice(const struct graph *graph, uint32_t v, uint32_t type,
		 uint32_t *from, uint32_t *to);
/* The value of a property, "" if it has none, NULL if V doesn't have it. */
const char *graph_property(const struct graph *graph, uint32_t v,
			   const char *key);
bool graph_has_property(const struct graph *graph, uint32_t v, uint32_t key);
size_t graph_bytes(const struct graph *graph);

/* ---- changing ---- */

void graph_set_down(struct graph *graph, uint32_t v, bool down);
/* What V has, as RANK's in SET; those of this instance alone only if INVENTORY.
 * -1 with ENOMEM. */
int graph_add_properties(const struct graph *graph, struct resource_set *set,
			 uint32_t v, unsigned rank, bool inventory);
/* VALUE NULL: it has the property no more. -1 with ENOMEM. */
int graph_set_property(struct graph *graph, uint32_t v, const char *key,
		       const char *value);

#endif
