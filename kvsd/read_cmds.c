/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: get, stat, list, readlink, root. All may see the newest durable
 * state; a connection with transactions that are not durable sees what it
 * applied, and gets the reply when that is durable. weir-protocol(7), Reading.
 */
#include "config.h"

#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"

#define LIST_DEFAULT	1000
#define LIST_MAX	100000

/* A key's place in a view, for one request. */
struct place {
	struct db_view *view;
	struct db_entry entry;
	struct db_error error;
};

static bool is_hash(const char *at)
{
	struct db_hash hash;

	return at && !db_hash_parse(at, &hash);
}

static struct db_view *open_view(struct conn *c, const struct wire_frame *f,
				 struct db_error *error)
{
	const char *at = arg_option(f, "at");
	struct db_view *view;

	if (is_hash(at) && c->role != WIRE_OWNER) {
		reply_err(c, f->word[0], EPERM, "trees by their hash are for "
			  "the instance's owner");
		return NULL;
	}
	if (conn_outstanding(c))
		conn_depends(c);	/* what others applied is seen, too */
	error->errnum = EIO;
	view = db_view_open(c->kvsd->db, arg_namespace(f->word[ARG]), at,
			    conn_outstanding(c), error);
	if (!view)
		reply_error(c, f->word[0], error);
	return view;
}

/* -1 after an error reply. */
static int place_find(struct conn *c, const struct wire_frame *f,
		      bool nofollow, struct place *p)
{
	p->view = open_view(c, f, &p->error);
	if (!p->view)
		return -1;
	if (!db_lookup(p->view, f->word[ARG + 1], nofollow,
		       conn_check_namespace, c, &p->entry, &p->error))
		return 0;
	reply_error(c, f->word[0], &p->error);
	db_entry_clear(&p->entry);
	db_view_close(p->view);
	return -1;
}

static void place_leave(struct place *p)
{
	db_entry_clear(&p->entry);
	db_view_close(p->view);
}

static struct wire_buf *begin_version(struct conn *c,
				      const struct wire_frame *f,
				      const struct db_view *view)
{
	struct wire_buf *b = reply_begin(c, f->word[0], "ok");

	wire_opt_u64(b, "version", db_view_version(view));
	return b;
}

/* ---- get ---- */

static void get_part(struct conn *c, const struct wire_frame *f,
		     struct place *p, uint64_t offset, uint64_t len)
{
	uint64_t max = c->role == WIRE_OWNER ? WIRE_PAYLOAD_OWNER
					     : WIRE_PAYLOAD_USER;
	uint64_t size = p->entry.size;
	struct wire_buf *b;
	char *room;

	if (offset > size)
		offset = size;
	if (len > size - offset)
		len = size - offset;
	if (len > max) {
		reply_err(c, f->word[0], E2BIG, "%ju bytes are over the limit "
			  "of %ju a reply: ask for parts by offset= and "
			  "length=", (uintmax_t)len, (uintmax_t)max);
		return;
	}
	b = begin_version(c, f, p->view);
	wire_opt(b, "type", "value");
	wire_opt_u64(b, "size", size);
	room = reply_room(c, len);
	if (!room)
		return;
	if (db_read(p->view, &p->entry, offset, room, len) == (ssize_t)len) {
		reply_filled(c, len);
		return;
	}
	reply_undo(c);
	reply_err(c, f->word[0], EIO, "the value of %.255s cannot be read: %s",
		  f->word[ARG + 1], db_why(p->view));
}

void do_get(struct conn *c, const struct wire_frame *f)
{
	uint64_t offset = 0, len = UINT64_MAX;
	struct place p;

	if (arg_u64(c, f, "offset", &offset) < 0 ||
	    arg_u64(c, f, "length", &len) < 0 ||
	    place_find(c, f, false, &p) < 0)
		return;
	if (p.entry.type == DB_VALUE)
		get_part(c, f, &p, offset, len);
	else
		reply_err(c, f->word[0], EISDIR, "%.255s is a directory",
			  f->word[ARG + 1]);
	place_leave(&p);
}

/* ---- stat, readlink, root ---- */

