/* SPDX-License-Identifier: Apache-2.0 */
/* Decoder of frames: takes bytes in any pieces and gives frames, or says what
 * it refused. What cannot be used is swallowed by count, so that the next
 * frame is found where it begins. weir-protocol(7), FRAMES and Limits. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

#define TAIL	24	/* of a swallowed line: " {1099511627776}\r" fits */

enum state {
	LINE,		/* gathering a line */
	LINE_SWALLOW,	/* the line is too long: to its end */
	PAYLOAD,	/* gathering the payload of frame */
	SWALLOW,	/* throwing away remaining bytes of a payload */
	TERMINATOR,	/* after a gathered payload */
	TERMINATOR_SWALLOW,
	BROKEN,
};

struct wire_decoder {
	enum state state;
	bool requests;
	bool cr_seen;		/* of a terminator */
	uint64_t payload_max;
	uint64_t remaining;	/* bytes of the payload to swallow */
	size_t line_len;
	size_t body_len, body_size;
	char *body;
	struct wire_frame frame;
	int errnum;
	char tag[WIRE_TAG_MAX + 1];
	char text[128];
	char tail[TAIL];
	size_t tail_len;
	char line[WIRE_LINE_MAX + 1];
};

struct wire_decoder *wire_decoder_create(bool requests, uint64_t payload_max)
{
	struct wire_decoder *d = malloc(sizeof(*d));

	if (!d)
		return NULL;
	memset(d, 0, offsetof(struct wire_decoder, line));
	d->requests = requests;
	d->payload_max = payload_max;
	return d;
}

void wire_decoder_destroy(struct wire_decoder *d)
{
	if (d) {
		free(d->body);
		free(d);
	}
}

void wire_decoder_set_payload_max(struct wire_decoder *d, uint64_t max)
{
	d->payload_max = max;
}

int wire_decoder_error(const struct wire_decoder *d, const char **tag,
		       const char **text)
{
	*tag = d->tag;
	*text = d->text;
	return d->errnum;
}

__attribute__((format(printf, 4, 5)))
static enum wire_status refuse(struct wire_decoder *d, enum wire_status status,
			       int errnum, const char *fmt, ...)
{
	va_list ap;

	if (status == WIRE_BROKEN)
		d->state = BROKEN;
	d->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return status;
}

static bool tag_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_';
}

/* Keeps the tag that LINE begins with, or "-" if it is none. */
static bool keep_tag(struct wire_decoder *d, const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && n <= WIRE_TAG_MAX && tag_char(line[n]))
		n++;
	if (n == 0 || n > WIRE_TAG_MAX || (n < len && line[n] != ' ')) {
		strcpy(d->tag, "-");
		return len && line[0] == '-' && (len == 1 || line[1] == ' ');
	}
	memcpy(d->tag, line, n);
	d->tag[n] = '\0';
	return true;
}

static int hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Unescapes WORD in place; its new length, or -1. */
static ssize_t unescape(char *word, size_t len)
{
	char *from = memchr(word, '%', len), *to = from, *end = word + len;

	if (!from)
		return len;
	if (len == 2 && word[1] == '-')
		return 0;
	while (from < end) {
		int high, low;

		if (*from != '%') {
			*to++ = *from++;
			continue;
		}
		if (end - from < 3)
			return -1;
		high = hex(from[1]);
		low = hex(from[2]);
		if (high < 0 || low < 0)
			return -1;
		*to = high << 4 | low;
		if (*to == '\0' || *to == '\r' || *to == '\n')
			return -1;
		to++;
		from += 3;
	}
	return to - word;
}

ssize_t wire_unescape(char *word)
{
	ssize_t len = unescape(word, strlen(word));

	if (len < 0)
		errno = EINVAL;
	else
		word[len] = '\0';
	return len;
}

/* "{N}" gives 1 and the count, a word that begins otherwise 0, else -1. */
static int parse_count(const char *word, size_t len, uint64_t *count)
{
	uint64_t n = 0;
	size_t i;

	if (len == 0 || word[0] != '{')
		return 0;
	if (len < 3 || word[len - 1] != '}')
		return -1;
	for (i = 1; i < len - 1; i++) {
		if (word[i] < '0' || word[i] > '9')
			return -1;
		n = n * 10 + (word[i] - '0');
		if (n > WIRE_COUNT_MAX)
			return -1;
	}
	*count = n;
	return 1;
}

static enum wire_status need_payload(struct wire_decoder *d, uint64_t count)
{
	struct wire_frame *f = &d->frame;

