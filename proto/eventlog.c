/* SPDX-License-Identifier: Apache-2.0 */
/* Event logs, one JSON object a line. See eventlog.h and weir-eventlog(5). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/eventlog.h"

#define TIMESTAMP_MAX	253402300799.0	/* the end of the year 9999 */

static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

/* Names are written bare, on lines: blanks and quotes have no place there. */
static bool name_is_good(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == '"' ||
		    *name == '\\')
			return false;
	return true;
}

static bool timestamp_is_good(double t)
{
	return t > 0 && t <= TIMESTAMP_MAX;	/* false for NaN */
}

/* Seconds as whole ones and millionths, rounded. Printed from these, because
 * printf's decimal point is the locale's. */
struct stamp {
	int64_t sec;
	int usec;
};

static struct stamp split(double t)
{
	struct stamp s = { floor(t), 0 };

	s.usec = lrint((t - s.sec) * 1e6);
	if (s.usec == 1000000) {
		s.sec++;
		s.usec = 0;
	}
	return s;
}

char *eventlog_encode(double timestamp, const char *name,
		      const json_t *context, size_t *len)
{
	struct stamp s;
	char *json = NULL, *line = NULL;
	int n;

	if (!timestamp_is_good(timestamp) || !name_is_good(name) ||
	    (context && !json_is_object(context))) {
		errno = EINVAL;
		return NULL;
	}
	if (json_object_size(context)) {
		json = json_dumps(context, JSON_COMPACT);
		if (!json) {
			errno = ENOMEM;
			return NULL;
		}
	}
	s = split(timestamp);
	n = asprintf(&line, "{\"timestamp\":%" PRId64 ".%06d,\"name\":\"%s\""
		     "%s%s}\n", s.sec, s.usec, name,
		     json ? ",\"context\":" : "", json ? json : "");
	free(json);
	if (n < 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (len)
		*len = n;
	return line;
}

int eventlog_from_json(json_t *json, struct eventlog_event *event,
		       struct proto_error *err)
{
	json_t *timestamp = json_object_get(json, "timestamp");
	json_t *name = json_object_get(json, "name");
	json_t *context = json_object_get(json, "context");

	if (!json_is_object(json))
		return proto_error_set(err, EINVAL,
				       "event: must be an object");
	if (!json_is_number(timestamp) ||
	    !timestamp_is_good(json_number_value(timestamp)))
		return proto_error_set(err, EINVAL, "event: timestamp: must "
				       "be a number of seconds since 1970");
	if (!json_is_string(name) || !name_is_good(json_string_value(name)))
		return proto_error_set(err, EINVAL, "event: name: must be a "
				       "word of printable ASCII characters");
	if (context && !json_is_object(context))
		return proto_error_set(err, EINVAL, "event '%.40s': context: "
				       "must be an object",
				       json_string_value(name));
	*event = (struct eventlog_event){
		.timestamp = json_number_value(timestamp),
		.name = json_string_value(name),
		.context = context,
		.json = json_incref(json),
	};
	return 0;
}

int eventlog_decode(const char *line, size_t len, struct eventlog_event *event,
		    struct proto_error *err)
{
	json_error_t error;
	json_t *json;
	int rc;

	if (len && line[len - 1] == '\n')
		len--;
	if (len >= EVENTLOG_LINE_MAX)
		return proto_error_set(err, EINVAL, "event: longer than %u "
				       "bytes", EVENTLOG_LINE_MAX);
	if (len && memchr(line, '\n', len))
		return proto_error_set(err, EINVAL, "event: line feed within "
				       "a line");
	json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return proto_error_set(err, EINVAL, "event: not JSON: %s at "
				       "byte %d", error.text, error.position);
	rc = eventlog_from_json(json, event, err);
	json_decref(json);	/* EVENT has its own reference, or there was
				   an error */
	return rc;
}

void eventlog_clear(struct eventlog_event *event)
{
	json_decref(event->json);
	*event = (struct eventlog_event){ 0 };
}

int eventlog_next(struct eventlog_iter *it, struct eventlog_event *event,
		  struct proto_error *err)
{
	struct proto_error inner;
	const char *line = it->data;
	const char *end = it->len ? memchr(line, '\n', it->len) : NULL;
	size_t len = end ? (size_t)(end - line) + 1 : it->len;

	if (!end && len < EVENTLOG_LINE_MAX)
		return 0;
	it->data += len;
	it->len -= len;
	it->line++;
	if (eventlog_decode(line, len, event, &inner) < 0)
		return proto_error_set(err, errno, "line %zu: %s", it->line,
				       inner.text);
	return 1;
}

/* ---- for people ---- */

int eventlog_time_parse(const char *name, enum eventlog_time *format)
{
	static const char *const names[] = {
		[EVENTLOG_RAW] = "raw",
		[EVENTLOG_ISO] = "iso",
		[EVENTLOG_OFFSET] = "offset",
		[EVENTLOG_HUMAN] = "human",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i])) {
			*format = i;
			return 0;
		}
	errno = EINVAL;
	return -1;
}

