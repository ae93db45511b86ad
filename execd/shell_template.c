/* SPDX-License-Identifier: Apache-2.0 */
/* {{tags}} in a job's command, environment and file names: what is known only
 * where it runs. weir-submit(1) lists them; one that is unknown stays. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execd/shell.h"
#include "proto/jobid.h"

bool shell_element(const struct shell *s, uint64_t *array, uint32_t *index)
{
	return s->spec->jobspec->array &&
	       jobid_is_element(s->spec->id, array, index);
}

struct place {
	const struct shell *shell;
	const struct task *task;	/* NULL: of the job as a whole */
};

#define TAG_INDEX	(-1)	/* in place of a form of ids */

/* Each writes its value; -1 if there is none here. */
typedef int tag_f(struct wire_buf *b, const struct place *at, int form);

static int add(struct wire_buf *b, const char *text)
{
	if (!text || wire_buf_add(b, text, strlen(text)) < 0)
		abort();	/* out of memory */
	return 0;
}

static int add_number(struct wire_buf *b, int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	return add(b, text);
}

static int add_set(struct wire_buf *b, const struct idset *set)
{
	char *text = idset_encode(set, 0);

	add(b, text);
	free(text);
	return 0;
}

static int tag_id(struct wire_buf *b, const struct place *at, int form)
{
	char id[JOBID_SIZE];

	return add(b, jobid_encode(at->shell->spec->id, form, id));
}

/* Only of an element of an array. */
static int tag_array(struct wire_buf *b, const struct place *at, int form)
{
	char text[JOBID_SIZE];
	uint64_t array;
	uint32_t index;

	if (!shell_element(at->shell, &array, &index))
		return -1;
	return form == TAG_INDEX ? add_number(b, (int)index) :
	       add(b, jobid_encode(array, form, text));
}

static int tag_name(struct wire_buf *b, const struct place *at, int form)
{
	return add(b, at->shell->spec->jobspec->name);
}

static int tag_nnodes(struct wire_buf *b, const struct place *at, int form)
{
	return add_number(b, at->shell->spec->nnodes);
}

static int tag_size(struct wire_buf *b, const struct place *at, int form)
{
	return add_number(b, at->shell->spec->ntasks);
}

static int tag_node(struct wire_buf *b, const struct place *at, int form)
{
	return add_number(b, at->shell->spec->node);
}

static int tag_host(struct wire_buf *b, const struct place *at, int form)
{
	return add(b, at->shell->spec->host);
}

static int tag_rank(struct wire_buf *b, const struct place *at, int form)
{
	return add_number(b, (int)at->shell->spec->rank);
}

static int tag_cores(struct wire_buf *b, const struct place *at, int count)
{
	const struct idset *cores = at->shell->spec->cores;

	if (!cores)
		return -1;
	return count ? add_number(b, (int)idset_count(cores)) :
		       add_set(b, cores);
}

static int tag_gpus(struct wire_buf *b, const struct place *at, int count)
{
	const struct idset *gpus = at->shell->spec->gpus;

	if (!gpus)
		return add(b, count ? "0" : "");
	return count ? add_number(b, (int)idset_count(gpus)) :
		       add_set(b, gpus);
}

static int tag_tmpdir(struct wire_buf *b, const struct place *at, int form)
{
	return add(b, at->shell->tmpdir);
}

static int tag_task(struct wire_buf *b, const struct place *at, int form)
{
	return at->task ? add_number(b, at->task->rank) : -1;
}

static int tag_local(struct wire_buf *b, const struct place *at, int form)
{
	return at->task ? add_number(b, at->task->local) : -1;
}

static const struct tag {
	const char *name;
	tag_f *add;
	int form;
} tags[] = {
	{ "id", tag_id, JOBID_F58 }, { "jobid", tag_id, JOBID_F58 },
	{ "id.f58", tag_id, JOBID_F58 }, { "jobid.f58", tag_id, JOBID_F58 },
	{ "id.f58plain", tag_id, JOBID_F58PLAIN },
	{ "id.dec", tag_id, JOBID_DEC }, { "jobid.dec", tag_id, JOBID_DEC },
	{ "id.hex", tag_id, JOBID_HEX }, { "jobid.hex", tag_id, JOBID_HEX },
	{ "id.dothex", tag_id, JOBID_DOTHEX },
	{ "jobid.dothex", tag_id, JOBID_DOTHEX },
	{ "id.kvs", tag_id, JOBID_KVS },
	{ "id.emoji", tag_id, JOBID_EMOJI },
	{ "array", tag_array, TAG_INDEX }, { "array.index", tag_array, TAG_INDEX },
	{ "array.id", tag_array, JOBID_F58 },
	{ "array.id.f58plain", tag_array, JOBID_F58PLAIN },
	{ "array.id.dec", tag_array, JOBID_DEC },
	{ "name", tag_name, 0 }, { "nnodes", tag_nnodes, 0 },
	{ "size", tag_size, 0 }, { "ntasks", tag_size, 0 },
	{ "node.id", tag_node, 0 }, { "node.name", tag_host, 0 },
	{ "node.broker_rank", tag_rank, 0 },
	{ "node.cores", tag_cores, false }, { "node.ncores", tag_cores, true },
	{ "node.gpus", tag_gpus, false }, { "node.ngpus", tag_gpus, true },
	{ "tmpdir", tag_tmpdir, 0 },
	{ "task.id", tag_task, 0 }, { "task.rank", tag_task, 0 },
	{ "taskid", tag_task, 0 },
	{ "task.index", tag_local, 0 }, { "task.localid", tag_local, 0 },
};

static bool add_tag(struct wire_buf *b, const struct place *at,
		    const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strlen(tags[i].name) == len &&
		    !memcmp(tags[i].name, name, len))
			return tags[i].add(b, at, tags[i].form) == 0;
	return false;
}

bool template_has_tags(const char *text)
{
	return strstr(text, "{{") != NULL;
}

char *template_fill(const struct shell *s, const struct task *t,
		    const char *text)
{
	struct place at = { .shell = s, .task = t };
	const char *open, *close;
	struct wire_buf b;

	wire_buf_init(&b);
	while ((open = strstr(text, "{{")) &&
	       (close = strstr(open + 2, "}}"))) {
		if (wire_buf_add(&b, text, open - text) < 0)
			abort();
		if (!add_tag(&b, &at, open + 2, close - open - 2) &&
		    wire_buf_add(&b, open, close + 2 - open) < 0)
			abort();
		text = close + 2;
	}
	add(&b, text);
	if (wire_buf_add(&b, "", 1) < 0)
		abort();
	return b.data;
}

char **template_fill_all(const struct shell *s, const struct task *t,
			 const char *const *words)
{
	size_t n = 0, i;
	char **all;

	while (words[n])
		n++;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		abort();
	for (i = 0; i < n; i++)
		all[i] = template_fill(s, t, words[i]);
	return all;
}
