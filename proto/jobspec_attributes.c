/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a jobspec's attributes: a table of the known ones. See
 * weir-jobspec(5). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/arrayspec.h"
#include "proto/jobspec.h"
#include "proto/jobspec_attributes.h"
#include "proto/json_check.h"

#define OPTIONS "attributes.system.shell.options"

static int check_string(json_t *value, const char *path,
			struct proto_error *err)
{
	if (json_is_string(value) && json_string_length(value))
		return 0;
	return json_must_be(err, path, "a string that is not empty", value);
}

static int check_object(json_t *value, const char *path,
			struct proto_error *err)
{
	return json_is_object(value) ? 0 :
		json_must_be(err, path, "an object", value);
}

static int check_seconds(json_t *value, const char *path,
			 struct proto_error *err)
{
	double seconds = json_number_value(value);

	if (json_is_number(value) && seconds >= 0 &&
	    seconds <= JOBSPEC_DURATION_MAX)
		return 0;
	return json_must_be(err, path, "a number of seconds from 0 to 1e10",
		       value);
}

static int check_cwd(json_t *value, const char *path, struct proto_error *err)
{
	if (json_is_string(value) && json_string_value(value)[0] == '/')
		return 0;
	return json_must_be(err, path, "an absolute path", value);
}

static int check_environment(json_t *value, const char *path,
			     struct proto_error *err)
{
	const char *name;
	json_t *text;

	if (check_object(value, path, err) < 0)
		return -1;
	json_object_foreach(value, name, text) {
		char field[JSON_PATH_SIZE];

		snprintf(field, sizeof(field), "%s.%.60s", path, name);
		if (!*name || strchr(name, '='))
			return proto_error_set(err, EINVAL, "%s: not a name "
					       "of a variable", field);
		if (!json_is_string(text) && !json_is_null(text))
			return json_must_be(err, field, "a string or null", text);
	}
	return 0;
}

static int check_dependencies(json_t *value, const char *path,
			      struct proto_error *err)
{
	json_t *item;
	size_t i;

	if (!json_is_array(value))
		return json_must_be(err, path, "an array", value);
	json_array_foreach(value, i, item) {
		char field[JSON_PATH_SIZE];

		snprintf(field, sizeof(field), "%s[%zu]", path, i);
		if (check_object(item, field, err) < 0)
			return -1;
		snprintf(field, sizeof(field), "%s[%zu].scheme", path, i);
		if (check_string(json_object_get(item, "scheme"), field,
				 err) < 0)
			return -1;
		/* a scheme may need none: it is empty then */
		snprintf(field, sizeof(field), "%s[%zu].value", path, i);
		if (!json_is_string(json_object_get(item, "value")))
			return json_must_be(err, field, "a string",
					    json_object_get(item, "value"));
	}
	return 0;
}

static int check_job(json_t *value, const char *path, struct proto_error *err)
{
	const char *key;
	json_t *text;

	if (check_object(value, path, err) < 0)
		return -1;
	json_object_foreach(value, key, text) {
		char field[JSON_PATH_SIZE];

		snprintf(field, sizeof(field), "%s.%.60s", path, key);
		if (!json_is_string(text))
			return json_must_be(err, field, "a string", text);
	}
	return 0;
}

static int check_rlimit(json_t *value, const char *path,
			struct proto_error *err)
{
	const char *name;
	json_t *limit;

	if (check_object(value, path, err) < 0)
		return -1;
	json_object_foreach(value, name, limit) {
		char field[JSON_PATH_SIZE];

		snprintf(field, sizeof(field), "%s.%.60s", path, name);
		if (!json_is_integer(limit) || json_integer_value(limit) < -1)
			return json_must_be(err, field, "an integer from -1 "
					    "(no limit) on", limit);
	}
	return 0;
}

