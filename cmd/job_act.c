/* SPDX-License-Identifier: Apache-2.0 */
/* weir job kill, raise and cancel. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

/* Waits for what was asked of each job; 1 if one of them failed. */
static int settle(const char *verb, weir_future_t **f,
		  const weir_jobid_t *id, int n)
{
	char f58[JOBID_SIZE];
	int i, rc = 0;

	for (i = 0; i < n; i++) {
		made(f[i], verb);
		if (weir_future_get(f[i]) < 0) {
			warn("%s %s: %s", verb, text_f58(id[i], f58),
			     weir_future_error(f[i]) == ENOENT ?
			     "unknown job id" : weir_future_strerror(f[i]));
			rc = 1;
		}
		weir_future_destroy(f[i]);
	}
	return rc;
}

/* What a verb does to one job. */
struct act {
	const char *verb;
	int signum;		/* kill */
	const char *type, *note;
	int severity;
};

static int act_on(const struct act *act, int n, char **words)
{
	weir_jobid_t *id = xmalloc((size_t)n * sizeof(*id));
	weir_future_t **f = xmalloc((size_t)n * sizeof(weir_future_t *));
	weir_t *h;
	int i, rc;

	for (i = 0; i < n; i++)
		id[i] = job_argument(words[i]);
	h = open_instance(0);
	for (i = 0; i < n; i++)
		f[i] = act->signum ? weir_job_kill(h, id[i], act->signum) :
		       weir_job_raise(h, id[i], act->type, act->severity,
				      act->note);
	rc = settle(act->verb, f, id, n);
	weir_close(h);
	free(id);
	free(f);
	return rc;
}

int job_kill(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "signal", required_argument, NULL, 's' },
		{ 0 }
	};
	struct act act = { .verb = "kill", .signum = SIGTERM };

	while (next_option(argc, argv, "s:", longs, "weir-job") != -1) {
		act.signum = text_signal(optarg);
		if (!act.signum)
			die("kill: Invalid signal %s", optarg);
	}
	if (argc == optind)
		verb_usage();
	return act_on(&act, argc - optind, argv + optind);
}

/* WORDS from FIRST on, with blanks between them; NULL for none. */
static char *join(char **words, int first, int n)
{
	char *text = NULL, *longer;
	int i;

	for (i = first; i < n; i++) {
		longer = text ? xasprintf("%s %s", text, words[i]) :
				xstrdup(words[i]);
		free(text);
		text = longer;
	}
	return text;
}

int job_raise(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "severity", required_argument, NULL, 's' },
		{ "type", required_argument, NULL, 't' },
		{ "message", required_argument, NULL, 'm' },
		{ 0 }
	};
	struct act act = { .verb = "raise", .type = "cancel" };
	char *note = NULL;
	weir_jobid_t id;
	uint64_t n;
	int c, jobs, rc;

	while ((c = next_option(argc, argv, "s:t:m:", longs, "weir-job"))
	       != -1) {
		if (c == 't') {
			act.type = optarg;
		} else if (c == 'm') {
			act.note = optarg;
		} else {
			if (wire_parse_u64(optarg, &n) < 0 || n > 7)
				usage_error("--severity: '%s' is no number "
					    "from 0 to 7", optarg);
			act.severity = (int)n;
		}
	}
	argv += optind;
	argc -= optind;
	/* ids, then the note: behind "--", or what is no id */
	for (jobs = 0; jobs < argc; jobs++)
		if (!strcmp(argv[jobs], "--") ||
		    (jobs && weir_jobid_parse(argv[jobs], &id) < 0))
			break;
	if (!jobs)
		verb_usage();
	c = jobs;
	if (c < argc && !strcmp(argv[c], "--"))
		c++;
	if (c < argc && act.note)
		usage_error("the note is given twice");
	note = join(argv, c, argc);
	if (note)
		act.note = note;
	rc = act_on(&act, jobs, argv);
	free(note);
	return rc;
}

int job_cancel(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "message", required_argument, NULL, 'm' },
		{ 0 }
	};
	struct act act = { .verb = "cancel", .type = "cancel" };

	while (next_option(argc, argv, "m:", longs, "weir-job") != -1)
		act.note = optarg;
	if (argc == optind)
		verb_usage();
	return act_on(&act, argc - optind, argv + optind);
}
