/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the output stream: pieces of any size give the same records as
 * the whole, and a whole stream's records encode to the same bytes. The first
 * byte of the input is the size of the pieces. */
#include "config.h"

#include "proto/output.h"
#include "t/fuzz/fuzz.h"

struct sink {
	struct wire_buf out;
	struct wire_buf data;	/* of the current data record */
};

static int encode_again(const struct output_record *r, void *arg)
{
	struct sink *s = arg;

	switch (r->type) {
	case OUTPUT_HEADER:
		return output_encode_header(&s->out, r->ntasks);
	case OUTPUT_DATA:
		must(r->offset == s->data.len);
		must(r->offset + r->len <= r->total);
		wire_buf_add(&s->data, r->data, r->len);
		if (s->data.len < r->total)
			return 0;
		output_encode_data(&s->out, r->stream, r->rank, r->time,
				   s->data.data, s->data.len);
		wire_buf_reset(&s->data);
		return 0;
	case OUTPUT_EOF:
		return output_encode_eof(&s->out, r->stream, r->rank,
					 r->time);
	case OUTPUT_LOG:
		must(r->len == r->total && !r->data[r->len]);
		return output_encode_log(&s->out, r->level, r->time, r->data);
	case OUTPUT_REDIRECT:
		must(r->len == r->total && !r->data[r->len]);
		return output_encode_redirect(&s->out, r->stream, r->rank,
					      r->time, r->data);
	}
	abort();
}

/* What output_decode gave, or output_decode_end for a good stream. */
static int run(const uint8_t *data, size_t size, size_t step, struct sink *s)
{
	struct output_decoder *d = output_decoder_create();
	struct proto_error err = { "" };
	int rc = 0;

	wire_buf_init(&s->out);
	wire_buf_init(&s->data);
	for (size_t at = 0; at < size && rc == 0; at += step)
		rc = output_decode(d, data + at, size - at < step ?
				   size - at : step, encode_again, s, &err);
	if (rc == 0)
		rc = output_decode_end(d, &err);
	must(rc == 0 || err.text[0]);
	output_decoder_destroy(d);
	wire_buf_free(&s->data);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink whole, pieces;
	int rc;

	if (size < 2)
		return 0;
	rc = run(data + 1, size - 1, size, &whole);
	must(run(data + 1, size - 1, data[0] + 1, &pieces) == rc);
	must(whole.out.len == pieces.out.len);
	must(!whole.out.len || !memcmp(whole.out.data, pieces.out.data,
				       whole.out.len));
	/* A text with a NUL inside is written up to it. */
	if (rc == 0 && !memchr(data + 1, '\0', size - 1)) {
		must(whole.out.len == size - 1);
		must(!memcmp(whole.out.data, data + 1, size - 1));
	}
	wire_buf_free(&whole.out);
	wire_buf_free(&pieces.out);
	return 0;
}
