/* SPDX-License-Identifier: Apache-2.0 */
/* Taking up jobs that have R already. See match.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/match_impl.h"

struct adopter {
	struct matcher *m;
	struct match_pick *picks;
	uint32_t count, size;
	struct proto_error *err;
};

static int add(struct adopter *a, uint32_t v, bool alone, int64_t units)
{
	if (a->count == a->size) {
		uint32_t size = a->size ? a->size * 2 : 64;
		struct match_pick *picks = reallocarray(a->picks, size,
							sizeof(*picks));

		if (!picks)
			return proto_error_set(a->err, ENOMEM,
					       "out of memory");
		a->picks = picks;
		a->size = size;
	}
	a->picks[a->count++] = (struct match_pick) { v, alone, units };
	return 0;
}

/* ---- cores and gpus by rank ---- */

static int add_ids(struct adopter *a, const struct resource_node *n,
		   uint32_t node, const char *type, const struct idset *ids)
{
	const struct graph *g = a->m->g;
	uint32_t t = graph_find_type(g, type), from = 0, to = 0;
	size_t found = 0;

	if (t != GRAPH_NONE)
		graph_slice(g, node, t, &from, &to);
	for (; from < to; from++) {
		uint32_t v = g->by_type[from];

		if (g->vertices[v].id < 0 ||
		    !idset_test(ids, (unsigned)g->vertices[v].id))
			continue;
		found++;
		if (add(a, v, true, 0) < 0)
			return -1;
	}
	if (found == idset_count(ids))
		return 0;
	return proto_error_set(a->err, ENOENT, "rank %u: it does not have "
			       "all of these %ss", n->rank, type);
}

static int add_nodes(struct adopter *a, const struct resource_set *R)
{
	const struct graph *g = a->m->g;
	char buf[GRAPH_NAME_SIZE];

	for (size_t i = 0; i < R->count; i++) {
		const struct resource_node *n = &R->nodes[i];
		uint32_t node = graph_find_rank(g, n->rank);

		if (node == GRAPH_NONE)
			return proto_error_set(a->err, ENOENT, "rank %u: "
					       "there is no such rank",
					       n->rank);
		if (strcmp(graph_name(g, node, buf), n->host))
			return proto_error_set(a->err, ENOENT, "rank %u: it "
					       "is %.80s, not %.80s", n->rank,
					       buf, n->host);
		if (add_ids(a, n, node, "core", n->cores) < 0 ||
		    add_ids(a, n, node, "gpu", n->gpus) < 0)
			return -1;
	}
	return 0;
}

/* ---- vertices of a graph ---- */

static int add_vertex(struct adopter *a, const json_t *meta, size_t i)
{
	const struct graph *g = a->m->g;
	json_t *paths = json_object_get(meta, "paths");
	json_t *size = json_object_get(meta, "size");
	const char *path = json_string_value(json_object_get(paths,
							     "containment"));
	uint32_t v;

	if (!path)
		path = json_string_value(json_object_iter_value(
				json_object_iter(paths)));
	if (!path)
		return proto_error_set(a->err, EINVAL, "scheduling.graph."
				       "nodes[%zu].metadata.paths: is "
				       "missing", i);
	v = graph_find_path(g, path);
	if (v == GRAPH_NONE)
		return proto_error_set(a->err, ENOENT, "%.120s: there is no "
				       "such resource", path);
	if (json_is_true(json_object_get(meta, "exclusive")))
		return add(a, v, true, 0);
	/* those that only contain others are shared by themselves */
	if (g->vertices[v].end > v + 1)
		return 0;
	if (g->vertices[v].size == 1)
		return add(a, v, false, 0);
	if (size && (json_integer_value(size) < 1 ||
		     json_integer_value(size) > g->vertices[v].size))
		return proto_error_set(a->err, EINVAL, "%.120s: it has not "
				       "as many units", path);
	return add(a, v, false, size ? json_integer_value(size) : 1);
}

static int add_graph(struct adopter *a, const json_t *graph)
{
	json_t *nodes = json_object_get(graph, "nodes"), *node;
	size_t i;

	if (!json_is_array(nodes))
		return proto_error_set(a->err, EINVAL, "scheduling.graph."
				       "nodes: must be an array");
	json_array_foreach(nodes, i, node)
		if (add_vertex(a, json_object_get(node, "metadata"), i) < 0)
			return -1;
	return 0;
}

/* ---- picks ---- */

/* The path from the vertex TOP down to V, or from the root if TOP is none. */
static json_t *path_from(const struct graph *g, uint32_t top, uint32_t v)
{
	char *upper = top == GRAPH_NONE ? NULL : graph_path(g, top);
	char *path = graph_path(g, v);
	size_t skip = upper ? strlen(upper) : 0;
	json_t *text = NULL;

	if (path && (upper || top == GRAPH_NONE))
		text = json_string(path + skip + (skip && path[skip] == '/'));
	free(path);
	free(upper);
	return text;
}

static json_t *pick_to_json(const struct graph *g, const struct match_pick *p)
{
	int rank = graph_rank(g, p->vertex);
	uint32_t top = rank < 0 ? GRAPH_NONE :
		       graph_find_rank(g, (unsigned)rank);
	json_t *o = json_object(), *path = path_from(g, top, p->vertex);

	if (!path) {
		json_decref(o);
		return NULL;
	}
	if (rank >= 0)
		json_object_set_new(o, "rank", json_integer(rank));
	if (json_string_length(path))
		json_object_set(o, "path", path);
	json_decref(path);
	if (p->units)
		json_object_set_new(o, "units", json_integer(p->units));
	if (!p->alone)
		json_object_set_new(o, "shared", json_true());
	return o;
}

