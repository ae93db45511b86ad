/* SPDX-License-Identifier: Apache-2.0 */
/* What listings tell of a job, as JSON text. It is written without a tree of
 * values between: a page is of thousands of jobs. weir-jobs(7), job-list. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/list.h"
#include "schedd/schedd.h"

/* ---- both kinds of jobs ---- */

struct view view_job(const struct job *job)
{
	return (struct view) {
		.id = job->id, .userid = job->userid,
		.urgency = job->urgency, .priority = job->priority,
		.state = job->state, .ntasks = job->ntasks,
		.ncores = job->ncores, .nnodes = job->nnodes,
		.entered = job->entered, .duration = job->want.duration,
		.expiration = job->expiration, .name = job->name,
		.cwd = job->cwd, .queue = job->queue,
		.nodelist = job->nodelist, .ranks = job->ranks,
		.resources = job->resources, .exception = job->exception,
		.finished = job->finished,
		.exception_severity = job->exception_severity,
		.status = job->status, .result = 0,
		.exception_type = job->exception_type,
		.exception_note = job->exception_note, .job = job,
		.array = job->array ? job->array->text : NULL,
	};
}

struct view view_record(const struct record *r)
{
	return (struct view) {
		.id = r->id, .userid = r->userid, .urgency = r->urgency,
		.priority = r->priority, .state = STATE_INACTIVE,
		.ntasks = r->ntasks, .ncores = r->ncores,
		.nnodes = r->nnodes, .entered = r->entered,
		.duration = r->duration, .expiration = r->expiration,
		.name = r->name, .cwd = r->cwd, .queue = r->queue,
		.nodelist = r->nodelist, .ranks = r->ranks,
		.resources = r->resources, .exception = r->exception,
		.finished = r->finished,
		.exception_severity = r->exception_severity,
		.status = r->status, .result = r->result,
		.exception_type = r->exception_type,
		.exception_note = r->exception_note, .memo = r->memo,
		.array = r->array, .rest = r->rest,
	};
}

/* ---- a member of the object, unless it has no value ---- */

struct out {
	struct wire_buf *b;
	const char *name;	/* of the attribute */
	bool any;		/* before it */
	bool failed;
};

static void put(struct out *o, const char *data, size_t len)
{
	if (wire_buf_add(o->b, data, len) < 0)
		o->failed = true;
}

static void put_name(struct out *o)
{
	put(o, o->any ? ",\"" : "\"", o->any ? 2 : 1);
	put(o, o->name, strlen(o->name));
	put(o, "\":", 2);
	o->any = true;
}

static void text(struct out *o, const char *value, size_t len)
{
	put_name(o);
	put(o, value, len);
}

static void integer(struct out *o, bool has, long long n)
{
	char buf[32];

	if (has)
		text(o, buf, (size_t)snprintf(buf, sizeof(buf), "%lld", n));
}

/* Most are whole or of microseconds; what is not is written out. */
static void number(struct out *o, double x)
{
	char buf[400];
	int n;

	if (x <= 0)
		return;
	n = snprintf(buf, sizeof(buf), "%.6f", x);
	if (strtod(buf, NULL) != x)
		n = snprintf(buf, sizeof(buf), "%.17e", x);
	text(o, buf, (size_t)n);
}

static void boolean(struct out *o, bool has, bool value)
{
	if (has)
		text(o, value ? "true" : "false", value ? 4 : 5);
}

/* Takes VALUE. */
static void json(struct out *o, json_t *value)
{
	char *s = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) :
		  NULL;

	if (s)
		text(o, s, strlen(s));
	free(s);
	json_decref(value);
}

/* What has nothing to be escaped needs no one to do it. */
static void string(struct out *o, const char *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; s[i]; i++)
		if (s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\')
			break;
	if (s[i]) {
		json(o, json_string(s));
		return;
	}
	put_name(o);
	put(o, "\"", 1);
	put(o, s, i);
	put(o, "\"", 1);
}

/* ---- attributes ---- */

static bool ended(const struct view *v)
{
	return v->state == STATE_INACTIVE;
}

static json_t *annotations(const struct view *v)
{
	json_t *o = NULL, *user;

	user = v->job ? json_incref(v->job->memo) :
	       v->memo ? json_loads(v->memo, 0, NULL) : NULL;
	if (v->resources || user ||
	    (v->job && (v->job->expected > 0 || v->job->pending)))
		o = json_object();
	if (v->job && v->job->pending && v->state == STATE_SCHED)
		json_object_set_new(o, "sched", json_pack("{s:s}",
				    "reason_pending", v->job->pending));
	else if (v->job && v->job->expected > 0 && v->state == STATE_SCHED)
		json_object_set_new(o, "sched", json_pack("{s:f}",
				    "t_estimate", v->job->expected));
	if (v->resources)
		json_object_set_new(o, "sched", json_pack("{s:s}",
				    "resource_summary", v->resources));
	if (user)
		json_object_set_new(o, "user", user);
	return o;
}

