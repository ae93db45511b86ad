/* SPDX-License-Identifier: Apache-2.0 */
/* The format language of weir jobs: text with {FIELD!CONVERSION:SPEC} in it,
 * to a header and a row a job. weir-jobs(1), FORMATS.
 *
 * A format is a list of columns, each with the literal text before it; a
 * column that is dropped takes that text along. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

struct column {
	char *before;		/* literal text */
	struct field *field;	/* NULL: the text behind the last field */
	char conversion;	/* of D d F H P, or 0 */
	char *date;		/* strftime format of !d */
	char fill[8];		/* one character */
	char align;		/* < > ^, or 0: by the kind of value */
	int width, precision;	/* precision -1: none */
	char type;		/* as printf's, or 0 */
	bool dash;		/* h: nothing is shown as - */
	bool mark;		/* +: a cut is shown as + */
	bool optional, widen;	/* ?: and +: */
	bool dropped;
};

struct format {
	struct column *column;
	size_t count;
	char *sort;
};

static void wrong(const char *what, const char *text)
	__attribute__((noreturn));
static void wrong(const char *what, const char *text)
{
	fail("Error in user format: %s: %s", what, text);
}

/* ---- characters of UTF-8 ---- */

static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static int length(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += begins(*s);
	return n;
}

/* Ends S after N characters. */
static void cut(char *s, int n)
{
	for (; *s; s++)
		if (begins(*s) && n-- == 0) {
			*s = '\0';
			return;
		}
}

/* ---- parsing ---- */

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

/* ---- values to text ---- */

/* The user's own form is the point of !d. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void to_date(const char *form, struct value *v)
{
	time_t t = (time_t)v->number;
	struct tm tm;

	v->text[0] = '\0';
	if (v->number > 0 && localtime_r(&t, &tm))
		strftime(v->text, sizeof(v->text), form, &tm);
	v->kind = VALUE_TEXT;
}
#pragma GCC diagnostic pop

static void to_clock(struct value *v)
{
	long long s = (long long)v->number;

	s += (double)s < v->number;	/* a part counts as a whole one */
	snprintf(v->text, sizeof(v->text), "%lld:%02lld:%02lld", s / 3600,
		 s / 60 % 60, s % 60);
	v->kind = VALUE_TEXT;
}

static void to_percent(struct value *v)
{
	double p = v->number * 100;

	snprintf(v->text, sizeof(v->text), p < 0.01 && p > 0 ? "0.01%%" :
		 p < 1 ? "%.2g%%" : p < 10 ? "%.2g%%" : "%.0f%%", p);
	v->kind = VALUE_TEXT;
}

static void convert(const struct column *c, struct value *v)
{
	if (v->kind == VALUE_NONE || v->kind == VALUE_TEXT)
		return;
	switch (c->conversion) {
	case 'D': to_date("%FT%T", v); break;
	case 'd': to_date(c->date ? c->date : "%FT%T", v); break;
	case 'F':
		short_duration(v->number, v->text, sizeof(v->text));
		v->kind = VALUE_TEXT;
		break;
	case 'H': to_clock(v); break;
	case 'P': to_percent(v); break;
	}
}

/* A number as its type says. */
static void print_number(const struct column *c, struct value *v)
{
	int precision = c->precision;

	if (v->kind == VALUE_INT && (!c->type || c->type == 'd'))
		return;		/* the text is there */
	if (c->type == 'd' || c->type == 'x') {
		snprintf(v->text, sizeof(v->text), c->type == 'd' ? "%lld" :
			 "%llx", (long long)v->number);
		return;
	}
	if (!c->type && precision < 0) {
		snprintf(v->text, sizeof(v->text), "%.15g", v->number);
		if (!strpbrk(v->text, ".en"))
			strcat(v->text, ".0");
		return;
	}
	if (precision < 0)
		precision = 6;
	if (c->type == 'f')
		snprintf(v->text, sizeof(v->text), "%.*f", precision,
			 v->number);
	else if (c->type == 'e')
		snprintf(v->text, sizeof(v->text), "%.*e", precision,
			 v->number);
	else
		snprintf(v->text, sizeof(v->text), "%.*g", precision,
			 v->number);
}

static bool is_nothing(const char *text)
{
	return !*text || !strcmp(text, "0") || !strcmp(text, "0s") ||
	       !strcmp(text, "0.0") || !strcmp(text, "0:00:00") ||
	       !strcmp(text, "-");
}

/* V->text without its width. */
static void render(const struct column *c, const json_t *job, double now,
		   struct value *v)
{
	bool number;

	field_get(c->field, job, now, v);
	convert(c, v);
	number = v->kind == VALUE_INT || v->kind == VALUE_REAL;
	if (number)
		print_number(c, v);
	if (c->dash && (!*v->text || !strcmp(v->text, "0s") ||
			!strcmp(v->text, "0.0") ||
			!strcmp(v->text, "0:00:00"))) {
		strcpy(v->text, "-");
	} else if (!number && c->precision >= 0 &&
		   length(v->text) > c->precision) {
		bool mark = c->mark && c->precision > 0;

		cut(v->text, c->precision - mark);
		if (mark)
			strcat(v->text, "+");
	}
}

/* ---- output ---- */

static void put_fill(const struct column *c, int n, FILE *out)
{
	while (n-- > 0)
		fputs(c->fill, out);
}

static void put_aligned(const struct column *c, const char *text,
			bool number, FILE *out)
{
	int space = c->width - length(text);
	char align = c->align ? c->align : number ? '>' : '<';
	int left = align == '>' ? space : align == '^' ? space / 2 : 0;

	put_fill(c, left, out);
	fputs(text, out);
	put_fill(c, space - (left > 0 ? left : 0), out);
}

void format_fit(struct format *f, json_t *jobs, double now)
{
	struct value v;
	size_t i, k;
	json_t *job;

	for (i = 0; i < f->count; i++) {
		struct column *c = &f->column[i];
		bool any = false;

		if (!c->field || (!c->optional && !c->widen))
			continue;
		if (c->widen)
			c->precision = -1;
		json_array_foreach(jobs, k, job) {
			int n;

			render(c, job, now, &v);
			any = any || !is_nothing(v.text);
			n = length(v.text);
			if (c->widen && n > c->width)
				c->width = n;
		}
		c->dropped = c->optional && !any;
	}
}

void format_header(const struct format *f, FILE *out)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		const struct column *c = &f->column[i];
		struct column plain = *c;

		if (c->dropped)
			continue;
		fputs(c->before, out);
		strcpy(plain.fill, " ");
		if (c->field)
			put_aligned(&plain, field_heading(c->field), false,
				    out);
	}
	putc('\n', out);
}

void format_row(const struct format *f, const json_t *job, double now,
		FILE *out)
{
	struct value v;
	size_t i;

	for (i = 0; i < f->count; i++) {
		const struct column *c = &f->column[i];

		if (c->dropped)
			continue;
		fputs(c->before, out);
		if (!c->field)
			continue;
		render(c, job, now, &v);
		put_aligned(c, v.text, v.kind == VALUE_INT ||
			    v.kind == VALUE_REAL, out);
	}
	putc('\n', out);
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
