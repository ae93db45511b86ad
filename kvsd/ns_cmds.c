/* SPDX-License-Identifier: Apache-2.0 */
/* Making, removing and listing namespaces and their snapshots, and sync:
 * waiting until one has reached a version. weir-protocol(7). */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/ns_cmds.h"
#include "kvsd/watch.h"

/* ---- make, remove, list ---- */

static int options_of_create(struct conn *c, const struct wire_frame *f,
			     uint64_t *owner, struct db_hash *hash)
{
	const char *root = arg_option(f, "root");

	*owner = c->kvsd->owner;
	if (arg_u64(c, f, "owner", owner) < 0)
		return -1;
	if (*owner >= (uid_t)-1) {
		reply_err(c, f->word[0], EINVAL, "owner=%ju is no uid",
			  (uintmax_t)*owner);
		return -1;
	}
	if (root && db_hash_parse(root, hash) < 0) {
		reply_err(c, f->word[0], EINVAL, "root=%.64s is no hash",
			  root);
		return -1;
	}
	return 0;
}

static void confirm(struct conn *c, const struct wire_frame *f)
{
	conn_changed(c);
	watches_record_namespace(c->kvsd, f->word[ARG]);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}

/* Whether it exists may depend on what is not durable. */
static void refuse(struct conn *c, const struct wire_frame *f,
		   const struct db_error *error)
{
	conn_depends(c);
	reply_error(c, f->word[0], error);
}

void do_ns_create(struct conn *c, const struct wire_frame *f)
{
	struct db_settings settings = db_settings_default;
	struct db_error error = { EIO, "" };
	struct db_hash hash;
	uint64_t owner, lease;

	if (options_of_create(c, f, &owner, &hash) < 0 ||
	    arg_settings(c, f, &settings) < 0)
		return;
	if (lease_check(c, arg_option(f, "lease"), &lease, &error) < 0) {
		refuse(c, f, &error);
		return;
	}
	if (db_namespace_create(c->kvsd->db, f->word[ARG], owner,
				arg_option(f, "root") ? &hash : NULL,
				&error) < 0 ||
	    db_namespace_set(c->kvsd->db, f->word[ARG], &settings,
			     &error) < 0 ||
	    (lease && db_namespace_lease(c->kvsd->db, f->word[ARG], lease,
					 &error) < 0))
		refuse(c, f, &error);
	else
		confirm(c, f);
}

void do_ns_remove(struct conn *c, const struct wire_frame *f)
{
	struct db_error error = { EIO, "" };

	if (db_namespace_remove(c->kvsd->db, arg_namespace(f->word[ARG]),
				&error) < 0)
		refuse(c, f, &error);
	else
		confirm(c, f);
}

struct listing {
	struct conn *conn;
	const char *of;		/* namespace whose snapshots are wanted */
	struct wire_buf text;
};

static int list_one(const struct db_namespace_info *info, void *arg)
{
	struct listing *l = arg;

	if (strchr(info->name, '@') ||
	    conn_check_namespace(info->name, info->owner, l->conn))
		return 0;
	wire_word(&l->text, info->name);
	wire_u64(&l->text, info->owner);
	wire_u64(&l->text, info->version);
	return wire_end(&l->text);
}

void do_ns_list(struct conn *c, const struct wire_frame *f)
{
	struct listing l = { .conn = c };

	wire_buf_init(&l.text);
	db_namespace_each(c->kvsd->db, list_one, &l);
	reply_begin(c, f->word[0], "ok");
	reply_payload(c, l.text.data, l.text.len);
	wire_buf_free(&l.text);
}

/* ---- snapshots ---- */

/* It was made or removed. */
static void note_snapshot(struct conn *c, const char *ns, const char *name)
{
	char full[2 * DB_NAME_MAX + 2];

	snprintf(full, sizeof(full), "%s@%s", ns, name);
	conn_changed(c);
	watches_record_namespace(c->kvsd, full);
}

void do_snapshot(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	const char *name = arg_option(f, "name");
	struct db_error error = { EIO, "" };
	char text[2 * DB_HASH_SIZE + 1], number[24];
	struct db_namespace_info info;
	struct db_hash hash;
	struct wire_buf *b;
	uint64_t version;

	if (!db_namespace_info(c->kvsd->db, ns, true, &info) &&
	    conn_check_namespace(ns, info.owner, c)) {
		reply_err(c, f->word[0], EPERM, "namespace %s belongs to "
			  "another user", ns);
		return;
	}
	if (db_snapshot(c->kvsd->db, ns, name, arg_option(f, "at"), &version,
			&hash, &error) < 0) {
		refuse(c, f, &error);
		return;
	}
	if (!name) {
		snprintf(number, sizeof(number), "%ju", (uintmax_t)version);
		name = number;
	}
	note_snapshot(c, ns, name);
	db_hash_text(&hash, text);
	b = reply_begin(c, f->word[0], "ok");
	wire_opt(b, "name", name);
	wire_opt_u64(b, "version", version);
	wire_opt(b, "hash", text);
	reply_end(c);
}

