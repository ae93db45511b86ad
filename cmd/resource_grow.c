/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource grow and shrink: the graph changes while it is in use.
 * weir-resource(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"

/* Says what schedd made of it; the exit code. */
static int call(const char *method, const char *data, size_t len)
{
	weir_t *h = open_instance(0);
	weir_future_t *f = made(weir_rpc(h, method, data, len, -1), method);
	int failed;

	weir_future_wait(f, -1);
	failed = weir_future_error(f);
	if (failed)
		warn_error("%s", weir_future_strerror(f));
	if (failed == EBUSY)
		warn("INFO: With --when-free it goes when no job has it any "
		     "more");
	weir_future_destroy(f);
	weir_close(h);
	return failed ? 1 : 0;
}

/* The text of PATH, "-" for standard input. */
static char *read_text(const char *path, size_t *len)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	char *text;

	if (!file)
		die("%s: %s", path, strerror(errno));
	text = read_all(file, len);
	if (file != stdin)
		fclose(file);
	return text;
}

int resource_grow(int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };
	char *text;
	size_t len;
	int r;

	while (next_option(argc, argv, "", longs, "weir-resource") != -1)
		;
	if (optind + 1 != argc)
		verb_usage();
	text = read_text(argv[optind], &len);
	r = call("resource.grow", text, len);
	free(text);
	return r;
}

/* What waits until no job has it any more. */
static int list_leaving(void)
{
	weir_t *h = open_instance(0);
	struct resource_status s = resource_ask(h);
	json_t *path;
	size_t i;

	json_array_foreach(s.leaving, i, path)
		if (json_is_string(path))
			puts(json_string_value(path));
	resource_status_free(&s);
	weir_close(h);
	return 0;
}

int resource_shrink(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "when-free", no_argument, NULL, 'w' }, { 0 }
	};
	json_t *o, *targets = json_array();
	int when_free = 0, r = 0;
	char *text;

	while (next_option(argc, argv, "w", longs, "weir-resource") != -1)
		when_free = 1;
	for (int i = optind; i < argc && r == 0; i++)
		r = json_array_append_new(targets, json_string(argv[i]));
	o = r == 0 ? json_pack("{s:O s:b}", "targets", targets, "when-free",
			       when_free) : NULL;
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (!text)
		die("targets must be UTF-8");
	r = optind == argc ? list_leaving() :
	    call("resource.shrink", text, strlen(text));
	free(text);
	json_decref(o);
	json_decref(targets);
	return r;
}
