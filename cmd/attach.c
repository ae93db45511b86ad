/* SPDX-License-Identifier: Apache-2.0 */
/* Following a job to its end. The eventlog says how far it is; from `alloc`
 * on the output is watched. The output is complete when the job has finished
 * and as many bytes have come as the store then had: `finish` is committed
 * after all output. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/attach.h"
#include "cmd/attach_output.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"

#define ATTACH_MAGIC 0x61747463u

struct attach {
	unsigned magic;
	weir_t *h;
	weir_jobid_t id;
	const struct attach_options *o;
	weir_future_t *events, *output, *size;
	struct attach_output *sink;
	double submitted;	/* time of the first event */
	bool allocated, finished, reached, ended, over;
	bool excepted;		/* an exception has ended it */
	bool drained;		/* all output has been shown */
	uint64_t shown, total;	/* bytes of output; total: once known */
	bool total_known;
	int status;		/* of finish */
	int errnum;
	char reason[256];
};

weir_jobid_t attach_id(const struct attach *a)
{
	return a->id;
}

int attach_errno(const struct attach *a)
{
	return a->errnum;
}

const char *attach_strerror(const struct attach *a)
{
	return a->reason;
}

bool attach_running(const struct attach *a)
{
	return a->allocated && !a->finished && !a->over;
}

bool attach_pending(const struct attach *a)
{
	return a->submitted > 0 && !a->allocated && !a->over;
}

const char *attach_status_text(int status, int *code, char *buf, size_t size)
{
	const char *name = NULL;

	*code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		WEXITSTATUS(status);
	if (*code == 0)
		return NULL;
	if (*code > 128)
		name = sigdescr_np(*code - 128);
	if (name)
		snprintf(buf, size, "task(s) %s", name);
	else
		snprintf(buf, size, "task(s) exited with exit code %d", *code);
	return buf;
}

int attach_exit_code(const struct attach *a)
{
	char buf[128];
	int code = 0;

	if (a->errnum)
		return 1;
	if (a->finished)
		attach_status_text(a->status, &code, buf, sizeof(buf));
	else if (!a->reached || a->excepted)
		code = 1;	/* it never ran */
	return code;
}

/* ---- ends ---- */

static void finish(struct attach *a)
{
	char buf[128], f58[JOBID_SIZE];
	const char *text;
	int code;

	if (a->over)
		return;
	a->over = true;
	attach_output_flush(a->sink);
	text = a->finished ? attach_status_text(a->status, &code, buf,
						sizeof(buf)) : NULL;
	if (text && !a->o->quiet && !a->o->no_result) {
		FILE *file = attach_output_errors(a->sink);

		if (a->o->label_id)
			fprintf(file, "%s: %s\n", text_f58(a->id, f58),
				text);
		else
			fprintf(file, "weir-job: %s\n", text);
	}
	if (a->o->done)
		a->o->done(a, a->o->arg);
}

static void give_up(struct attach *a, int errnum, const char *text)
{
	a->errnum = errnum;
	snprintf(a->reason, sizeof(a->reason), "%s", text);
	finish(a);
}

static void check_over(struct attach *a)
{
	if (a->ended && (a->drained || !a->output))
		finish(a);
}

/* ---- output ---- */

static void show(struct attach *a, const char *data, size_t len,
		 uint64_t offset)
{
	struct proto_error error;

	if (offset + len <= a->shown)
		return;		/* sent again after a reset */
	if (offset > a->shown) {
		give_up(a, EPROTO, "a part of the output is missing");
		return;
	}
	data += a->shown - offset;
	len -= a->shown - offset;
	a->shown += len;
	if (attach_output_take(a->sink, data, len, &error) < 0)
		give_up(a, EPROTO, error.text);
}

static void check_drained(struct attach *a)
{
	if (!a->total_known || a->shown < a->total)
		return;
	a->drained = true;
	check_over(a);
}

static void on_output(weir_future_t *f, void *arg)
{
	struct attach *a = arg;
	const char *data;
	uint64_t offset;
	size_t len;

	assert(a->magic == ATTACH_MAGIC);
	if (a->over)
		return;
	if (weir_future_error(f)) {
		give_up(a, weir_future_error(f), weir_future_strerror(f));
		return;
	}
	data = weir_future_data(f, &len);
	if (data && weir_future_u64(f, "offset", &offset) == 0)
		show(a, data, len, offset);
	if (!a->over)
		check_drained(a);
}

static void output_key(const struct attach *a, char key[JOBID_SIZE + 16])
{
	jobid_encode(a->id, JOBID_KVS, key);
	strcat(key, ".guest.output");
}

