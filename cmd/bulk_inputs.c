/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of inputs of weir bulksubmit: given in the command line or read
 * from files, combined in all ways but for those that are linked. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bulk.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"

static void value_add(struct bulk_list *list, const char *text, size_t len)
{
	if ((list->count & (list->count - 1)) == 0)
		list->value = xrealloc(list->value, (list->count ?
				       2 * list->count : 1) *
				       sizeof(*list->value));
	list->value[list->count++] = (struct bulk_value){
		.text = xasprintf("%.*s", (int)len, text) };
}

static struct bulk_list *list_add(struct bulk_inputs *in, bool linked)
{
	struct bulk_list *list;

	if (linked && !in->lists)
		fail("a linked list of inputs needs one before it");
	in->list = xrealloc(in->list, (in->lists + 1) * sizeof(*in->list));
	list = &in->list[in->lists++];
	*list = (struct bulk_list){ .linked = linked };
	return list;
}

/* ---- files ---- */

static void split_space(struct bulk_list *list, const char *text)
{
	while (*(text += strspn(text, " \t\r\n\v\f"))) {
		size_t n = strcspn(text, " \t\r\n\v\f");

		value_add(list, text, n);
		text += n;
	}
}

/* An empty piece after the last separator is none. */
static void split(struct bulk_list *list, const char *text,
		  const char *separator)
{
	const char *end;

	while ((end = strstr(text, separator))) {
		value_add(list, text, end - text);
		text = end + strlen(separator);
	}
	if (*text)
		value_add(list, text, strlen(text));
}

static void read_file(struct bulk_list *list, const char *path,
		      const char *separator)
{
	bool standard = !strcmp(path, "-");
	FILE *f = standard ? stdin : fopen(path, "r");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	if (!f)
		fail("%s: %s", path, strerror(errno));
	len = getdelim(&text, &size, '\0', f);
	if (len < 0 && ferror(f))
		fail("%s: %s", path, strerror(errno));
	if (len > 0 && !text[len - 1] && !feof(f))
		fail("%s: holds a NUL byte", path);
	if (!standard)
		fclose(f);
	if (len > 0 && separator && !*separator)
		split_space(list, text);
	else if (len > 0)
		split(list, text, separator ? separator : "\n");
	free(text);
}

/* ---- the command line ---- */

bool bulk_is_delimiter(const char *word)
{
	return !strcmp(word, ":::") || !strcmp(word, ":::+") ||
	       !strcmp(word, "::::") || !strcmp(word, "::::+");
}

static void read_words(struct bulk_inputs *in, char ***words,
		       const char *separator)
{
	const char *delimiter = *(*words)++;
	bool files = !strncmp(delimiter, "::::", 4);
	struct bulk_list *list = list_add(in, strchr(delimiter, '+') != NULL);

	if (files && (!**words || bulk_is_delimiter(**words)))
		fail("%s: a file is missing", delimiter);
	for (; **words && !bulk_is_delimiter(**words); ++*words) {
		if (files)
			read_file(list, **words, separator);
		else
			value_add(list, **words, strlen(**words));
	}
}

void bulk_inputs_read(struct bulk_inputs *in, char **words,
		      const char *separator)
{
	*in = (struct bulk_inputs){ 0 };
	if (!*words)
		read_file(list_add(in, false), "-", separator);
	while (*words)
		read_words(in, &words, separator);
}

void bulk_inputs_free(struct bulk_inputs *in,
		      const struct bulk_definitions *defs)
{
	int l, d;
	size_t i;

	for (l = 0; l < in->lists; l++) {
		for (i = 0; i < in->list[l].count; i++) {
			struct bulk_value *v = &in->list[l].value[i];

			for (d = 0; v->defined && d < defs->count; d++)
				free(v->defined[d]);
			free(v->defined);
			free(v->text);
		}
		free(in->list[l].value);
	}
	free(in->list);
}

/* ---- combinations ---- */

/* How often a list and those linked to it step: as the longest does. */
static size_t steps(const struct bulk_inputs *in, int l, int *next)
{
	size_t n = in->list[l].count;
	bool empty = n == 0;

	for (*next = l + 1; *next < in->lists && in->list[*next].linked;
	     ++*next) {
		size_t m = in->list[*next].count;

		empty = empty || m == 0;
		n = m > n ? m : n;
	}
	return empty ? 0 : n;
}

size_t bulk_inputs_count(const struct bulk_inputs *in)
{
	size_t n = 1;
	int l, next;

	for (l = 0; l < in->lists; l = next)
		if (__builtin_mul_overflow(n, steps(in, l, &next), &n))
			fail("there are too many combinations");
	return in->lists ? n : 0;
}

void bulk_inputs_get(const struct bulk_inputs *in, size_t i,
		     const struct bulk_value **value)
{
	size_t rest = bulk_inputs_count(in);
	int l, next;

	for (l = 0; l < in->lists; l = next) {
		size_t n = steps(in, l, &next), at;
		int k;

		rest /= n;	/* the first list steps last */
		at = i / rest % n;
		for (k = l; k < next; k++)
			value[k] = &in->list[k].value[at % in->list[k].count];
	}
}
