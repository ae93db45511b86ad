/* SPDX-License-Identifier: Apache-2.0 */
/* Room for the database's file, and a reserve: see store.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kvsd/store_private.h"

#define RESERVE_MOST	(1u << 20)
#define SHARE		16	/* the part of a small disk */

/* The lists of free pages, which are the database 0 of LMDB: each record is a
 * count and so many page numbers. */
static uint64_t free_inside(struct store *store)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_stat stat;
	uint64_t pages = 0;
	size_t count;

	if (store_read_begin(store) < 0 ||
	    mdb_cursor_open(store->read, 0, &cursor))
		return 0;
	while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		memcpy(&count, value.mv_data, sizeof(count));
		pages += count;
	}
	mdb_cursor_close(cursor);
	return mdb_env_stat(store->env, &stat) ? 0 : pages * stat.ms_psize;
}

uint64_t store_room(struct store *store)
{
	struct statvfs fs;
	uint64_t disk = 0;

	if (!statvfs(store->path, &fs))
		disk = (uint64_t)fs.f_bavail * fs.f_frsize;
	return disk + free_inside(store);
}

uint64_t store_share(const struct store *store, uint64_t most)
{
	struct statvfs fs;
	uint64_t share;

	if (statvfs(store->path, &fs))
		return most;
	share = (uint64_t)fs.f_blocks * fs.f_frsize / SHARE;
	return share < most ? share : most;
}

uint64_t store_reserve_size(const struct store *store)
{
	return store_share(store, RESERVE_MOST);
}

static void name_of(const struct store *store, char *name, size_t size)
{
	snprintf(name, size, "%s/reserve", store->path);
}

bool store_reserve_take(struct store *store)
{
	uint64_t size = store_reserve_size(store);
	char name[4096];
	int fd, rc;

	name_of(store, name, sizeof(name));
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	rc = posix_fallocate(fd, 0, size);
	close(fd);
	if (rc)
		unlink(name);
	return !rc;
}

void store_reserve_release(struct store *store)
{
	char name[4096];

	name_of(store, name, sizeof(name));
	unlink(name);
}
