/* SPDX-License-Identifier: Apache-2.0 */
/* A job's jobspec and R as its updates left them. weir-job(1), info. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "proto/eventlog.h"

/* VALUE at the dotted PATH; what is on the way is made. */
static void set_path(json_t *o, const char *path, json_t *value)
{
	char *copy = xstrdup(path), *rest = copy, *key;
	json_t *child;

	while ((key = strsep(&rest, ".")) && rest) {
		child = json_object_get(o, key);
		if (!json_is_object(child)) {
			child = json_object();
			json_object_set_new(o, key, child);
		}
		o = child;
	}
	json_object_set(o, key, value);
	free(copy);
}

/* Whether EVENT changed what KEY is, which has become O. */
static bool take(json_t *o, bool jobspec, const struct eventlog_event *event)
{
	const char *path;
	json_t *value;

	if (jobspec && !strcmp(event->name, "jobspec-update")) {
		json_object_foreach(event->context, path, value)
			set_path(o, path, value);
		return true;
	}
	value = json_object_get(event->context, "expiration");
	if (jobspec || strcmp(event->name, "resource-update") || !value)
		return false;
	set_path(o, "execution.expiration", value);
	return true;
}

char *job_current(weir_t *h, weir_jobid_t id, const char *key,
		  const char *text, size_t len)
{
	bool jobspec = !strcmp(key, "jobspec"), changed = false;
	weir_future_t *f;
	struct eventlog_event event;
	struct eventlog_iter it = { 0 };
	char *now = NULL;
	json_t *o;
	int r;

	if (!jobspec && strcmp(key, "R"))
		return NULL;
	o = json_loadb(text, len, 0, NULL);
	f = made(weir_job_lookup(h, id, "eventlog"), "eventlog");
	if (o && weir_future_get(f) == 0)
		it.data = weir_future_data(f, &it.len);
	while (it.data && (r = eventlog_next(&it, &event, NULL)) != 0) {
		if (r < 0)
			continue;
		changed |= take(o, jobspec, &event);
		eventlog_clear(&event);
	}
	if (changed)
		now = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
	weir_future_destroy(f);
	json_decref(o);
	return now;
}
