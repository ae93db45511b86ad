/* SPDX-License-Identifier: Apache-2.0 */
/* Reading graphs from the JSON graph format. See weir-resources(5). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/idset.h"
#include "proto/json_check.h"
#include "schedd/graph_jgf.h"

struct reader {
	struct graph *g;
	struct strings ids;	/* string i + 1 is the id of nodes[i] */
	const json_t *nodes, *edges;
	struct proto_error *err;
};

static int out_of(struct reader *r)
{
	if (errno == ENOSPC)
		return proto_error_set(r->err, EINVAL, "more than %u vertices "
				       "or too many types", GRAPH_VERTICES_MAX);
	return proto_error_set(r->err, ENOMEM, "out of memory");
}

int32_t graph_split_name(const char *name, size_t *len)
{
	size_t n = strlen(name), i = n;

	while (i > 0 && name[i - 1] >= '0' && name[i - 1] <= '9')
		i--;
	/* a number with zeros before it could not be put together again */
	while (i < n && name[i] == '0' && i + 1 < n)
		i++;
	*len = n;
	if (i == n || n - i > 9)
		return -1;
	*len = i;
	return (int32_t)strtol(name + i, NULL, 10);
}

/* A decimal number as it would be printed, or -1. */
static int64_t plain_number(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > 9 || strspn(text, "0123456789") != len ||
	    (*text == '0' && len > 1))
		return -1;
	return strtol(text, NULL, 10);
}

static int get_text(struct reader *r, const json_t *meta, const char *path,
		    const char *key, bool needed, const char **text)
{
	json_t *value = json_object_get(meta, key);
	char field[JSON_PATH_SIZE];

	*text = json_string_value(value);
	if (!value && !needed)
		return 0;
	if (*text && json_string_length(value) == strlen(*text) &&
	    strlen(*text) <= GRAPH_NAME_MAX && (!needed || **text))
		return 0;
	snprintf(field, sizeof(field), "%.120s.%s", path, key);
	return json_must_be(r->err, field, "a string of at most 255 bytes",
			    value);
}

static int get_int(struct reader *r, const json_t *meta, const char *path,
		   const char *key, int64_t least, int64_t most,
		   int64_t *number)
{
	json_t *value = json_object_get(meta, key);
	char field[JSON_PATH_SIZE], what[80];

	if (!value)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) >= least &&
	    json_integer_value(value) <= most) {
		*number = json_integer_value(value);
		return 0;
	}
	snprintf(field, sizeof(field), "%.120s.%s", path, key);
	snprintf(what, sizeof(what), "an integer from %lld to %lld",
		 (long long)least, (long long)most);
	return json_must_be(r->err, field, what, value);
}

static int set_names(struct reader *r, const json_t *meta, const char *path,
		     const char *type, struct vertex *v)
{
	int64_t id = v->label & LABEL_STRING ? -1 : (int64_t)v->label;
	const char *basename, *name;
	char built[GRAPH_NAME_SIZE];
	size_t len;

	if (get_text(r, meta, path, "basename", false, &basename) < 0 ||
	    get_text(r, meta, path, "name", false, &name) < 0)
		return -1;
	if (name && strchr(name, '/'))
		return proto_error_set(r->err, EINVAL, "%s.name: it has a "
				       "slash", path);
	if (name && !strcmp(type, "node") &&
	    graph_split_name(name, &len) >= 0)
		id = graph_split_name(name, &len);
	if (get_int(r, meta, path, "id", -1, INT32_MAX, &id) < 0)
		return -1;
	v->id = (int32_t)id;
	if (basename && strcmp(basename, type))
		v->basename = strings_add(&r->g->strings, basename);
	if (id < 0)
		snprintf(built, sizeof(built), "%s",
			 basename ? basename : type);
	else
		snprintf(built, sizeof(built), "%s%lld",
			 basename ? basename : type, (long long)id);
	if (name && strcmp(name, built))
		v->name = strings_add(&r->g->strings, name);
	return v->basename == STRING_NONE || v->name == STRING_NONE ?
	       out_of(r) : 0;
}

