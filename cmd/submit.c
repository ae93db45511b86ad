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

#define HOLD_SECONDS	2	/* that signals wait for the job's id */

static void free_list(struct word_list *list)
{
	while (list->count)
		free(list->word[--list->count]);
	free(list->word);
}

void submit_options_free(struct submit_options *o)
{
	free_list(&o->setopt);
	free_list(&o->setattr);
	free_list(&o->env);
	free_list(&o->rlimit);
	free_list(&o->dependency);
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
	result = attach_run(h, id, &attach, &terminal);
	weir_close(h);
	return result;
}

int main_run(int argc, char **argv)
{
	struct submit_options o = { .run = true };
	int result = 0;

	usage_status = 2;
	submit_parse(&o, argc, argv);
	if (o.dry_run) {
		char *text = jobspec_text(&o);

		puts(text);
		free(text);
	} else {
		result = run(&o);
	}
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
