/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher: random work against a model, requests that are refused,
 * adopting, partial release. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/match.h"
#include "t/unit/tap.h"

#define NODES	6
#define CORES	8	/* of a node */

static const char recipe[] =
	"version: 1\n"
	"resources:\n"
	"- type: cluster\n"
	"  with:\n"
	"  - type: rack\n"
	"    count: 2\n"
	"    with:\n"
	"    - type: node\n"
	"      count: 3\n"
	"      properties: {a: '0,2,4', perf_class=2: '1,3'}\n"
	"      with:\n"
	"      - type: socket\n"
	"        count: 2\n"
	"        with:\n"
	"        - {type: core, count: 4}\n"
	"        - {type: gpu}\n"
	"        - {type: memory, size: 8, count: 2, unit: GB}\n";

#define SPEC(resources, more) "{\"version\":1,\"resources\":[" resources \
	"],\"tasks\":[],\"attributes\":{\"system\":{\"duration\":%d" more "}}}"
#define V(type, count, more) "{\"type\":\"" type "\",\"count\":" count more "}"
#define WITH(list) ",\"with\":[" list "]"
#define SLOT(count, list) V("slot", count, ",\"label\":\"s\"" WITH(list))

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static struct graph *make_graph(void)
{
	struct proto_error err = { "" };
	struct graph *g = graph_from_recipe(recipe, strlen(recipe), NULL,
					    &err);

	if (!g)
		diag("%s", err.text);
	return g;
}

static struct request *make_request(const struct graph *g, const char *text,
				    struct proto_error *err)
{
	return request_parse(g, text, strlen(text), err);
}

/* ---- the model: who has which vertex, each job's part spelled out ---- */

static bool meet(const struct match_job *a, const struct match_job *b)
{
	return a->start < b->end && b->start < a->end;
}

static const char *check_pair(struct matcher *m, const struct match_job *a,
			      const struct match_job *b)
{
	struct graph_part p, q;
	const char *wrong = NULL;

	if (matcher_part(m, a, &p) < 0 || matcher_part(m, b, &q) < 0)
		return "part";
	for (uint32_t i = 0, j = 0; i < p.count && j < q.count;) {
		if (p.vertices[i] == q.vertices[j] &&
		    (p.exclusive[i] || q.exclusive[j]))
			wrong = "one vertex, two jobs";
		if (p.vertices[i] < q.vertices[j])
			i++;
		else
			j++;
	}
	graph_part_clear(&p);
	graph_part_clear(&q);
	return wrong;
}

/* What the groups say is free is all that no running job has. */
static const char *check_free(struct graph *g)
{
	for (uint32_t v = 0; v < g->count; v++) {
		uint32_t index = g->vertices[v].group;
		int64_t sum[GRAPH_TRACKED_MAX] = { 0 };

		if (!index)
			continue;
		for (uint32_t i = v; i < g->vertices[v].end; i++) {
			int t = g->types[g->vertices[i].type].tracked;

			if (t >= 0 && !(*graph_held(g, i) & HELD_EXCLUSIVE))
				sum[t] += g->vertices[i].size;
			if (*graph_held(g, i) & (HELD_PICKED | HELD_SEEN))
				return "a mark is left";
		}
		for (unsigned k = 0; k < g->tracked; k++)
			if (graph_group(g, index)->free[k] != sum[k])
				return "free";
	}
	return NULL;
}

static const char *check_all(struct matcher *m, struct graph *g)
{
	const struct match_job *a, *b;
	const char *wrong = check_free(g);

	for (a = matcher_next(m, 0, true); a && !wrong;
	     a = matcher_next(m, a->id, false))
		for (b = matcher_next(m, a->id, false); b && !wrong;
		     b = matcher_next(m, b->id, false))
			if (meet(a, b))
				wrong = check_pair(m, a, b);
	return wrong;
}

