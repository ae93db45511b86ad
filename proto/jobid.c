/* SPDX-License-Identifier: Apache-2.0 */
/* Job ids: generator and textual forms. See jobid.h and weir-jobid(5). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/jobid.h"
#include "proto/jobid_emoji.h"

#define SEQUENCE_BITS	10
#define TIME_SHIFT	24
#define TIME_MAX	((UINT64_C(1) << 40) - 1)
#define SEQUENCE_MAX	((1u << SEQUENCE_BITS) - 1)
#define LOW_BITS	((UINT64_C(1) << TIME_SHIFT) - 1)

#define F58_PREFIX	"\xc6\x92"	/* U+0192, f with hook */

static const char base58[] =
	"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char hexdigits[] = "0123456789abcdef";

static const struct {
	const char *name;
	enum jobid_form form;
} forms[] = {
	{ "dec", JOBID_DEC },
	{ "hex", JOBID_HEX },
	{ "dothex", JOBID_DOTHEX },
	{ "kvs", JOBID_KVS },
	{ "f58", JOBID_F58 },
	{ "f58plain", JOBID_F58PLAIN },
	{ "emoji", JOBID_EMOJI },
};

int jobid_gen_init(struct jobid_gen *gen, uint64_t epoch_ms,
		   uint32_t generator, uint64_t highest)
{
	if (generator >= JOBID_GENERATORS) {
		errno = EINVAL;
		return -1;
	}
	/* HIGHEST's whole millisecond counts as used: other sequence numbers
	 * of it may have been given out and be lost to us. */
	*gen = (struct jobid_gen){
		.epoch_ms = epoch_ms,
		.generator = generator,
		.last_ms = highest >> TIME_SHIFT,
		.sequence = SEQUENCE_MAX,
	};
	return 0;
}

int jobid_gen_next(struct jobid_gen *gen, uint64_t now_ms, uint64_t *id)
{
	uint64_t ms = now_ms > gen->epoch_ms ? now_ms - gen->epoch_ms : 0;
	uint32_t sequence = 0;

	if (ms <= gen->last_ms) {
		ms = gen->last_ms;
		if (gen->sequence < SEQUENCE_MAX)
			sequence = gen->sequence + 1;
		else
			ms++;
	}
	if (ms > TIME_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	gen->last_ms = ms;
	gen->sequence = sequence;
	*id = ms << TIME_SHIFT | (uint64_t)gen->generator << SEQUENCE_BITS
		| sequence;
	return 0;
}

int jobid_gen_array(struct jobid_gen *gen, uint64_t now_ms, uint64_t *id)
{
	if (gen->generator != 0) {
		errno = EINVAL;
		return -1;
	}
	/* in a millisecond of its own */
	gen->sequence = SEQUENCE_MAX;
	return jobid_gen_next(gen, now_ms, id);
}

/* ---- elements of arrays ---- */

int jobid_element(uint64_t array, uint32_t index, uint64_t *id)
{
	if (!array || array & LOW_BITS || index > JOBID_INDEX_MAX) {
		errno = EINVAL;
		return -1;
	}
	*id = array + SEQUENCE_MAX + 1 + index;
	return 0;
}

bool jobid_is_element(uint64_t id, uint64_t *array, uint32_t *index)
{
	uint64_t low = id & LOW_BITS;

	if (low <= SEQUENCE_MAX || low == id)
		return false;
	*array = id - low;
	*index = (uint32_t)(low - SEQUENCE_MAX - 1);
	return true;
}

/* ---- forms ---- */

/* Add one digit; false when the value leaves 64 bits. */
static bool push_digit(uint64_t *value, unsigned base, unsigned digit)
{
	return !__builtin_mul_overflow(*value, (uint64_t)base, value) &&
	       !__builtin_add_overflow(*value, (uint64_t)digit, value);
}

struct span {
	const char *text;
	size_t len;
	const char *whole;	/* what the user typed, for messages */
};

/* Digits of the alphabet, the most significant first; hex in either case. */
static int parse_digits(struct span s, const char *alphabet, unsigned base,
			uint64_t *id, struct proto_error *err)
{
	uint64_t value = 0;

	if (!s.len)
		return proto_error_set(err, EINVAL,
				       "job id '%.80s': no digits", s.whole);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.text[i];
		const char *digit;

		if (base == 16 && c >= 'A' && c <= 'F')
			c += 'a' - 'A';
		digit = memchr(alphabet, c, base);

		if (!digit)
			return proto_error_set(err, EINVAL, "job id '%.80s': "
				"wrong character at position %td", s.whole,
				s.text + i - s.whole + 1);
		if (!push_digit(&value, base, digit - alphabet))
			return proto_error_set(err, EOVERFLOW, "job id '%.80s' "
				"does not fit 64 bits", s.whole);
	}
	*id = value;
	return 0;
}

/* Four groups of four lower-case digits, dots between them. */
static int parse_dothex(struct span s, uint64_t *id, struct proto_error *err)
{
	char digits[17];
	size_t n = 0;

	if (s.len != 19)
		goto malformed;
	for (size_t i = 0; i < s.len; i++) {
		if (i % 5 != 4)
			digits[n++] = s.text[i];
		else if (s.text[i] != '.')
			goto malformed;
	}
	for (size_t i = 0; i < n; i++)
		if (!memchr(hexdigits, digits[i], 16))
			goto malformed;
	return parse_digits((struct span){ digits, n, s.whole }, hexdigits, 16,
			    id, err);
malformed:
	return proto_error_set(err, EINVAL, "job id '%.80s': want four groups "
			       "of four lower-case hex digits", s.whole);
}

