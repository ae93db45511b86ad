/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: the database knows them and their keys; here are the connections
 * that hold them and the clocks of those that nobody holds. A lease ends by an
 * ordinary transaction, so watches see its keys go; namespaces bound to it are
 * removed.
 * weir-protocol(7), Leases. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/watch.h"
#include "proto/daemon.h"

#define SECONDS_MAX	86400
#define USER_MAX	1024	/* of a user other than the owner */
#define LEASE_MAGIC	0x77650004u
#define RETRY_SECONDS	1.0	/* at least, when ending one was undone */

struct tenure {
	unsigned magic;
	LIST_ENTRY(tenure) all;
	struct kvsd *kvsd;
	uint64_t id;
	double seconds;
	uid_t owner;
	struct conn *holder;	/* or NULL, and the clock runs */
	struct event *clock;
};

struct leases {
	LIST_HEAD(, tenure) all;
};

static struct tenure *tenure_find(struct kvsd *k, uint64_t id)
{
	struct tenure *t;

	LIST_FOREACH(t, &k->leases->all, all)
		if (t->id == id)
			break;
	return t;
}

static void tenure_free(struct tenure *t)
{
	LIST_REMOVE(t, all);
	event_free(t->clock);
	t->magic = 0;
	free(t);
}

/* ---- the end ---- */

struct keys {
	struct db_op *op;
	char **ns;
	size_t count, room;
};

struct bound {
	struct keys keys, whole;	/* the second: namespaces */
};

static void keys_add(const char *ns, const char *key, void *arg)
{
	struct bound *bound = arg;
	struct keys *keys = strcmp(key, ".") ? &bound->keys : &bound->whole;

	if (keys->count == keys->room) {
		keys->room = keys->room ? 2 * keys->room : 16;
		keys->op = xrealloc(keys->op, keys->room * sizeof(*keys->op));
		keys->ns = xrealloc(keys->ns, keys->room *
				    sizeof(*keys->ns));
	}
	keys->ns[keys->count] = xstrdup(ns);
	keys->op[keys->count++] = (struct db_op) {
		.op = OP_unlink, .key = xstrdup(key), .flags = DB_UNLINK_FORCE
	};
}

/* Whether KEY is still a value: another's directory may stand there now. */
static bool is_value(struct kvsd *k, const char *ns, const char *key)
{
	struct db_view *view = db_view_open(k->db, ns, NULL, true, NULL);
	struct db_entry entry;
	bool found;

	if (!view)
		return false;
	found = !db_lookup(view, key, true, NULL, NULL, &entry, NULL) &&
		entry.type == DB_VALUE;
	db_entry_clear(&entry);
	db_view_close(view);
	return found;
}

/* Unlinks the keys I to END, which are of one namespace. */
static void unlink_keys(struct kvsd *k, struct keys *keys, size_t from,
			size_t end)
{
	struct db_error error = { EIO, "" };
	uint64_t version;

	if (db_apply(k->db, keys->ns[from], &keys->op[from], end - from, NULL,
		     NULL, &version, &error) < 0) {
		daemon_log(LOG_ERR, "the end of a lease: %s", error.text);
		return;
	}
	k->changed = true;
	watches_record(k, &keys->op[from], end - from);
}

static void drop_other_types(struct kvsd *k, struct keys *keys)
{
	size_t kept = 0;

	for (size_t i = 0; i < keys->count; i++) {
		if (is_value(k, keys->ns[i], keys->op[i].key)) {
			keys->ns[kept] = keys->ns[i];
			keys->op[kept++] = keys->op[i];
		} else {
			free(keys->ns[i]);
			free((char *)keys->op[i].key);
		}
	}
	keys->count = kept;
}

static void keys_free(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free((char *)keys->op[i].key);
		free(keys->ns[i]);
	}
	free(keys->op);
	free(keys->ns);
}

