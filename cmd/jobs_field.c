/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a job that weir jobs can show. weir-jobs(1), FIELDS. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobs_fact.h"
#include "cmd/jobtext.h"
#include "proto/jobid.h"

#define REST_MAX	40	/* bytes shown of an array's indices */

/* ---- values ---- */

static void set_text(struct value *v, const char *text)
{
	v->kind = VALUE_TEXT;
	snprintf(v->text, sizeof(v->text), "%s", text);
}

static void set_real(struct value *v, double number)
{
	v->kind = VALUE_REAL;
	v->number = number;
}

static void set_int(struct value *v, json_int_t number)
{
	v->kind = VALUE_INT;
	v->number = (double)number;
	snprintf(v->text, sizeof(v->text), "%lld", (long long)number);
}

static void set_json(struct value *v, const json_t *o)
{
	char *text;

	if (!o || json_is_null(o))
		return;
	if (json_is_string(o))
		set_text(v, json_string_value(o));
	else if (json_is_integer(o))
		set_int(v, json_integer_value(o));
	else if (json_is_real(o))
		set_real(v, json_real_value(o));
	else if (json_is_boolean(o))
		set_text(v, json_is_true(o) ? "True" : "False");
	else if ((text = json_dumps(o, 0))) {
		set_text(v, text);
		free(text);
	}
}

/* ---- fields ---- */

struct field {
	const struct row *row;
	char *rest;		/* of the name, behind the row's and a dot */
	char *heading;
};

struct row {
	const char *name, *heading;
	void (*get)(const struct field *f, const json_t *job, double now,
		    struct value *v);
	bool open;		/* anything may follow behind a dot */
};

#define GET(name) static void get_##name(const struct field *f, \
		const json_t *job, double now, struct value *v)
#define UNUSED (void)f, (void)now

GET(attribute)			/* the server's, by the field's name */
{
	UNUSED;
	set_json(v, json_object_get(job, f->row->name));
}

GET(time)			/* 0 when it has none */
{
	UNUSED;
	set_real(v, fact_number(job, f->row->name));
}

/* The array and in brackets the index of an element, or of an array those that
 * are still to be made, and once that is none, all. */
static void set_array_id(struct value *v, const json_t *job, weir_jobid_t id)
{
	const json_t *array = json_object_get(job, "array");
	const json_t *index = json_object_get(array, "index");
	const char *rest = json_string_value(json_object_get(array, "rest"));
	char buf[JOBID_SIZE];

	v->kind = VALUE_TEXT;
	if (!rest)
		rest = json_string_value(json_object_get(array, "indices"));
	if (index)
		snprintf(v->text, sizeof(v->text), "%s[%lld]", text_f58(
				(weir_jobid_t)json_integer_value(
				json_object_get(array, "id")), buf),
			 (long long)json_integer_value(index));
	else if (rest)
		snprintf(v->text, sizeof(v->text), "%s[%.*s%s]",
			 text_f58(id, buf), REST_MAX, rest,
			 strlen(rest) > REST_MAX ? "..." : "");
	else
		text_f58(id, v->text);
}

GET(id)
{
	const char *form = strchr(f->row->name, '.');
	char buf[JOBID_SIZE];
	weir_jobid_t id = (weir_jobid_t)fact_integer(job, "id");

	(void)now;
	if (!form || !strcmp(form, ".f58")) {
		set_array_id(v, job, id);
		return;
	} else if (!strcmp(form, ".dec")) {
		set_int(v, (json_int_t)id);
		return;
	} else if (weir_jobid_encode(id, form + 1, buf, sizeof(buf)) < 0) {
		return;
	}
	set_text(v, buf);
}

GET(username)
{
	UNUSED;
	set_text(v, text_username((uid_t)fact_integer(job, "userid")));
}

GET(state)
{
	UNUSED;
	set_text(v, fact_state_name(job));
}

GET(state_single)
{
	const char *name = fact_state_name(job);

	UNUSED;
	snprintf(v->text, sizeof(v->text), "%.1s", name);
	v->kind = VALUE_TEXT;
}

GET(result)
{
	UNUSED;
	set_text(v, fact_result_name(job));
}

static const char *abbreviation(const char *result)
{
	return !strcmp(result, "COMPLETED") ? "CD" :
	       !strcmp(result, "FAILED") ? "F" :
	       !strcmp(result, "CANCELED") ? "CA" :
	       !strcmp(result, "TIMEOUT") ? "TO" : "";
}

GET(result_abbrev)
{
	UNUSED;
	set_text(v, abbreviation(fact_result_name(job)));
}

