/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs from recipes: a few lines of YAML that say how many of what are
 * beneath what. See weir-resources(5).
 *
 * A level is one entry of the recipe; the vertices that it makes are its
 * instances. Ids count on within an instance of the level's scope.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "proto/idset.h"
#include "proto/json_check.h"
#include "proto/yaml_json.h"
#include "schedd/graph.h"

#define LEVELS_MAX	1000

struct counter {
	int type;
	int64_t next;		/* id */
};

struct level {
	char path[JSON_PATH_SIZE];
	json_t *json;
	int type;
	int64_t count, first, step, size;
	bool own_ids;		/* first or ids was given */
	struct idset *ids;
	struct hostlist *names;
	uint32_t basename;
	int unit;
	json_t *properties;
	struct idset **property_ids;	/* one of each of an object */
	const char *covers;	/* type; NULL: nothing */
	int64_t each;		/* vertices that each instance covers */
	uint32_t *covered;	/* all that can be, in order */
	uint32_t covered_count;

	struct level *scope;	/* NULL: the whole recipe */
	struct level *up, *down, *next;	/* first entry beneath; sibling */
	struct counter counters[16];	/* of the instance at work */
	unsigned counter_count;
	uint64_t generation;	/* instances made */
	uint64_t seen;		/* generation of scope that OWN counts in */
	int64_t own;
	uint32_t last_set;	/* property set of the last instance */
};

struct recipe {
	struct graph *g;
	struct level root;	/* counters of the whole */
	unsigned levels;
	int subsystem;		/* at work on; -1: containment */
	int32_t rank;
	struct proto_error *err;
};

static int out_of(struct recipe *r)
{
	if (errno == ENOSPC)
		return proto_error_set(r->err, EINVAL, "more than %u vertices "
				       "or too many types", GRAPH_VERTICES_MAX);
	return proto_error_set(r->err, ENOMEM, "out of memory");
}

static void field(const struct level *l, const char *key,
		  char path[JSON_PATH_SIZE])
{
	snprintf(path, JSON_PATH_SIZE, "%.120s.%s", l->path, key);
}

static void free_levels(struct level *l)
{
	while (l) {
		struct level *next = l->next;

		free_levels(l->down);
		idset_destroy(l->ids);
		hostlist_destroy(l->names);
		for (size_t i = 0; l->property_ids &&
		     i < json_object_size(l->properties); i++)
			idset_destroy(l->property_ids[i]);
		free(l->property_ids);
		free(l->covered);
		free(l);
		l = next;
	}
}

/* ---- reading ---- */

static int get_number(struct recipe *r, struct level *l, const char *key,
		      int64_t least, int64_t most, int64_t *number)
{
	json_t *value = json_object_get(l->json, key);
	char path[JSON_PATH_SIZE], what[80];

	if (!value)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) >= least &&
	    json_integer_value(value) <= most) {
		*number = json_integer_value(value);
		return 0;
	}
	field(l, key, path);
	snprintf(what, sizeof(what), "an integer from %lld to %lld",
		 (long long)least, (long long)most);
	return json_must_be(r->err, path, what, value);
}

/* A name of a vertex, a type, a unit, a subsystem. */
static bool is_name(const json_t *value)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value);

	return s && len && len <= GRAPH_NAME_MAX && !strpbrk(s, "/ \t\n,:");
}

static int get_name(struct recipe *r, struct level *l, const char *key,
		    bool needed, const char **name)
{
	json_t *value = json_object_get(l->json, key);
	char path[JSON_PATH_SIZE];

	*name = NULL;
	if (!value && !needed)
		return 0;
	field(l, key, path);
	if (!is_name(value))
		return json_must_be(r->err, path, "a name without blanks, "
				    "slashes, commas and colons", value);
	*name = json_string_value(value);
	return 0;
}

