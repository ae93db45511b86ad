/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs eventlog: append, get and wait for events. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "cmd/common.h"
#include "cmd/kvs.h"
#include "proto/eventlog.h"
#include "proto/wire.h"

static double now(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static double seconds(const char *option, const char *text)
{
	double s;

	if (wire_parse_seconds(text, &s) < 0)
		usage_error("%s: '%s' is no number of seconds", option, text);
	return s;
}

static int log_append(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "timestamp", required_argument, NULL, 't' },
		{ 0 }
	};
	double timestamp = now();
	weir_txn_t *txn = weir_txn_create();
	json_t *context = NULL;
	json_error_t error;
	weir_future_t *f;
	char *line;
	size_t len;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "N:t:", longs, "weir-kvs"))
	       != -1) {
		if (c == 'N')
			kvs_ns = optarg;
		else
			timestamp = seconds("--timestamp", optarg);
	}
	if (argc - optind < 2 || argc - optind > 3)
		usage_error("eventlog append needs KEY NAME [JSON-OBJECT]");
	if (argc - optind == 3) {
		context = json_loads(argv[optind + 2], 0, &error);
		if (!json_is_object(context))
			die("the context is not a JSON object: %s",
			    context ? argv[optind + 2] : error.text);
	}
	line = eventlog_encode(timestamp, argv[optind + 1], context, &len);
	if (!line)
		die("%s: %s", argv[optind + 1], strerror(errno));
	weir_txn_append(txn, argv[optind], line, len);
	h = open_instance(0);
	f = weir_kvs_commit(h, kvs_ns, txn, 0);
	kvs_get_done(f, argv[optind]);
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	weir_close(h);
	json_decref(context);
	free(line);
	return 0;
}

/* ---- reading ---- */

struct log {
	weir_t *h;
	const char *key;
	bool unformatted;
	enum eventlog_time time;
	struct eventlog_clock clock;
	long left;		/* get: events to print, -1 no limit */
	const char *name;	/* wait-event */
	json_t *match;		/* what its context must have, or NULL */
	bool quiet, verbose;
};

static void print_event(struct log *l, const struct eventlog_event *event,
			const char *line, size_t len)
{
	if (l->unformatted)
		fwrite(line, 1, len, stdout);
	else
		eventlog_print(stdout, event, l->time, &l->clock);
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
}

static bool is_awaited(const struct log *l, const struct eventlog_event *event)
{
	const char *key;
	json_t *value;

	if (strcmp(event->name, l->name))
		return false;
	json_object_foreach(l->match, key, value)
		if (!json_equal(json_object_get(event->context, key), value))
			return false;
	return true;
}

/* True if it is the last that is wanted. */
static bool take_event(struct log *l, const struct eventlog_event *event,
		       const char *line, size_t len)
{
	bool found = l->name && is_awaited(l, event);

	if (!l->name || (found ? !l->quiet : l->verbose))
		print_event(l, event, line, len);
	return l->name ? found : l->left > 0 && --l->left == 0;
}

/* FLAGS as weir_eventlog's, TIMEOUT in seconds, negative: none. */
static void read_log(struct log *l, int flags, double timeout)
{
	weir_future_t *f = made(weir_eventlog(l->h, kvs_ns, l->key, flags),
				l->key);
	double deadline = now() + timeout;
	struct eventlog_event event;
	struct proto_error error;
	bool last = false;

	for (; !last; weir_future_next(f)) {
		double left = timeout < 0 ? -1 : deadline - now();
		const char *line;
		size_t len;

		if (weir_future_wait(f, timeout >= 0 && left < 0 ? 0 : left) <
		    0)
			die("wait-event timeout on event '%s'", l->name);
		if (weir_future_error(f) == ENODATA)
			break;
		kvs_get_done(f, l->key);
		line = weir_future_data(f, &len);
		if (eventlog_decode(line, len, &event, &error) < 0)
			die("%s: %s", l->key, error.text);
		last = take_event(l, &event, line, len);
		eventlog_clear(&event);
	}
	weir_future_destroy(f);
	weir_close(l->h);
	json_decref(l->match);
}

