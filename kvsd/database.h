/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind db.h share. All of it belongs to the loop's thread,
 * except that a sealed batch is read by the writer's thread as well, between
 * pipeline_submit and pipeline_result, and nobody changes it then.
 */
#ifndef WEIR_KVSD_DATABASE_H
#define WEIR_KVSD_DATABASE_H

#include "kvsd/db.h"
#include "kvsd/error.h"
#include "kvsd/gc.h"
#include "kvsd/pipeline.h"
#include "kvsd/quota.h"
#include "kvsd/recent.h"
#include "kvsd/room.h"
#include "kvsd/store.h"
#include "kvsd/tree.h"

#define DB_MAGIC		0x77640001u
#define DB_VIEW_MAGIC		0x77640002u
#define DB_CACHE_DEFAULT	(64u << 20)
#define DB_HISTORY_DEFAULT	100000u

/* One state of a namespace. ROOT is NULL if it doesn't exist then. */
struct state {
	uint64_t version;
	struct entry *root;
	struct db_settings settings;
};

struct namespace {
	unsigned refs;
	char *name;
	uint64_t id;		/* never used again */
	uid_t owner;
	struct user *user;	/* the owner, in db->quota */
	struct extent counted;	/* of the applied root, as counted there */
	struct extent before;	/* within quota_take */
	struct state applied, sealed, durable;
	struct state written;	/* in the store; may be behind durable */
	bool gathering;		/* is in db->batch->changed */
	uint64_t recent_floor;	/* writes after this version are in
				   db->recent */
};

/* Namespaces changed by a batch, each with a reference. */
struct namespace_list {
	struct namespace **ns;
	size_t count, room;
};

struct batch {
	uint64_t ticket;
	struct blob_set *blobs;
	struct store_changes changes;
	struct namespace_list changed;
	struct db_hash *graft;	/* trees that it took up by their hash */
	size_t grafts, grafts_room;
	uint64_t transactions;
	bool dirty;		/* there is something to write */
};

struct lease_table;

struct db {
	unsigned magic;
	bool durable;
	struct store *store;
	struct pipeline *pipeline;
	struct tree tree;
	struct undo_log undo;
	struct recent recent;
	struct batch *batch;	/* gathers; never NULL */
	struct batch *sealed;	/* being written, or NULL */
	bool copying;		/* the writer makes a copy; SEALED is NULL */
	uint64_t ticket_last;	/* given to a batch */
	uint64_t ticket_sealed, ticket_durable;
	bool told;		/* the sealed batch counts as durable */
	uint64_t serial;	/* of the last batch that was sealed */
	uint64_t history_max;
	double history_seconds;	/* 0: for ever */
	unsigned applied_views;	/* open ones that a change must not reach */
	struct namespace **ns;	/* by name, then id */
	size_t ns_count, ns_room;
	uint64_t ns_next;	/* id */
	size_t aged_at;		/* of ns: looked at for old versions up to it */
	bool aged_any;
	struct quota quota;
	struct namespace_list touched;	/* written by the last db_apply */
	struct namespace_list moved;	/* made or ended by it */
	struct note {
		struct note *next;
		char bytes[];
	} *notes;		/* keys and others, told by it */
	struct db_conflict conflict;	/* of the last db_apply, if refused */
	struct lease_table *leases;
	struct db_view *views;	/* open ones */
	struct store_total total;	/* after the last batch written */
	struct gc gc;
	struct room room;
	db_durable_f *on_durable;
	void (*on_warning)(void *arg, const char *text);
	void (*on_fatal)(void *arg, const char *text);
	void *arg;
	struct db_stats stats;
};

/* ---- batches: batch.c ---- */

struct batch *batch_create(uint64_t ticket);
void batch_destroy(struct batch *batch);
void batch_begin(struct db *db);	/* a fresh one to gather in */
void namespace_list_add(struct namespace_list *list, struct namespace *ns);
void namespace_list_clear(struct namespace_list *list);
/* Numbers in the meta table. */
void meta_put(struct db *db, const char *name, uint64_t number);
uint64_t meta_get(struct db *db, const char *name);

/* ---- namespaces: namespace.c ---- */

struct namespace *namespace_ref(struct namespace *ns);
void namespace_unref(struct namespace *ns);
struct namespace *namespace_find(struct db *db, const char *name,
				 bool applied);
