/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs from a text of any of the forms of weir-resources(5) but hwloc's XML:
 * which one it is stands in its keys. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "proto/yaml_json.h"
#include "schedd/graph.h"

static const struct {
	const char *key;
	struct graph *(*load)(const char *text, size_t len,
			      const char *filters, struct proto_error *err);
} forms[] = {
	{ "graph", graph_from_jgf },
	{ "execution", graph_from_R },
	{ "resources", graph_from_recipe },
};

struct graph *graph_from_text(const char *text, size_t len,
			      const char *filters, struct proto_error *err)
{
	size_t blank = strspn(text, " \t\r\n");
	json_t *top = blank < len && text[blank] == '{' ?
		      json_loadb(text, len, 0, NULL) : NULL;

	if (!top)
		top = yaml_to_json(text, len, err);
	if (!top)
		return NULL;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (json_object_get(top, forms[i].key)) {
			json_decref(top);
			return forms[i].load(text, len, filters, err);
		}
	json_decref(top);
	proto_error_set(err, EINVAL, "it is no recipe (resources), JGF (graph) "
			"or R (execution)");
	return NULL;
}
