/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the changes of a directory into its nodes: see splice.h.
 *
 * The items of a level are entries or, above, one for each node of the level
 * below. Changes of a level's items, by name, make new nodes of that level;
 * what comes and goes of these is, again by name, the changes of the level
 * above. Around each change the items are cut anew, from the beginning of a
 * node up to where a cut falls on the end of an old node: from there on all is
 * as it was. A cut by the limit depends on what follows up to the limit, so
 * that a node before a change that ends with such a cut is cut anew too; two
 * of them fill the limit, so that one is enough.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>

#include "kvsd/arena.h"
#include "kvsd/cursor.h"
#include "kvsd/splice.h"
#include "kvsd/tree.h"

#define ITEMS_KEEP	4096

struct items {
	const unsigned char **item;
	size_t count, room;
};

struct splice {
	struct tree *tree;
	struct dir *dir;
	struct arena arena;	/* of items */
	struct cursor cursor;	/* in what is stored */
	int level;
	struct items in, out;	/* changes of this level and of the next */
	size_t at;		/* in IN */
	/* Of the part in hand: */
	bool old;		/* CURSOR is at something that is not passed */
	bool whole;		/* it began with the level's first node */
	struct items gone;	/* old nodes in it, as items of the next level */
	struct items made;	/* new ones */
	struct window window;
};

static void items_add(struct items *items, const unsigned char *item)
{
	if (items->count == items->room) {
		items->room = items->room ? 2 * items->room : 32;
		items->item = xrealloc(items->item, items->room *
				       sizeof(items->item[0]));
	}
	items->item[items->count++] = item;
}

static const unsigned char *last_of(const struct items *items)
{
	return items->item[items->count - 1];
}

static unsigned char *copy(struct splice *s, const unsigned char *item)
{
	size_t len = item_len(item);
	unsigned char *p = memcpy(arena_room(&s->arena, len), item, len);

	arena_keep(&s->arena, len);
	return p;
}

static const unsigned char *node_as_item(struct splice *s,
					 const unsigned char *last,
					 const struct extent *extent,
					 const struct db_hash *hash)
{
	unsigned char *item = arena_room(&s->arena, ITEM_MAX);

	arena_keep(&s->arena, item_encode_node(last, extent, hash, item));
	return item;
}

/* ---- the items of the part in hand, the changes over the old ---- */

/* The cursor has come to a node. */
static void begin_old(struct splice *s)
{
	const struct node *node = s->cursor.frame[s->level].node;

	s->old = true;
	if (node->count)
		items_add(&s->gone, node_as_item(s,
				node_item(node, node->count - 1),
				&node->extent, &node->hash));
}

static int skip_ended(struct splice *s)
{
	const struct frame *f = &s->cursor.frame[s->level];
	int more;

	if (!s->old || f->at < f->node->count)
		return 0;
	more = cursor_next(&s->cursor, s->level);
	if (more > 0)
		begin_old(s);
	else
		s->old = false;
	return more < 0 ? -1 : 0;
}

/* Puts the next item into the window: 1; 0: there is none; -1 EIO. */
static int pull(struct splice *s)
{
	for (;;) {
		const unsigned char *item = NULL, *new = NULL;
		bool inner = false, last = false;
		int order = 1;

		if (skip_ended(s) < 0)
			return -1;
		if (s->at < s->in.count)
			new = s->in.item[s->at];
		if (s->old) {
			struct frame *f = &s->cursor.frame[s->level];

			item = node_item(f->node, f->at);
			order = new ? item_order(new, item) : 1;
			last = order >= 0 && f->at + 1 == f->node->count;
			inner = order >= 0 && !last &&
				f->at + 1 >= CHUNK_LEAST;
			f->at += order >= 0;
		} else if (!new) {
			return 0;
		} else {
			order = -1;
		}
		s->at += order <= 0;
		if (order <= 0)
			item = new;
		if (item[0] == ENTRY_GONE)
			continue;
		window_add(&s->window, item, inner, last);
		return 1;
	}
}

