/* SPDX-License-Identifier: Apache-2.0 */
/* execd: the agent of a node. execd(8). */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "execd/agent.h"
#include "proto/daemon.h"

#define END_SECONDS	1	/* for kvsd to take the node back */
#define SHELL_TIMEOUT	60	/* seconds, longer than the lease */
#define SHELL_TIMEOUT_MAX	(1 << 20)

static struct daemon process;

void agent_log(struct agent *a, int level, const char *fmt, ...)
{
	char text[1024], name[AGENT_NAME_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(name, sizeof(name), "execd-%u", a->rank);
	weir_log(a->h, level, name, "%s", text);
}

void agent_again(struct agent *a, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->ending)
		daemon_fail(&process, "rank %u: %s", a->rank, text);
	daemon_log(LOG_NOTICE, "rank %u: %s; starting anew", a->rank, text);
	hooks_free(a);
	setrlimit(RLIMIT_NOFILE, &a->nofile);
	daemon_restart(&process, a->argv);
}

/* A link a job here, three pipes a task in a shell: as many as may be. */
static void raise_descriptors(struct agent *a)
{
	struct rlimit most;

	getrlimit(RLIMIT_NOFILE, &a->nofile);
	most = a->nofile;
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
}

static struct idset *only(const char *option, const char *text)
{
	struct proto_error error;
	struct idset *set = text ? idset_decode(text, &error) : NULL;

	if (text && !set)
		daemon_fail(&process, "--%s: %s", option, error.text);
	return set;
}

static void options(struct agent *a, int argc, char **argv)
{
	uint64_t rank = UINT64_MAX;
	const char *uri = NULL, *rundir = NULL, *cores = NULL, *gpus = NULL;
	const struct daemon_option options[] = {
		{ "rank", DAEMON_NUMBER, &rank, "N",
		  "which node of the instance this is" },
		{ "uri", DAEMON_STRING, &uri, "URI", "where kvsd is" },
		{ "rundir", DAEMON_STRING, &rundir, "DIR",
		  "folder for sockets and running jobs" },
		{ "cores", DAEMON_STRING, &cores, "IDSET",
		  "only these cores" },
		{ "shell-timeout", DAEMON_NUMBER, &a->shell_timeout, "SECONDS",
		  "after which a shell without an agent ends" },
		{ "gpus", DAEMON_STRING, &gpus, "IDSET", "these GPUs" },
		{ NULL, DAEMON_FLAG, NULL, NULL, NULL }
	};

	daemon_options(&process, "execd", argc, argv, options);
	if (rank > 1 << 20)
		daemon_fail(&process, "--rank=N is needed, from 0 to 2^20");
	if (a->shell_timeout > SHELL_TIMEOUT_MAX)
		daemon_fail(&process, "--shell-timeout: %" PRIu64 " is over "
			    "%d", a->shell_timeout, SHELL_TIMEOUT_MAX);
	if (!uri || !rundir)
		daemon_fail(&process, "--uri and --rundir are needed");
	a->only_cores = only("cores", cores);
	a->gpus = only("gpus", gpus);
	a->rank = (unsigned)rank;
	a->uri = uri;
	a->rundir = rundir;
	if (asprintf(&a->socket_path, "%s/execd-%u.sock", a->rundir,
		     a->rank) < 0)
		daemon_fail(&process, "out of memory");
}

/* Started anew it has to wait for kvsd, which may be on its way too. */
static void connect_kvsd(struct agent *a, int signals)
{
	struct pollfd stop = { .fd = signals, .events = POLLIN };
	int pause = 10;		/* milliseconds */
	struct weir_error error;
	char endpoint[AGENT_NAME_MAX];
	int tries;

	snprintf(endpoint, sizeof(endpoint), "execd-%u", a->rank);
	for (tries = 0;; tries++) {
		a->h = weir_open_as(a->uri, 0, endpoint, endpoint, &error);
		if (a->h)
			return;
		/* the endpoint of one that just died is free in a moment */
		if (process.ready_fd >= 0 && error.errnum != EEXIST)
			daemon_fail(&process, "%s", error.text);
		if (tries == 0)
			daemon_log(LOG_NOTICE, "rank %u: waiting for kvsd: %s",
				   a->rank, error.text);
		if (access(a->rundir, F_OK) < 0)
			daemon_fail(&process, "%s is gone", a->rundir);
		if (poll(&stop, 1, pause) > 0 && daemon_signal_take(signals))
			daemon_fail(&process, "told to end before kvsd came");
		if (pause < 500)
			pause *= 2;
	}
}

