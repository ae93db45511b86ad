/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value encoding: see kvenc.h. The encoded bytes are the representation;
 * look-ups walk them, which is right for the few short pairs they hold.
 *
 * A number, boolean or time is legal if and only if it is what the encoder
 * writes for the value that it reads as.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/kvenc.h"

#define SCALAR_SIZE	400	/* the longest double has 317 characters */

struct kvenc {
	size_t len, max;
	char *buf;		/* malloc; never NULL */
};

union scalar {
	int64_t i;		/* and times */
	double d;
	bool b;
};

/* Length in bytes of the UTF-8 character at S, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 :
		   s[0] >> 3 == 30 ? 4 : 0;
	uint32_t code;

	if (n < 2)
		return n;
	code = s[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	return code < least[n] || code > 0x10ffff ||
	       (code >= 0xd800 && code < 0xe000) ? 0 : n;
}

static bool is_utf8(const char *s)
{
	size_t n;

	for (; *s; s += n) {
		n = utf8_length((const unsigned char *)s);
		if (!n)
			return false;
	}
	return true;
}

/* printf and strtod with a point, whatever the program's locale. */
static void format_double(char buf[SCALAR_SIZE], double d)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
	locale_t old = uselocale(c);

	snprintf(buf, SCALAR_SIZE, "%.6f", d);
	uselocale(old);
	freelocale(c);
}

static double scan_double(const char *s)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL);
	locale_t old = uselocale(c);
	double d = strtod(s, NULL);

	uselocale(old);
	freelocale(c);
	return d;
}

static int format_time(char buf[SCALAR_SIZE], int64_t seconds)
{
	time_t t = seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
		errno = EINVAL;
		return -1;
	}
	snprintf(buf, SCALAR_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec);
	return 0;
}

static int64_t scan_time(const char *s)
{
	struct tm tm = { 0 };

	if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return timegm(&tm);
}

/* Text of V in BUF; -1 with EINVAL if the type cannot express it. */
static int scalar_format(enum kvenc_type type, union scalar v,
			 char buf[SCALAR_SIZE])
{
	switch (type) {
	case KVENC_INT:
		snprintf(buf, SCALAR_SIZE, "%" PRIi64, v.i);
		return 0;
	case KVENC_DOUBLE:
		format_double(buf, v.d);
		return 0;
	case KVENC_BOOL:
		strcpy(buf, v.b ? "true" : "false");
		return 0;
	case KVENC_TIME:
		return format_time(buf, v.i);
	case KVENC_STRING:
		break;
	}
	errno = EINVAL;
	return -1;
}

/* The value of TEXT; false if it is not the canonical text of any. */
static bool scalar_scan(enum kvenc_type type, const char *text,
			union scalar *v)
{
	char buf[SCALAR_SIZE];

	if (strlen(text) >= SCALAR_SIZE)
		return false;
	switch (type) {
	case KVENC_INT:
		v->i = strtoll(text, NULL, 10);
		break;
	case KVENC_DOUBLE:
		v->d = scan_double(text);
		break;
	case KVENC_BOOL:
		v->b = text[0] == 't';
		break;
	case KVENC_TIME:
		v->i = scan_time(text);
		break;
	case KVENC_STRING:
		return false;
	}
	return !scalar_format(type, *v, buf) && !strcmp(buf, text);
}

/* The pair at P: its value's type and text, and where the next begins. */
static const char *pair_value(const char *p, char *type, const char **value)
{
	p += strlen(p) + 1;
	*type = p[0];
	*value = p + 1;
	return *value + strlen(*value) + 1;
}

/* Offset of KEY's pair and, in *END, of the one after it; -1 if not there. */
static ssize_t pair_find(const struct kvenc *kv, const char *key, size_t *end)
{
	const char *p = kv->buf, *next, *value;
	char type;

	while (p < kv->buf + kv->len) {
		next = pair_value(p, &type, &value);
		if (!strcmp(p, key)) {
			*end = next - kv->buf;
			return p - kv->buf;
		}
		p = next;
	}
	errno = ENOENT;
	return -1;
}

