/* SPDX-License-Identifier: Apache-2.0 */
/* Watches of mode prefix: every operation at a key and below it.
 *
 * While the client keeps up, operations are told as they become durable, over
 * a lane of bounded length. When that is full, or an operation can't be told
 * as such (something above was replaced, its data was not kept, the key leads
 * elsewhere), the watch is behind: the state that the client knows is pinned,
 * and when there is room it is told what differs, in as many turns as it
 * takes, until it is at the newest state. weir-protocol(7), Watching. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/watch_private.h"

#define KEY_ROOM	(2 * DB_KEY_MAX + 2)
/* Of output that waits. Each further piece of a difference passes over the
 * names beside what was told, so pieces are large. */
#define PIECE		(4u << 20)

/* ---- live ---- */

/* TAIL below the key as the client gave it. */
static const char *told_key(const struct watch *w, const char *tail,
			    char buf[KEY_ROOM])
{
	bool root = !strcmp(w->key, ".");

	if (!*tail)
		return w->key;
	snprintf(buf, KEY_ROOM, "%s%s%s", root ? "" : w->key,
		 root ? "" : ".", tail);
	return buf;
}

static void fall_behind(struct watch *w, const struct applied_op *op,
			bool from_nothing)
{
	struct watches *watches = w->stream.conn->kvsd->watches;
	struct db_view *old = NULL;

	if (!from_nothing)
		old = db_view_open_from(w->stream.conn->kvsd->db, w->place_ns,
					op->version - 1, NULL);
	watches->stats.lagged++;
	w->say_lagged = true;
	w->say_unlink = !old;
	w->lag_version = op->version ? op->version - 1 : 0;
	prefix_catch_up(w, old);
}

/* The hash of the directory that was put at OP's key; false if something else
 * is there by now. */
static bool grafted_hash(struct watch *w, const struct applied_op *op,
			 char text[2 * DB_HASH_SIZE + 1])
{
	struct db_view *view = db_view_open(w->stream.conn->kvsd->db, op->ns,
					    NULL, false, NULL);
	struct db_entry entry;
	struct db_hash hash;
	bool found;

	if (!view)
		return false;
	found = !db_lookup(view, op->key, true, NULL, NULL, &entry, NULL) &&
		entry.type == DB_DIR &&
		!db_entry_hash(view, &entry, &hash);
	if (found)
		db_hash_text(&hash, text);
	db_entry_clear(&entry);
	db_view_close(view);
	return found;
}

static bool has_data(const struct applied_op *op)
{
	return op->op == OP_put || op->op == OP_append;
}

static bool has_hash(const struct applied_op *op)
{
	return op->op == OP_graft || op->op == OP_adopt || op->op == OP_copy;
}

/* Where a watch that breaks off here can be resumed: not behind this operation
 * if others of the round follow, as the state between them is not kept; behind
 * the last of them, at the version that is. */
static void tell_whole(struct watch *w, const struct applied_op *op,
		       struct wire_buf *b)
{
	struct db_namespace_info info;

	if (w->coming > 1)
		wire_opt(b, "more", "1");
	else if (!db_namespace_info(w->stream.conn->kvsd->db, op->ns, false,
				    &info) && info.version != op->version)
		wire_opt_u64(b, "whole", info.version);
}

/* False if it can't be told as it is, or there is no room. */
static bool tell_operation(struct watch *w, const struct applied_op *op,
			   const char *tail)
{
	static const char *const kind[OP_COUNT] = {
		[OP_put] = "put", [OP_append] = "append",
		[OP_mkdir] = "mkdir", [OP_link] = "link",
		[OP_unlink] = "unlink", [OP_graft] = "graft",
		[OP_adopt] = "graft", [OP_copy] = "graft",
	};
	char key[KEY_ROOM], hash[2 * DB_HASH_SIZE + 1];
	struct conn *c = w->stream.conn;
	struct wire_buf *b;

	if ((has_data(op) && !op->data) ||
	    (has_hash(op) && !grafted_hash(w, op, hash)))
		return false;
	b = lane_begin(c, LANE_OPERATIONS, w->stream.tag, kind[op->op]);
	if (!b)
		return false;
	c->kvsd->watches->stats.pushes++;
	wire_word(b, told_key(w, tail, key));
	if (op->op == OP_link)
		wire_word(b, op->arg);
	if (op->op == OP_append)
		wire_opt_u64(b, "offset", op->offset);
	wire_opt_u64(b, "version", op->version);
	if (op->op == OP_link && op->target_ns)
		wire_opt(b, "target-ns", op->target_ns);
	if (has_hash(op))
		wire_opt(b, "hash", hash);
	tell_whole(w, op, b);
	if (has_data(op))
		reply_payload(c, op->data, op->len);
	else
		reply_end(c);
	return true;
}

