/* SPDX-License-Identifier: Apache-2.0 */
/* The database on a disk that fails: the batch and all that was applied since
 * is undone, later transactions work again, reads go on. */
#include "config.h"

#include <lmdb.h>
#include <signal.h>
#include <sys/wait.h>

#include "kvsd/node.h"
#include "kvsd/journal.h"
#include "kvsd/store.h"
#include "t/unit/db_test.h"

static int fail_enospc(MDB_txn *txn)
{
	mdb_txn_abort(txn);
	return ENOSPC;
}

static int fail_eio(MDB_txn *txn)
{
	mdb_txn_abort(txn);
	return EIO;
}

static int fail_unwritten(MDB_txn *txn)
{
	mdb_txn_abort(txn);
	return MDB_PANIC;
}

static int fail_written(MDB_txn *txn)
{
	int rc = mdb_txn_commit(txn);

	return rc ? rc : MDB_PANIC;
}

static void lease_text(const char *ns, const char *key, void *arg)
{
	strcat(strcat(arg, key), " ");
}

static const char *keys_of(struct db *db, uint64_t id)
{
	static char out[200];

	*out = '\0';
	db_lease_keys(db, id, lease_text, out);
	return out;
}

static char big[100000];

/* All sorts of changes: a batch on its way and one on top of it. */
static void change(struct db *db, uint64_t lease)
{
	struct db_op op = { .op = OP_put, .key = "leased", .data = "",
			    .number = lease };

	APPLY(db, PUT("a.b", "2"), UNLINK_ALL("d"), APPEND("log", "more"));
	apply(db, &op, 1);
	db_namespace_remove(db, "old", NULL);
	db_namespace_create(db, "new", 1, NULL, NULL);
	APPLY(db, LINK("to", ".", "new"), PUT("to.k", "v"));
	db_turn_end(db);
	APPLY(db, PUT("e", "3"), { .op = OP_put, .key = "big", .data = big,
				   .len = sizeof(big) });
	db_namespace_remove(db, "new", NULL);
	db_lease_remove(db, lease, 1);
	db_namespace_create(db, "old", 2, NULL, NULL);
}

static void check_undone(struct db *db, uint64_t lease, const char *root)
{
	struct db_namespace_info info;

	is_str(root_of(db, "primary"), root, "the root is the old one");
	is_str(get_applied(db, "a.b"), "1", "put is undone");
	is_str(get_applied(db, "d.x"), "1", "unlink is undone");
	is_str(get_applied(db, "log"), "log", "append is undone");
	is_str(get_applied(db, "e"), "ENOENT", "the gathering batch is undone");
	is_str(get_applied(db, "big"), "ENOENT", "its values too");
	is_str(get(db, "a.b"), "1", "reads go on");
	ok(db_namespace_info(db, "new", true, &info) < 0, "no new namespace");
	ok(!db_namespace_info(db, "old", true, &info) && info.owner == 7,
	   "the old namespace is back");
	is_str(keys_of(db, lease), "kept ", "bindings are as they were");
}

static void test_fail(int (*commit)(MDB_txn *), int errnum, bool durable)
{
	struct db_options options = { .durable = durable };
	struct db *db = test_open(options);
	uint64_t lease = db_lease_create(db, 1, 1), ticket;
	char root[2 * DB_HASH_SIZE + 1];

	APPLY(db, PUT("a.b", "1"), PUT("d.x", "1"), PUT("log", "log"),
	      { .op = OP_put, .key = "kept", .data = "", .number = lease });
	db_namespace_create(db, "old", 7, NULL, NULL);
	db_wait(db);
	strcpy(root, root_of(db, "primary"));

	store_commit = commit;
	change(db, lease);
	ticket = db_ticket(db);
	told_count = 0;
	db_wait(db);
	store_commit = mdb_txn_commit;
	ok(told_count == 1 && told.errnum == errnum &&
	   told_ticket == ticket, "told: %s", told.text);
	check_undone(db, lease, root);
	db_wait(db);
	is_str(root_of(db, "primary"), root, "nothing is left to write");
	is_int(APPLY(db, PUT("a.b", "4")), 2, "versions go on from there");
	db_wait(db);
	is_str(get(db, "a.b"), "4", "and it works again");
	ok(!told.errnum && told_ticket > ticket, "under a later ticket");
	change(db, lease);
	db_close(db);
	db = test_open(options);
	is_str(get(db, "e"), "3", "all of it, the second time");
	is_str(get(db, "d.x"), "ENOENT", "when opened again");
	is_str(get_in(db, "new", ".", NULL, false), "ENOENT", "namespace gone");
	db_close(db);
	test_wipe();
}