/* A stream of OPTIONS, at A.B: what it is connected with. */
static int check_stream(json_t *options, const char *a, const char *b,
			const char *other, struct proto_error *err)
{
	json_t *o = json_object_get(json_object_get(options, a), b), *type;
	const char *word;
	char path[JSON_PATH_SIZE], words[64];

	if (!o)
		return 0;
	snprintf(path, sizeof(path), OPTIONS ".%s.%s", a, b);
	if (check_object(o, path, err) < 0)
		return -1;
	type = json_object_get(o, "type");
	if (!type)
		return 0;
	word = json_string_value(type);
	snprintf(path, sizeof(path), OPTIONS ".%s.%s.type", a, b);
	snprintf(words, sizeof(words), "\"%s\" or \"file\"", other);
	if (!word || (strcmp(word, other) && strcmp(word, "file")))
		return json_must_be(err, path, words, type);
	if (strcmp(word, "file"))
		return 0;
	snprintf(path, sizeof(path), OPTIONS ".%s.%s.path", a, b);
	return check_string(json_object_get(o, "path"), path, err);
}

static int check_stdio(json_t *options, struct proto_error *err)
{
	json_t *mode = json_object_get(json_object_get(options, "output"),
				       "mode");
	const char *word = json_string_value(mode);

	if (mode && (!word || (strcmp(word, "append") &&
			       strcmp(word, "truncate"))))
		return json_must_be(err, OPTIONS ".output.mode",
				    "\"truncate\" or \"append\"", mode);
	if (check_stream(options, "output", "stdout", "kvs", err) < 0 ||
	    check_stream(options, "output", "stderr", "kvs", err) < 0)
		return -1;
	return check_stream(options, "input", "stdin", "service", err);
}

static int check_shell(json_t *value, const char *path,
		       struct proto_error *err)
{
	json_t *options = json_object_get(value, "options");

	if (check_object(value, path, err) < 0)
		return -1;
	if (!options)
		return 0;
	if (check_object(options, OPTIONS, err) < 0)
		return -1;
	value = json_object_get(options, "rlimit");
	if (value && check_rlimit(value, OPTIONS ".rlimit", err) < 0)
		return -1;
	return check_stdio(options, err);
}

static int check_array(json_t *value, const char *path,
		       struct proto_error *err)
{
	struct proto_error inner;
	struct array_spec *spec;

	if (check_string(value, path, err) < 0)
		return -1;
	spec = array_spec_parse(json_string_value(value), &inner);
	if (!spec)
		return proto_error_set(err, errno == ENOMEM ? ENOMEM : EINVAL,
				       "%s: %s", path, inner.text);
	array_spec_destroy(spec);
	return 0;
}

/* Keys of attributes.system that are known; others are kept unread. */
static const struct attribute {
	const char *key;
	int (*check)(json_t *value, const char *path,
		     struct proto_error *err);
} attributes[] = {
	{ "duration", check_seconds },
	{ "preemptible-after", check_seconds },
	{ "environment", check_environment },
	{ "cwd", check_cwd },
	{ "queue", check_string },
	{ "array", check_array },
	{ "bank", check_string },
	{ "project", check_string },
	{ "dependencies", check_dependencies },
	{ "constraints", check_object },
	{ "job", check_job },
	{ "shell", check_shell },
	{ "files", check_object },
};

int jobspec_check_attributes(json_t *all, struct proto_error *err)
{
	static const char *const keys[] = { "system", "user", NULL };
	json_t *system = json_object_get(all, "system");

	if (check_object(all, "attributes", err) < 0 ||
	    json_check_keys(all, "attributes", keys, err) < 0 ||
	    check_object(system, "attributes.system", err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]);
	     i++) {
		json_t *value = json_object_get(system, attributes[i].key);
		char path[JSON_PATH_SIZE];

		snprintf(path, sizeof(path), "attributes.system.%s",
			 attributes[i].key);
		if (value && attributes[i].check(value, path, err) < 0)
			return -1;
	}
	return 0;
}
