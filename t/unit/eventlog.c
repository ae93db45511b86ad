/* SPDX-License-Identifier: Apache-2.0 */
/* Event logs: encoding, decoding, walking a buffer, and print. */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "proto/eventlog.h"
#include "t/unit/tap.h"

static const char log_text[] =
"{\"timestamp\":1795396917.180904,\"name\":\"submit\",\"context\":"
"{\"userid\":0,\"urgency\":16,\"flags\":0,\"version\":1}}\n"
"{\"timestamp\":1795396917.192845,\"name\":\"validate\"}\n"
"{\"timestamp\":1795396917.209250,\"name\":\"alloc\",\"context\":"
"{\"annotations\":{\"sched\":{\"selection_type\":\"immediate\"}}}}\n"
"{\"timestamp\":1795396920.5,\"name\":\"release\",\"context\":"
"{\"ranks\":\"all\",\"final\":true}}\n";

static void test_encode(void)
{
	json_t *context = json_pack("{s:i,s:s}", "status", 0, "note", "a\nb");
	json_t *empty = json_object();
	json_t *array = json_array();
	size_t len = 0;
	char *line;

	line = eventlog_encode(1795396917.1809037, "finish", context, &len);
	is_str(line, "{\"timestamp\":1795396917.180904,\"name\":\"finish\","
	       "\"context\":{\"status\":0,\"note\":\"a\\nb\"}}\n", "encode");
	is_int(len, strlen(line), "length");
	free(line);
	line = eventlog_encode(1.9999999, "start", empty, NULL);
	is_str(line, "{\"timestamp\":2.000000,\"name\":\"start\"}\n",
	       "an empty context is left out, rounding carries");
	free(line);
	ok(!eventlog_encode(0, "x", NULL, NULL) && errno == EINVAL,
	   "timestamp 0 is refused");
	ok(!eventlog_encode(NAN, "x", NULL, NULL) && errno == EINVAL,
	   "timestamp NaN is refused");
	ok(!eventlog_encode(INFINITY, "x", NULL, NULL) && errno == EINVAL,
	   "timestamp infinity is refused");
	ok(!eventlog_encode(1, "", NULL, NULL) && errno == EINVAL,
	   "an empty name is refused");
	ok(!eventlog_encode(1, "a b", NULL, NULL) && errno == EINVAL,
	   "a name with a blank is refused");
	ok(!eventlog_encode(1, "a\nb", NULL, NULL) && errno == EINVAL,
	   "a name with a line feed is refused");
	ok(!eventlog_encode(1, "a\"", NULL, NULL) && errno == EINVAL,
	   "a name with a quote is refused");
	ok(!eventlog_encode(1, "x", array, NULL) && errno == EINVAL,
	   "a context that is an array is refused");
	json_decref(context);
	json_decref(empty);
	json_decref(array);
}

static void test_decode(void)
{
	static const struct { const char *line, *what; } bad[] = {
		{ "", "not JSON" },
		{ "\n", "not JSON" },
		{ "{", "not JSON" },
		{ "[]", "must be an object" },
		{ "{\"name\":\"x\"}", "timestamp" },
		{ "{\"timestamp\":\"1\",\"name\":\"x\"}", "timestamp" },
		{ "{\"timestamp\":0,\"name\":\"x\"}", "timestamp" },
		{ "{\"timestamp\":-1,\"name\":\"x\"}", "timestamp" },
		{ "{\"timestamp\":1e300,\"name\":\"x\"}", "timestamp" },
		{ "{\"timestamp\":1}", "name" },
		{ "{\"timestamp\":1,\"name\":1}", "name" },
		{ "{\"timestamp\":1,\"name\":\"\"}", "name" },
		{ "{\"timestamp\":1,\"name\":\"a\\nb\"}", "name" },
		{ "{\"timestamp\":1,\"name\":\"x\",\"context\":1}", "context" },
		{ "{\"timestamp\":1,\"name\":\"x\",\"context\":null}",
		  "context" },
		{ "{\"timestamp\":1,\"name\":\"x\",\"name\":\"y\"}",
		  "duplicate" },
		{ "{\"timestamp\":1,\"name\":\"x\"} {}", "not JSON" },
		{ "{\"timestamp\":1,\n\"name\":\"x\"}", "line feed" },
	};
	struct eventlog_event event;
	struct proto_error err;
	const char *line = "{\"name\":\"x\",\"extra\":[],\"timestamp\":5}\n";

	ok(!eventlog_decode(line, strlen(line), &event, &err) &&
	   event.timestamp == 5 && !strcmp(event.name, "x") && !event.context,
	   "any key order, other keys, an integer as time");
	eventlog_clear(&event);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(eventlog_decode(bad[i].line, strlen(bad[i].line), &event,
				   &err) < 0 && errno == EINVAL &&
		   strstr(err.text, bad[i].what), "refused: %s", err.text);
}

