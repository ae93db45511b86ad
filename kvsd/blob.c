/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs: see blob.h. weir-treeobj(5). */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/blob.h"
#include "kvsd/store.h"

/* Of each kind's encoding. */
#define VERSION_OF(kind) ((kind) == BLOB_DIRECTORY ? 3 : 1)

#define BUCKETS_MIN	64

void db_hash_text(const struct db_hash *hash, char text[2 * DB_HASH_SIZE + 1])
{
	sodium_bin2hex(text, 2 * DB_HASH_SIZE + 1, hash->byte, DB_HASH_SIZE);
}

int db_hash_parse(const char *text, struct db_hash *hash)
{
	if (strlen(text) != 2 * DB_HASH_SIZE ||
	    strspn(text, "0123456789abcdef") != 2 * DB_HASH_SIZE ||
	    sodium_hex2bin(hash->byte, DB_HASH_SIZE, text, 2 * DB_HASH_SIZE,
			   NULL, NULL, NULL) < 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

void blob_hash(const void *data, size_t len, struct db_hash *hash)
{
	crypto_generichash(hash->byte, DB_HASH_SIZE, data, len, NULL, 0);
}

struct blob *blob_create(enum blob_kind kind, size_t len)
{
	struct blob *blob = xmalloc(sizeof(*blob) + len);

	blob->next = NULL;
	blob->len = len;
	blob->data[0] = 'W';
	blob->data[1] = 'T';
	blob->data[2] = kind;
	blob->data[3] = VERSION_OF(kind);
	return blob;
}

void blob_finish(struct blob *blob)
{
	blob_hash(blob->data, blob->len, &blob->hash);
}

const char *blob_refuse(const void *data, size_t len, enum blob_kind kind)
{
	const unsigned char *p = data;

	if (len < BLOB_HEADER || p[0] != 'W' || p[1] != 'T')
		return "it does not begin as a blob";
	if (p[2] != kind)
		return "it is a blob of another kind";
	if (p[3] != VERSION_OF(kind))
		return "its encoding is of an unknown version";
	return NULL;
}

/* ---- sets ---- */

static struct blob **bucket_of(const struct blob_set *set,
			       const struct db_hash *hash)
{
	size_t n;

	memcpy(&n, hash->byte, sizeof(n));
	return &set->bucket[n & (set->buckets - 1)];
}

struct blob_set *blob_set_create(void)
{
	struct blob_set *set = xcalloc(1, sizeof(*set));

	set->buckets = BUCKETS_MIN;
	set->bucket = xcalloc(set->buckets, sizeof(struct blob *));
	return set;
}

void blob_set_destroy(struct blob_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		free(set->blob[i]);
	free(set->blob);
	free(set->bucket);
	free(set->dead);
	free(set);
}

static void set_grow(struct blob_set *set)
{
	set->room = set->room ? 2 * set->room : BUCKETS_MIN;
	set->blob = xrealloc(set->blob, set->room * sizeof(struct blob *));
	free(set->bucket);
	set->buckets = set->room;
	set->bucket = xcalloc(set->buckets, sizeof(struct blob *));
	for (size_t i = 0; i < set->count; i++) {
		struct blob **bucket = bucket_of(set, &set->blob[i]->hash);

		set->blob[i]->next = *bucket;
		*bucket = set->blob[i];
	}
}

struct blob *blob_set_add(struct blob_set *set, struct blob *blob)
{
	struct blob *known = blob_set_find(set, &blob->hash);
	struct blob **bucket;

	if (known) {
		free(blob);
		return known;
	}
	if (set->count == set->room)
		set_grow(set);
	bucket = bucket_of(set, &blob->hash);
	blob->next = *bucket;
	*bucket = blob;
	set->blob[set->count++] = blob;
	set->bytes += blob->len;
	return blob;
}

struct blob *blob_set_find(const struct blob_set *set,
			   const struct db_hash *hash)
{
	struct blob *blob = *bucket_of(set, hash);

	while (blob && memcmp(&blob->hash, hash, sizeof(*hash)))
		blob = blob->next;
	return blob;
}

void blob_set_bury(struct blob_set *set, const struct db_hash *hash)
{
	if (set->dead_count == set->dead_room) {
		set->dead_room = set->dead_room ? 2 * set->dead_room : 64;
		set->dead = xrealloc(set->dead,
				     set->dead_room * sizeof(*hash));
	}
	set->dead[set->dead_count++] = *hash;
}

void blob_set_truncate(struct blob_set *set, size_t count)
{
	while (set->count > count) {
		struct blob *blob = set->blob[--set->count];
		struct blob **p = bucket_of(set, &blob->hash);

		while (*p != blob)
			p = &(*p)->next;
		*p = blob->next;
		set->bytes -= blob->len;
		free(blob);
	}
}

int blob_get(struct blob_space *space, const struct db_hash *hash,
	     enum blob_kind kind, const unsigned char **data, size_t *len,
	     const char **why)
{
	struct blob *blob = blob_set_find(space->fresh, hash);
	struct db_hash found;

	if (!blob && space->sealed)
		blob = blob_set_find(space->sealed, hash);
	if (blob) {
		*data = blob->data;
		*len = blob->len;
	} else if (!space->store) {
		*why = "it is not in the store";
		errno = ENOENT;
		return -1;
	} else if (store_blob(space->store, hash, data, len) < 0) {
		*why = errno == ENOENT ? "it is not in the store"
				       : "the store could not be read";
		return -1;
	} else {
		blob_hash(*data, *len, &found);
		if (memcmp(&found, hash, sizeof(found))) {
			*why = "its bytes do not have that hash: "
			       "the store is damaged";
			errno = EIO;
			return -1;
		}
	}
	*why = blob_refuse(*data, *len, kind);
	if (*why) {
		errno = EIO;
		return -1;
	}
	return 0;
}