/* Whether V, or with ALL anything beneath it, is used in that time. */
static bool is_used(struct matcher *m, uint32_t v, int64_t start, int64_t end)
{
	const struct match_job *j;
	bool used = false;

	for (j = matcher_next(m, 0, true); j && !used;
	     j = matcher_next(m, j->id, false)) {
		struct graph_part p;

		if (start >= j->end || j->start >= end)
			continue;
		matcher_part(m, j, &p);
		for (uint32_t i = 0; i < p.count; i++)
			used |= p.vertices[i] == v;
		graph_part_clear(&p);
	}
	return used;
}

/* How many of TYPE in V are unused. */
static unsigned unused(struct matcher *m, const struct graph *g, uint32_t v,
		       const char *type, int64_t start, int64_t end)
{
	uint32_t from, to;
	unsigned n = 0;

	graph_slice(g, v, graph_find_type(g, type), &from, &to);
	for (; from < to; from++)
		n += !is_used(m, g->by_type[from], start, end);
	return n;
}

/* The kinds of requests whose fitting the model can tell. */
enum kind { CORES_IN_NODE, WHOLE_NODES };

static bool model_fits(struct matcher *m, const struct graph *g,
		       enum kind kind, unsigned n, int64_t start, int64_t end)
{
	if (kind == WHOLE_NODES)
		return unused(m, g, 0, "node", start, end) >= n;
	for (unsigned r = 0; r < NODES; r++)
		if (unused(m, g, graph_find_rank(g, r), "core", start,
			   end) >= n)
			return true;
	return false;
}

/* The first time from NOW on when it fits: now, or when a job ends. */
static int64_t model_first(struct matcher *m, const struct graph *g,
			   enum kind kind, unsigned n, int64_t now,
			   int64_t duration)
{
	int64_t best = -1;

	if (model_fits(m, g, kind, n, now, now + duration))
		return now;
	for (const struct match_job *j = matcher_next(m, 0, true); j;
	     j = matcher_next(m, j->id, false))
		if (j->end > now && (best < 0 || j->end < best) &&
		    model_fits(m, g, kind, n, j->end, j->end + duration))
			best = j->end;
	return best;
}

static const char *step(struct matcher *m, struct graph *g, uint64_t *id)
{
	enum kind kind = pick(2) ? CORES_IN_NODE : WHOLE_NODES;
	unsigned n = 1 + pick(kind == WHOLE_NODES ? 3 : CORES);
	enum match_op op = pick(2) ? MATCH_ALLOCATE :
			   MATCH_ALLOCATE_ORELSE_RESERVE;
	int duration = 1 + (int)pick(30);
	struct proto_error err = { "" };
	const struct match_job *job = NULL;
	struct request *req;
	char text[512];
	int64_t want;
	int rc;

	if (kind == WHOLE_NODES)
		snprintf(text, sizeof(text), SPEC(SLOT("%u", V("node", "1",
			 "")), ""), n, duration);
	else
		snprintf(text, sizeof(text), SPEC(SLOT("1", V("core", "%u",
			 "")), ""), n, duration);
	req = make_request(g, text, &err);
	if (!req)
		return "the request";
	want = model_first(m, g, kind, n, 0, duration);
	rc = matcher_match(m, op, *id, req, 0, &job);
	request_destroy(req);
	if (op == MATCH_ALLOCATE && (rc == 0) != (want == 0))
		return "allocate";
	if (op != MATCH_ALLOCATE && (rc < 0 || job->start != want))
		return "the first time";
	if (rc == 0 && job->slots != (kind == WHOLE_NODES ? n : 1))
		return "slots";
	*id += rc == 0;
	return NULL;
}

static void random_work(const char *name)
{
	struct graph *g = make_graph();
	struct matcher *m = matcher_create(g, policy_find(name, NULL));
	const char *wrong = NULL;
	uint64_t id = 1;
	unsigned i;

	for (i = 0; i < 250 && !wrong; i++) {
		if (matcher_count(m) && pick(5) < 2)
			matcher_cancel(m, matcher_next(m, pick((unsigned)id),
				true)->id);
		else
			wrong = step(m, g, &id);
		if (!wrong)
			wrong = check_all(m, g);
	}
	ok(!wrong, "%s: as the model says%s%s", name, wrong ? ", but not: " :
	   "", wrong ? wrong : "");
	while (matcher_count(m))
		matcher_cancel(m, matcher_next(m, 0, true)->id);
	ok(!check_free(g) && !planner_pool_points(g->leaf_pool) &&
	   !planner_pool_points(g->group_pool),
	   "%s: nothing is left when all have gone", name);
	matcher_destroy(m);
	graph_destroy(g);
}

