/* SPDX-License-Identifier: Apache-2.0 */
/* Key-value encoding: vectors both ways, replacement, what is refused. */
#include "config.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "proto/kvenc.h"
#include "t/unit/tap.h"

#define BYTES(s) (s), sizeof(s) - 1	/* the literal without its last NUL */

static void is_encoded(const struct kvenc *kv, const char *want, size_t len,
		       const char *what)
{
	size_t got_len;
	const char *got = kvenc_encoded(kv, &got_len);

	if (!ok(got_len == len && !memcmp(got, want, len), "%s", what))
		diag("got %zu bytes, want %zu", got_len, len);
}

static void test_vectors(void)
{
	static const char all[] =
		"INT_PLUS\0i42\0INT_MIN\0i-9223372036854775808\0"
		"DOUBLE\0d3.000000\0INF\0dinf\0TINY\0d0.000000\0"
		"TRUE\0btrue\0FALSE\0bfalse\0EMPTY_STRING\0s\0"
		"STRING\0sthree ƒ\0TIMESTAMP\0t2023-08-18T14:59:45Z\0";
	struct kvenc *kv = kvenc_create(4096);
	struct proto_error err = { "" };
	const char *s;
	int64_t i;
	double d;
	bool b;

	ok(!kvenc_put_int(kv, "INT_PLUS", 42) &&
	   !kvenc_put_int(kv, "INT_MIN", INT64_MIN) &&
	   !kvenc_put_double(kv, "DOUBLE", 3) &&
	   !kvenc_put_double(kv, "INF", INFINITY) &&
	   !kvenc_put_double(kv, "TINY", DBL_MIN) &&
	   !kvenc_put_bool(kv, "TRUE", true) &&
	   !kvenc_put_bool(kv, "FALSE", false) &&
	   !kvenc_put_string(kv, "EMPTY_STRING", "") &&
	   !kvenc_put_string(kv, "STRING", "three ƒ") &&
	   !kvenc_put_time(kv, "TIMESTAMP", 1692370785), "put every type");
	is_encoded(kv, BYTES(all), "encoded as in the examples");
	kvenc_destroy(kv);

	kv = kvenc_decode(BYTES(all), 4096, &err);
	if (!ok(kv != NULL, "decode them: %s", err.text))
		return;
	is_encoded(kv, BYTES(all), "decoding keeps the bytes");
	ok(!kvenc_get_int(kv, "INT_PLUS", &i) && i == 42, "int");
	ok(!kvenc_get_int(kv, "INT_MIN", &i) && i == INT64_MIN, "least int");
	ok(!kvenc_get_double(kv, "DOUBLE", &d) && d == 3, "double");
	ok(!kvenc_get_double(kv, "INF", &d) && isinf(d), "infinity");
	ok(!kvenc_get_bool(kv, "TRUE", &b) && b, "true");
	ok(!kvenc_get_bool(kv, "FALSE", &b) && !b, "false");
	ok(!kvenc_get_string(kv, "EMPTY_STRING", &s) && !*s, "empty string");
	ok(!kvenc_get_time(kv, "TIMESTAMP", &i) && i == 1692370785, "time");
	errno = 0;
	ok(kvenc_get_double(kv, "INT_PLUS", &d) && errno == EINVAL,
	   "an int is not given as a double");
	errno = 0;
	ok(kvenc_get_int(kv, "TIMESTAMP", &i) && errno == EINVAL,
	   "a time is not given as an int");
	errno = 0;
	ok(kvenc_get_int(kv, "INT", &i) && errno == ENOENT,
	   "the beginning of a key is not the key");
	kvenc_destroy(kv);
}

