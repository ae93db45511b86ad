/* SPDX-License-Identifier: Apache-2.0 */
/* kvsd: the key-value store that an instance is built on. kvsd(8). */
#include "config.h"

#include <errno.h>
#include <event2/thread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kvsd/absent.h"
#include "kvsd/event.h"
#include "kvsd/fence.h"
#include "kvsd/fsck.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/log_ring.h"
#include "kvsd/metrics.h"
#include "kvsd/ns_cmds.h"
#include "kvsd/server.h"
#include "kvsd/service.h"
#include "kvsd/stats.h"
#include "kvsd/statedir.h"
#include "kvsd/watch.h"
#include "kvsd/write_cmds.h"
#include "proto/daemon.h"

static struct daemon daemon_;
static struct kvsd kvsd = {
	.magic = KVSD_MAGIC,
	.options = {
		.history_time = 86400,
		.namespace_quota = { DB_NO_LIMIT, DB_NO_LIMIT },
		.user_quota = { DB_NO_LIMIT, DB_NO_LIMIT },
	},
};
static int signal_fd = -1;
static struct event *signal_event;

static void parse_options(int argc, char **argv)
{
	struct kvsd_options *o = &kvsd.options;
	const struct daemon_option table[] = {
		{ "socket", DAEMON_STRING, &o->socket, "PATH",
		  "listen here" },
		{ "statedir", DAEMON_STRING, &o->statedir, "DIR",
		  "folder of the database" },
		{ "durability", DAEMON_STRING, &o->durability, "commit|none",
		  "when a transaction counts as done" },
		{ "instance", DAEMON_STRING, &o->instance, "ID",
		  "id of the instance" },
		{ "allow-users", DAEMON_FLAG, &o->allow_users, NULL,
		  "let other users connect" },
		{ "metrics", DAEMON_STRING, &o->metrics,
		  "ADDRESS:PORT|unix:PATH", "serve figures over HTTP there" },
		{ "metrics-public", DAEMON_FLAG, &o->metrics_public, NULL,
		  "let that address be another than this machine's own" },
		{ "history-versions", DAEMON_NUMBER, &o->history, "N",
		  "old versions of a namespace to keep" },
		{ "history-time", DAEMON_SECONDS, &o->history_time, "SECONDS",
		  "how long to keep them; 0: for ever" },
		{ "namespace-quota-keys", DAEMON_NUMBER,
		  &o->namespace_quota.keys, "N",
		  "what a namespace of another user may hold" },
		{ "namespace-quota-bytes", DAEMON_NUMBER,
		  &o->namespace_quota.bytes, "N", "and of what size" },
		{ "user-quota-keys", DAEMON_NUMBER, &o->user_quota.keys, "N",
		  "what another user's namespaces may hold together" },
		{ "user-quota-bytes", DAEMON_NUMBER, &o->user_quota.bytes,
		  "N", "and of what size" },
		{ "fsck", DAEMON_FLAG, &o->fsck, NULL,
		  "check the database, and serve nobody" },
		{ "repair", DAEMON_FLAG, &o->repair, NULL,
		  "with --fsck: cut out what is damaged" },
		{ "admin", DAEMON_STRING, &o->admin, "UID,...",
		  "users that have the role admin" },
		{ NULL, DAEMON_FLAG, NULL, NULL, NULL }
	};

	daemon_options(&daemon_, "kvsd", argc, argv, table);
}

