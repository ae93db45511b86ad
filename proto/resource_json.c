/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON form of resource sets, R version 1: see weir-R(5). */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "proto/json_check.h"
#include "proto/resource_set.h"

/* An idset at PATH.KEY; *SET is NULL if it is absent and may be. */
static int get_idset(const json_t *object, const char *path, const char *key,
		     bool needed, struct idset **set, struct proto_error *err)
{
	json_t *value = json_object_get(object, key);
	struct proto_error inner;
	char field[JSON_PATH_SIZE];

	*set = NULL;
	if (!value && !needed)
		return 0;
	snprintf(field, sizeof(field), "%s.%.60s", path, key);
	if (!json_is_string(value))
		return json_must_be(err, field, "an idset in a string", value);
	*set = idset_decode(json_string_value(value), &inner);
	if (*set)
		return 0;
	return proto_error_set(err, errno, "%s: %s", field, inner.text);
}

/* Optional seconds since 1970 at execution.KEY. */
static int get_time(const json_t *execution, const char *key, double *time,
		    struct proto_error *err)
{
	json_t *value = json_object_get(execution, key);
	char field[JSON_PATH_SIZE];

	if (!value)
		return 0;
	snprintf(field, sizeof(field), "execution.%s", key);
	*time = json_number_value(value);
	if (json_is_number(value) && *time >= 0 && *time < 1e18)
		return 0;
	return json_must_be(err, field, "a number of seconds since 1970",
			    value);
}

/* ---- parsing: entries first, hosts are dealt out to the ranks later ---- */

struct entry {
	struct idset *ranks;
	struct idset *cores;
	struct idset *gpus;
};

struct parse {
	const json_t *execution;
	struct entry *entries;
	size_t count;
	struct idset *all;	/* ranks of all entries */
	struct hostlist *hosts;
	struct proto_error *err;
};

static int parse_entry(struct parse *p, const json_t *entry, size_t i)
{
	json_t *children = json_object_get(entry, "children");
	struct entry *e = &p->entries[i];
	char path[64];

	snprintf(path, sizeof(path), "execution.R_lite[%zu]", i);
	if (!json_is_object(entry))
		return json_must_be(p->err, path, "an object", entry);
	if (get_idset(entry, path, "rank", true, &e->ranks, p->err) < 0)
		return -1;
	if (idset_intersects(p->all, e->ranks))
		return proto_error_set(p->err, EINVAL, "%s.rank: a rank is "
				       "in another entry, too", path);
	if (idset_count(p->all) + idset_count(e->ranks) > RESOURCE_NODES_MAX)
		return proto_error_set(p->err, EINVAL, "%s.rank: more than %u "
				       "ranks", path, RESOURCE_NODES_MAX);
	snprintf(path, sizeof(path), "execution.R_lite[%zu].children", i);
	if (!json_is_object(children))
		return json_must_be(p->err, path, "an object", children);
	if (get_idset(children, path, "core", true, &e->cores, p->err) < 0 ||
	    get_idset(children, path, "gpu", false, &e->gpus, p->err) < 0)
		return -1;
	if (idset_add(p->all, e->ranks) < 0)
		return proto_error_set(p->err, ENOMEM, "out of memory");
	return 0;
}

static int parse_entries(struct parse *p)
{
	json_t *list = json_object_get(p->execution, "R_lite");

	if (!json_is_array(list))
		return json_must_be(p->err, "execution.R_lite", "an array",
				    list);
	p->all = idset_create();
	p->entries = calloc(json_array_size(list) + 1, sizeof(*p->entries));
	if (!p->all || !p->entries)
		return proto_error_set(p->err, ENOMEM, "out of memory");
	p->count = json_array_size(list);
	for (size_t i = 0; i < p->count; i++)
		if (parse_entry(p, json_array_get(list, i), i) < 0)
			return -1;
	return 0;
}

static int parse_nodelist(struct parse *p)
{
	json_t *list = json_object_get(p->execution, "nodelist");
	size_t ranks = idset_count(p->all);

	if (!json_is_array(list))
		return json_must_be(p->err, "execution.nodelist", "an array "
				    "of hostlists", list);
	p->hosts = hostlist_create();
	if (!p->hosts)
		return proto_error_set(p->err, ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *text = json_array_get(list, i);
		struct proto_error inner;
		char path[64];

		snprintf(path, sizeof(path), "execution.nodelist[%zu]", i);
		if (!json_is_string(text))
			return json_must_be(p->err, path, "a hostlist in a "
					    "string", text);
		if (hostlist_decode_append(p->hosts, json_string_value(text),
					   &inner) < 0)
			return proto_error_set(p->err, errno == ENOMEM ?
					       ENOMEM : EINVAL, "%s: %s", path,
					       inner.text);
	}
	if (hostlist_count(p->hosts) != ranks)
		return proto_error_set(p->err, EINVAL, "execution.nodelist: "
				       "%zu hosts for %zu ranks",
				       hostlist_count(p->hosts), ranks);
	return 0;
}

