/* SPDX-License-Identifier: Apache-2.0 */
/* weir watch: what jobs write, as they write it. weir-watch(1). */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/attach.h"
#include "cmd/common.h"
#include "cmd/datetime.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/progress.h"
#include "cmd/subcommands.h"
#include "proto/wire.h"

#define COUNT_DEFAULT	1000

struct watch {
	weir_t *h;
	struct event_base *base;
	struct attach_options attach;
	struct progress bar;
	/* which */
	bool selected, verbose, progress, rate;
	int states, results;
	double since;
	json_int_t max;
	/* those, and what became of them */
	weir_jobid_t *id;
	struct attach **job;
	int count, done, failures, result;
};

/* ---- options ---- */

static void filter_option(struct watch *w, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;

	w->states = w->results = 0;
	while ((word = strsep(&rest, ",")))
		if (text_states(word, &w->states, &w->results) < 0)
			usage_error("--filter: '%s' is no state or result, "
				    "such as pending, running, failed", word);
	if (w->results)
		w->states |= STATE_INACTIVE;
	free(copy);
}

static double since_option(const char *text)
{
	double t, now = wall_clock();
	struct proto_error error;

	if (datetime_parse(text, now, &t, &error) < 0)
		usage_error("--since: %s", error.text);
	if (t > now)
		usage_error("--since: '%s' is in the future", text);
	return t;
}

static json_int_t count_option(const char *text)
{
	uint64_t n;

	if (wire_parse_u64(text, &n) < 0 || n < 1 || n > INT32_MAX)
		usage_error("--count: '%s' is no number from 1 on", text);
	return (json_int_t)n;
}

enum { SINCE = 256, PROGRESS, JPS };

static void parse(struct watch *w, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "active", no_argument, NULL, 'a' },
		{ "all", no_argument, NULL, 'A' },
		{ "count", required_argument, NULL, 'c' },
		{ "since", required_argument, NULL, SINCE },
		{ "filter", required_argument, NULL, 'f' },
		{ "progress", no_argument, NULL, PROGRESS },
		{ "jps", no_argument, NULL, JPS },
		{ "label-io", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	bool filtered = false;
	int c;

	while ((c = next_option(argc, argv, "aAc:f:lv", longs, "weir-watch"))
	       != -1) {
		switch (c) {
		case 'a': w->selected = true; break;
		case 'A': w->states = STATE_ANY; w->selected = true; break;
		case 'c': w->max = count_option(optarg); break;
		case SINCE: w->since = since_option(optarg); break;
		case 'f': filter_option(w, optarg); filtered = true; break;
		case PROGRESS: w->progress = true; break;
		case JPS: w->rate = true; break;
		case 'l': w->attach.label = true; break;
		case 'v': w->verbose = true; break;
		}
	}
	if (w->since > 0 && !filtered)
		w->states = STATE_ANY;
	w->selected |= filtered || w->since > 0;
	if (w->selected && optind < argc)
		usage_error("job ids and options that select jobs can't be "
			    "used together");
	if (!w->selected && optind == argc)
		usage_error("job ids are needed, or --active, --all, "
			    "--since or --filter");
}

/* ---- which ---- */

static void add(struct watch *w, weir_jobid_t id)
{
	w->id = xrealloc(w->id, (w->count + 1) * sizeof(*w->id));
	w->id[w->count++] = id;
}

static void add_words(struct watch *w, char **words)
{
	weir_jobid_t id;

	for (; *words; words++) {
		if (weir_jobid_parse(*words, &id) < 0)
			usage_error("invalid JobID value: '%s'", *words);
		add(w, id);
	}
}

static void add_selected(struct watch *w)
{
	json_t *query = json_pack("{s:I s:[s] s:I s:i}", "max_entries",
				  w->max, "attrs", "result", "userid",
				  (json_int_t)getuid(), "states", w->states);
	json_t *jobs, *job;
	size_t i;

	if (w->since > 0)
		json_object_set_new(query, "since", json_real(w->since));
	jobs = jobs_query(w->h, query);
	/* they come newest first */
	for (i = json_array_size(jobs); i-- > 0;) {
		int result;

		job = json_array_get(jobs, i);
		result = (int)json_integer_value(json_object_get(job,
								 "result"));
		if (!w->results || !result || (result & w->results))
			add(w, (weir_jobid_t)json_integer_value(
				json_object_get(job, "id")));
	}
	json_decref(jobs);
}

/* ---- following ---- */

static void on_done(struct attach *a, void *arg)
{
	struct watch *w = arg;
	char f58[JOBID_SIZE];
	int code = attach_exit_code(a);

	if (attach_errno(a))
		warn_error("%s: %s", text_f58(attach_id(a), f58),
			   attach_errno(a) == ENOENT ? "unknown job id" :
			   attach_strerror(a));
	if (code > w->result)
		w->result = code;
	w->failures += code != 0;
	w->done++;
	progress_show(&w->bar, w->done, w->count, w->failures);
	if (w->done == w->count)
		event_base_loopbreak(w->base);
}

static void follow(struct watch *w)
{
	int i;

	w->base = event_base_new();
	w->job = calloc((size_t)w->count + 1, sizeof(struct attach *));
	if (!w->base || !w->job || weir_attach(w->h, w->base) < 0)
		die("out of memory");
	for (i = 0; i < w->count; i++) {
		w->job[i] = attach_create(w->h, w->id[i], &w->attach);
		if (!w->job[i])
			die("cannot follow a job: %s", strerror(errno));
	}
	if (w->count)
		event_base_dispatch(w->base);
	for (i = 0; i < w->count; i++)
		attach_destroy(w->job[i]);
	weir_attach(w->h, NULL);
	event_base_free(w->base);
	free(w->job);
}

int main_watch(int argc, char **argv)
{
	struct watch w = {
		.states = STATE_ACTIVE, .max = COUNT_DEFAULT,
		.attach = { .output = true, .label_id = true, .no_result = true,
			    .until = "clean", .done = on_done, .arg = &w },
	};

	usage_status = 2;
	options_anywhere = true;
	parse(&w, argc, argv);
	w.h = open_lasting();
	if (w.selected)
		add_selected(&w);
	else
		add_words(&w, argv + optind);
	if (w.verbose)
		fprintf(stderr, "weir-watch: watching %d job%s\n", w.count,
			w.count == 1 ? "" : "s");
	if (w.progress)
		progress_begin(&w.bar, "done", w.rate);
	follow(&w);
	weir_close(w.h);
	free(w.id);
	return w.result;
}
