/* SPDX-License-Identifier: Apache-2.0 */
/* weir queue list. weir-queue(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/queue.h"
#include "proto/hostlist.h"
#include "proto/resource_set.h"

static const char *const sizes[] = { "nnodes", "ncores", "ngpus" };
#define SIZES 3

static const struct field_name fields[] = {
	{ "queue", "QUEUE" }, { "queuem", "QUEUE" }, { "parent", "PARENT" },
	{ "submission", "SUBMIT" }, { "scheduling", "SCHED" },
	{ "enabled", "EN" }, { "started", "ST" },
	{ "enabled.ascii", "EN" }, { "started.ascii", "ST" },
	{ "color_enabled", "" }, { "color_started", "" }, { "color_off", "" },
	{ "defaults.timelimit", "TDEFAULT" }, { "limits.timelimit", "TLIMIT" },
	{ "limits.range.nnodes", "NNODES" },
	{ "limits.range.ncores", "NCORES" },
	{ "limits.range.ngpus", "NGPUS" },
	{ "limits.range.effective.nnodes", "NNODES" },
	{ "limits.range.effective.ncores", "NCORES" },
	{ "limits.range.effective.ngpus", "NGPUS" },
	{ "limits.min.nnodes", "MIN:NNODES" },
	{ "limits.min.ncores", "MIN:NCORES" },
	{ "limits.min.ngpus", "MIN:NGPUS" },
	{ "limits.max.nnodes", "MAX:NNODES" },
	{ "limits.max.ncores", "MAX:NCORES" },
	{ "limits.max.ngpus", "MAX:NGPUS" },
#define RESOURCES(part, suffix) \
	{ "resources." part ".nnodes", "NODES" suffix }, \
	{ "resources." part ".ncores", "CORES" suffix }, \
	{ "resources." part ".ngpus", "GPUS" suffix }
	RESOURCES("all", ""), RESOURCES("up", ":UP"),
	RESOURCES("down", ":DOWN"), RESOURCES("allocated", ":ALLOC"),
	RESOURCES("free", ":FREE"),
	{ NULL, NULL }
};

#define MARKS "?:{queuem:<8.8} ?:{parent:<8.8} " \
	"{color_enabled}{enabled:>2}{color_off} " \
	"{color_started}{started:>2}{color_off} "

static const struct format_name formats[] = {
	{ "default", MARKS "{defaults.timelimit!F:>8} "
	  "{limits.timelimit!F:>8} {limits.range.effective.nnodes:>10} "
	  "{limits.range.effective.ncores:>10} "
	  "{limits.range.effective.ngpus:>10}" },
	{ "nodes", MARKS "{resources.all.nnodes:>5} "
	  "{resources.up.nnodes:>8} {resources.down.nnodes:>10} "
	  "{resources.allocated.nnodes:>11} {resources.free.nnodes:>10}" },
	{ "policy", MARKS "{defaults.timelimit!F:>8} "
	  "{limits.timelimit!F:>8} {limits.range.nnodes:>10} "
	  "{limits.range.ncores:>10} {limits.range.ngpus:>10}" },
	{ NULL, NULL }
};

/* ---- rows ---- */

static void set_text(json_t *o, const char *name, const char *text)
{
	json_object_set_new(o, name, json_string(text));
}

static void set_limit(json_t *o, const char *name, json_int_t n)
{
	if (n < 0)
		set_text(o, name, "inf");
	else
		json_object_set_new(o, name, json_integer(n));
}

static void set_time(json_t *o, const char *name, const json_t *seconds)
{
	double t = json_number_value(seconds);

	if (t <= 0)
		set_text(o, name, "inf");
	else
		json_object_set_new(o, name, json_real(t));
}

/* The number of WHAT in PART of all resources. */
static json_int_t count_of(json_t *resources, const char *part,
			   const char *what)
{
	json_t *r = json_object_get(json_object_get(resources, part), what);

	return json_integer_value(r);
}

