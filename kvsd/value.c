/* SPDX-License-Identifier: Apache-2.0 */
/* Values as Merkle trees: see value.h. weir-treeobj(5).
 *
 * A subtree of height h is complete when it has VALUE_FANOUT^h full leaves.
 * level[h] of an open value holds the hashes of complete subtrees of height h
 * that have no complete parent yet.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/value.h"

#define BRANCH_HEADER	(BLOB_HEADER + 1)	/* and the height */

static uint64_t complete_leaves(int height)
{
	return 1ULL << (8 * height);
}

static int height_of(uint64_t size)
{
	uint64_t leaves = (size + VALUE_LEAF - 1) / VALUE_LEAF;
	int height = 0;

	while (complete_leaves(height) < leaves)
		height++;
	return height;
}

static size_t tail_len(const struct value *value)
{
	return value->size % VALUE_LEAF;
}

static struct blob *leaf_create(const void *data, size_t len)
{
	struct blob *blob = blob_create(BLOB_LEAF, BLOB_HEADER + len);

	if (len)
		memcpy(blob->data + BLOB_HEADER, data, len);
	blob_finish(blob);
	return blob;
}

static struct db_hash add_leaf(struct blob_space *space, const void *data,
			       size_t len)
{
	return blob_set_add(space->fresh, leaf_create(data, len))->hash;
}

static struct db_hash add_branch(struct blob_space *space, int height,
				 const struct db_hash *hash, unsigned count,
				 const struct db_hash *last)
{
	size_t len = BRANCH_HEADER + (count + !!last) * DB_HASH_SIZE;
	struct blob *blob = blob_create(BLOB_BRANCH, len);
	unsigned char *p = blob->data + BRANCH_HEADER;

	assert(count + !!last <= VALUE_FANOUT);
	blob->data[BLOB_HEADER] = height;
	if (count)
		memcpy(p, hash, count * DB_HASH_SIZE);
	if (last)
		memcpy(p + count * DB_HASH_SIZE, last, DB_HASH_SIZE);
	blob_finish(blob);
	return blob_set_add(space->fresh, blob)->hash;
}

void value_hash_small(const void *data, size_t len, struct db_hash *hash)
{
	struct blob *blob;

	assert(len <= VALUE_LEAF);
	blob = leaf_create(data, len);
	*hash = blob->hash;
	free(blob);
}

/* ---- life ---- */

struct value *value_create(uint64_t token)
{
	struct value *value = xcalloc(1, sizeof(*value));

	value->refs = 1;
	value->token = token;
	return value;
}

static void content_free(struct value *value)
{
	free(value->tail);
	for (int i = 0; i < VALUE_LEVELS; i++)
		free(value->level[i].hash);
}

void value_unref(struct value *value)
{
	if (!value || --value->refs)
		return;
	content_free(value);
	free(value);
}

struct value *value_ref(struct value *value)
{
	value->refs++;
	return value;
}

static void tail_add(struct value *value, size_t at, const void *data,
		     size_t len)
{
	if (at + len > value->room) {
		size_t room = value->room ? value->room : 512;

		while (room < at + len)
			room *= 2;
		value->tail = xrealloc(value->tail, room);
		value->room = room;
	}
	memcpy(value->tail + at, data, len);
}

/* A subtree of HEIGHT is complete; *ADD it, not yet under a branch. */
static void level_add(struct value *value, int height,
		      const struct db_hash *add)
{
	assert(height < VALUE_LEVELS &&
	       value->level[height].count < VALUE_FANOUT);
	if (!value->level[height].hash)
		value->level[height].hash =
			xmalloc(VALUE_FANOUT * sizeof(*add));
	value->level[height].hash[value->level[height].count++] = *add;
}

struct value *value_clone(const struct value *value, uint64_t token)
{
	struct value *copy = value_create(token);

	copy->size = value->size;
	if (tail_len(value))
		tail_add(copy, 0, value->tail, tail_len(value));
	for (int i = 0; i < VALUE_LEVELS; i++)
		for (unsigned j = 0; j < value->level[i].count; j++)
			level_add(copy, i, &value->level[i].hash[j]);
	return copy;
}

void value_restore(struct value *to, struct value *from)
{
	content_free(to);
	to->size = from->size;
	to->tail = from->tail;
	to->room = from->room;
	memcpy(to->level, from->level, sizeof(to->level));
	from->tail = NULL;
	memset(from->level, 0, sizeof(from->level));
	from->size = from->room = 0;
}

/* ---- writing ---- */

/* DATA is a whole leaf more. */
static void leaf_done(struct blob_space *space, struct value *value,
		      const void *data)
{
	struct db_hash hash = add_leaf(space, data, VALUE_LEAF);
	int height = 0;

	for (;;) {
		level_add(value, height, &hash);
		if (value->level[height].count < VALUE_FANOUT)
			return;
		hash = add_branch(space, height + 1, value->level[height].hash,
				  VALUE_FANOUT, NULL);
		value->level[height++].count = 0;
	}
}

