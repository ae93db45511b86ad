/* SPDX-License-Identifier: Apache-2.0 */
/* Directory nodes: a frozen encoding, both ways, and what is refused. */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "kvsd/alloc.h"
#include "kvsd/node.h"
#include "t/unit/tap.h"

#define HASH_A "0123456789abcdef0123456789abcdef"
#define HASH_B "fedcba9876543210fedcba9876543210"

/* A directory with an entry of each kind, and a branch of two nodes, as
 * weir-treeobj(5) shows them. They must never change. */
static const unsigned char golden[] =
	"WTD\x03\0"
	"\x02\x03" "big" "\0\0\0\0\0\x01\0\0" HASH_A
	"\x03\x03" "dir" "\0\0\0\0\0\0\0\x05" HASH_B
	"\0\0\0\0\0\0\0\x07" "\0\0\0\0\0\0\x01\0"
	"\x04\x04" "link" "\0\x03" "a.b" "\x05" "other"
	"\x01\x05" "value" "\0\x02" "hi";
static const unsigned char branch[] =
	"WTD\x03\1"
	"\x05\x03" "big" "\0\0\0\0\0\0\0\x80" HASH_A
	"\0\0\0\0\0\0\0\x81" "\0\0\0\0\0\0\x02\0"
	"\x05\x01" "c" "\0\0\0\0\0\0\0\x02" HASH_B
	"\0\0\0\0\0\0\0\x02" "\0\0\0\0\0\0\0\x05";
#define GOLDEN_LEN (sizeof(golden) - 1)
#define BRANCH_LEN (sizeof(branch) - 1)
static const char golden_hash[] =
	"391683cc757a975fda1d7c0953176dfe"
	"4378911ad59346990e3ffe558b8b1d92";
static const char branch_hash[] =
	"dd8ecab75efa11c07eee6579d13d2073"
	"3e719322f64443af06804191a068ed2b";

/* big 3 + 65536, dir 3 + 256, link 4 + 3 + 5, value 5 + 2 bytes. */
static const struct extent golden_extent = { 4, 4 + 7, 65817 };

static struct window *window;

static void add(struct entry *entry)
{
	unsigned char item[ITEM_MAX];

	item_encode(entry, item);
	window_add(window, item, false, false);
	entry_unref(entry);
}

static void clear(void)
{
	window_drop(window, window->count);
}

static void add_golden(void)
{
	add(entry_blob("big", 3, 65536, (const struct db_hash *)HASH_A));
	add(entry_dir("dir", 3, &(struct extent){ 5, 7, 256 },
		      (const struct db_hash *)HASH_B));
	add(entry_link("link", 4, "a.b", "other"));
	add(entry_inline("value", 5, "hi", 2));
}

static void add_node(const char *last, struct extent extent, const char *hash)
{
	unsigned char name[ITEM_MAX] = { 0, strlen(last) }, item[ITEM_MAX];

	memcpy(name + 2, last, strlen(last));
	item_encode_node(name, &extent, (const struct db_hash *)hash, item);
	window_add(window, item, false, false);
}

static bool is_blob(const struct blob *blob, const unsigned char *data,
		    size_t len)
{
	return blob->len == len && !memcmp(blob->data, data, len);
}

static void is_hash(const struct blob *blob, const char *want,
		    const char *what)
{
	char text[2 * DB_HASH_SIZE + 1];

	db_hash_text(&blob->hash, text);
	is_str(text, want, what);
}

static void test_leaf(void)
{
	struct entry *entry[4];
	struct blob *blob;
	struct node *node;
	const char *why;
	struct extent extent;

	add_golden();
	blob = node_encode(window, 4, 0, &extent);
	clear();
	ok(is_blob(blob, golden, GOLDEN_LEN), "the frozen encoding");
	is_hash(blob, golden_hash, "and its hash");
	ok(extent_same(extent, golden_extent), "its extent");
	node = node_of_blob(blob);
	ok(node->count == 4 && extent_same(node->extent, golden_extent) &&
	   node->level == 0,
	   "a node of what was encoded");
	node_unref(node);
	free(blob);

	node = node_decode(golden, GOLDEN_LEN, &why);
	ok(node && node->count == 4 &&
	   extent_same(node->extent, golden_extent), "decoded");
	for (int i = 0; i < 4; i++)
		entry[i] = item_decode(node_item(node, i));
	is_int(entry_size(entry[0]), 65536, "blob value: size");
	ok(!memcmp(entry_hash(entry[0]), HASH_A, DB_HASH_SIZE), "its hash");
	is_int(entry_size(entry[1]), 5, "directory: entries");
	ok(extent_same(entry_extent(entry[1]), (struct extent){ 5, 7, 256 }),
	   "its extent");
	is_str(entry_target(entry[2]), "a.b", "link: target");
	is_str(entry_target_ns(entry[2]), "other", "its namespace");
	ok(!memcmp(entry_data(entry[3]), "hi", 2), "inline value");
	for (int i = 0; i < 4; i++)
		add(entry[i]);
	blob = node_encode(window, 4, 0, &extent);
	clear();
	ok(is_blob(blob, golden, GOLDEN_LEN), "encoded again");
	free(blob);
	node_unref(node);
}

