/* SPDX-License-Identifier: Apache-2.0 */
/* Constraints: checked, and asked of vertices. See constraint.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "proto/idset.h"
#include "proto/json_check.h"
#include "schedd/constraint.h"

struct constraint {
	const struct graph *g;
	const struct operator *op;
	const struct constraint_test *test;	/* of op NULL */
	void *arg;
	struct constraint **sub;	/* of and, or, not; NULL at the end */
	char **values;		/* of properties and tests; likewise */
	struct idset *ranks;
	struct strings hosts;
};

struct operator {
	const char *name;
	int (*take)(struct constraint *c, const json_t *values,
		    const char *path, struct proto_error *err);
	bool (*match)(const struct constraint *c, uint32_t v);
};

struct maker {
	const struct graph *g;
	const struct constraint_test *tests;
	void *arg;
	int depth;
};

static int no_memory(struct proto_error *err)
{
	return proto_error_set(err, ENOMEM, "out of memory");
}

/* ---- properties ---- */

static int take_strings(struct constraint *c, const json_t *values,
			const char *path, struct proto_error *err)
{
	json_t *item;
	size_t i;

	c->values = calloc(json_array_size(values) + 1, sizeof(*c->values));
	if (!c->values)
		return no_memory(err);
	json_array_foreach(values, i, item) {
		const char *s = json_string_value(item);

		if (!s || !*s || !strcmp(s, "^"))
			return json_must_be(err, path, "strings that are not "
					    "empty", item);
		c->values[i] = strdup(s);
		if (!c->values[i])
			return no_memory(err);
	}
	return 0;
}

/* NAME is there; NAME=VALUE is there with that value. */
static bool has(const struct graph *g, uint32_t v, const char *name)
{
	const char *equal = strchr(name, '='), *have = NULL;
	char key[GRAPH_NAME_SIZE];

	if (!equal)
		return graph_property(g, v, name);
	if (equal - name < GRAPH_NAME_SIZE) {
		snprintf(key, sizeof(key), "%.*s", (int)(equal - name), name);
		have = graph_property(g, v, key);
	}
	return have && !strcmp(have, equal + 1);
}

static bool match_properties(const struct constraint *c, uint32_t v)
{
	for (size_t i = 0; c->values[i]; i++) {
		const char *name = c->values[i];

		if (has(c->g, v, name + (*name == '^')) == (*name == '^'))
			return false;
	}
	return true;
}

/* ---- hosts and ranks ---- */

static int add_hosts(struct constraint *c, const char *text, const char *path,
		     struct proto_error *err)
{
	struct hostlist_iter it = { 0 };
	char buf[HOSTLIST_NAME_SIZE];
	struct proto_error inner;
	struct hostlist *list = hostlist_decode(text, &inner);
	int rc = 0;

	if (!list)
		return proto_error_set(err, EINVAL, "%s: %s", path,
				       inner.text);
	while (rc == 0 && hostlist_next(list, &it, buf))
		if (strings_add(&c->hosts, buf) == STRING_NONE)
			rc = no_memory(err);
	hostlist_destroy(list);
	return rc;
}

static int take_hosts(struct constraint *c, const json_t *values,
		      const char *path, struct proto_error *err)
{
	json_t *item;
	size_t i;

	if (strings_init(&c->hosts) < 0)
		return no_memory(err);
	json_array_foreach(values, i, item) {
		if (!json_is_string(item))
			return json_must_be(err, path, "hostlists", item);
		if (add_hosts(c, json_string_value(item), path, err) < 0)
			return -1;
	}
	return 0;
}

static bool match_hosts(const struct constraint *c, uint32_t v)
{
	char buf[GRAPH_NAME_SIZE];

	return strings_find(&c->hosts, graph_name(c->g, v, buf)) !=
	       STRING_NONE;
}

static int take_ranks(struct constraint *c, const json_t *values,
		      const char *path, struct proto_error *err)
{
	json_t *item;
	size_t i;

	c->ranks = idset_create();
	if (!c->ranks)
		return no_memory(err);
	json_array_foreach(values, i, item) {
		struct proto_error inner;
		struct idset *set;
		int rc;

		if (!json_is_string(item))
			return json_must_be(err, path, "idsets in strings",
					    item);
		set = idset_decode(json_string_value(item), &inner);
		if (!set)
			return proto_error_set(err, errno, "%s: %s", path,
					       inner.text);
		rc = idset_add(c->ranks, set);
		idset_destroy(set);
		if (rc < 0)
			return no_memory(err);
	}
	return 0;
}

static bool match_ranks(const struct constraint *c, uint32_t v)
{
	int rank = graph_rank(c->g, v);

	return rank >= 0 && idset_test(c->ranks, (unsigned)rank);
}

/* ---- logic: an empty or is true, an empty not is false ---- */