/* Bytes of a word in a line, at most. */
static size_t word_size(const char *word)
{
	size_t size = 1;

	for (; *word; word++)
		size += *word <= ' ' || *word == '%' || *word == 0x7f ||
			*word == '{' ? 3 : 1;
	return size;
}

/* Bytes that tell_operation adds, at most. */
static size_t told_size(const struct watch *w, const struct applied_op *op,
			const char *tail)
{
	size_t size = 192 + word_size(w->key) + word_size(tail);

	if (op->op == OP_link)
		size += word_size(op->arg) +
			(op->target_ns ? word_size(op->target_ns) : 0);
	return has_data(op) ? size + op->len : size;
}

void prefix_weigh(struct watch *w, const struct hook *hook,
		  const struct applied_op *op, enum where where,
		  const char *tail)
{
	struct conn *c = w->stream.conn;
	uint64_t round = c->kvsd->watches->round;
	char hash[2 * DB_HASH_SIZE + 1];

	if (w->behind || hook->is_link)
		return;
	if (c->weighed_round != round) {
		c->weighed_round = round;
		c->weighed = c->lane[LANE_OPERATIONS].len;
	}
	if (w->coming_round != round) {
		w->coming_round = round;
		w->coming = 0;
	}
	w->coming++;
	if (where == ABOVE || (has_data(op) && !op->data) ||
	    (has_hash(op) && !grafted_hash(w, op, hash)))
		w->untold_round = round;
	else
		c->weighed += told_size(w, op, tail);
}

static bool may_tell(const struct watch *w, uint64_t round)
{
	const struct conn *c = w->stream.conn;

	return w->untold_round != round &&
		!(c->weighed_round == round && c->weighed > CONN_LANE_MAX);
}

void prefix_told(struct watch *w, const struct hook *hook,
		 const struct applied_op *op, enum where where,
		 const char *tail)
{
	uint64_t round = w->stream.conn->kvsd->watches->round;

	if (w->behind)
		return;
	if (op->op == APPLIED_NAMESPACE || (hook->is_link && where != BELOW))
		fall_behind(w, op, true);
	else if (hook->is_link)
		;	/* something else in the place of the link came before */
	else if (where != ABOVE && may_tell(w, round) &&
		 tell_operation(w, op, tail)) {
		w->told_round = round;
		w->coming--;
	} else {
		fall_behind(w, op, w->told_round == round);
	}
}

/* ---- behind ---- */

static void forget_told(struct watch *w)
{
	free(w->told);
	w->told = NULL;
	w->told_bytes = 0;
}

void prefix_catch_up(struct watch *w, struct db_view *old)
{
	if (!w->behind)
		w->stream.conn->kvsd->watches->stats.behind++;
	w->behind = true;
	w->old = old;
	forget_told(w);
	stream_ready(&w->stream);
}

static bool full(const struct watch *w)
{
	return conn_queued(w->stream.conn) >= PIECE ||
		w->stream.conn->dead;
}

static void end_line(struct watch *w, uint64_t version)
{
	struct conn *c = w->stream.conn;

	wire_opt_u64(c->encoding, "version", version);
	reply_end(c);
}

/* Opens the state to tell next. If the key leads elsewhere now, all that the
 * client knows is gone. -1 if the watch has ended. */
static int aim(struct watch *w)
{
	struct db *db = w->stream.conn->kvsd->db;
	struct db_error error = { 0, "" };
	char *ns = w->place_ns ? xstrdup(w->place_ns) : NULL;
	char *key = w->place_key ? xstrdup(w->place_key) : NULL;
	struct db_view *view = db_view_open(db, w->ns, NULL, false, &error);
	struct db_entry entry;
	int errnum = view ? 0 : errno;

	if (view) {
		if (watch_look(w, view, &entry, &error) < 0 &&
		    !watch_absent(errno))
			errnum = errno;
		db_entry_clear(&entry);
		db_view_close(view);
	}
	if (!errnum && ns && (strcmp(ns, w->place_ns) ||
			      strcmp(key, w->place_key))) {
		db_view_close(w->old);
		w->old = NULL;
		w->say_unlink = true;
	}
	free(ns);
	free(key);
	if (!errnum) {
		w->new = db_view_open(db, w->place_ns, NULL, false, &error);
		errnum = w->new ? 0 : errno;
	}
	if (errnum) {
		watch_end(w, errnum, error.text);
		return -1;
	}
	return 0;
}