/* ---- what requests get: "node0:core0-2 node1:..." ---- */

static const char *names(struct matcher *m, const struct graph *g,
			 const struct match_job *job)
{
	static char text[2048];
	struct graph_part p;
	char buf[GRAPH_NAME_SIZE];
	size_t n = 0;

	text[0] = '\0';
	matcher_part(m, job, &p);
	for (uint32_t i = 0; i < p.count; i++) {
		const struct vertex *v = &g->vertices[p.vertices[i]];

		if (v->type == g->node_type || p.exclusive[i])
			n += (size_t)snprintf(text + n, sizeof(text) - n,
				"%s%s", n ? " " : "",
				graph_name(g, p.vertices[i], buf));
		if (p.exclusive[i] && v->end > p.vertices[i] + 1)
			i += v->end - p.vertices[i] - 1;
	}
	graph_part_clear(&p);
	return text;
}

static const struct {
	const char *policy, *text;
	int error;
	int64_t slots;
	const char *names, *what;
} cases[] = {
	{ "low", SPEC(V("node", "1", WITH(SLOT("2", V("core", "3", "")))), ""),
	  0, 2, "node0 core0 core1 core2 core3 core4 core5",
	  "slots in a node" },
	{ "high", SPEC(SLOT("1", V("core", "1", "")), ""), 0, 1,
	  "node5 core7", "high: the last" },
	{ "hinode", SPEC(SLOT("1", V("core", "1", "")), ""), 0, 1,
	  "node5 core7", "hinode" },
	{ "lonodex", SPEC(SLOT("1", V("core", "1", "")), ""), 0, 1, "node0",
	  "lonodex: the whole node" },
	{ "variation", SPEC(SLOT("1", V("node", "3", "")), ""), 0, 1,
	  "node0 node1 node3", "variation: the class, then the rest" },
	{ "low", SPEC(V("socket", "1", ",\"exclusive\":true" WITH(
	  V("core", "2", ""))), ""), 0, 0, "node0 socket0",
	  "an exclusive socket" },
	{ "low", SPEC(V("rack", "1", WITH(SLOT("3", V("node", "1", "")))),
	  ""), 0, 3, "node0 node1 node2", "nodes of one rack" },
	{ "low", SPEC(V("rack", "1", WITH(SLOT("4", V("node", "1", "")))),
	  ""), ENODEV, 0, "", "more than a rack has" },
	{ "low", SPEC(SLOT("1", V("core", "9", "")), ""), ENODEV, 0, "",
	  "a slot is in one node" },
	{ "low", SPEC(SLOT("1", V("memory", "9", "")), ""), 0, 1,
	  "node0 memory0 memory1", "units of pools" },
	{ "low", SPEC(SLOT("1", V("memory", "8000", ",\"unit\":\"MB\"")),
	  ""), 0, 1, "node0 memory0", "another unit" },
	{ "low", SPEC(SLOT("{\"min\":1}", V("node", "2", "")), ""), 0, 3,
	  "node0 node1 node2 node3 node4 node5", "as many as there are" },
	{ "low", SPEC(SLOT("\"2-32:2:*\"", V("core", "5", "")), ""), 0, 4,
	  "node0 core0 core1 core2 core3 core4 node1 core0 core1 core2 core3 "
	  "core4 node2 core0 core1 core2 core3 core4 node3 core0 core1 core2 "
	  "core3 core4", "a geometric range" },
	{ "low", SPEC(SLOT("\"1,3,7\"", V("node", "1", "")), ""), 0, 3,
	  "node0 node1 node2", "a set of counts" },
	{ "low", SPEC(SLOT("1", V("node", "2", "")),
	  ",\"constraints\":{\"properties\":[\"a\"]}"), 0, 1, "node0 node2",
	  "a property" },
	{ "low", SPEC(SLOT("1", V("node", "2", "")),
	  ",\"constraints\":{\"properties\":[\"^a\"]}"), 0, 1, "node1 node3",
	  "without a property" },
	{ "low", SPEC(SLOT("1", V("core", "1", "")), ",\"constraints\":{"
	  "\"and\":[{\"not\":[{\"ranks\":[\"0-2\"]}]},{\"or\":[{\"hostlist\":"
	  "[\"node[0-1]\",\"node4\"]}]}]}"), 0, 1, "node4 core0",
	  "ranks and hosts" },
	{ "low", SPEC(SLOT("1", V("core", "1", "")), ",\"constraints\":"
	  "\"not a and ranks:3-5\""), 0, 1, "node3 core0", "a query" },
	{ "low", SPEC(SLOT("1", V("core", "1", "")),
	  ",\"constraints\":{\"not\":[]}"), ENODEV, 0, "",
	  "what nothing fulfils" },
	{ "low", SPEC(V("node", "1", ",\"id\":\"3\"" WITH(SLOT("1",
	  V("gpu", "2", "")))), ""), 0, 1, "node3 gpu0 gpu1", "an id" },
	{ "low", SPEC(V("node", "1", WITH(SLOT("1", V("gpu", "1", "")) ","
	  V("slot", "2", ",\"label\":\"t\"" WITH(V("core", "1", ""))))), ""),
	  0, 3, "node0 core0 core1 gpu0", "two kinds of slots" },
	{ "locality", SPEC(SLOT("1", V("node", "3", "")), ""), 0, 1,
	  "node0 node1 node2", "locality: one rack" },
};

