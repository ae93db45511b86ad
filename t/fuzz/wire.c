/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the wire decoder. The first byte chooses the side and the size of
 * the pieces. What is decoded must not depend on the pieces; a frame that is
 * encoded again and decoded again must be the same. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(struct wire_buf *b, const struct wire_frame *f)
{
	int i;

	for (i = 0; i < f->words; i++)
		wire_word_n(b, f->word[i], f->word_len[i]);
	if (f->rest)
		wire_text(b, f->rest);
}

static void round_trip(const struct wire_frame *f, bool requests)
{
	struct wire_decoder *d = wire_decoder_create(requests, 1 << 20);
	struct wire_frame *again;
	struct wire_buf b;
	size_t used;
	int i, r;

	wire_buf_init(&b);
	encode(&b, f);
	r = f->has_payload ? wire_end_payload(&b, f->payload, f->payload_len) :
			     wire_end(&b);
	/* an error's text may be cut, an escape may grow a line over the limit */
	if (!r && !f->rest) {
		assert(wire_decode(d, b.data, b.len, &used, &again) ==
		       WIRE_FRAME);
		assert(used == b.len && again->words == f->words);
		for (i = 0; i < f->words; i++)
			assert(again->word_len[i] == f->word_len[i] &&
			       !memcmp(again->word[i], f->word[i],
				       f->word_len[i]));
		assert(again->has_payload == f->has_payload);
		assert(again->payload_len == f->payload_len);
		assert(!f->payload_len ||
		       !memcmp(again->payload, f->payload, f->payload_len));
	}
	wire_buf_free(&b);
	wire_decoder_destroy(d);
}

/* A digest of all that comes out. */
static uint64_t decode(const char *data, size_t size, bool requests,
		       size_t step, bool check)
{
	struct wire_decoder *d = wire_decoder_create(requests, 256);
	uint64_t digest = 14695981039346656037u;
	size_t at = 0;

	while (at < size) {
		size_t n = size - at < step ? size - at : step, used = 0;

		while (used < n) {
			struct wire_frame *f;
			enum wire_status status;
			const char *tag, *text;
			size_t took;
			int i;

			status = wire_decode(d, data + at + used, n - used,
					     &took, &f);
			used += took;
			if (status == WIRE_MORE)
				continue;
			digest = digest * 1099511628211u + status;
			if (status == WIRE_FRAME) {
				for (i = 0; i < f->words; i++)
					digest = digest * 31 + f->word_len[i];
				digest = digest * 31 + f->payload_len;
				if (check)
					round_trip(f, requests);
			} else {
				digest += wire_decoder_error(d, &tag, &text);
				digest += strlen(tag) + strlen(text);
			}
			if (status == WIRE_BROKEN)
				goto out;
		}
		at += n;
	}
out:
	wire_decoder_destroy(d);
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool requests;
	uint64_t whole;

	if (size < 1)
		return 0;
	requests = data[0] & 1;
	whole = decode((const char *)data + 1, size - 1, requests, size, true);
	assert(whole == decode((const char *)data + 1, size - 1, requests,
			       1 + (data[0] >> 1), false));
	return 0;
}