static void on_state(weir_t *h, bool connected, void *arg)
{
	if (!connected)
		agent_again(arg, "connection to kvsd lost");
}

static void do_ping(struct agent *a, weir_call_t *call)
{
	size_t len;
	const char *data = weir_call_data(call, &len);

	weir_call_reply(call, data, len);
}

static void on_call(weir_call_t *call, void *arg)
{
	static const struct {
		const char *name;
		void (*f)(struct agent *a, weir_call_t *call);
	} methods[] = {
		{ "ping", do_ping },
		{ "hook", do_hook },
		{ "hook-stop", do_hook_stop },
	};
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(weir_call_method(call), methods[i].name)) {
			methods[i].f(arg, call);
			return;
		}
	weir_call_fail(call, ENOSYS, "no method '%s' here: ping, hook and "
		       "hook-stop are", weir_call_method(call));
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	if (daemon_signal_take(fd))
		event_base_loopbreak(a->base);
}

static void init(struct agent *a)
{
	char error[512], name[AGENT_NAME_MAX];
	int signals = daemon_signals();

	a->stop_event = event_new(a->base, signals,
				  EV_READ | EV_PERSIST, on_stop, a);
	if (!a->stop_event || event_add(a->stop_event, NULL) < 0 ||
	    hooks_init(a) < 0)
		daemon_fail(&process, "cannot watch signals");
	/* shells wait while kvsd is away, as long as somebody listens */
	if (launch_folder(a, error, sizeof(error)) < 0 ||
	    links_listen(a, error, sizeof(error)) < 0)
		daemon_fail(&process, "%s", error);
	connect_kvsd(a, signals);
	/* orders come once the node is registered, and not to a former one */
	if (jobs_disown(a, error, sizeof(error)) < 0)
		daemon_fail(&process, "%s", error);
	/* who sees the node can call its agent */
	snprintf(name, sizeof(name), "execd-%u", a->rank);
	a->service = weir_serve(a->h, name, on_call, a);
	if (!a->service || node_register(a, error, sizeof(error)) < 0)
		daemon_fail(&process, "%s", a->service ? error :
			    "out of memory");
	weir_on_state(a->h, on_state, a);
	if (weir_attach(a->h, a->base) < 0 || jobs_watch(a) < 0)
		daemon_fail(&process, "out of memory");
}

/* Whoever sees this process gone finds its node gone, too. Reports on their
 * way are still taken, so the jobs must be there; new ones are not. */
static void end_lease(struct agent *a)
{
	weir_future_t *f;

	a->ending = true;
	weir_future_destroy(a->assignments);
	a->assignments = NULL;
	f = weir_lease_end(a->h, a->lease);
	if (f)
		weir_future_wait(f, END_SECONDS);
	weir_future_destroy(f);
}

static void fini(struct agent *a)
{
	weir_on_state(a->h, NULL, NULL);
	end_lease(a);
	hooks_free(a);
	links_free(a);
	jobs_free(a);
	outputs_free(a);
	reports_free(a);
	weir_future_destroy(a->service);
	weir_close(a->h);
	event_free(a->stop_event);
	event_base_free(a->base);
	node_free(a);
	free(a->socket_path);
	close(a->lock);
}

int main(int argc, char **argv)
{
	struct agent a = {
		.listener = -1, .children = -1,
		.shell_timeout = SHELL_TIMEOUT,
	};
	char error[512];

	options(&a, argc, argv);
	if (node_discover(&a, error, sizeof(error)) < 0)
		daemon_fail(&process, "%s", error);
	if (process.check_only) {
		printf("%s: %zu cores\n", a.host, idset_count(a.cores));
		node_free(&a);
		free(a.socket_path);
		return 0;
	}
	a.argv = argv;
	a.base = event_base_new();
	if (!a.base)
		daemon_fail(&process, "out of memory");
	raise_descriptors(&a);
	init(&a);
	daemon_ready(&process);
	event_base_dispatch(a.base);
	fini(&a);
	return 0;
}
