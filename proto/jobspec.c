/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobspecs: check a document and take it apart. See jobspec.h and
 * weir-jobspec(5). The resources of version 1 are here, others in
 * jobspec_canonical.c, the attributes' checks in jobspec_attributes.c;
 * building is in jobspec_build.c.
 *
 * The document comes from a stranger: every field is checked before it is
 * used, and every product of counts before it is formed.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proto/jobspec.h"
#include "proto/jobspec_attributes.h"
#include "proto/jobspec_canonical.h"
#include "proto/json_check.h"
#include "proto/taskmap.h"

#define PATH_SIZE	JSON_PATH_SIZE

static int get_count(const json_t *value, const char *path, int *count,
		     struct proto_error *err)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 1)
		return json_must_be(err, path, "an integer >= 1", value);
	if (n > JOBSPEC_COUNT_MAX)
		return json_must_be(err, path, "at most 2147483647", value);
	*count = n;
	return 0;
}

/* ---- resources ---- */

/* The keys that each type of vertex may have. */
static const struct vertex_type {
	const char *name;
	const char *keys[7];
} vertex_types[] = {
	{ "node", { "type", "count", "unit", "exclusive", "with", NULL } },
	{ "slot", { "type", "count", "unit", "exclusive", "with", "label",
		    NULL } },
	{ "core", { "type", "count", "unit", NULL } },
	{ "gpu", { "type", "count", "unit", NULL } },
};

