/* SPDX-License-Identifier: Apache-2.0 */
/* The blobs that a collection has found in use: see marks.h. */
#include "config.h"

#include <sodium.h>

#include "kvsd/alloc.h"
#include "kvsd/marks.h"

#define SHARDS		4096u
#define SHARD_LEAST	16u
#define BLOCK_WORDS	8u	/* of the filter: 512 bits, a cache line */
#define BITS_A_LEAF	16u
#define PROBES		6

struct part { uint64_t a, b; };	/* of a hash; both 0: no entry */

struct shard {
	struct part *part;
	uint32_t count, room;	/* room is a power of two */
};

struct marks {
	struct shard shard[SHARDS];
	uint64_t *filter;
	uint64_t blocks;	/* a power of two */
	uint64_t salt;		/* odd */
	size_t memory;
};

struct marks *marks_create(uint64_t blobs)
{
	struct marks *marks = xcalloc(1, sizeof(*marks));

	marks->blocks = 64;
	while (marks->blocks * BLOCK_WORDS * 64 < blobs * BITS_A_LEAF)
		marks->blocks *= 2;
	marks->filter = xcalloc(marks->blocks * BLOCK_WORDS,
				sizeof(uint64_t));
	randombytes_buf(&marks->salt, sizeof(marks->salt));
	marks->salt |= 1;
	marks->memory = sizeof(*marks) +
		marks->blocks * BLOCK_WORDS * sizeof(uint64_t);
	return marks;
}

void marks_destroy(struct marks *marks)
{
	if (!marks)
		return;
	for (unsigned i = 0; i < SHARDS; i++)
		free(marks->shard[i].part);
	free(marks->filter);
	free(marks);
}

size_t marks_memory(const struct marks *marks)
{
	return marks->memory;
}

/* ---- directories and branches ---- */

static struct part part_of(const struct db_hash *hash)
{
	struct part part;

	memcpy(&part, hash->byte, sizeof(part));
	if (!part.a && !part.b)
		part.b = 1;
	return part;
}

static unsigned shard_of(const struct db_hash *hash)
{
	return (hash->byte[30] << 8 | hash->byte[31]) % SHARDS;
}

/* Where PART is or would go. */
static struct part *find(const struct shard *shard, struct part part)
{
	uint32_t at = part.a & (shard->room - 1);

	while ((shard->part[at].a || shard->part[at].b) &&
	       (shard->part[at].a != part.a || shard->part[at].b != part.b))
		at = (at + 1) & (shard->room - 1);
	return &shard->part[at];
}

static void shard_grow(struct marks *marks, struct shard *shard)
{
	struct shard old = *shard;

	shard->room = old.room ? 2 * old.room : SHARD_LEAST;
	shard->part = xcalloc(shard->room, sizeof(struct part));
	for (uint32_t i = 0; i < old.room; i++)
		if (old.part[i].a || old.part[i].b)
			*find(shard, old.part[i]) = old.part[i];
	free(old.part);
	marks->memory += (shard->room - old.room) * sizeof(struct part);
}

static bool add_exactly(struct marks *marks, const struct db_hash *hash)
{
	struct shard *shard = &marks->shard[shard_of(hash)];
	struct part part = part_of(hash), *place;

	if (4 * (shard->count + 1) > 3 * shard->room)
		shard_grow(marks, shard);
	place = find(shard, part);
	if (place->a || place->b)
		return false;
	*place = part;
	shard->count++;
	return true;
}

bool marks_have_exactly(const struct marks *marks, const struct db_hash *hash)
{
	const struct shard *shard = &marks->shard[shard_of(hash)];
	const struct part *place;

	if (!shard->room)
		return false;
	place = find(shard, part_of(hash));
	return place->a || place->b;
}

/* ---- leaves ---- */

/* A block of the filter, and six numbers of 9 bits which choose bits in it. */
static uint64_t *block_of(const struct marks *marks,
			  const struct db_hash *hash, uint64_t *bits)
{
	uint64_t n[2];

	memcpy(n, hash->byte + 8, sizeof(n));
	*bits = (n[1] ^ marks->salt) * 0x9e3779b97f4a7c15u;
	*bits ^= *bits >> 32;
	*bits *= marks->salt;
	*bits >>= 10;
	n[0] = (n[0] * marks->salt) >> 20;
	return marks->filter + (n[0] & (marks->blocks - 1)) * BLOCK_WORDS;
}

static void add_leaf(struct marks *marks, const struct db_hash *hash)
{
	uint64_t bits, *block = block_of(marks, hash, &bits);

	for (int i = 0; i < PROBES; i++, bits >>= 9)
		block[(bits >> 6) & 7] |= 1ULL << (bits & 63);
}

static bool have_leaf(const struct marks *marks, const struct db_hash *hash)
{
	uint64_t bits, *block = block_of(marks, hash, &bits);

	for (int i = 0; i < PROBES; i++, bits >>= 9)
		if (!(block[(bits >> 6) & 7] & 1ULL << (bits & 63)))
			return false;
	return true;
}

/* ---- both ---- */

bool marks_add(struct marks *marks, enum blob_kind kind,
	       const struct db_hash *hash)
{
	if (kind != BLOB_LEAF)
		return add_exactly(marks, hash);
	add_leaf(marks, hash);
	return true;
}

bool marks_have(const struct marks *marks, const struct db_hash *hash)
{
	return have_leaf(marks, hash) || marks_have_exactly(marks, hash);
}
