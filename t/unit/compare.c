/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between directories of any size, told by names and paid for by
 * what differs; and what is told of nodes that are not as those above say. */
#include "config.h"

#include <sodium.h>

#include "t/unit/directory.h"

#define NAMES	30000

/* What each name has in the two directories: 0 nothing, else a value. */
static unsigned char was[NAMES], is[NAMES];

static void name_of(char *name, int i)
{
	sprintf(name, "name%05d", i);
}

/* A directory with what VALUES says, as the root of F. */
static void fill(struct fixture *f, const unsigned char *values)
{
	char name[16];

	f->root = tree_empty(&f->tree, "");
	for (int i = 0; i < NAMES; i++) {
		name_of(name, i);
		if (values[i])
			put(f, name, &values[i], 1);
	}
	fixture_seal(f);
}

struct told {
	int next;		/* name that may be told next */
	unsigned differ;
	bool right;
};

static int told_one(struct entry *old, struct entry *new, void *arg)
{
	struct told *told = arg;
	int i = atoi((old ? old : new)->bytes + 4);

	for (; told->next < i; told->next++)
		if (was[told->next] != is[told->next])
			told->right = false;
	told->next++;
	told->differ++;
	if (was[i] == is[i] || !old != !was[i] || !new != !is[i])
		told->right = false;
	else if (old && *(unsigned char *)entry_data(old) != was[i])
		told->right = false;
	else if (new && *(unsigned char *)entry_data(new) != is[i])
		told->right = false;
	return 0;
}

static bool compare(struct fixture *f, struct entry *old, struct entry *new,
		    unsigned differ)
{
	struct told told = { 0, 0, true };

	if (tree_compare(&f->tree, old, new, NULL, told_one, &told) < 0)
		return false;
	for (; told.next < NAMES; told.next++)
		if (was[told.next] != is[told.next])
			told.right = false;
	return told.right && told.differ == differ;
}

static unsigned height(struct fixture *f, const struct entry *dir)
{
	struct node *root = cursor_load(&f->tree, entry_hash(dir));
	unsigned levels = root->level + 1;

	node_unref(root);
	return levels;
}

/* A and B, of WAS names and IS names, DIFFER more changed. */
static void run(unsigned a, unsigned b, unsigned differ)
{
	struct fixture f;
	struct entry *old, *new;
	unsigned count = 0;
	uint64_t read, back;
	bool right;

	for (int i = 0; i < NAMES; i++) {
		was[i] = (unsigned)random() % NAMES < a ? 1 : 0;
		is[i] = a == b ? was[i] :
			(unsigned)random() % NAMES < b ? 1 : 0;
	}
	for (unsigned i = 0; i < differ; i++)
		is[random() % NAMES] = random() % 3;
	for (int i = 0; i < NAMES; i++)
		count += was[i] != is[i];
	fixture_open(&f, 64 << 20);
	entry_unref(f.root);
	fill(&f, was);
	old = f.root;
	fill(&f, is);
	new = f.root;
	read = nodes_read(&f);
	right = compare(&f, old, new, count);
	read = nodes_read(&f) - read;
	ok(right, "%u and %u names, %u differ: told, in order", a, b, count);
	for (int i = 0; i < NAMES; i++) {
		unsigned char t = was[i];

		was[i] = is[i];
		is[i] = t;
	}
	back = nodes_read(&f);
	right = compare(&f, new, old, count);
	back = nodes_read(&f) - back;
	ok(right, "and the other way");
	/* At each difference a way down on both sides, perhaps with the node
	 * behind it, where nodes begin to be cut otherwise. */
	ok(read <= 2 + 4 * count * height(&f, old) &&
	   back <= 2 + 4 * count * height(&f, old),
	   "%ju and %ju nodes read", (uintmax_t)read, (uintmax_t)back);
	entry_unref(old);
	fixture_close(&f);
}

/* Changes that are not sealed yet count too, on either side. */
static void test_open(void)
{
	struct fixture f;
	struct entry *old;
	unsigned count = 0;
	char name[16];

	for (int i = 0; i < NAMES; i++)
		was[i] = is[i] = random() % 4 == 0;
	fixture_open(&f, 1 << 20);
	entry_unref(f.root);
	fill(&f, was);
	old = entry_ref(f.root);
	for (int i = 0; i < 500; i++) {
		int at = random() % NAMES;

		name_of(name, at);
		is[at] = random() % 3;
		if (is[at])
			put(&f, name, &is[at], 1);
		else if (!tree_remove(&f.tree, &f.root, name))
			undo_discard(&f.undo);
	}
	for (int i = 0; i < NAMES; i++)
		count += was[i] != is[i];
	ok(compare(&f, old, f.root, count), "changes that are not sealed");
	memcpy(was, is, sizeof(was));
	f.tree.token++;
	entry_unref(old);
	old = entry_ref(f.root);
	put(&f, "name00003", "\7", 1);
	count = was[3] != 7;
	is[3] = 7;
	ok(compare(&f, old, f.root, count), "on both sides");
	entry_unref(old);
	fixture_close(&f);
}

