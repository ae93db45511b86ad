/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: their three states (applied, sealed, durable), their records
 * and their history. kvsd(8).
 *
 * A name that was removed and made again is two namespaces with different
 * ids, both known until the batch that removed the first is durable.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/database.h"

#define RECORD_VERSION	2
#define ROOT_SIZE	(DB_HASH_SIZE + 3 * 8)	/* hash and extent */
#define RECORD_ROOT	(1 + 8 + 4 + 8)	/* what comes before the root */
#define RECORD_SIZE	(RECORD_ROOT + ROOT_SIZE + 4 * 8)
#define HISTORY_SIZE	(ROOT_SIZE + 8)
#define AGED_MAX	2000	/* entries that are too old, at a time */
#define AGED_NAMESPACES	256	/* looked at for them, at a time */
#define PRUNE_MAX	64	/* entries of history a batch */

struct namespace *namespace_ref(struct namespace *ns)
{
	ns->refs++;
	return ns;
}

static void state_set(struct state *to, const struct state *from)
{
	struct entry *old = to->root;

	to->version = from->version;
	to->settings = from->settings;
	to->root = from->root ? entry_ref(from->root) : NULL;
	entry_unref(old);
}

void namespace_unref(struct namespace *ns)
{
	if (!ns || --ns->refs)
		return;
	entry_unref(ns->applied.root);
	entry_unref(ns->sealed.root);
	entry_unref(ns->durable.root);
	entry_unref(ns->written.root);
	free(ns->name);
	free(ns);
}

/* ---- the sorted table ---- */

