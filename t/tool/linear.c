/* SPDX-License-Identifier: Apache-2.0 */
/* The search for an order: see linear.h.
 *
 * The calls and returns of the steps that must take effect stand in a list by
 * time. A step can be the next of the order if its call stands before the
 * first return of the list. Steps that may be left out stand in an array of
 * their own and are tried last: few are ever needed. Two rules keep them from
 * being tried in all combinations. Of those whose effect is the same the one
 * that is over first is taken. And one is taken no earlier than it must be:
 * what follows could not have been done without it, or was asked for when it
 * was over.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "t/tool/register.h"

#define LIMIT_DEFAULT	20000000
#define BEFORE_SHOWN	4

struct event {
	struct event *next, *prev;
	struct event *pair;	/* of a call: its return; of a return: NULL */
	struct step *step;
	uint64_t time;
};

/* A step in the order, and what was before it. */
struct choice {
	struct event *call;	/* NULL: it is option[OPTION] */
	size_t option;
	struct step *step;
	uint64_t state, frontier, mark[2];
	size_t first;
};

struct search {
	struct event *event, head;
	size_t events;
	struct step **option;	/* by INVOKED */
	size_t options;
	struct choice *choice;	/* the order so far */
	size_t depth;
	/* now: */
	uint64_t state;
	uint64_t frontier;	/* the latest call in the order */
	uint64_t mark[2];	/* name of the set of steps in the order */
	size_t first;		/* options before it are over */
	/* sets and states that were tried: marks, both 0 for a free place */
	uint64_t (*tried)[2];
	size_t tries, room;
	/* the longest way, by the return that it got stuck at */
	const struct event *stuck;
	struct verdict *v;
};

/* ---- what was tried ---- */

static bool place(uint64_t (*table)[2], size_t room, const uint64_t name[2])
{
	size_t at = name[0] & (room - 1);

	while (table[at][0] || table[at][1]) {
		if (table[at][0] == name[0] && table[at][1] == name[1])
			return false;
		at = (at + 1) & (room - 1);
	}
	table[at][0] = name[0];
	table[at][1] = name[1];
	return true;
}

static void grow(struct search *s)
{
	size_t room = s->room ? 2 * s->room : 4096;
	uint64_t (*table)[2] = calloc(room, sizeof(*table));

	if (!table)
		abort();
	for (size_t i = 0; i < s->room; i++)
		if (s->tried[i][0] || s->tried[i][1])
			place(table, room, s->tried[i]);
	free(s->tried);
	s->tried = table;
	s->room = room;
}

/* Whether the order with STEP, that leads to STATE, is new. */
static bool is_new(struct search *s, const struct step *step, uint64_t state)
{
	uint64_t salt = step->optional ? ~s->state : 0;
	uint64_t name[2] = {
		s->mark[0] ^ step->mark[0] ^ (state * 0x9e3779b97f4a7c15u) ^
			(salt * 0xbf58476d1ce4e5b9u),
		s->mark[1] ^ step->mark[1] ^ state ^
			(salt * 0x94d049bb133111ebu)
	};

	if (2 * (s->tries + 1) > s->room)
		grow(s);
	if (!place(s->tried, s->room, name))
		return false;
	s->tries++;
	return true;
}

/* ---- the list ---- */

static void lift(struct event *e)
{
	e->prev->next = e->next;
	if (e->next)
		e->next->prev = e->prev;
}

static void unlift(struct event *e)
{
	e->prev->next = e;
	if (e->next)
		e->next->prev = e;
}

static int event_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (!x->pair != !y->pair)
		return x->pair ? -1 : 1;	/* calls first */
	return (x->step > y->step) - (x->step < y->step);
}

/* PAIR only says call or return until the events have their places. */
static void pair_up(struct search *s, size_t steps, struct step *first)
{
	struct event **call = calloc(steps + 1, sizeof(*call));
	struct event *last = &s->head;

	if (!call)
		abort();
	for (size_t i = 0; i < s->events; i++) {
		struct event *e = &s->event[i];

		last->next = e;
		e->prev = last;
		last = e;
		if (e->pair)
			call[e->step - first] = e;
		else
			call[e->step - first]->pair = e;
	}
	free(call);
}

