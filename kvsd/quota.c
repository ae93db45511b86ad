/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas: see quota.h. Users' limits are records in the meta table: "quota."
 * and the uid (4 bytes), to keys (8) and bytes (8). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/database.h"

#define RECORD_PREFIX	"quota."
#define PREFIX_LEN	(sizeof(RECORD_PREFIX) - 1)
#define KEY_SIZE	(PREFIX_LEN + 4)
#define RECORD_SIZE	16

static const struct db_limits no_limits = { DB_NO_LIMIT, DB_NO_LIMIT };
static const struct db_limits default_limits = { DB_DEFAULT, DB_DEFAULT };

const struct db_settings db_settings_default = {
	{ DB_DEFAULT, DB_DEFAULT }, DB_DEFAULT, DB_DEFAULT
};

/* ---- users ---- */

/* Position of the first user that is not below UID. */
static size_t position(const struct quota *quota, uid_t uid)
{
	size_t low = 0, high = quota->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (quota->user[mid]->uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct user *quota_user(struct db *db, uid_t uid)
{
	struct quota *quota = &db->quota;
	size_t at = position(quota, uid);
	struct user *user;

	if (at < quota->count && quota->user[at]->uid == uid)
		return quota->user[at];
	user = xcalloc(1, sizeof(*user));
	user->uid = uid;
	user->quota = default_limits;
	if (quota->count == quota->room) {
		quota->room = quota->room ? 2 * quota->room : 16;
		quota->user = xrealloc(quota->user, quota->room *
				       sizeof(struct user *));
	}
	memmove(&quota->user[at + 1], &quota->user[at],
		(quota->count++ - at) * sizeof(struct user *));
	quota->user[at] = user;
	return user;
}

/* ---- limits ---- */

void quota_effective(struct db_limits *limits,
		     const struct db_limits *in_place)
{
	if (limits->keys == DB_DEFAULT)
		limits->keys = in_place->keys;
	if (limits->bytes == DB_DEFAULT)
		limits->bytes = in_place->bytes;
}

const struct db_limits *namespace_quota_default(const struct db *db,
						const struct namespace *ns)
{
	return ns->owner == db->quota.owner || namespace_is_snapshot(ns) ?
		&no_limits : &db->quota.namespace_default;
}

static const struct db_limits *user_default(const struct db *db, uid_t uid)
{
	return uid == db->quota.owner ? &no_limits : &db->quota.user_default;
}

static bool over(uint64_t before, uint64_t now, uint64_t limit)
{
	return now > before && now > limit;
}

/* WHAT and NAME say who held BEFORE and would hold NOW. */
static int admit(const char *what, const char *name, struct extent before,
		 struct extent now, struct db_limits limits,
		 struct db_error *error)
{
	if (over(before.bytes, now.bytes, limits.bytes))
		return db_fail(error, EDQUOT, "%s %.200s has a quota of %ju "
			       "bytes and holds %ju; it would hold %ju", what,
			       name, (uintmax_t)limits.bytes,
			       (uintmax_t)before.bytes, (uintmax_t)now.bytes);
	if (over(before.keys, now.keys, limits.keys))
		return db_fail(error, EDQUOT, "%s %.200s has a quota of %ju "
			       "keys and holds %ju; it would hold %ju", what,
			       name, (uintmax_t)limits.keys,
			       (uintmax_t)before.keys, (uintmax_t)now.keys);
	return 0;
}

static int admit_namespace(const struct db *db, const struct namespace *ns,
			   struct db_error *error)
{
	struct db_limits limits = ns->applied.settings.quota;

	quota_effective(&limits, namespace_quota_default(db, ns));
	return admit("namespace", ns->name, ns->before, ns->counted, limits,
		     error);
}

static int admit_user(const struct db *db, const struct user *user,
		      struct db_error *error)
{
	struct db_limits limits = user->quota;
	char name[24];

	quota_effective(&limits, user_default(db, user->uid));
	snprintf(name, sizeof(name), "%ju", (uintmax_t)user->uid);
	return admit("user", name, user->before, user->use, limits, error);
}

/* ---- counting ---- */

static struct extent extent_now(const struct namespace *ns)
{
	if (!ns->applied.root)
		return (struct extent){ 0 };
	return entry_extent(ns->applied.root);
}

static void note_before(const struct namespace_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		list->ns[i]->before = list->ns[i]->counted;
		list->ns[i]->user->before = list->ns[i]->user->use;
	}
}

static void count(const struct namespace_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct namespace *ns = list->ns[i];
		struct extent now = extent_now(ns);

		extent_add(&ns->user->use, extent_less(now, ns->counted));
		ns->counted = now;
	}
}

