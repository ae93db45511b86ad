/* SPDX-License-Identifier: Apache-2.0 */
/* weir start: an instance on this machine, a program in it, and a clean end.
 * A state machine on one loop: kvsd, then schedd and the execds together,
 * then the program; then all of it backwards. weir-start(1). */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/start.h"
#include "cmd/subcommands.h"
#include "proto/idset.h"
#include "proto/resource_set.h"
#include "schedd/graph.h"

static void to_log(const char *text, void *arg)
{
	struct start *s = arg;

	if (s->h)
		weir_log(s->h, 4, "start", "%s", text);
}

/* ---- the program ---- */

static void run_program(struct start *s)
{
	static char *shell[] = { NULL, NULL };
	char **argv = s->argv;
	static const char *const gone[] = {
		"WEIR_JOB_ID", "WEIR_JOB_SIZE", "WEIR_JOB_TMPDIR",
		"WEIR_TASK_RANK", "WEIR_TASK_LOCAL_ID",
		"WEIR_KVS_NAMESPACE", "PMI_FD", "PMI_RANK", "PMI_SIZE",
	};
	size_t i;

	if (!*argv) {
		shell[0] = getenv("SHELL");
		if (!shell[0] || !*shell[0])
			shell[0] = (char *)"/bin/sh";
		argv = shell;
	}
	s->phase = RUNNING;
	fflush(stdout);
	s->program = fork();
	if (s->program < 0)
		die("fork: %s", strerror(errno));
	if (s->program > 0)
		return;
	setenv("WEIR_URI", s->uri, 1);
	for (i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		unsetenv(gone[i]);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	i = errno;
	warn("%s: %s", argv[0], strerror((int)i));
	_exit(i == ENOENT ? 127 : 126);
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* ---- starting ---- */

static void start_kvsd(struct start *s)
{
	char *args[START_LIMITS + 5] = {
		xasprintf("--socket=%s", s->socket_path),
		xasprintf("--statedir=%s", s->statedir),
		xasprintf("--durability=%s", s->durability),
	};
	int i = 3;

	if (s->metrics)
		args[i++] = xasprintf("--metrics=%s", s->metrics);
	start_limits_args(s, args + i);
	s->phase = STARTING_KVSD;
	daemon_start(&s->daemons, "kvsd", "kvsd", args);
	for (i = 0; args[i]; i++)
		free(args[i]);
}

static void put(weir_txn_t *txn, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(weir_txn_t *txn, const char *name, const char *fmt, ...)
{
	char *key = xasprintf("instance.%s", name), *value;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&value, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	weir_txn_put(txn, key, value, strlen(value));
	free(key);
	free(value);
}

/* The graph of resources, for schedd. One that an earlier start with the same
 * statedir was given stays. */
static void put_graph(struct start *s, weir_txn_t *txn)
{
	const char *simulated = s->simulated ? "true" : "false";

	if (!s->graph)
		return;
	weir_txn_put(txn, "resource.graph", s->graph_text, s->graph_len);
	weir_txn_put(txn, "resource.simulated", simulated, strlen(simulated));
}

/* schedd would refuse a bad one, too, but go on with the nodes it has. */
static void read_graph(struct start *s)
{
	struct proto_error error;
	struct graph *graph;
	FILE *file;

	if (!s->graph)
		return;
	file = fopen(s->graph, "r");
	if (!file)
		die("%s: %s", s->graph, strerror(errno));
	s->graph_text = read_all(file, &s->graph_len);
	fclose(file);
	graph = graph_from_text(s->graph_text, s->graph_len, NULL, &error);
	if (!graph)
		die("%s: %s", s->graph, error.text);
	graph_destroy(graph);
}

static void describe_instance(struct start *s)
{
	weir_txn_t *txn = weir_txn_create();
	char host[256] = "localhost", *hosts;
	struct timeval tv;
	weir_future_t *f;
	int i;

	gethostname(host, sizeof(host) - 1);
	gettimeofday(&tv, NULL);
	hosts = xstrdup(s->parent.h ? s->parent.hosts : host);
	for (i = 1; !s->parent.h && i < s->size; i++) {
		char *more = xasprintf("%s,%s", hosts, host);

		free(hosts);
		hosts = more;
	}
	put(txn, "id", "%s", weir_greeting(s->h, "instance"));
	put(txn, "size", "%d", s->size);
	put(txn, "owner", "%u", (unsigned)getuid());
	put(txn, "start", "%lld.%06ld", (long long)tv.tv_sec,
	    (long)tv.tv_usec);
	put(txn, "level", "%d", s->parent.h ? s->parent.level + 1 :
	    *s->parent_uri ? 1 : 0);
	if (s->parent.h)
		put(txn, "jobid", "%s", getenv("WEIR_JOB_ID"));
	put(txn, "hostlist", "%s", hosts);
	put(txn, "hostname", "%s", host);
	put(txn, "rank", "0");
	put(txn, "rundir", "%s", s->rundir);
	put(txn, "statedir", "%s", s->statedir);
	put(txn, "uri", "%s", s->uri);
	put(txn, "parent-uri", "%s", s->parent_uri);
	put(txn, "version", "%s", weir_version());
	put_graph(s, txn);
	f = weir_kvs_commit(s->h, "primary", txn, 0);
	if (s->graph && (!f || weir_future_get(f) < 0))
		warn("%s: %s", s->graph, f ? weir_future_strerror(f) :
		     strerror(errno));
	weir_future_destroy(f);	/* in order before all that follows */
	weir_txn_destroy(txn);
	free(hosts);
}

static void check_ready(struct start *s)
{
	struct daemon *d;

	if (s->phase != STARTING_OTHERS || !s->nodes_known)
		return;
	for (d = s->daemons.first; d; d = d->next)
		if (!d->ready)
			return;
	if (s->parent.h && s->parent.rank == 0)
		parent_remember(&s->parent, s->uri);
	if (s->parent.rank == 0)
		run_program(s);
	else
		s->phase = RUNNING;	/* the program is on another node */
}

/* schedd has taken the nodes in when its inventory has them all. */
static void on_resources(weir_future_t *f, void *arg)
{
	struct start *s = arg;
	struct proto_error error;
	struct resource_set *set;
	struct idset *ranks;
	const char *data;
	size_t len;

	if (weir_future_error(f)) {
		s->resources = NULL;
		weir_future_destroy(f);
		return;
	}
	data = weir_future_data(f, &len);
	set = data ? resource_set_parse(data, len, &error) : NULL;
	if (!set)
		return;
	ranks = resource_set_ranks(set);
	if (ranks && idset_count(ranks) >= (size_t)s->size)
		s->nodes_known = true;
	idset_destroy(ranks);
	resource_set_destroy(set);
	check_ready(s);
}

static void on_shutdown_call(weir_call_t *call, void *arg)
{
	struct start *s = arg;

	if (strcmp(weir_call_method(call), "shutdown")) {
		weir_call_fail(call, ENOSYS, "no method '%s' here: shutdown "
			       "is the only one", weir_call_method(call));
		return;
	}
	if (strcmp(weir_call_role(call), "owner")) {
		weir_call_fail(call, EPERM, "only the instance's owner may "
			       "stop it");
		return;
	}
	weir_call_reply(call, "{}", 2);
	if (s->program > 0) {
		kill(s->program, SIGHUP);
		kill(s->program, SIGCONT);
		start_set_deadline(s, STOP_SECONDS);
	}
}

static void start_execd(struct start *s, int rank, const char *kvsd)
{
	char name[32];
	char *args[] = {
		xasprintf("--rank=%d", rank),
		xasprintf("--uri=%s", kvsd),
		xasprintf("--rundir=%s", s->rundir),
		s->parent.h ? xasprintf("--cores=%s", s->parent.cores) : NULL,
		s->parent.h && *s->parent.gpus ?
			xasprintf("--gpus=%s", s->parent.gpus) : NULL,
		NULL
	};
	int i;

	snprintf(name, sizeof(name), "execd-%d", rank);
	daemon_start(&s->daemons, "execd", name, args);
	for (i = 0; args[i]; i++)
		free(args[i]);
}

static void start_others(struct start *s)
{
	struct weir_error error;
	char *uri = xasprintf("--uri=%s", s->uri);
	char *schedd[] = { uri, NULL };
	int i;

	s->phase = STARTING_OTHERS;
	s->h = weir_open_as(s->uri, WEIR_O_RECONNECT, "start", NULL, &error);
	if (!s->h) {
		warn("%s", error.text);
		start_finish(s, 1);
		return;
	}
	describe_instance(s);
	start_limits_store(s);
	weir_attach(s->h, s->base);
	s->service = weir_serve(s->h, "instance", on_shutdown_call, s);
	s->resources = weir_kvs_watch(s->h, "primary", "resource.R",
				      WEIR_WATCH_LATEST, WEIR_FROM_NOW, 0,
				      WEIR_WATCH_WAIT);
	weir_future_then(s->resources, -1, on_resources, s);
	daemon_start(&s->daemons, "schedd", "schedd", schedd);
	free(uri);
	if (s->parent.h)
		parent_announce(&s->parent, s->uri, s->base);
	for (i = 0; !s->simulated && i < (s->parent.h ? 1 : s->size); i++)
		start_execd(s, i, s->uri);
}

/* ---- on the other nodes of a job ---- */

static void on_instance(const char *uri, void *arg)
{
	struct start *s = arg;

	if (s->phase != STARTING_KVSD)
		return;
	s->phase = STARTING_OTHERS;
	s->nodes_known = true;	/* that is for the first node to see */
	start_execd(s, s->parent.rank, uri);
}

static void on_instance_gone(void *arg)
{
	start_finish(arg, 0);
}

static void on_ready(struct daemon *d, void *arg)
{
	struct start *s = arg;

	if (s->phase == STARTING_KVSD && !strcmp(d->program, "kvsd"))
		start_others(s);
	else
		check_ready(s);
}

static void on_failed(struct daemon *d, const char *text, void *arg)
{
	struct start *s = arg;

	if (!strncmp(text, d->program, strlen(d->program)))
		warn("cannot start: %s", text);
	else
		warn("cannot start %s: %s", d->name, text);
	start_finish(s, 1);
}

static void on_child(evutil_socket_t fd, short what, void *arg)
{
	struct start *s = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->program) {
			s->program = 0;
			start_finish(s, exit_code(status));
		} else {
			daemon_reaped(&s->daemons, pid, status);
		}
	}
}

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct start *s = arg;

	if (signum == SIGINT && s->program > 0)
		return;		/* the terminal has told the program too */
	if (s->program > 0) {
		kill(s->program, signum);
		start_set_deadline(s, STOP_SECONDS);
	} else {
		start_finish(s, 128 + (int)signum);
	}
}

