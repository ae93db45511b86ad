/* SPDX-License-Identifier: Apache-2.0 */
/* Differences by libweir from a real kvsd, which t/t0123-diff.t starts: what
 * is told, and that it costs what differs. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libclient/weir.h"
#include "t/unit/tap.h"

#define BIG	20000	/* keys */

static weir_t *h;

static uint64_t number_of(weir_future_t *f, const char *name)
{
	uint64_t n = UINT64_MAX;

	weir_future_u64(f, name, &n);
	return n;
}

/* The version it makes. */
static uint64_t commit(weir_txn_t *txn)
{
	weir_future_t *f = weir_kvs_commit(h, NULL, txn, 0);
	uint64_t version;

	if (weir_future_get(f) < 0) {
		fprintf(stderr, "%s\n", weir_future_strerror(f));
		exit(1);
	}
	version = number_of(f, "version");
	weir_future_destroy(f);
	weir_txn_clear(txn);
	return version;
}

static uint64_t fill(weir_txn_t *txn, const char *dir, int count)
{
	char key[64];

	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%s.key-%06d", dir, i);
		weir_txn_put(txn, key, key, strlen(key));
	}
	return commit(txn);
}

/* Nodes that kvsd has looked at so far. */
static uint64_t nodes(void)
{
	static const char *const words[] = { "format=prometheus", NULL };
	static const char *const names[] = {
		"\nweir_database_cache_hits_total ",
		"\nweir_database_cache_misses_total ",
	};
	weir_future_t *f = weir_request(h, "stats", words, NULL, 0);
	uint64_t n = 0;

	for (int i = 0; i < 2 && weir_future_get(f) == 0; i++) {
		const char *at = strstr(weir_future_data(f, NULL), names[i]);

		n += at ? strtoull(at + strlen(names[i]), NULL, 10) : 0;
	}
	weir_future_destroy(f);
	return n;
}

struct tale {
	int changes, pages;
	char first[64], last[64];
	bool sorted;
};

static void see(struct tale *tale, const struct weir_kvs_change *c)
{
	if (!tale->changes++) {
		snprintf(tale->first, sizeof(tale->first), "%s %s", c->what,
			 c->key);
		tale->sorted = true;
	} else if (strcmp(strchr(tale->last, ' ') + 1, c->key) >= 0) {
		tale->sorted = false;
	}
	snprintf(tale->last, sizeof(tale->last), "%s %s", c->what, c->key);
}

static struct tale differ(const struct weir_kvs_place *from,
			  const struct weir_kvs_place *to, int flags)
{
	weir_future_t *f = weir_kvs_diff(h, from, to, flags);
	struct weir_kvs_change change;
	struct tale tale = { 0 };

	for (; weir_future_get(f) == 0; weir_future_next(f), tale.pages++)
		while (weir_kvs_diff_next(f, &change) == 1)
			see(&tale, &change);
	ok(weir_future_error(f) == ENODATA &&
	   number_of(f, "entries") == (uint64_t)tale.changes,
	   "a difference of %d in %d pages: %s", tale.changes, tale.pages,
	   weir_future_strerror(f));
	weir_future_destroy(f);
	return tale;
}

/* Few changes in a large directory, and all of it. */
static void cost(void)
{
	struct weir_kvs_place from = { .key = "a.b" }, to = { .key = NULL };
	char before[32], after[32];
	weir_txn_t *txn = weir_txn_create();
	uint64_t looked, whole;
	struct tale tale;

	snprintf(before, sizeof(before), "%ju",
		 (uintmax_t)fill(txn, "a.b", BIG));
	weir_txn_unlink(txn, "a.b.key-000007", 0);
	weir_txn_put(txn, "a.b.key-012345", "other", 5);
	weir_txn_put(txn, "a.b.new", "new", 3);
	snprintf(after, sizeof(after), "%ju", (uintmax_t)commit(txn));
	from.at = before;
	to.at = after;

	looked = nodes();
	tale = differ(&from, &to, WEIR_DIFF_RECURSIVE);
	looked = nodes() - looked;
	is_int(tale.changes, 3, "what differs");
	is_str(tale.first, "removed key-000007", "the first");
	is_str(tale.last, "added new", "the last");
	from.at = to.at = NULL;
	to.key = "empty";
	weir_txn_mkdir(txn, "empty");
	commit(txn);
	whole = nodes();
	tale = differ(&from, &to, 0);
	whole = nodes() - whole;
	is_int(tale.changes, BIG, "all differ");
	ok(tale.pages > 2 && tale.sorted, "in several pages, in order");
	is_str(tale.last, "removed new", "to the last");
	diag("%ju nodes for 3 changes, %ju for all", (uintmax_t)looked,
	     (uintmax_t)whole);
	ok(looked > 0 && looked * 3 < whole, "few cost less than all");
	weir_txn_destroy(txn);
}

