/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a task: what the job asks for, and over it what it can
 * only know here. A list of its own: setenv() never gives memory back.
 * weir-jobs(7). */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execd/shell.h"
#include "proto/jobid.h"

/* ENTRY is "NAME=VALUE", and taken. */
static void add(struct shell *s, char *entry)
{
	if (s->env_len + 1 >= s->env_size) {
		size_t size = s->env_size ? 2 * s->env_size : 64;
		char **more = realloc(s->env, size * sizeof(*more));

		if (!more)
			abort();
		s->env = more;
		s->env_size = size;
	}
	if (!entry)
		abort();	/* out of memory */
	s->env[s->env_len++] = entry;
	s->env[s->env_len] = NULL;
}

static char *entry(const char *name, const char *value)
{
	size_t n = strlen(name), m = strlen(value);
	char *text = malloc(n + m + 2);

	if (!text)
		abort();
	memcpy(text, name, n);
	text[n] = '=';
	memcpy(text + n + 1, value, m + 1);
	return text;
}

static void set(struct shell *s, const char *name, const char *value)
{
	size_t n = strlen(name), i;

	for (i = 0; i < s->env_len; i++)
		if (!strncmp(s->env[i], name, n) && s->env[i][n] == '=') {
			free(s->env[i]);
			s->env[i] = entry(name, value);
			return;
		}
	add(s, entry(name, value));
}

void env_set(struct shell *s, const char *name, const char *fmt, ...)
{
	char value[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	set(s, name, value);
}

/* A variable of the job's; no other has its name yet. */
static void add_value(struct shell *s, const struct task *t, const char *name,
		      const char *value)
{
	char *filled;

	if (!template_has_tags(value)) {
		add(s, entry(name, value));
		return;
	}
	s->env_tags = true;
	filled = template_fill(s, t, value);
	add(s, entry(name, filled));
	free(filled);
}

static void make_job(struct shell *s, const struct task *t)
{
	const struct shell_spec *spec = s->spec;
	char id[JOBID_SIZE], *gpus;
	const char *name;
	uint64_t array;
	uint32_t index;
	json_t *value;

	env_clear(s);
	json_object_foreach(spec->jobspec->environment, name, value)
		if (json_is_string(value) && *name && !strchr(name, '='))
			add_value(s, t, name, json_string_value(value));
	set(s, "WEIR_JOB_ID", jobid_encode(spec->id, JOBID_F58, id));
	if (shell_element(s, &array, &index)) {
		env_set(s, "WEIR_ARRAY_INDEX", "%" PRIu32, index);
		set(s, "WEIR_ARRAY_ID", jobid_encode(array, JOBID_F58, id));
	}
	env_set(s, "WEIR_JOB_SIZE", "%d", spec->ntasks);
	env_set(s, "WEIR_JOB_NNODES", "%d", spec->nnodes);
	set(s, "WEIR_JOB_TMPDIR", s->tmpdir);
	env_set(s, "WEIR_KVS_NAMESPACE", "job-%" PRIu64, spec->id);
	set(s, "WEIR_URI", spec->uri);
	gpus = spec->gpus && !idset_empty(spec->gpus) ?
	       idset_encode(spec->gpus, 0) : NULL;
	set(s, "CUDA_VISIBLE_DEVICES", gpus ? gpus : "-1");
	free(gpus);
	set(s, "CUDA_DEVICE_ORDER", "PCI_BUS_ID");
}

void env_make(struct shell *s, const struct task *t)
{
	if (t == s->task || s->env_tags)
		make_job(s, t);
	env_set(s, "WEIR_TASK_RANK", "%d", t->rank);
	env_set(s, "WEIR_TASK_LOCAL_ID", "%d", t->local);
}

void env_clear(struct shell *s)
{
	while (s->env_len)
		free(s->env[--s->env_len]);
	free(s->env);
	s->env = NULL;
	s->env_size = 0;
}