	if (count <= d->payload_max) {
		f->has_payload = true;
		f->payload_len = count;
		d->body_len = 0;
		d->state = PAYLOAD;
		return WIRE_MORE;
	}
	d->remaining = count;
	d->state = SWALLOW;
	return refuse(d, WIRE_BAD, E2BIG,
		      "the payload of %llu bytes is over the limit of %llu",
		      (unsigned long long)count,
		      (unsigned long long)d->payload_max);
}

/* Text of a reply's error begins after the word of index I. */
static int text_after(const struct wire_decoder *d)
{
	const struct wire_frame *f = &d->frame;

	if (d->requests)
		return -1;
	if (f->words == 3 && !strcmp(f->word[1], "err"))
		return 2;
	if (f->words == 4 && !strcmp(f->word[0], "*") &&
	    !strcmp(f->word[2], "end"))
		return 3;
	return -1;
}

/* Takes the line apart. WIRE_MORE: a payload has to come. */
static enum wire_status take_line(struct wire_decoder *d)
{
	struct wire_frame *f = &d->frame;
	char *p = d->line, *end;
	uint64_t count = 0;
	bool counted = false;
	const char *why = NULL;
	size_t i;

	d->state = LINE;
	if (d->requests && d->line_len && d->line[d->line_len - 1] == '\r')
		d->line_len--;
	end = d->line + d->line_len;
	*end = '\0';
	d->line_len = 0;
	memset(f, 0, offsetof(struct wire_frame, word_len));
	f->words = 0;
	f->has_payload = false;
	f->payload = f->rest = NULL;
	f->payload_len = 0;

	if (!keep_tag(d, p, end - p) && (d->requests || *p != '*'))
		why = "it begins with no tag";
	for (i = 0; p + i < end && !why; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			why = "a control character stands in it";
	if (p == end)
		why = "it is empty";

	while (p <= end && p != end + 1) {
		char *space = memchr(p, ' ', end - p);
		size_t len = (space ? space : end) - p;
		ssize_t n;

		if (!space) {
			int is = parse_count(p, len, &count);

			if (is < 0)
				return refuse(d, WIRE_BROKEN, EPROTO,
					      "the count of its payload is no "
					      "number up to 2^40");
			if (is > 0) {
				counted = true;
				break;
			}
		}
		if (why) {	/* only the count still matters */
			if (!space)
				break;
			p = space + 1;
			continue;
		}
		if (len == 0)
			why = "two spaces, or one at an end";
		else if (f->words == WIRE_WORDS_MAX)
			why = "it has over 64 words";
		else if ((n = unescape(p, len)) < 0)
			why = "a % is not followed by two hexadecimal digits "
			      "of an allowed byte";
		else {
			p[n] = '\0';
			f->word[f->words] = p;
			f->word_len[f->words++] = n;
			if (text_after(d) >= 0) {
				f->rest = space ? space + 1 : end;
				return WIRE_FRAME;
			}
		}
		if (!space)
			break;
		p = space + 1;
	}
	if (counted && !why && f->words == 0)
		why = "it begins with no tag";
	if (why) {
		if (counted) {
			d->remaining = count;
			d->state = SWALLOW;
		}
		return refuse(d, WIRE_BAD, EPROTO, "malformed line: %s", why);
	}
	return counted ? need_payload(d, count) : WIRE_FRAME;
}

/* The end of an over-long line has been swallowed. */
static enum wire_status long_line_end(struct wire_decoder *d)
{
	const char *word;
	uint64_t count;
	int is;

	if (d->tail_len && d->requests && d->tail[d->tail_len - 1] == '\r')
		d->tail_len--;
	d->line_len = 0;
	d->state = LINE;
	word = memrchr(d->tail, ' ', d->tail_len);
	if (word) {
		word++;
		is = parse_count(word, d->tail + d->tail_len - word, &count);
		if (is < 0)
			return refuse(d, WIRE_BROKEN, EPROTO,
				      "the count of its payload is no number "
				      "up to 2^40");
		if (is > 0) {
			d->remaining = count;
			d->state = SWALLOW;
		}
	}
	return refuse(d, WIRE_BAD, E2BIG,
		      "the line is over the limit of %d bytes", WIRE_LINE_MAX);
}

static void keep_tail(struct wire_decoder *d, const char *data, size_t len)
{
	size_t keep;

	if (len >= TAIL) {
		memcpy(d->tail, data + len - TAIL, TAIL);
		d->tail_len = TAIL;
		return;
	}
	keep = d->tail_len + len > TAIL ? TAIL - len : d->tail_len;
	memmove(d->tail, d->tail + d->tail_len - keep, keep);
	memcpy(d->tail + keep, data, len);
	d->tail_len = keep + len;
}

static enum wire_status feed_line(struct wire_decoder *d, const char *data,
				  size_t len, size_t *used)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) : len;

	*used = lf ? n + 1 : n;
	if (d->state == LINE_SWALLOW) {
		keep_tail(d, data, n);
		return lf ? long_line_end(d) : WIRE_MORE;
	}
	if (d->line_len + n + 1 > WIRE_LINE_MAX) {
		size_t room = WIRE_LINE_MAX - d->line_len;

		if (room > n)
			room = n;
		memcpy(d->line + d->line_len, data, room);
		keep_tag(d, d->line, d->line_len + room);
		d->tail_len = 0;
		keep_tail(d, d->line, d->line_len + room);
		keep_tail(d, data + room, n - room);
		d->state = LINE_SWALLOW;
		return lf ? long_line_end(d) : WIRE_MORE;
	}
	memcpy(d->line + d->line_len, data, n);
	d->line_len += n;
	return lf ? take_line(d) : WIRE_MORE;
}

