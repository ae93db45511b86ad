/* SPDX-License-Identifier: Apache-2.0 */
/* The command stats: figures as JSON, and how long transactions wait. The
 * parts only ever count up; what was cleared is subtracted here.
 * weir-protocol(7), stats; kvsd(8), Figures. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/figures.h"
#include "kvsd/stats.h"

/* Transactions of a batch that were applied in the same turn of the loop. */
struct wait {
	uint64_t ticket, count;
	double since;
};

struct stats {
	struct wait *wait;		/* oldest first */
	size_t waits, room;
	struct histogram commit_wait;
	struct figures cleared;		/* as it was then; zero: never */
};

void stats_create(struct kvsd *k)
{
	k->stats = xcalloc(1, sizeof(*k->stats));
}

void stats_destroy(struct kvsd *k)
{
	if (!k->stats)
		return;
	free(k->stats->wait);
	free(k->stats);
	k->stats = NULL;
}

/* ---- how long transactions wait ---- */

static double monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void stats_changed(struct kvsd *k)
{
	struct stats *s = k->stats;
	uint64_t ticket = db_ticket(k->db);

	if (k->changed && s->waits && s->wait[s->waits - 1].ticket == ticket) {
		s->wait[s->waits - 1].count++;
		return;
	}
	if (s->waits == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->wait = xrealloc(s->wait, s->room * sizeof(*s->wait));
	}
	s->wait[s->waits++] = (struct wait) { ticket, 1, monotonic() };
}

void stats_settle(struct kvsd *k, uint64_t ticket, bool ok)
{
	struct stats *s = k->stats;
	double now = monotonic();
	size_t n;

	for (n = 0; n < s->waits && s->wait[n].ticket <= ticket; n++)
		if (ok)
			histogram_add_seconds(&s->commit_wait,
					      now - s->wait[n].since,
					      s->wait[n].count);
	if (n == 0)
		return;
	s->waits -= n;
	memmove(s->wait, s->wait + n, s->waits * sizeof(*s->wait));
}

void stats_take(struct kvsd *k, struct figures *figures)
{
	figures_take(k, figures);
	figures->commit_wait = k->stats->commit_wait;
}

void stats_clear(struct kvsd *k)
{
	stats_take(k, &k->stats->cleared);
}

/* ---- JSON ---- */

static void subtract(struct figures *figures, const struct figures *before)
{
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *row = &figure_table[i];
		void *to = (char *)figures + row->at;
		const void *from = figure_at(before, row);

		switch (row->kind) {
		case COUNTER:
			*(uint64_t *)to -= *(const uint64_t *)from;
			break;
		case SPENT:
			*(double *)to -= *(const double *)from;
			break;
		case TIMES:
		case SIZES:
			histogram_subtract(to, from);
			break;
		case GAUGE:
		case SECONDS:
			break;
		}
	}
	for (int i = 0; i < CMD_COUNT; i++)
		figures->requests[i] -= before->requests[i];
}

static json_t *histogram_json(const struct histogram *h, double unit)
{
	static const struct { const char *name; double p; } quantiles[] = {
		{ "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p100", 1 }
	};
	json_t *o = json_object(), *buckets = json_array();

	json_object_set_new(o, "count", json_integer(histogram_count(h)));
	json_object_set_new(o, "sum", json_real(h->sum * unit));
	for (int i = 0; i < 4; i++)
		json_object_set_new(o, quantiles[i].name, json_real(unit *
			histogram_quantile(h, quantiles[i].p)));
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		if (h->bucket[i])
			json_array_append_new(buckets, json_pack("[oI]",
				i < HISTOGRAM_BOUNDS ?
				json_real(unit * histogram_bound(i)) :
				json_null(), (json_int_t)h->bucket[i]));
	json_object_set_new(o, "buckets", buckets);
	return o;
}

static json_t *figure_json(const struct figure *row, const void *at)
{
	switch (row->kind) {
	case COUNTER:
	case GAUGE:
		return json_integer(*(const uint64_t *)at);
	case SECONDS:
	case SPENT:
		return json_real(*(const double *)at);
	case TIMES:
		return histogram_json(at, HISTOGRAM_TIME);
	case SIZES:
		return histogram_json(at, 1);
	}
	return json_null();
}

static json_t *section(json_t *all, const char *name)
{
	json_t *o = json_object_get(all, name);

	if (!o)
		json_object_set_new(all, name, o = json_object());
	return o;
}

/* What happened a second, where that means something. */
static void add_rate(json_t *rates, const struct figure *row, const void *at,
		     double seconds)
{
	char name[128];
	uint64_t n;

	if (row->kind == COUNTER)
		n = *(const uint64_t *)at;
	else if (row->kind == TIMES || row->kind == SIZES)
		n = histogram_count(at);
	else
		return;
	snprintf(name, sizeof(name), "%s.%s", row->section, row->name);
	json_object_set_new(rates, name, json_real(seconds > 0 ? n / seconds :
						   0));
}

char *stats_json(struct kvsd *k)
{
	json_t *all = json_object(), *rates = json_object(), *requests;
	struct figures figures;
	double seconds;
	char *text;

	stats_take(k, &figures);
	subtract(&figures, &k->stats->cleared);
	seconds = figures.uptime - k->stats->cleared.uptime;
	json_object_set_new(all, "seconds", json_real(seconds));
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *row = &figure_table[i];
		const void *at = figure_at(&figures, row);

		json_object_set_new(section(all, row->section), row->name,
				    figure_json(row, at));
		add_rate(rates, row, at, seconds);
	}
	json_object_set_new(section(all, "database"), "durability",
			    json_string(k->options.durability ?
					k->options.durability : "commit"));
	requests = section(all, "requests");
	for (int i = 0; i < CMD_COUNT; i++)
		if (figures.requests[i])
			json_object_set_new(requests, wire_commands[i].word,
					    json_integer(figures.requests[i]));
	json_object_set_new(all, "rates", rates);
	text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(all);
	return text;
}

/* ---- the command ---- */

static void reply_text(struct conn *c, const char *tag, const char *text,
		       size_t len)
{
	reply_begin(c, tag, "ok");
	reply_payload(c, text, len);
}

static void reply_prometheus(struct conn *c, const char *tag)
{
	struct wire_buf text;

	wire_buf_init(&text);
	stats_text(c->kvsd, &text);
	reply_text(c, tag, text.data, text.len);
	wire_buf_free(&text);
}

static void reply_json(struct conn *c, const char *tag)
{
	char *text = stats_json(c->kvsd);

	if (text)
		reply_text(c, tag, text, strlen(text));
	else
		reply_err(c, tag, ENOMEM, "no memory for the figures");
	free(text);
}

void do_stats(struct conn *c, const struct wire_frame *f)
{
	const char *format = arg_option(f, "format");
	bool clear;

	if (arg_flag(c, f, "clear", &clear) < 0)
		return;
	if (clear && c->role != WIRE_OWNER) {
		reply_err(c, f->word[0], EPERM, "clear=1 is for the "
			  "instance's owner");
		return;
	}
	if (!format || !strcmp(format, "json"))
		reply_json(c, f->word[0]);
	else if (!strcmp(format, "prometheus"))
		reply_prometheus(c, f->word[0]);
	else
		reply_err(c, f->word[0], EINVAL, "format=%.32s is neither "
			  "json nor prometheus", format);
	if (clear)
		stats_clear(c->kvsd);
}
