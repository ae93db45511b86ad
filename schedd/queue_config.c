/* SPDX-License-Identifier: Apache-2.0 */
/* Queues from the configuration, and what was enabled and started of them:
 * see queue.h and weir-config(5). */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/duration.h"
#include "proto/hostlist.h"
#include "proto/json_check.h"
#include "schedd/queue.h"

static const char *const sizes[LIMIT_SIZES] = { "nnodes", "ncores", "ngpus" };

/* What a policy says; a queue's begins as the instance's. */
struct policy {
	struct limits limits;
	double duration;
	struct backfill_config config;
	const char *queue;		/* borrowed; NULL: none */
};

int config_duration(json_t *value, const char *path, double *seconds,
		    struct proto_error *err)
{
	const char *text = json_string_value(value);
	double n = json_number_value(value);

	if (!value)
		return 0;
	if (text ? duration_parse(text, &n, NULL) < 0 :
	    !json_is_number(value) || !(n >= 0))
		return json_must_be(err, path, "a duration", value);
	*seconds = isfinite(n) ? n : 0;
	return 0;
}

static int take_size(json_t *value, const char *path, int *limit,
		     struct proto_error *err)
{
	json_int_t n = json_integer_value(value);

	if (!value)
		return 0;
	if (!json_is_integer(value) || n < -1 || n > INT_MAX)
		return json_must_be(err, path, "a number, or -1 for no limit",
				    value);
	*limit = (int)n;
	return 0;
}

static int take_sizes(json_t *object, const char *path, int limit[LIMIT_SIZES],
		      struct proto_error *err)
{
	static const char *const known[] = { "nnodes", "ncores", "ngpus",
					     NULL };
	char field[JSON_PATH_SIZE];
	int i;

	if (!object)
		return 0;
	if (!json_is_object(object))
		return json_must_be(err, path, "an object", object);
	if (json_check_keys(object, path, known, err) < 0)
		return -1;
	for (i = 0; i < LIMIT_SIZES; i++) {
		snprintf(field, sizeof(field), "%.100s.%s", path, sizes[i]);
		if (take_size(json_object_get(object, sizes[i]), field,
			      &limit[i], err) < 0)
			return -1;
	}
	return 0;
}

static int take_limits(json_t *o, const char *path, struct limits *limits,
		       struct proto_error *err)
{
	static const char *const known[] = { "duration", "job-size",
					     "active-jobs", NULL };
	json_t *size = json_object_get(o, "job-size");
	char field[JSON_PATH_SIZE];