struct place {
	unsigned rank;
	size_t entry;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Nodes in ascending order of rank, each with its host. */
static int make_nodes(struct parse *p, struct resource_set *set)
{
	struct hostlist_iter it = { 0 };
	char host[HOSTLIST_NAME_SIZE];
	size_t n = 0, count = idset_count(p->all);
	struct place *places = calloc(count + 1, sizeof(*places));
	int rc = places ? 0 : -1;

	for (size_t i = 0; places && i < p->count; i++)
		for (unsigned r = idset_first(p->entries[i].ranks);
		     r != IDSET_NONE; r = idset_next(p->entries[i].ranks, r))
			places[n++] = (struct place){ r, i };
	if (places)
		qsort(places, count, sizeof(*places), compare_places);
	for (n = 0; n < count && rc == 0; n++) {
		const struct entry *e = &p->entries[places[n].entry];

		hostlist_next(p->hosts, &it, host);
		rc = resource_set_add(set, places[n].rank, host, e->cores,
				      e->gpus);
	}
	free(places);
	return rc == 0 ? 0 : proto_error_set(p->err, ENOMEM, "out of memory");
}

static int parse_properties(struct parse *p, struct resource_set *set)
{
	json_t *all = json_object_get(p->execution, "properties");
	const char *name;
	json_t *value;

	if (all && !json_is_object(all))
		return json_must_be(p->err, "execution.properties",
				    "an object", all);
	json_object_foreach(all, name, value) {
		struct idset *ranks;
		int rc;

		if (get_idset(all, "execution.properties", name, true, &ranks,
			      p->err) < 0)
			return -1;
		if (!idset_contains(p->all, ranks)) {
			idset_destroy(ranks);
			return proto_error_set(p->err, EINVAL, "execution."
					       "properties.%.60s: has a rank "
					       "that is not in R_lite", name);
		}
		rc = resource_set_add_property(set, name, ranks);
		idset_destroy(ranks);
		if (rc < 0)
			return proto_error_set(p->err, errno, "execution."
					       "properties.%.60s: not a name "
					       "of a property", name);
	}
	return 0;
}

static int parse_scalars(struct parse *p, struct resource_set *set)
{
	json_t *nslots = json_object_get(p->execution, "nslots");

	if (get_time(p->execution, "starttime", &set->starttime, p->err) < 0 ||
	    get_time(p->execution, "expiration", &set->expiration,
		     p->err) < 0)
		return -1;
	if (set->starttime > 0 && set->expiration > 0 &&
	    set->expiration <= set->starttime)
		return proto_error_set(p->err, EINVAL, "execution.expiration: "
				       "must be later than starttime");
	if (!nslots)
		return 0;
	if (!json_is_integer(nslots) || json_integer_value(nslots) < 1 ||
	    json_integer_value(nslots) > INT_MAX)
		return json_must_be(p->err, "execution.nslots",
				    "an integer from 1 to 2147483647", nslots);
	set->nslots = json_integer_value(nslots);
	return 0;
}

static int parse_set(const json_t *json, struct parse *p,
		     struct resource_set *set)
{
	json_t *version = json_object_get(json, "version");
	json_t *scheduling = json_object_get(json, "scheduling");

	if (!json_is_object(json))
		return json_must_be(p->err, "R", "an object", json);
	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return json_must_be(p->err, "version", "1", version);
	if (!json_is_object(p->execution))
		return json_must_be(p->err, "execution", "an object",
				    p->execution);
	if (scheduling && !json_is_object(scheduling))
		return json_must_be(p->err, "scheduling", "an object",
				    scheduling);
	set->scheduling = json_incref(scheduling);
	if (parse_entries(p) < 0 || parse_nodelist(p) < 0 ||
	    make_nodes(p, set) < 0 || parse_properties(p, set) < 0)
		return -1;
	return parse_scalars(p, set);
}

struct resource_set *resource_set_from_json(const json_t *json,
					    struct proto_error *err)
{
	struct resource_set *set = resource_set_create();
	struct parse p = { .err = err };

	if (!set) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	p.execution = json_object_get(json, "execution");
	if (parse_set(json, &p, set) < 0) {
		resource_set_destroy(set);
		set = NULL;
	}
	for (size_t i = 0; i < p.count; i++) {
		idset_destroy(p.entries[i].ranks);
		idset_destroy(p.entries[i].cores);
		idset_destroy(p.entries[i].gpus);
	}
	free(p.entries);
	idset_destroy(p.all);
	hostlist_destroy(p.hosts);
	return set;
}

struct resource_set *resource_set_parse(const char *text, size_t len,
					struct proto_error *err)
{
	struct resource_set *set;
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!json) {
		proto_error_set(err, EINVAL, "R: not JSON: line %d, column "
				"%d: %s", error.line, error.column,
				error.text);
		return NULL;
	}
	set = resource_set_from_json(json, err);
	json_decref(json);
	return set;
}

