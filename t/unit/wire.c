/* SPDX-License-Identifier: Apache-2.0 */
/* The wire codec: a conversation decoded whole, byte by byte and in every two
 * pieces gives the same; refused frames leave the stream in step; the encoder
 * lets no separator through; limits at their edge. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"
#include "t/unit/tap.h"

/* What a decoder makes of DATA, as text; pieces end at SPLIT, or each is
 * STEP bytes long. */
static char *transcript(bool requests, uint64_t max, const char *data,
			size_t len, size_t split, size_t step)
{
	struct wire_decoder *d = wire_decoder_create(requests, max);
	char *text = NULL;
	size_t size = 0, at = 0;
	FILE *out = open_memstream(&text, &size);
	enum wire_status status = WIRE_MORE;

	while (at < len && status != WIRE_BROKEN) {
		size_t end = step ? at + step : at < split ? split : len;
		char *piece;
		size_t n, used = 0;

		if (end > len)
			end = len;
		/* a copy of its own, so that reading beyond is caught */
		n = end - at;
		piece = malloc(n ? n : 1);
		memcpy(piece, data + at, n);
		while (used < n) {
			struct wire_frame *f;
			const char *tag, *why;
			size_t took;
			int i;

			status = wire_decode(d, piece + used, n - used, &took,
					     &f);
			used += took;
			if (status == WIRE_FRAME) {
				for (i = 0; i < f->words; i++)
					fprintf(out, "[%s]", f->word[i]);
				if (f->rest)
					fprintf(out, "rest<%s>", f->rest);
				if (f->has_payload)
					fprintf(out, "{%.*s}",
						(int)f->payload_len,
						f->payload);
				fputc('\n', out);
			} else if (status != WIRE_MORE) {
				int e = wire_decoder_error(d, &tag, &why);

				fprintf(out, "%s %s %s\n",
					status == WIRE_BAD ? "bad" : "broken",
					tag, wire_code(e));
				if (status == WIRE_BROKEN)
					break;
			}
		}
		free(piece);
		at = end;
	}
	fclose(out);
	wire_decoder_destroy(d);
	return text;
}

static void same_however_split(bool requests, uint64_t max, const char *data,
			       size_t len, const char *want, const char *what)
{
	char *whole = transcript(requests, max, data, len, len, 0);
	char *bytes = transcript(requests, max, data, len, 0, 1);
	size_t split, differ = 0;

	is_str(whole, want, what);
	ok(!strcmp(whole, bytes), "%s: byte by byte", what);
	for (split = 1; split < len && len < 4096; split++) {
		char *two = transcript(requests, max, data, len, split, 0);

		differ += strcmp(two, whole) != 0;
		free(two);
	}
	is_int(differ, 0, "in any two pieces");
	free(whole);
	free(bytes);
}

static void case_is(bool requests, const char *data, const char *want,
		    const char *what)
{
	same_however_split(requests, 10, data, strlen(data), want, what);
}

static void requests(void)
{
	case_is(true, "1 hello 1\n2 put primary a.b {5}\nhello\n3 quit\r\n",
		"[1][hello][1]\n[2][put][primary][a.b]{hello}\n[3][quit]\n",
		"plain requests");
	case_is(true, "1 put - k {2}\r\nab\r\n2 ping\r\n",
		"[1][put][-][k]{ab}\n[2][ping]\n", "line ends with CR LF");
	case_is(true, "1 put - k {3}\na\nb\n- ping\n",
		"[1][put][-][k]{a\nb}\n[-][ping]\n", "line feed in payload");
	case_is(true, "1 put - k {0}\n\n2 ping\n",
		"[1][put][-][k]{}\n[2][ping]\n", "empty payload");
	case_is(true, "1 x a%20b %- %25 %7B5} n=%C3%A9\n",
		"[1][x][a b][][%][{5}][n=\303\251]\n", "escapes");
	case_is(true, "1 x {5} y\n", "[1][x][{5}][y]\n",
		"a count that is not last is a word");
	case_is(true, "1 err no such thing\n", "[1][err][no][such][thing]\n",
		"err is special in replies only");
}

