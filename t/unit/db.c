/* SPDX-License-Identifier: Apache-2.0 */
/* The database as kvsd sees it: transactions, links, namespaces, history,
 * views, leases. What a failing disk does is in db_fail.c. */
#include "config.h"

#include <inttypes.h>
#include <lmdb.h>
#include <semaphore.h>

#include "kvsd/store.h"
#include "t/unit/db_test.h"

static struct db *open_durable(void)
{
	return test_open((struct db_options) { .durable = true });
}

/* The last transaction failed with ERRNUM and a text with WHAT. */
static void refused(int64_t rc, int errnum, const char *what)
{
	if (!ok(rc < 0 && errno == errnum && test_error.errnum == errnum &&
		strstr(test_error.text, what), "refused: %s", what))
		diag("%s: %s", strerrorname_np(errno), test_error.text);
}

static void test_basic(void)
{
	struct db *db = open_durable();
	uint64_t ticket;

	APPLY(db, PUT("greeting", "hello"));
	db_wait(db);
	is_str(root_of(db, "primary"), "e22b90a85829a0ab94362a4deb88fb32"
	       "57206e5fa3eda836aabae8a6f54f2c24", "the root that weir-treeobj(5) shows");
	db_close(db);
	test_wipe();
	db = open_durable();
	is_str(get(db, "a"), "ENOENT", "a fresh database is empty");
	is_str(get(db, "."), "(dir)", "with a root");
	is_int(APPLY(db, PUT("a.b", "one")), 1, "first version");
	is_str(get_applied(db, "a.b"), "one", "applied at once");
	is_str(get(db, "a.b"), "ENOENT", "but not durable");
	ticket = db_ticket(db);
	ok(db_ticket_durable(db) < ticket, "nor is its ticket");
	db_turn_end(db);
	event_base_loop(test_base, EVLOOP_ONCE);
	is_str(get(db, "a.b"), "one", "durable when the writer wakes the loop");
	ok(told_ticket == ticket && !told.errnum, "and told");
	is_int(db_ticket_durable(db), ticket, "by its ticket");
	is_str(get(db, "a"), "(dir)", "directories are made");
	is_str(get(db, "a.b.c"), "ENOTDIR", "a value has no entries");
	refused(!test_open((struct db_options) { .durable = true }) ? -1 : 0,
		EBUSY, "in use by process");
	db_close(db);
	db = open_durable();
	is_str(get(db, "a.b"), "one", "there when opened again");
	is_int(APPLY(db, PUT("c", "x")), 2, "versions go on");
	db_close(db);
	test_wipe();
}

static void test_operations(void)
{
	struct db *db = open_durable();
	struct db_op two[] = { PUT("x.y", "1"), APPEND("x.y", "23") };
	char before[2 * DB_HASH_SIZE + 1];

	ok(apply(db, two, 2) == 1 && two[1].offset == 1, "append's offset");
	is_str(two[1].key_changed, "x.y", "what it changed");
	is_str(two[1].ns_changed, "primary", "where");
	is_str(get_applied(db, "x.y"), "123", "put and append");
	APPLY(db, APPEND("new", "n"));
	is_str(get_applied(db, "new"), "n", "append makes a value");
	refused(APPLY(db, APPEND("x", "n")), EISDIR, "operation 1: append x");
	APPLY(db, MKDIR("d.e"));
	is_str(get_applied(db, "d.e"), "(dir)", "mkdir");
	two[0] = (struct db_op) MKDIR("d.e");
	ok(apply(db, two, 1) > 0 && !two[0].ns_changed,
	   "again it changes nothing");
	refused(APPLY(db, MKDIR("x.y")), EEXIST, "mkdir x.y");
	refused(APPLY(db, UNLINK("x")), ENOTEMPTY, "has entries");
	refused(APPLY(db, UNLINK("nope")), ENOENT, "does not exist");
	refused(APPLY(db, UNLINK("x.y.z")), ENOTDIR, "not a directory");
	ok(APPLY(db, { .op = OP_unlink, .key = "nope",
		       .flags = DB_UNLINK_FORCE }) > 0, "unlink by force");
	ok(APPLY(db, UNLINK_ALL("x")) > 0, "unlink recursive");
	is_str(get_applied(db, "x"), "ENOENT", "all gone");
	APPLY(db, PUT("new.deep.er", "v"));
	is_str(get_applied(db, "new.deep.er"), "v",
	       "a value gives way to a directory");
	APPLY(db, PUT("new", "v"));
	is_str(get_applied(db, "new"), "v", "and the other way round");
	refused(APPLY(db, PUT(".", "v")), EINVAL, "root");
	refused(APPLY(db, UNLINK_ALL(".")), EINVAL, "root");
	refused(APPLY(db, PUT("a..b", "v")), EINVAL, "empty component");
	refused(APPLY(db, PUT("", "v")), EINVAL, "empty component");
	refused(APPLY(db, PUT("a.", "v")), EINVAL, "empty component");
	db_wait(db);
	strcpy(before, root_of(db, "primary"));
	refused(APPLY(db, PUT("p.q", "1"), UNLINK_ALL("d"), PUT("new", "w"),
		      UNLINK("nope")), ENOENT, "operation 4: unlink nope");
	is_str(get_applied(db, "p"), "ENOENT", "all or nothing: put");
	is_str(get_applied(db, "d.e"), "(dir)", "all or nothing: unlink");
	is_str(get_applied(db, "new"), "v", "all or nothing: replace");
	APPLY(db, PUT("z", "1"));
	APPLY(db, UNLINK("z"));
	db_wait(db);
	is_str(root_of(db, "primary"), before,
	       "put and unlink restore the root");
	db_close(db);
	test_wipe();
}

