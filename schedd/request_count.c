/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of a request: one number, some, or a range. See request.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "proto/json_check.h"
#include "schedd/request.h"

/* The next number that will do, or 0 when there is none. */
static int64_t next_count(const struct request_count *c, int64_t n)
{
	int64_t next = n;

	if (c->op == '+') {
		if (__builtin_add_overflow(n, c->operand, &next))
			return 0;
	} else if (c->op == '*') {
		if (__builtin_mul_overflow(n, c->operand, &next))
			return 0;
	} else {
		for (int64_t i = 1; i < c->operand; i++)
			if (__builtin_mul_overflow(next, n, &next))
				return 0;
	}
	return next > c->max ? 0 : next;
}

int64_t request_count_best(const struct request_count *c, int64_t n)
{
	int64_t best = 0;

	if (c->set) {
		unsigned id = idset_first(c->set);

		for (; id != IDSET_NONE && id <= n; id = idset_next(c->set, id))
			best = id;
		return best;
	}
	if (n < c->min)
		return 0;
	if (n > c->max)
		n = c->max;
	if (c->op == '+')
		return n - (n - c->min) % c->operand;
	for (int64_t at = c->min; at && at <= n; at = next_count(c, at))
		best = at;
	return best;
}

static int check(const struct request_count *c, const char *path,
		 struct proto_error *err)
{
	const char *wrong = NULL;

	if (c->min < 1)
		wrong = "the least must be 1 or more";
	else if (c->max != REQUEST_ANY && c->max > REQUEST_COUNT_MAX)
		wrong = "it is more than can be counted";
	else if (c->min > REQUEST_COUNT_MAX)
		wrong = "it is more than can be counted";
	else if (c->max < c->min)
		wrong = "the greatest is below the least";
	else if (c->op != '+' && c->operand < 2)
		wrong = "the operand must be 2 or more";
	else if (c->operand < 1)
		wrong = "the operand must be 1 or more";
	else if (c->op == '^' && c->min < 2)
		wrong = "the least must be 2 or more";
	return wrong ? proto_error_set(err, EINVAL, "%s: %s", path, wrong) :
	       0;
}

/* A number at *P without leading zeros; 0 if there is none. */
static int64_t read_number(const char **p)
{
	int64_t n = 0;

	if (**p == '0')
		return 0;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (n > REQUEST_COUNT_MAX)
			return 0;
		n = n * 10 + (**p - '0');
	}
	return n;
}

/* MIN[+|-MAX][:OPERAND[:OPERATOR]], brackets round it allowed. */
static int parse_range(struct request_count *c, const char *text)
{
	bool bracket = *text == '[';
	const char *p = text + bracket;

	c->min = c->max = read_number(&p);
	if (*p == '+') {
		c->max = REQUEST_ANY;
		p++;
	} else if (*p == '-') {
		p++;
		c->max = read_number(&p);
	}
	if (*p == ':') {
		p++;
		c->operand = read_number(&p);
		if (*p == ':') {
			p++;
			if (!*p || !strchr("+*^", *p))
				return -1;
			c->op = *p++;
		}
	}
	if (bracket && *p++ != ']')
		return -1;
	return *p || !c->min || !c->max || !c->operand ? -1 : 0;
}

static int parse_text(struct request_count *c, const json_t *json,
		      const char *path, struct proto_error *err)
{
	const char *text = json_string_value(json);
	struct proto_error inner;

	if (!strpbrk(text, "+:")) {
		c->set = idset_decode(text, &inner);
		if (!c->set)
			return proto_error_set(err, errno, "%s: %s", path,
					       inner.text);
		if (idset_empty(c->set) || idset_test(c->set, 0))
			return proto_error_set(err, EINVAL, "%s: members must "
					       "be 1 or more", path);
		c->min = idset_first(c->set);
		c->max = idset_last(c->set);
		return 0;
	}
	if (parse_range(c, text) < 0)
		return json_must_be(err, path, "MIN, MIN-MAX or MIN+ and "
				    "perhaps :OPERAND:OPERATOR", json);
	return check(c, path, err);
}

static int get(const json_t *json, const char *key, const char *path,
	       int64_t *number, struct proto_error *err)
{
	json_t *value = json_object_get(json, key);
	char field[JSON_PATH_SIZE];

	if (!value)
		return 0;
	snprintf(field, sizeof(field), "%.140s.%.8s", path, key);
	if (!json_is_integer(value) || json_integer_value(value) < 1)
		return json_must_be(err, field, "an integer >= 1", value);
	*number = json_integer_value(value);
	return 0;
}

static int parse_object(struct request_count *c, const json_t *json,
			const char *path, struct proto_error *err)
{
	static const char *const keys[] = { "min", "max", "operator",
					    "operand", NULL };
	json_t *op = json_object_get(json, "operator");
	char field[JSON_PATH_SIZE];

	if (json_check_keys((json_t *)json, path, keys, err) < 0)
		return -1;
	c->max = REQUEST_ANY;
	if (get(json, "min", path, &c->min, err) < 0 ||
	    get(json, "max", path, &c->max, err) < 0 ||
	    get(json, "operand", path, &c->operand, err) < 0)
		return -1;
	if (!json_object_get(json, "min"))
		return proto_error_set(err, EINVAL, "%s.min: is missing",
				       path);
	if (!op != !json_object_get(json, "operand"))
		return proto_error_set(err, EINVAL, "%s: operator and operand "
				       "come together", path);
	snprintf(field, sizeof(field), "%.140s.operator", path);
	if (op && (json_string_length(op) != 1 ||
		   !strchr("+*^", *json_string_value(op))))
		return json_must_be(err, field, "\"+\", \"*\" or \"^\"", op);
	if (op)
		c->op = *json_string_value(op);
	return check(c, path, err);
}

int request_count_parse(struct request_count *c, const json_t *json,
			const char *path, struct proto_error *err)
{
	*c = (struct request_count) { .operand = 1, .op = '+' };
	if (json_is_string(json))
		return parse_text(c, json, path, err);
	if (json_is_object(json))
		return parse_object(c, json, path, err);
	if (!json_is_integer(json) || json_integer_value(json) < 1)
		return json_must_be(err, path, "an integer >= 1, a set or a "
				    "range", json);
	c->min = c->max = json_integer_value(json);
	return check(c, path, err);
}
