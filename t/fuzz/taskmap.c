/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of task maps: all forms mean the same. */
#include "config.h"

#include "proto/taskmap.h"
#include "t/fuzz/fuzz.h"

#define SIZE_LIMIT 3000		/* tasks and nodes, for speed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *json, *raw, *pmi, *raw_again;
	struct proto_error err = { "" };
	struct taskmap *map = taskmap_decode(text, &err), *a, *b;

	free(text);
	if (!map) {
		must(err.text[0]);
		return 0;
	}
	if (map->ntasks <= SIZE_LIMIT && map->nnodes <= SIZE_LIMIT) {
		json = taskmap_encode(map);
		raw = taskmap_encode_raw(map);
		pmi = taskmap_encode_pmi(map, 100);
		must(json && raw && pmi && strlen(pmi) <= 100);
		a = taskmap_decode(json, &err);
		b = taskmap_decode(raw, &err);
		must(a && b && a->ntasks == map->ntasks);
		must(b->ntasks == map->ntasks);
		raw_again = taskmap_encode_raw(b);
		must(!strcmp(raw, raw_again));
		for (int t = 0; t < map->ntasks; t++)
			must(taskmap_node_of(a, t) == taskmap_node_of(b, t));
		free(json);
		free(raw);
		free(pmi);
		free(raw_again);
		taskmap_destroy(a);
		taskmap_destroy(b);
	}
	taskmap_destroy(map);
	return 0;
}
