/* SPDX-License-Identifier: Apache-2.0 */
/* schedd: takes jobs in, gives them resources, sees them through. schedd(8).
 *
 * There is one way to recover from anything, a lost connection as well as a
 * refused commit: to start anew and read everything back. So main ends by
 * executing itself if schedd_restart was called.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/signkey.h"
#include "schedd/schedd.h"

#define NONCES_MAX	(1u << 23)
#define RETRY_MS	100	/* between tries to find kvsd */
#define TAKEOVER_MS	3000	/* for kvsd to see that another schedd ended */
#define RESTART_MS	1000	/* between two, if a transaction was refused */

static const char *uri, *keydir;
static const struct daemon_option options[] = {
	{ "uri", DAEMON_STRING, &uri, "URI",
	  "kvsd to connect to; default $WEIR_URI" },
	{ "keydir", DAEMON_STRING, &keydir, "PATH",
	  "folder of users' public keys" },
	{ NULL, DAEMON_FLAG, NULL, NULL, NULL },
};

void schedd_restart(struct schedd *s, const char *why)
{
	if (s->restart)
		return;
	daemon_log(LOG_WARNING, "starting anew: %s", why);
	s->restart = true;
	event_base_loopbreak(s->base);
}

static void on_state(weir_t *h, bool connected, void *arg)
{
	struct schedd *s = arg;

	assert(s->magic == SCHEDD_MAGIC);
	if (!connected) {
		schedd_restart(s, "the connection to kvsd was lost");
		s->lost = true;
	}
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct schedd *s = arg;

	assert(s->magic == SCHEDD_MAGIC);
	if (daemon_signal_take((int)fd)) {
		s->told_to_end = true;
		event_base_loopbreak(s->base);
	}
}

static void on_turn(void *arg)
{
	struct schedd *s = arg;

	turn_end(s);
}

static void on_durable(void *arg)
{
	struct schedd *s = arg;

	journal_durable(s);
	hooks_wake(s);
	if (turn_waits(s))
		commit_wake(s->commit);
}

static void on_refused(int errnum, const char *text, void *arg)
{
	char why[600];

	snprintf(why, sizeof(why), "a transaction was refused: %s", text);
	schedd_restart(arg, why);
}

static void to_log(int level, const char *text, void *arg)
{
	struct schedd *s = arg;

	if (s->h && !s->restart)
		weir_log(s->h, level, "schedd", "%s", text);
}

/* Waits MS, or until a signal says to end: then true. */
static bool ended_within(int signals, int ms)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };

	return poll(&p, 1, ms) > 0 && daemon_signal_take(signals);
}

/* A schedd waits for the one that it replaces to be forgotten; one that starts
 * anew waits until kvsd is there again, too. NULL: told to end. */
static weir_t *connect_kvsd(struct daemon *d, struct schedd *s, int signals)
{
	struct weir_error error;
	bool told = false;
	int ms;

	for (ms = 0; ; ms += RETRY_MS) {
		s->h = weir_open_as(uri, 0, "schedd", NULL, &error);
		if (s->h && services_start(s, &error) == 0)
			return s->h;
		weir_close(s->h);
		s->h = NULL;
		if (d->ready_fd >= 0 &&
		    (error.errnum != EEXIST || ms >= TAKEOVER_MS))
			daemon_fail(d, "%s", error.text);
		if (!told && d->ready_fd < 0)
			daemon_log(LOG_WARNING, "waiting for kvsd: %s",
				   error.text);
		told = true;
		if (ended_within(signals, RETRY_MS))
			return NULL;
	}
}

/* libevent's own choice of clock is only as fine as the kernel's tick. */
static struct event_base *precise_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config,
					    EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static void on_graph_change(void *arg)
{
	struct schedd *s = arg;
	struct queue *q;

	for (q = s->queues->first; q; q = q->next)
		backlog_reset(q);
}