static void test_limits(void)
{
	struct db *db = open_durable();
	char key[2000], *p = key;

	memset(key, 'k', sizeof(key));
	key[255] = '\0';
	ok(APPLY(db, PUT(key, "v")) > 0, "a component of 255 bytes");
	key[255] = 'k';
	key[256] = '\0';
	refused(APPLY(db, PUT(key, "v")), EINVAL, "256 bytes is too long");
	for (int i = 0; i < 64; i++)
		p += sprintf(p, "%sc", i ? "." : "");
	ok(APPLY(db, PUT(key, "v")) > 0, "64 components");
	strcpy(p, ".c");
	refused(APPLY(db, PUT(key, "v")), EINVAL, "65 components");
	for (int i = 0; i < 1025; i++)
		key[i] = i % 100 == 99 ? '.' : 'k';
	key[1025] = '\0';
	refused(APPLY(db, PUT(key, "v")), EINVAL, "1025 bytes");
	key[1024] = '\0';
	ok(APPLY(db, PUT(key, "v")) > 0, "a key of 1024 bytes");
	refused(APPLY(db, LINK("l", key, NULL), PUT("l.x", "v")), EINVAL,
		"operation 2: put l.x");
	refused(APPLY(db, PUT("a\nb", "v")), EINVAL, "line ends");
	db_close(db);
	test_wipe();
}

static void test_links(void)
{
	struct db *db = open_durable();
	struct db_op op = PUT("l.v", "through");
	struct db_view *view;
	struct db_entry entry;
	char name[32], target[32];

	ok(!db_namespace_create(db, "other", 7, NULL, &test_error), "create");
	APPLY(db, LINK("l", "real.dir", NULL), LINK("far", "o.p", "other"),
	      LINK("loop", "loop", NULL), LINK("top", ".", NULL));
	apply(db, &op, 1);
	is_str(op.key_changed, "real.dir.v", "put through a dangling link");
	is_str(get_applied(db, "real.dir.v"), "through", "made its target");
	op = (struct db_op) PUT("top.l.v", "twice");
	apply(db, &op, 1);
	is_str(op.key_changed, "real.dir.v", "two links, one to the root");
	op = (struct db_op) PUT("far.v", "there");
	apply(db, &op, 1);
	is_str(op.ns_changed, "other", "a link into another namespace");
	is_str(op.key_changed, "o.p.v", "and its key");
	is_str(get_applied(db, "far.v"), "there", "read back");
	is_str(get_in(db, "other", "o.p.v", NULL, true), "there", "there");
	APPLY(db, LINK("far.back", "real.dir", "primary"));
	refused(APPLY(db, PUT("far.back.v", "led astray")), EPERM,
		"which is not its owner's");
	is_str(get_applied(db, "far.back.v"), "EPERM", "nor read");
	is_str(get_applied(db, "real.dir.v"), "twice", "nothing was changed");
	ok(!db_namespace_create(db, "third", 7, NULL, &test_error), "a third");
	APPLY(db, LINK("far.on", "k", "third"), PUT("far.on.v", "further"));
	is_str(get_in(db, "third", "k.v", NULL, true), "further",
	       "a link from one to another of the same owner");
	refused(APPLY(db, PUT("loop.x", "v")), ELOOP, "16 links");
	APPLY(db, LINK("nowhere", "a", "missing"));
	refused(APPLY(db, PUT("nowhere.x", "v")), ENOENT, "missing");
	is_str(get_applied(db, "nowhere"), "ENOENT", "nor read");
	for (int i = 0; i < 17; i++) {
		sprintf(name, "c%d", i);
		sprintf(target, "c%d", i + 1);
		APPLY(db, LINK(name, target, NULL));
	}
	APPLY(db, PUT("c17", "end"));
	is_str(get_applied(db, "c1"), "end", "16 links");
	is_str(get_applied(db, "c0"), "ELOOP", "17 links");
	db_wait(db);

	view = db_view_open(db, "primary", NULL, false, &test_error);
	ok(!db_lookup(view, "top.far.v", false, NULL, NULL, &entry, NULL) &&
	   entry.links == 2, "links are told");
	is_str(entry.link[0].key, "top", "the first");
	is_str(entry.link[1].key, "far", "the second");
	is_str(entry.ns, "other", "where it was found");
	is_str(entry.key, "o.p.v", "and its key there");
	db_entry_clear(&entry);
	ok(db_lookup(view, "l.missing.x", false, NULL, NULL, &entry, NULL) < 0
	   && errno == ENOENT && entry.links == 1, "a missing key");
	is_str(entry.key, "real.dir.missing.x", "and where it would be");
	db_entry_clear(&entry);
	ok(!db_lookup(view, "far", true, NULL, NULL, &entry, NULL) &&
	   entry.type == DB_LINK, "not followed");
	is_str(entry.target, "o.p", "target");
	is_str(entry.target_ns, "other", "its namespace");
	db_entry_clear(&entry);
	db_view_close(view);
	APPLY(db, UNLINK("far"));
	is_str(get_in(db, "other", "o.p.v", NULL, true), "there",
	       "unlink takes the link, not what it leads to");
	db_close(db);
	test_wipe();
}

static int check_owner(const char *ns, uid_t owner, void *arg)
{
	return owner == *(uid_t *)arg ? 0 : EPERM;
}

static void test_check(void)
{
	struct db *db = open_durable();
	uid_t primary = 1000, stranger = 5;
	struct db_op op = PUT("far.v", "x");
	struct db_entry entry;
	struct db_view *view;
	uint64_t version;

	db_namespace_create(db, "other", 7, NULL, &test_error);
	APPLY(db, LINK("far", "a", "other"));
	refused(db_apply(db, "primary", &op, 1, check_owner, &primary,
			 &version, &test_error), EPERM, "namespace other");
	refused(db_apply(db, "primary", &op, 1, check_owner, &stranger,
			 &version, &test_error), EPERM, "namespace primary");
	db_wait(db);
	view = db_view_open(db, "primary", NULL, false, &test_error);
	refused(db_lookup(view, "far.v", false, check_owner, &primary, &entry,
			  &test_error), EPERM, "namespace other");
	db_entry_clear(&entry);
	db_view_close(view);
	db_close(db);
	test_wipe();
}

static const char *hash_of(struct db *db, const char *key)
{
	static char text[2 * DB_HASH_SIZE + 1];
	struct db_view *view = db_view_open(db, "primary", NULL, false, NULL);
	struct db_entry entry;
	struct db_hash hash;

	if (db_lookup(view, key, true, NULL, NULL, &entry, NULL) < 0 ||
	    db_entry_hash(view, &entry, &hash) < 0)
		strcpy(text, strerrorname_np(errno));
	else
		db_hash_text(&hash, text);
	db_entry_clear(&entry);
	db_view_close(view);
	return text;
}

