/* SPDX-License-Identifier: Apache-2.0 */
/* diff and dump: what differs between two places, or all that is at one, told
 * in pages while the client has room. The states are held from the first page
 * to the last. weir-protocol(7), Reading. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"

#define PAGE	(256u << 10)	/* bytes; a page ends when it has them */
#define PIECE	(256u << 10)	/* of a value */

struct place {
	struct db_view *view;	/* NULL: nothing */
	struct db_entry entry;
};

struct tour {
	struct stream stream;
	struct place from, to;
	bool dump, recursive;
	struct wire_buf page;
	char *told;		/* the last key, or NULL */
	char last[DB_KEY_MAX + 1];	/* likewise, on this page; or "" */
	uint64_t told_bytes;	/* dump: of the value of the next */
	uint64_t entries, bytes;
};

static const char *const type_name[] = {
	[DB_VALUE] = "value", [DB_DIR] = "dir", [DB_LINK] = "link",
};

/* ---- places ---- */

static void place_leave(struct place *p)
{
	if (!p->view)
		return;
	db_entry_clear(&p->entry);
	db_view_close(p->view);
	p->view = NULL;
}

/* -1 after an error reply. */
static int place_find(struct conn *c, const struct wire_frame *f,
		      const char *ns, const char *key, const char *at,
		      struct place *p)
{
	struct db_error error = { EIO, "" };
	struct db_hash hash;

	if (at && !db_hash_parse(at, &hash) && c->role != WIRE_OWNER) {
		reply_err(c, f->word[0], EPERM, "trees by their hash are for "
			  "the instance's owner");
		return -1;
	}
	p->view = db_view_open(c->kvsd->db, ns, at, false, &error);
	if (p->view && !db_lookup(p->view, key, false, conn_check_namespace, c,
				  &p->entry, &error))
		return 0;
	reply_error(c, f->word[0], &error);
	place_leave(p);
	return -1;
}

/* ---- the stream ---- */

static void tour_free(struct stream *s)
{
	struct tour *t = (struct tour *)s;

	s->conn->calls--;
	conn_touch(s->conn);
	stream_end(s);
	place_leave(&t->from);
	place_leave(&t->to);
	wire_buf_free(&t->page);
	free(t->told);
	free(t);
}

static void tour_fail(struct tour *t, int errnum, const char *text)
{
	answer_err(t->stream.conn, t->stream.tag, errnum, text);
	tour_free(&t->stream);
}

static void tour_cancel(struct stream *s)
{
	tour_fail((struct tour *)s, ECANCELED, "canceled");
}

static struct wire_buf *begin(struct tour *t, const char *kind)
{
	return answer_begin(t->stream.conn, t->stream.tag, kind);
}

static void finish(struct tour *t)
{
	struct wire_buf *b = begin(t, "ok");

	wire_opt_u64(b, "entries", t->entries);
	if (t->dump)
		wire_opt_u64(b, "bytes", t->bytes);
	reply_end(t->stream.conn);
	tour_free(&t->stream);
}

/* ---- pages ---- */

static void add_side(struct wire_buf *b, const struct db_entry *entry)
{
	wire_verbatim(b, entry ? type_name[entry->type] : "none");
	wire_u64(b, entry ? entry->size : 0);
}

static int add_difference(struct tour *t, const char *key,
			  const struct db_entry *was,
			  const struct db_entry *is)
{
	struct wire_buf *b = &t->page;

	wire_verbatim(b, !was ? "added" : !is ? "removed" : "changed");
	add_side(b, was);
	add_side(b, is);
	wire_word(b, key);
	return wire_end(b);
}

/* Pieces of a value until the page is full; 1 if it is before the value is
 * all told. */
static int add_value(struct tour *t, const char *key,
		     const struct db_entry *entry)
{
	char *data = xmalloc(PIECE);
	int rc = 0;

	do {
		uint64_t len = entry->size - t->told_bytes;

		if (t->page.len >= PAGE) {
			rc = 1;
			break;
		}
		if (len > PIECE)
			len = PIECE;
		wire_verbatim(&t->page, t->told_bytes ? "append" : "put");
		wire_word(&t->page, key);
		if (db_read(t->to.view, entry, t->told_bytes, data, len) !=
		    (ssize_t)len ||
		    wire_end_payload(&t->page, data, len) < 0) {
			errno = EIO;
			rc = -1;
			break;
		}
		t->told_bytes += len;
	} while (t->told_bytes < entry->size);
	free(data);
	return rc;
}

