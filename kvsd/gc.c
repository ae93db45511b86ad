/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting the blobs that no kept state needs. kvsd(8), Space.
 *
 * Mark and sweep, in slices of a few milliseconds between which the loop does
 * whatever else there is to do. The clock is looked at after each blob: each
 * may have to be read from a slow disk. MARK walks from the roots and notes the
 * hash of each blob that it meets; SWEEP goes through the table of blobs in
 * order of hash and buries, in ordinary batches, those that were not noted.
 * Marks are kept in memory alone: a collection that did not end is begun again,
 * and nothing is lost or left by that.
 *
 * Why nothing in use is ever removed. Say a collection begins at T.
 *  - The roots are the states in the store at T, those of open views, the
 *    trees that batches which are not in the store yet take up by hash, and
 *    the history. History that is dropped meanwhile need not be seen; what
 *    is added to it is in a batch.
 *  - Each blob of a batch that is not in the store at T, or comes later, is
 *    noted as fresh when the batch is sealed, though the store may have it
 *    already (it is then named anew: that it was garbage at T does not
 *    matter). It stays, and the walk does not stop at it: what it names may
 *    be in use by it alone.
 *  - Whatever else such a batch's trees name was in use at T and so is found,
 *    or came by a hash from outside: gc_admit. While marking, such a tree is
 *    one more root; while sweeping it is refused unless it is marked or fresh.
 *  - A view of an old version that is opened while marking is one more root.
 *  - A batch's burials are carried out before its additions, and none of its
 *    burials was marked or fresh when it was listed; so what a batch in front of it
 *    had written is not touched, and what this very batch writes stays.
 * So the descendants of a marked blob are marked in the end, and those of a
 * fresh one are marked or fresh.
 *
 * A blob that is garbage may have lost others that it names when a sweep was
 * cut short; "gc-open" in the meta table tells that, and a tree named by its
 * hash is then taken only if it is known to be in use.
 *
 * Blobs that are damaged or missing where one is named end the collection:
 * what they named can't be known, so nothing is removed as long as they
 * are in use.
 *
 * A collection begins when the blobs have grown by half since the last one, so
 * its cost is in proportion to what was written; and, since to remove takes no
 * space, when roots were dropped and twenty times as long as the last one took
 * has gone by, one minute at least.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <time.h>

#include "kvsd/alloc.h"
#include "kvsd/database.h"

#define SLICE		0.002	/* seconds of work, then others' turn */
#define BURY_MAX	1000	/* blobs a batch */
#define HISTORY_MAX	64	/* records at a time */
#define SHED_MAX	1000	/* versions a batch, on a full disk */
#define SLACK		(1u << 20)	/* bytes that are not worth it */
#define LOOSE_SECONDS	60
#define DAMAGE_SECONDS	3600
#define FAIL_SECONDS	1	/* after a batch that could not be written */

