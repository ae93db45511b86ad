/* SPDX-License-Identifier: Apache-2.0 */
/* weir bulksubmit --define NAME=CODE: expressions of Python, which Python
 * evaluates: one process does it for all the inputs. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/bulk.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"

/* Arguments are the expressions, lines of input are inputs, and of output
 * lists of results, in JSON. */
static const char program[] =
	"import json, math, os, re, sys\n"
	"code = [compile(c, '--define', 'eval') for c in sys.argv[1:]]\n"
	"for line in sys.stdin:\n"
	"    x = json.loads(line)\n"
	"    print(json.dumps([str(eval(c)) for c in code]))\n";

void bulk_define(struct bulk_definitions *defs, const char *text)
{
	const char *equals = strchr(text, '=');
	struct bulk_definition *d;

	if (!equals || equals == text)
		fail("--define: '%s' is not NAME=CODE", text);
	defs->definition = xrealloc(defs->definition, (defs->count + 1) *
				    sizeof(*defs->definition));
	d = &defs->definition[defs->count++];
	d->name = xasprintf("%.*s", (int)(equals - text), text);
	d->code = equals + 1;
}

void bulk_definitions_free(struct bulk_definitions *defs)
{
	while (defs->count)
		free(defs->definition[--defs->count].name);
	free(defs->definition);
}

static void write_inputs(FILE *f, const struct bulk_inputs *in)
{
	json_t *o;
	size_t i;
	int l;

	for (l = 0; l < in->lists; l++)
		for (i = 0; i < in->list[l].count; i++) {
			o = json_string(in->list[l].value[i].text);
			if (!o)
				fail("--define: input '%s' is no UTF-8",
				     in->list[l].value[i].text);
			json_dumpf(o, f, JSON_ENCODE_ANY);
			fputc('\n', f);
			json_decref(o);
		}
	if (fflush(f) == EOF || fseek(f, 0, SEEK_SET) < 0)
		fail("--define: %s", strerror(errno));
}

static pid_t spawn(const struct bulk_definitions *defs, FILE *in, FILE *out)
{
	const char **argv = xmalloc((defs->count + 4) * sizeof(*argv));
	pid_t pid;
	int i;

	argv[0] = "python3";
	argv[1] = "-c";
	argv[2] = program;
	for (i = 0; i < defs->count; i++)
		argv[3 + i] = defs->definition[i].code;
	argv[3 + i] = NULL;
	pid = fork();
	if (pid == 0) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		execvp(argv[0], (char *const *)argv);
		fprintf(stderr, "python3: %s\n", strerror(errno));
		_exit(127);
	}
	free(argv);
	return pid;
}

static void read_results(FILE *f, const struct bulk_definitions *defs,
			 struct bulk_value *v)
{
	json_t *list = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
	int d;

	v->defined = xmalloc(defs->count * sizeof(*v->defined));
	for (d = 0; d < defs->count; d++) {
		const char *text = json_string_value(json_array_get(list, d));

		if (!text)
			fail("--define: what python3 printed is no result");
		v->defined[d] = xstrdup(text);
	}
	json_decref(list);
}

void bulk_define_values(const struct bulk_definitions *defs,
			struct bulk_inputs *in)
{
	FILE *to, *from;
	int status, l;
	pid_t pid;
	size_t i;

	if (!defs->count)
		return;
	to = tmpfile();
	from = tmpfile();
	if (!to || !from)
		fail("--define: %s", strerror(errno));
	write_inputs(to, in);
	pid = spawn(defs, to, from);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		fail("--define: python3 could not evaluate it");
	rewind(from);
	for (l = 0; l < in->lists; l++)
		for (i = 0; i < in->list[l].count; i++)
			read_results(from, defs, &in->list[l].value[i]);
	fclose(to);
	fclose(from);
}
