/* SPDX-License-Identifier: Apache-2.0 */
/* A hook on the nodes of its job: a call execd-RANK.hook each, answered when
 * it has ended there. An execd that goes takes it along; if it comes again
 * while its node is not given up, it is asked again. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/hook_impl.h"

struct hook_part {
	struct hook *hook;
	unsigned rank;
	weir_future_t *call;	/* NULL: it has ended, or nobody is there */
	bool ended;
	int status;
	char why[160];		/* "": as the status says */
};

static void end(struct hook_part *p, int status, const char *why)
{
	struct hook *h = p->hook;

	p->ended = true;
	p->status = status;
	snprintf(p->why, sizeof(p->why), "%s", why ? why : "");
	if (--h->parts_open == 0)
		commit_wake(h->schedd->commit);
}

static void lost(struct hook_part *p)
{
	end(p, 1 << 8, HOOK_LOST);
}

void hook_answer(weir_future_t *f, int *status, char *why, size_t size)
{
	size_t len = 0;
	const char *data = weir_future_data(f, &len), *text = NULL;
	json_t *o = data ? json_loadb(data, len, 0, NULL) : NULL;

	if (json_unpack(o, "{s:i s?s}", "status", status, "why", &text) < 0) {
		*status = 1 << 8;
		text = "its execd's answer makes no sense";
	}
	snprintf(why, size, "%s", text ? text : "");
	json_decref(o);
}

static void take_answer(struct hook_part *p, weir_future_t *f)
{
	char why[sizeof(p->why)];
	int status;

	hook_answer(f, &status, why, sizeof(why));
	end(p, status, why);
}

static void on_answer(weir_future_t *f, void *arg)
{
	struct hook_part *p = arg;
	struct schedd *s = p->hook->schedd;
	int e = weir_future_error(f);

	assert(p->hook->magic == HOOK_MAGIC && p->call == f);
	p->call = NULL;
	if (!e)
		take_answer(p, f);
	else if (e != ENOSYS && e != ECONNRESET)
		end(p, 1 << 8, weir_future_strerror(f));
	else if (s->nodes_known && !resources_is_online(s->resources, p->rank))
		lost(p);
	/* else its node will come again, or be lost */
	weir_future_destroy(f);
}

char *hook_order(struct schedd *s, enum hook_kind kind,
		 const struct hook_subject *subject, bool again, bool run)
{
	const struct hook_config *c = &s->queues->hooks[kind];
	struct hook_env env = { NULL, 0 };
	json_t *argv = json_array(), *vars = json_array(), *o = NULL;
	char *text = NULL, key[JOBID_SIZE], label[JOBID_SIZE + 32];
	size_t i;

	jobid_encode(subject->id, JOBID_KVS, key);
	snprintf(label, sizeof(label), "%s: %s", key, hook_names[kind]);
	if (hook_environment(&env, s, kind, subject, again) < 0)
		goto out;
	for (i = 0; c->command.argv[i]; i++)
		json_array_append_new(argv, json_string(c->command.argv[i]));
	for (i = 0; i < env.count; i++)
		json_array_append_new(vars, json_string(env.name[i]));
	o = json_pack("{s:I s:s s:s s:O s:O s:f s:f s:b}", "id",
		      (json_int_t)subject->id, "hook", hook_names[kind],
		      "label", label, "command", argv, "environment", vars,
		      "timeout", c->command.timeout, "kill-timeout",
		      c->command.kill_timeout, "run", run);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
out:
	json_decref(o);
	json_decref(argv);
	json_decref(vars);
	hook_env_free(&env);
	return text;
}

static int call(struct hook_part *p, bool again)
{
	struct schedd *s = p->hook->schedd;
	const struct hook_subject subject = hook_subject(p->hook->job);
	/* one that is to end is asked for, if it runs, but not begun */
	char method[64], *text = hook_order(s, p->hook->kind, &subject,
					    again || p->hook->again,
					    !p->hook->canceled);

	snprintf(method, sizeof(method), "execd-%u.hook", p->rank);
	if (text)
		p->call = weir_rpc(s->h, method, text, strlen(text), -1);
	free(text);
	return p->call ? weir_future_then(p->call, -1, on_answer, p) : -1;
}