static void print_iso(FILE *file, double t)
{
	struct stamp s = split(t);
	time_t sec = s.sec;
	struct tm tm;

	gmtime_r(&sec, &tm);
	fprintf(file, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec, s.usec);
}

/* Sign, seconds and millionths in WIDTH columns; SIGN is "+", or "" to have
 * only a minus. */
static void print_offset(FILE *file, double t, const char *sign, int width)
{
	struct stamp s = split(fabs(t));
	char text[40];

	snprintf(text, sizeof(text), "%s%" PRId64 ".%06d",
		 t < 0 ? "-" : sign, s.sec, s.usec);
	fprintf(file, "%*s", width, text);
}

/* The minute in full when it is a new one, offsets from there within it. */
static void print_human(FILE *file, double t, struct eventlog_clock *clock)
{
	time_t sec = t;
	struct tm tm;

	if (clock->reference > 0 &&
	    floor(t / 60) == floor(clock->reference / 60)) {
		fputc('[', file);
		print_offset(file, t - clock->reference, "+", 11);
		fputc(']', file);
		return;
	}
	clock->reference = t;
	localtime_r(&sec, &tm);
	fprintf(file, "[%s%02d %02d:%02d]", months[tm.tm_mon], tm.tm_mday,
		tm.tm_hour, tm.tm_min);
}

static void print_time(FILE *file, double t, enum eventlog_time format,
		       struct eventlog_clock *clock)
{
	switch (format) {
	case EVENTLOG_RAW:
		print_offset(file, t, "", 0);
		return;
	case EVENTLOG_ISO:
		print_iso(file, t);
		return;
	case EVENTLOG_OFFSET:
		if (clock->reference <= 0)
			clock->reference = t;
		print_offset(file, t - clock->reference, "", 0);
		return;
	case EVENTLOG_HUMAN:
		print_human(file, t, clock);
		return;
	}
	assert(!"a time format outside the enumeration");
}

static int print_value(FILE *file, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	fputs(text, file);
	free(text);
	return 0;
}

/* A key that would not read as one word is quoted like a value. */
static int print_key(FILE *file, const char *key)
{
	json_t *quoted;
	int rc;

	if (name_is_good(key) && !strchr(key, '=')) {
		fputs(key, file);
		return 0;
	}
	quoted = json_string(key);
	rc = print_value(file, quoted);
	json_decref(quoted);
	return rc;
}

int eventlog_print(FILE *file, const struct eventlog_event *event,
		   enum eventlog_time format, struct eventlog_clock *clock)
{
	const char *key;
	json_t *value;

	print_time(file, event->timestamp, format, clock);
	fprintf(file, " %s", event->name);
	json_object_foreach(event->context, key, value) {
		fputc(' ', file);
		if (print_key(file, key) < 0)
			return -1;
		fputc('=', file);
		if (print_value(file, value) < 0)
			return -1;
	}
	fputc('\n', file);
	return ferror(file) ? -1 : 0;
}
