/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the watches share. */
#ifndef WEIR_KVSD_WATCH_PRIVATE_H
#define WEIR_KVSD_WATCH_PRIVATE_H

#include "kvsd/applied.h"
#include "kvsd/conn.h"
#include "kvsd/spot.h"

#define WATCH_PUSH_MAX	(256u << 10)	/* bytes of a value in a push */

enum watch_mode { MODE_LATEST, MODE_APPEND, MODE_PREFIX };

struct watch {
	struct stream stream;
	enum watch_mode mode;
	char *ns, *key;			/* as asked for */

	/* Where the key led, and over which links, when it was looked up
	 * last. A change at a hook is a reason to look again. */
	char *place_ns, *place_key;
	struct hook place;
	struct hook *link;
	int links;
	TAILQ_ENTRY(watch) dangling;	/* a link on the way leads nowhere */
	bool is_dangling;

	/* latest and append: what the client knows */
	bool exists;
	struct db_hash hash;		/* of the value when looked at last */
	bool written;			/* latest: tell it even if it is equal */
	uint64_t offset;		/* append: bytes told */
	bool replaced;			/* append: certainly not by an append */
	bool doubtful;			/* append: perhaps, if the hash differs */

	/* prefix: telling what differs between two states, if BEHIND */
	bool behind, say_lagged, say_unlink;
	uint64_t coming_round;		/* in which COMING were counted */
	size_t coming;			/* operations still to be told in it */
	uint64_t untold_round;		/* in which it can't be told all */
	uint64_t told_round;		/* in which it was told something */
	uint64_t lag_version;
	struct db_view *old, *new;	/* old NULL: nothing was there; new
					   NULL: to be opened */
	char *told;			/* the last key of it, or NULL */
	uint64_t told_bytes;		/* of the value of the next */
};

struct watches {
	struct table spots;
	TAILQ_HEAD(, watch) dangling;
	struct applied *first, **last;
	uint64_t round;			/* grows whenever something becomes
					   durable */
	uint64_t prefixes;		/* watches of that mode */
	struct watch_stats stats;
};

/* Looks the key up in the durable state VIEW of w->ns and notes the way. As
 * db_lookup; the caller clears ENTRY in any case. */
int watch_look(struct watch *w, struct db_view *view, struct db_entry *entry,
	       struct db_error *error);
/* Ends it from the server's side. */
void watch_end(struct watch *w, int errnum, const char *text);
/* "* TAG KIND", counted. */
struct wire_buf *watch_push(struct watch *w, const char *kind);
/* ERRNUM says that there is no value: for those that wait, no error. */
bool watch_absent(int errnum);

/* watch_value.c: modes latest and append */
bool value_pump(struct watch *w);
void value_told(struct watch *w, const struct hook *hook,
		const struct applied_op *op, enum where where,
		const char *tail);

/* watch_prefix.c */
bool prefix_pump(struct watch *w);
void prefix_told(struct watch *w, const struct hook *hook,
		 const struct applied_op *op, enum where where,
		 const char *tail);
/* Asked for all operations of a round before any of them is told: one that
 * can't be told makes the watch fall behind at the first. A state in the
 * middle of a round is not kept, so there is no other to tell from. */
void prefix_weigh(struct watch *w, const struct hook *hook,
		  const struct applied_op *op, enum where where,
		  const char *tail);
/* The whole difference from OLD (taken; NULL: from nothing) on. */
void prefix_catch_up(struct watch *w, struct db_view *old);

#endif