int parts_start(struct hook *h)
{
	const struct job *job = h->job;
	int i;

	h->part = calloc((size_t)job->nnodes + 1, sizeof(*h->part));
	if (!h->part)
		return -1;
	h->parts = h->parts_open = job->nnodes;
	for (i = 0; i < h->parts; i++) {
		h->part[i].hook = h;
		h->part[i].rank = job->nodes[i].rank;
		if (h->schedd->nodes_known &&
		    !resources_is_online(h->schedd->resources,
					 h->part[i].rank))
			lost(&h->part[i]);
		else if (call(&h->part[i], false) < 0)
			return -1;
	}
	return 0;
}

void parts_node(struct hook *h, unsigned rank, bool online)
{
	int i;

	for (i = 0; i < h->parts; i++) {
		struct hook_part *p = &h->part[i];

		if (p->rank != rank || p->ended || (online && p->call))
			continue;
		weir_future_destroy(p->call);
		p->call = NULL;
		if (!online || h->canceled ||
		    !h->schedd->queues->hooks[h->kind].command.argv)
			lost(p);
		else if (call(p, true) < 0)
			schedd_restart(h->schedd, strerror(errno));
	}
}

static void on_stopped(weir_future_t *f, void *arg)
{
	weir_future_destroy(f);	/* how it ended is the other call's answer */
}

void parts_stop(struct hook *h)
{
	char method[64], text[128];
	weir_future_t *f;
	int i, n;

	for (i = 0; i < h->parts; i++) {
		struct hook_part *p = &h->part[i];

		if (p->ended)
			continue;
		if (!p->call) {
			lost(p);
			continue;
		}
		snprintf(method, sizeof(method), "execd-%u.hook-stop",
			 p->rank);
		n = snprintf(text, sizeof(text), "{\"id\":%llu,\"hook\":\"%s"
			     "\"}", (unsigned long long)h->job->id,
			     hook_names[h->kind]);
		f = weir_rpc(h->schedd->h, method, text, (size_t)n, -1);
		if (!f || weir_future_then(f, -1, on_stopped, NULL) < 0)
			schedd_restart(h->schedd, strerror(errno));
	}
}

void hook_reason(struct schedd *s, enum hook_kind kind, uint64_t id,
		 unsigned rank, int status, const char *why, char *text,
		 size_t size)
{
	const char *host = resources_host(s->resources, rank);
	char f58[JOBID_SIZE], how[128];

	jobid_encode(id, JOBID_F58PLAIN, f58);
	hook_describe(how, sizeof(how), status);
	snprintf(text, size, "%s of job %s failed on rank %u (%.100s): %s%s%s",
		 hook_names[kind], f58, rank, host ? host : "?",
		 why && *why ? why : how, why && *why ? "; " : "",
		 why && *why ? how : "");
}

int parts_result(struct hook *h, char *note, size_t size)
{
	struct schedd *s = h->schedd;
	char reason[512];
	int i, status = 0, failed = 0;
	double now = now_wall();

	for (i = 0; i < h->parts; i++) {
		const struct hook_part *p = &h->part[i];

		if (p->status == 0)
			continue;
		hook_reason(s, h->kind, h->job->id, p->rank, p->status, p->why,
			    reason, sizeof(reason));
		if (failed++ == 0) {
			status = p->status;
			snprintf(note, size, "%s", reason);
		}
		if (h->canceled)
			continue;
		daemon_log(LOG_ERR, "%s", reason);
		drain_node(s, p->rank, now, reason);
	}
	i = (int)strlen(note);
	if (failed > 1)
		snprintf(note + i, size - (size_t)i, "; and on %d other%s",
			 failed - 1, failed > 2 ? "s" : "");
	return status;
}

void parts_free(struct hook *h)
{
	int i;

	for (i = 0; i < h->parts; i++)
		weir_future_destroy(h->part[i].call);
	free(h->part);
	h->part = NULL;
	h->parts = 0;
}
