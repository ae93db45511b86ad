/* SPDX-License-Identifier: Apache-2.0 */
/* Soft limits that go with a job, after the rules of --rlimit.
 * weir-submit(1). */
#include "config.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"

static const struct {
	const char *name;
	int resource;
	bool propagated;	/* without a rule */
} limits[] = {
	{ "cpu", RLIMIT_CPU, true }, { "fsize", RLIMIT_FSIZE, true },
	{ "data", RLIMIT_DATA, true }, { "stack", RLIMIT_STACK, true },
	{ "core", RLIMIT_CORE, true }, { "nofile", RLIMIT_NOFILE, true },
	{ "as", RLIMIT_AS, true }, { "rss", RLIMIT_RSS, true },
	{ "nproc", RLIMIT_NPROC, true }, { "memlock", RLIMIT_MEMLOCK, false },
};
#define COUNT (sizeof(limits) / sizeof(limits[0]))

static json_t *current(size_t i)
{
	struct rlimit r;

	if (getrlimit(limits[i].resource, &r) < 0)
		return NULL;
	return json_integer(r.rlim_cur == RLIM_INFINITY ? -1 :
			    (json_int_t)r.rlim_cur);
}

static void set(json_t *o, const char *name, const char *text)
{
	char *end;
	long long n;
	size_t i;

	for (i = 0; i < COUNT && strcmp(limits[i].name, name); i++)
		;
	if (i == COUNT)
		fail("--rlimit: there is no limit '%s'", name);
	if (!strcasecmp(text, "unlimited") || !strcasecmp(text, "infinity") ||
	    !strcasecmp(text, "inf")) {
		n = -1;
	} else {
		n = strtoll(text, &end, 10);
		if (*end || end == text || n < 0)
			fail("--rlimit: %s: '%s' is no number, unlimited, "
			     "infinity or inf", name, text);
	}
	json_object_set_new(o, name, json_integer(n));
}

static void apply(json_t *o, const char *rule)
{
	const char *equal = strchr(rule, '=');
	bool matched = false;
	size_t i;

	if (equal) {
		char *name = strndup(rule, (size_t)(equal - rule));

		set(o, name ? name : "", equal + 1);
		free(name);
		return;
	}
	for (i = 0; i < COUNT; i++) {
		if (fnmatch(*rule == '-' ? rule + 1 : rule, limits[i].name,
			    0))
			continue;
		matched = true;
		if (*rule == '-')
			json_object_del(o, limits[i].name);
		else
			json_object_set_new(o, limits[i].name, current(i));
	}
	if (!matched)
		fail("--rlimit: no limit matches '%s'", rule);
}

json_t *submit_limits(const struct word_list *rules)
{
	json_t *o = json_object();
	size_t i;
	int k;

	for (i = 0; i < COUNT; i++)
		if (limits[i].propagated)
			json_object_set_new(o, limits[i].name, current(i));
	for (k = 0; k < rules->count; k++) {
		char *copy = xstrdup(rules->word[k]), *rest = copy, *rule;

		while ((rule = strsep(&rest, ",")))
			apply(o, rule);
		free(copy);
	}
	if (json_object_size(o))
		return o;
	json_decref(o);
	return NULL;
}