void value_append(struct blob_space *space, struct value *value,
		  const void *data, size_t len)
{
	const char *p = data;

	assert(len <= VALUE_MAX - value->size);
	while (len) {
		size_t at = tail_len(value);
		size_t n = VALUE_LEAF - at < len ? VALUE_LEAF - at : len;

		if (n < VALUE_LEAF)
			tail_add(value, at, p, n);
		value->size += n;
		if (!tail_len(value))
			leaf_done(space, value, n < VALUE_LEAF ?
				  (const void *)value->tail : p);
		p += n;
		len -= n;
	}
}

static int highest_level(const struct value *value)
{
	for (int i = VALUE_LEVELS - 1; i >= 0; i--)
		if (value->level[i].count)
			return i;
	return -1;
}

void value_seal(struct blob_space *space, const struct value *value,
		struct db_hash *root)
{
	int top = highest_level(value);
	bool have = tail_len(value) || !value->size;

	if (have)
		*root = add_leaf(space, value->tail, tail_len(value));
	for (int i = 0; i <= top; i++) {
		unsigned count = value->level[i].count;
		const struct db_hash *hash = value->level[i].hash;

		if (i == top && count == 1 && !have) {
			*root = hash[0];
		} else if (count || have) {
			*root = add_branch(space, i + 1, hash, count,
					   have ? root : NULL);
			have = true;
		}
	}
}

/* ---- reading ---- */

static int get_leaf(struct blob_space *space, const struct db_hash *hash,
		    size_t want, const unsigned char **data, const char **why)
{
	size_t len;

	if (blob_get(space, hash, BLOB_LEAF, data, &len, why) < 0)
		return -1;
	if (len != BLOB_HEADER + want) {
		*why = "a leaf of the value has a wrong length";
		errno = EIO;
		return -1;
	}
	*data += BLOB_HEADER;
	return 0;
}

static int get_branch(struct blob_space *space, const struct db_hash *hash,
		      int height, uint64_t children,
		      const struct db_hash **child, const char **why)
{
	const unsigned char *data;
	size_t len;

	if (blob_get(space, hash, BLOB_BRANCH, &data, &len, why) < 0)
		return -1;
	if (len != BRANCH_HEADER + children * DB_HASH_SIZE ||
	    data[BLOB_HEADER] != height) {
		*why = "a branch of the value has a wrong shape";
		errno = EIO;
		return -1;
	}
	*child = (const struct db_hash *)(data + BRANCH_HEADER);
	return 0;
}

/* Takes the right edge of a tree of FULL leaves and TAIL bytes apart. */
static int open_edge(struct blob_space *space, struct value *value,
		     struct db_hash hash, uint64_t full, size_t tail,
		     const char **why)
{
	int height = height_of(value->size);

	for (;; height--) {
		const unsigned char *data;
		const struct db_hash *child;
		uint64_t each, done;

		if (!tail && full == complete_leaves(height)) {
			level_add(value, height, &hash);
			return 0;
		}
		if (height == 0) {
			if (get_leaf(space, &hash, tail, &data, why) < 0)
				return -1;
			tail_add(value, 0, data, tail);
			return 0;
		}
		each = complete_leaves(height - 1);
		done = full / each;
		full %= each;
		if (get_branch(space, &hash, height, done + (full || tail),
			       &child, why) < 0)
			return -1;
		for (uint64_t i = 0; i < done; i++)
			level_add(value, height - 1, &child[i]);
		if (!full && !tail)
			return 0;
		hash = child[done];
	}
}

struct value *value_open(struct blob_space *space, uint64_t token,
			 uint64_t size, const struct db_hash *root,
			 const char **why)
{
	struct value *value;

	if (size > VALUE_MAX) {
		*why = "the value's size is beyond the limit";
		errno = EIO;
		return NULL;
	}
	value = value_create(token);
	value->size = size;
	if (size && open_edge(space, value, *root, size / VALUE_LEAF,
			      size % VALUE_LEAF, why) < 0) {
		value_unref(value);
		errno = EIO;
		return NULL;
	}
	return value;
}

/* Copies LEN bytes (all there) from OFFSET of a subtree of SIZE bytes. */
static int read_subtree(struct blob_space *space, int height,
			const struct db_hash *hash, uint64_t size,
			uint64_t offset, unsigned char *buf, size_t len,
			const char **why)
{
	const struct db_hash *child;
	const unsigned char *data;
	uint64_t each;

	if (height == 0) {
		if (get_leaf(space, hash, size, &data, why) < 0)
			return -1;
		memcpy(buf, data + offset, len);
		return 0;
	}
	each = complete_leaves(height - 1) * VALUE_LEAF;
	if (get_branch(space, hash, height, (size + each - 1) / each, &child,
		       why) < 0)
		return -1;
	for (uint64_t i = offset / each; len; i++) {
		uint64_t at = offset % each;
		uint64_t child_size = size - i * each < each ?
			size - i * each : each;
		size_t n = child_size - at < len ? child_size - at : len;

		if (read_subtree(space, height - 1, &child[i], child_size, at,
				 buf, n, why) < 0)
			return -1;
		offset += n;
		buf += n;
		len -= n;
	}
	return 0;
}

