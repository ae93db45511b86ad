/* SPDX-License-Identifier: Apache-2.0 */
/* weir pstree: jobs as a tree, those of the instances that run in jobs below
 * these. weir-pstree(1). */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/instance.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/wire.h"

#define LEVEL_MAX	64	/* instances in each other */

struct connectors {
	const char *branch, *last, *bar, *gap;
};

static const struct connectors fine = { "├── ", "└── ", "│   ", "    " };
static const struct connectors plain = { "|-- ", "`-- ", "|   ", "    " };
static const struct connectors compact = { "├─", "└─", "│ ", "  " };
static const struct connectors compact_plain = { "|-", "`-", "| ", "  " };

struct pstree {
	weir_t *h;
	int states, results, level;
	json_int_t count;
	bool header, combine, parent_ids, skip_root, is_compact, ascii;
	const char *label, *parent_label, *details;
	struct format *label_format, *parent_format, *detail_format;
	const struct connectors *c;
	double now;
};

/* A job, or the root, which has none. */
struct node {
	char *label;
	const json_t *job;	/* borrowed; NULL: the root */
	json_t *jobs;		/* what it has the children from */
	struct node *child;
	size_t children;
	int same;		/* of it, side by side */
};

/* ---- formats ---- */

static const struct {
	const char *name, *format;
} details[] = {
	{ "default", "{id.f58:>12} {username:<8.8} {status_abbrev:>2.2} "
	  "{ntasks:>6h} {nnodes:>6h} {runtime!F:>8h}" },
};

static const char *details_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(details) / sizeof(details[0]); i++)
		if (!strcmp(details[i].name, name))
			return details[i].format;
	usage_error("--details: '%s' is not default; --detail-format takes a "
		    "format", name);
}

static char *rendered(const struct format *f, const json_t *job, double now)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		die("out of memory");
	format_row(f, job, now, out);
	if (fclose(out) == EOF)
		die("out of memory");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* ---- the tree ---- */

static void fill(struct pstree *t, struct node *n, json_t *jobs, int level);

static bool wanted(const struct pstree *t, const json_t *job)
{
	json_int_t result = json_integer_value(json_object_get(job, "result"));

	return !t->results || !result || (result & t->results);
}

static void make(struct pstree *t, struct node *n, const json_t *job,
		 int level)
{
	const char *uri = instance_of_job(job);
	json_int_t state = json_integer_value(json_object_get(job, "state"));
	char *label, *longer, id[JOBID_SIZE];

	*n = (struct node){ .job = job, .same = 1 };
	if (!(state & STATE_RUNNING))
		uri = NULL;
	label = rendered(uri ? t->parent_format : t->label_format, job,
			 t->now);
	if (uri && t->parent_ids) {
		text_f58((weir_jobid_t)json_integer_value(
				json_object_get(job, "id")), id);
		longer = xasprintf("%s %s", id, label);
		free(label);
		label = longer;
	}
	n->label = label;
	if (uri && (t->level < 0 || level < t->level) && level < LEVEL_MAX)
		fill(t, n, instance_jobs(uri, t->states, t->count), level + 1);
}

static void free_node(struct node *n)
{
	size_t i;

	for (i = 0; i < n->children; i++)
		free_node(&n->child[i]);
	free(n->child);
	free(n->label);
	json_decref(n->jobs);
}

/* A leaf of the same label among the children so far, or NULL. */
static struct node *twin(const struct pstree *t, struct node *n,
			 const struct node *child)
{
	size_t i;

	if (!t->combine || child->children)
		return NULL;
	for (i = 0; i < n->children; i++)
		if (!n->child[i].children &&
		    !strcmp(n->child[i].label, child->label))
			return &n->child[i];
	return NULL;
}

/* JOBS, which is taken, newest first, become N's children, oldest first. */
static void fill(struct pstree *t, struct node *n, json_t *jobs, int level)
{
	size_t i = json_array_size(jobs);

	n->jobs = jobs;
	n->child = xmalloc(i * sizeof(*n->child));
	while (i-- > 0) {
		const json_t *job = json_array_get(jobs, i);
		struct node child, *other;

		if (!wanted(t, job))
			continue;
		make(t, &child, job, level);
		other = twin(t, n, &child);
		if (other) {
			other->same++;
			free_node(&child);
		} else {
			n->child[n->children++] = child;
		}
	}
}

/* ---- printing ---- */

static void print(const struct pstree *t, const struct node *n,
		  const char *before, const char *connector, bool last,
		  int depth)
{
	char *inner = NULL, *text;
	size_t i;

	if (depth >= 0) {
		if (t->detail_format && n->job) {
			text = rendered(t->detail_format, n->job, t->now);
			printf("%s ", text);
			free(text);
		}
		printf("%s%s", before, connector);
		if (n->same > 1)
			printf("%d*[%s]\n", n->same, n->label);
		else
			puts(n->label);
	}
	inner = xasprintf("%s%s", before, depth <= 0 ? "" :
			  last ? t->c->gap : t->c->bar);
	for (i = 0; i < n->children; i++) {
		bool end = i + 1 == n->children;

		print(t, &n->child[i], inner, depth < 0 ? "" :
		      end ? t->c->last : t->c->branch, end, depth + 1);
	}
	free(inner);
}

