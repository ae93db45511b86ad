/* SPDX-License-Identifier: Apache-2.0 */
/* weir ping: round trips to kvsd or to a service. weir-ping(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/common.h"
#include "cmd/subcommands.h"

static double monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Bytes, with k, M or G. */
static size_t size_option(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text)
		usage_error("--pad: '%s' is no size", text);
	if (*end == 'k' || *end == 'K')
		n <<= 10, end++;
	else if (*end == 'M')
		n <<= 20, end++;
	else if (*end == 'G')
		n <<= 30, end++;
	if (*end || n > 64 << 20)
		usage_error("--pad: '%s' is no size up to 64M", text);
	return (size_t)n;
}

static double positive(const char *option, const char *text)
{
	char *end;
	double d = strtod(text, &end);

	if (*end || end == text || !(d >= 0))
		usage_error("%s: '%s' is no number from 0 on", option, text);
	return d;
}

static void pause_for(double seconds)
{
	struct timespec t = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)
	};

	nanosleep(&t, NULL);
}

int main_ping(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "rank", required_argument, NULL, 'r' },
		{ "pad", required_argument, NULL, 'p' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "batch", no_argument, NULL, 'b' },
		{ "userid", no_argument, NULL, 'u' },
		{ 0 }
	};
	double interval = 1.0, start;
	unsigned long count = 0, seq;
	bool userid = false, kvs;
	const char *target;
	char *method, *pad, *end, *rank = NULL;
	size_t size = 0;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "r:p:i:c:bu", longs, "weir-ping"))
	       != -1) {
		switch (c) {
		case 'r': rank = optarg; break;
		case 'p': size = size_option(optarg); break;
		case 'i': interval = positive("--interval", optarg); break;
		case 'c':
			count = (unsigned long)positive("--count", optarg);
			break;
		case 'b': interval = 0; break;
		case 'u': userid = true; break;
		}
	}
	if (argc - optind != 1)
		usage_error("one target is needed: a service, or a node's "
			    "rank");
	target = argv[optind];
	strtoul(target, &end, 10);
	if (!*end || rank)	/* a node answers by its execd */
		method = xasprintf("execd-%s.ping", rank ? rank : target);
	else
		method = xasprintf("%s.ping", target);
	kvs = !strcmp(target, "kvs");
	pad = xmalloc(size + 1);
	memset(pad, 'p', size);
	h = open_instance(0);
	for (seq = 0; count == 0 || seq < count; seq++) {
		weir_future_t *f;

		if (seq)
			pause_for(interval);
		start = monotonic();
		f = kvs ? weir_request(h, "ping", NULL, NULL, 0) :
			  weir_rpc(h, method, pad, size, -1);
		must(f, method);
		printf("%s pad=%zu", method, size);
		if (userid)
			printf(" userid=%s role=%s", weir_greeting(h, "uid"),
			       weir_greeting(h, "role"));
		printf(" seq=%lu time=%.3f ms (%s)\n", seq,
		       (monotonic() - start) * 1e3,
		       weir_greeting(h, "endpoint"));
		if (fflush(stdout) == EOF)
			die("standard output: %s", strerror(errno));
		weir_future_destroy(f);
	}
	weir_close(h);
	free(pad);
	free(method);
	return 0;
}