ssize_t value_read(struct blob_space *space, uint64_t size,
		   const struct db_hash *root, uint64_t offset, void *buf,
		   size_t len, const char **why)
{
	if (size > VALUE_MAX) {
		*why = "the value's size is beyond the limit";
		errno = EIO;
		return -1;
	}
	if (offset >= size)
		return 0;
	if (len > size - offset)
		len = size - offset;
	if (len && read_subtree(space, height_of(size), root, size, offset,
				buf, len, why) < 0) {
		errno = EIO;
		return -1;
	}
	return len;
}

ssize_t value_read_open(struct blob_space *space, const struct value *value,
			uint64_t offset, void *buf, size_t len,
			const char **why)
{
	unsigned char *p = buf;
	uint64_t base = 0;
	size_t left;

	if (offset >= value->size)
		return 0;
	if (len > value->size - offset)
		len = value->size - offset;
	left = len;
	for (int i = VALUE_LEVELS - 1; i >= 0; i--) {
		uint64_t size = complete_leaves(i) * VALUE_LEAF;

		for (unsigned j = 0; j < value->level[i].count && left; j++) {
			uint64_t at = offset - base;

			base += size;
			if (offset >= base)
				continue;
			size_t n = size - at < left ? size - at : left;

			if (read_subtree(space, i, &value->level[i].hash[j],
					 size, at, p, n, why) < 0) {
				errno = EIO;
				return -1;
			}
			offset += n;
			p += n;
			left -= n;
		}
	}
	if (left)
		memcpy(p, value->tail + (offset - base), left);
	return len;
}

int value_each_child(const unsigned char *data, size_t len, value_child_f *cb,
		     void *arg, const char **why)
{
	const unsigned char *p = data + BRANCH_HEADER, *end = data + len;
	int stop = 0;

	*why = blob_refuse(data, len, BLOB_BRANCH);
	if (!*why && (len <= BRANCH_HEADER || data[BLOB_HEADER] < 1 ||
		      data[BLOB_HEADER] >= VALUE_LEVELS ||
		      (len - BRANCH_HEADER) % DB_HASH_SIZE))
		*why = "a branch of a value has a wrong shape";
	if (*why) {
		errno = EIO;
		return -1;
	}
	for (; p < end && !stop; p += DB_HASH_SIZE)
		stop = cb(data[BLOB_HEADER] == 1 ? BLOB_LEAF : BLOB_BRANCH,
			  (const struct db_hash *)p, arg);
	return stop;
}

/* ---- comparing ---- */

struct part {
	int height;
	uint64_t size;
	struct db_hash hash;
};

/* *PART becomes its child number I. */
static int part_child(struct blob_space *space, struct part *part, uint64_t i,
		      const char **why)
{
	uint64_t each = complete_leaves(part->height - 1) * VALUE_LEAF;
	const struct db_hash *child;

	if (get_branch(space, &part->hash, part->height,
		       (part->size + each - 1) / each, &child, why) < 0)
		return -1;
	part->hash = child[i];
	part->size -= i * each;
	if (part->size > each)
		part->size = each;
	part->height--;
	return 0;
}

static int same_leaf(struct blob_space *space, const struct part *a,
		     const struct part *b, size_t len, const char **why)
{
	const unsigned char *x, *y;

	if (get_leaf(space, &a->hash, a->size, &x, why) < 0 ||
	    get_leaf(space, &b->hash, b->size, &y, why) < 0)
		return -1;
	return !memcmp(x, y, len);
}

static int same(struct blob_space *space, struct part a, struct part b,
		uint64_t len, const char **why)
{
	uint64_t each;

	/* the shorter one fits the first child of the higher one */
	while (a.height > b.height)
		if (part_child(space, &a, 0, why) < 0)
			return -1;
	while (b.height > a.height)
		if (part_child(space, &b, 0, why) < 0)
			return -1;
	if (a.size == b.size && !memcmp(&a.hash, &b.hash, sizeof(a.hash)))
		return 1;
	if (a.size == len && b.size == len)
		return 0;
	if (!a.height)
		return same_leaf(space, &a, &b, len, why);
	each = complete_leaves(a.height - 1) * VALUE_LEAF;
	for (uint64_t i = 0; i * each < len; i++) {
		struct part x = a, y = b;
		uint64_t n = len - i * each < each ? len - i * each : each;
		int rc;

		if (part_child(space, &x, i, why) < 0 ||
		    part_child(space, &y, i, why) < 0)
			return -1;
		rc = same(space, x, y, n, why);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

int value_same_prefix(struct blob_space *space, uint64_t size_a,
		      const struct db_hash *a, uint64_t size_b,
		      const struct db_hash *b, uint64_t len, const char **why)
{
	struct part x = { height_of(size_a), size_a, *a };
	struct part y = { height_of(size_b), size_b, *b };

	assert(len <= size_a && len <= size_b);
	if (size_a > VALUE_MAX || size_b > VALUE_MAX) {
		*why = "the value's size is beyond the limit";
		errno = EIO;
		return -1;
	}
	return len ? same(space, x, y, len, why) : 1;
}
