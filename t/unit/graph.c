/* SPDX-License-Identifier: Apache-2.0 */
/* The resource graph: made from each format, printed again, refused. */
#include "config.h"

#include <stdlib.h>

#include "schedd/graph_jgf.h"
#include "t/unit/tap.h"

static const char small[] =
	"version: 1\n"
	"resources:\n"
	"- type: cluster\n"
	"  basename: zed\n"
	"  with:\n"
	"  - type: rack\n"
	"    count: 2\n"
	"    with:\n"
	"    - type: node\n"
	"      count: 2\n"
	"      basename: zed\n"
	"      properties: {ssd: 1-2, perf_class=3: '0'}\n"
	"      with:\n"
	"      - type: socket\n"
	"        count: 2\n"
	"        with:\n"
	"        - {type: core, count: 4}\n"
	"        - {type: gpu, ids: '0', scope: socket}\n"
	"        - {type: memory, size: 16, unit: GB, count: 2}\n"
	"subsystems:\n"
	"- name: power\n"
	"  with:\n"
	"  - type: pdu\n"
	"    size: 100\n"
	"    unit: kW\n"
	"    count: 2\n"
	"    covers: node\n";

static struct graph *recipe(const char *text, struct proto_error *err)
{
	return graph_from_recipe(text, strlen(text), NULL, err);
}

/* small without the gpus, whose ids repeat. */
static struct graph *make_small(void)
{
	struct proto_error err = { "" };
	char *text = strdup(small), *gpu = strstr(text, "ids: '0', scope");
	struct graph *g;

	memcpy(gpu, "count: 1, scope:   node", 23);
	g = recipe(text, &err);
	if (!g)
		diag("%s", err.text);
	free(text);
	return g;
}

static void check_small(struct graph *g, const char *what)
{
	uint32_t node = graph_find_rank(g, 3), from, to;
	char *path;

	ok(g->count == 1 + 2 + 4 + 8 + 8 * 7 + 2 && g->inside == g->count - 2,
	   "%s: vertices", what);
	path = graph_path(g, node);
	is_str(path, "/zed0/rack1/zed3", "the path of rank 3");
	is_int(graph_find_path(g, path), node, "and back");
	free(path);
	graph_slice(g, node, graph_find_type(g, "core"), &from, &to);
	is_int(to - from, 8, "cores of it");
	is_int(g->vertices[g->by_type[to - 1]].id, 7, "numbered in it");
	is_int(graph_totals(g, g->vertices[0].group)[0], 32,
	       "cores of all");
	is_int(graph_totals(g, g->vertices[0].group)[2], 256,
	       "units of memory");
	ok(graph_property(g, graph_find_rank(g, 1), "ssd") &&
	   !graph_property(g, node, "ssd"), "properties by id");
	is_str(graph_property(g, graph_find_rank(g, 0), "perf_class"), "3",
	       "a property with a value");
	path = graph_path_in(g, 0, node);
	is_str(path, "/pdu1/zed3", "its path in another subsystem");
	free(path);
}

static void round_trip(void)
{
	struct proto_error err = { "" };
	struct graph *g = make_small(), *again;
	json_t *first, *second;
	char *text;

	if (!ok(g, "a recipe"))
		return;
	check_small(g, "recipe");
	graph_set_down(g, graph_find_path(g, "/zed0/rack0"), true);
	first = graph_to_jgf(g, NULL);
	text = json_dumps(first, JSON_COMPACT);
	again = graph_from_jgf(text, strlen(text), NULL, &err);
	if (!ok(again, "JGF is read again"))
		diag("%s", err.text);
	check_small(again, "JGF");
	is_int(again->vertices[graph_find_rank(again, 1)].down, 1,
	       "what is down is so again");
	second = graph_to_jgf(again, NULL);
	ok(json_equal(first, second), "and printed exactly as before");
	free(text);
	json_decref(first);
	json_decref(second);
	graph_destroy(g);
	graph_destroy(again);
}

static void resource_sets(void)
{
	static const char R[] = "{\"version\":1,\"execution\":{\"R_lite\":"
		"[{\"rank\":\"0,3\",\"children\":{\"core\":\"0-3\","
		"\"gpu\":\"0\"}},{\"rank\":\"1-2\",\"children\":{\"core\":"
		"\"2-5\"}}],\"nodelist\":[\"fox[7-8],owl,fox10\"],"
		"\"properties\":{\"big\":\"1-2\",\"perf_class=2\":\"0\"}}}";
	struct proto_error err = { "" };
	struct graph *g = graph_from_R(R, strlen(R), NULL, &err), *again;
	struct resource_set *set;
	char *text, *path;

	if (!ok(g, "R"))
		diag("%s", err.text);
	is_int(g->count, 1 + 4 + 16 + 2, "vertices of R");
	path = graph_path(g, graph_find_rank(g, 2));
	is_str(path, "/cluster0/owl", "a host without a number");
	free(path);
	set = graph_to_R(g, NULL, &err);
	text = resource_set_encode(set);
	again = graph_from_R(text, strlen(text), NULL, &err);
	ok(again && again->count == g->count, "printed and read again");
	graph_destroy(again);
	resource_set_destroy(set);
	set = resource_set_parse(R, strlen(R), &err);
	set->scheduling = graph_to_jgf(g, NULL);
	free(text);
	text = resource_set_encode(set);
	again = graph_from_R(text, strlen(text), NULL, &err);
	ok(again && again->count == g->count &&
	   graph_property(again, graph_find_rank(again, 1), "big"),
	   "R with a graph as its scheduling part");
	resource_set_destroy(set);
	set = graph_to_R(again, NULL, &err);
	free(text);
	text = resource_set_encode(set);
	resource_set_destroy(set);
	set = resource_set_parse(R, strlen(R), &err);
	path = resource_set_encode(set);
	is_str(text, path, "is printed exactly");
	free(text);
	free(path);
	resource_set_destroy(set);
	graph_destroy(g);
	graph_destroy(again);
}

