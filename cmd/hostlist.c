/* SPDX-License-Identifier: Apache-2.0 */
/* weir hostlist: lists of hosts made, joined, compared and taken apart.
 * weir-hostlist(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/hosts.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"
#include "cmd/subcommands.h"
#include "proto/idset.h"
#include "proto/resource_set.h"

enum action { JOIN, COUNT_THEM, NTH, FIND, EXPAND };

struct request {
	enum action action;
	enum hosts_op op;	/* of the sources */
	bool sort, unique, fallback, local, quiet;
	const char *argument;	/* of NTH, FIND */
	const char *exclude, *delimiter;
	long limit;		/* negative: the last; 0: all */
	weir_t *h;		/* once it is needed */
};

/* ---- sources ---- */

static weir_t *instance(struct request *r)
{
	if (!r->h)
		r->h = open_instance(0);
	return r->h;
}

static struct hostlist *decoded(const char *text, const char *what)
{
	struct proto_error error;
	struct hostlist *list = hostlist_decode(text, &error);

	if (!list)
		fail("%s: %s", what, error.text);
	return list;
}

/* Those of part STATE of the instance. */
static struct hostlist *of_resources(struct request *r, const char *state)
{
	struct resource_set *set = resource_ask_one(instance(r), state);
	char *nodes = resource_set_nodelist(set);
	struct hostlist *list = nodes ? decoded(nodes, state) : NULL;

	if (!list)
		die("out of memory");
	free(nodes);
	resource_set_destroy(set);
	return list;
}

/* The hosts of job ID, in its order; NULL: there is no such job. */
static struct hostlist *of_job(struct request *r, weir_jobid_t id,
			       const char *word)
{
	weir_future_t *f = made(weir_job_lookup(instance(r), id, "R"), word);
	struct proto_error error;
	struct resource_set *R;
	struct hostlist *list;
	const char *data;
	char *nodes;
	size_t len;

	if (weir_future_get(f) < 0) {
		if (weir_future_error(f) != ENOENT)
			fail("%s: %s", word, weir_future_strerror(f));
		weir_future_destroy(f);
		f = made(weir_job_lookup(r->h, id, "jobspec"), word);
		if (weir_future_get(f) == 0)
			fail("job %s has no nodes yet", word);
		weir_future_destroy(f);
		return NULL;
	}
	data = weir_future_data(f, &len);
	R = resource_set_parse(data ? data : "", data ? len : 0, &error);
	if (!R)
		fail("%s: R: %s", word, error.text);
	nodes = resource_set_nodelist(R);
	list = decoded(nodes ? nodes : "", word);
	free(nodes);
	resource_set_destroy(R);
	weir_future_destroy(f);
	return list;
}

static struct hostlist *of_local(struct request *r)
{
	const char *word = getenv("WEIR_JOB_ID");
	struct hostlist *list;
	weir_jobid_t id;

	if (!word || weir_jobid_parse(word, &id) < 0)
		return of_resources(r, "all");
	list = of_job(r, id, word);
	if (!list)
		fail("job %s not found", word);
	return list;
}

static struct hostlist *of_stdin(void)
{
	struct hostlist *list = hostlist_create();
	struct proto_error error;
	size_t len;
	char *text = read_all(stdin, &len), *rest = text, *word;

	while (list && (word = strsep(&rest, " \t\n")))
		if (*word && hostlist_decode_append(list, word, &error) < 0)
			fail("standard input: %s", error.text);
	if (!list)
		die("out of memory");
	free(text);
	return list;
}

static struct hostlist *source(struct request *r, const char *word)
{
	struct hostlist *list = NULL;
	weir_jobid_t id;

	if (!strcmp(word, "instance"))
		return of_resources(r, "all");
	if (!strcmp(word, "avail") || !strcmp(word, "available"))
		return of_resources(r, "up");
	if (!strcmp(word, "local"))
		return of_local(r);
	if (!strcmp(word, "stdin") || !strcmp(word, "-"))
		return of_stdin();
	if (strpbrk(word, "[,") || weir_jobid_parse(word, &id) < 0)
		return decoded(word, word);
	/* it looks like a job's id */
	if (!r->fallback || getenv("WEIR_URI"))
		list = of_job(r, id, word);
	if (!list && !r->fallback)
		fail("job %s not found", word);
	return list ? list : decoded(word, word);
}

/* ---- what is left of them ---- */

static long limit_option(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || !n)
		usage_error("--limit: '%s' is no number other than 0", text);
	return n;
}

/* Places in a list of N, all in IDS, which may count from the end. */
static struct idset *places(const char *text, size_t n, const char *option)
{
	bool from_end = *text == '-';
	struct proto_error error;
	struct idset *given = idset_decode(text + from_end, &error), *set;
	unsigned i;

	if (!given)
		fail("%s: '%s': %s", option, text, error.text);
	if (!from_end)
		return given;
	set = idset_create();
	for (i = idset_first(given); set && i != IDSET_NONE;
	     i = idset_next(given, i)) {
		if (!i)
			fail("%s: '%s': -0 is no place", option, text);
		/* one that is not there is found out later */
		if (i > n ? idset_set(set, (unsigned)n + i) :
		    idset_set(set, (unsigned)(n - i)))
			die("out of memory");
	}
	idset_destroy(given);
	return set;
}

static void exclude(struct hosts *h, const char *text)
{
	struct idset *set = idset_decode(text, NULL);
	struct hostlist *list;
	struct hosts other;

	if (set) {
		hosts_drop(h, set);
		idset_destroy(set);
		return;
	}
	list = decoded(text, "--exclude");
	other = hosts_of(list);
	hosts_combine(h, &other, HOSTS_MINUS);
	hosts_free(&other);
	hostlist_destroy(list);
}

