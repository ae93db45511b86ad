/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's output as a stream of records: see output.h and weir-output(5).
 *
 * The decoder is a machine of four states; a peer wrote the stream, so what
 * is not exactly in the form breaks it for good.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/output.h"

#define MAGIC		0x6f757470	/* "outp" */
/* Up to here (the year 2242) a double keeps microseconds apart. */
#define TIME_MAX	8589934592.0

static const char *const stream_names[] = {
	[OUTPUT_STDIN] = "stdin",
	[OUTPUT_STDOUT] = "stdout",
	[OUTPUT_STDERR] = "stderr",
};

const char *output_stream_name(enum output_stream stream)
{
	assert(stream <= OUTPUT_STDERR);
	return stream_names[stream];
}

/* ---- encoding ---- */

/* printf's decimal point is the locale's, so seconds go as two integers. */
static int64_t microseconds(double time)
{
	double whole = floor(time);

	assert(time >= 0 && time < TIME_MAX);
	return (int64_t)whole * 1000000 + llrint((time - whole) * 1e6);
}

/* A whole record, or nothing of it: LINE without its end, then the payload
 * unless DATA is NULL. */
static int add_record(struct wire_buf *buf, const char *line, const void *data,
		      size_t len)
{
	size_t start = buf->len;
	char size[32];

	snprintf(size, sizeof(size), " {%zu}\n", len);
	if (wire_buf_add(buf, line, strlen(line)) == 0 &&
	    wire_buf_add(buf, data ? size : "\n", data ? strlen(size) : 1) == 0 &&
	    (!data || (wire_buf_add(buf, data, len) == 0 &&
		       wire_buf_add(buf, "\n", 1) == 0)))
		return 0;
	buf->len = buf->mark = start;
	return -1;
}

static int add_stream_record(struct wire_buf *buf, const char *word,
			     enum output_stream stream, unsigned rank,
			     double time, const void *data, size_t len)
{
	int64_t us = microseconds(time);
	char line[OUTPUT_LINE_MAX];

	snprintf(line, sizeof(line), "%s %s %u %" PRId64 ".%06d", word,
		 output_stream_name(stream), rank, us / 1000000,
		 (int)(us % 1000000));
	return add_record(buf, line, data, len);
}

int output_encode_header(struct wire_buf *buf, unsigned ntasks)
{
	char line[OUTPUT_LINE_MAX];

	snprintf(line, sizeof(line), "output %d %u", OUTPUT_VERSION, ntasks);
	return add_record(buf, line, NULL, 0);
}

int output_encode_data(struct wire_buf *buf, enum output_stream stream,
		       unsigned rank, double time, const void *data,
		       size_t len)
{
	return add_stream_record(buf, "data", stream, rank, time,
				 len ? data : "", len);
}

int output_encode_eof(struct wire_buf *buf, enum output_stream stream,
		      unsigned rank, double time)
{
	return add_stream_record(buf, "eof", stream, rank, time, NULL, 0);
}

int output_encode_log(struct wire_buf *buf, int level, double time,
		      const char *text)
{
	int64_t us = microseconds(time);
	char line[OUTPUT_LINE_MAX];

	assert(level >= 0 && level <= 7);
	snprintf(line, sizeof(line), "log %d %" PRId64 ".%06d", level,
		 us / 1000000, (int)(us % 1000000));
	return add_record(buf, line, text, strnlen(text, OUTPUT_TEXT_MAX));
}

int output_encode_redirect(struct wire_buf *buf, enum output_stream stream,
			   unsigned rank, double time, const char *path)
{
	size_t len = strlen(path);

	if (len > OUTPUT_TEXT_MAX) {
		errno = EINVAL;
		return -1;
	}
	return add_stream_record(buf, "redirect", stream, rank, time, path,
				 len);
}

/* ---- decoding ---- */

enum state {
	IN_LINE,
	IN_PAYLOAD,
	AT_PAYLOAD_END,		/* its line feed is due */
	BROKEN,
};

struct output_decoder {
	unsigned magic;
	enum state state;
	bool have_header;
	unsigned ntasks;
	uint64_t consumed;	/* bytes of the stream so far */
	struct output_record record;	/* the one being read */
	char line[OUTPUT_LINE_MAX];
	size_t line_len;
	char text[OUTPUT_TEXT_MAX + 1];	/* of a log or redirect record */
};

struct output_decoder *output_decoder_create(void)
{
	struct output_decoder *d = calloc(1, sizeof(*d));

