/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench event, weir bench watch: how long after a publication or a commit
 * a subscriber or watcher knows of it, and how many get through a second. See
 * weir-bench(1).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"

#define MICRO	1e6

/* What a stream has brought so far. */
struct sink {
	weir_t *h;
	const char *kind;	/* the pushes that count; others don't */
	size_t want, got;
	bool failed;
};

static void sink_push(weir_future_t *f, void *arg)
{
	struct sink *sink = arg;
	const char *kind;

	if (weir_future_get(f)) {
		bench_fail("stream: %s", weir_future_strerror(f));
		sink->failed = true;
	} else {
		kind = weir_future_word(f, 0);
		sink->got += kind && !strcmp(kind, sink->kind);
		if (kind && (!strcmp(kind, "lost") || !strcmp(kind, "lagged")))
			sink->failed = bench_fail("stream fell behind");
	}
	if (sink->failed || sink->got == sink->want)
		weir_stop(sink->h);
}

/* Run LOAD until its N effects have come through STREAM too; seconds. */
static double run_through(struct bench *b, const struct load *load,
			  weir_future_t *stream, const char *kind)
{
	struct sink sink = { .h = b->h, .kind = kind, .want = load->n };
	double begin = bench_now();

	if (!stream || weir_future_then(stream, -1, sink_push, &sink))
		return bench_fail("cannot subscribe");
	if (load_run(b, load) < 0)
		return -1;
	while (!sink.failed && sink.got < sink.want)
		if (weir_run(b->h) < 0)
			return bench_fail("the connection is gone");
	return sink.failed ? -1 : bench_now() - begin;
}

/* Wait until STREAM brings the number I; what precedes it is dropped. */
static int await(weir_future_t *stream, size_t i)
{
	const void *data;
	size_t len;
	bool same;

	do {
		if (weir_future_get(stream))
			return bench_fail("stream: %s",
					  weir_future_strerror(stream));
		data = weir_future_data(stream, &len);
		same = data && len == sizeof(i) && !memcmp(data, &i, len);
		weir_future_next(stream);
	} while (!same);
	return 0;
}

/* One at a time: START's operation, then its effect on STREAM. */
static int run_latency(struct bench *b, size_t n, weir_future_t *stream,
		       weir_future_t *(*start)(struct bench *, size_t, void *),
		       void *arg, struct samples *s)
{
	weir_future_t *f;
	double begin;
	int rc = stream ? 0 : bench_fail("cannot subscribe");

	for (size_t i = 0; i < n && !rc; i++) {
		begin = bench_now();
		f = start(b, i, arg);
		if (!f)
			return bench_fail("request %zu cannot be sent", i);
		rc = await(stream, i);
		samples_add(s, bench_now() - begin);
		if (!rc && weir_future_get(f))
			rc = bench_fail("request %zu: %s", i,
					weir_future_strerror(f));
		weir_future_destroy(f);
	}
	return rc;
}

static void report_latency(struct bench *b, const char *name, size_t n,
			   const char *baseline_name, double baseline,
			   struct samples *s)
{
	struct figure figure = {
		.name = name, .unit = "us", .n = n, .latency = s,
		.value = MICRO * samples_percentile(s, 0.5),
		.baseline_name = baseline_name, .baseline = MICRO * baseline,
	};

	bench_report(b, &figure);
}

/* ---- events ---- */

static weir_future_t *publish(struct bench *b, size_t i, void *arg)
{
	return weir_event_publish(b->h, arg, 0, &i, sizeof(i));
}

static int event_latency(struct bench *b, size_t n)
{
	weir_future_t *stream = weir_event_subscribe(b->h, b->key);
	struct samples s = { 0 };
	int rc = run_latency(b, n, stream, publish, b->key, &s);

	weir_future_destroy(stream);
	if (!rc)
		report_latency(b, "event.latency", n, "two socket round trips",
			       2 * base_round_trip(b), &s);
	samples_free(&s);
	return rc;
}

static int event_rate(struct bench *b, const char *name, size_t n)
{
	weir_future_t *stream = weir_event_subscribe(b->h, b->key);
	struct samples s = { 0 };
	struct load load = { .n = n, .window = b->window, .start = publish,
			     .arg = b->key, .s = &s };
	double seconds = run_through(b, &load, stream, "event");
	double round_trip = base_round_trip(b);
	struct figure figure = {
		.name = name, .unit = "events/s", .n = n,
		.value = n / seconds, .latency = &s,
		.baseline_name = "socket round trip",
		.baseline = round_trip > 0 ? 1 / round_trip : 0,
	};

	weir_future_destroy(stream);
	if (seconds > 0)
		bench_report(b, &figure);
	samples_free(&s);
	return seconds < 0 ? -1 : 0;
}

/* A connection of its own whose STREAM nobody reads after it has begun. */
static weir_t *open_deaf(struct bench *b)
{
	struct weir_error error;
	weir_t *h = weir_open(weir_uri(b->h), 0, &error);

	if (!h)
		bench_fail("%s", error.text);
	return h;
}