struct kvenc *kvenc_create(size_t max)
{
	struct kvenc *kv = calloc(1, sizeof(*kv));

	if (!kv)
		return NULL;
	kv->max = max;
	kv->buf = malloc(1);
	if (!kv->buf) {
		free(kv);
		return NULL;
	}
	return kv;
}

void kvenc_destroy(struct kvenc *kv)
{
	int saved = errno;

	if (kv) {
		free(kv->buf);
		free(kv);
	}
	errno = saved;
}

/* Check the pair at byte AT of KV, whose bytes end with a NUL; returns the
 * offset of the next, or -1. */
static ssize_t pair_check(struct kvenc *kv, size_t at, struct proto_error *err)
{
	size_t key_len = strlen(kv->buf + at), len = kv->len, end;
	size_t type_at = at + key_len + 1;
	const char *value;
	union scalar v;
	bool good;

	if (!key_len || !is_utf8(kv->buf + at))
		return proto_error_set(err, EINVAL, "byte %zu: key is %s", at,
				       key_len ? "not UTF-8" : "empty");
	if (type_at >= len || type_at + 1 >= len || !kv->buf[type_at])
		return proto_error_set(err, EINVAL,
				       "byte %zu: key without a value", at);
	kv->len = at;
	good = pair_find(kv, kv->buf + at, &end) < 0;
	kv->len = len;
	if (!good)
		return proto_error_set(err, EINVAL,
				       "byte %zu: key stands twice", at);
	value = kv->buf + type_at + 1;
	if (!strchr("sidbt", kv->buf[type_at]))
		return proto_error_set(err, EINVAL,
				       "byte %zu: unknown type", type_at);
	good = kv->buf[type_at] == KVENC_STRING ? is_utf8(value) :
	       scalar_scan(kv->buf[type_at], value, &v);
	if (!good)
		return proto_error_set(err, EINVAL,
				       "byte %zu: not a value of type '%c'",
				       type_at + 1, kv->buf[type_at]);
	return type_at + 1 + strlen(value) + 1;
}

struct kvenc *kvenc_decode(const void *buf, size_t len, size_t max,
			   struct proto_error *err)
{
	struct kvenc *kv;
	ssize_t at = 0;
	char *bytes;

	if (len > max) {
		proto_error_set(err, E2BIG, "%zu bytes, at most %zu allowed",
				len, max);
		return NULL;
	}
	if (len && ((const char *)buf)[len - 1]) {
		proto_error_set(err, EINVAL, "does not end with a NUL");
		return NULL;
	}
	kv = kvenc_create(max);
	bytes = kv ? realloc(kv->buf, len + 1) : NULL;
	if (!bytes) {
		kvenc_destroy(kv);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (len)
		memcpy(bytes, buf, len);
	kv->buf = bytes;
	kv->len = len;
	while (at >= 0 && (size_t)at < len)
		at = pair_check(kv, at, err);
	if (at < 0) {
		kvenc_destroy(kv);
		return NULL;
	}
	return kv;
}

const char *kvenc_encoded(const struct kvenc *kv, size_t *len)
{
	*len = kv->len;
	return kv->buf;
}

int kvenc_delete(struct kvenc *kv, const char *key)
{
	size_t end;
	ssize_t at = pair_find(kv, key, &end);

	if (at < 0)
		return -1;
	memmove(kv->buf + at, kv->buf + end, kv->len - end);
	kv->len -= end - at;
	return 0;
}

static int put(struct kvenc *kv, const char *key, char type, const char *value)
{
	size_t key_len = strlen(key), value_len = strlen(value), end = 0;
	size_t need = key_len + value_len + 3;
	ssize_t at;
	char *p;

	if (!key_len || !is_utf8(key) || !is_utf8(value)) {
		errno = EINVAL;
		return -1;
	}
	at = pair_find(kv, key, &end);
	if (kv->len - (at < 0 ? 0 : end - at) + need > kv->max) {
		errno = E2BIG;
		return -1;
	}
	/* VALUE may point into the buffer: build a new one */
	p = malloc(kv->len + need);
	if (!p)
		return -1;
	memcpy(p, kv->buf, kv->len);
	memcpy(p + kv->len, key, key_len + 1);
	p[kv->len + key_len + 1] = type;
	memcpy(p + kv->len + key_len + 2, value, value_len + 1);
	free(kv->buf);
	kv->buf = p;
	kv->len += need;
	if (at >= 0) {
		memmove(p + at, p + end, kv->len - end);
		kv->len -= end - at;
	}
	return 0;
}

static int put_scalar(struct kvenc *kv, const char *key, enum kvenc_type type,
		      union scalar v)
{
	char buf[SCALAR_SIZE];

