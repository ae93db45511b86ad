/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs load: a dump becomes a directory again. weir-kvs(1).
 *
 * It is first made elsewhere: in a namespace of its own, which a lease ends
 * should the load be killed, or, for who may make none, in a directory of this
 * one. When all sums are right, and the tree has
 * the hash that the dump states, one transaction puts it in its place; if not,
 * it is removed again and nothing has changed. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/dump_stream.h"
#include "cmd/kvs.h"
#include "proto/wire.h"

#define BATCH_BYTES	(1u << 20)
#define BATCH_STEPS	4000
#define ENTRY_BYTES	64	/* that a step counts for, beside its value */
#define FLIGHT		4	/* commits on their way */

struct load {
	weir_t *h;
	const char *ns, *key;	/* where it is to be; KEY NULL: as dumped */
	bool force, any_owner;
	char *own_key;		/* memory of KEY */
	char *hash;		/* that it must have */
	bool begun;
	char *scratch_ns, *scratch;	/* where it is made: a namespace and
					   "." or a key */
	bool own_ns;		/* the namespace is made for it */
	weir_future_t *lease;	/* that it is bound to */
	weir_txn_t *txn;
	size_t bytes;		/* in TXN */
	weir_future_t *flight[FLIGHT];	/* oldest first */
	unsigned flights;
	char *why;		/* it failed */
};

/* That it came ends the waiting. */
static void on_signal(int number)
{
}

static int fail(struct load *l, char *why)
{
	if (l->why)
		free(why);
	else
		l->why = why;
	return -1;
}

/* Waits for F, which is taken. */
static int done(struct load *l, weir_future_t *f, const char *what)
{
	int rc = 0;

	if (!f || weir_future_get(f) < 0)
		rc = fail(l, xasprintf("%s: %s", what, f ?
				       weir_future_strerror(f) :
				       strerror(errno)));
	weir_future_destroy(f);
	return rc;
}

/* ---- batches ---- */

static int land_one(struct load *l)
{
	weir_future_t *f = l->flight[0];

	memmove(l->flight, l->flight + 1, --l->flights * sizeof(f));
	return done(l, f, "load");
}

static int land_all(struct load *l)
{
	int rc = 0;

	while (l->flights)
		rc = land_one(l) < 0 ? -1 : rc;
	return rc;
}

static int send_batch(struct load *l)
{
	if (!weir_txn_count(l->txn))
		return 0;
	if (l->flights == FLIGHT && land_one(l) < 0)
		return -1;
	l->flight[l->flights++] = weir_kvs_commit(l->h, l->scratch_ns, l->txn,
						  0);
	weir_txn_clear(l->txn);
	l->bytes = 0;
	return 0;
}

static int add(struct load *l, const struct dump_item *item)
{
	char *key = kvs_join(l->scratch, item->key);

	switch (item->kind) {
	case DUMP_DIR:
		weir_txn_mkdir(l->txn, key);
		break;
	case DUMP_VALUE:
		weir_txn_put(l->txn, key, item->data, item->len);
		break;
	case DUMP_MORE:
		weir_txn_append(l->txn, key, item->data, item->len);
		break;
	case DUMP_LINK:
		weir_txn_link(l->txn, key, item->target, item->target_ns);
		break;
	case DUMP_BEGIN:
	case DUMP_END:
		break;
	}
	free(key);
	l->bytes += item->len + ENTRY_BYTES;
	return l->bytes < BATCH_BYTES &&
		weir_txn_count(l->txn) < BATCH_STEPS ? 0 : send_batch(l);
}

/* ---- the place ---- */

static int check_owner(struct load *l, const struct dump_item *item,
		       uint64_t *owner)
{
	weir_future_t *f = made(weir_kvs_root(l->h, l->ns, NULL), l->ns);

	must(f, l->ns);
	weir_future_u64(f, "owner", owner);
	weir_future_destroy(f);
	if (l->any_owner || *owner == item->owner)
		return 0;
	return fail(l, xasprintf("the dump is of a namespace of user %ju, "
				 "%s is of user %ju: --any-owner loads it "
				 "nonetheless", (uintmax_t)item->owner, l->ns,
				 (uintmax_t)*owner));
}

/* Entries of the root; 1 for another KEY that exists, else 0. *VERSION is the
 * namespace's. */
static uint64_t entries_at(struct load *l, const char *key, uint64_t *version)
{
	weir_future_t *f = made(weir_kvs_stat(l->h, l->ns, key, NULL), key);
	uint64_t n = 0;

	*version = 0;
	if (weir_future_get(f) < 0 && weir_future_error(f) != ENOENT)
		kvs_fail(key, f);
	if (!weir_future_error(f)) {
		weir_future_u64(f, "size", &n);
		weir_future_u64(f, "version", version);
		if (strcmp(key, "."))
			n = 1;
	}
	weir_future_destroy(f);
	return n;
}

static int make_namespace(struct load *l, const char *name, uid_t owner)
{
	weir_future_t *f;
	uint64_t lease;

	/* It lasts as long as the connection. */
	l->lease = made(weir_lease(l->h, 0), "load");
	if (weir_future_get(l->lease) < 0 ||
	    weir_future_u64(l->lease, "id", &lease) < 0)
		return fail(l, xasprintf("load: %s",
					 weir_future_strerror(l->lease)));
	f = weir_kvs_namespace_create_leased(l->h, name, owner, NULL, lease);
	return done(l, f, "load");
}

