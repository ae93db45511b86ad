/* SPDX-License-Identifier: Apache-2.0 */
/* For shell tests, with databases that nobody has open. spoil STATEDIR TEXT
 * changes a byte, just behind TEXT, in each stored blob that holds it, and
 * prints how many there were. spoil -m STATEDIR TABLE KEY VALUE puts a record,
 * also into a database that is yet to be made; \N in VALUE is the byte N. */
#include "config.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

/* Where the byte behind TEXT is; NULL: it is not there. */
static char *behind(const MDB_val *v, const char *text)
{
	size_t len = strlen(text);
	char *at = memmem(v->mv_data, v->mv_size, text, len);

	return at && at + len < (char *)v->mv_data + v->mv_size ? at + len :
								  NULL;
}

static MDB_env *env;
static MDB_txn *txn;

static MDB_dbi open_table(const char *folder, const char *table)
{
	MDB_dbi dbi;

	must(mdb_env_create(&env), "mdb_env_create");
	must(mdb_env_set_maxdbs(env, 8), "mdb_env_set_maxdbs");
	must(mdb_env_set_mapsize(env, 1UL << 30), "mdb_env_set_mapsize");
	must(mdb_env_open(env, folder, 0, 0600), folder);
	must(mdb_txn_begin(env, NULL, 0, &txn), "mdb_txn_begin");
	must(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), table);
	return dbi;
}

static void done(void)
{
	must(mdb_txn_commit(txn), "mdb_txn_commit");
	mdb_env_close(env);
}

static int put(const char *folder, const char *table, char *name, char *value)
{
	MDB_dbi dbi = open_table(folder, table);
	MDB_val key = { strlen(name), name }, data = { 0, value };
	char *p;

	for (p = value; *p; data.mv_size++)
		value[data.mv_size] = *p == '\\' ?
			(char)strtoul(p + 1, &p, 10) : *p++;
	must(mdb_put(txn, dbi, &key, &data, 0), name);
	done();
	return 0;
}

int main(int argc, char **argv)
{
	MDB_val key = { 0, NULL }, value;
	unsigned count = 0;
	MDB_cursor *cursor;
	MDB_dbi dbi;
	int rc;

	if (argc == 6 && !strcmp(argv[1], "-m"))
		return put(argv[2], argv[3], argv[4], argv[5]);
	if (argc != 3)
		return 2;
	dbi = open_table(argv[1], "blob");
	must(mdb_cursor_open(txn, dbi, &cursor), "mdb_cursor_open");
	while (!(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
		MDB_val new = value;

		if (!behind(&value, argv[2]))
			continue;
		new.mv_data = malloc(value.mv_size);
		if (!new.mv_data)
			return 1;
		memcpy(new.mv_data, value.mv_data, value.mv_size);
		*behind(&new, argv[2]) ^= 1;
		must(mdb_cursor_put(cursor, &key, &new, MDB_CURRENT), "put");
		free(new.mv_data);
		count++;
	}
	mdb_cursor_close(cursor);
	done();
	printf("%u\n", count);
	return 0;
}