static void test_conditions(void)
{
	struct db *db = open_durable();
	char hash[2 * DB_HASH_SIZE + 1];
	int64_t v1, v2, v3;

	ok(APPLY(db, { .op = OP_if_absent, .key = "a" }, PUT("a", "1")) > 0,
	   "if-absent holds");
	refused(APPLY(db, PUT("b", "1"), { .op = OP_if_absent, .key = "a" }),
		ECANCELED, "if-absent a (operation 2)");
	is_str(get_applied(db, "b"), "ENOENT", "and nothing was done");
	ok(APPLY(db, PUT("c", "1"), { .op = OP_if_absent, .key = "c" }) > 0,
	   "conditions look at the state before");
	db_wait(db);
	strcpy(hash, hash_of(db, "a"));
	ok(APPLY(db, { .op = OP_if_value, .key = "a", .arg = hash },
		 PUT("a", "2")) > 0, "if-value holds");
	refused(APPLY(db, { .op = OP_if_value, .key = "a", .arg = hash },
		      PUT("a", "3")), ECANCELED, "another hash");
	refused(APPLY(db, { .op = OP_if_value, .key = "no", .arg = hash }),
		ECANCELED, "does not exist");
	refused(APPLY(db, { .op = OP_if_value, .key = "a", .arg = "xyz" }),
		EINVAL, "no hash");
	v1 = APPLY(db, { .op = OP_if_root, .number = 3 }, PUT("a", "4"));
	is_int(v1, 4, "if-root holds");
	refused(APPLY(db, { .op = OP_if_root, .number = 3 }), ECANCELED,
		"if-root 3 (operation 1)");

	/* Versions inside one batch. */
	v1 = APPLY(db, PUT("u.x", "1"));
	v2 = APPLY(db, PUT("u.y", "1"));
	v3 = APPLY(db, PUT("u.x", "2"));
	db_wait(db);
	ok(APPLY(db, { .op = OP_if_unchanged, .key = "u.y", .number = v2 },
		 PUT("t", "1")) > 0, "if-unchanged inside a batch");
	refused(APPLY(db, { .op = OP_if_unchanged, .key = "u.x",
			    .number = v2 }), ECANCELED, "written since");
	refused(APPLY(db, { .op = OP_if_unchanged, .key = "u.y",
			    .number = v1 }), ECANCELED, "written since");
	refused(APPLY(db, { .op = OP_if_unchanged, .key = "u", .number = v2 }),
		ECANCELED, "written since");
	ok(APPLY(db, { .op = OP_if_unchanged, .key = "u", .number = v3 }) > 0,
	   "of a directory");
	ok(APPLY(db, { .op = OP_if_unchanged, .key = "none", .number = v1 })
	   > 0, "of a key that does not exist");
	refused(APPLY(db, { .op = OP_if_unchanged, .key = "u",
			    .number = 999 }), ECANCELED, "not that version");
	APPLY(db, PUT("u.x", "3"));
	db_wait(db);
	refused(APPLY(db, { .op = OP_if_unchanged, .key = "u.x",
			    .number = v3 }), ECANCELED, "different now");
	APPLY(db, PUT("u.x", "2"));
	ok(APPLY(db, { .op = OP_if_unchanged, .key = "u.x", .number = v3 })
	   > 0, "changed and changed back");
	db_close(db);
	db = open_durable();
	ok(APPLY(db, { .op = OP_if_unchanged, .key = "u.x", .number = v3 })
	   > 0, "from history after a restart");
	refused(APPLY(db, { .op = OP_if_unchanged, .key = "u.y",
			    .number = v2 }), ESTALE, "committed together");
	db_close(db);
	test_wipe();
}

static int count_namespaces(const struct db_namespace_info *info, void *arg)
{
	char *names = arg;

	strcat(strcat(names, info->name), " ");
	return 0;
}

