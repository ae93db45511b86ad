/* SPDX-License-Identifier: Apache-2.0 */
/* What there is of a job array, in memory and as a value: see array.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/array.h"

static const struct { const char *name; enum job_result result; } kinds[] = {
	{ "completed", RESULT_COMPLETED }, { "failed", RESULT_FAILED },
	{ "canceled", RESULT_CANCELED }, { "timeout", RESULT_TIMEOUT },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static char *canonical(const struct array_spec *spec)
{
	char *text = array_spec_encode(spec, 0, NULL), *all;

	if (!text || !spec->limit)
		return text;
	if (asprintf(&all, "%s%%%u", text, spec->limit) < 0)
		all = NULL;
	free(text);
	return all;
}

struct array *array_create(const char *text, struct proto_error *err)
{
	struct array *a = calloc(1, sizeof(*a));

	if (a) {
		a->spec = array_spec_parse(text, err);
		if (!a->spec) {
			array_destroy(a);
			return NULL;
		}
		a->text = canonical(a->spec);
		a->apart = idset_create();
		a->more = array_spec_next(a->spec, 0, &a->next);
	}
	if (a && a->text && a->apart)
		return a;
	array_destroy(a);
	proto_error_set(err, ENOMEM, "out of memory");
	return NULL;
}

void array_destroy(struct array *a)
{
	int saved = errno;

	if (!a)
		return;
	array_spec_destroy(a->spec);
	idset_destroy(a->apart);
	json_decref(a->updates);
	free(a->text);
	free(a);
	errno = saved;
}

int array_rest(const struct array *a, char **text)
{
	*text = NULL;
	if (!a->more)
		return 0;
	*text = array_spec_encode(a->spec, a->next, a->apart);
	if (!*text)
		return -1;
	if (!**text) {
		free(*text);
		*text = NULL;
	}
	return 0;
}

char *array_encode(const struct array *a)
{
	char *apart = idset_encode(a->apart, 0), *text;
	json_t *o = json_pack("{s:s s:i}", "apart", apart ? apart : "",
			      "status", a->status);
	size_t i;
	int r = o && apart ? 0 : -1;

	if (a->more)
		r |= json_object_set_new(o, "next", json_integer(a->next));
	for (i = 0; i < KINDS; i++)
		r |= json_object_set_new(o, kinds[i].name, json_integer(
				(json_int_t)a->results[kinds[i].result]));
	text = r == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	free(apart);
	return text;
}

static int take_counts(struct array *a, json_t *o)
{
	json_int_t n, sum = 0;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		n = json_integer_value(json_object_get(o, kinds[i].name));
		if (n < 0 || n > a->spec->count)
			return -1;
		sum += n;
		a->results[kinds[i].result] = (size_t)n;
	}
	return sum > a->spec->count ? -1 : 0;
}

static int take_members(struct array *a, json_t *o)
{
	const char *apart = "";
	json_int_t next = -1;
	struct idset *set;

	if (json_unpack(o, "{s?I s?s s?i}", "next", &next, "apart", &apart,
			"status", &a->status) < 0 || next < -1 ||
	    next > JOBID_INDEX_MAX)
		return -1;
	a->more = next >= 0;
	if (a->more && !array_spec_has(a->spec, (uint32_t)next))
		return -1;
	a->next = a->more ? (uint32_t)next : a->next;
	set = idset_decode(apart, NULL);
	if (!set)
		return -1;
	idset_destroy(a->apart);
	a->apart = set;
	return take_counts(a, o);
}

int array_decode(struct array *a, const char *data, size_t len,
		 struct proto_error *err)
{
	json_t *o = json_loadb(data, len, 0, NULL);
	int r = o ? take_members(a, o) : -1;

	json_decref(o);
	return r == 0 ? 0 : proto_error_set(err, EINVAL, "elements: not the "
					    "state of this array");
}

int array_update(struct array *a, json_t *updates)
{
	if (!a->updates)
		a->updates = json_object();
	return json_object_update(a->updates, updates);
}
