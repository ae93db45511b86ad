/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs: reading and changing keys. The rest of it: kvs_show.c (ls, dir),
 * kvs_copy.c, kvs_diff.c, kvs_dump.c, kvs_load.c, kvs_snapshot.c,
 * kvs_namespace.c, kvs_quota.c, kvs_eventlog.c, kvs_space.c. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/kvs.h"
#include "cmd/subcommands.h"

const char *kvs_ns;

const char *kvs_reason(weir_future_t *f)
{
	int errnum = f ? weir_future_error(f) : errno;
	const char *text = f ? weir_future_strerror(f) : strerror(errnum);

	/* the usual ones in the words people know */
	if (errnum == ENOENT || errnum == EISDIR || errnum == ENOTDIR ||
	    errnum == EEXIST)
		return errnum == ENOENT && !strncmp(text, "namespace ", 10) ?
		       text : strerror(errnum);
	return text;
}

const char *kvs_at(char *text)
{
	static const char mark[] = "blake2b-";
	char *hash = strstr(text, mark);

	/* the object that getroot prints, or what -b prints */
	if (!hash || (*text != '{' && hash != text))
		return text;
	hash += strlen(mark);
	hash[strcspn(hash, "\"")] = '\0';
	return hash;
}

const char *kvs_ns_name(const char *given)
{
	const char *name = given ? given : getenv("WEIR_KVS_NAMESPACE");

	return name && *name ? name : "primary";
}

void kvs_fail(const char *key, weir_future_t *f)
{
	die("%s: %s", key, kvs_reason(f));
}

void kvs_get_done(weir_future_t *f, const char *key)
{
	if (!f || weir_future_get(f) < 0)
		kvs_fail(key, f);
}

/* ---- get ---- */

struct get {
	bool raw, label, watch, wait, uniq, append;
	unsigned long count;	/* of values still to print, with watch */
	const char *at;
	weir_t *h;
	char *last;
	size_t last_len;
	bool has_last;
};

static void print_value(const struct get *g, const char *key,
			const void *data, size_t len)
{
	if (g->label)
		printf("%s=", key);
	if (len)
		fwrite(data, 1, len, stdout);
	if (!g->raw && len)
		putchar('\n');
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
}

static bool is_new(struct get *g, const void *data, size_t len)
{
	bool same = g->has_last && len == g->last_len &&
		    (len == 0 || !memcmp(g->last, data, len));

	if (g->uniq && same)
		return false;
	g->last = xrealloc(g->last, len + 1);
	if (len)
		memcpy(g->last, data, len);
	g->last_len = len;
	g->has_last = true;
	return true;
}

/* Every value, or with --append every piece, until the count is reached. */
static void watch_value(struct get *g, const char *key)
{
	weir_future_t *f = weir_kvs_watch(g->h, kvs_ns, key,
					  g->append ? WEIR_WATCH_APPEND :
						      WEIR_WATCH_LATEST,
					  WEIR_FROM_NOW, 0,
					  g->wait ? WEIR_WATCH_WAIT : 0);
	const char *kind;
	const void *data;
	size_t len;

	for (;; weir_future_next(f)) {
		kvs_get_done(f, key);
		kind = weir_future_word(f, 0);
		if (!strcmp(kind, "gone")) {
			if (g->wait && !g->has_last)
				continue;
			die("%s: %s", key, strerror(ENOENT));
		}
		if (!strcmp(kind, "reset"))
			die("%s: the value was replaced", key);
		data = weir_future_data(f, &len);
		if (!is_new(g, data, len))
			continue;
		print_value(g, key, data, len);
		if (g->count && --g->count == 0)
			break;
	}
	weir_future_destroy(f);
}

