/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's graph grows and shrinks while jobs have parts of it. See
 * resources.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/resources_impl.h"

#define VERTICES_MAX	500000	/* what is changed is kept as one value */

static int check_size(const struct graph *g, struct proto_error *err)
{
	if (g->count <= VERTICES_MAX)
		return 0;
	return proto_error_set(err, EFBIG, "a graph of %u vertices is too "
			       "large to be changed (%d at most): put the "
			       "whole of it as resource.graph", g->count,
			       VERTICES_MAX);
}

int resources_grow(struct resources *r, const char *text, size_t len,
		   struct proto_error *err)
{
	struct graph *more, *g;

	if (!r->loaded)
		return proto_error_set(err, EINVAL, "the graph is made of the "
			"nodes that register: it grows when they do");
	more = graph_from_text(text, len, NULL, err);
	if (!more)
		return -1;
	g = graph_grown(r->graph, more, err);
	graph_destroy(more);
	if (g && check_size(g, err) < 0) {
		graph_destroy(g);
		return -1;
	}
	return g ? resources_use(r, g, err) : -1;
}

/* ---- what leaves ---- */

bool resources_leaves(const struct resources *r, unsigned rank)
{
	uint32_t v = r->leaving_count ? graph_find_rank(r->graph, rank) :
		     GRAPH_NONE;

	for (size_t i = 0; i < r->leaving_count && v != GRAPH_NONE; i++) {
		uint32_t top = r->leaving[i].vertex;

		if (top != GRAPH_NONE && top <= v &&
		    v < r->graph->vertices[top].end)
			return true;
	}
	return false;
}

void resources_mark_leaving(struct resources *r)
{
	for (size_t i = 0; i < r->leaving_count; i++) {
		struct leaving *l = &r->leaving[i];

		l->vertex = graph_find_path(r->graph, l->path);
		if (l->vertex != GRAPH_NONE)
			graph_set_down(r->graph, l->vertex, true);
	}
}

void resources_stay(struct resources *r)
{
	for (size_t i = 0; i < r->leaving_count; i++)
		free(r->leaving[i].path);
	free(r->leaving);
	r->leaving = NULL;
	r->leaving_count = 0;
}

static int add_leaving(struct resources *r, uint32_t v)
{
	struct leaving *all;

	for (size_t i = 0; i < r->leaving_count; i++)
		if (r->leaving[i].vertex == v)
			return 0;
	all = reallocarray(r->leaving, r->leaving_count + 1, sizeof(*all));
	if (!all)
		return -1;
	r->leaving = all;
	all[r->leaving_count] = (struct leaving) { graph_path(r->graph, v),
						   v };
	if (!all[r->leaving_count].path)
		return -1;
	r->leaving_count++;
	r->leaving_new = true;
	return 0;
}

int resources_set_leaving(struct resources *r, json_t *paths)
{
	json_t *path;
	size_t i;
	int rc = 0;

	json_array_foreach(paths, i, path) {
		const char *text = json_string_value(path);
		uint32_t v = text ? graph_find_path(r->graph, text) :
			     GRAPH_NONE;

		if (v != GRAPH_NONE && add_leaving(r, v) < 0)
			rc = -1;
	}
	resources_mark_down(r);
	return rc;
}

/* Forgets what is not there any more. */
static void drop_left(struct resources *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->leaving_count; i++)
		if (r->leaving[i].vertex == GRAPH_NONE)
			free(r->leaving[i].path);
		else
			r->leaving[kept++] = r->leaving[i];
	r->leaving_count = kept;
}

/* Marks those that nobody has; how many. */
static size_t mark_free(const struct resources *r, bool *gone)
{
	size_t n = 0;

	for (size_t i = 0; i < r->leaving_count; i++) {
		uint32_t v = r->leaving[i].vertex;

		if (v != GRAPH_NONE && !*graph_held(r->graph, v)) {
			gone[v] = true;
			n++;
		}
	}
	return n;
}

bool resources_may_leave(const struct resources *r)
{
	return r->leaving_count && (r->leaving_new ||
				    r->leaving_frees != r->frees);
}

int resources_leave(struct resources *r, struct proto_error *err)
{
	struct graph *g = NULL;
	size_t n = 0;
	bool *gone;

	if (!resources_may_leave(r))
		return 0;
	r->leaving_new = false;
	r->leaving_frees = r->frees;
	gone = calloc(r->graph->count, sizeof(*gone));
	if (!gone)
		return proto_error_set(err, ENOMEM, "out of memory");
	n = mark_free(r, gone);
	if (n)
		g = graph_shrunk(r->graph, gone, err);
	free(gone);
	if (!n)
		return 0;
	if (!g || resources_use(r, g, err) < 0)
		return -1;
	drop_left(r);
	return 1;
}

