/* SPDX-License-Identifier: Apache-2.0 */
/* The output stream: encoding, decoding in pieces of any size, and what
 * breaks it. */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "proto/output.h"
#include "t/unit/tap.h"

static const char whole[] =
"output 1 3\n"
"data stdout 0 1795396917.180904 {5}\n"
"hello\n"
"data stderr 2 1795396917.200000 {4}\n"
"a\nb\n\n"
"data stdout 1 1795396918.000000 {0}\n"
"\n"
"log 3 1795396918.500000 {11}\n"
"disk is bad\n"
"redirect stdout 1 1795396919.000001 {6}\n"
"/tmp/x\n"
"eof stdout 0 1795396920.999999\n";

static void test_encode(void)
{
	struct wire_buf buf;

	wire_buf_init(&buf);
	output_encode_header(&buf, 3);
	output_encode_data(&buf, OUTPUT_STDOUT, 0, 1795396917.180904, "hello",
			   5);
	output_encode_data(&buf, OUTPUT_STDERR, 2, 1795396917.2, "a\nb\n", 4);
	output_encode_data(&buf, OUTPUT_STDOUT, 1, 1795396918, "", 0);
	output_encode_log(&buf, 3, 1795396918.5, "disk is bad");
	output_encode_redirect(&buf, OUTPUT_STDOUT, 1, 1795396919.000001,
			       "/tmp/x");
	output_encode_eof(&buf, OUTPUT_STDOUT, 0, 1795396920.9999994);
	ok(buf.len == strlen(whole) &&
	   !memcmp(buf.data, whole, buf.len), "encode");
	wire_buf_free(&buf);
}

/* Records in words, a data record's pieces joined. */
struct sink {
	FILE *file;
	uint64_t at;		/* bytes so far of the current data record */
	bool bad;
	int stop_after;		/* records; 0: never */
};

static int collect(const struct output_record *r, void *arg)
{
	struct sink *sink = arg;

	switch (r->type) {
	case OUTPUT_HEADER:
		fprintf(sink->file, "header %u", r->ntasks);
		break;
	case OUTPUT_DATA:
		if (r->offset != sink->at)
			sink->bad = true;
		if (r->offset == 0)
			fprintf(sink->file, "%s %u %.6f ",
				output_stream_name(r->stream), r->rank,
				r->time);
		fwrite(r->data, 1, r->len, sink->file);
		sink->at += r->len;
		if (sink->at < r->total)
			return 0;
		sink->at = 0;
		break;
	case OUTPUT_EOF:
		fprintf(sink->file, "eof %s %u %.6f",
			output_stream_name(r->stream), r->rank, r->time);
		break;
	case OUTPUT_LOG:
		fprintf(sink->file, "log %d %.6f %s", r->level, r->time,
			r->data);
		break;
	case OUTPUT_REDIRECT:
		fprintf(sink->file, "redirect %s %u %.6f %s",
			output_stream_name(r->stream), r->rank, r->time,
			r->data);
		break;
	}
	if (r->type != OUTPUT_DATA && (r->offset || r->len != r->total))
		sink->bad = true;
	fputc('|', sink->file);
	return sink->stop_after && --sink->stop_after == 0 ? 7 : 0;
}

/* Decode TEXT in pieces of STEP bytes; the result in words, to be freed. */
static char *decoded(const char *text, size_t len, size_t step, int *rc,
		     struct proto_error *err)
{
	struct output_decoder *d = output_decoder_create();
	struct sink sink = { 0 };
	char *out = NULL;
	size_t size;

	sink.file = open_memstream(&out, &size);
	*rc = 0;
	for (size_t at = 0; at < len && !*rc; at += step) {
		size_t n = len - at < step ? len - at : step;
		/* A copy of its own lets the sanitizer see overreads. */
		char *piece = malloc(n);

		memcpy(piece, text + at, n);
		*rc = output_decode(d, piece, n, collect, &sink, err);
		free(piece);
	}
	if (!*rc)
		*rc = output_decode_end(d, err);
	if (sink.bad)
		fputs("(pieces do not join)", sink.file);
	fclose(sink.file);
	output_decoder_destroy(d);
	return out;
}

static void test_decode(void)
{
	const char *want = "header 3|stdout 0 1795396917.180904 hello|"
		"stderr 2 1795396917.200000 a\nb\n|"
		"stdout 1 1795396918.000000 |"
		"log 3 1795396918.500000 disk is bad|"
		"redirect stdout 1 1795396919.000001 /tmp/x|"
		"eof stdout 0 1795396920.999999|";

	for (size_t step = 1; step <= strlen(whole); step++) {
		struct proto_error err = { "" };
		int rc;
		char *out = decoded(whole, strlen(whole), step, &rc, &err);

		if (rc || strcmp(out, want)) {
			ok(false, "pieces of %zu bytes: %s", step, err.text);
			diag("got %s", out);
		}
		free(out);
	}
	ok(true, "pieces of every size");
}

static void breaks(const char *text, const char *what)
{
	struct proto_error err = { "" };
	int rc;
	char *out = decoded(text, strlen(text), 3, &rc, &err);

	if (!ok(rc == -1 && errno == EPROTO && strstr(err.text, what),
		"broken: %s", err.text))
		diag("got '%s', want %s", out, what);
	free(out);
}

#define H "output 1 2\n"

