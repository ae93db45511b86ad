/* SPDX-License-Identifier: Apache-2.0 */
/* A difference between two states that is told in pieces: whatever key it is
 * taken up behind, the rest is what a whole telling has behind that key. Trees
 * are random, nested, and with names that are the beginning of others. */
#include "config.h"

#include <string.h>

#include "t/unit/db_test.h"

#define LINES	4000

struct told_line {
	enum wire_operation_id op;
	char key[64];
};

struct list {
	struct told_line line[LINES];
	int count, most;	/* stops after MOST */
};

static int note(enum wire_operation_id op, const char *key,
		const struct db_entry *entry, void *arg)
{
	struct list *list = arg;

	if (list->count == list->most)
		return 1;
	list->line[list->count].op = op;
	snprintf(list->line[list->count].key, sizeof(list->line[0].key), "%s",
		 key);
	list->count++;
	return 0;
}

static void random_key(char *key, size_t size)
{
	static const char *const names[] = { "a", "aa", "ab", "a-", "b", "c",
					     "0", "zz" };
	int depth = 1 + random() % 4;

	snprintf(key, size, "p");
	while (depth--) {
		size_t len = strlen(key);

		snprintf(key + len, size - len, ".%s", names[random() % 8]);
	}
}

static void change(struct db *db)
{
	char key[64];
	struct db_op op = { .key = key, .data = key };

	random_key(key, sizeof(key));
	switch (random() % 5) {
	case 0:
		op.op = OP_unlink;
		op.flags = DB_UNLINK_RECURSIVE | DB_UNLINK_FORCE;
		break;
	case 1:
		op.op = OP_link;
		op.arg = "target";
		break;
	case 2:
		op.op = OP_mkdir;
		break;
	default:
		op.op = OP_put;
		op.len = random() % 20;
	}
	apply(db, &op, 1);
}

static bool same_rest(const struct list *whole, int from,
		      const struct list *part)
{
	for (int i = 0; i < part->count; i++)
		if (whole->line[from + i].op != part->line[i].op ||
		    strcmp(whole->line[from + i].key, part->line[i].key))
			return false;
	return true;
}

/* Every key of the difference, taken up behind it, some lines each. */
static int wrong_places(struct db_view *old, struct db_view *new,
			const char *key, struct list *whole,
			struct list *part)
{
	int wrong = 0;

	whole->count = 0;
	whole->most = LINES;
	if (db_diff(old, new, key, note, whole, &test_error))
		return -1;
	for (int i = 0; i < whole->count; i++) {
		int left = whole->count - i - 1;

		part->count = 0;
		part->most = random() % 20;
		if (db_diff_after(old, new, key, whole->line[i].key, note,
				  part, &test_error) != (left > part->most))
			wrong++;
		else if (part->count != (left < part->most ? left :
					 part->most) ||
			 !same_rest(whole, i + 1, part))
			wrong++;
	}
	return wrong;
}

/* ---- db_changes ---- */

struct side {
	struct db_view *view;
	struct db_entry entry;
};

struct changes {
	struct change_line {
		bool was, is;
		char key[64];
	} line[LINES];
	int count, most;
};

static int note_change(const char *key, const struct db_entry *was,
		       const struct db_entry *is, void *arg)
{
	struct changes *c = arg;

	if (c->count == c->most)
		return 1;
	c->line[c->count].was = was;
	c->line[c->count].is = is;
	snprintf(c->line[c->count++].key, sizeof(c->line[0].key), "%s", key);
	return 0;
}

static int changes(struct side *a, struct side *b, bool recursive,
		   const char *after, int most, struct changes *c)
{
	c->count = 0;
	c->most = most;
	return db_changes(a ? a->view : NULL, a ? &a->entry : NULL, b->view,
			  &b->entry, recursive, after, note_change, c,
			  &test_error);
}

static bool same_line(const struct change_line *x, const struct change_line *y,
		      bool swapped)
{
	return !strcmp(x->key, y->key) &&
		x->was == (swapped ? y->is : y->was) &&
		x->is == (swapped ? y->was : y->is);
}

/* Told in pieces it is the same, and from the other side the reverse. */
static int wrong_changes(struct side *a, struct side *b, bool recursive,
			 struct changes *whole, struct changes *part)
{
	const char *after = NULL;
	int wrong = 0, at = 0, rc;
	char last[64];