static void add_range(json_t *row, json_t *limits, const char *what,
		      json_t *resources)
{
	json_t *lo = json_object_get(json_object_get(limits, "min"), what);
	json_t *hi = json_object_get(json_object_get(limits, "max"), what);
	json_int_t min = json_integer_value(lo), max = json_integer_value(hi);
	json_int_t all = count_of(resources, "all", what);
	char name[64], text[64];

	snprintf(name, sizeof(name), "limits.min.%s", what);
	json_object_set_new(row, name, json_integer(min < 0 ? 0 : min));
	snprintf(name, sizeof(name), "limits.max.%s", what);
	set_limit(row, name, max);
	min = min < 0 ? 0 : min;
	snprintf(name, sizeof(name), "limits.range.%s", what);
	if (max < 0)
		snprintf(text, sizeof(text), "%lld-inf", (long long)min);
	else
		snprintf(text, sizeof(text), "%lld-%lld", (long long)min,
			 (long long)max);
	set_text(row, name, text);
	snprintf(name, sizeof(name), "limits.range.effective.%s", what);
	snprintf(text, sizeof(text), "%lld-%lld", (long long)min,
		 (long long)(max < 0 || max > all ? all : max));
	set_text(row, name, text);
}

static void add_mark(json_t *row, const char *name, bool yes, bool color)
{
	char key[32];

	set_text(row, name, yes ? "\u2714" : "\u2717");
	snprintf(key, sizeof(key), "%s.ascii", name);
	set_text(row, key, yes ? "y" : "n");
	snprintf(key, sizeof(key), "color_%s", name);
	set_text(row, key, !color ? "" : yes ? "\033[01;32m" :
		 "\033[01;31m");
}

static json_t *make_row(const json_t *q, json_t *resources, bool color)
{
	static const char *const parts[] = { "all", "up", "down",
					     "allocated", "free" };
	json_t *row = json_object(), *limits = json_object_get(q, "limits");
	bool enabled = json_is_true(json_object_get(q, "enable"));
	bool started = json_is_true(json_object_get(q, "start"));
	char name[80];
	int i, k;

	set_text(row, "queue", queue_name(q));
	snprintf(name, sizeof(name), "%s%s", queue_name(q),
		 json_is_true(json_object_get(q, "default")) ? "*" : "");
	set_text(row, "queuem", name);
	set_text(row, "parent", "");
	set_text(row, "submission", enabled ? "enabled" : "disabled");
	set_text(row, "scheduling", started ? "started" : "stopped");
	add_mark(row, "enabled", enabled, color);
	add_mark(row, "started", started, color);
	set_text(row, "color_off", color ? "\033[0;0m" : "");
	set_time(row, "defaults.timelimit", json_object_get(q, "duration"));
	set_time(row, "limits.timelimit", json_object_get(limits,
							  "duration"));
	for (i = 0; i < SIZES; i++) {
		add_range(row, limits, sizes[i], resources);
		for (k = 0; k < 5; k++) {
			snprintf(name, sizeof(name), "resources.%s.%s",
				 parts[k], sizes[i]);
			json_object_set_new(row, name, json_integer(count_of(
					resources, parts[k], sizes[i])));
		}
	}
	return row;
}

/* ---- resources ---- */

static void add_part(json_t *o, const char *name,
		     const struct resource_set *set)
{
	json_object_set_new(o, name, json_pack("{s:I s:I s:I}",
		"nnodes", (json_int_t)set->count,
		"ncores", (json_int_t)resource_set_ncores(set),
		"ngpus", (json_int_t)resource_set_ngpus(set)));
}

static struct resource_set *part_of(json_t *o, const char *name)
{
	json_t *r = json_object_get(o, name);
	struct proto_error error;
	struct resource_set *set = json_is_object(r) ?
		resource_set_from_json(r, &error) : resource_set_create();

	if (!set)
		die("resource.sched-status: %s: %s", name, error.text);
	return set;
}

struct sets {
	struct resource_set *all, *down, *used;
};

static struct sets ask_resources(weir_t *h)
{
	weir_future_t *f = weir_rpc(h, "resource.sched-status", NULL, 0, -1);
	struct sets sets;
	json_t *o;

	must(f, "resource.sched-status");
	o = reply_json(f);
	sets.all = part_of(o, "all");
	sets.down = part_of(o, "down");
	sets.used = part_of(o, "allocated");
	json_decref(o);
	weir_future_destroy(f);
	return sets;
}

