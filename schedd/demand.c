/* SPDX-License-Identifier: Apache-2.0 */
/* Demands by their text: see demand.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/demand.h"

void node_filter_set(struct node_filter *filter, json_t *json)
{
	static uint64_t last;

	constraint_destroy(filter->made);
	json_decref(filter->json);
	*filter = (struct node_filter) { .json = json,
					 .serial = json ? ++last : 0 };
}

static int by_key(const void *a, const void *b)
{
	const struct demand *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void destroy(struct demand *demand)
{
	request_destroy(demand->request);
	json_decref(demand->json);
	free(demand->key);
	free(demand);
}

/* The part of a jobspec that counts, as a jobspec. */
static json_t *part_of(json_t *jobspec)
{
	json_t *constraints = json_object_get(json_object_get(json_object_get(
		jobspec, "attributes"), "system"), "constraints");

	return json_pack("{s:i s:O s:[] s:{s:{s:O*}}}", "version", 1,
			 "resources", json_object_get(jobspec, "resources"),
			 "tasks", "attributes", "system", "constraints",
			 constraints);
}

/* KEY is taken, whatever comes of it. */
static struct demand *demand_new(struct demands *d, json_t *jobspec, char *key)
{
	struct demand *new = calloc(1, sizeof(*new));

	if (!new) {
		free(key);
		return NULL;
	}
	*new = (struct demand) { .home = d, .key = key,
				 .json = part_of(jobspec) };
	if (new->json && tsearch(new, &d->tree, by_key))
		return new;
	destroy(new);
	errno = ENOMEM;
	return NULL;
}

struct demand *demand_get(struct demands *d, json_t *jobspec)
{
	struct demand want = { .key = request_key(jobspec) }, *demand;
	struct demand **found;

	if (!want.key)
		return NULL;
	found = tfind(&want, &d->tree, by_key);
	demand = found ? *found : demand_new(d, jobspec, want.key);
	if (found)
		free(want.key);
	if (demand)
		demand->users++;
	return demand;
}

struct demand *demand_hold(struct demand *demand)
{
	demand->users++;
	return demand;
}

void demand_release(struct demand *demand)
{
	if (!demand)
		return;
	assert(demand->users > 0);
	if (--demand->users > 0)
		return;
	tdelete(demand, &demand->home->tree, by_key);
	destroy(demand);
}

struct request *demand_request(struct demand *demand, const struct graph *g,
			       uint64_t generation)
{
	if (demand->generation != generation) {
		request_destroy(demand->request);
		demand->request = request_create(g, demand->json,
						 &demand->wrong);
		demand->generation = generation;
	}
	if (!demand->request)
		errno = EINVAL;
	return demand->request;
}
