/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as text for Prometheus, exposition format 0.0.4. Names are made of
 * the table's: weir_SECTION_NAME, counters with _total behind. kvsd(8),
 * Figures. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/figures.h"
#include "kvsd/stats.h"

static void say(struct wire_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct wire_buf *b, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len < 0 || len >= (int)sizeof(line) ||
	    wire_buf_add(b, line, len) < 0)
		abort();
}

static void make_name(char *name, size_t size, const struct figure *row)
{
	bool total = row->kind == COUNTER || row->kind == SPENT;

	snprintf(name, size, "weir_%s_%s%s", row->section, row->name,
		 total ? "_total" : "");
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

static void head(struct wire_buf *b, const char *name, const char *help,
		 const char *type)
{
	say(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void histogram(struct wire_buf *b, const char *name,
		      const struct histogram *h, double unit)
{
	uint64_t n = 0;

	for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
		n += h->bucket[i];
		say(b, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
		    unit * histogram_bound(i), n);
	}
	n += h->bucket[HISTOGRAM_BOUNDS];
	say(b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
	say(b, "%s_sum %.9g\n%s_count %" PRIu64 "\n", name, unit * h->sum,
	    name, n);
}

static void figure(struct wire_buf *b, const struct figure *row,
		   const void *at)
{
	static const char *const types[] = {
		[COUNTER] = "counter", [GAUGE] = "gauge", [SECONDS] = "gauge",
		[SPENT] = "counter", [TIMES] = "histogram",
		[SIZES] = "histogram"
	};
	char name[128];

	make_name(name, sizeof(name), row);
	head(b, name, row->help, types[row->kind]);
	switch (row->kind) {
	case COUNTER:
	case GAUGE:
		say(b, "%s %" PRIu64 "\n", name, *(const uint64_t *)at);
		break;
	case SECONDS:
	case SPENT:
		say(b, "%s %.9g\n", name, *(const double *)at);
		break;
	case TIMES:
		histogram(b, name, at, HISTOGRAM_TIME);
		break;
	case SIZES:
		histogram(b, name, at, 1);
		break;
	}
}

void stats_text(struct kvsd *k, struct wire_buf *b)
{
	static const char requests[] = "weir_requests_total";
	struct figures figures;

	stats_take(k, &figures);
	for (size_t i = 0; i < figure_count; i++)
		figure(b, &figure_table[i],
		       figure_at(&figures, &figure_table[i]));
	head(b, requests, "How often each command was run.", "counter");
	for (int i = 0; i < CMD_COUNT; i++)
		say(b, "%s{command=\"%s\"} %" PRIu64 "\n", requests,
		    wire_commands[i].word, figures.requests[i]);
	head(b, "weir_info", "About this server.", "gauge");
	say(b, "weir_info{version=\"" PACKAGE_VERSION "\",durability=\"%s\"} "
	    "1\n", k->options.durability ? k->options.durability : "commit");
}
