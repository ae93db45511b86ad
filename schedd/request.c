/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical jobspec to a request. See request.h. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_check.h"
#include "proto/yaml_json.h"
#include "schedd/request.h"

#define DURATION_MAX	1e10	/* seconds */

struct reader {
	const struct graph *g;
	struct request *r;
	struct proto_error *err;
};

/* What the items of a list have from above. */
struct above {
	char path[JSON_PATH_SIZE];
	bool exclusive;		/* in a slot, or under what is exclusive */
	bool by_node;		/* a node was asked for, or will be tried */
	int depth;
};

static int no_memory(struct reader *r)
{
	return proto_error_set(r->err, ENOMEM, "out of memory");
}

static void field(const struct above *a, const char *key,
		  char path[JSON_PATH_SIZE])
{
	snprintf(path, JSON_PATH_SIZE, "%.130s.%s", a->path, key);
}

/* ---- units ---- */

static double unit_factor(const char *unit)
{
	static const char prefixes[] = "kMGTPE";
	const char *p = *unit == 'K' ? prefixes : *unit ?
			strchr(prefixes, *unit) : NULL;
	double power;

	if (!strcmp(unit, "B"))
		return 1;
	if (!p)
		return 0;
	power = (double)(p - prefixes + 1);
	if (!strcmp(unit + 1, "iB"))
		return pow(1024, power);
	return !strcmp(unit + 1, "B") ? pow(1000, power) : 0;
}

/* The count in the unit that the graph has of the type. */
static int convert(struct reader *r, struct request_item *item,
		   const json_t *unit, const struct above *a)
{
	const struct vertex_type *t = &r->g->types[item->type];
	const struct vertex *v = &r->g->vertices[r->g->by_type[t->first]];
	const char *have = graph_string(r->g, r->g->units[v->unit]);
	const char *want = json_string_value(unit);
	char path[JSON_PATH_SIZE];
	double factor;

	field(a, "unit", path);
	if (!want)
		return json_must_be(r->err, path, "a string", unit);
	if (!*want || !*have || !strcmp(want, have))
		return 0;
	if (unit_factor(have) == 0 || unit_factor(want) == 0)
		return proto_error_set(r->err, EINVAL, "%s: '%.20s' is not "
				       "'%.20s', which the graph has", path,
				       want, have);
	factor = unit_factor(want) / unit_factor(have);
	if (item->count.set || item->count.op != '+')
		return proto_error_set(r->err, EINVAL, "%s: the count can't "
				       "be converted to %.20s", path, have);
	if ((double)item->count.min * factor > (double)REQUEST_COUNT_MAX)
		return proto_error_set(r->err, EINVAL, "%s: it is more than "
				       "can be counted", path);
	item->count.min = (int64_t)ceil((double)item->count.min * factor);
	if (item->count.max != REQUEST_ANY)
		item->count.max = (int64_t)fmin((double)REQUEST_COUNT_MAX,
				ceil((double)item->count.max * factor));
	item->count.operand = (int64_t)ceil((double)item->count.operand *
					    factor);
	return 0;
}

/* ---- items ---- */

static int read_type(struct reader *r, const json_t *json,
		     struct request_item *item, const struct above *a)
{
	json_t *type = json_object_get(json, "type");
	json_t *label = json_object_get(json, "label");
	const char *name = json_string_value(type);
	char path[JSON_PATH_SIZE];

	field(a, "type", path);
	if (!name || !*name)
		return json_must_be(r->err, path, "a type of resource", type);
	item->type = GRAPH_NONE;
	item->label = json_string_value(label);
	field(a, "label", path);
	if ((label && !item->label) || (item->label && !*item->label))
		return json_must_be(r->err, path, "a string that is not "
				    "empty", label);
	if (!strcmp(name, "slot")) {
		if (!label)
			return proto_error_set(r->err, EINVAL, "%s: is "
					       "missing", path);
		return 0;
	}
	item->type = graph_find_type(r->g, name);
	if (item->type != GRAPH_NONE && r->g->types[item->type].count)
		return 0;
	field(a, "type", path);
	return proto_error_set(r->err, EINVAL, "%s: the graph has no '%.60s'",
			       path, name);
}

static int read_exclusive(struct reader *r, const json_t *json,
			  struct request_item *item, const struct above *a)
{
	json_t *value = json_object_get(json, "exclusive");
	char path[JSON_PATH_SIZE];

