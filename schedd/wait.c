/* SPDX-License-Identifier: Apache-2.0 */
/* job-manager.wait: the result of each waitable job, told once. weir-jobs(7).
 *
 * A result that nobody has asked for yet waits in the order in which the jobs
 * ended. That it was told is written as the job's key `waited', so that it is
 * not told again after a restart.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "schedd/jobdirs.h"
#include "schedd/schedd.h"

struct waiter {
	struct waiter *next;
	weir_call_t *call;
	uid_t uid;
	uint64_t id;		/* 0: any job */
};

struct result {
	struct result *next;
	uint64_t id;
	uid_t uid;
};

struct waits {
	struct schedd *schedd;
	struct waiter *waiters;
	struct result *first, **last;
};

struct waits *waits_create(struct schedd *s)
{
	struct waits *w = calloc(1, sizeof(*w));

	if (w) {
		w->schedd = s;
		w->last = &w->first;
	}
	return w;
}

void waits_destroy(struct waits *w)
{
	struct waiter *waiter;
	struct result *r;

	if (!w)
		return;
	while ((waiter = w->waiters)) {
		w->waiters = waiter->next;
		weir_call_fail(waiter->call, ECONNRESET, "schedd ends");
		free(waiter);
	}
	while ((r = w->first)) {
		w->first = r->next;
		free(r);
	}
	free(w);
}

/* ---- results ---- */

static int result_add(struct waits *w, uint64_t id, uid_t uid)
{
	struct result *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	r->id = id;
	r->uid = uid;
	*w->last = r;
	w->last = &r->next;
	return 0;
}

/* The first of UID, or that of ID, is taken out; 0 if there is none. */
static uint64_t result_take(struct waits *w, uid_t uid, uint64_t id)
{
	struct result **p = &w->first, *r;

	while ((r = *p) && (r->uid != uid || (id && r->id != id)))
		p = &r->next;
	if (!r)
		return 0;
	*p = r->next;
	if (!*p)
		w->last = p;
	id = r->id;
	free(r);
	return id;
}

/* What is said of a job that ended, to people. */
static void describe(const struct record *r, char *text, size_t size)
{
	if (!r->finished)
		snprintf(text, size, "Fatal exception type=%s %s",
			 r->exception_type ? r->exception_type : "?",
			 r->exception_note ? r->exception_note : "");
	else if (WIFSIGNALED(r->status))
		snprintf(text, size, "task(s) %s",
			 sigdescr_np(WTERMSIG(r->status)));
	else
		snprintf(text, size, "task(s) exited with exit code %d",
			 WEXITSTATUS(r->status));
}

/* The answer about job ID, which has ended; it is told now. */
static void tell(struct schedd *s, weir_call_t *call, uint64_t id)
{
	const struct record *r = history_find(s->history, id);
	bool success = r->result == RESULT_COMPLETED;
	char text[512] = "", key[JOBID_SIZE + 16];
	json_t *o;

	if (!success)
		describe(r, text, sizeof(text));
	jobid_encode(id, JOBID_KVS, key);
	strcat(key, ".waited");
	weir_txn_put(commit_txn(s->commit), key, "1", 1);
	o = json_pack("{s:I s:b s:s%}", "id", (json_int_t)id, "success",
		      success, "errstr", text, strlen(text));
	commit_reply_json(s->commit, call, o);
}

/* ---- who waits ---- */

static bool any_active(struct schedd *s, uid_t uid)
{
	struct job *job;

	for (job = jobs_first(s->jobs); job; job = job->next)
		if (job->flags & WEIR_JOB_WAITABLE && job->userid == uid)
			return true;
	return false;
}

static void refuse(weir_call_t *call, uint64_t id)
{
	if (id)
		weir_call_fail(call, ECHILD, "invalid job id, or job may be "
			       "inactive and not waitable");
	else
		weir_call_fail(call, ECHILD, "there are no more waitable "
			       "jobs");
}

/* One who waits for job ID, or for any of UID, in this order. */
static weir_call_t *take_waiter(struct waits *w, uint64_t id, uid_t uid)
{
	struct waiter **p, *waiter;
	weir_call_t *call;
	int any;

	for (any = 0; any < 2; any++)
		for (p = &w->waiters; (waiter = *p); p = &waiter->next) {
			if (waiter->uid != uid ||
			    waiter->id != (any ? 0 : id))
				continue;
			*p = waiter->next;
			call = waiter->call;
			free(waiter);
			weir_call_on_drop(call, NULL, NULL);
			return call;
		}
	return NULL;
}

