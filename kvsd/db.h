/* SPDX-License-Identifier: Apache-2.0 */
/* The database: namespaces of hash trees over a content-addressed store,
 * changed in memory by transactions and made durable in batches.
 *
 * One thread (the loop's) calls everything here. A transaction is applied at
 * once and belongs to the batch that is gathering. When the writer thread is
 * idle, db_turn_end seals that batch: hashes what is new once, and hands the
 * writer one LMDB transaction. The DURABLE callback then runs in the loop.
 * With durability none a batch is durable when sealed.
 *
 * Two states of a namespace can be read: the newest durable one, which all
 * may see, and the applied one, which only a connection with transactions of
 * its own outstanding sees (its replies wait for that batch).
 * weir-treeobj(5), kvsd(8).
 */
#ifndef WEIR_KVSD_DB_H
#define WEIR_KVSD_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kvsd/histogram.h"
#include "proto/wire.h"

struct event_base;
struct db;

#define DB_HASH_SIZE	32
#define DB_KEY_MAX	1024
#define DB_COMPONENTS_MAX	64
#define DB_NAME_MAX	255
#define DB_LINKS_MAX	16

struct db_hash { unsigned char byte[DB_HASH_SIZE]; };

void db_hash_text(const struct db_hash *hash, char text[2 * DB_HASH_SIZE + 1]);
int db_hash_parse(const char *text, struct db_hash *hash);

/* A message for people beside an errno. */
struct db_error {
	int errnum;
	char text[512];
};

/* Batch up to TICKET is durable (errnum 0), or all that is applied and not
 * durable was given up and undone (errnum ENOSPC, EIO). */
typedef void db_durable_f(void *arg, uint64_t ticket,
			  const struct db_error *error);

/* The most that something may hold; also DB_NO_LIMIT. */
struct db_limits {
	uint64_t keys, bytes;
};

#define DB_DEFAULT	UINT64_MAX	/* as the instance's options say */
#define DB_NO_LIMIT	(UINT64_MAX - 1)

/* Of a namespace. */
struct db_settings {
	struct db_limits quota;
	uint64_t history_versions;
	uint64_t history_time;	/* microseconds; 0: for ever */
};
extern const struct db_settings db_settings_default;

struct db_options {
	const char *path;	/* folder of the LMDB environment */
	bool durable;		/* false: no sync at all */
	uid_t owner;		/* of the primary namespace */
	size_t cache_max;	/* bytes of decoded nodes to keep; 0: default */
	size_t map_size;	/* bytes to map at first; 0: default. It grows */
	uint64_t history_max;	/* versions to keep; 0: default */
	double history_seconds;	/* and how long; 0: for ever */
	/* of each namespace and user but the owner; NULL: no limit */
	const struct db_limits *namespace_quota, *user_quota;
	bool gc_manual;		/* db_gc_step is called by the caller */
	db_durable_f *on_durable;
	/* What the administrator should know. May be NULL. */
	void (*on_warning)(void *arg, const char *text);
	/* What was told may not be on the disk, or what was not told may be: it
	 * is to end the process. */
	void (*on_fatal)(void *arg, const char *text);
	void *arg;
};

/* Seconds since the epoch. Tests put a clock of their own here. */
extern double (*db_clock)(void);

/* EBUSY if another live process has the database open (advisory lock);
 * EACCES and others with a text that names the folder. */
struct db *db_open(const struct db_options *options, struct event_base *base,
		   struct db_error *error);
/* To look at what a database holds that nobody has open; nothing is changed.
 * For db_close, and for reading of durable states. */
struct db *db_open_to_read(const char *path, struct db_error *error);
/* What was applied is made durable first, and on_durable is told. */
void db_close(struct db *db);
/* Call at the end of each turn of the loop. With durable false, on_durable is
 * called from in here. */
void db_turn_end(struct db *db);
/* Blocks until all that is applied is durable or was given up. */
void db_wait(struct db *db);
/* The ticket of the gathering batch if it holds changes, else that of the
 * newest sealed one; and the newest that is durable. */
uint64_t db_ticket(const struct db *db);
uint64_t db_ticket_durable(const struct db *db);

/* ---- namespaces ---- */