static void requests(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct graph *g = make_graph();
		struct matcher *m = matcher_create(g,
				policy_find(cases[i].policy, NULL));
		struct proto_error err = { "" };
		const struct match_job *job = NULL;
		char text[1024];
		struct request *req;
		int rc, error;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), cases[i].text, 60);
#pragma GCC diagnostic pop
		req = make_request(g, text, &err);
		rc = req ? matcher_match(m,
			MATCH_ALLOCATE_WITH_SATISFIABILITY, 1, req, 0, &job) :
			-1;
		error = rc < 0 ? errno : 0;
		if (!ok(req && error == cases[i].error, "%s", cases[i].what))
			diag("%s %d", err.text, error);
		if (job && (strcmp(names(m, g, job), cases[i].names) ||
			    job->slots != cases[i].slots))
			ok(false, "%s: %s, %lld slots", cases[i].what,
			   names(m, g, job), (long long)job->slots);
		request_destroy(req);
		matcher_destroy(m);
		graph_destroy(g);
	}
}

/* ---- requests that are wrong ---- */

static const struct {
	const char *text, *error;
} bad[] = {
	{ "[]", "jobspec: must be an object, got an empty array" },
	{ "{\"version\":1}", "resources: is missing (must be an array of "
	  "resources)" },
	{ SPEC("", ""), "resources: must be an array of resources, got an "
	  "empty array" },
	{ SPEC(V("core", "0", ""), ""), "resources[0].count: must be an "
	  "integer >= 1, a set or a range, got 0" },
	{ SPEC(V("core", "-1", ""), ""), NULL },
	{ SPEC(V("core", "9223372036854775807", ""), ""),
	  "resources[0].count: it is more than can be counted" },
	{ SPEC(V("core", "18446744073709551616", ""), ""), NULL },
	{ SPEC(V("node", "1000000000", WITH(V("socket", "1000000000", WITH(
	  V("core", "1000000000", ""))))), ""), "resources[0].with: it is "
	  "more than can be counted" },
	{ SPEC(V("fpga", "1", ""), ""), "resources[0].type: the graph has no "
	  "'fpga'" },
	{ SPEC(V("slot", "1", WITH(V("core", "1", ""))), ""),
	  "resources[0].label: is missing" },
	{ SPEC(V("slot", "1", ",\"label\":\"s\""), ""),
	  "resources[0].with: is missing" },
	{ SPEC(V("node", "1", ",\"colour\":1"), ""),
	  "resources[0].colour: unknown key" },
	{ SPEC(SLOT("1", V("core", "1", ",\"exclusive\":false")), ""),
	  "resources[0].with[0].exclusive: what is above it is exclusive" },
	{ SPEC(SLOT("1", V("core", "1", "")) "," SLOT("1", V("core", "1",
	  "")), ""), "resources: two have the label 's'" },
	{ SPEC(V("core", "{\"min\":4,\"max\":2}", ""), ""),
	  "resources[0].count: the greatest is below the least" },
	{ SPEC(V("core", "{\"min\":1,\"operator\":\"*\"}", ""), ""),
	  "resources[0].count: operator and operand come together" },
	{ SPEC(V("core", "\"1-4:2:^\"", ""), ""),
	  "resources[0].count: the least must be 2 or more" },
	{ SPEC(V("core", "\"4+:1:*\"", ""), ""),
	  "resources[0].count: the operand must be 2 or more" },
	{ SPEC(V("memory", "1", ",\"unit\":\"furlong\""), ""),
	  "resources[0].unit: 'furlong' is not 'GB', which the graph has" },
	{ SPEC(V("core", "1", ""), ",\"constraints\":{\"colour\":[]}"),
	  "constraints.colour: there is no such operator" },
	{ SPEC(V("core", "1", ""), ",\"constraints\":{\"not\":[{\"ranks\":"
	  "[\"x\"]}]}"), NULL },
	{ SPEC(V("core", "1", ""), ",\"constraints\":\"a and (b\""),
	  "query: byte 9: ')' is missing" },
	{ SPEC(V("core", "1", ""), ",\"constraints\":\"-(a|b)\""),
	  "query: byte 2: a term has to follow '-'" },
};

