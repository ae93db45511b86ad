/* SPDX-License-Identifier: Apache-2.0 */
/* Checking all that a database holds, and cutting out what is damaged: blobs
 * that do not have their hash, nodes and values that do not fit what refers to
 * them. weir-kvs(1), fsck.
 */
#ifndef WEIR_KVSD_FSCK_H
#define WEIR_KVSD_FSCK_H

#include "kvsd/database.h"
#include "kvsd/hash_set.h"

/* A place that cannot be read. */
struct damage {
	struct namespace *ns;
	uint64_t version;	/* the oldest seen with it */
	bool now;		/* it is in the present version, too */
	char *dir;		/* dotted; "" is the root */
	char *name;		/* the entry there, or NULL: */
	char *after, *upto;	/* entries behind the one name up to the other;
				   both NULL: the directory itself */
	uint64_t entries;	/* how many those are, or in the directory */
	char *why;
};

struct fsck_stats {
	uint64_t blobs, blob_bytes;
	uint64_t versions, keys, bytes;	/* looked at; what versions share, once */
};

struct fsck {
	struct db *db;
	struct fsck_stats stats;
	struct damage *damage;
	size_t count, room;
	struct hash_set bad;		/* blobs without their hash */
	bool pages;			/* LMDB's own pages are damaged */
	uint64_t *old;			/* by namespace: up to which version its
					   history has damage, or 0 */
	/* Called now and then. May be NULL. */
	void (*progress)(const struct fsck_stats *stats, void *arg);
	void *arg;
	/* of the check: */
	struct hash_set whole;		/* nodes and values with all below */
	struct hash_set told;		/* what is damaged, once */
	struct fsck_level *level;	/* where it is, from the root down */
	size_t depth, levels;
	char *path;
	size_t path_len, path_room;
	struct namespace *ns;
	size_t at;			/* of NS */
	uint64_t version;
	bool now;
	uint64_t damages;		/* met, told or not */
	uint64_t step;
};

/* Looks at everything. */
void fsck_check(struct fsck *fsck);
/* Cuts out what the last check found, other than PAGES. The database must have
 * been opened for writing; the result is durable. */
int fsck_mend(struct fsck *fsck, struct db_error *error);
/* All that a check leaves; for another one, and at the end. */
void fsck_clear(struct fsck *fsck);

/* kvsd --fsck: the exit status. */
int fsck_main(const char *statedir, bool repair);

#endif