static void test_recover(void)
{
	struct db *db = test_open((struct db_options) { .durable = false });

	APPLY(db, PUT("a", "1"));
	store_commit = fail_written;
	db_wait(db);
	store_commit = mdb_txn_commit;
	ok(!told.errnum, "a batch that is found written is no failure");
	is_str(get(db, "a"), "1", "it can be read");
	APPLY(db, PUT("a", "2"));
	db_wait(db);
	is_str(get(db, "a"), "2", "and written");
	db_close(db);
	test_wipe();
}

/* A batch that is in the journal is durable, whatever comes after that. */
static void test_told(int (*commit)(MDB_txn *))
{
	struct db *db;

	store_room_sure = 0;
	db = test_open((struct db_options) { .durable = true });
	APPLY(db, PUT("a", "1"), PUT("d.x", "1"));
	db_wait(db);
	store_commit = commit;
	APPLY(db, PUT("a", "2"), UNLINK_ALL("d"),
	      { .op = OP_put, .key = "big", .data = big, .len = sizeof(big) });
	db_wait(db);
	store_commit = mdb_txn_commit;
	ok(!told.errnum, "it is told to be durable");
	is_str(get(db, "a"), "2", "is there");
	is_str(get(db, "d.x"), "ENOENT", "all of it");
	APPLY(db, PUT("b", "3"));
	db_wait(db);
	ok(!told.errnum, "so is the next");
	db_close(db);
	db = test_open((struct db_options) { .durable = true });
	is_str(get(db, "a"), "2", "it is found again");
	is_str(get(db, "b"), "3", "so is what came after it");
	db_close(db);
	test_wipe();
	store_room_sure = UINT64_MAX;
}

static int sync_fails(int fd)
{
	errno = EIO;
	return -1;
}

static void ends(void *arg, const char *text)
{
	_exit(strstr(text, "Input/output error") ? 42 : 1);
}

/* Nobody is told anything of a batch that may be on the disk. */
static void test_no_sync(void)
{
	struct db_options options = { .durable = true, .on_fatal = ends };
	struct db *db;
	pid_t pid;
	int status;

	db_close(test_open(options));
	pid = fork();
	if (!pid) {
		db = test_open(options);
		APPLY(db, PUT("a", "1"));
		db_wait(db);
		journal_sync = sync_fails;
		APPLY(db, PUT("a", "2"));
		db_wait(db);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), 42, "a disk that does not sync");
	db = test_open(options);
	ok(!strcmp(get(db, "a"), "1") || !strcmp(get(db, "a"), "2"),
	   "what was told is there");
	APPLY(db, PUT("a", "3"));
	db_wait(db);
	ok(!told.errnum, "and it goes on");
	db_close(db);
	test_wipe();
}

/* A failing disk meets every second batch; a model says what must be there. */
static void test_many(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	char key[16], value[16], model[50][16] = { "" }, next[50][16];
	bool same = true;

	srandom(1);
	memcpy(next, model, sizeof(next));
	for (int round = 0; round < 200; round++) {
		for (int i = random() % 20; i >= 0; i--) {
			int k = random() % 50;

			sprintf(key, "d%d.k%d", k % 7, k);
			sprintf(value, "%d", round);
			APPLY(db, APPEND(key, value));
			if (strlen(next[k]) < 9)
				strcat(next[k], value);
			else
				APPLY(db, PUT(key, strcpy(next[k], value)));
		}
		store_commit = random() % 2 ? fail_enospc : mdb_txn_commit;
		db_wait(db);
		memcpy(told.errnum ? next : model, told.errnum ? model : next,
		       sizeof(next));
		for (int k = 0; k < 50; k++) {
			sprintf(key, "d%d.k%d", k % 7, k);
			same = same && !strcmp(get_applied(db, key), *model[k] ?
					       model[k] : "ENOENT");
		}
	}
	ok(same, "200 batches, half of which fail");
	store_commit = mdb_txn_commit;
	db_close(db);
	test_wipe();
}

