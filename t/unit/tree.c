/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of the tree, against a model that is a sorted table of keys:
 * random transactions, some of which must fail and then change nothing;
 * equal content gives an equal root whatever led to it; a difference applied
 * to the old state gives the new one; what was written is there when opened
 * again. The seed of a failing run is named; t/unit/tree.t SEED runs it. */
#include "config.h"

#include "t/unit/db_test.h"

#define MODEL_MAX	4096
#define VALUE_SIZE	3000

/* Directories have VALUE NULL. */
struct item {
	char key[64];
	char *value;
	size_t len;
};

struct model {
	struct item item[MODEL_MAX];
	int count;
};

static int find(const struct model *m, const char *key)
{
	for (int i = 0; i < m->count; i++)
		if (!strcmp(m->item[i].key, key))
			return i;
	return -1;
}

static void drop(struct model *m, int i)
{
	free(m->item[i].value);
	m->item[i] = m->item[--m->count];
}

/* KEY and all below it. */
static void drop_tree(struct model *m, const char *key)
{
	size_t len = strlen(key);

	for (int i = m->count - 1; i >= 0; i--)
		if (!strncmp(m->item[i].key, key, len) &&
		    (!m->item[i].key[len] || m->item[i].key[len] == '.'))
			drop(m, i);
}

static struct item *item_add(struct model *m, const char *key)
{
	struct item *item = &m->item[m->count++];

	if (m->count > MODEL_MAX)
		abort();
	memset(item, 0, sizeof(*item));
	strcpy(item->key, key);
	return item;
}

static void set(struct model *m, const char *key, const char *value,
		size_t len)
{
	struct item *item;
	char above[64];
	int at;

	for (const char *p = key; (p = strchr(p, '.')); p++) {
		snprintf(above, sizeof(above), "%.*s", (int)(p - key), key);
		at = find(m, above);
		if (at >= 0 && m->item[at].value)
			drop(m, at);
		if (find(m, above) < 0)
			item_add(m, above);
	}
	drop_tree(m, key);
	item = item_add(m, key);
	if (value)
		item->value = memcpy(malloc(len + 1), value, len);
	item->len = len;
}

static void model_copy(struct model *to, const struct model *from)
{
	while (to->count)
		drop(to, 0);
	for (int i = 0; i < from->count; i++) {
		to->item[i] = from->item[i];
		if (from->item[i].value)
			to->item[i].value = memcpy(
				malloc(from->item[i].len + 1),
				from->item[i].value, from->item[i].len);
	}
	to->count = from->count;
}

/* ---- random transactions ---- */

static char junk[VALUE_SIZE * 20];

static void random_key(char *key)
{
	int depth = 1 + random() % 3;

	*key = '\0';
	while (depth--)
		sprintf(key + strlen(key), "%s%c%ld", *key ? "." : "",
			"abc"[random() % 3], random() % 12);
}

static size_t random_len(void)
{
	switch (random() % 8) {
	case 0:
		return random() % sizeof(junk);
	case 1:
		return random() % VALUE_SIZE;
	}
	return random() % 12;
}

static bool below_value(const struct model *m, const char *key)
{
	char above[64];

	for (const char *p = key; (p = strchr(p, '.')); p++) {
		snprintf(above, sizeof(above), "%.*s", (int)(p - key), key);
		int at = find(m, above);

		if (at >= 0 && m->item[at].value)
			return true;
	}
	return false;
}

static bool has_entries(const struct model *m, const char *key)
{
	size_t len = strlen(key);

	for (int i = 0; i < m->count; i++)
		if (!strncmp(m->item[i].key, key, len) &&
		    m->item[i].key[len] == '.')
			return true;
	return false;
}

/* Does OP to the model; whether it must succeed. */
static bool model_apply(struct model *m, const struct db_op *op)
{
	int at = find(m, op->key);
	bool is_dir = at >= 0 && !m->item[at].value;
	char *both;
	size_t len;

	switch (op->op) {
	case OP_put:
		set(m, op->key, op->data, op->len);
		return true;
	case OP_append:
		if (is_dir)
			return false;
		len = at < 0 ? 0 : m->item[at].len;
		both = malloc(len + op->len + 1);
		if (len)
			memcpy(both, m->item[at].value, len);
		memcpy(both + len, op->data, op->len);
		set(m, op->key, both, len + op->len);
		free(both);
		return true;
	case OP_mkdir:
		if (at >= 0)
			return is_dir;
		set(m, op->key, NULL, 0);
		return true;
	default:
		if (at < 0 || below_value(m, op->key))
			return false;
		if (!(op->flags & DB_UNLINK_RECURSIVE) &&
		    has_entries(m, op->key))
			return false;
		drop_tree(m, op->key);
		return true;
	}
}

/* One transaction of some operations to both; whether they agree. */
static bool step(struct db *db, struct model *m, struct model *spare)
{
	static const enum wire_operation_id kind[] = { OP_put, OP_put, OP_put,
		OP_append, OP_append, OP_append, OP_mkdir, OP_unlink };
	struct db_op op[6];
	char key[6][64];
	int count = 1 + random() % 6, failed = 0;

	model_copy(spare, m);
	memset(op, 0, sizeof(op));
	for (int i = 0; i < count; i++) {
		random_key(key[i]);
		op[i].op = kind[random() % 8];
		if (random() % 4 == 0) {
			strcpy(key[i], "log");
			op[i].op = random() % 20 ? OP_append : OP_put;
		}
		op[i].key = key[i];
		op[i].data = junk + random() % 100;
		op[i].len = random_len();
		if (op[i].len > sizeof(junk) - 100)
			op[i].len = 0;
		op[i].flags = random() % 2 ? DB_UNLINK_RECURSIVE : 0;
		if (op[i].op != OP_unlink)
			op[i].flags = 0;
		if (!failed && !model_apply(m, &op[i]))
			failed = i + 1;
	}
	if (failed)
		model_copy(m, spare);
	if ((apply(db, op, count) < 0) == (failed > 0))
		return true;
	diag("operation %d: %s", failed, test_error.text);
	return false;
}

