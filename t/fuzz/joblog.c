/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of what schedd reads of a job, and of its configuration. The first
 * byte says which: 'd' dependencies as users write them, one a line, 'c' a
 * configuration, or else an eventlog. A job that comes out can be listed and ended,
 * and its events can be written again. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dependency.h"
#include "schedd/dependency.h"
#include "schedd/history.h"
#include "schedd/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void dependencies(char *text)
{
	struct job *job = job_create(NULL, 1);
	json_t *list = json_array(), *o;
	struct proto_error err;
	char *word;

	while ((word = strsep(&text, "\n"))) {
		o = dependency_from_uri(word, &err);
		if (o)
			json_array_append_new(list, o);
	}
	dependency_parse(job, list, &err);
	json_decref(list);
	job_destroy(job);
}

static void configuration(const char *text, size_t len)
{
	struct queues *queues = queues_create();
	struct proto_error err;
	char *state;

	if (queues_configure(queues, text, len, &err) == 0) {
		state = queues_state(queues);
		queues_restore(queues, state, strlen(state));
		free(state);
	}
	queues_restore(queues, text, len);
	queues_destroy(queues);
}

static void take(struct job *job, const struct eventlog_event *line,
		 struct wire_buf *buf)
{
	enum job_action action;
	struct proto_error err;
	struct jobevent ev;

	if (jobevent_decode(&ev, line, &err) < 0)
		return;
	/* what is not ours cannot be written */
	if (ev.event != EVENT_OTHER && jobevent_encode(buf, &ev) < 0)
		abort();
	job_update(job, &ev, &action);
}

static void eventlog(const char *text, size_t len)
{
	struct eventlog_iter it = { .data = text, .len = len };
	struct job *job = job_create(NULL, 1);
	struct history *h = history_create();
	struct eventlog_event line;
	struct proto_error err;
	struct wire_buf buf;
	int r;

	job->name = strdup("x");
	wire_buf_init(&buf);
	while ((r = eventlog_next(&it, &line, &err)) != 0) {
		if (r < 0)
			continue;
		take(job, &line, &buf);
		eventlog_clear(&line);
	}
	json_decref(dependency_list(job));
	history_add(h, job);
	history_remove(h, 1);
	history_destroy(h);
	wire_buf_free(&buf);
	job_destroy(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (*data == 'd')
		dependencies(text);
	else if (*data == 'c')
		configuration(text, strlen(text));
	else
		eventlog((const char *)data + 1, size - 1);
	free(text);
	return 0;
}