static struct hosts gather(struct request *r, char **words, int n)
{
	static char *from_stdin[] = { (char *)"stdin" };
	static char *from_local[] = { (char *)"local" };
	struct hosts all = { 0 }, one;
	int i;

	if (!n) {
		words = r->local ? from_local : from_stdin;
		n = 1;
	}
	for (i = 0; i < n; i++) {
		struct hostlist *list = source(r, words[i]);

		one = hosts_of(list);
		hosts_combine(&all, &one, i ? r->op : HOSTS_JOIN);
		hosts_free(&one);
		hostlist_destroy(list);
	}
	if (r->exclude)
		exclude(&all, r->exclude);
	if (r->sort || r->unique)
		hosts_sort(&all, r->unique);
	if (r->limit)
		hosts_limit(&all, r->limit);
	return all;
}

/* ---- answers ---- */

static void print_list(const struct request *r, const struct hosts *h)
{
	struct hostlist *list = hosts_list(h);
	char *text;
	size_t i;

	if (r->action == EXPAND) {
		for (i = 0; i < h->count; i++)
			printf("%s%s", i ? r->delimiter : "", h->name[i]);
	} else {
		text = hostlist_encode(list);
		printf("%s", text ? text : "");
		free(text);
	}
	if (h->count)
		putchar('\n');
	hostlist_destroy(list);
}

static void print_nth(struct request *r, const struct hosts *h)
{
	struct idset *set = places(r->argument, h->count, "--nth");
	struct hosts found = { 0 };
	unsigned i;

	for (i = idset_first(set); i != IDSET_NONE; i = idset_next(set, i)) {
		if (i >= h->count)
			fail("--nth: '%s': the list has %zu hosts",
			     r->argument, h->count);
		hosts_add(&found, h->name[i]);
	}
	print_list(r, &found);
	hosts_free(&found);
	idset_destroy(set);
}

static void print_places(const struct request *r, const struct hosts *h)
{
	struct hostlist *wanted = decoded(r->argument, "--find");
	struct hostlist_iter it = { 0 };
	char name[HOSTLIST_NAME_SIZE];
	bool first = true;
	size_t i;

	while (hostlist_next(wanted, &it, name)) {
		bool found = false;

		for (i = 0; i < h->count; i++)
			if (!strcmp(h->name[i], name)) {
				printf("%s%zu", first ? "" : r->delimiter, i);
				first = false;
				found = true;
			}
		if (!found)
			fail("host '%s' not found", name);
	}
	putchar('\n');
	hostlist_destroy(wanted);
}

static void answer(struct request *r, const struct hosts *h)
{
	switch (r->action) {
	case COUNT_THEM: printf("%zu\n", h->count); break;
	case NTH: print_nth(r, h); break;
	case FIND: print_places(r, h); break;
	default: print_list(r, h);
	}
}

/* ---- options ---- */

static void act(struct request *r, enum action action, const char *argument)
{
	if (r->action != JOIN && r->action != action &&
	    !(r->action == EXPAND || action == EXPAND))
		usage_error("--count, --nth and --find can't be used "
			    "together");
	if (r->action == JOIN || action != EXPAND)
		r->action = action;
	if (argument)
		r->argument = argument;
}

static void combine(struct request *r, enum hosts_op op)
{
	if (r->op != HOSTS_JOIN && r->op != op)
		usage_error("--intersect, --minus and --xor can't be used "
			    "together");
	r->op = op;
}

static void parse(struct request *r, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "expand", no_argument, NULL, 'e' },
		{ "delimiter", required_argument, NULL, 'd' },
		{ "count", no_argument, NULL, 'c' },
		{ "nth", required_argument, NULL, 'n' },
		{ "find", required_argument, NULL, 'F' },
		{ "limit", required_argument, NULL, 'L' },
		{ "sort", no_argument, NULL, 'S' },
		{ "union", no_argument, NULL, 'u' },
		{ "unique", no_argument, NULL, 'u' },
		{ "exclude", required_argument, NULL, 'x' },
		{ "intersect", no_argument, NULL, 'i' },
		{ "minus", no_argument, NULL, 'm' },
		{ "xor", no_argument, NULL, 'X' },
		{ "fallback", no_argument, NULL, 'f' },
		{ "local", no_argument, NULL, 'l' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	int c;

	while ((c = next_option(argc, argv, "ed:cn:F:L:Sux:imXflq", longs,
				"weir-hostlist")) != -1) {
		switch (c) {
		case 'e': act(r, EXPAND, NULL); break;
		case 'd': r->delimiter = optarg; break;
		case 'c': act(r, COUNT_THEM, NULL); break;
		case 'n': act(r, NTH, optarg); break;
		case 'F': act(r, FIND, optarg); break;
		case 'L': r->limit = limit_option(optarg); break;
		case 'S': r->sort = true; break;
		case 'u': r->unique = true; break;
		case 'x': r->exclude = optarg; break;
		case 'i': combine(r, HOSTS_INTERSECT); break;
		case 'm': combine(r, HOSTS_MINUS); break;
		case 'X': combine(r, HOSTS_XOR); break;
		case 'f': r->fallback = true; break;
		case 'l': r->local = true; break;
		case 'q': r->quiet = true; break;
		}
	}
}

int main_hostlist(int argc, char **argv)
{
	struct request r = { .delimiter = " " };
	struct hosts h;
	bool empty;

	usage_status = 2;
	options_anywhere = true;
	parse(&r, argc, argv);
	h = gather(&r, argv + optind, argc - optind);
	empty = !h.count;
	if (!r.quiet)
		answer(&r, &h);
	hosts_free(&h);
	weir_close(r.h);
	return r.quiet && empty;
}