static bool body_room(struct wire_decoder *d, size_t len)
{
	size_t size = d->body_size ? d->body_size : 4096;
	char *body;

	/* and a byte for who takes it over */
	if (d->body_len + len < d->body_size)
		return true;
	/* grows with what has come, not with what was announced */
	while (size <= d->body_len + len)
		size *= 2;
	body = realloc(d->body, size);
	if (!body)
		return false;
	d->body = body;
	d->body_size = size;
	wire_large(body, size);
	return true;
}

static enum wire_status feed_payload(struct wire_decoder *d, const char *data,
				     size_t len, size_t *used)
{
	struct wire_frame *f = &d->frame;
	size_t want = f->payload_len - d->body_len;
	size_t n = len < want ? len : want;

	if (d->body_len == 0 && len > want) {
		size_t end = want;

		if (d->requests && data[end] == '\r' && len > end + 1)
			end++;
		if (data[end] == '\n') {
			f->payload = data;
			*used = end + 1;
			d->state = LINE;
			return WIRE_FRAME;
		}
	}
	if (!body_room(d, n)) {
		d->remaining = want;
		d->state = SWALLOW;
		*used = 0;
		return refuse(d, WIRE_BAD, ENOMEM,
			      "no memory for a payload of %zu bytes",
			      f->payload_len);
	}
	if (n)
		memcpy(d->body + d->body_len, data, n);
	d->body_len += n;
	*used = n;
	if (n == want) {
		d->state = TERMINATOR;
		d->cr_seen = false;
	}
	return WIRE_MORE;
}

char *wire_decoder_take_payload(struct wire_decoder *d)
{
	char *body = d->body;

	if (!body || d->frame.payload != body ||
	    d->body_size == d->frame.payload_len)
		return NULL;
	body[d->frame.payload_len] = '\0';
	d->body = NULL;
	d->body_size = 0;
	return body;
}

static enum wire_status feed_terminator(struct wire_decoder *d, char c)
{
	struct wire_frame *f = &d->frame;
	bool swallowed = d->state == TERMINATOR_SWALLOW;

	if (c == '\r' && d->requests && !d->cr_seen) {
		d->cr_seen = true;
		return WIRE_MORE;
	}
	if (c != '\n')
		return refuse(d, WIRE_BROKEN, EPROTO,
			      "no line feed follows the payload");
	d->state = LINE;
	if (swallowed)
		return WIRE_MORE;
	f->payload = d->body ? d->body : "";
	return WIRE_FRAME;
}

enum wire_status wire_decode(struct wire_decoder *d, const char *data,
			     size_t len, size_t *used,
			     struct wire_frame **frame)
{
	enum wire_status status = WIRE_MORE;
	size_t n;

	*used = 0;
	*frame = NULL;
	/* memory of one large payload is not kept for the small ones after */
	if (d->state == LINE && d->body_size > 1 << 20) {
		free(d->body);
		d->body = NULL;
		d->body_size = 0;
	}
	while (*used < len && status == WIRE_MORE) {
		n = 0;
		switch (d->state) {
		case LINE:
		case LINE_SWALLOW:
			status = feed_line(d, data + *used, len - *used, &n);
			break;
		case PAYLOAD:
			status = feed_payload(d, data + *used, len - *used,
					      &n);
			break;
		case SWALLOW:
			n = len - *used < d->remaining ? len - *used :
							 d->remaining;
			d->remaining -= n;
			if (d->remaining == 0) {
				d->state = TERMINATOR_SWALLOW;
				d->cr_seen = false;
			}
			break;
		case TERMINATOR:
		case TERMINATOR_SWALLOW:
			n = 1;
			status = feed_terminator(d, data[*used]);
			break;
		case BROKEN:
			return WIRE_BROKEN;
		}
		*used += n;
	}
	if (status == WIRE_FRAME)
		*frame = &d->frame;
	return status;
}