/* ---- damage ---- */

static struct window window;

/* The leaf of one entry NAME. */
static struct db_hash leaf(struct fixture *f, const char *name)
{
	struct entry *entry = entry_inline(name, strlen(name), "v", 1);
	unsigned char item[ITEM_MAX];
	struct blob *blob;
	struct extent extent;

	item_encode(entry, item);
	entry_unref(entry);
	window_drop(&window, window.count);
	window_add(&window, item, false, false);
	blob = node_encode(&window, 1, 0, &extent);
	return blob_set_add(f->tree.space.fresh, blob)->hash;
}

/* What such a leaf amounts to. */
static const struct extent one = { 1, 1, 2 };

/* A branch of LEVEL over A and B, said to be other than they are. */
static struct entry *branch(struct fixture *f, int level, struct db_hash a,
			    const char *last, struct extent extent,
			    struct db_hash b)
{
	unsigned char name[ITEM_MAX] = { 0, strlen(last) }, item[ITEM_MAX];
	static const unsigned char b_name[] = "\0\1b";
	struct blob *blob;
	struct extent all;

	memcpy(name + 2, last, strlen(last));
	window_drop(&window, window.count);
	item_encode_node(name, &extent, &a, item);
	window_add(&window, item, false, false);
	item_encode_node(b_name, &one, &b, item);
	window_add(&window, item, false, false);
	blob = node_encode(&window, 2, level, &all);
	blob = blob_set_add(f->tree.space.fresh, blob);
	return entry_dir("", 0, &all, &blob->hash);
}

static int ignore(struct entry *entry, void *arg)
{
	return 0;
}

static int ignore_both(struct entry *old, struct entry *new, void *arg)
{
	return 0;
}

static void is_damaged(struct fixture *f, struct entry *root,
		       const struct db_hash *hash, const char *why)
{
	struct entry *empty = tree_empty(&f->tree, "");
	char text[2 * DB_HASH_SIZE + 1];
	bool told = true;

	db_hash_text(hash, text);
	for (int i = 0; i < 4; i++) {
		int rc = 0;

		f->tree.why[0] = '\0';
		errno = 0;
		if (i == 0)
			rc = tree_child(&f->tree, root, "a", 1) ? 0 : -1;
		else if (i == 1)
			rc = tree_each(&f->tree, root, NULL, ignore, NULL);
		else if (i == 2)
			rc = tree_compare(&f->tree, empty, root, NULL, ignore_both,
					  NULL);
		else
			rc = tree_remove(&f->tree, &root, "a");
		if (rc >= 0 || errno != EIO || !strstr(f->tree.why, text) ||
		    !strstr(f->tree.why, why)) {
			diag("%d: %s", i, f->tree.why);
			told = false;
		}
	}
	ok(told, "damaged: %s", f->tree.why + 2 * DB_HASH_SIZE + 2);
	entry_unref(empty);
	entry_unref(root);
}

static void test_damage(void)
{
	struct db_hash a, b, none, hash;
	struct entry *root, *child;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	a = leaf(&f, "a");
	b = leaf(&f, "b");
	memset(&none, 7, sizeof(none));
	root = branch(&f, 1, a, "a", one, b);
	child = tree_child(&f.tree, root, "b", 1);
	ok(child && entry_size(child) == 1, "two leaves under a branch");
	entry_unref(child);
	entry_unref(root);
	is_damaged(&f, branch(&f, 1, none, "a", one, b), &none, "not in");
	is_damaged(&f, branch(&f, 1, a, "aa", one, b), &a, "name");
	is_damaged(&f, branch(&f, 1, a, "a", (struct extent){ 2, 2, 2 }, b),
		   &a, "extent");
	is_damaged(&f, branch(&f, 1, a, "a", (struct extent){ 1, 2, 2 }, b),
		   &a, "extent");
	is_damaged(&f, branch(&f, 1, a, "a", (struct extent){ 1, 1, 3 }, b),
		   &a, "extent");
	is_damaged(&f, branch(&f, 2, a, "a", one, b), &a, "level");
	root = branch(&f, 1, a, "a", one, b);
	root->size++;
	hash = *entry_hash(root);
	is_damaged(&f, root, &hash, "extent");
	root = entry_dir("", 0, &one, &none);
	is_damaged(&f, root, &none, "not in");
	fixture_close(&f);
}

int main(void)
{
	static const unsigned differ[] = { 0, 1, 2, 10, 300 };

	if (sodium_init() < 0)
		return 1;
	for (int i = 0; i < 5; i++) {
		srandom(i);
		run(NAMES, NAMES, differ[i]);
		run(NAMES / 2, NAMES / 2, differ[i]);
		run(100, 100, differ[i]);
	}
	run(0, NAMES, 0);
	run(NAMES, 3, 0);
	run(200, NAMES, 0);
	test_open();
	test_damage();
	return done();
}