	item->exclusive = a->exclusive || item->type == GRAPH_NONE;
	field(a, "exclusive", path);
	if (value && !json_is_boolean(value))
		return json_must_be(r->err, path, "true or false", value);
	if (json_is_false(value) && item->exclusive)
		return proto_error_set(r->err, EINVAL, "%s: what is above it "
				       "is exclusive", path);
	item->given = json_is_true(value);
	if (item->given && item->type == GRAPH_NONE)
		r->r->whole_nodes = true;
	item->exclusive |= item->given;
	return 0;
}

static int read_item(struct reader *r, const json_t *json,
		     struct request_item *item, const struct above *a)
{
	static const char *const keys[] = { "type", "count", "unit",
		"exclusive", "with", "label", "id", NULL };
	json_t *unit = json_object_get(json, "unit");
	json_t *ids = json_object_get(json, "id");
	char path[JSON_PATH_SIZE];
	struct proto_error inner;

	if (!json_is_object(json))
		return json_must_be(r->err, a->path, "an object", json);
	if (json_check_keys((json_t *)json, a->path, keys, r->err) < 0 ||
	    read_type(r, json, item, a) < 0 ||
	    read_exclusive(r, json, item, a) < 0)
		return -1;
	field(a, "count", path);
	if (request_count_parse(&item->count, json_object_get(json, "count"),
				path, r->err) < 0)
		return -1;
	if (unit && item->type != GRAPH_NONE &&
	    convert(r, item, unit, a) < 0)
		return -1;
	if (!ids)
		return 0;
	field(a, "id", path);
	if (!json_is_string(ids))
		return json_must_be(r->err, path, "an idset in a string",
				    ids);
	item->ids = idset_decode(json_string_value(ids), &inner);
	if (!item->ids)
		return proto_error_set(r->err, errno, "%s: %s", path,
				       inner.text);
	return 0;
}

/* Whether ITEM's vertices all are beneath nodes; of a slot, whether some of
 * what is in it is, and nothing has nodes in it. */
static bool is_beneath_nodes(const struct reader *r,
			     const struct request_item *item)
{
	bool some = false;

	if (item->type != GRAPH_NONE)
		return r->g->types[item->type].below_node;
	for (uint32_t i = 0; i < item->children; i++) {
		const struct request_item *c = &r->r->items[item->first + i];

		if (c->type != GRAPH_NONE && r->g->types[c->type].above_node)
			return false;
		some |= is_beneath_nodes(r, c);
	}
	return some;
}

static int read_list(struct reader *r, json_t *list, const struct above *a,
		     uint32_t *first, uint32_t *count);

static int add_slots(struct request_item *item,
		     const struct request_item *slot)
{
	int64_t n;

	if (__builtin_mul_overflow(slot->count.min,
				   slot->slots ? slot->slots : 1, &n) ||
	    __builtin_add_overflow(item->slots, n, &item->slots) ||
	    item->slots > REQUEST_COUNT_MAX)
		return -1;
	return 0;
}

/* What one of item I needs, from what those beneath it do. */
static int sum_needs(struct reader *r, uint32_t i, const struct above *a)
{
	struct request_item *item = &r->r->items[i];
	const struct vertex_type *t = item->type == GRAPH_NONE ? NULL :
				      &r->g->types[item->type];

	item->plain = t && t->unit_size && t->tracked >= 0 && !item->ids &&
		item->count.min == item->count.max && !item->children;
	item->flat = true;
	if (t && t->tracked >= 0)
		item->need[t->tracked] = 1;
	for (uint32_t c = item->first; c < item->first + item->children; c++) {
		const struct request_item *child = &r->r->items[c];
		bool slot = child->type == GRAPH_NONE;

		if (!child->plain && !(slot && child->flat &&
		    child->count.min == child->count.max))
			item->flat = false;
		if (slot && add_slots(item, child) < 0)
			return proto_error_set(r->err, EINVAL, "%s.with: more "
				"slots than can be counted", a->path);
		for (unsigned k = 0; k < r->g->tracked; k++) {
			int64_t n;

			if (__builtin_mul_overflow(child->need[k],
						   child->count.min, &n) ||
			    __builtin_add_overflow(item->need[k], n,
						   &item->need[k]) ||
			    item->need[k] > REQUEST_COUNT_MAX)
				return proto_error_set(r->err, EINVAL,
					"%s.with: it is more than can be "
					"counted", a->path);
		}
	}
	return 0;
}

