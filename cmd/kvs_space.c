/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs gc: what nothing needs is removed now. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/kvs.h"

static uint64_t number(weir_future_t *f, const char *name)
{
	uint64_t n = 0;

	weir_future_u64(f, name, &n);
	return n;
}

static void show_progress(weir_future_t *f)
{
	const char *phase = weir_future_option(f, "phase");

	if (!strcmp(phase, "mark"))
		fprintf(stderr, "\rin use: %ju blobs so far, of %ju\033[K",
			(uintmax_t)number(f, "marked"),
			(uintmax_t)number(f, "blobs"));
	else
		fprintf(stderr, "\rlooked at %ju blobs, removed %ju\033[K",
			(uintmax_t)number(f, "swept"),
			(uintmax_t)number(f, "removed"));
}

int kvs_gc(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "quiet", no_argument, NULL, 'q' }, { 0 }
	};
	bool quiet = false, shown = false;
	weir_future_t *f;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "q", longs, "weir-kvs")) != -1)
		quiet = true;
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	f = weir_request(h, "gc", NULL, NULL, 0);
	for (;; weir_future_next(f)) {
		if (weir_future_get(f) < 0 &&
		    weir_future_error(f) == ENODATA)
			break;
		must(f, "gc");
		if (!weir_future_option(f, "phase"))
			break;
		if (quiet || !isatty(STDERR_FILENO))
			continue;
		show_progress(f);
		shown = true;
	}
	if (shown)
		fputs("\r\033[K", stderr);
	if (!quiet)
		printf("removed %ju blobs of %ju bytes in %s s; %ju blobs of "
		       "%ju bytes are left\n",
		       (uintmax_t)number(f, "removed"),
		       (uintmax_t)number(f, "removed-bytes"),
		       weir_future_option(f, "seconds"),
		       (uintmax_t)number(f, "blobs"),
		       (uintmax_t)number(f, "bytes"));
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}
