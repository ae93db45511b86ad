/* SPDX-License-Identifier: Apache-2.0 */
/* The database: opening, closing, and the way of a batch from gathering over
 * sealed to durable. See db.h, kvsd(8).
 *
 * At most one batch is sealed and being written. A batch that could not be
 * written is given up together with the one that gathers on top of it; the
 * state is then the durable one again.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "kvsd/alloc.h"
#include "kvsd/database.h"
#include "kvsd/splice.h"

#define FORMAT_VERSION	3	/* 1: a directory was one blob; 2: directories had
				   no extent */

static double real_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

double (*db_clock)(void) = real_time;

static const struct db_error no_error;

static void tell_durable(struct db *db, uint64_t ticket,
			 const struct db_error *error)
{
	if (db->on_durable)
		db->on_durable(db->arg, ticket, error);
}

/* Back to what is in the store. */
static void give_up(struct db *db, struct db_error *error)
{
	uint64_t ticket = db->batch->dirty ? db->batch->ticket
					   : db->ticket_sealed;
	bool burials = db->batch->blobs->dead_count ||
		(db->sealed && db->sealed->blobs->dead_count);
	struct db_error reload;

	batch_destroy(db->sealed);
	batch_destroy(db->batch);
	db->sealed = NULL;
	db->tree.space.sealed = NULL;
	batch_begin(db);
	store_read_end(db->store);
	cache_clear(db->tree.cache);
	namespaces_give_up(db);
	quota_load(db);
	gc_give_up(db, burials);
	if (lease_load(db, &reload) < 0)
		db_fail_prefix(error, "%.200s; ", reload.text);
	if (error->errnum == ENOSPC)
		room_failed(db);
	tell_durable(db, ticket, error);
}

/* ---- sealing ---- */

/* False: what is stored is damaged where it had to be read, and all that the
 * batch holds was given up. */
static bool seal_namespaces(struct db *db)
{
	struct namespace_list *list = &db->batch->changed;
	struct db_error error;

	for (size_t i = 0; i < list->count; i++) {
		if (!namespace_seal(db, list->ns[i]))
			continue;
		db_fail(&error, EIO, "namespace %.64s: directory %s",
			list->ns[i]->name, db->tree.why);
		give_up(db, &error);
		return false;
	}
	return true;
}

static void seal(struct db *db)
{
	struct batch *batch = db->batch;

	store_read_end(db->store);
	meta_put(db, "serial", ++db->serial);
	gc_seal(db, batch);
	db->stats.batches++;
	db->stats.blobs_written += batch->blobs->count;
	db->stats.bytes_written += batch->blobs->bytes;
	histogram_add(&db->stats.batch_size, batch->transactions, 1);
	if (batch->transactions > db->stats.batch_largest)
		db->stats.batch_largest = batch->transactions;
	db->sealed = batch;
	db->ticket_sealed = batch->ticket;
	db->tree.space.sealed = batch->blobs;
	batch_begin(db);
	db->told = false;
	pipeline_submit(db->pipeline, batch->blobs, &batch->changes);
}

/* The sealed batch is, or counts as such. */
static void durable(struct db *db)
{
	if (db->told)
		return;
	db->told = true;
	namespaces_durable(db, &db->sealed->changed);
	db->ticket_durable = db->ticket_sealed;
	tell_durable(db, db->ticket_durable, &no_error);
}

void db_turn_end(struct db *db)
{
	assert(db->magic == DB_MAGIC);
	store_read_end(db->store);
	if (db->sealed || db->copying || gc_copy(db) || !db->batch->dirty ||
	    !seal_namespaces(db))
		return;
	seal(db);
	if (!db->durable)
		durable(db);
}

/* ---- written, or not ---- */

