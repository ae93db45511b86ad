/* SPDX-License-Identifier: Apache-2.0 */
/* Showing a job's output. Unlabelled bytes go out as they come. With labels
 * the part of a line is held for each task until the rest has come, up to
 * PART_MAX bytes, unless lines are not to be waited for. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "cmd/attach_output.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "proto/output.h"

#define PART_MAX (64 * 1024)

/* One task's stdout or stderr. */
struct stream {
	struct wire_buf part;	/* of a line */
	bool midline;		/* the label stands already */
};

struct attach_output {
	const struct attach_options *o;
	weir_jobid_t id;
	double start;
	struct output_decoder *decoder;
	struct stream *stream;	/* two a task */
	size_t streams;
};

struct attach_output *attach_output_create(weir_jobid_t id,
					const struct attach_options *options)
{
	struct attach_output *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->o = options;
	out->id = id;
	out->decoder = output_decoder_create();
	if (!out->decoder) {
		attach_output_destroy(out);
		return NULL;
	}
	return out;
}

void attach_output_destroy(struct attach_output *out)
{
	size_t i;

	if (!out)
		return;
	for (i = 0; i < out->streams; i++)
		wire_buf_free(&out->stream[i].part);
	free(out->stream);
	output_decoder_destroy(out->decoder);
	free(out);
}

void attach_output_set_start(struct attach_output *out, double start)
{
	out->start = start;
}

static FILE *file_of(const struct attach_output *out,
		     enum output_stream stream)
{
	if (stream == OUTPUT_STDERR)
		return out->o->err ? out->o->err : stderr;
	return out->o->out ? out->o->out : stdout;
}

static void flush(struct attach_output *out)
{
	if (fflush(file_of(out, OUTPUT_STDOUT)) == EOF)
		die("%s: %s", out->o->out ? "--log" : "standard output",
		    strerror(errno));
}

FILE *attach_output_errors(struct attach_output *out)
{
	flush(out);
	return file_of(out, OUTPUT_STDERR);
}

static void put(FILE *file, const char *data, size_t len)
{
	if (len && fwrite(data, 1, len, file) != len)
		die("%s: %s", file == stdout ? "standard output" :
		    file == stderr ? "standard error" : "--log",
		    strerror(errno));
}

static void put_label(struct attach_output *out, FILE *file, unsigned rank)
{
	char f58[JOBID_SIZE];

	if (out->o->label_id)
		fprintf(file, "%s: ", text_f58(out->id, f58));
	fprintf(file, "%u: ", rank);
}

static struct stream *find_stream(struct attach_output *out, unsigned rank,
				  enum output_stream stream)
{
	size_t i = (size_t)rank * 2 + (stream == OUTPUT_STDERR);

	if (i >= out->streams) {
		size_t n = (i | 1) + 1, k;

		if (n < out->streams * 2)
			n = out->streams * 2;
		out->stream = xrealloc(out->stream, n * sizeof(*out->stream));
		for (k = out->streams; k < n; k++)
			out->stream[k] = (struct stream){ .midline = false };
		out->streams = n;
	}
	return &out->stream[i];
}

/* LEN bytes that hold at most one line feed, as the last. */
static void put_piece(struct attach_output *out, unsigned rank,
		      enum output_stream which, const char *data, size_t len)
{
	struct stream *s = find_stream(out, rank, which);
	FILE *file = file_of(out, which);
	bool whole = data[len - 1] == '\n';

	if (!whole && !out->o->unbuffered &&
	    s->part.len + len < PART_MAX) {
		if (wire_buf_add(&s->part, data, len) < 0)
			die("out of memory");
		return;
	}
	if (!s->midline)
		put_label(out, file, rank);
	put(file, s->part.data, s->part.len);
	wire_buf_reset(&s->part);
	put(file, data, len);
	s->midline = !whole;
}

static void put_lines(struct attach_output *out, unsigned rank,
		      enum output_stream which, const char *data, size_t len)
{
	while (len) {
		const char *lf = memchr(data, '\n', len);
		size_t n = lf ? (size_t)(lf + 1 - data) : len;

		put_piece(out, rank, which, data, n);
		data += n;
		len -= n;
	}
}

/* The last line of a task need not end in a line feed; ours does. */
static void end_line(struct attach_output *out, unsigned rank,
		     enum output_stream which)
{
	struct stream *s = find_stream(out, rank, which);
	FILE *file = file_of(out, which);

	if (s->part.len && !s->midline)
		put_label(out, file, rank);
	put(file, s->part.data, s->part.len);
	if (s->part.len || s->midline)
		putc('\n', file);
	wire_buf_reset(&s->part);
	s->midline = false;
}

static const char *level_name(int level)
{
	return level <= LOG_CRIT ? "FATAL" : level == LOG_ERR ? "ERROR" :
	       level == LOG_WARNING ? "WARNING" : "INFO";
}

static int take_record(const struct output_record *r, void *arg)
{
	struct attach_output *out = arg;

	switch (r->type) {
	case OUTPUT_DATA:
		if (!out->o->label)
			put(file_of(out, r->stream), r->data, r->len);
		else
			put_lines(out, r->rank, r->stream, r->data, r->len);
		break;
	case OUTPUT_EOF:
		if (out->o->label)
			end_line(out, r->rank, r->stream);
		break;
	case OUTPUT_LOG:
		fprintf(attach_output_errors(out), "%.3fs: weir-shell: %s: %s\n",
			r->time - out->start, level_name(r->level), r->data);
		break;
	case OUTPUT_REDIRECT:
		fprintf(attach_output_errors(out), "%u: %s redirected to %s\n", r->rank,
			output_stream_name(r->stream), r->data);
		break;
	case OUTPUT_HEADER:
		break;
	}
	return 0;
}

int attach_output_take(struct attach_output *out, const char *data,
		       size_t len, struct proto_error *error)
{
	int rc = output_decode(out->decoder, data, len, take_record, out,
			       error);

	flush(out);
	return rc;
}

void attach_output_flush(struct attach_output *out)
{
	size_t i;

	for (i = 0; i < out->streams; i++)
		end_line(out, (unsigned)(i / 2),
			 i & 1 ? OUTPUT_STDERR : OUTPUT_STDOUT);
	flush(out);
}
