/* SPDX-License-Identifier: Apache-2.0 */
/* weir top: an instance and its jobs on a full screen. weir-top(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/instance.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/resource.h"
#include "cmd/screen.h"
#include "cmd/subcommands.h"

#define REFRESH_MS	2000
#define ANSWER_SECONDS	10
#define JOBS_MAX	1000
#define BAR_MAX		40	/* columns */
#define CTRL_L		12

#define FORMAT "{id.f58:>12} {queue:<8.8} {username:<8.8} " \
	"{status_abbrev:>2.2} {ntasks:>6} {nnodes:>6h} " \
	"{contextual_time!F:>8h} {name}"

/* An instance on the way from the first to the one that is shown. */
struct view {
	struct view *outer;
	weir_t *h;
	char *title;
	char *owner, *start, *level;
	json_t *jobs;		/* shown ones */
	weir_jobid_t selected;	/* 0: none */
};

struct top {
	struct view *view;
	struct format *format;
	const char *queue;	/* only of this; NULL: any */
	char *queue_copy;
	bool split;		/* how the finished ended */
	bool lost;		/* the instance that is shown is gone */
	char note[256];
};

/* ---- asking ---- */

/* NULL, with a note, if there is no answer. */
static json_t *ask(struct top *t, const char *method, const char *body)
{
	weir_future_t *f = weir_rpc(t->view->h, method, body, strlen(body),
				    ANSWER_SECONDS);
	json_t *reply = NULL;

	if (f && weir_future_get(f) == 0)
		reply = reply_json(f);
	t->lost |= !f || weir_future_error(f) == ECONNRESET;
	if (!reply)
		snprintf(t->note, sizeof(t->note), "%s: %s", method, !f ?
			 strerror(errno) : weir_future_error(f) ?
			 weir_future_strerror(f) : "no answer");
	weir_future_destroy(f);
	return reply;
}

static void ask_jobs(struct top *t)
{
	json_t *query = json_pack("{s:i s:[s] s:i s:i s:s*}", "max_entries",
				  JOBS_MAX, "attrs", "all", "userid", -1,
				  "states", STATE_ACTIVE, "queue", t->queue);
	char *text = json_dumps(query, JSON_COMPACT);
	json_t *reply, *all = json_array(), *job;
	int running;
	size_t i;

	if (!text)
		die("out of memory");
	reply = ask(t, "job-list.list", text);
	/* those that run before those that wait */
	for (running = 1; running >= 0; running--)
		json_array_foreach(json_object_get(reply, "jobs"), i, job) {
			json_int_t state = json_integer_value(
					json_object_get(job, "state"));

			if (!(state & STATE_RUNNING) == !running)
				json_array_append(all, job);
		}
	json_decref(t->view->jobs);
	t->view->jobs = all;
	json_decref(reply);
	json_decref(query);
	free(text);
}

/* ---- instances in each other ---- */

static void leave_view(struct top *t)
{
	struct view *v = t->view;

	t->view = v->outer;
	weir_close(v->h);
	json_decref(v->jobs);
	free(v->title);
	free(v->owner);
	free(v->start);
	free(v->level);
	free(v);
}

static void enter_view(struct top *t, weir_t *h, const char *title)
{
	struct view *v = xmalloc(sizeof(*v));

	*v = (struct view){
		.outer = t->view, .h = h, .title = xstrdup(title),
		.owner = instance_attribute(h, "owner"),
		.start = instance_attribute(h, "start"),
		.level = instance_attribute(h, "level"),
		.jobs = json_array(),
	};
	t->view = v;
}

/* The place of the selected job, or of the first; -1: there is none. */
static int place(struct top *t)
{
	json_t *job;
	size_t i;

	json_array_foreach(t->view->jobs, i, job)
		if ((weir_jobid_t)json_integer_value(json_object_get(job,
				"id")) == t->view->selected)
			return (int)i;
	return json_array_size(t->view->jobs) ? 0 : -1;
}

static void move(struct top *t, int by)
{
	int n = (int)json_array_size(t->view->jobs), at = place(t) + by;

	at = at >= n ? n - 1 : at < 0 ? 0 : at;
	t->view->selected = (weir_jobid_t)json_integer_value(json_object_get(
			json_array_get(t->view->jobs, (size_t)at), "id"));
}