/* What an array consists of, or of which one this is an element. */
static json_t *array(const struct view *v)
{
	const struct array *a = v->job ? v->job->array : NULL;
	char *rest = NULL;
	uint64_t id;
	uint32_t index;
	json_t *o;

	if (!v->array && jobid_is_element(v->id, &id, &index))
		return json_pack("{s:I s:I}", "id", (json_int_t)id, "index",
				 (json_int_t)index);
	if (!v->array)
		return NULL;
	if (a && array_rest(a, &rest) < 0)
		return NULL;
	o = json_pack("{s:s s:s*}", "indices", v->array, "rest",
		      a ? rest : v->rest);
	if (a)
		json_object_set_new(o, "active",
				    json_integer((json_int_t)a->active));
	free(rest);
	return o;
}

#define ATTRIBUTE(name, write) \
	static void write_##name(struct out *o, const struct view *v) { write; }
#define ATTRIBUTES(X) \
X(id, integer(o, true, (long long)v->id)) \
X(userid, integer(o, true, v->userid)) \
X(urgency, integer(o, true, v->urgency)) \
X(priority, integer(o, v->entered[STATE_SCHED] > 0, v->priority)) \
X(state, integer(o, true, STATE_BIT(v->state))) \
X(ntasks, integer(o, true, v->ntasks)) \
X(ncores, integer(o, true, v->ncores)) \
X(nnodes, integer(o, v->nnodes > 0, v->nnodes)) \
X(result, integer(o, ended(v), v->result)) \
X(waitstatus, integer(o, v->finished, v->status)) \
X(exception_severity, integer(o, v->exception, v->exception_severity)) \
X(t_submit, number(o, v->entered[STATE_NEW])) \
X(t_depend, number(o, v->entered[STATE_DEPEND])) \
X(t_priority, number(o, v->entered[STATE_PRIORITY])) \
X(t_sched, number(o, v->entered[STATE_SCHED])) \
X(t_run, number(o, v->entered[STATE_RUN])) \
X(t_cleanup, number(o, v->entered[STATE_CLEANUP])) \
X(t_inactive, number(o, v->entered[STATE_INACTIVE])) \
X(duration, number(o, v->duration)) \
X(expiration, number(o, v->expiration)) \
X(name, string(o, v->name)) \
X(cwd, string(o, v->cwd)) \
X(queue, string(o, v->queue)) \
X(nodelist, string(o, v->nodelist)) \
X(ranks, string(o, v->ranks)) \
X(exception_type, string(o, v->exception_type)) \
X(exception_note, string(o, v->exception_note)) \
X(success, boolean(o, ended(v), v->result == RESULT_COMPLETED)) \
X(exception_occurred, boolean(o, ended(v), v->exception)) \
X(dependencies, json(o, v->job ? dependency_list(v->job) : NULL)) \
X(annotations, json(o, annotations(v))) \
X(array, json(o, array(v)))

ATTRIBUTES(ATTRIBUTE)

static const struct attribute {
	const char *name;
	void (*write)(struct out *o, const struct view *v);
} attributes[] = {
#define ROW(name, write) { #name, write_##name },
	ATTRIBUTES(ROW)
#undef ROW
};
#define COUNT (sizeof(attributes) / sizeof(attributes[0]))
_Static_assert(COUNT <= 64, "a bit for each");

int view_write(struct wire_buf *b, const struct view *v, uint64_t wanted)
{
	struct out o = { .b = b };
	size_t i;

	put(&o, "{", 1);
	for (i = 0; i < COUNT; i++)
		if (wanted & 1ULL << i) {
			o.name = attributes[i].name;
			attributes[i].write(&o, v);
		}
	put(&o, "}", 1);
	errno = ENOMEM;
	return o.failed ? -1 : 0;
}

int view_attributes(json_t *attrs, uint64_t *wanted, struct proto_error *err)
{
	json_t *name;
	size_t i, j;

	*wanted = 1;
	json_array_foreach(attrs, i, name) {
		const char *s = json_string_value(name);

		if (s && !strcmp(s, "all")) {
			*wanted = UINT64_MAX;
			continue;
		}
		for (j = 0; s && j < COUNT; j++)
			if (!strcmp(attributes[j].name, s))
				break;
		if (!s || j == COUNT)
			return proto_error_set(err, EINVAL, "attrs: there is "
					       "no attribute \"%s\"",
					       s ? s : "(not a string)");
		*wanted |= 1ULL << j;
	}
	return 0;
}
