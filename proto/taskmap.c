/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task maps: see taskmap.h and weir-taskmap(5).
 *
 * The builders make runs of consecutive tasks on one node first and put them
 * together in two passes: neighbouring nodes into blocks, then equal blocks
 * into repeats. That gives the shortest form for all regular layouts.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_check.h"
#include "proto/taskmap.h"

struct taskmap *taskmap_create(void)
{
	return calloc(1, sizeof(struct taskmap));
}

void taskmap_destroy(struct taskmap *map)
{
	int saved = errno;

	if (map) {
		free(map->blocks);
		free(map);
	}
	errno = saved;
}

static int push(struct taskmap *map, struct taskmap_block block)
{
	if (map->count == map->size) {
		size_t size = map->size ? map->size * 2 : 4;
		struct taskmap_block *blocks =
			reallocarray(map->blocks, size, sizeof(*blocks));

		if (!blocks)
			return -1;
		map->blocks = blocks;
		map->size = size;
	}
	map->blocks[map->count++] = block;
	return 0;
}

int taskmap_append(struct taskmap *map, int nodeid, int nnodes, int ppn,
		   int repeat)
{
	int tasks, end;

	if (nodeid < 0 || nnodes < 1 || ppn < 1 || repeat < 1) {
		errno = EINVAL;
		return -1;
	}
	if (__builtin_mul_overflow(nnodes, ppn, &tasks) ||
	    __builtin_mul_overflow(tasks, repeat, &tasks) ||
	    __builtin_add_overflow(nodeid, nnodes, &end) ||
	    tasks > TASKMAP_TASKS_MAX - map->ntasks ||
	    end > TASKMAP_NODES_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (push(map, (struct taskmap_block){ nodeid, nnodes, ppn,
					      repeat }) < 0)
		return -1;
	map->ntasks += tasks;
	if (end > map->nnodes)
		map->nnodes = end;
	return 0;
}

/* ---- building from runs ---- */

/* The next N tasks are on NODE; joins the last run if that is the same. */
static int add_run(struct taskmap *map, int node, int n)
{
	struct taskmap_block *last = map->count ?
		&map->blocks[map->count - 1] : NULL;

	if (!last || last->nodeid != node)
		return taskmap_append(map, node, 1, n, 1);
	if (n > TASKMAP_TASKS_MAX - map->ntasks) {
		errno = EOVERFLOW;
		return -1;
	}
	last->ppn += n;
	map->ntasks += n;
	return 0;
}

static bool next_nodes(struct taskmap_block *a, const struct taskmap_block *b)
{
	if (b->nodeid != a->nodeid + a->nnodes || b->ppn != a->ppn)
		return false;
	a->nnodes += b->nnodes;
	return true;
}

static bool once_more(struct taskmap_block *a, const struct taskmap_block *b)
{
	if (b->nodeid != a->nodeid || b->nnodes != a->nnodes ||
	    b->ppn != a->ppn)
		return false;
	a->repeat += b->repeat;
	return true;
}

static void join(struct taskmap *map,
		 bool (*joins)(struct taskmap_block *a,
			       const struct taskmap_block *b))
{
	size_t kept = 0;

	for (size_t i = 1; i < map->count; i++)
		if (!joins(&map->blocks[kept], &map->blocks[i]))
			map->blocks[++kept] = map->blocks[i];
	if (map->count)
		map->count = kept + 1;
}

static void fold(struct taskmap *map)
{
	join(map, next_nodes);
	join(map, once_more);
}

struct taskmap *taskmap_cyclic(const int *counts, size_t nnodes, int stride)
{
	struct taskmap *map = taskmap_create();
	bool more = map;

	if (stride < 1 || nnodes > TASKMAP_NODES_MAX) {
		taskmap_destroy(map);
		errno = EINVAL;
		return NULL;
	}
	for (int round = 0; more; round++) {
		more = false;
		for (size_t i = 0; i < nnodes; i++) {
			/* Never overflows: a map holds fewer tasks. */
			int left = counts[i] - round * stride;

			if (left <= 0)
				continue;
			if (left > stride)
				more = true;
			if (add_run(map, i, left < stride ? left :
				    stride) < 0) {
				taskmap_destroy(map);
				return NULL;
			}
		}
	}
	if (map)
		fold(map);
	return map;
}

struct taskmap *taskmap_block(const int *counts, size_t nnodes)
{
	return taskmap_cyclic(counts, nnodes, TASKMAP_TASKS_MAX);
}

/* ---- JSON ---- */

static int parse_block(struct taskmap *map, const json_t *json, size_t i,
		       struct proto_error *err)
{
	int n[4];
	char path[64];

	snprintf(path, sizeof(path), "taskmap: block %zu", i);
	if (json_array_size(json) != 4)
		return json_must_be(err, path, "an array of four integers",
				    json);
	for (int k = 0; k < 4; k++) {
		json_t *item = json_array_get(json, k);

		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) > INT_MAX)
			return json_must_be(err, path, "of integers >= 0",
					    item);
		n[k] = json_integer_value(item);
	}
	if (taskmap_append(map, n[0], n[1], n[2], n[3]) == 0)
		return 0;
	if (errno == ENOMEM)
		return proto_error_set(err, ENOMEM, "out of memory");
	return proto_error_set(err, EINVAL, "%s: %s", path,
			       errno == EOVERFLOW ? "too many tasks or nodes" :
			       "a count must be at least 1");
}