GET(status)
{
	UNUSED;
	set_text(v, job_status_name(job));
}

GET(status_abbrev)
{
	if (fact_state(job) == STATE_INACTIVE)
		get_result_abbrev(f, job, now, v);
	else
		get_state_single(f, job, now, v);
}

static void set_emoji(struct value *v, const char *name)
{
	static const char *const table[][2] = {
		{ "NEW", "\U0001F381" }, { "DEPEND", "\U0001F6D1" },
		{ "PRIORITY", "\U0001F6A6" }, { "SCHED", "\U0001F4C5" },
		{ "RUN", "\U0001F3C3" }, { "CLEANUP", "\U0001F5D1" },
		{ "INACTIVE", "\U0001F480" }, { "COMPLETED", "\U0001F600" },
		{ "FAILED", "\U0001F4A9" }, { "CANCELED", "\U0001F4A5" },
		{ "TIMEOUT", "\u231B" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i][0], name))
			set_text(v, table[i][1]);
}

GET(state_emoji)
{
	UNUSED;
	set_emoji(v, fact_state_name(job));
}

GET(result_emoji)
{
	UNUSED;
	set_emoji(v, fact_result_name(job));
}

GET(status_emoji)
{
	UNUSED;
	set_emoji(v, job_status_name(job));
}

GET(returncode)
{
	int code;

	UNUSED;
	if (fact_returncode(job, &code))
		set_int(v, code);
}

GET(runtime)
{
	(void)f;
	set_real(v, fact_runtime(job, now));
}

GET(t_remaining)
{
	(void)f;
	set_real(v, fact_remaining(job, now));
}

GET(exception)
{
	const char *part = f->row->name + strlen("exception.");
	char key[64];

	(void)now;
	if (!strcmp(part, "occurred")) {
		set_text(v, fact_exception(job) ? "True" : "False");
		return;
	}
	snprintf(key, sizeof(key), "exception_%s", part);
	set_json(v, json_object_get(job, key));
}

/* What the dotted REST names below O; O itself without one. */
static const json_t *descend(const json_t *o, const char *rest)
{
	char *copy, *words, *word;

	if (!rest)
		return o;
	copy = words = xstrdup(rest);
	while (o && (word = strsep(&words, ".")))
		o = json_object_get(o, word);
	free(copy);
	return o;
}

static const json_t *annotations(const struct field *f, const json_t *job)
{
	const json_t *o = json_object_get(job, "annotations");

	if (strcmp(f->row->name, "annotations"))
		o = json_object_get(o, f->row->name);
	return descend(o, f->rest);
}

GET(annotations)
{
	(void)now;
	set_json(v, annotations(f, job));
}

GET(uri)			/* of the instance that it runs */
{
	UNUSED;
	set_json(v, json_object_get(json_object_get(json_object_get(job,
			"annotations"), "user"), "uri"));
}

GET(dependencies)
{
	json_t *list = json_object_get(job, "dependencies"), *one;
	size_t i, len = 0;

	UNUSED;
	json_array_foreach(list, i, one) {
		len += (size_t)snprintf(v->text + len, sizeof(v->text) - len,
					"%s%s", i ? "," : "",
					json_string_value(one));
		if (len >= sizeof(v->text))
			break;
	}
	v->kind = VALUE_TEXT;
}

GET(contextual_time)
{
	(void)f;
	set_real(v, fact_state(job) >= 16 ? fact_runtime(job, now) :
				       fact_number(job, "duration"));
}

GET(contextual_info)
{
	json_t *sched = json_object_get(json_object_get(job, "annotations"),
					"sched");
	double estimate = fact_number(sched, "t_estimate");
	char buf[64], text[80];

	(void)f;
	switch (fact_state(job)) {
	case 2:
		get_dependencies(f, job, now, v);
		memmove(v->text + 8, v->text, sizeof(v->text) - 8);
		memcpy(v->text, "depends:", 8);
		v->text[sizeof(v->text) - 1] = '\0';
		break;
	case 4:
		set_text(v, "priority-wait");
		break;
	case 8:
		if (fact_integer(job, "urgency") == 0) {
			set_text(v, "held");
		} else if (estimate > 0) {
			snprintf(text, sizeof(text), "eta:%s",
				 estimate > now ? short_duration(estimate -
				 now, buf, sizeof(buf)) : "now");
			set_text(v, text);
		} else if (json_object_get(job, "priority") &&
			   fact_integer(job, "priority") == 0) {
			set_text(v, "priority-hold");
		}
		break;
	default:
		set_text(v, fact_string(job, "nodelist"));
	}
}

