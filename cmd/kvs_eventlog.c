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
	bool wait, unformatted;
	enum eventlog_time time;
	struct eventlog_clock clock;
	/* Called for each event; nonzero ends the reading. */
	int (*event)(struct log *log, const struct eventlog_event *event,
		     const char *line, size_t len);
	long left;		/* get: events to print, -1 no limit */
	const char *name;	/* wait-event */
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

/* Takes whole lines from BUF, leaves a part; nonzero when done. */
static int take_lines(struct log *l, struct wire_buf *buf)
{
	char *start = buf->data, *end = start + buf->len, *lf;
	struct proto_error error;
	int r = 0;

	while (!r && start < end && (lf = memchr(start, '\n', end - start))) {
		struct eventlog_event event;

		if (eventlog_decode(start, lf - start, &event, &error) < 0)
			die("%s: %s", l->key, error.text);
		r = l->event(l, &event, start, lf + 1 - start);
		eventlog_clear(&event);
		start = lf + 1;
	}
	wire_buf_consume(buf, start - buf->data);
	return r;
}

/* FOLLOW: go on with what is appended. DEADLINE as weir_future_wait's. */
static int read_log(struct log *l, bool follow, double timeout)
{
	struct wire_buf buf;
	weir_future_t *f;
	const char *data;
	size_t len;
	int r = 0;

	wire_buf_init(&buf);
	if (!follow) {
		f = weir_kvs_get(l->h, kvs_ns, l->key, NULL);
		kvs_get_done(f, l->key);
		data = weir_future_data(f, &len);
		wire_buf_add(&buf, data, len);
		r = take_lines(l, &buf);
		if (!r && buf.len)
			die("%s: its last line has no end: no event log",
			    l->key);
	} else {
		double deadline = timeout < 0 ? -1 : now() + timeout;

		f = weir_kvs_watch(l->h, kvs_ns, l->key, WEIR_WATCH_APPEND,
				   WEIR_FROM_NOW, 0,
				   l->wait ? WEIR_WATCH_WAIT : 0);
		while (!r) {
			double left = deadline < 0 ? -1 : deadline - now();

			if (f && weir_future_wait(f, deadline >= 0 && left < 0
						  ? 0 : left) < 0)
				die("wait-event timeout on event '%s'",
				    l->name);
			kvs_get_done(f, l->key);
			data = weir_future_data(f, &len);
			if (data) {
				wire_buf_add(&buf, data, len);
				r = take_lines(l, &buf);
			}
			weir_future_next(f);
		}
	}
	weir_future_destroy(f);
	wire_buf_free(&buf);
	return r;
}

static int get_event(struct log *l, const struct eventlog_event *event,
		     const char *line, size_t len)
{
	print_event(l, event, line, len);
	return l->left > 0 && --l->left == 0;
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
		{ 0 }
	};
	struct log l = { .event = get_event, .left = -1,
			 .time = EVENTLOG_RAW };
	bool watch = false;
	int c;

	while ((c = next_option(argc, argv, "N:Wwc:uH", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'W': l.wait = true; break;
		case 'w': watch = true; break;
		case 'c': l.left = (long)seconds("--count", optarg); break;
		case 'u': l.unformatted = true; break;
		case 'H': l.time = EVENTLOG_HUMAN; break;
		}
	}
	if (argc - optind != 1)
		usage_error("eventlog get needs one KEY");
	l.key = argv[optind];
	l.h = watch || l.wait ? open_lasting() : open_instance(0);
	if (l.wait && !watch) {	/* until it exists, then what it holds */
		weir_future_t *f = weir_kvs_watch(l.h, kvs_ns, l.key,
						  WEIR_WATCH_LATEST,
						  WEIR_FROM_NOW, 0,
						  WEIR_WATCH_WAIT);
		kvs_get_done(f, l.key);
		weir_future_destroy(f);
	}
	read_log(&l, watch, -1);
	weir_close(l.h);
	return 0;
}

static int awaited(struct log *l, const struct eventlog_event *event,
		   const char *line, size_t len)
{
	bool found = !strcmp(event->name, l->name);

	if ((found && !l->quiet) || (!found && l->verbose))
		print_event(l, event, line, len);
	return found;
}

static int log_wait(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "waitcreate", no_argument, NULL, 'W' },
		{ "timeout", required_argument, NULL, 't' },
		{ "unformatted", no_argument, NULL, 'u' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "human", no_argument, NULL, 'H' },
		{ 0 }
	};
	struct log l = { .event = awaited, .time = EVENTLOG_RAW };
	double timeout = -1;
	int c;

	while ((c = next_option(argc, argv, "N:Wt:uqvH", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'W': l.wait = true; break;
		case 't': timeout = seconds("--timeout", optarg); break;
		case 'u': l.unformatted = true; break;
		case 'q': l.quiet = true; break;
		case 'v': l.verbose = true; break;
		case 'H': l.time = EVENTLOG_HUMAN; break;
		}
	}
	if (argc - optind != 2)
		usage_error("eventlog wait-event needs KEY EVENT");
	l.key = argv[optind];
	l.name = argv[optind + 1];
	l.h = open_lasting();
	read_log(&l, true, timeout);
	weir_close(l.h);
	return 0;
}

int kvs_eventlog(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "append", log_append, "[-N NS] [-t SEC] KEY NAME [JSON]" },
		{ "get", log_get, "[-N NS] [-WwuH] [-c COUNT] KEY" },
		{ "wait-event", log_wait,
		  "[-N NS] [-WuqvH] [-t SEC] KEY EVENT" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-kvs");
}
