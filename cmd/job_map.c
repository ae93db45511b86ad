/* SPDX-License-Identifier: Apache-2.0 */
/* weir job taskmap and timeleft. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "proto/duration.h"
#include "proto/eventlog.h"
#include "proto/hostlist.h"
#include "proto/idset.h"
#include "proto/jobspec.h"
#include "proto/resource_set.h"
#include "proto/taskmap.h"
#include "proto/wire.h"

/* ---- what a job has ---- */

/* The value of KEY, to be freed; NULL if the job has none yet. */
static char *lookup(weir_t *h, weir_jobid_t id, const char *key, size_t *len)
{
	weir_future_t *f = made(weir_job_lookup(h, id, key), key);
	char *copy = NULL;
	const char *data;

	if (weir_future_get(f) < 0 && weir_future_error(f) != ENOENT)
		die("%s: %s", key, weir_future_strerror(f));
	if (!weir_future_error(f)) {
		data = weir_future_data(f, len);
		copy = xmalloc(*len + 1);
		memcpy(copy, data ? data : "", *len);
		copy[*len] = '\0';
	}
	weir_future_destroy(f);
	return copy;
}

/* Until it has been allocated, or ended without. */
static void wait_for_alloc(weir_t *h, weir_jobid_t id)
{
	char f58[JOBID_SIZE];
	weir_future_t *f = made(weir_job_events(h, id), "events");
	struct eventlog_event event;
	bool done = false;
	const char *line;
	size_t len;

	text_f58(id, f58);
	while (!done) {
		if (weir_future_wait(f, -1) < 0)
			die("%s: %s", f58, strerror(errno));
		if (weir_future_error(f) == ENODATA)
			die("job %s never started", f58);
		if (weir_future_error(f) == ENOENT)
			die("%s: No such job", f58);
		must(f, f58);
		line = weir_future_data(f, &len);
		if (line && eventlog_decode(line, len, &event, NULL) == 0) {
			done = !strcmp(event.name, "alloc");
			eventlog_clear(&event);
		}
		weir_future_next(f);
	}
	weir_future_destroy(f);
}

static struct resource_set *get_R(weir_t *h, weir_jobid_t id)
{
	struct proto_error error;
	struct resource_set *R;
	size_t len;
	char *text;

	wait_for_alloc(h, id);
	text = lookup(h, id, "R", &len);
	R = text ? resource_set_parse(text, len, &error) : NULL;
	if (!R)
		die("R: %s", text ? error.text : "there is none");
	free(text);
	return R;
}

/* ---- taskmap ---- */

/* How many tasks node I of R has: one to each node in turn, while there is
 * room for its slot; per-resource instead gives each node or core its own. */
static int *task_counts(const struct jobspec *spec,
			const struct resource_set *R)
{
	int *counts = xmalloc((R->count + 1) * sizeof(*counts));
	json_t *per = json_object_get(spec->shell_options, "per-resource");
	const char *type = json_string_value(json_object_get(per, "type"));
	json_t *each = json_object_get(per, "count");
	int n = each ? (int)json_integer_value(each) : 1;
	int left = jobspec_ntasks(&spec->slot, spec->ntasks, R), before = -1;
	size_t i;

	for (i = 0; i < R->count; i++)
		counts[i] = !type ? 0 : strcmp(type, "core") ? n :
			    n * (int)idset_count(R->nodes[i].cores);
	while (!type && left > 0 && left != before) {
		before = left;
		for (i = 0; i < R->count && left > 0; i++) {
			if (counts[i] < jobspec_room(&spec->slot, R, i)) {
				counts[i]++;
				left--;
			}
		}
	}
	return counts;
}

static struct taskmap *compute(const struct jobspec *spec,
			       const struct resource_set *R)
{
	json_t *how = json_object_get(spec->shell_options, "taskmap");
	const char *scheme = json_string_value(json_object_get(how, "scheme"));
	const char *value = json_string_value(json_object_get(how, "value"));
	int *counts = task_counts(spec, R);
	struct taskmap *map;

	if (scheme && !strcmp(scheme, "cyclic"))
		map = taskmap_cyclic(counts, R->count, value && *value ?
				     atoi(value) : 1);
	else
		map = taskmap_block(counts, R->count);
	free(counts);
	if (!map)
		die("taskmap: %s", strerror(errno));
	return map;
}

static struct taskmap *map_of_job(weir_t *h, weir_jobid_t id,
				  const struct resource_set *R)
{
	struct proto_error error;
	struct jobspec *spec;
	struct taskmap *map;
	size_t len;
	char *text = lookup(h, id, "jobspec", &len);

	spec = text ? jobspec_parse(text, len, &error) : NULL;
	if (!spec)
		die("jobspec: %s", text ? error.text : "there is none");
	map = compute(spec, R);
	jobspec_destroy(spec);
	free(text);
	return map;
}

enum { TASKIDS = 256, NTASKS, NODEID, HOSTNAME, TO };

static int number_argument(const char *text, int limit)
{
	uint64_t n;

	if (wire_parse_u64(text, &n) < 0 || n >= (uint64_t)limit)
		die("'%s' is not from 0 to %d", text, limit - 1);
	return (int)n;
}

static char *tasks_text(const struct taskmap *map, int node)
{
	struct idset *set = taskmap_tasks(map, node);
	char *text = set ? idset_encode(set, 0) : NULL;

	if (!text)
		die("out of memory");
	idset_destroy(set);
	return text;
}