/* Position of the first namespace that is not below NAME and ID. */
static size_t position(const struct db *db, const char *name, uint64_t id)
{
	size_t low = 0, high = db->ns_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(db->ns[mid]->name, name);

		if (order < 0 || (!order && db->ns[mid]->id < id))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct namespace *table_add(struct db *db, const char *name,
				   uint64_t id, uid_t owner)
{
	struct namespace *ns = xcalloc(1, sizeof(*ns));
	size_t at = position(db, name, id);

	ns->refs = 1;
	ns->name = xstrdup(name);
	ns->id = id;
	ns->owner = owner;
	ns->user = quota_user(db, owner);
	ns->applied.settings = db_settings_default;
	if (db->ns_count == db->ns_room) {
		db->ns_room = db->ns_room ? 2 * db->ns_room : 16;
		db->ns = xrealloc(db->ns, db->ns_room *
				  sizeof(struct namespace *));
	}
	memmove(&db->ns[at + 1], &db->ns[at],
		(db->ns_count++ - at) * sizeof(struct namespace *));
	db->ns[at] = ns;
	return ns;
}

/* Drops NS from the table if it exists in no state any more. */
static void sweep(struct db *db, struct namespace *ns)
{
	size_t at;

	if (ns->applied.root || ns->sealed.root || ns->durable.root ||
	    ns->written.root)
		return;
	at = position(db, ns->name, ns->id);
	if (at == db->ns_count || db->ns[at] != ns)
		return;
	memmove(&db->ns[at], &db->ns[at + 1],
		(--db->ns_count - at) * sizeof(struct namespace *));
	namespace_unref(ns);
}

struct namespace *namespace_find(struct db *db, const char *name,
				 bool applied)
{
	for (size_t at = position(db, name, 0); at < db->ns_count &&
	     !strcmp(db->ns[at]->name, name); at++)
		if (applied ? db->ns[at]->applied.root
			    : db->ns[at]->durable.root)
			return db->ns[at];
	errno = ENOENT;
	return NULL;
}

struct namespace *namespace_find_id(struct db *db, uint64_t id)
{
	for (size_t i = 0; i < db->ns_count; i++)
		if (db->ns[i]->id == id)
			return db->ns[i];
	return NULL;
}

int namespace_name_check(const char *name, struct db_error *error)
{
	size_t len = strlen(name);

	if (!len || len > DB_NAME_MAX || strpbrk(name, "\r\n") ||
	    !strcmp(name, "-"))
		return db_fail(error, EINVAL, "'%.255s' is no name of a "
			       "namespace: 1 to %d bytes, no line ends, not -",
			       name, DB_NAME_MAX);
	return 0;
}

int namespace_new_check(const char *name, struct db_error *error)
{
	if (namespace_name_check(name, error) < 0)
		return -1;
	return strchr(name, '@') ? db_fail(error, EINVAL, "'%.255s' is no "
		"name of a namespace: an @ is in those of snapshots", name) : 0;
}

/* ---- life ---- */

static void make_discard(struct undo *undo)
{
	namespace_unref(undo->object);
}

static void make_revert(struct undo *undo)
{
	struct namespace *ns = undo->object;

	entry_unref(ns->applied.root);
	ns->applied.root = NULL;
	sweep(undo->before, ns);
	namespace_unref(ns);
}

struct namespace *namespace_make(struct db *db, const char *name, uid_t owner,
				 struct entry *root, struct db_error *error)
{
	struct namespace *ns = NULL;

	if (namespace_find(db, name, true))
		db_fail(error, EEXIST, "namespace %s exists", name);
	else
		ns = table_add(db, name, db->ns_next++, owner);
	if (!ns) {
		int errnum = errno;

		entry_unref(root);
		errno = errnum;
		return NULL;
	}
	ns->applied.root = root;
	meta_put(db, "next-namespace", db->ns_next);
	undo_push(&db->undo, (struct undo) {
		.revert = make_revert, .discard = make_discard,
		.object = namespace_ref(ns), .before = db });
	return ns;
}

static void end_discard(struct undo *undo)
{
	namespace_unref(undo->object);
	entry_unref(undo->before);
}

static void end_revert(struct undo *undo)
{
	struct namespace *ns = undo->object;

	ns->applied.root = undo->before;
	namespace_unref(ns);
}

void namespace_end(struct db *db, struct namespace *ns)
{
	undo_push(&db->undo, (struct undo) {
		.revert = end_revert, .discard = end_discard,
		.object = namespace_ref(ns), .before = ns->applied.root });
	ns->applied.root = NULL;
}

int namespace_moved(struct db *db, struct namespace *ns,
		    struct db_error *error)
{
	struct namespace_list list = { &ns, 1, 1 };

	if (quota_take(db, &list, NULL, error) < 0) {
		undo_revert(&db->undo);
		errno = EDQUOT;
		return -1;
	}
	undo_discard(&db->undo);
	namespace_changed(db, ns);
	return 0;
}

void namespace_changed(struct db *db, struct namespace *ns)
{
	db->batch->dirty = true;
	if (ns->gathering)
		return;
	ns->gathering = true;
	namespace_list_add(&db->batch->changed, ns);
}

/* ---- records ---- */

static void history_key(unsigned char key[16], uint64_t id, uint64_t version)
{
	bytes_put(bytes_put(key, id, 8), version, 8);
}

static unsigned char *root_put(unsigned char *p, const struct entry *root)
{
	struct extent extent = entry_extent(root);

	memcpy(p, entry_hash(root), DB_HASH_SIZE);
	p = bytes_put(p + DB_HASH_SIZE, extent.entries, 8);
	p = bytes_put(p, extent.keys, 8);
	return bytes_put(p, extent.bytes, 8);
}

static struct entry *root_get(const unsigned char *p)
{
	const unsigned char *n = p + DB_HASH_SIZE;
	struct extent extent = { bytes_get(n, 8), bytes_get(n + 8, 8),
				 bytes_get(n + 16, 8) };

	return entry_dir("", 0, &extent, (const struct db_hash *)p);
}

static uint64_t history_max(const struct db *db, const struct state *state)
{
	uint64_t max = state->settings.history_versions;

	return max == DB_DEFAULT ? db->history_max : max;
}

/* Before which a version is too old; microseconds. */
static uint64_t history_before(const struct db *db, const struct state *state)
{
	uint64_t us = state->settings.history_time, now = db_clock() * 1e6;

	if (us == DB_DEFAULT)
		us = db->history_seconds * 1e6;
	return us && us < now ? now - us : 0;
}

static void record_put(struct db *db, const struct namespace *ns)
{
	const struct db_settings *set = &ns->applied.settings;
	unsigned char value[RECORD_SIZE], *p = value;

	*p++ = RECORD_VERSION;
	p = bytes_put(p, ns->id, 8);
	p = bytes_put(p, ns->owner, 4);
	p = bytes_put(p, ns->applied.version, 8);
	p = root_put(p, ns->applied.root);
	p = bytes_put(p, set->quota.keys, 8);
	p = bytes_put(p, set->quota.bytes, 8);
	p = bytes_put(p, set->history_versions, 8);
	bytes_put(p, set->history_time, 8);
	store_put(&db->batch->changes, STORE_NAMESPACE, ns->name,
		  strlen(ns->name), value, sizeof(value));
}

static void history_put(struct db *db, const struct namespace *ns)
{
	uint64_t version = ns->applied.version;
	uint64_t max = history_max(db, &ns->applied);
	struct store_changes *changes = &db->batch->changes;
	unsigned char key[16], from[16], kept[HISTORY_SIZE];

	bytes_put(root_put(kept, ns->applied.root), db_clock() * 1e6, 8);
	history_key(key, ns->id, version);
	store_put(changes, STORE_HISTORY, key, 16, kept, HISTORY_SIZE);
	if (version <= max)
		return;
	db->gc.loose = true;
	history_key(from, ns->id, 0);
	history_key(key, ns->id, version - max);
	store_delete_range(changes, STORE_HISTORY, from, 16, key, 16,
			   PRUNE_MAX);
}

static void record_delete(struct db *db, const struct namespace *ns)
{
	struct store_changes *changes = &db->batch->changes;
	unsigned char from[16], to[16];

	if (!namespace_find(db, ns->name, true))
		store_delete(changes, STORE_NAMESPACE, ns->name,
			     strlen(ns->name));
	db->gc.loose = true;
	history_key(from, ns->id, 0);
	history_key(to, ns->id + 1, 0);
	store_delete_range(changes, STORE_HISTORY, from, 16, to, 16, 0);
}

int namespace_seal(struct db *db, struct namespace *ns)
{
	ns->gathering = false;
	if (ns->applied.root) {
		if (tree_seal(&db->tree, ns->applied.root) < 0)
			return -1;
		record_put(db, ns);
		if (!ns->sealed.root ||
		    ns->sealed.version != ns->applied.version)
			history_put(db, ns);
	} else {
		record_delete(db, ns);
	}
	state_set(&ns->sealed, &ns->applied);
	return 0;
}

void namespace_keep(struct db *db, struct namespace *ns)
{
	/* Then the batch will be given up for the same reason. */
	if (tree_seal(&db->tree, ns->applied.root) < 0)
		return;
	history_put(db, ns);
	db->tree.token++;
}

void namespaces_durable(struct db *db, struct namespace_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		state_set(&list->ns[i]->durable, &list->ns[i]->sealed);
		sweep(db, list->ns[i]);
	}
}