static void test_namespaces(void)
{
	struct db *db = open_durable();
	struct db_namespace_info info;
	char names[100] = "", root[2 * DB_HASH_SIZE + 1];
	struct db_hash hash;

	APPLY(db, PUT("a", "1"));
	db_wait(db);
	strcpy(root, root_of(db, "primary"));
	db_hash_parse(root, &hash);
	ok(!db_namespace_create(db, "copy", 3, &hash, &test_error),
	   "create from a hash");
	is_str(get_in(db, "copy", "a", NULL, true), "1", "with content");
	refused(db_namespace_create(db, "copy", 3, NULL, &test_error), EEXIST,
		"copy exists");
	refused(db_namespace_create(db, "", 3, NULL, &test_error), EINVAL,
		"no name");
	memset(&hash, 1, sizeof(hash));
	refused(db_namespace_create(db, "bad", 3, &hash, &test_error), ESTALE,
		"not in the store");
	ok(db_namespace_info(db, "copy", false, &info) < 0, "not durable");
	ok(!db_namespace_info(db, "copy", true, &info) && info.owner == 3,
	   "applied");
	db_wait(db);
	is_str(root_of(db, "copy"), root, "the same root");
	refused(db_namespace_remove(db, "primary", &test_error), EPERM,
		"primary");
	refused(db_namespace_remove(db, "no", &test_error), ENOENT, "no");
	ok(!db_namespace_remove(db, "copy", &test_error), "remove");
	is_str(get_in(db, "copy", "a", NULL, false), "1", "durable still");
	is_str(get_in(db, "copy", "a", NULL, true), "ENOENT", "but not new");
	ok(!db_namespace_create(db, "copy", 4, NULL, &test_error),
	   "made again before that is durable");
	is_str(get_in(db, "copy", "a", NULL, false), "1", "the old one");
	is_str(get_in(db, "copy", ".", NULL, true), "(dir)", "the new one");
	db_wait(db);
	is_str(get_in(db, "copy", "a", NULL, false), "ENOENT",
	       "durable, it is the new one");
	refused(APPLY(db, { .op = OP_make_namespace, .key = "j1",
			    .owner = 9 }, UNLINK("no")), ENOENT, "unlink no");
	ok(db_namespace_info(db, "j1", true, &info) < 0, "undone");
	ok(APPLY(db, { .op = OP_make_namespace, .key = "j1", .owner = 9 },
		 LINK("job.guest", ".", "j1"), PUT("job.guest.k", "v")) > 0,
	   "made and written in one step");
	is_str(get_in(db, "j1", "k", NULL, true), "v", "by way of its link");
	db_wait(db);
	ok(!db_namespace_info(db, "j1", false, &info) && info.owner == 9 &&
	   info.version == 1, "its owner and version");
	refused(APPLY(db, { .op = OP_adopt, .key = "job.guest", .arg = "j1" },
		      UNLINK("no")), ENOENT, "operation 2");
	is_str(get_in(db, "j1", "k", NULL, true), "v", "adopt undone");
	refused(APPLY(db, { .op = OP_adopt, .key = "x", .arg = "gone" }),
		ENOENT, "gone");
	ok(APPLY(db, { .op = OP_adopt, .key = "job.guest", .arg = "j1" },
		 PUT("job.guest.l", "w")) > 0, "adopt in the link's place");
	is_str(get_applied(db, "job.guest.k"), "v", "its content");
	is_str(get_applied(db, "job.guest.l"), "w", "and more");
	ok(db_namespace_info(db, "j1", true, &info) < 0, "is gone");
	db_wait(db);
	db_close(db);
	db = open_durable();
	db_namespace_each(db, count_namespaces, names);
	is_str(names, "copy primary ", "namespaces when opened again");
	is_str(get(db, "job.guest.k"), "v", "and what was adopted");
	ok(APPLY(db, { .op = OP_graft, .key = "g.h", .arg = root }) > 0 &&
	   !strcmp(get_applied(db, "g.h.a"), "1"), "graft");
	ok(APPLY(db, { .op = OP_graft, .key = ".", .arg = root }) > 0 &&
	   !strcmp(get_applied(db, "a"), "1") &&
	   !strcmp(get_applied(db, "g"), "ENOENT"), "graft of the root");
	refused(APPLY(db, { .op = OP_graft, .key = ".", .arg = root },
		      UNLINK("no")), ENOENT, "operation 2");
	refused(APPLY(db, { .op = OP_graft, .key = "g", .arg =
		"00000000000000000000000000000000"
		"00000000000000000000000000000000" }), ESTALE, "not in the");
	db_wait(db);
	is_str(root_of(db, "primary"), root, "equal content, equal root");
	db_close(db);
	test_wipe();
}

static void test_history(void)
{
	struct db *db = test_open((struct db_options) { .durable = true,
				  .history_max = 10 });
	struct db_view *view;
	char at[32], root[2 * DB_HASH_SIZE + 1];

	APPLY(db, PUT("k", "1"));
	db_wait(db);
	strcpy(root, root_of(db, "primary"));
	APPLY(db, PUT("k", "2"));
	APPLY(db, PUT("k", "3"));
	APPLY(db, PUT("k", "4"));
	db_wait(db);
	is_str(get_in(db, "primary", "k", "1", false), "1", "an old version");
	is_str(get_in(db, "primary", "k", "4", false), "4", "the newest");
	is_str(get_in(db, "primary", "k", root, false), "1", "by hash");
	is_str(get_in(db, "primary", "k", "2", false), "ESTALE",
	       "inside a batch");
	ok(strstr(test_error.text, "are 1 and 4"), "%s", test_error.text);
	is_str(get_in(db, "primary", "k", "5", false), "EINVAL", "to come");
	is_str(get_in(db, "primary", "k", "x", false), "EINVAL", "no version");
	view = db_view_open_from(db, "primary", 3, &test_error);
	is_int(db_view_version(view), 1, "from inside a batch: before it");
	db_view_close(view);
	for (int i = 5; i < 40; i++) {
		sprintf(at, "%d", i);
		APPLY(db, PUT("k", at));
		db_wait(db);
	}
	is_str(get_in(db, "primary", "k", "4", false), "ESTALE", "too old");
	is_str(test_error.text, "history starts at 29", "said so");
	ok(!db_view_open_from(db, "primary", 5, &test_error) &&
	   errno == ESTALE, "nor from there");
	is_str(get_in(db, "primary", "k", "29", false), "29", "the oldest");
	db_close(db);
	test_wipe();
}

static void test_views(void)
{
	struct db *db = open_durable();
	struct db_view *view;
	struct db_entry entry;
	struct db_hash hash;
	char buf[8] = "", big[3000];

	memset(big, 'x', sizeof(big));
	APPLY(db, PUT("d.k", "1"), { .op = OP_put, .key = "d.big",
	      .data = big, .len = sizeof(big) });
	view = db_view_open(db, "primary", NULL, true, &test_error);
	APPLY(db, PUT("d.k", "2"), PUT("d.l", "3"), APPEND("d.big", "y"),
	      UNLINK("d.k"));
	ok(!db_lookup(view, "d.k", false, NULL, NULL, &entry, NULL) &&
	   db_read(view, &entry, 0, buf, 8) == 1 && *buf == '1',
	   "a view stays as it was");
	db_entry_clear(&entry);
	ok(!db_lookup(view, "d", false, NULL, NULL, &entry, NULL) &&
	   entry.size == 2, "its directories too");
	ok(db_entry_hash(view, &entry, &hash) < 0 && errno == EAGAIN,
	   "no hash before it is sealed");
	ok(db_view_root(view, &hash) < 0 && errno == EAGAIN, "nor a root");
	ok(db_read(view, &entry, 0, buf, 8) < 0 && errno == EISDIR,
	   "a directory can't be read");
	db_entry_clear(&entry);
	ok(!db_lookup(view, "d.big", false, NULL, NULL, &entry, NULL) &&
	   entry.size == 3000 && db_read(view, &entry, 2998, buf, 8) == 2,
	   "and values that are appended to");
	db_entry_clear(&entry);
	is_int(db_view_version(view), 1, "its version");
	db_view_close(view);
	is_str(get_applied(db, "d.k"), "ENOENT", "others see the new state");
	db_close(db);
	test_wipe();
}