static void refused(void)
{
	case_is(true, "\n1 ping\n", "bad - EPROTO\n[1][ping]\n", "empty line");
	case_is(true, "1  ping\n2 ping\n", "bad 1 EPROTO\n[2][ping]\n",
		"two spaces");
	case_is(true, "1 ping \n2 ping\n", "bad 1 EPROTO\n[2][ping]\n",
		"space at the end");
	case_is(true, "1 a%2\n2 ping\n", "bad 1 EPROTO\n[2][ping]\n",
		"half an escape");
	case_is(true, "1 a%0A\n2 ping\n", "bad 1 EPROTO\n[2][ping]\n",
		"an escaped line feed");
	case_is(true, "1 a%00\n2 ping\n", "bad 1 EPROTO\n[2][ping]\n",
		"an escaped NUL");
	case_is(true, "1 a\tb {3}\nxyz\n2 ping\n", "bad 1 EPROTO\n[2][ping]\n",
		"a tab; its payload is skipped");
	case_is(true, "!? ping {3}\nxyz\n2 ping\n", "bad - EPROTO\n[2][ping]\n",
		"no tag; its payload is skipped");
	case_is(true, "12345678901234567 ping\n2 ping\n",
		"bad - EPROTO\n[2][ping]\n", "tag of 17 characters");
	case_is(true, "1 put - k {11}\n12345678901\n2 ping\n",
		"bad 1 E2BIG\n[2][ping]\n", "payload over the limit");
	case_is(true, "1 put - k {10}\n1234567890\n2 ping\n",
		"[1][put][-][k]{1234567890}\n[2][ping]\n",
		"payload at the limit");
	case_is(true, "1 put - k {2}\nabc\n", "broken 1 EPROTO\n",
		"payload longer than its count");
	case_is(true, "1 put - k {20}\n12345678901234567890x\n",
		"bad 1 E2BIG\nbroken 1 EPROTO\n",
		"skipped payload longer than its count");
	case_is(true, "1 put - k {-1}\n", "broken 1 EPROTO\n", "count -1");
	case_is(true, "1 put - k {}\n", "broken 1 EPROTO\n", "count empty");
	case_is(true, "1 put - k {1099511627777}\n", "broken 1 EPROTO\n",
		"count over 2^40");
	case_is(true, "1 put - k {1099511627776}\nabc", "bad 1 E2BIG\n",
		"count 2^40");
}

static void replies(void)
{
	case_is(false, "1 ok version=3 {2}\nhi\n* 7 value version=3 {1}\nx\n",
		"[1][ok][version=3]{hi}\n[*][7][value][version=3]{x}\n",
		"reply and push");
	case_is(false, "1 err ENOENT no such key: a %zz {5}\n",
		"[1][err][ENOENT]rest<no such key: a %zz {5}>\n",
		"an error's text is taken as it is");
	case_is(false, "* w end ESTALE history starts at 5\n",
		"[*][w][end][ESTALE]rest<history starts at 5>\n",
		"the text of an end");
	case_is(false, "1 err ENOENT\n", "[1][err][ENOENT]rest<>\n",
		"an error without text");
}

static void long_lines(void)
{
	size_t len = WIRE_LINE_MAX;
	char *line = malloc(len + 64), *text;

	memset(line, 'x', len);
	memcpy(line, "7 ", 2);
	strcpy(line + len - 1, "\n8 ping\n");
	text = transcript(true, 10, line, strlen(line), 0, 1000);
	ok(strstr(text, "[7][xxx") && strstr(text, "]\n[8][ping]\n"),
	   "a line of %zu bytes is taken", len);
	free(text);

	line[len - 1] = 'x';
	strcpy(line + len, "\n8 ping\n");
	same_however_split(true, 10, line, strlen(line),
			   "bad 7 E2BIG\n[8][ping]\n", "one byte more is not");

	strcpy(line + len, " {3}\nabc\n8 ping\n");
	same_however_split(true, 10, line, strlen(line),
			   "bad 7 E2BIG\n[8][ping]\n",
			   "its payload is skipped");
	strcpy(line + len, " {3x}\nabc\n8 ping\n");
	same_however_split(true, 10, line, strlen(line), "broken 7 EPROTO\n",
			   "its count is wrong");
	free(line);
}