static void refused(void)
{
	struct graph *g = make_graph();
	char deep[8192] = "{\"version\":1,\"resources\":[";
	struct proto_error err = { "" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct request *req;
		char text[1024];

		err.text[0] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), bad[i].text, 60);
#pragma GCC diagnostic pop
		req = make_request(g, text, &err);
		if (!ok(!req && err.text[0] && (!bad[i].error ||
			!strcmp(err.text, bad[i].error)), "refused: %s",
			err.text))
			diag("want: %s", bad[i].error);
		request_destroy(req);
	}
	for (int i = 0; i < 100; i++)
		strcat(deep, "{\"type\":\"node\",\"count\":1,\"with\":[");
	ok(!make_request(g, deep, &err), "refused: %s", err.text);
	graph_destroy(g);
}

/* ---- adopting, partial release, down ---- */

static const struct match_job *allocate(struct matcher *m, struct graph *g,
					uint64_t id, const char *form)
{
	struct proto_error err = { "" };
	const struct match_job *job = NULL;
	struct request *req;
	char text[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), form, 60);
#pragma GCC diagnostic pop
	req = make_request(g, text, &err);
	if (!req || matcher_match(m, MATCH_ALLOCATE, id, req, 0, &job) < 0)
		job = NULL;
	request_destroy(req);
	return job;
}