static void hwloc(void)
{
	static const char xml[] = "<?xml version=\"1.0\"?>\n"
"<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">"
"<object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\" "
"complete_cpuset=\"0xf\" allowed_cpuset=\"0xf\" nodeset=\"0x1\" "
"complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\">"
"<info name=\"HostName\" value=\"elk7\"/>"
"<object type=\"Package\" os_index=\"0\" cpuset=\"0xf\" "
"complete_cpuset=\"0xf\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
"gp_index=\"2\"><object type=\"NUMANode\" os_index=\"0\" cpuset=\"0xf\" "
"complete_cpuset=\"0xf\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
"gp_index=\"3\" local_memory=\"1024\"/>"
"<object type=\"Core\" os_index=\"0\" cpuset=\"0x3\" "
"complete_cpuset=\"0x3\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
"gp_index=\"4\"><object type=\"PU\" os_index=\"0\" cpuset=\"0x1\" "
"complete_cpuset=\"0x1\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
"gp_index=\"5\"/><object type=\"PU\" os_index=\"1\" cpuset=\"0x2\" "
"complete_cpuset=\"0x2\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
"gp_index=\"6\"/></object><object type=\"Core\" os_index=\"1\" "
"cpuset=\"0xc\" complete_cpuset=\"0xc\" nodeset=\"0x1\" "
"complete_nodeset=\"0x1\" gp_index=\"7\"><object type=\"PU\" "
"os_index=\"2\" cpuset=\"0x4\" complete_cpuset=\"0x4\" nodeset=\"0x1\" "
"complete_nodeset=\"0x1\" gp_index=\"8\"/><object type=\"PU\" "
"os_index=\"3\" cpuset=\"0x8\" complete_cpuset=\"0x8\" nodeset=\"0x1\" "
"complete_nodeset=\"0x1\" gp_index=\"9\"/></object></object></object>"
"</topology>";
	struct proto_error err = { "" };
	struct graph *g = graph_from_hwloc(xml, strlen(xml), NULL, &err);
	char *path;

	if (!ok(g, "hwloc's XML")) {
		diag("%s", err.text);
		return;
	}
	is_int(g->types[graph_find_type(g, "core")].count, 2, "cores");
	is_int(g->types[graph_find_type(g, "pu")].count, 4, "threads");
	path = graph_path(g, g->by_type[g->types[
			  graph_find_type(g, "core")].first + 1]);
	is_str(path, "/cluster0/elk7/socket0/core1", "a core's path");
	free(path);
	graph_destroy(g);
	ok(!graph_from_hwloc("<x/>", 4, NULL, &err) && err.text[0],
	   "what is not hwloc's: %s", err.text);
}

static const struct {
	const char *text, *error;
} bad_recipes[] = {
	{ small, "zed0: it has gpu 0 twice" },
	{ "", "YAML: line 1, column 1: there is nothing" },
	{ "version: 2", "version: must be 1, got 2" },
	{ "version: 1", "resources: is missing (must be an array of "
	  "one resource)" },
	{ "version: 1\nresources: [{type: a b}]", "resources[0].type: must be "
	  "a name without blanks, slashes, commas and colons, got \"a b\"" },
	{ "version: 1\nresources: [{type: a, count: 0}]", "resources[0].count: "
	  "must be an integer from 1 to 16777216, got 0" },
	{ "version: 1\nresources: [{type: a, size: -1}]", "resources[0].size: "
	  "must be an integer from 1 to 1125899906842624, got -1" },
	{ "version: 1\nresources: [{type: a, colour: 1}]", "resources[0]"
	  ".colour: unknown key" },
	{ "version: 1\nresources: [{type: a, with: [{type: b, "
	  "count: 16777216}]}]", "more than 16777216 vertices or too many "
	  "types" },
	{ "version: 1\nresources: [{type: a, with: [{type: b, ids: 3-1}]}]",
	  NULL },
	{ "version: 1\nresources: [{type: a, with: [{type: b, scope: c}]}]",
	  "resources[0].with[0].scope: no level above is of type c" },
	{ "version: 1\nresources: [{type: a, with: [{type: node, count: 2, "
	  "names: x1}]}]", "resources[0].with[0].names: there are only 1" },
	{ "version: 1\nresources: [{type: a, count: 2, with: [{type: b}]}]",
	  "containment has two roots, a0 and a1" },
	{ "version: 1\nresources: [{type: a, count: 2}]",
	  "a1: it is connected to nothing" },
	{ "version: 1\nresources: [{type: a, covers: a}]",
	  "resources[0].covers: only for subsystems" },
	{ "version: 1\nresources: [{type: a}]\nsubsystems: [{name: p, "
	  "with: [{type: b, covers: c}]}]", "subsystems[0].with[0].covers: "
	  "there is no type c in resources" },
	{ "version: 1\nresources: [{type: a}]\nsubsystems: [{name: "
	  "containment}]", NULL },
};