static void open_selected(struct top *t)
{
	int at = place(t);
	json_t *job = at < 0 ? NULL : json_array_get(t->view->jobs,
						     (size_t)at);
	const char *uri = instance_of_job(job);
	struct weir_error error;
	char id[JOBID_SIZE], *title;
	weir_t *h;

	if (!uri) {
		snprintf(t->note, sizeof(t->note), "the job runs no instance");
		return;
	}
	h = weir_open_as(uri, 0, cmd_name, NULL, &error);
	if (!h) {
		snprintf(t->note, sizeof(t->note), "%.200s", error.text);
		return;
	}
	title = xasprintf("%s%s%s", t->view->outer ? t->view->title : "",
			  t->view->outer ? "/" : "",
			  text_f58((weir_jobid_t)json_integer_value(
				json_object_get(job, "id")), id));
	enter_view(t, h, title);
	free(title);
}

/* The queue after that which is shown, or before it; any is one of them. */
static void next_queue(struct top *t, int by)
{
	json_t *stats = ask(t, "job-list.job-stats", "{}"), *q;
	json_t *queues = json_object_get(stats, "queues");
	int n = (int)json_array_size(queues), at = n;
	size_t i;

	json_array_foreach(queues, i, q) {
		const char *name = json_string_value(json_object_get(q,
								"name"));

		if (name && t->queue && !strcmp(name, t->queue))
			at = (int)i;
	}
	at = (at + by + n + 1) % (n + 1);
	free(t->queue_copy);
	t->queue = t->queue_copy = NULL;
	if (at < n)
		t->queue = t->queue_copy = xstrdup(json_string_value(
			json_object_get(json_array_get(queues, (size_t)at),
					"name")));
	json_decref(stats);
}

/* ---- the picture ---- */

static void draw_head(struct top *t)
{
	const struct view *v = t->view;
	char up[64];

	short_duration(wall_clock() - strtod(v->start, NULL), up, sizeof(up));
	screen_line(false, "%s%s%s   owner %s   depth %s   up %s%s%s",
		    v->title, *t->note ? "   " : "", t->note,
		    text_username((uid_t)strtoul(v->owner, NULL, 10)),
		    v->level, up, t->queue ? "   queue " : "",
		    t->queue ? t->queue : "");
	t->note[0] = '\0';
}

static void draw_bar(const char *what, size_t used, size_t down, size_t all)
{
	char bar[BAR_MAX + 1];
	int rows, columns, width, u, d;

	screen_size(&rows, &columns);
	width = columns - 30 < BAR_MAX ? columns - 30 : BAR_MAX;
	if (width < 4)
		width = 4;
	u = all ? (int)(used * (size_t)width / all) : 0;
	d = all ? (int)(down * (size_t)width / all) : 0;
	memset(bar, ' ', sizeof(bar));
	memset(bar, '|', (size_t)u);
	memset(bar + width - d, '-', (size_t)d);
	bar[width] = '\0';
	screen_line(false, "%6s [%s] %zu/%zu", what, bar, used, all);
}

static struct resource_set *set_of(json_t *status, const char *name)
{
	json_t *R = json_object_get(status, name);

	return R ? resource_set_from_json(R, NULL) : NULL;
}

static void draw_resources(struct top *t)
{
	json_t *status = ask(t, "resource.sched-status", "");
	struct resource_set *all = set_of(status, "all");
	struct resource_set *down = set_of(status, "down");
	struct resource_set *used = set_of(status, "allocated");

	if (all && down && used) {
		draw_bar("nodes", resource_nnodes(used), resource_nnodes(down),
			 resource_nnodes(all));
		draw_bar("cores", resource_set_ncores(used),
			 resource_set_ncores(down), resource_set_ncores(all));
		if (resource_set_ngpus(all))
			draw_bar("gpus", resource_set_ngpus(used),
				 resource_set_ngpus(down),
				 resource_set_ngpus(all));
	}
	resource_set_destroy(all);
	resource_set_destroy(down);
	resource_set_destroy(used);
	json_decref(status);
}

