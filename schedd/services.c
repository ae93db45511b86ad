/* SPDX-License-Identifier: Apache-2.0 */
/* What others may ask of schedd: a row each. Calls that come while schedd
 * reads back its jobs wait. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

static const struct method {
	const char *service, *method;
	method_f *f;
} methods[] = {
	{ "job-ingest", "submit", do_submit },
	{ "job-manager", "raise", do_raise },
	{ "job-manager", "kill", do_kill },
	{ "job-manager", "urgency", do_urgency },
	{ "job-manager", "raiseall", do_raiseall },
	{ "job-manager", "killall", do_killall },
	{ "job-manager", "update", do_update },
	{ "job-manager", "memo", do_memo },
	{ "job-manager", "purge", do_purge },
	{ "job-manager", "journal", do_journal },
	{ "job-manager", "wait", do_wait },
	{ "job-manager", "queue-drain", do_queue_drain },
	{ "job-manager", "queue-enable", do_queue_enable },
	{ "job-manager", "queue-idle", do_queue_idle },
	{ "job-manager", "queue-list", do_queue_list },
	{ "job-manager", "queue-start", do_queue_start },
	{ "job-manager", "queue-status", do_queue_status },
	{ "job-manager", "housekeeping-kill", do_housekeeping_kill },
	{ "job-manager", "housekeeping-list", do_housekeeping_list },
	{ "job-manager", "jobtap", do_jobtap },
	{ "job-manager", "jobtap-list", do_jobtap_list },
	{ "job-manager", "jobtap-query", do_jobtap_query },
	{ "job-manager", "ping", do_ping },
	{ "job-manager", "report", do_report },
	{ "job-list", "list", do_list },
	{ "job-list", "list-id", do_list_id },
	{ "job-list", "job-stats", do_job_stats },
	{ "job-info", "lookup", do_lookup },
	{ "job-info", "eventlog-watch", do_eventlog_watch },
	{ "resource", "sched-status", do_sched_status },
	{ "resource", "drain", do_drain },
	{ "resource", "undrain", do_undrain },
	{ "resource", "grow", do_grow },
	{ "resource", "shrink", do_shrink },
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* The argument of a service's calls. */
static struct service {
	const char *name;
	struct schedd *schedd;
} services[] = {
	{ "job-manager", NULL },	/* first: it is the lock, see below */
	{ "job-ingest", NULL },
	{ "job-list", NULL },
	{ "job-info", NULL },
	{ "resource", NULL },
};
#define SERVICES (sizeof(services) / sizeof(services[0]))

bool may_act(struct schedd *s, weir_call_t *call, uid_t owner)
{
	return weir_call_uid(call) == owner || weir_call_uid(call) == s->uid ||
	       !strcmp(weir_call_role(call), "owner");
}

json_t *call_json(weir_call_t *call)
{
	size_t len;
	const char *data = weir_call_data(call, &len);
	json_error_t error;
	json_t *o = json_loadb(data, len, 0, &error);

	if (json_is_object(o))
		return o;
	if (o)
		weir_call_fail(call, EPROTO, "the payload must be an object");
	else
		weir_call_fail(call, EPROTO, "the payload is not JSON: %s",
			       error.text);
	json_decref(o);
	return NULL;
}

void call_answer(weir_call_t *call, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (text)
		weir_call_reply(call, text, strlen(text));
	else
		weir_call_fail(call, ENOMEM, "out of memory");
	free(text);
}

/* Kept with its service's name, which the call itself does not tell. */
struct early {
	const char *service;
	weir_call_t *call;
};

static void dispatch(struct schedd *s, const char *service, weir_call_t *call)
{
	const char *method = weir_call_method(call), *dot;
	size_t i;

	/* the method, with or without its service */
	dot = strrchr(method, '.');
	if (dot)
		method = dot + 1;
	for (i = 0; i < METHODS; i++)
		if (!strcmp(methods[i].service, service) &&
		    !strcmp(methods[i].method, method)) {
			methods[i].f(s, call);
			return;
		}
	weir_call_fail(call, ENOSYS, "%s has no method %s", service, method);
}

static void on_call(weir_call_t *call, void *arg)
{
	struct service *service = arg;
	struct schedd *s = service->schedd;
	struct early *e;

	assert(s && s->magic == SCHEDD_MAGIC);
	if (s->ready) {
		dispatch(s, service->name, call);
		return;
	}
	e = reallocarray(s->early, s->early_count + 1, sizeof(*e));
	if (!e) {
		weir_call_fail(call, ENOMEM, "out of memory");
		return;
	}
	e[s->early_count].service = service->name;
	e[s->early_count++].call = call;
	s->early = e;
}

void services_stop(struct schedd *s)
{
	size_t i;

	for (i = 0; i < s->early_count; i++)
		weir_call_fail(s->early[i].call, ECONNRESET, "schedd ends");
	free(s->early);
	s->early = NULL;
	s->early_count = 0;
	for (i = 0; i < SERVICES; i++) {
		weir_future_destroy(s->services[i]);
		s->services[i] = NULL;
	}
}

/*
 * A service has one server, so that being the server of job-manager is the
 * lock that makes us the only schedd: once it is ours, whatever an earlier
 * schedd sent has been carried out.
 */
int services_start(struct schedd *s, struct weir_error *error)
{
	weir_future_t *f;
	size_t i;
	int e = 0;

	for (i = 0; i < SERVICES; i++) {
		services[i].schedd = s;
		s->services[i] = weir_serve(s->h, services[i].name, on_call,
					    &services[i]);
		if (!s->services[i])
			e = errno;
	}
	/* answered after those, of which only errors come back */
	f = weir_kvs_root(s->h, "primary", NULL);
	if (!f || weir_future_get(f) < 0)
		e = errno;
	weir_future_destroy(f);
	for (i = 0; i < SERVICES && !e; i++)
		if (weir_future_ready(s->services[i]))
			e = weir_future_error(s->services[i]);
	if (!e)
		return 0;
	services_stop(s);
	error->errnum = e;
	snprintf(error->text, sizeof(error->text), e == EEXIST ?
		 "another schedd serves this instance" :
		 "cannot serve: %s", strerror(e));
	errno = e;
	return -1;
}

void services_ready(struct schedd *s)
{
	size_t i;

	s->ready = true;
	for (i = 0; i < s->early_count; i++)
		dispatch(s, s->early[i].service, s->early[i].call);
	free(s->early);
	s->early = NULL;
	s->early_count = 0;
}