static void written(struct db *db)
{
	struct batch *batch = db->sealed;

	namespaces_written(db, &batch->changed);
	durable(db);
	/* What was in the batch must now be found in the store. */
	db->sealed = NULL;
	db->tree.space.sealed = NULL;
	store_read_end(db->store);
	batch_destroy(batch);
	room_changed(db);
	gc_written(db);
}

/* Nobody can say what is on the disk: a start may. */
static void fatal(struct db *db, const char *text)
{
	if (db->on_fatal)
		db->on_fatal(db->arg, text);
	abort();
}

/* A batch could not be finished. Whether it is there only a fresh look at the
 * files can tell. 0 if it is, or EIO. */
static int recover(struct db *db, struct db_error *error)
{
	if (store_reopen(db->store, error))
		fatal(db, error->text);
	if (meta_get(db, "serial") == db->serial && !store_sync(db->store) &&
	    !store_total(db->store, &db->total))
		return 0;
	if (db->durable && db->told)
		fatal(db, "a batch that was durable is not found");
	return EIO;
}

static void finish_batch(struct db *db, const struct write_result *result)
{
	struct db_error error = { EIO, "" };
	int rc = result->rc;

	if (db->copying) {
		room_changed(db);
		gc_copied(db, result);
		return;
	}
	histogram_add_seconds(&db->stats.write_time, result->seconds, 1);
	histogram_add_seconds(&db->stats.sync_time, result->sync_seconds, 1);
	snprintf(error.text, sizeof(error.text), "%s", result->text);
	if (rc == STORE_FULL) {
		rc = store_grow(db->store);
		if (!rc) {
			pipeline_submit(db->pipeline, db->sealed->blobs,
					&db->sealed->changes);
			return;
		}
		db_fail(&error, rc, "the database cannot grow: %s",
			strerror(rc));
	}
	if (!rc)
		db->total = result->total;
	else if (rc == STORE_BROKEN || (db->durable && db->told))
		rc = recover(db, &error);
	error.errnum = rc;
	if (rc)
		give_up(db, &error);
	else
		written(db);
}

static void on_ready(void *arg)
{
	struct write_result result;
	struct db *db = arg;

	assert(db->magic == DB_MAGIC);
	if (pipeline_durable(db->pipeline))
		durable(db);
	if (pipeline_result(db->pipeline, false, &result))
		finish_batch(db, &result);
}

void db_wait(struct db *db)
{
	struct write_result result;

	for (;;) {
		db_turn_end(db);
		if (!db->sealed && !db->batch->dirty)
			return;
		if (pipeline_result(db->pipeline, true, &result))
			finish_batch(db, &result);
	}
}

uint64_t db_ticket(const struct db *db)
{
	return db->batch->dirty ? db->batch->ticket : db->ticket_sealed;
}

uint64_t db_ticket_durable(const struct db *db)
{
	return db->ticket_durable;
}

/* ---- opening ---- */

static int check_format(struct db *db, struct db_error *error)
{
	uint64_t format = meta_get(db, "format");

	if (format == FORMAT_VERSION)
		return 0;
	if (format)
		return db_fail(error, EIO, "the database is of format %ju; "
			       "this program knows %d", (uintmax_t)format,
			       FORMAT_VERSION);
	meta_put(db, "format", FORMAT_VERSION);
	db->batch->dirty = true;
	return 0;
}

static int load(struct db *db, struct db_error *error)
{
	if (check_format(db, error) < 0 || namespaces_load(db, error) < 0 ||
	    lease_load(db, error) < 0)
		return -1;
	db->serial = meta_get(db, "serial");
	db->ns_next = meta_get(db, "next-namespace");
	if (!db->ns_next)
		db->ns_next = 1;
	quota_load(db);
	return 0;
}

/* Told of a batch that is written before the caller knows the database. */
static void first_batch(void *arg, uint64_t ticket,
			const struct db_error *error)
{
	*(struct db_error *)arg = *error;
}