static const json_t *unwrap(const json_t *json, struct proto_error *err)
{
	json_t *version = json_object_get(json, "version");

	if (json_is_object(json)) {
		if (!json_is_integer(version) ||
		    json_integer_value(version) != 1) {
			json_must_be(err, "taskmap: version", "1", version);
			return NULL;
		}
		json = json_object_get(json, "map");
	}
	if (!json_is_array(json)) {
		json_must_be(err, "taskmap", "an array of blocks", json);
		return NULL;
	}
	return json;
}

struct taskmap *taskmap_from_json(const json_t *json, struct proto_error *err)
{
	struct taskmap *map;

	json = unwrap(json, err);
	if (!json)
		return NULL;
	map = taskmap_create();
	if (!map) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(json); i++)
		if (parse_block(map, json_array_get(json, i), i, err) < 0) {
			taskmap_destroy(map);
			return NULL;
		}
	return map;
}

json_t *taskmap_to_json(const struct taskmap *map)
{
	json_t *list = json_array();

	for (size_t i = 0; i < map->count; i++) {
		const struct taskmap_block *b = &map->blocks[i];

		json_array_append_new(list, json_pack("[i,i,i,i]", b->nodeid,
						      b->nnodes, b->ppn,
						      b->repeat));
	}
	if (json_array_size(list) == map->count)
		return list;
	json_decref(list);
	errno = ENOMEM;
	return NULL;
}

char *taskmap_encode(const struct taskmap *map)
{
	json_t *json = taskmap_to_json(map);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

/* ---- the raw form ---- */

/* The idsets of TEXT, one for each node; *COUNT of them, also on error. */
static int parse_sets(const char *text, struct idset ***sets, size_t *count,
		      struct proto_error *err)
{
	size_t n = 1;

	for (const char *p = text; *p; p++)
		n += *p == ';';
	*count = 0;
	if (n > TASKMAP_NODES_MAX)
		return proto_error_set(err, EINVAL, "taskmap: too many nodes");
	*sets = calloc(n, sizeof(**sets));
	if (!*sets)
		return proto_error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(text, ";");
		struct proto_error inner;

		(*sets)[i] = idset_decode_n(text, len, &inner);
		if (!(*sets)[i])
			return proto_error_set(err, errno, "taskmap: node "
					       "%zu: %s", i, inner.text);
		(*count)++;
		text += len + 1;
	}
	return 0;
}

struct run {
	unsigned lo, hi;
	int node;
};

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* All runs of all nodes in order must make up 0 to the last task. */
static int add_sets(struct taskmap *map, struct idset *const *sets,
		    size_t count, struct proto_error *err)
{
	size_t n = 0, i = 0;
	struct run *runs;
	unsigned next = 0;
	int rc = 0;

	for (size_t node = 0; node < count; node++)
		n += idset_ranges(sets[node]);
	runs = calloc(n + 1, sizeof(*runs));
	if (!runs)
		return proto_error_set(err, ENOMEM, "out of memory");
	for (size_t node = 0; node < count; node++)
		for (size_t k = 0; k < idset_ranges(sets[node]); k++, i++) {
			idset_range(sets[node], k, &runs[i].lo, &runs[i].hi);
			runs[i].node = node;
		}
	qsort(runs, n, sizeof(*runs), compare_runs);
	for (i = 0; i < n && rc == 0; next = runs[i++].hi + 1) {
		if (runs[i].lo != next)
			rc = proto_error_set(err, EINVAL, "taskmap: task %u "
					     "is %s", next < runs[i].lo ?
					     next : runs[i].lo,
					     next < runs[i].lo ? "missing" :
					     "on two nodes");
		else if (add_run(map, runs[i].node,
				 runs[i].hi - runs[i].lo + 1) < 0)
			rc = proto_error_set(err, errno == ENOMEM ? ENOMEM :
					     EINVAL, "taskmap: too many "
					     "tasks");
	}
	free(runs);
	return rc;
}