static int set_properties(struct reader *r, const json_t *meta,
			  const char *path, struct vertex *v)
{
	json_t *all = json_object_get(meta, "properties"), *value;
	struct property *list;
	char field[JSON_PATH_SIZE];
	const char *key;
	uint32_t n = 0;
	int64_t set;

	if (!all || json_is_null(all))
		return 0;
	snprintf(field, sizeof(field), "%.120s.properties", path);
	if (!json_is_object(all))
		return json_must_be(r->err, field, "an object", all);
	list = calloc(json_object_size(all) + 1, sizeof(*list));
	if (!list)
		return out_of(r);
	json_object_foreach(all, key, value) {
		if (!json_is_string(value)) {
			free(list);
			return json_must_be(r->err, field, "an object of "
					    "strings", value);
		}
		list[n].key = strings_add(&r->g->strings, key);
		list[n].value = strings_add(&r->g->strings,
					    json_string_value(value));
		if (list[n].key == STRING_NONE ||
		    list[n].value == STRING_NONE) {
			free(list);
			return out_of(r);
		}
		n++;
	}
	set = graph_property_set(r->g, list, n);
	free(list);
	v->props = (uint32_t)set;
	return set < 0 ? out_of(r) : 0;
}

static int set_fields(struct reader *r, const json_t *meta, const char *path,
		      const char *type, struct vertex *v)
{
	int64_t rank = GRAPH_NO_RANK, status = 0, uniq = -1;
	json_t *exclusive = json_object_get(meta, "exclusive");
	const char *unit;
	int number;

	if (set_names(r, meta, path, type, v) < 0 ||
	    get_int(r, meta, path, "rank", -1, IDSET_MAX, &rank) < 0 ||
	    get_int(r, meta, path, "status", 0, 1, &status) < 0 ||
	    get_int(r, meta, path, "uniq_id", -1, INT64_MAX, &uniq) < 0 ||
	    get_int(r, meta, path, "size", 1, GRAPH_SIZE_MAX, &v->size) < 0 ||
	    get_text(r, meta, path, "unit", false, &unit) < 0 ||
	    set_properties(r, meta, path, v) < 0)
		return -1;
	if (exclusive && !json_is_boolean(exclusive))
		return proto_error_set(r->err, EINVAL, "%s.exclusive: must be "
				       "true or false", path);
	number = unit ? graph_unit(r->g, unit) : 0;
	if (number < 0)
		return out_of(r);
	v->unit = (uint16_t)number;
	v->rank = (int32_t)rank;
	v->is_down = status == 1;
	return 0;
}

static int read_node(struct reader *r, const json_t *node, size_t i)
{
	static const char *const keys[] = { "id", "metadata", "label", NULL };
	static const char *const metas[] = { "type", "basename", "name", "id",
		"uniq_id", "rank", "status", "exclusive", "unit", "size",
		"properties", "paths", NULL };
	json_t *meta = json_object_get(node, "metadata");
	const char *id, *type;
	char path[JSON_PATH_SIZE];
	struct vertex *v;
	int number;

	snprintf(path, sizeof(path), "graph.nodes[%zu]", i);
	if (!json_is_object(node))
		return json_must_be(r->err, path, "an object", node);
	if (json_check_keys((json_t *)node, path, keys, r->err) < 0 ||
	    get_text(r, node, path, "id", true, &id) < 0)
		return -1;
	if (strings_find(&r->ids, id) != STRING_NONE)
		return proto_error_set(r->err, EINVAL, "%s.id: '%s' is the id "
				       "of another, too", path, id);
	snprintf(path, sizeof(path), "graph.nodes[%zu].metadata", i);
	if (!json_is_object(meta))
		return json_must_be(r->err, path, "an object", meta);
	if (json_check_keys(meta, path, metas, r->err) < 0 ||
	    get_text(r, meta, path, "type", true, &type) < 0)
		return -1;
	if (!json_object_size(json_object_get(meta, "paths")))
		return proto_error_set(r->err, EINVAL, "%s.paths: must be an "
				       "object of subsystem and path", path);
	number = graph_type(r->g, type);
	v = number < 0 ? NULL : graph_add(r->g, GRAPH_NONE, number);
	if (!v || strings_add(&r->ids, id) == STRING_NONE)
		return out_of(r);
	if (plain_number(id) >= 0) {
		v->label = (uint32_t)plain_number(id);
	} else {
		uint32_t string = strings_add(&r->g->strings, id);

		if (string == STRING_NONE)
			return out_of(r);
		v->label = LABEL_STRING | string;
	}
	return set_fields(r, meta, path, type, v);
}

static int end_of_edge(struct reader *r, const json_t *edge, const char *path,
		       const char *key, uint32_t *v)
{
	const char *id;

	if (get_text(r, edge, path, key, true, &id) < 0)
		return -1;
	*v = strings_find(&r->ids, id);
	if (*v == STRING_NONE || *v == 0)
		return proto_error_set(r->err, EINVAL, "%s.%s: there is no "
				       "node '%s'", path, key, id);
	*v -= 1;
	return 0;
}

