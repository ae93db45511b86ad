/* SPDX-License-Identifier: Apache-2.0 */
/* Jobspec: what is accepted and how it is read, the field that each error
 * names, and building. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/jobspec.h"
#include "t/unit/tap.h"

static const char good[] =
"{\"version\":1,\"resources\":[{\"type\":\"node\",\"count\":4,\"with\":"
"[{\"type\":\"slot\",\"count\":2,\"label\":\"default\",\"with\":"
"[{\"type\":\"core\",\"count\":3},{\"type\":\"gpu\",\"count\":1}]}]}],"
"\"tasks\":[{\"command\":[\"/bin/app\",\"-v\"],\"slot\":\"default\","
"\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":"
"{\"duration\":3600.5,\"cwd\":\"/home/u\",\"queue\":\"batch\","
"\"environment\":{\"HOME\":\"/home/u\",\"GONE\":null},"
"\"shell\":{\"options\":{\"verbose\":1}},\"unknown\":[1]},"
"\"user\":{\"a\":1}}}";

/* GOOD with the first occurrence of FROM replaced; to be freed. */
static char *variant(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	char *text = NULL;

	if (!at || asprintf(&text, "%.*s%s%s", (int)(at - good), good, to,
			    at + strlen(from)) < 0) {
		ok(false, "no '%s' in the text", from);
		exit(1);
	}
	return text;
}

static void test_fields(void)
{
	struct proto_error err = { "" };
	struct jobspec *s = jobspec_parse(good, strlen(good), &err);

	if (!ok(s != NULL, "a good document: %s", err.text))
		return;
	is_int(s->nnodes, 4, "nnodes");
	is_int(s->nslots, 8, "nslots, in total");
	is_int(s->slot.cores, 3, "cores of a slot");
	is_int(s->slot.gpus, 1, "gpus of a slot");
	is_int(s->ntasks, 8, "ntasks");
	ok(!s->ntasks_total && !s->exclusive, "per slot, not exclusive");
	ok(s->duration == 3600.5, "duration");
	is_str(s->cwd, "/home/u", "cwd");
	is_str(s->queue, "batch", "queue");
	is_str(s->name, "app", "name from the command");
	is_int(s->argc, 2, "argc");
	is_str(s->argv[1], "-v", "argv");
	ok(!s->argv[2], "argv ends");
	ok(json_is_null(json_object_get(s->environment, "GONE")),
	   "environment");
	is_int(json_integer_value(json_object_get(s->shell_options,
						  "verbose")), 1,
	       "shell options");
	ok(json_object_get(s->json, "version") != NULL, "the document");
	jobspec_destroy(s);
}

static void accepted(const char *from, const char *to, const char *what)
{
	struct proto_error err = { "" };
	char *text = variant(from, to);
	struct jobspec *s = jobspec_parse(text, strlen(text), &err);

	ok(s != NULL, "accepted: %s %s", what, err.text);
	jobspec_destroy(s);
	free(text);
}

static void test_accepted(void)
{
	const char *slot = "{\"version\":1,\"resources\":[{\"type\":\"slot\","
		"\"count\":5,\"exclusive\":true,\"label\":\"t\",\"with\":"
		"[{\"type\":\"core\",\"count\":1,\"unit\":\"core\"}]}],"
		"\"tasks\":[{\"command\":\"app\",\"slot\":\"t\",\"count\":"
		"{\"total\":3}}],\"attributes\":{\"system\":{\"job\":"
		"{\"name\":\"n\"}}}}";
	struct proto_error err = { "" };
	struct jobspec *s = jobspec_parse(slot, strlen(slot), &err);

	ok(s && s->nnodes == 0 && s->nslots == 5 && s->ntasks == 3 &&
	   s->ntasks_total && s->exclusive && s->argc == 1 &&
	   !strcmp(s->name, "n") && !s->cwd && !s->duration &&
	   !s->environment, "a slot alone, a bare command, a total %s",
	   err.text);
	jobspec_destroy(s);
	accepted("\"count\":4", "\"exclusive\":false,\"count\":4",
		 "exclusive on a node");
	accepted("\"type\":\"gpu\"", "\"type\":\"gpu\",\"unit\":\"g\"",
		 "a unit");
	accepted("[\"/bin/app\",\"-v\"]", "\"/bin/app\"", "a bare command");
}

