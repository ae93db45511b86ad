/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting the blobs that no kept state needs: see gc.c. */
#ifndef WEIR_KVSD_GC_H
#define WEIR_KVSD_GC_H

#include "kvsd/db.h"
#include "kvsd/marks.h"

struct batch;
struct event;
struct write_result;

/* A blob that is known to be in use and was not looked into. */
struct gc_item {
	struct db_hash hash;
	enum blob_kind kind;
	bool loose;		/* a client's word for it: may be absent */
};

struct gc {
	bool automatic;
	struct event *timer;
	struct marks *marks;		/* NULL while idle */
	struct marks *fresh;		/* directories and branches of batches */
	struct gc_item *stack;
	size_t count, room;
	bool history_done, swept_any;
	unsigned char history_at[16];	/* the last one seen */
	struct db_hash swept;		/* the last one seen */
	bool open;		/* not all of a sweep is done: a blob that is
				   not in use may name others that are gone */
	bool copied;		/* a part of the copy was the last to be done */
	bool again;		/* once more, when this one has ended */
	bool loose;		/* roots were dropped since the mark began */
	bool stale;		/* something was written since the mark began */
	double not_before;	/* of the next step; monotonic seconds */
	double damaged_until;	/* not by itself before */
	double began, ended, took;
	uint64_t kept;		/* bytes seen by the sweep */
	uint64_t live;		/* bytes left by the last collection */
	uint64_t last_ticket;	/* of the last batch that removes something */
	struct db_gc_info info;
};

int gc_init(struct db *db, struct event_base *base, struct db_error *error);
void gc_fini(struct db *db);

/* A tree that was named by its hash may be used. GRAFT: becomes part of the
 * applied state. -1: ESTALE, EAGAIN with a text. */
int gc_admit(struct db *db, const struct db_hash *hash, bool graft,
	     struct db_error *error);
/* A tree of a kept state, by its hash, becomes part of the applied state. */
void gc_graft(struct db *db, const struct db_hash *hash);
/* A state is being looked at. */
void gc_pin(struct db *db, const struct db_hash *root);
/* BATCH has all its blobs. */
void gc_seal(struct db *db, const struct batch *batch);
/* A batch is in the store. */
void gc_written(struct db *db);
/* Has the idle writer make a part of the copy, if that is due. */
bool gc_copy(struct db *db);
void gc_copied(struct db *db, const struct write_result *result);
/* Ends what goes on, before the database is closed. */
void gc_stop(struct db *db);
/* What was not in the store was undone. FAILED: burials were in it. */
void gc_give_up(struct db *db, bool failed);
/* The limits of a history have changed. */
void gc_age(struct db *db);
/* The disk is full. */
void gc_urgent(struct db *db);

#endif
