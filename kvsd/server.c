/* SPDX-License-Identifier: Apache-2.0 */
/* The listener, all connections, and the turns of the loop: see server.h.
 *
 * A turn: libevent calls what is ready; then parked requests that may go on
 * are run, the database seals its batch, every client that has something to
 * be sent is served once, and dead ones are freed. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/ns_cmds.h"
#include "kvsd/server.h"
#include "kvsd/stats.h"
#include "kvsd/watch.h"
#include "proto/daemon.h"

#define INPUT_SIZE	(256u << 10)
#define BACKLOG		4096
#define ACCEPT_MAX	64	/* in a turn */

static const struct timeval out_of_resources_pause = { 0, 100000 };

TAILQ_HEAD(conn_list, conn);

struct server {
	struct kvsd *kvsd;
	int fd;
	dev_t dev;			/* of the socket's file */
	ino_t ino;
	struct event *listener, *pause;
	double warned;			/* of a lack of resources */
	bool stop;
	LIST_HEAD(, conn) all;
	struct conn_list touched, waiting, runnable;
	struct table endpoints;
	struct server_stats stats;
	struct wire_buf sink;
	char input[INPUT_SIZE];
};

/* ---- the socket ---- */

__attribute__((format(printf, 3, 4)))
static int fail(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -1;
}

/* 0 if nobody listens at ADDRESS (and its file is removed). */
static int remove_stale(const struct sockaddr_un *address, char *why,
			size_t size)
{
	const char *path = address->sun_path;
	struct ucred peer = { 0, 0, 0 };
	socklen_t len = sizeof(peer);
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 :
			fail(why, size, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(why, size, "%s: exists and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(why, size, "socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	if (!rc)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	if (rc < 0 && errno != ECONNREFUSED)
		rc = fail(why, size, "%s: %s", path, strerror(errno));
	else if (!rc)
		rc = fail(why, size, "%s: in use by a live instance (pid %d)",
			  path, (int)peer.pid);
	else
		rc = unlink(path) < 0 && errno != ENOENT ?
			fail(why, size, "%s: %s", path, strerror(errno)) : 0;
	close(fd);
	return rc;
}

static int bind_socket(struct server *s, const struct sockaddr_un *address,
		       bool everybody, char *why, size_t size)
{
	mode_t mask = umask(everybody ? 0111 : 0177);
	struct stat st;
	int rc = bind(s->fd, (const struct sockaddr *)address,
		      sizeof(*address));

	umask(mask);
	if (rc < 0)
		return fail(why, size, "%s: %s", address->sun_path,
			    strerror(errno));
	if (lstat(address->sun_path, &st) < 0)
		return fail(why, size, "%s: %s", address->sun_path,
			    strerror(errno));
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static void on_accept(evutil_socket_t fd, short what, void *arg);
static void on_pause_end(evutil_socket_t fd, short what, void *arg);

int server_create(struct kvsd *k, char *why, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct server *s;

	if (strlen(k->options.socket) >= sizeof(address.sun_path))
		return fail(why, size, "%s: longer than the %zu bytes that a "
			    "socket's name may have", k->options.socket,
			    sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, k->options.socket);
	if (remove_stale(&address, why, size) < 0)
		return -1;
	s = xcalloc(1, sizeof(*s));
	s->kvsd = k;
	LIST_INIT(&s->all);
	TAILQ_INIT(&s->touched);
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->runnable);
	k->server = s;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return fail(why, size, "socket: %s", strerror(errno));
	if (bind_socket(s, &address, k->options.allow_users, why, size) < 0)
		return -1;
	s->listener = event_new(k->base, s->fd, EV_READ | EV_PERSIST,
				on_accept, k);
	s->pause = event_new(k->base, -1, 0, on_pause_end, k);
	return s->listener && s->pause ? 0 : fail(why, size, "no memory");
}

int server_listen(struct kvsd *k)
{
	struct server *s = k->server;

	return listen(s->fd, BACKLOG) < 0 || event_add(s->listener, NULL) < 0 ?
		-1 : 0;
}

/* ---- accepting ---- */

static enum wire_role role_of(const struct kvsd *k, uid_t uid)
{
	if (uid == k->owner)
		return WIRE_OWNER;
	for (int i = 0; i < k->admins; i++)
		if (k->admin[i] == uid)
			return WIRE_ADMIN;
	return WIRE_USER;
}

static void welcome(struct kvsd *k, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct conn *c;
	char text[128];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		close(fd);
		return;
	}
	k->server->stats.accepted++;
	c = conn_create(k, fd, peer.uid, peer.pid, role_of(k, peer.uid));
	if (c->role == WIRE_OWNER || k->options.allow_users)
		return;
	k->server->stats.refused++;
	snprintf(text, sizeof(text), "this instance is for uid %u only; you "
		 "are uid %u", (unsigned)k->owner, (unsigned)peer.uid);
	conn_protest(c, EPERM, text);
	conn_finish(c);
}

static void lack_of_resources(struct kvsd *k)
{
	struct server *s = k->server;
	double now = kvsd_now();

	s->stats.failed++;
	if (now - s->warned > 60) {
		s->warned = now;
		daemon_log(LOG_WARNING, "cannot accept a connection: %s",
			   strerror(errno));
	}
	event_del(s->listener);
	event_add(s->pause, &out_of_resources_pause);
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg)
{
	struct kvsd *k = arg;

	event_add(k->server->listener, NULL);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct kvsd *k = arg;

	assert(k->magic == KVSD_MAGIC);
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int client = accept4(fd, NULL, NULL,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client >= 0) {
			welcome(k, client);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EINTR: case ECONNABORTED: case EPROTO: case EPERM:
			continue;
		case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM:
			lack_of_resources(k);
			return;
		}
		daemon_log(LOG_CRIT, "accept: %s", strerror(errno));
		server_stop(k);
		return;
	}
}