static int read_beneath(struct reader *r, uint32_t i, const json_t *json,
			const struct above *a)
{
	struct request_item *item = &r->r->items[i];
	struct above b = { .exclusive = item->exclusive,
			   .depth = a->depth + 1 };
	json_t *with = json_object_get(json, "with");
	uint32_t first = 0, count = 0;

	if (!with && item->type == GRAPH_NONE)
		return proto_error_set(r->err, EINVAL, "%s.with: is missing",
				       a->path);
	field(a, "with", b.path);
	b.by_node = a->by_node || item->type == r->g->node_type ||
		(item->type != GRAPH_NONE &&
		 !r->g->types[item->type].above_node);
	if (with && read_list(r, with, &b, &first, &count) < 0)
		return -1;
	item = &r->r->items[i];		/* it may have moved */
	item->first = first;
	item->children = count;
	item->by_node = !a->by_node && item->type != r->g->node_type &&
		is_beneath_nodes(r, item);
	return sum_needs(r, i, a);
}

/* Items of one list are side by side: first all of it, then what is beneath
 * each. */
static int read_list(struct reader *r, json_t *list, const struct above *a,
		     uint32_t *first, uint32_t *count)
{
	struct request *req = r->r;
	size_t n = json_array_size(list);
	struct request_item *items;
	struct above b = *a;

	if (!json_is_array(list) || !n)
		return json_must_be(r->err, a->path, "an array of resources",
				    list);
	if (a->depth > REQUEST_DEPTH_MAX)
		return proto_error_set(r->err, EINVAL, "%.60s...: nested "
				       "deeper than %d levels", a->path,
				       REQUEST_DEPTH_MAX);
	if (n > REQUEST_ITEMS_MAX || req->count + n > REQUEST_ITEMS_MAX)
		return proto_error_set(r->err, EINVAL, "%s: more than %d "
				       "resources", a->path,
				       REQUEST_ITEMS_MAX);
	items = reallocarray(req->items, req->count + n, sizeof(*items));
	if (!items)
		return no_memory(r);
	req->items = items;
	memset(items + req->count, 0, n * sizeof(*items));
	*first = req->count;
	*count = (uint32_t)n;
	req->count += (uint32_t)n;
	if (n > 1)
		req->lone = false;
	for (size_t i = 0; i < n; i++) {
		snprintf(b.path, sizeof(b.path), "%.130s[%zu]", a->path, i);
		if (read_item(r, json_array_get(list, i),
			      &req->items[*first + i], &b) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		snprintf(b.path, sizeof(b.path), "%.130s[%zu]", a->path, i);
		if (read_beneath(r, *first + (uint32_t)i,
				 json_array_get(list, i), &b) < 0)
			return -1;
	}
	return 0;
}

/* ---- the rest of a jobspec ---- */

static bool has_label(const struct request *req, const char *label)
{
	for (uint32_t i = 0; i < req->count; i++)
		if (req->items[i].label &&
		    !strcmp(req->items[i].label, label))
			return true;
	return false;
}

static int check_labels(struct reader *r)
{
	const struct request *req = r->r;

	for (uint32_t i = 0; i < req->count; i++)
		for (uint32_t j = 0; j < i && req->items[i].label; j++)
			if (req->items[j].label &&
			    !strcmp(req->items[i].label, req->items[j].label))
				return proto_error_set(r->err, EINVAL,
					"resources: two have the label '%.40s'",
					req->items[i].label);
	return 0;
}

static int check_tasks(struct reader *r, json_t *tasks)
{
	static const char *const keys[] = { "command", "slot", "count",
		"distribution", "attributes", NULL };
	char path[JSON_PATH_SIZE];
	json_t *task;
	size_t i;

	if (!json_is_array(tasks))
		return json_must_be(r->err, "tasks", "an array", tasks);
	json_array_foreach(tasks, i, task) {
		json_t *slot = json_object_get(task, "slot");

		snprintf(path, sizeof(path), "tasks[%zu]", i);
		if (!json_is_object(task))
			return json_must_be(r->err, path, "an object", task);
		if (json_check_keys(task, path, keys, r->err) < 0)
			return -1;
		snprintf(path, sizeof(path), "tasks[%zu].slot", i);
		if (!json_is_string(slot) ||
		    !has_label(r->r, json_string_value(slot)))
			return json_must_be(r->err, path, "the label of a "
					    "slot", slot);
	}
	return 0;
}

static int read_constraints(struct reader *r, json_t *json)
{
	json_t *query = NULL;

	if (!json || json_is_null(json))
		return 0;
	if (json_is_string(json)) {
		query = constraint_query(json_string_value(json),
					 "properties", r->err);
		if (!query)
			return -1;
	}
	r->r->constraint = constraint_create(r->g, query ? query : json, NULL,
					     NULL, r->err);
	json_decref(query);
	return r->r->constraint ? 0 : -1;
}

static int read_attributes(struct reader *r, json_t *attributes)
{
	static const char *const keys[] = { "system", "user", NULL };
	json_t *system = json_object_get(attributes, "system");
	json_t *duration = json_object_get(system, "duration");
	double seconds = json_number_value(duration);

	if (attributes && !json_is_object(attributes) &&
	    !json_is_null(attributes))
		return json_must_be(r->err, "attributes", "an object",
				    attributes);
	if (json_is_object(attributes) &&
	    json_check_keys(attributes, "attributes", keys, r->err) < 0)
		return -1;
	if (system && !json_is_object(system))
		return json_must_be(r->err, "attributes.system", "an object",
				    system);
	if (duration && (!json_is_number(duration) ||
	    !(seconds >= 0 && seconds <= DURATION_MAX)))
		return json_must_be(r->err, "attributes.system.duration",
				    "a number of seconds from 0 to 1e10",
				    duration);
	r->r->duration = (int64_t)ceil(seconds);
	return read_constraints(r, json_object_get(system, "constraints"));
}

static int total_needs(struct reader *r)
{
	struct request *req = r->r;

	for (uint32_t i = 0; i < req->top; i++)
		for (unsigned k = 0; k < r->g->tracked; k++) {
			int64_t n;

			if (__builtin_mul_overflow(req->items[i].need[k],
					req->items[i].count.min, &n) ||
			    __builtin_add_overflow(req->need[k], n,
						   &req->need[k]))
				return proto_error_set(r->err, EINVAL,
					"resources[%u]: it is more than can "
					"be counted", i);
		}
	return 0;
}

static int read_all(struct reader *r, json_t *json)
{
	static const char *const keys[] = { "version", "resources", "tasks",
					    "attributes", NULL };
	json_t *version = json_object_get(json, "version");
	struct above top = { .path = "resources" };
	uint32_t first;

	if (!json_is_object(json))
		return json_must_be(r->err, "jobspec", "an object", json);
	if (json_check_keys(json, "", keys, r->err) < 0)
		return -1;
	if (!json_is_integer(version) || json_integer_value(version) < 1 ||
	    json_integer_value(version) > 9999)
		return json_must_be(r->err, "version", "an integer from 1 to "
				    "9999", version);
	r->r->lone = true;
	if (read_list(r, json_object_get(json, "resources"), &top, &first,
		      &r->r->top) < 0 ||
	    check_labels(r) < 0 ||
	    check_tasks(r, json_object_get(json, "tasks")) < 0 ||
	    read_attributes(r, json_object_get(json, "attributes")) < 0)
		return -1;
	return total_needs(r);
}

char *request_key(const json_t *jobspec)
{
	json_t *system = json_object_get(json_object_get(jobspec,
							 "attributes"),
					 "system");
	json_t *json = json_pack("[O, O*]",
				 json_object_get(jobspec, "resources"),
				 json_object_get(system, "constraints"));
	char *key = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) :
		    NULL;

	json_decref(json);
	if (!key)
		errno = ENOMEM;
	return key;
}

struct request *request_create(const struct graph *g, json_t *jobspec,
			       struct proto_error *err)
{
	struct request *req = calloc(1, sizeof(*req));
	struct reader r = { .g = g, .r = req, .err = err };

	if (!req) {
		no_memory(&r);
		return NULL;
	}
	req->json = json_incref(jobspec);
	if (read_all(&r, jobspec) == 0) {
		req->key = request_key(jobspec);
		if (req->key)
			return req;
		no_memory(&r);
	}
	request_destroy(req);
	return NULL;
}

struct request *request_parse(const struct graph *g, const char *text,
			      size_t len, struct proto_error *err)
{
	json_t *json = yaml_to_json(text, len, err);
	struct request *req = json ? request_create(g, json, err) : NULL;

	json_decref(json);
	return req;
}

void request_destroy(struct request *req)
{
	int saved = errno;

	if (req) {
		for (uint32_t i = 0; i < req->count; i++) {
			idset_destroy(req->items[i].ids);
			idset_destroy(req->items[i].count.set);
		}
		free(req->items);
		free(req->key);
		constraint_destroy(req->constraint);
		json_decref(req->json);
		free(req);
	}
	errno = saved;
}