static void search_init(struct search *s, struct key_steps *key)
{
	s->event = calloc(2 * key->count + 1, sizeof(*s->event));
	s->option = calloc(key->count + 1, sizeof(*s->option));
	s->choice = calloc(key->count + 1, sizeof(*s->choice));
	if (!s->event || !s->option || !s->choice)
		abort();
	for (size_t i = 0; i < key->count; i++) {
		struct step *step = &key->step[i];

		if (step->void_)
			continue;
		if (step->optional) {
			s->option[s->options++] = step;
			continue;
		}
		s->event[s->events++] = (struct event){
			.pair = s->event, .step = step,
			.time = step->op->invoked };
		s->event[s->events++] = (struct event){
			.step = step, .time = step->op->returned };
	}
	qsort(s->event, s->events, sizeof(*s->event), event_order);
	pair_up(s, key->count, key->step);
}

static void search_fini(struct search *s)
{
	free(s->event);
	free(s->option);
	free(s->choice);
	free(s->tried);
}

/* ---- the search ---- */

/* Whether the last step, that may be left out, could stand behind STEP, which
 * leads to NEXT, or makes no difference to it. */
static bool too_early(struct search *s, const struct step *step, uint64_t next)
{
	const struct choice *last = s->depth ? &s->choice[s->depth - 1] : NULL;
	uint64_t without;

	if (!last || last->call || !step_apply(step, last->state, &without))
		return false;
	return without == next ||
		(without == last->state && next == s->state &&
		 step->op->invoked <= last->step->op->returned);
}

static bool can_follow(struct search *s, const struct step *step,
		       uint64_t *next)
{
	if (step->done || (step->earlier && !step->earlier->done) ||
	    step->op->returned < s->frontier)
		return false;
	return step_apply(step, s->state, next) && !too_early(s, step, *next) &&
		is_new(s, step, *next);
}

/* Steps of one class above 0 that may be left out do the same. */
static int option_class(const struct step *step)
{
	if (step->op->kind == OP_UNLINK)
		return 1;
	return step->op->kind == OP_CAS || step->named ? 0 : 2;
}

/* Of each class the one that is over first, of those called until TIME. */
static void options_best(struct search *s, uint64_t time,
			 const struct step *best[3])
{
	best[1] = best[2] = NULL;
	for (size_t i = s->first; i < s->options &&
	     s->option[i]->op->invoked <= time; i++) {
		const struct step *step = s->option[i];
		const struct step **b = &best[option_class(step)];

		if (!step->done && step->op->returned >= s->frontier &&
		    (!step->earlier || step->earlier->done) &&
		    (!*b || step->op->returned < (*b)->op->returned))
			*b = step;
	}
}

static void choose(struct search *s, struct event *call, size_t option,
		   uint64_t next)
{
	struct step *step = call ? call->step : s->option[option];

	s->choice[s->depth++] = (struct choice){
		call, option, step, s->state, s->frontier,
		{ s->mark[0], s->mark[1] }, s->first };
	step->done = true;
	if (call) {
		lift(call);
		lift(call->pair);
	}
	s->state = next;
	s->mark[0] ^= step->mark[0];
	s->mark[1] ^= step->mark[1];
	if (step->op->invoked > s->frontier)
		s->frontier = step->op->invoked;
	while (s->first < s->options &&
	       s->option[s->first]->op->returned < s->frontier)
		s->first++;
}

/* Takes the last step back; *CALL or *OPTION is the next to be tried. */
static void take_back(struct search *s, struct event **call, size_t *option)
{
	struct choice *c = &s->choice[--s->depth];

	c->step->done = false;
	if (c->call) {
		unlift(c->call->pair);
		unlift(c->call);
	}
	s->state = c->state;
	s->frontier = c->frontier;
	memcpy(s->mark, c->mark, sizeof(s->mark));
	s->first = c->first;
	*call = c->call ? c->call->next : NULL;
	*option = c->call ? s->first : c->option + 1;
}

static struct event *first_return(struct search *s)
{
	struct event *e = s->head.next;

	while (e->pair)
		e = e->next;
	return e;
}

