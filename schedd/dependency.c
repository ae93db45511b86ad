/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies of jobs as they are written and as events change them: see
 * dependency.h. Whether they hold is in depend.c. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "proto/jobid.h"
#include "proto/wire.h"
#include "schedd/condition.h"
#include "schedd/job.h"

static const struct scheme {
	const char *name;
	enum condition_kind kind;
	const char *prefix;	/* of the description */
} schemes[] = {
	{ "after", CONDITION_STARTED, "after-start=" },
	{ "afterstart", CONDITION_STARTED, "after-start=" },
	{ "afterany", CONDITION_FINISHED, "after-finish=" },
	{ "afterok", CONDITION_SUCCEEDED, "after-success=" },
	{ "afternotok", CONDITION_FAILED, "after-failure=" },
	{ "afterexcept", CONDITION_EXCEPTION, "after-except=" },
	{ "begin-time", CONDITION_TIME, "begin-time=" },
	{ "singleton", CONDITION_SINGLETON, "singleton" },
};

/* What a plug-in has to say of: "SCHEME=VALUE". Whether there is one is asked
 * at submission; in a log that is read back it stands for what it was. */
static const struct scheme foreign = { "", CONDITION_FOREIGN, "" };

#define VALUE_MAX	200	/* bytes, of a foreign one */
#define DESCRIPTION_SIZE	(VALUE_MAX + 64)

static bool is_foreign(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].name) == len &&
		    !strncmp(schemes[i].name, name, len))
			return false;
	return len > 0 && len <= 60 && strncmp(name, "any-of", len) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") >= len;
}

bool dependency_is_foreign(const char *scheme)
{
	return is_foreign(scheme, strlen(scheme));
}

static const struct scheme *find_scheme(const char *name, size_t len,
					struct proto_error *err)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].name) == len &&
		    !strncmp(schemes[i].name, name, len))
			return &schemes[i];
	if (is_foreign(name, len))
		return &foreign;
	proto_error_set(err, EINVAL, "dependency scheme \"%.*s\" not "
			"supported", len > 60 ? 60 : (int)len, name);
	return NULL;
}

const char *condition_scheme(const struct condition *c)
{
	size_t i = 0;

	if (c->kind == CONDITION_FOREIGN)
		return c->scheme;
	while (schemes[i].kind != c->kind)
		i++;
	return schemes[i].name;
}

static int parse_foreign(struct condition *c, const char *name, size_t len,
			 const char *value, char *text, size_t size,
			 struct proto_error *err)
{
	if (strlen(value) > VALUE_MAX)
		return proto_error_set(err, EINVAL, "dependency: %.*s: its "
				       "value must have at most %d bytes",
				       (int)len, name, VALUE_MAX);
	c->kind = CONDITION_FOREIGN;
	c->scheme = calloc(1, len + strlen(value) + 2);
	if (!c->scheme)
		return proto_error_set(err, ENOMEM, "out of memory");
	memcpy(c->scheme, name, len);
	c->value = c->scheme + len + 1;
	strcpy(c->value, value);
	snprintf(text, size, "%s%s%s", c->scheme, *value ? "=" : "", value);
	return 0;
}

/* Fills in what VALUE, of the scheme called NAME, says, and describes it. */
static int parse_value(struct condition *c, const struct scheme *scheme,
		       const char *name, size_t len, const char *value,
		       char *text, size_t size, struct proto_error *err)
{
	char id[JOBID_SIZE];

	if (scheme == &foreign)
		return parse_foreign(c, name, len, value, text, size, err);

	c->kind = scheme->kind;
	snprintf(text, size, "%s", scheme->prefix);
	if (c->kind == CONDITION_SINGLETON) {
		if (*value)
			return proto_error_set(err, EINVAL, "dependency: "
				"singleton: takes no value, got \"%.60s\"",
				value);
		return 0;
	}
	if (c->kind == CONDITION_TIME) {
		if (wire_parse_seconds(value, &c->time) < 0)
			return proto_error_set(err, EINVAL, "dependency: "
				"begin-time: \"%.60s\" is no number of "
				"seconds since 1970", value);
		snprintf(text, size, "%s%.3f", scheme->prefix, c->time);
		return 0;
	}
	if (jobid_parse(value, &c->id, NULL) < 0)
		return proto_error_set(err, EINVAL, "dependency: %s: \"%.60s\""
				       " is not a valid jobid", scheme->name,
				       value);
	snprintf(text, size, "%s%s", scheme->prefix,
		 jobid_encode(c->id, JOBID_F58, id));
	return 0;
}

void condition_unlink(struct condition *c)
{
	if (!c->prev)
		return;
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->prev = NULL;
}

void condition_link(struct condition **list, struct condition *c)
{
	condition_unlink(c);
	c->next = *list;
	if (c->next)
		c->next->prev = &c->next;
	c->prev = list;
	*list = c;
}

static struct dependency *create(struct job *job, size_t count)
{
	struct dependency *d = calloc(1, sizeof(*d) +
				      count * sizeof(d->condition[0]));
	size_t i;

	if (!d)
		return NULL;
	d->job = job;
	d->count = count;
	for (i = 0; i < count; i++)
		d->condition[i].dependency = d;
	return d;
}

static void destroy(struct dependency *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < d->count; i++) {
		condition_unlink(&d->condition[i]);
		if (d->condition[i].timer)
			event_free(d->condition[i].timer);
		free(d->condition[i].scheme);
	}
	free(d->description);
	free(d);
}

