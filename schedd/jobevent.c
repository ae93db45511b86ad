/* SPDX-License-Identifier: Apache-2.0 */
/* Events of jobs as lines: see jobevent.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/jobevent.h"

int buf_printf(struct wire_buf *buf, const char *fmt, ...)
{
	char small[512], *text = small;
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		va_start(ap, fmt);
		n = vasprintf(&text, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		errno = ENOMEM;
		return -1;
	}
	r = wire_buf_add(buf, text, (size_t)n);
	if (text != small)
		free(text);
	return r;
}

int json_text(struct wire_buf *buf, const char *s)
{
	json_t *value;
	char *text;
	int r;

	if (!s[strcspn(s, "\"\\\001\002\003\004\005\006\007\b\t\n\v\f\r"
			  "\016\017\020\021\022\023\024\025\026\027\030\031"
			  "\032\033\034\035\036\037")])
		return buf_printf(buf, "\"%s\"", s);
	value = json_string_nocheck(s);
	text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	json_decref(value);
	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	r = wire_buf_add(buf, text, strlen(text));
	free(text);
	return r;
}

bool good_exception_type(const char *type)
{
	const char *p;

	for (p = type; *p; p++)
		if (!isgraph((unsigned char)*p))
			return false;
	return p > type && p - type <= TYPE_MAX;
}

static int encode_exception(struct wire_buf *buf, const struct jobevent *ev)
{
	if (buf_printf(buf, ",\"context\":{\"type\":") < 0 ||
	    json_text(buf, ev->type) < 0 ||
	    buf_printf(buf, ",\"severity\":%d,\"note\":", ev->severity) < 0 ||
	    json_text(buf, ev->note ? ev->note : "") < 0)
		return -1;
	if (ev->has_userid &&
	    buf_printf(buf, ",\"userid\":%u", (unsigned)ev->userid) < 0)
		return -1;
	if (ev->wait_status != NO_WAIT_STATUS &&
	    buf_printf(buf, ",\"wait_status\":%d", ev->wait_status) < 0)
		return -1;
	return wire_buf_add(buf, "}", 1);
}

static int encode_text(struct wire_buf *buf, const char *before,
		       const char *text, const char *after)
{
	if (wire_buf_add(buf, before, strlen(before)) < 0 ||
	    json_text(buf, text) < 0)
		return -1;
	return wire_buf_add(buf, after, strlen(after));
}

static int encode_object(struct wire_buf *buf, const json_t *context)
{
	char *text = json_dumps(context, JSON_COMPACT);
	int r;

	if (!text) {
		errno = ENOMEM;
		return -1;
	}
	r = buf_printf(buf, ",\"context\":%s", text);
	free(text);
	return r;
}

static int encode_end(struct wire_buf *buf, const struct jobevent *ev)
{
	if (encode_text(buf, ",\"context\":{\"description\":",
			ev->description, "") < 0)
		return -1;
	return buf_printf(buf, ",\"status\":%d}", ev->status);
}

static int encode_context(struct wire_buf *buf, const struct jobevent *ev)
{
	switch (ev->event) {
	case EVENT_SUBMIT:
		return buf_printf(buf, ",\"context\":{\"userid\":%u,"
				  "\"urgency\":%d,\"flags\":%d,\"version\":1}",
				  (unsigned)ev->userid, ev->urgency,
				  ev->flags);
	case EVENT_DEPENDENCY_ADD:
	case EVENT_DEPENDENCY_REMOVE:
	case EVENT_PROLOG_START:
	case EVENT_EPILOG_START:
		return encode_text(buf, ",\"context\":{\"description\":",
				   ev->description, "}");
	case EVENT_PROLOG_FINISH:
	case EVENT_EPILOG_FINISH:
		return encode_end(buf, ev);
	case EVENT_SET_FLAGS:
	case EVENT_MEMO:
	case EVENT_JOBSPEC_UPDATE:
		return encode_object(buf, ev->context);
	case EVENT_RESOURCE_UPDATE:
		return buf_printf(buf, ",\"context\":{\"expiration\":%.6f}",
				  ev->expiration);
	case EVENT_PRIORITY:
		return buf_printf(buf, ",\"context\":{\"priority\":%lld}",
				  (long long)ev->priority);
	case EVENT_URGENCY:
		return buf_printf(buf, ",\"context\":{\"urgency\":%d,"
				  "\"userid\":%u}", ev->urgency,
				  (unsigned)ev->userid);
	case EVENT_ALLOC:
		return encode_text(buf, ",\"context\":{\"annotations\":"
				   "{\"sched\":{\"resource_summary\":",
				   ev->resources, "}}}");
	case EVENT_FINISH:
		return buf_printf(buf, ",\"context\":{\"status\":%d}",
				  ev->status);
	case EVENT_RELEASE:
		return buf_printf(buf, ",\"context\":{\"ranks\":\"all\","
				  "\"final\":true}");
	case EVENT_EXCEPTION:
	case EVENT_FATAL:
		return encode_exception(buf, ev);
	default:
		return 0;
	}
}

int jobevent_encode(struct wire_buf *buf, const struct jobevent *ev)
{
	if (buf_printf(buf, "{\"timestamp\":%.6f,\"name\":\"%s\"", ev->time,
		       event_name(ev->event)) < 0 ||
	    encode_context(buf, ev) < 0)
		return -1;
	return wire_buf_add(buf, "}\n", 2);
}

/* ---- decoding ---- */