static void test_broken(void)
{
	char line[300], text[400];

	breaks("x\n", "unknown record at byte 2");
	breaks("\n", "unknown record at byte 1");
	breaks("eof stdout 0 1.000000\n", "before the header");
	breaks("output 2 1\n", "a version other than 1");
	breaks("output 1 0\n", "bad number of tasks");
	breaks("output 1 01\n", "bad number of tasks");
	breaks("output 1\n", "bad number of tasks");
	breaks("output 1 2147483648\n", "bad number of tasks");
	breaks("output 1 2 \n", "more words");
	breaks("output 1 2 3\n", "more words");
	breaks("output  1 2\n", "a version other than 1");
	breaks(H H, "a second header");
	breaks(H "data stdlog 0 1.000000 {1}\n", "bad name of a stream");
	breaks(H "data stdout 2 1.000000 {1}\n", "bad task rank");
	breaks(H "data stdout -1 1.000000 {1}\n", "bad task rank");
	breaks(H "data stdout 0 1 {1}\n", "bad time");
	breaks(H "data stdout 0 1.5 {1}\n", "bad time");
	breaks(H "data stdout 0 1.0000000 {1}\n", "bad time");
	breaks(H "data stdout 0 1.00000x {1}\n", "bad time");
	breaks(H "data stdout 0 .000000 {1}\n", "bad time");
	breaks(H "data stdout 0 8589934592.000000 {1}\n", "bad time");
	breaks(H "data stdout 0 1.000000 1\n", "bad size");
	breaks(H "data stdout 0 1.000000 {}\n", "bad size");
	breaks(H "data stdout 0 1.000000 {-1}\n", "bad size");
	breaks(H "data stdout 0 1.000000 {1\n", "bad size");
	breaks(H "data stdout 0 1.000000\n", "bad size");
	breaks(H "data stdout 0 1.000000 {1099511627777}\n", "bad size");
	breaks(H "data stdout 0 1.000000 {99999999999999999999}\n",
	       "bad size");
	breaks(H "data stdout 0 1.000000 {1} \nx\n", "more words");
	breaks(H "data stdout 0 1.000000 {1}\nxy\n", "no line feed after");
	breaks(H "eof stdout 0 1.000000 {1}\n", "more words");
	breaks(H "log 8 1.000000 {1}\n", "bad log level");
	breaks(H "log 1 1.000000 {8193}\n", "bad size");
	breaks(H "redirect stdout 0 1.000000 {8193}\n", "bad size");
	breaks(H "data stdout 0 1.000000 {5}\nab", "ends within a record");
	breaks(H "data stdout 0 1.000000 {2}\nab", "ends within a record");
	breaks(H "eof stdout", "ends within a record");
	memset(line, 'x', OUTPUT_LINE_MAX);
	line[OUTPUT_LINE_MAX] = '\0';
	snprintf(text, sizeof(text), H "%s", line);
	breaks(text, "line too long");
}

static void test_stop(void)
{
	struct output_decoder *d = output_decoder_create();
	struct sink sink = { .stop_after = 2 };
	struct proto_error err;
	char *out = NULL;
	size_t size;

	sink.file = open_memstream(&out, &size);
	is_int(output_decode(d, whole, strlen(whole), collect, &sink, &err),
	       7, "the callback's value comes back");
	ok(output_decode(d, "x", 1, collect, &sink, &err) < 0 &&
	   errno == EPROTO, "and nothing after it: %s", err.text);
	fclose(sink.file);
	is_str(out, "header 3|stdout 0 1795396917.180904 hello|",
	       "two records until then");
	free(out);
	output_decoder_destroy(d);
	output_decoder_destroy(NULL);
	d = output_decoder_create();
	ok(!output_decode_end(d, &err), "an empty stream is whole");
	ok(output_decode(d, "output 1 1\0\n", 12, collect, &sink, &err) < 0 &&
	   strstr(err.text, "a NUL"), "a NUL in a line: %s", err.text);
	output_decoder_destroy(d);
}

/* Microseconds survive, up to the last time that is accepted. */
static void test_times(void)
{
	static const char *const times[] = {
		"0.000000", "1795396917.180904", "4294967296.000001",
		"8589934591.999999", "8589934591.999998",
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char text[80], want[80], *out;
		struct proto_error err = { "" };
		int rc;

		snprintf(text, sizeof(text), "output 1 1\neof stdin 0 %s\n",
			 times[i]);
		snprintf(want, sizeof(want), "header 1|eof stdin 0 %s|",
			 times[i]);
		out = decoded(text, strlen(text), 80, &rc, &err);
		is_str(out, want, times[i]);
		free(out);
	}
}

static void test_long_text(void)
{
	char *text = malloc(OUTPUT_TEXT_MAX + 2), *out;
	struct proto_error err = { "" };
	struct wire_buf buf;
	int rc;

	memset(text, 'x', OUTPUT_TEXT_MAX + 1);
	text[OUTPUT_TEXT_MAX + 1] = '\0';
	wire_buf_init(&buf);
	output_encode_header(&buf, 1);
	output_encode_log(&buf, 0, 1, text);
	out = decoded(buf.data, buf.len, 1000, &rc, &err);
	ok(!rc && strlen(out) == strlen("header 1|log 0 1.000000 |") +
	   OUTPUT_TEXT_MAX, "a long log text is cut");
	{
		size_t len = buf.len;

		ok(output_encode_redirect(&buf, OUTPUT_STDERR, 0, 1, text) < 0
		   && errno == EINVAL && buf.len == len,
		   "a path that is too long is refused");
	}
	wire_buf_free(&buf);
	free(text);
	free(out);
}

int main(void)
{
	test_encode();
	test_decode();
	test_broken();
	test_stop();
	test_times();
	test_long_text();
	return done();
}
