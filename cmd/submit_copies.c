/* SPDX-License-Identifier: Apache-2.0 */
/* weir submit: one job or a copy for each id of --cc, of one request or
 * several, sent without waiting for each other's reply; ids printed in order;
 * then, if asked, followed to their end. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/attach.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/progress.h"
#include "cmd/submit.h"
#include "proto/idset.h"

#define IN_FLIGHT_MAX	512

struct copy {
	struct copies *all;
	weir_future_t *submission;
	weir_jobid_t id;
	bool submitted, failed;
	char *number;		/* of --cc, --bcc; or NULL */
	const struct submit_options *o;		/* its request */
	struct attach_options options;
	struct attach *attach;
};

struct copies {
	weir_t *h;
	const struct submit_options *o;		/* the requests */
	int requests;
	struct event_base *base;
	struct copy *copy;
	int count, sent, in_flight, printed, done, failures;
	int next;		/* request whose copies are being sent */
	struct idset *ids;	/* of it; NULL: one job, no number */
	unsigned next_id;
	int result;
	struct progress bar;
	struct attach_options attach;
};

static void progress(const struct copies *c)
{
	progress_show(&c->bar, c->o->wait || c->o->watch ? c->done :
		      c->printed, c->count, c->failures);
}

static void check_done(struct copies *c)
{
	if (c->printed == c->count &&
	    (c->done == c->count || !c->attach.until))
		event_base_loopbreak(c->base);
}

static void on_followed(struct attach *a, void *arg)
{
	struct copies *c = arg;
	int code = attach_exit_code(a);

	if (attach_errno(a))
		warn_error("%s", attach_strerror(a));
	if (code > c->result)
		c->result = code;
	if (code)
		c->failures++;
	c->done++;
	progress(c);
	check_done(c);
}

/* What --log and --log-stderr say; NULL: nothing. */
static FILE *log_file(const struct copy *copy)
{
	return submit_log(copy->o->log, copy->number);
}

static FILE *error_file(const struct copy *copy)
{
	return copy->o->log_stderr ?
		submit_log(copy->o->log_stderr, copy->number) :
		log_file(copy);
}

static void print_id(const struct copy *copy)
{
	FILE *file = log_file(copy);
	char name[JOBID_SIZE];

	file = file ? file : stdout;
	fprintf(file, "%s\n", text_f58(copy->id, name));
	if (file != stdout && fflush(file) == EOF)
		fail("--log: '%s': %s", copy->o->log, strerror(errno));
}

static void follow(struct copy *copy)
{
	struct copies *c = copy->all;

	copy->options = c->attach;
	copy->options.out = log_file(copy);
	copy->options.err = error_file(copy);
	copy->attach = attach_create(c->h, copy->id, &copy->options);
	if (!copy->attach)
		die("cannot follow a job: %s", strerror(errno));
}

/* Ids come out in the order of submission, whichever reply came first. */
static void print_ready(struct copies *c)
{
	while (c->printed < c->count && c->copy[c->printed].submitted) {
		struct copy *copy = &c->copy[c->printed++];

		if (copy->failed) {
			c->done++;
			continue;
		}
		if (!c->o->quiet)
			print_id(copy);
		if (c->attach.until)
			follow(copy);
	}
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
	progress(c);
	check_done(c);
}

static void send_more(struct copies *c);

static void on_submitted(weir_future_t *f, void *arg)
{
	struct copy *copy = arg;
	struct copies *c = copy->all;

	c->in_flight--;
	copy->submitted = true;
	if (weir_job_submit_id(f, &copy->id) < 0) {
		warn_error("%s", weir_future_error(f) ?
			   weir_future_strerror(f) : strerror(errno));
		copy->failed = true;
		c->failures++;
		c->result = c->result ? c->result : 1;
	}
	weir_future_destroy(f);
	print_ready(c);
	send_more(c);
}