static int admit_all(const struct db *db, const struct namespace_list *list,
		     struct db_error *error)
{
	for (size_t i = 0; i < list->count; i++)
		if (admit_namespace(db, list->ns[i], error) < 0 ||
		    admit_user(db, list->ns[i]->user, error) < 0)
			return -1;
	return 0;
}

static void back(const struct namespace_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		list->ns[i]->counted = list->ns[i]->before;
		list->ns[i]->user->use = list->ns[i]->user->before;
	}
}

int quota_take(struct db *db, const struct namespace_list *a,
	       const struct namespace_list *b, struct db_error *error)
{
	static const struct namespace_list none;

	if (!b)
		b = &none;
	note_before(a);
	note_before(b);
	count(a);
	count(b);
	if (!admit_all(db, a, error) && !admit_all(db, b, error))
		return 0;
	back(a);
	back(b);
	errno = EDQUOT;
	return -1;
}

/* ---- life ---- */

void quota_init(struct db *db, const struct db_options *options)
{
	struct quota *quota = &db->quota;

	quota->owner = options->owner;
	quota->namespace_default = options->namespace_quota ?
		*options->namespace_quota : no_limits;
	quota->user_default = options->user_quota ? *options->user_quota
						  : no_limits;
}

void quota_free(struct db *db)
{
	struct quota *quota = &db->quota;

	while (quota->count)
		free(quota->user[--quota->count]);
	free(quota->user);
}

static int load_one(const unsigned char *key, size_t key_len,
		    const unsigned char *data, size_t len, void *arg)
{
	struct user *user;

	if (key_len != KEY_SIZE || memcmp(key, RECORD_PREFIX, PREFIX_LEN) ||
	    len != RECORD_SIZE)
		return 1;
	user = quota_user(arg, bytes_get(key + PREFIX_LEN, 4));
	user->quota.keys = bytes_get(data, 8);
	user->quota.bytes = bytes_get(data + 8, 8);
	return 0;
}

void quota_load(struct db *db)
{
	struct quota *quota = &db->quota;

	for (size_t i = 0; i < quota->count; i++) {
		memset(&quota->user[i]->use, 0, sizeof(struct extent));
		quota->user[i]->quota = default_limits;
	}
	for (size_t i = 0; i < db->ns_count; i++) {
		struct namespace *ns = db->ns[i];

		ns->counted = extent_now(ns);
		extent_add(&ns->user->use, ns->counted);
	}
	store_each(db->store, STORE_META, RECORD_PREFIX, PREFIX_LEN, load_one,
		   db);
}

/* ---- for the outside ---- */

static void info_fill(struct db *db, const struct user *user,
		      struct db_user_info *info)
{
	*info = (struct db_user_info){ .uid = user->uid,
		.keys = user->use.keys, .bytes = user->use.bytes,
		.quota = user->quota, .effective = user->quota };
	quota_effective(&info->effective, user_default(db, user->uid));
}

void db_user_info(struct db *db, uid_t uid, struct db_user_info *info)
{
	size_t at = position(&db->quota, uid);
	struct user nobody = { .uid = uid, .quota = default_limits };

	info_fill(db, at < db->quota.count && db->quota.user[at]->uid == uid ?
		  db->quota.user[at] : &nobody, info);
}

static bool is_default(const struct db_limits *limits)
{
	return limits->keys == DB_DEFAULT && limits->bytes == DB_DEFAULT;
}

void db_user_each(struct db *db, int (*cb)(const struct db_user_info *, void *),
		  void *arg)
{
	struct db_user_info info;

	for (size_t i = 0; i < db->quota.count; i++) {
		info_fill(db, db->quota.user[i], &info);
		if (cb(&info, arg))
			return;
	}
}

void db_user_set(struct db *db, uid_t uid, const struct db_limits *quota)
{
	struct store_changes *changes = &db->batch->changes;
	struct user *user = quota_user(db, uid);
	unsigned char key[KEY_SIZE] = RECORD_PREFIX, value[RECORD_SIZE];

	user->quota = *quota;
	bytes_put(key + PREFIX_LEN, uid, 4);
	bytes_put(bytes_put(value, quota->keys, 8), quota->bytes, 8);
	if (is_default(quota))
		store_delete(changes, STORE_META, key, sizeof(key));
	else
		store_put(changes, STORE_META, key, sizeof(key), value,
			  sizeof(value));
	db->batch->dirty = true;
}
