/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of histories: good ones are accepted, bad ones rejected, by
 * hand and by the thousand. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "t/tool/linear.h"
#include "t/unit/tap.h"

/* ---- by hand ---- */

static const struct {
	const char *name;
	enum verdict_result linear, versions;
	const char *text;
} cases[] = {
	{ "nothing at all", VERDICT_OK, VERDICT_OK, "" },
	{ "one after another", VERDICT_OK, VERDICT_OK,
	  "1 get k 1 2 ENOENT - - -\n"
	  "1 put k 3 4 ok 1 a; -\n"
	  "1 append k 5 6 ok 2 b; -\n"
	  "2 get k 7 8 ok 2 a;b; -\n"
	  "1 cas k 9 10 ok 3 c; a;b;\n"
	  "1 cas k 11 12 ECANCELED - d; a;b;\n"
	  "1 unlink k 13 14 ok 4 - -\n"
	  "1 unlink k 15 16 ENOENT - - -\n"
	  "1 cas k 17 18 ok 5 e; -\n"
	  "1 get k 19 20 ok 5 e; -\n"
	  "1 root r 21 22 ok 5 ff -\n" },
	{ "a stale read", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 4 ok - b; -\n"
	  "2 get k 5 6 ok - a; -\n" },
	{ "a read at the same time may be of before", VERDICT_OK, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 9 ok - b; -\n"
	  "2 get k 5 6 ok - a; -\n"
	  "3 get k 5 7 ok - b; -\n" },
	{ "two reads go back", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 9 ok - b; -\n"
	  "2 get k 4 5 ok - b; -\n"
	  "3 get k 6 7 ok - a; -\n" },
	{ "a lost update", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "2 get k 3 4 ENOENT - - -\n" },
	{ "a lost append", VERDICT_BAD, VERDICT_OK,
	  "1 append k 1 2 ok - a; -\n"
	  "2 append k 3 4 ok - b; -\n"
	  "2 get k 5 6 ok - b; -\n" },
	{ "two conditions on one state hold", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 cas k 3 9 ok - b; a;\n"
	  "2 cas k 3 9 ok - c; a;\n" },
	{ "one of two holds", VERDICT_OK, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 cas k 3 9 ECANCELED - b; a;\n"
	  "2 cas k 3 9 ok - c; a;\n" },
	{ "a condition that held is said not to", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 cas k 3 4 ECANCELED - b; a;\n" },
	{ "two that make it", VERDICT_BAD, VERDICT_OK,
	  "1 cas k 3 9 ok - b; -\n"
	  "2 cas k 3 9 ok - c; -\n" },
	{ "a value that was never written", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 get k 3 4 ok - z; -\n" },
	{ "a value written later", VERDICT_BAD, VERDICT_OK,
	  "1 get k 1 2 ok - a; -\n"
	  "1 put k 3 4 ok - a; -\n" },
	{ "a value whose write failed", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ENOSPC - a; -\n"
	  "1 get k 3 4 ok - a; -\n" },
	{ "an append twice", VERDICT_BAD, VERDICT_OK,
	  "1 append k 1 2 ok - a; -\n"
	  "1 get k 3 4 ok - a;a; -\n" },
	{ "appends out of order", VERDICT_BAD, VERDICT_OK,
	  "1 append k 1 2 ok - a; -\n"
	  "2 append k 3 4 ok - b; -\n"
	  "1 get k 5 6 ok - b;a; -\n" },
	{ "two orders of the same appends", VERDICT_BAD, VERDICT_OK,
	  "1 append k 1 9 ok - a; -\n"
	  "2 append k 1 9 ok - b; -\n"
	  "3 get k 10 11 ok - b;a; -\n"
	  "3 get k 12 13 ok - a;b; -\n" },
	{ "something removed comes back", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 unlink k 3 4 ok - - -\n"
	  "1 get k 5 6 ok - a; -\n" },
	{ "unknown: it took effect", VERDICT_OK, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 5 unknown - b; -\n"
	  "2 get k 6 7 ok - b; -\n" },
	{ "unknown: it did not", VERDICT_OK, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 5 unknown - b; -\n"
	  "2 get k 6 7 ok - a; -\n" },
	{ "unknown: later, where nothing ended it", VERDICT_OK, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 - unknown - b; -\n"
	  "2 get k 6 7 ok - a; -\n"
	  "2 get k 8 9 ok - b; -\n" },
	{ "unknown: later than the server lived", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 5 unknown - b; -\n"
	  "2 get k 6 7 ok - a; -\n"
	  "2 get k 8 9 ok - b; -\n" },
	{ "unknown: twice", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 - unknown - b; -\n"
	  "2 get k 6 7 ok - b; -\n"
	  "2 put k 8 9 ok - c; -\n"
	  "2 get k 10 11 ok - b; -\n" },
	{ "unknown: an append twice", VERDICT_BAD, VERDICT_OK,
	  "1 append k 3 - unknown - b; -\n"
	  "2 append k 4 5 ok - c; -\n"
	  "2 get k 6 7 ok - b;c;b; -\n" },
	{ "unknown: nobody read it, yet a condition failed", VERDICT_OK,
	  VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put k 3 5 unknown - b; -\n"
	  "2 cas k 6 7 ECANCELED - c; a;\n"
	  "2 put k 8 9 ok - d; -\n" },
	{ "unknown: a removal", VERDICT_OK, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 unlink k 3 5 unknown - - -\n"
	  "2 get k 6 7 ENOENT - - -\n" },
	{ "unknown: a read says nothing", VERDICT_OK, VERDICT_OK,
	  "1 get k 3 5 unknown - - -\n" },
	{ "a connection's requests change places", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 9 ok - a; -\n"
	  "1 put k 2 8 ok - b; -\n"
	  "2 get k 10 11 ok - a; -\n" },
	{ "a connection reads what it writes later", VERDICT_BAD, VERDICT_OK,
	  "1 get k 1 9 ok - a; -\n"
	  "1 put k 2 8 ok - a; -\n" },
	{ "keys are judged one by one", VERDICT_BAD, VERDICT_OK,
	  "1 put k 1 2 ok - a; -\n"
	  "1 put l 3 4 ok - b; -\n"
	  "1 get k 5 6 ok - a; -\n"
	  "1 get l 5 6 ENOENT - - -\n" },
	{ "versions: two commits have one", VERDICT_OK, VERDICT_BAD,
	  "1 put k 1 9 ok 7 a; -\n"
	  "2 put l 1 9 ok 7 b; -\n" },
	{ "versions: a commit's is not new", VERDICT_OK, VERDICT_BAD,
	  "1 get k 1 2 ENOENT 7 - -\n"
	  "1 root r 3 4 ok 7 ff -\n"
	  "2 put l 5 6 ok 7 b; -\n" },
	{ "versions: a read goes back", VERDICT_OK, VERDICT_BAD,
	  "1 root r 1 2 ok 7 ff -\n"
	  "2 root r 3 4 ok 6 ee -\n" },
	{ "versions: reads at the same time may", VERDICT_OK, VERDICT_OK,
	  "1 root r 1 5 ok 7 ff -\n"
	  "2 root r 3 4 ok 6 ee -\n" },
	{ "versions: one is used again for another root", VERDICT_OK,
	  VERDICT_BAD,
	  "1 root r 1 2 ok 7 ff -\n"
	  "2 root r 3 4 ok 7 ee -\n" },
};

static bool parse(struct history *h, const char *text)
{
	FILE *in = fmemopen((char *)text, strlen(text) + !*text, "r");
	const char *why = NULL;
	size_t line;
	int rc = !*text ? 0 : history_read(h, in, &line, &why);

	fclose(in);
	if (rc < 0)
		diag("line %zu: %s", line, why);
	return !rc;
}

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct history h = { 0 };
		struct verdict linear, versions;
		bool read = parse(&h, cases[i].text);

		linear_check(&h, 0, &linear);
		versions_check(&h, &versions);
		if (!ok(read && linear.result == cases[i].linear &&
			versions.result == cases[i].versions, "%s",
			cases[i].name))
			diag("%d, %d: %s %s", linear.result, versions.result,
			     linear.why, versions.why);
		history_free(&h);
	}
}

