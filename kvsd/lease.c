/* SPDX-License-Identifier: Apache-2.0 */
/* Leases and the keys bound to them. Both are held in memory, since only
 * live ones exist, and recorded with the batch that changes them:
 *   lease id            -> version, microseconds, owner
 *   lease id, number    -> namespace id, key
 * Of the newest that have ended it is known when:
 *   lease id            -> version, microseconds since the epoch, owner
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/database.h"

#define RECORD_VERSION	1
#define RECORD_ENDED	2	/* version of the record of an ended one */
#define RECORD_SIZE	(1 + 8 + 4)
#define ENDED_MAX	1024	/* of which it is known when they ended */
#define BUCKETS_MIN	64

struct binding {
	struct binding *hash_next;
	struct binding *next, **prev;	/* of its lease */
	struct lease *lease;
	uint64_t number, ns;
	char key[];
};

struct lease {
	uint64_t id, microseconds;
	uid_t owner;
	struct binding *binding;
};

struct lease_table {
	uint64_t next_id, next_number;
	struct lease **lease;		/* by id */
	size_t count, room;
	struct binding **bucket;
	size_t buckets, bindings;
	struct ended {
		uint64_t id, microseconds;
	} ended[ENDED_MAX];		/* a ring */
	size_t ended_first, ended_count;
};

/* ---- the table ---- */

struct lease_table *lease_table_create(void)
{
	struct lease_table *table = xcalloc(1, sizeof(*table));

	table->next_id = 1;
	table->buckets = BUCKETS_MIN;
	table->bucket = xcalloc(table->buckets, sizeof(struct binding *));
	return table;
}

static void lease_free(struct lease *lease)
{
	while (lease->binding) {
		struct binding *binding = lease->binding;

		lease->binding = binding->next;
		free(binding);
	}
	free(lease);
}

void lease_table_destroy(struct lease_table *table)
{
	if (!table)
		return;
	while (table->count)
		lease_free(table->lease[--table->count]);
	free(table->lease);
	free(table->bucket);
	free(table);
}

