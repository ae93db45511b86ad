/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs getroot, version, wait, sync and namespace. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/kvs.h"
#include "proto/wire.h"

static const struct option only_namespace[] = {
	{ "namespace", required_argument, NULL, 'N' },
	{ 0 }
};

static void namespace_option(int argc, char **argv)
{
	int c;

	while ((c = next_option(argc, argv, "N:", only_namespace, "weir-kvs"))
	       != -1)
		if (c == 'N')
			kvs_ns = optarg;
}

static weir_future_t *root(weir_t *h, const char *at)
{
	weir_future_t *f = weir_kvs_root(h, kvs_ns, at);

	must(f, kvs_ns_name(kvs_ns));
	return f;
}

int kvs_getroot(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "owner", no_argument, NULL, 'o' },
		{ "blobref", no_argument, NULL, 'b' },
		{ "sequence", no_argument, NULL, 's' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 }
	};
	weir_future_t *f;
	weir_t *h;
	const char *at = NULL;
	int c, what = 0;
	char *ref;

	while ((c = next_option(argc, argv, "N:obsa:", longs, "weir-kvs"))
	       != -1) {
		if (c == 'N')
			kvs_ns = optarg;
		else if (c == 'a')
			at = kvs_at(optarg);
		else
			what = c;
	}
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	f = root(h, at);
	ref = xasprintf("blake2b-%s", weir_future_option(f, "hash"));
	if (what == 'o')
		puts(weir_future_option(f, "owner"));
	else if (what == 's')
		puts(weir_future_option(f, "version"));
	else if (what == 'b')
		puts(ref);
	else
		kvs_print_root(ref);
	free(ref);
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

int kvs_version(int argc, char **argv)
{
	weir_future_t *f;
	weir_t *h;

	namespace_option(argc, argv);
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	f = root(h, NULL);
	puts(weir_future_option(f, "version"));
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

int kvs_wait(int argc, char **argv)
{
	weir_future_t *f;
	uint64_t version;
	weir_t *h;

	namespace_option(argc, argv);
	if (argc - optind != 1)
		verb_usage();
	if (wire_parse_u64(argv[optind], &version) < 0)
		usage_error("'%s' is no version", argv[optind]);
	h = open_lasting();
	f = weir_kvs_sync(h, kvs_ns, version, -1);
	must(f, kvs_ns_name(kvs_ns));
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

/* All that anybody committed before is durable, and so readable. */
int kvs_sync(int argc, char **argv)
{
	weir_future_t *f;
	weir_t *h;

	namespace_option(argc, argv);
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	f = weir_kvs_sync(h, kvs_ns, 0, -1);
	must(f, kvs_ns_name(kvs_ns));
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

static int ns_remove(int argc, char **argv)
{
	weir_t *h;

	namespace_option(argc, argv);
	if (optind == argc)
		usage_error("namespace remove needs a name");
	h = open_instance(0);
	for (; optind < argc; optind++) {
		weir_future_t *f = weir_kvs_namespace_remove(h, argv[optind]);

		must(f, argv[optind]);
		weir_future_destroy(f);
	}
	weir_close(h);
	return 0;
}

static int ns_list(int argc, char **argv)
{
	weir_future_t *f;
	const char *data;
	char *copy, *line, *rest;
	weir_t *h;

	namespace_option(argc, argv);
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	f = weir_kvs_namespace_list(h);
	must(f, "namespace list");
	data = weir_future_data(f, NULL);
	printf("%-36s %10s %10s\n", "NAMESPACE", "OWNER", "FLAGS");
	copy = rest = xstrdup(data ? data : "");
	while ((line = strsep(&rest, "\n")) && *line) {
		char *name = strsep(&line, " "), *owner = strsep(&line, " ");

		if (!owner || wire_unescape(name) < 0)
			die("namespace list: the server's list is malformed");
		printf("%-36s %10s 0x%08x\n", name, owner, 0);
	}
	free(copy);
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

int kvs_namespace(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "create", kvs_ns_create, "[-o UID] [-r HASH] [--quota-keys=N] "
		  "[--quota-bytes=N] [--history-versions=N] "
		  "[--history-time=TIME] NAME..." },
		{ "set", kvs_ns_set, "[--quota-keys=N] [--quota-bytes=N] "
		  "[--history-versions=N] [--history-time=TIME] NAME..." },
		{ "show", kvs_ns_show, "[NAME...]" },
		{ "quota", kvs_ns_quota, "[-l] [--quota-keys=N] "
		  "[--quota-bytes=N] [USER]" },
		{ "remove", ns_remove, "NAME..." },
		{ "list", ns_list, "" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-kvs");
}