static int make_primary(struct db *db, uid_t owner, struct db_error *error)
{
	struct db_error result = { 0, "" };

	db->on_durable = first_batch;
	db->arg = &result;
	if (!namespace_find(db, "primary", true) &&
	    db_namespace_create(db, "primary", owner, NULL, error) < 0)
		return -1;
	db_wait(db);
	if (result.errnum)
		return db_fail(error, result.errnum, "%s", result.text);
	return 0;
}

static struct db *db_create(const struct db_options *options)
{
	struct db *db = xcalloc(1, sizeof(*db));

	db->magic = DB_MAGIC;
	db->durable = options->durable;
	db->gc.automatic = !options->gc_manual;
	db->history_seconds = options->history_seconds;
	db->history_max = options->history_max ? options->history_max
					       : DB_HISTORY_DEFAULT;
	quota_init(db, options);
	db->tree.undo = &db->undo;
	db->tree.cache = cache_create(options->cache_max ? options->cache_max
				      : DB_CACHE_DEFAULT);
	batch_begin(db);
	return db;
}

static void db_destroy(struct db *db)
{
	gc_fini(db);
	pipeline_destroy(db->pipeline);
	batch_destroy(db->batch);
	txn_forget(db);
	free(db->touched.ns);
	free(db->moved.ns);
	recent_free(&db->recent);
	namespaces_free(db);
	quota_free(db);
	lease_table_destroy(db->leases);
	undo_free(&db->undo);
	splice_destroy(db->tree.splice);
	cache_destroy(db->tree.cache);
	store_close(db->store);
	db->magic = 0;
	free(db);
}

struct db *db_open_to_read(const char *path, struct db_error *error)
{
	struct db *db;
	int errnum;

	if (sodium_init() < 0) {
		db_fail(error, EIO, "libsodium cannot be used");
		return NULL;
	}
	db = db_create(&(struct db_options){ .durable = true,
					     .gc_manual = true });
	db->store = store_open_to_read(path, error);
	db->tree.space.store = db->store;
	if (db->store && load(db, error) == 0)
		return db;
	errnum = errno;
	db_destroy(db);
	errno = errnum;
	return NULL;
}

static void warn(const struct db *db)
{
	const char *text = store_warning(db->store);

	if (text && db->on_warning)
		db->on_warning(db->arg, text);
}

struct db *db_open(const struct db_options *options, struct event_base *base,
		   struct db_error *error)
{
	struct db *db;
	int errnum;

	if (sodium_init() < 0) {
		db_fail(error, EIO, "libsodium cannot be used");
		return NULL;
	}
	db = db_create(options);
	db->store = store_open(options->path, options->durable,
			       options->map_size, error);
	db->tree.space.store = db->store;
	if (!db->store || load(db, error) < 0)
		goto fail;
	db->pipeline = pipeline_create(db->store, base, on_ready, db, error);
	if (!db->pipeline || gc_init(db, base, error) < 0 ||
	    make_primary(db, options->owner, error) < 0)
		goto fail;
	db->on_durable = options->on_durable;
	db->on_warning = options->on_warning;
	db->on_fatal = options->on_fatal;
	room_init(db);
	db->arg = options->arg;
	warn(db);
	return db;
fail:
	errnum = errno;
	db_destroy(db);
	errno = errnum;
	return NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (db->pipeline)
		db_wait(db);
	gc_stop(db);
	if (!db->durable)
		store_sync(db->store);
	db_destroy(db);
}

/* ---- namespaces ---- */

static void info_fill(struct db_namespace_info *info,
		      const struct namespace *ns, const struct state *state)
{
	info->name = ns->name;
	info->owner = ns->owner;
	info->version = state->version;
	info->keys = entry_extent(state->root).keys;
	info->bytes = entry_extent(state->root).bytes;
	memset(&info->root, 0, sizeof(info->root));
	if (state == &ns->durable)
		info->root = *entry_hash(state->root);
}

