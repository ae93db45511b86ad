/* SPDX-License-Identifier: Apache-2.0 */
/* Watches: beginning and ending them, finding where their keys lead, and
 * telling them of what has become durable. weir-protocol(7), Watching. */
#include "config.h"

#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/watch_private.h"

#define KEPT_MAX	(64u << 20)	/* bytes of data that wait to be
					   durable */

void watches_create(struct kvsd *k)
{
	k->watches = xcalloc(1, sizeof(*k->watches));
	TAILQ_INIT(&k->watches->dangling);
	k->watches->last = &k->watches->first;
}

void watches_destroy(struct kvsd *k)
{
	struct watches *watches = k->watches;

	if (!watches)
		return;
	watches_settle(k, UINT64_MAX, false);
	table_free(&watches->spots);
	free(watches);
	k->watches = NULL;
}

void watch_stats(const struct kvsd *k, struct watch_stats *stats)
{
	*stats = k->watches->stats;
	stats->spots = k->watches->spots.count;
}

static struct watches *watches_of(const struct watch *w)
{
	return w->stream.conn->kvsd->watches;
}

/* ---- what was applied ---- */

static void add(struct watches *watches, struct applied *applied)
{
	if (!applied)
		return;
	*watches->last = applied;
	watches->last = &applied->next;
	watches->stats.kept_bytes += applied->kept;
}

static void look_for_prefix(struct hook *hook, enum where where,
			    const char *tail, void *arg)
{
	if (hook->watch->mode == MODE_PREFIX && where != ABOVE)
		*(bool *)arg = true;
}

/* Only a watch of mode prefix is told an operation's data. One that comes too
 * late for this asks for what differs. */
static bool data_wanted(const struct db_op *op, void *arg)
{
	struct watches *watches = arg;
	bool wanted = false;

	if (!watches->prefixes || watches->stats.kept_bytes > KEPT_MAX)
		return false;
	spots_tell(&watches->spots, op->ns_changed, op->key_changed,
		   look_for_prefix, &wanted);
	return wanted;
}

void watches_record(struct kvsd *k, const struct db_op *ops, size_t count)
{
	add(k->watches, applied_create(k->db, ops, count, data_wanted,
				       k->watches));
}

void watches_record_namespace(struct kvsd *k, const char *name)
{
	add(k->watches, applied_namespace(k->db, name));
}

/* ---- telling ---- */

static void tell_one(struct hook *hook, enum where where, const char *tail,
		     void *arg)
{
	struct watch *w = hook->watch;

	if (w->mode == MODE_PREFIX)
		prefix_told(w, hook, arg, where, tail);
	else
		value_told(w, hook, arg, where, tail);
}

static void tell_namespace(struct watches *watches, const char *name)
{
	struct applied_op op = { .op = APPLIED_NAMESPACE, .ns = name,
				 .key = "." };
	struct watch *w;

	spots_tell(&watches->spots, name, ".", tell_one, &op);
	TAILQ_FOREACH(w, &watches->dangling, dangling)
		tell_one(&w->place, ABOVE, "", &op);
}

static void tell(struct watches *watches, struct applied_op *op)
{
	if (op->op == APPLIED_NAMESPACE) {
		tell_namespace(watches, op->key);
		return;
	}
	spots_tell(&watches->spots, op->ns, op->key, tell_one, op);
	if (op->op == OP_adopt)
		tell_namespace(watches, op->arg);
}

static void weigh_one(struct hook *hook, enum where where, const char *tail,
		      void *arg)
{
	if (hook->watch->mode == MODE_PREFIX)
		prefix_weigh(hook->watch, hook, arg, where, tail);
}

static void weigh(struct watches *watches, uint64_t ticket)
{
	struct applied *applied;

	for (applied = watches->first; applied && applied->ticket <= ticket;
	     applied = applied->next)
		for (size_t i = 0; i < applied->count; i++)
			if (applied->op[i].op != APPLIED_NAMESPACE)
				spots_tell(&watches->spots, applied->op[i].ns,
					   applied->op[i].key, weigh_one,
					   &applied->op[i]);
}

void watches_settle(struct kvsd *k, uint64_t ticket, bool ok)
{
	struct watches *watches = k->watches;
	struct applied *applied;

	watches->round++;
	if (ok && watches->prefixes)
		weigh(watches, ticket);
	while ((applied = watches->first) && applied->ticket <= ticket) {
		watches->first = applied->next;
		if (!watches->first)
			watches->last = &watches->first;
		for (size_t i = 0; ok && i < applied->count; i++)
			tell(watches, &applied->op[i]);
		watches->stats.kept_bytes -= applied->kept;
		free(applied);
	}
}

/* ---- finding the place ---- */