/* ---- encoding ---- */

static json_t *idset_json(const struct idset *set)
{
	char *text = idset_encode(set, 0);
	json_t *json = text ? json_string(text) : NULL;

	free(text);
	return json;
}

static bool same_children(const struct resource_node *a,
			  const struct resource_node *b)
{
	return idset_equal(a->cores, b->cores) &&
	       idset_equal(a->gpus, b->gpus);
}

/* A group of nodes with equal children. */
struct group {
	const struct resource_node *first;
	struct idset *ranks;
};

static int compare_children(const void *a, const void *b)
{
	const struct resource_node *x = *(const struct resource_node *const *)a;
	const struct resource_node *y = *(const struct resource_node *const *)b;
	int order = idset_compare(x->cores, y->cores);

	if (!order)
		order = idset_compare(x->gpus, y->gpus);
	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->first->rank > y->first->rank) -
	       (x->first->rank < y->first->rank);
}

/* Returns the number of groups, or -1. Sorting brings equal ones together;
 * the groups are then put in order of their lowest rank. */
static ssize_t make_groups(const struct resource_set *set,
			   struct group *groups)
{
	const struct resource_node **order =
		calloc(set->count + 1, sizeof(*order));
	ssize_t n = 0;

	if (!order)
		return -1;
	for (size_t i = 0; i < set->count; i++)
		order[i] = &set->nodes[i];
	qsort(order, set->count, sizeof(*order), compare_children);
	for (size_t i = 0; i < set->count; i++) {
		if (!n || !same_children(groups[n - 1].first, order[i]))
			groups[n++] = (struct group){ order[i],
						      idset_create() };
		if (!groups[n - 1].ranks ||
		    idset_set(groups[n - 1].ranks, order[i]->rank) < 0)
			break;
	}
	free(order);
	qsort(groups, n, sizeof(*groups), compare_groups);
	return n;
}

static json_t *encode_entries(const struct resource_set *set)
{
	struct group *groups = calloc(set->count + 1, sizeof(*groups));
	ssize_t n = groups ? make_groups(set, groups) : -1;
	json_t *list = json_array();

	for (ssize_t i = 0; i < n; i++) {
		const struct resource_node *node = groups[i].first;

		json_array_append_new(list, json_pack("{s:o, s:{s:o, s:o*}}",
			"rank", groups[i].ranks ?
				idset_json(groups[i].ranks) : NULL,
			"children", "core", idset_json(node->cores), "gpu",
			idset_empty(node->gpus) ? NULL :
				idset_json(node->gpus)));
		idset_destroy(groups[i].ranks);
	}
	free(groups);
	if (n < 0 || json_array_size(list) != (size_t)n) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* Of the ranks that are in the set; NULL if there are none. */
static json_t *encode_properties(const struct resource_set *set)
{
	struct idset *all = resource_set_ranks(set);
	json_t *object = json_object();

	for (size_t i = 0; all && i < set->property_count; i++) {
		struct idset *ranks =
			idset_intersect(set->properties[i].ranks, all);

		if (ranks && !idset_empty(ranks))
			json_object_set_new(object, set->properties[i].name,
					    idset_json(ranks));
		idset_destroy(ranks);
	}
	idset_destroy(all);
	if (!json_object_size(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* Whole seconds as an integer, as people write them. */
static json_t *encode_time(double time)
{
	return time == floor(time) ? json_integer(time) : json_real(time);
}

json_t *resource_set_to_json(const struct resource_set *set)
{
	char *nodelist = resource_set_nodelist(set);
	json_t *properties = encode_properties(set);
	json_t *json;

	json = json_pack("{s:i, s:{s:o, s:o, s:o*, s:o*, s:o, s:o}, s:O*}",
			 "version", 1, "execution",
			 "R_lite", encode_entries(set),
			 "nodelist", set->count ?
				json_pack("[s]", nodelist) : json_array(),
			 "nslots", set->nslots ?
				json_integer(set->nslots) : NULL,
			 "properties", properties,
			 "starttime", encode_time(set->starttime),
			 "expiration", encode_time(set->expiration),
			 "scheduling", set->scheduling);
	free(nodelist);
	if (!json)
		errno = ENOMEM;
	return json;
}

char *resource_set_encode(const struct resource_set *set)
{
	json_t *json = resource_set_to_json(set);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		errno = ENOMEM;
	return text;
}