static void parse_admins(const char *list)
{
	char *copy = strdup(list), *save = NULL, *word;

	if (!copy)
		abort();
	for (word = strtok_r(copy, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		uint64_t uid;

		if (wire_parse_u64(word, &uid) < 0 || uid >= (uid_t)-1)
			daemon_fail(&daemon_, "--admin: '%s' is no uid",
				    word);
		if (kvsd.admins == KVSD_ADMINS_MAX)
			daemon_fail(&daemon_, "--admin: more than %d",
				    KVSD_ADMINS_MAX);
		kvsd.admin[kvsd.admins++] = uid;
	}
	free(copy);
}

static void check(void)
{
	const struct kvsd_options *o = &kvsd.options;
	char why[512];

	kvsd.owner = geteuid();
	if (!o->socket || !o->statedir)
		daemon_fail(&daemon_, "--socket and --statedir are needed");
	if (o->durability && strcmp(o->durability, "commit") &&
	    strcmp(o->durability, "none"))
		daemon_fail(&daemon_, "--durability is commit or none");
	if (o->admin)
		parse_admins(o->admin);
	if (o->metrics && metrics_check(o->metrics, o->metrics_public, why,
					sizeof(why)) < 0)
		daemon_fail(&daemon_, "--metrics=%s: %s", o->metrics, why);
	if (statedir_check(o->statedir, kvsd.owner, !daemon_.check_only, why,
			   sizeof(why)) < 0)
		daemon_fail(&daemon_, "%s", why);
}

/* As many connections as the system lets us have. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	int number = daemon_signal_take(fd);

	if (!number)
		return;
	daemon_log(LOG_INFO, "stopping: %s", strsignal(number));
	server_stop(&kvsd);
}

static void init_loop(void)
{
	signal_fd = daemon_signals();
	if (signal_fd < 0 || evthread_use_pthreads() < 0 ||
	    !(kvsd.base = event_base_new()))
		daemon_fail(&daemon_, "cannot make the loop: %s",
			    strerror(errno));
	signal_event = event_new(kvsd.base, signal_fd, EV_READ | EV_PERSIST,
				 on_signal, NULL);
	if (!signal_event || event_add(signal_event, NULL) < 0)
		daemon_fail(&daemon_, "cannot wait for signals");
}

static void on_warning(void *arg, const char *text)
{
	daemon_log(LOG_WARNING, "%s", text);
}

/* Without a word to the clients: they are to find that its fate is unknown. */
static void on_fatal(void *arg, const char *text)
{
	daemon_log(LOG_CRIT, "%s; a start will tell what is on the disk", text);
	_exit(1);
}

static void init_database(void)
{
	const struct kvsd_options *o = &kvsd.options;
	struct db_options options = {
		.path = o->statedir,
		.durable = !o->durability || strcmp(o->durability, "none"),
		.owner = kvsd.owner,
		.history_max = o->history,
		.history_seconds = o->history_time,
		.namespace_quota = &o->namespace_quota,
		.user_quota = &o->user_quota,
		.on_durable = server_settle,
		.on_warning = on_warning,
		.on_fatal = on_fatal,
		.arg = &kvsd,
	};
	struct db_namespace_info primary;
	struct db_error error = { 0, "" };
	char why[512];

	kvsd.db = db_open(&options, kvsd.base, &error);
	if (!kvsd.db)
		daemon_fail(&daemon_, "%s", error.text);
	kvsd.settled = db_ticket_durable(kvsd.db);
	kvsd.restarted = db_namespace_info(kvsd.db, "primary", false,
					   &primary) == 0 &&
			 primary.version > 0;
	if (statedir_instance(o->statedir, o->instance, kvsd.instance,
			      sizeof(kvsd.instance), why, sizeof(why)) < 0)
		daemon_fail(&daemon_, "%s", why);
}

static void log_hook(int level, const char *text, void *arg)
{
	log_ring_add(arg, level, "kvsd", text, strlen(text));
}

static void init(void)
{
	char why[512];

	kvsd.started = kvsd_now();
	if (sodium_init() < 0)
		daemon_fail(&daemon_, "libsodium cannot be used");
	raise_limits();
	signal(SIGXFSZ, SIG_IGN);	/* a limit of size is an error, no end */
	init_loop();
	log_ring_create(&kvsd);
	daemon_log_hook(log_hook, &kvsd);
	scratch_create(&kvsd);
	events_create(&kvsd);
	absents_create(&kvsd);
	services_create(&kvsd);
	watches_create(&kvsd);
	waiters_create(&kvsd);
	fences_create(&kvsd);
	stats_create(&kvsd);
	init_database();
	leases_create(&kvsd);
	if (server_create(&kvsd, why, sizeof(why)) < 0)
		daemon_fail(&daemon_, "%s", why);
	if (metrics_create(&kvsd, why, sizeof(why)) < 0)
		daemon_fail(&daemon_, "--metrics=%s: %s",
			    kvsd.options.metrics, why);
	if (server_listen(&kvsd) < 0)
		daemon_fail(&daemon_, "%s: %s", kvsd.options.socket,
			    strerror(errno));
}

static void fini(void)
{
	metrics_destroy(&kvsd);
	server_destroy(&kvsd);
	leases_destroy(&kvsd);
	db_close(kvsd.db);
	kvsd.db = NULL;
	stats_destroy(&kvsd);
	fences_destroy(&kvsd);
	waiters_destroy(&kvsd);
	watches_destroy(&kvsd);
	services_destroy(&kvsd);
	absents_destroy(&kvsd);
	events_destroy(&kvsd);
	scratch_destroy(&kvsd);
	daemon_log_hook(NULL, NULL);
	log_ring_destroy(&kvsd);
	event_free(signal_event);
	close(signal_fd);
	event_base_free(kvsd.base);
	libevent_global_shutdown();
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	if (kvsd.options.fsck) {
		if (!kvsd.options.statedir)
			daemon_fail(&daemon_, "--fsck needs --statedir");
		return fsck_main(kvsd.options.statedir, kvsd.options.repair);
	}
	check();
	if (daemon_.check_only)
		return 0;
	init();
	daemon_log(LOG_INFO, "instance %s listens at %s", kvsd.instance,
		   kvsd.options.socket);
	daemon_ready(&daemon_);
	server_run(&kvsd);
	fini();
	return 0;
}
