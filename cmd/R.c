/* SPDX-License-Identifier: Apache-2.0 */
/* weir R: sets of resources made, joined, compared and shown. weir-R(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/resource.h"
#include "cmd/subcommands.h"
#include "proto/hostlist.h"
#include "proto/idset.h"
#include "proto/resource_set.h"

static const struct option no_options[] = { { 0 } };

/* ---- reading and writing ---- */

struct sets {
	struct resource_set **set;
	size_t count;
};

static struct resource_set *taken(struct resource_set *set)
{
	if (!set)
		die("out of memory");
	return set;
}

/* All objects on standard input, one after the other. */
static struct sets read_sets(void)
{
	struct sets s = { NULL, 0 };
	struct proto_error error;
	json_error_t where;
	size_t len, at = 0;
	char *text = read_all(stdin, &len);

	for (;;) {
		json_t *o;

		at += strspn(text + at, " \t\r\n");
		if (at >= len)
			break;
		o = json_loadb(text + at, len - at, JSON_DISABLE_EOF_CHECK,
			       &where);
		if (!o)
			die("Failed to read an R object: %s", where.text);
		at += (size_t)where.position;
		s.set = xrealloc(s.set, (s.count + 1) * sizeof(struct
				 resource_set *));
		s.set[s.count] = resource_set_from_json(o, &error);
		if (!s.set[s.count++])
			die("Failed to read an R object: %s", error.text);
		json_decref(o);
	}
	free(text);
	if (!s.count)
		die("Failed to read an R object: standard input has none");
	return s;
}

static void free_sets(struct sets *s)
{
	while (s->count)
		resource_set_destroy(s->set[--s->count]);
	free(s->set);
}

static void print(const struct resource_set *set)
{
	char *text = resource_set_encode(set);

	if (!text)
		die("out of memory");
	puts(text);
	free(text);
}

static void no_arguments(int argc, char **argv)
{
	while (next_option(argc, argv, "", no_options, "weir-R") != -1)
		;
	if (optind < argc)
		verb_usage();
}

static struct idset *ids(const char *option, const char *text)
{
	struct proto_error error;
	struct idset *set = idset_decode(text, &error);

	if (!set)
		die("%s: '%s': %s", option, text, error.text);
	return set;
}

/* ---- encode ---- */

/* "NAME" for all ranks of SET, or "NAME:RANKS". */
static void add_property(struct resource_set *set, const char *option,
			 const char *text)
{
	const char *colon = strchr(text, ':');
	char *name = strndup(text, colon ? (size_t)(colon - text) :
			     strlen(text));
	struct idset *have = resource_set_ranks(set), *ranks;
	unsigned rank;

	ranks = colon ? ids(option, colon + 1) : have;
	if (!name || !have)
		die("out of memory");
	if (!*name)
		die("%s: '%s': a name is missing", option, text);
	for (rank = idset_first(ranks); rank != IDSET_NONE;
	     rank = idset_next(ranks, rank))
		if (!idset_test(have, rank))
			die("%s: '%s': there is no rank %u", option, text,
			    rank);
	if (resource_set_add_property(set, name, ranks) < 0)
		die("%s: '%s': %s", option, text, strerror(errno));
	if (ranks != have)
		idset_destroy(ranks);
	idset_destroy(have);
	free(name);
}

static struct hostlist *hosts_given(const char *option, const char *text)
{
	struct proto_error error;
	struct hostlist *list = hostlist_decode(text, &error);

	if (!list)
		die("%s: '%s': %s", option, text, error.text);
	if (!hostlist_count(list))
		die("%s: '%s': there is no host", option, text);
	return list;
}

static void fill(struct resource_set *set, const struct idset *ranks,
		 const struct hostlist *hosts, const struct idset *cores,
		 const struct idset *gpus)
{
	char name[HOSTLIST_NAME_SIZE];
	unsigned rank = idset_first(ranks);
	size_t i = 0;

	if (!hosts && gethostname(name, sizeof(name)) < 0)
		die("the host's name: %s", strerror(errno));
	for (; rank != IDSET_NONE; rank = idset_next(ranks, rank)) {
		if (hosts)
			hostlist_nth(hosts, i++, name);
		if (resource_set_add(set, rank, name, cores, gpus) < 0)
			die("rank %u: %s", rank, strerror(errno));
	}
}

