/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task maps: which tasks run on which node of a job, in blocks. A node is its
 * index in the job's own list of nodes. See weir-taskmap(5).
 */
#ifndef WEIR_PROTO_TASKMAP_H
#define WEIR_PROTO_TASKMAP_H

#include <stddef.h>
#include <jansson.h>

#include "proto/error.h"
#include "proto/idset.h"

#define TASKMAP_TASKS_MAX	(1 << 24)
#define TASKMAP_NODES_MAX	(1 << 20)

/* REPEAT times: PPN consecutive tasks on each of NNODES nodes in turn. */
struct taskmap_block {
	int nodeid;
	int nnodes;
	int ppn;
	int repeat;
};

/* Read the fields; change them by taskmap_append. No block: unknown. */
struct taskmap {
	struct taskmap_block *blocks;
	size_t count;
	size_t size;		/* allocated */
	int ntasks;
	int nnodes;		/* the highest node and one */
};

struct taskmap *taskmap_create(void);
void taskmap_destroy(struct taskmap *map);	/* NULL is fine, keeps errno */

/* The next tasks' block, as it is. -1 with EINVAL (a negative node, a count
 * below 1), EOVERFLOW (beyond the limits above) or ENOMEM. */
int taskmap_append(struct taskmap *map, int nodeid, int nnodes, int ppn,
		   int repeat);

/*
 * COUNTS[i] tasks on node i: in order of nodes, or STRIDE at a time on one
 * node after the other as long as they have room. Errors as taskmap_append.
 */
struct taskmap *taskmap_block(const int *counts, size_t nnodes);
struct taskmap *taskmap_cyclic(const int *counts, size_t nnodes, int stride);

/*
 * Text to map: JSON, bare or in an object with a version, or the raw form
 * "0-1;2-3", an idset for each node. NULL with EINVAL.
 */
struct taskmap *taskmap_decode(const char *text, struct proto_error *err);
struct taskmap *taskmap_from_json(const json_t *json, struct proto_error *err);

/* All to be freed. */
json_t *taskmap_to_json(const struct taskmap *map);	/* the bare array */
char *taskmap_encode(const struct taskmap *map);	/* its text */
char *taskmap_encode_raw(const struct taskmap *map);
/* PMI_process_mapping, or "" if it is longer than MAX bytes or the map is
 * unknown, which PMI allows. */
char *taskmap_encode_pmi(const struct taskmap *map, size_t max);

/* The tasks of NODE, to be destroyed; empty for a node without any. */
struct idset *taskmap_tasks(const struct taskmap *map, int node);
int taskmap_node_ntasks(const struct taskmap *map, int node);
/* The node of TASK; -1 with ENOENT. */
int taskmap_node_of(const struct taskmap *map, int task);

#endif