static void leave_place(struct watch *w)
{
	struct table *spots = &watches_of(w)->spots;

	hook_off(spots, &w->place);
	for (int i = 0; i < w->links; i++)
		hook_off(spots, &w->link[i]);
	free(w->link);
	free(w->place_ns);
	free(w->place_key);
	w->link = NULL;
	w->links = 0;
	w->place_ns = w->place_key = NULL;
}

static void take_place(struct watch *w, const struct db_entry *entry)
{
	struct table *spots = &watches_of(w)->spots;

	w->place_ns = xstrdup(entry->ns);
	w->place_key = xstrdup(entry->key);
	w->place.watch = w;
	hook_on(spots, &w->place, entry->ns, entry->key);
	if (!entry->links)
		return;
	w->link = xcalloc(entry->links, sizeof(*w->link));
	w->links = entry->links;
	for (int i = 0; i < entry->links; i++) {
		w->link[i].watch = w;
		w->link[i].is_link = true;
		hook_on(spots, &w->link[i], entry->link[i].ns,
			entry->link[i].key);
	}
}

static void set_dangling(struct watch *w, bool dangling)
{
	struct watches *watches = watches_of(w);

	if (dangling == w->is_dangling)
		return;
	w->is_dangling = dangling;
	if (dangling)
		TAILQ_INSERT_TAIL(&watches->dangling, w, dangling);
	else
		TAILQ_REMOVE(&watches->dangling, w, dangling);
}

int watch_look(struct watch *w, struct db_view *view, struct db_entry *entry,
	       struct db_error *error)
{
	int rc = db_lookup(view, w->key, false, conn_check_namespace,
			   w->stream.conn, entry, error);
	int errnum = errno;

	if (rc < 0 && !watch_absent(errnum)) {
		errno = errnum;
		return -1;
	}
	/* Most have no links on the way: then the place never changes. */
	if (!w->place_ns || w->links || entry->links ||
	    strcmp(w->place_ns, entry->ns) ||
	    strcmp(w->place_key, entry->key)) {
		leave_place(w);
		take_place(w, entry);
	}
	set_dangling(w, rc < 0 && entry->links);
	errno = errnum;
	return rc;
}

bool watch_absent(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP;
}

/* ---- ending ---- */

static void watch_free(struct stream *s)
{
	struct watch *w = (struct watch *)s;
	struct watches *watches = watches_of(w);

	set_dangling(w, false);
	leave_place(w);
	watches->stats.watches--;
	watches->prefixes -= w->mode == MODE_PREFIX;
	watches->stats.behind -= w->behind;
	db_view_close(w->old);
	db_view_close(w->new);
	free(w->told);
	stream_end(s);
	free(w->ns);
	free(w->key);
	free(w);
}

void watch_end(struct watch *w, int errnum, const char *text)
{
	push_end(w->stream.conn, w->stream.tag, errnum, text);
	watch_free(&w->stream);
}

static void watch_cancel(struct stream *s)
{
	watch_end((struct watch *)s, ECANCELED, "canceled");
}

static bool watch_pump(struct stream *s)
{
	struct watch *w = (struct watch *)s;

	return w->mode == MODE_PREFIX ? prefix_pump(w) : value_pump(w);
}

static const struct stream_ops watch_ops = {
	"watch", watch_cancel, watch_free, watch_pump
};

struct wire_buf *watch_push(struct watch *w, const char *kind)
{
	watches_of(w)->stats.pushes++;
	return push_begin(w->stream.conn, w->stream.tag, kind);
}

/* ---- beginning ---- */

struct request {
	enum watch_mode mode;
	bool wait, has_from, anew;
	uint64_t from, offset;
	struct db_view *view;
	struct db_view *old;		/* the state at FROM, or NULL */
	bool forgotten;			/* FROM is not kept */
	bool undone;			/* FROM is ahead of what there is */
};

static int parse_mode(struct conn *c, const struct wire_frame *f,
		      enum watch_mode *mode)
{
	static const char *const names[] = { "latest", "append", "prefix" };
	const char *text = arg_option(f, "mode");

	*mode = MODE_LATEST;
	for (int i = 0; text && i < 3; i++) {
		if (strcmp(text, names[i]))
			continue;
		*mode = i;
		return 0;
	}
	if (!text)
		return 0;
	reply_err(c, f->word[0], EINVAL, "mode=%.32s is none of latest, "
		  "append and prefix", text);
	return -1;
}

static int parse_request(struct conn *c, const struct wire_frame *f,
			 struct request *r)
{
	*r = (struct request) { .has_from = arg_option(f, "from") != NULL };
	if (parse_mode(c, f, &r->mode) < 0 ||
	    arg_flag(c, f, "wait", &r->wait) < 0 ||
	    arg_flag(c, f, "anew", &r->anew) < 0 ||
	    arg_u64(c, f, "from", &r->from) < 0 ||
	    arg_u64(c, f, "offset", &r->offset) < 0)
		return -1;
	if (r->offset && r->mode != MODE_APPEND) {
		reply_err(c, f->word[0], EINVAL,
			  "offset= is for mode=append");
		return -1;
	}
	return 0;
}