static int get_ids(struct recipe *r, struct level *l)
{
	json_t *value = json_object_get(l->json, "ids");
	struct proto_error inner;
	char path[JSON_PATH_SIZE];

	if (!value)
		return 0;
	field(l, "ids", path);
	if (json_object_get(l->json, "count") ||
	    json_object_get(l->json, "first") ||
	    json_object_get(l->json, "step"))
		return proto_error_set(r->err, EINVAL, "%s: there is count, "
				       "first or step too", path);
	if (!json_is_string(value))
		return json_must_be(r->err, path, "an idset in a string",
				    value);
	l->ids = idset_decode(json_string_value(value), &inner);
	if (!l->ids)
		return proto_error_set(r->err, errno, "%s: %s", path,
				       inner.text);
	l->count = (int64_t)idset_count(l->ids);
	if (!l->count || l->count > GRAPH_VERTICES_MAX)
		return proto_error_set(r->err, EINVAL, "%s: must have 1 to %u "
				       "members", path, GRAPH_VERTICES_MAX);
	l->own_ids = true;
	return 0;
}

static int get_names(struct recipe *r, struct level *l)
{
	json_t *value = json_object_get(l->json, "names");
	struct proto_error inner;
	char path[JSON_PATH_SIZE];

	if (!value)
		return 0;
	field(l, "names", path);
	if (!json_is_string(value))
		return json_must_be(r->err, path, "a hostlist in a string",
				    value);
	l->names = hostlist_decode(json_string_value(value), &inner);
	if (!l->names)
		return proto_error_set(r->err, errno, "%s: %s", path,
				       inner.text);
	return 0;
}

/* Property names are free of these, in R. */
static bool is_property(const char *name)
{
	return *name && *name != '=' && !strpbrk(name, "!&'\"^`|()");
}

static int get_properties(struct recipe *r, struct level *l)
{
	json_t *value, *item;
	char path[JSON_PATH_SIZE];
	struct proto_error inner;
	const char *key;
	size_t i = 0;

	l->properties = json_object_get(l->json, "properties");
	field(l, "properties", path);
	if (!l->properties)
		return 0;
	if (json_is_array(l->properties)) {
		json_array_foreach(l->properties, i, item)
			if (!json_is_string(item) ||
			    !is_property(json_string_value(item)))
				return json_must_be(r->err, path, "names or "
						    "NAME=VALUE", item);
		return 0;
	}
	if (!json_is_object(l->properties))
		return json_must_be(r->err, path, "an array of names, or an "
				    "object of name and idset", l->properties);
	l->property_ids = calloc(json_object_size(l->properties) + 1,
				 sizeof(*l->property_ids));
	if (!l->property_ids)
		return out_of(r);
	json_object_foreach(l->properties, key, value) {
		if (!is_property(key) || !json_is_string(value))
			return json_must_be(r->err, path, "an object of name "
					    "and idset", value);
		l->property_ids[i] = idset_decode(json_string_value(value),
						  &inner);
		if (!l->property_ids[i++])
			return proto_error_set(r->err, errno, "%.100s.%.40s: "
					       "%s", path, key, inner.text);
	}
	return 0;
}

/* scope: the type of a level above, or "all". */
static int get_scope(struct recipe *r, struct level *l)
{
	const char *name;
	char path[JSON_PATH_SIZE];
	struct level *up;

	if (get_name(r, l, "scope", false, &name) < 0)
		return -1;
	l->scope = &r->root;
	if (name && !strcmp(name, "all"))
		return 0;
	for (up = l->up; up; up = up->up)
		if (!strcmp(graph_string(r->g, r->g->types[up->type].name),
			    name ? name : "node"))
			break;
	if (up) {
		l->scope = up;
		return 0;
	}
	field(l, "scope", path);
	return name ? proto_error_set(r->err, EINVAL, "%s: no level above is "
				      "of type %s", path, name) : 0;
}

