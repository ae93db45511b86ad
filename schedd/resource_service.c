/* SPDX-License-Identifier: Apache-2.0 */
/* resource.sched-status: what there is, is down, is in use. weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/schedd.h"

static const struct {
	const char *name;
	enum resources_part part;
} parts[] = {
	{ "all", RESOURCES_ALL },
	{ "down", RESOURCES_DOWN },
	{ "allocated", RESOURCES_ALLOCATED },
};

/* The ranks of the nodes that are there, as an idset. */
static json_t *online(struct schedd *s)
{
	struct resource_set *all = resources_part(s->resources,
						  RESOURCES_ALL);
	struct idset *ranks = idset_create();
	char *text = NULL;
	json_t *o;
	size_t i;

	for (i = 0; all && ranks && i < all->count; i++)
		if (resources_is_online(s->resources, all->nodes[i].rank) &&
		    idset_set(ranks, all->nodes[i].rank) < 0)
			break;
	if (all && ranks && i == all->count)
		text = idset_encode(ranks, 0);
	o = json_string(text);
	free(text);
	idset_destroy(ranks);
	resource_set_destroy(all);
	return o;
}

static json_t *housekeeping(struct schedd *s)
{
	struct idset *ranks = housekeeping_ranks(s);
	char *text = ranks ? idset_encode(ranks, 0) : NULL;
	json_t *o = json_string(text);

	free(text);
	idset_destroy(ranks);
	return o;
}

void do_sched_status(struct schedd *s, weir_call_t *call)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; o && i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct resource_set *set = resources_part(s->resources,
							  parts[i].part);
		json_t *R;

		if (set && parts[i].part == RESOURCES_ALL &&
		    resources_add_properties(s->resources, set) < 0) {
			resource_set_destroy(set);
			set = NULL;
		}
		R = set ? resource_set_to_json(set) : NULL;
		resource_set_destroy(set);
		if (json_object_set_new(o, parts[i].name, R) < 0) {
			json_decref(o);
			o = NULL;
		}
	}
	if (o && (json_object_set_new(o, "online", online(s)) < 0 ||
		  json_object_set_new(o, "housekeeping",
				      housekeeping(s)) < 0 ||
		  json_object_set_new(o, "leaving", resources_leaving(
			s->resources)) < 0 ||
		  json_object_set(o, "drained", s->drained) < 0)) {
		json_decref(o);
		o = NULL;
	}
	call_answer(call, o);
}
