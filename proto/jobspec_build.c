/* SPDX-License-Identifier: Apache-2.0 */
/* Building a jobspec from a command line's options: see jobspec.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/jobspec.h"

#define LABEL "task"

/* The request with its defaults filled in, or -1. */
static int settle(struct jobspec_request *r, struct proto_error *err)
{
	if (!r->argv || !r->argv[0])
		return proto_error_set(err, EINVAL, "job command and arguments "
				       "are missing");
	if (r->ntasks < 0 || r->cores_per_task < 0 || r->gpus_per_task < 0 ||
	    r->nnodes < 0)
		return proto_error_set(err, EINVAL, "a count must not be "
				       "negative");
	if (!(r->duration >= 0 && r->duration <= JOBSPEC_DURATION_MAX))
		return proto_error_set(err, EINVAL, "duration must be 0 to "
				       "1e10 seconds");
	if (r->exclusive && !r->nnodes)
		return proto_error_set(err, EINVAL, "exclusive can only be "
				       "set with a node count");
	if (!r->ntasks) {
		r->exclusive = r->exclusive || r->nnodes;
		r->ntasks = r->nnodes ? r->nnodes : 1;
	}
	if (!r->cores_per_task)
		r->cores_per_task = 1;
	if (r->nnodes > r->ntasks)
		return proto_error_set(err, EINVAL, "node count must not be "
				       "greater than task count");
	return 0;
}

static json_t *vertex(const char *type, int count, json_t *with)
{
	return json_pack("{s:s, s:i, s:o*}", "type", type, "count", count,
			 "with", with);
}

/* Tasks are spread evenly: with nodes, each has room for the same number of
 * slots, and a count that is no multiple leaves some of them unused. */
static json_t *make_resources(const struct jobspec_request *r, json_t **count)
{
	int slots = r->nnodes ?
		(r->ntasks - 1) / r->nnodes + 1 : r->ntasks;
	bool uneven = r->nnodes && r->ntasks % r->nnodes;
	json_t *with = json_pack("[o]", vertex("core", r->cores_per_task,
					       NULL));
	json_t *slot, *node;

	if (r->gpus_per_task)
		json_array_append_new(with, vertex("gpu", r->gpus_per_task,
						   NULL));
	slot = vertex("slot", slots, with);
	json_object_set_new(slot, "label", json_string(LABEL));
	*count = uneven ? json_pack("{s:i}", "total", r->ntasks)
			: json_pack("{s:i}", "per_slot", 1);
	if (!r->nnodes)
		return json_pack("[o]", slot);
	node = vertex("node", r->nnodes, json_pack("[o]", slot));
	if (r->exclusive)
		json_object_set_new(node, "exclusive", json_true());
	return json_pack("[o]", node);
}

static json_t *make_command(const char *const *argv, struct proto_error *err)
{
	json_t *command = json_array();

	for (size_t i = 0; argv[i]; i++) {
		if (json_array_append_new(command, json_string(argv[i])) == 0)
			continue;
		proto_error_set(err, EINVAL, "word %zu of the command is not "
				"UTF-8", i);
		json_decref(command);
		return NULL;
	}
	return command;
}

static int set_string(json_t *object, const char *key, const char *value,
		      struct proto_error *err)
{
	if (value && json_object_set_new(object, key, json_string(value)) < 0)
		return proto_error_set(err, EINVAL, "%s is not UTF-8", key);
	return 0;
}

static json_t *make_system(const struct jobspec_request *r,
			   struct proto_error *err)
{
	json_t *system = json_pack("{s:f, s:o}", "duration", r->duration,
				   "environment", r->environment ?
				   json_incref(r->environment) :
				   json_object());
	json_t *job = json_object();

	if (set_string(system, "cwd", r->cwd, err) < 0 ||
	    set_string(system, "queue", r->queue, err) < 0 ||
	    set_string(job, "name", r->name, err) < 0) {
		json_decref(system);
		json_decref(job);
		return NULL;
	}
	if (json_object_size(job))
		json_object_set(system, "job", job);
	json_decref(job);
	return system;
}

json_t *jobspec_build(const struct jobspec_request *request,
		      struct proto_error *err)
{
	struct jobspec_request r = *request;
	json_t *command, *system, *resources, *count = NULL, *jobspec;
	struct jobspec *spec;

