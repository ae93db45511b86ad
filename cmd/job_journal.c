/* SPDX-License-Identifier: Apache-2.0 */
/* weir job journal: the events of many jobs as they happen. weir-job(1). */
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

struct journal {
	json_t *query;
	bool json, past_only;
	enum eventlog_time time;
	struct eventlog_clock clock;
	uint64_t count;			/* events to show; 0: no limit */
	bool over;
};

static void show_text(struct journal *j, weir_jobid_t id, json_t *event)
{
	struct eventlog_event e;
	struct proto_error error;
	char f58[JOBID_SIZE];

	if (eventlog_from_json(event, &e, &error) < 0)
		die("journal: %s", error.text);
	printf("%s ", text_f58(id, f58));
	if (eventlog_print(stdout, &e, j->time, &j->clock) < 0)
		die("standard output: %s", strerror(errno));
	eventlog_clear(&e);
}

static void show(struct journal *j, json_t *entry)
{
	json_t *event = json_object_get(entry, "event");
	json_t *id = json_object_get(entry, "id");
	char *text;

	if (j->json) {
		text = json_dumps(entry, JSON_COMPACT |
				  JSON_REAL_PRECISION(16));
		if (!text)
			die("out of memory");
		puts(text);
		free(text);
	} else {
		show_text(j, (weir_jobid_t)json_integer_value(id), event);
	}
	if (j->count && --j->count == 0)
		j->over = true;
}

/* What comes after an interruption begins after POSITION. */
static void take(struct journal *j, weir_future_t *f)
{
	json_t *o = reply_json(f), *entry, *position;
	size_t i;

	if (!o)
		die("journal: the reply is no object");
	json_array_foreach(json_object_get(o, "events"), i, entry)
		if (!j->over)
			show(j, entry);
	position = json_object_get(o, "position");
	if (position) {
		json_object_set(j->query, "since", position);
		j->over |= j->past_only;
	}
	json_decref(o);
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
}

/* With what is needed to go on later. */
static void give_up(const struct journal *j, const char *why)
{
	json_t *since = json_object_get(j->query, "since");

	if (json_is_real(since))
		die("journal: %s; --since=%.6f goes on from here", why,
		    json_real_value(since));
	die("journal: %s", why);
}

/* Until the stream ends; true if another schedd may go on with it. */
static bool follow(weir_t *h, struct journal *j)
{
	char *body = json_dumps(j->query, JSON_COMPACT);
	weir_future_t *f;
	int e = 0;

	if (!body)
		die("out of memory");
	f = made(weir_rpc(h, "job-manager.journal", body, strlen(body), -1),
		 "journal");
	free(body);
	while (!j->over) {
		if (weir_future_wait(f, -1) < 0)
			die("journal: %s", strerror(errno));
		e = weir_future_error(f);
		if (e)
			break;
		take(j, f);
		weir_future_next(f);
	}
	if (e && e != ECONNRESET)
		give_up(j, weir_future_strerror(f));
	weir_future_destroy(f);
	return e;
}

static json_t *event_list(const char *text)
{
	json_t *list = json_array();
	size_t n;

	for (; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		json_array_append_new(list, json_stringn(text, n));
	}
	return list;
}

static void set_since(struct journal *j, const char *text)
{
	double t;

	if (wire_parse_seconds(text, &t) < 0)
		usage_error("--since: '%s' is no position: seconds since "
			    "1970, or 0 for all that is known", text);
	json_object_set_new(j->query, "since", json_real(t));
}

static void set_option(struct journal *j, int c)
{
	switch (c) {
	case 's': set_since(j, optarg); break;
	case 'u':
		json_object_set_new(j->query, "userid",
				    json_integer(text_user(optarg)));
		break;
	case 'q':
		json_object_set_new(j->query, "queue", json_string(optarg));
		break;
	case 'e':
		json_object_set_new(j->query, "events", event_list(optarg));
		break;
	case 'c':
		if (wire_parse_u64(optarg, &j->count) < 0 || j->count == 0)
			usage_error("--count: '%s' is no number of 1 or more",
				    optarg);
		break;
	case 'f':
		if (strcmp(optarg, "text") && strcmp(optarg, "json"))
			usage_error("--format: '%s' is neither text nor json",
				    optarg);
		j->json = !strcmp(optarg, "json");
		break;
	case 'T':
		if (eventlog_time_parse(optarg, &j->time) < 0)
			usage_error("--time-format: '%s' is not raw, iso, "
				    "offset or human", optarg);
		break;
	default: j->past_only = true; break;
	}
}

int job_journal(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "since", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ "queue", required_argument, NULL, 'q' },
		{ "events", required_argument, NULL, 'e' },
		{ "count", required_argument, NULL, 'c' },
		{ "format", required_argument, NULL, 'f' },
		{ "time-format", required_argument, NULL, 'T' },
		{ "past", no_argument, NULL, 'P' },
		{ 0 }
	};
	struct journal j = { .query = json_object(), .time = EVENTLOG_RAW };
	json_t *ids;
	weir_t *h;
	int c, i;

	while ((c = next_option(argc, argv, "s:u:q:e:c:f:T:P", longs,
				"weir-job")) != -1)
		set_option(&j, c);
	if (j.past_only && !json_object_get(j.query, "since"))
		json_object_set_new(j.query, "since", json_real(0));
	ids = argc > optind ? json_array() : NULL;
	for (i = optind; i < argc; i++)
		json_array_append_new(ids, json_integer((json_int_t)
						job_argument(argv[i])));
	if (ids)
		json_object_set_new(j.query, "ids", ids);
	h = open_instance(0);
	while (follow(h, &j))
		;
	weir_close(h);
	json_decref(j.query);
	return 0;
}
