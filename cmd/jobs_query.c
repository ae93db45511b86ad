/* SPDX-License-Identifier: Apache-2.0 */
/* Asking schedd for jobs. weir-jobs(7), job-list. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"

/* The reply to METHOD with BODY, which has to have a member NAME. NULL if the
 * error is ENOENT. */
static json_t *ask(weir_t *h, const char *method, const json_t *body,
		   const char *name)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	weir_future_t *f;
	json_t *reply = NULL;

	if (!text)
		die("out of memory");
	/* this one is asked again, should schedd die meanwhile */
	f = made(!strcmp(method, "job-list.list") ? weir_job_list(h, text) :
		 weir_rpc(h, method, text, strlen(text), -1), method);
	if (weir_future_get(f) < 0 && weir_future_error(f) != ENOENT)
		die("%s: %s", method, weir_future_strerror(f));
	if (!weir_future_error(f)) {
		reply = reply_json(f);
		if (!json_object_get(reply, name))
			die("%s: the reply has no \"%s\"", method, name);
	}
	weir_future_destroy(f);
	free(text);
	return reply;
}

/* ---- pages ---- */

/* Ids of jobs that were listed: one that gets on meanwhile comes again. */
struct seen {
	json_int_t *id;		/* open hash; 0: free */
	size_t size, count;	/* size: a power of two */
};

static bool seen_put(struct seen *s, json_int_t id)
{
	size_t i = (size_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 20) &
		   (s->size - 1);

	while (s->id[i] && s->id[i] != id)
		i = (i + 1) & (s->size - 1);
	if (s->id[i])
		return false;
	s->id[i] = id;
	s->count++;
	return true;
}

/* Room for N more at least. */
static void seen_reserve(struct seen *s, size_t n)
{
	struct seen old = *s;
	size_t i;

	if (s->size && s->count + n < s->size / 4 * 3)
		return;
	s->size = s->size ? s->size : 1024;
	while (s->count + n >= s->size / 4 * 3)
		s->size *= 2;
	s->id = xmalloc(s->size * sizeof(*s->id));
	memset(s->id, 0, s->size * sizeof(*s->id));
	s->count = 0;
	for (i = 0; i < old.size; i++)
		if (old.id[i])
			seen_put(s, old.id[i]);
	free(old.id);
}

static void drop_seen(struct seen *s, json_t *jobs)
{
	size_t i = 0;

	seen_reserve(s, json_array_size(jobs));
	while (i < json_array_size(jobs))
		if (seen_put(s, json_integer_value(json_object_get(
				json_array_get(jobs, i), "id"))))
			i++;
		else
			json_array_remove(jobs, i);
}

void jobs_pages(weir_t *h, json_t *query, jobs_page_f *cb, void *arg)
{
	json_int_t left = json_integer_value(json_object_get(query,
							     "max_entries"));
	bool limited = left > 0, go_on = true;
	struct seen seen = { NULL, 0, 0 };
	json_t *reply, *jobs, *more;

	while (go_on) {
		reply = ask(h, "job-list.list", query, "jobs");
		jobs = json_object_get(reply, "jobs");
		more = json_object_get(reply, "more");
		if (!json_is_array(jobs))
			die("job-list.list: the reply is no list of jobs");
		drop_seen(&seen, jobs);
		left -= (json_int_t)json_array_size(jobs);
		go_on = more && (!limited || left > 0);
		cb(jobs, arg);
		if (limited)
			json_object_set_new(query, "max_entries",
					    json_integer(left));
		if (more)
			json_object_set(query, "after", more);
		json_decref(reply);
	}
	free(seen.id);
	json_decref(query);
}

static void append(json_t *jobs, void *arg)
{
	if (json_array_extend(arg, jobs) < 0)
		die("out of memory");
}

json_t *jobs_query(weir_t *h, json_t *query)
{
	json_t *all = json_array();

	jobs_pages(h, query, append, all);
	return all;
}

json_t *jobs_query_id(weir_t *h, weir_jobid_t id)
{
	json_t *query = json_pack("{s:I s:[s]}", "id", (json_int_t)id, "attrs",
				  "all");
	json_t *reply = ask(h, "job-list.list-id", query, "job");
	json_t *job = json_incref(json_object_get(reply, "job"));

	json_decref(reply);
	json_decref(query);
	return job;
}