	if (settle(&r, err) < 0)
		return NULL;
	command = make_command(r.argv, err);
	if (!command)
		return NULL;
	system = make_system(&r, err);
	if (!system) {
		json_decref(command);
		return NULL;
	}
	resources = make_resources(&r, &count);
	jobspec = json_pack("{s:o, s:[{s:o, s:s, s:o}], s:{s:o}, s:i}",
			    "resources", resources,
			    "tasks", "command", command, "slot", LABEL,
			    "count", count,
			    "attributes", "system", system,
			    "version", 1);
	if (!jobspec) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	/* Totals, paths and the environment have their checks there. */
	spec = jobspec_from_json(jobspec, err);
	if (!spec) {
		json_decref(jobspec);
		return NULL;
	}
	jobspec_destroy(spec);
	return jobspec;
}

/* ---- attributes by dotted path ---- */

/* The object at KEY of OBJECT, made if missing. */
static json_t *enter(json_t *object, const char *key, const char *path,
		     struct proto_error *err)
{
	json_t *child = json_object_get(object, key);

	if (!child && json_object_set_new(object, key, json_object()) == 0)
		child = json_object_get(object, key);
	if (child && json_is_object(child))
		return child;
	proto_error_set(err, EINVAL, "'%.80s': %.80s is not an object", path,
			key);
	return NULL;
}

/* Takes VALUE. */
static int set_path(json_t *object, const char *path, json_t *value,
		    struct proto_error *err)
{
	char *copy = strdup(path), *rest = copy, *key = NULL;
	int rc = -1;

	if (!copy || !value) {
		proto_error_set(err, copy ? EINVAL : ENOMEM, "'%.80s': %s",
				path, copy ? "no value" : "out of memory");
		goto out;
	}
	while ((key = strsep(&rest, "."))) {
		if (!*key) {
			proto_error_set(err, EINVAL, "'%.80s': a part of the "
					"name is empty", path);
			goto out;
		}
		if (!rest)
			break;
		object = enter(object, key, path, err);
		if (!object)
			goto out;
	}
	rc = json_object_set(object, key, value);
	if (rc < 0)
		proto_error_set(err, EINVAL, "'%.80s': not UTF-8", path);
out:
	json_decref(value);
	free(copy);
	return rc;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

int jobspec_setattr(json_t *jobspec, const char *path, json_t *value,
		    struct proto_error *err)
{
	json_t *object = enter(jobspec, "attributes", path, err);

	if (object && path[0] == '.')
		path++;
	else if (object && !has_prefix(path, "system.") &&
		 !has_prefix(path, "user."))
		object = enter(object, "system", path, err);
	if (!object) {
		json_decref(value);
		return -1;
	}
	return set_path(object, path, value, err);
}

int jobspec_setopt(json_t *jobspec, const char *path, json_t *value,
		   struct proto_error *err)
{
	static const char *const way[] = { "attributes", "system", "shell",
					   "options" };
	json_t *object = jobspec;

	for (size_t i = 0; object && i < sizeof(way) / sizeof(way[0]); i++)
		object = enter(object, way[i], path, err);
	if (!object) {
		json_decref(value);
		return -1;
	}
	return set_path(object, path, value, err);
}

typedef int set_f(json_t *jobspec, const char *path, json_t *value,
		  struct proto_error *err);

static int set_arg(set_f *set, json_t *jobspec, const char *arg,
		   struct proto_error *err)
{
	const char *equals = strchrnul(arg, '=');
	char *path = strndup(arg, equals - arg);
	json_t *value = NULL;
	int rc;

	if (!path)
		return proto_error_set(err, ENOMEM, "out of memory");
	if (!*equals)
		value = json_integer(1);
	else
		value = json_loads(equals + 1, JSON_DECODE_ANY |
				   JSON_REJECT_DUPLICATES, NULL);
	if (!value && *equals)
		value = json_string(equals + 1);
	if (value)
		rc = set(jobspec, path, value, err);
	else
		rc = proto_error_set(err, EINVAL, "'%.80s': the value is not "
				     "UTF-8", path);
	free(path);
	return rc;
}

int jobspec_setattr_arg(json_t *jobspec, const char *arg,
			struct proto_error *err)
{
	return set_arg(jobspec_setattr, jobspec, arg, err);
}

int jobspec_setopt_arg(json_t *jobspec, const char *arg,
		       struct proto_error *err)
{
	return set_arg(jobspec_setopt, jobspec, arg, err);
}

json_t *jobspec_environment(char *const *environ)
{
	json_t *env = json_object();

	for (; env && *environ; environ++) {
		const char *equals = strchr(*environ, '=');
		json_t *value = equals ? json_string(equals + 1) : NULL;
		char *name;

		if (!value || equals == *environ) {
			json_decref(value);
			continue;
		}
		name = strndup(*environ, equals - *environ);
		if (name)
			json_object_set(env, name, value);
		json_decref(value);
		free(name);
	}
	return env;
}