static int unpack(struct jobevent *ev, json_t *context, json_error_t *error)
{
	int userid = 0, wait_status = NO_WAIT_STATUS, r;
	json_int_t priority = 0;
	json_t *user;

	switch (ev->event) {
	case EVENT_SUBMIT:
		r = json_unpack_ex(context, error, 0, "{s:i s:i s:i}",
				   "userid", &userid, "urgency", &ev->urgency,
				   "flags", &ev->flags);
		ev->userid = (uid_t)userid;
		return r;
	case EVENT_DEPENDENCY_ADD:
	case EVENT_DEPENDENCY_REMOVE:
	case EVENT_PROLOG_START:
	case EVENT_EPILOG_START:
		return json_unpack_ex(context, error, 0, "{s:s}",
				      "description", &ev->description);
	case EVENT_PROLOG_FINISH:
	case EVENT_EPILOG_FINISH:
		return json_unpack_ex(context, error, 0, "{s:s s:i}",
				      "description", &ev->description,
				      "status", &ev->status);
	case EVENT_SET_FLAGS:
	case EVENT_MEMO:
	case EVENT_JOBSPEC_UPDATE:
		ev->context = context;
		return json_unpack_ex(context, error, 0, "{}");
	case EVENT_RESOURCE_UPDATE:
		return json_unpack_ex(context, error, 0, "{s:F}",
				      "expiration", &ev->expiration);
	case EVENT_PRIORITY:
		r = json_unpack_ex(context, error, 0, "{s:I}", "priority",
				   &priority);
		ev->priority = priority;
		return r;
	case EVENT_URGENCY:
		return json_unpack_ex(context, error, 0, "{s:i}", "urgency",
				      &ev->urgency);
	case EVENT_ALLOC:
		json_unpack(context, "{s:{s:{s:s}}}", "annotations", "sched",
			    "resource_summary", &ev->resources);
		return 0;
	case EVENT_FINISH:
		return json_unpack_ex(context, error, 0, "{s:i}", "status",
				      &ev->status);
	case EVENT_EXCEPTION:
		r = json_unpack_ex(context, error, 0, "{s:s s:i s?s s?i}",
				   "type", &ev->type, "severity",
				   &ev->severity, "note", &ev->note,
				   "wait_status", &wait_status);
		ev->wait_status = wait_status;
		user = json_object_get(context, "userid");
		if (json_is_integer(user)) {
			ev->has_userid = true;
			ev->userid = (uid_t)json_integer_value(user);
		}
		if (r == 0 && ev->severity == 0)
			ev->event = EVENT_FATAL;
		return r;
	default:
		return 0;
	}
}

int jobevent_decode(struct jobevent *ev, const struct eventlog_event *line,
		    struct proto_error *err)
{
	json_error_t error;

	memset(ev, 0, sizeof(*ev));
	ev->event = event_named(line->name);
	ev->time = line->timestamp;
	ev->wait_status = NO_WAIT_STATUS;
	ev->resources = "";
	if (unpack(ev, line->context, &error) < 0)
		return proto_error_set(err, EINVAL, "event %s: %s",
				       line->name, line->context ?
				       error.text : "has no context");
	return 0;
}
