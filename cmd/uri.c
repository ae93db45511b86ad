/* SPDX-License-Identifier: Apache-2.0 */
/* weir uri: where an instance is that runs in a job. weir-uri(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/instance.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/eventlog.h"
#include "proto/wire.h"

#define ASK_SECONDS	10	/* for an answer of an instance in a job */

weir_t *instance_at(const char *uri)
{
	struct weir_error error;
	weir_t *h = weir_open_as(uri, 0, cmd_name, NULL, &error);

	if (!h)
		fail("%s: %s", uri, error.text);
	return h;
}

char *instance_attribute(weir_t *h, const char *name)
{
	char *key = xasprintf("instance.%s", name), *value = NULL;
	weir_future_t *f = weir_kvs_get(h, "primary", key, NULL);
	const char *data;
	size_t len;

	if (f && weir_future_get(f) == 0 && (data = weir_future_data(f, &len)))
		value = strndup(data, len);
	weir_future_destroy(f);
	free(key);
	return value ? value : xstrdup("");
}

const char *instance_of_job(const json_t *job)
{
	return json_string_value(json_object_get(json_object_get(
		json_object_get(job, "annotations"), "user"), "uri"));
}

/* The answer to QUERY, a page; NULL if none comes. */
static json_t *ask_page(weir_t *h, const json_t *query)
{
	char *text = json_dumps(query, JSON_COMPACT);
	weir_future_t *f = text ? weir_job_list(h, text) : NULL;
	json_t *reply = NULL;

	if (f && weir_future_wait(f, ASK_SECONDS) == 0 &&
	    weir_future_get(f) == 0)
		reply = reply_json(f);
	weir_future_destroy(f);
	free(text);
	return reply;
}

json_t *instance_jobs(const char *uri, int states, json_int_t count)
{
	weir_t *h = weir_open_as(uri, 0, cmd_name, NULL, NULL);
	json_t *query = json_pack("{s:[s] s:I s:i}", "attrs", "all",
				  "userid", (json_int_t)getuid(),
				  "states", states);
	json_t *jobs = NULL, *reply, *more;
	bool go_on;

	do {
		json_object_set_new(query, "max_entries", json_integer(count ?
				    count - (json_int_t)json_array_size(jobs) :
				    0));
		reply = h ? ask_page(h, query) : NULL;
		if (jobs)
			json_array_extend(jobs, json_object_get(reply,
								"jobs"));
		else
			jobs = json_incref(json_object_get(reply, "jobs"));
		more = json_object_get(reply, "more");
		go_on = more;
		if (more)
			json_object_set(query, "after", more);
		json_decref(reply);
	} while (go_on && (!count || (json_int_t)json_array_size(jobs) <
			  count));
	json_decref(query);
	weir_close(h);
	return jobs;
}

/* ---- from here to there ---- */

struct way {
	weir_t *h;
	char *uri;		/* of h */
	bool wait;
};

static void go(struct way *w, const char *uri)
{
	char *copy = xstrdup(uri);

	weir_close(w->h);
	free(w->uri);
	w->uri = copy;
	w->h = instance_at(copy);
}

/* False: there is none above. */
static bool go_up(struct way *w)
{
	char *parent = instance_attribute(w->h, "parent-uri");
	bool is = *parent;

	if (is)
		go(w, parent);
	free(parent);
	return is;
}

/* Until job ID says where its instance is, or ends. */
static void wait_uri(struct way *w, weir_jobid_t id)
{
	weir_future_t *f = made(weir_job_events(w->h, id), "the job's events");
	struct eventlog_event event;
	bool ready = false;
	const char *line;
	size_t len;

	for (; !ready && weir_future_get(f) == 0; weir_future_next(f)) {
		line = weir_future_data(f, &len);
		if (!line || eventlog_decode(line, len, &event, NULL) < 0)
			continue;
		ready = !strcmp(event.name, "memo") &&
			json_object_get(event.context, "uri");
		eventlog_clear(&event);
	}
	weir_future_destroy(f);
}

static void go_down(struct way *w, const char *word)
{
	const char *uri;
	weir_jobid_t id;
	json_t *job;

	if (weir_jobid_parse(word, &id) < 0)
		fail("%s is not a valid Weir jobid", word);
	job = jobs_query_id(w->h, id);
	if (!job)
		fail("jobid %s not found", word);
	if (!instance_of_job(job) && w->wait) {
		wait_uri(w, id);
		json_decref(job);
		job = jobs_query_id(w->h, id);
	}
	if (json_integer_value(json_object_get(job, "state")) ==
	    STATE_INACTIVE)
		fail("jobid %s is not running", word);
	uri = instance_of_job(job);
	if (!uri)
		fail("jobid %s is not a Weir instance", word);
	go(w, uri);
	json_decref(job);
}

/* "/", "..", ids with slashes between. */
static void walk(struct way *w, const char *target)
{
	char *copy = xstrdup(target), *rest = copy, *word;

	w->h = open_instance(0);
	w->uri = xstrdup(weir_uri(w->h));
	while (*target == '/' && go_up(w))
		;
	while ((word = strsep(&rest, "/"))) {
		if (!*word || !strcmp(word, "."))
			continue;
		if (strcmp(word, ".."))
			go_down(w, word);
		else
			go_up(w);
	}
	free(copy);
}

/* WEIR_URI of a process. */
static char *of_process(const char *number)
{
	char path[64], *text, *uri = NULL, *p;
	uint64_t pid;
	size_t len;
	FILE *f;

	if (wire_parse_u64(number, &pid) < 0)
		fail("pid:%s: '%s' is no process id", number, number);
	snprintf(path, sizeof(path), "/proc/%llu/environ",
		 (unsigned long long)pid);
	f = fopen(path, "r");
	if (!f)
		fail("pid:%s: %s", number, strerror(errno));
	text = read_all(f, &len);
	fclose(f);
	for (p = text; p < text + len; p += strlen(p) + 1)
		if (!strncmp(p, "WEIR_URI=", 9))
			uri = xstrdup(p + 9);
	free(text);
	if (!uri)
		fail("pid:%s: the process has no WEIR_URI", number);
	return uri;
}

char *instance_resolve(const char *target, bool wait)
{
	struct way w = { .wait = wait };

	if (strstr(target, "://"))
		return xstrdup(target);
	if (!strncmp(target, "pid:", 4))
		return of_process(target + 4);
	if (!strncmp(target, "jobid:", 6))
		target += 6;
	walk(&w, target);
	weir_close(w.h);
	return w.uri;
}

int main_uri(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "local", no_argument, NULL, 'l' },
		{ "wait", no_argument, NULL, 'w' },
		{ 0 }
	};
	bool wait = false;
	char *uri;
	int c;

	usage_status = 2;
	while ((c = next_option(argc, argv, "", longs, "weir-uri")) != -1)
		wait |= c == 'w';
	if (argc - optind != 1)
		usage_error("one target is needed: a job id, pid:PID, / or ..");
	uri = instance_resolve(argv[optind], wait);
	puts(uri);
	free(uri);
	return 0;
}
