/* SPDX-License-Identifier: Apache-2.0 */
/* Listing jobs: queries, fields and formats. weir-jobs(1). */
#ifndef WEIR_CMD_JOBS_H
#define WEIR_CMD_JOBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "libclient/weir.h"

/* ---- queries (jobs_query.c) ---- */

/* CB gets the jobs that QUERY of job-list.list, whose reference is taken,
 * gives, as arrays that it may change, one after the other; or dies. */
typedef void jobs_page_f(json_t *jobs, void *arg);
void jobs_pages(weir_t *h, json_t *query, jobs_page_f *cb, void *arg);
/* All of them: the jobs that QUERY of job-list.list, whose reference is taken, gives, as
 * an array; or dies. */
json_t *jobs_query(weir_t *h, json_t *query);
/* One job with all its attributes, or NULL if there is none; or dies. */
json_t *jobs_query_id(weir_t *h, weir_jobid_t id);

/* ---- fields (jobs_field.c) ---- */

enum value_kind { VALUE_NONE, VALUE_INT, VALUE_REAL, VALUE_TEXT };

/* What a field of a job is; none counts as empty text. */
struct value {
	enum value_kind kind;
	double number;		/* of INT and REAL */
	char text[4096];	/* of INT too; cut if longer */
};

struct field;

/* Other things than jobs can be shown: objects with these members, which may
 * have dots in their names, instead of the fields of jobs. A NULL ends it. */
struct field_name {
	const char *name, *heading;
};
void field_table(const struct field_name *names);

/* The field called NAME, such as "id.f58" or "annotations.sched"; NULL if
 * there is none. To be freed by field_free. */
struct field *field_find(const char *name);
void field_free(struct field *field);
const char *field_heading(const struct field *field);
/* NOW in seconds since 1970: running times count up to it. */
void field_get(const struct field *field, const json_t *job, double now,
	       struct value *v);
/* Adds the attributes of job-list that it is made of to the array ATTRS. */
void field_attributes(const struct field *field, json_t *attrs);
/* Empty before numbers before text; negative, 0 or positive. */
int value_compare(const struct value *a, const struct value *b);

/* "COMPLETED" for a finished job, else its state. */
const char *job_status_name(const json_t *job);
/* The object that --json shows; a new reference. */
json_t *job_describe(const json_t *job, double now);
/* As tables show durations: "0.311s", "9.974m"; returns BUF. */
char *short_duration(double seconds, char *buf, size_t size);

/* ---- formats (jobs_format.c) ---- */

struct format;

/* Dies with "Error in user format: ..." if TEXT is wrong. */
struct format *format_parse(const char *text);
void format_free(struct format *f);
/* The keys of "sort:K1,-K2 ", or NULL. */
const char *format_sort(const struct format *f);
void format_attributes(const struct format *f, json_t *attrs);
/* Whether it depends on all rows which columns there are and how wide. */
bool format_fits(const struct format *f);
/* Settles that; further JOBS can only add columns and widen them. */
void format_fit(struct format *f, json_t *jobs, double now);
void format_header(const struct format *f, FILE *out);
void format_row(const struct format *f, const json_t *job, double now,
		FILE *out);

/* The formats of a command; a NULL ends them. */
struct format_name {
	const char *name, *text;
};
/* TEXT, if it has a field in it; else the text of the one that it names (NULL
 * or empty: "default"). With "help" it lists those of COMMAND and exits; or it
 * fails. */
const char *format_choose(const struct format_name *names, const char *text,
			  const char *command);

/* The one of weir jobs called NAME of those built in, or NULL. */
const char *format_named(const char *name);
void format_list(FILE *out);

/* Whether there is to be colour: WHEN is the word of --color, NULL always. */
bool color_option(const char *when);

#endif