/* ---- cutting ---- */

/* The node was there before, under the same name. */
static bool is_old(const struct splice *s, const unsigned char *node)
{
	for (size_t i = s->gone.count; i-- > 0;) {
		int order = item_order(s->gone.item[i], node);

		if (order <= 0)
			return !order && !memcmp(item_hash(s->gone.item[i]),
						 item_hash(node),
						 DB_HASH_SIZE);
	}
	return false;
}

/* Makes a node of the first COUNT items of the window. */
static void make(struct splice *s, unsigned count)
{
	const struct window *w = &s->window;
	struct extent extent;
	struct blob *blob = node_encode(w, count, s->level, &extent);
	const unsigned char *item = node_as_item(s, w->bytes +
			w->item[count - 1].at, &extent, &blob->hash);
	struct node *node;

	items_add(&s->made, item);
	if (is_old(s, item)) {
		free(blob);
		return;
	}
	blob = blob_set_add(s->tree->space.fresh, blob);
	node = node_of_blob(blob);
	cache_add(s->tree->cache, node);
	node_unref(node);
}

/* A cut fell on the end of an old node, which the new node ITEM ends with:
 * what was looked at behind it is as it was. */
static void unread(struct splice *s, const unsigned char *item)
{
	while (s->at && item_order(s->in.item[s->at - 1], item) > 0)
		s->at--;
	while (s->gone.count && item_order(last_of(&s->gone), item) > 0)
		s->gone.count--;
	window_drop(&s->window, s->window.count);
}

/* True if the part in hand ends with it. */
static bool cut(struct splice *s)
{
	unsigned count;

	while ((count = window_cut(&s->window, s->level))) {
		bool last = s->window.item[count - 1].last;

		make(s, count);
		if (last) {
			unread(s, last_of(&s->made));
			return true;
		}
		window_drop(&s->window, count);
	}
	return false;
}

/* The level ends. A level of one node gets none above it. */
static void end_level(struct splice *s)
{
	struct window *w = &s->window;

	if (!w->count)
		return;
	if (s->level && s->whole && w->count == 1 && !s->made.count)
		items_add(&s->made, copy(s, w->bytes));
	else
		make(s, w->count);
	window_drop(w, w->count);
}

/* What went and what came to the next level; without what is the same, unless
 * there was no next level. */
static void pass_on(struct splice *s)
{
	size_t g = 0, m = 0;

	while (g < s->gone.count || m < s->made.count) {
		const unsigned char *old = g < s->gone.count ?
			s->gone.item[g] : NULL;
		const unsigned char *new = m < s->made.count ?
			s->made.item[m] : NULL;
		int order = !old ? 1 : !new ? -1 : item_order(old, new);

		g += order <= 0;
		m += order >= 0;
		if (order < 0) {
			unsigned char *gone = copy(s, old);

			gone[0] = ENTRY_GONE;
			items_add(&s->out, gone);
		} else if (order > 0 || s->level >= s->cursor.top ||
			   memcmp(item_hash(old), item_hash(new),
				  DB_HASH_SIZE)) {
			items_add(&s->out, new);
		}
	}
	s->gone.count = s->made.count = 0;
}

/* Brings the cursor to the node with which to begin, not before DONE. */
static int locate(struct splice *s, const unsigned char *done)
{
	const unsigned char *name = s->in.item[s->at], *before;
	struct frame *f;

	s->old = false;
	s->whole = !done;
	if (s->level > s->cursor.top)
		return 0;
	if (cursor_seek(&s->cursor, s->level, item_name(name),
			item_name_len(name)) < 0)
		return -1;
	f = &s->cursor.frame[s->level];
	if (done && item_order(node_item(f->node, f->node->count - 1),
			       done) <= 0)
		return 0;	/* behind all that is old */
	before = cursor_before(&s->cursor, s->level);
	if (before && (!done || item_order(before, done) > 0) &&
	    !chunk_ends(chunk_hash(before), s->level)) {
		if (cursor_back(&s->cursor, s->level) < 0)
			return -1;
		before = cursor_before(&s->cursor, s->level);
	}
	f->at = 0;
	s->whole = !before;
	begin_old(s);
	return 0;
}