static void test_branch(void)
{
	struct blob *blob;
	struct node *node;
	const char *why;
	struct extent extent;

	add_node("big", (struct extent){ 128, 129, 512 }, HASH_A);
	add_node("c", (struct extent){ 2, 2, 5 }, HASH_B);
	blob = node_encode(window, 2, 1, &extent);
	clear();
	ok(is_blob(blob, branch, BRANCH_LEN), "a branch");
	is_hash(blob, branch_hash, "its hash");
	ok(extent_same(extent, (struct extent){ 130, 131, 517 }),
	   "the extents below added up");
	free(blob);
	node = node_decode(branch, BRANCH_LEN, &why);
	ok(node && node->level == 1 && node->count == 2 &&
	   extent_same(node->extent, extent), "decoded");
	node_unref(node);
}

static void test_search(void)
{
	const char *why;
	struct node *node = node_decode(golden, GOLDEN_LEN, &why);
	bool found;

	ok(node_search(node, "dir", 3, &found) == 1 && found, "found");
	ok(node_search(node, "di", 2, &found) == 1 && !found,
	   "a name's beginning is not the name");
	ok(node_search(node, "dirs", 4, &found) == 2 && !found,
	   "nor is what begins with it");
	ok(node_search(node, "z", 1, &found) == 4 && !found, "behind all");
	node_unref(node);
}

/* ---- what is refused ---- */

static void refused(const unsigned char *data, size_t len, const char *what)
{
	/* On the heap and of exact size, for the sanitizer. */
	unsigned char *copy = memcpy(malloc(len ? len : 1), data, len);
	const char *why = NULL;
	struct node *node = node_decode(copy, len, &why);

	ok(!node && why && strstr(why, what), "refused: %s",
	   why ? why : "(accepted)");
	node_unref(node);
	free(copy);
}

static void refused_with(size_t at, int byte, const char *what)
{
	unsigned char data[GOLDEN_LEN];

	memcpy(data, golden, sizeof(data));
	data[at] = byte;
	refused(data, sizeof(data), what);
}

#define ZERO "\0\0\0\0\0\0\0\0"
#define ONE "\0\0\0\0\0\0\0\1"
#define LARGE "\177\377\377\377\377\377\377\377"
#define MOST "\377\377\377\377\377\377\377\377"
#define REFUSED(literal, what) \
	refused((const unsigned char *)literal, sizeof(literal) - 1, what)

/* Where the entries of the frozen directory end. */
static bool is_end(size_t len)
{
	return len == 5 || len == 50 || len == 111 || len == 128;
}

static void test_refused(void)
{
	bool all = true;
	const char *why;

	for (size_t len = 0; len < GOLDEN_LEN; len++) {
		struct node *node = node_decode(golden, len, &why);

		all = all && !node == !is_end(len) && (node || why);
		node_unref(node);
	}
	ok(all, "cut short within an entry, it is refused");
	refused(golden, GOLDEN_LEN + 1, "no name");
	refused_with(0, 'X', "begin");
	refused_with(2, 'L', "another kind");
	refused_with(3, 2, "unknown version");
	refused_with(3, 4, "unknown version");
	refused_with(4, 1, "not expected");
	refused_with(4, 32, "level that is not possible");
	refused_with(5, 9, "unknown kind");
	refused_with(5, 5, "not expected");
	refused_with(6, 0, "no name");
	refused_with(7, 'z', "not in order");
	refused_with(8, '.', "byte that none");
	refused_with(8, '\0', "byte that none");
	refused_with(8, '\n', "byte that none");
	refused_with(8, '\r', "byte that none");
	refused_with(11, 1, "beyond the limit");
	refused_with(15, 0, "not inline");
	REFUSED("WTD\3\0\1\1a\0\0\1\1a\0\0", "not in order");
	REFUSED("WTD\3\0\1\2ab\0\0\1\1a\0\0", "not in order");
	REFUSED("WTD\3\0\4\1a\0\0\0", "not possible");
	REFUSED("WTD\3\0\4\1a\4\1\0", "not possible");
	REFUSED("WTD\3\0\4\1a\0\1\0\0", "target is malformed");
	REFUSED("WTD\3\0\4\1a\0\1x\1\0", "namespace is malformed");
	REFUSED("WTD\3\0\4\1a\0\1x\2y", "namespace is malformed");
	REFUSED("WTD\3\0\1\1a\0\5x", "within an inline");
	REFUSED("WTD\3\1", "without nodes");
	REFUSED("WTD\3\1\5\1a" ZERO HASH_A ZERO ZERO, "is empty");
	REFUSED("WTD\3\1\5\1a" ONE HASH_A ONE, "hash or an extent");
	REFUSED("WTD\3\1\5\1a" ONE HASH_A ZERO ONE, "extent in it");
	REFUSED("WTD\3\1\5\1a" ONE HASH_A ONE ZERO, "extent in it");
	REFUSED("WTD\3\0\3\1a" ZERO HASH_A ZERO ONE, "extent in it");
	REFUSED("WTD\3\0\3\1a" ONE HASH_A ONE MOST "x", "extent in it");
	REFUSED("WTD\3\1\5\1a" ONE HASH_A ONE LARGE "\5\1b" ONE HASH_A ONE ONE,
		"its extent");
	REFUSED("WTD\3\0\3\1a" ONE HASH_A ONE LARGE, "its extent");
	REFUSED("WTD\3\1\3\1a" ONE HASH_A ONE ONE, "not expected");
}

