/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resources of a canonical jobspec: vertices of any types nested in each
 * other, with a slot somewhere among them. See jobspec_canonical.h and
 * weir-jobspec(5).
 *
 * Which types there are, and what a count in a text means, is known where
 * there is a graph: schedd/request.c. The walk is as deep as a jobspec may be
 * nested.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "proto/jobspec_canonical.h"
#include "proto/json_check.h"

/* Where a vertex is. */
struct place {
	char path[JSON_PATH_SIZE];
	int count;		/* of those above, in total */
	int in_node, in_slot;	/* in each node, in each slot; 0: in none */
	bool fixed;		/* no count above may be greater */
};

struct tree {
	struct jobspec *spec;
	const char *label;
	struct proto_error *err;
};

static void field(const struct place *p, const char *name,
		  char path[JSON_PATH_SIZE])
{
	snprintf(path, JSON_PATH_SIZE, "%.130s.%s", p->path, name);
}

/* ---- counts ---- */

static int get_integer(json_t *value, const char *path, int least, int *n,
		       struct proto_error *err)
{
	json_int_t i = json_integer_value(value);
	char what[40];

	snprintf(what, sizeof(what), "an integer >= %d", least);
	if (!json_is_integer(value) || i < least)
		return json_must_be(err, path, what, value);
	if (i > JOBSPEC_COUNT_MAX)
		return json_must_be(err, path, "at most 2147483647", value);
	*n = (int)i;
	return 0;
}

/* {min, max, operator, operand}. */
static int get_range(json_t *o, const char *path, int *min, bool *fixed,
		     struct proto_error *err)
{
	static const char *const keys[] = { "min", "max", "operator",
					    "operand", NULL };
	json_t *max = json_object_get(o, "max");
	json_t *operator = json_object_get(o, "operator");
	json_t *operand = json_object_get(o, "operand");
	const char *op = operator ? json_string_value(operator) : "+";
	char field[JSON_PATH_SIZE];
	int most, n;

