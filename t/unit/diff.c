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
	db_close(db);
	free(whole);
	return test_end();
}
