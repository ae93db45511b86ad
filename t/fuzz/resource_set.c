/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of R: written and read again a set is the same, its text canonical,
 * and it is made up of its parts. */
#include "config.h"

#include "proto/resource_set.h"
#include "t/fuzz/fuzz.h"

#define NODES_MAX 2000		/* larger ones only parsed, for speed */

static void check(struct resource_set *set)
{
	char *text = resource_set_encode(set), *canon;
	struct proto_error err = { "" };
	struct resource_set *again, *rest;

	must(text);
	again = resource_set_parse(text, strlen(text), &err);
	must(again && again->count == set->count);
	must(resource_set_contains(set, again));
	must(resource_set_contains(again, set));
	canon = resource_set_encode(again);
	must(!strcmp(text, canon));
	rest = resource_set_copy(set);
	must(resource_set_subtract(rest, again) == 0);
	must(rest->count == 0);
	must(resource_set_intersect(again, set) == 0);
	must(resource_set_ncores(again) == resource_set_ncores(set));
	free(text);
	free(canon);
	resource_set_destroy(again);
	resource_set_destroy(rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_error err = { "" };
	struct resource_set *set =
		resource_set_parse((const char *)data, size, &err);

	if (!set)
		must(err.text[0]);
	else if (set->count <= NODES_MAX)
		check(set);
	resource_set_destroy(set);
	return 0;
}