/* What the client knows already, if it said so. */
static void take_known(struct watch *w, struct db_view *old)
{
	struct db_entry entry;

	w->exists = !db_lookup(old, w->key, false, conn_check_namespace,
			       w->stream.conn, &entry, NULL) &&
		entry.type == DB_VALUE &&
		!db_entry_hash(old, &entry, &w->hash);
	db_entry_clear(&entry);
}

/* Whether the bytes that the client has of the value, told by version FROM,
 * are those that it begins with now. Where the past is not known, as that of
 * what links into other namespaces lead to, it is taken for the same if it can
 * be: most values that are appended to are never replaced. */
static bool goes_on(struct watch *w, struct request *r)
{
	struct db_entry was = { .private = NULL }, is;
	bool had = false, has, same;

	if (r->old)
		had = !db_lookup(r->old, w->key, false, conn_check_namespace,
				 w->stream.conn, &was, NULL) &&
			was.type == DB_VALUE;
	has = !db_lookup(r->view, w->key, false, conn_check_namespace,
			 w->stream.conn, &is, NULL) && is.type == DB_VALUE &&
		!db_entry_hash(r->view, &is, &w->hash);
	if (!has)
		same = true;		/* which is told as gone */
	else if (is.size < r->offset)
		same = false;
	else if (!r->old || strcmp(was.ns, w->ns))
		same = !r->undone;
	else
		same = had && db_same_prefix(r->view, &was, &is,
					     was.size < r->offset ? was.size :
					     r->offset) > 0;
	db_entry_clear(&was);
	db_entry_clear(&is);
	return same;
}

static void start_append(struct watch *w, struct request *r)
{
	w->offset = r->offset;
	if (!r->offset || !r->from)
		return;
	w->exists = true;
	w->replaced = !goes_on(w, r);
}

static void start_prefix(struct watch *w, struct request *r)
{
	if (r->forgotten) {
		w->say_lagged = w->say_unlink = true;
		w->lag_version = r->from;
	}
	prefix_catch_up(w, r->old);
	r->old = NULL;
}

static void start(struct watch *w, struct request *r)
{
	uint64_t version = db_view_version(r->view);
	struct wire_buf *b = reply_begin(w->stream.conn, w->stream.tag, "ok");

	wire_opt_u64(b, "version", version);
	reply_end(w->stream.conn);
	if (w->mode != MODE_PREFIX) {
		if (w->mode == MODE_APPEND)
			start_append(w, r);
		else if (r->old)
			take_known(w, r->old);
		stream_ready(&w->stream);
	} else if (r->has_from) {
		start_prefix(w, r);
	} else {
		wire_opt_u64(watch_push(w, "synced"), "version", version);
		reply_end(w->stream.conn);
	}
}

/* Whether the key may be watched as R wants, in its present state. */
static bool may_begin(struct watch *w, const struct request *r,
		      struct db_error *error)
{
	struct db_entry entry;
	bool wait = r->wait || r->mode == MODE_PREFIX;
	int errnum = watch_look(w, r->view, &entry, error) < 0 ? errno : 0;
	bool dir = !errnum && entry.type == DB_DIR;

	db_entry_clear(&entry);
	if (errnum)
		return wait && watch_absent(errnum);
	if (!dir || wait)
		return true;
	error->errnum = EISDIR;
	strcpy(error->text, "it is a directory: mode=prefix watches those");
	return false;
}

static void begin(struct conn *c, const struct wire_frame *f,
		  struct request *r)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	struct watches *watches = c->kvsd->watches;
	struct db_error error;

	if (stream_begin(&w->stream, c, f->word[0], &watch_ops) < 0) {
		free(w);
		return;
	}
	w->mode = r->mode;
	w->ns = xstrdup(arg_namespace(f->word[ARG]));
	w->key = xstrdup(f->word[ARG + 1]);
	watches->stats.watches++;
	watches->prefixes += w->mode == MODE_PREFIX;
	if (may_begin(w, r, &error)) {
		start(w, r);
		return;
	}
	watch_free(&w->stream);
	reply_error(c, f->word[0], &error);
}

void do_watch(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	struct db *db = c->kvsd->db;
	struct db_error error;
	struct request r;

	if (parse_request(c, f, &r) < 0)
		return;
	r.view = db_view_open(db, ns, NULL, false, &error);
	if (r.view && r.from) {
		r.old = db_view_open_from(db, ns, r.from, &error);
		r.undone = !r.old && r.anew && error.errnum == EINVAL;
		r.forgotten = r.undone || (!r.old && r.anew &&
					   error.errnum == ESTALE);
	}
	if (!r.view || (r.from && !r.old && !r.forgotten))
		reply_error(c, f->word[0], &error);
	else
		begin(c, f, &r);
	db_view_close(r.old);
	db_view_close(r.view);
}