static int encode(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "ranks", required_argument, NULL, 'r' },
		{ "cores", required_argument, NULL, 'c' },
		{ "gpus", required_argument, NULL, 'g' },
		{ "hosts", required_argument, NULL, 'H' },
		{ "property", required_argument, NULL, 'p' },
		{ 0 }
	};
	struct idset *ranks = NULL, *cores = NULL, *gpus = NULL;
	struct resource_set *set = taken(resource_set_create());
	struct hostlist *hosts = NULL;
	char *all = NULL, **property = xmalloc((size_t)argc * sizeof(char *));
	int c, i, properties = 0;

	while ((c = next_option(argc, argv, "r:c:g:H:p:", longs, "weir-R"))
	       != -1) {
		switch (c) {
		case 'r': ranks = ids("--ranks", optarg); break;
		case 'c': cores = ids("--cores", optarg); break;
		case 'g': gpus = ids("--gpus", optarg); break;
		case 'H': hosts = hosts_given("--hosts", optarg); break;
		case 'p': property[properties++] = optarg; break;
		}
	}
	if (optind < argc)
		verb_usage();
	if (!ranks) {
		all = xasprintf("0-%zu", hosts ? hostlist_count(hosts) - 1 :
				0);
		ranks = ids("--ranks", all);
	}
	if (hosts && hostlist_count(hosts) != idset_count(ranks))
		die("--hosts: %zu hosts for %zu ranks", hostlist_count(hosts),
		    idset_count(ranks));
	if (!cores)
		cores = ids("--cores", "0");
	fill(set, ranks, hosts, cores, gpus);
	for (i = 0; i < properties; i++)
		add_property(set, "--property", property[i]);
	print(set);
	free(property);
	free(all);
	idset_destroy(ranks);
	idset_destroy(cores);
	idset_destroy(gpus);
	hostlist_destroy(hosts);
	resource_set_destroy(set);
	return 0;
}

/* ---- parts of a set ---- */

static bool has_property(const struct resource_set *set, const char *name,
			 unsigned rank)
{
	size_t i;

	for (i = 0; i < set->property_count; i++)
		if (!strcmp(set->properties[i].name, name))
			return idset_test(set->properties[i].ranks, rank);
	return false;
}

/* Properties of FROM for the ranks of SET, which TO maps; NULL: unchanged. */
static void keep_properties(struct resource_set *set,
			    const struct resource_set *from,
			    const unsigned *to)
{
	size_t i, k;

	for (i = 0; i < from->property_count; i++) {
		const struct resource_property *p = &from->properties[i];
		struct idset *ranks = idset_create();

		for (k = 0; ranks && k < from->count; k++) {
			unsigned old = from->nodes[k].rank;
			unsigned new = to ? to[k] : old;

			if (idset_test(p->ranks, old) &&
			    resource_set_find(set, new) &&
			    idset_set(ranks, new) < 0)
				die("out of memory");
		}
		if (!ranks || (!idset_empty(ranks) &&
			       resource_set_add_property(set, p->name,
							 ranks) < 0))
			die("out of memory");
		idset_destroy(ranks);
	}
}

struct selection {
	struct idset *include, *exclude;	/* NULL: none */
	const char *properties;			/* with commas; or NULL */
};

static bool selected(const struct selection *s, const struct resource_set *set,
		     unsigned rank)
{
	char *copy, *rest, *word;
	bool all = true;

	if ((s->include && !idset_test(s->include, rank)) ||
	    (s->exclude && idset_test(s->exclude, rank)))
		return false;
	if (!s->properties)
		return true;
	copy = rest = xstrdup(s->properties);
	while ((word = strsep(&rest, ",")))
		all = all && has_property(set, word + (*word == '^'), rank) ==
			(*word != '^');
	free(copy);
	return all;
}