static struct taskmap *decode_raw(const char *text, struct proto_error *err)
{
	struct taskmap *map = taskmap_create();
	struct idset **sets = NULL;
	size_t count = 0;

	if (!map) {
		proto_error_set(err, ENOMEM, "out of memory");
	} else if (parse_sets(text, &sets, &count, err) < 0 ||
		   add_sets(map, sets, count, err) < 0) {
		taskmap_destroy(map);
		map = NULL;
	} else {
		fold(map);
	}
	for (size_t i = 0; i < count; i++)
		idset_destroy(sets[i]);
	free(sets);
	return map;
}

struct taskmap *taskmap_decode(const char *text, struct proto_error *err)
{
	struct taskmap *map;
	json_error_t error;
	json_t *json;

	if (*text != '[' && *text != '{')
		return decode_raw(text, err);
	json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		proto_error_set(err, EINVAL, "taskmap: not JSON: %s at byte "
				"%d", error.text, error.position);
		return NULL;
	}
	map = taskmap_from_json(json, err);
	json_decref(json);
	return map;
}

char *taskmap_encode_raw(const struct taskmap *map)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	for (int node = 0; node < map->nnodes; node++) {
		struct idset *tasks = taskmap_tasks(map, node);
		char *ids = tasks ? idset_encode(tasks, 0) : NULL;

		idset_destroy(tasks);
		if (!ids) {
			fclose(file);
			free(text);
			return NULL;
		}
		fprintf(file, "%s%s", node ? ";" : "", ids);
		free(ids);
	}
	if (fclose(file) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *taskmap_encode_pmi(const struct taskmap *map, size_t max)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	size_t len = map->count ? fprintf(file, "(vector") : 0;

	if (!file)
		return NULL;
	for (size_t i = 0; i < map->count; i++) {
		const struct taskmap_block *b = &map->blocks[i];

		for (int r = 0; r < b->repeat && len < max; r++)
			len += fprintf(file, ",(%d,%d,%d)", b->nodeid,
				       b->nnodes, b->ppn);
	}
	if (map->count)
		len += fprintf(file, ")");
	if (fclose(file) < 0) {
		free(text);
		return NULL;
	}
	if (len > max)
		text[0] = '\0';
	return text;
}

/* ---- questions ---- */

static bool block_has(const struct taskmap_block *b, int node)
{
	return node >= b->nodeid && node - b->nodeid < b->nnodes;
}

struct idset *taskmap_tasks(const struct taskmap *map, int node)
{
	struct idset *tasks = idset_create();
	unsigned first = 0;	/* task of the block */

	for (size_t i = 0; tasks && i < map->count; i++) {
		const struct taskmap_block *b = &map->blocks[i];
		unsigned round = b->nnodes * b->ppn;

		for (int r = 0; block_has(b, node) && r < b->repeat; r++) {
			unsigned lo = first + r * round +
				(node - b->nodeid) * b->ppn;

			if (idset_range_set(tasks, lo, lo + b->ppn - 1) < 0) {
				idset_destroy(tasks);
				return NULL;
			}
		}
		first += round * b->repeat;
	}
	return tasks;
}

int taskmap_node_ntasks(const struct taskmap *map, int node)
{
	int n = 0;

	for (size_t i = 0; i < map->count; i++)
		if (block_has(&map->blocks[i], node))
			n += map->blocks[i].ppn * map->blocks[i].repeat;
	return n;
}

int taskmap_node_of(const struct taskmap *map, int task)
{
	for (size_t i = 0; task >= 0 && i < map->count; i++) {
		const struct taskmap_block *b = &map->blocks[i];
		int round = b->nnodes * b->ppn;

		if (task < round * b->repeat)
			return b->nodeid + task % round / b->ppn;
		task -= round * b->repeat;
	}
	errno = ENOENT;
	return -1;
}
