/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource drain, undrain and status: nodes that are to have no new jobs,
 * and why. weir-resource(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"

/* ---- groups of nodes of which the same is shown ---- */

struct group {
	const char *state, *reason;	/* borrowed; "": none */
	double time;			/* 0: not known */
	bool online;
	struct resource_set *set;
};

struct groups {
	struct resource_status status;
	struct group *group;
	size_t count;
};

static bool busy(const struct resource_status *s, unsigned rank)
{
	return resource_set_find(s->set[RESOURCE_ALLOCATED], rank);
}

static struct group describe(const struct resource_status *s, unsigned rank)
{
	struct group g = { .state = "avail", .reason = "" };
	char name[16];
	json_t *o;

	snprintf(name, sizeof(name), "%u", rank);
	o = json_object_get(s->drained, name);
	g.online = !resource_set_find(s->set[RESOURCE_DOWN], rank) ||
		   (o && idset_test(s->online, rank));
	if (!o && idset_test(s->housekeeping, rank))
		g.state = "housekeeping";
	if (!o)
		return g;
	g.state = busy(s, rank) ? "draining" : "drained";
	json_unpack(o, "{s?s s?F}", "reason", &g.reason, "timestamp",
		    &g.time);
	return g;
}

static bool same(const struct group *a, const struct group *b)
{
	return !strcmp(a->state, b->state) && !strcmp(a->reason, b->reason) &&
	       (long)a->time == (long)b->time && a->online == b->online;
}

static void add(struct groups *all, const struct resource_node *n)
{
	struct group g = describe(&all->status, n->rank);
	size_t i;

	for (i = 0; i < all->count && !same(&all->group[i], &g); i++)
		;
	if (i == all->count) {
		all->group = xrealloc(all->group, (i + 1) * sizeof(g));
		g.set = resource_set_create();
		all->group[all->count++] = g;
	}
	if (!all->group[i].set ||
	    resource_set_add(all->group[i].set, n->rank, n->host, n->cores,
			     n->gpus) < 0)
		die("out of memory");
}

static struct groups ask(void)
{
	struct groups all = { .count = 0 };
	weir_t *h = open_instance(0);
	size_t i;

	all.status = resource_ask(h);
	weir_close(h);
	for (i = 0; i < all.status.set[RESOURCE_ALL]->count; i++)
		add(&all, &all.status.set[RESOURCE_ALL]->nodes[i]);
	return all;
}

static void done(struct groups *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		resource_set_destroy(all->group[i].set);
	free(all->group);
	resource_status_free(&all->status);
}

static char *nodelist(const struct group *g)
{
	char *text = resource_set_nodelist(g->set);

	if (!text)
		die("out of memory");
	return text;
}

/* ---- status ---- */

static void print_status(const struct group *g, bool with_reason)
{
	char state[16], *nodes = nodelist(g);

	snprintf(state, sizeof(state), "%s%s", g->state, g->online ? "" : "*");
	printf("%12s %2s %6zu ", state, g->online ? " \u2714" : " \u2717",
	       resource_nnodes(g->set));
	if (with_reason)
		printf("%-30.30s ", g->reason);
	printf("%s\n", nodes);
	free(nodes);
}

int resource_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "no-header", no_argument, NULL, 'n' },
		{ "format", required_argument, NULL, 'o' }, { 0 }
	};
	static const char *const order[] = {
		"avail", "draining", "drained", "housekeeping"
	};
	bool header = true, with_reason = false;
	struct groups all;
	size_t i, k;
	int c;

	while ((c = next_option(argc, argv, "no:", longs,
				"weir-resource")) != -1) {
		if (c == 'n')
			header = false;
		else if (!strcmp(optarg, "long") || !strcmp(optarg, "default"))
			with_reason = optarg[0] == 'l';
		else
			die("--format: No such format %s (one of default, "
			    "long)", optarg);
	}
	if (optind < argc)
		verb_usage();
	all = ask();
	if (header)
		printf(with_reason ? "%12s %2s %6s %-30s NODELIST\n" :
		       "%12s %2s %6s NODELIST\n", "STATE", "UP", "NNODES",
		       "REASON");
	for (k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (i = 0; i < all.count; i++)
			if (!strcmp(all.group[i].state, order[k]))
				print_status(&all.group[i], with_reason);
	done(&all);
	return 0;
}

/* ---- drain ---- */

static void print_drained(const struct group *g)
{
	time_t t = (time_t)g->time;
	char when[32] = "", *nodes = nodelist(g);
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%b%d %R", &tm);
	printf("%-12s %-8s %-30s %s\n", when, g->state, g->reason, nodes);
	free(nodes);
}

static bool is_drained(const struct group *g)
{
	return !strcmp(g->state, "drained") || !strcmp(g->state, "draining");
}

static int list(bool header)
{
	struct groups all = ask();
	size_t i;

	if (header)
		printf("%-12s %-8s %-30s %s\n", "TIME", "STATE", "REASON",
		       "NODELIST");
	for (i = 0; i < all.count; i++)
		if (is_drained(&all.group[i]))
			print_drained(&all.group[i]);
	done(&all);
	return 0;
}

/* Says what schedd made of it; the exit code. */
static int call(const char *method, const char *targets, const char *reason,
		const char *mode)
{
	json_t *o = json_pack("{s:s s:s s:s}", "targets", targets, "reason",
			      reason, "mode", mode);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	weir_t *h;
	weir_future_t *f;
	int e;

	if (!text)
		die("targets and reason must be UTF-8");
	h = open_instance(0);
	f = made(weir_rpc(h, method, text, strlen(text), -1), method);
	weir_future_wait(f, -1);
	e = weir_future_error(f);
	if (e)
		warn_error("%s", weir_future_strerror(f));
	if (e == EEXIST)
		warn("INFO: Use --force to overwrite existing drain reason");
	weir_future_destroy(f);
	weir_close(h);
	json_decref(o);
	free(text);
	return e ? 1 : 0;
}

static const struct option drain_longs[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "update", no_argument, NULL, 'u' },
	{ "no-header", no_argument, NULL, 'n' }, { 0 }
};

int resource_drain(int argc, char **argv)
{
	const char *mode = "";
	char *reason, *more;
	bool header = true;
	int c, i, r;

	while ((c = next_option(argc, argv, "fun", drain_longs,
				"weir-resource")) != -1) {
		switch (c) {
		case 'f': mode = "overwrite"; break;
		case 'u': mode = "update"; break;
		case 'n': header = false; break;
		}
	}
	if (optind == argc)
		return list(header);
	reason = xstrdup("");
	for (i = optind + 1; i < argc; i++) {
		more = xasprintf("%s%s%s", reason, *reason ? " " : "",
				 argv[i]);
		free(reason);
		reason = more;
	}
	r = call("resource.drain", argv[optind], reason, mode);
	free(reason);
	return r;
}

int resource_undrain(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "force", no_argument, NULL, 'f' }, { 0 }
	};
	const char *mode = "";

	while (next_option(argc, argv, "f", longs, "weir-resource") != -1)
		mode = "force";
	if (optind + 1 != argc)
		verb_usage();
	return call("resource.undrain", argv[optind], "", mode);
}
