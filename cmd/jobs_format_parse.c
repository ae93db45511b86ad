/* SPDX-License-Identifier: Apache-2.0 */
/* The format language of weir jobs, text with {FIELD!CONVERSION:SPEC} in it,
 * to columns; and the formats that have a name. weir-jobs(1), FORMATS. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobs_column.h"
#include "cmd/jobtext.h"

static void wrong(const char *what, const char *text)
	__attribute__((noreturn));
static void wrong(const char *what, const char *text)
{
	fail("Error in user format: %s: %s", what, text);
}

static int take_number(const char **p, const char *spec)
{
	long n = 0;

	while (isdigit((unsigned char)**p)) {
		n = n * 10 + (*(*p)++ - '0');
		if (n > 10000)
			wrong("a width above 10000", spec);
	}
	return (int)n;
}

static void parse_align(struct column *c, const char **p)
{
	size_t n = 1;

	while (!begins((*p)[n]))
		n++;		/* the fill may have several bytes */
	if (**p && n < sizeof(c->fill) && (*p)[n] &&
	    strchr("<>^", (*p)[n])) {
		memcpy(c->fill, *p, n);
		c->align = (*p)[n];
		*p += n + 1;
	} else if (**p && strchr("<>^", **p)) {
		c->align = *(*p)++;
	}
}

/* [[fill]align][0][width][.precision][type][h][+] */
static void parse_spec(struct column *c, const char *spec)
{
	const char *p = spec;

	parse_align(c, &p);
	if (*p == '0' && !c->align) {
		strcpy(c->fill, "0");
		c->align = '>';
	}
	c->width = take_number(&p, spec);
	if (*p == '.') {
		p++;
		if (!isdigit((unsigned char)*p))
			wrong("a precision is missing", spec);
		c->precision = take_number(&p, spec);
	}
	if (*p && strchr("sdfgex", *p))
		c->type = *p++;
	if (*p == 'h') {
		c->dash = true;
		p++;
	}
	if (*p == '+') {
		c->mark = true;
		p++;
	}
	if (*p)
		wrong("Invalid format specifier", spec);
}

/* The inside of the braces: FIELD[!C][:SPEC]. */
static void parse_field(struct column *c, char *text)
{
	char *spec = strchr(text, ':'), *mark, *end;

	if (spec)
		*spec++ = '\0';
	mark = strchr(text, '!');
	if (mark) {
		*mark++ = '\0';
		if (!*mark || mark[1] || !strchr("DdFHPsr", *mark))
			wrong("Unknown conversion specifier", mark);
		c->conversion = strchr("sr", *mark) ? 0 : *mark;
	}
	c->field = field_find(text);
	if (!c->field)
		wrong("Unknown format field", text);
	if (spec && c->conversion == 'd') {
		end = strstr(spec, "::");
		if (end)
			*end = '\0';
		c->date = xstrdup(spec);
		spec = end ? end + 2 : NULL;
	}
	if (spec)
		parse_spec(c, spec);
}

static struct column *add_column(struct format *f)
{
	struct column *c;

	f->column = xrealloc(f->column, (f->count + 1) * sizeof(*c));
	c = &f->column[f->count++];
	*c = (struct column){ .precision = -1, .fill = " " };
	return c;
}

/* The prefix ?: +: ?+: at the end of the text before a field. */
static void take_prefix(struct column *c)
{
	size_t n = strlen(c->before);

	if (!n || c->before[n - 1] != ':')
		return;
	if (n >= 2 && c->before[n - 2] == '+') {
		c->widen = true;
		n -= 2;
		if (n && c->before[n - 1] == '?') {
			c->optional = true;
			n--;
		}
	} else if (n >= 2 && c->before[n - 2] == '?') {
		c->optional = true;
		n -= 2;
	}
	if (c->widen || c->optional)
		c->before[n] = '\0';
}