static int make_scratch(struct load *l, uint64_t owner)
{
	const char *role = weir_greeting(l->h, "role");
	char *name = xasprintf("weir-load-%08x%08x", randombytes_random(),
			       randombytes_random());

	l->own_ns = role && !strcmp(role, "owner");
	l->begun = true;
	if (l->own_ns) {
		l->scratch_ns = name;
		l->scratch = xstrdup(".");
		return make_namespace(l, name, owner);
	}
	l->scratch_ns = xstrdup(l->ns);
	l->scratch = name;
	weir_txn_mkdir(l->txn, name);
	return send_batch(l);
}

static int begin(struct load *l, const struct dump_item *item)
{
	uint64_t owner = 0, version;

	if (!l->key)
		l->key = l->own_key = xstrdup(item->key);
	l->hash = xstrdup(item->hash);
	if (check_owner(l, item, &owner) < 0)
		return -1;
	if (!l->force && entries_at(l, l->key, &version))
		return fail(l, xasprintf("%s %s: --force replaces it", l->key,
					 strcmp(l->key, ".") ? "exists" :
					 "is not empty"));
	return make_scratch(l, owner);
}

static void discard(struct load *l)
{
	if (!l->begun)
		return;
	land_all(l);
	weir_txn_clear(l->txn);
	if (l->own_ns) {
		done(l, weir_kvs_namespace_remove(l->h, l->scratch_ns),
		     "load");
		return;
	}
	weir_txn_unlink(l->txn, l->scratch, WEIR_UNLINK_RECURSIVE |
					    WEIR_UNLINK_FORCE);
	done(l, weir_kvs_commit(l->h, l->ns, l->txn, 0), "load");
}

/* The tree is what was dumped? */
static int check_hash(struct load *l)
{
	weir_future_t *f = weir_kvs_stat(l->h, l->scratch_ns, l->scratch,
					 NULL);
	const char *hash;
	int rc = 0;

	if (!f || weir_future_get(f) < 0)
		return done(l, f, "load");
	hash = weir_future_option(f, "hash");
	if (strcmp(hash, l->hash))
		rc = fail(l, xasprintf("what was loaded has the hash %s, not "
				       "%s", hash, l->hash));
	weir_future_destroy(f);
	return rc;
}

/* One transaction, unless somebody has been there meanwhile. */
static int put_in_place(struct load *l)
{
	bool root = !strcmp(l->key, ".");
	uint64_t version, entries;
	weir_future_t *f;

	if (!l->force && root) {
		entries = entries_at(l, ".", &version);
		if (entries != !l->own_ns)
			return fail(l, xasprintf("%s is not empty any more",
						 l->ns));
		weir_txn_if_root(l->txn, version);
	} else if (!l->force) {
		weir_txn_if_absent(l->txn, l->key);
	}
	if (l->own_ns) {
		weir_txn_adopt(l->txn, l->key, l->scratch_ns);
	} else {
		weir_txn_copy(l->txn, l->key, l->scratch, NULL, NULL);
		weir_txn_unlink(l->txn, l->scratch, WEIR_UNLINK_RECURSIVE |
						    WEIR_UNLINK_FORCE);
	}
	f = weir_kvs_commit(l->h, l->ns, l->txn, 0);
	if (done(l, f, l->key) < 0)
		return -1;
	l->begun = false;
	return 0;
}

static int take_item(const struct dump_item *item, void *arg)
{
	struct load *l = arg;

	switch (item->kind) {
	case DUMP_BEGIN:
		return begin(l, item);
	case DUMP_END:
		return 0;
	default:
		return add(l, item);
	}
}

/* ---- all of it ---- */

/* They come only while it waits for bytes. BEFORE: what is blocked then. */
static void catch_signals(sigset_t *before)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < 3; i++) {
		sigaction(numbers[i], NULL, &old);
		if (old.sa_handler == SIG_IGN)
			continue;
		sigaction(numbers[i], &action, NULL);
		sigaddset(&set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &set, before);
}

static int run(struct load *l, const char *file)
{
	char *why = NULL;
	sigset_t signals;
	int rc;

	catch_signals(&signals);
	if (kvs_read_dump(file, &signals, take_item, l, &why) < 0)
		fail(l, why);
	if (!l->why && !send_batch(l) && !land_all(l) && !check_hash(l))
		put_in_place(l);
	rc = l->why ? 1 : 0;
	if (rc)
		warn("%s", l->why);
	discard(l);
	return rc;
}

int kvs_load(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "key", required_argument, NULL, 'k' },
		{ "force", no_argument, NULL, 'f' },
		{ "any-owner", no_argument, NULL, 'O' },
		{ 0 }
	};
	struct load l = { .txn = weir_txn_create() };
	int c, rc;

	while ((c = next_option(argc, argv, "N:k:fO", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'k': l.key = optarg; break;
		case 'f': l.force = true; break;
		case 'O': l.any_owner = true; break;
		}
	}
	if (argc - optind > 1)
		verb_usage();
	l.ns = kvs_ns_name(kvs_ns);
	l.h = open_instance(0);
	rc = run(&l, optind < argc ? argv[optind] : NULL);
	weir_future_destroy(l.lease);
	weir_close(l.h);
	weir_txn_destroy(l.txn);
	free(l.own_key);
	free(l.hash);
	free(l.scratch_ns);
	free(l.scratch);
	free(l.why);
	return rc;
}