	if (d)
		d->magic = MAGIC;
	return d;
}

void output_decoder_destroy(struct output_decoder *d)
{
	if (!d)
		return;
	assert(d->magic == MAGIC);
	d->magic = 0;
	free(d);
}

static int broken(struct output_decoder *d, struct proto_error *err,
		  const char *what)
{
	d->state = BROKEN;
	return proto_error_set(err, EPROTO, "output: %s at byte %" PRIu64,
			       what, d->consumed);
}

/* The next of the words that single blanks separate; NULL after the last. */
static const char *next_word(char **line)
{
	char *word = strsep(line, " ");

	return word && *word ? word : NULL;
}

/* Strict decimal without leading zeros; WORD may be NULL. */
static bool parse_number(const char *word, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!word || !*word || (word[0] == '0' && word[1]))
		return false;
	for (; *word; word++) {
		if (*word < '0' || *word > '9' || n > max / 10)
			return false;
		n = n * 10 + (*word - '0');
	}
	*value = n;
	return n <= max;
}

/* SECONDS.MICROSECONDS with six digits behind the point. */
static bool parse_time(char **line, double *time)
{
	char whole[24];
	const char *word = next_word(line);
	const char *point = word ? strchr(word, '.') : NULL;
	uint64_t sec;
	unsigned usec = 0;

	if (!point || point - word >= (int)sizeof(whole) ||
	    strlen(point + 1) != 6 || strspn(point + 1, "0123456789") != 6)
		return false;
	memcpy(whole, word, point - word);
	whole[point - word] = '\0';
	if (!parse_number(whole, TIME_MAX - 1, &sec))
		return false;
	for (int i = 1; i <= 6; i++)
		usec = usec * 10 + (point[i] - '0');
	*time = sec + usec / 1e6;
	return true;
}

/* {N} */
static bool parse_size(char **line, uint64_t max, uint64_t *size)
{
	const char *word = next_word(line);
	size_t len = word ? strlen(word) : 0;
	char digits[24];

	if (len < 3 || len >= sizeof(digits) || word[0] != '{' ||
	    word[len - 1] != '}')
		return false;
	memcpy(digits, word + 1, len - 2);
	digits[len - 2] = '\0';
	return parse_number(digits, max, size);
}

static bool parse_stream(char **line, enum output_stream *stream)
{
	const char *word = next_word(line);

	for (size_t i = 0; word && i < sizeof(stream_names) /
	     sizeof(stream_names[0]); i++)
		if (!strcmp(word, stream_names[i])) {
			*stream = i;
			return true;
		}
	return false;
}

/* What is wrong with the rest of a line, or NULL. */
static const char *parse_header(struct output_decoder *d, char **line)
{
	uint64_t n;

	if (d->have_header)
		return "a second header";
	if (!parse_number(next_word(line), INT_MAX, &n) || n != OUTPUT_VERSION)
		return "a version other than 1";
	if (!parse_number(next_word(line), INT_MAX, &n) || n < 1)
		return "bad number of tasks";
	d->have_header = true;
	d->ntasks = d->record.ntasks = n;
	return NULL;
}

static const char *parse_origin(struct output_decoder *d, char **line)
{
	uint64_t rank;

	if (!parse_stream(line, &d->record.stream))
		return "bad name of a stream";
	if (!parse_number(next_word(line), INT_MAX, &rank) ||
	    rank >= d->ntasks)
		return "bad task rank";
	d->record.rank = rank;
	return parse_time(line, &d->record.time) ? NULL : "bad time";
}

static const char *parse_data(struct output_decoder *d, char **line)
{
	const char *what = parse_origin(d, line);

	if (!what && !parse_size(line, OUTPUT_DATA_MAX, &d->record.total))
		what = "bad size";
	return what;
}

static const char *parse_redirect(struct output_decoder *d, char **line)
{
	const char *what = parse_origin(d, line);

	if (!what && !parse_size(line, OUTPUT_TEXT_MAX, &d->record.total))
		what = "bad size";
	return what;
}

static const char *parse_log(struct output_decoder *d, char **line)
{
	uint64_t level;

	if (!parse_number(next_word(line), 7, &level))
		return "bad log level";
	d->record.level = level;
	if (!parse_time(line, &d->record.time))
		return "bad time";
	return parse_size(line, OUTPUT_TEXT_MAX, &d->record.total) ? NULL :
		"bad size";
}