struct telling {
	struct watch *watch;
	char last[KEY_ROOM];	/* key told; empty: none in this piece */
};

/* The value of ENTRY from w->told_bytes on: a put, then appends. 1 if there is
 * no room for all of it. */
static int tell_value(struct watch *w, const char *key,
		      const struct db_entry *entry)
{
	struct conn *c = w->stream.conn;
	uint64_t len;

	do {
		struct wire_buf *b;
		char *room;

		if (full(w))
			return 1;
		len = entry->size - w->told_bytes;
		if (len > WATCH_PUSH_MAX)
			len = WATCH_PUSH_MAX;
		b = watch_push(w, w->told_bytes ? "append" : "put");
		wire_word(b, key);
		if (w->told_bytes)
			wire_opt_u64(b, "offset", w->told_bytes);
		wire_opt_u64(b, "version", db_view_version(w->new));
		room = reply_room(c, len);
		if (!room)
			return 1;
		if (db_read(w->new, entry, w->told_bytes, room, len) !=
		    (ssize_t)len) {
			reply_undo(c);
			errno = EIO;
			return -1;
		}
		reply_filled(c, len);
		w->told_bytes += len;
	} while (w->told_bytes < entry->size);
	return 0;
}

static void tell_other(struct watch *w, enum wire_operation_id op,
		       const char *key, const struct db_entry *entry)
{
	struct wire_buf *b = watch_push(w, op == OP_mkdir ? "mkdir" :
					op == OP_link ? "link" : "unlink");

	wire_word(b, key);
	if (op == OP_link)
		wire_word(b, entry->target);
	wire_opt_u64(b, "version", db_view_version(w->new));
	if (op == OP_link && entry->target_ns)
		wire_opt(b, "target-ns", entry->target_ns);
	reply_end(w->stream.conn);
}

static int tell_difference(enum wire_operation_id op, const char *key,
			   const struct db_entry *entry, void *arg)
{
	struct telling *t = arg;
	struct watch *w = t->watch;
	size_t len = strcmp(w->place_key, ".") ? strlen(w->place_key) : 0;
	const char *name = key[len] == '.' ? key + len + 1 : key + len;
	char buf[KEY_ROOM];
	int rc;

	if (full(w))
		return 1;
	name = told_key(w, name, buf);
	if (op == OP_put) {
		rc = tell_value(w, name, entry);
		if (rc)
			return rc;
	} else {
		tell_other(w, op, name, entry);
	}
	strcpy(t->last, key);
	w->told_bytes = 0;
	return 0;
}

/* What stands before the difference. */
static void announce(struct watch *w)
{
	if (w->say_lagged) {
		watch_push(w, "lagged");
		end_line(w, w->lag_version);
	}
	if (w->say_unlink) {
		wire_word(watch_push(w, "unlink"), w->key);
		end_line(w, db_view_version(w->new));
	}
	w->say_lagged = w->say_unlink = false;
}

/* The state NEW is told. True if that is the newest. */
static bool arrive(struct watch *w)
{
	struct db_namespace_info info;

	db_view_close(w->old);
	w->old = w->new;
	w->new = NULL;
	forget_told(w);
	return !db_namespace_info(w->stream.conn->kvsd->db, w->place_ns,
				  false, &info) &&
		info.version == db_view_version(w->old);
}

bool prefix_pump(struct watch *w)
{
	struct telling t;
	struct db_error error = { 0, "a directory cannot be read" };
	int rc;

	if (!w->behind)
		return false;
	if (!w->new && aim(w) < 0)
		return false;
	announce(w);
	t.watch = w;
	t.last[0] = '\0';
	rc = db_diff_after(w->old, w->new, w->place_key, w->told,
			   tell_difference, &t, &error);
	if (rc > 0 && t.last[0]) {
		free(w->told);
		w->told = xstrdup(t.last);
	}
	if (rc < 0) {
		watch_end(w, errno, error.text);
		return false;
	}
	if (rc || !arrive(w))
		return true;
	watch_push(w, "synced");
	end_line(w, db_view_version(w->old));
	db_view_close(w->old);
	w->old = NULL;
	w->behind = false;
	w->stream.conn->kvsd->watches->stats.behind--;
	return false;
}