static void note_stuck(struct search *s, struct event *stuck)
{
	struct verdict *v = s->v;
	size_t i = s->depth > BEFORE_SHOWN ? s->depth - BEFORE_SHOWN : 0;

	if (s->stuck && stuck->time <= s->stuck->time)
		return;
	s->stuck = stuck;
	for (v->befores = 0; i < s->depth; i++)
		v->before[v->befores++] = s->choice[i].step->op;
	v->stucks = 0;
	v->stuck[v->stucks++] = stuck->step->op;
	for (struct event *e = s->head.next; e != stuck; e = e->next)
		if (e->step != stuck->step && v->stucks < VERDICT_OPS)
			v->stuck[v->stucks++] = e->step->op;
}

/* Goes one step on, from CALL or else from OPTION. */
static bool advance(struct search *s, struct event *call, size_t option)
{
	struct event *stuck = first_return(s);
	const struct step *best[3] = { NULL };
	uint64_t next;

	for (; call && call->pair; call = call->next) {
		if (can_follow(s, call->step, &next)) {
			choose(s, call, 0, next);
			return true;
		}
	}
	options_best(s, stuck->time, best);
	for (; option < s->options &&
	     s->option[option]->op->invoked <= stuck->time; option++) {
		int class = option_class(s->option[option]);

		if ((!class || best[class] == s->option[option]) &&
		    can_follow(s, s->option[option], &next)) {
			choose(s, NULL, option, next);
			return true;
		}
	}
	note_stuck(s, stuck);
	return false;
}

static enum verdict_result search_run(struct search *s, size_t limit)
{
	struct event *call = s->head.next;
	size_t option = 0;

	while (s->head.next) {
		if (s->tries > limit)
			return VERDICT_UNDECIDED;
		if (advance(s, call, option)) {
			call = s->head.next;
			option = s->first;
			continue;
		}
		if (!s->depth)
			return VERDICT_BAD;
		take_back(s, &call, &option);
	}
	return VERDICT_OK;
}

static void check_key(const struct op **op, size_t count, size_t limit,
		      struct verdict *v)
{
	struct search s = { .v = v };
	struct key_steps key;

	if (!key_steps_make(&key, op, count, v)) {
		search_init(&s, &key);
		v->result = search_run(&s, limit);
		v->states += s.tries;
		search_fini(&s);
		if (v->result == VERDICT_OK)
			v->befores = v->stucks = 0;
		else
			snprintf(v->why, sizeof(v->why), "key %s: %s",
				 op[0]->key, v->result == VERDICT_BAD ?
				 "no order of the operations agrees with all "
				 "outcomes" : "gave up");
	}
	key_steps_free(&key);
}

/* ---- keys ---- */

static int key_order(const void *a, const void *b)
{
	const struct op *x = *(const struct op *const *)a;
	const struct op *y = *(const struct op *const *)b;

	return strcmp(x->key, y->key);
}

void linear_check(const struct history *h, size_t limit, struct verdict *v)
{
	const struct op **op = calloc(h->count + 1, sizeof(*op));
	size_t count = 0, end;

	if (!op)
		abort();
	memset(v, 0, sizeof(*v));
	for (size_t i = 0; i < h->count; i++)
		if (h->op[i].kind != OP_ROOT)
			op[count++] = &h->op[i];
	qsort(op, count, sizeof(*op), key_order);
	for (size_t i = 0; i < count && v->result == VERDICT_OK; i = end) {
		for (end = i + 1; end < count &&
		     !strcmp(op[i]->key, op[end]->key); end++)
			;
		check_key(op + i, end - i, limit ? limit : LIMIT_DEFAULT, v);
	}
	free(op);
}

void verdict_print(FILE *out, const struct verdict *v)
{
	if (v->result == VERDICT_OK)
		return;
	fprintf(out, "%s\n", v->why);
	if (v->befores)
		fprintf(out, "These can have taken effect last, in this "
			"order:\n");
	for (size_t i = 0; i < v->befores; i++)
		op_print(out, v->before[i]);
	if (v->stucks)
		fprintf(out, "%s:\n", v->befores ?
			"Then the first of these cannot have its outcome" :
			"These contradict each other or all others");
	for (size_t i = 0; i < v->stucks; i++)
		op_print(out, v->stuck[i]);
}