static int get_covers(struct recipe *r, struct level *l)
{
	char path[JSON_PATH_SIZE];

	if (get_name(r, l, "covers", false, &l->covers) < 0 ||
	    get_number(r, l, "each", 1, GRAPH_VERTICES_MAX, &l->each) < 0)
		return -1;
	field(l, "covers", path);
	if (l->covers && r->subsystem < 0)
		return proto_error_set(r->err, EINVAL, "%s: only for "
				       "subsystems", path);
	if (l->covers && graph_find_type(r->g, l->covers) == GRAPH_NONE)
		return proto_error_set(r->err, EINVAL, "%s: there is no type "
				       "%s in resources", path, l->covers);
	if (l->each && !l->covers)
		return proto_error_set(r->err, EINVAL, "%.120s.each: covers is "
				       "missing", l->path);
	return 0;
}

static int read_fields(struct recipe *r, struct level *l)
{
	static const char *const keys[] = { "type", "count", "ids", "first",
		"step", "basename", "names", "size", "unit", "properties",
		"scope", "covers", "each", "with", NULL };
	const char *type, *basename, *unit;

	if (!json_is_object(l->json))
		return json_must_be(r->err, l->path, "an object", l->json);
	if (json_check_keys(l->json, l->path, keys, r->err) < 0 ||
	    get_name(r, l, "type", true, &type) < 0 ||
	    get_name(r, l, "basename", false, &basename) < 0 ||
	    get_name(r, l, "unit", false, &unit) < 0 ||
	    get_number(r, l, "count", 1, GRAPH_VERTICES_MAX, &l->count) < 0 ||
	    get_number(r, l, "first", 0, INT32_MAX, &l->first) < 0 ||
	    get_number(r, l, "step", 1, INT32_MAX, &l->step) < 0 ||
	    get_number(r, l, "size", 1, GRAPH_SIZE_MAX, &l->size) < 0 ||
	    get_ids(r, l) < 0 || get_names(r, l) < 0 ||
	    get_properties(r, l) < 0 || get_scope(r, l) < 0 ||
	    get_covers(r, l) < 0)
		return -1;
	if (json_object_get(l->json, "first"))
		l->own_ids = true;
	l->type = graph_type(r->g, type);
	l->unit = unit ? graph_unit(r->g, unit) : 0;
	l->basename = basename && strcmp(basename, type) ?
		strings_add(&r->g->strings, basename) : 0;
	if (l->type < 0 || l->unit < 0 || l->basename == STRING_NONE)
		return out_of(r);
	return 0;
}

/* The entries of LIST at PATH to *CHAIN. */
static int read_levels(struct recipe *r, json_t *list, const char *path,
		       struct level *up, struct level **chain)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list))
		return json_must_be(r->err, path, "an array of resources",
				    list);
	json_array_foreach(list, i, item) {
		struct level *l = calloc(1, sizeof(*l));
		json_t *with = json_object_get(item, "with");
		char below[JSON_PATH_SIZE];

		if (!l)
			return out_of(r);
		*chain = l;
		chain = &l->next;
		l->json = item;
		l->up = up;
		l->count = l->step = l->size = 1;
		l->last_set = GRAPH_NONE;
		snprintf(l->path, sizeof(l->path), "%.120s[%zu]", path, i);
		if (++r->levels > LEVELS_MAX)
			return proto_error_set(r->err, EINVAL, "%s: more than "
				"%d entries", l->path, LEVELS_MAX);
		if (read_fields(r, l) < 0)
			return -1;
		field(l, "with", below);
		if (with && read_levels(r, with, below, l, &l->down) < 0)
			return -1;
	}
	return 0;
}

/* ---- making ---- */

static int64_t *counter_of(struct level *scope, int type)
{
	struct counter *c = scope->counters;
	unsigned i;

	for (i = 0; i < scope->counter_count; i++)
		if (c[i].type == type)
			return &c[i].next;
	if (i == sizeof(scope->counters) / sizeof(*c))
		return NULL;
	c[i] = (struct counter) { .type = type };
	scope->counter_count++;
	return &c[i].next;
}

/* The id of the level's next instance, number K beneath its parent. */
static int64_t next_id(struct level *l, unsigned *member)
{
	int64_t *next, id;

	if (l->ids) {
		id = *member;
		*member = idset_next(l->ids, *member);
		return id;
	}
	if (l->own_ids) {
		if (l->seen != l->scope->generation || !l->generation)
			l->own = l->first;
		l->seen = l->scope->generation;
		next = &l->own;
	} else {
		next = counter_of(l->scope, l->type);
		if (!next)
			return -1;
	}
	id = *next;
	*next += l->step;
	return id;
}

