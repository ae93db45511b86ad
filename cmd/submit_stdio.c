/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the place of a job's standard streams, as options of its shell.
 * weir-submit(1). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/idset.h"
#include "proto/jobspec.h"

/* At STREAM.KEY. */
static void set(json_t *jobspec, const char *stream, const char *key,
		json_t *value)
{
	struct proto_error error;
	char path[64];

	snprintf(path, sizeof(path), "%s.%s", stream, key);
	if (jobspec_setopt(jobspec, path, value, &error) < 0)
		fail("%s: %s", path, error.text);
}

static void set_file(json_t *jobspec, const char *stream, const char *template,
		     const char *cc)
{
	char *path = with_cc(template, cc);
	json_t *text = json_string(path);

	if (!*path || !text)
		fail("%s: '%s' is no name of a file", stream, path);
	set(jobspec, stream, "type", json_string("file"));
	set(jobspec, stream, "path", text);
	free(path);
}

static void set_output(json_t *jobspec, const char *stream,
		       const char *template, const char *cc, bool label)
{
	if (!template)
		return;
	if (!strcmp(template, "kvs") || !strcmp(template, "none")) {
		set(jobspec, stream, "type", json_string("kvs"));
		return;
	}
	set_file(jobspec, stream, template, cc);
	if (label)
		set(jobspec, stream, "label", json_true());
}

/* The tasks that read what weir run reads: only the first can. */
static bool is_ranks(const char *text)
{
	struct idset *set = *text ? idset_decode(text, NULL) : NULL;
	bool first = set && idset_count(set) == 1 && idset_test(set, 0);

	if (set && !first)
		fail("--input: '%s': standard input goes to task 0 only; a "
		     "file of that name is ./%s", text, text);
	idset_destroy(set);
	return first;
}

void submit_stdio(json_t *jobspec, const struct submit_options *o,
		  const char *cc)
{
	if (o->input && !(o->kind == SUBMIT_RUN && is_ranks(o->input)))
		set_file(jobspec, "input.stdin", o->input, cc);
	set_output(jobspec, "output.stdout", o->output, cc, o->label);
	set_output(jobspec, "output.stderr", o->error, cc, o->label);
}