/* The numbers of the copies of O; NULL: one job. */
static struct idset *numbers(const struct submit_options *o)
{
	const char *set = o->cc ? o->cc : o->bcc;
	struct proto_error error;
	struct idset *ids;

	if (!set)
		return NULL;
	if (o->cc && o->bcc)
		fail("--cc and --bcc cannot be used together");
	ids = idset_decode(set, &error);
	if (!ids)
		fail("--%s: %s", o->cc ? "cc" : "bcc", error.text);
	return ids;
}

static void end_request(struct copies *c)
{
	idset_destroy(c->ids);
	c->ids = NULL;
	c->next++;
}

/* The text of the next copy's jobspec, to be freed; COPY gets its request. */
static char *next_jobspec(struct copies *c, struct copy *copy)
{
	const struct submit_options *o;
	json_t *jobspec;
	char number[16], *text;

	while (!c->ids && (c->ids = numbers(&c->o[c->next])) &&
	       (c->next_id = idset_first(c->ids)) == IDSET_NONE)
		end_request(c);
	copy->o = o = &c->o[c->next];
	if (c->ids) {
		snprintf(number, sizeof(number), "%u", c->next_id);
		if (o->log || o->log_stderr)
			copy->number = xstrdup(number);
		c->next_id = idset_next(c->ids, c->next_id);
	}
	jobspec = submit_jobspec(o, c->ids ? number : NULL);
	if (!c->ids || c->next_id == IDSET_NONE)
		end_request(c);
	text = json_dumps(jobspec, 0);
	json_decref(jobspec);
	if (!text)
		die("out of memory");
	return text;
}

static void send_more(struct copies *c)
{
	while (c->sent < c->count && c->in_flight < IN_FLIGHT_MAX) {
		struct copy *copy = &c->copy[c->sent++];
		char *text = next_jobspec(c, copy);

		copy->all = c;
		log_file(copy);		/* or it ends here */
		error_file(copy);
		c->in_flight++;
		copy->submission = made(weir_job_submit(c->h, text,
							copy->o->urgency,
							copy->o->flags),
					"submit");
		free(text);
		weir_future_then(copy->submission, -1, on_submitted, copy);
	}
}

static void count_copies(struct copies *c)
{
	int i;

	for (i = 0; i < c->requests; i++) {
		struct idset *ids = numbers(&c->o[i]);
		size_t n = ids ? idset_count(ids) : 1;

		if (n > (size_t)(INT_MAX - c->count))
			fail("there are too many jobs");
		c->count += (int)n;
		idset_destroy(ids);
	}
}

static int dry_run(struct copies *c)
{
	int i;

	for (i = 0; i < c->count; i++) {
		struct copy copy = { 0 };
		char *text = next_jobspec(c, &copy);

		puts(text);
		free(text);
		free(copy.number);
	}
	return 0;
}

int submit_copies(weir_t *h, const struct submit_options *o, int count)
{
	struct copies c = { .h = h, .o = o, .requests = count };
	int i;

	count_copies(&c);
	if (o->dry_run)
		return dry_run(&c);
	if (o->progress)
		progress_begin(&c.bar, o->wait || o->watch ? "done" :
			       "submitted", o->jps);
	c.attach = (struct attach_options){
		.output = o->watch, .label = o->label,
		.label_id = true, .unbuffered = o->unbuffered,
		.quiet = !o->watch, .until = o->wait_event ? o->wait_event :
			o->wait || o->watch ? "clean" : NULL,
		.done = on_followed, .arg = &c,
	};
	c.copy = calloc((size_t)c.count + 1, sizeof(*c.copy));
	c.base = event_base_new();
	if (!c.copy || !c.base || weir_attach(h, c.base) < 0)
		die("out of memory");
	send_more(&c);
	event_base_dispatch(c.base);
	for (i = 0; i < c.count; i++) {
		attach_destroy(c.copy[i].attach);
		free(c.copy[i].number);
	}
	submit_log_close();
	weir_attach(h, NULL);
	event_base_free(c.base);
	free(c.copy);
	return c.result;
}
