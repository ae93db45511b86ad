/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a dump apart: see dump_stream.h and weir-kvsdump(5).
 *
 * The lines are frames of the wire codec without a tag, so the decoder is
 * given one before each. What is accepted is only what dump writes: keys in
 * order, each below a directory that came before. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dump_stream.h"
#include "proto/wire.h"

struct dump_reader {
	struct wire_decoder *decoder;
	bool inside;		/* a frame, of which the decoder has a part */
	bool begun, ended, failed;
	struct dump_sum sum, before;	/* before the frame in hand */
	uint64_t line, frame_line;	/* from 1 */
	uint64_t frame_at;		/* byte, from 0 */
	uint64_t entries, bytes;
	char last[DUMP_KEY_MAX + 1];	/* key; or "", at the beginning */
	enum dump_kind last_kind;
	char why[512];
};

/* ---- sums ---- */

void dump_sum_init(struct dump_sum *sum)
{
	crypto_generichash_init(&sum->state, NULL, 0,
				crypto_generichash_BYTES);
	sum->bytes = 0;
}

void dump_sum_add(struct dump_sum *sum, const void *data, size_t len)
{
	crypto_generichash_update(&sum->state, data, len);
	sum->bytes += len;
}

void dump_sum_text(const struct dump_sum *sum, char text[DUMP_SUM_TEXT])
{
	unsigned char hash[crypto_generichash_BYTES];
	crypto_generichash_state state = sum->state;

	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(text, DUMP_SUM_TEXT, hash, sizeof(hash));
}

/* ---- life ---- */

struct dump_reader *dump_reader_create(void)
{
	struct dump_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->decoder = wire_decoder_create(false, DUMP_PIECE_MAX);
	if (!r->decoder || sodium_init() < 0) {
		dump_reader_destroy(r);
		return NULL;
	}
	r->line = 1;
	r->last_kind = DUMP_BEGIN;
	dump_sum_init(&r->sum);
	return r;
}

void dump_reader_destroy(struct dump_reader *r)
{
	if (!r)
		return;
	wire_decoder_destroy(r->decoder);
	free(r);
}

void dump_reader_start(struct dump_reader *r)
{
	r->begun = true;
}

void dump_reader_counts(const struct dump_reader *r, uint64_t *entries,
			uint64_t *bytes)
{
	*entries = r->entries;
	*bytes = r->bytes;
}

const char *dump_reader_why(const struct dump_reader *r)
{
	return r->why;
}

__attribute__((format(printf, 2, 3)))
static int fail(struct dump_reader *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(r->why, sizeof(r->why), "line %ju (byte %ju): ",
		     (uintmax_t)r->frame_line, (uintmax_t)r->frame_at);
	va_start(ap, fmt);
	vsnprintf(r->why + n, sizeof(r->why) - n, fmt, ap);
	va_end(ap);
	r->failed = true;
	return -1;
}

/* ---- keys ---- */

static int check_key(struct dump_reader *r, const char *key)
{
	size_t len = strlen(key), depth = 1;

	if (len > DUMP_KEY_MAX)
		return fail(r, "a key of %zu bytes is too long", len);
	for (const char *p = key; ; depth++) {
		size_t n = strcspn(p, ".");

		if (!n)
			return fail(r, "key %.64s has an empty name", key);
		if (n > DUMP_NAME_MAX)
			return fail(r, "a name of %zu bytes is too long", n);
		if (!p[n])
			break;
		p += n + 1;
	}
	return depth <= DUMP_DEPTH_MAX ? 0 :
		fail(r, "key %.64s is too deep", key);
}

/* KEY comes behind the last one, and its parent before. */
static int check_order(struct dump_reader *r, const char *key)
{
	const char *name = strrchr(key, '.'), *rest;
	size_t parent = name ? name - key : 0, last_len = strlen(r->last);
	size_t n;

	name = name ? name + 1 : key;
	if (parent && (strncmp(key, r->last, parent) ||
		       (r->last[parent] && r->last[parent] != '.') ||
		       (parent == last_len && r->last_kind != DUMP_DIR)))
		return fail(r, "key %.64s stands in no directory that came "
			    "just before", key);
	if (parent >= last_len)
		return 0;
	rest = r->last + parent + (parent > 0);
	n = strcspn(rest, ".");
	if (strncmp(name, rest, n) < 0 ||
	    (!strncmp(name, rest, n) && !name[n]))
		return fail(r, "key %.64s does not come behind %.64s", key,
			    r->last);
	return 0;
}

static int take_key(struct dump_reader *r, const char *key,
		    enum dump_kind kind)
{
	if (check_key(r, key) < 0 || check_order(r, key) < 0)
		return -1;
	strcpy(r->last, key);
	r->last_kind = kind;
	r->entries++;
	return 0;
}

/* ---- lines ---- */

static int take_number(struct dump_reader *r, const struct wire_frame *f,
		       const char *name, uint64_t *number)
{
	const char *text = wire_option(f, 2, name);

	return text && !wire_parse_u64(text, number) ? 0 :
		fail(r, "%s= with a number is missing", name);
}

