/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's resources: its nodes as a graph, which of them are up, and
 * which job has what. weir-resources(5), schedd(8).
 *
 * The graph is loaded, or else made of the nodes that are known, when something
 * is asked of it; when nodes come or change it is made anew, and what jobs have
 * is entered there. What a job had that is not there any more does not come back. A node
 * that is down keeps its place and its jobs, but gets no new one; it may be
 * down before anything else is known of it.
 */
#ifndef WEIR_SCHEDD_RESOURCES_H
#define WEIR_SCHEDD_RESOURCES_H

#include <stdbool.h>

#include "proto/resource_set.h"
#include "schedd/backfill.h"
#include "schedd/demand.h"
#include "schedd/policy.h"

struct resources;

struct resources *resources_create(void);		/* NULL with ENOMEM */
void resources_destroy(struct resources *r);	/* NULL is fine */

/* The graph is that of TEXT, a recipe, JGF or R, and nodes that register have
 * places in it; with LEN 0 it is of the nodes that do. What is up and what
 * jobs have remains. -1 with EINVAL and nothing is changed, or ENOMEM. */
int resources_load(struct resources *r, const char *text, size_t len,
		   struct proto_error *err);
/* What TEXT, as above, has besides the graph that is loaded comes to it. Jobs
 * keep what they have. -1 with EINVAL; EEXIST: there is nothing new; ENOMEM. */
int resources_grow(struct resources *r, const char *text, size_t len,
		   struct proto_error *err);
/* The vertices of PATHS, an array of strings, and all beneath them go: now, or,
 * if jobs have some of them, all WHEN_FREE; until then no other job gets them.
 * If the graph was not loaded they are nodes that are not online. -1, and
 * nothing is changed, with ENOENT, EBUSY, EINVAL, ENOMEM. */
int resources_shrink(struct resources *r, json_t *paths, bool when_free,
		     struct proto_error *err);
/* Those that wait until no job has any of them: their paths; NULL with
 * ENOMEM. */
json_t *resources_leaving(const struct resources *r);
/* After a restart: those that are there. -1 with ENOMEM. */
int resources_set_leaving(struct resources *r, json_t *paths);
/* Jobs gave back since resources_leave, and something waits for that. */
bool resources_may_leave(const struct resources *r);
/* Those that nobody has any more go: 1 if there were any. -1 with ERR. */
int resources_leave(struct resources *r, struct proto_error *err);
/* The graph, which is loaded, as JGF. NULL with ENOMEM. */
json_t *resources_graph(const struct resources *r);
/* All nodes are up from now on, though none registers. */
int resources_simulate(struct resources *r);		/* -1 with ENOMEM */
bool resources_simulated(const struct resources *r);
/* NULL: "first". */
void resources_set_policy(struct resources *r,
			  const struct match_policy *policy);

/* A node has these; a new rank is down. -1 with ENOMEM; if the graph was
 * loaded, ENOENT: it has no such rank, or EINVAL: it has more there. */
int resources_define(struct resources *r, unsigned rank, const char *host,
		     const struct idset *cores, const struct idset *gpus);
/* The inventory, as resources_define for each of its nodes. */
int resources_define_all(struct resources *r, const struct resource_set *R);
/* -1 with ENOENT for a rank that was never defined; ENOMEM. */
int resources_set_up(struct resources *r, unsigned rank, bool up);
/* A drained node keeps its jobs and gets no new one, whether it is up or not;
 * it need not be known yet. -1 with ENOMEM. */
int resources_set_drained(struct resources *r, unsigned rank, bool drained);
bool resources_is_online(const struct resources *r, unsigned rank);
/* Jobs may get it: it is online and not drained. */
bool resources_is_up(const struct resources *r, unsigned rank);
const char *resources_host(const struct resources *r, unsigned rank);
/* Where it is in the graph, to be freed. NULL with ENOENT or ENOMEM. */
char *resources_path(struct resources *r, unsigned rank);
size_t resources_count(const struct resources *r);	/* nodes */

/* As demand_get; all are to be released before the resources go. */
struct demand *resources_demand(struct resources *r, json_t *jobspec);

/*
 * Resources for the job ID, for DURATION seconds (0: without end) from NOW,
 * seconds since 1970, on nodes that FILTER lets pass. NULL with EAGAIN: not
 * now; EINVAL: there is no such resource; ENOMEM.
 */
struct resource_set *resources_alloc(struct resources *r, uint64_t id,
				     struct demand *demand,
				     struct node_filter *filter, double now,
				     double duration);
/* Whether that could be when everything is up and free. -1 with EINVAL and
 * the reason, or ENOMEM. Of no nodes at all, ask resources_count first. */
int resources_check(struct resources *r, struct demand *demand,
		    struct node_filter *filter, struct proto_error *err);
/* The graph is as the nodes are; false if there is none, and errno is ENOMEM or
 * 0. What comes next is of the graph as it is then. */
bool resources_ready(struct resources *r);
/* What DEMAND is there. NULL with EINVAL or ENOMEM. */
struct request *resources_request(struct resources *r, struct demand *demand,
				  struct node_filter *filter);
struct backfill *resources_backfill(struct resources *r,
				    const struct backfill_config *config);
/* What the matcher gave the job ID. */
struct resource_set *resources_taken(struct resources *r, uint64_t id);
/* CALL is called before the graph, and so the matcher, goes. */
void resources_on_change(struct resources *r, void (*call)(void *arg),
			 void *arg);
/* How often nodes went up or down or a job's end moved; jobs gave back. */
uint64_t resources_changes(const struct resources *r);
uint64_t resources_frees(const struct resources *r);
/* The job ID, which runs, will end then; 0: never. */
void resources_set_end(struct resources *r, uint64_t id, double end);
void resources_free(struct resources *r, uint64_t id);	/* if it has any */
/* Only what it has of RANKS. -1 with ENOMEM. */
int resources_free_ranks(struct resources *r, uint64_t id,
			 const struct idset *ranks);
/* ID has R already. -1 with EEXIST: some of it is another's, nothing was
 * changed; ENOMEM. */
int resources_adopt(struct resources *r, uint64_t id,
		    const struct resource_set *R, struct proto_error *err);

/* Copies: NULL with ENOMEM. */
enum resources_part { RESOURCES_ALL, RESOURCES_DOWN, RESOURCES_ALLOCATED };
struct resource_set *resources_part(struct resources *r,
				    enum resources_part part);
/* What the graph says of the nodes of SET. -1 with ENOMEM. */
int resources_add_properties(const struct resources *r,
			     struct resource_set *set);

#endif
