/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and heading by a format: values to text, columns to their widths.
 * weir-jobs(1), FORMATS. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "cmd/jobs.h"
#include "cmd/jobs_column.h"

/* ---- characters of UTF-8 ---- */

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

bool format_fits(const struct format *f)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->column[i].optional || f->column[i].widen)
			return true;
	return false;
}

void format_attributes(const struct format *f, json_t *attrs)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->column[i].field)
			field_attributes(f->column[i].field, attrs);
}

void format_fit(struct format *f, json_t *jobs, double now)
{
	struct value v;
	size_t i, k;
	json_t *job;

	for (i = 0; i < f->count; i++) {
		struct column *c = &f->column[i];

		if (!c->field || (!c->optional && !c->widen))
			continue;
		if (c->widen)
			c->precision = -1;
		json_array_foreach(jobs, k, job) {
			int n;

			render(c, job, now, &v);
			c->any = c->any || !is_nothing(v.text);
			n = length(v.text);
			if (c->widen && n > c->width)
				c->width = n;
		}
		c->dropped = c->optional && !c->any;
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
