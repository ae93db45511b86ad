/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource list: a table of what is free, used, down.
 * weir-resource(1). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"

static const struct field_name fields[] = {
	{ "state", "STATE" }, { "queue", "QUEUE" },
	{ "properties", "PROPERTIES" }, { "propertiesx", "PROPERTIES" },
	{ "nnodes", "NNODES" }, { "ncores", "NCORES" }, { "ngpus", "NGPUS" },
	{ "ranks", "RANKS" }, { "nodelist", "NODELIST" }, { "rlist", "LIST" },
	{ NULL, NULL }
};

#define FRONT "{state:>10} ?+:{queue:<5} ?:{propertiesx:<10.10+} " \
	"{nnodes:>6} +:{ncores:>6} {ngpus:>5} "

static const struct format_name formats[] = {
	{ "default", FRONT "{nodelist}" },
	{ "rlist", FRONT "{rlist}" },
	{ NULL, NULL }
};
struct listing {
	struct resource_status status;
	struct resource_filter filter;
	const char *format;	/* its text: nodes differ by what it shows */
	json_t *rows;
	bool skip;
};

/* ---- rows ---- */

static void set_text(json_t *row, const char *name, char *text)
{
	json_object_set_new(row, name, json_string(text ? text : ""));
	free(text);
}

static void count(json_t *row, const struct resource_set *set)
{
	struct idset *ranks = resource_set_ranks(set);

	json_object_set_new(row, "nnodes",
			    json_integer((json_int_t)set->count));
	json_object_set_new(row, "ncores", json_integer(
			    (json_int_t)resource_set_ncores(set)));
	json_object_set_new(row, "ngpus", json_integer(
			    (json_int_t)resource_set_ngpus(set)));
	set_text(row, "ranks", ranks ? idset_encode(ranks, 0) : NULL);
	set_text(row, "nodelist", resource_set_nodelist(set));
	set_text(row, "rlist", resource_short(set));
	idset_destroy(ranks);
}

/* What a row says of NODE besides its count: nodes of which the same is said
 * are in one row. */
static json_t *describe(const struct listing *l,
			const struct resource_node *node)
{
	const struct resource_set *all = l->status.set[RESOURCE_ALL];
	json_t *o = json_object();

	if (strstr(l->format, "{queue"))
		set_text(o, "queue", resource_queues(&l->filter, all, node));
	if (strstr(l->format, "{properties}") ||
	    strstr(l->format, "{properties:"))
		set_text(o, "properties", resource_properties(
				&l->filter, all, node, false));
	if (strstr(l->format, "{propertiesx"))
		set_text(o, "propertiesx", resource_properties(
				&l->filter, all, node, true));
	return o;
}

static void add_row(struct listing *l, const char *state, json_t *row,
		    const struct resource_set *set)
{
	json_object_set_new(row, "state", json_string(state));
	count(row, set);
	json_array_append_new(l->rows, row);
}

/* The rows of the nodes of SET, each part of which is taken out of it. */
static void add_state(struct listing *l, const char *state,
		      struct resource_set *set)
{
	if (!set->count && !l->skip)
		add_row(l, state, json_object(), set);
	while (set->count) {
		json_t *first = describe(l, &set->nodes[0]), *other;
		struct resource_set *part = resource_set_create();
		size_t i;

		for (i = 0; part && i < set->count; i++) {
			const struct resource_node *n = &set->nodes[i];

			other = describe(l, n);
			if (json_equal(first, other) &&
			    resource_set_add(part, n->rank, n->host,
					     n->cores, n->gpus) < 0)
				die("out of memory");
			json_decref(other);
		}
		if (!part || resource_set_subtract(set, part) < 0)
			die("out of memory");
		add_row(l, state, first, part);
		resource_set_destroy(part);
	}
}

static void add_states(struct listing *l, const char *wanted)
{
	char *copy = xstrdup(wanted), *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		const struct resource_set *set =
			l->status.set[resource_state(word)];
		struct resource_set *part = resource_filter_apply(
			&l->filter, set, l->status.set[RESOURCE_ALL]);

		add_state(l, word, part);
		resource_set_destroy(part);
	}
	free(copy);
}

static void print(struct listing *l, bool header)
{
	struct format *format;
	json_t *row;
	size_t i;

	field_table(fields);
	format = format_parse(l->format);
	format_fit(format, l->rows, 0);
	if (header)
		format_header(format, stdout);
	json_array_foreach(l->rows, i, row)
		format_row(format, row, 0, stdout);
	format_free(format);
}

enum { SKIP = 256, NO_SKIP };

int resource_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "states", required_argument, NULL, 's' },
		{ "no-header", no_argument, NULL, 'n' },
		{ "format", required_argument, NULL, 'o' },
		{ "queue", required_argument, NULL, 'q' },
		{ "include", required_argument, NULL, 'i' },
		{ "skip-empty", no_argument, NULL, SKIP },
		{ "no-skip-empty", no_argument, NULL, NO_SKIP },
		{ 0 }
	};
	const char *states = "free,allocated,down", *queues = NULL,
		   *include = NULL;
	struct listing l = { .rows = json_array() };
	const char *format = getenv("WEIR_RESOURCE_LIST_FORMAT_DEFAULT");
	bool header = true, no_skip = false;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "s:no:q:i:", longs,
				"weir-resource")) != -1) {
		switch (c) {
		case 's': states = optarg; break;
		case 'n': header = false; break;
		case 'o': format = optarg; break;
		case 'q': queues = optarg; break;
		case 'i': include = optarg; break;
		case SKIP: l.skip = true; break;
		case NO_SKIP: no_skip = true; break;
		}
	}
	if (optind < argc)
		verb_usage();
	l.format = format_choose(formats, format, "weir-resource list");
	l.skip = (l.skip || include) && !no_skip;
	h = open_instance(0);
	resource_filter_init(&l.filter, h, queues, include);
	l.status = resource_ask(h);
	weir_close(h);
	add_states(&l, states);
	print(&l, header);
	json_decref(l.rows);
	resource_filter_free(&l.filter);
	resource_status_free(&l.status);
	return 0;
}
