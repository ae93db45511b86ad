/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the store's records, gathered as bytes and written in one LMDB
 * transaction: see store.h. */
#include "config.h"

#include <assert.h>

#include "kvsd/alloc.h"
#include "kvsd/store.h"
#include "kvsd/store_private.h"

enum { CHANGE_PUT, CHANGE_DELETE, CHANGE_DELETE_RANGE };

/* Followed by the key and the value (or the end of a range). */
struct change {
	uint32_t len;		/* of the value */
	uint32_t limit;		/* of a range */
	uint16_t key_len;
	uint8_t op, table;
};

void store_changes_free(struct store_changes *changes)
{
	free(changes->data);
	memset(changes, 0, sizeof(*changes));
}

static void add(struct store_changes *changes, struct change change,
		const void *key, const void *value)
{
	size_t need = changes->len + sizeof(change) + change.key_len +
		change.len;
	unsigned char *p;

	assert(change.key_len && change.key_len <= STORE_KEY_MAX);
	if (need > changes->room) {
		changes->room = 2 * need;
		changes->data = xrealloc(changes->data, changes->room);
	}
	p = changes->data + changes->len;
	memcpy(p, &change, sizeof(change));
	memcpy(p + sizeof(change), key, change.key_len);
	if (change.len)
		memcpy(p + sizeof(change) + change.key_len, value, change.len);
	changes->len = need;
	changes->count++;
}

void store_put(struct store_changes *changes, enum store_table table,
	       const void *key, size_t key_len, const void *value, size_t len)
{
	add(changes, (struct change) { .op = CHANGE_PUT, .table = table,
	    .key_len = key_len, .len = len }, key, value);
}

void store_delete(struct store_changes *changes, enum store_table table,
		  const void *key, size_t key_len)
{
	add(changes, (struct change) { .op = CHANGE_DELETE, .table = table,
	    .key_len = key_len }, key, NULL);
}

void store_delete_range(struct store_changes *changes, enum store_table table,
			const void *from, size_t from_len, const void *to,
			size_t to_len, uint32_t limit)
{
	add(changes, (struct change) { .op = CHANGE_DELETE_RANGE,
	    .table = table, .key_len = from_len, .len = to_len,
	    .limit = limit }, from, to);
}

const unsigned char *store_changes_floor(const struct store_changes *changes,
		enum store_table table, const void *key, size_t key_len,
		const unsigned char **found, size_t *len)
{
	const unsigned char *best = NULL;
	struct change change;
	size_t at;

	for (at = 0; at < changes->len;
	     at += sizeof(change) + change.key_len + change.len) {
		const unsigned char *p = changes->data + at + sizeof(change);

		memcpy(&change, changes->data + at, sizeof(change));
		if (change.op != CHANGE_PUT || change.table != table ||
		    change.key_len != key_len || memcmp(p, key, key_len) > 0 ||
		    (best && memcmp(p, best, key_len) < 0))
			continue;
		best = p;
		*found = p + key_len;
		*len = change.len;
	}
	return best;
}

/* ---- writing, in the writer's thread ---- */

static int delete_range(MDB_txn *txn, MDB_dbi dbi, MDB_val from, MDB_val to,
			uint32_t limit)
{
	MDB_cursor *cursor;
	MDB_val key = from, value;
	int rc = mdb_cursor_open(txn, dbi, &cursor);

	if (rc)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (uint32_t n = 0; !rc && (!limit || n < limit); n++) {
		if (mdb_cmp(txn, dbi, &key, &to) >= 0)
			break;
		rc = mdb_cursor_del(cursor, 0);
		if (!rc)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int apply(MDB_txn *txn, const MDB_dbi *table, const struct change *c,
		 unsigned char *data)
{
	MDB_val key = { c->key_len, data };
	MDB_val value = { c->len, data + c->key_len };
	int rc;

	switch (c->op) {
	case CHANGE_PUT:
		return mdb_put(txn, table[c->table], &key, &value, 0);
	case CHANGE_DELETE:
		rc = mdb_del(txn, table[c->table], &key, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	return delete_range(txn, table[c->table], key, value, c->limit);
}

int store_changes_apply(MDB_txn *txn, const MDB_dbi *table,
			const struct store_changes *changes,
			const struct store_place *upto)
{
	size_t at = 0;

	while (at < changes->len) {
		struct change change;
		int rc;

		memcpy(&change, changes->data + at, sizeof(change));
		at += sizeof(change);
		rc = change.op != CHANGE_DELETE_RANGE &&
			!store_place_reached(upto, change.table,
					     changes->data + at,
					     change.key_len) ? 0 :
			apply(txn, table, &change, changes->data + at);
		if (rc)
			return rc;
		at += change.key_len + change.len;
	}
	return 0;
}