static int kvs_get(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "raw", no_argument, NULL, 'r' },
		{ "label", no_argument, NULL, 'l' },
		{ "at", required_argument, NULL, 'a' },
		{ "waitcreate", no_argument, NULL, 'W' },
		{ "watch", no_argument, NULL, 'w' },
		{ "count", required_argument, NULL, 'c' },
		{ "uniq", no_argument, NULL, 'u' },
		{ "append", no_argument, NULL, 'A' },
		{ "full", no_argument, NULL, 'f' },
		{ "stream", no_argument, NULL, 'S' },
		{ 0 }
	};
	struct get g = { 0 };
	weir_future_t **f;
	char *end;
	const void *data;
	size_t len;
	int c, i, n;

	while ((c = next_option(argc, argv, "N:rla:Wwc:uAfS", longs,
				"weir-kvs")) != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'r': g.raw = true; break;
		case 'l': g.label = true; break;
		case 'a': g.at = kvs_at(optarg); break;
		case 'W': g.wait = true; break;
		case 'w': g.watch = true; break;
		case 'u': g.uniq = true; break;
		case 'A': g.append = true; break;
		case 'f': break;	/* changes above the key count anyway */
		case 'S': break;	/* a value of any size comes in one */
		case 'c':
			g.count = strtoul(optarg, &end, 10);
			if (*end || end == optarg)
				usage_error("--count: '%s' is no number",
					    optarg);
			break;
		}
	}
	n = argc - optind;
	if (n < 1)
		verb_usage();
	g.h = g.watch || g.wait ? open_lasting() : open_instance(0);
	if (g.watch || g.wait) {
		if (!g.watch)
			g.count = 1;
		for (i = 0; i < n; i++)
			watch_value(&g, argv[optind + i]);
		free(g.last);
		weir_close(g.h);
		return 0;
	}
	f = xmalloc(n * sizeof(*f));
	for (i = 0; i < n; i++)
		f[i] = weir_kvs_get(g.h, kvs_ns, argv[optind + i], g.at);
	for (i = 0; i < n; i++) {
		kvs_get_done(f[i], argv[optind + i]);
		data = weir_future_data(f[i], &len);
		print_value(&g, argv[optind + i], data, len);
		weir_future_destroy(f[i]);
	}
	free(f);
	weir_close(g.h);
	return 0;
}

/* ---- what commits ---- */

enum show { SHOW_NOTHING, SHOW_ROOT, SHOW_BLOBREF, SHOW_SEQUENCE };

/* Of -O, -b, -s, -N and others. */
static bool commit_option(int c, enum show *show)
{
	switch (c) {
	case 'N': kvs_ns = optarg; return true;
	case 'O': *show = SHOW_ROOT; return true;
	case 'b': *show = SHOW_BLOBREF; return true;
	case 's': *show = SHOW_SEQUENCE; return true;
	}
	return false;
}

#define COMMIT_LONGS \
	{ "namespace", required_argument, NULL, 'N' }, \
	{ "treeobj-root", no_argument, NULL, 'O' }, \
	{ "blobref", no_argument, NULL, 'b' }, \
	{ "sequence", no_argument, NULL, 's' }

void kvs_print_root(const char *hash)
{
	printf("{\"data\":[\"%s\"],\"type\":\"dirref\",\"ver\":1}\n", hash);
}

static bool no_merge;	/* put -n */

static void commit(weir_t *h, weir_txn_t *txn, enum show show,
		   const char *what)
{
	int flags = (show == SHOW_ROOT || show == SHOW_BLOBREF ?
		     WEIR_COMMIT_HASH : 0) |
		    (no_merge ? WEIR_COMMIT_NO_MERGE : 0);
	weir_future_t *f = weir_kvs_commit(h, kvs_ns, txn, flags);
	const char *hash;

	if (!f || weir_future_get(f) < 0)
		die("%s: %s", what, f ? weir_future_strerror(f) :
		    strerror(errno));
	hash = weir_future_option(f, "hash");
	if (show == SHOW_SEQUENCE)
		puts(weir_future_option(f, "version"));
	else if (show == SHOW_BLOBREF)
		printf("blake2b-%s\n", hash);
	else if (show == SHOW_ROOT) {
		char *ref = xasprintf("blake2b-%s", hash);

		kvs_print_root(ref);
		free(ref);
	}
	weir_future_destroy(f);
	weir_txn_destroy(txn);
}