static struct resource_set *select_part(const struct selection *s,
					const struct resource_set *set)
{
	struct resource_set *part = taken(resource_set_create());
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct resource_node *n = &set->nodes[i];

		if (selected(s, set, n->rank) &&
		    resource_set_add(part, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			die("out of memory");
	}
	keep_properties(part, set, NULL);
	part->starttime = set->starttime;
	part->expiration = set->expiration;
	return part;
}

/* The union of all, with the properties of all. */
static struct resource_set *joined(const struct sets *s)
{
	struct resource_set *all = taken(resource_set_copy(s->set[0]));
	size_t i;

	for (i = 1; i < s->count; i++) {
		if (resource_set_union(all, s->set[i]) < 0)
			die("cannot join R objects: %s", errno == EEXIST ?
			    "a rank has two hosts" : strerror(errno));
		keep_properties(all, s->set[i], NULL);
	}
	return all;
}

/* ---- decode ---- */

static void print_count(const struct resource_set *set, const char *what)
{
	size_t n;

	if (!strcmp(what, "ranks") || !strcmp(what, "node"))
		n = set->count;
	else if (!strcmp(what, "core"))
		n = resource_set_ncores(set);
	else if (!strcmp(what, "gpu"))
		n = resource_set_ngpus(set);
	else
		die("--count: '%s' is not ranks, core or gpu", what);
	printf("%zu\n", n);
}

static void print_text(char *text)
{
	if (!text)
		die("out of memory");
	puts(text);
	free(text);
}

static int decode(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "short", no_argument, NULL, 's' },
		{ "nodelist", no_argument, NULL, 'n' },
		{ "ranks", no_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'c' },
		{ "include", required_argument, NULL, 'i' },
		{ "exclude", required_argument, NULL, 'x' },
		{ "properties", required_argument, NULL, 'p' },
		{ 0 }
	};
	struct selection selection = { NULL, NULL, NULL };
	struct resource_set *all, *part;
	const char *count = NULL;
	struct idset *ranks;
	struct sets s;
	int c, form = 0;

	while ((c = next_option(argc, argv, "snrc:i:x:p:", longs, "weir-R"))
	       != -1) {
		switch (c) {
		case 'i': selection.include = ids("--include", optarg); break;
		case 'x': selection.exclude = ids("--exclude", optarg); break;
		case 'p': selection.properties = optarg; break;
		case 'c': count = optarg; /* fallthrough */
		default: form = c;
		}
	}
	if (optind < argc)
		verb_usage();
	s = read_sets();
	all = joined(&s);
	part = select_part(&selection, all);
	ranks = resource_set_ranks(part);
	switch (form) {
	case 's': print_text(resource_short(part)); break;
	case 'n': print_text(resource_set_nodelist(part)); break;
	case 'r': print_text(ranks ? idset_encode(ranks, 0) : NULL); break;
	case 'c': print_count(part, count); break;
	default: print(part);
	}
	idset_destroy(ranks);
	idset_destroy(selection.include);
	idset_destroy(selection.exclude);
	resource_set_destroy(part);
	resource_set_destroy(all);
	free_sets(&s);
	return 0;
}

/* ---- several sets to one ---- */

static bool overlap(const struct resource_set *a, const struct resource_set *b)
{
	struct resource_set *both = taken(resource_set_copy(a));
	bool is = resource_set_intersect(both, b) < 0 || both->count;

	resource_set_destroy(both);
	return is;
}

static int append(int argc, char **argv)
{
	struct resource_set *all;
	size_t i, k;
	struct sets s;

	no_arguments(argc, argv);
	s = read_sets();
	for (i = 0; i < s.count; i++)
		for (k = 0; k < i; k++)
			if (overlap(s.set[k], s.set[i]))
				die("R objects '%s' and '%s' overlap",
				    resource_short(s.set[k]),
				    resource_short(s.set[i]));
	all = joined(&s);
	print(all);
	resource_set_destroy(all);
	free_sets(&s);
	return 0;
}

static int reduce(int argc, char **argv,
		  int (*by)(struct resource_set *set,
			    const struct resource_set *other))
{
	struct resource_set *bare;
	struct sets s;
	size_t i;

	no_arguments(argc, argv);
	s = read_sets();
	for (i = 1; i < s.count; i++)
		if (by(s.set[0], s.set[i]) < 0)
			die("cannot compare R objects: %s", errno == EEXIST ?
			    "a rank has two hosts" : strerror(errno));
	/* properties of ranks that are gone go, too */
	bare = select_part(&(struct selection){ NULL, NULL, NULL }, s.set[0]);
	print(bare);
	resource_set_destroy(bare);
	free_sets(&s);
	return 0;
}

