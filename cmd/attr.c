/* SPDX-License-Identifier: Apache-2.0 */
/* weir getattr, setattr, lsattr: what is below `instance'. Names are
 * those users know: "-" where a key has it, "." as well. weir-getattr(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/subcommands.h"

/* Names that people ask for and the key below `instance' that has it. */
static const char *key_name(const char *name)
{
	static const struct { const char *name, *key; } other[] = {
		{ "security.owner", "owner" },
		{ "instance-level", "level" },
		{ "broker.starttime", "start" },
		{ "local-uri", "uri" },
	};
	size_t i;

	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (!strcmp(other[i].name, name))
			return other[i].key;
	return name;
}

int main_getattr(int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };
	weir_future_t *f;
	char *key;
	size_t len;
	const char *data;
	weir_t *h;

	while (next_option(argc, argv, "", longs, "weir-getattr") != -1)
		;
	if (argc - optind != 1)
		usage_error("one attribute name is needed");
	key = xasprintf("instance.%s", key_name(argv[optind]));
	h = open_instance(0);
	f = weir_kvs_get(h, "primary", key, NULL);
	if (!f || weir_future_get(f) < 0)
		die("%s: %s", argv[optind], strerror(f ? weir_future_error(f) :
						     errno));
	data = weir_future_data(f, &len);
	printf("%.*s\n", (int)len, data ? data : "");
	weir_future_destroy(f);
	weir_close(h);
	free(key);
	return 0;
}

/* What weir start found out is not to be changed. */
static bool is_fact(const char *key)
{
	static const char *const facts[] = {
		"id", "size", "owner", "start", "level", "jobid", "hostlist",
		"hostname", "rank", "rundir", "statedir", "uri", "parent-uri",
		"version",
	};
	size_t i;

	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (!strcmp(facts[i], key))
			return true;
	return false;
}

int main_setattr(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "force", no_argument, NULL, 'f' }, { 0 }
	};
	const char *name, *value;
	bool force = false;
	weir_future_t *f;
	weir_txn_t *txn;
	char *key;
	weir_t *h;

	while (next_option(argc, argv, "f", longs, "weir-getattr") != -1)
		force = true;
	if (argc - optind != 2)
		usage_error("an attribute name and its value are needed");
	name = argv[optind];
	value = argv[optind + 1];
	if (is_fact(key_name(name)))
		die("%s: Operation not permitted", name);
	key = xasprintf("instance.%s", name);
	h = open_instance(0);
	txn = weir_txn_create();
	if (!txn || (!force && weir_txn_if_present(txn, key) < 0) ||
	    weir_txn_put(txn, key, value, strlen(value)) < 0)
		die("%s: %s", name, strerror(errno));
	f = made(weir_kvs_commit(h, "primary", txn, 0), name);
	if (weir_future_get(f) < 0)
		die("%s: %s", name, !force && weir_future_error(f) == ECANCELED ?
		    "unknown attribute" : weir_future_strerror(f));
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	weir_close(h);
	free(key);
	return 0;
}

int main_lsattr(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "values", no_argument, NULL, 'v' }, { 0 }
	};
	const char *type, *name;
	weir_future_t *f, *g;
	bool values = false;
	uint64_t size;
	weir_t *h;

	while (next_option(argc, argv, "v", longs, "weir-getattr") != -1)
		values = true;
	if (optind < argc)
		usage_error("lsattr takes no names");
	h = open_instance(0);
	f = weir_kvs_list(h, "primary", "instance", NULL, NULL, 0);
	must(f, "instance");
	while (weir_kvs_list_next(f, &type, &size, &name) > 0) {
		char *key = xasprintf("instance.%s", name);
		const char *data = NULL;
		size_t len = 0;

		if (!values) {
			puts(name);
			free(key);
			continue;
		}
		g = weir_kvs_get(h, "primary", key, NULL);
		if (g && weir_future_get(g) == 0)
			data = weir_future_data(g, &len);
		printf("%-40s%.*s\n", name, len ? (int)len : 1,
		       len ? data : "-");
		weir_future_destroy(g);
		free(key);
	}
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}
