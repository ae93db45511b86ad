/* SPDX-License-Identifier: Apache-2.0 */
/* A record of an ended job as a line: numbers in their places, then what has
 * a name. weir-jobs(7), key ended. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/record.h"

enum { MARK_EXCEPTION = 1, MARK_STARTED = 2, MARK_FINISHED = 4 };

/* Places of the numbers, after the word `job'. */
enum { AT_ID = 1, AT_USERID, AT_URGENCY, AT_PRIORITY, AT_FLAGS, AT_RESULT,
       AT_STATUS, AT_SEVERITY, AT_MARKS, AT_NTASKS, AT_NCORES, AT_NNODES,
       AT_DURATION, AT_EXPIRATION, AT_ENTERED, AT_OPTIONS = AT_ENTERED + STATES
};

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "name", offsetof(struct record, name) },
	{ "cwd", offsetof(struct record, cwd) },
	{ "queue", offsetof(struct record, queue) },
	{ "nodelist", offsetof(struct record, nodelist) },
	{ "ranks", offsetof(struct record, ranks) },
	{ "type", offsetof(struct record, exception_type) },
	{ "note", offsetof(struct record, exception_note) },
	{ "resources", offsetof(struct record, resources) },
	{ "memo", offsetof(struct record, memo) },
	{ "array", offsetof(struct record, array) },
	{ "rest", offsetof(struct record, rest) },
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const char **text_of(struct record *r, size_t i)
{
	return (const char **)((char *)r + texts[i].offset);
}

static void put_integer(struct wire_buf *b, long long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", n);
	wire_word(b, text);
}

static void put_real(struct wire_buf *b, double x)
{
	char text[32];

	snprintf(text, sizeof(text), "%.17g", x);
	wire_word(b, text);
}

static void put_origin(struct wire_buf *b, const struct job_origin *origin)
{
	char hex[2 * ENVELOPE_NONCE_BYTES + 1];

	sodium_bin2hex(hex, sizeof(hex), origin->nonce, sizeof(origin->nonce));
	wire_opt(b, "nonce", hex);
	wire_opt_u64(b, "signed", (uint64_t)origin->time);
	wire_opt_u64(b, "expiry", (uint64_t)origin->expiry);
}

int record_encode(struct wire_buf *b, const struct record *r,
		  const struct job_origin *origin)
{
	size_t i, before = b->len;
	const char *text;

	wire_verbatim(b, "job");
	wire_u64(b, r->id);
	wire_u64(b, r->userid);
	wire_u64(b, r->urgency);
	put_integer(b, r->priority);
	put_integer(b, r->flags);
	wire_u64(b, r->result);
	put_integer(b, r->status);
	wire_u64(b, r->exception_severity);
	wire_u64(b, (r->exception ? MARK_EXCEPTION : 0) |
		    (r->started ? MARK_STARTED : 0) |
		    (r->finished ? MARK_FINISHED : 0));
	put_integer(b, r->ntasks);
	put_integer(b, r->ncores);
	put_integer(b, r->nnodes);
	put_real(b, r->duration);
	put_real(b, r->expiration);
	for (i = 0; i < STATES; i++)
		put_integer(b, llround(r->entered[i] * 1e6));
	for (i = 0; i < TEXTS; i++) {
		text = *text_of((struct record *)r, i);
		if (text)
			wire_opt(b, texts[i].name, text);
	}
	if (origin && origin->time > 0)
		put_origin(b, origin);
	if (wire_end(b) < 0)
		return -1;
	if (b->len - before <= WIRE_LINE_MAX)
		return 0;
	b->len = b->mark = before;
	errno = E2BIG;
	return -1;
}

/* ---- decoding ---- */

static int integer(const struct wire_frame *f, int at, long long min,
		   long long max, long long *n)
{
	char *end;

	errno = 0;
	*n = strtoll(f->word[at], &end, 10);
	return errno || end == f->word[at] || *end || *n < min || *n > max ?
	       -1 : 0;
}

static int real(const char *text, double *x)
{
	char *end;

	if (!strcmp(text, "0")) {
		*x = 0;
		return 0;
	}
	*x = strtod(text, &end);
	return end == text || *end || !isfinite(*x) ? -1 : 0;
}

