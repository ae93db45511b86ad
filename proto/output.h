/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's output: a stream of records, each a text line and for some a counted
 * payload, as in weir-output(5). The shell appends them to one key of the
 * store, readers follow that key.
 *
 *	output 1 NTASKS
 *	data STREAM RANK TIME {N}	and N bytes
 *	eof STREAM RANK TIME
 *	log LEVEL TIME {N}		and N bytes
 *	redirect STREAM RANK TIME {N}	and N bytes, the path
 */
#ifndef WEIR_PROTO_OUTPUT_H
#define WEIR_PROTO_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/wire.h"

#define OUTPUT_VERSION		1
#define OUTPUT_LINE_MAX		128		/* with the line feed */
#define OUTPUT_DATA_MAX		(1ULL << 40)	/* bytes of one data record */
#define OUTPUT_TEXT_MAX		8192		/* of a log text or a path */

enum output_stream { OUTPUT_STDIN, OUTPUT_STDOUT, OUTPUT_STDERR };
const char *output_stream_name(enum output_stream stream);

/* ---- encoding ----
 * Each appends one whole record to BUF, or none of it and gives -1 with
 * ENOMEM. Times are seconds since 1970, not negative. */

int output_encode_header(struct wire_buf *buf, unsigned ntasks);
int output_encode_data(struct wire_buf *buf, enum output_stream stream,
		       unsigned rank, double time, const void *data,
		       size_t len);
int output_encode_eof(struct wire_buf *buf, enum output_stream stream,
		      unsigned rank, double time);
/* LEVEL as syslog(3). A text beyond OUTPUT_TEXT_MAX is cut. */
int output_encode_log(struct wire_buf *buf, int level, double time,
		      const char *text);
/* EINVAL for a PATH beyond OUTPUT_TEXT_MAX. */
int output_encode_redirect(struct wire_buf *buf, enum output_stream stream,
			   unsigned rank, double time, const char *path);

/* ---- decoding ---- */

enum output_type { OUTPUT_HEADER, OUTPUT_DATA, OUTPUT_EOF, OUTPUT_LOG,
		   OUTPUT_REDIRECT };

struct output_record {
	enum output_type type;
	unsigned ntasks;		/* header */
	enum output_stream stream;	/* data, eof, redirect */
	unsigned rank;			/* likewise */
	int level;			/* log */
	double time;			/* all but header */
	/*
	 * The payload of data, log and redirect. That of data is given in
	 * pieces as they arrive: OFFSET counts from 0, the last piece has
	 * offset + len == total; an empty one is one piece. The others come
	 * whole and are terminated. Valid during the callback.
	 */
	const char *data;
	size_t len;
	uint64_t offset;
	uint64_t total;
};

/* Returns 0 to go on; another value stops output_decode, which returns it. */
typedef int output_record_f(const struct output_record *record, void *arg);

struct output_decoder;

struct output_decoder *output_decoder_create(void);
void output_decoder_destroy(struct output_decoder *d);	/* NULL is fine */

/*
 * Take the next LEN bytes, cut anywhere. Memory stays flat however large a
 * record is. -1 with EPROTO for a malformed stream, after which only more
 * -1 come; ERR says at which byte. A positive value of CB is passed through
 * and ends the use of the decoder likewise.
 */
int output_decode(struct output_decoder *d, const void *data, size_t len,
		  output_record_f *cb, void *arg, struct proto_error *err);
/* At the end of the stream: -1 with EPROTO if it stops within a record. */
int output_decode_end(struct output_decoder *d, struct proto_error *err);

#endif
