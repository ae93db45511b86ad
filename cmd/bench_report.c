/* SPDX-License-Identifier: Apache-2.0 */
/* weir bench: the clock, samples, and the lines of the report, as a table or
 * as a JSON object a line. See weir-bench(1). */
#include "config.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/bench.h"
#include "cmd/common.h"

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

int bench_fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", cmd_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

void samples_add(struct samples *s, double seconds)
{
	if (s->count == s->size) {
		s->size = s->size ? 2 * s->size : 1024;
		s->v = xrealloc(s->v, s->size * sizeof(*s->v));
	}
	s->v[s->count++] = seconds;
}

void samples_free(struct samples *s)
{
	free(s->v);
	*s = (struct samples){ 0 };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_percentile(struct samples *s, double p)
{
	size_t i;

	if (!s->count)
		return 0;
	qsort(s->v, s->count, sizeof(*s->v), compare);
	i = p * s->count;
	return s->v[i < s->count ? i : s->count - 1];
}

static const struct {
	const char *name;
	double p;
} columns[] = {
	{ "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "max", 1 },
};
#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

void bench_report_header(const struct bench *b)
{
	if (b->json)
		return;
	printf("%-28s %10s %-10s", "NAME", "VALUE", "UNIT");
	for (size_t i = 0; i < COLUMNS; i++)
		printf(" %7s/ms", columns[i].name);
	printf(" %10s %8s  %s\n", "BASELINE", "RATIO", "BASELINE IS");
}

static double ratio(const struct figure *f)
{
	return f->baseline > 0 ? f->value / f->baseline : 0;
}

static void report_json(const struct figure *f)
{
	json_t *o = json_pack("{s:s s:f s:s s:f s:f s:I}", "name", f->name,
			      "value", f->value, "unit", f->unit,
			      "baseline", f->baseline, "ratio", ratio(f),
			      "n", (json_int_t)f->n);
	char key[16];

	if (o && f->baseline_name)
		json_object_set_new(o, "baseline_name",
				    json_string(f->baseline_name));
	for (size_t i = 0; o && f->latency && i < COLUMNS; i++) {
		snprintf(key, sizeof(key), "%s_ms", columns[i].name);
		json_object_set_new(o, key, json_real(1e3 *
			samples_percentile(f->latency, columns[i].p)));
	}
	if (!o || json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)))
		die("cannot write the report");
	putchar('\n');
	json_decref(o);
}

static void report_text(const struct figure *f)
{
	printf("%-28s %10.*f %-10s", f->name, f->value < 100 ? 3 : 0, f->value,
	       f->unit);
	for (size_t i = 0; i < COLUMNS; i++)
		if (f->latency)
			printf(" %10.3f", 1e3 *
			       samples_percentile(f->latency, columns[i].p));
		else
			printf(" %10s", "-");
	if (f->baseline > 0)
		printf(" %10.*f %8.3f  %s\n", f->baseline < 100 ? 3 : 0,
		       f->baseline, ratio(f), f->baseline_name);
	else
		printf(" %10s %8s  %s\n", "-", "-", "-");
}

void bench_report(const struct bench *b, const struct figure *f)
{
	if (b->json)
		report_json(f);
	else
		report_text(f);
	fflush(stdout);
}