static int begun(weir_t *h)
{
	weir_future_t *f = weir_request(h, "ping", NULL, NULL, 0);
	int rc = f ? weir_future_get(f) : -1;

	weir_future_destroy(f);
	return rc ? bench_fail("the deaf reader is gone") : 0;
}

/* What the deaf reader finds in the end: each of N events, or a gap. */
static int count_events(weir_future_t *stream, size_t n)
{
	size_t got = 0, lost = 0;

	while (got + lost < n) {
		const char *kind, *count;

		if (weir_future_get(stream))
			return bench_fail("deaf reader: %s",
					  weir_future_strerror(stream));
		kind = weir_future_word(stream, 0);
		count = weir_future_option(stream, "count");
		if (kind && !strcmp(kind, "event"))
			got++;
		else if (kind && !strcmp(kind, "lost") && count)
			lost += strtoul(count, NULL, 10);
		weir_future_next(stream);
	}
	return got + lost == n ? 0 : bench_fail("deaf reader: %zu events and "
						"%zu lost, of %zu", got, lost,
						n);
}

/* The rate again, while another subscriber reads nothing. */
static int event_deaf(struct bench *b, size_t n)
{
	weir_t *deaf = open_deaf(b);
	weir_future_t *stream = deaf ? weir_event_subscribe(deaf, b->key) :
				       NULL;
	int rc = -1;

	if (stream && !begun(deaf))
		rc = event_rate(b, "event.rate-deaf", n) ||
			count_events(stream, n) ? -1 : 0;
	weir_future_destroy(stream);
	weir_close(deaf);
	return rc;
}

int bench_event(struct bench *b)
{
	return event_latency(b, b->n ? b->n : 2000) ||
	       event_rate(b, "event.rate", b->n ? b->n : 200000) ||
	       event_deaf(b, b->n ? b->n : 200000) ? -1 : 0;
}

/* ---- watches ---- */

static weir_future_t *put_one(struct bench *b, size_t i, void *arg)
{
	weir_txn_t *txn = arg;
	char key[128];

	snprintf(key, sizeof(key), "%s.watched", b->key);
	weir_txn_clear(txn);
	if (weir_txn_put(txn, key, &i, sizeof(i)))
		return NULL;
	return weir_kvs_commit(b->h, NULL, txn, 0);
}

static int watch_latency(struct bench *b, const char *name, weir_txn_t *txn,
			 size_t n)
{
	double puts = base_lmdb_puts(b);
	struct samples s = { 0 };
	weir_future_t *stream;
	char key[128];
	int rc;

	snprintf(key, sizeof(key), "%s.watched", b->key);
	stream = weir_kvs_watch(b->h, NULL, key, WEIR_WATCH_LATEST,
				WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	rc = run_latency(b, n, stream, put_one, txn, &s);
	weir_future_destroy(stream);
	if (!rc)
		report_latency(b, name, n, "LMDB put",
			       puts > 0 ? 1 / puts : 0, &s);
	samples_free(&s);
	return rc;
}

static int watch_rate(struct bench *b, weir_txn_t *txn, size_t n)
{
	weir_future_t *stream = weir_kvs_watch(b->h, NULL, b->key,
			WEIR_WATCH_PREFIX, WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	struct samples s = { 0 };
	struct load load = { .n = n, .window = b->window, .start = load_put,
			     .arg = txn, .s = &s };
	double seconds = run_through(b, &load, stream, "put");
	struct figure figure = {
		.name = "watch.rate", .unit = "updates/s", .n = n,
		.value = n / seconds, .latency = &s,
		.baseline_name = "LMDB put", .baseline = base_lmdb_puts(b),
	};

	weir_future_destroy(stream);
	if (seconds > 0)
		bench_report(b, &figure);
	samples_free(&s);
	return seconds < 0 ? -1 : 0;
}

/* The latency again, while another watcher of all these keys reads nothing. */
static int watch_deaf(struct bench *b, weir_txn_t *txn, size_t n, size_t noise)
{
	weir_t *deaf = open_deaf(b);
	weir_future_t *stream = deaf ? weir_kvs_watch(deaf, NULL, b->key,
			WEIR_WATCH_PREFIX, WEIR_FROM_NOW, 0, 0) : NULL;
	struct load load = { .n = noise, .window = b->window,
			     .start = load_put, .arg = txn };
	int rc = -1;

	if (stream && !begun(deaf) && load_run(b, &load) >= 0)
		rc = watch_latency(b, "watch.latency-deaf", txn, n);
	weir_future_destroy(stream);
	weir_close(deaf);
	return rc;
}

int bench_watch(struct bench *b)
{
	weir_txn_t *txn = weir_txn_create();
	size_t n = b->n ? b->n : 500, many = b->n ? b->n : 50000;
	int rc;

	if (!txn)
		return bench_fail("out of memory");
	rc = watch_latency(b, "watch.latency", txn, n) ||
	     watch_rate(b, txn, many) || watch_deaf(b, txn, n, many);
	weir_txn_destroy(txn);
	return load_clean_up(b) || rc ? -1 : 0;
}
