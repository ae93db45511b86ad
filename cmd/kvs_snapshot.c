/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs snapshot and restore. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/common.h"
#include "cmd/kvs.h"
#include "proto/wire.h"

static void print_one(char *line)
{
	char *name = strsep(&line, " "), *version = strsep(&line, " ");
	char *seconds = strsep(&line, " "), when[64];
	uint64_t number;
	struct tm tm;
	time_t t;

	if (!line || wire_unescape(name) < 0 ||
	    wire_parse_u64(seconds, &number) < 0)
		die("snapshot: the server's list is malformed");
	t = (time_t)number;
	if (!localtime_r(&t, &tm) ||
	    !strftime(when, sizeof(when), "%FT%T", &tm))
		strcpy(when, "-");
	printf("%-24s %10s %-19s %.16s\n", name, version, when, line);
}

static void list(weir_t *h)
{
	weir_future_t *f = made(weir_kvs_snapshot_list(h, kvs_ns), "snapshot");
	char *copy, *line, *rest;
	const char *data;

	must(f, kvs_ns_name(kvs_ns));
	data = weir_future_data(f, NULL);
	printf("%-24s %10s %-19s %s\n", "NAME", "VERSION", "TIME", "HASH");
	copy = rest = xstrdup(data ? data : "");
	while ((line = strsep(&rest, "\n")) && *line)
		print_one(line);
	free(copy);
	weir_future_destroy(f);
}

static void make(weir_t *h, const char *name, const char *at)
{
	weir_future_t *f = made(weir_kvs_snapshot(h, kvs_ns, name, at),
				"snapshot");

	must(f, "snapshot");
	puts(weir_future_option(f, "name"));
	weir_future_destroy(f);
}

static void discard(weir_t *h, const char *name)
{
	weir_future_t *f = made(weir_kvs_snapshot_remove(h, kvs_ns, name),
				name);

	must(f, name);
	weir_future_destroy(f);
}

int kvs_snapshot(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "name", required_argument, NULL, 'n' },
		{ "at", required_argument, NULL, 'a' },
		{ "list", no_argument, NULL, 'l' },
		{ "remove", no_argument, NULL, 'R' },
		{ 0 }
	};
	const char *name = NULL, *at = NULL;
	int c, what = 0;
	weir_t *h;

	while ((c = next_option(argc, argv, "N:n:a:lR", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'n': name = optarg; break;
		case 'a': at = kvs_at(optarg); break;
		default: what = c;
		}
	}
	if ((what && (name || at)) || (what == 'R') != (optind < argc))
		verb_usage();
	h = open_instance(0);
	if (what == 'l')
		list(h);
	else if (!what)
		make(h, name, at);
	for (; optind < argc; optind++)
		discard(h, argv[optind]);
	weir_close(h);
	return 0;
}

int kvs_restore(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ 0 }
	};
	weir_txn_t *txn = weir_txn_create();
	const char *name, *key;
	weir_future_t *f;
	weir_t *h;
	char *from;
	int c;

	while ((c = next_option(argc, argv, "N:", longs, "weir-kvs")) != -1)
		kvs_ns = optarg;
	if (argc - optind < 1 || argc - optind > 2)
		verb_usage();
	name = argv[optind];
	key = argc - optind == 2 ? argv[optind + 1] : ".";
	from = xasprintf("%s@%s", kvs_ns_name(kvs_ns), name);
	weir_txn_copy(txn, key, key, from, NULL);
	h = open_instance(0);
	f = made(weir_kvs_commit(h, kvs_ns, txn, 0), name);
	if (weir_future_get(f) < 0)
		kvs_copy_refused(f, key, kvs_ns_name(kvs_ns));
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	weir_close(h);
	free(from);
	return 0;
}