/* ---- lists of connections ---- */

void server_add(struct kvsd *k, struct conn *c)
{
	LIST_INSERT_HEAD(&k->server->all, c, all);
	k->server->stats.connections++;
}

void server_remove(struct kvsd *k, struct conn *c)
{
	struct server *s = k->server;

	server_unwait(c);
	if (c->is_touched)
		TAILQ_REMOVE(&s->touched, c, touched);
	if (c->is_runnable)
		TAILQ_REMOVE(&s->runnable, c, runnable);
	if (c->endpoint)
		table_remove(&s->endpoints, &c->endpoint_node);
	LIST_REMOVE(c, all);
	s->stats.connections--;
}

void server_touch(struct conn *c)
{
	if (c->is_touched)
		return;
	c->is_touched = true;
	TAILQ_INSERT_TAIL(&c->kvsd->server->touched, c, touched);
}

void server_wait(struct conn *c)
{
	if (c->is_waiting)
		return;
	c->is_waiting = true;
	TAILQ_INSERT_TAIL(&c->kvsd->server->waiting, c, waiting);
}

void server_unwait(struct conn *c)
{
	if (!c->is_waiting)
		return;
	c->is_waiting = false;
	TAILQ_REMOVE(&c->kvsd->server->waiting, c, waiting);
}

void server_runnable(struct conn *c)
{
	if (c->is_runnable)
		return;
	c->is_runnable = true;
	TAILQ_INSERT_TAIL(&c->kvsd->server->runnable, c, runnable);
}

static uint64_t name_hash(const char *name)
{
	return table_hash(name, strlen(name), 0);
}

struct conn *server_endpoint(struct kvsd *k, const char *name)
{
	struct table_node *n;

	for (n = table_first(&k->server->endpoints, name_hash(name)); n;
	     n = table_next(n)) {
		struct conn *c = table_entry(n, struct conn, endpoint_node);

		if (!strcmp(c->endpoint, name))
			return c;
	}
	return NULL;
}

int server_endpoint_add(struct conn *c, const char *name)
{
	if (server_endpoint(c->kvsd, name)) {
		errno = EEXIST;
		return -1;
	}
	c->endpoint = xstrdup(name);
	table_add(&c->kvsd->server->endpoints, &c->endpoint_node,
		  name_hash(name));
	return 0;
}

