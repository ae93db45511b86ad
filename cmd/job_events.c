/* SPDX-License-Identifier: Apache-2.0 */
/* weir job eventlog and wait-event. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"
#include "proto/eventlog.h"
#include "proto/wire.h"

/* How events are shown, and which one is waited for. */
struct view {
	bool json;
	enum eventlog_time time;
	struct eventlog_clock clock;
	const char *path;	/* key in the job's directory */
	/* wait-event */
	const char *name;
	char *match_key;	/* of the context; NULL: any */
	json_t *match_value;
	uint64_t count;
	bool quiet, verbose;
};

static void show(struct view *v, const struct eventlog_event *event,
		 const char *line, size_t len)
{
	if (v->json)
		fwrite(line, 1, len, stdout);
	else
		eventlog_print(stdout, event, v->time, &v->clock);
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
}

static bool matches(const struct view *v, const struct eventlog_event *event)
{
	json_t *value;
	char *text;
	bool same;

	if (strcmp(event->name, v->name))
		return false;
	if (!v->match_key)
		return true;
	value = json_object_get(event->context, v->match_key);
	if (json_equal(value, v->match_value))
		return true;
	/* a word that is not JSON is a string */
	text = value && json_is_string(v->match_value) ?
	       json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	same = text && !strcmp(text, json_string_value(v->match_value));
	free(text);
	return same;
}

/* True when the event that was waited for has come often enough. */
static bool take(struct view *v, const char *line, size_t len)
{
	struct eventlog_event event;
	struct proto_error error;
	bool done = false;

	if (eventlog_decode(line, len, &event, &error) < 0)
		die("%s: %s", v->path, error.text);
	if (!v->name) {
		show(v, &event, line, len);
	} else if (matches(v, &event) && --v->count == 0) {
		if (!v->quiet)
			show(v, &event, line, len);
		done = true;
	} else if (v->verbose) {
		show(v, &event, line, len);
	} else if (!v->clock.reference) {
		v->clock.reference = event.timestamp;
	}
	eventlog_clear(&event);
	return done;
}

/* The log as it is now. */
static bool read_once(weir_t *h, weir_jobid_t id, struct view *v)
{
	weir_future_t *f = made(weir_job_lookup(h, id, v->path), v->path);
	const char *data, *end, *lf;
	bool done = false;
	size_t len;

	if (weir_future_get(f) < 0) {
		if (weir_future_error(f) == ENOENT) {
			job_must_exist(h, id, v->path);
			die("eventlog path %s not found", v->path);
		}
		die("%s: %s", v->path, weir_future_strerror(f));
	}
	data = weir_future_data(f, &len);
	end = data + len;
	while (!done && data < end &&
	       (lf = memchr(data, '\n', (size_t)(end - data)))) {
		done = take(v, data, (size_t)(lf + 1 - data));
		data = lf + 1;
	}
	if (!done && data < end)
		die("%s: its last line has no end: no event log", v->path);
	weir_future_destroy(f);
	return done;
}

/* The log as it grows, to the job's end. */
static bool follow(weir_t *h, weir_jobid_t id, struct view *v,
		   double timeout)
{
	double deadline = wall_clock() + timeout;
	weir_future_t *f = made(weir_job_events(h, id), v->path);
	bool done = false;

	while (!done) {
		double left = timeout < 0 ? -1 : deadline - wall_clock();
		const char *line;
		size_t len;

		if (weir_future_wait(f, timeout >= 0 && left < 0 ? 0 : left)
		    < 0)
			die("wait-event timeout on event '%s'", v->name);
		if (weir_future_error(f) == ENODATA)
			break;
		if (weir_future_error(f) == ENOENT)
			job_must_exist(h, id, v->path);
		must(f, v->path);
		line = weir_future_data(f, &len);
		if (line)
			done = take(v, line, len);
		weir_future_next(f);
	}
	weir_future_destroy(f);
	return done;
}

/* An option that both have; false for another. */
static bool view_option(struct view *v, int c)
{
	switch (c) {
	case 'f':
		if (strcmp(optarg, "text") && strcmp(optarg, "json"))
			usage_error("--format: '%s' is neither text nor json",
				    optarg);
		v->json = !strcmp(optarg, "json");
		break;
	case 'T':
		if (eventlog_time_parse(optarg, &v->time) < 0)
			usage_error("--time-format: '%s' is not raw, iso, "
				    "offset or human", optarg);
		break;
	case 'H': v->time = EVENTLOG_HUMAN; break;
	case 'p': v->path = optarg; break;
	default: return false;
	}
	return true;
}

#define VIEW_OPTIONS \
	{ "format", required_argument, NULL, 'f' }, \
	{ "time-format", required_argument, NULL, 'T' }, \
	{ "human", no_argument, NULL, 'H' }, \
	{ "path", required_argument, NULL, 'p' }

int job_eventlog(int argc, char **argv)
{
	static const struct option longs[] = {
		VIEW_OPTIONS,
		{ "follow", no_argument, NULL, 'F' },
		{ 0 }
	};
	struct view v = { .path = "eventlog", .time = EVENTLOG_RAW };
	bool following = false;
	weir_jobid_t id;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "f:T:Hp:F", longs, "weir-job"))
	       != -1)
		if (!view_option(&v, c))
			following = true;
	id = only_job_argument(argc, argv);
	if (following && strcmp(v.path, "eventlog"))
		die("--follow is for the path eventlog");
	h = open_instance(0);
	if (following)
		follow(h, id, &v, -1);
	else
		read_once(h, id, &v);
	weir_close(h);
	return 0;
}

static void set_match(struct view *v, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		usage_error("--match-context: '%s' is not KEY=VALUE", text);
	free(v->match_key);
	json_decref(v->match_value);
	v->match_key = strndup(text, (size_t)(equals - text));
	v->match_value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
	if (!v->match_value)
		v->match_value = json_string(equals + 1);
	if (!v->match_key || !v->match_value)
		usage_error("--match-context: '%s' is not UTF-8", text);
}

int job_wait_event(int argc, char **argv)
{
	static const struct option longs[] = {
		VIEW_OPTIONS,
		{ "timeout", required_argument, NULL, 't' },
		{ "match-context", required_argument, NULL, 'm' },
		{ "count", required_argument, NULL, 'c' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	struct view v = { .path = "eventlog", .time = EVENTLOG_RAW,
			  .count = 1 };
	double timeout = -1;
	weir_jobid_t id;
	bool found;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "f:T:Hp:t:m:c:qv", longs,
				"weir-job")) != -1) {
		if (view_option(&v, c))
			continue;
		switch (c) {
		case 't': timeout = text_duration(optarg); break;
		case 'm': set_match(&v, optarg); break;
		case 'c':
			if (wire_parse_u64(optarg, &v.count) < 0 || !v.count)
				usage_error("--count: '%s' is no number from "
					    "1 on", optarg);
			break;
		case 'q': v.quiet = true; break;
		case 'v': v.verbose = true; break;
		}
	}
	if (argc - optind != 2)
		verb_usage();
	id = job_argument(argv[optind]);
	v.name = argv[optind + 1];
	h = open_instance(0);
	if (!strcmp(v.path, "eventlog"))
		found = follow(h, id, &v, timeout);
	else
		found = read_once(h, id, &v);
	weir_close(h);
	free(v.match_key);
	json_decref(v.match_value);
	if (!found)
		die("event '%s' never received", v.name);
	return 0;
}