static int list_names(enum db_type type, uint64_t size, const char *name,
		      void *arg)
{
	char *out = arg;

	sprintf(out + strlen(out), "%d:%" PRIu64 ":%s ", type, size, name);
	return !strcmp(name, "stop");
}

static void test_list(void)
{
	struct db *db = open_durable();
	struct db_view *view;
	struct db_entry entry;
	char out[200] = "";

	APPLY(db, PUT("d.b", "123"), PUT("d.a.x", ""), LINK("d.c", "t", NULL),
	      PUT("d.stop", ""), PUT("d.z", ""));
	db_wait(db);
	view = db_view_open(db, "primary", NULL, false, NULL);
	db_lookup(view, "d", false, NULL, NULL, &entry, NULL);
	is_int(db_list(view, &entry, NULL, list_names, out), 1, "stopped");
	is_str(out, "1:1:a 0:3:b 2:1:c 0:0:stop ", "in order");
	*out = '\0';
	is_int(db_list(view, &entry, "stop", list_names, out), 0, "rest");
	is_str(out, "0:0:z ", "after a name");
	*out = '\0';
	db_list(view, &entry, "aa", list_names, out);
	is_str(out, "0:3:b 2:1:c 0:0:stop ", "after a name that is not there");
	db_entry_clear(&entry);
	db_lookup(view, "d.b", false, NULL, NULL, &entry, NULL);
	ok(db_list(view, &entry, NULL, list_names, out) < 0 &&
	   errno == ENOTDIR, "a value has no names");
	db_entry_clear(&entry);
	db_view_close(view);
	db_close(db);
	test_wipe();
}

static int diff_text(enum wire_operation_id op, const char *key,
		     const struct db_entry *entry, void *arg)
{
	static const char *const word[] = { [OP_put] = "put",
		[OP_mkdir] = "mkdir", [OP_link] = "link",
		[OP_unlink] = "unlink" };
	char *out = arg;

	sprintf(out + strlen(out), "%s:%s%s%s ", word[op], key,
		entry && entry->target ? ">" : "",
		entry && entry->target ? entry->target : "");
	return !strcmp(key, "stop");
}

static const char *diff(struct db *db, const char *from, const char *key)
{
	static char out[500];
	struct db_view *old = from ? db_view_open(db, "primary", from, false,
						  NULL) : NULL;
	struct db_view *new = db_view_open(db, "primary", NULL, false, NULL);

	*out = '\0';
	if (db_diff(old, new, key, diff_text, out, &test_error) < 0)
		strcpy(out, strerrorname_np(errno));
	db_view_close(old);
	db_view_close(new);
	return out;
}

static void test_diff(void)
{
	struct db *db = open_durable();

	APPLY(db, PUT("a.same", "1"), PUT("a.b.c", "1"), PUT("v", "1"),
	      MKDIR("gone.x"), LINK("l", "a", NULL), PUT("swap", "1"));
	db_wait(db);
	APPLY(db, PUT("a.b.c", "2"), PUT("a.new.y", "1"), UNLINK_ALL("gone"),
	      LINK("l", "b", NULL), PUT("swap.in", "1"), PUT("v", "1"));
	db_wait(db);
	is_str(diff(db, "1", "."), "put:a.b.c mkdir:a.new put:a.new.y "
	       "unlink:gone link:l>b mkdir:swap put:swap.in ", "all");
	is_str(diff(db, "1", "a.b"), "put:a.b.c ", "below a key");
	is_str(diff(db, "1", "a.b.c"), "put:a.b.c ", "of a value");
	is_str(diff(db, "1", "gone"), "unlink:gone ", "of what is gone");
	is_str(diff(db, "1", "v"), "", "of what is the same");
	is_str(diff(db, "1", "never"), "", "of what never was");
	is_str(diff(db, NULL, "a"), "mkdir:a mkdir:a.b put:a.b.c mkdir:a.new "
	       "put:a.new.y put:a.same ", "everything below a key");
	is_str(diff(db, NULL, "l"), "", "a link that dangles");
	APPLY(db, LINK("l", "a.b", NULL), PUT("stop", ""), PUT("zz", ""));
	db_wait(db);
	is_str(diff(db, NULL, "l"), "mkdir:l put:l.c ",
	       "keys begin as the link, not as its target");
	is_str(diff(db, "2", "."), "link:l>a.b put:stop ", "stopped");
	is_str(diff(db, "2", "a..b"), "EINVAL", "malformed");
	db_close(db);
	test_wipe();
}

static void lease_text(const char *ns, const char *key, void *arg)
{
	char *out = arg;

	sprintf(out + strlen(out), "%s:%s ", ns, key);
}

static const char *lease_keys(struct db *db, uint64_t id)
{
	static char out[200];

	*out = '\0';
	db_lease_keys(db, id, lease_text, out);
	return out;
}

static void lease_count(uint64_t id, void *arg)
{
	*(uint64_t *)arg = *(uint64_t *)arg * 10 + id;
}

#define PUT_LEASE(k, id) \
	{ .op = OP_put, .key = k, .data = "", .number = id }

