/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of many nodes against a model that is a sorted array: random
 * changes and undone changes in batches of any size, read back entry by entry
 * and page by page; the root hash always that of the content. The seed of a
 * failing run is named; t/unit/directory.t SEED runs it. */
#include "config.h"

#include <sodium.h>

#include "t/unit/directory.h"

struct name {
	char name[24];
	unsigned len;		/* of the value; what is in it follows from
				   NAME and LEN */
};

/* One directory, "a", "b" and so on of the root. */
struct model {
	char dir[2];
	struct name *name;
	unsigned count, most;
	unsigned value_max;
	unsigned goal;		/* for COUNT, now */
};

static unsigned char junk[ENTRY_INLINE_MAX + 256];

static const void *value_of(const char *name, unsigned len)
{
	return junk + (name[strlen(name) - 1] + len) % 200;
}

static unsigned search(const struct model *m, const char *name, bool *found)
{
	unsigned low = 0, high = m->count;

	*found = false;
	while (low < high && !*found) {
		unsigned mid = low + (high - low) / 2;
		int order = strcmp(m->name[mid].name, name);

		*found = !order;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return *found ? low + (high - low) : low;
}

static void model_set(struct model *m, const char *name, unsigned len)
{
	bool found;
	unsigned at = search(m, name, &found);

	if (!found) {
		memmove(&m->name[at + 1], &m->name[at],
			(m->count++ - at) * sizeof(m->name[0]));
		strcpy(m->name[at].name, name);
	}
	m->name[at].len = len;
}

static void model_drop(struct model *m, unsigned at)
{
	memmove(&m->name[at], &m->name[at + 1],
		(--m->count - at) * sizeof(m->name[0]));
}

/* ---- changes ---- */

static void random_name(char *name)
{
	switch (random() % 3) {
	case 0:
		sprintf(name, "k%06ld", random() % 100000);
		break;
	case 1:
		sprintf(name, "%lx", random());
		break;
	default:
		sprintf(name, "%c%ld", (char)('a' + random() % 26),
			random() % 1000);
	}
}

static void tree_put(struct fixture *f, const struct model *m,
		     const char *name, unsigned len)
{
	char path[32];

	snprintf(path, sizeof(path), "%s.%s", m->dir, name);
	if (tree_set(&f->tree, &f->root, path, tree_value(&f->tree, name,
			value_of(name, len), len)) < 0)
		abort();
}

/* In both, unless NAME is to stay out of the model. */
static void change(struct fixture *f, struct model *m, bool model)
{
	bool grow = m->count < m->goal;
	char name[24], path[32];
	unsigned at, len;
	bool found;

	if (random() % (m->most + 200) == 0)
		m->goal = random() % 3 ? random() % m->most : 0;
	if (grow ? random() % 8 : !m->count) {
		random_name(name);
		len = random() % (random() % 8 ? 12 : m->value_max);
		tree_put(f, m, name, len);
		if (model)
			model_set(m, name, len);
		return;
	}
	if (!m->count)
		return;
	at = random() % m->count;
	if (random() % 3 == 0) {
		len = random() % m->value_max;
		tree_put(f, m, m->name[at].name, len);
		if (model)
			m->name[at].len = len;
		return;
	}
	snprintf(path, sizeof(path), "%s.%s", m->dir, m->name[at].name);
	search(m, m->name[at].name, &found);
	/* It may be gone already, by a change that is to be undone. */
	if (tree_remove(&f->tree, &f->root, path) < 0 &&
	    (errno != ENOENT || model))
		abort();
	if (model)
		model_drop(m, at);
}

/* ---- comparing ---- */

struct page {
	const struct model *m;
	unsigned at, left;
	bool same;
};

static int page_one(struct entry *entry, void *arg)
{
	struct page *page = arg;
	const struct name *name = &page->m->name[page->at];

	page->same = page->at < page->m->count &&
		!strcmp(entry->bytes, name->name) &&
		entry_size(entry) == name->len &&
		!memcmp(entry_data(entry), value_of(name->name, name->len),
			name->len);
	page->at++;
	return !page->same || !--page->left;
}

/* COUNT entries after AFTER (NULL: from the beginning). */
static bool same_page(struct fixture *f, struct entry *root,
		      const struct model *m, const char *after,
		      unsigned count)
{
	struct entry *dir = tree_child(&f->tree, root, m->dir, 1);
	struct page page = { m, 0, count, true };
	bool found = false;
	int rc;

	if (!dir)
		return false;
	if (after)
		page.at = search(m, after, &found);
	page.at += found;
	rc = tree_each(&f->tree, dir, after, page_one, &page);
	if (rc < 0 || entry_size(dir) != m->count)
		page.same = false;
	if (page.left && page.at != m->count)
		page.same = false;
	entry_unref(dir);
	return page.same;
}

static bool same_child(struct fixture *f, const struct model *m,
		       const char *name)
{
	struct entry *dir = tree_child(&f->tree, f->root, m->dir, 1), *entry;
	bool found, same;
	unsigned at = search(m, name, &found);

	entry = tree_child(&f->tree, dir, name, strlen(name));
	same = found == !!entry && (entry || errno == ENOENT);
	if (entry && same)
		same = entry_size(entry) == m->name[at].len;
	entry_unref(entry);
	entry_unref(dir);
	return same;
}

static struct db_hash reference_root(const struct model *m)
{
	struct list list = { 0 };
	struct db_hash hash;

	for (unsigned i = 0; i < m->count; i++)
		list_add_value(&list, m->name[i].name,
			       value_of(m->name[i].name, m->name[i].len),
			       m->name[i].len);
	hash = reference(&list).root;
	list_clear(&list);
	return hash;
}

static bool same_shape(struct fixture *f, const struct model *m)
{
	struct entry *dir;
	bool same;

	fixture_seal(f);
	dir = tree_child(&f->tree, f->root, m->dir, 1);
	same = same_hash(*entry_hash(dir), reference_root(m));
	entry_unref(dir);
	return same;
}

/* ---- runs ---- */

static struct model models[] = {
	{ "a", NULL, 0, 40, 1000, 20 },
	{ "b", NULL, 0, 400, 20, 400 },
	{ "c", NULL, 0, 1500, 1024, 1500 },
	{ "d", NULL, 0, 12000, 40, 12000 },
};
#define MODELS (sizeof(models) / sizeof(models[0]))

/* A transaction of a few changes, some of them undone again. */
static void transaction(struct fixture *f, struct model *m)
{
	bool keep = random() % 4;
	int count = random() % 8 ? 1 : random() % 20;

	while (count--)
		change(f, m, keep);
	if (keep)
		undo_discard(&f->undo);
	else
		undo_revert(&f->undo);
}

/* After a change: a key, a page, and now and then all. */
static bool step(struct fixture *f, struct model *m)
{
	bool same, all = random() % (m->count + 1) < 8;
	char name[24];

	random_name(name);
	transaction(f, m);
	same = same_child(f, m, name) && same_page(f, f->root, m, name, 10);
	if (same && m->count)
		same = same_child(f, m, m->name[random() % m->count].name);
	if (same && all)
		same = same_page(f, f->root, m, NULL, UINT_MAX);
	return same;
}

static void run(unsigned seed, unsigned steps)
{
	struct fixture f;
	bool same = true, shape = true, pinned = true;

	srandom(seed);
	fixture_open(&f, seed % 2 ? 1 : 200000);
	for (size_t i = 0; i < MODELS; i++) {
		models[i].count = 0;
		models[i].name = xmalloc((models[i].most + 2) *
					 sizeof(struct name));
		if (tree_set(&f.tree, &f.root, models[i].dir,
			     tree_empty(&f.tree, models[i].dir)) < 0)
			abort();
		undo_discard(&f.undo);
	}
	for (unsigned i = 0; i < steps && same && shape && pinned; i++) {
		struct model *m = &models[random() % MODELS];

		same = step(&f, m);
		if (random() % 30 == 0)
			fixture_seal(&f);
		if (random() % 400 == 0)
			shape = same_shape(&f, m);
		if (random() % 100 == 0) {
			/* A view of the applied state stays as it is. */
			struct entry *view = entry_ref(f.root);
			struct model *changed = &models[random() % MODELS];

			f.tree.token++;
			transaction(&f, changed);
			if (changed != m)
				pinned = same_page(&f, view, m, NULL, 100) &&
					same_page(&f, f.root, m, NULL, 100);
			entry_unref(view);
		}
	}
	for (size_t i = 0; i < MODELS; i++)
		shape = shape && same_shape(&f, &models[i]);
	ok(same, "seed %u: %u transactions, each read back", seed, steps);
	ok(shape, "seed %u: the root is that of the content", seed);
	ok(pinned, "seed %u: what a view has stays as it was", seed);
	for (size_t i = 0; i < MODELS; i++)
		free(models[i].name);
	fixture_close(&f);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	srandom(0);
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = random();
	if (argc > 1)
		run(atoi(argv[1]), 25000);
	for (unsigned seed = 1; argc == 1 && seed <= 6; seed++)
		run(seed, 20000);
	return done();
}
