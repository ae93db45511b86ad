/* SPDX-License-Identifier: Apache-2.0 */
/* Demands by their text: see demand.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/demand.h"

void node_filter_set(struct node_filter *filter, json_t *json)
{
	constraint_destroy(filter->made);
	json_decref(filter->json);
	*filter = (struct node_filter) { .json = json };
}

/* FNV-1a */
static size_t hash_of(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return (size_t)h;
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

static int grow(struct demands *d)
{
	size_t size = d->size ? d->size * 2 : 64, i;
	struct demand **table = calloc(size, sizeof(struct demand *)), *next;

	if (!table)
		return -1;
	for (i = 0; i < d->size; i++)
		for (struct demand *x = d->table[i]; x; x = next) {
			next = x->chain;
			x->chain = table[x->hash & (size - 1)];
			table[x->hash & (size - 1)] = x;
		}
	free(d->table);
	d->table = table;
	d->size = size;
	return 0;
}

static struct demand *add(struct demands *d, size_t hash, char *key,
			  json_t *json)
{
	struct demand *new = NULL;

	if (d->count < d->size || grow(d) == 0)
		new = calloc(1, sizeof(*new));
	if (!new)
		return NULL;
	*new = (struct demand) { .home = d, .hash = hash, .key = key, .json = json,
		.chain = d->table[hash & (d->size - 1)] };
	d->table[hash & (d->size - 1)] = new;
	d->count++;
	return new;
}

struct demand *demand_get(struct demands *d, json_t *jobspec)
{
	json_t *json = part_of(jobspec);
	char *key = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) :
		    NULL;
	size_t hash = key ? hash_of(key) : 0;
	struct demand *found = NULL;

	if (key && d->size)
		for (found = d->table[hash & (d->size - 1)]; found;
		     found = found->chain)
			if (found->hash == hash && !strcmp(found->key, key))
				break;
	if (key && !found) {
		found = add(d, hash, key, json);
		if (found) {
			found->users = 1;
			return found;
		}
		errno = ENOMEM;
	} else if (found) {
		found->users++;
	}
	free(key);
	json_decref(json);
	return found;
}

static void destroy(struct demand *demand)
{
	request_destroy(demand->request);
	json_decref(demand->json);
	free(demand->key);
	free(demand);
}

void demand_release(struct demand *demand)
{
	struct demands *d = demand ? demand->home : NULL;
	struct demand **p;

	if (!demand)
		return;
	assert(demand->users > 0);
	if (--demand->users > 0)
		return;
	p = &d->table[demand->hash & (d->size - 1)];
	while (*p != demand)
		p = &(*p)->chain;
	*p = demand->chain;
	d->count--;
	destroy(demand);
}

void demands_fini(struct demands *d)
{
	assert(d->count == 0);
	free(d->table);
	d->table = NULL;
	d->size = 0;
}

struct request *demand_request(struct demand *demand, const struct graph *g,
			       uint64_t generation)
{
	if (demand->generation != generation) {
		request_destroy(demand->request);
		demand->request = request_create(g, demand->json,
						 &demand->wrong);
		demand->generation = generation;
		demand->asked = NULL;
	}
	if (!demand->request)
		errno = EINVAL;
	return demand->request;
}
