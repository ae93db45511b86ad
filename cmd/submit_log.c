/* SPDX-License-Identifier: Apache-2.0 */
/* Files of --log and --log-stderr: one for all jobs, or for each copy its own.
 * weir-submit(1). */
#include "config.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"

struct log {
	char *name;
	FILE *file;
};

static void *logs;	/* a tree */

static int by_name(const void *a, const void *b)
{
	const struct log *x = a, *y = b;

	return strcmp(x->name, y->name);
}

FILE *submit_log(const char *template, const char *cc)
{
	struct log want, *log, **found;

	if (!template)
		return NULL;
	want.name = with_cc(template, cc);
	found = tfind(&want, &logs, by_name);
	if (found) {
		free(want.name);
		return (*found)->file;
	}
	log = xmalloc(sizeof(*log));
	*log = (struct log){ want.name, fopen(want.name, "we") };
	if (!log->file)
		fail("--log: '%s': %s", log->name, strerror(errno));
	if (!tsearch(log, &logs, by_name))
		die("out of memory");
	return log->file;
}

static void end(void *p)
{
	struct log *log = p;

	if (fclose(log->file) == EOF)
		fail("--log: '%s': %s", log->name, strerror(errno));
	free(log->name);
	free(log);
}

void submit_log_close(void)
{
	tdestroy(logs, end);
	logs = NULL;
}