GET(inactive_reason)
{
	const char *result = fact_result_name(job);
	const char *note = fact_string(job, "exception_note");
	const char *name;
	char text[512];
	int code;

	UNUSED;
	if (!fact_returncode(job, &code))
		return;
	name = code < 0 ? sigdescr_np(-code) :
	       code > 128 ? sigdescr_np(code - 128) : NULL;
	if (!strcmp(result, "CANCELED"))
		snprintf(text, sizeof(text), "Canceled%s%s", *note ? ": " :
			 "", note);
	else if (!strcmp(result, "TIMEOUT"))
		snprintf(text, sizeof(text), "Timeout");
	else if (code == -128)
		snprintf(text, sizeof(text), "Exception: type=%s note=%s",
			 fact_string(job, "exception_type"), note);
	else if (name)
		snprintf(text, sizeof(text), "%s", name);
	else
		snprintf(text, sizeof(text), "Exit %d", code);
	set_text(v, text);
}

static const struct row rows[] = {
	{ "id", "JOBID", get_id, false },
	{ "id.f58", "JOBID", get_id, false },
	{ "id.f58plain", "JOBID", get_id, false },
	{ "id.dec", "JOBID", get_id, false },
	{ "id.hex", "JOBID", get_id, false },
	{ "id.dothex", "JOBID", get_id, false },
	{ "id.kvs", "JOBID", get_id, false },
	{ "id.emoji", "JOBID", get_id, false },
	{ "userid", "UID", get_attribute, false },
	{ "username", "USER", get_username, false },
	{ "urgency", "URG", get_attribute, false },
	{ "priority", "PRI", get_attribute, false },
	{ "name", "NAME", get_attribute, false },
	{ "cwd", "CWD", get_attribute, false },
	{ "queue", "QUEUE", get_attribute, false },
	{ "project", "PROJECT", get_attribute, false },
	{ "bank", "BANK", get_attribute, false },
	{ "ntasks", "NTASKS", get_attribute, false },
	{ "ncores", "NCORES", get_attribute, false },
	{ "duration", "DURATION", get_time, false },
	{ "nnodes", "NNODES", get_attribute, false },
	{ "ranks", "RANKS", get_attribute, false },
	{ "nodelist", "NODELIST", get_attribute, false },
	{ "state", "STATE", get_state, false },
	{ "state_single", "S", get_state_single, false },
	{ "state_emoji", "STATE", get_state_emoji, false },
	{ "result", "RESULT", get_result, false },
	{ "result_abbrev", "RS", get_result_abbrev, false },
	{ "result_emoji", "RESULT", get_result_emoji, false },
	{ "status", "STATUS", get_status, false },
	{ "status_abbrev", "ST", get_status_abbrev, false },
	{ "status_emoji", "STATUS", get_status_emoji, false },
	{ "success", "SUCCESS", get_attribute, false },
	{ "waitstatus", "WSTATUS", get_attribute, false },
	{ "returncode", "RC", get_returncode, false },
	{ "exception.occurred", "EXCEPTION-OCCURRED", get_exception, false },
	{ "exception.severity", "EXCEPTION-SEVERITY", get_exception, false },
	{ "exception.type", "EXCEPTION-TYPE", get_exception, false },
	{ "exception.note", "EXCEPTION-NOTE", get_exception, false },
	{ "t_submit", "T_SUBMIT", get_time, false },
	{ "t_depend", "T_DEPEND", get_time, false },
	{ "t_priority", "T_PRIORITY", get_time, false },
	{ "t_sched", "T_SCHED", get_time, false },
	{ "t_run", "T_RUN", get_time, false },
	{ "t_cleanup", "T_CLEANUP", get_time, false },
	{ "t_inactive", "T_INACTIVE", get_time, false },
	{ "expiration", "EXPIRATION", get_time, false },
	{ "runtime", "RUNTIME", get_runtime, false },
	{ "t_remaining", "T_REMAINING", get_t_remaining, false },
	{ "sched.t_estimate", "T_ESTIMATE", get_annotations, false },
	{ "sched.reason_pending", "REASON", get_annotations, false },
	{ "sched.resource_summary", "RESOURCES", get_annotations, false },
	{ "annotations", "ANNOTATIONS", get_annotations, true },
	{ "sched", "SCHED", get_annotations, true },
	{ "user", "USER", get_annotations, true },
	{ "dependencies", "DEPENDENCIES", get_dependencies, false },
	{ "uri", "URI", get_uri, false },
	{ "uri.local", "URI", get_uri, false },
	{ "contextual_info", "INFO", get_contextual_info, false },
	{ "contextual_time", "TIME", get_contextual_time, false },
	{ "inactive_reason", "INACTIVE-REASON", get_inactive_reason, false },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *open_row(const char *name)
{
	size_t i, len;

	for (i = 0; i < ROWS; i++) {
		len = strlen(rows[i].name);
		if (rows[i].open && !strncmp(rows[i].name, name, len) &&
		    (name[len] == '.' || !name[len]))
			return &rows[i];
	}
	return NULL;
}

/* What these look at, besides the id; others at the one of their name. */
static const struct {
	void (*get)(const struct field *f, const json_t *job, double now,
		    struct value *v);
	const char *attributes;
} needs[] = {
	{ get_id, "array" },
	{ get_username, "userid" },
	{ get_state, "state" },
	{ get_state_single, "state" },
	{ get_state_emoji, "state" },
	{ get_result, "result" },
	{ get_result_abbrev, "result" },
	{ get_result_emoji, "result" },
	{ get_status, "state result" },
	{ get_status_abbrev, "state result" },
	{ get_status_emoji, "state result" },
	{ get_returncode, "state waitstatus" },
	{ get_runtime, "t_run t_cleanup" },
	{ get_t_remaining, "state expiration" },
	{ get_exception, "exception_occurred exception_severity "
			 "exception_type exception_note" },
	{ get_annotations, "annotations" },
	{ get_uri, "annotations" },
	{ get_dependencies, "dependencies" },
	{ get_contextual_time, "state duration t_run t_cleanup" },
	{ get_contextual_info, "state dependencies urgency priority "
			       "annotations nodelist" },
	{ get_inactive_reason, "state result waitstatus exception_type "
			       "exception_note" },
};

void field_attributes(const struct field *f, json_t *attrs)
{
	const char *names = f->row->name;
	char *copy, *rest, *word;
	size_t i;

	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (needs[i].get == f->row->get)
			names = needs[i].attributes;
	/* nothing has these yet */
	if (!strcmp(names, "project") || !strcmp(names, "bank"))
		return;
	copy = rest = xstrdup(names);
	while ((word = strsep(&rest, " ")))
		json_array_append_new(attrs, json_string(word));
	free(copy);
}

static const struct field_name *table;

void field_table(const struct field_name *names)
{
	table = names;
}

GET(member)
{
	UNUSED;
	set_json(v, json_object_get(job, f->rest));
}

static struct field *find_member(const char *name)
{
	static const struct row member = { "", "", get_member, true };
	const struct field_name *n = table;
	struct field *f;

	while (n->name && strcmp(n->name, name))
		n++;
	if (!n->name)
		return NULL;
	f = xmalloc(sizeof(*f));
	f->row = &member;
	f->rest = xstrdup(name);
	f->heading = xstrdup(n->heading);
	return f;
}

struct field *field_find(const char *name)
{
	const char *heading = NULL;
	const struct row *row;
	struct field *f;
	char *p;
	size_t i;

	if (table)
		return find_member(name);
	/* below an open row a heading may be the row's own */
	for (i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			heading = rows[i].heading;
	row = open_row(name);
	for (i = 0; !row && i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			row = &rows[i];
	if (!row)
		return NULL;
	f = xmalloc(sizeof(*f));
	f->row = row;
	f->rest = row->open && name[strlen(row->name)] ?
		  xstrdup(name + strlen(row->name) + 1) : NULL;
	f->heading = xstrdup(heading ? heading : name);
	for (p = f->heading; !heading && *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return f;
}

void field_free(struct field *f)
{
	if (f) {
		free(f->rest);
		free(f->heading);
		free(f);
	}
}

const char *field_heading(const struct field *f)
{
	return f->heading;
}

void field_get(const struct field *f, const json_t *job, double now,
	       struct value *v)
{
	v->kind = VALUE_NONE;
	v->number = 0;
	v->text[0] = '\0';
	f->row->get(f, job, now, v);
}

static int rank_of(const struct value *v)
{
	return v->kind == VALUE_NONE || (v->kind == VALUE_TEXT && !*v->text) ?
	       0 : v->kind == VALUE_TEXT ? 2 : 1;
}

int value_compare(const struct value *a, const struct value *b)
{
	int x = rank_of(a), y = rank_of(b);

	if (x != y)
		return x - y;
	if (x == 1)
		return a->number < b->number ? -1 : a->number > b->number;
	return x == 2 ? strcmp(a->text, b->text) : 0;
}