static json_int_t member(json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* Of the queue that is shown, or of all. */
static json_t *counts_of(const struct top *t, json_t *stats)
{
	json_t *q;
	size_t i;

	json_array_foreach(json_object_get(stats, "queues"), i, q) {
		const char *name = json_string_value(json_object_get(q,
								"name"));

		if (t->queue && name && !strcmp(name, t->queue))
			return q;
	}
	return stats;
}

static void draw_counts(struct top *t)
{
	json_t *stats = ask(t, "job-list.job-stats", "{}");
	json_t *o = counts_of(t, stats), *s = json_object_get(o, "job_states");
	long long pending = member(s, "depend") + member(s, "priority") +
			    member(s, "sched");
	long long running = member(s, "run") + member(s, "cleanup");

	if (t->split)
		screen_line(false, "%lld pending, %lld running, %lld "
			    "completed, %lld failed, %lld canceled, %lld "
			    "timed out", pending, running,
			    (long long)member(o, "successful"),
			    (long long)member(o, "failed"),
			    (long long)member(o, "canceled"),
			    (long long)member(o, "timeout"));
	else
		screen_line(false, "%lld pending, %lld running, %lld inactive",
			    pending, running,
			    (long long)member(s, "inactive"));
	json_decref(stats);
}

static char *rendered(const struct format *f, const json_t *job)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		die("out of memory");
	if (job)
		format_row(f, job, wall_clock(), out);
	else
		format_header(f, out);
	if (fclose(out) == EOF)
		die("out of memory");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void draw_jobs(struct top *t)
{
	int at = place(t), rows, first, i, n;
	char *text = rendered(t->format, NULL);

	screen_line(false, "%s", "");
	screen_line(true, "%s", text);
	free(text);
	rows = screen_rows_left();
	n = (int)json_array_size(t->view->jobs);
	first = at >= rows ? at - rows + 1 : 0;
	for (i = first; i < n && i < first + rows; i++) {
		text = rendered(t->format, json_array_get(t->view->jobs,
							  (size_t)i));
		screen_line(i == at, "%s", text);
		free(text);
	}
}

static void draw(struct top *t)
{
	ask_jobs(t);
	screen_clear();
	draw_head(t);
	draw_resources(t);
	draw_counts(t);
	draw_jobs(t);
	screen_show();
}

/* Back to one that is there; false: there is none. */
static bool recover(struct top *t)
{
	if (!t->view->outer)
		return false;
	snprintf(t->note, sizeof(t->note), "%s has ended", t->view->title);
	leave_view(t);
	t->lost = false;
	return true;
}

/* False: it is over. */
static bool act(struct top *t, int key)
{
	switch (key) {
	case KEY_END: return false;
	case 'j': case KEY_DOWN: move(t, 1); break;
	case 'k': case KEY_UP: move(t, -1); break;
	case 'h': case KEY_LEFT: next_queue(t, -1); break;
	case 'l': case KEY_RIGHT: next_queue(t, 1); break;
	case 'd': t->split = !t->split; break;
	case '\n': case '\r': open_selected(t); break;
	case 'q':
		if (!t->view->outer)
			return false;
		leave_view(t);
		break;
	case CTRL_L: break;	/* it is drawn anew anyway */
	}
	return true;
}

int main_top(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "queue", required_argument, NULL, 'q' }, { 0 }
	};
	struct top t = { .view = NULL };
	char *uri;

	while (next_option(argc, argv, "q:", longs, "weir-top") != -1)
		t.queue = optarg;
	if (argc - optind > 1)
		usage_error("one target at most is taken");
	if (!isatty(STDIN_FILENO))
		die("stdin is not a terminal");
	if (!isatty(STDOUT_FILENO))
		die("stdout is not a terminal");
	uri = optind < argc ? instance_resolve(argv[optind], false) : NULL;
	t.format = format_parse(FORMAT);
	enter_view(&t, uri ? instance_at(uri) : open_instance(0),
		   optind < argc ? argv[optind] : "weir");
	if (!screen_begin())
		die("the terminal: %s", strerror(errno));
	do
		draw(&t);
	while (t.lost ? recover(&t) : act(&t, screen_key(REFRESH_MS)));
	screen_end();
	if (t.lost)
		die("connection to the instance lost");
	while (t.view)
		leave_view(&t);
	format_free(t.format);
	free(t.queue_copy);
	free(uri);
	return 0;
}