/* ---- folders ---- */

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	return remove(path);
}

static void make_folders(struct start *s)
{
	const char *tmp = getenv("TMPDIR");

	if (!s->rundir) {
		s->rundir = xasprintf("%s/weir-XXXXXX", tmp && *tmp ? tmp :
				      "/tmp");
		if (!mkdtemp(s->rundir))
			die("cannot make a folder %s: %s", s->rundir,
			    strerror(errno));
		s->own_rundir = true;
	} else if (access(s->rundir, W_OK | X_OK) < 0) {
		die("--test-rundir=%s: %s", s->rundir, strerror(errno));
	}
	if (!s->statedir)
		s->statedir = xasprintf("%s/state", s->rundir);
	else
		s->statedir = xstrdup(s->statedir);
	s->socket_path = xasprintf("%s/local-0", s->rundir);
	s->uri = xasprintf("local://%s", s->socket_path);
}

#define LIMIT	1000	/* as an option: the first of start_limit_names */

static void options(struct start *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "statedir", required_argument, NULL, 'd' },
		{ "test-size", required_argument, NULL, 's' },
		{ "test-rundir", required_argument, NULL, 'R' },
		{ "durability", required_argument, NULL, 'D' },
		{ "metrics", required_argument, NULL, 'M' },
		{ "resources", required_argument, NULL, 'G' },
		{ "simulate", required_argument, NULL, 'S' },
		{ "verbose", optional_argument, NULL, 'v' },
		{ "history-versions", required_argument, NULL, LIMIT },
		{ "history-time", required_argument, NULL, LIMIT + 1 },
		{ "namespace-quota-keys", required_argument, NULL, LIMIT + 2 },
		{ "namespace-quota-bytes", required_argument, NULL,
		  LIMIT + 3 },
		{ "user-quota-keys", required_argument, NULL, LIMIT + 4 },
		{ "user-quota-bytes", required_argument, NULL, LIMIT + 5 },
		{ 0 }
	};
	char *end;
	long n;
	int c;

	while ((c = next_option(argc, argv, "s:v::", longs, "weir-start"))
	       != -1) {
		switch (c) {
		case 'd':
			s->statedir = optarg;
			break;
		case 's':
			n = strtol(optarg, &end, 10);
			if (*end || end == optarg || n < 1 || n > 1024)
				usage_error("--test-size: '%s' is no number "
					    "from 1 to 1024", optarg);
			s->size = (int)n;
			break;
		case 'R':
			s->rundir = xstrdup(optarg);
			break;
		case 'D':
			if (strcmp(optarg, "commit") && strcmp(optarg, "none"))
				usage_error("--durability: '%s' is neither "
					    "commit nor none", optarg);
			s->durability = optarg;
			break;
		case 'G':
		case 'S':
			s->graph = optarg;
			s->simulated = c == 'S';
			break;
		case 'M':
			s->metrics = optarg;
			break;
		case 'v':
			s->daemons.verbose = true;
			break;
		default:
			if (!start_limits_set(s, c - LIMIT, optarg))
				usage_error("--%s: '%s' is neither a number "
					    "nor none", start_limit_names
					    [c - LIMIT], optarg);
		}
	}
	s->argv = argv + optind;
}

