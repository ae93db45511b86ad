/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs diff: a line for each key that differs. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/kvs.h"
#include "proto/wire.h"

#define DIFFERENT	1
#define TROUBLE		2	/* as diff(1) has it */

struct sides {
	const char *ns, *key, *at;
	const char *to_ns, *to_key, *to;
	bool recursive;
};

static weir_future_t *request(weir_t *h, const struct sides *s)
{
	const char *words[9] = { kvs_ns_name(s->ns), s->key };
	char *made[6];
	weir_future_t *f;
	int n = 2, m = 0;

	if (s->at)
		words[n++] = made[m++] = xasprintf("at=%s", s->at);
	if (s->to_ns)
		words[n++] = made[m++] = xasprintf("to-ns=%s", s->to_ns);
	if (s->to_key)
		words[n++] = made[m++] = xasprintf("to-key=%s", s->to_key);
	if (s->to)
		words[n++] = made[m++] = xasprintf("to=%s", s->to);
	if (s->recursive)
		words[n++] = "recursive=1";
	f = weir_request(h, "diff", words, NULL, 0);
	while (m)
		free(made[--m]);
	return f;
}

/* "added none 0 value 5 a.b" */
static bool print_line(char *line, const char *top)
{
	char *what = strsep(&line, " "), *was = strsep(&line, " ");
	char *is = line && strsep(&line, " ") ? strsep(&line, " ") : NULL;
	char *key = line && strsep(&line, " ") ? line : NULL;
	const char *type;
	char *full;

	if (!key || wire_unescape(key) < 0)
		return false;
	full = strcmp(key, ".") ? kvs_join(top, key) : xstrdup(top);
	type = strcmp(is, "none") ? is : was;
	printf("%-7s %s%s", what, full, !strcmp(type, "dir") &&
	       strcmp(full, ".") ? "." : "");
	if (!strcmp(what, "changed") && strcmp(was, is))
		printf(" (%s to %s)", was, is);
	putchar('\n');
	free(full);
	return true;
}

/* Whether there were any. */
static bool print_page(weir_future_t *f, const char *top)
{
	size_t len;
	const char *data = weir_future_data(f, &len);
	char *copy, *line, *rest;

	if (!data || !len)
		return false;
	copy = rest = xstrdup(data);
	while ((line = strsep(&rest, "\n")) && *line)
		if (!print_line(line, top)) {
			warn("diff: the server's list is malformed");
			leave(TROUBLE);
		}
	free(copy);
	return true;
}

static int run(const struct sides *s)
{
	weir_t *h = open_instance(0);
	weir_future_t *f = request(h, s);
	bool differs = false;

	for (; f && !weir_future_get(f); weir_future_next(f))
		differs = print_page(f, s->to_key ? "." : s->key) || differs;
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
	struct sides s = { .key = "." };
	const char *at = NULL;
	char *a, *b;
	int c, kind = 0;

	usage_status = TROUBLE;
	while ((c = next_option(argc, argv, "N:rkna:", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': s.ns = optarg; break;
		case 'r': s.recursive = true; break;
		case 'a': at = kvs_at(optarg); break;
		default: kind = c;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 3 || (kind && argc < 2) ||
	    (kind == 'k' && argc == 3) || (!kind && at) ||
	    (kind == 'n' && s.ns))
		usage_error("diff [-N NS] [-r] VERSION [VERSION [KEY]], "
			    "diff -k A B, or diff -n A B [KEY]");
	a = argv[0];
	b = argc > 1 && (kind || strcmp(argv[1], "-")) ? argv[1] : NULL;
	if (argc == 3)
		s.key = argv[2];
	if (kind == 'k') {
		s.key = a;
		s.to_key = b;
	} else if (kind == 'n') {
		s.ns = a;
		s.to_ns = b;
	} else {
		s.at = kvs_at(a);
		s.to = b ? kvs_at(b) : NULL;
	}
	if (at)
		s.at = s.to = at;
	return run(&s);
}