static void remove_namespaces(struct kvsd *k, const struct keys *whole)
{
	struct db_error error = { EIO, "" };

	for (size_t i = 0; i < whole->count; i++) {
		if (db_namespace_remove(k->db, whole->ns[i], &error) < 0) {
			daemon_log(LOG_ERR, "the end of a lease: %s",
				   error.text);
			continue;
		}
		watches_record_namespace(k, whole->ns[i]);
	}
}

static void lease_finish(struct kvsd *k, uint64_t id)
{
	struct bound bound = { 0 };
	struct keys *keys = &bound.keys;
	size_t i, end;

	db_lease_keys(k->db, id, keys_add, &bound);
	remove_namespaces(k, &bound.whole);
	drop_other_types(k, keys);
	for (i = 0; i < keys->count; i = end) {
		end = i + 1;
		while (end < keys->count &&
		       !strcmp(keys->ns[end], keys->ns[i]))
			end++;
		unlink_keys(k, keys, i, end);
	}
	db_lease_remove(k->db, id, kvsd_now());
	k->changed = true;
	keys_free(keys);
	keys_free(&bound.whole);
}

static void on_clock(evutil_socket_t fd, short what, void *arg)
{
	struct tenure *t = arg;
	struct kvsd *k = t->kvsd;
	uint64_t id = t->id;

	assert(t->magic == LEASE_MAGIC);
	daemon_log(LOG_DEBUG, "lease %ju has ended", (uintmax_t)id);
	tenure_free(t);
	lease_finish(k, id);
}

/* ---- beginning, and who holds it ---- */

static struct tenure *tenure_create(struct kvsd *k, uint64_t id,
				    double seconds, uid_t owner,
				    struct conn *holder)
{
	struct tenure *t = xcalloc(1, sizeof(*t));

	t->magic = LEASE_MAGIC;
	t->kvsd = k;
	t->id = id;
	t->seconds = seconds;
	t->owner = owner;
	t->holder = holder;
	t->clock = event_new(k->base, -1, 0, on_clock, t);
	if (!t->clock)
		abort();
	LIST_INSERT_HEAD(&k->leases->all, t, all);
	return t;
}

static void run_clock(struct tenure *t, double seconds)
{
	struct timeval tv = { seconds, (seconds - (long)seconds) * 1e6 };

	t->holder = NULL;
	if (event_add(t->clock, &tv) < 0)
		abort();
}

static void adopt_lease(uint64_t id, void *arg)
{
	struct kvsd *k = arg;
	double seconds;
	uid_t owner;

	if (tenure_find(k, id) ||
	    db_lease_info(k->db, id, &seconds, &owner) < 0)
		return;
	run_clock(tenure_create(k, id, seconds, owner, NULL),
		  seconds > RETRY_SECONDS ? seconds : RETRY_SECONDS);
}

void leases_create(struct kvsd *k)
{
	k->leases = xcalloc(1, sizeof(*k->leases));
	LIST_INIT(&k->leases->all);
	db_lease_each(k->db, adopt_lease, k);
}

void leases_destroy(struct kvsd *k)
{
	struct tenure *t;

	if (!k->leases)
		return;
	while ((t = LIST_FIRST(&k->leases->all)))
		tenure_free(t);
	free(k->leases);
	k->leases = NULL;
}

void leases_reload(struct kvsd *k)
{
	struct tenure *t, *next;
	double seconds;
	uid_t owner;

	for (t = LIST_FIRST(&k->leases->all); t; t = next) {
		next = LIST_NEXT(t, all);
		if (db_lease_info(k->db, t->id, &seconds, &owner) < 0)
			tenure_free(t);
	}
	db_lease_each(k->db, adopt_lease, k);
}

void lease_conn_closed(struct conn *c)
{
	struct tenure *t;

	LIST_FOREACH(t, &c->kvsd->leases->all, all)
		if (t->holder == c)
			run_clock(t, t->seconds);
}

/* ---- commands ---- */