static int read_edge(struct reader *r, const json_t *edge, size_t i)
{
	json_t *meta = json_object_get(edge, "metadata");
	const char *name = "containment";
	char path[JSON_PATH_SIZE];
	uint32_t source, target;
	int subsystem;

	snprintf(path, sizeof(path), "graph.edges[%zu]", i);
	if (!json_is_object(edge))
		return json_must_be(r->err, path, "an object", edge);
	if (end_of_edge(r, edge, path, "source", &source) < 0 ||
	    end_of_edge(r, edge, path, "target", &target) < 0)
		return -1;
	snprintf(path, sizeof(path), "graph.edges[%zu].metadata", i);
	if (meta && !json_is_object(meta))
		return json_must_be(r->err, path, "an object", meta);
	if (json_object_get(meta, "subsystem") &&
	    get_text(r, meta, path, "subsystem", true, &name) < 0)
		return -1;
	if (source == target)
		return proto_error_set(r->err, EINVAL, "graph.edges[%zu]: it "
				       "leads back to its source", i);
	if (!strcmp(name, "containment")) {
		if (r->g->vertices[target].parent != GRAPH_NONE)
			return proto_error_set(r->err, EINVAL,
				"graph.edges[%zu].target: it is contained in "
				"another, too", i);
		r->g->vertices[target].parent = source;
		return 0;
	}
	subsystem = graph_subsystem(r->g, name);
	if (subsystem < 0 ||
	    graph_connect(r->g, subsystem, source, target) < 0)
		return out_of(r);
	return 0;
}

/* The path that each vertex says it has is the one where it is. */
static int check_paths(struct reader *r)
{
	for (uint32_t v = 0; v < r->g->count; v++) {
		uint32_t label = r->g->vertices[v].label;
		char number[16];
		const char *id = number, *said;
		const json_t *node;
		char *path;
		bool same;

		if (label & LABEL_STRING)
			id = graph_string(r->g, label & ~LABEL_STRING);
		else
			snprintf(number, sizeof(number), "%u", label);
		node = json_array_get(r->nodes,
				      strings_find(&r->ids, id) - 1);
		said = json_string_value(json_object_get(json_object_get(
			json_object_get(node, "metadata"), "paths"),
			"containment"));
		if (!said && v >= r->g->inside)
			continue;
		path = graph_path(r->g, v);
		if (!path)
			return out_of(r);
		same = said && !strcmp(said, path);
		if (!same)
			proto_error_set(r->err, EINVAL, "node '%s': its path "
				"is '%.90s', but its place is '%.90s'", id,
				said ? said : "", path);
		free(path);
		if (!same)
			return -1;
	}
	return 0;
}

static int read_all(struct reader *r, const json_t *json)
{
	json_t *graph = json_object_get(json, "graph");

	r->nodes = json_object_get(graph, "nodes");
	r->edges = json_object_get(graph, "edges");
	if (!json_is_object(json))
		return json_must_be(r->err, "JGF", "an object", json);
	if (!json_is_object(graph))
		return json_must_be(r->err, "graph", "an object", graph);
	if (!json_is_array(r->nodes))
		return json_must_be(r->err, "graph.nodes", "an array",
				    r->nodes);
	if (!json_is_array(r->edges))
		return json_must_be(r->err, "graph.edges", "an array",
				    r->edges);
	for (size_t i = 0; i < json_array_size(r->nodes); i++)
		if (read_node(r, json_array_get(r->nodes, i), i) < 0)
			return -1;
	for (size_t i = 0; i < json_array_size(r->edges); i++)
		if (read_edge(r, json_array_get(r->edges, i), i) < 0)
			return -1;
	return 0;
}

struct graph *graph_from_jgf_json(const json_t *json, const char *filters,
				  struct proto_error *err)
{
	struct reader r = { .g = graph_create(), .err = err };
	int rc;

	if (!r.g || strings_init(&r.ids) < 0) {
		graph_destroy(r.g);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	rc = read_all(&r, json);
	if (!rc)
		rc = graph_finish(r.g, filters, err);
	if (!rc)
		rc = check_paths(&r);
	strings_fini(&r.ids);
	if (!rc)
		return r.g;
	graph_destroy(r.g);
	return NULL;
}

struct graph *graph_from_jgf(const char *text, size_t len,
			     const char *filters, struct proto_error *err)
{
	struct graph *g;
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!json) {
		proto_error_set(err, EINVAL, "not JSON: line %d, column %d: "
				"%s", error.line, error.column, error.text);
		return NULL;
	}
	g = graph_from_jgf_json(json, filters, err);
	json_decref(json);
	return g;
}
