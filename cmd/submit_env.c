/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of --env, applied in order to a copy of the environment.
 * weir-submit(1). */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/jobspec.h"

extern char **environ;

/* A glob, or a regular expression between slashes. */
struct pattern {
	const char *glob;
	bool is_regex;
	regex_t regex;
};

static void pattern_init(struct pattern *p, const char *text)
{
	char *copy;
	size_t len;
	int e;

	p->glob = text;
	p->is_regex = *text == '/';
	if (!p->is_regex)
		return;
	copy = xstrdup(text + 1);
	len = strlen(copy);
	if (len && copy[len - 1] == '/')
		copy[len - 1] = '\0';
	e = regcomp(&p->regex, copy, REG_EXTENDED | REG_NOSUB);
	if (e) {
		char why[128];

		regerror(e, &p->regex, why, sizeof(why));
		fail("--env: '%s': %s", text, why);
	}
	free(copy);
}

static bool pattern_matches(const struct pattern *p, const char *name)
{
	return p->is_regex ? regexec(&p->regex, name, 0, NULL, 0) == 0 :
			     fnmatch(p->glob, name, 0) == 0;
}

static void pattern_fini(struct pattern *p)
{
	if (p->is_regex)
		regfree(&p->regex);
}

static void remove_matches(json_t *env, const char *text)
{
	struct pattern p;
	const char *name;
	json_t *value;
	void *next;

	pattern_init(&p, text);
	json_object_foreach_safe(env, next, name, value)
		if (pattern_matches(&p, name))
			json_object_del(env, name);
	pattern_fini(&p);
}

static void copy_matches(json_t *env, const char *text)
{
	json_t *all = jobspec_environment(environ), *value;
	struct pattern p;
	const char *name;

	pattern_init(&p, text);
	json_object_foreach(all, name, value)
		if (pattern_matches(&p, name) && !json_object_get(env, name))
			json_object_set(env, name, value);
	pattern_fini(&p);
	json_decref(all);
}

static const char *lookup(const json_t *env, const char *name)
{
	const char *value = json_string_value(json_object_get(env, name));

	return value ? value : getenv(name);
}

static bool name_char(char c, bool first)
{
	return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (!first && c >= '0' && c <= '9');
}

/* $$, $NAME and ${NAME} in TEXT. */
static char *substitute(const json_t *env, const char *text,
			const char *rule)
{
	char *result = xstrdup(""), *longer, *name;
	const char *value;
	size_t n;

	while (*text) {
		n = strcspn(text, "$");
		longer = xasprintf("%s%.*s", result, (int)n, text);
		free(result);
		result = longer;
		text += n;
		if (!*text)
			break;
		if (text[1] == '$') {
			value = "$";
			text += 2;
		} else {
			bool brace = text[1] == '{';
			const char *start = text + 1 + brace;

			for (n = 0; name_char(start[n], n == 0); n++)
				;
			if (n == 0 || (brace && start[n] != '}'))
				fail("--env: '%s': bad substitution", rule);
			name = strndup(start, n);
			value = name ? lookup(env, name) : NULL;
			if (!value)
				fail("--env: '%s': %s is not set", rule,
				     name);
			free(name);
			text = start + n + brace;
		}
		longer = xasprintf("%s%s", result, value);
		free(result);
		result = longer;
	}
	return result;
}

static void apply(json_t *env, const char *rule);

static void apply_file(json_t *env, const char *path)
{
	const char *home = getenv("HOME");
	char *full = *path == '~' && path[1] == '/' && home ?
		     xasprintf("%s%s", home, path + 1) : xstrdup(path);
	FILE *file = fopen(full, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!file)
		fail("--env: %s: %s", full, strerror(errno));
	while ((n = getline(&line, &size, file)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n && *line != '#')
			apply(env, line);
	}
	free(line);
	fclose(file);
	free(full);
}

static void apply(json_t *env, const char *rule)
{
	const char *equal = strchr(rule, '=');
	char *name, *value;

	if (*rule == '-') {
		remove_matches(env, rule + 1);
	} else if (*rule == '^') {
		apply_file(env, rule + 1);
	} else if (equal && equal > rule) {
		name = strndup(rule, (size_t)(equal - rule));
		value = substitute(env, equal + 1, rule);
		if (!name || json_object_set_new(env, name,
						 json_string(value)) < 0)
			fail("--env: '%s' is not UTF-8", rule);
		free(name);
		free(value);
	} else {
		copy_matches(env, rule);
	}
}

json_t *submit_environment(const struct word_list *rules)
{
	json_t *env = jobspec_environment(environ);
	int i;

	if (!env)
		die("out of memory");
	for (i = 0; i < rules->count; i++)
		apply(env, rules->word[i]);
	return env;
}