/* What a person gets to see. */
static void test_window(void)
{
	static const char text[] =
		"1 put k 1 2 ok - a; -\n"
		"1 put k 3 4 ok - b; -\n"
		"2 get k 5 6 ok - a; -\n"
		"1 put k 7 8 ok - c; -\n"
		"2 get k 9 10 ok - c; -\n";
	struct history h = { 0 };
	struct verdict v;
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	parse(&h, text);
	linear_check(&h, 0, &v);
	verdict_print(f, &v);
	fclose(f);
	is_str(out, "key k: no order of the operations agrees with all "
	       "outcomes\n"
	       "These can have taken effect last, in this order:\n"
	       "1 put k 1 2 ok - a; -\n"
	       "1 put k 3 4 ok - b; -\n"
	       "Then the first of these cannot have its outcome:\n"
	       "2 get k 5 6 ok - a; -\n", "the window");
	free(out);
	history_free(&h);
}

static void test_malformed(void)
{
	static const char *const bad[] = {
		"1 get k 1 2 ok - a;\n", "x get k 1 2 ok - a; -\n",
		"1 take k 1 2 ok - a; -\n", "1 get k 2 1 ok - a; -\n",
		"1 get k 1 - ok - a; -\n", "1 put k 1 2 ok - a -\n",
		"1 put k 1 2 ok - a;b; -\n", "1 get k 1 2 ok - - -\n",
		"1 get k 1 2 ok v a; -\n", "1 root k 1 2 ok - ff -\n",
		"1 get k 1 2 ok - a; -", "1 get k 1 2 ok - a; - -\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct history h = { 0 };
		char *copy = strdup(bad[i]);
		FILE *in = fmemopen(copy, strlen(copy), "r");
		const char *why = "";
		size_t line;

		bool refused = history_read(&h, in, &line, &why) < 0;

		ok(refused && line == 1, "refused: %s", why);
		fclose(in);
		free(copy);
		history_free(&h);
	}
}

