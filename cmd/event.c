/* SPDX-License-Identifier: Apache-2.0 */
/* weir event: publish and receive. weir-event(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/subcommands.h"

static char *join(char **words, int n)
{
	size_t len = 1;
	char *text;
	int i;

	for (i = 0; i < n; i++)
		len += strlen(words[i]) + 1;
	text = xmalloc(len);
	*text = '\0';
	for (i = 0; i < n; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, words[i]);
	}
	return text;
}

static void check_json(const char *text)
{
	json_error_t error;
	json_t *o = json_loads(text, JSON_DECODE_ANY, &error);

	if (!o)
		die("the payload is not JSON (column %d: %s); "
		    "use --raw for other bytes", error.column, error.text);
	json_decref(o);
}

static int event_pub(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "raw", no_argument, NULL, 'r' },
		{ "synchronous", no_argument, NULL, 's' },
		{ "loopback", no_argument, NULL, 'l' },
		{ "private", no_argument, NULL, 'p' },
		{ 0 }
	};
	bool raw = false, synchronous = false, loopback = false;
	int c, flags = 0;
	char *payload = NULL;
	weir_future_t *f, *sub = NULL;
	uint64_t n, seen;
	weir_t *h;

	while ((c = next_option(argc, argv, "rslp", longs, "weir-event"))
	       != -1) {
		if (c == 'r')
			raw = true;
		else if (c == 's')
			synchronous = true;
		else if (c == 'l')
			loopback = true;
		else if (c == 'p')
			flags |= WEIR_EVENT_PRIVATE;
	}
	if (optind == argc)
		verb_usage();
	if (optind + 1 < argc) {
		payload = join(argv + optind + 1, argc - optind - 1);
		if (!raw)
			check_json(payload);
	}
	h = open_instance(0);
	if (loopback)
		sub = made(weir_event_subscribe(h, argv[optind]),
			   argv[optind]);
	f = weir_event_publish(h, argv[optind], flags, payload,
			       payload ? strlen(payload) : 0);
	must(f, argv[optind]);
	if (weir_future_u64(f, "sequence", &n) < 0)
		die("%s: the server gave no sequence number", argv[optind]);
	if (synchronous)
		printf("seq=%llu\n", (unsigned long long)n);
	while (sub) {		/* until it has come back */
		must(sub, argv[optind]);
		if (weir_future_u64(sub, "sequence", &seen) == 0 && seen >= n)
			break;
		weir_future_next(sub);
	}
	weir_future_destroy(sub);
	weir_future_destroy(f);
	weir_close(h);
	free(payload);
	return 0;
}

struct subscription {
	weir_t *h;
	long left;	/* events still to print, -1: no limit */
};

static void on_event(weir_future_t *f, void *arg)
{
	struct subscription *s = arg;
	const void *data;
	size_t len;

	if (weir_future_error(f))
		die("%s", weir_future_strerror(f));
	if (!strcmp(weir_future_word(f, 0), "lost")) {
		warn("%s events were lost, of the numbers %s to %s: this "
		     "program was too slow", weir_future_option(f, "count"),
		     weir_future_option(f, "first"),
		     weir_future_option(f, "last"));
		return;
	}
	if (s->left == 0)
		return;
	printf("%s\t", weir_future_word(f, 1));
	data = weir_future_data(f, &len);
	if (data)
		fwrite(data, 1, len, stdout);
	putchar('\n');
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
	if (s->left > 0 && --s->left == 0)
		weir_stop(s->h);
}

static int event_sub(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "count", required_argument, NULL, 'c' },
		{ 0 }
	};
	struct subscription s = { .left = -1 };
	weir_future_t **f;
	char *end;
	int c, i, n;

	while ((c = next_option(argc, argv, "c:", longs, "weir-event")) != -1) {
		s.left = strtol(optarg, &end, 10);
		if (*end || end == optarg || s.left < 0)
			usage_error("--count: '%s' is no number from 0 on",
				    optarg);
	}
	if (s.left == 0)
		s.left = -1;
	s.h = open_lasting();
	n = argc > optind ? argc - optind : 1;
	f = xmalloc(n * sizeof(*f));
	for (i = 0; i < n; i++) {
		f[i] = made(weir_event_subscribe(s.h, argc > optind ?
						 argv[optind + i] : ""),
			    "subscribe");
		weir_future_then(f[i], -1, on_event, &s);
	}
	if (weir_run(s.h) < 0)
		die("connection to the instance lost");
	for (i = 0; i < n; i++)
		weir_future_destroy(f[i]);
	free(f);
	weir_close(s.h);
	return 0;
}

static const struct verb verbs[] = {
	{ "pub", event_pub, "[-r] [-s] [-l] [-p] TOPIC [PAYLOAD...]" },
	{ "sub", event_sub, "[-c COUNT] [TOPIC...]" },
	{ 0 }
};

int main_event(int argc, char **argv)
{
	return run_verb(verbs, argc, argv, "weir-event");
}