struct db_namespace_info {
	const char *name;
	uid_t owner;
	uint64_t version;
	struct db_hash root;	/* of the durable state */
	uint64_t keys, bytes;	/* in it, of that state */
};

/* APPLIED: of the applied state (root is then not set), else the durable. */
int db_namespace_info(struct db *db, const char *ns, bool applied,
		      struct db_namespace_info *info);
int db_namespace_create(struct db *db, const char *name, uid_t owner,
			const struct db_hash *root, struct db_error *error);
int db_namespace_remove(struct db *db, const char *name,
			struct db_error *error);
/* Binds it to a lease. ENOENT. */
int db_namespace_lease(struct db *db, const char *name, uint64_t lease,
		       struct db_error *error);
/* In byte order of names; stops when CB returns nonzero. */
void db_namespace_each(struct db *db,
		       int (*cb)(const struct db_namespace_info *, void *),
		       void *arg);

/* The oldest version that can be read; 0 if there is no such namespace. */
uint64_t db_history_start(struct db *db, const char *ns);
/* As the applied or the durable state has them. EFFECTIVE: with what the
 * instance's options say in the place of DB_DEFAULT. ENOENT. */
int db_namespace_settings(struct db *db, const char *ns, bool applied,
			  bool effective, struct db_settings *settings);
/* ENOENT; EINVAL for a snapshot. */
int db_namespace_set(struct db *db, const char *ns,
		     const struct db_settings *settings,
		     struct db_error *error);

/* What a user's namespaces and snapshots hold together, in the applied state,
 * and may. */
struct db_user_info {
	uid_t uid;
	uint64_t keys, bytes;
	struct db_limits quota, effective;
};
void db_user_info(struct db *db, uid_t uid, struct db_user_info *info);
/* Those who have, or had, namespaces or a quota, by uid; stops when CB returns
 * nonzero. */
void db_user_each(struct db *db, int (*cb)(const struct db_user_info *, void *),
		  void *arg);
void db_user_set(struct db *db, uid_t uid, const struct db_limits *quota);

/* ---- snapshots: kept states, namespaces NS@NAME that nobody writes ---- */

#define DB_SNAPSHOTS_MAX	1024	/* of a namespace */

/* Of the applied state, or with AT of that version or snapshot (@NAME). NAME
 * NULL: the version in decimal. The caller has checked the owner. EEXIST,
 * E2BIG, EINVAL, and as db_view_open. */
int db_snapshot(struct db *db, const char *ns, const char *name,
		const char *at, uint64_t *version, struct db_hash *hash,
		struct db_error *error);
/* CHECK as in db_apply. ENOENT, EPERM. */
int db_snapshot_remove(struct db *db, const char *ns, const char *name,
		       int (*check)(const char *ns, uid_t owner, void *arg),
		       void *arg, struct db_error *error);
/* When FULL, a durable NS@NAME, was made; 0 if that is not known. */
double db_snapshot_time(struct db *db, const char *full);

/* ---- transactions ---- */

enum { DB_UNLINK_RECURSIVE = 1, DB_UNLINK_FORCE = 2 };

struct db_op {
	enum wire_operation_id op;
	const char *key;	/* or, of make-namespace, its name */
	const char *arg;	/* target, hash text, namespace to adopt,
				   source, or suffix of enqueue (may be NULL) */
	const char *target_ns;	/* link, unlink (of KEY), copy (of ARG): may
				   be NULL */
	const char *at;		/* copy: as of db_view_open; may be NULL */
	const void *data;	/* put, append */
	size_t len;
	uint64_t number;	/* lease (0: none), version of if-* */
	uid_t owner;		/* make-namespace */
	int flags;
	/* Set by db_apply: the namespace and key that it changed once links
	 * on the way were followed (owned by the db until the next db_apply;
	 * copy to keep), the offset at which append wrote. NS_CHANGED is NULL
	 * when an operation changed nothing. KEY_CHANGED may be KEY itself.
	 * Enqueue becomes a put of the key that it made, copy of something
	 * small a put or link. */
	const char *ns_changed, *key_changed;
	uint64_t offset;
};

/* What the condition that failed last (ECANCELED) was tested against: its
 * number, from 1, and what is at its key, or at the root for if-root. */