/* ---- by the thousand ---- */

#define OPS	120
#define CLIENTS	6
#define RUNS	300

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

/* A store with one client at a time; each operation is stretched over a time
 * round the moment of its effect, with the order of each client kept. */
struct model {
	char state[OPS * 8];	/* empty: it does not exist */
	char old[OPS * 8];	/* at some time */
	uint64_t moment, called[CLIENTS];
	int tokens;
};

static void model_step(struct model *m, struct history *h)
{
	char token[16], value[OPS * 8];
	struct op op = { .key = (char *)"k", .code = (char *)"ok" };
	static const enum op_kind kinds[] = { OP_GET, OP_GET, OP_APPEND,
		OP_APPEND, OP_APPEND, OP_PUT, OP_CAS, OP_UNLINK };
	bool effect = true, holds;

	op.client = random_below(CLIENTS);
	op.kind = kinds[random_below(8)];
	op.invoked = m->moment - random_below(400);
	if (op.invoked <= m->called[op.client])
		op.invoked = m->called[op.client] + 1;
	m->called[op.client] = op.invoked;
	op.returned = m->moment + random_below(400);
	if (!random_below(8)) {
		op.outcome = OUTCOME_UNKNOWN;
		effect = random_below(2);
		if (random_below(2))
			op.returned = OP_NEVER;
	}
	snprintf(token, sizeof(token), "t%d;", m->tokens++);
	op.value = token;
	if (op.kind == OP_GET) {
		strcpy(value, m->state);
		op.value = op.outcome || !*value ? NULL : value;
		if (!op.outcome && !*value)
			op.outcome = OUTCOME_ABSENT;
		effect = false;
	} else if (op.kind == OP_UNLINK) {
		op.value = NULL;
		if (!op.outcome && !*m->state)
			op.outcome = OUTCOME_ABSENT;
		if (effect)
			*m->state = '\0';
	} else if (op.kind == OP_CAS) {
		strcpy(value, random_below(3) ? m->state : m->old);
		op.expected = *value ? value : NULL;
		holds = !strcmp(value, m->state);
		if (!op.outcome && !holds)
			op.outcome = OUTCOME_DIFFERS;
		effect = effect && holds;
	}
	if (effect && op.value) {
		if (op.kind != OP_APPEND)
			*m->state = '\0';
		strcat(m->state, token);
	}
	if (!random_below(4))
		strcpy(m->old, m->state);
	history_add(h, &op);
}