static void test_leases(void)
{
	struct db *db = open_durable();
	uint64_t a = db_lease_create(db, 1.5, 7), b, sum = 0;
	double seconds;
	uid_t owner;

	ok(a > 0 && db_ticket(db) > db_ticket_durable(db),
	   "a lease is durable like all else");
	b = db_lease_create(db, 0, 8);
	ok(b > a, "ids grow");
	APPLY(db, PUT_LEASE("x", a));
	APPLY(db, PUT_LEASE("y", a));
	APPLY(db, PUT_LEASE("z", a));
	refused(APPLY(db, PUT_LEASE("w", 99)), ENOENT, "lease 99 has ended");
	is_str(get_applied(db, "w"), "ENOENT", "and nothing was put");
	is_str(lease_keys(db, a), "primary:z primary:y primary:x ", "bound");
	refused(APPLY(db, PUT("x", "1"), PUT_LEASE("y", b), UNLINK("no")),
		ENOENT, "operation 3");
	ok(strstr(lease_keys(db, a), "x") && strstr(lease_keys(db, a), "y") &&
	   !*lease_keys(db, b), "bindings are undone");
	APPLY(db, PUT("x", "1"), PUT_LEASE("y", b), UNLINK("z"));
	is_str(lease_keys(db, a), "", "unbound by put and by unlink");
	is_str(lease_keys(db, b), "primary:y ", "bound to another");
	APPLY(db, PUT_LEASE("q", a));
	db_close(db);
	db = open_durable();
	ok(!db_lease_info(db, a, &seconds, &owner) && seconds == 1.5 &&
	   owner == 7, "a lease when opened again");
	is_str(lease_keys(db, a), "primary:q ", "and its keys");
	is_str(lease_keys(db, b), "primary:y ", "of the other too");
	ok(!db_lease_remove(db, b, 1.5), "remove");
	ok(db_lease_remove(db, b, 2) < 0 && errno == ENOENT, "once");
	is_str(get_applied(db, "y"), "", "its keys are the caller's to unlink");
	db_close(db);
	db = open_durable();
	db_lease_each(db, lease_count, &sum);
	is_int(sum, a, "removed for good");
	ok(db_lease_create(db, 1, 1) > b, "no id is used again");
	db_close(db);
	test_wipe();
}

static void test_nondurable(void)
{
	struct db *db = test_open((struct db_options) { .durable = false });
	unsigned before = told_count;

	APPLY(db, PUT("a", "1"));
	db_turn_end(db);
	ok(told_count == before + 1 && !told.errnum,
	   "without durability: told when sealed");
	is_str(get(db, "a"), "1", "and seen by all");
	db_close(db);
	db = test_open((struct db_options) { .durable = false });
	is_str(get(db, "a"), "1", "written all the same");
	db_close(db);
	test_wipe();
}

static void test_large(void)
{
	struct db *db = test_open((struct db_options) { .durable = true,
				  .map_size = 1 << 20 });
	static char data[300000], back[300000];
	struct db_view *view;
	struct db_entry entry;
	struct db_stats stats;
	char key[20];
	bool same = true;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 31 + i / 1000;
	for (int i = 0; i < 20; i++) {
		sprintf(key, "big.%d", i);
		data[0] = i;
		APPLY(db, { .op = OP_put, .key = key, .data = data,
		      .len = sizeof(data) });
		db_wait(db);
	}
	view = db_view_open(db, "primary", NULL, false, NULL);
	for (int i = 0; i < 20; i++) {
		sprintf(key, "big.%d", i);
		data[0] = i;
		db_lookup(view, key, false, NULL, NULL, &entry, NULL);
		same = same && db_read(view, &entry, 0, back, sizeof(back)) ==
			sizeof(back) && !memcmp(data, back, sizeof(back));
		db_entry_clear(&entry);
	}
	ok(same, "20 values of 300,000 bytes");
	db_view_close(view);
	db_stats(db, &stats);
	ok(stats.map_size > 1 << 20 && stats.file_size > 1 << 20,
	   "the map grew by itself");
	ok(stats.file_size < 20 * 300000 / 2,
	   "leaves that are the same are stored once");
	db_close(db);
	test_wipe();
}

/* Whether the value of KEY in VIEW is LEN bytes of C. */
static bool is_all(struct db_view *view, const char *key, int c, size_t len)
{
	static char buf[100000], want[100000];
	struct db_entry entry;
	bool same;

	if (db_lookup(view, key, false, NULL, NULL, &entry, NULL))
		return false;
	memset(want, c, len);
	same = entry.size == len &&
		db_read(view, &entry, 0, buf, len) == (ssize_t)len &&
		!memcmp(buf, want, len);
	db_entry_clear(&entry);
	return same;
}

/* The map begins with 1 MiB and doubles six times, each time within a batch
 * that is being written, while states from before are read. When most is
 * removed again the file is small. */
static void test_growing(void)
{
	enum { VALUES = 1000, SIZE = 60000, VIEWS = 10 };
	struct db *db = test_open((struct db_options) { .durable = true,
				  .map_size = 1 << 20, .history_max = 2 });
	struct db_view *view[VIEWS] = { NULL };
	static char data[SIZE], last[SIZE];
	uint64_t map = 0, wanted, most;
	struct db_gc_info info;
	struct db_stats stats;
	unsigned grown = 0;
	bool same = true;
	char key[20];

	for (int i = 0; i < VALUES; i++) {
		snprintf(key, sizeof(key), "v%d", i);
		memset(data, i, SIZE);
		memcpy(data + SIZE / 2 + 5000, key, strlen(key));
		memcpy(data, key, strlen(key));
		APPLY(db, { .op = OP_put, .key = key, .data = data,
			    .len = SIZE }, { .op = OP_put, .key = "last",
			    .data = memset(last, i, SIZE), .len = SIZE });
		db_turn_end(db);
		/* while the writer is at it */
		for (int j = 0; j < VIEWS && view[j]; j++)
			same = same && is_all(view[j], "last", j * 100, SIZE);
		db_wait(db);
		if (i % 100 == 0)
			view[i / 100] = db_view_open(db, "primary", NULL,
						     false, NULL);
		db_stats(db, &stats);
		grown += map && stats.map_size > map;
		map = stats.map_size;
	}
	most = stats.file_size;
	ok(same, "states from before are read while it grows");
	ok(grown >= 6 && map > (32 << 20) && most > VALUES * SIZE / 2,
	   "the map doubled %u times, to %ju bytes", grown, (uintmax_t)map);
	for (int j = 0; j < VIEWS; j++)
		db_view_close(view[j]);
	for (int i = 0; i < VALUES; i++) {
		snprintf(key, sizeof(key), "v%d", i);
		APPLY(db, UNLINK(key));
		if (i % 100 == 99)
			db_wait(db);
	}
	for (int i = 0; i < 4; i++) {
		APPLY(db, PUT("some", i % 2 ? "thing" : "else"));
		db_wait(db);
	}
	wanted = db_gc_start(db);
	do {
		event_base_loop(test_base, EVLOOP_ONCE);
		db_turn_end(db);
		db_gc_info(db, &info);
	} while (info.ended < wanted);
	db_wait(db);
	db_stats(db, &stats);
	ok(stats.file_size <= 2 * info.stored + (1 << 20), "%ju bytes of "
	   "file, once %ju, for %ju of content", (uintmax_t)stats.file_size,
	   (uintmax_t)most, (uintmax_t)info.stored);
	view[0] = db_view_open(db, "primary", NULL, false, NULL);
	ok(is_all(view[0], "last", (VALUES - 1) & 255, SIZE),
	   "what was not removed is there");
	db_view_close(view[0]);
	db_close(db);
	test_wipe();
}

