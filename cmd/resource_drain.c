/* SPDX-License-Identifier: Apache-2.0 */
/* weir resource drain and undrain: nodes that are to have no new jobs.
 * weir-resource(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"

/* Says what schedd made of it; the exit code. */
static int call(const char *method, const char *targets, const char *reason,
		const char *mode)
{
	json_t *o = json_pack("{s:s s:s s:s}", "targets", targets, "reason",
			      reason, "mode", mode);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	weir_t *h;
	weir_future_t *f;
	int e;

	if (!text)
		die("targets and reason must be UTF-8");
	h = open_instance(0);
	f = made(weir_rpc(h, method, text, strlen(text), -1), method);
	weir_future_wait(f, -1);
	e = weir_future_error(f);
	if (e)
		warn_error("%s", weir_future_strerror(f));
	if (e == EEXIST)
		warn("INFO: Use --force to overwrite existing drain reason");
	weir_future_destroy(f);
	weir_close(h);
	json_decref(o);
	free(text);
	return e ? 1 : 0;
}

static const struct option drain_longs[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "update", no_argument, NULL, 'u' },
	{ "no-header", no_argument, NULL, 'n' },
	{ "format", required_argument, NULL, 'o' },
	{ "queue", required_argument, NULL, 'q' },
	{ "include", required_argument, NULL, 'i' }, { 0 }
};

int resource_drain(int argc, char **argv)
{
	const char *mode = "", *format = NULL, *queues = NULL, *include = NULL;
	char *reason, *more;
	bool header = true;
	int c, i, r;

	while ((c = next_option(argc, argv, "funo:q:i:", drain_longs,
				"weir-resource")) != -1) {
		switch (c) {
		case 'f': mode = "overwrite"; break;
		case 'u': mode = "update"; break;
		case 'n': header = false; break;
		case 'o': format = optarg; break;
		case 'q': queues = optarg; break;
		case 'i': include = optarg; break;
		}
	}
	if (optind == argc)
		return resource_drained(format, header, queues, include);
	if (format || queues || include || !header)
		usage_error("-n, -o, -q and -i are for the list of what is "
			    "drained");
	reason = xstrdup("");
	for (i = optind + 1; i < argc; i++) {
		more = xasprintf("%s%s%s", reason, *reason ? " " : "",
				 argv[i]);
		free(reason);
		reason = more;
	}
	r = call("resource.drain", argv[optind], reason, mode);
	free(reason);
	return r;
}

int resource_undrain(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "force", no_argument, NULL, 'f' }, { 0 }
	};
	const char *mode = "";

	while (next_option(argc, argv, "f", longs, "weir-resource") != -1)
		mode = "force";
	if (optind + 1 != argc)
		verb_usage();
	return call("resource.undrain", argv[optind], "", mode);
}