static int add_property(struct graph *g, uint32_t *set, const char *text)
{
	const char *equal = strchr(text, '=');
	char *name = equal ? strndup(text, (size_t)(equal - text)) :
			     strdup(text);
	int64_t changed = name ? graph_property_change(g, *set, name,
			equal ? equal + 1 : "") : -1;

	free(name);
	if (changed < 0)
		return -1;
	*set = (uint32_t)changed;
	return 0;
}

static int set_properties(struct recipe *r, struct level *l, uint32_t v)
{
	uint32_t set = 0;
	json_t *value;
	const char *key;
	size_t i = 0;

	if (!l->properties)
		return 0;
	if (json_is_array(l->properties) && l->last_set != GRAPH_NONE) {
		r->g->vertices[v].props = l->last_set;
		return 0;
	}
	if (json_is_array(l->properties)) {
		json_array_foreach(l->properties, i, value)
			if (add_property(r->g, &set,
					 json_string_value(value)) < 0)
				return out_of(r);
		l->last_set = set;
	} else {
		json_object_foreach(l->properties, key, value)
			if (idset_test(l->property_ids[i++],
				       (unsigned)r->g->vertices[v].id) &&
			    add_property(r->g, &set, key) < 0)
				return out_of(r);
	}
	r->g->vertices[v].props = set;
	return 0;
}

static int set_name(struct recipe *r, struct level *l, struct vertex *v)
{
	char buf[HOSTLIST_NAME_SIZE];

	if (!l->names)
		return 0;
	if (!hostlist_nth(l->names, l->generation, buf))
		return proto_error_set(r->err, EINVAL, "%.120s.names: there "
				       "are only %zu", l->path,
				       hostlist_count(l->names));
	v->name = strings_add(&r->g->strings, buf);
	return v->name == STRING_NONE ? out_of(r) : 0;
}

/* The containment vertices that instance number I of L covers. */
static int cover(struct recipe *r, struct level *l, uint32_t v, uint64_t i)
{
	uint64_t from = i * (uint64_t)l->each, to = from + (uint64_t)l->each;

	for (; from < to && from < l->covered_count; from++)
		if (graph_connect(r->g, r->subsystem, v,
				  l->covered[from]) < 0)
			return out_of(r);
	return 0;
}

/* How many of LEVEL there will be in all. */
static int64_t instances(const struct level *l)
{
	int64_t n = 1;

	for (; l; l = l->up)
		if (__builtin_mul_overflow(n, l->count, &n))
			return INT64_MAX;
	return n;
}

/* List the covered type, and deal it out evenly if EACH was not given. */
static int deal_out(struct recipe *r, struct level *l)
{
	uint32_t type = graph_find_type(r->g, l->covers);
	int64_t all = instances(l);

	l->covered = malloc((r->g->inside + 1) * sizeof(*l->covered));
	if (!l->covered)
		return out_of(r);
	for (uint32_t w = 0; w < r->g->inside; w++)
		if (r->g->vertices[w].type == type)
			l->covered[l->covered_count++] = w;
	if (!l->each)
		l->each = l->covered_count / all +
			  (l->covered_count % all != 0);
	if (!l->each)
		l->each = 1;
	return 0;
}

static int make_levels(struct recipe *r, struct level *l, uint32_t parent);