void namespaces_written(struct db *db, struct namespace_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		state_set(&list->ns[i]->written, &list->ns[i]->sealed);
		sweep(db, list->ns[i]);
	}
}

void namespaces_give_up(struct db *db)
{
	recent_clear(&db->recent);
	for (size_t i = db->ns_count; i-- > 0;) {
		struct namespace *ns = db->ns[i];

		ns->gathering = false;
		state_set(&ns->applied, &ns->written);
		state_set(&ns->sealed, &ns->written);
		state_set(&ns->durable, &ns->written);
		ns->recent_floor = ns->written.version;
		sweep(db, ns);
	}
}

void namespaces_free(struct db *db)
{
	while (db->ns_count)
		namespace_unref(db->ns[--db->ns_count]);
	free(db->ns);
}

/* ---- loading ---- */

struct load {
	struct db *db;
	struct db_error *error;
};

static void settings_get(struct db_settings *set, const unsigned char *p)
{
	set->quota.keys = bytes_get(p, 8);
	set->quota.bytes = bytes_get(p + 8, 8);
	set->history_versions = bytes_get(p + 16, 8);
	set->history_time = bytes_get(p + 24, 8);
}

static int load_one(const unsigned char *key, size_t key_len,
		    const unsigned char *data, size_t len, void *arg)
{
	struct load *load = arg;
	struct namespace *ns;
	char name[DB_NAME_MAX + 1];

	if (key_len > DB_NAME_MAX || len != RECORD_SIZE ||
	    data[0] != RECORD_VERSION) {
		db_fail(load->error, EIO, "the record of namespace %.*s is "
			"damaged or of an unknown version",
			(int)(key_len < 64 ? key_len : 64), (const char *)key);
		return 1;
	}
	memcpy(name, key, key_len);
	name[key_len] = '\0';
	ns = table_add(load->db, name, bytes_get(data + 1, 8),
		       bytes_get(data + 9, 4));
	ns->durable.version = bytes_get(data + 13, 8);
	ns->durable.root = root_get(data + RECORD_ROOT);
	settings_get(&ns->durable.settings, data + RECORD_ROOT + ROOT_SIZE);
	state_set(&ns->applied, &ns->durable);
	state_set(&ns->sealed, &ns->durable);
	state_set(&ns->written, &ns->durable);
	ns->recent_floor = ns->durable.version;
	return 0;
}