#define BIG(op_, key_, len_) \
	{ .op = OP_##op_, .key = key_, .data = big, .len = len_ }

/* Length of a value that is all x, or -1. */
static ssize_t length(struct db *db, const char *key, bool applied)
{
	struct db_view *view = db_view_open(db, "primary", NULL, applied,
					    NULL);
	static char buf[200000];
	struct db_entry entry;
	ssize_t n = -1;

	if (!db_lookup(view, key, false, NULL, NULL, &entry, NULL))
		n = db_read(view, &entry, 0, buf, sizeof(buf));
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != 'x')
			n = -1;
	db_entry_clear(&entry);
	db_view_close(view);
	return n;
}

static void test_large_undo(void)
{
	struct db *db = open_durable();
	static char big[1 << 20];
	struct db_stats before, after;

	memset(big, 'x', sizeof(big));
	APPLY(db, BIG(put, "v", 30000));
	refused(APPLY(db, BIG(append, "v", 100), BIG(append, "v", 10000),
		      BIG(append, "v", 90000), UNLINK("no")), ENOENT, "no");
	is_int(length(db, "v", true), 30000, "appends over leaves are undone");
	APPLY(db, BIG(append, "v", 40000));
	is_int(length(db, "v", true), 70000, "and made again");
	db_wait(db);
	is_int(length(db, "v", false), 70000, "durable");
	db_stats(db, &before);
	refused(APPLY(db, BIG(put, "w", sizeof(big)), UNLINK("no")), ENOENT,
		"no");
	APPLY(db, PUT("small", "1"));
	db_wait(db);
	db_stats(db, &after);
	ok(after.bytes_written - before.bytes_written < 1000,
	   "what was undone is not written");
	db_close(db);
	test_wipe();
}

static sem_t go_on;

static int commit_later(MDB_txn *txn)
{
	while (sem_wait(&go_on) < 0)
		;
	return mdb_txn_commit(txn);
}

/* Reads of the store begin before a batch is there, and find it after. */
static void test_snapshot(void)
{
	struct db *db = open_durable();
	static char big[100000];
	unsigned before;

	memset(big, 'x', sizeof(big));
	APPLY(db, BIG(put, "old", 50000));
	db_wait(db);
	sem_init(&go_on, 0, 0);
	store_commit = commit_later;
	APPLY(db, BIG(put, "new", 60000));
	db_turn_end(db);
	APPLY(db, BIG(append, "new", 40000));
	is_int(length(db, "old", false), 50000, "read while a batch is on its "
	       "way");
	is_int(length(db, "new", true), 100000, "what is on its way too");
	is_int(length(db, "new", false), -1, "for who may see it");
	before = told_count;
	sem_post(&go_on);
	while (told_count == before)
		event_base_loop(test_base, EVLOOP_ONCE);
	is_int(length(db, "new", false), 60000, "read when it is there");
	store_commit = mdb_txn_commit;
	db_close(db);
	sem_destroy(&go_on);
	test_wipe();
}

/* Sources are looked up before anything is changed. */
static void test_copies(void)
{
	static char large[100000];
	char before[2 * DB_HASH_SIZE + 1];
	struct db_namespace_info info;
	struct db *db;

	test_wipe();
	memset(large, 'l', sizeof(large) - 1);
	db = open_durable();
	APPLY(db, PUT("a.k", "1"), PUT("a.big", large), LINK("a.l", "a.k", NULL),
	      PUT("b", "2"));
	ok(APPLY(db, COPY("c", "a")) > 0, "copy of what is not durable");
	ok(APPLY(db, APPEND("c.k", "x"), APPEND("c.big", "y")) > 0 &&
	   !strcmp(get_applied(db, "a.k"), "1") &&
	   !strcmp(get_applied(db, "c.k"), "1x"),
	   "the copy is changed, the source is not");
	ok(APPLY(db, PUT("a.k", "3"), COPY("d", "a")) > 0 &&
	   !strcmp(get_applied(db, "d.k"), "1"),
	   "the source is that before the transaction");
	ok(APPLY(db, COPY("d", "b"), COPY("b", "d")) > 0 &&
	   !strcmp(get_applied(db, "d"), "2") &&
	   !strcmp(get_applied(db, "b.k"), "1"), "two exchange their keys");
	db_wait(db);
	strcpy(before, root_of(db, "primary"));
	refused(APPLY(db, COPY("x.y", "a"), COPY(".", "b"), UNLINK("no")),
		ENOENT, "operation 3: unlink no");
	refused(APPLY(db, PUT("x", "1"), COPY("y", "no.such")), ENOENT,
		"operation 2: copy y no.such: key no.such does not exist");
	refused(APPLY(db, PUT("x", "1"), COPY("y", "a..b")), EINVAL,
		"empty component");
	refused(APPLY(db, COPY(".", "d")), EINVAL, "root is always");
	refused(APPLY(db, { .op = OP_copy, .key = "x", .arg = "a",
			    .target_ns = "no" }), ENOENT, "namespace no");
	refused(APPLY(db, { .op = OP_unlink, .key = "x",
			    .target_ns = "no" }), ENOENT, "namespace no");
	refused(APPLY(db, { .op = OP_copy, .key = "x", .arg = "a",
			    .at = "77" }), EINVAL, "not yet at 77");
	APPLY(db, PUT("x", "1"));
	APPLY(db, UNLINK("x"));
	db_wait(db);
	is_str(root_of(db, "primary"), before, "nothing of it was done");
	ok(!db_namespace_create(db, "other", 5, NULL, NULL) &&
	   APPLY(db, UNLINK("d"), { .op = OP_unlink, .key = "z", .target_ns =
		 "other", .flags = DB_UNLINK_FORCE }) > 0 &&
	   !db_namespace_info(db, "other", true, &info) && !info.version,
	   "an unlink elsewhere that removes nothing changes nothing");
	ok(APPLY(db, { .op = OP_copy, .key = "p", .arg = "a.k",
		       .at = before }) > 0 &&
	   !strcmp(get_applied(db, "p"), "3"), "copy from the past");
	db_wait(db);
	is_str(get(db, "a.l"), "3", "links lead on");
	db_close(db);
	db = open_durable();
	ok(APPLY(db, COPY("e", "c"), APPEND("e.big", "z")) > 0, "reopened");
	db_wait(db);
	is_str(get(db, "e.k"), "1x", "copy of what is stored");
	ok(APPLY(db, COPY(".", "e")) > 0 &&
	   !strcmp(get_applied(db, "k"), "1x") &&
	   !strcmp(get_applied(db, "e"), "ENOENT"), "copy to the root");
	db_close(db);
}