/* Position of the first lease that is not below ID. */
static size_t position(const struct lease_table *table, uint64_t id)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (table->lease[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct lease *lease_find(const struct lease_table *table, uint64_t id)
{
	size_t at = position(table, id);

	return at < table->count && table->lease[at]->id == id ?
		table->lease[at] : NULL;
}

/* ID is greater than any there is. */
static struct lease *lease_add(struct lease_table *table, uint64_t id,
			       uint64_t microseconds, uid_t owner)
{
	struct lease *lease = xcalloc(1, sizeof(*lease));

	lease->id = id;
	lease->microseconds = microseconds;
	lease->owner = owner;
	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 16;
		table->lease = xrealloc(table->lease, table->room *
					sizeof(struct lease *));
	}
	table->lease[table->count++] = lease;
	return lease;
}

static struct binding **bucket_of(const struct lease_table *table,
				  uint64_t ns, const char *key)
{
	uint64_t h = 14695981039346656037u ^ ns;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return &table->bucket[(h ^ h >> 32) & (table->buckets - 1)];
}

static void grow(struct lease_table *table)
{
	struct binding **old = table->bucket;
	size_t count = table->buckets;

	table->buckets *= 4;
	table->bucket = xcalloc(table->buckets, sizeof(struct binding *));
	for (size_t i = 0; i < count; i++) {
		struct binding *b, *next;

		for (b = old[i]; b; b = next) {
			struct binding **p = bucket_of(table, b->ns, b->key);

			next = b->hash_next;
			b->hash_next = *p;
			*p = b;
		}
	}
	free(old);
}

static struct binding **binding_find(const struct lease_table *table,
				     uint64_t ns, const char *key)
{
	struct binding **p = bucket_of(table, ns, key);

	while (*p && ((*p)->ns != ns || strcmp((*p)->key, key)))
		p = &(*p)->hash_next;
	return p;
}

static void binding_link(struct lease_table *table, struct binding *b)
{
	struct binding **p;

	if (table->bindings++ > table->buckets)
		grow(table);
	p = bucket_of(table, b->ns, b->key);
	b->hash_next = *p;
	*p = b;
	b->next = b->lease->binding;
	b->prev = &b->lease->binding;
	if (b->next)
		b->next->prev = &b->next;
	b->lease->binding = b;
}

static void binding_unlink(struct lease_table *table, struct binding *b)
{
	*binding_find(table, b->ns, b->key) = b->hash_next;
	*b->prev = b->next;
	if (b->next)
		b->next->prev = b->prev;
	table->bindings--;
}

static struct binding *binding_create(struct lease *lease, uint64_t number,
				      uint64_t ns, const char *key,
				      size_t len)
{
	struct binding *b = xmalloc(sizeof(*b) + len + 1);

	b->lease = lease;
	b->number = number;
	b->ns = ns;
	memcpy(b->key, key, len);
	b->key[len] = '\0';
	return b;
}

/* ---- in a transaction ---- */

static void binding_key(unsigned char key[16], const struct binding *b)
{
	bytes_put(bytes_put(key, b->lease->id, 8), b->number, 8);
}

/* OBJECT is the binding, BEFORE the table. */
static void bind_discard(struct undo *undo)
{
}

static void bind_revert(struct undo *undo)
{
	binding_unlink(undo->before, undo->object);
	free(undo->object);
}

int lease_bind(struct db *db, struct namespace *ns, const char *key,
	       uint64_t id, struct db_error *error)
{
	struct lease *lease = lease_find(db->leases, id);
	unsigned char record[16], value[8 + DB_KEY_MAX];
	size_t len = strlen(key);
	struct binding *b;

	if (!lease)
		return db_fail(error, ENOENT, "lease %ju has ended",
			       (uintmax_t)id);
	b = binding_create(lease, db->leases->next_number++, ns->id, key, len);
	binding_link(db->leases, b);
	binding_key(record, b);
	memcpy(bytes_put(value, ns->id, 8), key, len);
	store_put(&db->batch->changes, STORE_LEASE, record, 16, value, 8 + len);
	undo_push(&db->undo, (struct undo) {
		.revert = bind_revert, .discard = bind_discard,
		.object = b, .before = db->leases });
	return 0;
}

static void unbind_discard(struct undo *undo)
{
	free(undo->object);
}

static void unbind_revert(struct undo *undo)
{
	binding_link(undo->before, undo->object);
}

void lease_unbind(struct db *db, struct namespace *ns, const char *key)
{
	struct lease_table *table = db->leases;
	unsigned char record[16];
	struct binding *b;

	if (!table->bindings)
		return;
	b = *binding_find(table, ns->id, key);
	if (!b)
		return;
	binding_unlink(table, b);
	binding_key(record, b);
	store_delete(&db->batch->changes, STORE_LEASE, record, 16);
	undo_push(&db->undo, (struct undo) {
		.revert = unbind_revert, .discard = unbind_discard,
		.object = b, .before = table });
}

/* ---- ended ones ---- */

/* The id that there is no room for any more, or 0. */
static uint64_t ended_add(struct lease_table *table, uint64_t id,
			  uint64_t microseconds)
{
	struct ended *at;
	uint64_t dropped = 0;

	if (table->ended_count == ENDED_MAX) {
		dropped = table->ended[table->ended_first].id;
		table->ended_first = (table->ended_first + 1) % ENDED_MAX;
		table->ended_count--;
	}
	at = &table->ended[(table->ended_first + table->ended_count++) %
			   ENDED_MAX];
	at->id = id;
	at->microseconds = microseconds;
	return dropped;
}

static void note_end(struct db *db, uint64_t id, uid_t owner, double when)
{
	uint64_t microseconds = when * 1e6, dropped;
	unsigned char key[8], value[RECORD_SIZE];

	dropped = ended_add(db->leases, id, microseconds);
	if (dropped) {
		bytes_put(key, dropped, 8);
		store_delete(&db->batch->changes, STORE_LEASE, key, 8);
	}
	bytes_put(key, id, 8);
	value[0] = RECORD_ENDED;
	bytes_put(bytes_put(value + 1, microseconds, 8), owner, 4);
	store_put(&db->batch->changes, STORE_LEASE, key, 8, value,
		  sizeof(value));
}

int db_lease_ended(const struct db *db, uint64_t id, double *when)
{
	const struct lease_table *table = db->leases;

	for (size_t i = 0; i < table->ended_count; i++) {
		const struct ended *e = &table->ended[(table->ended_first + i) %
						      ENDED_MAX];

		if (e->id == id) {
			*when = e->microseconds / 1e6;
			return 0;
		}
	}
	errno = ENOENT;
	return -1;
}

/* ---- db.h ---- */

uint64_t db_lease_create(struct db *db, double seconds, uid_t owner)
{
	uint64_t id = db->leases->next_id++;
	uint64_t microseconds = seconds * 1e6;
	unsigned char key[8], value[RECORD_SIZE];

	lease_add(db->leases, id, microseconds, owner);
	bytes_put(key, id, 8);
	value[0] = RECORD_VERSION;
	bytes_put(bytes_put(value + 1, microseconds, 8), owner, 4);
	store_put(&db->batch->changes, STORE_LEASE, key, 8, value,
		  sizeof(value));
	meta_put(db, "next-lease", db->leases->next_id);
	db->batch->dirty = true;
	return id;
}

int db_lease_info(struct db *db, uint64_t id, double *seconds, uid_t *owner)
{
	struct lease *lease = lease_find(db->leases, id);

	if (!lease) {
		errno = ENOENT;
		return -1;
	}
	*seconds = lease->microseconds / 1e6;
	*owner = lease->owner;
	return 0;
}

void db_lease_each(struct db *db, void (*cb)(uint64_t id, void *arg),
		   void *arg)
{
	struct lease_table *table = db->leases;
	size_t at;

	/* CB may remove leases. */
	for (uint64_t id = 0; (at = position(table, id)) < table->count;) {
		id = table->lease[at]->id + 1;
		cb(id - 1, arg);
	}
}

void db_lease_keys(struct db *db, uint64_t id,
		   void (*cb)(const char *ns, const char *key, void *arg),
		   void *arg)
{
	struct lease *lease = lease_find(db->leases, id);
	struct namespace *ns = NULL;

	for (struct binding *b = lease ? lease->binding : NULL; b;
	     b = b->next) {
		if (!ns || ns->id != b->ns)
			ns = namespace_find_id(db, b->ns);
		if (ns && ns->applied.root)
			cb(ns->name, b->key, arg);
	}
}

int db_lease_remove(struct db *db, uint64_t id, double when)
{
	struct lease_table *table = db->leases;
	struct lease *lease = lease_find(table, id);
	unsigned char from[8], to[8];
	uid_t owner;
	size_t at;

	if (!lease) {
		errno = ENOENT;
		return -1;
	}
	while (lease->binding) {
		struct binding *b = lease->binding;

		binding_unlink(table, b);
		free(b);
	}
	owner = lease->owner;
	at = position(table, id);
	memmove(&table->lease[at], &table->lease[at + 1],
		(--table->count - at) * sizeof(struct lease *));
	lease_free(lease);
	bytes_put(from, id, 8);
	bytes_put(to, id + 1, 8);
	store_delete_range(&db->batch->changes, STORE_LEASE, from, 8, to, 8,
			   0);
	note_end(db, id, owner, when);
	db->batch->dirty = true;
	return 0;
}

uint64_t lease_count(const struct db *db)
{
	return db->leases->count;
}

/* ---- loading ---- */

static int load_one(const unsigned char *key, size_t key_len,
		    const unsigned char *data, size_t len, void *arg)
{
	struct lease_table *table = arg;
	struct lease *lease;
	struct binding *b;
	uint64_t number;

	if (key_len == 8 && len == RECORD_SIZE && *data == RECORD_VERSION) {
		lease_add(table, bytes_get(key, 8), bytes_get(data + 1, 8),
			  bytes_get(data + 9, 4));
		return 0;
	}
	if (key_len == 8 && len == RECORD_SIZE && *data == RECORD_ENDED) {
		ended_add(table, bytes_get(key, 8), bytes_get(data + 1, 8));
		return 0;
	}
	/* A lease's record comes before its bindings. */
	lease = key_len == 16 ? lease_find(table, bytes_get(key, 8)) : NULL;
	if (!lease || len < 8 || len > 8 + DB_KEY_MAX)
		return 1;
	number = bytes_get(key + 8, 8);
	b = binding_create(lease, number, bytes_get(data, 8),
			   (const char *)data + 8, len - 8);
	binding_link(table, b);
	if (number >= table->next_number)
		table->next_number = number + 1;
	return 0;
}

int lease_load(struct db *db, struct db_error *error)
{
	struct lease_table *table = lease_table_create();
	uint64_t next = meta_get(db, "next-lease");
	int rc = store_each(db->store, STORE_LEASE, NULL, 0, load_one, table);

	if (db->leases && db->leases->next_id > next)
		next = db->leases->next_id;
	if (next)
		table->next_id = next;
	if (!rc) {
		lease_table_destroy(db->leases);
		db->leases = table;
		return 0;
	}
	lease_table_destroy(table);
	if (rc > 0)
		return db_fail(error, EIO, "a lease's record is damaged or "
			       "of an unknown version");
	return db_fail(error, errno, "cannot read the leases: %s",
		       strerror(errno));
}
