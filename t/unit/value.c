/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Merkle trees: however bytes were appended, the root hash is the
 * same; every range reads back; an append touches few blobs. */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "kvsd/value.h"
#include "t/unit/tap.h"

#define SIZE_MOST	(VALUE_LEAF * 600)	/* three levels */

static unsigned char *data, *back;
static struct blob_space space;

static struct db_hash seal(struct value *value)
{
	struct db_hash hash;

	value_seal(&space, value, &hash);
	return hash;
}

static struct db_hash at_once(size_t size)
{
	struct value *value = value_create(1);
	struct db_hash hash;

	value_append(&space, value, data, size);
	hash = seal(value);
	value_unref(value);
	return hash;
}

/* In pieces of random sizes, sealed and opened again now and then. */
static struct db_hash in_pieces(size_t size)
{
	struct value *value = value_create(1);
	struct db_hash hash;
	const char *why;

	for (size_t at = 0; at < size;) {
		size_t n = random() % (random() % 4 ? 1000 : 200000);

		if (n > size - at)
			n = size - at;
		value_append(&space, value, data + at, n);
		at += n;
		if (random() % 8)
			continue;
		hash = seal(value);
		value_unref(value);
		value = value_open(&space, 1, at, &hash, &why);
		if (!value) {
			diag("%s", why);
			return hash;
		}
	}
	hash = seal(value);
	value_unref(value);
	return hash;
}

static bool equal(struct db_hash a, struct db_hash b)
{
	return !memcmp(&a, &b, sizeof(a));
}

static bool reads_back(size_t size, const struct db_hash *root)
{
	struct value *open;
	const char *why;
	bool same = true;

	open = value_open(&space, 1, size, root, &why);
	if (!open)
		return false;
	for (int i = 0; i < 50; i++) {
		size_t at = random() % (size + 2);
		size_t len = random() % (i ? 100000 : SIZE_MOST);
		ssize_t want = at >= size ? 0 : len < size - at ? len
								: size - at;

		same = same && value_read(&space, size, root, at, back, len,
					  &why) == want &&
			!memcmp(back, data + at, want);
		memset(back, 0, want);
		same = same && value_read_open(&space, open, at, back, len,
					       &why) == want &&
			!memcmp(back, data + at, want);
	}
	value_unref(open);
	return same;
}

static void test_sizes(void)
{
	static const size_t sizes[] = { 0, 1, 1024, 1025, VALUE_LEAF - 1,
		VALUE_LEAF, VALUE_LEAF + 1, 2 * VALUE_LEAF, 100000,
		VALUE_LEAF * 255 + 5, VALUE_LEAF * 256 - 1, VALUE_LEAF * 256,
		VALUE_LEAF * 256 + 1, VALUE_LEAF * 257, VALUE_LEAF * 512,
		SIZE_MOST - 7 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct db_hash root = at_once(sizes[i]);

		ok(equal(root, in_pieces(sizes[i])) &&
		   equal(root, in_pieces(sizes[i])), "%zu bytes in pieces",
		   sizes[i]);
		ok(reads_back(sizes[i], &root), "and read back");
	}
}

static void test_small(void)
{
	struct db_hash hash, expect;
	const unsigned char header[] = { 'W', 'T', 'L', 1 };

	value_hash_small("", 0, &hash);
	crypto_generichash(expect.byte, 32, header, 4, NULL, 0);
	ok(equal(hash, expect), "hash of the empty value");
	ok(equal(hash, at_once(0)), "as when it is stored");
	value_hash_small(data, 1000, &hash);
	ok(equal(hash, at_once(1000)), "of a small value likewise");
}

static void test_few_blobs(void)
{
	struct db_hash root = at_once(SIZE_MOST - 100);
	const char *why;
	struct value *value = value_open(&space, 1, SIZE_MOST - 100, &root,
					 &why);
	size_t before = space.fresh->count;

	value_append(&space, value, data, 50);
	seal(value);
	is_int(space.fresh->count - before, 3,
	       "an append adds a leaf and the branches above it");
	value_unref(value);
}

