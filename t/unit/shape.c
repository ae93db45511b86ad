/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of directories: it follows from the content alone; nodes stay
 * bounded and the tree low even for names that were chosen to spoil it; and
 * what a change writes and a look reads stays small in a large directory. */
#include "config.h"

#include <sodium.h>

#include "t/unit/directory.h"

#define NAME	48

struct names {
	char (*name)[NAME];
	unsigned count;
	const char *what;
};

static struct names names_create(unsigned count, const char *what)
{
	return (struct names) { xmalloc(count * sizeof(char[NAME])), count,
				what };
}

static uint64_t hash_of(const char *name)
{
	unsigned char item[2 + NAME] = { ENTRY_GONE, strlen(name) };

	memcpy(item + 2, name, strlen(name));
	return chunk_hash(item);
}

static struct shape reference_of(const struct names *n, size_t value)
{
	static const char data[ENTRY_INLINE_MAX];
	struct list list = { 0 };
	struct shape shape;

	for (unsigned i = 0; i < n->count; i++)
		list_add_value(&list, n->name[i], data, value);
	shape = reference(&list);
	list_clear(&list);
	return shape;
}

/* ---- any way to the same content ---- */

static void shuffle(unsigned *order, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned j = random() % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

/* All of N put in random order into F, in batches of about EVERY; other names
 * that come and go, other values at first. */
static void wander(struct fixture *f, const struct names *n, size_t value,
		   unsigned every)
{
	static const char data[ENTRY_INLINE_MAX], other[ENTRY_INLINE_MAX] = "o";
	unsigned *order = xmalloc(2 * n->count * sizeof(*order));
	unsigned *back = order + n->count;
	char extra[NAME + 8];

	shuffle(order, n->count);
	shuffle(back, n->count);
	for (unsigned i = 0; i < n->count; i++) {
		put(f, n->name[order[i]], other, random() % 40);
		snprintf(extra, sizeof(extra), "%s-%s", n->name[order[i]],
			 random() % 2 ? "x" : "");
		put(f, extra, data, 2);
		put(f, n->name[order[i]], data, value);
		if (random() % 2) {
			drop(f, extra);
			extra[0] = '\0';
		}
		if (random() % every == 0)
			fixture_seal(f);
	}
	for (unsigned i = 0; i < n->count; i++) {
		for (int j = 0; j < 2; j++) {
			snprintf(extra, sizeof(extra), "%s-%s",
				 n->name[back[i]], j ? "x" : "");
			if (tree_remove(&f->tree, &f->root, extra) == 0)
				undo_discard(&f->undo);
		}
		if (random() % every == 0)
			fixture_seal(f);
	}
	free(order);
}

static void test_ways(const struct names *n, size_t value)
{
	struct shape want = reference_of(n, value);
	bool same = true;

	for (unsigned every = 3; every <= 3000 && same; every *= 30) {
		struct fixture f;

		fixture_open(&f, 1 << 20);
		wander(&f, n, value, every);
		same = same_hash(fixture_seal(&f), want.root);
		fixture_close(&f);
	}
	ok(same, "%s, %u with values of %zu: one root, whatever the way",
	   n->what, n->count, value);
}

/* One more anywhere, and away again; then all away. */
static void test_back(const struct names *n, size_t value)
{
	static const char data[ENTRY_INLINE_MAX];
	struct fixture f;
	struct db_hash before, empty;
	bool restored = true, other = true;

	fixture_open(&f, 1 << 20);
	empty = fixture_seal(&f);
	for (unsigned i = 0; i < n->count; i++)
		put(&f, n->name[i], data, value);
	before = fixture_seal(&f);
	for (int i = 0; i < 40; i++) {
		char name[NAME + 8];

		snprintf(name, sizeof(name), "%s+", i ?
			 n->name[random() % n->count] : "");
		put(&f, name, "", 0);
		other = other && !same_hash(before, fixture_seal(&f));
		drop(&f, name);
		restored = restored && same_hash(before, fixture_seal(&f));
	}
	ok(other && restored, "%s: one more, and away again", n->what);
	for (unsigned i = 0; i < n->count; i++) {
		drop(&f, n->name[i]);
		if (random() % 20 == 0)
			fixture_seal(&f);
	}
	ok(same_hash(empty, fixture_seal(&f)), "%s: all away", n->what);
	fixture_close(&f);
}

/* ---- names ---- */

static struct names sequential(unsigned count)
{
	struct names n = names_create(count, "sequential");

	for (unsigned i = 0; i < count; i++)
		sprintf(n.name[i], "key-%08u", i);
	return n;
}

static struct names prefixed(unsigned count)
{
	struct names n = names_create(count, "a long prefix");

	for (unsigned i = 0; i < count; i++)
		sprintf(n.name[i], "the same prefix in every name %06u", i);
	return n;
}

/* Names for which HASH, of which MASK counts, is within the limits. */
static void mine(char *name, unsigned i, uint64_t mask, uint64_t low,
		 uint64_t high)
{
	uint64_t hash;
	unsigned n = 0;

	do {
		sprintf(name, "%06u-%x", i, n++);
		hash = hash_of(name) & mask;
	} while (hash < low || hash > high);
}

static struct names no_boundary(unsigned count)
{
	struct names n = names_create(count, "mined, no boundary");

	for (unsigned i = 0; i < count; i++)
		mine(n.name[i], i, (1 << CHUNK_BITS) - 1, 1, UINT64_MAX);
	return n;
}

static struct names all_boundaries(unsigned count)
{
	struct names n = names_create(count, "mined, all boundaries");

	for (unsigned i = 0; i < count; i++)
		mine(n.name[i], i, (1 << 2 * CHUNK_BITS) - 1, 0, 0);
	return n;
}

static struct names rising(unsigned count)
{
	struct names n = names_create(count, "mined, rising hashes");
	uint64_t step = UINT64_MAX / count;

	for (unsigned i = 0; i < count; i++)
		do
			mine(n.name[i], i * 7 + random() % 7, UINT64_MAX,
			     i * step, i * step + step - 1);
		while (chunk_ends(hash_of(n.name[i]), 0));
	return n;
}

static struct names falling(unsigned count)
{
	struct names n = names_create(count, "mined, falling hashes");
	uint64_t step = UINT64_MAX / count;

	for (unsigned i = 0; i < count; i++)
		mine(n.name[i], i, UINT64_MAX, (count - i - 1) * step,
		     (count - i) * step - 1);
	return n;
}

static void test_names(struct names n)
{
	static const size_t values[] = { 0, 30, 1024 };

	for (int i = 0; i < 3; i++) {
		struct shape s = reference_of(&n, values[i]);

		ok(s.most < NODE_HEADER + CHUNK_LIMIT,
		   "%s, values of %zu: no node beyond the limit (%zu)",
		   n.what, values[i], s.most);
		/* A branch's items are shorter than 1,024. */
		ok(s.least >= CHUNK_HALF ||
		   s.least >= CHUNK_LEAST * (ITEM_MIN + values[i] % 1024),
		   "none too small (%zu)", s.least);
		ok(s.levels <= 4, "%d levels", s.levels);
		test_ways(&n, values[i]);
		test_back(&n, values[i]);
	}
	free(n.name);
}

/* ---- large ---- */

#define LARGE	1000000

static int count_one(struct entry *entry, void *arg)
{
	return !--*(unsigned *)arg;
}

static uint64_t nodes_of_page(struct fixture *f, const char *after)
{
	uint64_t before = nodes_read(f);
	unsigned left = 1000;

	tree_each(&f->tree, f->root, after, count_one, &left);
	return left ? 0 : nodes_read(f) - before;
}

static int no_difference(struct entry *old, struct entry *new, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static void test_large(void)
{
	struct names n = sequential(LARGE);
	struct blob_set *blobs;
	struct fixture f;
	size_t most = 0, before, nodes;
	uint64_t read, reads = 0;
	struct entry *old;
	struct node *root;
	unsigned differ = 0;
	struct db_stats stats;

	fixture_open(&f, 4 << 20);
	for (unsigned i = 0; i < LARGE; i++)
		put(&f, n.name[i * 7919ULL % LARGE], "12345678", 8);
	fixture_seal(&f);
	blobs = f.tree.space.fresh;
	ok(blobs->count < LARGE / 100, "10^6 entries in %zu nodes",
	   blobs->count);
	cache_stats(f.tree.cache, &stats);
	ok(stats.cache_bytes <= 4 << 20, "the cache is bounded");
	root = cursor_load(&f.tree, entry_hash(f.root));
	is_int(root->extent.entries, LARGE, "counted");
	ok(root->level <= 3, "%d levels", root->level + 1);
	for (int i = 0; i < 100; i++) {
		old = entry_ref(f.root);
		before = blobs->count;
		read = nodes_read(&f);
		put(&f, n.name[random() % LARGE], &i, sizeof(i));
		fixture_seal(&f);
		if (blobs->count - before > most)
			most = blobs->count - before;
		if (nodes_read(&f) - read > reads)
			reads = nodes_read(&f) - read;
		read = nodes_read(&f);
		differ = 0;
		tree_compare(&f.tree, old, f.root, NULL, no_difference,
			     &differ);
		nodes = nodes_read(&f) - read;
		if (differ != 1 || nodes > 2u * (root->level + 1))
			break;
		entry_unref(old);
		old = NULL;
	}
	ok(!old, "a difference reads a node of each level of both");
	entry_unref(old);
	ok(most <= root->level + 1u, "a change writes %zu nodes", most);
	ok(reads <= 8u * (root->level + 1), "and reads %ju",
	   (uintmax_t)reads);
	read = nodes_of_page(&f, n.name[LARGE / 3]);
	ok(read && read <= 40, "a page of 1,000 reads %ju", (uintmax_t)read);
	node_unref(root);
	fixture_close(&f);
	free(n.name);
}

/* Keys come one by one at the end, as those of jobs do. */
static void test_appending(void)
{
	struct names n = sequential(10000);
	struct fixture f;
	size_t before, most = 0;

	fixture_open(&f, 1 << 20);
	for (unsigned i = 0; i < n.count; i++) {
		before = f.tree.space.fresh->count;
		put(&f, n.name[i], "", 0);
		fixture_seal(&f);
		if (f.tree.space.fresh->count - before > most)
			most = f.tree.space.fresh->count - before;
	}
	ok(most <= 6, "a key at the end writes %zu nodes at most", most);
	ok(same_hash(*entry_hash(f.root), reference_of(&n, 0).root),
	   "one by one as in one batch");
	fixture_close(&f);
	free(n.name);
}

/* The examples of weir-treeobj(5). They must never change. */
static void test_manual(void)
{
	char text[2 * DB_HASH_SIZE + 1] = "", name[16];
	struct fixture f;
	struct node *root;

	snprintf(text, sizeof(text), "%016jx %016jx",
		 (uintmax_t)hash_of("greeting"), (uintmax_t)hash_of("k108"));
	is_str(text, "79ae19b2e19bc7f4 411104186be74b00", "marks");
	fixture_open(&f, 1 << 20);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "k%03d", i);
		put(&f, name, "", 0);
	}
	fixture_seal(&f);
	db_hash_text(entry_hash(f.root), text);
	is_str(text, "2d94b6a1518110ef1d12f80209bcf336"
	       "39f874580fc82fd65f2506d6f0aa9da0",
	       "a directory of 1,000 entries");
	root = cursor_load(&f.tree, entry_hash(f.root));
	text[0] = '\0';
	for (unsigned i = 0; i < root->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%.4s ", item_name(node_item(root, i)));
	is_str(text, "k108 k272 k452 k568 k679 k789 k892 k990 k999 ",
	       "is cut as the manual shows");
	node_unref(root);
	fixture_close(&f);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	test_manual();
	for (int i = 0; i < 6; i++) {
		static const unsigned count[] = { 1, 2, 95, 97, 300, 3000 };
		struct names n = sequential(count[i]);

		srandom(i);
		test_ways(&n, random() % 30);
		test_back(&n, random() % 30);
		free(n.name);
	}
	test_names(sequential(1500));
	test_names(prefixed(1500));
	test_names(no_boundary(1500));
	test_names(all_boundaries(1500));
	test_names(rising(800));
	test_names(falling(800));
	test_appending();
	test_large();
	return done();
}
