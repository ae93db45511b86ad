/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of host names. See hostlist.h and weir-hostlist(5).
 *
 * A run is COUNT names: prefix, a number padded with zeros to WIDTH digits,
 * suffix. A name that has not been found to differ from a neighbour in one
 * number alone is a run by itself, with the whole name as prefix.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"

struct run {
	char *prefix;
	char *suffix;		/* NULL: no number, a plain name */
	uint64_t lo;
	size_t count;
	int width;		/* 0: not padded */
};

struct hostlist {
	struct run *runs;
	size_t run_count;
	size_t size;
	size_t hosts;
};

struct hostlist *hostlist_create(void)
{
	return calloc(1, sizeof(struct hostlist));
}

void hostlist_destroy(struct hostlist *list)
{
	int saved = errno;

	if (list) {
		for (size_t i = 0; i < list->run_count; i++) {
			free(list->runs[i].prefix);
			free(list->runs[i].suffix);
		}
		free(list->runs);
		free(list);
	}
	errno = saved;
}

static int count_digits(uint64_t n)
{
	int digits = 1;

	while (n >= 10) {
		n /= 10;
		digits++;
	}
	return digits;
}

/* Whether LO and all greater numbers look the same padded to A and to B. */
static bool same_width(int a, int b, uint64_t lo)
{
	int digits = count_digits(lo);

	return a == b || (digits >= a && digits >= b);
}

/* Bytes of the longest name of the run. */
static size_t name_len(const struct run *run)
{
	int digits = count_digits(run->lo + run->count - 1);

	if (!run->suffix)
		return strlen(run->prefix);
	return strlen(run->prefix) + strlen(run->suffix) +
		(digits > run->width ? digits : run->width);
}

/* Takes over the strings of RUN, also on error. */
static int add_run(struct hostlist *list, struct run run)
{
	if (!run.prefix) {
		errno = ENOMEM;
		goto fail;
	}
	if (run.count > HOSTLIST_MAX - list->hosts) {
		errno = EOVERFLOW;
		goto fail;
	}
	if (name_len(&run) > HOSTLIST_NAME_MAX) {
		errno = EINVAL;
		goto fail;
	}
	if (list->run_count == list->size) {
		size_t size = list->size ? list->size * 2 : 4;
		struct run *runs = reallocarray(list->runs, size,
						sizeof(*runs));

		if (!runs)
			goto fail;
		list->runs = runs;
		list->size = size;
	}
	list->runs[list->run_count++] = run;
	list->hosts += run.count;
	return 0;
fail:
	free(run.prefix);
	free(run.suffix);
	return -1;
}

/* Add numbered names, to the last run if they continue it. */
static int add_numbers(struct hostlist *list, const char *prefix,
		       size_t prefix_len, const char *suffix, uint64_t lo,
		       size_t count, int width)
{
	struct run *last = list->run_count ?
		&list->runs[list->run_count - 1] : NULL;
	struct run run = { .lo = lo, .count = count, .width = width };

	if (last && last->suffix && lo == last->lo + last->count &&
	    strlen(last->prefix) == prefix_len &&
	    !memcmp(last->prefix, prefix, prefix_len) &&
	    !strcmp(last->suffix, suffix) &&
	    same_width(last->width, width, lo)) {
		run = *last;
		run.count += count;
		if (count > HOSTLIST_MAX - list->hosts) {
			errno = EOVERFLOW;
			return -1;
		}
		if (name_len(&run) > HOSTLIST_NAME_MAX) {
			errno = EINVAL;
			return -1;
		}
		last->count += count;
		list->hosts += count;
		return 0;
	}
	run.prefix = strndup(prefix, prefix_len);
	run.suffix = strdup(suffix);
	if (!run.suffix) {
		free(run.prefix);
		return -1;
	}
	return add_run(list, run);
}

