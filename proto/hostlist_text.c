/* SPDX-License-Identifier: Apache-2.0 */
/* Hostlists as text: see hostlist.h and weir-hostlist(5). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist_run.h"

/* ---- text to list ---- */

struct scanner {
	const char *text;
	const char *p;
	struct proto_error *err;
};

static int refuse(const struct scanner *s, const char *what)
{
	return proto_error_set(s->err, EINVAL, "hostlist '%.80s%s': %s at "
			       "character %td", s->text,
			       strlen(s->text) > 80 ? "..." : "", what,
			       s->p - s->text + 1);
}

/* What adding names at P failed of. */
static int explain(const struct scanner *s)
{
	if (errno == EOVERFLOW)
		return proto_error_set(s->err, EOVERFLOW, "hostlist '%.80s': "
				       "more than %u hosts", s->text,
				       HOSTLIST_MAX);
	if (errno == EINVAL)
		return refuse(s, "name too long");
	return proto_error_set(s->err, ENOMEM, "out of memory");
}

static int scan_bracketed(struct scanner *s, uint64_t *value, int *width)
{
	size_t len;

	if (!hostlist_scan_number(s->p, &len, value, width))
		return refuse(s, *s->p >= '0' && *s->p <= '9' ?
			      "number too long" : "a number is expected");
	s->p += len;
	return 0;
}

/* "1-3,7]" up to the bracket; the first number's zeros hold for all. */
static int scan_numbers(struct scanner *s, struct hostlist *list,
			const char *prefix, size_t prefix_len,
			const char *suffix)
{
	int width = -1, w = 0;
	uint64_t lo = 0, hi;

	for (;;) {
		if (scan_bracketed(s, &lo, &w) < 0)
			return -1;
		if (width < 0)
			width = w;
		hi = lo;
		if (*s->p == '-') {
			s->p++;
			if (scan_bracketed(s, &hi, &w) < 0)
				return -1;
		}
		if (hi < lo)
			return refuse(s, "range runs backwards");
		if (hi - lo >= HOSTLIST_MAX) {
			errno = EOVERFLOW;
			return explain(s);
		}
		if (hostlist_add_numbers(list, prefix, prefix_len, suffix, lo,
				hi - lo + 1, width) < 0)
			return explain(s);
		if (*s->p == ']')
			return 0;
		if (*s->p != ',')
			return refuse(s, *s->p ? "unexpected character" :
				      "']' is missing");
		s->p++;
	}
}

/* One expression: prefix, perhaps numbers in brackets, suffix. */
static int scan_expression(struct scanner *s, struct hostlist *list)
{
	const char *prefix = s->p, *close, *end;
	char *copy;
	int rc;

	while (hostlist_name_char(*s->p))
		s->p++;
	if (*s->p != '[') {
		if (s->p == prefix)
			return refuse(s, "a name is expected");
		copy = strndup(prefix, s->p - prefix);
		rc = copy ? hostlist_append(list, copy) : -1;
		free(copy);
		return rc < 0 ? explain(s) : 0;
	}
	close = strchr(s->p, ']');
	if (!close)
		return refuse(s, "']' is missing for '['");
	for (end = close + 1; hostlist_name_char(*end); end++)
		;
	copy = strndup(close + 1, end - close - 1);
	if (!copy)
		return explain(s);
	s->p++;
	rc = scan_numbers(s, list, prefix, s->p - 1 - prefix, copy);
	free(copy);
	if (rc == 0)
		s->p = end;
	return rc;
}

int hostlist_decode_append(struct hostlist *list, const char *text,
			   struct proto_error *err)
{
	struct scanner s = { text, text, err };

	if (!*text)
		return 0;
	for (;;) {
		if (scan_expression(&s, list) < 0)
			return -1;
		if (!*s.p)
			return 0;
		if (*s.p != ',')
			return refuse(&s, "unexpected character");
		s.p++;
	}
}

struct hostlist *hostlist_decode(const char *text, struct proto_error *err)
{
	struct hostlist *list = hostlist_create();

	if (!list) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (hostlist_decode_append(list, text, err) < 0) {
		hostlist_destroy(list);
		return NULL;
	}
	return list;
}

/* ---- list to text ---- */

/*
 * Whether RUN may stand in the brackets that FIRST opens. The reader pads
 * all numbers as the first is padded, and a reader of another make may take
 * the first one's length for the width even if it has no leading zero.
 */
static bool shares_brackets(const struct hostlist_run *first,
			    const struct hostlist_run *run)
{
	int digits = hostlist_count_digits(first->lo);
	int padded = digits < first->width ? first->width : 0;
	int len = padded ? padded : digits;

	return run->suffix && !strcmp(run->prefix, first->prefix) &&
	       !strcmp(run->suffix, first->suffix) &&
	       hostlist_same_width(padded, run->width, run->lo) &&
	       hostlist_same_width(len, run->width, run->lo);
}

static void print_run(FILE *file, const struct hostlist_run *run)
{
	fprintf(file, "%0*" PRIu64, run->width, run->lo);
	if (run->count > 1)
		fprintf(file, "-%0*" PRIu64, run->width,
			run->lo + run->count - 1);
}

/* The runs from FIRST on that share brackets; returns how many. */
static size_t print_group(FILE *file, const struct hostlist_run *first,
			  size_t left)
{
	bool brackets;
	size_t n = 1;

	if (!first->suffix) {
		fputs(first->prefix, file);
		return 1;
	}
	while (n < left && shares_brackets(first, &first[n]))
		n++;
	brackets = n > 1 || first->count > 1;
	fprintf(file, "%s%s", first->prefix, brackets ? "[" : "");
	for (size_t i = 0; i < n; i++) {
		if (i)
			fputc(',', file);
		print_run(file, &first[i]);
	}
	fprintf(file, "%s%s", brackets ? "]" : "", first->suffix);
	return n;
}

char *hostlist_encode(const struct hostlist *list)
{
	char *text = NULL;
	size_t size, i = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	while (i < list->run_count) {
		if (i)
			fputc(',', file);
		i += print_group(file, &list->runs[i], list->run_count - i);
	}
	if (fclose(file) < 0) {
		free(text);
		return NULL;
	}
	return text;
}