static int kvs_put(int argc, char **argv)
{
	static const struct option longs[] = {
		COMMIT_LONGS,
		{ "raw", no_argument, NULL, 'r' },
		{ "no-merge", no_argument, NULL, 'n' },
		{ "append", no_argument, NULL, 'A' },
		{ "sync", no_argument, NULL, 'S' },
		{ 0 }
	};
	enum show show = SHOW_NOTHING;
	bool raw = false, append = false;
	weir_txn_t *txn = weir_txn_create();
	weir_t *h;
	int c, i;

	while ((c = next_option(argc, argv, "N:ObsrnAS", longs, "weir-kvs"))
	       != -1) {
		if (c == 'r')
			raw = true;
		else if (c == 'A')
			append = true;
		else if (c == 'n')
			no_merge = true;
		else
			commit_option(c, &show); /* S: always so */
	}
	if (optind == argc)
		verb_usage();
	for (i = optind; i < argc; i++) {
		char *key = argv[i], *value = strchr(key, '='), *data = NULL;
		size_t len;
		int r;

		if (!value || value == key)
			die("put: you must specify a value as key=value");
		*value++ = '\0';
		len = strlen(value);
		if (raw && !strcmp(value, "-"))
			value = data = read_all(stdin, &len);
		r = append ? weir_txn_append(txn, key, value, len) :
			     weir_txn_put(txn, key, value, len);
		if (r < 0)
			die("%s: %s", key, strerror(errno));
		free(data);
	}
	h = open_instance(0);
	commit(h, txn, show, "put");
	weir_close(h);
	return 0;
}

static int kvs_mkdir(int argc, char **argv)
{
	static const struct option longs[] = { COMMIT_LONGS, { 0 } };
	enum show show = SHOW_NOTHING;
	weir_txn_t *txn = weir_txn_create();
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "N:Obs", longs, "weir-kvs")) != -1)
		commit_option(c, &show);
	if (optind == argc)
		verb_usage();
	for (; optind < argc; optind++)
		weir_txn_mkdir(txn, argv[optind]);
	h = open_instance(0);
	commit(h, txn, show, "mkdir");
	weir_close(h);
	return 0;
}

static int kvs_unlink(int argc, char **argv)
{
	static const struct option longs[] = {
		COMMIT_LONGS,
		{ "recursive", no_argument, NULL, 'R' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 }
	};
	enum show show = SHOW_NOTHING;
	int c, i, flags = 0;
	weir_txn_t *txn = weir_txn_create();
	weir_future_t **f;
	weir_t *h;

	while ((c = next_option(argc, argv, "N:ObsRf", longs, "weir-kvs"))
	       != -1) {
		if (c == 'R')
			flags |= WEIR_UNLINK_RECURSIVE;
		else if (c == 'f')
			flags |= WEIR_UNLINK_FORCE;
		else
			commit_option(c, &show);
	}
	if (optind == argc)
		verb_usage();
	h = open_instance(0);
	/* ask first, so that the message can name the key */
	f = xmalloc(argc * sizeof(*f));
	for (i = optind; i < argc; i++) {
		f[i] = weir_kvs_stat(h, kvs_ns, argv[i], NULL);
		weir_txn_unlink(txn, argv[i], flags);
	}
	for (i = optind; i < argc; i++) {
		const char *type, *size;

		if (!f[i] || weir_future_get(f[i]) < 0) {
			int e = f[i] ? weir_future_error(f[i]) : errno;

			if (!(flags & WEIR_UNLINK_FORCE) || e != ENOENT)
				die("cannot unlink '%s': %s", argv[i],
				    kvs_reason(f[i]));
		} else {
			type = weir_future_option(f[i], "type");
			size = weir_future_option(f[i], "size");
			if (!(flags & WEIR_UNLINK_RECURSIVE) &&
			    !strcmp(type, "dir") && strcmp(size, "0"))
				die("cannot unlink '%s': %s", argv[i],
				    strerror(ENOTEMPTY));
		}
		weir_future_destroy(f[i]);
	}
	free(f);
	commit(h, txn, show, "unlink");
	weir_close(h);
	return 0;
}

static int kvs_link(int argc, char **argv)
{
	static const struct option longs[] = {
		COMMIT_LONGS,
		{ "target-namespace", required_argument, NULL, 'T' },
		{ 0 }
	};
	enum show show = SHOW_NOTHING;
	const char *target_ns = NULL;
	weir_txn_t *txn = weir_txn_create();
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "N:ObsT:", longs, "weir-kvs"))
	       != -1) {
		if (c == 'T')
			target_ns = optarg;
		else
			commit_option(c, &show);
	}
	if (argc - optind != 2)
		verb_usage();
	weir_txn_link(txn, argv[optind + 1], argv[optind], target_ns);
	h = open_instance(0);
	commit(h, txn, show, "link");
	weir_close(h);
	return 0;
}