void do_snapshot_remove(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	struct db_error error = { EIO, "" };

	if (db_snapshot_remove(c->kvsd->db, ns, f->word[ARG + 1],
			       conn_check_namespace, c, &error) < 0) {
		refuse(c, f, &error);
		return;
	}
	note_snapshot(c, ns, f->word[ARG + 1]);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}

static int list_snapshot(const struct db_namespace_info *info, void *arg)
{
	struct listing *l = arg;
	size_t len = strlen(l->of);
	char text[2 * DB_HASH_SIZE + 1];

	if (strncmp(info->name, l->of, len) || info->name[len] != '@' ||
	    conn_check_namespace(info->name, info->owner, l->conn))
		return 0;
	db_hash_text(&info->root, text);
	wire_word(&l->text, info->name + len + 1);
	wire_u64(&l->text, info->version);
	wire_u64(&l->text, db_snapshot_time(l->conn->kvsd->db, info->name));
	wire_verbatim(&l->text, text);
	return wire_end(&l->text);
}

void do_snapshot_list(struct conn *c, const struct wire_frame *f)
{
	struct listing l = { .conn = c, .of = arg_namespace(f->word[ARG]) };

	wire_buf_init(&l.text);
	db_namespace_each(c->kvsd->db, list_snapshot, &l);
	reply_begin(c, f->word[0], "ok");
	reply_payload(c, l.text.data, l.text.len);
	wire_buf_free(&l.text);
}

/* ---- sync ---- */

struct waiter {
	struct stream stream;
	TAILQ_ENTRY(waiter) next;
	uint64_t version;
	uint64_t ticket;	/* or 0; of all that was applied by then */
	struct event *timer;
	char ns[DB_NAME_MAX + 1];
};

struct waiters {
	TAILQ_HEAD(, waiter) all;
};

void waiters_create(struct kvsd *k)
{
	k->waiters = xcalloc(1, sizeof(*k->waiters));
	TAILQ_INIT(&k->waiters->all);
}

void waiters_destroy(struct kvsd *k)
{
	free(k->waiters);
	k->waiters = NULL;
}

static void waiter_free(struct stream *s)
{
	struct waiter *w = (struct waiter *)s;
	struct conn *c = s->conn;

	TAILQ_REMOVE(&c->kvsd->waiters->all, w, next);
	if (w->timer)
		event_free(w->timer);
	stream_end(s);
	c->calls--;
	conn_touch(c);
	free(w);
}

static void waiter_fail(struct waiter *w, int errnum, const char *text)
{
	answer_err(w->stream.conn, w->stream.tag, errnum, text);
	waiter_free(&w->stream);
}

static void waiter_cancel(struct stream *s)
{
	waiter_fail((struct waiter *)s, ECANCELED, "canceled");
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	waiter_fail(arg, ETIMEDOUT, "the version has not come in time");
}

static const struct stream_ops waiter_ops = {
	"sync", waiter_cancel, waiter_free, NULL
};

/* True if it was answered and is gone. */
static bool waiter_look(struct waiter *w)
{
	struct conn *c = w->stream.conn;
	struct db_namespace_info info;

	if (db_namespace_info(c->kvsd->db, w->ns, false, &info) < 0) {
		waiter_fail(w, ENOENT, "the namespace does not exist");
		return true;
	}
	if (conn_check_namespace(w->ns, info.owner, c)) {
		waiter_fail(w, EPERM, "the namespace belongs to another "
			    "user");
		return true;
	}
	if (info.version < w->version || c->kvsd->settled < w->ticket)
		return false;
	wire_opt_u64(answer_begin(c, w->stream.tag, "ok"), "version",
		     info.version);
	reply_end(c);
	waiter_free(&w->stream);
	return true;
}

void waiters_settle(struct kvsd *k, const struct db_error *error)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&k->waiters->all); w; w = next) {
		next = TAILQ_NEXT(w, next);
		if (error && w->ticket)
			waiter_fail(w, error->errnum, error->text);
		else
			waiter_look(w);
	}
}

static void set_timer(struct waiter *w, double seconds)
{
	struct timeval tv = { seconds, (seconds - (long)seconds) * 1e6 };

	w->timer = event_new(w->stream.conn->kvsd->base, -1, 0, on_timeout, w);
	if (!w->timer || event_add(w->timer, &tv) < 0)
		abort();
}

void do_sync(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	double timeout = -1;
	struct waiter *w;
	uint64_t version = 0;

	if (arg_seconds(c, f, "timeout", &timeout) < 0)
		return;
	if ((f->words > ARG + 1 && !strchr(f->word[ARG + 1], '=') &&
	     wire_parse_u64(f->word[ARG + 1], &version) < 0) ||
	    strlen(ns) > DB_NAME_MAX) {
		reply_err(c, f->word[0], EINVAL, "sync takes a namespace and "
			  "a version");
		return;
	}
	w = xcalloc(1, sizeof(*w));
	if (stream_begin(&w->stream, c, f->word[0], &waiter_ops) < 0) {
		free(w);
		return;
	}
	strcpy(w->ns, ns);
	w->version = version;
	w->ticket = version ? 0 : db_ticket(c->kvsd->db);
	c->calls++;
	TAILQ_INSERT_TAIL(&c->kvsd->waiters->all, w, next);
	if (!waiter_look(w) && timeout >= 0)
		set_timer(w, timeout);
}
