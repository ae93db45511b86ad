/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource status, and drain without nodes: the administrator's view of
 * the nodes. weir-resource(1). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"

static const struct field_name fields[] = {
	{ "state", "STATE" }, { "statex", "STATE" }, { "status", "STATUS" },
	{ "up", "UP" }, { "up.ascii", "UP" },
	{ "color_up", "" }, { "color_off", "" },
	{ "nnodes", "NNODES" }, { "ranks", "RANKS" },
	{ "nodelist", "NODELIST" }, { "timestamp", "TIME" },
	{ "reason", "REASON" }, { NULL, NULL }
};

#define STATUS_FRONT "{state:>12} {color_up}{up:>2}{color_off} {nnodes:>6} "
#define DRAIN_FRONT "{timestamp!d:%b%d %R::<12} {state:<8.8} "
#define DRAIN_REST "{reason:<30.30+} {nodelist}"

static const struct format_name status_formats[] = {
	{ "default", STATUS_FRONT "{nodelist}" },
	{ "long", STATUS_FRONT "+:{reason:<30.30} {nodelist}" },
	{ NULL, NULL }
};

static const struct format_name drain_formats[] = {
	{ "default", DRAIN_FRONT DRAIN_REST },
	{ "long", DRAIN_FRONT "{ranks:<8.8+} " DRAIN_REST },
	{ NULL, NULL }
};

/* ---- states ---- */

struct view {
	struct resource_status status;
	struct resource_filter filter;
	struct resource_set *nodes;	/* those of interest */
	bool with_reason, with_time;	/* nodes differ by them */
	bool skip;			/* states without nodes */
	bool color;
	json_t *rows;
};

enum {
	AVAIL = 1, DRAINING = 2, DRAINED = 4, HOUSEKEEPING = 8, ALLOCATED = 16,
	ONLINE = 32, OFFLINE = 64
};

/* In the order in which they are shown. Nodes are never excluded or torpid
 * here: no such thing is configured. */
static const struct state {
	const char *word;
	int any;		/* of these; a node has several */
	const char *parts;	/* or: these, one after the other */
} states[] = {
	{ "avail", AVAIL, NULL },
	{ "exclude", 0, NULL },
	{ "draining", DRAINING, NULL },
	{ "drained", DRAINED, NULL },
	{ "allocated", ALLOCATED, NULL },
	{ "torpid", 0, NULL },
	{ "housekeeping", HOUSEKEEPING, NULL },
	{ "online", ONLINE, NULL },
	{ "offline", OFFLINE, NULL },
	{ "drain", 0, "draining,drained" },
	{ "all", 0, "avail,exclude,draining,drained,allocated,torpid,"
	  "housekeeping,online,offline" },
};

static const struct state *state_find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(states[i].word, word))
			return &states[i];
	fail("Invalid resource state %s specified", word);
}

static json_t *drain_of(const struct view *v, unsigned rank)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", rank);
	return json_object_get(v->status.drained, name);
}

static int states_of(const struct view *v, unsigned rank)
{
	const struct resource_status *s = &v->status;
	bool busy = resource_set_find(s->set[RESOURCE_ALLOCATED], rank);
	json_t *drained = drain_of(v, rank);
	/* schedd counts what is drained as down, too */
	bool up = !resource_set_find(s->set[RESOURCE_DOWN], rank) ||
		  (drained && idset_test(s->online, rank));

	return (up ? ONLINE : OFFLINE) | (busy ? ALLOCATED : 0) |
	       (drained ? busy ? DRAINING : DRAINED :
		idset_test(s->housekeeping, rank) ? HOUSEKEEPING : AVAIL);
}

/* ---- rows ---- */

static void set_text(json_t *row, const char *name, char *text)
{
	json_object_set_new(row, name, json_string(text ? text : ""));
	free(text);
}

/* What a row says of nodes besides which they are. */
static json_t *describe(const struct view *v, const struct state *state,
			unsigned rank)
{
	bool up = states_of(v, rank) & ONLINE;
	json_t *o = json_object(), *drain = drain_of(v, rank);

	set_text(o, "state", xasprintf("%s%s", state->word, up ? "" : "*"));
	set_text(o, "statex", xstrdup(state->word));
	set_text(o, "status", xstrdup(up ? "online" : "offline"));
	set_text(o, "up", xstrdup(up ? "\u2714" : "\u2717"));
	set_text(o, "up.ascii", xstrdup(up ? "y" : "n"));
	set_text(o, "color_up", xstrdup(!v->color ? "" : up ? "\033[01;32m" :
					"\033[01;31m"));
	set_text(o, "color_off", xstrdup(v->color ? "\033[0;0m" : ""));
	if (drain && v->with_reason)
		json_object_set(o, "reason", json_object_get(drain, "reason"));
	if (drain && v->with_time)
		json_object_set(o, "timestamp",
				json_object_get(drain, "timestamp"));
	return o;
}