/* Puts DATA in the place of the blob with the hash TEXT. */
static void damage(const char *text, const char *data, size_t len)
{
	struct store *store = store_open(test_dir, true, 0, &test_error);
	struct blob_set *none = blob_set_create();
	struct store_changes changes = { 0 };
	struct db_hash hash;
	char why[100];

	db_hash_parse(text, &hash);
	store_put(&changes, STORE_BLOB, &hash, sizeof(hash), data, len);
	store_write(store, none, &changes, why, sizeof(why));
	store_changes_free(&changes);
	blob_set_destroy(none);
	store_close(store);
}

static void hash_of(struct db *db, const char *key, char *text)
{
	struct db_view *view = db_view_open(db, "primary", NULL, false, NULL);
	struct db_entry entry;
	struct db_hash hash;

	db_lookup(view, key, true, NULL, NULL, &entry, NULL);
	db_entry_hash(view, &entry, &hash);
	db_hash_text(&hash, text);
	db_entry_clear(&entry);
	db_view_close(view);
}

static int ignore(enum wire_operation_id op, const char *key,
		  const struct db_entry *entry, void *arg)
{
	return 0;
}

static void is_damaged(int rc, const char *hash, const char *key)
{
	ok(rc < 0 && errno == EIO && strstr(test_error.text, hash) &&
	   strstr(test_error.text, key), "EIO: %s", test_error.text);
}

static void test_damage(void)
{
	struct db_options options = { .durable = true };
	struct db *db = test_open(options);
	char dir[2 * DB_HASH_SIZE + 1], value[2 * DB_HASH_SIZE + 1];
	static const char newer[] = "WTD\4\0\0\0\0";
	char newer_text[2 * DB_HASH_SIZE + 1];
	struct db_hash newer_hash;
	struct db_view *view;
	struct db_entry entry;
	char buf[10];

	APPLY(db, PUT("good.k", "1"), PUT("bad.k", "2"),
	      { .op = OP_put, .key = "big", .data = big, .len = sizeof(big) });
	db_wait(db);
	hash_of(db, "bad", dir);
	hash_of(db, "big", value);
	db_close(db);
	damage(dir, "WTD\3\0\1\1k", 8);
	damage(value, "WTB", 3);
	blob_hash(newer, 8, &newer_hash);
	db_hash_text(&newer_hash, newer_text);
	damage(newer_text, newer, 8);
	db = test_open(options);
	is_str(get(db, "good.k"), "1", "what is not damaged can be read");
	is_str(get(db, "bad.k"), "EIO", "what is can not");
	errno = EIO;
	is_damaged(-1, dir, "bad.k");
	is_damaged(APPLY(db, PUT("bad.k", "3")), dir, "bad.k");
	is_damaged(APPLY(db, APPEND("big", "3")), value, "big");
	is_damaged(APPLY(db, { .op = OP_graft, .key = "g",
			       .arg = newer_text }), newer_text,
		   "unknown version");
	view = db_view_open(db, "primary", NULL, false, NULL);
	is_damaged(db_diff(NULL, view, ".", ignore, NULL, &test_error), dir,
		   "bad");
	db_lookup(view, "big", false, NULL, NULL, &entry, NULL);
	ok(db_read(view, &entry, 0, buf, 10) < 0 && errno == EIO,
	   "a damaged value");
	ok(strstr(db_why(view), value), "why: %s", db_why(view));
	db_entry_clear(&entry);
	db_view_close(view);
	is_int(APPLY(db, PUT("good.k", "2")), 2, "others can be written");
	is_int(APPLY(db, UNLINK_ALL("bad"), PUT("big", "")), 3,
	       "and the damaged ones replaced");
	db_close(db);
	test_wipe();
}

/* Of the directory DIR, a branch: the last name of its first node and the hash
 * of its second, as text. */
static void two_nodes(const char *dir, char *name, char *second)
{
	struct store *store = store_open(test_dir, true, 0, &test_error);
	const unsigned char *data, *item;
	struct db_hash hash;
	struct node *node;
	const char *why;
	size_t len;

	db_hash_parse(dir, &hash);
	if (store_blob(store, &hash, &data, &len) < 0)
		abort();
	node = node_decode(data, len, &why);
	if (!node || node->level != 1 || node->count < 2)
		abort();
	item = node_item(node, 0);
	memcpy(name, item_name(item), item_name_len(item));
	name[item_name_len(item)] = '\0';
	db_hash_text(item_hash(node_item(node, 1)), second);
	node_unref(node);
	store_close(store);
}

