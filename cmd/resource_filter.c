/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes are of interest, by queue, rank and host; and what is said of
 * them. See resource.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/resource.h"
#include "proto/hostlist.h"

/* The object queues of the configuration; NULL: there are none. */
static json_t *ask_queues(weir_t *h)
{
	weir_future_t *f = weir_kvs_get(h, "primary", "config", NULL);
	json_t *config = NULL, *queues;
	const char *data;
	size_t len;

	if (f && weir_future_get(f) == 0 && (data = weir_future_data(f, &len)))
		config = json_loadb(data, len, 0, NULL);
	queues = json_incref(json_object_get(config, "queues"));
	json_decref(config);
	weir_future_destroy(f);
	return queues;
}

void resource_filter_init(struct resource_filter *f, weir_t *h,
			  const char *queues, const char *include)
{
	char *copy, *rest, *word;

	*f = (struct resource_filter){ queues, include, ask_queues(h) };
	if (!queues)
		return;
	copy = rest = xstrdup(queues);
	while ((word = strsep(&rest, ",")))
		if (!json_object_get(f->config, word))
			die("--queue: '%s': there is no such queue", word);
	free(copy);
}

void resource_filter_free(struct resource_filter *f)
{
	json_decref(f->config);
}

static bool has_property(const struct resource_set *all, const char *name,
			 unsigned rank)
{
	size_t i;

	for (i = 0; i < all->property_count; i++)
		if (!strcmp(all->properties[i].name, name))
			return idset_test(all->properties[i].ranks, rank);
	return false;
}

/* Whether NODE may run jobs of a queue that is configured by Q. */
static bool in_queue(const json_t *q, const struct resource_set *all,
		     const struct resource_node *node)
{
	const char *hosts = json_string_value(json_object_get(q, "hosts"));
	struct hostlist *list;
	bool found = true;
	json_t *name;
	size_t i;

	if (hosts && strcmp(hosts, "all")) {
		list = hostlist_decode(hosts, NULL);
		found = list && hostlist_find(list, node->host) >= 0;
		hostlist_destroy(list);
	}
	json_array_foreach(json_object_get(q, "requires"), i, name) {
		const char *text = json_string_value(name);
		bool not = text && *text == '^';

		found = found && text &&
			has_property(all, text + not, node->rank) != not;
	}
	return found;
}

char *resource_queues(const struct resource_filter *f,
		      const struct resource_set *all,
		      const struct resource_node *node)
{
	char *text = xstrdup(""), *more;
	const char *name;
	json_t *q;

	json_object_foreach(f->config, name, q) {
		if (!in_queue(q, all, node))
			continue;
		more = xasprintf("%s%s%s", text, *text ? "," : "", name);
		free(text);
		text = more;
	}
	return text;
}

/* A queue of that name requires it. */
static bool names_queue(const struct resource_filter *f, const char *property)
{
	json_t *list = json_object_get(json_object_get(f->config, property),
				       "requires"), *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (!strcmp(json_string_value(item) ?
			    json_string_value(item) : "", property))
			return true;
	return false;
}

char *resource_properties(const struct resource_filter *f,
			  const struct resource_set *all,
			  const struct resource_node *node, bool bare)
{
	char *text = xstrdup(""), *more;
	size_t i;

	for (i = 0; i < all->property_count; i++) {
		const struct resource_property *p = &all->properties[i];

		if (!idset_test(p->ranks, node->rank) ||
		    (bare && names_queue(f, p->name)))
			continue;
		more = xasprintf("%s%s%s", text, *text ? "," : "", p->name);
		free(text);
		text = more;
	}
	return text;
}

static bool in_queues(const struct resource_filter *f,
		      const struct resource_set *all,
		      const struct resource_node *node)
{
	char *copy, *rest, *word;
	bool found = false;

	if (!f->queues)
		return true;
	copy = rest = xstrdup(f->queues);
	while ((word = strsep(&rest, ",")))
		found |= in_queue(json_object_get(f->config, word), all, node);
	free(copy);
	return found;
}

/* Of the nodes that are in PART. */
static void copy_properties(struct resource_set *part,
			    const struct resource_set *all)
{
	struct idset *ranks = resource_set_ranks(part);
	size_t i;

	for (i = 0; ranks && i < all->property_count; i++) {
		const struct resource_property *p = &all->properties[i];
		struct idset *have = idset_intersect(ranks, p->ranks);

		if (!have ||
		    (!idset_empty(have) &&
		     resource_set_add_property(part, p->name, have) < 0))
			die("out of memory");
		idset_destroy(have);
	}
	if (!ranks)
		die("out of memory");
	idset_destroy(ranks);
}

struct resource_set *resource_filter_apply(const struct resource_filter *f,
					   const struct resource_set *set,
					   const struct resource_set *all)
{
	struct resource_set *part = resource_set_create();
	struct idset *ranks = f->include ? idset_decode(f->include, NULL) :
			      NULL;
	struct hostlist *hosts = NULL;
	struct proto_error error;
	size_t i;

	if (f->include && !ranks) {
		hosts = hostlist_decode(f->include, &error);
		if (!hosts)
			die("--include: '%s' is neither ranks nor hosts: %s",
			    f->include, error.text);
	}
	for (i = 0; part && i < set->count; i++) {
		const struct resource_node *n = &set->nodes[i];

		if ((ranks && !idset_test(ranks, n->rank)) ||
		    (hosts && hostlist_find(hosts, n->host) < 0) ||
		    !in_queues(f, all, n))
			continue;
		if (resource_set_add(part, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			die("out of memory");
	}
	if (!part)
		die("out of memory");
	copy_properties(part, all);
	idset_destroy(ranks);
	hostlist_destroy(hosts);
	return part;
}