static void many_words(void)
{
	char line[512] = "1";
	char *text;
	int i;

	for (i = 1; i < WIRE_WORDS_MAX; i++)
		strcat(line, " w");
	strcat(line, "\n");
	text = transcript(true, 10, line, strlen(line), 0, 1000);
	ok(!strncmp(text, "[1][w]", 6), "64 words");
	free(text);
	strcpy(strchr(line, '\n'), " w\n2 ping\n");
	text = transcript(true, 10, line, strlen(line), 0, 1000);
	is_str(text, "bad 1 EPROTO\n[2][ping]\n", "65 words");
	free(text);
}

static void encoding(void)
{
	struct wire_buf b;
	char *big;

	wire_buf_init(&b);
	wire_verbatim(&b, "t1");
	wire_verbatim(&b, "put");
	wire_word(&b, "a b");
	wire_word(&b, "");
	wire_word(&b, "{5}");
	wire_word(&b, "100%");
	wire_opt(&b, "name", "x y");
	wire_opt(&b, "empty", "");
	wire_opt_u64(&b, "n", UINT64_MAX);
	wire_opt_time(&b, "t", 1795396917.25);
	wire_u64(&b, 0);
	is_int(wire_end_payload(&b, "pay\nload", 8), 0, "a frame is encoded");
	wire_buf_add(&b, "", 1);
	is_str(b.data, "t1 put a%20b %- %7B5} 100%25 name=x%20y empty= "
	       "n=18446744073709551615 t=1795396917.250000 0 {8}\n"
	       "pay\nload\n", "as expected");
	wire_buf_reset(&b);

	wire_verbatim(&b, "1");
	is_int(wire_end(&b), 0, "a first frame");
	wire_verbatim(&b, "2");
	wire_word(&b, "a\nb");
	errno = 0;
	ok(wire_end(&b) < 0 && errno == EINVAL, "a line feed is refused");
	wire_word_n(&b, "a\0b", 3);
	ok(wire_end(&b) < 0 && errno == EINVAL, "a NUL is refused");
	wire_opt(&b, "o", "a\rb");
	ok(wire_end(&b) < 0 && errno == EINVAL, "a CR is refused");
	wire_verbatim(&b, "a b");
	ok(wire_end(&b) < 0 && errno == EINVAL, "a space in a verbatim word");
	ok(b.len == 2 && !memcmp(b.data, "1\n", 2),
	   "the first frame is still there, alone");
	wire_verbatim(&b, "1");
	wire_verbatim(&b, "err");
	wire_verbatim(&b, "EIO");
	wire_text(&b, "a\nforged line\r\n");
	is_int(wire_end(&b), 0, "text for people");
	ok(!memcmp(b.data + 2, "1 err EIO a forged line  \n", 26),
	   "its separators became spaces");
	wire_buf_reset(&b);

	big = malloc(WIRE_LINE_MAX + 1);
	memset(big, 'x', WIRE_LINE_MAX);
	big[WIRE_LINE_MAX - 1] = '\0';
	wire_word(&b, big);
	is_int(wire_end(&b), 0, "a line at the limit");
	big[WIRE_LINE_MAX - 1] = 'x';
	big[WIRE_LINE_MAX] = '\0';
	wire_word(&b, big);
	ok(wire_end(&b) < 0 && errno == E2BIG, "one byte over it");
	free(big);
	wire_buf_free(&b);
}

static void numbers(void)
{
	uint64_t n;
	double s;

	ok(!wire_parse_u64("18446744073709551615", &n) && n == UINT64_MAX,
	   "2^64-1");
	ok(wire_parse_u64("18446744073709551616", &n) < 0, "2^64");
	ok(wire_parse_u64("", &n) < 0 && wire_parse_u64("-1", &n) < 0 &&
	   wire_parse_u64("1x", &n) < 0 && wire_parse_u64("+1", &n) < 0,
	   "what is no number");
	ok(!wire_parse_seconds("1.25", &s) && s == 1.25, "seconds");
	ok(!wire_parse_seconds("3", &s) && s == 3, "whole seconds");
	ok(wire_parse_seconds("1e3", &s) < 0 && wire_parse_seconds("", &s) < 0
	   && wire_parse_seconds("-1", &s) < 0 &&
	   wire_parse_seconds("inf", &s) < 0, "what is no time");
}

int main(void)
{
	requests();
	refused();
	replies();
	long_lines();
	many_words();
	encoding();
	numbers();
	return done();
}