	if (!o)
		return 0;
	if (!json_is_object(o))
		return json_must_be(err, path, "an object", o);
	if (json_check_keys(o, path, known, err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.80s.duration", path);
	if (config_duration(json_object_get(o, "duration"), field,
			    &limits->duration, err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.80s.active-jobs", path);
	if (take_size(json_object_get(o, "active-jobs"), field, &limits->jobs,
		      err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.80s.job-size.max", path);
	if (take_sizes(json_object_get(size, "max"), field, limits->max,
		       err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.80s.job-size.min", path);
	return take_sizes(json_object_get(size, "min"), field, limits->min,
			  err);
}

/* A policy that is named has the greatest depth unless that is told, too. */
static int take_queue_policy(json_t *o, const char *path,
			     struct backfill_config *config,
			     struct proto_error *err)
{
	json_t *name = json_object_get(o, "queue-policy");
	json_t *depth = json_object_get(o, "queue-depth");
	json_int_t n = json_integer_value(depth);
	char field[JSON_PATH_SIZE];
	struct proto_error inner;

	snprintf(field, sizeof(field), "%.100s.queue-policy", path);
	if (name && !json_is_string(name))
		return json_must_be(err, field, "a string", name);
	if (name && backfill_config_parse(config, json_string_value(name),
					  &inner) < 0)
		return proto_error_set(err, EINVAL, "%.100s: %s", field,
				       inner.text);
	snprintf(field, sizeof(field), "%.100s.queue-depth", path);
	if (depth && (!json_is_integer(depth) || n < 1 ||
		      n >= BACKFILL_UNLIMITED))
		return json_must_be(err, field, "a number of jobs", depth);
	if (depth)
		config->depth = (uint32_t)n;
	return 0;
}

static int take_policy(json_t *o, const char *path, struct policy *policy,
		       struct proto_error *err)
{
	json_t *defaults = json_object_get(json_object_get(json_object_get(o,
				"jobspec"), "defaults"), "system");
	json_t *queue = json_object_get(defaults, "queue");
	char field[JSON_PATH_SIZE];

	if (!o)
		return 0;
	if (!json_is_object(o))
		return json_must_be(err, path, "an object", o);
	snprintf(field, sizeof(field), "%.60s.jobspec.defaults.system.queue",
		 path);
	if (queue && !json_is_string(queue))
		return json_must_be(err, field, "a string", queue);
	if (queue)
		policy->queue = json_string_value(queue);
	snprintf(field, sizeof(field), "%.60s.jobspec.defaults.system."
		 "duration", path);
	if (config_duration(json_object_get(defaults, "duration"), field,
			    &policy->duration, err) < 0)
		return -1;
	if (take_queue_policy(o, path, &policy->config, err) < 0)
		return -1;
	snprintf(field, sizeof(field), "%.80s.limits", path);
	return take_limits(json_object_get(o, "limits"), field,
			   &policy->limits, err);
}

static int check_name(const char *name, struct proto_error *err)
{
	if (*name && strlen(name) <= 64 &&
	    !name[strcspn(name, " \t\r\n\"'\\|&^!()`,")])
		return 0;
	return proto_error_set(err, EINVAL, "queues: \"%.80s\" is no name of a "
			       "queue", name);
}

/* Its hosts are a condition of FILTER; "all" is none. */
static int take_hosts(json_t *o, const char *name, json_t *filter,
		      struct proto_error *err)
{
	json_t *value = json_object_get(o, "hosts");
	const char *text = json_string_value(value);
	struct hostlist *hosts = NULL;
	struct proto_error inner;
	char *whole = NULL;

	if (!value || (text && !strcmp(text, "all")))
		return 0;
	if (text)
		hosts = hostlist_decode(text, &inner);
	if (hosts)
		whole = hostlist_encode(hosts);
	if (!hosts)
		return proto_error_set(err, EINVAL, "queues.%.64s.hosts: must "
				       "be a hostlist%s%.100s", name,
				       text ? ": " : "",
				       text ? inner.text : "");
	json_array_append_new(filter, json_pack("{s:[s*]}", "hostlist",
						whole));
	hostlist_destroy(hosts);
	free(whole);
	return 0;
}

/* So are the properties that it requires. */
static int take_requires(json_t *o, const char *name, json_t *filter,
			 struct proto_error *err)
{
	json_t *value = json_object_get(o, "requires"), *item;
	char path[JSON_PATH_SIZE];
	size_t i;

	if (!value)
		return 0;
	snprintf(path, sizeof(path), "queues.%.64s.requires", name);
	if (!json_is_array(value))
		return json_must_be(err, path, "an array of properties",
				    value);
	json_array_foreach(value, i, item)
		if (!json_string_length(item) ||
		    !strcmp(json_string_value(item), "^"))
			return json_must_be(err, path, "an array of "
					    "properties", item);
	json_array_append_new(filter, json_pack("{s:O}", "properties",
						value));
	return 0;
}

/* What the nodes of queue NAME are like, a constraint; NULL: any. */
static int take_filter(json_t *o, const char *name, json_t **filter,
		       struct proto_error *err)
{
	json_t *all = json_array();

	*filter = NULL;
	if (take_hosts(o, name, all, err) < 0 ||
	    take_requires(o, name, all, err) < 0) {
		json_decref(all);
		return -1;
	}
	if (json_array_size(all))
		*filter = json_pack("{s:O}", "and", all);
	json_decref(all);
	return 0;
}

/* Only what has been checked gets here. QUEUES NULL: only check. */
static int apply(struct queues *queues, json_t *config,
		 const struct policy *common, struct proto_error *err)
{
	json_t *all = json_object_get(config, "queues"), *o;
	struct policy policy;
	char path[JSON_PATH_SIZE];
	json_t *filter;
	struct queue *q;
	const char *name;

	json_object_foreach(all, name, o) {
		snprintf(path, sizeof(path), "queues.%.64s.policy", name);
		policy = *common;
		if (check_name(name, err) < 0)
			return -1;
		if (!json_is_object(o))
			return json_must_be(err, name, "an object", o);
		if (take_policy(json_object_get(o, "policy"), path, &policy,
				err) < 0 ||
		    take_filter(o, name, &filter, err) < 0)
			return -1;
		q = queues ? queue_get(queues, name) : NULL;
		if (!q)
			json_decref(filter);
		if (queues && !q)
			return proto_error_set(err, ENOMEM, "out of memory");
		if (q) {
			node_filter_set(&q->filter, filter);
			q->defined = true;
			q->limits = policy.limits;
			q->duration = policy.duration;
			q->config = policy.config;
		}
	}
	return 0;
}

static int check_default(json_t *config, const struct policy *common,
			 struct proto_error *err)
{
	json_t *all = json_object_get(config, "queues");

	if (common->queue && !json_object_get(all, common->queue))
		return proto_error_set(err, EINVAL, "policy.jobspec.defaults."
				       "system.queue: there is no queue "
				       "\"%.64s\"", common->queue);
	if (!common->queue && json_object_size(all) > 1)
		return proto_error_set(err, EINVAL, "policy.jobspec.defaults."
				       "system.queue: must name one of the "
				       "queues");
	return 0;
}

/* Limits of what is kept of ended jobs. */
static int take_purge(json_t *config, double *age, long long *num,
		      struct proto_error *err)
{
	json_t *o = json_object_get(config, "job-manager");
	json_t *n = json_object_get(o, "inactive-num-limit");

	*age = 0;
	*num = NO_LIMIT;
	if (n && (!json_is_integer(n) || json_integer_value(n) < 0))
		return json_must_be(err, "job-manager.inactive-num-limit",
				    "a number", n);
	if (n)
		*num = json_integer_value(n);
	return config_duration(json_object_get(o, "inactive-age-limit"),
			       "job-manager.inactive-age-limit", age, err);
}

static int take_match(json_t *config, const struct match_policy **match,
		      struct proto_error *err)
{
	json_t *name = json_object_get(json_object_get(config, "resource"),
				       "match-policy");
	struct proto_error inner;

	*match = NULL;
	if (!name)
		return 0;
	if (!json_is_string(name))
		return json_must_be(err, "resource.match-policy", "a string",
				    name);
	*match = policy_find(json_string_value(name), &inner);
	return *match ? 0 : proto_error_set(err, EINVAL, "resource."
				"match-policy: %s", inner.text);
}

static int configure(struct queues *queues, json_t *config,
		     struct proto_error *err)
{
	struct policy common = {
		.limits = {
			.min = { NO_LIMIT, NO_LIMIT, NO_LIMIT },
			.max = { NO_LIMIT, NO_LIMIT, NO_LIMIT },
			.jobs = NO_LIMIT,
		},
	};
	json_t *all = json_object_get(config, "queues");
	long long num_limit;
	double age_limit;
	const struct match_policy *match;
	struct hook_config hooks[HOOKS];
	char *standard = NULL;
	struct queue *q;

	backfill_config_parse(&common.config, "fcfs", NULL);
	if (all && !json_is_object(all))
		return json_must_be(err, "queues", "an object", all);
	if (take_policy(json_object_get(config, "policy"), "policy", &common,
			err) < 0 ||
	    apply(NULL, config, &common, err) < 0 ||
	    check_default(config, &common, err) < 0 ||
	    take_purge(config, &age_limit, &num_limit, err) < 0 ||
	    take_match(config, &match, err) < 0)
		return -1;
	if (json_object_size(all) == 1)
		common.queue = json_object_iter_key(json_object_iter(all));
	if (hook_configure(hooks, json_object_get(config, "job-manager"),
			   err) < 0)
		return -1;
	if (common.queue && !(standard = strdup(common.queue))) {
		hook_config_free(hooks);
		return proto_error_set(err, ENOMEM, "out of memory");
	}
	hook_config_free(queues->hooks);
	memcpy(queues->hooks, hooks, sizeof(hooks));
	for (q = queues->first; q; q = q->next)
		q->defined = false;
	queues->named = json_object_size(all) > 0;
	free(queues->standard);
	queues->standard = standard;
	queues->match = match;
	queues->age_limit = age_limit;
	queues->num_limit = num_limit;
	queues->first->defined = !queues->named;
	queues->first->limits = common.limits;
	queues->first->duration = common.duration;
	queues->first->config = common.config;
	return apply(queues, config, &common, err);
}

int queues_configure(struct queues *queues, const char *text, size_t len,
		     struct proto_error *err)
{
	json_t *config = NULL;
	json_error_t error;
	int r;

	config = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &error) :
		 json_object();
	if (!config)
		return proto_error_set(err, EINVAL, "line %d: %s", error.line,
				       error.text);
	if (json_is_object(config))
		r = configure(queues, config, err);
	else
		r = proto_error_set(err, EINVAL, "must be an object");
	json_decref(config);
	return r;
}

/* ---- the key queue.state ---- */

static void restore(struct queue *q, json_t *o)
{
	const char *disable = NULL, *stop = NULL;
	int enable = 1, start = 1;

	json_unpack(o, "{s?b s?b s?s s?s}", "enable", &enable, "start",
		    &start, "disable_reason", &disable, "stop_reason", &stop);
	q->enabled = enable;
	q->started = start;
	free(q->disable_reason);
	free(q->stop_reason);
	q->disable_reason = disable ? strdup(disable) : NULL;
	q->stop_reason = stop ? strdup(stop) : NULL;
}

void queues_restore(struct queues *queues, const char *text, size_t len)
{
	json_t *all = json_loadb(text, len, 0, NULL), *o;
	struct queue *q;
	const char *name;

	json_object_foreach(all, name, o) {
		q = queue_get(queues, name);
		if (q)
			restore(q, o);
	}
	json_decref(all);
}

char *queues_state(const struct queues *queues)
{
	json_t *all = json_object();
	struct queue *q;
	char *text;

	for (q = queues->first; q; q = q->next)
		json_object_set_new(all, q->name, json_pack(
			"{s:b s:b s:s* s:s*}", "enable", q->enabled, "start",
			q->started, "disable_reason", q->disable_reason,
			"stop_reason", q->stop_reason));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}