static int take_begin(struct dump_reader *r, const struct wire_frame *f,
		      struct dump_item *item)
{
	if (strcmp(f->word[1], "weir-kvsdump"))
		return fail(r, "this is no dump of a key-value store");
	if (f->words < 3 || strcmp(f->word[2], DUMP_FORMAT))
		return fail(r, "format %.16s is not known, only " DUMP_FORMAT,
			    f->words < 3 ? "(none)" : f->word[2]);
	item->ns = wire_option(f, 3, "namespace");
	item->key = wire_option(f, 3, "key");
	item->hash = wire_option(f, 3, "hash");
	if (!item->ns || !item->key || !item->hash ||
	    strlen(item->hash) != DUMP_SUM_TEXT - 1 ||
	    strspn(item->hash, "0123456789abcdef") != DUMP_SUM_TEXT - 1)
		return fail(r, "namespace=, key= or hash= is missing or "
			    "wrong");
	if (strcmp(item->key, ".") && check_key(r, item->key) < 0)
		return -1;
	r->begun = true;
	return take_number(r, f, "version", &item->version) < 0 ||
		take_number(r, f, "owner", &item->owner) < 0 ||
		take_number(r, f, "time", &item->time) < 0 ? -1 : 0;
}

static int take_end(struct dump_reader *r, const struct wire_frame *f,
		    struct dump_item *item)
{
	const char *sum = wire_option(f, 2, "sum");
	char text[DUMP_SUM_TEXT];

	if (take_number(r, f, "entries", &item->entries) < 0 ||
	    take_number(r, f, "bytes", &item->bytes) < 0)
		return -1;
	dump_sum_text(&r->before, text);
	if (!sum || strcmp(sum, text))
		return fail(r, "the sum of what came before is %s, not %.64s",
			    text, sum ? sum : "(none)");
	if (item->entries != r->entries || item->bytes != r->bytes)
		return fail(r, "there were %ju entries and %ju bytes of "
			    "values, not %ju and %ju", (uintmax_t)r->entries,
			    (uintmax_t)r->bytes, (uintmax_t)item->entries,
			    (uintmax_t)item->bytes);
	r->ended = true;
	return 0;
}

static int take_value(struct dump_reader *r, const struct wire_frame *f,
		      struct dump_item *item)
{
	item->data = f->payload;
	item->len = f->payload_len;
	r->bytes += item->len;
	if (item->kind == DUMP_VALUE)
		return take_key(r, item->key, DUMP_VALUE);
	return r->last_kind == DUMP_VALUE && !strcmp(item->key, r->last) ? 0 :
		fail(r, "append to %.64s, which is not the value before",
		     item->key);
}

static const struct {
	const char *word;
	enum dump_kind kind;
	int words;		/* positional, without the tag */
	bool payload;
} lines[] = {
	{ "mkdir", DUMP_DIR, 2, false },
	{ "put", DUMP_VALUE, 2, true },
	{ "append", DUMP_MORE, 2, true },
	{ "link", DUMP_LINK, 3, false },
	{ "end", DUMP_END, 1, false },
};

static int take_line(struct dump_reader *r, const struct wire_frame *f,
		     struct dump_item *item)
{
	size_t i = 0;

	while (i < sizeof(lines) / sizeof(lines[0]) &&
	       strcmp(f->word[1], lines[i].word))
		i++;
	if (i == sizeof(lines) / sizeof(lines[0]))
		return fail(r, "there is no line '%.32s' in a dump",
			    f->word[1]);
	if (f->words - 1 < lines[i].words ||
	    f->has_payload != lines[i].payload)
		return fail(r, "'%s' %s", lines[i].word,
			    f->has_payload == lines[i].payload ?
			    "is not complete" : lines[i].payload ?
			    "has no bytes" : "takes no bytes");
	item->kind = lines[i].kind;
	if (item->kind == DUMP_END)
		return take_end(r, f, item);
	item->key = f->word[2];
	if (lines[i].payload)
		return take_value(r, f, item);
	if (item->kind == DUMP_LINK) {
		item->target = f->word[3];
		item->target_ns = wire_option(f, 4, "target-ns");
	}
	return take_key(r, item->key, item->kind);
}

/* ---- bytes ---- */

static void count(struct dump_reader *r, const char *data, size_t len)
{
	const char *end = data + len;

	dump_sum_add(&r->sum, data, len);
	while (data < end && (data = memchr(data, '\n', end - data))) {
		r->line++;
		data++;
	}
}

static void open_frame(struct dump_reader *r)
{
	struct wire_frame *f;
	size_t n;

	r->inside = true;
	r->before = r->sum;
	r->frame_line = r->line;
	r->frame_at = r->sum.bytes;
	wire_decode(r->decoder, "- ", 2, &n, &f);
}

int dump_read(struct dump_reader *r, const char *data, size_t len,
	      size_t *used, struct dump_item *item)
{
	enum wire_status status;
	struct wire_frame *f;
	const char *tag, *text;

	*used = 0;
	if (r->failed || !len)
		return r->failed ? -1 : 0;
	if (!r->inside)
		open_frame(r);
	if (r->ended)
		return fail(r, "there is more after the last line");
	status = wire_decode(r->decoder, data, len, used, &f);
	count(r, data, *used);
	if (status == WIRE_MORE)
		return 0;
	r->inside = false;
	if (status != WIRE_FRAME) {
		wire_decoder_error(r->decoder, &tag, &text);
		return fail(r, "%s", text);
	}
	if (f->words < 2)
		return fail(r, "an empty line");
	memset(item, 0, sizeof(*item));
	return (r->begun ? take_line(r, f, item) : take_begin(r, f, item)) < 0
		? -1 : 1;
}

int dump_read_end(struct dump_reader *r)
{
	if (r->failed)
		return -1;
	if (r->ended && !r->inside)
		return 0;
	r->frame_line = r->line;
	r->frame_at = r->sum.bytes;
	return fail(r, "it ends here, before its last line");
}
