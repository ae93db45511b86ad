/* SPDX-License-Identifier: Apache-2.0 */
/* job-info: a job's keys and events for its user, who may not read the
 * primary namespace. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/job_events.h"
#include "schedd/schedd.h"

#define KEYS_MAX	8

static const char *const readable[] = { "J", "jobspec", "eventlog", "R" };

static bool is_readable(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		if (!strcmp(readable[i], key))
			return true;
	return false;
}

/* May the caller look at job ID? If not, the call has failed. *AT is the job
 * whose keys tell: of an element that was never made, the array. */
static bool may_look(struct schedd *s, weir_call_t *call, json_int_t id,
		     uint64_t *at)
{
	bool unmade = arrays_rest_of(s, (uint64_t)id);
	struct job *job = arrays_find(s, (uint64_t)id, weir_call_uid(call),
				      may_act(s, call, s->uid));
	const struct record *r = job ? NULL :
				 history_find(s->history, (uint64_t)id);

	*at = (uint64_t)id;
	if (job && unmade)	/* it is to be read */
		commit_flush(s->commit);
	if (!job && !r && (r = arrays_rest_record(s, *at)))
		*at = r->id;
	if (!job && !r)
		weir_call_fail(call, ENOENT, "no such job");
	else if (!may_act(s, call, job ? job->userid : r->userid))
		weir_call_fail(call, EPERM, "the job is another user's");
	else
		return true;
	return false;
}

/* ---- lookup ---- */

struct lookup {
	weir_call_t *call;
	uint64_t id, at;
	size_t count;
	char *key[KEYS_MAX];
	weir_future_t *all;
};

static void lookup_free(struct lookup *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->key[i]);
	weir_future_destroy(l->all);
	free(l);
}

/* The caller has left. */
static void on_lookup_drop(weir_call_t *call, void *arg)
{
	weir_call_fail(call, ECANCELED, "canceled");
	lookup_free(arg);
}

static void on_values(weir_future_t *f, void *arg)
{
	struct lookup *l = arg;
	json_t *o = json_pack("{s:I}", "id", (json_int_t)l->id);
	size_t i, len;

	for (i = 0; o && i < l->count; i++) {
		weir_future_t *child = weir_future_child(f, i);
		const char *data;

		if (weir_future_error(child)) {
			weir_call_fail(l->call, weir_future_error(child),
				       "%s: %s", l->key[i],
				       weir_future_strerror(child));
			json_decref(o);
			lookup_free(l);
			return;
		}
		data = weir_future_data(child, &len);
		json_object_set_new(o, l->key[i], json_stringn(data ? data :
							       "", len));
	}
	call_answer(l->call, o);
	lookup_free(l);
}

static int lookup_add(struct schedd *s, struct lookup *l, const char *name)
{
	char key[JOBID_SIZE + 16];
	weir_future_t *f;

	l->key[l->count] = strdup(name);
	if (!l->key[l->count])
		return -1;
	l->count++;
	jobid_encode(l->at, JOBID_KVS, key);
	strcat(key, ".");
	strcat(key, name);
	f = weir_kvs_get(s->h, "primary", key, NULL);
	if (f && weir_future_push(l->all, f) == 0)
		return 0;
	weir_future_destroy(f);
	return -1;
}

static void lookup(struct schedd *s, weir_call_t *call, json_int_t id,
		   uint64_t at, json_t *keys)
{
	struct lookup *l = calloc(1, sizeof(*l));
	json_t *key;
	size_t i;
	int r = -1;

	if (l)
		l->all = weir_future_all(s->h);
	if (l && l->all) {
		l->call = call;
		l->id = (uint64_t)id;
		l->at = at;
		r = 0;
		json_array_foreach(keys, i, key)
			if (r == 0)
				r = lookup_add(s, l, json_string_value(key));
		if (r == 0)
			r = weir_future_then(l->all, -1, on_values, l);
	}
	if (r == 0) {
		weir_call_on_drop(call, on_lookup_drop, l);
		return;
	}
	weir_call_fail(call, errno, "cannot read: %s", strerror(errno));
	if (l)
		lookup_free(l);
}

void do_lookup(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call), *keys = NULL, *key;
	json_error_t error;
	json_int_t id;
	uint64_t at;
	size_t i;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:I s:o}", "id", &id, "keys",
			   &keys) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
		json_decref(o);
		return;
	}
	if (json_array_size(keys) < 1 || json_array_size(keys) > KEYS_MAX) {
		weir_call_fail(call, EINVAL, "keys: must be an array of 1 to "
			       "%d names", KEYS_MAX);
		json_decref(o);
		return;
	}
	json_array_foreach(keys, i, key)
		if (!json_is_string(key) ||
		    !is_readable(json_string_value(key))) {
			weir_call_fail(call, EINVAL, "keys[%zu]: must be J, "
				       "jobspec, eventlog or R", i);
			json_decref(o);
			return;
		}
	if (may_look(s, call, id, &at))
		lookup(s, call, id, at, keys);
	json_decref(o);
}

/* ---- eventlog-watch ---- */

struct event_watch {
	weir_call_t *call;
	weir_future_t *events;
};

static void watch_free(struct event_watch *w)
{
	weir_future_destroy(w->events);
	free(w);
}

static void on_line(weir_future_t *f, void *arg)
{
	struct event_watch *w = arg;
	int errnum = weir_future_error(f);
	json_t *o;
	char *text;
	const char *data;
	size_t len;

	if (errnum) {
		weir_call_fail(w->call, errnum, "%s", weir_future_strerror(f));
		watch_free(w);
		return;
	}
	data = weir_future_data(f, &len);
	o = json_pack("{s:s%}", "event", data ? data : "", data ? len :
		      (size_t)0);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (text)
		weir_call_more(w->call, text, strlen(text));
	free(text);
}

static void on_drop(weir_call_t *call, void *arg)
{
	struct event_watch *w = arg;

	weir_call_fail(call, ECANCELED, "canceled");
	watch_free(w);
}

void do_eventlog_watch(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	const char *path = "eventlog";
	struct event_watch *w;
	json_error_t error;
	json_int_t id;
	uint64_t at;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:I s?s}", "id", &id, "path",
			   &path) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
		json_decref(o);
		return;
	}
	if (strcmp(path, "eventlog")) {
		weir_call_fail(call, EINVAL, "path: must be eventlog");
		json_decref(o);
		return;
	}
	json_decref(o);
	if (!may_look(s, call, id, &at))
		return;
	w = calloc(1, sizeof(*w));
	if (w)
		w->events = job_events_stored(s->h, at);
	if (!w || !w->events ||
	    weir_future_then(w->events, -1, on_line, w) < 0) {
		weir_call_fail(call, errno, "cannot watch: %s",
			       strerror(errno));
		if (w)
			watch_free(w);
		return;
	}
	w->call = call;
	weir_call_on_drop(call, on_drop, w);
}