/* The log as it was AT a version. */
static void read_past(struct log *l, const char *at)
{
	weir_future_t *f = made(weir_kvs_get(l->h, kvs_ns, l->key, at),
				l->key);
	struct eventlog_event event;
	struct eventlog_iter it = { 0 };
	struct proto_error error;
	const char *line;
	bool last = false;
	int rc;

	kvs_get_done(f, l->key);
	it.data = weir_future_data(f, &it.len);
	for (; !last; eventlog_clear(&event)) {
		line = it.data;
		rc = eventlog_next(&it, &event, &error);
		if (rc < 0)
			die("%s: %s", l->key, error.text);
		if (!rc)
			break;
		last = take_event(l, &event, line, it.data - line);
	}
	weir_future_destroy(f);
	weir_close(l->h);
}

/* KEY=VALUE, JSON or a string. */
static void add_match(struct log *l, const char *text)
{
	const char *equal = strchr(text, '=');
	json_t *value;
	char *key;

	if (!equal || equal == text)
		usage_error("--match-context: '%s' is no KEY=VALUE", text);
	value = json_loads(equal + 1, JSON_DECODE_ANY, NULL);
	if (!value)
		value = json_string(equal + 1);
	key = xasprintf("%.*s", (int)(equal - text), text);
	if (!l->match)
		l->match = json_object();
	if (!value || json_object_set_new(l->match, key, value) < 0)
		die("--match-context: '%s' is not UTF-8", text);
	free(key);
}

static long count(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < 0)
		usage_error("--count: '%s' is no number", text);
	return n;
}

static int log_get(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "waitcreate", no_argument, NULL, 'W' },
		{ "watch", no_argument, NULL, 'w' },
		{ "count", required_argument, NULL, 'c' },
		{ "unformatted", no_argument, NULL, 'u' },
		{ "human", no_argument, NULL, 'H' },
		{ "color", optional_argument, NULL, 'L' },
		{ "stream", no_argument, NULL, 'S' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 }
	};
	struct log l = { .left = -1, .time = EVENTLOG_RAW };
	const char *at = NULL;
	int c, flags = 0;

	while ((c = next_option(argc, argv, "N:Wwc:uHL::Sa:", longs,
				"weir-kvs")) != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'W': flags |= WEIR_EVENTLOG_WAIT; break;
		case 'w': flags |= WEIR_EVENTLOG_FOLLOW; break;
		case 'a': at = kvs_at(optarg); break;
		case 'c': l.left = count(optarg); break;
		case 'u': l.unformatted = true; break;
		case 'H': l.time = EVENTLOG_HUMAN; break;
		case 'L': break;	/* there is nothing to color */
		case 'S': break;	/* a log of any size comes in one */
		}
	}
	if (argc - optind != 1)
		usage_error("eventlog get needs one KEY");
	if (at && flags)
		usage_error("--at: what is past does not change");
	l.key = argv[optind];
	l.h = flags ? open_lasting() : open_instance(0);
	if (at)
		read_past(&l, at);
	else
		read_log(&l, flags, -1);
	return 0;
}

static int log_wait(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "waitcreate", no_argument, NULL, 'W' },
		{ "timeout", required_argument, NULL, 't' },
		{ "match-context", required_argument, NULL, 'm' },
		{ "unformatted", no_argument, NULL, 'u' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "human", no_argument, NULL, 'H' },
		{ "color", optional_argument, NULL, 'L' },
		{ 0 }
	};
	struct log l = { .time = EVENTLOG_RAW };
	int c, flags = WEIR_EVENTLOG_FOLLOW;
	double timeout = -1;

	while ((c = next_option(argc, argv, "N:Wt:m:uqvHL::", longs,
				"weir-kvs")) != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'W': flags |= WEIR_EVENTLOG_WAIT; break;
		case 't': timeout = seconds("--timeout", optarg); break;
		case 'm': add_match(&l, optarg); break;
		case 'u': l.unformatted = true; break;
		case 'q': l.quiet = true; break;
		case 'v': l.verbose = true; break;
		case 'H': l.time = EVENTLOG_HUMAN; break;
		case 'L': break;
		}
	}
	if (argc - optind != 2)
		usage_error("eventlog wait-event needs KEY EVENT");
	l.key = argv[optind];
	l.name = argv[optind + 1];
	l.h = open_lasting();
	read_log(&l, flags, timeout);
	return 0;
}

int kvs_eventlog(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "append", log_append, "[-N NS] [-t SEC] KEY NAME [JSON]" },
		{ "get", log_get, "[-N NS] [-WwuHLS] [-c COUNT] KEY" },
		{ "wait-event", log_wait,
		  "[-N NS] [-WuqvHL] [-t SEC] [-m K=V] KEY EVENT" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-kvs");
}
