/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to JSON: values, a jobspec, what is refused. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/jobspec.h"
#include "proto/yaml_json.h"
#include "t/unit/tap.h"

static void same(const char *yaml, const char *want)
{
	struct proto_error err = { "" };
	json_t *json = yaml_to_json(yaml, strlen(yaml), &err);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY)
		: NULL;

	if (!is_str(text, want, want))
		diag("%s", err.text);
	free(text);
	json_decref(json);
}

static void refused(const char *yaml, const char *what)
{
	struct proto_error err = { "" };
	json_t *json = yaml_to_json(yaml, strlen(yaml), &err);

	if (!ok(!json && errno == EINVAL && strstr(err.text, what),
		"refused: %s", err.text))
		diag("want %s", what);
	json_decref(json);
}

static void test_values(void)
{
	same("a: [1, -2, +3, 0x1F, 0o17, 007]",
	     "{\"a\":[1,-2,3,31,15,7]}");
	same("[1.5, .5, 2., 1e3, 01.5, -0.25, +1.5, 1.e2, 00.5, 0.0]",
	     "[1.5,0.5,2.0,1000.0,1.5,-0.25,1.5,100.0,0.5,0.0]");
	same("- null\n- ~\n-\n- Null\n", "[null,null,null,null]");
	same("[true, False, yes, \"true\", '1', \"\"]",
	     "[true,false,\"yes\",\"true\",\"1\",\"\"]");
	same("[1x, -, 1-2, 1.2.3, 0x, 0xg, e5, ., '.inf']",
	     "[\"1x\",\"-\",\"1-2\",\"1.2.3\",\"0x\",\"0xg\",\"e5\",\".\","
	     "\".inf\"]");
	same("99999999999999999999", "1e20");
	same("a: |\n  two\n  lines\nb: c d\n", "{\"a\":\"two\\nlines\\n\","
	     "\"b\":\"c d\"}");
	same("- a: 1\n  b:\n  - c\n- {}\n- []\n",
	     "[{\"a\":1,\"b\":[\"c\"]},{},[]]");
	same("{\"json\": [true, \"caf\\u00e9\"]}", "{\"json\":[true,"
	     "\"caf\xc3\xa9\"]}");
	same("1: x", "{\"1\":\"x\"}");
}

static void test_refused(void)
{
	char deep[200];

	refused("", "nothing");
	refused("a: [", "line 2, column 1");
	refused("a: b: c", "line 1");
	refused("a: &x [1]\nb: *x", "anchors");
	refused("*x", "anchors");
	refused("a: !!python/object x", "anchors, aliases and tags");
	refused("? [a]\n: b", "a key must be");
	refused("a: 1\na: 2", "line 2, column 1: the key is there already");
	refused("--- a\n--- b", "a second document");
	refused(".inf", "no such number");
	refused("\"a\\0b\"", "a NUL in a string");
	refused("\"a\\0b\": 1", "a NUL in a key");
	refused("\xff", "line 1");
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	deep[199] = '\0';
	refused(deep, "nested too deep");
}

static void test_jobspec(void)
{
	const char *yaml =
"version: 1\n"
"resources:\n"
"- type: slot\n"
"  count: 2\n"
"  label: task\n"
"  with:\n"
"  - {type: core, count: 1}\n"
"tasks:\n"
"- command: [sleep, \"1\"]\n"
"  slot: task\n"
"  count: {per_slot: 1}\n"
"attributes:\n"
"  system: {duration: 60}\n";
	struct proto_error err = { "" };
	json_t *json = yaml_to_json(yaml, strlen(yaml), &err);
	struct jobspec *spec = json ? jobspec_from_json(json, &err) : NULL;

	ok(spec && spec->nslots == 2 && spec->duration == 60,
	   "a jobspec %s", err.text);
	jobspec_destroy(spec);
	json_decref(json);
}

int main(void)
{
	test_values();
	test_refused();
	test_jobspec();
	return done();
}