static int not_five(const char *ns, uid_t owner, void *arg)
{
	return owner == 5 ? EPERM : 0;
}

static void snap(struct db *db, const char *ns, const char *name,
		 const char *at, int errnum, const char *what)
{
	struct db_hash hash;
	uint64_t version;

	refused(db_snapshot(db, ns, name, at, &version, &hash, &test_error),
		errnum, what);
}

static void test_snapshots(void)
{
	struct db_namespace_info info;
	char before[2 * DB_HASH_SIZE + 1];
	uint64_t version;
	struct db_hash hash;
	struct db *db;

	test_wipe();
	db = open_durable();
	APPLY(db, PUT("a.k", "1"));
	ok(!db_snapshot(db, "primary", "one", NULL, &version, &hash,
			&test_error) && version == 1,
	   "a snapshot of what is not durable");
	APPLY(db, APPEND("a.k", "2"));
	is_str(get_in(db, "primary", "a.k", "@one", true), "1",
	       "is read before it is");
	db_wait(db);
	is_str(get_in(db, "primary", "a.k", "@one", false), "1", "and after");
	is_str(get(db, "a.k"), "12", "while the namespace goes on");
	db_hash_text(&hash, before);
	is_str(root_of(db, "primary@one"), before, "its hash");
	ok(db_snapshot_time(db, "primary@one") > 1e9, "its time");
	ok(!db_snapshot(db, "primary", NULL, "2", &version, &hash,
			&test_error) && version == 2 &&
	   !db_namespace_info(db, "primary@2", true, &info) &&
	   info.version == 2 && info.owner == 1000,
	   "one of a version, named by it");
	snap(db, "primary", "one", NULL, EEXIST, "snapshot primary@one exists");
	snap(db, "primary", "x@y", NULL, EINVAL, "no name of a snapshot");
	snap(db, "primary", "", NULL, EINVAL, "no name of a snapshot");
	snap(db, "primary", "x", "99", EINVAL, "not yet at 99");
	snap(db, "primary", "x", before, EINVAL, "a tree by its hash");
	snap(db, "primary", "x", "@no", ENOENT, "has no snapshot no");
	snap(db, "primary@one", "x", NULL, EINVAL, "is a snapshot itself");
	snap(db, "no", "x", NULL, ENOENT, "does not exist");
	refused(db_apply(db, "primary@one", (struct db_op[]) { PUT("a", "1") },
			 1, NULL, NULL, &version, &test_error), EROFS,
		"primary@one is a snapshot");
	refused(APPLY(db, { .op = OP_unlink, .key = "a", .target_ns =
			    "primary@one" }), EROFS, "is a snapshot");
	refused(APPLY(db, { .op = OP_adopt, .key = "a", .arg =
			    "primary@one" }), EROFS, "is a snapshot");
	refused(APPLY(db, { .op = OP_make_namespace, .key = "a@b" }), EINVAL,
		"an @");
	refused(db_namespace_create(db, "a@b", 0, NULL, &test_error), EINVAL,
		"an @");
	ok(APPLY(db, { .op = OP_copy, .key = ".", .arg = ".",
		       .target_ns = "primary@one" }) > 0, "restored");
	db_wait(db);
	is_str(root_of(db, "primary"), before, "all is as it was");
	ok(!db_namespace_create(db, "five", 5, NULL, NULL) &&
	   !db_snapshot(db, "five", "s", NULL, &version, &hash, NULL) &&
	   !db_namespace_remove(db, "five", NULL) &&
	   !db_namespace_create(db, "five", 6, NULL, NULL),
	   "a namespace is removed and made anew for somebody else");
	db_wait(db);
	is_str(get_in(db, "five", ".", "@s", false), "ENOENT",
	       "who doesn't read the other's snapshot");
	is_str(get_in(db, "five@s", ".", NULL, false), "(dir)", "which stays");
	refused(db_snapshot_remove(db, "five", "s", not_five, NULL,
				   &test_error), EPERM, "another user");
	refused(db_snapshot_remove(db, "primary", "no", not_five, NULL,
				   &test_error), ENOENT, "no snapshot no");
	db_close(db);
	db = open_durable();
	is_str(get_in(db, "primary", "a.k", "@2", false), "12",
	       "kept over a restart");
	ok(!db_snapshot_remove(db, "primary", "2", not_five, NULL, NULL),
	   "one is removed");
	db_wait(db);
	is_str(get_in(db, "primary", "a.k", "@2", false), "ENOENT",
	       "and is gone");
	for (int i = 0; i < DB_SNAPSHOTS_MAX - 1; i++) {
		char name[16];

		sprintf(name, "n%d", i);
		db_snapshot(db, "primary", name, NULL, &version, &hash, NULL);
	}
	snap(db, "primary", "more", NULL, E2BIG, "has 1024 snapshots");
	db_close(db);
}

int main(void)
{
	test_large_undo();
	test_snapshot();
	test_basic();
	test_operations();
	test_limits();
	test_links();
	test_check();
	test_conditions();
	test_namespaces();
	test_history();
	test_views();
	test_list();
	test_diff();
	test_leases();
	test_nondurable();
	test_large();
	test_growing();
	test_copies();
	test_snapshots();
	return test_end();
}