/* Refused, and the message begins with WHAT. */
static void refused(const char *from, const char *to, const char *what)
{
	struct proto_error err = { "" };
	char *text = variant(from, to);
	struct jobspec *s;

	errno = 0;
	s = jobspec_parse(text, strlen(text), &err);
	if (!ok(!s && errno == EINVAL && !strncmp(err.text, what,
						  strlen(what)),
		"refused: %s", s ? to : err.text))
		diag("want '%s'", what);
	jobspec_destroy(s);
	free(text);
}

static void test_refused_top(void)
{
	refused("{\"version\":1", "{\"version\":0", "version: must be an "
		"integer from 1 to 9999, got 0");
	refused("{\"version\":1,", "{", "version: is missing");
	refused("{\"version\":1", "{\"version\":\"1\"",
		"version: must be an integer from 1 to 9999, got \"1\"");
	refused("{\"version\":1", "{\"version\":1,\"x\":1", "x: unknown key");
	refused("{\"version\":1", "{\"version\":1,\"version\":1",
		"jobspec: not JSON: line 1");
	refused("{\"version\":1", "{\"version\"", "jobspec: not JSON");
	refused("\"tasks\":[{", "\"tasks\":{\"a\":[{", "jobspec: not JSON");
}

static void test_refused_resources(void)
{
	const char *slot = "resources[0].with[0]";
	char want[160];

	refused("\"count\":4", "\"count\":0", "resources[0].count: must be "
		"an integer >= 1, got 0");
	refused("\"count\":2", "\"count\":0", "resources[0].with[0].count: "
		"must be an integer >= 1, got 0");
	refused("\"count\":2", "\"count\":-3", "resources[0].with[0].count: "
		"must be an integer >= 1, got -3");
	refused("\"count\":2", "\"count\":1.5", "resources[0].with[0].count: "
		"must be an integer >= 1, got 1.5");
	refused("\"count\":2", "\"count\":\"2-4\"",
		"resources[0].with[0].count: must be an integer >= 1, got "
		"\"2-4\"");
	refused("\"count\":2", "\"count\":2147483648",
		"resources[0].with[0].count: must be at most 2147483647");
	refused("\"count\":2", "\"count\":99999999999999999999",
		"jobspec: not JSON");
	refused("\"count\":2", "\"count\":2147483647",
		"resources[0].with[0].count: 2147483647 slots on each of 4");
	refused("\"count\":3", "\"count\":2147483647",
		"resources[0].with[0].with[0].count: 2147483647 in each of 8");
	refused("\"count\":1}]}]}]", "\"count\":2147483647}]}]}]",
		"resources[0].with[0].with[1].count: 2147483647 in each");
	refused("\"count\":3", "\"x\":3", "resources[0].with[0].with[0].x: "
		"unknown key");
	refused("\"count\":3", "\"count\":3,\"with\":[]",
		"resources[0].with[0].with[0].with: unknown key");
	refused("\"type\":\"node\",", "", "resources[0].type: is missing");
	refused("\"type\":\"slot\"", "\"type\":\"node\"",
		"resources[0].with[0].type: must be \"slot\", got \"node\"");
	refused("\"type\":\"core\"", "\"type\":\"gpu\"",
		"resources[0].with[0].with[1].type: a slot has one core");
	refused("\"type\":\"core\"", "\"type\":\"socket\"",
		"resources[0].with[0].with[0].type: must be \"core\" or "
		"\"gpu\", got \"socket\"");
	refused("{\"type\":\"core\",\"count\":3},", "",
		"resources[0].with[0].with: a core vertex is missing");
	snprintf(want, sizeof(want), "%s.label: is missing", slot);
	refused("\"label\":\"default\",", "", want);
	snprintf(want, sizeof(want), "%s.label: must be a string", slot);
	refused("\"label\":\"default\"", "\"label\":\"\"", want);
	snprintf(want, sizeof(want), "%s.unit: must be a string, got 1", slot);
	refused("\"count\":2", "\"count\":2,\"unit\":1", want);
	snprintf(want, sizeof(want), "%s.exclusive: must be true or", slot);
	refused("\"count\":2", "\"count\":2,\"exclusive\":1", want);
	refused("\"resources\":[", "\"resources\":[{},",
		"resources: must be an array of one vertex, got an array");
	refused("\"resources\":", "\"resources\":[],\"tasks\":[],\"x\":",
		"jobspec: not JSON");
}