	return scalar_format(type, v, buf) ? -1 : put(kv, key, type, buf);
}

int kvenc_put_string(struct kvenc *kv, const char *key, const char *value)
{
	return put(kv, key, KVENC_STRING, value);
}

int kvenc_put_int(struct kvenc *kv, const char *key, int64_t value)
{
	return put_scalar(kv, key, KVENC_INT, (union scalar){ .i = value });
}

int kvenc_put_double(struct kvenc *kv, const char *key, double value)
{
	return put_scalar(kv, key, KVENC_DOUBLE, (union scalar){ .d = value });
}

int kvenc_put_bool(struct kvenc *kv, const char *key, bool value)
{
	return put_scalar(kv, key, KVENC_BOOL, (union scalar){ .b = value });
}

int kvenc_put_time(struct kvenc *kv, const char *key, int64_t value)
{
	return put_scalar(kv, key, KVENC_TIME, (union scalar){ .i = value });
}

/* Text of KEY's value, which must be of TYPE. */
static const char *get(const struct kvenc *kv, const char *key,
		       enum kvenc_type want)
{
	const char *value;
	char type;
	size_t end;
	ssize_t at = pair_find(kv, key, &end);

	if (at < 0)
		return NULL;
	pair_value(kv->buf + at, &type, &value);
	if (type != (char)want) {
		errno = EINVAL;
		return NULL;
	}
	return value;
}

static int get_scalar(const struct kvenc *kv, const char *key,
		      enum kvenc_type type, union scalar *v)
{
	const char *text = get(kv, key, type);

	if (!text)
		return -1;
	scalar_scan(type, text, v);
	return 0;
}

int kvenc_get_string(const struct kvenc *kv, const char *key,
		     const char **value)
{
	const char *text = get(kv, key, KVENC_STRING);

	if (!text)
		return -1;
	*value = text;
	return 0;
}

int kvenc_get_int(const struct kvenc *kv, const char *key, int64_t *value)
{
	union scalar v;

	if (get_scalar(kv, key, KVENC_INT, &v))
		return -1;
	*value = v.i;
	return 0;
}

int kvenc_get_double(const struct kvenc *kv, const char *key, double *value)
{
	union scalar v;

	if (get_scalar(kv, key, KVENC_DOUBLE, &v))
		return -1;
	*value = v.d;
	return 0;
}

int kvenc_get_bool(const struct kvenc *kv, const char *key, bool *value)
{
	union scalar v;

	if (get_scalar(kv, key, KVENC_BOOL, &v))
		return -1;
	*value = v.b;
	return 0;
}

int kvenc_get_time(const struct kvenc *kv, const char *key, int64_t *value)
{
	union scalar v;

	if (get_scalar(kv, key, KVENC_TIME, &v))
		return -1;
	*value = v.i;
	return 0;
}

const char *kvenc_next(const struct kvenc *kv, const char *key,
		       enum kvenc_type *type)
{
	const char *p = kv->buf, *value;
	char c;

	if (key)
		p = pair_value(key, &c, &value);
	if (p == kv->buf + kv->len)
		return NULL;
	pair_value(p, &c, &value);
	*type = c;
	return p;
}
