/* SPDX-License-Identifier: Apache-2.0 */
/* job-manager: exceptions and signals that users ask for. weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "schedd/schedd.h"
#include "schedd/update.h"

#define MEMO_MAX	16384	/* bytes of JSON */

struct job *call_job(struct schedd *s, weir_call_t *call, json_int_t id)
{
	const struct record *r;
	struct job *job = arrays_find(s, (uint64_t)id, weir_call_uid(call),
				      may_act(s, call, s->uid));

	r = job ? NULL : history_find(s->history, (uint64_t)id);
	if (!job && !r)
		r = arrays_rest_record(s, (uint64_t)id);
	if (!job && !r)
		weir_call_fail(call, ENOENT, "no such job");
	else if (!may_act(s, call, job ? job->userid : r->userid))
		weir_call_fail(call, EPERM, "the job is another user's");
	else if (!job)
		weir_call_fail(call, EINVAL, "job is inactive");
	else
		return job;
	return NULL;
}

int check_urgency(struct schedd *s, weir_call_t *call, int urgency)
{
	if (urgency < 0 || urgency > URGENCY_MAX)
		weir_call_fail(call, EINVAL, "urgency range is [0:%d]",
			       URGENCY_MAX);
	else if (urgency > WEIR_URGENCY_DEFAULT && !may_act(s, call, s->uid))
		weir_call_fail(call, EPERM, "only the instance's owner can "
			       "set an urgency above %d",
			       WEIR_URGENCY_DEFAULT);
	else
		return 0;
	return -1;
}

void do_raise(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	const char *type = NULL, *note = "";
	json_error_t error;
	struct job *job;
	json_int_t id;
	int severity = 0;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:I s:s s?i s?s}", "id", &id,
			   "type", &type, "severity", &severity, "note",
			   &note) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
	} else if (severity < 0 || severity > 7) {
		weir_call_fail(call, EINVAL, "severity range is [0:7]");
	} else if (!good_exception_type(type)) {
		weir_call_fail(call, EINVAL, "type: must be a word of at most "
			       "%d characters", TYPE_MAX);
	} else if (strlen(note) > NOTE_MAX) {
		weir_call_fail(call, EINVAL, "note: must have at most %d "
			       "bytes, has %zu", NOTE_MAX, strlen(note));
	} else if ((job = call_job(s, call, id))) {
		commit_reply(s->commit, call, 0);
		job_raise_by(s, job, type, severity, note,
			     weir_call_uid(call));
	}
	json_decref(o);
}

void do_kill(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	json_error_t error;
	struct job *job;
	json_int_t id;
	int signum;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:I s:i}", "id", &id, "signum",
			   &signum) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
	} else if (signum < 1 || signum >= NSIG) {
		weir_call_fail(call, EINVAL, "signum: must be 1 to %d, got "
			       "%d", NSIG - 1, signum);
	} else if ((job = call_job(s, call, id))) {
		if (job->array ? !array_signal(s, job, signum) :
		    job->state != STATE_RUN || job->want.mock ||
		    job->prolog == HOOK_OPEN) {
			weir_call_fail(call, EINVAL, "job is not running");
		} else {
			if (!job->array)
				exec_signal(s, job, signum);
			commit_reply(s->commit, call, 0);
		}
	}
	json_decref(o);
}

void do_urgency(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	struct jobevent ev = { .event = EVENT_URGENCY };
	json_error_t error;
	struct job *job;
	json_int_t id;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:I s:i}", "id", &id, "urgency",
			   &ev.urgency) < 0)
		weir_call_fail(call, EPROTO, "%s", error.text);
	else if (check_urgency(s, call, ev.urgency) < 0 ||
		 !(job = call_job(s, call, id)))
		;	/* the call has failed */
	else if (!(STATE_BIT(job->state) & STATE_PENDING) &&
		 !(job->array && job->state == STATE_RUN))
		weir_call_fail(call, EINVAL, "urgency cannot be changed once "
			       "resources are allocated");
	else {
		ev.userid = weir_call_uid(call);
		commit_reply_json(s->commit, call, json_pack("{s:i}",
				  "old_urgency", job->urgency));
		if (job->array)
			array_urgency(s, job, &ev);
		job_post(s, job, &ev);
	}
	json_decref(o);
}

void do_memo(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	struct jobevent ev = { .event = EVENT_MEMO };
	json_error_t error;
	struct job *job;
	json_int_t id;
	int is_volatile = 0;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:I s?b s:o}", "id", &id,
			   "volatile", &is_volatile, "memo", &ev.context) < 0) {
		weir_call_fail(call, EPROTO, "%s", error.text);
	} else if (!json_is_object(ev.context) ||
		   json_dumpb(ev.context, NULL, 0, 0) > MEMO_MAX) {
		weir_call_fail(call, EINVAL, "memo: must be an object of at "
			       "most %d bytes", MEMO_MAX);
	} else if ((job = call_job(s, call, id))) {
		commit_reply(s->commit, call, 0);
		if (!is_volatile)
			job_post(s, job, &ev);
		else if (update_memo(job, ev.context) < 0)
			schedd_restart(s, "out of memory");
	}
	json_decref(o);
}

void do_ping(struct schedd *s, weir_call_t *call)
{
	size_t len;
	const void *data = weir_call_data(call, &len);

	weir_call_reply(call, data, len);
}
