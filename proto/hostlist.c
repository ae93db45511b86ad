/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of host names: see hostlist.h; their text is in hostlist_text.c, and
 * what a run is in hostlist_run.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist_run.h"

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

int hostlist_count_digits(uint64_t n)
{
	int digits = 1;

	while (n >= 10) {
		n /= 10;
		digits++;
	}
	return digits;
}

bool hostlist_same_width(int a, int b, uint64_t lo)
{
	int digits = hostlist_count_digits(lo);

	return a == b || (digits >= a && digits >= b);
}

/* Bytes of the longest name of the run. */
static size_t name_len(const struct hostlist_run *run)
{
	int digits = hostlist_count_digits(run->lo + run->count - 1);

	if (!run->suffix)
		return strlen(run->prefix);
	return strlen(run->prefix) + strlen(run->suffix) +
		(digits > run->width ? digits : run->width);
}

/* Takes over the strings of RUN, also on error. */
static int add_run(struct hostlist *list, struct hostlist_run run)
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
		struct hostlist_run *runs = reallocarray(list->runs, size,
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

int hostlist_add_numbers(struct hostlist *list, const char *prefix,
			 size_t prefix_len, const char *suffix, uint64_t lo,
			 size_t count, int width)
{
	struct hostlist_run *last = list->run_count ?
		&list->runs[list->run_count - 1] : NULL;
	struct hostlist_run run = { .lo = lo, .count = count, .width = width };

	if (last && last->suffix && lo == last->lo + last->count &&
	    strlen(last->prefix) == prefix_len &&
	    !memcmp(last->prefix, prefix, prefix_len) &&
	    !strcmp(last->suffix, suffix) &&
	    hostlist_same_width(last->width, width, lo)) {
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

static void format_name(const struct hostlist_run *run, size_t offset,
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

bool hostlist_scan_number(const char *text, size_t *len, uint64_t *value,
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

bool hostlist_name_char(char c)
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
	if (!hostlist_scan_number(a + p, &len_a, &split->a, &split->width_a) ||
	    !hostlist_scan_number(b + p, &len_b, &split->b, &split->width_b) ||
	    strcmp(a + p + len_a, b + p + len_b))
		return false;
	split->prefix_len = p;
	split->suffix = b + p + len_b;
	return true;
}

/* Make a plain name a run of one number, as SPLIT has it. */
static int number_plain(struct hostlist_run *run, const struct split *split)
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
	struct hostlist_run *last = list->run_count ?
		&list->runs[list->run_count - 1] : NULL;
	char name[HOSTLIST_NAME_SIZE];
	struct split split;
	size_t len;

	for (len = 0; hostlist_name_char(host[len]); len++)
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
			return hostlist_add_numbers(list, host,
						    split.prefix_len,
						    split.suffix, split.b, 1,
						    split.width_b);
		}
	}
	return add_run(list, (struct hostlist_run){ .prefix = strdup(host),
					   .count = 1 });
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
static ssize_t place_in(const struct hostlist_run *run, const char *host)
{
	char number[HOSTLIST_NAME_SIZE], name[HOSTLIST_NAME_SIZE];
	size_t prefix_len = strlen(run->prefix), host_len = strlen(host);
	size_t suffix_len, len;
	uint64_t value;
	int width;

	if (!run->suffix)
		return strcmp(run->prefix, host) ? -1 : 0;
	suffix_len = strlen(run->suffix);
	if (host_len <= prefix_len + suffix_len ||
	    host_len >= sizeof(number) ||
	    strncmp(host, run->prefix, prefix_len))
		return -1;
	/* the suffix may begin with digits, too */
	len = host_len - prefix_len - suffix_len;
	memcpy(number, host + prefix_len, len);
	number[len] = '\0';
	if (!hostlist_scan_number(number, &len, &value, &width) ||
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