static void test_refused_tasks(void)
{
	refused("[\"/bin/app\",\"-v\"]", "[]",
		"tasks[0].command: must be an array of strings that is not "
		"empty, got an empty array");
	refused("\"-v\"", "7", "tasks[0].command[1]: must be a string, got 7");
	refused("\"/bin/app\"", "\"\"", "tasks[0].command[0]: must be the");
	refused("\"-v\"", "\"a\\u0000b\"", "jobspec: not JSON");
	refused("\"slot\":\"default\"", "\"slot\":\"other\"",
		"tasks[0].slot: must be the label of the slot, \"default\", "
		"got \"other\"");
	refused("{\"per_slot\":1}", "{\"per_slot\":2}",
		"tasks[0].count.per_slot: must be 1, got 2");
	refused("{\"per_slot\":1}", "{}", "tasks[0].count: must have either");
	refused("{\"per_slot\":1}", "{\"per_slot\":1,\"total\":4}",
		"tasks[0].count: must have either");
	refused("{\"per_slot\":1}", "{\"per_resource\":1}",
		"tasks[0].count.per_resource: unknown key");
	refused("{\"per_slot\":1}", "1", "tasks[0].count: must be an object");
	refused("{\"per_slot\":1}", "{\"total\":9}",
		"tasks[0].count.total: 9 tasks do not fit into 8 slots");
	refused("{\"per_slot\":1}", "{\"total\":3}",
		"tasks[0].count.total: 3 tasks are fewer than 4 nodes");
	refused("{\"per_slot\":1}", "{\"total\":0}",
		"tasks[0].count.total: must be an integer >= 1, got 0");
	refused("\"tasks\":[", "\"tasks\":[1,", "tasks: must be an array of");
	refused("\"tasks\":[{", "\"tasks\":[{\"env\":{},",
		"tasks[0].env: unknown key");
}

