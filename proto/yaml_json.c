/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to JSON by libyaml's events: see yaml_json.h. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "proto/yaml_json.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;	/* the current one */
	bool have_event;
	struct proto_error *err;
};

static int refuse_at(struct reader *r, yaml_mark_t mark, const char *what)
{
	return proto_error_set(r->err, EINVAL, "YAML: line %zu, column %zu: "
			       "%s", mark.line + 1, mark.column + 1, what);
}

/* At the current event. */
static int refuse(struct reader *r, const char *what)
{
	return refuse_at(r, r->event.start_mark, what);
}

static int next_event(struct reader *r)
{
	if (r->have_event)
		yaml_event_delete(&r->event);
	r->have_event = yaml_parser_parse(&r->parser, &r->event);
	if (r->have_event)
		return 0;
	return refuse_at(r, r->parser.problem_mark, r->parser.problem ?
			 r->parser.problem : "out of memory");
}

/* [-+]? digits, or 0x and 0o; false if TEXT is none or doesn't fit. */
static bool parse_integer(const char *text, json_int_t *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;
	int base = 10;

	if (!strncmp(text, "0x", 2) || !strncmp(text, "0o", 2)) {
		base = text[1] == 'x' ? 16 : 8;
		digits = text = text + 2;
	}
	if (!*digits || strspn(digits, base == 16 ?
			       "0123456789abcdefABCDEF" : base == 8 ?
			       "01234567" : "0123456789") != strlen(digits))
		return false;
	errno = 0;
	*value = strtoll(text, &end, base);
	return errno == 0;
}

/* A decimal fraction or exponent, which JSON reads in any locale once it is
 * in JSON's form. */
static json_t *parse_real(const char *text)
{
	const char *p = text + (*text == '-' || *text == '+');
	size_t whole = strspn(p, "0123456789"), fraction = 0;
	const char *rest = p + whole;
	char buf[128];

	if (*rest == '.') {
		fraction = strspn(rest + 1, "0123456789");
		rest += 1 + fraction;
	}
	if (whole + fraction == 0)
		return NULL;
	p += strspn(p, "0");	/* JSON knows no leading zeros */
	if ((size_t)snprintf(buf, sizeof(buf), "%s%s%.*s%s%s",
			     *text == '-' ? "-" : "",
			     *p >= '1' && *p <= '9' ? "" : "0",
			     (int)(rest - p), p, rest[-1] == '.' ? "0" : "",
			     rest) >= sizeof(buf))
		return NULL;
	return json_loads(buf, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL,
			  NULL);
}

static bool is_one_of(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words))
		words++;
	return *words;
}

/* The value that a scalar stands for. */
static json_t *make_scalar(struct reader *r)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL",
					     NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE",
					      NULL };
	static const char *const limits[] = { ".inf", "-.inf", "+.inf",
					      ".nan", ".Inf", "-.Inf", ".INF",
					      "-.INF", ".NaN", ".NAN", NULL };
	const char *text = (const char *)r->event.data.scalar.value;
	size_t len = r->event.data.scalar.length;
	json_int_t n;
	json_t *json;

	if (strlen(text) != len) {
		refuse(r, "a NUL in a string");
		return NULL;
	}
	if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		if (is_one_of(text, nulls))
			return json_null();
		if (is_one_of(text, trues))
			return json_true();
		if (is_one_of(text, falses))
			return json_false();
		if (is_one_of(text, limits)) {
			refuse(r, "JSON has no such number");
			return NULL;
		}
		if (parse_integer(text, &n))
			return json_integer(n);
		json = parse_real(text);
		if (json)
			return json;
	}
	json = json_stringn(text, len);
	if (!json)
		refuse(r, "not UTF-8");
	return json;
}

static json_t *make_value(struct reader *r, int depth);

/* Behind the start of a sequence, up to its end. */
static json_t *make_sequence(struct reader *r, int depth)
{
	json_t *list = json_array();

	while (next_event(r) == 0) {
		json_t *value;

		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return list;
		value = make_value(r, depth);
		if (!value)
			break;
		json_array_append_new(list, value);
	}
	json_decref(list);
	return NULL;
}

/* One key of OBJECT, which is the current event, and its value. */
static int add_pair(struct reader *r, json_t *object, int depth)
{
	const char *key = (const char *)r->event.data.scalar.value;
	json_t *value;
	char *copy;
	int rc;

	if (r->event.type != YAML_SCALAR_EVENT ||
	    r->event.data.scalar.tag || r->event.data.scalar.anchor)
		return refuse(r, "a key must be a plain string");
	if (strlen(key) != r->event.data.scalar.length)
		return refuse(r, "a NUL in a key");
	if (json_object_get(object, key))
		return refuse(r, "the key is there already");
	copy = strdup(key);
	if (!copy)
		return refuse(r, "out of memory");
	value = next_event(r) == 0 ? make_value(r, depth) : NULL;
	rc = value ? json_object_set_new(object, copy, value) : -1;
	if (value && rc < 0)
		refuse(r, "a key is not UTF-8");
	free(copy);
	return rc;
}

static json_t *make_mapping(struct reader *r, int depth)
{
	json_t *object = json_object();

	while (next_event(r) == 0) {
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return object;
		if (add_pair(r, object, depth) < 0)
			break;
	}
	json_decref(object);
	return NULL;
}

/* The value that the current event is or begins. */
static json_t *make_value(struct reader *r, int depth)
{
	const yaml_event_t *e = &r->event;

	if ((e->type == YAML_SCALAR_EVENT &&
	     (e->data.scalar.tag || e->data.scalar.anchor)) ||
	    (e->type == YAML_SEQUENCE_START_EVENT &&
	     (e->data.sequence_start.tag || e->data.sequence_start.anchor)) ||
	    (e->type == YAML_MAPPING_START_EVENT &&
	     (e->data.mapping_start.tag || e->data.mapping_start.anchor)) ||
	    e->type == YAML_ALIAS_EVENT) {
		refuse(r, "anchors, aliases and tags are not accepted");
		return NULL;
	}
	if (e->type == YAML_SCALAR_EVENT)
		return make_scalar(r);
	if (depth == 0) {
		refuse(r, "nested too deep");
		return NULL;
	}
	return e->type == YAML_SEQUENCE_START_EVENT ?
		make_sequence(r, depth - 1) : make_mapping(r, depth - 1);
}

/* Stream start, document start, value, document end, stream end. */
static json_t *make_document(struct reader *r)
{
	json_t *json;

	if (next_event(r) < 0 || next_event(r) < 0)
		return NULL;
	if (r->event.type != YAML_DOCUMENT_START_EVENT) {
		refuse(r, "there is nothing");
		return NULL;
	}
	if (next_event(r) < 0)
		return NULL;
	json = make_value(r, YAML_DEPTH_MAX);
	if (json && next_event(r) == 0 && next_event(r) == 0) {
		if (r->event.type == YAML_STREAM_END_EVENT)
			return json;
		refuse(r, "a second document");
	}
	json_decref(json);
	return NULL;
}

json_t *yaml_to_json(const char *text, size_t len, struct proto_error *err)
{
	struct reader r = { .err = err };
	json_t *json;

	if (!yaml_parser_initialize(&r.parser)) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text,
				     len);
	json = make_document(&r);
	if (r.have_event)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return json;
}