/* The most significant first, as in every form. */
static int parse_emoji(struct span s, uint64_t *id, struct proto_error *err)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < s.len; i += 4) {
		int digit = jobid_emoji_find(s.text + i, s.len - i);

		if (digit < 0)
			return proto_error_set(err, EINVAL, "job id '%.80s': "
				"emoji %zu is none of the 576 of job ids",
				s.whole, i / 4 + 1);
		if (!push_digit(&value, JOBID_EMOJI_BASE, (unsigned)digit))
			return proto_error_set(err, EOVERFLOW, "job id '%.80s' "
				"does not fit 64 bits", s.whole);
	}
	*id = value;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
	       c == '\v' || c == '\f';
}

static bool strip(struct span *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->text, prefix, len))
		return false;
	s->text += len;
	s->len -= len;
	return true;
}

static int parse_plain(struct span s, uint64_t *id, struct proto_error *err)
{
	if (memchr(s.text, '.', s.len)) {
		strip(&s, "job.");
		return parse_dothex(s, id, err);
	}
	if (memchr(s.text, '-', s.len))
		return proto_error_set(err, ENOTSUP, "job id '%.80s': the word "
				       "form is not supported", s.whole);
	if (strip(&s, F58_PREFIX) || strip(&s, "f"))
		return parse_digits(s, base58, 58, id, err);
	if (s.len > 1 && !memcmp(s.text, "\xf0\x9f", 2))
		return parse_emoji(s, id, err);
	if (strip(&s, "0x"))
		return parse_digits(s, hexdigits, 16, id, err);
	return parse_digits(s, "0123456789", 10, id, err);
}

/* ARRAY[INDEX] */
static int parse_element(struct span s, uint64_t *id, struct proto_error *err)
{
	const char *open = memchr(s.text, '[', s.len);
	struct span index;
	uint64_t array, n;

	if (!open)
		return proto_error_set(err, EINVAL, "job id '%.80s': there is "
				       "no [ to the ]", s.whole);
	index = (struct span){ open + 1, s.text + s.len - open - 2, s.whole };
	s.len = open - s.text;
	if (!s.len)
		return proto_error_set(err, EINVAL, "job id '%.80s': there is "
				       "no array's id", s.whole);
	if (parse_plain(s, &array, err) < 0 ||
	    parse_digits(index, "0123456789", 10, &n, err) < 0)
		return -1;
	if (n > JOBID_INDEX_MAX)
		return proto_error_set(err, EINVAL, "job id '%.80s': an index "
				       "is at most %d", s.whole,
				       JOBID_INDEX_MAX);
	if (jobid_element(array, (uint32_t)n, id) < 0)
		return proto_error_set(err, EINVAL, "job id '%.80s': what is "
				       "before the [ is no array's id",
				       s.whole);
	return 0;
}

int jobid_parse(const char *text, uint64_t *id, struct proto_error *err)
{
	struct span s = { text, strlen(text), text };

	while (s.len && is_blank(s.text[0])) {
		s.text++;
		s.len--;
	}
	while (s.len && is_blank(s.text[s.len - 1]))
		s.len--;
	if (!s.len)
		return proto_error_set(err, EINVAL, "job id is empty");
	return s.text[s.len - 1] == ']' ? parse_element(s, id, err) :
	       parse_plain(s, id, err);
}

static char *encode_f58(uint64_t id, const char *prefix, char buf[JOBID_SIZE])
{
	char digits[12];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = base58[id % 58];
		id /= 58;
	} while (id);
	snprintf(buf, JOBID_SIZE, "%s%s", prefix, p);
	return buf;
}

static char *encode_emoji(uint64_t id, char buf[JOBID_SIZE])
{
	uint64_t rest = id;
	size_t len = 0;

	do
		len += 4;
	while (rest /= JOBID_EMOJI_BASE);
	buf[len] = '\0';
	for (; len > 0; len -= 4, id /= JOBID_EMOJI_BASE)
		jobid_emoji_put(id % JOBID_EMOJI_BASE, buf + len - 4);
	return buf;
}

char *jobid_encode(uint64_t id, enum jobid_form form, char buf[JOBID_SIZE])
{
	switch (form) {
	case JOBID_DEC:
		snprintf(buf, JOBID_SIZE, "%" PRIu64, id);
		return buf;
	case JOBID_HEX:
		snprintf(buf, JOBID_SIZE, "0x%" PRIx64, id);
		return buf;
	case JOBID_DOTHEX:
	case JOBID_KVS:
		snprintf(buf, JOBID_SIZE, "%s%04x.%04x.%04x.%04x",
			 form == JOBID_KVS ? "job." : "",
			 (unsigned)(id >> 48), (unsigned)(id >> 32) & 0xffff,
			 (unsigned)(id >> 16) & 0xffff, (unsigned)id & 0xffff);
		return buf;
	case JOBID_F58:
		return encode_f58(id, F58_PREFIX, buf);
	case JOBID_F58PLAIN:
		return encode_f58(id, "f", buf);
	case JOBID_EMOJI:
		return encode_emoji(id, buf);
	}
	assert(!"a job id's form outside the enumeration");
	return NULL;
}

int jobid_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int jobid_form_parse(const char *name, enum jobid_form *form,
		     struct proto_error *err)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(name, forms[i].name)) {
			*form = forms[i].form;
			return 0;
		}
	if (!strcmp(name, "words"))
		return proto_error_set(err, ENOTSUP, "job ids in the form "
				       "'%s' are not supported", name);
	return proto_error_set(err, EINVAL, "unknown form of job id '%.80s': "
			       "use dec, hex, dothex, kvs, f58, f58plain or "
			       "emoji", name);
}
