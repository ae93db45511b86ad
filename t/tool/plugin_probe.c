/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in for the tests, which does what its configuration says:
 *
 *	log: PATH		each notice is a line there
 *	refuse: NAME		a job of that name is refused
 *	priority: {NAME: N}	by the name of jobs; others: no opinion
 *	tokens, never: [S...]	the dependency token:S holds, or never will
 *	hold: NAME		a job of that name may not start
 *	raise: NAME		one that starts to run gets an exception
 *	timer: SECONDS		then the log gets a line
 *	crash, exit, block, wrong: CALLBACK	which ends schedd, waits until
 *				the FIFO `gate' is written to, or fails
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libclient/weir-plugin.h"

#define WAITING_MAX	16

struct probe {
	const struct weir_plugin_api *api;
	struct weir_plugin_host *host;
	json_t *conf;
	uint64_t waiting[WAITING_MAX];
	int count;
};

static const char *text(const struct probe *p, const char *key)
{
	const char *value = json_string_value(json_object_get(p->conf, key));

	return value ? value : "";
}

static void __attribute__((format(printf, 2, 3)))
note(const struct probe *p, const char *fmt, ...)
{
	FILE *file = *text(p, "log") ? fopen(text(p, "log"), "a") : NULL;
	va_list ap;

	if (!file)
		return;
	va_start(ap, fmt);
	vfprintf(file, fmt, ap);
	va_end(ap);
	fclose(file);
}

static volatile int *nowhere;

/* Whether it is to fail. */
static int misbehave(const struct probe *p, const char *callback)
{
	char c;
	int fd;

	if (!strcmp(text(p, "crash"), callback))
		*nowhere = 1;
	if (!strcmp(text(p, "exit"), callback))
		exit(3);
	if (!strcmp(text(p, "block"), callback)) {
		fd = open(text(p, "gate"), O_RDONLY);
		if (fd < 0 || read(fd, &c, 1) < 0)
			p->api->log(p->host, 3, "no gate");
		close(fd);
	}
	return !strcmp(text(p, "wrong"), callback);
}

static int load(const struct weir_plugin_api *api,
		struct weir_plugin_host *host, void **self)
{
	struct probe *p;

	if (getenv("WEIR_PROBE_REFUSES")) {
		api->explain(host, "it does not want to");
		return -1;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -1;
	p->api = api;
	p->host = host;
	*self = p;
	return 0;
}

static void unload(void *self)
{
	struct probe *p = self;

	note(p, "unload\n");
	json_decref(p->conf);
	free(p);
}

static int configure(void *self, const char *json)
{
	struct probe *p = self;
	json_t *conf = json_loads(json, 0, NULL);
	int i;

	if (!strcmp("configure", json_object_get(conf, "wrong") ?
		    json_string_value(json_object_get(conf, "wrong")) : "")) {
		p->api->explain(p->host, "wrong: it is");
		json_decref(conf);
		return -1;
	}
	json_decref(p->conf);
	p->conf = conf;
	note(p, "configure\n");
	for (i = 0; i < p->count; i++)
		p->api->redepend(p->host, p->waiting[i]);
	if (json_object_get(conf, "timer"))
		p->api->timer(p->host, json_number_value(
					json_object_get(conf, "timer")));
	return 0;
}

static void job(void *self, const struct weir_plugin_job *j)
{
	struct probe *p = self;

	note(p, "job %s in state %d of queue '%s' wants %d nodes %d cores "
	     "%d gpus, %g s, kind %d, jobspec %s\n", p->api->job_name(j),
	     (int)p->api->job_state(j), p->api->job_queue(j),
	     p->api->job_nnodes(j), p->api->job_ncores(j),
	     p->api->job_ngpus(j), p->api->job_duration(j),
	     (int)p->api->job_kind(j), p->api->job_jobspec(j) ? "?" : "none");
	misbehave(p, "job");
}

static void state(void *self, const struct weir_plugin_job *j,
		  enum weir_plugin_state from)
{
	struct probe *p = self;

	note(p, "%s: state %d to %d\n", p->api->job_name(j), (int)from,
	     (int)p->api->job_state(j));
	if (p->api->job_state(j) == WEIR_PLUGIN_RUN &&
	    !strcmp(text(p, "raise"), p->api->job_name(j)))
		p->api->raise(p->host, p->api->job_id(j), "probe", 0,
			      "raised by a plug-in");
	misbehave(p, "state");
}

static void event(void *self, const struct weir_plugin_job *j,
		  const char *name, const char *entry)
{
	struct probe *p = self;

	note(p, "%s: event %s%s\n", p->api->job_name(j), name,
	     strcmp(name, "priority") ? "" : strstr(entry, "context"));
	misbehave(p, "event");
}

static int validate(void *self, const struct weir_plugin_job *j)
{
	struct probe *p = self;
	json_t *spec = json_loads(p->api->job_jobspec(j), 0, NULL);
	int refused = !spec || !strcmp(text(p, "refuse"), p->api->job_name(j));

	json_decref(spec);
	if (refused)
		p->api->explain(p->host, "the probe has something against %s",
				p->api->job_name(j));
	return misbehave(p, "validate") || refused ? -1 : 0;
}

static int update(void *self, const struct weir_plugin_job *j)
{
	struct probe *p = self;

	p->api->explain(p->host, "no update to %g s",
			p->api->job_duration(j));
	return misbehave(p, "update") ? -1 : 0;
}

static int priority(void *self, const struct weir_plugin_job *j,
		    int64_t *priority_out)
{
	struct probe *p = self;
	json_t *n = json_object_get(json_object_get(p->conf, "priority"),
				    p->api->job_name(j));

	misbehave(p, "priority");
	if (!n)
		return 1;
	*priority_out = json_integer_value(n);
	return 0;
}

static int has(const struct probe *p, const char *key, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(p->conf, key), i, item)
		if (!strcmp(json_string_value(item), value))
			return 1;
	return 0;
}

static enum weir_plugin_verdict depend(void *self,
				       const struct weir_plugin_job *j,
				       const char *scheme, const char *value)
{
	struct probe *p = self;

	misbehave(p, "depend");
	if (has(p, "never", value)) {
		p->api->explain(p->host, "%s is no token", value);
		return WEIR_PLUGIN_NEVER;
	}
	if (has(p, "tokens", value))
		return WEIR_PLUGIN_YES;
	if (p->count < WAITING_MAX)
		p->waiting[p->count++] = p->api->job_id(j);
	return WEIR_PLUGIN_WAIT;
}

static int start(void *self, const struct weir_plugin_job *j)
{
	struct probe *p = self;

	misbehave(p, "start");
	if (strcmp(text(p, "hold"), p->api->job_name(j)))
		return 1;
	p->api->explain(p->host, "the probe holds it");
	return 0;
}

static void timer(void *self)
{
	note(self, "timer\n");
	misbehave(self, "timer");
}

static char *query(void *self)
{
	return strdup(misbehave(self, "query") ? "{" : "{\"probe\":42}");
}

static const char *const schemes[] = { "token", NULL };

WEIR_PLUGIN_EXPORT const struct weir_plugin weir_plugin = {
	WEIR_PLUGIN_HEAD,
	.name = "probe",
	.schemes = schemes,
	.load = load,
	.unload = unload,
	.configure = configure,
	.job = job,
	.state = state,
	.event = event,
	.validate = validate,
	.update = update,
	.priority = priority,
	.depend = depend,
	.start = start,
	.timer = timer,
	.query = query,
};
