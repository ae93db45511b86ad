/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of jobs: what they are told, when they run, what follows from how they
 * end. weir-jobs(7).
 *
 * A hook runs only once the event that says so is durable: one that has run
 * without a trace in the job's log would run again after a crash, and nobody
 * would know. One that was cut off by a crash runs again, and is told.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schedd/hook_impl.h"

#define RUNNING_MAX	64	/* here, at a time; the others wait */

static const enum job_event starts[HOOKS] = { EVENT_PROLOG_START,
					      EVENT_EPILOG_START };
static const enum job_event finishes[HOOKS] = { EVENT_PROLOG_FINISH,
						EVENT_EPILOG_FINISH };

static const struct hook_config *config_of(struct schedd *s,
					   enum hook_kind kind)
{
	return &s->queues->hooks[kind];
}

static void post(struct schedd *s, struct job *job, enum hook_kind kind,
		 enum job_event event, int status)
{
	struct jobevent ev = {
		.event = event, .status = status, .description = hook_names[kind],
	};

	job_post(s, job, &ev);
}

static void hook_free(struct hook *h)
{
	*h->prev = h->next;
	if (h->next)
		h->next->prev = h->prev;
	else
		h->schedd->hooks_tail = h->prev;
	h->job->hook = NULL;
	h->schedd->hooks_running -= h->run != NULL;
	hook_run_destroy(h->run);
	parts_free(h);
	h->magic = 0;
	free(h);
}

static struct hook *add(struct schedd *s, struct job *job, enum hook_kind kind,
		bool again)
{
	struct hook *h = calloc(1, sizeof(*h));

	if (!h) {
		schedd_restart(s, "out of memory");
		return NULL;
	}
	h->magic = HOOK_MAGIC;
	h->schedd = s;
	h->job = job;
	h->kind = kind;
	h->again = again;
	h->turn = again ? 0 : commit_turn(s->commit);
	if (!s->hooks)
		s->hooks_tail = &s->hooks;
	h->prev = s->hooks_tail;
	*s->hooks_tail = h;
	s->hooks_tail = &h->next;
	job->hook = h;
	commit_wake(s->commit);
	return h;
}

/* ---- the end ---- */

void hook_describe(char *text, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "it was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "its exit code is %d",
			 WEXITSTATUS(status));
}

static void finish(struct hook *h, int status)
{
	struct schedd *s = h->schedd;
	struct job *job = h->job;
	enum hook_kind kind = h->kind;

	hook_free(h);
	post(s, job, kind, finishes[kind], status);
}

/* NOTE says how. */
static void failed(struct hook *h, int status, const char *note)
{
	h->ended = true;
	/* the user's tasks have done what they could */
	job_raise(h->schedd, h->job, hook_names[h->kind],
		  h->kind == HOOK_PROLOG && h->job->state == STATE_RUN ? 0 : 1,
		  note, NO_WAIT_STATUS);
	finish(h, status);
}

/* It has run once for the whole job. A prolog that says no is no fault of the
 * nodes; one that hangs, or an epilog that has not done its work, may be. */
static void drain_all(struct hook *h, const char *note)
{
	double now = now_wall();
	int i;

	for (i = 0; h->job->nodes && i < h->job->nnodes; i++)
		drain_node(h->schedd, h->job->nodes[i].rank, now, note);
}

/* STATUS is a wait status, WHY what is wrong besides it or NULL. */
static void ended_here(struct hook *h, int status, const char *why)
{
	char id[JOBID_SIZE], host[65] = "", how[128], note[512];

	h->ended = true;
	if (status == 0 || h->canceled) {
		finish(h, status);
		return;
	}
	jobid_encode(h->job->id, JOBID_F58PLAIN, id);
	gethostname(host, sizeof(host) - 1);
	hook_describe(how, sizeof(how), status);
	snprintf(note, sizeof(note), "%s of job %s failed on %s: %s%s%s",
		 hook_names[h->kind], id, host, why ? why : how,
		 why ? "; " : "", why ? how : "");
	daemon_log(LOG_ERR, "%s", note);
	if (h->kind == HOOK_EPILOG || (h->run && why))
		drain_all(h, note);
	failed(h, status, note);
}

static void ended_there(struct hook *h)
{
	char note[640] = "";
	int status;

	h->ended = true;
	status = parts_result(h, note, sizeof(note));
	if (status == 0 || h->canceled)
		finish(h, status);
	else
		failed(h, status, note);
}

static void run_waiting(struct schedd *s);

static void on_end(int status, const char *why, void *arg)
{
	struct hook *h = arg;
	struct schedd *s = h->schedd;

	assert(h->magic == HOOK_MAGIC);
	ended_here(h, status, why);
	run_waiting(s);
}

/* ---- the beginning ---- */

struct hook_subject hook_subject(const struct job *job)
{
	return (struct hook_subject) {
		.id = job->id, .userid = job->userid,
		.ranks = job->ranks ? job->ranks : "",
		.nodelist = job->nodelist ? job->nodelist : "",
		.nnodes = job->nnodes,
	};
}