int namespaces_load(struct db *db, struct db_error *error)
{
	struct load load = { db, error };
	int rc = store_each(db->store, STORE_NAMESPACE, NULL, 0, load_one,
			    &load);

	if (rc < 0)
		return db_fail(error, errno, errno != EIO ? "cannot read the "
			       "namespaces: %s" : "the pages of data.mdb with "
			       "the names of all namespaces are damaged (%s); "
			       "load a dump into a new folder",
			       strerror(errno));
	if (rc)
		errno = error ? error->errnum : EIO;
	return rc ? -1 : 0;
}

/* ---- history ---- */

static int first_version(const unsigned char *key, size_t key_len,
			 const unsigned char *data, size_t len, void *arg)
{
	uint64_t *found = arg;	/* wanted id, then the version */

	if (key_len != 16 || bytes_get(key, 8) != found[0])
		return -1;
	found[1] = bytes_get(key + 8, 8);
	return 1;
}

/* The first kept version from VERSION on, else the durable one. */
static uint64_t kept_from(struct db *db, const struct namespace *ns,
			  uint64_t version)
{
	uint64_t found[2] = { ns->id, 0 };
	unsigned char key[16];

	history_key(key, ns->id, version);
	if (store_each(db->store, STORE_HISTORY, key, 16, first_version,
		       found) != 1)
		return ns->durable.version;
	return found[1];
}

uint64_t db_history_start(struct db *db, const char *name)
{
	struct namespace *ns = namespace_find(db, name, false);

	return ns ? kept_from(db, ns, 0) : 0;
}

bool namespaces_shed_history(struct db *db, uint32_t limit)
{
	unsigned char from[16], to[16];

	for (size_t i = 0; i < db->ns_count; i++) {
		struct namespace *ns = db->ns[i];

		if (!ns->written.root ||
		    kept_from(db, ns, 0) >= ns->written.version)
			continue;
		history_key(from, ns->id, 0);
		history_key(to, ns->id, ns->written.version);
		store_delete_range(&db->batch->changes, STORE_HISTORY, from,
				   16, to, 16, limit);
		db->batch->dirty = true;
		return true;
	}
	return false;
}

struct aging {
	uint64_t id, below, few;	/* versions */
	uint64_t before;		/* microseconds */
	uint64_t upto;			/* version that is not too old */
	unsigned count;
};

static int age_one(const unsigned char *key, size_t key_len,
		   const unsigned char *data, size_t len, void *arg)
{
	struct aging *aging = arg;

	if (key_len != 16 || bytes_get(key, 8) != aging->id ||
	    bytes_get(key + 8, 8) >= aging->below ||
	    (bytes_get(key + 8, 8) >= aging->few && len == HISTORY_SIZE &&
	     bytes_get(data + ROOT_SIZE, 8) >= aging->before))
		return 1;
	aging->upto = bytes_get(key + 8, 8) + 1;
	return ++aging->count == AGED_MAX;
}

