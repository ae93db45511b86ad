/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs namespace create, set, show and quota: what namespaces and users
 * hold, may hold and keep. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/kvs.h"
#include "proto/duration.h"
#include "proto/wire.h"

#define WORDS_MAX	10

/* The words of a request behind its first, in order. */
struct words {
	char *word[WORDS_MAX];
	unsigned count;
};

static void add(struct words *w, char *word)
{
	if (w->count == WORDS_MAX - 2)
		usage_error("an option is given too often");
	w->word[w->count++] = word;
}

static void words_free(struct words *w)
{
	while (w->count)
		free(w->word[--w->count]);
}

static void request(weir_t *h, const char *command, const char *name,
		    const struct words *w, const char *key)
{
	const char *words[WORDS_MAX] = { name };
	weir_future_t *f;

	for (unsigned i = 0; i < w->count; i++)
		words[i + 1] = w->word[i];
	f = weir_request(h, command, words, NULL, 0);
	kvs_get_done(f, key);
	weir_future_destroy(f);
}

/* ---- options ---- */

static bool is_word(const char *text)
{
	return !strcmp(text, "none") || !strcmp(text, "default");
}

/* N, or with SIZE also N followed by K, M, G or T of 1,024. */
static void add_number(struct words *w, const char *name, const char *text,
		       bool size)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *unit = size && len ? strchr(units, text[len - 1]) : NULL;
	char *digits = xstrdup(text);
	uint64_t n;
	int shift;

	if (is_word(text)) {
		add(w, xasprintf("%s=%s", name, text));
		free(digits);
		return;
	}
	if (unit)
		digits[len - 1] = '\0';
	shift = unit ? 10 * (unit - units + 1) : 0;
	if (wire_parse_u64(digits, &n) < 0 || n > (UINT64_MAX - 2) >> shift)
		usage_error("--%s: '%s' is no number%s, nor none or default",
			    name, text, size ? " of bytes" : "");
	add(w, xasprintf("%s=%ju", name, (uintmax_t)n << shift));
	free(digits);
}

static void add_time(struct words *w, const char *text)
{
	struct proto_error error;
	double seconds;

	if (!strcmp(text, "default")) {
		add(w, xstrdup("history-time=default"));
		return;
	}
	if (duration_parse(text, &seconds, &error) < 0)
		usage_error("--history-time: %s", error.text);
	if (seconds > 1e12)
		seconds = 0;
	add(w, xasprintf("history-time=%.6f", seconds));
}

enum { QUOTA_KEYS = 1000, QUOTA_BYTES, HISTORY_VERSIONS, HISTORY_TIME };

#define SETTINGS \
	{ "quota-keys", required_argument, NULL, QUOTA_KEYS }, \
	{ "quota-bytes", required_argument, NULL, QUOTA_BYTES }, \
	{ "history-versions", required_argument, NULL, HISTORY_VERSIONS }, \
	{ "history-time", required_argument, NULL, HISTORY_TIME }

static void setting(struct words *w, int option)
{
	switch (option) {
	case QUOTA_KEYS:
		add_number(w, "quota-keys", optarg, false);
		break;
	case QUOTA_BYTES:
		add_number(w, "quota-bytes", optarg, true);
		break;
	case HISTORY_VERSIONS:
		add_number(w, "history-versions", optarg, false);
		break;
	case HISTORY_TIME:
		add_time(w, optarg);
		break;
	}
}

/* ---- namespaces ---- */

int kvs_ns_create(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "owner", required_argument, NULL, 'o' },
		{ "rootref", required_argument, NULL, 'r' },
		SETTINGS, { 0 }
	};
	const char *hash = NULL;
	struct words w = { .count = 0 };
	uint64_t owner = getuid();
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "o:r:", longs, "weir-kvs"))
	       != -1) {
		if (c == 'r')
			hash = kvs_at(optarg);
		else if (c != 'o')
			setting(&w, c);
		else if (wire_parse_u64(optarg, &owner) < 0 ||
			 owner >= (uid_t)-1)
			usage_error("--owner: '%s' is no user id", optarg);
	}
	if (optind == argc)
		usage_error("namespace create needs a name");
	add(&w, xasprintf("owner=%ju", (uintmax_t)owner));
	if (hash)
		add(&w, xasprintf("root=%s", hash));
	h = open_instance(0);
	for (; optind < argc; optind++)
		request(h, "ns-create", argv[optind], &w, argv[optind]);
	weir_close(h);
	words_free(&w);
	return 0;
}