struct db_conflict {
	size_t number;
	const char *found;	/* absent, value, dir, link; NULL: if-root */
	bool has_hash;		/* of a value */
	struct db_hash hash;
	uint64_t version;	/* of the namespace */
};
const struct db_conflict *db_conflict(const struct db *db);

/* All or nothing. CHECK is asked for each namespace that would be written
 * (NS always is; links may lead into others): 0 or an errno. On success
 * *VERSION is the namespace's new version; each other one that was written has
 * risen by one too. On failure nothing is applied; error->text names
 * the operation by number (from 1) and what is wrong, or begins with the
 * condition's line (ECANCELED). */
int db_apply(struct db *db, const char *ns, struct db_op *ops, size_t count,
	     int (*check)(const char *ns, uid_t owner, void *arg), void *arg,
	     uint64_t *version, struct db_error *error);
/* The version that the last db_apply made of NS is kept, though others become
 * durable together with it. */
void db_keep_version(struct db *db, const char *ns);

/* ---- reading ---- */

enum db_type { DB_VALUE, DB_DIR, DB_LINK };

/* A root to read at: pins it while open, also against later transactions. An
 * applied view must not be kept over the end of the turn. */
struct db_view;
/* AT NULL: the applied or the newest durable state; else version or hash
 * text of a durable one, or @NAME of a snapshot. ESTALE if not kept: of the versions that became
 * durable together only the last is, and no more than history_max back.
 * EINVAL for one that is not reached yet. */
struct db_view *db_view_open(struct db *db, const char *ns, const char *at,
			     bool applied, struct db_error *error);
/* To tell what happened since VERSION, which may be one inside a batch: the
 * durable state at VERSION or at the newest kept version before it, so that
 * what differs from it is all of that and perhaps a little more. ESTALE
 * ("history starts at N"); EINVAL if VERSION is not reached yet. */
struct db_view *db_view_open_from(struct db *db, const char *ns,
				  uint64_t version, struct db_error *error);
void db_view_close(struct db_view *view);
uint64_t db_view_version(const struct db_view *view);
/* -1 EAGAIN for an applied view that is not sealed yet. */
int db_view_root(const struct db_view *view, struct db_hash *hash);

struct db_entry {
	enum db_type type;
	uint64_t size;		/* bytes, or entries of a directory */
	const char *target;	/* link */
	const char *target_ns;	/* link; NULL if in the same namespace */
	/* where it was found after following links, for watches */
	char ns[DB_NAME_MAX + 1];
	char key[DB_KEY_MAX + 1];
	struct db_link {	/* links followed on the way */
		char ns[DB_NAME_MAX + 1];
		char key[DB_KEY_MAX + 1];
	} *link;
	int links;
	void *private;		/* reference to the content */
};

/* NOFOLLOW: do not follow a link in the last component. CHECK as in db_apply,
 * for reading. ENOENT, ENOTDIR, ELOOP, EINVAL (malformed key), EPERM; ns, key
 * and links are then filled as far as the way led, for watches that wait. */
int db_lookup(struct db_view *view, const char *key, bool nofollow,
	      int (*check)(const char *ns, uid_t owner, void *arg), void *arg,
	      struct db_entry *entry, struct db_error *error);
void db_entry_clear(struct db_entry *entry);
/* Hash of its content (-1 EAGAIN in an applied view if it changed and is not
 * sealed yet). Entries last as long as their view. */
int db_entry_hash(struct db_view *view, const struct db_entry *entry,
		  struct db_hash *hash);
/* Copies up to LEN bytes of a value from OFFSET; returns how many, -1 EIO. */
ssize_t db_read(struct db_view *view, const struct db_entry *entry,
		uint64_t offset, void *buf, size_t len);
/* Whether the first LEN bytes of two values, both of durable states, are the
 * same: 1, 0 (also if one has fewer), or -1 EIO. */
int db_same_prefix(struct db_view *view, const struct db_entry *a,
		   const struct db_entry *b, uint64_t len);
/* Names after AFTER (NULL: all) in byte order; stops when CB returns
 * nonzero. Values are not read. */
typedef int db_list_f(enum db_type type, uint64_t size, const char *name,
		      void *arg);
int db_list(struct db_view *view, const struct db_entry *entry,
	    const char *after, db_list_f *cb, void *arg);
/* What is damaged, by its hash, after one of these two failed with EIO. */
const char *db_why(const struct db_view *view);