static void watch_output(struct attach *a)
{
	char key[JOBID_SIZE + 16];

	if (!a->o->output || a->output)
		return;
	output_key(a, key);
	a->output = weir_kvs_watch(a->h, "primary", key, WEIR_WATCH_APPEND,
				   WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	if (!a->output ||
	    weir_future_then(a->output, -1, on_output, a) < 0)
		give_up(a, errno, strerror(errno));
}

static void on_size(weir_future_t *f, void *arg)
{
	struct attach *a = arg;

	assert(a->magic == ATTACH_MAGIC);
	if (a->over)
		return;
	switch (weir_future_error(f)) {
	case 0:
		weir_future_u64(f, "size", &a->total);
		break;
	case ENOENT:		/* nothing was written */
	case ENOTDIR:
		break;
	default:
		give_up(a, weir_future_error(f), weir_future_strerror(f));
		return;
	}
	a->total_known = true;
	check_drained(a);
}

static void ask_size(struct attach *a)
{
	char key[JOBID_SIZE + 16];

	if (!a->output || a->size)
		return;
	output_key(a, key);
	a->size = weir_kvs_stat(a->h, "primary", key, NULL);
	if (!a->size || weir_future_then(a->size, -1, on_size, a) < 0)
		give_up(a, errno, strerror(errno));
}

/* ---- events ---- */

static void show_exception(struct attach *a,
			   const struct eventlog_event *event)
{
	const char *type = "?", *note = "";
	char f58[JOBID_SIZE];
	int severity = 0;
	FILE *file;

	json_unpack(event->context, "{s?s s?i s?s}", "type", &type,
		    "severity", &severity, "note", &note);
	file = attach_output_errors(a->sink);
	if (a->o->label_id)
		fprintf(file, "%s: exception: type=%s note=%s\n",
			text_f58(a->id, f58), type, note);
	else
		fprintf(file, "%.3fs: job.exception %s type=%s severity=%d "
			"%s\n", event->timestamp - a->submitted,
			text_f58(a->id, f58), type, severity, note);
}

static void show_event(struct attach *a, const struct eventlog_event *event)
{
	char *context = event->context ?
			json_dumps(event->context, JSON_COMPACT) : NULL;

	fflush(stdout);
	fprintf(stderr, "%.3fs: job.%s%s%s\n",
		event->timestamp - a->submitted, event->name,
		context ? " " : "", context ? context : "");
	free(context);
}

static void update(struct attach *a, const struct eventlog_event *event)
{
	int severity;

	if (!a->submitted) {
		a->submitted = event->timestamp;
		attach_output_set_start(a->sink, a->submitted);
	}
	if (!strcmp(event->name, "exception")) {
		if (json_unpack(event->context, "{s:i}", "severity",
				&severity) == 0 && severity == 0)
			a->excepted = true;
		if (!a->o->quiet)
			show_exception(a, event);
	} else if (a->o->events) {
		show_event(a, event);
	}
	if (!strcmp(event->name, "alloc")) {
		a->allocated = true;
		watch_output(a);
	} else if (!strcmp(event->name, "finish")) {
		a->finished = true;
		json_unpack(event->context, "{s:i}", "status", &a->status);
		ask_size(a);
	}
	if (a->o->event)
		a->o->event(a, event, a->o->arg);
	if (!strcmp(event->name, a->o->until ? a->o->until : "finish")) {
		a->ended = a->reached = true;
		if (!a->finished && a->output)
			a->drained = true;	/* so far is enough */
	}
}

static void on_event(weir_future_t *f, void *arg)
{
	struct attach *a = arg;
	struct eventlog_event event;
	struct proto_error error;
	const char *data;
	size_t len;

	assert(a->magic == ATTACH_MAGIC);
	if (a->over)
		return;
	if (weir_future_error(f) == ENODATA) {
		a->ended = true;
		if (!a->finished)
			a->drained = true;	/* it has never run */
		check_over(a);
		return;
	}
	if (weir_future_error(f)) {
		give_up(a, weir_future_error(f), weir_future_strerror(f));
		return;
	}
	data = weir_future_data(f, &len);
	if (!data)
		return;
	if (eventlog_decode(data, len, &event, &error) < 0) {
		give_up(a, EPROTO, error.text);
		return;
	}
	update(a, &event);
	eventlog_clear(&event);
	if (a->ended && !a->over)
		check_over(a);
}

/* ---- life ---- */

struct attach *attach_create(weir_t *h, weir_jobid_t id,
			     const struct attach_options *options)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->magic = ATTACH_MAGIC;
	a->h = h;
	a->id = id;
	a->o = options;
	a->sink = attach_output_create(id, options);
	a->events = a->sink ? weir_job_events(h, id) : NULL;
	if (!a->events || weir_future_then(a->events, -1, on_event, a) < 0) {
		attach_destroy(a);
		return NULL;
	}
	return a;
}

void attach_destroy(struct attach *a)
{
	int e = errno;

	if (!a)
		return;
	assert(a->magic == ATTACH_MAGIC);
	weir_future_destroy(a->events);
	weir_future_destroy(a->output);
	weir_future_destroy(a->size);
	attach_output_destroy(a->sink);
	a->magic = 0;
	free(a);
	errno = e;
}
