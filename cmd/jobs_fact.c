/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a job's attributes: status, run time, exit code; and the
 * job as weir jobs --json shows it. weir-jobs(1). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobs_fact.h"
#include "cmd/jobtext.h"
#include "proto/jobid.h"

json_int_t fact_integer(const json_t *job, const char *key)
{
	return json_integer_value(json_object_get(job, key));
}

double fact_number(const json_t *job, const char *key)
{
	return json_number_value(json_object_get(job, key));
}

const char *fact_string(const json_t *job, const char *key)
{
	const char *s = json_string_value(json_object_get(job, key));

	return s ? s : "";
}

int fact_state(const json_t *job)
{
	return (int)fact_integer(job, "state");
}

const char *fact_state_name(const json_t *job)
{
	const char *name = text_state(fact_state(job));

	return name ? name : "";
}

const char *fact_result_name(const json_t *job)
{
	const char *name = text_result((int)fact_integer(job, "result"));

	return name ? name : "";
}

const char *job_status_name(const json_t *job)
{
	return fact_state(job) == STATE_INACTIVE ? fact_result_name(job) :
					      fact_state_name(job);
}

double fact_runtime(const json_t *job, double now)
{
	double start = fact_number(job, "t_run");
	double end = fact_number(job, "t_cleanup");

	if (start <= 0)
		return 0;
	if (end <= 0)
		end = now;
	return end > start ? end - start : 0;
}

double fact_remaining(const json_t *job, double now)
{
	double end = fact_number(job, "expiration");

	return fact_state(job) == 16 && end > now ? end - now : 0;
}

bool fact_returncode(const json_t *job, int *code)
{
	json_t *w = json_object_get(job, "waitstatus");
	int status = (int)json_integer_value(w);

	if (fact_state(job) != STATE_INACTIVE)
		return false;
	if (!w)
		*code = -128;
	else if (WIFSIGNALED(status))
		*code = -WTERMSIG(status);
	else
		*code = WEXITSTATUS(status);
	return true;
}

bool fact_exception(const json_t *job)
{
	return json_is_true(json_object_get(job, "exception_occurred")) ||
	       json_object_get(job, "exception_type");
}

/* ---- as an object ---- */

static void describe_exception(json_t *o, const json_t *job)
{
	if (!fact_exception(job)) {
		json_object_set_new(o, "exception",
				    json_pack("{s:b}", "occurred", 0));
		return;
	}
	json_object_set_new(o, "exception",
		json_pack("{s:b s:I s:s s:s}", "occurred", 1, "severity",
			  fact_integer(job, "exception_severity"), "type",
			  fact_string(job, "exception_type"), "note",
			  fact_string(job, "exception_note")));
}

json_t *job_describe(const json_t *job, double now)
{
	json_t *o = json_copy((json_t *)job);
	weir_jobid_t id = (weir_jobid_t)fact_integer(job, "id");
	char buf[JOBID_SIZE];
	int code;

	if (!o)
		die("out of memory");
	json_object_del(o, "exception_occurred");
	json_object_del(o, "exception_severity");
	json_object_del(o, "exception_type");
	json_object_del(o, "exception_note");
	describe_exception(o, job);
	json_object_set_new(o, "state", json_string(fact_state_name(job)));
	if (*fact_result_name(job))
		json_object_set_new(o, "result",
				    json_string(fact_result_name(job)));
	json_object_set_new(o, "username", json_string(text_username(
				(uid_t)fact_integer(job, "userid"))));
	json_object_set_new(o, "runtime", json_real(fact_runtime(job, now)));
	json_object_set_new(o, "status", json_string(job_status_name(job)));
	if (fact_returncode(job, &code))
		json_object_set_new(o, "returncode", json_integer(code));
	if (!json_object_get(o, "dependencies"))
		json_object_set_new(o, "dependencies", json_array());
	if (!json_object_get(o, "annotations"))
		json_object_set_new(o, "annotations", json_object());
	json_object_set_new(o, "jobid",
			    json_string(jobid_encode(id, JOBID_F58, buf)));
	return o;
}

char *short_duration(double seconds, char *buf, size_t size)
{
	/* to the millisecond: nobody reads more of it in a table */
	double s = (double)(long long)(seconds * 1000 + 0.5) / 1000;

	if (s >= 86400)
		snprintf(buf, size, "%.4gd", s / 86400);
	else if (s >= 3600)
		snprintf(buf, size, "%.4gh", s / 3600);
	else if (s >= 60)
		snprintf(buf, size, "%.4gm", s / 60);
	else if (s >= 1 || s <= 0)
		snprintf(buf, size, "%.4gs", s);
	else
		snprintf(buf, size, "%.3fs", s);
	return buf;
}
