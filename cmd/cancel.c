/* SPDX-License-Identifier: Apache-2.0 */
/* weir cancel: jobs by id, or all that match. weir-cancel(1). */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/many.h"
#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"

struct selection {
	bool all, by_user, by_state;
	int64_t user;
	int states;
	const char *note, *queue, *name;
	bool dry_run, quiet;
};

static void state_option(struct selection *s, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;

	s->states = 0;
	s->by_state = true;
	while ((word = strsep(&rest, ",")))
		if (text_states(word, &s->states, NULL) < 0 ||
		    s->states & STATE_INACTIVE)
			usage_error("--states: invalid state '%s'", word);
	free(copy);
}

/* Cancels N jobs; gives how many could not be. */
static size_t cancel(weir_t *h, const weir_jobid_t *id, size_t n,
		     const char *note, bool quiet)
{
	weir_future_t **f = xmalloc(n * sizeof(weir_future_t *));
	char f58[JOBID_SIZE];
	size_t i, failed = 0;

	for (i = 0; i < n; i++)
		f[i] = made(weir_job_cancel(h, id[i], note), "cancel");
	for (i = 0; i < n; i++) {
		if (weir_future_get(f[i]) < 0) {
			failed++;
			if (!quiet)
				warn_error("%s: %s", text_f58(id[i], f58),
					   weir_future_error(f[i]) == ENOENT ?
					   "unknown job id" :
					   weir_future_strerror(f[i]));
		}
		weir_future_destroy(f[i]);
	}
	free(f);
	return failed;
}

static int by_id(const struct selection *s, int n, char **words)
{
	weir_jobid_t *id = xmalloc((size_t)n * sizeof(*id));
	size_t failed = 0;
	weir_t *h;
	int i;

	for (i = 0; i < n; i++)
		if (weir_jobid_parse(words[i], &id[i]) < 0)
			usage_error("argument JOBID...: invalid JobID value: "
				    "'%s'", words[i]);
	h = open_instance(0);
	if (s->dry_run)
		fprintf(stderr, "%s: Would cancel %d job%s\n", cmd_name, n,
			n == 1 ? "" : "s");
	else
		failed = cancel(h, id, (size_t)n, s->note, s->quiet);
	weir_close(h);
	free(id);
	return failed ? 1 : 0;
}

/* The ids of those whose name matches. */
static json_t *named(weir_t *h, const struct selection *s)
{
	json_t *query = json_pack("{s:i s:[s] s:I s:i}", "max_entries", 0,
				  "attrs", "name", "userid",
				  (json_int_t)s->user, "states", s->states);
	json_t *ids = json_array(), *jobs, *job;
	const char *name;
	size_t i;

	if (s->queue)
		json_object_set_new(query, "queue", json_string(s->queue));
	jobs = jobs_query(h, query);
	json_array_foreach(jobs, i, job) {
		name = json_string_value(json_object_get(job, "name"));
		if (name && fnmatch(s->name, name, 0) == 0)
			json_array_append(ids, json_object_get(job, "id"));
	}
	json_decref(jobs);
	return ids;
}

static int by_selection(const struct selection *s)
{
	weir_t *h = open_instance(0);
	json_t *body = json_pack("{s:I s:i s:s s:i s:s s:b}", "userid",
				 (json_int_t)s->user, "states", s->states,
				 "type", "cancel", "severity", 0, "note",
				 s->note ? s->note : "", "dry_run",
				 s->dry_run);
	size_t n, failed;

	if (s->name)
		json_object_set_new(body, "ids", named(h, s));
	else if (s->queue)
		json_object_set_new(body, "queue", json_string(s->queue));
	n = many_call(h, "job-manager.raiseall", body, &failed);
	if (s->quiet)
		;
	else if (!n)
		fprintf(stderr, "%s: Matched 0 jobs\n", cmd_name);
	else if (s->dry_run)
		fprintf(stderr, "%s: Would cancel %zu job%s\n", cmd_name, n,
			n == 1 ? "" : "s");
	else
		fprintf(stderr, "%s: Canceled %zu job%s (%zu error%s)\n",
			cmd_name, n - failed, n - failed == 1 ? "" : "s",
			failed, failed == 1 ? "" : "s");
	weir_close(h);
	return failed ? 1 : 0;
}

int main_cancel(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "user", required_argument, NULL, 'u' },
		{ "states", required_argument, NULL, 'S' },
		{ "queue", required_argument, NULL, 'Q' },
		{ "name", required_argument, NULL, 'N' },
		{ "message", required_argument, NULL, 'm' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	struct selection s = { .user = getuid(), .states = STATE_ACTIVE };
	bool select;
	int c;

	usage_status = 2;
	options_anywhere = true;
	while ((c = next_option(argc, argv, "u:S:m:nq", longs,
				"weir-cancel")) != -1) {
		switch (c) {
		case 'a': s.all = true; break;
		case 'u':
			s.user = text_user(optarg);
			s.by_user = true;
			break;
		case 'S': state_option(&s, optarg); break;
		case 'Q': s.queue = optarg; break;
		case 'N': s.name = optarg; break;
		case 'm': s.note = optarg; break;
		case 'n': s.dry_run = true; break;
		case 'q': s.quiet = true; break;
		}
	}
	select = s.all || s.by_user || s.by_state || s.queue || s.name;
	if (select && argc > optind)
		usage_error("job ids and --all, --user, --states, --queue or "
			    "--name exclude each other");
	if (!select && argc == optind)
		usage_error("job ids are needed, or --all, --user, --states, "
			    "--queue or --name");
	return select ? by_selection(&s) :
			by_id(&s, argc - optind, argv + optind);
}