/* "lease ID has ended", and when, if that is known. */
static void ended_text(struct kvsd *k, uint64_t id, char *text, size_t size)
{
	char when[32];
	struct tm tm;
	double ended;
	time_t t;

	if (db_lease_ended(k->db, id, &ended) < 0) {
		snprintf(text, size, "lease %ju has ended", (uintmax_t)id);
		return;
	}
	t = ended;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	snprintf(text, size, "lease %ju has ended, at %s [ended=%ju.%06u]",
		 (uintmax_t)id, when, (uintmax_t)ended,
		 (unsigned)((ended - (double)t) * 1e6));
}

int lease_check(struct conn *c, const char *text, uint64_t *id,
		struct db_error *error)
{
	double seconds;
	uid_t owner;

	*id = 0;
	if (!text)
		return 0;
	if (wire_parse_u64(text, id) < 0) {
		error->errnum = EINVAL;
		snprintf(error->text, sizeof(error->text), "lease=%.32s is no "
			 "number", text);
		return -1;
	}
	if (db_lease_info(c->kvsd->db, *id, &seconds, &owner) < 0) {
		error->errnum = ENOENT;
		ended_text(c->kvsd, *id, error->text, sizeof(error->text));
		return -1;
	}
	if (conn_check_namespace(NULL, owner, c)) {
		error->errnum = EPERM;
		snprintf(error->text, sizeof(error->text), "lease %.32s "
			 "belongs to another user", text);
		return -1;
	}
	return 0;
}

static unsigned leases_of(struct kvsd *k, uid_t uid)
{
	struct tenure *t;
	unsigned n = 0;

	LIST_FOREACH(t, &k->leases->all, all)
		n += t->owner == uid;
	return n;
}

void do_lease(struct conn *c, const struct wire_frame *f)
{
	double seconds;
	uint64_t id;

	if (wire_parse_seconds(f->word[ARG], &seconds) < 0 ||
	    seconds > SECONDS_MAX) {
		reply_err(c, f->word[0], EINVAL, "'%.32s' is no number of "
			  "seconds from 0 to %d", f->word[ARG], SECONDS_MAX);
		return;
	}
	if (c->role != WIRE_OWNER &&
	    leases_of(c->kvsd, c->uid) >= USER_MAX) {
		reply_err(c, f->word[0], EAGAIN, "you have %d leases: end "
			  "some", USER_MAX);
		return;
	}
	id = db_lease_create(c->kvsd->db, seconds, c->uid);
	conn_changed(c);
	tenure_create(c->kvsd, id, seconds, c->uid, c);
	wire_opt_u64(reply_begin(c, f->word[0], "ok"), "id", id);
	reply_end(c);
}

/* The lease that F names and C may use, or NULL after an error reply. */
static struct tenure *named_lease(struct conn *c, const struct wire_frame *f)
{
	struct tenure *t;
	char text[128];
	double seconds;
	uint64_t id;
	uid_t owner;

	if (wire_parse_u64(f->word[ARG], &id) < 0) {
		reply_err(c, f->word[0], EINVAL, "'%.32s' is no lease's "
			  "number", f->word[ARG]);
		return NULL;
	}
	t = tenure_find(c->kvsd, id);
	if (!t || db_lease_info(c->kvsd->db, id, &seconds, &owner) < 0) {
		ended_text(c->kvsd, id, text, sizeof(text));
		reply_err(c, f->word[0], ENOENT, "%s", text);
		return NULL;
	}
	if (conn_check_namespace(NULL, owner, c)) {
		reply_err(c, f->word[0], EPERM, "lease %ju belongs to another "
			  "user", (uintmax_t)id);
		return NULL;
	}
	return t;
}

void do_lease_renew(struct conn *c, const struct wire_frame *f)
{
	struct tenure *t = named_lease(c, f);

	if (!t)
		return;
	event_del(t->clock);
	t->holder = c;
	wire_opt_time(reply_begin(c, f->word[0], "ok"), "seconds", t->seconds);
	reply_end(c);
}

void do_lease_end(struct conn *c, const struct wire_frame *f)
{
	struct tenure *t = named_lease(c, f);
	uint64_t id;

	if (!t)
		return;
	id = t->id;
	tenure_free(t);
	lease_finish(c->kvsd, id);
	conn_changed(c);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}