static void test_refused_attributes(void)
{
	char deep[400];

	refused("\"system\":", "\"sys\":", "attributes.sys: unknown key");
	refused("3600.5", "-1", "attributes.system.duration: must be a number "
		"of seconds from 0 to 1e10, got -1");
	refused("3600.5", "\"1h\"", "attributes.system.duration: must be a");
	refused("3600.5", "1e11", "attributes.system.duration: must be a");
	refused("\"cwd\":\"/home", "\"cwd\":\"home",
		"attributes.system.cwd: must be an absolute path, got \"home");
	refused("\"batch\"", "\"\"", "attributes.system.queue: must be a str");
	refused("\"HOME\":\"/home/u\"", "\"HOME\":1",
		"attributes.system.environment.HOME: must be a string or "
		"null, got 1");
	refused("\"HOME\"", "\"A=B\"",
		"attributes.system.environment.A=B: not a name");
	refused("\"unknown\":[1]", "\"job\":{\"name\":1}",
		"attributes.system.job.name: must be a string, got 1");
	refused("{\"options\":{\"verbose\":1}}", "{\"options\":[]}",
		"attributes.system.shell.options: must be an object, got an "
		"empty array");
	refused("{\"verbose\":1}", "{\"rlimit\":1}",
		"attributes.system.shell.options.rlimit: must be an object");
	refused("{\"verbose\":1}", "{\"rlimit\":{\"core\":-2}}",
		"attributes.system.shell.options.rlimit.core: must be an "
		"integer from -1 (no limit) on, got -2");
	refused("{\"verbose\":1}", "{\"output\":{\"mode\":1}}",
		"attributes.system.shell.options.output.mode: must be "
		"\"truncate\" or \"append\", got 1");
	refused("{\"verbose\":1}",
		"{\"output\":{\"stderr\":{\"type\":\"file\"}}}",
		"attributes.system.shell.options.output.stderr.path: is "
		"missing");
	refused("{\"verbose\":1}",
		"{\"input\":{\"stdin\":{\"type\":\"kvs\"}}}",
		"attributes.system.shell.options.input.stdin.type: must be "
		"\"service\" or \"file\", got \"kvs\"");
	refused("{\"options\":{\"verbose\":1}}", "1",
		"attributes.system.shell: must be an object, got 1");
	refused("\"unknown\":[1]", "\"dependencies\":[{\"scheme\":\"after\"}]",
		"attributes.system.dependencies[0].value: is missing");
	refused("\"unknown\":[1]", "\"constraints\":[]",
		"attributes.system.constraints: must be an object");
	memset(deep, 0, sizeof(deep));
	strcpy(deep, "\"unknown\":");
	memset(deep + strlen(deep), '[', 70);
	memset(deep + strlen(deep), ']', 70);
	refused("\"unknown\":[1]", deep, "jobspec: nested deeper than 64");
	refused("\"unknown\":[1]", "\"job\":{\"\x1b[2J\":1}",
		"jobspec: not JSON");
	refused("\"unknown\":[1]", "\"job\":{\"\\u001b[2J\":1}",
		"attributes.system.job.?[2J: must be a string");
}

static void test_size(void)
{
	struct proto_error err;
	size_t size = JOBSPEC_SIZE_MAX + 1;
	char *text = malloc(size);

	memset(text, ' ', size);
	ok(!jobspec_parse(text, size, &err) && errno == E2BIG,
	   "too large: %s", err.text);
	ok(!jobspec_parse("", 0, &err) && errno == EINVAL, "empty: %s",
	   err.text);
	memset(text, '[', 100000);
	ok(!jobspec_parse(text, 100000, &err) && errno == EINVAL,
	   "100000 brackets: %s", err.text);
	free(text);
}

/* ---- building ---- */

static const char *const argv_true[] = { "true", NULL };

static void builds(const struct jobspec_request *r, const char *want,
		   const char *what)
{
	struct proto_error err = { "" };
	json_t *json = jobspec_build(r, &err);
	char *text = json ? json_dumps(json, 0) : NULL;

	if (!is_str(text, want, what))
		diag("%s", err.text);
	free(text);
	json_decref(json);
}

#define TASKS(count) "\"tasks\": [{\"command\": [\"true\"], \"slot\": " \
	"\"task\", \"count\": {" count "}}], "
#define SYSTEM "\"attributes\": {\"system\": {\"duration\": 0.0, " \
	"\"environment\": {}}}, \"version\": 1}"
#define SLOT(n, with) "{\"type\": \"slot\", \"count\": " n ", \"with\": [" \
	with "], \"label\": \"task\"}"
#define CORE(n) "{\"type\": \"core\", \"count\": " n "}"