/* What differs at and below KEY between two states, each key once, parents
 * first: put (with the whole value by db_read of ENTRY in NEW), mkdir of a new
 * directory (perhaps in the place of something else), link, unlink of what is
 * gone (its children are not named; ENTRY is NULL). OLD NULL: everything.
 * Links on the way to KEY are followed and those below it are told; the keys
 * told begin with KEY as given. Returns 0, what CB returned if not 0 (which
 * ends it), or -1 with ERROR filled. */
typedef int db_diff_f(enum wire_operation_id op, const char *key,
		      const struct db_entry *entry, void *arg);
int db_diff(struct db_view *old, struct db_view *new, const char *key,
	    db_diff_f *cb, void *arg, struct db_error *error);
/* What comes behind AFTER, which an earlier call for the same states told;
 * NULL: all. */
int db_diff_after(struct db_view *old, struct db_view *new, const char *key,
		  const char *after, db_diff_f *cb, void *arg,
		  struct db_error *error);

/* What differs between two entries, each key once, parents first: WAS or IS is
 * NULL if there is none. Of what lies below, directories that both have are not
 * told but looked into; without RECURSIVE that is done at the top alone, and
 * directories that differ are told. Links are not followed. Keys are those
 * below the entries; AFTER, which may be NULL, is one that was told, and then
 * what comes behind it is. A NULL: all of B. Both states are durable. */
typedef int db_change_f(const char *key, const struct db_entry *was,
			const struct db_entry *is, void *arg);
int db_changes(struct db_view *a_view, const struct db_entry *a,
	       struct db_view *b_view, const struct db_entry *b,
	       bool recursive, const char *after, db_change_f *cb, void *arg,
	       struct db_error *error);

/* ---- leases: ids and the keys bound to them, durable like all else ---- */

uint64_t db_lease_create(struct db *db, double seconds, uid_t owner);
int db_lease_info(struct db *db, uint64_t id, double *seconds, uid_t *owner);
void db_lease_each(struct db *db, void (*cb)(uint64_t id, void *arg),
		   void *arg);
/* Keys bound to ID now; a later put without or with another lease unbinds. Key
 * "." stands for the namespace. */
void db_lease_keys(struct db *db, uint64_t id,
		   void (*cb)(const char *ns, const char *key, void *arg),
		   void *arg);
/* WHEN, in seconds since the epoch, is noted. */
int db_lease_remove(struct db *db, uint64_t id, double when);
/* When it ended, if that is not long ago; -1 ENOENT. */
int db_lease_ended(const struct db *db, uint64_t id, double *when);

/* ---- collecting blobs that are not in use ---- */

enum db_gc_phase {
	DB_GC_IDLE,
	DB_GC_MARK,
	DB_GC_SWEEP,
	DB_GC_SETTLE,		/* the last batch of removals is on its way */
	DB_GC_COPY,		/* a smaller file is being made */
};

struct db_gc_info {
	enum db_gc_phase phase;
	uint64_t begun, ended;	/* collections, since the database was opened */
	/* of the present one or the last: */
	uint64_t marked, swept, removed, removed_bytes;
	double seconds;		/* if it has ended */
	double longest;		/* slice, in seconds */
	char why[256];		/* it was given up, or "" */
	/* of all since the database was opened: */
	uint64_t removed_all, removed_bytes_all;
	double longest_ever;
	/* of the store: */
	uint64_t blobs, stored;	/* number and bytes */
	uint64_t live;		/* bytes that the last one left */
};

/* Begins a collection, or another one after the present one. It has ended when
 * info.ended is at least what is returned. */
uint64_t db_gc_start(struct db *db);
void db_gc_info(struct db *db, struct db_gc_info *info);
/* With gc_manual: one step, at least, of a collection that was started. */
enum db_gc_phase db_gc_step(struct db *db, double seconds);

/* ---- figures for stats ---- */

struct db_stats {
	uint64_t transactions, operations, batches, blobs_written, bytes_written;
	uint64_t cache_bytes, cache_hits, cache_misses;
	uint64_t map_size, file_size, namespaces, leases;
	uint64_t batch_largest;	/* transactions */
	struct histogram batch_size, write_time, sync_time;
};
void db_stats(struct db *db, struct db_stats *stats);

#endif