static void format_name(const struct run *run, size_t offset,
			char buf[HOSTLIST_NAME_SIZE])
{
	if (run->suffix)
		snprintf(buf, HOSTLIST_NAME_SIZE, "%s%0*" PRIu64 "%s",
			 run->prefix, run->width, run->lo + offset,
			 run->suffix);
	else
		snprintf(buf, HOSTLIST_NAME_SIZE, "%s", run->prefix);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number at the begin of TEXT. False if there is none or it's too long. */
static bool scan_number(const char *text, size_t *len, uint64_t *value,
			int *width)
{
	size_t n = 0;
	uint64_t v = 0;

	for (; is_digit(text[n]); n++) {
		if (n == HOSTLIST_DIGITS_MAX)
			return false;
		v = v * 10 + (text[n] - '0');
	}
	*len = n;
	*value = v;
	*width = n > 1 && text[0] == '0' ? (int)n : 0;
	return n > 0;
}

static bool is_name_char(char c)
{
	return c > ' ' && c <= '~' && c != '[' && c != ']' && c != ',';
}

/* Where A and B, otherwise equal, have a number each. */
struct split {
	size_t prefix_len;
	const char *suffix;
	uint64_t a, b;
	int width_a, width_b;
};

static bool find_split(const char *a, const char *b, struct split *split)
{
	size_t p = 0, len_a, len_b;

	while (a[p] && a[p] == b[p])
		p++;
	while (p && is_digit(a[p - 1]))
		p--;
	if (!scan_number(a + p, &len_a, &split->a, &split->width_a) ||
	    !scan_number(b + p, &len_b, &split->b, &split->width_b) ||
	    strcmp(a + p + len_a, b + p + len_b))
		return false;
	split->prefix_len = p;
	split->suffix = b + p + len_b;
	return true;
}

/* Make a plain name a run of one number, as SPLIT has it. */
static int number_plain(struct run *run, const struct split *split)
{
	char *suffix = strdup(split->suffix);

	if (!suffix)
		return -1;
	run->prefix[split->prefix_len] = '\0';
	run->suffix = suffix;
	run->lo = split->a;
	run->width = split->width_a;
	return 0;
}

int hostlist_append(struct hostlist *list, const char *host)
{
	struct run *last = list->run_count ?
		&list->runs[list->run_count - 1] : NULL;
	char name[HOSTLIST_NAME_SIZE];
	struct split split;
	size_t len;

	for (len = 0; is_name_char(host[len]); len++)
		;
	if (host[len] || !len || len > HOSTLIST_NAME_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (list->hosts == HOSTLIST_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (last) {
		format_name(last, last->count - 1, name);
		if (find_split(name, host, &split)) {
			if (!last->suffix && number_plain(last, &split) < 0)
				return -1;
			return add_numbers(list, host, split.prefix_len,
					   split.suffix, split.b, 1,
					   split.width_b);
		}
	}
	return add_run(list, (struct run){ .prefix = strdup(host),
					   .count = 1 });
}

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

	if (!scan_number(s->p, &len, value, width))
		return refuse(s, is_digit(*s->p) ? "number too long" :
			      "a number is expected");
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
		if (add_numbers(list, prefix, prefix_len, suffix, lo,
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

	while (is_name_char(*s->p))
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
	for (end = close + 1; is_name_char(*end); end++)
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
static bool shares_brackets(const struct run *first, const struct run *run)
{
	int digits = count_digits(first->lo);
	int padded = digits < first->width ? first->width : 0;
	int len = padded ? padded : digits;

	return run->suffix && !strcmp(run->prefix, first->prefix) &&
	       !strcmp(run->suffix, first->suffix) &&
	       same_width(padded, run->width, run->lo) &&
	       same_width(len, run->width, run->lo);
}

static void print_run(FILE *file, const struct run *run)
{
	fprintf(file, "%0*" PRIu64, run->width, run->lo);
	if (run->count > 1)
		fprintf(file, "-%0*" PRIu64, run->width,
			run->lo + run->count - 1);
}

/* The runs from FIRST on that share brackets; returns how many. */
static size_t print_group(FILE *file, const struct run *first, size_t left)
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

/* ---- access ---- */

size_t hostlist_count(const struct hostlist *list)
{
	return list->hosts;
}

char *hostlist_next(const struct hostlist *list, struct hostlist_iter *it,
		    char buf[HOSTLIST_NAME_SIZE])
{
	if (it->run >= list->run_count)
		return NULL;
	format_name(&list->runs[it->run], it->offset, buf);
	if (++it->offset == list->runs[it->run].count) {
		it->run++;
		it->offset = 0;
	}
	return buf;
}

char *hostlist_nth(const struct hostlist *list, size_t n,
		   char buf[HOSTLIST_NAME_SIZE])
{
	for (size_t i = 0; i < list->run_count; i++) {
		if (n < list->runs[i].count) {
			format_name(&list->runs[i], n, buf);
			return buf;
		}
		n -= list->runs[i].count;
	}
	errno = ENOENT;
	return NULL;
}

/* HOST's place in RUN, or -1. */
static ssize_t place_in(const struct run *run, const char *host)
{
	char name[HOSTLIST_NAME_SIZE];
	size_t prefix_len = strlen(run->prefix), len;
	uint64_t value;
	int width;

	if (!run->suffix)
		return strcmp(run->prefix, host) ? -1 : 0;
	if (strncmp(host, run->prefix, prefix_len) ||
	    !scan_number(host + prefix_len, &len, &value, &width) ||
	    value < run->lo || value - run->lo >= run->count)
		return -1;
	format_name(run, value - run->lo, name);
	return strcmp(name, host) ? -1 : (ssize_t)(value - run->lo);
}

ssize_t hostlist_find(const struct hostlist *list, const char *host)
{
	size_t before = 0;

	for (size_t i = 0; i < list->run_count; i++) {
		ssize_t place = place_in(&list->runs[i], host);

		if (place >= 0)
			return before + place;
		before += list->runs[i].count;
	}
	errno = ENOENT;
	return -1;
}