	wrong += changes(a, b, recursive, NULL, LINES, whole) != 0;
	do {
		rc = changes(a, b, recursive, after, 1 + random() % 9, part);
		for (int i = 0; i < part->count; i++, at++)
			wrong += at >= whole->count ||
				!same_line(&part->line[i], &whole->line[at],
					   false);
		if (part->count)
			after = strcpy(last, part->line[part->count - 1].key);
	} while (rc == 1);
	wrong += rc != 0 || at != whole->count;
	if (!a)
		return wrong;
	wrong += changes(b, a, recursive, NULL, LINES, part) != 0 ||
		part->count != whole->count;
	for (int i = 0; i < part->count && !wrong; i++)
		wrong += !same_line(&part->line[i], &whole->line[i], true);
	return wrong;
}

static void look(struct db *db, struct side *side, const char *key)
{
	side->view = db_view_open(db, "primary", NULL, false, NULL);
	if (db_lookup(side->view, key, true, NULL, NULL, &side->entry, NULL))
		abort();
}

static void leave(struct side *side)
{
	db_entry_clear(&side->entry);
	db_view_close(side->view);
}

static void test_changes(struct db *db)
{
	struct changes *whole = calloc(2, sizeof(*whole));
	int wrong[3] = { 0 }, lines = 0;
	struct side a, b;

	APPLY(db, { .op = OP_unlink, .key = "p", .flags =
		    DB_UNLINK_RECURSIVE | DB_UNLINK_FORCE });
	APPLY(db, MKDIR("p"));
	for (int round = 0; round < 60; round++) {
		APPLY(db, COPY("q", "p"));
		for (int i = 0; i < 40; i++)
			change(db);
		APPLY(db, MKDIR("p"));
		db_wait(db);
		look(db, &a, "p");
		look(db, &b, "q");
		wrong[0] += wrong_changes(&a, &b, true, whole, whole + 1);
		lines += whole->count;
		wrong[1] += wrong_changes(&a, &b, false, whole, whole + 1);
		wrong[2] += wrong_changes(NULL, &b, true, whole, whole + 1);
		leave(&a);
		leave(&b);
	}
	ok(lines > 1000, "changes between two directories, %d", lines);
	is_int(wrong[0], 0, "in pieces, and the other way round");
	is_int(wrong[1], 0, "at the top alone");
	is_int(wrong[2], 0, "of one to nothing");
	free(whole);
}

/* Names of any bytes, in nodes of several levels. */
static void test_many(struct db *db)
{
	static struct db_op ops[20000];
	static char name[20000][8];
	struct changes *whole = calloc(2, sizeof(*whole));
	struct side a, b;
	int wrong = 0;

	for (int i = 0; i < 20000; i++) {
		snprintf(name[i], sizeof(name[i]), "w.%c%c%c%c",
			 1 + i % 9, 0xff - i / 9 % 15, 1 + i / 135 % 9,
			 0xff - i / 1215);
		ops[i] = (struct db_op) { .op = OP_put, .key = name[i] };
	}
	apply(db, ops, 20000);
	APPLY(db, COPY("v", "w"));
	apply(db, ops + 5000, 1);
	for (int i = 0; i < 20000; i += 7) {
		ops[i].data = "x";
		ops[i].len = 1;
		apply(db, ops + i, 1);
	}
	db_wait(db);
	look(db, &a, "v");
	look(db, &b, "w");
	for (int i = 0; i < 20; i++)
		wrong += wrong_changes(&a, &b, true, whole, whole + 1);
	is_int(whole->count, 2858, "changes in a large directory");
	is_int(wrong, 0, "in pieces");
	leave(&a);
	leave(&b);
	free(whole);
}

int main(void)
{
	struct list *whole = calloc(2, sizeof(*whole)), *part = whole + 1;
	struct db *db = test_open((struct db_options) { .durable = false });
	struct db_view *old = NULL, *new;
	int wrong[3] = { 0 }, lines = 0;

	srandom(11);
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 80; i++)
			change(db);
		db_wait(db);
		new = db_view_open(db, "primary", NULL, false, NULL);
		wrong[0] += wrong_places(old, new, "p", whole, part) != 0;
		lines += whole->count;
		wrong[1] += wrong_places(old, new, ".", whole, part) != 0;
		wrong[2] += wrong_places(NULL, new, "p.a", whole, part) != 0;
		db_view_close(old);
		old = new;
	}
	ok(lines > 1000, "there are differences, %d", lines);
	is_int(wrong[0], 0, "each rest of them, below a key");
	is_int(wrong[1], 0, "from the root");
	is_int(wrong[2], 0, "from nothing");
	db_view_close(old);
	test_changes(db);
	test_many(db);
	db_close(db);
	free(whole);
	return test_end();
}