struct namespace *namespace_find_id(struct db *db, uint64_t id);
int namespace_name_check(const char *name, struct db_error *error);
/* Of one to be made, which is no snapshot. */
int namespace_new_check(const char *name, struct db_error *error);
/* When its durable version was made, as far as that is recorded; else 0. */
double namespace_time(struct db *db, const struct namespace *ns);
/* Takes ROOT. Logged for undo. */
struct namespace *namespace_make(struct db *db, const char *name, uid_t owner,
				 struct entry *root, struct db_error *error);
/* The applied state ends. Logged for undo. */
void namespace_end(struct db *db, struct namespace *ns);
/* It was made or ended, and by nothing else than that: the end of the
 * transaction, or it is undone. EDQUOT. */
int namespace_moved(struct db *db, struct namespace *ns,
		    struct db_error *error);
/* Notes that the gathering batch changes it. */
void namespace_changed(struct db *db, struct namespace *ns);
/* -1 EIO: see tree_seal. */
int namespace_seal(struct db *db, struct namespace *ns);
/* Makes the applied state one of the history, whatever follows in the batch. */
void namespace_keep(struct db *db, struct namespace *ns);
void namespaces_durable(struct db *db, struct namespace_list *list);
/* Drops up to LIMIT old versions; false if there are none. */
bool namespaces_shed_history(struct db *db, uint32_t limit);
/* Drops versions that are too old, of some namespaces: AGED_MORE until all were
 * looked at, and then whether there were any in the store. */
enum aged { AGED_NONE, AGED_SOME, AGED_MORE };
enum aged namespaces_age_history(struct db *db);
int namespaces_load(struct db *db, struct db_error *error);
void namespaces_written(struct db *db, struct namespace_list *list);
void namespaces_give_up(struct db *db);	/* all states back to the written */
void namespaces_free(struct db *db);
/* The root at a durable VERSION, a reference of the caller's. FLOOR: or at
 * the newest kept version before; *VERSION is set to it. ESTALE, EINVAL. */
struct entry *namespace_history(struct db *db, struct namespace *ns,
				uint64_t *version, bool floor,
				struct db_error *error);

/* ---- snapshots: snapshot.c ---- */

bool namespace_is_snapshot(const struct namespace *ns);
/* The namespace that is the snapshot NAME of NS, of the same owner. */
struct namespace *snapshot_find(struct db *db, const struct namespace *ns,
				const char *name, bool applied,
				struct db_error *error);

/* ---- finding what a key stands for: walk.c ---- */

struct walk {
	struct db *db;
	bool applied;		/* state of namespaces that links lead into */
	bool nofollow;		/* of a link in the last component */
	bool note_links;	/* in LINK, to be freed by the caller */
	int (*check)(const char *ns, uid_t owner, void *arg);
	void *arg;
	struct namespace *ns;	/* at first where to start; not a reference */
	struct entry *root;	/* its tree; not a reference */
	char key[DB_KEY_MAX + 1];
	struct db_link *link;
	int links;
	bool no_namespace;	/* ENOENT is that of a namespace */
	int missing;		/* txn.c: ENOENT or ENOTDIR, if nothing is there */
};

/* EINVAL with a text unless KEY is well formed. */
int key_check(const char *key, struct db_error *error);
/* The entry (a reference of the caller's), or NULL with errno. ns, root and
 * key then say where the way led; LINKS how often a link was followed. */
struct entry *walk_run(struct walk *walk, const char *key,
		       struct db_error *error);

/* ---- leases: lease.c ---- */

struct lease_table *lease_table_create(void);
void lease_table_destroy(struct lease_table *table);
/* From the store; if it can't be read, the leases stay as they are. */
int lease_load(struct db *db, struct db_error *error);
/* Both logged for undo. ENOENT. */
int lease_bind(struct db *db, struct namespace *ns, const char *key,
	       uint64_t id, struct db_error *error);
void lease_unbind(struct db *db, struct namespace *ns, const char *key);
uint64_t lease_count(const struct db *db);

/* ---- reading: view.c ---- */

/* Takes CONTENT; ns, key and links are not touched. */
void entry_fill(struct db_entry *entry, struct entry *content);

/* ---- transactions: txn.c ---- */

/* Drops what the last db_apply told in its operations. */
void txn_forget(struct db *db);

struct db_view {
	unsigned magic;
	struct db *db;
	struct db_view *next, **link;	/* of db->views */
	struct namespace *ns;
	struct entry *root;
	uint64_t version;
	bool applied;
};

#endif
