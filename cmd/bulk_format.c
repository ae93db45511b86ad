/* SPDX-License-Identifier: Apache-2.0 */
/* Replacement fields of weir bulksubmit, as Python's str.format() knows them:
 * {} {N} {.%} {N./} {seq} {.NAME}, and {{ for a brace. {cc} is left alone,
 * for the copies of a job. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/bulk.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

struct format {
	struct wire_buf out;
	const struct bulk_value *const *value;
	int values;
	int next;		/* of fields without a number */
	size_t seq;
	const struct bulk_definitions *defs;
};

static void add(struct format *f, const char *text, size_t len)
{
	if (wire_buf_add(&f->out, text, len) < 0)
		die("out of memory");
}

static size_t without_extension(const char *name, size_t len)
{
	const char *dot = memrchr(name, '.', len);

	/* a name that begins with its only dot has none */
	if (!dot || dot == name || dot[-1] == '/' ||
	    memchr(dot, '/', name + len - dot))
		return len;
	return dot - name;
}

static const char *basename_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static void add_folder(struct format *f, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (slash)
		add(f, name, slash == name ? 1 : (size_t)(slash - name));
}

static void add_value(struct format *f, const struct bulk_value *v,
		      const char *op, const char *field)
{
	const char *base = basename_of(v->text);
	int i;

	if (!*op) {
		add(f, v->text, strlen(v->text));
	} else if (!strcmp(op, ".%")) {
		add(f, v->text, without_extension(v->text, strlen(v->text)));
	} else if (!strcmp(op, "./")) {
		add(f, base, strlen(base));
	} else if (!strcmp(op, "./%")) {
		add(f, base, without_extension(base, strlen(base)));
	} else if (!strcmp(op, ".//")) {
		add_folder(f, v->text);
	} else {
		for (i = 0; i < f->defs->count; i++)
			if (*op == '.' &&
			    !strcmp(op + 1, f->defs->definition[i].name))
				break;
		if (i == f->defs->count)
			fail("{%s}: no such replacement", field);
		add(f, v->defined[i], strlen(v->defined[i]));
	}
}

static void add_field(struct format *f, const char *field)
{
	char number[24];
	char *end;
	long n;

	if (!strcmp(field, "seq") || !strcmp(field, "seq1")) {
		snprintf(number, sizeof(number), "%zu",
			 f->seq + (field[3] == '1'));
		add(f, number, strlen(number));
		return;
	}
	n = strtol(field, &end, 10);
	if (end == field)
		n = f->next++;
	if (n < 0 || n >= f->values)
		fail("{%s}: there %s %d list%s of inputs", field,
		     f->values == 1 ? "is" : "are", f->values,
		     f->values == 1 ? "" : "s");
	add_value(f, f->value[n], end, field);
}

char *bulk_format(const char *text, const struct bulk_value *const *value,
		  int values, size_t seq,
		  const struct bulk_definitions *defs)
{
	struct format f = { .value = value, .values = values, .seq = seq,
			    .defs = defs };
	const char *at = text, *end;

	while (*at) {
		size_t n = strcspn(at, "{}");
		char *field;

		add(&f, at, n);
		at += n;
		if (!*at)
			break;
		if (at[0] == at[1]) {
			add(&f, at, 1);
			at += 2;
			continue;
		}
		end = *at == '{' ? strchr(at, '}') : NULL;
		if (!end)
			fail("%s: a single '%c'; write '%c%c' to mean it",
			     text, *at, *at, *at);
		field = xasprintf("%.*s", (int)(end - at - 1), at + 1);
		if (!strcmp(field, "cc"))
			add(&f, at, end + 1 - at);
		else
			add_field(&f, field);
		free(field);
		at = end + 1;
	}
	add(&f, "", 1);
	return f.out.data;
}