static int diff(int argc, char **argv)
{
	return reduce(argc, argv, resource_set_subtract);
}

static int intersect(int argc, char **argv)
{
	return reduce(argc, argv, resource_set_intersect);
}

/* ---- other ranks, properties ---- */

/* Node I of the union gets rank TO[I]. */
static void print_moved(const struct resource_set *all, const unsigned *to)
{
	struct resource_set *set = taken(resource_set_create());
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct resource_node *n = &all->nodes[i];

		if (resource_set_find(set, to[i]))
			die("two ranks would become rank %u", to[i]);
		if (resource_set_add(set, to[i], n->host, n->cores,
				     n->gpus) < 0)
			die("out of memory");
	}
	keep_properties(set, all, to);
	print(set);
	resource_set_destroy(set);
}

static int move(const struct hostlist *hosts)
{
	struct sets s = read_sets();
	struct resource_set *all = joined(&s);
	unsigned *to = xmalloc((all->count + 1) * sizeof(*to));
	size_t i;

	for (i = 0; i < all->count; i++) {
		ssize_t at = hosts ? hostlist_find(hosts, all->nodes[i].host) :
				     (ssize_t)i;

		if (at < 0)
			die("host %s is not in the list", all->nodes[i].host);
		to[i] = (unsigned)at;
	}
	print_moved(all, to);
	free(to);
	resource_set_destroy(all);
	free_sets(&s);
	return 0;
}

static int remap(int argc, char **argv)
{
	no_arguments(argc, argv);
	return move(NULL);
}

static int rerank(int argc, char **argv)
{
	struct hostlist *hosts;
	int result;

	while (next_option(argc, argv, "", no_options, "weir-R") != -1)
		;
	if (argc - optind != 1)
		verb_usage();
	hosts = hosts_given("HOSTLIST", argv[optind]);
	result = move(hosts);
	hostlist_destroy(hosts);
	return result;
}

static int set_property(int argc, char **argv)
{
	struct resource_set *all;
	struct sets s;

	while (next_option(argc, argv, "", no_options, "weir-R") != -1)
		;
	if (optind == argc)
		verb_usage();
	s = read_sets();
	all = joined(&s);
	for (; optind < argc; optind++)
		add_property(all, "set-property", argv[optind]);
	print(all);
	resource_set_destroy(all);
	free_sets(&s);
	return 0;
}

/* ---- verify ---- */

/* The first is what there has to be, the second what there is. */
static int verify(int argc, char **argv)
{
	struct resource_set *missing;
	struct sets s;
	size_t i;
	int result = 0;

	no_arguments(argc, argv);
	s = read_sets();
	if (s.count != 2)
		die("verify: %zu R objects, must be 2: what there has to be, "
		    "and what there is", s.count);
	missing = taken(resource_set_copy(s.set[0]));
	if (resource_set_subtract(missing, s.set[1]) < 0)
		die("verify: %s", errno == EEXIST ? "a rank has another host" :
		    strerror(errno));
	for (i = 0; i < missing->count; i++) {
		const struct resource_node *n = &missing->nodes[i];
		struct resource_set *one = taken(resource_set_create());
		char *text;

		if (resource_set_add(one, n->rank, n->host, n->cores,
				     n->gpus) < 0)
			die("out of memory");
		text = resource_short(one);
		warn("rank %u (%s) lacks %s", n->rank, n->host, text);
		free(text);
		resource_set_destroy(one);
		result = 1;
	}
	resource_set_destroy(missing);
	free_sets(&s);
	return result;
}

int main_R(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "encode", encode, "[-r RANKS] [-c CORES] [-g GPUS] "
		  "[-H HOSTS] [-p NAME[:RANKS]]" },
		{ "decode", decode, "[-s|-n|-r|-c ranks|core|gpu] [-i RANKS] "
		  "[-x RANKS] [-p NAME,...]" },
		{ "append", append, "" },
		{ "diff", diff, "" },
		{ "intersect", intersect, "" },
		{ "remap", remap, "" },
		{ "rerank", rerank, "HOSTLIST" },
		{ "set-property", set_property, "NAME[:RANKS]..." },
		{ "verify", verify, "" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-R");
}