/* ---- comparing ---- */

struct seen {
	const struct model *model;
	struct db_view *view;
	int count;
	bool same;
};

static bool same_value(struct db_view *view, const struct db_entry *entry,
		       const struct item *item)
{
	char *got = malloc(item->len + 1);
	bool same = entry->size == item->len &&
		db_read(view, entry, 0, got, item->len + 1) ==
		(ssize_t)item->len && !memcmp(got, item->value, item->len);

	free(got);
	return same;
}

static int compare_one(enum wire_operation_id op, const char *key,
		       const struct db_entry *entry, void *arg)
{
	struct seen *seen = arg;
	int at = find(seen->model, key);

	seen->count++;
	if (at < 0)
		seen->same = false;
	else if (op == OP_put)
		seen->same = seen->model->item[at].value &&
			same_value(seen->view, entry, &seen->model->item[at]);
	else
		seen->same = op == OP_mkdir && !seen->model->item[at].value;
	if (!seen->same)
		diag("differs at %s", key);
	return !seen->same;
}

static bool same_as(struct db *db, const struct model *m, bool applied)
{
	struct seen seen = { m, NULL, 0, true };

	seen.view = db_view_open(db, "primary", NULL, applied, NULL);
	if (db_diff(NULL, seen.view, ".", compare_one, &seen, &test_error) < 0)
		seen.same = false;
	db_view_close(seen.view);
	return seen.same && seen.count == m->count;
}

/* The model, put into a namespace of its own in random order, gives the same
 * root. */
static bool same_root(struct db *db, const struct model *m)
{
	int *order = malloc((m->count + 1) * sizeof(int));
	uint64_t version;
	bool same;

	for (int i = 0; i < m->count; i++) {
		int j = random() % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	db_namespace_create(db, "other", 1, NULL, NULL);
	for (int i = 0; i < m->count; i++) {
		const struct item *item = &m->item[order[i]];
		struct db_op op = { .op = item->value ? OP_put : OP_mkdir,
				    .key = item->key, .data = item->value,
				    .len = item->len };

		db_apply(db, "other", &op, 1, NULL, NULL, &version, NULL);
		if (random() % 50 == 0)
			db_wait(db);
	}
	db_wait(db);
	same = !strcmp(root_of(db, "primary"), root_of(db, "other"));
	db_namespace_remove(db, "other", NULL);
	free(order);
	return same;
}

static int diff_apply(enum wire_operation_id op, const char *key,
		      const struct db_entry *entry, void *arg)
{
	struct seen *seen = arg;
	struct model *m = (struct model *)seen->model;
	char *value;

	switch (op) {
	case OP_put:
		value = malloc(entry->size + 1);
		db_read(seen->view, entry, 0, value, entry->size);
		set(m, key, value, entry->size);
		free(value);
		return 0;
	case OP_mkdir:
		set(m, key, NULL, 0);
		return 0;
	default:
		drop_tree(m, key);
		return 0;
	}
}

/* Brings OLD, the model at the version of *VIEW, to the present state by what
 * differs, and compares. */
static bool same_by_diff(struct db *db, struct model *old,
			 struct db_view **view, const struct model *m)
{
	struct db_view *now = db_view_open(db, "primary", NULL, false, NULL);
	struct seen seen = { old, now, 0, true };
	bool same;

	same = !db_diff(*view, now, ".", diff_apply, &seen, &test_error) &&
		same_as(db, old, false);
	db_view_close(*view);
	*view = now;
	model_copy(old, m);
	return same;
}

static void run(unsigned seed)
{
	struct db_options options = { .durable = false, .cache_max = 20000 };
	struct db *db = test_open(options);
	struct model *m = calloc(3, sizeof(*m)), *spare = m + 1, *old = m + 2;
	struct db_view *view = db_view_open(db, "primary", NULL, false, NULL);
	bool steps = true, same = true, roots = true, diffs = true;

	srandom(seed);
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = random();
	for (int i = 0; i < 400; i++) {
		steps = steps && step(db, m, spare);
		if (random() % 10 == 0)
			db_turn_end(db);
		if (random() % 20 == 0)
			same = same && same_as(db, m, true);
		if (random() % 40 == 0) {
			db_wait(db);
			same = same && same_as(db, m, false);
			diffs = diffs && same_by_diff(db, old, &view, m);
		}
		if (random() % 100 == 0)
			roots = roots && same_root(db, m);
	}
	db_view_close(view);
	db_close(db);
	ok(steps, "seed %u: operations succeed and fail as they must", seed);
	ok(same, "seed %u: the content is the model's", seed);
	ok(diffs, "seed %u: differences lead from state to state", seed);
	ok(roots, "seed %u: the root depends on the content alone", seed);
	db = test_open(options);
	ok(same_as(db, m, false), "seed %u: and all is there again", seed);
	db_close(db);
	test_wipe();
	for (int i = 0; i < 3; i++)
		while (m[i].count)
			drop(&m[i], 0);
	free(m);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		run(atoi(argv[1]));
	for (unsigned seed = 1; argc == 1 && seed <= 8; seed++)
		run(seed);
	return test_end();
}