static void given_up(void)
{
	struct weir_kvs_place from = { .key = "a.b" }, to = { .key = "empty" };
	weir_future_t *f = weir_kvs_diff(h, &from, &to, 0), *ping;
	struct weir_kvs_change change;

	is_int(weir_future_get(f), 0, "one begins");
	ok(weir_future_option(f, "version") && !weir_kvs_diff_next(f, &change),
	   "with the versions");
	weir_future_destroy(f);
	ping = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(ping), 0, "and is given up");
	weir_future_destroy(ping);
}

static void fails(const struct weir_kvs_place *from, int errnum,
		  const char *what)
{
	weir_future_t *f = weir_kvs_diff(h, from, NULL, 0);
	struct weir_kvs_change change;

	ok(weir_kvs_diff_next(f, &change) < 0 && errno == errnum, "%s: %s",
	   what, weir_future_strerror(f));
	weir_future_destroy(f);
}

static void errors(void)
{
	fails(&(struct weir_kvs_place){ .key = "nosuch" }, ENOENT, "no key");
	fails(&(struct weir_kvs_place){ .ns = "nosuch" }, ENOENT,
	      "no namespace");
	fails(&(struct weir_kvs_place){ .at = "999999" }, EINVAL,
	      "no version yet");
	fails(&(struct weir_kvs_place){ .at = "@nosuch" }, ENOENT,
	      "no snapshot");
	fails(&(struct weir_kvs_place){ .key = "a..b" }, EINVAL, "no key");
}

/* Roots by their hashes, snapshots, namespaces. */
static void places(void)
{
	struct weir_kvs_place from = { .key = NULL }, to = { .key = NULL };
	weir_future_t *root = weir_kvs_root(h, NULL, NULL);
	weir_future_t *keep = weir_kvs_snapshot(h, NULL, "s", NULL);
	weir_future_t *make = weir_kvs_namespace_create(h, "twin", getuid(),
							NULL);
	weir_txn_t *txn = weir_txn_create();
	struct tale tale;

	ok(!weir_future_get(root) && !weir_future_get(keep) &&
	   !weir_future_get(make), "a state is kept");
	weir_txn_put(txn, "a.z", "1", 1);
	commit(txn);
	from.at = weir_future_option(root, "hash");
	tale = differ(&from, NULL, WEIR_DIFF_RECURSIVE);
	is_str(tale.first, "added a.z", "by its hash");
	tale = differ(&from, NULL, 0);
	is_str(tale.last, "changed a", "of one level");
	from.at = "@s";
	tale = differ(&from, NULL, WEIR_DIFF_RECURSIVE);
	is_str(tale.first, "added a.z", "by its snapshot");
	to.ns = "twin";
	tale = differ(&from, &to, 0);
	is_int(tale.changes, 2, "with another namespace");
	from.at = NULL;
	is_int(differ(&from, NULL, 0).changes, 0, "nothing with itself");
	weir_future_destroy(root);
	weir_future_destroy(keep);
	weir_future_destroy(make);
	weir_txn_destroy(txn);
}

int main(void)
{
	struct weir_error error;

	h = weir_open(NULL, 0, &error);
	if (!h) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	cost();
	given_up();
	errors();
	places();
	weir_close(h);
	return done();
}