static const struct record_type {
	const char *word;
	enum output_type type;
	bool payload;
	const char *(*parse)(struct output_decoder *d, char **line);
} record_types[] = {
	{ "data", OUTPUT_DATA, true, parse_data },
	{ "eof", OUTPUT_EOF, false, parse_origin },
	{ "output", OUTPUT_HEADER, false, parse_header },
	{ "log", OUTPUT_LOG, true, parse_log },
	{ "redirect", OUTPUT_REDIRECT, true, parse_redirect },
};

static const struct record_type *find_type(const char *word)
{
	for (size_t i = 0; word && i < sizeof(record_types) /
	     sizeof(record_types[0]); i++)
		if (!strcmp(word, record_types[i].word))
			return &record_types[i];
	return NULL;
}

/* The line in d->line is whole, its line feed made a NUL. */
static int take_line(struct output_decoder *d, output_record_f *cb, void *arg,
		     struct proto_error *err)
{
	char *line = d->line;
	const struct record_type *type;
	const char *what;

	if (strlen(d->line) != d->line_len)
		return broken(d, err, "a NUL in a line");
	d->record = (struct output_record){ 0 };
	d->line_len = 0;
	type = find_type(next_word(&line));
	if (!type)
		return broken(d, err, "unknown record");
	if (!d->have_header && type->type != OUTPUT_HEADER)
		return broken(d, err, "a record before the header");
	d->record.type = type->type;
	what = type->parse(d, &line);
	if (!what && line)
		what = "more words than expected";
	if (what)
		return broken(d, err, what);
	if (!type->payload)
		return cb(&d->record, arg);
	d->state = IN_PAYLOAD;
	return 0;
}

/* Returns the bytes taken from DATA; *WHOLE tells that the line is. */
static size_t gather_line(struct output_decoder *d, const char *data,
			  size_t len, bool *whole)
{
	size_t room = sizeof(d->line) - d->line_len;
	size_t n = len < room ? len : room;
	const char *end = memchr(data, '\n', n);

	if (end)
		n = end - data + 1;
	memcpy(d->line + d->line_len, data, n);
	d->line_len += n;
	*whole = end;
	if (end)
		d->line[--d->line_len] = '\0';
	return n;
}

/* Up to LEN bytes of the payload, passed on at once or when it is whole. */
static int take_payload(struct output_decoder *d, const char *data,
			size_t len, output_record_f *cb, void *arg)
{
	struct output_record *r = &d->record;
	int rc;

	if (r->type == OUTPUT_DATA) {
		r->data = data;
		r->len = len;
		rc = cb(r, arg);
		r->offset += len;
		return rc;
	}
	memcpy(d->text + r->offset, data, len);
	r->offset += len;
	if (r->offset < r->total)
		return 0;
	d->text[r->total] = '\0';
	r->data = d->text;
	r->len = r->total;
	r->offset = 0;
	rc = cb(r, arg);
	r->offset = r->total;
	return rc;
}

int output_decode(struct output_decoder *d, const void *data, size_t len,
		  output_record_f *cb, void *arg, struct proto_error *err)
{
	const char *p = data;
	int rc = 0;

	assert(d->magic == MAGIC);
	if (d->state == BROKEN)
		return broken(d, err, "the stream was broken before this");
	while (rc == 0 && (len || (d->state == IN_PAYLOAD &&
				   !d->record.total))) {
		bool whole = false;
		size_t n = 0;

		if (d->state == IN_LINE) {
			n = gather_line(d, p, len, &whole);
			d->consumed += n;
			if (whole)
				rc = take_line(d, cb, arg, err);
			else if (d->line_len == sizeof(d->line))
				rc = broken(d, err, "line too long");
		} else if (d->state == IN_PAYLOAD) {
			uint64_t left = d->record.total - d->record.offset;

			n = left < len ? left : len;
			d->consumed += n;
			rc = take_payload(d, p, n, cb, arg);
			if (rc == 0 && n == left)
				d->state = AT_PAYLOAD_END;
		} else {
			n = 1;
			d->consumed += n;
			if (*p == '\n')
				d->state = IN_LINE;
			else
				rc = broken(d, err, "no line feed after a "
					    "payload");
		}
		p += n;
		len -= n;
	}
	if (rc)
		d->state = BROKEN;
	return rc;
}

int output_decode_end(struct output_decoder *d, struct proto_error *err)
{
	assert(d->magic == MAGIC);
	if (d->state == IN_LINE && !d->line_len)
		return 0;
	return broken(d, err, "the stream ends within a record");
}
