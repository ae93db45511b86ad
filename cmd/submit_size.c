/* SPDX-License-Identifier: Apache-2.0 */
/* How large a job is, said by its resources: --cores, --tasks-per-node,
 * --tasks-per-core, --gpus-per-node, --resources-json. weir-submit(1). */
#include "config.h"

#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/jobspec.h"

static const char *first_given(const struct submit_size *size)
{
	return size->cores ? "--cores" :
	       size->tasks_per_node ? "--tasks-per-node" :
	       size->tasks_per_core ? "--tasks-per-core" : "--gpus-per-node";
}

bool submit_by_resource(const struct submit_options *o)
{
	const struct submit_size *size = &o->size;

	return size->cores || size->tasks_per_node || size->tasks_per_core ||
	       size->gpus_per_node;
}

static void check(const struct submit_options *o)
{
	const struct submit_size *size = &o->size;

	if (o->ntasks || o->cores_per_task || o->gpus_per_task)
		fail("Per-resource options can't be used with per-task "
		     "options: %s with %s", first_given(size), o->ntasks ?
		     "--ntasks" : o->cores_per_task ? "--cores-per-task" :
		     "--gpus-per-task");
	if (size->tasks_per_node && size->tasks_per_core)
		fail("--tasks-per-node and --tasks-per-core can't be used "
		     "together");
	if (!o->nnodes && size->gpus_per_node)
		fail("--gpus-per-node can only be set with a node count");
	if (!o->nnodes && !size->cores)
		fail("%s: needs --cores or --nodes", first_given(size));
	if (!o->nnodes || !size->cores)
		return;
	if (size->cores % o->nnodes)
		fail("--cores: '%d' is no multiple of the node count, %d",
		     size->cores, o->nnodes);
}

/*
 * A slot is a node's part of the cores when there are nodes, so that tasks
 * and gpus are counted by the node; else it is a core.
 */
void submit_size(const struct submit_options *o, struct jobspec_request *r)
{
	check(o);
	r->ntasks = o->nnodes ? o->nnodes : o->size.cores;
	r->cores_per_task = o->nnodes && o->size.cores ?
			    o->size.cores / o->nnodes : 1;
	r->gpus_per_task = o->size.gpus_per_node;
	r->exclusive = o->exclusive || (o->nnodes && !o->size.cores);
}

/* One task a core, when cores were asked for, unless it is said otherwise. */
void submit_size_tasks(const struct submit_options *o, json_t *jobspec)
{
	const struct submit_size *size = &o->size;
	int count = size->tasks_per_node ? size->tasks_per_node :
		    size->tasks_per_core;
	struct proto_error error;

	if (!count && o->nnodes && size->cores)
		count = 1;
	if (!count)
		return;
	if (jobspec_setopt(jobspec, "per-resource", json_pack("{s:s s:i}",
			   "type", size->tasks_per_node ? "node" : "core",
			   "count", count), &error) < 0)
		fail("%s: %s", first_given(size), error.text);
}

/* The label of the slot in a list of resources, or NULL. */
static const char *slot_label(const json_t *list)
{
	const char *type, *label = NULL;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		type = json_string_value(json_object_get(item, "type"));
		label = type && !strcmp(type, "slot") ?
			json_string_value(json_object_get(item, "label")) :
			slot_label(json_object_get(item, "with"));
		if (label)
			break;
	}
	return label;
}

/* A task for each slot. */
void submit_resources_json(json_t *jobspec, const char *path)
{
	json_t *tasks = json_object_get(jobspec, "tasks"), *resources;
	struct proto_error error;
	struct jobspec *spec;
	json_error_t where;
	const char *label;

	resources = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	if (!resources)
		fail("--resources-json: '%s': %s", path, where.text);
	label = json_is_array(resources) ? slot_label(resources) : NULL;
	if (!label)
		fail("--resources-json: '%s': must be an array of resources "
		     "with a slot that has a label", path);
	json_object_set_new(json_array_get(tasks, 0), "slot",
			    json_string(label));
	json_object_set_new(json_array_get(tasks, 0), "count",
			    json_pack("{s:i}", "per_slot", 1));
	json_object_set_new(jobspec, "resources", resources);
	spec = jobspec_from_json(jobspec, &error);
	if (!spec)
		fail("--resources-json: '%s': %s", path, error.text);
	jobspec_destroy(spec);
}