static struct event *persistent_signal(struct start *s, int signum,
				       event_callback_fn cb)
{
	struct event *e = evsignal_new(s->base, signum, cb, s);

	if (!e || event_add(e, NULL) < 0)
		die("cannot watch signal %d", signum);
	return e;
}

int main_start(int argc, char **argv)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	struct start s = { 0 };
	const char *parent = getenv("WEIR_URI");
	size_t i;

	options(&s, argc, argv);
	s.keeps = s.statedir;
	if (!s.size)
		parent_find(&s.parent);
	if (!s.size)
		s.size = s.parent.h ? s.parent.size : 1;
	/* what dies with a job need not outlive the machine */
	if (!s.durability)
		s.durability = s.parent.h && !s.statedir ? "none" : "commit";
	if (parent)
		snprintf(s.parent_uri, sizeof(s.parent_uri), "%s", parent);
	read_graph(&s);
	make_folders(&s);
	start_limits_load(&s);
	s.base = event_base_new();
	if (!s.base)
		die("cannot make an event loop");
	s.daemons.base = s.base;
	s.daemons.on_ready = on_ready;
	s.daemons.on_failed = on_failed;
	s.daemons.on_stopped = start_on_stopped;
	s.daemons.log = to_log;
	s.daemons.arg = &s;
	s.deadline = evtimer_new(s.base, start_on_deadline, &s);
	if (!s.deadline)
		die("out of memory");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	s.child_event = persistent_signal(&s, SIGCHLD, on_child);
	for (i = 0; i < 3; i++)
		s.signals[i] = persistent_signal(&s, stops[i], on_signal);
	s.parent.on_uri = on_instance;
	s.parent.on_gone = on_instance_gone;
	s.parent.arg = &s;
	if (s.parent.rank == 0)
		start_kvsd(&s);
	else
		parent_follow(&s.parent, s.base);
	event_base_dispatch(s.base);

	event_free(s.deadline);
	event_free(s.child_event);
	for (i = 0; i < 3; i++)
		event_free(s.signals[i]);
	daemons_free(&s.daemons);
	parent_leave(&s.parent);
	weir_close(s.h);
	event_base_free(s.base);
	if (s.own_rundir)
		nftw(s.rundir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(s.rundir);
	start_limits_free(&s);
	free(s.graph_text);
	free((char *)s.statedir);
	free(s.socket_path);
	free(s.uri);
	return s.result;
}
