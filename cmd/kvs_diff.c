/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs diff: a line for each key that differs. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/kvs.h"

#define DIFFERENT	1
#define TROUBLE		2	/* as diff(1) has it */

static void print_change(const struct weir_kvs_change *c, const char *top)
{
	char *full = strcmp(c->key, ".") ? kvs_join(top, c->key) :
		     xstrdup(top);
	const char *type = strcmp(c->is, "none") ? c->is : c->was;

	printf("%-7s %s%s", c->what, full, !strcmp(type, "dir") &&
	       strcmp(full, ".") ? "." : "");
	if (!strcmp(c->what, "changed") && strcmp(c->was, c->is))
		printf(" (%s to %s)", c->was, c->is);
	putchar('\n');
	free(full);
}

/* Whether there were any. */
static bool print_page(weir_future_t *f, const char *top)
{
	struct weir_kvs_change change;
	bool any = false;
	int r;

	while ((r = weir_kvs_diff_next(f, &change)) > 0) {
		print_change(&change, top);
		any = true;
	}
	if (r < 0) {
		fflush(stdout);
		warn("diff: the server's list is malformed");
		leave(TROUBLE);
	}
	return any;
}

static int run(const struct weir_kvs_place *from,
	       const struct weir_kvs_place *to, int flags)
{
	weir_t *h = open_instance(0);
	weir_future_t *f = weir_kvs_diff(h, from, to, flags);
	bool differs = false;

	for (; f && !weir_future_get(f); weir_future_next(f))
		differs = print_page(f, to->key ? "." : from->key) || differs;
	if (!f || weir_future_error(f) != ENODATA) {
		fflush(stdout);
		warn("diff: %s", f ? weir_future_strerror(f) :
		     strerror(errno));
		leave(TROUBLE);
	}
	weir_future_destroy(f);
	weir_close(h);
	if (fflush(stdout) == EOF) {
		warn("standard output: %s", strerror(errno));
		leave(TROUBLE);
	}
	return differs ? DIFFERENT : 0;
}

int kvs_diff(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "recursive", no_argument, NULL, 'r' },
		{ "keys", no_argument, NULL, 'k' },
		{ "namespaces", no_argument, NULL, 'n' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 }
	};
	struct weir_kvs_place from = { .key = "." }, to = { .key = NULL };
	const char *at = NULL;
	char *a, *b;
	int c, kind = 0, flags = 0;

	usage_status = TROUBLE;
	while ((c = next_option(argc, argv, "N:rkna:", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': from.ns = optarg; break;
		case 'r': flags = WEIR_DIFF_RECURSIVE; break;
		case 'a': at = kvs_at(optarg); break;
		default: kind = c;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 3 || (kind && argc < 2) ||
	    (kind == 'k' && argc == 3) || (!kind && at) ||
	    (kind == 'n' && from.ns))
		usage_error("diff [-N NS] [-r] VERSION [VERSION [KEY]], "
			    "diff -k A B, or diff -n A B [KEY]");
	a = argv[0];
	b = argc > 1 && (kind || strcmp(argv[1], "-")) ? argv[1] : NULL;
	if (argc == 3)
		from.key = argv[2];
	if (kind == 'k') {
		from.key = a;
		to.key = b;
	} else if (kind == 'n') {
		from.ns = a;
		to.ns = b;
	} else {
		from.at = kvs_at(a);
		to.at = b ? kvs_at(b) : NULL;
	}
	if (at)
		from.at = to.at = at;
	from.ns = kvs_ns_name(from.ns);
	return run(&from, &to, flags);
}