/* Keys and what all types have in common; the type is known to be right. */
static int check_vertex(json_t *vertex, const char *path, int *count,
			bool *exclusive, struct proto_error *err)
{
	const char *type = json_string_value(json_object_get(vertex, "type"));
	json_t *unit = json_object_get(vertex, "unit");
	json_t *whole = json_object_get(vertex, "exclusive");
	const struct vertex_type *t = vertex_types;
	char field[PATH_SIZE];

	while (strcmp(t->name, type))
		t++;
	if (json_check_keys(vertex, path, t->keys, err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%s.unit", path);
	if (unit && !json_is_string(unit))
		return json_must_be(err, field, "a string", unit);
	snprintf(field, sizeof(field), "%s.exclusive", path);
	if (whole && !json_is_boolean(whole))
		return json_must_be(err, field, "true or false", whole);
	if (json_is_true(whole))
		*exclusive = true;
	snprintf(field, sizeof(field), "%s.count", path);
	return get_count(json_object_get(vertex, "count"), field, count, err);
}

/* An object whose type is A or B. */
static int check_type(json_t *vertex, const char *path, const char *a,
		      const char *b, struct proto_error *err)
{
	json_t *value = json_object_get(vertex, "type");
	const char *type = json_string_value(value);
	char field[PATH_SIZE], what[64];

	if (!json_is_object(vertex))
		return json_must_be(err, path, "an object", vertex);
	if (type && (!strcmp(type, a) || !strcmp(type, b)))
		return 0;
	snprintf(field, sizeof(field), "%s.type", path);
	snprintf(what, sizeof(what), strcmp(a, b) ? "\"%s\" or \"%s\"" :
		 "\"%s\"", a, b);
	return json_must_be(err, field, what, value);
}

/* A core or a gpu vertex of a slot. */
static int parse_leaf(struct jobspec *spec, json_t *leaf, const char *path,
		      struct proto_error *err)
{
	bool unused;
	int count, total, *per_slot;

	if (check_type(leaf, path, "core", "gpu", err) < 0 ||
	    check_vertex(leaf, path, &count, &unused, err) < 0)
		return -1;
	per_slot = strcmp("core", json_string_value(
			json_object_get(leaf, "type"))) ?
		&spec->slot.gpus : &spec->slot.cores;
	if (*per_slot)
		return proto_error_set(err, EINVAL, "%s.type: a slot has one "
				       "core and one gpu vertex at most", path);
	if (__builtin_mul_overflow(spec->nslots, count, &total))
		return proto_error_set(err, EINVAL, "%s.count: %d in each of "
				       "%d slots is more than %d", path, count,
				       spec->nslots, JOBSPEC_COUNT_MAX);
	*per_slot = count;
	return 0;
}

static int parse_slot(struct jobspec *spec, json_t *slot, const char *path,
		      struct proto_error *err)
{
	json_t *with = json_object_get(slot, "with");
	json_t *label = json_object_get(slot, "label");
	char field[PATH_SIZE];
	int count;

	if (check_vertex(slot, path, &count, &spec->exclusive, err) < 0)
		return -1;
	if (__builtin_mul_overflow(spec->nnodes ? spec->nnodes : 1, count,
				   &spec->nslots))
		return proto_error_set(err, EINVAL, "%s.count: %d slots on "
				       "each of %d nodes is more than %d",
				       path, count, spec->nnodes,
				       JOBSPEC_COUNT_MAX);
	snprintf(field, sizeof(field), "%s.label", path);
	if (!json_is_string(label) || !json_string_length(label))
		return json_must_be(err, field, "a string that is not empty",
			       label);
	snprintf(field, sizeof(field), "%s.with", path);
	if (json_array_size(with) < 1 || json_array_size(with) > 2)
		return json_must_be(err, field, "an array of a core vertex and "
			       "perhaps a gpu vertex", with);
	for (size_t i = 0; i < json_array_size(with); i++) {
		snprintf(field, sizeof(field), "%s.with[%zu]", path, i);
		if (parse_leaf(spec, json_array_get(with, i), field, err) < 0)
			return -1;
	}
	if (!spec->slot.cores)
		return proto_error_set(err, EINVAL, "%s.with: a core vertex "
				       "is missing", path);
	return 0;
}

/* Sets *LABEL to the slot's. */
static int parse_resources(struct jobspec *spec, json_t *resources,
			   const char **label, struct proto_error *err)
{
	const char *path = "resources[0]";
	json_t *vertex = json_array_get(resources, 0);
	json_t *with;

	if (json_array_size(resources) != 1)
		return json_must_be(err, "resources", "an array of one vertex",
			       resources);
	if (check_type(vertex, path, "node", "slot", err) < 0)
		return -1;
	if (!strcmp(json_string_value(json_object_get(vertex, "type")),
		    "node")) {
		if (check_vertex(vertex, path, &spec->nnodes,
				 &spec->exclusive, err) < 0)
			return -1;
		with = json_object_get(vertex, "with");
		if (json_array_size(with) != 1)
			return json_must_be(err, "resources[0].with",
				       "an array of one slot", with);
		path = "resources[0].with[0]";
		vertex = json_array_get(with, 0);
		if (check_type(vertex, path, "slot", "slot", err) < 0)
			return -1;
	}
	*label = json_string_value(json_object_get(vertex, "label"));
	if (parse_slot(spec, vertex, path, err) < 0)
		return -1;
	if (spec->nnodes)
		spec->slot.per_node = spec->nslots / spec->nnodes;
	return 0;
}

/* ---- the slots of an R ---- */

static int slots_on(const struct jobspec_slot *slot,
		    const struct resource_node *node)
{
	int room = INT_MAX;

	if (slot->cores)
		room = (int)idset_count(node->cores) / slot->cores;
	if (slot->gpus) {
		int n = (int)idset_count(node->gpus) / slot->gpus;

		room = n < room ? n : room;
	}
	return room;
}

static int tasks_in(const struct jobspec_slot *slot, int nslots)
{
	int n;

	return __builtin_mul_overflow(nslots, slot->tasks, &n) ||
	       n > TASKMAP_TASKS_MAX ? TASKMAP_TASKS_MAX : n;
}

int jobspec_room(const struct jobspec_slot *slot, const struct resource_set *R,
		 size_t i)
{
	int n = slot->nodes ? i % (size_t)slot->nodes == 0 :
		slot->per_node ? slot->per_node :
		slots_on(slot, &R->nodes[i]);

	return tasks_in(slot, n);
}

int jobspec_ntasks(const struct jobspec_slot *slot, int ntasks,
		   const struct resource_set *R)
{
	int n = slot->moldable ? tasks_in(slot, R->nslots) : 0;

	return n > ntasks ? n : ntasks;
}

/* ---- tasks ---- */

static int parse_command(struct jobspec *spec, json_t *command,
			 struct proto_error *err)
{
	size_t n = json_is_string(command) ? 1 : json_array_size(command);

	if (!n)
		return json_must_be(err, "tasks[0].command", "an array of strings "
			       "that is not empty", command);
	spec->argv = calloc(n + 1, sizeof(*spec->argv));
	if (!spec->argv)
		return proto_error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		json_t *word = json_is_string(command) ? command :
			json_array_get(command, i);
		char path[64];

		snprintf(path, sizeof(path), "tasks[0].command[%zu]", i);
		if (!json_is_string(word))
			return json_must_be(err, path, "a string", word);
		if (i == 0 && !json_string_length(word))
			return json_must_be(err, path, "the name of a program",
				       word);
		spec->argv[i] = json_string_value(word);
	}
	spec->argc = n;
	return 0;
}

static int parse_per_slot(struct jobspec *spec, json_t *value,
			  struct proto_error *err)
{
	static const char path[] = "tasks[0].count.per_slot";

	if (!spec->canonical && json_integer_value(value) != 1)
		return json_must_be(err, path, "1", value);
	if (get_count(value, path, &spec->slot.tasks, err) < 0)
		return -1;
	if (!__builtin_mul_overflow(spec->nslots, spec->slot.tasks,
				    &spec->ntasks) &&
	    (!spec->canonical || spec->ntasks <= TASKMAP_TASKS_MAX))
		return 0;
	return proto_error_set(err, EINVAL, "%s: %d in each of %d slots is "
			       "more than %d", path, spec->slot.tasks,
			       spec->nslots, TASKMAP_TASKS_MAX);
}

static int parse_task_count(struct jobspec *spec, json_t *count,
			    struct proto_error *err)
{
	static const char *const keys[] = { "per_slot", "total", NULL };
	json_t *per_slot = json_object_get(count, "per_slot");
	json_t *total = json_object_get(count, "total");

	if (!json_is_object(count))
		return json_must_be(err, "tasks[0].count", "an object", count);
	if (json_check_keys(count, "tasks[0].count", keys, err) < 0)
		return -1;
	if (!per_slot == !total)
		return proto_error_set(err, EINVAL, "tasks[0].count: must "
				       "have either per_slot or total");
	if (per_slot)
		return parse_per_slot(spec, per_slot, err);
	spec->ntasks_total = true;
	spec->slot.tasks = 1;
	spec->slot.moldable = false;
	if (get_count(total, "tasks[0].count.total", &spec->ntasks, err) < 0)
		return -1;
	if (spec->ntasks > spec->nslots)
		return proto_error_set(err, EINVAL, "tasks[0].count.total: %d "
				       "tasks do not fit into %d slots",
				       spec->ntasks, spec->nslots);
	if (spec->ntasks < spec->nnodes && !spec->slot.nodes)
		return proto_error_set(err, EINVAL, "tasks[0].count.total: %d "
				       "tasks are fewer than %d nodes",
				       spec->ntasks, spec->nnodes);
	return 0;
}

static int parse_tasks(struct jobspec *spec, json_t *tasks,
		       const char *label, struct proto_error *err)
{
	/* version 1 has the first three */
	static const char *const keys[] = { "distribution", "attributes",
		"command", "slot", "count", NULL };
	json_t *task = json_array_get(tasks, 0);
	json_t *slot = json_object_get(task, "slot");

	if (json_array_size(tasks) != 1)
		return json_must_be(err, "tasks", "an array of one task", tasks);
	if (!json_is_object(task))
		return json_must_be(err, "tasks[0]", "an object", task);
	if (json_check_keys(task, "tasks[0]", keys + (spec->canonical ? 0 : 2),
			    err) < 0 ||
	    parse_command(spec, json_object_get(task, "command"), err) < 0)
		return -1;
	if (!json_is_string(slot) || strcmp(json_string_value(slot), label)) {
		char what[96];

		snprintf(what, sizeof(what), "the label of the slot, "
			 "\"%.40s\"", label);
		return json_must_be(err, "tasks[0].slot", what, slot);
	}
	return parse_task_count(spec, json_object_get(task, "count"), err);
}

/* ---- attributes ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int parse_attributes(struct jobspec *spec, json_t *all,
			    struct proto_error *err)
{
	json_t *system = json_object_get(all, "system");

	if (jobspec_check_attributes(all, err) < 0)
		return -1;
	spec->duration = json_number_value(json_object_get(system,
							   "duration"));
	spec->cwd = json_string_value(json_object_get(system, "cwd"));
	spec->queue = json_string_value(json_object_get(system, "queue"));
	spec->array = json_string_value(json_object_get(system, "array"));
	spec->environment = json_object_get(system, "environment");
	spec->shell_options = json_object_get(
			json_object_get(system, "shell"), "options");
	spec->files = json_object_get(system, "files");
	spec->name = json_string_value(json_object_get(
			json_object_get(system, "job"), "name"));
	if (!spec->name)
		spec->name = base_name(spec->argv[0]);
	return 0;
}

/* ---- the whole ---- */

static bool deeper_than(json_t *value, int depth)
{
	const char *key;
	json_t *child;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return false;
	if (depth == 0)
		return true;
	json_object_foreach(value, key, child)
		if (deeper_than(child, depth - 1))
			return true;
	json_array_foreach(value, i, child)
		if (deeper_than(child, depth - 1))
			return true;
	return false;
}

/* Its version says so, or something else than nodes and slots is on top. */
static bool is_canonical(json_t *json)
{
	const char *type = json_string_value(json_object_get(json_array_get(
		json_object_get(json, "resources"), 0), "type"));

	return json_integer_value(json_object_get(json, "version")) != 1 ||
	       (type && strcmp(type, "node") && strcmp(type, "slot"));
}

static int take_apart(struct jobspec *spec, struct proto_error *err)
{
	static const char *const keys[] = { "version", "resources", "tasks",
					    "attributes", NULL };
	json_t *json = spec->json;
	json_t *version = json_object_get(json, "version");
	int (*take)(struct jobspec *spec, json_t *resources,
		    const char **label, struct proto_error *err);
	const char *label = NULL;

	if (!json_is_object(json))
		return json_must_be(err, "jobspec", "an object", json);
	if (deeper_than(json, JOBSPEC_DEPTH_MAX))
		return proto_error_set(err, EINVAL, "jobspec: nested deeper "
				       "than %d levels", JOBSPEC_DEPTH_MAX);
	if (!json_is_integer(version) || json_integer_value(version) < 1 ||
	    json_integer_value(version) > JOBSPEC_VERSION_MAX)
		return json_must_be(err, "version", "an integer from 1 to 9999",
				    version);
	spec->canonical = is_canonical(json);
	take = spec->canonical ? jobspec_take_canonical : parse_resources;
	if (json_check_keys(json, "", keys, err) < 0 ||
	    take(spec, json_object_get(json, "resources"), &label, err) < 0 ||
	    parse_tasks(spec, json_object_get(json, "tasks"), label,
			err) < 0)
		return -1;
	return parse_attributes(spec, json_object_get(json, "attributes"),
				err);
}

struct jobspec *jobspec_from_json(json_t *json, struct proto_error *err)
{
	struct jobspec *spec = calloc(1, sizeof(*spec));

	if (!spec) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	spec->json = json_incref(json);
	if (take_apart(spec, err) < 0) {
		jobspec_destroy(spec);
		return NULL;
	}
	return spec;
}

struct jobspec *jobspec_parse(const char *text, size_t len,
			      struct proto_error *err)
{
	struct jobspec *spec;
	json_error_t error;
	json_t *json;

	if (len > JOBSPEC_SIZE_MAX) {
		proto_error_set(err, E2BIG, "jobspec: %zu bytes, at most %u "
				"are accepted", len, JOBSPEC_SIZE_MAX);
		return NULL;
	}
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		proto_error_set(err, EINVAL, "jobspec: not JSON: line %d, "
				"column %d: %s", error.line, error.column,
				error.text);
		return NULL;
	}
	spec = jobspec_from_json(json, err);
	json_decref(json);
	return spec;
}

void jobspec_destroy(struct jobspec *spec)
{
	int saved = errno;

	if (spec) {
		json_decref(spec->json);
		free(spec->argv);
		free(spec);
	}
	errno = saved;
}