static const char *host(const struct resource_set *R, int node)
{
	if (!R)
		die("hosts are known of a job only, not of a map");
	return (size_t)node < R->count ? R->nodes[node].host : "?";
}

static void print_form(const struct taskmap *map, const char *form,
		       const struct resource_set *R)
{
	char *text = NULL;
	int i;

	if (!strcmp(form, "multiline")) {
		for (i = 0; i < map->ntasks; i++)
			printf("%d: %d\n", i, taskmap_node_of(map, i));
	} else if (!strcmp(form, "hosts")) {
		for (i = 0; i < map->nnodes; i++) {
			text = tasks_text(map, i);
			printf("%s: %s\n", host(R, i), text);
			free(text);
		}
	} else {
		text = !strcmp(form, "raw") ? taskmap_encode_raw(map) :
		       !strcmp(form, "pmi") ?
		       taskmap_encode_pmi(map, (size_t)-1) : NULL;
		if (!text)
			die("--to: '%s' is not raw, pmi, multiline or hosts",
			    form);
		puts(text);
		free(text);
	}
}

static void print_map(const struct taskmap *map, int what,
		      const char *argument, const struct resource_set *R)
{
	char *text;

	switch (what) {
	case TASKIDS:
		text = tasks_text(map, number_argument(argument,
						       map->nnodes));
		puts(text);
		free(text);
		break;
	case NTASKS:
		printf("%d\n", taskmap_node_ntasks(map,
				number_argument(argument, map->nnodes)));
		break;
	case NODEID:
	case HOSTNAME: {
		int node = taskmap_node_of(map, number_argument(argument,
							map->ntasks));

		if (what == NODEID)
			printf("%d\n", node);
		else
			puts(host(R, node));
		break;
	}
	case TO:
		print_form(map, argument, R);
		break;
	default:
		text = taskmap_encode(map);
		puts(text ? text : "");
		free(text);
	}
}

int job_taskmap(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "taskids", required_argument, NULL, TASKIDS },
		{ "ntasks", required_argument, NULL, NTASKS },
		{ "nodeid", required_argument, NULL, NODEID },
		{ "hostname", required_argument, NULL, HOSTNAME },
		{ "to", required_argument, NULL, TO },
		{ 0 }
	};
	const char *argument = NULL;
	struct resource_set *R = NULL;
	struct proto_error error;
	struct taskmap *map;
	weir_jobid_t id;
	int c, what = 0;
	weir_t *h;

	while ((c = next_option(argc, argv, "", longs, "weir-job")) != -1) {
		if (what)
			usage_error("only one option is possible");
		what = c;
		argument = optarg;
	}
	if (argc - optind != 1)
		verb_usage();
	if (weir_jobid_parse(argv[optind], &id) < 0) {
		map = *argv[optind] ? taskmap_decode(argv[optind], &error) :
				      NULL;
		if (!map)
			die("%s: neither a job id nor a task map%s%s",
			    argv[optind], *argv[optind] ? ": " : "",
			    *argv[optind] ? error.text : "");
	} else {
		h = open_instance(0);
		R = get_R(h, id);
		map = map_of_job(h, id, R);
		weir_close(h);
	}
	print_map(map, what, argument, R);
	taskmap_destroy(map);
	resource_set_destroy(R);
	return 0;
}

/* ---- timeleft ---- */

/* When all resources of the instance are taken away; 0: never. */
static double instance_end(weir_t *h)
{
	weir_future_t *f = weir_kvs_get(h, "primary", "resource.R", NULL);
	struct resource_set *R = NULL;
	const char *data = NULL;
	double end = 0;
	size_t len;

	if (f && weir_future_get(f) == 0)
		data = weir_future_data(f, &len);
	if (data)
		R = resource_set_parse(data, len, NULL);
	if (R)
		end = R->expiration;
	resource_set_destroy(R);
	weir_future_destroy(f);
	return end;
}

static void print_left(bool human, json_int_t state, double expiration)
{
	double left = state == 16 ? expiration - wall_clock() : 0;
	char buf[DURATION_SIZE];

	if (state == 16 && expiration <= 0)
		puts(human ? "infinity" : "4294967295");
	else if (left <= 0)
		puts("0");
	else if (human)
		puts(duration_format(left, buf));
	else
		printf("%.0f\n", left);
}

int job_timeleft(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "human", no_argument, NULL, 'H' },
		{ 0 }
	};
	const char *text = getenv("WEIR_JOB_ID");
	char f58[JOBID_SIZE];
	double expiration;
	bool human = false;
	weir_jobid_t id;
	json_t *job;
	json_int_t state;
	weir_t *h;

	while (next_option(argc, argv, "H", longs, "weir-job") != -1)
		human = true;
	if (argc - optind > 1)
		verb_usage();
	if (argc > optind)
		text = argv[optind];
	h = open_instance(0);
	if (!text) {
		print_left(human, 16, instance_end(h));
		weir_close(h);
		return 0;
	}
	id = job_argument(text);
	job = jobs_query_id(h, id);
	text_f58(id, f58);
	if (!job)
		die("%s: No such job", f58);
	state = json_integer_value(json_object_get(job, "state"));
	expiration = json_number_value(json_object_get(job, "expiration"));
	if (state & STATE_PENDING)
		die("job %s has not started", f58);
	print_left(human, state, expiration);
	json_decref(job);
	weir_close(h);
	return 0;
}
