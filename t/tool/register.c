/* SPDX-License-Identifier: Apache-2.0 */
/* The model of a key, and what the values read say about the operations that
 * wrote them: see register.h.
 *
 * A token is written once, so a value read tells which operations made it and
 * what each of them found: the tokens in front of its own. That keeps the
 * search from trying orders of appends that no read can agree with.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "t/tool/register.h"

#define DIGEST_EMPTY	0xcbf29ce484222325u	/* FNV-1a */
#define DIGEST_PRIME	0x100000001b3u
#define STATE_UNSEEN	1	/* a value that no outcome speaks of */

static uint64_t digest(uint64_t state, const char *s, size_t len)
{
	uint64_t d = state ? state : DIGEST_EMPTY;

	for (size_t i = 0; i < len; i++)
		d = (d ^ (unsigned char)s[i]) * DIGEST_PRIME;
	return d > STATE_UNSEEN ? d : STATE_UNSEEN + 1;
}

static uint64_t digest_of(const char *value)
{
	return value ? digest(0, value, strlen(value)) : 0;
}

/* splitmix64 */
static uint64_t mix(uint64_t n)
{
	n += 0x9e3779b97f4a7c15u;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
	return n ^ (n >> 31);
}

static bool writes(const struct op *op)
{
	return op->kind == OP_PUT || op->kind == OP_APPEND ||
		op->kind == OP_CAS;
}

bool step_apply(const struct step *step, uint64_t state, uint64_t *next)
{
	const struct op *op = step->op;

	*next = state;
	switch (op->kind) {
	case OP_GET:
		return state == step->value;
	case OP_PUT:
		*next = step->value;
		break;
	case OP_APPEND:
		*next = digest(state, op->value, strlen(op->value));
		break;
	case OP_CAS:
		if (op->outcome == OUTCOME_DIFFERS)
			return state != step->expected;
		if (state != step->expected)
			return false;
		*next = step->value;
		break;
	case OP_UNLINK:
		*next = 0;
		return (op->outcome == OUTCOME_ABSENT) == (state == 0);
	default:
		return true;
	}
	if (!step->read && !step->named)
		*next = STATE_UNSEEN;
	return !step->read || *next == step->after;
}

/* ---- who wrote what ---- */

struct token {
	const char *text;
	size_t len;
	struct step *step;
};