static void add_row(struct view *v, json_t *row, const struct resource_set *set)
{
	struct idset *ranks = resource_set_ranks(set);

	json_object_set_new(row, "nnodes",
			    json_integer((json_int_t)set->count));
	set_text(row, "ranks", ranks ? idset_encode(ranks, 0) : NULL);
	set_text(row, "nodelist", resource_set_nodelist(set));
	json_array_append_new(v->rows, row);
	idset_destroy(ranks);
}

/* The nodes of PART of which the same is said as of its first; they are taken
 * out of it. */
static struct resource_set *take_alike(const struct view *v,
				       const struct state *state,
				       struct resource_set *part,
				       const json_t *said)
{
	struct resource_set *alike = resource_set_create();
	size_t i;

	for (i = 0; alike && i < part->count; i++) {
		const struct resource_node *n = &part->nodes[i];
		json_t *other = describe(v, state, n->rank);

		if (json_equal((json_t *)said, other) &&
		    resource_set_add(alike, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			die("out of memory");
		json_decref(other);
	}
	if (!alike || resource_set_subtract(part, alike) < 0)
		die("out of memory");
	return alike;
}

static void add_state(struct view *v, const struct state *state)
{
	struct resource_set *part = resource_set_create(), *alike;
	json_t *row;
	size_t i;

	for (i = 0; part && i < v->nodes->count; i++) {
		const struct resource_node *n = &v->nodes->nodes[i];

		if ((states_of(v, n->rank) & state->any) &&
		    resource_set_add(part, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			die("out of memory");
	}
	if (!part)
		die("out of memory");
	if (!part->count && !v->skip) {
		row = json_object();
		set_text(row, "state", xstrdup(state->word));
		set_text(row, "statex", xstrdup(state->word));
		add_row(v, row, part);
	}
	while (part->count) {
		row = describe(v, state, part->nodes[0].rank);
		alike = take_alike(v, state, part, row);
		add_row(v, row, alike);
		resource_set_destroy(alike);
	}
	resource_set_destroy(part);
}

static void add_states(struct view *v, const char *words)
{
	char *copy = xstrdup(words), *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		const struct state *state = state_find(word);

		if (state->parts)
			add_states(v, state->parts);
		else
			add_state(v, state);
	}
	free(copy);
}

/* ---- commands ---- */

/* HEADER, of the rows of WORDS, and these. */
static int show(struct view *v, const char *words, const char *text,
		bool header, const char *queues, const char *include)
{
	weir_t *h = open_instance(0);
	struct format *format;
	json_t *row;
	size_t i;

	resource_filter_init(&v->filter, h, queues, include);
	v->status = resource_ask(h);
	weir_close(h);
	v->nodes = resource_filter_apply(&v->filter,
					 v->status.set[RESOURCE_ALL],
					 v->status.set[RESOURCE_ALL]);
	v->with_reason = strstr(text, "{reason");
	v->with_time = strstr(text, "{timestamp");
	v->rows = json_array();
	add_states(v, words);
	field_table(fields);
	format = format_parse(text);
	format_fit(format, v->rows, 0);
	if (header)
		format_header(format, stdout);
	json_array_foreach(v->rows, i, row)
		format_row(format, row, 0, stdout);
	format_free(format);
	json_decref(v->rows);
	resource_set_destroy(v->nodes);
	resource_filter_free(&v->filter);
	resource_status_free(&v->status);
	return 0;
}

enum { SKIP = 256 };

int resource_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "states", required_argument, NULL, 's' },
		{ "no-header", no_argument, NULL, 'n' },
		{ "format", required_argument, NULL, 'o' },
		{ "queue", required_argument, NULL, 'q' },
		{ "include", required_argument, NULL, 'i' },
		{ "skip-empty", no_argument, NULL, SKIP },
		{ "color", optional_argument, NULL, 'L' },
		{ 0 }
	};
	const char *words = NULL, *queues = NULL, *include = NULL,
		   *format = getenv("WEIR_RESOURCE_STATUS_FORMAT_DEFAULT");
	struct view v = { .color = color_option("auto") };
	bool header = true;
	int c;

	while ((c = next_option(argc, argv, "s:no:q:i:L::", longs,
				"weir-resource")) != -1) {
		switch (c) {
		case 's': words = optarg; break;
		case 'n': header = false; break;
		case 'o': format = optarg; break;
		case 'q': queues = optarg; break;
		case 'i': include = optarg; break;
		case 'L': v.color = color_option(optarg); break;
		case SKIP: v.skip = true; break;
		}
	}
	if (optind < argc)
		verb_usage();
	v.skip = v.skip || !words;
	return show(&v, words ? words : "avail,exclude,draining,drained,torpid,"
		    "housekeeping", format_choose(status_formats, format,
		    "weir-resource status"), header, queues, include);
}

int resource_drained(const char *format, bool header, const char *queues,
		     const char *include)
{
	struct view v = { .skip = true };

	if (!format)
		format = getenv("WEIR_RESOURCE_DRAIN_FORMAT_DEFAULT");
	return show(&v, "drain", format_choose(drain_formats, format,
		    "weir-resource drain"), header, queues, include);
}