/* It is a core or gpu, or a node with nothing else. */
static bool is_plain(const struct graph *g, const struct match_pick *p)
{
	uint32_t core = graph_find_type(g, "core");
	uint32_t gpu = graph_find_type(g, "gpu");
	const struct vertex *v = &g->vertices[p->vertex];
	bool node = v->type == g->node_type && v->end > p->vertex + 1;

	for (uint32_t i = p->vertex + node; i < v->end; i++)
		if ((g->vertices[i].type != core &&
		     g->vertices[i].type != gpu) || g->vertices[i].id < 0)
			return false;
	return p->alone;
}

json_t *matcher_picks(const struct matcher *m, const struct match_job *job)
{
	bool plain = true;
	json_t *list;

	for (uint32_t i = 0; i < job->count && plain; i++)
		plain = is_plain(m->g, &job->picks[i]);
	errno = 0;
	if (plain)
		return NULL;
	list = json_array();
	for (uint32_t i = 0; i < job->count; i++)
		if (json_array_append_new(list, pick_to_json(m->g,
						&job->picks[i])) < 0) {
			json_decref(list);
			errno = ENOMEM;
			return NULL;
		}
	list = json_pack("{s:o}", "picks", list);
	if (!list)
		errno = ENOMEM;
	return list;
}

static int add_pick(struct adopter *a, const json_t *json, size_t i)
{
	const struct graph *g = a->m->g;
	json_t *rank = json_object_get(json, "rank");
	json_t *units = json_object_get(json, "units");
	const char *path = json_string_value(json_object_get(json, "path"));
	bool shared = json_is_true(json_object_get(json, "shared"));
	int64_t n = json_integer_value(units);
	uint32_t v;

	if (rank && (!json_is_integer(rank) || json_integer_value(rank) < 0 ||
		     json_integer_value(rank) > IDSET_MAX))
		return proto_error_set(a->err, EINVAL, "scheduling.picks[%zu]."
				       "rank: is no rank", i);
	v = rank ? graph_find_rank(g, (unsigned)json_integer_value(rank)) :
	    path ? graph_find_path(g, path) : GRAPH_NONE;
	if (rank && path && v != GRAPH_NONE)
		v = graph_find_below(g, v, path);
	if (v == GRAPH_NONE)
		return proto_error_set(a->err, ENOENT, "scheduling.picks[%zu]: "
				       "there is no such resource", i);
	if (units && (n < 1 || n > g->vertices[v].size || !shared ||
		      !g->vertices[v].group))
		return proto_error_set(a->err, EINVAL, "scheduling.picks[%zu]."
				       "units: it has not as many", i);
	return add(a, v, !shared, n);
}

static int add_picks(struct adopter *a, const json_t *picks)
{
	json_t *item;
	size_t i;

	if (!json_is_array(picks))
		return proto_error_set(a->err, EINVAL, "scheduling.picks: must "
				       "be an array");
	json_array_foreach(picks, i, item)
		if (add_pick(a, item, i) < 0)
			return -1;
	return 0;
}

/* ---- the whole ---- */

static int check_free(struct adopter *a, bool reserved, int64_t start,
		      int64_t end)
{
	a->count = match_sort_picks(a->m->g, a->picks, a->count);
	for (uint32_t i = 0; i < a->count; i++) {
		char *path;

		if (match_pick_fits(a->m, &a->picks[i], start, end, !reserved))
			continue;
		path = graph_path(a->m->g, a->picks[i].vertex);
		proto_error_set(a->err, EEXIST, "%.200s: another has it",
				path ? path : "");
		free(path);
		return -1;
	}
	return a->count ? 0 : proto_error_set(a->err, EINVAL,
					      "there are no resources in it");
}

int matcher_adopt(struct matcher *m, uint64_t id,
		  const struct resource_set *R, bool reserved, int64_t start,
		  int64_t end, const struct match_job **job,
		  struct proto_error *err)
{
	struct adopter a = { .m = m, .err = err };
	json_t *graph = json_object_get(R->scheduling, "graph");
	json_t *picks = json_object_get(R->scheduling, "picks");
	struct match_job *new = NULL;
	int rc;

	if (matcher_find(m, id))
		return proto_error_set(err, EEXIST, "there is a job %llu",
				       (unsigned long long)id);
	if (start < 0 || start >= end || end > MATCH_TIME_MAX)
		return proto_error_set(err, EINVAL, "its times are out of "
				       "range");
	rc = picks ? add_picks(&a, picks) : graph ? add_graph(&a, graph) :
	     add_nodes(&a, R);
	if (rc == 0)
		rc = check_free(&a, reserved, start, end);
	if (rc == 0) {
		new = match_new_job(m, id, a.picks, a.count, reserved, start,
				    end);
		if (!new)
			rc = proto_error_set(err, ENOMEM, "out of memory");
		else
			new->slots = R->nslots;
	}
	free(a.picks);
	if (new && job)
		*job = new;
	return rc;
}
