/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idsets as text: see idset.h and weir-idset(5). A set's runs neither overlap
 * nor touch, so the text made from them is canonical.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/idset.h"

struct scanner {
	const char *text;
	size_t len;
	size_t at;
	struct proto_error *err;
};

static int refuse(const struct scanner *s, const char *what)
{
	return proto_error_set(s->err, EINVAL, "idset '%.*s%s': %s at "
			       "character %zu",
			       s->len > 80 ? 80 : (int)s->len, s->text,
			       s->len > 80 ? "..." : "", what, s->at + 1);
}

static bool at_digit(const struct scanner *s)
{
	return s->at < s->len && s->text[s->at] >= '0' &&
	       s->text[s->at] <= '9';
}

static int scan_id(struct scanner *s, unsigned *id)
{
	unsigned value = 0;

	if (!at_digit(s))
		return refuse(s, s->at < s->len ? "a number is expected" :
			      "a number is missing");
	if (s->text[s->at] == '0') {
		s->at++;
		if (at_digit(s)) {
			s->at--;
			return refuse(s, "leading zero");
		}
		*id = 0;
		return 0;
	}
	for (; at_digit(s); s->at++) {
		unsigned digit = s->text[s->at] - '0';

		if (value > (IDSET_MAX - digit) / 10)
			return refuse(s, "number too large");
		value = value * 10 + digit;
	}
	*id = value;
	return 0;
}

static int scan_run(struct scanner *s, struct idset *set)
{
	size_t start = s->at;
	unsigned lo, hi;

	if (scan_id(s, &lo) < 0)
		return -1;
	hi = lo;
	if (s->at < s->len && s->text[s->at] == '-') {
		s->at++;
		if (scan_id(s, &hi) < 0)
			return -1;
	}
	if (hi < lo) {
		s->at = start;
		return refuse(s, "range runs backwards");
	}
	if (!idset_empty(set) && lo <= idset_last(set)) {
		s->at = start;
		return refuse(s, "number repeated or out of order");
	}
	return idset_range_set(set, lo, hi);
}

static int scan_set(struct scanner *s, struct idset *set)
{
	bool brackets = s->len && s->text[0] == '[';
	size_t end = s->len;

	if (brackets) {
		s->at++;
		if (s->text[s->len - 1] != ']') {
			s->at = s->len;
			return refuse(s, "']' is missing");
		}
		end--;
	}
	if (s->at == end)
		return 0;
	for (;;) {
		if (scan_run(s, set) < 0)
			return -1;
		if (s->at == end)
			return 0;
		if (s->text[s->at] != ',')
			return refuse(s, "unexpected character");
		s->at++;
	}
}

struct idset *idset_decode_n(const char *text, size_t len,
			     struct proto_error *err)
{
	struct scanner s = { text, len, 0, err };
	struct idset *set = idset_create();

	if (!set) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (scan_set(&s, set) < 0) {
		if (errno == ENOMEM)
			proto_error_set(err, ENOMEM, "out of memory");
		idset_destroy(set);
		return NULL;
	}
	return set;
}

struct idset *idset_decode(const char *text, struct proto_error *err)
{
	return idset_decode_n(text, strlen(text), err);
}

char *idset_encode(const struct idset *set, int flags)
{
	bool brackets = (flags & IDSET_BRACKETS) &&
		idset_first(set) != idset_last(set);
	/* Two numbers of at most ten digits, a hyphen and a comma each. */
	size_t count = idset_ranges(set), size = count * 22 + 3;
	char *text = malloc(size), *p = text;

	if (!text)
		return NULL;
	if (brackets)
		*p++ = '[';
	for (size_t i = 0; i < count; i++) {
		unsigned lo, hi;

		idset_range(set, i, &lo, &hi);
		p += sprintf(p, "%s%u", i ? "," : "", lo);
		if (hi > lo)
			p += sprintf(p, "-%u", hi);
	}
	if (brackets)
		*p++ = ']';
	*p = '\0';
	return text;
}