static void test_walk(void)
{
	struct eventlog_iter it = { .data = log_text,
				    .len = strlen(log_text) - 10 };
	struct eventlog_event event;
	struct proto_error err;
	const char *broken = "x\n{\"timestamp\":1,\"name\":\"y\"}\n";
	char *endless;
	int n = 0;

	while (eventlog_next(&it, &event, &err) > 0) {
		n++;
		eventlog_clear(&event);
	}
	is_int(n, 3, "three whole lines");
	ok(it.len && !strncmp(it.data, "{\"timestamp\":1795396920.5", 24) &&
	   it.data + it.len == log_text + strlen(log_text) - 10,
	   "the partial line is left over");
	it = (struct eventlog_iter){ .data = broken, .len = strlen(broken) };
	ok(eventlog_next(&it, &event, &err) < 0 &&
	   strstr(err.text, "line 1:"), "a bad line is named: %s", err.text);
	ok(eventlog_next(&it, &event, &err) == 1 && it.line == 2,
	   "and the next one is read");
	eventlog_clear(&event);
	it = (struct eventlog_iter){ .data = NULL, .len = 0 };
	is_int(eventlog_next(&it, &event, &err), 0, "an empty buffer");
	endless = malloc(EVENTLOG_LINE_MAX);
	memset(endless, ' ', EVENTLOG_LINE_MAX);
	it = (struct eventlog_iter){ .data = endless,
				     .len = EVENTLOG_LINE_MAX };
	ok(eventlog_next(&it, &event, &err) < 0 &&
	   strstr(err.text, "longer than") && it.len == 0,
	   "a line without end is refused: %s", err.text);
	free(endless);
}

static void check_print(const char *text, enum eventlog_time format,
			const char *want, const char *what)
{
	struct eventlog_iter it = { .data = text, .len = strlen(text) };
	struct eventlog_clock clock = { 0 };
	struct eventlog_event event;
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	while (eventlog_next(&it, &event, NULL) > 0) {
		if (eventlog_print(file, &event, format, &clock) < 0)
			diag("print failed");
		eventlog_clear(&event);
	}
	fclose(file);
	is_str(out, want, what);
	free(out);
}

static void test_print(void)
{
	enum eventlog_time format;

	setenv("TZ", "UTC", 1);
	check_print(log_text, EVENTLOG_RAW,
"1795396917.180904 submit userid=0 urgency=16 flags=0 version=1\n"
"1795396917.192845 validate\n"
"1795396917.209250 alloc "
"annotations={\"sched\":{\"selection_type\":\"immediate\"}}\n"
"1795396920.500000 release ranks=\"all\" final=true\n", "raw");
	check_print(log_text, EVENTLOG_HUMAN,
"[Nov23 01:21] submit userid=0 urgency=16 flags=0 version=1\n"
"[  +0.011941] validate\n"
"[  +0.028346] alloc "
"annotations={\"sched\":{\"selection_type\":\"immediate\"}}\n"
"[Nov23 01:22] release ranks=\"all\" final=true\n", "human");
	check_print(
"{\"timestamp\":1795396917.25,\"name\":\"a\"}\n"
"{\"timestamp\":1795396917.125,\"name\":\"b\"}\n"
"{\"timestamp\":1795396980.125,\"name\":\"c\"}\n"
"{\"timestamp\":1795396981,\"name\":\"d\",\"context\":{\"a b\":1.5}}\n",
		EVENTLOG_HUMAN,
"[Nov23 01:21] a\n"
"[  -0.125000] b\n"
"[Nov23 01:23] c\n"
"[  +0.875000] d \"a b\"=1.5\n", "human: clock back, next minute, odd key");
	check_print(log_text, EVENTLOG_ISO,
"2026-11-23T01:21:57.180904Z submit userid=0 urgency=16 flags=0 version=1\n"
"2026-11-23T01:21:57.192845Z validate\n"
"2026-11-23T01:21:57.209250Z alloc "
"annotations={\"sched\":{\"selection_type\":\"immediate\"}}\n"
"2026-11-23T01:22:00.500000Z release ranks=\"all\" final=true\n", "iso");
	check_print(log_text, EVENTLOG_OFFSET,
"0.000000 submit userid=0 urgency=16 flags=0 version=1\n"
"0.011941 validate\n"
"0.028346 alloc annotations={\"sched\":{\"selection_type\":\"immediate\"}}\n"
"3.319096 release ranks=\"all\" final=true\n", "offset");
	ok(!eventlog_time_parse("iso", &format) && format == EVENTLOG_ISO,
	   "format by name");
	ok(eventlog_time_parse("ISO", &format) < 0 && errno == EINVAL,
	   "no such format");
}

int main(void)
{
	setlocale(LC_ALL, "");
	test_encode();
	test_decode();
	test_walk();
	test_print();
	return done();
}
