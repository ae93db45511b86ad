/* SPDX-License-Identifier: Apache-2.0 */
/* weir run and weir submit. weir-submit(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/attach.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "cmd/subcommands.h"
#include "proto/eventlog.h"

#define HOLD_SECONDS	2	/* that signals wait for the job's id */

void word_list_free(struct word_list *list)
{
	while (list->count)
		free(list->word[--list->count]);
	free(list->word);
}

void submit_options_free(struct submit_options *o)
{
	word_list_free(&o->setopt);
	word_list_free(&o->setattr);
	word_list_free(&o->env);
	word_list_free(&o->rlimit);
	word_list_free(&o->dependency);
	word_list_free(&o->add_file);
	word_list_free(&o->start_opts);
}

static char *jobspec_text(const struct submit_options *o)
{
	json_t *jobspec = submit_jobspec(o, NULL);
	char *text = json_dumps(jobspec, 0);

	if (!text)
		die("out of memory");
	json_decref(jobspec);
	return text;
}

/* The job may run before we know its id, and a signal be meant for it. */
static int wait_id(weir_future_t *f, weir_jobid_t *id)
{
	if (weir_future_wait(f, HOLD_SECONDS) < 0) {
		terminal_hold_signals(false);	/* one may end us */
		weir_future_wait(f, -1);
		terminal_hold_signals(true);
	}
	return weir_job_submit_id(f, id);
}

/* An instance in a job says in a memo where it is. */
static int wait_ready(weir_t *h, weir_jobid_t id)
{
	weir_future_t *f = made(weir_job_events(h, id), "the job's events");
	struct eventlog_event event;
	char name[JOBID_SIZE];
	const char *line;
	bool ready = false;
	size_t len;

	terminal_hold_signals(false);
	for (; !ready && weir_future_get(f) == 0; weir_future_next(f)) {
		line = weir_future_data(f, &len);
		if (!line || eventlog_decode(line, len, &event, NULL) < 0)
			continue;
		ready = !strcmp(event.name, "memo") &&
			json_object_get(event.context, "uri");
		eventlog_clear(&event);
	}
	if (!ready)
		fail("job %s ended before its instance was ready",
		     text_f58(id, name));
	weir_future_destroy(f);
	puts(text_f58(id, name));
	return 0;
}

static int run(const struct submit_options *o)
{
	struct attach_options attach = {
		.output = true, .label = o->label,
		.unbuffered = o->unbuffered, .events = o->verbose > 1,
		.until = o->wait_event,
	};
	struct terminal_options terminal = { .read_only = false };
	char *jobspec = jobspec_text(o), name[JOBID_SIZE];
	weir_t *h = open_lasting();
	weir_future_t *f;
	weir_jobid_t id;
	int result;

	terminal_hold_signals(true);
	f = weir_job_submit(h, jobspec, o->urgency, o->flags);
	free(jobspec);
	if (!f || wait_id(f, &id) < 0)
		fail("%s", f && weir_future_error(f) ?
		     weir_future_strerror(f) : strerror(errno));
	weir_future_destroy(f);
	if (o->verbose)
		fprintf(stderr, "jobid: %s\n", text_f58(id, name));
	if (o->background)
		result = wait_ready(h, id);
	else
		result = attach_run(h, id, &attach, &terminal);
	weir_close(h);
	return result;
}

int submit_run(const struct submit_options *o)
{
	char *text;

	if (!o->dry_run)
		return run(o);
	text = jobspec_text(o);
	puts(text);
	free(text);
	return 0;
}

int main_run(int argc, char **argv)
{
	struct submit_options o = { .kind = SUBMIT_RUN };
	int result;

	usage_status = 2;
	submit_parse(&o, argc, argv);
	result = submit_run(&o);
	submit_options_free(&o);
	return result;
}

int main_submit(int argc, char **argv)
{
	struct submit_options o = { 0 };
	int result;
	weir_t *h;

	usage_status = 2;
	submit_parse(&o, argc, argv);
	h = o.dry_run ? NULL : open_lasting();
	result = submit_copies(h, &o, 1);
	weir_close(h);
	submit_options_free(&o);
	return result;
}