static void test_change(void)
{
	struct kvenc *kv = kvenc_create(24);
	enum kvenc_type type;
	const char *s;

	ok(!kvenc_next(kv, NULL, &type), "an empty set has no first key");
	is_encoded(kv, "", 0, "and no bytes");
	ok(!kvenc_put_string(kv, "a", "1") && !kvenc_put_int(kv, "b", 2) &&
	   !kvenc_put_string(kv, "a", "345"), "put replaces");
	is_encoded(kv, BYTES("b\0i2\0a\0s345\0"), "the old pair is gone");
	s = kvenc_next(kv, NULL, &type);
	ok(s && !strcmp(s, "b") && type == KVENC_INT, "first key");
	s = kvenc_next(kv, s, &type);
	ok(s && !strcmp(s, "a") && type == KVENC_STRING, "second key");
	ok(!kvenc_next(kv, s, &type), "no third key");
	ok(!kvenc_get_string(kv, "a", &s) && !kvenc_put_string(kv, "a", s),
	   "a value of the set itself may be put");
	is_encoded(kv, BYTES("b\0i2\0a\0s345\0"), "unchanged by that");
	errno = 0;
	ok(kvenc_put_string(kv, "c", "123456789") && errno == E2BIG,
	   "more than the limit is refused");
	ok(!kvenc_put_string(kv, "c", "12345678"), "the limit is not");
	ok(!kvenc_delete(kv, "b"), "delete");
	is_encoded(kv, BYTES("a\0s345\0c\0s12345678\0"), "gone");
	errno = 0;
	ok(kvenc_delete(kv, "b") && errno == ENOENT, "delete what isn't there");
	errno = 0;
	ok(kvenc_put_int(kv, "", 1) && errno == EINVAL, "empty key");
	ok(kvenc_put_int(kv, "\xff", 1) && errno == EINVAL, "key not UTF-8");
	ok(kvenc_put_string(kv, "k", "\xc0\x80") && errno == EINVAL,
	   "value not UTF-8");
	ok(kvenc_put_time(kv, "t", INT64_MAX) && errno == EINVAL,
	   "a time that has no four-digit year");
	kvenc_destroy(kv);
	kvenc_destroy(NULL);
}

static const struct {
	const char *what, *buf;
	size_t len;
} bad[] = {
	{ "no NUL at the end", BYTES("a\0i1") },
	{ "key alone", BYTES("a\0") },
	{ "key and type alone, cut", BYTES("a\0i") },
	{ "no type", BYTES("a\0\0") },
	{ "no value of an int", BYTES("a\0i\0") },
	{ "empty key", BYTES("\0i1\0") },
	{ "only a NUL", BYTES("\0") },
	{ "unknown type", BYTES("a\0x1\0") },
	{ "duplicate key", BYTES("a\0i1\0b\0i1\0a\0s\0") },
	{ "key not UTF-8", BYTES("\x80\0i1\0") },
	{ "string not UTF-8", BYTES("a\0s\xed\xa0\x80\0") },
	{ "string with a cut character", BYTES("a\0s\xc6\0") },
	{ "overlong character", BYTES("a\0s\xe0\x80\xaf\0") },
	{ "character beyond Unicode", BYTES("a\0s\xf4\x90\x80\x80\0") },
	{ "int with a plus", BYTES("a\0i+1\0") },
	{ "int with a zero before", BYTES("a\0i01\0") },
	{ "int with a space", BYTES("a\0i 1\0") },
	{ "int with a letter after", BYTES("a\0i1x\0") },
	{ "negative zero", BYTES("a\0i-0\0") },
	{ "int beyond 64 bits", BYTES("a\0i9223372036854775808\0") },
	{ "double without digits after", BYTES("a\0d3\0") },
	{ "double with seven digits", BYTES("a\0d3.0000000\0") },
	{ "double with a comma", BYTES("a\0d3,000000\0") },
	{ "long word for infinity", BYTES("a\0dinfinity\0") },
	{ "boolean in capitals", BYTES("a\0bTRUE\0") },
	{ "boolean by number", BYTES("a\0b1\0") },
	{ "time without zone", BYTES("a\0t2023-08-18T14:59:45\0") },
	{ "time of another zone", BYTES("a\0t2023-08-18T14:59:45+01\0") },
	{ "31 February", BYTES("a\0t2023-02-31T14:59:45Z\0") },
	{ "hour 24", BYTES("a\0t2023-02-03T24:00:00Z\0") },
	{ "bytes after the last pair", BYTES("a\0i1\0b\0") },
};

static void test_bad(void)
{
	char *copy;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct proto_error err = { "" };
		struct kvenc *kv;

		copy = malloc(bad[i].len);	/* a sanitizer sees its end */
		memcpy(copy, bad[i].buf, bad[i].len);
		errno = 0;
		kv = kvenc_decode(copy, bad[i].len, 4096, &err);
		ok(!kv && errno == EINVAL && *err.text, "refused: %s (%s)",
		   bad[i].what, err.text);
		kvenc_destroy(kv);
		free(copy);
	}
}

static void test_limits(void)
{
	struct proto_error err = { "" };
	struct kvenc *kv;

	errno = 0;
	kv = kvenc_decode(BYTES("a\0i1\0"), 4, &err);
	ok(!kv && errno == E2BIG, "refused: over the limit (%s)", err.text);
	kv = kvenc_decode(BYTES("a\0i1\0"), 5, &err);
	ok(kv != NULL, "a set at the limit is decoded");
	kvenc_destroy(kv);
	kv = kvenc_decode(NULL, 0, 0, NULL);
	ok(kv != NULL, "no bytes are an empty set");
	kvenc_destroy(kv);
}

int main(void)
{
	test_vectors();
	test_change();
	test_bad();
	test_limits();
	return done();
}