/* Nothing of schedd's own but the URI. */
int hook_environment(struct hook_env *env, struct schedd *s,
		     enum hook_kind kind, const struct hook_subject *job,
		     bool again)
{
	const char *uri = weir_uri(s->h);
	char id[JOBID_SIZE];
	int r;

	jobid_encode(job->id, JOBID_F58, id);
	r = hook_env_add(env, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
	r += hook_env_add(env, "HOME", "/");
	r += hook_env_add(env, "WEIR_JOB_ID", "%s", id);
	r += hook_env_add(env, "WEIR_JOB_USERID", "%u", (unsigned)job->userid);
	r += hook_env_add(env, "WEIR_OWNER_USERID", "%u",
			  (unsigned)s->uid);
	r += hook_env_add(env, "WEIR_JOB_RANKS", "%s", job->ranks);
	r += hook_env_add(env, "WEIR_JOB_HOSTLIST", "%s", job->nodelist);
	r += hook_env_add(env, "WEIR_JOB_NNODES", "%d", job->nnodes);
	r += hook_env_add(env, "WEIR_HOOK", "%s", hook_names[kind]);
	if (again)
		r += hook_env_add(env, "WEIR_HOOK_AGAIN", "1");
	if (uri)
		r += hook_env_add(env, "WEIR_URI", "%s", uri);
	return r < 0 ? -1 : 0;
}

static void to_log(int level, const char *text, void *arg)
{
	daemon_log(level, "%s", text);
}

static void start_here(struct hook *h)
{
	struct schedd *s = h->schedd;
	const struct hook_subject subject = hook_subject(h->job);
	struct hook_env env = { NULL, 0 };
	char label[JOBID_SIZE + 100], host[65] = "";
	int e;

	gethostname(host, sizeof(host) - 1);
	snprintf(label, sizeof(label), "%s: %s on %s", h->job->key,
		 hook_names[h->kind], host);
	if (h->again)
		daemon_log(LOG_WARNING, "%s: was cut off by the end of schedd "
			   "and runs again", label);
	if (hook_environment(&env, s, h->kind, &subject, h->again) == 0)
		h->run = hook_run(s->base, &config_of(s, h->kind)->command,
				  env.name, label, to_log, on_end, h);
	e = errno;
	hook_env_free(&env);
	if (h->run)
		s->hooks_running++;
	else
		ended_here(h, 127 << 8, strerror(e));
}

static void start(struct hook *h)
{
	struct schedd *s = h->schedd;
	const struct hook_config *c = config_of(s, h->kind);

	h->begun = true;
	if (h->canceled && !(c->command.argv && c->per_rank && h->again)) {
		finish(h, h->again ? SIGKILL : SIGTERM);
	} else if (!c->command.argv) {
		daemon_log(LOG_WARNING, "%s: there is no %s any more: it is "
			   "not run", h->job->key, hook_names[h->kind]);
		finish(h, 0);
	} else if (!c->per_rank) {
		start_here(h);
	} else if (parts_start(h) < 0) {
		schedd_restart(s, strerror(errno));
	} else if (h->canceled) {
		parts_stop(h);
	}
}

/* Its turn has come, or its end. */
static bool is_due(const struct schedd *s, const struct hook *h)
{
	if (h->begun)
		return h->part && h->parts_open == 0;
	return h->canceled || s->queues->hooks[h->kind].per_rank ||
	       s->hooks_running < RUNNING_MAX;
}

static void run_waiting(struct schedd *s)
{
	uint64_t durable = commit_durable(s->commit);
	struct hook *h;

	while (!s->restart) {
		for (h = s->hooks; h; h = h->next)
			if (is_due(s, h) && (h->begun || h->turn <= durable))
				break;
		if (!h)
			return;
		if (h->begun)
			ended_there(h);
		else
			start(h);
	}
}

void hooks_wake(struct schedd *s)
{
	if (s->hooks)
		run_waiting(s);
	if (s->keepings)
		housekeeping_turn(s);
}

void hooks_node(struct schedd *s, unsigned rank, bool online)
{
	struct hook *h;

	for (h = s->hooks; h; h = h->next)
		if (h->part)
			parts_node(h, rank, online);
	housekeeping_node(s, rank, online);
}

/* ---- from the life of jobs ---- */

/* Whether the configuration has one for JOB: one whose run is made up is on no
 * node. */
static bool is_wanted(struct schedd *s, const struct job *job,
		      enum hook_kind kind)
{
	const struct hook_config *c = config_of(s, kind);

	return c->command.argv && !(c->per_rank && job->want.mock);
}

bool hook_prolog(struct schedd *s, struct job *job)
{
	if (job->prolog == HOOK_OPEN) {
		if (!job->hook)
			add(s, job, HOOK_PROLOG, true);
		return true;
	}
	if (job->prolog != HOOK_NONE || !is_wanted(s, job, HOOK_PROLOG))
		return false;
	post(s, job, HOOK_PROLOG, starts[HOOK_PROLOG], 0);
	add(s, job, HOOK_PROLOG, false);
	return true;
}

bool hook_epilog(struct schedd *s, struct job *job)
{
	if (job->prolog == HOOK_OPEN)
		return true;
	if (job->epilog == HOOK_OPEN) {
		if (!job->hook)
			add(s, job, HOOK_EPILOG, true);
		return true;
	}
	if (job->epilog != HOOK_NONE || !is_wanted(s, job, HOOK_EPILOG))
		return false;
	post(s, job, HOOK_EPILOG, starts[HOOK_EPILOG], 0);
	add(s, job, HOOK_EPILOG, false);
	return true;
}

void hook_cancel(struct schedd *s, struct job *job)
{
	struct hook *h = job->hook;

	/* it ended with the schedd that ran it, but not in its log */
	if (!h)
		h = add(s, job, HOOK_PROLOG, true);
	if (!h || h->ended || h->canceled ||
	    (h->begun && !config_of(s, HOOK_PROLOG)->cancel))
		return;
	h->canceled = true;
	if (h->run)
		hook_run_stop(h->run);
	else if (h->part)
		parts_stop(h);
	commit_wake(s->commit);
}

void hooks_stop(struct schedd *s)
{
	while (s->hooks)
		hook_free(s->hooks);
	housekeeping_stop(s);
}
