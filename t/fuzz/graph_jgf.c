/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of JGF: what is accepted is printed exactly again. */
#include "config.h"

#include "schedd/graph_jgf.h"
#include "t/fuzz/fuzz.h"

static void check(const struct graph *g)
{
	json_t *first = graph_to_jgf(g, NULL), *second;
	struct proto_error err = { "" };
	struct graph *again = graph_from_jgf_json(first, NULL, &err);

	must(again && again->count == g->count);
	second = graph_to_jgf(again, NULL);
	must(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	graph_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_error err = { "" };
	struct graph *g = graph_from_jgf((const char *)data, size, NULL, &err);

	if (!g)
		must(err.text[0]);
	else
		check(g);
	graph_destroy(g);
	return 0;
}
