/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event logs: one JSON object a line with "timestamp" (seconds since 1970),
 * "name" and perhaps "context". See weir-eventlog(5).
 */
#ifndef WEIR_PROTO_EVENTLOG_H
#define WEIR_PROTO_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <jansson.h>

#include "proto/error.h"

#define EVENTLOG_LINE_MAX	(1u << 20)	/* bytes of one event's line */

struct eventlog_event {
	double timestamp;
	const char *name;	/* owned by json */
	json_t *context;	/* owned by json; NULL if there is none */
	json_t *json;		/* one reference, dropped by eventlog_clear */
};

/*
 * One event as a line with its line feed, to be freed. CONTEXT may be NULL;
 * it is left out if empty. LEN, which may be NULL, gets the length. NULL with
 * EINVAL: a timestamp that is not positive, an empty name or one with blanks
 * or control characters, a context that is not an object.
 */
char *eventlog_encode(double timestamp, const char *name,
		      const json_t *context, size_t *len);

/*
 * One line, with or without its line feed, to an event; unknown events and
 * keys are no error. -1 with EINVAL.
 */
int eventlog_decode(const char *line, size_t len, struct eventlog_event *event,
		    struct proto_error *err);
/* An event object that is not in text form; takes its own reference. */
int eventlog_from_json(json_t *json, struct eventlog_event *event,
		       struct proto_error *err);
void eventlog_clear(struct eventlog_event *event);

/*
 * Walk a buffer of lines:
 *
 *	struct eventlog_iter it = { .data = buf, .len = len };
 *	while ((rc = eventlog_next(&it, &event, &err)) > 0) {
 *		...
 *		eventlog_clear(&event);
 *	}
 *
 * 1: an event. 0: no further whole line; it.data and it.len are the partial
 * last line, to be put in front of what comes next. -1 with EINVAL: a bad
 * line, which ERR gives by number; the next call goes on behind it. A
 * partial line of EVENTLOG_LINE_MAX bytes is bad, too, and dropped.
 */
struct eventlog_iter {
	const char *data;
	size_t len;
	size_t line;		/* number of the last line taken, from 1 */
};
int eventlog_next(struct eventlog_iter *it, struct eventlog_event *event,
		  struct proto_error *err);

/* ---- as people read them: TIMESTAMP NAME key=JSON... ---- */

enum eventlog_time {
	EVENTLOG_RAW,		/* 1795396917.180904 */
	EVENTLOG_ISO,		/* 2026-11-23T01:21:57.180904Z */
	EVENTLOG_OFFSET,	/* seconds since the first event */
	EVENTLOG_HUMAN,		/* [Nov23 01:21], then [  +0.011941] */
};

/* "raw", "iso", "offset", "human"; -1 with EINVAL. */
int eventlog_time_parse(const char *name, enum eventlog_time *format);

/* What the offsets of a listing are relative to; begin with zeros. */
struct eventlog_clock {
	double reference;	/* 0: none yet */
};

/* Write one line. -1 with errno if FILE fails or memory runs out. */
int eventlog_print(FILE *file, const struct eventlog_event *event,
		   enum eventlog_time format, struct eventlog_clock *clock);

#endif