int kvs_ns_set(int argc, char **argv)
{
	static const struct option longs[] = { SETTINGS, { 0 } };
	struct words w = { .count = 0 };
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "", longs, "weir-kvs")) != -1)
		setting(&w, c);
	if (optind == argc)
		usage_error("namespace set needs a name");
	if (!w.count)
		usage_error("namespace set needs a setting");
	h = open_instance(0);
	for (; optind < argc; optind++)
		request(h, "ns-set", argv[optind], &w, argv[optind]);
	weir_close(h);
	words_free(&w);
	return 0;
}

static void show_option(weir_future_t *f, const char *name)
{
	const char *value = weir_future_option(f, name);

	if (!value)
		die("the server's reply has no %s", name);
	printf("%s=%s\n", name, value);
}

int kvs_ns_show(int argc, char **argv)
{
	static const char *const shown[] = {
		"owner", "version", "keys", "quota-keys", "bytes",
		"quota-bytes", "history-starts", "history-versions",
		"history-time", "set"
	};
	weir_t *h;
	int first;

	if (next_option(argc, argv, "", (struct option []){ { 0 } },
			"weir-kvs") != -1)
		verb_usage();
	h = open_instance(0);
	first = optind;
	do {
		const char *name = optind < argc ? argv[optind]
						 : kvs_ns_name(NULL);
		weir_future_t *f = weir_request(h, "ns-info",
				(const char *[]){ name, NULL }, NULL, 0);

		kvs_get_done(f, name);
		printf("%snamespace=%s\n", optind > first ? "\n" : "", name);
		for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
			show_option(f, shown[i]);
		weir_future_destroy(f);
	} while (++optind < argc);
	weir_close(h);
	return 0;
}

/* ---- users ---- */

static void list_quotas(weir_t *h)
{
	weir_future_t *f = weir_request(h, "quota-list", NULL, NULL, 0);
	char *copy, *line, *rest;
	const char *data;

	must(f, "namespace quota");
	data = weir_future_data(f, NULL);
	printf("%10s %12s %12s %16s %16s\n", "USER", "KEYS", "QUOTA", "BYTES",
	       "QUOTA");
	copy = rest = xstrdup(data ? data : "");
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *field[5];

		for (int i = 0; i < 5; i++)
			field[i] = strsep(&line, " ");
		if (!field[4])
			die("namespace quota: the server's list is malformed");
		printf("%10s %12s %12s %16s %16s\n", field[0], field[1],
		       field[3], field[2], field[4]);
	}
	free(copy);
	weir_future_destroy(f);
}

static void show_quota(weir_t *h, const char *uid)
{
	weir_future_t *f = weir_request(h, "quota",
			(const char *[]){ uid, NULL }, NULL, 0);

	must(f, "namespace quota");
	show_option(f, "uid");
	show_option(f, "keys");
	show_option(f, "quota-keys");
	show_option(f, "bytes");
	show_option(f, "quota-bytes");
	show_option(f, "set");
	weir_future_destroy(f);
}

int kvs_ns_quota(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "list", no_argument, NULL, 'l' }, SETTINGS, { 0 }
	};
	struct words w = { .count = 0 };
	bool list = false;
	char *uid = NULL;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "l", longs, "weir-kvs")) != -1) {
		if (c == 'l')
			list = true;
		else if (c == HISTORY_VERSIONS || c == HISTORY_TIME)
			usage_error("a user has no history: see namespace set");
		else
			setting(&w, c);
	}
	if (argc - optind > 1 || (list && (w.count || optind < argc)))
		verb_usage();
	if (w.count && optind == argc)
		usage_error("namespace quota needs a user to set it for");
	if (optind < argc && !strcmp(argv[optind], "all"))
		usage_error("a quota is for one user, not for all");
	if (optind < argc)
		uid = xasprintf("%jd", (intmax_t)text_user(argv[optind]));
	h = open_instance(0);
	if (list)
		list_quotas(h);
	else if (w.count)
		request(h, "quota-set", uid, &w, argv[optind]);
	else
		show_quota(h, uid);
	weir_close(h);
	words_free(&w);
	free(uid);
	return 0;
}
