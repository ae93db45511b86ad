/* SPDX-License-Identifier: Apache-2.0 */
/* --requires: which nodes will do, a query to the constraint that stands for
 * it. weir-submit(1), weir-resources(5). */
#include "config.h"

#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/hostlist.h"
#include "proto/idset.h"
#include "schedd/constraint.h"

/* Operators as people write them. */
static const struct {
	const char *word, *name;
} operators[] = {
	{ "properties", "properties" }, { "hostlist", "hostlist" },
	{ "hosts", "hostlist" }, { "host", "hostlist" },
	{ "ranks", "ranks" }, { "rank", "ranks" },
};

static const char *operator_named(const char *word, const char *query)
{
	size_t i;

	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (!strcmp(operators[i].word, word))
			return operators[i].name;
	fail("--requires: '%s': unknown operator '%s', must be properties, "
	     "hostlist (host, hosts) or ranks (rank)", query, word);
}

/* "a,b" is two properties. */
static json_t *properties(const char *text, const char *query)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	json_t *list = json_array();

	while ((word = strsep(&rest, ","))) {
		if (!*word || !strcmp(word, "^"))
			fail("--requires: '%s': a property's name is empty",
			     query);
		json_array_append_new(list, json_string(word));
	}
	free(copy);
	return list;
}

static json_t *operand(const char *name, const char *text, const char *query)
{
	struct proto_error error;
	struct hostlist *hosts;
	struct idset *ranks;

	if (!strcmp(name, "properties"))
		return properties(text, query);
	if (!strcmp(name, "hostlist")) {
		hosts = hostlist_decode(text, &error);
		if (!hosts)
			fail("--requires: '%s': hostlist: %s", query,
			     error.text);
		hostlist_destroy(hosts);
	} else {
		ranks = idset_decode(text, &error);
		if (!ranks)
			fail("--requires: '%s': ranks: %s", query, error.text);
		idset_destroy(ranks);
	}
	return json_pack("[s]", text);
}

static json_t *rewrite(const json_t *json, const char *query);

/* Properties that all have to be there are one list, of the first of them. */
static json_t *rewrite_list(const json_t *list, bool merge, const char *query)
{
	json_t *result = json_array(), *first = NULL, *item, *names;
	size_t i;

	json_array_foreach(list, i, item) {
		json_t *one = rewrite(item, query);

		names = merge ? json_object_get(one, "properties") : NULL;
		if (names && first) {
			json_array_extend(first, names);
			json_decref(one);
			continue;
		}
		if (names)
			first = names;
		json_array_append_new(result, one);
	}
	return result;
}

/* An object of one operator, as constraint_query makes them. */
static json_t *rewrite(const json_t *json, const char *query)
{
	json_t *o = (json_t *)json, *list, *only;
	const char *word = json_object_iter_key(json_object_iter(o)), *name;

	list = json_object_get(o, word);
	if (!strcmp(word, "and") || !strcmp(word, "or") ||
	    !strcmp(word, "not")) {
		list = rewrite_list(list, !strcmp(word, "and"), query);
		if (strcmp(word, "and") || json_array_size(list) != 1)
			return json_pack("{s:o}", word, list);
		only = json_incref(json_array_get(list, 0));
		json_decref(list);
		return only;
	}
	name = operator_named(word, query);
	return json_pack("{s:o}", name,
			 operand(name, json_string_value(
				 json_array_get(list, 0)), query));
}

json_t *submit_requires(const char *query)
{
	struct proto_error error;
	json_t *json, *result;

	if (!query[strspn(query, " \t\n")])
		fail("--requires: '%s' is empty, must be terms such as "
		     "PROPERTY, host:HOSTS, rank:RANKS", query);
	json = constraint_query(query, "properties", &error);
	if (!json)
		fail("--requires: '%s': %s", query, error.text);
	result = rewrite(json, query);
	json_decref(json);
	return result;
}