static int get_origin(struct job_origin *o, const char *name,
		      const char *value)
{
	uint64_t n;
	size_t len;

	if (!strcmp(name, "nonce"))
		return sodium_hex2bin(o->nonce, sizeof(o->nonce), value,
				      strlen(value), NULL, &len, NULL) == 0 &&
		       len == sizeof(o->nonce) ? 0 : -1;
	if (strcmp(name, "signed") && strcmp(name, "expiry"))
		return 0;	/* of a later version */
	if (wire_parse_u64(value, &n) < 0 || n > INT64_MAX / 2)
		return -1;
	*(*name == 's' ? &o->time : &o->expiry) = (int64_t)n;
	return 0;
}

static int get_options(const struct wire_frame *f, struct record *r,
		       struct job_origin *o, struct proto_error *err)
{
	char *equals;
	size_t k;
	int i;

	for (i = AT_OPTIONS; i < f->words; i++) {
		equals = strchr(f->word[i], '=');
		if (!equals)
			return proto_error_set(err, EINVAL, "word %d has no "
					       "name", i + 1);
		*equals = '\0';
		for (k = 0; k < TEXTS; k++)
			if (!strcmp(texts[k].name, f->word[i]))
				break;
		if (k < TEXTS)
			*text_of(r, k) = equals + 1;
		else if (get_origin(o, f->word[i], equals + 1) < 0)
			return proto_error_set(err, EINVAL, "%s: \"%.64s\"",
					       f->word[i], equals + 1);
	}
	return 0;
}

static bool good_result(long long result)
{
	return result == RESULT_COMPLETED || result == RESULT_FAILED ||
	       result == RESULT_CANCELED || result == RESULT_TIMEOUT;
}

/* With an exception there is a type: results are made of it. */
static int check(const struct record *r, struct proto_error *err)
{
	if (!r->name || (r->exception && !r->exception_type))
		return proto_error_set(err, EINVAL, "there is no %s",
				       r->name ? "type" : "name");
	return 0;
}

static int get_numbers(const struct wire_frame *f, struct record *r)
{
	long long n[AT_OPTIONS];
	int i, bad = 0;

	for (i = AT_USERID; i < AT_OPTIONS; i++)
		if (i != AT_DURATION && i != AT_EXPIRATION)
			bad |= integer(f, i, i >= AT_ENTERED ? 0 :
				       i == AT_PRIORITY ? 0 : INT32_MIN,
				       i >= AT_ENTERED ? 1LL << 53 :
				       i == AT_USERID || i == AT_PRIORITY ?
				       UINT32_MAX : INT32_MAX, &n[i]);
	if (bad || wire_parse_u64(f->word[AT_ID], &r->id) < 0 ||
	    real(f->word[AT_DURATION], &r->duration) < 0 ||
	    real(f->word[AT_EXPIRATION], &r->expiration) < 0 ||
	    n[AT_USERID] < 0 || n[AT_URGENCY] < 0 || n[AT_URGENCY] > 31 ||
	    n[AT_SEVERITY] < 0 || n[AT_SEVERITY] > 7 ||
	    !good_result(n[AT_RESULT]))
		return -1;
	r->userid = (uid_t)n[AT_USERID];
	r->urgency = (unsigned char)n[AT_URGENCY];
	r->priority = n[AT_PRIORITY];
	r->flags = (int)n[AT_FLAGS];
	r->result = (unsigned char)n[AT_RESULT];
	r->status = (int)n[AT_STATUS];
	r->exception_severity = (unsigned char)n[AT_SEVERITY];
	r->exception = n[AT_MARKS] & MARK_EXCEPTION;
	r->started = n[AT_MARKS] & MARK_STARTED;
	r->finished = n[AT_MARKS] & MARK_FINISHED;
	r->ntasks = (int)n[AT_NTASKS];
	r->ncores = (int)n[AT_NCORES];
	r->nnodes = (int)n[AT_NNODES];
	for (i = 0; i < STATES; i++)
		r->entered[i] = (double)n[AT_ENTERED + i] / 1e6;
	return 0;
}

int record_decode(const struct wire_frame *f, struct record *r,
		  struct job_origin *origin, struct proto_error *err)
{
	memset(r, 0, sizeof(*r));
	memset(origin, 0, sizeof(*origin));
	if (f->words < AT_OPTIONS || f->has_payload ||
	    strcmp(f->word[0], "job"))
		return proto_error_set(err, EINVAL, "it is no record of a job");
	if (get_numbers(f, r) < 0)
		return proto_error_set(err, EINVAL, "a number is out of range");
	if (get_options(f, r, origin, err) < 0)
		return -1;
	return check(r, err);
}