void server_each(struct kvsd *k, void (*cb)(struct conn *c, void *arg),
		 void *arg)
{
	struct conn *c, *next;

	for (c = LIST_FIRST(&k->server->all); c; c = next) {
		next = LIST_NEXT(c, all);
		cb(c, arg);
	}
}

struct server_stats *server_stats(struct kvsd *k)
{
	return &k->server->stats;
}

void server_figures(struct kvsd *k, struct server_stats *stats)
{
	struct conn *c;

	*stats = k->server->stats;
	LIST_FOREACH(c, &k->server->all, all) {
		size_t output = conn_queued(c);

		for (int i = 0; i < LANES; i++)
			output += c->lane[i].len;
		stats->output += output;
		if (output > stats->output_largest)
			stats->output_largest = output;
		stats->held += c->held.len;
		stats->parked += c->parked_size;
		stats->blocked += c->blocked;
		stats->paused += c->paused;
	}
}

char *server_input(struct kvsd *k, size_t *size)
{
	*size = INPUT_SIZE;
	return k->server->input;
}

struct wire_buf *server_sink(struct kvsd *k)
{
	return &k->server->sink;
}

/* ---- turns ---- */

double kvsd_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void server_settle(void *arg, uint64_t ticket, const struct db_error *error)
{
	struct kvsd *k = arg;
	struct conn *c, *next;

	assert(k->magic == KVSD_MAGIC);
	if (error->errnum)
		daemon_log(LOG_ERR, "transactions were undone: %s",
			   error->text);
	k->settled = ticket;
	if (error->errnum && k->leases)
		leases_reload(k);
	stats_settle(k, ticket, !error->errnum);
	watches_settle(k, ticket, !error->errnum);
	waiters_settle(k, error->errnum ? error : NULL);
	if (!k->server)
		return;
	for (c = TAILQ_FIRST(&k->server->waiting); c; c = next) {
		next = TAILQ_NEXT(c, waiting);
		conn_settle(c, error->errnum ? error : NULL);
	}
}

static void run_runnable(struct server *s)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&s->runnable))) {
		TAILQ_REMOVE(&s->runnable, c, runnable);
		c->is_runnable = false;
		conn_resume(c);
	}
}

/* Serves each that is touched now; those that are touched meanwhile come
 * next time. */
static void flush_touched(struct server *s)
{
	struct conn *last = TAILQ_LAST(&s->touched, conn_list), *c;
	bool more = last != NULL;

	while (more && (c = TAILQ_FIRST(&s->touched))) {
		more = c != last;
		TAILQ_REMOVE(&s->touched, c, touched);
		c->is_touched = false;
		if (!c->dead)
			conn_flush(c);
		if (c->dead)
			conn_destroy(c);
	}
}

static void turn_end(struct kvsd *k)
{
	do {
		run_runnable(k->server);
		k->changed = false;
		db_turn_end(k->db);
		flush_touched(k->server);
	} while (k->changed || !TAILQ_EMPTY(&k->server->runnable));
}

void server_turn(struct kvsd *k, bool wait)
{
	int flags = EVLOOP_ONCE;

	if (!wait || !TAILQ_EMPTY(&k->server->touched))
		flags |= EVLOOP_NONBLOCK;
	event_base_loop(k->base, flags);
	turn_end(k);
}

void server_run(struct kvsd *k)
{
	while (!k->server->stop)
		server_turn(k, true);
}

void server_stop(struct kvsd *k)
{
	k->server->stop = true;
}

/* What was acknowledged is told, as far as the clients take it at once. */
static void say_goodbye(struct kvsd *k)
{
	db_wait(k->db);
	flush_touched(k->server);
}

void server_destroy(struct kvsd *k)
{
	struct server *s = k->server;
	struct conn *c;
	struct stat st;

	if (!s)
		return;
	if (k->db)
		say_goodbye(k);
	while ((c = LIST_FIRST(&s->all)))
		conn_destroy(c);
	if (s->listener)
		event_free(s->listener);
	if (s->pause)
		event_free(s->pause);
	if (s->fd >= 0)
		close(s->fd);
	if (s->ino && !lstat(k->options.socket, &st) &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(k->options.socket);
	table_free(&s->endpoints);
	wire_buf_free(&s->sink);
	free(s);
	k->server = NULL;
}