int db_namespace_info(struct db *db, const char *name, bool applied,
		      struct db_namespace_info *info)
{
	struct namespace *ns = namespace_find(db, name, applied);

	if (!ns)
		return -1;
	info_fill(info, ns, applied ? &ns->applied : &ns->durable);
	return 0;
}

int db_namespace_create(struct db *db, const char *name, uid_t owner,
			const struct db_hash *hash, struct db_error *error)
{
	struct entry *root;
	struct namespace *ns;

	static const struct db_op op = { .op = OP_make_namespace };

	if (namespace_new_check(name, error) < 0 ||
	    room_check(db, &op, 1, error) < 0 ||
	    (hash && gc_admit(db, hash, true, error) < 0))
		return -1;
	root = hash ? tree_root(&db->tree, hash) : tree_empty(&db->tree, "");
	if (!root)
		return db_fail(error, errno, "%s", db->tree.why);
	ns = namespace_make(db, name, owner, root, error);
	if (!ns)
		return -1;
	return namespace_moved(db, ns, error);
}

int db_namespace_remove(struct db *db, const char *name,
			struct db_error *error)
{
	struct namespace *ns = namespace_find(db, name, true);

	if (!ns)
		return db_fail(error, ENOENT, "namespace %.255s does not "
			       "exist", name);
	if (!strcmp(name, "primary"))
		return db_fail(error, EPERM, "primary cannot be removed");
	namespace_end(db, ns);
	return namespace_moved(db, ns, error);
}

int db_namespace_lease(struct db *db, const char *name, uint64_t lease,
		       struct db_error *error)
{
	struct namespace *ns = namespace_find(db, name, true);

	if (!ns)
		return db_fail(error, ENOENT, "namespace %.255s does not "
			       "exist", name);
	/* No value is ever there, so no put unbinds it. */
	if (lease_bind(db, ns, ".", lease, error) < 0)
		return -1;
	undo_discard(&db->undo);
	db->batch->dirty = true;
	return 0;
}

int db_namespace_settings(struct db *db, const char *name, bool applied,
			  bool effective, struct db_settings *settings)
{
	struct namespace *ns = namespace_find(db, name, applied);

	if (!ns)
		return -1;
	*settings = applied ? ns->applied.settings : ns->durable.settings;
	if (!effective)
		return 0;
	quota_effective(&settings->quota, namespace_quota_default(db, ns));
	if (settings->history_versions == DB_DEFAULT)
		settings->history_versions = db->history_max;
	if (settings->history_time == DB_DEFAULT)
		settings->history_time = db->history_seconds * 1e6;
	return 0;
}

int db_namespace_set(struct db *db, const char *name,
		     const struct db_settings *settings,
		     struct db_error *error)
{
	struct namespace *ns = namespace_find(db, name, true);

	if (!ns)
		return db_fail(error, ENOENT, "namespace %.255s does not "
			       "exist", name);
	if (namespace_is_snapshot(ns))
		return db_fail(error, EINVAL, "%.255s is a snapshot, which "
			       "has no settings", name);
	ns->applied.settings = *settings;
	namespace_changed(db, ns);
	gc_age(db);
	return 0;
}

void db_namespace_each(struct db *db,
		       int (*cb)(const struct db_namespace_info *, void *),
		       void *arg)
{
	struct db_namespace_info info;

	for (size_t i = 0; i < db->ns_count; i++) {
		if (!db->ns[i]->durable.root)
			continue;
		info_fill(&info, db->ns[i], &db->ns[i]->durable);
		if (cb(&info, arg))
			return;
	}
}

void db_stats(struct db *db, struct db_stats *stats)
{
	*stats = db->stats;
	cache_stats(db->tree.cache, stats);
	store_stats(db->store, stats);
	stats->leases = lease_count(db);
	for (size_t i = 0; i < db->ns_count; i++)
		stats->namespaces += !!db->ns[i]->durable.root;
}