static const char *const type_name[] = {
	[DB_VALUE] = "value", [DB_DIR] = "dir", [DB_LINK] = "link",
};

void do_stat(struct conn *c, const struct wire_frame *f)
{
	char text[2 * DB_HASH_SIZE + 1];
	struct db_hash hash;
	struct wire_buf *b;
	struct place p;

	if (place_find(c, f, true, &p) < 0)
		return;
	if (db_entry_hash(p.view, &p.entry, &hash) < 0) {
		reply_err(c, f->word[0], errno, "the hash of %.255s is not "
			  "known yet", f->word[ARG + 1]);
	} else {
		db_hash_text(&hash, text);
		b = begin_version(c, f, p.view);
		wire_opt(b, "type", type_name[p.entry.type]);
		wire_opt_u64(b, "size", p.entry.size);
		wire_opt(b, "hash", text);
		reply_end(c);
	}
	place_leave(&p);
}

void do_readlink(struct conn *c, const struct wire_frame *f)
{
	struct wire_buf *b;
	struct place p;

	if (place_find(c, f, true, &p) < 0)
		return;
	if (p.entry.type != DB_LINK) {
		reply_err(c, f->word[0], EINVAL, "%.255s is no link",
			  f->word[ARG + 1]);
	} else {
		b = begin_version(c, f, p.view);
		wire_opt(b, "target", p.entry.target);
		if (p.entry.target_ns)
			wire_opt(b, "ns", p.entry.target_ns);
		reply_end(c);
	}
	place_leave(&p);
}

void do_root(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	char text[2 * DB_HASH_SIZE + 1];
	struct db_namespace_info info;
	struct db_error error;
	struct db_hash hash;
	struct db_view *view;
	struct wire_buf *b;

	view = open_view(c, f, &error);
	if (!view)
		return;
	if (db_namespace_info(c->kvsd->db, ns, false, &info) < 0 ||
	    db_view_root(view, &hash) < 0) {
		reply_err(c, f->word[0], errno, "namespace %.255s has no "
			  "durable state yet", ns);
	} else if (conn_check_namespace(ns, info.owner, c)) {
		reply_err(c, f->word[0], EPERM, "namespace %s belongs to "
			  "another user", ns);
	} else {
		db_hash_text(&hash, text);
		b = begin_version(c, f, view);
		wire_opt(b, "hash", text);
		wire_opt_u64(b, "owner", info.owner);
		reply_end(c);
	}
	db_view_close(view);
}

/* ---- list ---- */

struct listing {
	struct wire_buf text;
	uint64_t count, limit;
	bool more;
};

static int list_one(enum db_type type, uint64_t size, const char *name,
		    void *arg)
{
	struct listing *l = arg;

	if (l->count == l->limit) {
		l->more = true;
		return 1;
	}
	l->count++;
	wire_verbatim(&l->text, type_name[type]);
	wire_u64(&l->text, size);
	wire_word(&l->text, name);
	return wire_end(&l->text);
}

void do_list(struct conn *c, const struct wire_frame *f)
{
	struct listing l = { .limit = LIST_DEFAULT };
	struct wire_buf *b;
	struct place p;
	int rc;

	if (arg_u64(c, f, "limit", &l.limit) < 0 ||
	    place_find(c, f, false, &p) < 0)
		return;
	if (l.limit > LIST_MAX)
		l.limit = LIST_MAX;
	wire_buf_init(&l.text);
	if (p.entry.type != DB_DIR) {
		reply_err(c, f->word[0], ENOTDIR, "%.255s is no directory",
			  f->word[ARG + 1]);
		goto out;
	}
	rc = db_list(p.view, &p.entry, arg_option(f, "after"), list_one, &l);
	if (rc < 0) {
		reply_err(c, f->word[0], EIO, "directory %.255s cannot be "
			  "read", f->word[ARG + 1]);
		goto out;
	}
	b = begin_version(c, f, p.view);
	wire_opt_u64(b, "count", l.count);
	wire_opt_u64(b, "more", l.more);
	reply_payload(c, l.text.data, l.text.len);
out:
	wire_buf_free(&l.text);
	place_leave(&p);
}
