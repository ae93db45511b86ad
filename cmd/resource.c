/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource: what there is, what is free, what is down.
 * weir-resource(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/subcommands.h"
#include "proto/idset.h"
#include "proto/resource_set.h"

enum { ALL, DOWN, ALLOCATED, FREE, UP, SETS };
static const char *const states[SETS] = {
	[ALL] = "all", [DOWN] = "down", [ALLOCATED] = "allocated",
	[FREE] = "free", [UP] = "up",
};

struct status {
	struct resource_set *set[SETS];
};

static struct resource_set *copy(const struct resource_set *set)
{
	struct resource_set *c = resource_set_copy(set);

	if (!c)
		die("out of memory");
	return c;
}

/* Asks schedd; free is what is neither down nor allocated. */
static struct status ask(void)
{
	struct status s = { { NULL } };
	weir_t *h = open_instance(0);
	weir_future_t *f = weir_rpc(h, "resource.sched-status", NULL, 0, -1);
	struct proto_error error;
	const char *data;
	json_t *o;
	size_t len;
	int i;

	must(f, "resource.sched-status");
	data = weir_future_data(f, &len);
	o = data ? json_loadb(data, len, 0, NULL) : NULL;
	for (i = ALL; i <= ALLOCATED; i++) {
		json_t *r = json_object_get(o, states[i]);

		s.set[i] = json_is_object(r) ?
			   resource_set_from_json(r, &error) :
			   resource_set_create();
		if (!s.set[i])
			die("resource.sched-status: %s: %s", states[i],
			    error.text);
	}
	json_decref(o);
	weir_future_destroy(f);
	weir_close(h);
	s.set[UP] = copy(s.set[ALL]);
	if (resource_set_subtract(s.set[UP], s.set[DOWN]) < 0)
		die("out of memory");
	s.set[FREE] = copy(s.set[UP]);
	if (resource_set_subtract(s.set[FREE], s.set[ALLOCATED]) < 0)
		die("out of memory");
	return s;
}

static void release(struct status *s)
{
	int i;

	for (i = 0; i < SETS; i++)
		resource_set_destroy(s->set[i]);
}

static size_t nnodes(const struct resource_set *set)
{
	struct idset *ranks = resource_set_ranks(set);
	size_t n = ranks ? idset_count(ranks) : 0;

	idset_destroy(ranks);
	return n;
}

static int state_named(const char *word)
{
	int i;

	for (i = 0; i < SETS; i++)
		if (!strcmp(word, states[i]))
			return i;
	die("Invalid resource state %s specified (one of all, up, down, free, "
	    "allocated)", word);
}

static int list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "states", required_argument, NULL, 's' },
		{ "no-header", no_argument, NULL, 'n' },
		{ "skip-empty", no_argument, NULL, 'k' },
		{ 0 }
	};
	char *wanted = xstrdup("free,allocated,down"), *word, *rest, *check;
	bool header = true, skip = false;
	struct status s;
	int c;

	while ((c = next_option(argc, argv, "s:n", longs, "weir-resource"))
	       != -1) {
		if (c == 's') {
			free(wanted);
			wanted = xstrdup(optarg);
		} else if (c == 'n') {
			header = false;
		} else {
			skip = true;
		}
	}
	if (optind < argc)
		verb_usage();
	check = xstrdup(wanted);
	for (rest = check; (word = strsep(&rest, ","));)
		state_named(word);
	free(check);
	s = ask();
	if (header)
		printf("%10s %6s %6s %5s %s\n", "STATE", "NNODES", "NCORES",
		       "NGPUS", "NODELIST");
	for (rest = wanted; (word = strsep(&rest, ","));) {
		const struct resource_set *set = s.set[state_named(word)];
		char *nodes = resource_set_nodelist(set);

		if (!skip || nnodes(set))
			printf("%10s %6zu %6zu %5zu %s\n", word, nnodes(set),
			       resource_set_ncores(set),
			       resource_set_ngpus(set), nodes ? nodes : "");
		free(nodes);
	}
	free(wanted);
	release(&s);
	return 0;
}

/* The set of --states (default all), for info and R. */
static struct resource_set *one_set(int argc, char **argv, struct status *s)
{
	static const struct option longs[] = {
		{ "states", required_argument, NULL, 's' }, { 0 }
	};
	int which = ALL;

	while (next_option(argc, argv, "s:", longs, "weir-resource") != -1)
		which = state_named(optarg);
	if (optind < argc)
		verb_usage();
	*s = ask();
	return s->set[which];
}

static void plural(size_t n, const char *what, const char *end)
{
	printf("%zu %s%s%s", n, what, n == 1 ? "" : "s", end);
}

static int info(int argc, char **argv)
{
	struct status s;
	struct resource_set *set = one_set(argc, argv, &s);

	plural(nnodes(set), "Node", ", ");
	plural(resource_set_ncores(set), "Core", ", ");
	plural(resource_set_ngpus(set), "GPU", "\n");
	release(&s);
	return 0;
}

static int show_R(int argc, char **argv)
{
	struct status s;
	char *text = resource_set_encode(one_set(argc, argv, &s));

	if (!text)
		die("out of memory");
	puts(text);
	free(text);
	release(&s);
	return 0;
}

static int status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "no-header", no_argument, NULL, 'n' }, { 0 }
	};
	bool header = true;
	struct status s;
	char *nodes;

	while (next_option(argc, argv, "n", longs, "weir-resource") != -1)
		header = false;
	if (optind < argc)
		verb_usage();
	s = ask();
	if (header)
		printf("%12s %2s %6s %s\n", "STATE", "UP", "NNODES",
		       "NODELIST");
	nodes = resource_set_nodelist(s.set[UP]);
	if (nnodes(s.set[UP]))
		printf("%12s %2s %6zu %s\n", "avail", " \u2714",
		       nnodes(s.set[UP]), nodes);
	free(nodes);
	nodes = resource_set_nodelist(s.set[DOWN]);
	if (nnodes(s.set[DOWN]))
		printf("%12s %2s %6zu %s\n", "avail*", " \u2717",
		       nnodes(s.set[DOWN]), nodes);
	free(nodes);
	release(&s);
	return 0;
}

int main_resource(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "list", list, "[-n] [-s STATE,...] [--skip-empty]" },
		{ "info", info, "[-s STATE]" },
		{ "R", show_R, "[-s STATE]" },
		{ "status", status, "[-n]" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-resource");
}
