/* SPDX-License-Identifier: Apache-2.0 */
/* Watches of one value, modes latest and append. They hold nothing: when the
 * client has room, the value is read from the newest durable state.
 *
 * An append watch must know whether a value that looks longer is the old one
 * with more behind it. Operations tell: a put at the key replaces it; when the
 * directory that holds it is moved by adopt, it is the same; in other cases
 * (something above was replaced, a link leads elsewhere) it is taken for the
 * same only if its content is. weir-protocol(7), Watching. */
#include "config.h"

#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/watch_private.h"

/* ---- what operations say ---- */

/* OP put the tree of the namespace in which the value was in the place of a
 * link to it: the value is the same. */
static bool moved_with_it(const struct watch *w, const struct applied_op *op)
{
	return op->op == OP_adopt && !strcmp(op->arg, w->place_ns);
}

/* Whether a change of TAIL below the first link could concern the rest of the
 * key behind that link. */
static bool concerns_rest(const struct watch *w, const struct hook *hook,
			  const char *tail)
{
	const char *rest = w->key;
	size_t n;

	if (hook != &w->link[0])
		return true;
	/* The link stands in the key as it was asked for: skip as many
	 * components as the link's spot is deep. */
	for (const struct spot *s = hook->spot; s->parent; s = s->parent) {
		rest += strcspn(rest, ".");
		rest += *rest == '.';
	}
	n = strlen(rest) < strlen(tail) ? strlen(rest) : strlen(tail);
	return !strncmp(rest, tail, n) && (!rest[n] || rest[n] == '.') &&
		(!tail[n] || tail[n] == '.');
}

static void append_told(struct watch *w, const struct hook *hook,
			const struct applied_op *op, enum where where,
			const char *tail)
{
	if (op->op == APPLIED_NAMESPACE || op->op == OP_append)
		return;
	if (hook->is_link && moved_with_it(w, op))
		return;
	if (hook->is_link && where == BELOW && !concerns_rest(w, hook, tail))
		return;
	if (!hook->is_link && where == AT && op->op != OP_adopt &&
	    op->op != OP_graft && op->op != OP_copy)
		w->replaced = true;
	else
		w->doubtful = true;
}

void value_told(struct watch *w, const struct hook *hook,
		const struct applied_op *op, enum where where,
		const char *tail)
{
	if (w->mode == MODE_APPEND)
		append_told(w, hook, op, where, tail);
	else if (!hook->is_link && where == AT && op->op != APPLIED_NAMESPACE)
		w->written = true;
	stream_ready(&w->stream);
}

/* ---- telling ---- */

/* The value was there and is not any more. */
static void tell_gone(struct watch *w, struct db_view *view)
{
	if (w->exists) {
		wire_opt_u64(watch_push(w, "gone"), "version",
			     db_view_version(view));
		reply_end(w->stream.conn);
		w->offset = 0;
	}
	w->exists = w->written = w->replaced = w->doubtful = false;
}

/* LEN bytes from OFFSET as the payload of the push that was begun. -1 if they
 * can't be read; the push is then undone. */
static int push_value(struct watch *w, struct db_view *view,
		      struct db_entry *entry, uint64_t offset, size_t len)
{
	struct conn *c = w->stream.conn;
	char *room = reply_room(c, len);

	if (!room)
		return 0;	/* the connection is being closed */
	if (db_read(view, entry, offset, room, len) == (ssize_t)len) {
		reply_filled(c, len);
		return 0;
	}
	reply_undo(c);
	return -1;
}

/* Each gives 1 if there is more, 0, or an errno negated. */

static int tell_latest(struct watch *w, struct db_view *view,
		       struct db_entry *entry, const struct db_hash *hash)
{
	uint64_t max = w->stream.conn->role == WIRE_OWNER ?
		WIRE_PAYLOAD_OWNER : WIRE_PAYLOAD_USER;

	if (w->exists && !w->written &&
	    !memcmp(&w->hash, hash, sizeof(*hash)))
		return 0;
	if (entry->size > max)
		return -E2BIG;
	w->exists = true;
	w->written = false;
	w->hash = *hash;
	wire_opt_u64(watch_push(w, "value"), "version",
		     db_view_version(view));
	return push_value(w, view, entry, 0, entry->size) < 0 ? -EIO : 0;
}

static void check_replaced(struct watch *w, struct db_view *view,
			   const struct db_hash *hash)
{
	bool differs = w->exists && memcmp(&w->hash, hash, sizeof(*hash));

	if (w->offset && (w->replaced || (w->doubtful && differs))) {
		w->offset = 0;
		wire_opt_u64(watch_push(w, "reset"), "version",
			     db_view_version(view));
		reply_end(w->stream.conn);
	}
	w->replaced = w->doubtful = false;
	w->exists = true;
	w->hash = *hash;
}

static int tell_appended(struct watch *w, struct db_view *view,
			 struct db_entry *entry, const struct db_hash *hash)
{
	struct wire_buf *b;
	uint64_t len;

	check_replaced(w, view, hash);
	if (w->offset >= entry->size)
		return 0;
	len = entry->size - w->offset;
	if (len > WATCH_PUSH_MAX)
		len = WATCH_PUSH_MAX;
	b = watch_push(w, "data");
	wire_opt_u64(b, "offset", w->offset);
	wire_opt_u64(b, "version", db_view_version(view));
	if (push_value(w, view, entry, w->offset, len) < 0)
		return -EIO;
	w->offset += len;
	return w->offset < entry->size;
}

static int tell(struct watch *w, struct db_view *view, struct db_error *error)
{
	struct db_entry entry;
	struct db_hash hash;
	int rc = watch_look(w, view, &entry, error) < 0 ? -errno : 0;

	if (rc && !watch_absent(-rc)) {
		;
	} else if (rc || entry.type != DB_VALUE) {
		tell_gone(w, view);
		rc = 0;
	} else if (db_entry_hash(view, &entry, &hash) < 0) {
		rc = -errno;
	} else {
		rc = w->mode == MODE_APPEND ?
			tell_appended(w, view, &entry, &hash) :
			tell_latest(w, view, &entry, &hash);
	}
	db_entry_clear(&entry);
	return rc;
}

bool value_pump(struct watch *w)
{
	struct db_error error = { 0, "the value cannot be told" };
	struct db_view *view = db_view_open(w->stream.conn->kvsd->db, w->ns,
					    NULL, false, &error);
	int rc;

	if (!view) {
		watch_end(w, errno, error.text);
		return false;
	}
	rc = tell(w, view, &error);
	db_view_close(view);
	if (rc < 0)
		watch_end(w, -rc, error.text);
	return rc > 0;
}
