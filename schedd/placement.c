/* SPDX-License-Identifier: Apache-2.0 */
/* Which task of a job goes on which of its nodes. See placement.h. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "schedd/job.h"
#include "schedd/placement.h"

#define OPTION "attributes.system.shell.options.taskmap"

/* ---- the option ---- */

static int parse_cyclic(struct job_request *want, const char *value,
			struct proto_error *err)
{
	char *end = NULL;
	long n = 1;

	if (*value)
		n = strtol(value, &end, 10);
	if (n < 1 || n > TASKMAP_TASKS_MAX || (end && *end))
		return proto_error_set(err, EINVAL, OPTION ".value: '%.40s' "
				       "is no number from 1 to %d", value,
				       TASKMAP_TASKS_MAX);
	want->cyclic = (int)n;
	return 0;
}

static int parse_manual(struct job_request *want, const char *value,
			struct proto_error *err)
{
	struct proto_error inner;

	want->map = taskmap_decode(value, &inner);
	if (!want->map)
		return proto_error_set(err, EINVAL, OPTION ".value: %s",
				       inner.text);
	if (want->per)
		return 0;
	if (want->map->ntasks != want->ntasks)
		return proto_error_set(err, EINVAL, OPTION ".value: the map "
				       "has %d tasks, the job %d",
				       want->map->ntasks, want->ntasks);
	if (want->nnodes && want->map->nnodes != want->nnodes)
		return proto_error_set(err, EINVAL, OPTION ".value: the map "
				       "has %d nodes, the job %d",
				       want->map->nnodes, want->nnodes);
	return 0;
}

static int parse_hosts(struct job_request *want, const char *value,
		       struct proto_error *err)
{
	struct proto_error inner;

	want->hosts = hostlist_decode(value, &inner);
	if (!want->hosts)
		return proto_error_set(err, EINVAL, OPTION ".value: %s",
				       inner.text);
	if (!hostlist_count(want->hosts))
		return proto_error_set(err, EINVAL, OPTION ".value: there is "
				       "no host");
	return 0;
}

int placement_parse(struct job_request *want, const json_t *options,
		    struct proto_error *err)
{
	json_t *map = json_object_get(options, "taskmap");
	const char *scheme = "", *value = "";

	if (!map)
		return 0;
	json_unpack(map, "{s:s s?s}", "scheme", &scheme, "value", &value);
	if (!strcmp(scheme, "block"))
		return 0;
	if (!strcmp(scheme, "cyclic"))
		return parse_cyclic(want, value, err);
	if (!strcmp(scheme, "manual"))
		return parse_manual(want, value, err);
	if (!strcmp(scheme, "hostfile"))
		return parse_hosts(want, value, err);
	return proto_error_set(err, EINVAL, OPTION ": must be an object with "
			       "scheme \"block\", \"cyclic\", \"manual\" or "
			       "\"hostfile\", and perhaps a value");
}

void placement_free(struct job_request *want)
{
	taskmap_destroy(want->map);
	hostlist_destroy(want->hosts);
}

/* ---- how many on each node ---- */

/* Slots on each node of R, or for PER tasks, in COUNTS. */
static void fill_room(const struct job_request *want,
		      const struct resource_set *R, int *room, int *counts)
{
	size_t i;

	for (i = 0; i < R->count; i++) {
		int cores = (int)idset_count(R->nodes[i].cores);

		room[i] = cores / want->cores_per_slot;
		if (want->gpus_per_slot) {
			int n = (int)idset_count(R->nodes[i].gpus) /
				want->gpus_per_slot;

			room[i] = n < room[i] ? n : room[i];
		}
		if (want->nnodes > 0)
			room[i] = want->nslots / want->nnodes;
		if (want->per)
			counts[i] = want->per_count *
				    (want->per == 'c' ? cores : 1);
	}
}

int *placement_counts(const struct job_request *want,
		      const struct resource_set *R, int *total)
{
	int *counts = calloc(R->count + 1, sizeof(*counts));
	int *room = calloc(R->count + 1, sizeof(*room));
	int left = want->ntasks, before = -1;
	size_t i;

	*total = 0;
	if (!counts || !room) {
		free(counts);
		free(room);
		errno = ENOMEM;
		return NULL;
	}
	fill_room(want, R, room, counts);
	/* one to each node in turn, while there is room for it */
	while (!want->per && left > 0 && left != before) {
		before = left;
		for (i = 0; i < R->count && left > 0; i++)
			if (counts[i] < room[i]) {
				counts[i]++;
				left--;
			}
	}
	for (i = 0; i < R->count; i++)
		*total += counts[i];
	free(room);
	return counts;
}

