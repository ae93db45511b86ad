/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that schedd has run on this node before and after a job, as the
 * instance's owner. A caller that goes leaves its hook running; who asks for
 * the same one again is told of its end. It goes with this process.
 * weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "execd/agent.h"
#include "proto/hook_run.h"

#define NODE_HOOK_MAGIC	0x4e484f4bu
#define NAME_SIZE	32

struct node_hook {
	uint32_t magic;
	struct agent *agent;
	struct node_hook *next, **prev;
	uint64_t id;
	char name[NAME_SIZE];
	struct hook_run *run;
	weir_call_t *call;		/* who is to be told; NULL: nobody */
};

static void node_hook_free(struct node_hook *n)
{
	*n->prev = n->next;
	if (n->next)
		n->next->prev = n->prev;
	hook_run_destroy(n->run);
	n->magic = 0;
	free(n);
}

static struct node_hook *find(struct agent *a, uint64_t id, const char *name)
{
	struct node_hook *n;

	for (n = a->hooks; n; n = n->next)
		if (n->id == id && !strcmp(n->name, name))
			break;
	return n;
}

/* ---- answers ---- */

static void answer(weir_call_t *call, int status, const char *why)
{
	json_t *o = json_pack("{s:i s:s*}", "status", status, "why", why);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text)
		weir_call_reply(call, text, strlen(text));
	else
		weir_call_fail(call, ENOMEM, "out of memory");
	free(text);
	json_decref(o);
}

static void on_drop(weir_call_t *call, void *arg)
{
	struct node_hook *n = arg;

	assert(n->magic == NODE_HOOK_MAGIC && n->call == call);
	n->call = NULL;
	weir_call_fail(call, ECONNRESET, "nobody wants to know any more");
}

static void tell(struct node_hook *n, weir_call_t *call)
{
	weir_call_t *former = n->call;

	n->call = call;
	if (former)
		weir_call_fail(former, ECANCELED, "somebody else has asked");
	weir_call_on_drop(call, on_drop, n);
}

static void on_log(int level, const char *text, void *arg)
{
	struct node_hook *n = arg;

	agent_log(n->agent, level, "%s", text);
}

static void on_end(int status, const char *why, void *arg)
{
	struct node_hook *n = arg;
	weir_call_t *call;

	assert(n->magic == NODE_HOOK_MAGIC);
	call = n->call;
	n->call = NULL;
	if (call)
		answer(call, status, why);
	node_hook_free(n);
}

/* ---- orders ---- */

struct hook_order {
	json_t *body;		/* the others are of it */
	json_int_t id;
	const char *name, *label;
	struct hook_command command;
	struct hook_env env;
	int run;		/* else only if it does already */
};

/* Its strings, as a list that ends with NULL. */
static char **words(const json_t *list)
{
	size_t i, n = json_array_size(list);
	char **w = calloc(n + 1, sizeof(*w));

	for (i = 0; w && i < n; i++) {
		w[i] = (char *)json_string_value(json_array_get(list, i));
		if (!w[i]) {
			free(w);
			return NULL;
		}
	}
	return w;
}

static void order_free(struct hook_order *o)
{
	free(o->command.argv);
	free(o->env.name);
	json_decref(o->body);
}

/* Only who may do anything here anyway. */
static bool may_order(weir_call_t *call)
{
	if (!strcmp(weir_call_role(call), "owner"))
		return true;
	weir_call_fail(call, EPERM, "only the instance's schedd runs hooks");
	return false;
}

/* 0, or -1 and the call has failed. */
static int parse(weir_call_t *call, struct hook_order *o)
{
	size_t len;
	const char *data = weir_call_data(call, &len);
	json_t *argv = NULL, *env = NULL;

	memset(o, 0, sizeof(*o));
	if (!may_order(call))
		return -1;
	o->body = json_loadb(data, len, 0, NULL);
	if (json_unpack(o->body, "{s:I s:s s:s s:o s:o s:F s:F s:b}", "id",
			&o->id, "hook", &o->name, "label", &o->label,
			"command", &argv, "environment", &env, "timeout",
			&o->command.timeout, "kill-timeout",
			&o->command.kill_timeout, "run", &o->run) == 0 &&
	    strlen(o->name) < NAME_SIZE) {
		o->command.argv = words(argv);
		o->env.name = words(env);
	}
	if (o->command.argv && o->command.argv[0] && o->env.name)
		return 0;
	order_free(o);
	weir_call_fail(call, EPROTO, "the order is malformed");
	return -1;
}

static struct node_hook *begin(struct agent *a, const struct hook_order *o)
{
	struct node_hook *n = calloc(1, sizeof(*n));
	char label[256];
	int e;

	if (!n)
		return NULL;
	n->magic = NODE_HOOK_MAGIC;
	n->agent = a;
	n->id = (uint64_t)o->id;
	strcpy(n->name, o->name);
	n->next = a->hooks;
	if (n->next)
		n->next->prev = &n->next;
	n->prev = &a->hooks;
	a->hooks = n;
	snprintf(label, sizeof(label), "%.150s on %.80s", o->label, a->host);
	n->run = hook_run(a->base, &o->command, o->env.name, label, on_log,
			  on_end, n);
	if (n->run)
		return n;
	e = errno;
	node_hook_free(n);
	errno = e;
	return NULL;
}

void do_hook(struct agent *a, weir_call_t *call)
{
	struct hook_order o;
	struct node_hook *n;

	if (parse(call, &o) < 0)
		return;
	n = find(a, (uint64_t)o.id, o.name);
	if (!n && !o.run) {
		answer(call, SIGKILL, "it did not run any more");
	} else if (!n && !(n = begin(a, &o))) {
		answer(call, 127 << 8, strerror(errno));
	} else {
		tell(n, call);
	}
	order_free(&o);
}

void do_hook_stop(struct agent *a, weir_call_t *call)
{
	size_t len;
	const char *data = weir_call_data(call, &len), *name;
	struct node_hook *n;
	json_int_t id;
	json_t *o;

	if (!may_order(call))
		return;
	o = json_loadb(data, len, 0, NULL);
	if (json_unpack(o, "{s:I s:s}", "id", &id, "hook", &name) < 0) {
		weir_call_fail(call, EPROTO, "id and hook are needed");
	} else {
		n = find(a, (uint64_t)id, name);
		if (n)
			hook_run_stop(n->run);
		weir_call_reply(call, "{}", 2);
	}
	json_decref(o);
}

/* ---- children ---- */

/* Shells say themselves how they ended. */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		hook_run_reaped(pid, status);
}

static void on_children(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		;
	reap();
}

int hooks_init(struct agent *a)
{
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->children < 0)
		return -1;
	/* those of the program that this one was before it started anew */
	reap();
	a->children_event = event_new(a->base, a->children,
				      EV_READ | EV_PERSIST, on_children, a);
	return a->children_event ? event_add(a->children_event, NULL) : -1;
}

void hooks_free(struct agent *a)
{
	while (a->hooks) {
		if (a->hooks->call)
			weir_call_fail(a->hooks->call, ECONNRESET,
				       "execd ends");
		node_hook_free(a->hooks);
	}
	if (a->children_event)
		event_free(a->children_event);
	a->children_event = NULL;
	if (a->children >= 0)
		close(a->children);
	a->children = -1;
}