static const char *parse_sort(struct format *f, const char *text)
{
	size_t n;

	if (strncmp(text, "sort:", 5))
		return text;
	text += 5;
	n = strcspn(text, " ");
	f->sort = strndup(text, n);
	if (!f->sort)
		die("out of memory");
	return text + n + (text[n] == ' ');
}

struct format *format_parse(const char *text)
{
	struct format *f = xmalloc(sizeof(*f));
	size_t len = 0;
	char *before;

	*f = (struct format){ NULL, 0, NULL };
	text = parse_sort(f, text);
	before = xmalloc(strlen(text) + 1);
	while (*text) {
		const char *close;
		struct column *c;
		char *inside;

		if ((*text == '{' || *text == '}') && text[1] == *text) {
			before[len++] = *text;
			text += 2;
			continue;
		}
		if (*text == '}')
			wrong("Single '}' encountered in format string", text);
		if (*text != '{') {
			before[len++] = *text++;
			continue;
		}
		close = strchr(text, '}');
		if (!close)
			wrong("expected '}' before end of string", text);
		inside = strndup(text + 1, (size_t)(close - text - 1));
		if (!inside)
			die("out of memory");
		before[len] = '\0';
		c = add_column(f);
		c->before = xstrdup(before);
		take_prefix(c);
		parse_field(c, inside);
		free(inside);
		len = 0;
		text = close + 1;
	}
	before[len] = '\0';
	add_column(f)->before = before;
	return f;
}

void format_free(struct format *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < f->count; i++) {
		free(f->column[i].before);
		free(f->column[i].date);
		field_free(f->column[i].field);
	}
	free(f->column);
	free(f->sort);
	free(f);
}

const char *format_sort(const struct format *f)
{
	return f->sort;
}

/* ---- those with a name ---- */

static const struct named {
	const char *name, *description, *text;
} named[] = {
	{ "default", "Default weir jobs format",
	  "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} "
	  "{status_abbrev:>2.2} {ntasks:>6} {nnodes:>6h} "
	  "{contextual_time!F:>8h} {contextual_info}" },
	{ "cute", "The default with an emoji for the status",
	  "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} "
	  "{status_emoji:>5.5} {ntasks:>6} {nnodes:>6h} "
	  "{contextual_time!F:>8h} {contextual_info}" },
	{ "long", "More about when",
	  "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} "
	  "{status:>9.9} {ntasks:>6} {nnodes:>6h} "
	  "{t_submit!d:%b%d %R::>12} {t_remaining!F:>12h} "
	  "{contextual_time!F:>8h} {contextual_info}" },
	{ "deps", "What jobs wait for",
	  "{id.f58:>12} ?:{queue:<8.8} {name:<10.10+} {urgency:<3} "
	  "{priority:<12} {state:<8.8} {dependencies}" },
	{ "endreason", "Why jobs ended",
	  "{id.f58:>12} ?:{queue:<8.8} +:{username:<8} {name:<10.10+} "
	  "{status_abbrev:>2.2} {t_inactive!d:%b%d %R::>12h} "
	  "{inactive_reason}" },
};
#define NAMED (sizeof(named) / sizeof(named[0]))

const char *format_choose(const struct format_name *names, const char *text,
			  const char *command)
{
	const struct format_name *n;

	if (!text || !*text)
		text = "default";
	if (strchr(text, '{'))
		return text;
	for (n = names; n->name; n++)
		if (!strcmp(n->name, text))
			return n->text;
	if (strcmp(text, "help"))
		fail("--format: No such format %s", text);
	printf("Configured %s output formats:\n\n", command);
	for (n = names; n->name; n++)
		printf("  %s\n", n->name);
	exit(0);
}

const char *format_named(const char *name)
{
	size_t i;

	for (i = 0; i < NAMED; i++)
		if (!strcmp(named[i].name, name))
			return named[i].text;
	return NULL;
}

void format_list(FILE *out)
{
	size_t i;

	fprintf(out, "Configured weir jobs output formats:\n\n");
	for (i = 0; i < NAMED; i++)
		fprintf(out, "  %-12s%s\n", named[i].name,
			named[i].description);
}
