/* SPDX-License-Identifier: Apache-2.0 */
/* Asking schedd for jobs. weir-jobs(7), job-list. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"

/* The member NAME of the reply to METHOD with BODY, which is taken. NULL if
 * the error is ENOENT. */
static json_t *ask(weir_t *h, const char *method, json_t *body,
		   const char *name)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	weir_future_t *f;
	json_t *reply, *member = NULL;

	if (!text)
		die("out of memory");
	/* this one is asked again, should schedd die meanwhile */
	f = made(!strcmp(method, "job-list.list") ? weir_job_list(h, text) :
		 weir_rpc(h, method, text, strlen(text), -1), method);
	if (weir_future_get(f) < 0 && weir_future_error(f) != ENOENT)
		die("%s: %s", method, weir_future_strerror(f));
	if (!weir_future_error(f)) {
		reply = reply_json(f);
		member = json_incref(json_object_get(reply, name));
		if (!member)
			die("%s: the reply has no \"%s\"", method, name);
		json_decref(reply);
	}
	weir_future_destroy(f);
	free(text);
	json_decref(body);
	return member;
}

json_t *jobs_query(weir_t *h, json_t *query)
{
	json_t *jobs = ask(h, "job-list.list", query, "jobs");

	if (!json_is_array(jobs))
		die("job-list.list: the reply is no list of jobs");
	return jobs;
}

json_t *jobs_query_id(weir_t *h, weir_jobid_t id)
{
	return ask(h, "job-list.list-id",
		   json_pack("{s:I s:[s]}", "id", (json_int_t)id, "attrs",
			     "all"), "job");
}
