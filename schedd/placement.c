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
#define BLOCKS_MAX	65536	/* of a map that is not by a rule */

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
	if (want->map->count > BLOCKS_MAX)
		return proto_error_set(err, EINVAL, OPTION ".value: the map "
				       "has more than %d blocks", BLOCKS_MAX);
	if (want->per || want->slot.moldable)
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

/* Room for tasks on each node of R, or for PER tasks, in COUNTS. */
static void fill_room(const struct job_request *want,
		      const struct resource_set *R, int *room, int *counts)
{
	size_t i;

	for (i = 0; i < R->count; i++) {
		int cores = (int)idset_count(R->nodes[i].cores);

		room[i] = jobspec_room(&want->slot, R, i);
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
	int left = jobspec_ntasks(&want->slot, want->ntasks, R), before = -1;
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

/* The nodes of R by their names. */
struct by_name {
	const struct resource_set *R;
	int *node;	/* in the order of names, then of nodes */
	int *taken;	/* of the first of a name: how often one of them was */
};

static int compare_hosts(const void *a, const void *b, void *arg)
{
	const struct resource_set *R = arg;
	const int *x = a, *y = b;
	int r = strcmp(R->nodes[*x].host, R->nodes[*y].host);

	return r ? r : *x - *y;
}

static void by_name_fini(struct by_name *n)
{
	free(n->node);
	free(n->taken);
}

static int by_name_init(struct by_name *n, const struct resource_set *R)
{
	size_t i;

	*n = (struct by_name){ R, calloc(R->count + 1, sizeof(int)),
			       calloc(R->count + 1, sizeof(int)) };
	if (!n->node || !n->taken) {
		by_name_fini(n);
		return -1;
	}
	for (i = 0; i < R->count; i++)
		n->node[i] = (int)i;
	qsort_r(n->node, R->count, sizeof(int), compare_hosts, (void *)R);
	return 0;
}

/* The first place whose name is not below HOST, or AFTER it not above. */
static size_t find_place(const struct by_name *n, const char *host, bool after)
{
	size_t lo = 0, hi = n->R->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = strcmp(n->R->nodes[n->node[mid]].host, host);

		if (r < 0 || (after && r == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The next node named HOST: those with one name take turns. -1: none is. */
static int next_named(struct by_name *n, const char *host)
{
	size_t first = find_place(n, host, false);
	size_t count = find_place(n, host, true) - first;

	if (!count)
		return -1;
	return n->node[first + (size_t)(n->taken[first]++) % count];
}

/* The nodes that the list of hosts names, in its order; *COUNT of them. */
static int *named_nodes(const struct job_request *want,
			const struct resource_set *R, size_t *count,
			struct proto_error *err)
{
	int *nodes = calloc(hostlist_count(want->hosts), sizeof(*nodes));
	bool *seen = calloc(R->count + 1, sizeof(*seen));
	char host[HOSTLIST_NAME_SIZE];
	struct hostlist_iter it = { 0 };
	struct by_name names;
	size_t i = 0;
	int node;

	*count = 0;
	if (!nodes || !seen || by_name_init(&names, R) < 0) {
		free(nodes);
		free(seen);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	while (hostlist_next(want->hosts, &it, host)) {
		node = next_named(&names, host);
		if (node < 0)
			continue;
		nodes[(*count)++] = node;
		seen[node] = true;
	}
	by_name_fini(&names);
	while (i < R->count && seen[i])
		i++;
	free(seen);
	if (i == R->count)
		return nodes;
	proto_error_set(err, EINVAL, "taskmap: hostfile: host %s of the job "
			"is not in the file often enough", R->nodes[i].host);
	free(nodes);
	return NULL;
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
		if (map->count < BLOCKS_MAX &&
		    taskmap_append(map, node, 1, run, 1) == 0)
			continue;
		if (map->count == BLOCKS_MAX)
			proto_error_set(err, EINVAL, "taskmap: hostfile: more "
					"than %d changes of node", BLOCKS_MAX);
		else
			proto_error_set(err, ENOMEM, "out of memory");
		taskmap_destroy(map);
		free(nodes);
		return NULL;
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