static void test_build(void)
{
	builds(&(struct jobspec_request){ .argv = argv_true },
	       "{\"resources\": [" SLOT("1", CORE("1")) "], "
	       TASKS("\"per_slot\": 1") SYSTEM, "no options");
	builds(&(struct jobspec_request){ .argv = argv_true, .ntasks = 4,
	       .nnodes = 2, .cores_per_task = 2, .gpus_per_task = 1 },
	       "{\"resources\": [{\"type\": \"node\", \"count\": 2, "
	       "\"with\": [" SLOT("2", CORE("2")
	       ", {\"type\": \"gpu\", \"count\": 1}") "]}], "
	       TASKS("\"per_slot\": 1") SYSTEM, "-N2 -n4 -c2 -g1");
	builds(&(struct jobspec_request){ .argv = argv_true, .nnodes = 2 },
	       "{\"resources\": [{\"type\": \"node\", \"count\": 2, "
	       "\"with\": [" SLOT("1", CORE("1")) "], \"exclusive\": true}], "
	       TASKS("\"per_slot\": 1") SYSTEM, "-N2");
	builds(&(struct jobspec_request){ .argv = argv_true, .nnodes = 2,
	       .ntasks = 5 },
	       "{\"resources\": [{\"type\": \"node\", \"count\": 2, "
	       "\"with\": [" SLOT("3", CORE("1")) "]}], "
	       TASKS("\"total\": 5") SYSTEM, "-N2 -n5");
}

static void test_build_attributes(void)
{
	static const char *const argv[] = { "hostname", NULL };
	char *vars[] = { (char *)"A=b", (char *)"E==", (char *)"=x",
			 (char *)"noequals", (char *)"BAD=\xff", NULL };
	struct proto_error err = { "" };
	json_t *env = jobspec_environment(vars);
	json_t *json = jobspec_build(&(struct jobspec_request){
		.argv = argv, .ntasks = 2, .cores_per_task = 1,
		.duration = 300, .name = "foo", .cwd = "/home/u",
		.environment = env }, &err);
	char *text;

	json_decref(env);
	ok(!jobspec_setopt_arg(json, "verbose", &err), "-o verbose");
	ok(!jobspec_setopt_arg(json, "rlimit.core=-1", &err), "-o a.b=-1");
	ok(!jobspec_setattr_arg(json, "foo=bar", &err), "-S foo=bar");
	ok(!jobspec_setattr_arg(json, "user.x.y={\"z\":[1]}", &err),
	   "-S user.x.y=JSON");
	ok(!jobspec_setattr_arg(json, ".user.w=a=b", &err), "-S .user.w=a=b");
	text = json_dumps(json, 0);
	is_str(text, "{\"resources\": [" SLOT("2", CORE("1")) "], \"tasks\": "
	       "[{\"command\": [\"hostname\"], \"slot\": \"task\", \"count\": "
	       "{\"per_slot\": 1}}], \"attributes\": {\"system\": "
	       "{\"duration\": 300.0, \"environment\": {\"A\": \"b\", "
	       "\"E\": \"=\"}, \"cwd\": \"/home/u\", \"job\": {\"name\": "
	       "\"foo\"}, \"shell\": {\"options\": {\"verbose\": 1, "
	       "\"rlimit\": {\"core\": -1}}}, \"foo\": \"bar\"}, \"user\": "
	       "{\"x\": {\"y\": {\"z\": [1]}}, \"w\": \"a=b\"}}, "
	       "\"version\": 1}", "all together");
	free(text);
	ok(jobspec_setattr_arg(json, "system.foo.x=1", &err) < 0 &&
	   errno == EINVAL, "through a string: %s", err.text);
	ok(jobspec_setattr_arg(json, "a..b=1", &err) < 0 && errno == EINVAL,
	   "an empty part: %s", err.text);
	ok(jobspec_setattr_arg(json, "=1", &err) < 0 && errno == EINVAL,
	   "an empty name: %s", err.text);
	ok(jobspec_setopt_arg(json, "a=\xff", &err) < 0 && errno == EINVAL,
	   "not UTF-8: %s", err.text);
	json_decref(json);
}