static int splice_level(struct splice *s)
{
	const unsigned char *done = NULL;

	s->at = s->out.count = 0;
	while (s->at < s->in.count) {
		int more;

		if (locate(s, done) < 0)
			return -1;
		while ((more = pull(s)) > 0 && !cut(s))
			;
		if (more < 0)
			return -1;
		if (!more)
			end_level(s);
		if (s->made.count)
			done = last_of(&s->made);
		pass_on(s);
	}
	return 0;
}

/* ---- all levels ---- */

static void set_root(struct splice *s, struct extent extent,
		     const struct db_hash *hash)
{
	assert(extent_same(extent, s->dir->extent));
	s->dir->stored = true;
	s->dir->stored_extent = extent;
	s->dir->hash = *hash;
}

static void set_empty(struct splice *s)
{
	struct extent extent;
	struct blob *blob = node_encode(&s->window, 0, 0, &extent);

	blob = blob_set_add(s->tree->space.fresh, blob);
	set_root(s, extent, &blob->hash);
}

/* Changes of the highest level: what is there now, and perhaps what was.
 * True if it is one node at most. */
static bool finish(struct splice *s)
{
	const unsigned char *root = NULL;
	size_t roots = 0;

	for (size_t i = 0; i < s->out.count; i++) {
		if (s->out.item[i][0] == ENTRY_GONE)
			continue;
		root = s->out.item[i];
		roots++;
	}
	if (roots > 1)
		return false;
	if (root)
		set_root(s, item_extent(root), item_hash(root));
	else
		set_empty(s);
	return true;
}

static int run(struct splice *s)
{
	for (s->level = 0;; s->level++) {
		struct items in = s->in;

		if (splice_level(s) < 0)
			return -1;
		if (!s->out.count && (s->dir->stored || s->level))
			return 0;
		if (s->level >= s->cursor.top && finish(s))
			return 0;
		s->in = s->out;
		s->out = in;
	}
}

static void add_changes(struct splice *s)
{
	for (struct change *c = s->dir->changes.first[0]; c; c = c->next[0]) {
		unsigned char *item = arena_room(&s->arena, ITEM_MAX);

		assert(!c->entry->dirty);
		arena_keep(&s->arena, item_encode(c->entry, item));
		items_add(&s->in, item);
	}
}

/* What a large batch has taken is not kept. */
static void items_reset(struct items *items)
{
	items->count = 0;
	if (items->room <= ITEMS_KEEP)
		return;
	free(items->item);
	items->item = NULL;
	items->room = 0;
}

static void reset(struct splice *s)
{
	cursor_close(&s->cursor);
	arena_reset(&s->arena);
	items_reset(&s->in);
	items_reset(&s->out);
	items_reset(&s->gone);
	items_reset(&s->made);
	window_drop(&s->window, s->window.count);
}

static struct splice *splice_create(struct tree *tree)
{
	struct splice *s = xcalloc(1, sizeof(*s));

	s->tree = tree;
	s->cursor.top = -1;
	return s;
}

void splice_destroy(struct splice *s)
{
	if (!s)
		return;
	arena_free(&s->arena);
	free(s->in.item);
	free(s->out.item);
	free(s->gone.item);
	free(s->made.item);
	free(s);
}

int splice_dir(struct tree *tree, struct dir *dir)
{
	struct splice *s;
	int rc = 0;

	if (dir->stored && !dir->changes.first[0])
		return 0;
	if (!tree->splice)
		tree->splice = splice_create(tree);
	s = tree->splice;
	s->dir = dir;
	if (dir->stored)
		rc = cursor_open(&s->cursor, tree, &dir->hash,
				 &dir->stored_extent);
	if (!rc) {
		add_changes(s);
		rc = run(s);
	}
	reset(s);
	if (rc < 0)
		errno = EIO;
	return rc;
}
