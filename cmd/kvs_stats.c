/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs stats: the server's figures. weir-kvs(1); kvsd(8), Figures. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/kvs.h"

/* A histogram: its mean and some quantiles, of times in milliseconds. */
static void print_histogram(const char *name, const json_t *value)
{
	size_t len = strlen(name);
	bool times = len > 8 && !strcmp(name + len - 8, "-seconds");
	double count = json_number_value(json_object_get(value, "count"));
	double sum = json_number_value(json_object_get(value, "sum"));
	double unit = times ? 1e3 : 1;
	static const char *const quantiles[] = { "p50", "p90", "p99", "p100" };

	printf(" mean %.4g", count > 0 ? unit * sum / count : 0);
	for (int i = 0; i < 4; i++)
		printf(", %s %.4g", i < 3 ? quantiles[i] : "most", unit *
		       json_number_value(json_object_get(value,
							 quantiles[i])));
	fputs(times ? " ms" : "", stdout);
}

static void print_figure(const char *section, const char *name,
			 const json_t *value, const json_t *rates)
{
	char *full = xasprintf("%s.%s", section, name);
	const json_t *rate = json_object_get(rates, full);
	const json_t *count = json_is_object(value) ?
		json_object_get(value, "count") : value;

	printf("%-30s ", full);
	if (json_is_string(count))
		printf("%14s", json_string_value(count));
	else if (json_is_real(count))
		printf("%14.3f", json_real_value(count));
	else
		printf("%14lld", (long long)json_integer_value(count));
	if (rate)
		printf(" %12.1f/s", json_number_value(rate));
	if (json_is_object(value))
		print_histogram(name, value);
	putchar('\n');
	free(full);
}

static void print_table(const char *text)
{
	json_error_t error;
	json_t *all = json_loads(text, 0, &error), *value, *section;
	const json_t *rates = json_object_get(all, "rates");
	const char *name, *inner;

	if (!all)
		die("stats: %s", error.text);
	json_object_foreach(all, name, section) {
		if (section == rates || !json_is_object(section))
			continue;
		json_object_foreach(section, inner, value)
			print_figure(name, inner, value, rates);
	}
	json_decref(all);
}

enum { OPT_JSON = 256, OPT_CLEAR, OPT_PROMETHEUS };

int kvs_stats(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "clear", no_argument, NULL, OPT_CLEAR },
		{ "prometheus", no_argument, NULL, OPT_PROMETHEUS },
		{ 0 }
	};
	const char *words[3] = { "format=json" }, *text;
	bool table = true;
	weir_future_t *f;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "", longs, "weir-kvs")) != -1) {
		if (c == OPT_CLEAR) {
			words[1] = "clear=1";
			continue;
		}
		table = false;
		words[0] = c == OPT_JSON ? "format=json" : "format=prometheus";
	}
	if (optind < argc)
		verb_usage();
	h = open_instance(0);
	f = made(weir_request(h, "stats", words, NULL, 0), "stats");
	must(f, "stats");
	text = weir_future_data(f, NULL);
	if (!text)
		die("stats: the server gave none");
	if (table)
		print_table(text);
	else
		printf("%s%s", text, text[strcspn(text, "\n")] ? "" : "\n");
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}