static void init(struct daemon *d, struct schedd *s)
{
	s->magic = SCHEDD_MAGIC;
	s->uid = geteuid();
	s->keydir = keydir;
	s->own_public = signkey_public_file();
	s->base = precise_base();
	s->jobs = jobs_create();
	s->history = history_create();
	s->ended = ended_create();
	s->journal = journal_create();
	s->resources = resources_create();
	s->queues = queues_create();
	s->waits = waits_create(s);
	s->nonces = envelope_nonces_create(NONCES_MAX);
	if (!s->base || event_base_priority_init(s->base, 2) < 0 ||
	    !s->jobs || !s->history || !s->ended || !s->journal ||
	    !s->resources || !s->queues || !s->waits || !s->nonces)
		daemon_fail(d, "out of memory");
	resources_on_change(s->resources, on_graph_change, s);
}

static void start(struct daemon *d, struct schedd *s)
{
	struct commit_hooks hooks = { on_turn, on_durable, on_refused, s };
	struct weir_error error;

	if (replay(s, &error) < 0) {
		if (d->ready_fd >= 0)
			daemon_fail(d, "%s", error.text);
		schedd_restart(s, error.text);
		return;
	}
	s->commit = commit_create(s->h, s->base, &hooks);
	if (!s->commit || weir_attach(s->h, s->base) < 0)
		daemon_fail(d, "out of memory");
	plugins_start(s);
	replay_resume(s);
	ended_resume(s);
	if (queues_watch(s) < 0 || graph_watch(s) < 0 || nodes_watch(s) < 0 ||
	    exec_watch(s) < 0)
		schedd_restart(s, strerror(errno));
	services_ready(s);
	sched_wake(s);
	purge_wake(s);
}

static void fini(struct schedd *s)
{
	hooks_stop(s);
	plugins_stop(s);
	commit_destroy(s->commit);
	weir_future_destroy(s->exec_watch);
	weir_future_destroy(s->node_watch);
	weir_future_destroy(s->config_watch);
	weir_future_destroy(s->graph_watch);
	sched_stop(s);
	queues_stop(s);
	bulk_stop(s);
	purge_stop(s);
	waits_destroy(s->waits);
	journal_destroy(s->journal);
	services_stop(s);
	if (s->h && !s->restart)
		weir_flush(s->h, 1);
	daemon_log_hook(NULL, NULL);
	weir_close(s->h);
	jobs_destroy(s->jobs);
	plugins_free(s);
	queues_destroy(s->queues);
	history_destroy(s->history);
	ended_destroy(s->ended);
	resources_destroy(s->resources);
	json_decref(s->drained);
	envelope_nonces_destroy(s->nonces);
	free(s->inventory);
	free(s->own_public);
	if (s->again)
		event_free(s->again);
	if (s->base)
		event_base_free(s->base);
}

int main(int argc, char **argv)
{
	struct schedd s = { .magic = 0 };
	struct event *signal_event;
	struct timespec begin, end;
	struct daemon d;
	int signals, least;
	long ms;

	daemon_options(&d, "schedd", argc, argv, options);
	if (d.check_only)
		return 0;
	signals = daemon_signals();
	if (signals < 0)
		daemon_fail(&d, "signals: %s", strerror(errno));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	init(&d, &s);
	signal_event = event_new(s.base, signals, EV_READ | EV_PERSIST,
				 on_signal, &s);
	/* told to end, it need not say that the nodes do, too */
	if (!signal_event || event_priority_set(signal_event, 0) < 0 ||
	    event_add(signal_event, NULL) < 0)
		daemon_fail(&d, "out of memory");
	if (connect_kvsd(&d, &s, signals)) {
		weir_on_state(s.h, on_state, &s);
		daemon_log_hook(to_log, &s);
		start(&d, &s);
		if (!s.restart) {
			daemon_ready(&d);
			event_base_dispatch(s.base);
		}
	}
	event_free(signal_event);
	fini(&s);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 +
	     (end.tv_nsec - begin.tv_nsec) / 1000000;
	/* kvsd may have been told to end as well, and have gone first */
	if (s.told_to_end)
		s.restart = false;
	least = s.lost ? RETRY_MS : RESTART_MS;
	if (s.restart && ms < least && ended_within(signals, least - (int)ms))
		s.restart = false;
	close(signals);
	if (s.restart)
		daemon_restart(&d, argv);
	return 0;
}