/* Those of UID for whom nothing will come any more. */
static void refuse_rest(struct schedd *s, uint64_t id, uid_t uid)
{
	struct waiter **p = &s->waits->waiters, *waiter;
	bool more = any_active(s, uid);

	while ((waiter = *p)) {
		if (waiter->uid != uid ||
		    (waiter->id ? waiter->id != id : more)) {
			p = &waiter->next;
			continue;
		}
		*p = waiter->next;
		weir_call_on_drop(waiter->call, NULL, NULL);
		refuse(waiter->call, waiter->id);
		free(waiter);
	}
}

void waits_ended(struct schedd *s, uint64_t id, uid_t uid)
{
	weir_call_t *call = take_waiter(s->waits, id, uid);

	if (call)
		tell(s, call, id);
	else if (result_add(s->waits, id, uid) < 0)
		schedd_restart(s, "out of memory");
	if (s->waits->waiters)
		refuse_rest(s, id, uid);
}

void waits_forget(struct schedd *s, uint64_t id, uid_t uid)
{
	result_take(s->waits, uid, id);
}

/* ---- the method ---- */

static void on_drop(weir_call_t *call, void *arg)
{
	struct schedd *s = arg;
	struct waiter **p = &s->waits->waiters, *waiter;

	assert(s->magic == SCHEDD_MAGIC);
	weir_call_fail(call, ECANCELED, "canceled");
	while ((waiter = *p) && waiter->call != call)
		p = &waiter->next;
	if (waiter) {
		*p = waiter->next;
		free(waiter);
	}
}

static void add_waiter(struct schedd *s, weir_call_t *call, uint64_t id)
{
	struct waiter **p = &s->waits->waiters, *waiter;

	waiter = calloc(1, sizeof(*waiter));
	if (!waiter) {
		weir_call_fail(call, ENOMEM, "out of memory");
		return;
	}
	waiter->call = call;
	waiter->uid = weir_call_uid(call);
	waiter->id = id;
	while (*p)
		p = &(*p)->next;
	*p = waiter;
	weir_call_on_drop(call, on_drop, s);
}

void do_wait(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	json_int_t id = 0;
	struct job *job;
	uint64_t ended;
	uid_t uid;

	if (!o)
		return;
	uid = weir_call_uid(call);
	json_unpack(o, "{s?I}", "id", &id);
	json_decref(o);
	ended = result_take(s->waits, uid, (uint64_t)id);
	job = id ? arrays_find(s, (uint64_t)id, uid, false) : NULL;
	if (ended)
		tell(s, call, ended);
	else if (id ? job && job->flags & WEIR_JOB_WAITABLE &&
		 job->userid == uid : any_active(s, uid))
		add_waiter(s, call, (uint64_t)id);
	else
		refuse(call, (uint64_t)id);
}

/* ---- the start ---- */

/* Of N jobs, those whose results were not told. */
static int read_some(struct schedd *s, const struct record *const *r, size_t n,
		     struct weir_error *error)
{
	weir_future_t *f[WINDOW];
	char key[JOBID_SIZE + 16];
	size_t i;
	int e, result = 0;

	for (i = 0; i < n; i++) {
		jobid_encode(r[i]->id, JOBID_KVS, key);
		strcat(key, ".waited");
		f[i] = weir_kvs_get(s->h, "primary", key, NULL);
	}
	for (i = 0; i < n; i++) {
		e = f[i] && weir_future_get(f[i]) == 0 ? 0 : errno;
		if (e && e != ENOENT && e != ENOTDIR && result == 0)
			result = replay_failed(error, f[i], "waited");
		if (e && result == 0 &&
		    result_add(s->waits, r[i]->id, r[i]->userid) < 0)
			result = replay_failed(error, NULL, "waited");
		weir_future_destroy(f[i]);
	}
	return result;
}

int waits_read(struct schedd *s, struct weir_error *error)
{
	const struct record *some[WINDOW], *r;
	size_t n = history_count(s->history, 0), count = 0;
	int result = 0;

	while (n > 0 && result == 0) {
		r = history_nth(s->history, --n);
		if (r->flags & WEIR_JOB_WAITABLE)
			some[count++] = r;
		if (count == WINDOW || (n == 0 && count > 0)) {
			result = read_some(s, some, count, error);
			count = 0;
		}
	}
	return result;
}
