/* SPDX-License-Identifier: Apache-2.0 */
/* What the instance has and uses. See resource.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/resource.h"

const char *const resource_states[RESOURCE_SETS] = {
	[RESOURCE_ALL] = "all", [RESOURCE_DOWN] = "down",
	[RESOURCE_ALLOCATED] = "allocated", [RESOURCE_FREE] = "free",
	[RESOURCE_UP] = "up",
};

static struct resource_set *copy(const struct resource_set *set)
{
	struct resource_set *c = resource_set_copy(set);

	if (!c)
		die("out of memory");
	return c;
}

static struct idset *ranks(json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	struct proto_error error;
	struct idset *set = idset_decode(text ? text : "", &error);

	if (!set)
		die("resource.sched-status: %s: %s", name, error.text);
	return set;
}

struct resource_status resource_ask(weir_t *h)
{
	struct resource_status s = { .drained = NULL };
	weir_future_t *f = weir_rpc(h, "resource.sched-status", NULL, 0, -1);
	struct proto_error error;
	const char *data;
	json_t *o;
	size_t len;
	int i;

	must(f, "resource.sched-status");
	data = weir_future_data(f, &len);
	o = data ? json_loadb(data, len, 0, NULL) : NULL;
	for (i = RESOURCE_ALL; i <= RESOURCE_ALLOCATED; i++) {
		json_t *r = json_object_get(o, resource_states[i]);

		s.set[i] = json_is_object(r) ?
			   resource_set_from_json(r, &error) :
			   resource_set_create();
		if (!s.set[i])
			die("resource.sched-status: %s: %s",
			    resource_states[i], error.text);
	}
	s.leaving = json_incref(json_object_get(o, "leaving"));
	s.drained = json_incref(json_object_get(o, "drained"));
	s.online = ranks(o, "online");
	s.housekeeping = ranks(o, "housekeeping");
	json_decref(o);
	weir_future_destroy(f);
	s.set[RESOURCE_UP] = copy(s.set[RESOURCE_ALL]);
	if (resource_set_subtract(s.set[RESOURCE_UP],
				  s.set[RESOURCE_DOWN]) < 0)
		die("out of memory");
	s.set[RESOURCE_FREE] = copy(s.set[RESOURCE_UP]);
	if (resource_set_subtract(s.set[RESOURCE_FREE],
				  s.set[RESOURCE_ALLOCATED]) < 0)
		die("out of memory");
	return s;
}

void resource_status_free(struct resource_status *s)
{
	int i;

	for (i = 0; i < RESOURCE_SETS; i++)
		resource_set_destroy(s->set[i]);
	idset_destroy(s->online);
	idset_destroy(s->housekeeping);
	json_decref(s->drained);
	json_decref(s->leaving);
}

struct resource_set *resource_ask_one(weir_t *h, const char *state)
{
	struct resource_status s = resource_ask(h);
	struct resource_set *set = copy(s.set[resource_state(state)]);

	resource_status_free(&s);
	return set;
}

int resource_state(const char *word)
{
	int i;

	for (i = 0; i < RESOURCE_SETS; i++)
		if (!strcmp(word, resource_states[i]))
			return i;
	die("Invalid resource state %s specified (one of all, up, down, free, "
	    "allocated)", word);
}

size_t resource_nnodes(const struct resource_set *set)
{
	struct idset *ranks = resource_set_ranks(set);
	size_t n = ranks ? idset_count(ranks) : 0;

	idset_destroy(ranks);
	return n;
}