static void no_build(const struct jobspec_request *r, const char *what)
{
	struct proto_error err = { "" };
	json_t *json = jobspec_build(r, &err);

	ok(!json && errno == EINVAL && strstr(err.text, what), "no build: %s",
	   err.text);
	json_decref(json);
}

static void test_no_build(void)
{
	static const char *const bad[] = { "true", "\xff", NULL };
	static const char *const empty[] = { NULL };

	no_build(&(struct jobspec_request){ .argv = empty },
		 "job command and arguments are missing");
	no_build(&(struct jobspec_request){ .argv = bad },
		 "word 1 of the command is not UTF-8");
	no_build(&(struct jobspec_request){ .argv = argv_true, .nnodes = 3,
		 .ntasks = 2 }, "node count must not be greater than task");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .exclusive = true }, "exclusive can only be set with a node");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .ntasks = -1 }, "negative");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .duration = -1 }, "duration");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .duration = 0.0 / 0.0 }, "duration");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .ntasks = 65536, .cores_per_task = 65536 }, "is more than");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .cwd = "relative" }, "absolute path");
	no_build(&(struct jobspec_request){ .argv = argv_true,
		 .name = "\xff" }, "name is not UTF-8");
}

/* ---- canonical ---- */

#define CANONICAL(resources, count) "{\"version\":9999,\"resources\":[" \
	resources "],\"tasks\":[{\"command\":[\"app\"],\"slot\":\"a\"," \
	"\"count\":" count "}],\"attributes\":{\"system\":{}}}"
#define V(type, count, more) "{\"type\":\"" type "\",\"count\":" count more "}"
#define WITH(inner) ",\"with\":[" inner "]"
#define IN_SLOT(count, inner) V("slot", count, ",\"label\":\"a\"" WITH(inner))
#define ONE_CORE V("core", "1", "")
#define PER_SLOT "{\"per_slot\":1}"

/* "nnodes nslots: cores gpus nodes per_node of a slot; ntasks" */
static void reads(const char *text, const char *want)
{
	struct proto_error err = { "" };
	struct jobspec *s = jobspec_parse(text, strlen(text), &err);
	char got[120] = "";

	if (s)
		snprintf(got, sizeof(got), "%d %d%s: %d %d %d %d; %d",
			 s->nnodes, s->nslots, s->slot.moldable ? "+" : "",
			 s->slot.cores, s->slot.gpus, s->slot.nodes,
			 s->slot.per_node, s->ntasks);
	is_str(got, want, text);
	if (!s)
		diag("%s", err.text);
	jobspec_destroy(s);
}

static void wrong(const char *text, const char *what)
{
	struct proto_error err = { "" };
	struct jobspec *s = jobspec_parse(text, strlen(text), &err);

	if (!ok(!s && !strncmp(err.text, what, strlen(what)), "refused: %s",
		what))
		diag("%s", err.text);
	jobspec_destroy(s);
}