json_t *resources_leaving(const struct resources *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->leaving_count; i++)
		if (json_array_append_new(list, json_string(
				r->leaving[i].path)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *resources_graph(const struct resources *r)
{
	return graph_to_jgf(r->graph, NULL);
}

/* ---- shrinking ---- */

static int check_path(const struct resources *r, const char *path,
		      bool when_free, uint32_t *v, struct proto_error *err)
{
	*v = path ? graph_find_path(r->graph, path) : GRAPH_NONE;
	if (*v == GRAPH_NONE)
		return proto_error_set(err, ENOENT, "%.120s: there is no such "
				       "resource", path ? path : "");
	if (*v == 0)
		return proto_error_set(err, EINVAL, "%.120s: nothing would be "
				       "left", path);
	if (!when_free && *graph_held(r->graph, *v))
		return proto_error_set(err, EBUSY, "%.120s: jobs have some of "
				       "it", path);
	return 0;
}

/* Nodes that registered once are known no more. */
static int forget_nodes(struct resources *r, json_t *paths,
			struct proto_error *err)
{
	struct resource_set *set = resource_set_create();
	const struct resource_node *n;
	const char *path;
	json_t *item;
	uint32_t v;
	size_t i;
	int rc = set ? 0 : proto_error_set(err, ENOMEM, "out of memory");

	json_array_foreach(paths, i, item) {
		path = json_string_value(item);
		if (rc < 0 || (rc = check_path(r, path, false, &v, err)) < 0)
			break;
		n = r->graph->vertices[v].rank == GRAPH_NO_RANK ? NULL :
		    resource_set_find(r->all,
				      (unsigned)r->graph->vertices[v].rank);
		if (!n)
			rc = proto_error_set(err, EINVAL, "%.120s: the graph "
				"is made of nodes that registered: only "
				"whole nodes can go", path);
		else if (resources_is_online(r, n->rank))
			rc = proto_error_set(err, EBUSY, "%.120s: the node is "
				"there; its execd has to end first", path);
		else if (resource_set_add(set, n->rank, n->host, n->cores,
					  n->gpus) < 0)
			rc = proto_error_set(err, ENOMEM, "out of memory");
	}
	if (rc == 0 && resource_set_subtract(r->all, set) < 0)
		rc = proto_error_set(err, ENOMEM, "out of memory");
	r->stale |= rc == 0;
	resource_set_destroy(set);
	return rc;
}

/* The N vertices of LIST leave: at once if nobody has any of them. */
static int shrink(struct resources *r, const uint32_t *list, size_t n,
		  struct proto_error *err)
{
	bool *gone = calloc(r->graph->count, sizeof(*gone)), held = false;
	struct graph *g;

	if (!gone)
		return proto_error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		gone[list[i]] = true;
		held |= *graph_held(r->graph, list[i]) != 0;
	}
	/* what is left in the end must be a graph, too */
	g = graph_shrunk(r->graph, gone, err);
	free(gone);
	if (!g)
		return -1;
	if (!held)
		return resources_use(r, g, err);
	held = g->rank_count;
	graph_destroy(g);
	if (!held)
		return proto_error_set(err, EINVAL, "no resource would have a "
				       "rank");
	for (size_t i = 0; i < n; i++)
		if (add_leaving(r, list[i]) < 0)
			return proto_error_set(err, ENOMEM, "out of memory");
	resources_mark_down(r);
	r->changes++;
	return 0;
}

int resources_shrink(struct resources *r, json_t *paths, bool when_free,
		     struct proto_error *err)
{
	size_t i, n = json_array_size(paths);
	uint32_t *list;
	int rc = 0;

	if (resources_refresh(r) < 0)
		return proto_error_set(err, ENOMEM, "out of memory");
	if (!r->graph)
		return proto_error_set(err, ENOENT, "there are no nodes");
	if (!r->loaded)
		return forget_nodes(r, paths, err);
	if (check_size(r->graph, err) < 0)
		return -1;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return proto_error_set(err, ENOMEM, "out of memory");
	for (i = 0; i < n && rc == 0; i++)
		rc = check_path(r, json_string_value(json_array_get(paths,
						i)), when_free, &list[i],
				err);
	if (rc == 0)
		rc = shrink(r, list, n, err);
	free(list);
	return rc;
}