static int token_order(const void *a, const void *b)
{
	const struct token *x = a, *y = b;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int bad(struct verdict *v, const char *why, const struct op *a,
	       const struct op *b)
{
	v->result = VERDICT_BAD;
	snprintf(v->why, sizeof(v->why), "key %s: %s", a->key, why);
	v->stuck[v->stucks++] = a;
	if (b)
		v->stuck[v->stucks++] = b;
	return -1;
}

static struct token *tokens_make(struct key_steps *key, size_t *count)
{
	struct token *token = calloc(key->count + 1, sizeof(*token));

	if (!token)
		abort();
	*count = 0;
	for (size_t i = 0; i < key->count; i++) {
		const char *value = key->step[i].op->value;

		if (writes(key->step[i].op))
			token[(*count)++] = (struct token){
				value, strlen(value), &key->step[i] };
	}
	qsort(token, *count, sizeof(*token), token_order);
	return token;
}

static int tokens_differ(const struct token *token, size_t count,
			 struct verdict *v)
{
	for (size_t i = 1; i < count; i++)
		if (!token_order(&token[i - 1], &token[i]))
			return bad(v, "a token is written twice, so nothing "
				   "can be told", token[i - 1].step->op,
				   token[i].step->op);
	return 0;
}

/* What GET says about the operations that wrote its tokens. */
static int note_read(const struct op *get, const struct token *token,
		     size_t count, struct verdict *v)
{
	uint64_t state = 0;

	for (const char *p = get->value, *end; *p; p = end) {
		struct token want = { p, 0, NULL }, *found;

		end = strchr(p, ';');
		end = end ? end + 1 : p + strlen(p);
		want.len = end - p;
		state = digest(state, p, want.len);
		found = bsearch(&want, token, count, sizeof(want),
				token_order);
		if (!found)
			return bad(v, "what was read was never written", get,
				   NULL);
		if (found->step->op->outcome != OUTCOME_OK &&
		    found->step->op->outcome != OUTCOME_UNKNOWN)
			return bad(v, "what was read had failed to be written",
				   get, found->step->op);
		if (found->step->read && found->step->after != state)
			return bad(v, "something took effect twice, or two "
				   "reads disagree on what was there when it "
				   "did", get, found->step->op);
		found->step->read = true;
		found->step->after = state;
	}
	return 0;
}

/* What a condition names: its operations may have to lead to that state. */
static void note_expected(const char *value, const struct token *token,
			  size_t count)
{
	for (const char *p = value, *end; *p; p = end) {
		struct token want = { p, 0, NULL }, *found;

		end = strchr(p, ';');
		end = end ? end + 1 : p + strlen(p);
		want.len = end - p;
		found = bsearch(&want, token, count, sizeof(want),
				token_order);
		if (found)
			found->step->named = true;
	}
}

static int note_reads(struct key_steps *key, struct verdict *v)
{
	size_t count;
	struct token *token = tokens_make(key, &count);
	int rc = tokens_differ(token, count, v);

	for (size_t i = 0; i < key->count && !rc; i++) {
		const struct op *op = key->step[i].op;

		if (op->kind == OP_GET && op->outcome == OUTCOME_OK)
			rc = note_read(op, token, count, v);
		else if (op->expected)
			note_expected(op->expected, token, count);
	}
	free(token);
	return rc;
}

/* ---- steps ---- */

static int op_order(const void *a, const void *b)
{
	const struct op *x = *(const struct op *const *)a;
	const struct op *y = *(const struct op *const *)b;

	if (x->invoked != y->invoked)
		return x->invoked < y->invoked ? -1 : 1;
	return (x > y) - (x < y);
}

static void classify(struct step *step)
{
	enum op_outcome outcome = step->op->outcome;
	bool unknown = outcome == OUTCOME_UNKNOWN;

	step->void_ = outcome == OUTCOME_NOTHING ||
		      (unknown && step->op->kind == OP_GET);
	step->optional = unknown && !step->read;
}

static int client_order(const void *a, const void *b)
{
	const struct step *x = *(struct step *const *)a;
	const struct step *y = *(struct step *const *)b;

	if (x->op->client != y->op->client)
		return x->op->client < y->op->client ? -1 : 1;
	return (x > y) - (x < y);
}

/* Links what each connection sent. */
static void link_clients(struct key_steps *key)
{
	struct step **by = calloc(key->count + 1, sizeof(*by));
	struct step *last = NULL;

	if (!by)
		abort();
	for (size_t i = 0; i < key->count; i++)
		by[i] = &key->step[i];
	qsort(by, key->count, sizeof(*by), client_order);
	for (size_t i = 0; i < key->count; i++) {
		if (last && last->op->client != by[i]->op->client)
			last = NULL;
		by[i]->earlier = last;
		if (!by[i]->optional && !by[i]->void_)
			last = by[i];
	}
	free(by);
}

static void step_fill(struct step *step, const struct op *op, size_t number)
{
	step->op = op;
	step->mark[0] = mix(2 * number);
	step->mark[1] = mix(2 * number + 1);
	step->expected = digest_of(op->expected);
	if (op->kind != OP_GET || op->outcome == OUTCOME_OK)
		step->value = digest_of(op->value);
}

int key_steps_make(struct key_steps *key, const struct op **op, size_t count,
		   struct verdict *v)
{
	key->step = calloc(count + 1, sizeof(*key->step));
	key->count = count;
	if (!key->step)
		abort();
	qsort(op, count, sizeof(*op), op_order);
	for (size_t i = 0; i < count; i++)
		step_fill(&key->step[i], op[i], i);
	if (note_reads(key, v) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		classify(&key->step[i]);
	link_clients(key);
	return 0;
}

void key_steps_free(struct key_steps *key)
{
	free(key->step);
	*key = (struct key_steps) { 0 };
}