/* A key that is something else; other arguments can be invalid, too. */
static bool no_link(weir_future_t *f)
{
	const char *text = f ? weir_future_strerror(f) : "";
	size_t len = strlen(text);

	return len > 11 && !strcmp(text + len - 11, " is no link");
}

static int kvs_readlink(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "at", required_argument, NULL, 'a' },
		{ "namespace-only", no_argument, NULL, 'o' },
		{ "key-only", no_argument, NULL, 'k' },
		{ 0 }
	};
	bool ns_only = false, key_only = false;
	const char *at = NULL;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "N:a:ok", longs, "weir-kvs"))
	       != -1) {
		if (c == 'N')
			kvs_ns = optarg;
		else if (c == 'a')
			at = kvs_at(optarg);
		else if (c == 'o')
			ns_only = true;
		else if (c == 'k')
			key_only = true;
	}
	if (optind == argc)
		verb_usage();
	h = open_instance(0);
	for (; optind < argc; optind++) {
		weir_future_t *f = weir_kvs_readlink(h, kvs_ns, argv[optind],
						     at);
		const char *ns;

		if (!f || weir_future_get(f) < 0)
			die("%s: %s", argv[optind], no_link(f) ?
			    strerror(EINVAL) : kvs_reason(f));
		ns = weir_future_option(f, "ns");
		if (ns_only)
			puts(ns ? ns : "");
		else if (key_only || !ns)
			puts(weir_future_option(f, "target"));
		else
			printf("%s::%s\n", ns,
			       weir_future_option(f, "target"));
		weir_future_destroy(f);
	}
	weir_close(h);
	return 0;
}

static const struct verb verbs[] = {
	{ "get", kvs_get, "[-N NS] [-rlWwuAfS] [-a AT] [-c COUNT] KEY..." },
	{ "put", kvs_put, "[-N NS] [-ObsrnAS] KEY=VALUE..." },
	{ "dir", kvs_dir, "[-N NS] [-Rd] [-w WIDTH] [-a AT] [KEY]" },
	{ "ls", kvs_ls, "[-N NS] [-Rd1F] [-w WIDTH] [-a AT] [KEY...]" },
	{ "unlink", kvs_unlink, "[-N NS] [-ObsRf] KEY..." },
	{ "link", kvs_link, "[-N NS] [-Obs] [-T NS] TARGET LINKNAME" },
	{ "readlink", kvs_readlink, "[-N NS] [-ok] [-a AT] KEY..." },
	{ "mkdir", kvs_mkdir, "[-N NS] [-Obs] KEY..." },
	{ "copy", kvs_copy, "[-a AT] [-S NS] [-D NS] SOURCE DESTINATION" },
	{ "move", kvs_move, "[-S NS] [-D NS] SOURCE DESTINATION" },
	{ "diff", kvs_diff, "[-N NS] [-r] A [B [KEY]] | -k A B | -n A B [KEY]" },
	{ "dump", kvs_dump, "[-N NS] [-a AT] [-o FILE] [KEY] | -l [FILE]" },
	{ "load", kvs_load, "[-N NS] [-fO] [-k KEY] [FILE]" },
	{ "snapshot", kvs_snapshot, "[-N NS] [-n NAME] [-a AT] | -l | -R NAME..." },
	{ "restore", kvs_restore, "[-N NS] NAME [KEY]" },
	{ "watch", kvs_watch, "[-N NS] [-f VERSION] KEY" },
	{ "getroot", kvs_getroot, "[-N NS] [-obs] [-a AT]" },
	{ "version", kvs_version, "[-N NS]" },
	{ "wait", kvs_wait, "[-N NS] VERSION" },
	{ "sync", kvs_sync, "[-N NS]" },
	{ "namespace", kvs_namespace, "create|set|show|quota|remove|list" },
	{ "stats", kvs_stats, "[--json|--prometheus] [--clear]" },
	{ "eventlog", kvs_eventlog, "append|get|wait-event" },
	{ "gc", kvs_gc, "[-q]" },
	{ "fsck", kvs_fsck, "[-r] STATEDIR" },
	{ 0 }
};

int main_kvs(int argc, char **argv)
{
	return run_verb(verbs, argc, argv, "weir-kvs");
}
