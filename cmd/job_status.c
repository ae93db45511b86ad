/* SPDX-License-Identifier: Apache-2.0 */
/* weir job status: waits for jobs, gives the greatest exit code.
 * weir-job(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/attach.h"
#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"
#include "proto/eventlog.h"
#include "proto/wire.h"

/* What the eventlog says of the result. */
struct result {
	double t_submit, t_run, t_cleanup;
	bool finished, exception;
	int status;
	char type[64];
};

static void take(struct result *r, const struct eventlog_event *e)
{
	const char *type = "";
	int severity = -1;

	if (!strcmp(e->name, "submit")) {
		r->t_submit = e->timestamp;
	} else if (!strcmp(e->name, "alloc")) {
		r->t_run = e->timestamp;
	} else if (!strcmp(e->name, "finish")) {
		r->finished = true;
		json_unpack(e->context, "{s:i}", "status", &r->status);
	} else if (!strcmp(e->name, "exception")) {
		json_unpack(e->context, "{s?s s?i}", "type", &type,
			    "severity", &severity);
		if (severity == 0 && !r->exception) {
			r->exception = true;
			snprintf(r->type, sizeof(r->type), "%s", type);
		}
	}
	if (!r->t_cleanup && (!strcmp(e->name, "finish") || r->exception))
		r->t_cleanup = e->timestamp;
}

static void wait_for(weir_future_t *f, weir_jobid_t id, struct result *r)
{
	char f58[JOBID_SIZE];
	struct eventlog_event event;
	struct proto_error error;
	const char *line;
	size_t len;

	text_f58(id, f58);
	for (;;) {
		if (weir_future_wait(f, -1) < 0)
			die("%s: %s", f58, strerror(errno));
		if (weir_future_error(f) == ENODATA)
			return;
		if (weir_future_error(f) == ENOENT)
			die("%s: No such job", f58);
		must(f, f58);
		line = weir_future_data(f, &len);
		if (line) {
			if (eventlog_decode(line, len, &event, &error) < 0)
				die("%s: %s", f58, error.text);
			take(r, &event);
			eventlog_clear(&event);
		}
		weir_future_next(f);
	}
}

static int result_bit(const struct result *r)
{
	if (r->exception && !strcmp(r->type, "cancel"))
		return 4;
	if (r->exception && !strcmp(r->type, "timeout"))
		return 8;
	return r->finished && r->status == 0 && !r->exception ? 1 : 2;
}

static void print_json(weir_jobid_t id, const struct result *r)
{
	json_t *o = json_pack("{s:I s:b s:f}", "id", (json_int_t)id,
			      "exception_occurred", r->exception,
			      "t_submit", r->t_submit);
	char *text;

	if (r->t_run)
		json_object_set_new(o, "t_run", json_real(r->t_run));
	if (r->t_cleanup)
		json_object_set_new(o, "t_cleanup", json_real(r->t_cleanup));
	if (r->finished)
		json_object_set_new(o, "waitstatus", json_integer(r->status));
	json_object_set_new(o, "result", json_integer(result_bit(r)));
	text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!text)
		die("out of memory");
	puts(text);
	free(text);
	json_decref(o);
}

static int report(weir_jobid_t id, const struct result *r, int code_if_none,
		  bool verbose)
{
	char f58[JOBID_SIZE];
	int code = code_if_none;

	if (r->finished)
		code = WIFSIGNALED(r->status) ? 128 + WTERMSIG(r->status) :
						WEXITSTATUS(r->status);
	text_f58(id, f58);
	if (!verbose)
		return code;
	if (!r->finished)
		warn("%s: exception type=%s", f58,
		     r->exception ? r->type : "none");
	else if (code)
		warn("%s: exited with exit code %d", f58, code);
	return code;
}

int job_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ "exception-exit-code", required_argument, NULL, 'e' },
		{ 0 }
	};
	bool verbose = false, json = false;
	int c, i, n, code, greatest = 0, code_if_none = 1;
	weir_future_t **f;
	weir_jobid_t *id;
	struct result *r;
	uint64_t number;
	weir_t *h;

	while ((c = next_option(argc, argv, "vje:", longs, "weir-job"))
	       != -1) {
		if (c == 'v')
			verbose = true;
		else if (c == 'j')
			json = true;
		else if (wire_parse_u64(optarg, &number) < 0 || number > 255)
			usage_error("--exception-exit-code: '%s' is no number "
				    "from 0 to 255", optarg);
		else
			code_if_none = (int)number;
	}
	n = argc - optind;
	if (n < 1)
		verb_usage();
	id = xmalloc((size_t)n * sizeof(*id));
	f = xmalloc((size_t)n * sizeof(weir_future_t *));
	r = xmalloc((size_t)n * sizeof(*r));
	memset(r, 0, (size_t)n * sizeof(*r));
	for (i = 0; i < n; i++)
		id[i] = job_argument(argv[optind + i]);
	h = open_instance(0);
	if (verbose)
		warn("fetching status for %d job%s", n, n > 1 ? "s" : "");
	for (i = 0; i < n; i++)
		f[i] = made(weir_job_events(h, id[i]), argv[optind + i]);
	for (i = 0; i < n; i++)
		wait_for(f[i], id[i], &r[i]);
	if (verbose)
		warn("all done.");
	for (i = 0; i < n; i++) {
		if (json)
			print_json(id[i], &r[i]);
		code = report(id[i], &r[i], code_if_none, verbose);
		if (code > greatest)
			greatest = code;
		weir_future_destroy(f[i]);
	}
	weir_close(h);
	free(id);
	free(f);
	free(r);
	return greatest;
}