/* To cut a directory anew, a node next to a change is read, which is found to
 * be damaged only when the batch is sealed. */
static void test_damaged_node(void)
{
	struct db_options options = { .durable = true };
	struct db *db = test_open(options);
	char dir[2 * DB_HASH_SIZE + 1], second[2 * DB_HASH_SIZE + 1];
	char key[300], name[ENTRY_NAME_MAX + 1];
	int64_t version;

	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "d.key%d", i);
		APPLY(db, PUT(key, "v"));
	}
	db_wait(db);
	hash_of(db, "d", dir);
	version = APPLY(db, PUT("good", "1"));
	db_close(db);
	two_nodes(dir, name, second);
	damage(second, "WTD\3\0", 5);
	db = test_open(options);
	snprintf(key, sizeof(key), "d.%s", name);
	is_str(get(db, key), "v", "what is not damaged can be read");
	is_int(APPLY(db, UNLINK(key)), version + 1, "and removed at first");
	APPLY(db, PUT("good", "2"));
	db_wait(db);
	ok(told.errnum == EIO && strstr(told.text, second),
	   "but the batch is given up: %s", told.text);
	is_str(get(db, key), "v", "nothing of it is done");
	is_str(get_applied(db, "good"), "1", "nor of what came after");
	is_int(APPLY(db, PUT("good", "3")), version + 1, "others go on");
	db_wait(db);
	is_int(told.errnum, 0, "and are durable");
	is_int(APPLY(db, UNLINK_ALL("d")), version + 2, "it can be removed");
	db_close(db);
	test_wipe();
}

static void test_old_format(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	struct store *store;
	struct blob_set *none = blob_set_create();
	struct store_changes changes = { 0 };
	char why[100];

	db_close(db);
	store = store_open(test_dir, true, 0, &test_error);
	store_put(&changes, STORE_META, "format", 6, "\0\0\0\0\0\0\0\1", 8);
	store_write(store, none, &changes, why, sizeof(why));
	store_changes_free(&changes);
	blob_set_destroy(none);
	store_close(store);
	db = test_open((struct db_options) { .durable = true });
	ok(!db && strstr(test_error.text, "format 1"), "refused: %s",
	   test_error.text);
	test_wipe();
}

/* A process that is killed: it has told by the pipe what is durable. */
static void killed_child(int fd)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	char text[32];

	for (int64_t n = 1;; n++) {
		snprintf(text, sizeof(text), "%jd", (intmax_t)n);
		if (APPLY(db, PUT("n", text), PUT("d.other", text)) != n)
			_exit(1);
		if (n % 3)
			continue;
		db_wait(db);
		if (write(fd, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void test_killed(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	int64_t acked = 0, n;
	char text[32];
	int fd[2];
	pid_t pid;

	db_close(db);
	test_wipe();
	if (pipe(fd) < 0)
		abort();
	pid = fork();
	if (!pid)
		killed_child(fd[1]);
	close(fd[1]);
	for (int i = 0; i < 10 && read(fd[0], &acked, sizeof(acked)) ==
	     sizeof(acked); i++)
		;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(fd[0], &n, sizeof(n)) == sizeof(n))
		acked = n;
	close(fd[0]);
	db = test_open((struct db_options) { .durable = true });
	n = atoll(get(db, "n"));
	ok(acked >= 30 && n >= acked, "killed: what was told is there");
	snprintf(text, sizeof(text), "%jd", (intmax_t)n);
	is_str(get(db, "d.other"), text, "transactions are whole");
	is_int(APPLY(db, PUT("n", "")), n + 1, "and versions go on");
	db_close(db);
	test_wipe();
}

int main(void)
{
	store_room_sure = UINT64_MAX;
	test_killed();
	test_damage();
	test_damaged_node();
	test_old_format();
	test_fail(fail_enospc, ENOSPC, true);
	test_fail(fail_eio, EIO, true);
	test_fail(fail_unwritten, EIO, true);
	test_fail(fail_enospc, ENOSPC, false);
	test_recover();
	test_told(fail_enospc);
	test_told(fail_eio);
	test_told(fail_unwritten);
	test_told(fail_written);
	test_no_sync();
	test_many();
	return test_end();
}
