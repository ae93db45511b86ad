/* SPDX-License-Identifier: Apache-2.0 */
/* A job's own namespace and its shell: output to `output', each byte once
 * however often it is sent, and `input' back. How many bytes of a shell's
 * output are there is a key of the same commit, `shell.NODE'. weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execd/agent.h"
#include "execd/link.h"

static void guest_namespace(const struct agent_job *j, char *buf, size_t size)
{
	snprintf(buf, size, "job-%" PRIu64, j->id);
}

static void on_input(weir_future_t *f, void *arg)
{
	struct agent_job *j = arg;
	const char *data;
	uint64_t offset;
	size_t len;

	if (weir_future_error(f)) {	/* the namespace has been adopted */
		j->input = NULL;
		weir_future_destroy(f);
		return;
	}
	data = weir_future_data(f, &len);
	if (!data || weir_future_u64(f, "offset", &offset) < 0 || !j->link)
		return;
	j->input_offset = offset + len;
	if (link_send_input(j->link, offset, data, len) > LINK_INPUT_MAX) {
		/* read on when the shell has taken this */
		j->input = NULL;
		weir_future_destroy(f);
	}
}

void job_input_room(struct agent_job *j)
{
	char ns[AGENT_NAME_MAX];

	if (j->input || !j->link || !idset_test(j->tasks, 0))
		return;
	guest_namespace(j, ns, sizeof(ns));
	j->input = weir_kvs_watch(j->agent->h, ns, "input", WEIR_WATCH_APPEND,
				  WEIR_FROM_NOW, j->input_offset,
				  WEIR_WATCH_WAIT);
	if (j->input)
		weir_future_then(j->input, -1, on_input, j);
}

/* Errors of the store that say nothing about what it was asked for: the same
 * may be taken later. Any other is the job's, whose namespace is its user's to
 * change. */
static bool transient(int errnum)
{
	switch (errnum) {
	case ECONNRESET:
	case ECONNREFUSED:
	case EPIPE:
	case ETIMEDOUT:
	case EAGAIN:
	case ENOMEM:
	case ENOSPC:
	case EIO:
		return true;
	default:
		return false;
	}
}

/* It can't be stored, now or later: the job ends, and so does its output. */
static void refuse_output(struct agent_job *j, const char *why)
{
	char note[400];

	if (j->output_refused)
		return;
	j->output_refused = true;
	snprintf(note, sizeof(note), "output could not be stored: %s", why);
	job_exception(j, "exec", 0, 1 << 8, note, strlen(note));
}

static void resume(struct agent_job *j)
{
	j->resumed = true;
	link_send_resume(j->link, j->output_durable);
	job_send_signals(j);
	if (j->reported_start)
		job_input_room(j);
	if (j->reported_finish)
		link_send_done(j->link);
}

static void on_progress(weir_future_t *f, void *arg)
{
	struct agent_job *j = arg;
	const char *data;
	size_t len;

	j->progress = NULL;
	data = weir_future_error(f) ? NULL : weir_future_data(f, &len);
	if (transient(weir_future_error(f)))
		agent_again(j->agent, "cannot read how far a job's output "
			    "is: %s", weir_future_strerror(f));
	j->output_end = data ? strtoull(data, NULL, 10) : 0;
	j->output_durable = j->output_end;
	if (!data && weir_future_error(f) != ENOENT)
		refuse_output(j, weir_future_strerror(f));
	j->own = true;
	weir_future_destroy(f);
	if (j->link)
		resume(j);
}

void job_connected(struct agent_job *j, struct link *link)
{
	char ns[AGENT_NAME_MAX], key[AGENT_NAME_MAX];

	j->link = link;
	j->resumed = false;
	j->input_offset = 0;
	j->signals_sent = 0;	/* the shell knows which it has had */
	if (j->own) {
		resume(j);
		return;
	}
	guest_namespace(j, ns, sizeof(ns));
	snprintf(key, sizeof(key), "shell.%d", j->node);
	weir_future_destroy(j->progress);
	j->progress = weir_kvs_get(j->agent->h, ns, key, NULL);
	if (j->progress)
		weir_future_then(j->progress, -1, on_progress, j);
}