static bool match_and(const struct constraint *c, uint32_t v)
{
	for (size_t i = 0; c->sub[i]; i++)
		if (!constraint_match(c->sub[i], v))
			return false;
	return true;
}

static bool match_or(const struct constraint *c, uint32_t v)
{
	for (size_t i = 0; c->sub[i]; i++)
		if (constraint_match(c->sub[i], v))
			return true;
	return !c->sub[0];
}

static bool match_not(const struct constraint *c, uint32_t v)
{
	return !match_and(c, v);
}

static const struct operator operators[] = {
	{ "properties", take_strings, match_properties },
	{ "hostlist", take_hosts, match_hosts },
	{ "ranks", take_ranks, match_ranks },
	{ "and", NULL, match_and },
	{ "or", NULL, match_or },
	{ "not", NULL, match_not },
};

/* ---- making ---- */

static struct constraint *make(struct maker *m, const json_t *json,
			       const char *path, struct proto_error *err);

static int take_subs(struct constraint *c, struct maker *m,
		     const json_t *values, const char *path,
		     struct proto_error *err)
{
	json_t *item;
	size_t i;

	if (!strcmp(c->op->name, "not") && json_array_size(values) > 1)
		return proto_error_set(err, EINVAL, "%s: not has one argument",
				       path);
	c->sub = calloc(json_array_size(values) + 1, sizeof(*c->sub));
	if (!c->sub)
		return no_memory(err);
	json_array_foreach(values, i, item) {
		char below[JSON_PATH_SIZE];

		snprintf(below, sizeof(below), "%.130s[%zu]", path, i);
		c->sub[i] = make(m, item, below, err);
		if (!c->sub[i])
			return -1;
	}
	return 0;
}

static int take_test(struct constraint *c, const json_t *values,
		     const char *path, struct proto_error *err)
{
	if (take_strings(c, values, path, err) < 0)
		return -1;
	for (size_t i = 0; c->test->valid && c->values[i]; i++)
		if (!c->test->valid(c->values[i]))
			return proto_error_set(err, EINVAL, "%s: '%s' is not "
				"what can be asked for", path, c->values[i]);
	return 0;
}

static int fill(struct constraint *c, struct maker *m, const char *name,
		const json_t *values, const char *path,
		struct proto_error *err)
{
	char below[JSON_PATH_SIZE];

	snprintf(below, sizeof(below), "%.110s.%.40s", path, name);
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (!strcmp(operators[i].name, name))
			c->op = &operators[i];
	for (size_t i = 0; m->tests && m->tests[i].name; i++)
		if (!strcmp(m->tests[i].name, name))
			c->test = &m->tests[i];
	if (!c->op && !c->test)
		return proto_error_set(err, EINVAL, "%s: there is no such "
				       "operator", below);
	if (!json_is_array(values))
		return json_must_be(err, below, "an array", values);
	if (c->test)
		return take_test(c, values, below, err);
	return c->op->take ? c->op->take(c, values, below, err) :
	       take_subs(c, m, values, below, err);
}

static struct constraint *make(struct maker *m, const json_t *json,
			       const char *path, struct proto_error *err)
{
	void *at = json_object_iter((json_t *)json);
	struct constraint *c;

	if (!json_is_object(json) || json_object_size(json) > 1) {
		json_must_be(err, path, "an object of one operator", json);
		return NULL;
	}
	if (m->depth == CONSTRAINT_DEPTH_MAX) {
		proto_error_set(err, EINVAL, "constraints: nested deeper than "
				"%d levels", CONSTRAINT_DEPTH_MAX);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		no_memory(err);
		return NULL;
	}
	m->depth++;
	c->g = m->g;
	c->arg = m->arg;
	/* {} is fulfilled by everything */
	if (at && fill(c, m, json_object_iter_key(at),
		       json_object_iter_value(at), path, err) < 0) {
		constraint_destroy(c);
		c = NULL;
	}
	m->depth--;
	return c;
}

struct constraint *constraint_create(const struct graph *g,
				     const json_t *json,
				     const struct constraint_test *tests,
				     void *arg, struct proto_error *err)
{
	struct maker m = { .g = g, .tests = tests, .arg = arg };

	return make(&m, json, "constraints", err);
}

void constraint_destroy(struct constraint *c)
{
	int saved = errno;

	if (c) {
		for (size_t i = 0; c->sub && c->sub[i]; i++)
			constraint_destroy(c->sub[i]);
		for (size_t i = 0; c->values && c->values[i]; i++)
			free(c->values[i]);
		free(c->sub);
		free(c->values);
		idset_destroy(c->ranks);
		strings_fini(&c->hosts);
		free(c);
	}
	errno = saved;
}

bool constraint_match(const struct constraint *c, uint32_t v)
{
	if (c->op)
		return c->op->match(c, v);
	for (size_t i = 0; c->test && c->values[i]; i++)
		if (!c->test->test(c->arg, v, c->values[i]))
			return false;
	return true;
}
