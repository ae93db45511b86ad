/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of recipes: what is accepted can be printed and read again. Those
 * that make large graphs are left out, for speed. */
#include "config.h"

#include "schedd/graph_jgf.h"
#include "t/fuzz/fuzz.h"

#define VERTICES_MAX 2000

/* Whether the digits of a text can't multiply to many. */
static int is_small(const uint8_t *data, size_t size)
{
	unsigned long long all = 1, n = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] >= '0' && data[i] <= '9') {
			n = n * 10 + (data[i] - '0');
			if (n > VERTICES_MAX)
				return 0;
			continue;
		}
		all *= n + 1;
		n = 0;
		if (all > 100 * VERTICES_MAX)
			return 0;
	}
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_error err = { "" };
	struct graph *g, *again;
	json_t *json;

	if (!is_small(data, size))
		return 0;
	g = graph_from_recipe((const char *)data, size, NULL, &err);
	if (!g) {
		must(err.text[0]);
		return 0;
	}
	if (g->count <= VERTICES_MAX) {
		json = graph_to_jgf(g, NULL);
		again = graph_from_jgf_json(json, NULL, &err);
		must(again && again->count == g->count);
		json_decref(json);
		graph_destroy(again);
	}
	graph_destroy(g);
	return 0;
}
