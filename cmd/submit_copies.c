/* SPDX-License-Identifier: Apache-2.0 */
/* weir submit: one job or a copy for each id of --cc, sent without waiting
 * for each other's reply; ids printed in order; then, if asked, followed to
 * their end. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/attach.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/idset.h"

#define IN_FLIGHT_MAX	512

struct copy {
	struct copies *all;
	weir_future_t *submission;
	weir_jobid_t id;
	bool submitted, failed;
	struct attach *attach;
};

struct copies {
	weir_t *h;
	const struct submit_options *o;
	struct event_base *base;
	struct idset *ids;	/* NULL: one job, no number */
	struct copy *copy;
	int count, sent, in_flight, printed, done, failures;
	unsigned next_id;
	double start;
	int result;
	bool show_progress;
	struct attach_options attach;
};

static void progress(const struct copies *c)
{
	double elapsed = wall_clock() - c->start;
	int n = c->o->wait || c->o->watch ? c->done : c->printed;
	int width = 30, filled = c->count ? n * width / c->count : width;

	if (!c->show_progress)
		return;
	fprintf(stderr, "\r%d of %d %s, %d failed |%.*s%*s| %3d%%", n,
		c->count, c->o->wait || c->o->watch ? "done" : "submitted",
		c->failures, filled, "##############################",
		width - filled, "", c->count ? 100 * n / c->count : 100);
	if (c->o->jps && elapsed > 0)
		fprintf(stderr, " %.1f job/s", n / elapsed);
	if (n == c->count)
		fputc('\n', stderr);
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

static void follow(struct copy *copy)
{
	struct copies *c = copy->all;

	copy->attach = attach_create(c->h, copy->id, &c->attach);
	if (!copy->attach)
		die("cannot follow a job: %s", strerror(errno));
}

/* Ids come out in the order of submission, whichever reply came first. */
static void print_ready(struct copies *c)
{
	char name[JOBID_SIZE];

	while (c->printed < c->count && c->copy[c->printed].submitted) {
		struct copy *copy = &c->copy[c->printed++];

		if (copy->failed) {
			c->done++;
			continue;
		}
		if (!c->o->quiet)
			puts(text_f58(copy->id, name));
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

/* The text of the next copy's jobspec; to be freed. */
static char *next_jobspec(struct copies *c)
{
	json_t *jobspec;
	char number[16], *text;

	if (c->ids) {
		snprintf(number, sizeof(number), "%u", c->next_id);
		c->next_id = idset_next(c->ids, c->next_id);
	}
	jobspec = submit_jobspec(c->o, c->ids ? number : NULL);
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
		char *text = next_jobspec(c);

		copy->all = c;
		c->in_flight++;
		copy->submission = made(weir_job_submit(c->h, text,
							c->o->urgency,
							c->o->flags),
					"submit");
		free(text);
		weir_future_then(copy->submission, -1, on_submitted, copy);
	}
}

static void count_copies(struct copies *c)
{
	const char *set = c->o->cc ? c->o->cc : c->o->bcc;
	struct proto_error error;

	c->count = 1;
	if (!set)
		return;
	if (c->o->cc && c->o->bcc)
		fail("--cc and --bcc cannot be used together");
	c->ids = idset_decode(set, &error);
	if (!c->ids)
		fail("--%s: %s", c->o->cc ? "cc" : "bcc", error.text);
	c->count = (int)idset_count(c->ids);
	c->next_id = idset_first(c->ids);
}

static int dry_run(struct copies *c)
{
	int i;

	for (i = 0; i < c->count; i++) {
		char *text = next_jobspec(c);

		puts(text);
		free(text);
	}
	idset_destroy(c->ids);
	return 0;
}

int submit_copies(weir_t *h, const struct submit_options *o)
{
	struct copies c = { .h = h, .o = o, .start = wall_clock() };
	int i;

	count_copies(&c);
	if (o->dry_run)
		return dry_run(&c);
	if (o->progress) {
		c.show_progress = isatty(STDERR_FILENO);
		if (!c.show_progress)
			fprintf(stderr, "weir: WARNING: stderr is not a tty. "
				"Ignoring --progress option\n");
	}
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
	for (i = 0; i < c.count; i++)
		attach_destroy(c.copy[i].attach);
	weir_attach(h, NULL);
	event_base_free(c.base);
	idset_destroy(c.ids);
	free(c.copy);
	return c.result;
}