static void test_canonical(void)
{
	reads(CANONICAL(IN_SLOT("4", ONE_CORE), PER_SLOT), "0 4: 1 0 0 0; 4");
	reads(CANONICAL(V("cluster", "1", WITH(V("rack", "2", WITH(IN_SLOT("3",
	      V("node", "1", WITH(V("socket", "2", WITH(V("core", "18",
	      "")))))))))), PER_SLOT), "6 6: 0 0 1 0; 6");
	reads(CANONICAL(V("node", "2", WITH(V("socket", "2", WITH(IN_SLOT("2",
	      V("core", "4", "") "," V("gpu", "1", "")))))), "{\"per_slot\":3}"),
	      "2 8: 4 1 0 4; 24");
	reads(CANONICAL(IN_SLOT("{\"min\":2,\"max\":8,\"operator\":\"*\","
	      "\"operand\":2}", ONE_CORE), PER_SLOT), "0 2+: 1 0 0 0; 2");
	reads(CANONICAL(V("node", "\"2-4\"", WITH(IN_SLOT("2", ONE_CORE))),
			PER_SLOT), "2 4+: 1 0 0 0; 4");
	reads(CANONICAL(IN_SLOT("1", V("node", "2", "")), PER_SLOT),
	      "2 1: 0 0 2 0; 1");
	reads(CANONICAL(IN_SLOT("\"3,5\"", V("memory", "4", ",\"unit\":"
	      "\"GB\"")) "," V("storage", "1", ""), "{\"total\":2}"),
	      "0 3: 0 0 0 0; 2");

	wrong(CANONICAL(ONE_CORE, PER_SLOT), "resources: there is no slot");
	wrong(CANONICAL(IN_SLOT("1", ONE_CORE) "," IN_SLOT("1", ONE_CORE), PER_SLOT),
	      "resources[1].type: there is a slot already");
	wrong(CANONICAL(IN_SLOT("0", ONE_CORE), PER_SLOT),
	      "resources[0].count: must be an integer >= 1, got 0");
	wrong(CANONICAL(IN_SLOT("1.5", ONE_CORE), PER_SLOT), "resources[0].count: "
	      "must be an integer, a range or a set, got 1.5");
	wrong(CANONICAL(IN_SLOT("\"x\"", ONE_CORE), PER_SLOT), "resources[0].count: "
	      "must be a range or set of numbers >= 1, got \"x\"");
	wrong(CANONICAL(IN_SLOT("{\"max\":1}", ONE_CORE), PER_SLOT),
	      "resources[0].count.min: is missing");
	wrong(CANONICAL(IN_SLOT("{\"min\":3,\"max\":2}", ONE_CORE), PER_SLOT),
	      "resources[0].count.max: must be an integer >= 3, got 2");
	wrong(CANONICAL(IN_SLOT("{\"min\":3,\"operator\":\"-\"}", ONE_CORE),
			PER_SLOT), "resources[0].count.operator: must be");
	wrong(CANONICAL(IN_SLOT("{\"min\":3,\"operator\":\"*\",\"operand\":1}",
			     ONE_CORE), PER_SLOT), "resources[0].count.operand: "
	      "must be an integer >= 2, got 1");
	wrong(CANONICAL(V("node", "70000", WITH(IN_SLOT("70000", ONE_CORE))),
			PER_SLOT), "resources[0].with[0].count: more than");
	wrong(CANONICAL(IN_SLOT("70000", V("core", "70000", "")), PER_SLOT),
	      "resources[0].with[0].count: more than 2147483647 in total");
	wrong(CANONICAL(V("slot", "1", WITH(ONE_CORE)), PER_SLOT),
	      "resources[0].label: is missing");
	wrong(CANONICAL(V("slot", "1", ",\"label\":\"a\""), PER_SLOT),
	      "resources[0].with: is missing");
	wrong(CANONICAL(IN_SLOT("1", V("core", "1", ",\"x\":1")), PER_SLOT),
	      "resources[0].with[0].x: unknown key");
	wrong(CANONICAL(IN_SLOT("1", "7"), PER_SLOT),
	      "resources[0].with[0]: must be an object, got 7");
	wrong(CANONICAL(IN_SLOT("1", ONE_CORE), "{\"per_slot\":99999999}"),
	      "tasks[0].count.per_slot: 99999999 in each of 1");
	wrong(CANONICAL(IN_SLOT("1", ONE_CORE), "{\"total\":2}"),
	      "tasks[0].count.total: 2 tasks do not fit");
}

int main(void)
{
	test_canonical();
	test_fields();
	test_accepted();
	test_refused_top();
	test_refused_resources();
	test_refused_tasks();
	test_refused_attributes();
	test_size();
	test_build();
	test_build_attributes();
	test_no_build();
	return done();
}