static int add_operation(struct tour *t, const char *key,
			 const struct db_entry *entry)
{
	struct wire_buf *b = &t->page;
	int rc;

	if (!strcmp(key, "."))
		return 0;
	if (entry->type == DB_VALUE) {
		rc = add_value(t, key, entry);
		if (!rc)
			t->bytes += entry->size;
		return rc;
	}
	wire_verbatim(b, entry->type == DB_DIR ? "mkdir" : "link");
	wire_word(b, key);
	if (entry->type == DB_LINK) {
		wire_word(b, entry->target);
		if (entry->target_ns)
			wire_opt(b, "target-ns", entry->target_ns);
	}
	return wire_end(b);
}

static int add(const char *key, const struct db_entry *was,
	       const struct db_entry *is, void *arg)
{
	struct tour *t = arg;
	int rc;

	if (t->page.len >= PAGE)
		return 1;
	rc = t->dump ? add_operation(t, key, is) :
		add_difference(t, key, was, is);
	if (rc)
		return rc;
	t->entries += !t->dump || strcmp(key, ".");
	t->told_bytes = 0;
	strcpy(t->last, key);
	return 0;
}

static bool tour_pump(struct stream *s)
{
	struct tour *t = (struct tour *)s;
	struct db_error error = { EIO, "it cannot be read" };
	int rc;

	wire_buf_reset(&t->page);
	t->last[0] = '\0';
	rc = db_changes(t->from.view, t->from.view ? &t->from.entry : NULL,
			t->to.view, &t->to.entry, t->recursive, t->told, add,
			t, &error);
	if (rc < 0) {
		tour_fail(t, EIO, error.text);
		return false;
	}
	if (t->page.len) {
		begin(t, "more");
		reply_payload(s->conn, t->page.data, t->page.len);
	}
	if (!rc) {
		finish(t);
		return false;
	}
	if (t->last[0]) {
		free(t->told);
		t->told = xstrdup(t->last);
	}
	return true;
}

static const struct stream_ops tour_ops = {
	"tour", tour_cancel, tour_free, tour_pump
};

/* ---- requests ---- */

/* Takes the places. */
static struct tour *tour_begin(struct conn *c, const struct wire_frame *f,
			       struct place *from, struct place *to)
{
	struct tour *t = xcalloc(1, sizeof(*t));

	if (stream_begin(&t->stream, c, f->word[0], &tour_ops) < 0) {
		if (from)
			place_leave(from);
		place_leave(to);
		free(t);
		return NULL;
	}
	c->calls++;
	if (from)
		t->from = *from;
	t->to = *to;
	wire_buf_init(&t->page);
	stream_ready(&t->stream);
	return t;
}

void do_diff(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]), *key = f->word[ARG + 1];
	const char *to_ns = arg_option(f, "to-ns");
	const char *to_key = arg_option(f, "to-key");
	struct place from = { .view = NULL }, to = { .view = NULL };
	struct wire_buf *b;
	bool recursive;
	struct tour *t;

	if (arg_flag(c, f, "recursive", &recursive) < 0 ||
	    place_find(c, f, ns, key, arg_option(f, "at"), &from) < 0)
		return;
	if (place_find(c, f, to_ns ? arg_namespace(to_ns) : ns,
		       to_key ? to_key : key, arg_option(f, "to"), &to) < 0) {
		place_leave(&from);
		return;
	}
	t = tour_begin(c, f, &from, &to);
	if (!t)
		return;
	t->recursive = recursive;
	b = begin(t, "more");
	wire_opt_u64(b, "version", db_view_version(t->from.view));
	wire_opt_u64(b, "to-version", db_view_version(t->to.view));
	reply_end(c);
}

void do_dump(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	struct db_namespace_info info;
	struct place place = { .view = NULL };
	char text[2 * DB_HASH_SIZE + 1];
	struct db_hash hash;
	struct wire_buf *b;
	struct tour *t;

	if (place_find(c, f, ns, f->word[ARG + 1], arg_option(f, "at"),
		       &place) < 0)
		return;
	if (place.entry.type != DB_DIR ||
	    db_entry_hash(place.view, &place.entry, &hash) < 0 ||
	    db_namespace_info(c->kvsd->db, place.entry.ns, false, &info) < 0) {
		reply_err(c, f->word[0], ENOTDIR, "%.255s is no directory",
			  f->word[ARG + 1]);
		place_leave(&place);
		return;
	}
	t = tour_begin(c, f, NULL, &place);
	if (!t)
		return;
	t->dump = t->recursive = true;
	db_hash_text(&hash, text);
	b = begin(t, "more");
	wire_opt_u64(b, "version", db_view_version(t->to.view));
	wire_opt(b, "hash", text);
	wire_opt_u64(b, "owner", info.owner);
	reply_end(c);
}