/* ---- which ---- */

static struct taskmap *manual_map(const struct job_request *want, int nnodes,
				  int ntasks, struct proto_error *err)
{
	const struct taskmap *from = want->map;
	struct taskmap *map;
	size_t i;

	if (from->ntasks != ntasks || from->nnodes != nnodes) {
		proto_error_set(err, EINVAL, "taskmap: manual: the map has %d "
				"tasks on %d nodes, the job %d on %d",
				from->ntasks, from->nnodes, ntasks, nnodes);
		return NULL;
	}
	map = taskmap_create();
	for (i = 0; map && i < from->count; i++) {
		const struct taskmap_block *b = &from->blocks[i];

		if (taskmap_append(map, b->nodeid, b->nnodes, b->ppn,
				   b->repeat) < 0) {
			taskmap_destroy(map);
			map = NULL;
		}
	}
	if (!map)
		proto_error_set(err, ENOMEM, "out of memory");
	return map;
}

/* The node of R named HOST after node LAST, or the first: those with one name
 * take turns. -1 if there is none. */
static int next_named(const struct resource_set *R, const char *host, int last)
{
	size_t k;

	for (k = 1; k <= R->count; k++) {
		size_t i = (size_t)(last + (int)k) % R->count;

		if (!strcmp(R->nodes[i].host, host))
			return (int)i;
	}
	return -1;
}

/* The nodes that the list of hosts names, in its order; *COUNT of them. */
static int *named_nodes(const struct job_request *want,
			const struct resource_set *R, size_t *count,
			struct proto_error *err)
{
	int *nodes = calloc(hostlist_count(want->hosts), sizeof(*nodes));
	bool *seen = calloc(R->count, sizeof(*seen));
	char host[HOSTLIST_NAME_SIZE];
	struct hostlist_iter it = { 0 };
	int node = -1, next;
	size_t i;

	*count = 0;
	while (nodes && seen && hostlist_next(want->hosts, &it, host)) {
		next = next_named(R, host, node);
		if (next < 0)
			continue;
		node = nodes[(*count)++] = next;
		seen[node] = true;
	}
	for (i = 0; nodes && seen && i < R->count && seen[i]; i++)
		;
	if (!nodes || !seen)
		proto_error_set(err, ENOMEM, "out of memory");
	else if (i < R->count)
		proto_error_set(err, EINVAL, "taskmap: hostfile: host %s of "
				"the job is not in the file often enough",
				R->nodes[i].host);
	if (!nodes || !seen || i < R->count) {
		free(nodes);
		nodes = NULL;
	}
	free(seen);
	return nodes;
}

/* Tasks go to the hosts in the order of the list, over and over. */
static struct taskmap *hosts_map(const struct job_request *want,
				 const struct resource_set *R, int ntasks,
				 struct proto_error *err)
{
	size_t count, i = 0;
	int *nodes = named_nodes(want, R, &count, err);
	struct taskmap *map;
	int task, run;

	if (!nodes)
		return NULL;
	map = taskmap_create();
	for (task = 0; map && task < ntasks; task += run) {
		int node = nodes[i++ % count];

		for (run = 1; task + run < ntasks && nodes[i % count] == node;
		     run++)
			i++;
		if (taskmap_append(map, node, 1, run, 1) < 0) {
			taskmap_destroy(map);
			map = NULL;
		}
	}
	free(nodes);
	if (!map)
		proto_error_set(err, ENOMEM, "out of memory");
	return map;
}

struct taskmap *placement_map(const struct job_request *want,
			      const struct resource_set *R,
			      struct proto_error *err)
{
	struct taskmap *map = NULL;
	int total;
	int *counts;

	errno = ENOMEM;
	counts = placement_counts(want, R, &total);
	if (!counts) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (want->map)
		map = manual_map(want, (int)R->count, total, err);
	else if (want->hosts)
		map = hosts_map(want, R, total, err);
	else if (want->cyclic)
		map = taskmap_cyclic(counts, R->count, want->cyclic);
	else
		map = taskmap_block(counts, R->count);
	free(counts);
	return map;
}
