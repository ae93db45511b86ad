/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of a constraint to JSON: not binds closer than and, and closer than
 * or; terms side by side are joined by and. See constraint.h.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/constraint.h"

enum token { END, OPEN, CLOSE, AND, OR, NOT, MINUS, TERM, BAD };

struct parser {
	const char *text, *p;	/* p: behind the token */
	const char *start;	/* of the token */
	enum token token;
	char *term;		/* of TERM, without quotes */
	const char *word;	/* operator of lone operands */
	int depth;
	struct proto_error *err;
};

static bool ends_word(char c)
{
	return !c || isspace((unsigned char)c) || strchr("()&|'\"", c);
}

/* A term up to where a word ends; quotes keep everything in it. */
static enum token read_term(struct parser *p)
{
	size_t n = 0;
	char quote;

	p->term = malloc(strlen(p->p) + 1);
	if (!p->term)
		return BAD;
	while (*p->p && !isspace((unsigned char)*p->p) &&
	       !strchr("()&|", *p->p)) {
		if (*p->p != '\'' && *p->p != '"') {
			p->term[n++] = *p->p++;
			continue;
		}
		quote = *p->p++;
		while (*p->p && *p->p != quote)
			p->term[n++] = *p->p++;
		if (!*p->p)
			return BAD;
		p->p++;
	}
	p->term[n] = '\0';
	return n ? TERM : BAD;
}

static bool take_word(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(p->p, word, len) ||
	    (isalpha((unsigned char)*word) && !ends_word(p->p[len])))
		return false;
	p->p += len;
	return true;
}

static enum token scan(struct parser *p)
{
	static const struct {
		const char *word;
		enum token token;
	} words[] = {
		{ "(", OPEN }, { ")", CLOSE }, { "&&", AND }, { "&", AND },
		{ "and", AND }, { "||", OR }, { "|", OR }, { "or", OR },
		{ "not", NOT }, { "-", MINUS },
	};

	free(p->term);
	p->term = NULL;
	while (isspace((unsigned char)*p->p))
		p->p++;
	p->start = p->p;
	if (!*p->p)
		return p->token = END;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (take_word(p, words[i].word))
			return p->token = words[i].token;
	return p->token = read_term(p);
}

static json_t *bad(struct parser *p, const char *what)
{
	proto_error_set(p->err, EINVAL, "query: byte %zu: %s",
			(size_t)(p->start - p->text) + 1, what);
	return NULL;
}

static json_t *read_or(struct parser *p);

static json_t *make_term(struct parser *p)
{
	size_t n = strcspn(p->term, ":=");
	json_t *result;

	if (p->term[n] && (!n || !p->term[n + 1]))
		return bad(p, "an operator or its operand is missing");
	if (!p->term[n])
		return json_pack("{s:[s]}", p->word, p->term);
	p->term[n] = '\0';
	result = json_pack("{s:[s]}", p->term, p->term + n + 1);
	return result ? result : bad(p, "it is not UTF-8");
}

static json_t *read_primary(struct parser *p)
{
	bool minus = p->token == MINUS;
	json_t *inner;

	if (p->token == NOT || minus) {
		if (++p->depth > CONSTRAINT_DEPTH_MAX)
			return bad(p, "nested too deep");
		scan(p);
		if (minus && p->token != TERM)
			return bad(p, "a term has to follow '-'");
		inner = read_primary(p);
		p->depth--;
		return inner ? json_pack("{s:[o]}", "not", inner) : NULL;
	}
	if (p->token == OPEN) {
		if (++p->depth > CONSTRAINT_DEPTH_MAX)
			return bad(p, "nested too deep");
		scan(p);
		inner = read_or(p);
		p->depth--;
		if (inner && p->token != CLOSE) {
			json_decref(inner);
			return bad(p, "')' is missing");
		}
	} else if (p->token == TERM) {
		inner = make_term(p);
	} else {
		return bad(p, p->token == BAD ? "a quote has no end, or a "
			   "term is empty" : "a term is missing");
	}
	scan(p);
	return inner;
}

/* Terms joined by one operator become one list. */
static json_t *join(struct parser *p, const char *op, json_t *first,
		    json_t *(*next)(struct parser *p), enum token token)
{
	json_t *list, *item;

	if (!first || (p->token != token && (token != AND ||
	    (p->token != TERM && p->token != OPEN && p->token != NOT &&
	     p->token != MINUS))))
		return first;
	list = json_pack("[o]", first);
	while (p->token == token || (token == AND && (p->token == TERM ||
	       p->token == OPEN || p->token == NOT || p->token == MINUS))) {
		if (p->token == token)
			scan(p);
		item = next(p);
		if (!item) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, item);
	}
	return json_pack("{s:o}", op, list);
}

static json_t *read_and(struct parser *p)
{
	return join(p, "and", read_primary(p), read_primary, AND);
}

static json_t *read_or(struct parser *p)
{
	return join(p, "or", read_and(p), read_and, OR);
}

json_t *constraint_query(const char *text, const char *word,
			 struct proto_error *err)
{
	struct parser p = { .text = text, .p = text, .word = word,
			    .err = err };
	json_t *json;

	if (strlen(text) > CONSTRAINT_QUERY_MAX) {
		proto_error_set(err, EINVAL, "query: longer than %d bytes",
				CONSTRAINT_QUERY_MAX);
		return NULL;
	}
	scan(&p);
	if (p.token == END)
		return json_object();
	json = read_or(&p);
	if (json && p.token != END) {
		json_decref(json);
		json = bad(&p, p.token == CLOSE ? "')' without '('" :
			   "a term is missing");
	}
	free(p.term);
	return json;
}