/* A single condition. */
static struct dependency *parse_one(struct job *job, const char *scheme,
				    const char *value,
				    struct proto_error *err)
{
	const struct scheme *s = find_scheme(scheme, strlen(scheme), err);
	struct dependency *d;
	char text[DESCRIPTION_SIZE];

	if (!s)
		return NULL;
	d = create(job, 1);
	if (d && parse_value(&d->condition[0], s, scheme, strlen(scheme),
			     value, text, sizeof(text), err) < 0) {
		destroy(d);
		return NULL;
	}
	if (d)
		d->description = strdup(text);
	if (!d || !d->description) {
		destroy(d);
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return d;
}

/* "afterok:ID,afternotok:ID": one of them is enough. */
static int parse_parts(struct dependency *d, char *list,
		       struct wire_buf *text, struct proto_error *err)
{
	const struct scheme *s;
	char *word, *value, one[DESCRIPTION_SIZE];
	size_t i = 0;

	while ((word = strsep(&list, ","))) {
		value = strchr(word, ':');
		s = find_scheme(word, strcspn(word, ":"), err);
		if (!s)
			return -1;
		if (parse_value(&d->condition[i++], s, word,
				strcspn(word, ":"), value ? value + 1 : "",
				one, sizeof(one), err) < 0)
			return -1;
		if (buf_printf(text, "%s%s", i > 1 ? "|" : "", one) < 0)
			return proto_error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static struct dependency *parse_any(struct job *job, const char *value,
				    struct proto_error *err)
{
	struct dependency *d = NULL;
	char *copy = strdup(value);
	struct wire_buf text;
	size_t count = 1;
	const char *p;

	for (p = value; *p; p++)
		count += *p == ',';
	wire_buf_init(&text);
	if (count > DEPENDENCIES_MAX) {
		proto_error_set(err, EINVAL, "dependency: any-of: more than "
				"%d parts", DEPENDENCIES_MAX);
		goto out;
	}
	d = create(job, count);
	if (!copy || !d || buf_printf(&text, "any-of=") < 0) {
		proto_error_set(err, ENOMEM, "out of memory");
		goto fail;
	}
	if (parse_parts(d, copy, &text, err) < 0)
		goto fail;
	d->description = strndup(text.data, text.len);
	if (d->description)
		goto out;
	proto_error_set(err, ENOMEM, "out of memory");
fail:
	destroy(d);
	d = NULL;
out:
	wire_buf_free(&text);
	free(copy);
	return d;
}

static struct dependency *find(const struct job *job, const char *description)
{
	struct dependency *d;

	for (d = job->dependencies; d; d = d->next)
		if (!strcmp(d->description, description))
			return d;
	return NULL;
}

static void append(struct job *job, struct dependency *d)
{
	struct dependency **p = &job->dependencies;

	while (*p)
		p = &(*p)->next;
	*p = d;
}

int dependency_parse(struct job *job, json_t *array, struct proto_error *err)
{
	struct dependency *d;
	json_t *item;
	size_t i;

	if (json_array_size(array) > DEPENDENCIES_MAX)
		return proto_error_set(err, EINVAL, "attributes.system."
			"dependencies: must have at most %d elements, has %zu",
			DEPENDENCIES_MAX, json_array_size(array));
	json_array_foreach(array, i, item) {
		const char *scheme, *value;

		if (json_unpack(item, "{s:s s:s}", "scheme", &scheme, "value",
				&value) < 0)
			return proto_error_set(err, EINVAL, "attributes."
				"system.dependencies[%zu]: must have scheme "
				"and value", i);
		d = strcmp(scheme, "any-of") ?
		    parse_one(job, scheme, value, err) :
		    parse_any(job, value, err);
		if (!d)
			return -1;
		if (find(job, d->description))
			destroy(d);
		else
			append(job, d);
	}
	return 0;
}

void dependency_free(struct job *job)
{
	struct dependency *d;

	while ((d = job->dependencies)) {
		job->dependencies = d->next;
		destroy(d);
	}
	while (job->dependents)
		condition_unlink(job->dependents);
}

/* ---- events ---- */

/* One that the jobspec does not have is another part's to take away. */
int dependency_opened(struct job *job, const char *description)
{
	struct dependency *d = find(job, description);

	if (!d) {
		d = create(job, 0);
		if (d)
			d->description = strdup(description);
		if (!d || !d->description) {
			destroy(d);
			errno = ENOMEM;
			return -1;
		}
		append(job, d);
	}
	d->posted = d->open = true;
	return 0;
}

void dependency_closed(struct job *job, const char *description)
{
	struct dependency *d = find(job, description);

	if (d)
		d->open = false;
}

int dependency_hold(struct job *job, const char *description)
{
	struct dependency *d;

	if (dependency_opened(job, description) < 0)
		return -1;
	d = find(job, description);
	d->posted = false;
	return 0;
}

bool dependency_is_open(const struct job *job, const char *description)
{
	const struct dependency *d = find(job, description);

	return d && d->open;
}

json_t *dependency_list(const struct job *job)
{
	struct dependency *d;
	json_t *list = NULL;

	for (d = job->dependencies; d; d = d->next) {
		if (!d->open)
			continue;
		if (!list)
			list = json_array();
		json_array_append_new(list, json_string(d->description));
	}
	return list;
}