static void adopt(bool jgf)
{
	struct graph *g = make_graph();
	struct matcher *m = matcher_create(g, policy_find("low", NULL));
	const struct match_job *job = allocate(m, g, 7,
		SPEC(V("node", "2", WITH(SLOT("2", V("core", "3", "")))),
		     ""));
	struct proto_error err = { "" };
	struct resource_set *R = matcher_R(m, job, jgf, &err);
	char *text = resource_set_encode(R), *again;
	struct resource_set *same;

	ok(matcher_adopt(m, 7, R, false, 0, 60, &job, &err) < 0 &&
	   errno == EEXIST, "adopting a job that is there: %s", err.text);
	ok(matcher_adopt(m, 8, R, false, 0, 60, &job, &err) < 0 &&
	   errno == EEXIST, "adopting what is taken: %s", err.text);
	matcher_cancel(m, 7);
	ok(!matcher_adopt(m, 8, R, false, 0, 60, &job, &err),
	   "adopting what is free");
	same = matcher_R(m, job, jgf, &err);
	again = resource_set_encode(same);
	is_str(again, text, "it is what it was");
	ok(!check_free(g), "and counted so");
	matcher_cancel(m, 8);
	ok(!matcher_adopt(m, 9, R, true, 30, 90, &job, &err) &&
	   !allocate(m, g, 10, SPEC(SLOT("1", V("node", "6", "")), "")),
	   "adopted for later, it is kept free");
	resource_set_destroy(R);
	resource_set_destroy(same);
	free(text);
	free(again);
	matcher_destroy(m);
	graph_destroy(g);
}

static void no_such_R(void)
{
	static const char *const sets[] = {
		"{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"9\","
		"\"children\":{\"core\":\"0\"}}],\"nodelist\":[\"node9\"]}}",
		"{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"1\","
		"\"children\":{\"core\":\"0-8\"}}],\"nodelist\":[\"node1\"]}}",
		"{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"1\","
		"\"children\":{\"core\":\"0\"}}],\"nodelist\":[\"elk\"]}}",
	};
	struct graph *g = make_graph();
	struct matcher *m = matcher_create(g, policy_find("low", NULL));

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct proto_error err = { "" };
		struct resource_set *R = resource_set_parse(sets[i],
				strlen(sets[i]), &err);

		ok(matcher_adopt(m, 1, R, false, 0, 60, NULL, &err) < 0 &&
		   errno == ENOENT && !matcher_count(m), "no such R: %s",
		   err.text);
		resource_set_destroy(R);
	}
	matcher_destroy(m);
	graph_destroy(g);
}

static void partial(void)
{
	struct graph *g = make_graph();
	struct matcher *m = matcher_create(g, policy_find("low", NULL));
	const struct match_job *job = allocate(m, g, 1,
		SPEC(V("rack", "1", ",\"exclusive\":true" WITH(V("node", "1",
		     ""))), ""));
	struct idset *ranks = idset_decode("1", NULL);
	bool gone = true;

	is_str(names(m, g, job), "rack0", "a whole rack");
	ok(!matcher_cancel_ranks(m, 1, ranks, &gone) && !gone,
	   "one of its nodes is given back");
	is_str(names(m, g, job), "node0 node2", "the others stay");
	ok(!check_free(g), "counted so");
	job = allocate(m, g, 2, SPEC(SLOT("1", V("node", "1", "")), ""));
	is_str(names(m, g, job), "node1", "another gets it");
	idset_range_set(ranks, 0, 5);
	ok(!matcher_cancel_ranks(m, 1, ranks, &gone) && gone &&
	   !matcher_find(m, 1), "with its last node the job goes");
	graph_set_down(g, graph_find_path(g, "/cluster0/rack0"), true);
	job = allocate(m, g, 3, SPEC(SLOT("1", V("core", "1", "")), ""));
	is_str(names(m, g, job), "node3 core0", "nothing of a rack that is "
	       "down");
	ok(!allocate(m, g, 4, SPEC(SLOT("1", V("node", "4", "")), "")),
	   "nor when there is not enough else");
	graph_set_down(g, graph_find_path(g, "/cluster0/rack0"), false);
	ok(allocate(m, g, 4, SPEC(SLOT("1", V("node", "4", "")), "")),
	   "when it is up, it is used");
	idset_destroy(ranks);
	matcher_destroy(m);
	graph_destroy(g);
}

int main(void)
{
	const char *name;

	requests();
	refused();
	adopt(false);
	adopt(true);
	no_such_R();
	partial();
	for (unsigned i = 0; (name = policy_name(i)); i++) {
		seed = 4711 + i;
		/* those that take whole nodes for a core are of another kind */
		if (name[strlen(name) - 1] != 'x')
			random_work(name);
	}
	return done();
}