static void sets_fini(struct sets *sets)
{
	resource_set_destroy(sets->all);
	resource_set_destroy(sets->down);
	resource_set_destroy(sets->used);
}

/* What of SET is on these hosts; NULL is all. A copy. */
static struct resource_set *on_hosts(const struct resource_set *set,
				     const struct hostlist *hosts)
{
	struct resource_set *part = resource_set_create();
	size_t i;

	for (i = 0; part && i < set->count; i++)
		if ((!hosts || hostlist_find(hosts, set->nodes[i].host) >= 0) &&
		    resource_set_add(part, set->nodes[i].rank,
				     set->nodes[i].host, set->nodes[i].cores,
				     set->nodes[i].gpus) < 0)
			break;
	if (!part || i < set->count)
		die("out of memory");
	return part;
}

/* {"all":{"nnodes":N,...},...} for the queue Q. */
static json_t *count_resources(const struct sets *sets, const json_t *q)
{
	const char *text = json_string_value(json_object_get(q, "hosts"));
	struct hostlist *hosts = text ? hostlist_decode(text, NULL) : NULL;
	struct sets own = { on_hosts(sets->all, hosts),
			    on_hosts(sets->down, hosts),
			    on_hosts(sets->used, hosts) };
	json_t *counts = json_object();

	hostlist_destroy(hosts);
	add_part(counts, "all", own.all);
	add_part(counts, "down", own.down);
	add_part(counts, "allocated", own.used);
	if (resource_set_subtract(own.all, own.down) < 0)
		die("out of memory");
	add_part(counts, "up", own.all);
	if (resource_set_subtract(own.all, own.used) < 0)
		die("out of memory");
	add_part(counts, "free", own.all);
	sets_fini(&own);
	return counts;
}

/* ---- the command ---- */

static bool in_list(const char *list, const char *name)
{
	char *copy, *rest, *word;
	bool found = false;

	if (!list)
		return true;
	copy = rest = xstrdup(list);
	while (!found && (word = strsep(&rest, ",")))
		found = !strcmp(word, name);
	free(copy);
	return found;
}

static void check_names(const char *list, json_t *queues)
{
	char *copy = xstrdup(list), *rest = copy, *word;
	json_t *q;
	bool found;
	size_t i;

	while ((word = strsep(&rest, ","))) {
		found = false;
		json_array_foreach(queues, i, q)
			found = found || !strcmp(queue_name(q), word);
		if (!found)
			fail("list: '%s' is not a valid queue", word);
	}
	free(copy);
}

int queue_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "queue", required_argument, NULL, 'q' },
		{ "no-header", no_argument, NULL, 'n' },
		{ "format", required_argument, NULL, 'o' },
		{ 0 }
	};
	const char *text = getenv("WEIR_QUEUE_LIST_FORMAT_DEFAULT");
	const char *names = NULL;
	json_t *queues, *resources, *rows = json_array(), *q;
	struct sets sets;
	struct format *format;
	const char *plain = getenv("NO_COLOR");
	bool color = isatty(STDOUT_FILENO) && !(plain && *plain);
	bool header = true;
	weir_t *h;
	size_t i;
	int c;

	while ((c = next_option(argc, argv, "q:no:", longs, "weir-queue"))
	       != -1) {
		switch (c) {
		case 'q': names = optarg; break;
		case 'n': header = false; break;
		case 'o': text = optarg; break;
		}
	}
	if (argc != optind)
		verb_usage();
	field_table(fields);
	format = format_parse(format_choose(formats, text, "weir-queue"));
	h = open_instance(0);
	queues = queue_ask(h);
	if (names)
		check_names(names, queues);
	sets = ask_resources(h);
	json_array_foreach(queues, i, q) {
		if (!in_list(names, queue_name(q)))
			continue;
		resources = count_resources(&sets, q);
		json_array_append_new(rows, make_row(q, resources, color));
		json_decref(resources);
	}
	format_fit(format, rows, 0);
	if (header)
		format_header(format, stdout);
	json_array_foreach(rows, i, q)
		format_row(format, q, 0, stdout);
	format_free(format);
	json_decref(rows);
	sets_fini(&sets);
	json_decref(queues);
	weir_close(h);
	return 0;
}
