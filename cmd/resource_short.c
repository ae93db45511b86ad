/* SPDX-License-Identifier: Apache-2.0 */
/* A set of resources in one line. See resource.h. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/common.h"
#include "cmd/resource.h"

static void put_set(FILE *f, const char *kind, const struct idset *set)
{
	char *text = idset_encode(set, IDSET_BRACKETS);

	if (!text)
		die("out of memory");
	fprintf(f, "%s%s", kind, text);
	free(text);
}

static bool alike(const struct resource_node *a, const struct resource_node *b)
{
	return idset_equal(a->cores, b->cores) && idset_equal(a->gpus, b->gpus);
}

/* Nodes with the same children are together, where the first of them is. */
char *resource_short(const struct resource_set *set)
{
	bool *done = xmalloc(set->count * sizeof(*done));
	char *text = NULL;
	size_t len, i, k;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		die("out of memory");
	for (i = 0; i < set->count; i++)
		done[i] = false;
	for (i = 0; i < set->count; i++) {
		const struct resource_node *n = &set->nodes[i];
		struct idset *ranks = idset_create();

		for (k = i; ranks && !done[i] && k < set->count; k++)
			if (!done[k] && alike(n, &set->nodes[k])) {
				if (idset_set(ranks, set->nodes[k].rank) < 0)
					die("out of memory");
				done[k] = k > i;
			}
		if (ranks && !done[i]) {
			put_set(f, i ? " rank" : "rank", ranks);
			if (!idset_empty(n->cores))
				put_set(f, "/core", n->cores);
			if (!idset_empty(n->gpus))
				put_set(f, idset_empty(n->cores) ? "/gpu" :
					",gpu", n->gpus);
		}
		idset_destroy(ranks);
	}
	free(done);
	if (fclose(f) == EOF)
		die("out of memory");
	return text;
}
