/* SPDX-License-Identifier: Apache-2.0 */
/* Directory nodes: a frozen encoding, both ways, and what is refused. */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "kvsd/node.h"
#include "t/unit/tap.h"

/* A directory with an entry of each kind, as weir-treeobj(5) shows it. It
 * must never change. */
static const unsigned char golden[] =
	"WTD\x01\0\0\0\x04"
	"\x02\x03" "big" "\0\0\0\0\0\x01\0\0"
	"0123456789abcdef0123456789abcdef"
	"\x03\x03" "dir" "\0\0\0\0\0\0\0\x05"
	"fedcba9876543210fedcba9876543210"
	"\x04\x04" "link" "\0\x03" "a.b" "\x05" "other"
	"\x01\x05" "value" "\0\x02" "hi";
#define GOLDEN_LEN (sizeof(golden) - 1)
static const char golden_hash[] =
	"7925c8227d0b64f176beeb7c9541be10"
	"09d63f12cb3db121e8eabb4c02a61e8f";

static struct node *make(const int order[4])
{
	struct node *node = node_create(1);
	const struct db_hash *a = (const struct db_hash *)
		"0123456789abcdef0123456789abcdef";
	const struct db_hash *b = (const struct db_hash *)
		"fedcba9876543210fedcba9876543210";

	for (int i = 0; i < 4; i++)
		switch (order[i]) {
		case 0:
			node_set(node, entry_blob("big", 3, 65536, a));
			break;
		case 1:
			node_set(node, entry_dir("dir", 3, 5, b));
			break;
		case 2:
			node_set(node, entry_link("link", 4, "a.b", "other"));
			break;
		default:
			node_set(node, entry_inline("value", 5, "hi", 2));
		}
	return node;
}

static void test_golden(void)
{
	char text[2 * DB_HASH_SIZE + 1];
	struct node *node = make((int[]) { 3, 1, 0, 2 });
	struct blob *blob = node_encode(node);
	const char *why;

	ok(blob->len == GOLDEN_LEN && !memcmp(blob->data, golden, blob->len),
	   "the frozen encoding");
	db_hash_text(&blob->hash, text);
	is_str(text, golden_hash, "and its hash");
	node_unref(node);
	free(blob);

	node = node_decode(golden, GOLDEN_LEN, &why);
	ok(node && node->count == 4 && node->sealed, "decoded");
	is_int(entry_size(node->entry[0]), 65536, "blob value: size");
	ok(!memcmp(entry_hash(node->entry[0]), "0123456789abcdef", 16),
	   "its hash");
	is_int(entry_size(node->entry[1]), 5, "directory: entries");
	is_str(entry_target(node->entry[2]), "a.b", "link: target");
	is_str(entry_target_ns(node->entry[2]), "other", "its namespace");
	ok(!memcmp(entry_data(node->entry[3]), "hi", 2), "inline value");
	blob = node_encode(node);
	ok(blob->len == GOLDEN_LEN && !memcmp(blob->data, golden, blob->len),
	   "encoded again");
	free(blob);
	node_unref(node);
}

static void test_order(void)
{
	struct db_hash first;
	int order[4] = { 0, 1, 2, 3 };
	bool same = true;

	for (int i = 0; i < 24; i++) {
		int a = random() % 4, b = random() % 4, t = order[a];
		struct node *node;
		struct blob *blob;

		order[a] = order[b];
		order[b] = t;
		node = make(order);
		blob = node_encode(node);
		if (!i)
			first = blob->hash;
		same = same && !memcmp(&first, &blob->hash, sizeof(first));
		free(blob);
		node_unref(node);
	}
	ok(same, "the order of insertion does not matter");
}

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

#define REFUSED(literal, what) \
	refused((const unsigned char *)literal, sizeof(literal) - 1, what)

static void test_refused(void)
{
	bool all = true;
	const char *why;

	for (size_t len = 0; len < GOLDEN_LEN; len++) {
		struct node *node = node_decode(golden, len, &why);

		all = all && !node && why;
		node_unref(node);
	}
	ok(all, "cut short anywhere, it is refused");
	refused(golden, GOLDEN_LEN + 1, "bytes follow");
	refused_with(0, 'X', "begin");
	refused_with(2, 'L', "another kind");
	refused_with(3, 2, "unknown version");
	refused_with(4, 1, "number of entries");
	refused_with(7, 3, "bytes follow");
	refused_with(8, 9, "unknown kind");
	refused_with(9, 0, "no name");
	refused_with(10, 'z', "not in order");
	refused_with(11, '.', "byte that none");
	refused_with(11, '\0', "byte that none");
	refused_with(11, '\n', "byte that none");
	refused_with(14, 1, "beyond the limit");
	refused_with(18, 0, "not inline");
	REFUSED("WTD\1\0\0\0\2\1\1a\0\0\1\1a\0\0", "not in order");
	REFUSED("WTD\1\0\0\0\2\1\2ab\0\0\1\1a\0\0", "not in order");
	REFUSED("WTD\1\0\0\0\1\4\1a\0\0\0", "not possible");
	REFUSED("WTD\1\0\0\0\1\4\1a\4\1\0", "not possible");
	REFUSED("WTD\1\0\0\0\1\4\1a\0\1\0\0", "target is malformed");
	REFUSED("WTD\1\0\0\0\1\4\1a\0\1x\1\0", "namespace is malformed");
	REFUSED("WTD\1\0\0\0\1\4\1a\0\1x\2y", "namespace is malformed");
	REFUSED("WTD\1\0\0\0\1\1\1a\0\5x", "within an inline");
}

static void test_long_inline(void)
{
	unsigned char data[13 + 1025] = "WTD\1\0\0\0\1\1\1a\4";

	data[12] = 0;
	refused(data, 13 + 1025, "bytes follow");
	data[12] = 1;
	refused(data, 13 + 1025, "too long");
}

static void test_changes(void)
{
	struct node *node = make((int[]) { 0, 1, 2, 3 }), *copy;
	size_t encoded = node->encoded;
	struct blob *blob;
	bool found;
	size_t at;

	copy = node_clone(node, 2);
	entry_unref(node_set(copy, entry_inline("value", 5, "longer", 6)));
	is_int(copy->encoded, encoded + 4, "size of a longer value");
	at = node_search(copy, "dir", 3, &found);
	ok(found && at == 1, "found");
	entry_unref(node_remove(copy, at));
	at = node_search(copy, "dir", 3, &found);
	ok(!found && at == 1, "removed");
	node_search(copy, "di", 2, &found);
	ok(!found, "a name's beginning is not the name");
	blob = node_encode(copy);
	is_int(blob->len, copy->encoded, "the size is right");
	free(blob);
	blob = node_encode(node);
	ok(blob->len == GOLDEN_LEN && !memcmp(blob->data, golden, blob->len),
	   "what was cloned is as it was");
	free(blob);
	node_unref(copy);
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
	ok(node_each_child(golden, GOLDEN_LEN - 1, note_child, &c, &why) < 0 &&
	   errno == EIO && why, "a damaged directory is refused");
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	test_golden();
	test_order();
	test_refused();
	test_long_inline();
	test_changes();
	test_children();
	return done();
}