static const struct timeval between = { 0, 4000 };
static const struct timeval aging = { 0, 100000 };
static const struct timeval idle = { 15, 0 };
static const struct timeval *const age_when[] = {
	[AGED_NONE] = &idle, [AGED_SOME] = &aging, [AGED_MORE] = &between,
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Between the begin of marking and the end of sweeping. */
static bool collecting(const struct gc *gc)
{
	return gc->marks != NULL;
}

/* ---- marking ---- */

static void push(struct gc *gc, enum blob_kind kind,
		 const struct db_hash *hash, bool loose)
{
	if (!marks_add(gc->marks, kind, hash))
		return;
	gc->info.marked++;
	if (kind == BLOB_LEAF)
		return;
	if (gc->count == gc->room) {
		gc->room = gc->room ? 2 * gc->room : 1024;
		gc->stack = xrealloc(gc->stack,
				     gc->room * sizeof(*gc->stack));
	}
	gc->stack[gc->count++] = (struct gc_item){ *hash, kind, loose };
}

static int on_value_child(enum blob_kind kind, const struct db_hash *hash,
			  void *arg)
{
	push(arg, kind, hash, false);
	return 0;
}

static int on_node_child(enum blob_kind kind, const struct db_hash *hash,
			 uint64_t size, void *arg)
{
	push(arg, kind, hash, false);
	return 0;
}

/* The loop did nothing else since START. */
static void note_slice(struct gc *gc, double start)
{
	double took = now() - start;

	if (took > gc->info.longest)
		gc->info.longest = took;
	if (took > gc->info.longest_ever)
		gc->info.longest_ever = took;
}

static void marks_end(struct gc *gc)
{
	marks_destroy(gc->marks);
	marks_destroy(gc->fresh);
	gc->marks = gc->fresh = NULL;
	free(gc->stack);
	gc->stack = NULL;
	gc->count = gc->room = 0;
}

static void end(struct db *db)
{
	struct gc *gc = &db->gc;

	marks_end(gc);
	gc->ended = now();
	gc->took = gc->ended - gc->began;
	gc->info.seconds = gc->took;
	gc->info.ended++;
	gc->info.phase = DB_GC_IDLE;
}

static void end_damaged(struct db *db, const struct db_hash *hash,
			const char *why)
{
	struct gc *gc = &db->gc;
	char text[2 * DB_HASH_SIZE + 1];

	db_hash_text(hash, text);
	snprintf(gc->info.why, sizeof(gc->info.why), "nothing is collected "
		 "while a damaged blob is in use: %s: %s", text, why);
	if (db->on_warning)
		db->on_warning(db->arg, gc->info.why);
	end(db);
	gc->damaged_until = gc->ended + DAMAGE_SECONDS;
}

static void look_into(struct db *db, const struct gc_item *item)
{
	const unsigned char *data;
	const char *why;
	size_t len;
	int rc;

	if (store_blob(db->store, &item->hash, &data, &len) < 0) {
		if (errno != ENOENT || !item->loose)
			end_damaged(db, &item->hash, errno == ENOENT ?
				    "it is not in the store" :
				    "the store could not be read");
		return;
	}
	if (item->kind == BLOB_BRANCH)
		rc = value_each_child(data, len, on_value_child, &db->gc,
				      &why);
	else
		rc = node_each_child(data, len, on_node_child, &db->gc, &why);
	if (rc < 0)
		end_damaged(db, &item->hash, why);
}

struct history_pass {
	struct gc *gc;
	unsigned count;
};

static int on_history(const unsigned char *key, size_t key_len,
		      const unsigned char *data, size_t len, void *arg)
{
	struct history_pass *pass = arg;

	if (key_len != sizeof(pass->gc->history_at) || len < DB_HASH_SIZE)
		return 0;
	memcpy(pass->gc->history_at, key, key_len);
	push(pass->gc, BLOB_DIRECTORY, (const struct db_hash *)data, false);
	return ++pass->count == HISTORY_MAX;
}

/* The next roots of the history. Records that are seen twice do no harm. */
static void mark_history(struct db *db)
{
	struct history_pass pass = { &db->gc, 0 };
	int rc = store_each(db->store, STORE_HISTORY, db->gc.history_at,
			    sizeof(db->gc.history_at), on_history, &pass);

	if (rc < 0)
		end_damaged(db, &(struct db_hash){ { 0 } },
			    "the history could not be read");
	else if (!rc)
		db->gc.history_done = true;
}

static void mark_step(struct db *db)
{
	struct gc *gc = &db->gc;
	struct gc_item item;

	if (gc->count) {
		item = gc->stack[--gc->count];
		look_into(db, &item);
	} else if (!gc->history_done) {
		mark_history(db);
	} else {
		gc->info.phase = DB_GC_SWEEP;
		gc->swept_any = false;
		gc->kept = 0;
	}
}

static void begin(struct db *db)
{
	struct gc *gc = &db->gc;

	gc->marks = marks_create(db->total.blobs);
	gc->fresh = marks_create(0);
	gc->history_done = false;
	memset(gc->history_at, 0, sizeof(gc->history_at));
	gc->again = gc->loose = gc->stale = false;
	gc->began = now();
	gc->info.begun++;
	gc->info.phase = DB_GC_MARK;
	gc->info.marked = gc->info.swept = gc->info.removed =
		gc->info.removed_bytes = 0;
	gc->info.seconds = gc->info.longest = 0;
	gc->info.why[0] = '\0';
	if (db->sealed)
		gc_seal(db, db->sealed);
	for (size_t i = 0; i < db->ns_count; i++)
		if (db->ns[i]->written.root)
			push(gc, BLOB_DIRECTORY,
			     entry_hash(db->ns[i]->written.root), false);
	for (struct db_view *v = db->views; v; v = v->next)
		if (!v->root->dirty)
			push(gc, BLOB_DIRECTORY, entry_hash(v->root), true);
	for (struct batch *b = db->sealed; b; b = b == db->batch ? NULL
							    : db->batch)
		for (size_t i = 0; i < b->grafts; i++)
			push(gc, BLOB_DIRECTORY, &b->graft[i], true);
	if (!db->sealed)
		for (size_t i = 0; i < db->batch->grafts; i++)
			push(gc, BLOB_DIRECTORY, &db->batch->graft[i], true);
}

/* ---- sweeping ---- */

struct sweep {
	struct db *db;
	double until;
};

static void bury(struct db *db, const struct db_hash *hash, size_t len)
{
	struct gc *gc = &db->gc;

	if (!gc->open) {
		gc->open = true;
		meta_put(db, "gc-open", 1);
	}
	blob_set_bury(db->batch->blobs, hash);
	db->batch->dirty = true;
	gc->info.removed++;
	gc->info.removed_bytes += len;
	gc->info.removed_all++;
	gc->info.removed_bytes_all += len;
}

static int on_blob(const unsigned char *key, size_t key_len,
		   const unsigned char *data, size_t len, void *arg)
{
	struct sweep *sweep = arg;
	struct gc *gc = &sweep->db->gc;
	struct db_hash hash;

	if (key_len != DB_HASH_SIZE)
		return 0;
	memcpy(&hash, key, DB_HASH_SIZE);
	if (gc->swept_any && !memcmp(&hash, &gc->swept, sizeof(hash)))
		return 0;
	gc->swept = hash;
	gc->swept_any = true;
	gc->info.swept++;
	if (marks_have(gc->marks, &hash) ||
	    marks_have_exactly(gc->fresh, &hash))
		gc->kept += len;
	else
		bury(sweep->db, &hash, len);
	return sweep->db->batch->blobs->dead_count >= BURY_MAX ||
		now() >= sweep->until;
}

/* False if it has to wait for the batch before. */
static bool sweep_step(struct db *db, double until)
{
	struct gc *gc = &db->gc;
	struct sweep sweep = { db, until };
	int rc;

	if (db->batch->blobs->dead_count >= BURY_MAX)
		return false;
	rc = store_each(db->store, STORE_BLOB, &gc->swept,
			gc->swept_any ? sizeof(gc->swept) : 0, on_blob,
			&sweep);
	if (rc > 0)
		return true;
	if (rc < 0) {
		end_damaged(db, &gc->swept, "the blobs after it could not be "
			    "read");
		return true;
	}
	meta_put(db, "gc-open", 0);
	meta_put(db, "gc-live", gc->kept);
	db->batch->dirty = true;
	gc->last_ticket = db->batch->ticket;
	gc->info.phase = DB_GC_SETTLE;
	return true;
}

void gc_give_up(struct db *db, bool failed)
{
	struct gc *gc = &db->gc;

	gc->open = meta_get(db, "gc-open");
	if (failed)
		gc->not_before = now() + FAIL_SECONDS;
	if (gc->info.phase == DB_GC_SETTLE)
		gc->info.phase = DB_GC_SWEEP;
	gc->swept_any = false;
	gc->kept = 0;
}

/* ---- others' part in it ---- */

void gc_seal(struct db *db, const struct batch *batch)
{
	if (!collecting(&db->gc))
		return;
	for (size_t i = 0; i < batch->blobs->count; i++) {
		const struct blob *blob = batch->blobs->blob[i];

		marks_add(blob->data[2] == BLOB_LEAF ? db->gc.marks :
			  db->gc.fresh, blob->data[2], &blob->hash);
	}
}

void gc_pin(struct db *db, const struct db_hash *root)
{
	if (db->gc.info.phase == DB_GC_MARK)
		push(&db->gc, BLOB_DIRECTORY, root, true);
}

static void graft_note(struct batch *batch, const struct db_hash *hash)
{
	if (batch->grafts == batch->grafts_room) {
		batch->grafts_room = batch->grafts_room ?
			2 * batch->grafts_room : 8;
		batch->graft = xrealloc(batch->graft, batch->grafts_room *
					sizeof(*hash));
	}
	batch->graft[batch->grafts++] = *hash;
}

void gc_graft(struct db *db, const struct db_hash *hash)
{
	gc_pin(db, hash);
	graft_note(db->batch, hash);
}

int gc_admit(struct db *db, const struct db_hash *hash, bool graft,
	     struct db_error *error)
{
	struct gc *gc = &db->gc;
	bool known = collecting(gc) && (marks_have_exactly(gc->marks, hash) ||
					marks_have_exactly(gc->fresh, hash));
	char text[2 * DB_HASH_SIZE + 1];

	db_hash_text(hash, text);
	if (!known && (gc->info.phase == DB_GC_SWEEP ||
		       gc->info.phase == DB_GC_SETTLE))
		return db_fail(error, ESTALE, "%s: no state that is kept has "
			       "this tree; it is being removed", text);
	if (!known && gc->open)
		return db_fail(error, EAGAIN, "%s: whether all of it is there "
			       "is being found out", text);
	if (graft)
		gc_graft(db, hash);
	else
		gc_pin(db, hash);
	return 0;
}

/* ---- when ---- */

static bool is_due(struct db *db)
{
	struct gc *gc = &db->gc;
	uint64_t bytes = db->total.bytes, grown;
	double wait = 20 * gc->took;

	if (now() < gc->damaged_until)
		return false;
	if (gc->open)
		return true;
	grown = bytes > gc->live ? bytes - gc->live : 0;
	if (grown > gc->live / 2 + SLACK)
		return true;
	if (wait < LOOSE_SECONDS)
		wait = LOOSE_SECONDS;
	return gc->loose && now() - gc->ended >= wait;
}

enum db_gc_phase db_gc_step(struct db *db, double seconds)
{
	struct gc *gc = &db->gc;
	double start = now();
	bool more = true;

	if (gc->info.phase == DB_GC_IDLE && gc->again) {
		/* as long as the store has what is to be dropped */
		if (namespaces_age_history(db) != AGED_NONE)
			return DB_GC_IDLE;
		begin(db);
	}
	do {
		if (gc->info.phase == DB_GC_MARK)
			mark_step(db);
		else if (gc->info.phase == DB_GC_SWEEP)
			more = sweep_step(db, start + seconds);
		else
			more = false;
	} while (more && now() - start < seconds);
	store_read_end(db->store);
	note_slice(gc, start);
	return gc->info.phase;
}

uint64_t db_gc_start(struct db *db)
{
	struct gc *gc = &db->gc;

	gc->again = true;
	gc->not_before = 0;
	if (gc->automatic)
		event_active(gc->timer, EV_TIMEOUT, 0);
	return gc->info.begun + 1;
}

void db_gc_info(struct db *db, struct db_gc_info *info)
{
	*info = db->gc.info;
	info->stored = db->total.bytes;
	info->blobs = db->total.blobs;
	info->live = db->gc.live;
}

/* On a full disk: old versions go first, then what only they had. True if
 * there are none left. */
static bool make_room(struct db *db)
{
	struct gc *gc = &db->gc;

	if (db->sealed || db->batch->dirty || (!gc->stale && !gc->again) ||
	    namespaces_shed_history(db, SHED_MAX))
		return false;
	gc->again = true;
	return true;
}

void gc_age(struct db *db)
{
	if (db->gc.automatic && db->gc.timer)
		event_active(db->gc.timer, EV_TIMEOUT, 0);
}

void gc_urgent(struct db *db)
{
	db->gc.stale = true;
	if (db->gc.automatic && db->gc.timer)
		event_active(db->gc.timer, EV_TIMEOUT, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct db *db = arg;
	struct gc *gc = &db->gc;
	const struct timeval *next = &idle;
	bool ready = true;

	assert(db->magic == DB_MAGIC);
	if (now() >= gc->not_before) {
		if (gc->info.phase == DB_GC_IDLE && db->room.full)
			ready = make_room(db);
		else if (gc->info.phase == DB_GC_IDLE && is_due(db))
			gc->again = true;
		else if (gc->info.phase == DB_GC_IDLE)
			next = db->sealed ? &aging :
				age_when[namespaces_age_history(db)];
		if ((gc->again && ready) || collecting(gc))
			db_gc_step(db, SLICE);
		if (gc->info.phase != DB_GC_IDLE || gc->again ||
		    db->room.full)
			next = &between;
	}
	event_add(gc->timer, next);
}

/* Looks whether there is enough to do to begin before the timer says so. */
static void consider(struct db *db)
{
	struct gc *gc = &db->gc;

	if (gc->automatic && gc->info.phase == DB_GC_IDLE &&
	    now() >= gc->not_before &&
	    is_due(db))
		event_active(gc->timer, EV_TIMEOUT, 0);
}

void gc_written(struct db *db)
{
	struct gc *gc = &db->gc;
	double start = now();

	if (!collecting(gc))
		gc->stale = true;
	if (gc->info.phase == DB_GC_SETTLE &&
	    gc->last_ticket <= db->ticket_sealed) {
		gc->open = false;
		gc->live = gc->kept;
		if (store_is_wasteful(db->store, &db->total)) {
			marks_end(gc);
			gc->info.phase = DB_GC_COPY;
		} else {
			end(db);
		}
		note_slice(gc, start);
	}
	consider(db);
}

/* ---- a smaller file ---- */

bool gc_copy(struct db *db)
{
	struct gc *gc = &db->gc;

	if (gc->info.phase != DB_GC_COPY || (gc->copied && db->batch->dirty)) {
		gc->copied = false;
		return false;
	}
	gc->copied = db->copying = true;
	pipeline_submit_copy(db->pipeline);
	return true;
}

void gc_copied(struct db *db, const struct write_result *result)
{
	struct db_error error;
	double start = now();

	db->copying = false;
	if (result->rc == STORE_COPY_MORE)
		return;
	if (result->rc != STORE_COPY_DONE) {
		if (db->on_warning)
			db->on_warning(db->arg, result->text);
	} else if (store_replaced(db->store, &db->total, &error)) {
		if (db->on_warning)
			db->on_warning(db->arg, error.text);
	}
	end(db);
	note_slice(&db->gc, start);
}

void gc_stop(struct db *db)
{
	struct write_result result;

	db->gc.info.phase = DB_GC_IDLE;
	if (db->copying && pipeline_result(db->pipeline, true, &result) &&
	    result.rc == STORE_COPY_DONE)
		store_replaced(db->store, &db->total, NULL);
	db->copying = false;
}

int gc_init(struct db *db, struct event_base *base, struct db_error *error)
{
	struct gc *gc = &db->gc;

	if (store_total(db->store, &db->total) < 0)
		return db_fail(error, errno, "cannot read what is stored: %s",
			       strerror(errno));
	gc->open = meta_get(db, "gc-open");
	gc->live = meta_get(db, "gc-live");
	gc->loose = true;
	gc->ended = now();
	if (!gc->automatic)
		return 0;
	gc->timer = evtimer_new(base, on_timer, db);
	if (!gc->timer || event_add(gc->timer, gc->open ? &between : &idle) < 0)
		return db_fail(error, ENOMEM, "cannot make a timer");
	return 0;
}

void gc_fini(struct db *db)
{
	struct gc *gc = &db->gc;

	marks_end(gc);
	if (gc->timer)
		event_free(gc->timer);
}
