/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource: what there is, what is free, what is down.
 * weir-resource(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/resource.h"
#include "cmd/subcommands.h"
#include "proto/idset.h"
#include "proto/resource_set.h"

/* The part of the set of --states (default all) that --queue and --include
 * leave, for info and R; to be destroyed. */
static struct resource_set *one_set(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "states", required_argument, NULL, 's' },
		{ "queue", required_argument, NULL, 'q' },
		{ "include", required_argument, NULL, 'i' },
		{ 0 }
	};
	const char *queues = NULL, *include = NULL;
	struct resource_filter filter;
	struct resource_status s;
	struct resource_set *set;
	int which = RESOURCE_ALL, c;
	weir_t *h;

	while ((c = next_option(argc, argv, "s:q:i:", longs,
				"weir-resource")) != -1) {
		switch (c) {
		case 's': which = resource_state(optarg); break;
		case 'q': queues = optarg; break;
		case 'i': include = optarg; break;
		}
	}
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	resource_filter_init(&filter, h, queues, include);
	s = resource_ask(h);
	set = resource_filter_apply(&filter, s.set[which],
				    s.set[RESOURCE_ALL]);
	resource_filter_free(&filter);
	resource_status_free(&s);
	weir_close(h);
	return set;
}

static void plural(size_t n, const char *what, const char *end)
{
	printf("%zu %s%s%s", n, what, n == 1 ? "" : "s", end);
}

static int info(int argc, char **argv)
{
	struct resource_set *set = one_set(argc, argv);

	plural(resource_nnodes(set), "Node", ", ");
	plural(resource_set_ncores(set), "Core", ", ");
	plural(resource_set_ngpus(set), "GPU", "\n");
	resource_set_destroy(set);
	return 0;
}

static int show_R(int argc, char **argv)
{
	struct resource_set *set = one_set(argc, argv);
	char *text = resource_set_encode(set);

	if (!text)
		die("out of memory");
	puts(text);
	free(text);
	resource_set_destroy(set);
	return 0;
}

int main_resource(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "list", resource_list, "[-n] [-o FORMAT] [-s STATE,...] [-q QUEUE,...] [-i RANKS|HOSTS] [--skip-empty]" },
		{ "info", info, "[-s STATE] [-q QUEUE,...] [-i RANKS|HOSTS]" },
		{ "R", show_R, "[-s STATE] [-q QUEUE,...] [-i RANKS|HOSTS]" },
		{ "status", resource_status, "[-n] [-o FORMAT] [-s STATE,...] [-q QUEUE,...] [-i RANKS|HOSTS] [--skip-empty]" },
		{ "drain", resource_drain, "[-n] [-o FORMAT] [-q QUEUE,...] [-i RANKS|HOSTS] | [-f] [-u] TARGETS [REASON...]" },
		{ "undrain", resource_undrain, "[-f] TARGETS" },
		{ "grow", resource_grow, "FILE" },
		{ "shrink", resource_shrink, "[--when-free] [PATH|RANKS|HOSTS...]" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-resource");
}