static void test_long_inline(void)
{
	unsigned char data[10 + 1025] = "WTD\3\0\1\1a\4";

	data[9] = 0;
	refused(data, sizeof(data), "no name");
	data[9] = 1;
	refused(data, sizeof(data), "too long");
}

/* Nodes that are cut otherwise than they should. */
static void test_cut(void)
{
	static unsigned char data[NODE_HEADER + 2 * CHUNK_LIMIT] = "WTD\3";
	size_t len = NODE_HEADER, at = 0;
	unsigned char *p;
	char name[16];
	const char *why;
	struct node *node;

	for (unsigned i = 0; !at; i++) {
		p = data + len;
		snprintf(name, sizeof(name), "%05u", i);
		*p++ = 1;
		*p++ = 5;
		memcpy(p, name, 5);
		p[5] = p[6] = 0;
		len += 9;
		if (i + 1 >= CHUNK_LEAST &&
		    chunk_ends(chunk_hash(data + len - 9), 0))
			at = len;
	}
	node = node_decode(data, at, &why);
	ok(node, "a node may end with a boundary");
	node_unref(node);
	memcpy(data + len, "\1\1x\0\0", 5);
	refused(data, len + 5, "end where it should");
	len = NODE_HEADER;
	for (int i = 0; i < 16; i++, len += 2 + 2 + 2 + 1018)
		memcpy(data + len, (unsigned char [6]) { 1, 2, 'a', 'a' + i,
			1018 >> 8, 1018 & 0xff }, 6);
	refused(data, len, "longer than the limit");
	node = node_decode(data, len - 1024, &why);
	ok(node && node->count == 15, "one entry less is not");
	node_unref(node);
}

struct children {
	char text[128];
	int stop_at;
};

static int note_child(enum blob_kind kind, const struct db_hash *hash,
		      uint64_t size, void *arg)
{
	struct children *c = arg;
	size_t len = strlen(c->text);

	snprintf(c->text + len, sizeof(c->text) - len, "%c %.4s %ju;", kind,
		 (const char *)hash->byte, (uintmax_t)size);
	return --c->stop_at ? 0 : 7;
}

static void test_children(void)
{
	struct children c = { "", 0 };
	const char *why = NULL;

	is_int(node_each_child(golden, GOLDEN_LEN, note_child, &c, &why), 0,
	       "children");
	is_str(c.text, "B 0123 65536;D fedc 5;", "are named with their kinds");
	c = (struct children) { "", 1 };
	is_int(node_each_child(golden, GOLDEN_LEN, note_child, &c, &why), 7,
	       "it stops");
	is_str(c.text, "B 0123 65536;", "where it was told to");
	c = (struct children) { "", 0 };
	is_int(node_each_child(branch, BRANCH_LEN, note_child, &c, &why), 0,
	       "children of a branch");
	is_str(c.text, "D 0123 128;D fedc 2;", "are directories too");
	ok(node_each_child(golden, GOLDEN_LEN - 1, note_child, &c, &why) < 0 &&
	   errno == EIO && why, "a damaged directory is refused");
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	window = xcalloc(1, sizeof(*window));
	test_leaf();
	test_branch();
	test_search();
	test_refused();
	test_long_inline();
	test_cut();
	test_children();
	free(window);
	return done();
}