#define NODE(id, path) "{\"id\":\"" id "\",\"metadata\":{\"type\":\"t\"," \
	"\"paths\":{\"containment\":\"" path "\"}}}"
#define EDGE(a, b) "{\"source\":\"" a "\",\"target\":\"" b "\"}"
#define JGF(nodes, edges) "{\"graph\":{\"nodes\":[" nodes "],\"edges\":[" \
	edges "]}}"

static const struct {
	const char *text, *error;
} bad_jgf[] = {
	{ "{", NULL },
	{ "[]", "JGF: must be an object, got an empty array" },
	{ "{\"graph\":{}}", NULL },
	{ JGF("", ""), "there are no resources" },
	{ JGF(NODE("0", "/t0") "," NODE("0", "/t0"), ""),
	  "graph.nodes[1].id: '0' is the id of another, too" },
	{ JGF(NODE("0", "/t0"), EDGE("0", "7")),
	  "graph.edges[0].target: there is no node '7'" },
	{ JGF(NODE("0", "/t0"), EDGE("0", "0")),
	  "graph.edges[0]: it leads back to its source" },
	{ JGF(NODE("0", "/t0") "," NODE("1", "/t1") "," NODE("2", "/t2"),
	      EDGE("0", "1") "," EDGE("2", "1")),
	  "graph.edges[1].target: it is contained in another, too" },
	{ JGF(NODE("0", "/t0") "," NODE("1", "/t1") "," NODE("2", "/t2"),
	      EDGE("1", "2") "," EDGE("2", "1")), "t1: it is beneath itself" },
	{ JGF(NODE("0", "/t0") "," NODE("1", "/t0/x"), EDGE("0", "1")),
	  "node '1': its path is '/t0/x', but its place is '/t0/t1'" },
	{ JGF(NODE("0", "/t0") "," NODE("1", "/t0/t1"), ""),
	  "t1: it is connected to nothing" },
	{ "{\"graph\":{\"nodes\":[{\"id\":\"0\",\"metadata\":{\"type\":\"t\","
	  "\"size\":0,\"paths\":{\"containment\":\"/t0\"}}}],\"edges\":[]}}",
	  "graph.nodes[0].metadata.size: must be an integer from 1 to "
	  "1125899906842624, got 0" },
	{ "{\"graph\":{\"nodes\":[{\"id\":\"0\",\"metadata\":{\"type\":\"t\","
	  "\"properties\":[],\"paths\":{\"containment\":\"/t0\"}}}],"
	  "\"edges\":[]}}",
	  "graph.nodes[0].metadata.properties: must be an object, got an empty array" },
};

static void refused(void)
{
	for (size_t i = 0; i < sizeof(bad_recipes) / sizeof(*bad_recipes);
	     i++) {
		struct proto_error err = { "" };
		struct graph *g = recipe(bad_recipes[i].text, &err);

		ok(!g && err.text[0] && (!bad_recipes[i].error ||
		   !strcmp(err.text, bad_recipes[i].error)),
		   "recipe refused: %s", err.text);
		graph_destroy(g);
	}
	for (size_t i = 0; i < sizeof(bad_jgf) / sizeof(*bad_jgf); i++) {
		struct proto_error err = { "" };
		struct graph *g = graph_from_jgf(bad_jgf[i].text,
				strlen(bad_jgf[i].text), NULL, &err);

		ok(!g && err.text[0] && (!bad_jgf[i].error ||
		   !strcmp(err.text, bad_jgf[i].error)), "JGF refused: %s",
		   err.text);
		graph_destroy(g);
	}
}

static void filters(void)
{
	static const char text[] = "version: 1\nresources: [{type: a}]\n";
	static const char *const bad[] = { "core", "a:", ":a", "ALL:core,",
					   "a:b,,c:d" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct proto_error err = { "" };

		ok(!graph_from_recipe(text, strlen(text), bad[i], &err) &&
		   err.text[0], "filter refused: %s", err.text);
	}
}

int main(void)
{
	round_trip();
	resource_sets();
	hwloc();
	refused();
	filters();
	return done();
}