static void test_undo(void)
{
	struct value *value = value_create(1), *copy;
	struct db_hash hash;

	value_append(&space, value, data, VALUE_LEAF * 256 - 10);
	copy = value_clone(value, 1);
	hash = seal(value);
	value_append(&space, value, data, 100);
	value_restore(value, copy);
	ok(equal(hash, seal(value)), "restored after an append");
	value_append(&space, value, data + VALUE_LEAF * 256 - 10, 20);
	ok(equal(at_once(VALUE_LEAF * 256 + 10), seal(value)),
	   "and can be written on");
	value_unref(value);
	value_unref(copy);
}

static void test_damaged(void)
{
	struct db_hash root = at_once(100000), leaf = at_once(10);
	const char *why = "";

	ok(value_read(&space, 100000 + VALUE_LEAF, &root, 0, back, 10, &why)
	   < 0 && errno == EIO, "a wrong size: %s", why);
	ok(value_read(&space, 100000 - 1, &root, 99990, back, 100, &why) < 0 &&
	   errno == EIO, "a leaf too long: %s", why);
	ok(value_read(&space, 100000, &leaf, 0, back, 10, &why) < 0 &&
	   errno == EIO, "a leaf for a branch: %s", why);
	ok(value_read(&space, 5, &root, 0, back, 10, &why) < 0 &&
	   errno == EIO, "a branch for a leaf: %s", why);
	ok(!value_open(&space, 1, 100000, &leaf, &why) && errno == EIO,
	   "nor can it be opened: %s", why);
	ok(!value_open(&space, 1, VALUE_MAX + 1, &root, &why) && errno == EIO,
	   "beyond the limit: %s", why);
	root.byte[0] ^= 1;
	ok(value_read(&space, 100000, &root, 0, back, 10, &why) < 0 &&
	   errno == EIO, "missing: %s", why);
}

/* Whether two values of sizes X and Y, that differ first at byte AT, are told
 * apart just when they should be. */
static bool prefixes(size_t x, size_t y, size_t at)
{
	size_t least = x < y ? x : y, len;
	struct db_hash a = at_once(x), b;
	const char *why;
	bool good = true;

	data[at] ^= 1;
	b = at_once(y);
	data[at] ^= 1;
	for (int i = 0; i < 30 && good; i++) {
		len = i == 0 ? least : i == 1 ? (at < least ? at : 0) :
			i == 2 ? (at + 1 < least ? at + 1 : 1) :
			random() % (least + 1);
		good = value_same_prefix(&space, x, &a, y, &b, len, &why) ==
			(len <= at);
		if (!good)
			diag("sizes %zu, %zu, differ at %zu: first %zu", x, y,
			     at, len);
	}
	return good;
}

static void test_prefixes(void)
{
	static const size_t sizes[] = { 1, VALUE_LEAF - 1, VALUE_LEAF,
		VALUE_LEAF + 1, 5 * VALUE_LEAF, VALUE_LEAF * VALUE_FANOUT,
		VALUE_LEAF * VALUE_FANOUT + 77, VALUE_LEAF * 400, SIZE_MOST };
	int bad = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++)
			bad += !prefixes(sizes[i], sizes[j],
					 random() % sizes[random() % 9]);
	is_int(bad, 0, "what two values begin with");
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	srandom(7);
	data = malloc(SIZE_MOST);
	back = malloc(SIZE_MOST);
	for (size_t i = 0; i < SIZE_MOST; i++)
		data[i] = i * 7 + i / 251 + i / 65537;
	space.fresh = blob_set_create();
	test_sizes();
	test_small();
	test_few_blobs();
	test_undo();
	test_prefixes();
	test_damaged();
	blob_set_destroy(space.fresh);
	free(data);
	free(back);
	return done();
}