/* Drops what is too old of NS: how many. */
static unsigned age_history(struct db *db, const struct namespace *ns)
{
	uint64_t version = ns->written.version;
	uint64_t max = history_max(db, &ns->applied);
	struct aging aging = { .id = ns->id, .below = version,
			       .few = version > max ? version - max : 0,
			       .before = history_before(db, &ns->applied) };
	unsigned char from[16], to[16];

	if (!ns->written.root || !ns->applied.root ||
	    (!aging.few && !aging.before))
		return 0;
	history_key(from, ns->id, 0);
	store_each(db->store, STORE_HISTORY, from, 16, age_one, &aging);
	if (!aging.count)
		return 0;
	history_key(to, ns->id, aging.upto);
	store_delete_range(&db->batch->changes, STORE_HISTORY, from, 16, to,
			   16, 0);
	db->batch->dirty = db->gc.loose = true;
	return aging.count;
}

enum aged namespaces_age_history(struct db *db)
{
	size_t end = db->aged_at + AGED_NAMESPACES;
	unsigned count = 0;
	bool any;

	while (db->aged_at < db->ns_count && db->aged_at < end &&
	       count < AGED_MAX)
		count += age_history(db, db->ns[db->aged_at++]);
	db->aged_any |= count > 0;
	if (db->aged_at < db->ns_count)
		return AGED_MORE;
	any = db->aged_any;
	db->aged_at = 0;
	db->aged_any = false;
	return any ? AGED_SOME : AGED_NONE;
}

/* The record of namespace ID's greatest version up to VERSION; NULL with errno
 * ENOENT or EIO. What is durable may be on its way to the store yet. */
static const unsigned char *history_floor(struct db *db, uint64_t id,
					  uint64_t version,
					  const unsigned char **data,
					  size_t *len)
{
	const unsigned char *found = NULL;
	size_t found_len = 16;
	unsigned char key[16];

	history_key(key, id, version);
	if (db->sealed)
		found = store_changes_floor(&db->sealed->changes, STORE_HISTORY,
					    key, 16, data, len);
	if ((!found || bytes_get(found, 8) != id) &&
	    store_get_floor(db->store, STORE_HISTORY, key, 16, &found,
			    &found_len, data, len) < 0)
		return NULL;
	if (found_len == 16 && bytes_get(found, 8) == id)
		return found;
	errno = ENOENT;
	return NULL;
}

double namespace_time(struct db *db, const struct namespace *ns)
{
	const unsigned char *found, *data;
	size_t len;

	found = history_floor(db, ns->id, ns->durable.version, &data, &len);
	return !found || len != HISTORY_SIZE ? 0 :
	       bytes_get(data + ROOT_SIZE, 8) / 1e6;
}

static struct entry *history_root(struct db *db, struct namespace *ns,
				  uint64_t *version, bool *exact,
				  struct db_error *error)
{
	const unsigned char *found, *data;
	size_t len;

	found = history_floor(db, ns->id, *version, &data, &len);
	if (!found) {
		if (errno != ENOENT)
			db_fail(error, EIO, "cannot read the history of "
				"namespace %s: %s", ns->name, strerror(errno));
		return NULL;
	}
	if (len != HISTORY_SIZE) {
		db_fail(error, EIO, "the history of namespace %s is damaged",
			ns->name);
		return NULL;
	}
	*exact = bytes_get(found + 8, 8) == *version;
	*version = bytes_get(found + 8, 8);
	return root_get(data);
}

struct entry *namespace_history(struct db *db, struct namespace *ns,
				uint64_t *version, bool floor,
				struct db_error *error)
{
	uint64_t want = *version;
	struct entry *root;
	bool exact;

	if (want == ns->durable.version)
		return entry_ref(ns->durable.root);
	if (want > ns->durable.version) {
		db_fail(error, EINVAL, "namespace %s is at version %ju, not "
			"yet at %ju", ns->name,
			(uintmax_t)ns->durable.version, (uintmax_t)want);
		return NULL;
	}
	root = history_root(db, ns, version, &exact, error);
	if (!root && errno == ENOENT)
		db_fail(error, ESTALE, "history starts at %ju",
			(uintmax_t)kept_from(db, ns, 0));
	if (!root || exact || floor)
		return root;
	entry_unref(root);
	db_fail(error, ESTALE, "version %ju was committed together with "
		"others; the versions next to it that are kept are %ju and "
		"%ju", (uintmax_t)want, (uintmax_t)*version,
		(uintmax_t)kept_from(db, ns, want));
	return NULL;
}