void job_lost_link(struct agent_job *j)
{
	j->link = NULL;
	weir_future_destroy(j->input);
	j->input = NULL;
	if (!j->reported_finish && !j->finishing)
		jobs_look_later(j->agent);
}

struct output {
	struct agent *agent;
	uint64_t id, end;
	weir_future_t *commit;
	struct output *next, **prev;
};

static void output_free(struct output *o)
{
	*o->prev = o->next;
	if (o->next)
		o->next->prev = o->prev;
	weir_future_destroy(o->commit);
	free(o);
}

static void flush(struct agent_job *j);

static void on_output(weir_future_t *f, void *arg)
{
	struct output *o = arg;
	struct agent *a = o->agent;
	struct agent_job *j = jobs_find(a, o->id);

	switch (weir_future_error(f)) {
	case 0:
		break;
	default:
		if (transient(weir_future_error(f)))
			agent_again(a, "output was not taken: %s",
				    weir_future_strerror(f));
		if (j)
			refuse_output(j, weir_future_strerror(f));
	}
	if (j) {
		j->output_on_way = false;
		j->output_durable = o->end;
		if (j->link && j->resumed)
			link_send_ack(j->link, o->end);
		if (j->output_refused)
			wire_buf_reset(&j->gathered);
		if (j->gathered.len)
			flush(j);
		else
			job_output_is_durable(j);
	}
	output_free(o);
}

/* What is gathered, in one commit. There is never more than one of a job on
 * its way: were it to fail and a later one succeed, bytes would be missing. */
static void flush(struct agent_job *j)
{
	char ns[AGENT_NAME_MAX], key[AGENT_NAME_MAX], progress[24];
	struct agent *a = j->agent;
	weir_txn_t *txn = weir_txn_create();
	struct output *o = calloc(1, sizeof(*o));

	if (!txn || !o)
		agent_again(a, "out of memory");
	guest_namespace(j, ns, sizeof(ns));
	snprintf(key, sizeof(key), "shell.%d", j->node);
	snprintf(progress, sizeof(progress), "%" PRIu64, j->output_end);
	weir_txn_append(txn, "output", j->gathered.data, j->gathered.len);
	weir_txn_put(txn, key, progress, strlen(progress));
	wire_buf_free(&j->gathered);
	j->output_on_way = true;
	o->agent = a;
	o->id = j->id;
	o->end = j->output_end;
	o->next = a->outputs;
	if (o->next)
		o->next->prev = &o->next;
	o->prev = &a->outputs;
	a->outputs = o;
	o->commit = weir_kvs_commit(a->h, ns, txn, 0);
	weir_txn_destroy(txn);
	if (!o->commit || weir_future_then(o->commit, -1, on_output, o) < 0)
		agent_again(a, "cannot pass output on: %s", strerror(errno));
}

void job_output(struct agent_job *j, uint64_t offset, const char *data,
		size_t len)
{
	uint64_t known;

	if (j->output_refused) {
		j->output_end = offset + len;
		j->output_durable = j->output_end;
		link_send_ack(j->link, j->output_end);
		return;
	}
	if (offset > j->output_end || offset + len <= j->output_end)
		return;		/* on its way, sent by a link that broke */
	known = j->output_end - offset;
	if (wire_buf_add(&j->gathered, data + known, len - known) < 0)
		agent_again(j->agent, "out of memory");
	j->output_end = offset + len;
	if (!j->output_on_way)
		flush(j);
}

bool job_output_done(const struct agent_job *j)
{
	return !j->output_on_way;
}

void outputs_free(struct agent *a)
{
	while (a->outputs)
		output_free(a->outputs);
}