static void model_run(struct history *h)
{
	struct model m = { .moment = 1000 };

	while (h->count < OPS) {
		model_step(&m, h);
		m.moment += 1 + random_below(200);
	}
}

static void set_value(struct op *op, const char *value)
{
	free(op->value);
	op->value = strdup(value);
}

static bool is_known(const struct op *op, enum op_kind kind)
{
	return op->kind == kind && op->outcome == OUTCOME_OK;
}

/* A get gets the value of a put that another one had replaced before. */
static bool make_stale(struct history *h, struct op *get)
{
	for (size_t i = 0; i < h->count; i++)
		for (size_t j = 0; j < h->count; j++)
			if (is_known(&h->op[i], OP_PUT) &&
			    is_known(&h->op[j], OP_PUT) &&
			    h->op[i].returned < h->op[j].invoked &&
			    h->op[j].returned < get->invoked) {
				set_value(get, h->op[i].value);
				return true;
			}
	return false;
}

static struct op *writer(struct history *h, const char *token, size_t len)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->op[i].kind != OP_GET && h->op[i].value &&
		    strlen(h->op[i].value) == len &&
		    !memcmp(h->op[i].value, token, len))
			return &h->op[i];
	return NULL;
}

/* A get misses an append that was told, after the put that it reads was. */
static bool make_lost(struct history *h, struct op *get)
{
	char *p = strchr(get->value, ';') + 1, *end;
	struct op *first = writer(h, get->value, p - get->value);

	for (; *p; p = end) {
		struct op *op;

		end = strchr(p, ';') + 1;
		op = writer(h, p, end - p);
		if (first->returned < op->invoked &&
		    is_known(op, OP_APPEND) && op->returned < get->invoked) {
			memmove(p, end, strlen(end) + 1);
			return true;
		}
	}
	return false;
}

static bool make_double(struct history *h, struct op *get)
{
	char value[OPS * 8];

	snprintf(value, sizeof(value), "%s%s", get->value,
		 strrchr(get->value, 't'));
	set_value(get, value);
	return true;
}

/* A put that was told, and replaced what was read after it. */
static bool make_forgotten(struct history *h, struct op *get)
{
	struct op put = { .kind = OP_PUT, .client = CLIENTS,
			  .key = (char *)"k", .code = (char *)"ok",
			  .value = (char *)"new;" };
	struct op *first = writer(h, get->value,
				  strchr(get->value, ';') + 1 - get->value);

	if (first->outcome != OUTCOME_OK ||
	    first->returned + 2 >= get->invoked)
		return false;
	put.invoked = first->returned + 1;
	put.returned = get->invoked - 1;
	history_add(h, &put);
	return true;
}

static void test_random(const char *name,
			bool (*mutate)(struct history *h, struct op *get))
{
	int wrong = 0, tried = 0;

	for (int run = 0; run < RUNS; run++) {
		struct history h = { 0 };
		struct verdict v;
		bool mutated = !mutate;

		seed = run;
		model_run(&h);
		for (size_t i = h.count; i-- > 0 && !mutated;)
			if (is_known(&h.op[i], OP_GET))
				mutated = mutate(&h, &h.op[i]);
		if (mutated) {
			tried++;
			linear_check(&h, 0, &v);
			if (v.result != (mutate ? VERDICT_BAD : VERDICT_OK) &&
			    !wrong++)
				diag("seed %d: result %d: %s", run, v.result,
				     v.why);
		}
		history_free(&h);
	}
	if (!ok(!wrong && tried > RUNS / 2, "%s: %d histories", name, tried))
		diag("%d of %d are judged wrongly", wrong, tried);
}

int main(void)
{
	test_cases();
	test_window();
	test_malformed();
	test_random("made by one client at a time", NULL);
	test_random("with a stale read", make_stale);
	test_random("with a lost append", make_lost);
	test_random("with a double append", make_double);
	test_random("with a forgotten put", make_forgotten);
	return done();
}