/* ---- options ---- */

static void filter_option(struct pstree *t, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;

	t->states = t->results = 0;
	while ((word = strsep(&rest, ",")))
		if (text_states(word, &t->states, &t->results) < 0)
			usage_error("--filter: '%s' is no state or result, "
				    "such as pending, running, failed", word);
	if (t->results)
		t->states |= STATE_INACTIVE;
	free(copy);
}

static int number(const char *option, const char *text)
{
	uint64_t n;

	if (wire_parse_u64(text, &n) < 0 || n > INT32_MAX)
		usage_error("%s: '%s' is no number from 0 on", option, text);
	return (int)n;
}

static bool yes_or_no(const char *text)
{
	if (!strcmp(text, "yes"))
		return true;
	if (strcmp(text, "no"))
		usage_error("--skip-root: '%s' is neither yes nor no", text);
	return false;
}

enum { DETAIL_FORMAT = 256, PARENT_LABEL, SKIP_ROOT, ASCII };

static void parse(struct pstree *t, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'c' },
		{ "filter", required_argument, NULL, 'f' },
		{ "extended", no_argument, NULL, 'x' },
		{ "details", required_argument, NULL, 'd' },
		{ "detail-format", required_argument, NULL, DETAIL_FORMAT },
		{ "level", required_argument, NULL, 'L' },
		{ "parent-ids", no_argument, NULL, 'p' },
		{ "no-header", no_argument, NULL, 'n' },
		{ "no-combine", no_argument, NULL, 'X' },
		{ "label", required_argument, NULL, 'o' },
		{ "parent-label", required_argument, NULL, PARENT_LABEL },
		{ "skip-root", required_argument, NULL, SKIP_ROOT },
		{ "compact", no_argument, NULL, 'C' },
		{ "ascii", no_argument, NULL, ASCII },
		{ 0 }
	};
	const char *skip = NULL;
	int c;

	while ((c = next_option(argc, argv, "ac:f:xd:L:pnXo:C", longs,
				"weir-pstree")) != -1) {
		switch (c) {
		case 'a': t->states = STATE_ANY; break;
		case 'c': t->count = number("--count", optarg); break;
		case 'f': filter_option(t, optarg); break;
		case 'x': t->details = details_named("default"); break;
		case 'd': t->details = details_named(optarg); break;
		case DETAIL_FORMAT: t->details = optarg; break;
		case 'L': t->level = number("--level", optarg); break;
		case 'p': t->parent_ids = true; break;
		case 'n': t->header = false; break;
		case 'X': t->combine = false; break;
		case 'o': t->label = optarg; break;
		case PARENT_LABEL: t->parent_label = optarg; break;
		case SKIP_ROOT: skip = optarg; break;
		case 'C': t->is_compact = true; break;
		case ASCII: t->ascii = true; break;
		}
	}
	t->skip_root = skip ? yes_or_no(skip) : t->details || optind < argc;
	if (!t->label)
		t->label = t->states & ~STATE_RUNNING ?
			"{name}:{status_abbrev}" : "{name}";
	if (!t->parent_label)
		t->parent_label = t->label;
	if (t->details)
		t->combine = false;
}

static void begin(struct pstree *t)
{
	t->label_format = format_parse(t->label);
	t->parent_format = format_parse(t->parent_label);
	t->detail_format = t->details ? format_parse(t->details) : NULL;
	t->ascii = t->ascii || !text_utf8();
	t->c = t->is_compact ? t->ascii ? &compact_plain : &compact :
	       t->ascii ? &plain : &fine;
	t->now = wall_clock();
	t->h = open_instance(0);
}

static void end(struct pstree *t)
{
	format_free(t->label_format);
	format_free(t->parent_format);
	format_free(t->detail_format);
	weir_close(t->h);
}

/* The jobs whose ids are WORDS, last first. */
static json_t *by_ids(struct pstree *t, char **words, int n)
{
	json_t *jobs = json_array(), *job;
	weir_jobid_t id;

	while (n-- > 0) {
		if (weir_jobid_parse(words[n], &id) < 0)
			usage_error("invalid JobID value: '%s'", words[n]);
		job = jobs_query_id(t->h, id);
		if (!job)
			fail("JobID %s unknown", words[n]);
		json_array_append_new(jobs, job);
	}
	return jobs;
}

int main_pstree(int argc, char **argv)
{
	struct pstree t = {
		.states = STATE_RUNNING, .level = -1, .count = 1000,
		.header = true, .combine = true,
	};
	struct node root = { .same = 1 };
	json_t *jobs;

	usage_status = 2;
	options_anywhere = true;
	parse(&t, argc, argv);
	begin(&t);
	root.label = xstrdup(".");
	if (optind < argc)
		jobs = by_ids(&t, argv + optind, argc - optind);
	else
		jobs = jobs_query(t.h, json_pack("{s:I s:[s] s:I s:i}",
			"max_entries", t.count, "attrs", "all", "userid",
			(json_int_t)getuid(), "states", t.states));
	fill(&t, &root, jobs, 0);
	if (t.detail_format && t.header)
		format_header(t.detail_format, stdout);
	print(&t, &root, "", "", true, t.skip_root ? -1 : 0);
	free_node(&root);
	end(&t);
	return 0;
}