static int make_one(struct recipe *r, struct level *l, uint32_t parent,
		    unsigned *member)
{
	struct graph *g = r->g;
	bool inside = r->subsystem < 0;
	struct vertex *v = graph_add(g, inside ? parent : GRAPH_NONE, l->type);
	uint32_t index = g->count - 1;
	int64_t id;

	if (!v)
		return out_of(r);
	id = next_id(l, member);
	if (id < 0 || id > INT32_MAX)
		return proto_error_set(r->err, EINVAL, "%s: its ids are out "
				       "of range", l->path);
	v->id = (int32_t)id;
	v->size = l->size;
	v->unit = (uint16_t)l->unit;
	v->basename = l->basename;
	if ((uint32_t)l->type == g->node_type && inside)
		v->rank = r->rank++;
	if (set_name(r, l, v) < 0 || set_properties(r, l, index) < 0)
		return -1;
	if (!inside && parent != GRAPH_NONE &&
	    graph_connect(g, r->subsystem, parent, index) < 0)
		return out_of(r);
	if (l->covers && cover(r, l, index, l->generation) < 0)
		return -1;
	l->generation++;
	l->counter_count = 0;
	return make_levels(r, l->down, index);
}

static int make_levels(struct recipe *r, struct level *l, uint32_t parent)
{
	for (; l; l = l->next) {
		unsigned member = l->ids ? idset_first(l->ids) : 0;

		if (l->covers && !l->covered && deal_out(r, l) < 0)
			return -1;
		for (int64_t i = 0; i < l->count; i++)
			if (make_one(r, l, parent, &member) < 0)
				return -1;
	}
	return 0;
}

/* ---- the whole ---- */

/* Reads LIST and makes what it says. */
static int make_tree(struct recipe *r, json_t *list, const char *path)
{
	struct level *chain = NULL;
	int rc = read_levels(r, list, path, NULL, &chain);

	r->root.counter_count = 0;
	if (!rc)
		rc = make_levels(r, chain, GRAPH_NONE);
	free_levels(chain);
	return rc;
}

static int make_subsystems(struct recipe *r, json_t *list)
{
	static const char *const keys[] = { "name", "with", NULL };
	json_t *item;
	size_t i;

	if (list && !json_is_array(list))
		return json_must_be(r->err, "subsystems", "an array", list);
	r->g->inside = r->g->count;
	json_array_foreach(list, i, item) {
		json_t *name = json_object_get(item, "name");
		char path[JSON_PATH_SIZE];

		snprintf(path, sizeof(path), "subsystems[%zu]", i);
		if (!json_is_object(item))
			return json_must_be(r->err, path, "an object", item);
		if (json_check_keys(item, path, keys, r->err) < 0)
			return -1;
		snprintf(path, sizeof(path), "subsystems[%zu].name", i);
		if (!is_name(name) ||
		    !strcmp(json_string_value(name), "containment"))
			return json_must_be(r->err, path, "a name other than "
					    "containment", name);
		r->subsystem = graph_subsystem(r->g, json_string_value(name));
		if (r->subsystem < 0)
			return out_of(r);
		snprintf(path, sizeof(path), "subsystems[%zu].with", i);
		if (make_tree(r, json_object_get(item, "with"), path) < 0)
			return -1;
	}
	return 0;
}

static int make_all(struct recipe *r, json_t *json)
{
	static const char *const keys[] = { "version", "resources",
		"subsystems", NULL };
	json_t *version = json_object_get(json, "version");
	json_t *resources = json_object_get(json, "resources");

	if (!json_is_object(json))
		return json_must_be(r->err, "recipe", "an object", json);
	if (json_check_keys(json, "", keys, r->err) < 0)
		return -1;
	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return json_must_be(r->err, "version", "1", version);
	r->subsystem = -1;
	if (json_array_size(resources) != 1)
		return json_must_be(r->err, "resources", "an array of one "
				    "resource", resources);
	if (make_tree(r, resources, "resources") < 0)
		return -1;
	return make_subsystems(r, json_object_get(json, "subsystems"));
}

struct graph *graph_from_recipe(const char *text, size_t len,
				const char *filters, struct proto_error *err)
{
	struct recipe r = { .g = graph_create(), .err = err };
	json_t *json;
	int rc;

	if (!r.g) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	json = yaml_to_json(text, len, err);
	rc = json ? make_all(&r, json) : -1;
	json_decref(json);
	if (rc == 0 && graph_finish(r.g, filters, err) == 0)
		return r.g;
	graph_destroy(r.g);
	return NULL;
}
