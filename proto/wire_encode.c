/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder of frames. Every line that leaves any of our programs is written
 * here, so that no byte of an argument can end a line or start another.
 * weir-protocol(7), FRAMES. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/wire.h"

#define LARGE	(4u << 20)

void wire_large(void *p, size_t size)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + size) & ~(page - 1);

	if (size >= LARGE)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
}

void wire_buf_init(struct wire_buf *b)
{
	memset(b, 0, sizeof(*b));
}

void wire_buf_free(struct wire_buf *b)
{
	free(b->data);
	wire_buf_init(b);
}

void wire_buf_reset(struct wire_buf *b)
{
	b->len = b->mark = 0;
	b->failed = 0;
}

/* Room for LEN more bytes; marks the frame failed if there is none. */
static bool reserve(struct wire_buf *b, size_t len)
{
	size_t size = b->size ? b->size : 256;
	char *data;

	if (len <= b->size - b->len)
		return true;
	while (size - b->len < len) {
		if (size > SIZE_MAX / 2) {
			b->failed = ENOMEM;
			return false;
		}
		size *= 2;
	}
	data = realloc(b->data, size);
	if (!data) {
		b->failed = ENOMEM;
		return false;
	}
	b->data = data;
	b->size = size;
	wire_large(data, size);
	return true;
}

static void raw(struct wire_buf *b, const void *data, size_t len)
{
	if (len && reserve(b, len)) {
		memcpy(b->data + b->len, data, len);
		b->len += len;
	}
}

int wire_buf_add(struct wire_buf *b, const void *data, size_t len)
{
	raw(b, data, len);
	if (b->failed) {
		b->failed = 0;
		errno = ENOMEM;
		return -1;
	}
	b->mark = b->len;
	return 0;
}

void wire_buf_consume(struct wire_buf *b, size_t len)
{
	if (!len)
		return;		/* data may be NULL */
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
	b->mark = b->mark > len ? b->mark - len : 0;
}

static void separate(struct wire_buf *b)
{
	if (b->len > b->mark)
		raw(b, " ", 1);
}

static bool plain(unsigned char c)
{
	return c > 0x20 && c != 0x7f && c != '%';
}

/* ESCAPE_BRACE: a word that begins with it could be taken for a count. */
static void escaped(struct wire_buf *b, const char *word, size_t len,
		    bool escape_brace)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t i = 0, start;

	while (i < len) {
		unsigned char c;
		char code[3];

		start = i;
		while (i < len && plain(word[i]) &&
		       !(i == 0 && escape_brace && word[i] == '{'))
			i++;
		raw(b, word + start, i - start);
		if (i == len)
			return;
		c = word[i++];
		if (c == '\0' || c == '\r' || c == '\n') {
			b->failed = EINVAL;
			return;
		}
		code[0] = '%';
		code[1] = digits[c >> 4];
		code[2] = digits[c & 15];
		raw(b, code, sizeof(code));
	}
}

void wire_word_n(struct wire_buf *b, const void *word, size_t len)
{
	separate(b);
	if (len == 0)
		raw(b, "%-", 2);
	else
		escaped(b, word, len, true);
}

void wire_word(struct wire_buf *b, const char *word)
{
	wire_word_n(b, word, strlen(word));
}

void wire_verbatim(struct wire_buf *b, const char *word)
{
	const char *p;

	for (p = word; *p; p++)
		if (!plain(*p))
			b->failed = EINVAL;
	if (p == word)
		b->failed = EINVAL;
	separate(b);
	raw(b, word, p - word);
}

/* Decimal digits of N, written at the end of BUF. */
static const char *decimal(uint64_t n, char buf[21], size_t *len)
{
	char *p = buf + 21;

	do
		*--p = '0' + n % 10;
	while (n /= 10);
	*len = buf + 21 - p;
	return p;
}

void wire_u64(struct wire_buf *b, uint64_t n)
{
	char buf[21];
	size_t len;
	const char *p = decimal(n, buf, &len);

	separate(b);
	raw(b, p, len);
}

static void option_name(struct wire_buf *b, const char *name)
{
	wire_verbatim(b, name);
	raw(b, "=", 1);
}

void wire_opt(struct wire_buf *b, const char *name, const char *value)
{
	option_name(b, name);
	escaped(b, value, strlen(value), false);
}

void wire_opt_u64(struct wire_buf *b, const char *name, uint64_t n)
{
	char buf[21];
	size_t len;
	const char *p = decimal(n, buf, &len);

	option_name(b, name);
	raw(b, p, len);
}

void wire_opt_time(struct wire_buf *b, const char *name, double seconds)
{
	char buf[64];
	int64_t us = (int64_t)(seconds * 1e6 + (seconds < 0 ? -0.5 : 0.5));
	uint64_t n = us < 0 ? -(uint64_t)us : (uint64_t)us;

	/* by integers: printf of a double follows the process's locale */
	snprintf(buf, sizeof(buf), "%s%" PRIu64 ".%06" PRIu64,
		 us < 0 ? "-" : "", n / 1000000, n % 1000000);
	wire_opt(b, name, buf);
}

void wire_text(struct wire_buf *b, const char *text)
{
	size_t len = strlen(text), i, start;

	/* keep the line within its limit whatever the text is */
	if (len > WIRE_LINE_MAX / 2)
		len = WIRE_LINE_MAX / 2;
	separate(b);
	start = b->len;
	raw(b, text, len);
	if (b->failed)
		return;
	for (i = start; i < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20 || b->data[i] == 0x7f)
			b->data[i] = ' ';
}

static int finish(struct wire_buf *b)
{
	if (!b->failed) {
		b->mark = b->len;
		return 0;
	}
	errno = b->failed;
	b->failed = 0;
	b->len = b->mark;
	return -1;
}

/* The line without its payload must be one that a decoder takes. */
static void line_end(struct wire_buf *b)
{
	if (b->len - b->mark + 1 > WIRE_LINE_MAX)
		b->failed = b->failed ? b->failed : E2BIG;
	else if (b->len == b->mark)
		b->failed = EINVAL;
	raw(b, "\n", 1);
}

static void count_end(struct wire_buf *b, uint64_t len)
{
	char buf[21];
	size_t n;
	const char *p = decimal(len, buf, &n);

	separate(b);
	raw(b, "{", 1);
	raw(b, p, n);
	raw(b, "}", 1);
	line_end(b);
}

int wire_end(struct wire_buf *b)
{
	line_end(b);
	return finish(b);
}

int wire_end_payload(struct wire_buf *b, const void *data, size_t len)
{
	count_end(b, len);
	raw(b, data, len);
	raw(b, "\n", 1);
	return finish(b);
}

int wire_end_count(struct wire_buf *b, uint64_t len)
{
	count_end(b, len);
	return finish(b);
}