	if (json_check_keys(o, path, keys, err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.140s.operator", path);
	if (!op || strlen(op) != 1 || !strchr("+*^", *op))
		return json_must_be(err, field, "\"+\", \"*\" or \"^\"",
				    operator);
	snprintf(field, sizeof(field), "%.140s.min", path);
	if (get_integer(json_object_get(o, "min"), field, *op == '^' ? 2 : 1,
			min, err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.140s.operand", path);
	if (operand && get_integer(operand, field, *op == '+' ? 1 : 2, &n,
				   err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.140s.max", path);
	if (max && get_integer(max, field, *min, &most, err) < 0)
		return -1;
	*fixed = max && most == *min;
	return 0;
}

/* "4-8:2", "2,4,8": the first number is the least. */
static int get_text(json_t *value, const char *path, int *min,
		    struct proto_error *err)
{
	const char *p = json_string_value(value);
	long long n = 0;

	p += *p == '[';
	for (; *p >= '0' && *p <= '9' && n <= JOBSPEC_COUNT_MAX; p++)
		n = n * 10 + (*p - '0');
	if (n < 1 || n > JOBSPEC_COUNT_MAX || (*p && !strchr("-+:,]", *p)))
		return json_must_be(err, path, "a range or set of numbers "
				    ">= 1", value);
	*min = (int)n;
	return 0;
}

static int get_count(json_t *value, const char *path, int *min, bool *fixed,
		     struct proto_error *err)
{
	*fixed = json_is_integer(value);
	if (json_is_object(value))
		return get_range(value, path, min, fixed, err);
	if (json_is_string(value))
		return get_text(value, path, min, err);
	if (!*fixed)
		return json_must_be(err, path, "an integer, a range or a set",
				    value);
	return get_integer(value, path, 1, min, err);
}

/* ---- vertices ---- */

static int multiply(struct tree *t, const struct place *p, int *n, int by)
{
	if (!__builtin_mul_overflow(*n, by, n))
		return 0;
	return proto_error_set(t->err, EINVAL, "%.130s.count: more than %d in "
			       "total", p->path, JOBSPEC_COUNT_MAX);
}

static int add(struct tree *t, const struct place *p, int *sum, int n)
{
	if (!__builtin_add_overflow(*sum, n, sum))
		return 0;
	return proto_error_set(t->err, EINVAL, "%.130s.count: more than %d in "
			       "total", p->path, JOBSPEC_COUNT_MAX);
}

/* What all vertices have in common but type and count. */
static int check_vertex(struct tree *t, json_t *vertex, const struct place *p)
{
	static const char *const keys[] = { "type", "count", "unit",
		"exclusive", "with", "label", "id", NULL };
	static const char *const texts[] = { "unit", "label", "id" };
	json_t *whole = json_object_get(vertex, "exclusive");
	char path[JSON_PATH_SIZE];

	if (json_check_keys(vertex, p->path, keys, t->err) < 0)
		return -1;
	for (int i = 0; i < 3; i++) {
		json_t *text = json_object_get(vertex, texts[i]);

		field(p, texts[i], path);
		if (text && !json_string_length(text))
			return json_must_be(t->err, path, "a string that is "
					    "not empty", text);
	}
	field(p, "exclusive", path);
	if (whole && !json_is_boolean(whole))
		return json_must_be(t->err, path, "true or false", whole);
	t->spec->exclusive |= json_is_true(whole);
	return 0;
}

static int take_slot(struct tree *t, json_t *slot, struct place *p)
{
	char path[JSON_PATH_SIZE];

	field(p, "type", path);
	if (t->label)
		return proto_error_set(t->err, EINVAL, "%s: there is a slot "
				       "already, a job has one kind", path);
	field(p, "label", path);
	t->label = json_string_value(json_object_get(slot, "label"));
	if (!t->label)
		return json_must_be(t->err, path, "a string that is not "
				    "empty", NULL);
	field(p, "with", path);
	if (!json_object_get(slot, "with"))
		return json_must_be(t->err, path, "an array of what is in a "
				    "slot", NULL);
	t->spec->nslots = p->count;
	t->spec->slot.moldable = !p->fixed;
	t->spec->slot.per_node = p->fixed ? p->in_node : 0;
	p->in_slot = 1;
	return 0;
}

static int take_type(struct tree *t, json_t *vertex, const char *type,
		     struct place *p)
{
	struct jobspec *spec = t->spec;

	if (!strcmp(type, "slot"))
		return take_slot(t, vertex, p);
	if (!strcmp(type, "core") && p->in_slot)
		return add(t, p, &spec->slot.cores, p->in_slot);
	if (!strcmp(type, "gpu") && p->in_slot)
		return add(t, p, &spec->slot.gpus, p->in_slot);
	if (strcmp(type, "node"))
		return 0;
	if (p->in_slot && add(t, p, &spec->slot.nodes, p->in_slot) < 0)
		return -1;
	p->in_node = 1;
	return add(t, p, &spec->nnodes, p->count);
}

static int walk(struct tree *t, json_t *list, const struct place *above);

static int walk_vertex(struct tree *t, json_t *vertex, struct place *p)
{
	json_t *type = json_object_get(vertex, "type");
	json_t *with = json_object_get(vertex, "with");
	char path[JSON_PATH_SIZE];
	bool fixed;
	int min;

	if (!json_is_object(vertex))
		return json_must_be(t->err, p->path, "an object", vertex);
	field(p, "type", path);
	if (!json_string_length(type))
		return json_must_be(t->err, path, "a type of resource", type);
	field(p, "count", path);
	if (check_vertex(t, vertex, p) < 0 ||
	    get_count(json_object_get(vertex, "count"), path, &min, &fixed,
		      t->err) < 0)
		return -1;
	p->fixed &= fixed;
	if (multiply(t, p, &p->count, min) < 0 ||
	    (p->in_node && multiply(t, p, &p->in_node, min) < 0) ||
	    (p->in_slot && multiply(t, p, &p->in_slot, min) < 0) ||
	    take_type(t, vertex, json_string_value(type), p) < 0)
		return -1;
	if (!with)
		return 0;
	field(p, "with", path);
	snprintf(p->path, sizeof(p->path), "%.*s", JSON_PATH_SIZE - 1, path);
	return walk(t, with, p);
}

static int walk(struct tree *t, json_t *list, const struct place *above)
{
	json_t *vertex;
	size_t i;

	if (!json_array_size(list))
		return json_must_be(t->err, above->path, "an array of "
				    "resources", list);
	json_array_foreach(list, i, vertex) {
		struct place p = *above;

		snprintf(p.path, sizeof(p.path), "%.120s[%zu]", above->path,
			 i);
		if (walk_vertex(t, vertex, &p) < 0)
			return -1;
	}
	return 0;
}

int jobspec_take_canonical(struct jobspec *spec, json_t *resources,
			   const char **label, struct proto_error *err)
{
	struct place top = { .path = "resources", .count = 1, .fixed = true };
	struct tree t = { .spec = spec, .err = err };
	int total;

	if (walk(&t, resources, &top) < 0)
		return -1;
	if (!t.label)
		return proto_error_set(err, EINVAL, "resources: there is no "
				       "slot for tasks");
	*label = t.label;
	/* of slots that contain nodes other counts say nothing */
	if (spec->slot.nodes)
		spec->slot.cores = spec->slot.gpus = spec->slot.per_node = 0;
	if (__builtin_mul_overflow(spec->nslots, spec->slot.cores, &total) ||
	    __builtin_mul_overflow(spec->nslots, spec->slot.gpus, &total))
		return proto_error_set(err, EINVAL, "resources: more than %d "
				       "cores or gpus in total",
				       JOBSPEC_COUNT_MAX);
	return 0;
}
