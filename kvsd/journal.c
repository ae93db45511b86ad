/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: see journal.h, weir-treeobj(5).
 *
 * A header names the base and has a number drawn by lot that all records have
 * as well, so that what is left of earlier ones is not taken for theirs. Each
 * begins a sector: to add one never writes where another is. Those that have
 * not the hash of their bytes were cut off by a loss of power, and so was a
 * header: then the journal was just being begun, and the base's file is whole.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/db.h"
#include "kvsd/journal.h"

#define SECTOR		512
#define STEP		(256u << 10)	/* by which the file grows */
#define HASHED		32		/* bytes before the hash */
#define HEAD		(HASHED + DB_HASH_SIZE)
#define MAX_LEAST	(256u << 10)
#define BASE_MAX	(MAX_LEAST / 2)

static const unsigned char magic[8] = "WEIRJNL\1";

/* Each number has 8 bytes. HEAD bytes, then what they are about:
 * header: magic, id, number, length of the base; hash; at SECTOR the base;
 * record: id, count of those before it, length, 0; hash, and at once the
 * data. */
struct journal {
	char *name;
	size_t max;
	int fd;			/* -1: there is no file */
	unsigned char *found;	/* the file when it was opened, or NULL */
	size_t found_len;
	size_t base_len;
	uint64_t id;
	uint64_t count;		/* records added, or read */
	size_t end;		/* of the last of them */
	size_t size;		/* of the file */
	bool begun;		/* for all that is known of the disk */
	unsigned char *record;	/* to be added */
	size_t record_len, record_room;
};

int (*journal_sync)(int fd) = fdatasync;

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* The hash counts as zeros. */
static void hash_put(unsigned char *bytes, size_t len)
{
	unsigned char hash[DB_HASH_SIZE];

	memset(bytes + HASHED, 0, sizeof(hash));
	crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
	memcpy(bytes + HASHED, hash, sizeof(hash));
}

static bool is_whole(unsigned char *bytes, size_t len)
{
	unsigned char hash[DB_HASH_SIZE];

	memcpy(hash, bytes + HASHED, sizeof(hash));
	hash_put(bytes, len);
	if (!memcmp(hash, bytes + HASHED, sizeof(hash)))
		return true;
	memcpy(bytes + HASHED, hash, sizeof(hash));
	return false;
}

/* ---- reading ---- */

static int read_all(struct journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return -1;
	j->size = st.st_size;
	if (j->size < SECTOR || j->size > JOURNAL_SIZE)
		return 0;
	j->found = xmalloc(j->size);
	while (j->found_len < j->size) {
		ssize_t n = pread(j->fd, j->found + j->found_len,
				  j->size - j->found_len, j->found_len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			break;
		j->found_len += n > 0 ? n : 0;
	}
	return 0;
}

static bool find_base(struct journal *j)
{
	uint64_t len;

	if (j->found_len < SECTOR || memcmp(j->found, magic, sizeof(magic)))
		return false;
	j->id = bytes_get(j->found + 8, 8);
	len = bytes_get(j->found + 24, 8);
	if (len > BASE_MAX || SECTOR + len > j->found_len ||
	    !is_whole(j->found, SECTOR + len))
		return false;
	j->base_len = len;
	journal_rewind(j);
	return true;
}

static void forget_found(struct journal *j)
{
	free(j->found);
	j->found = NULL;
	j->found_len = 0;
}

struct journal *journal_open(const char *folder, size_t max)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	int rc;

	j->name = xmalloc(strlen(folder) + sizeof("/journal"));
	sprintf(j->name, "%s/journal", folder);
	j->max = max && max < MAX_LEAST ? MAX_LEAST : max;
	j->fd = open(j->name, (max ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if ((j->fd < 0 && errno != ENOENT) ||
	    (j->fd >= 0 && read_all(j) < 0)) {
		rc = errno;
		journal_close(j);
		errno = rc;
		return NULL;
	}
	j->begun = j->size > 0;
	if (!find_base(j))
		forget_found(j);
	return j;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	forget_found(j);
	free(j->record);
	free(j->name);
	free(j);
}

const void *journal_base(const struct journal *j, size_t *len,
			 uint64_t *number)
{
	if (!j->found)
		return NULL;
	*len = j->base_len;
	*number = bytes_get(j->found + 16, 8);
	return j->found + SECTOR;
}

void journal_rewind(struct journal *j)
{
	j->count = 0;
	j->end = round_up(SECTOR + j->base_len, SECTOR);
}

/* A record of this journal at AT; its length, or 0. */
static size_t record_at(struct journal *j, size_t at, uint64_t *count)
{
	unsigned char *p = j->found + at;
	uint64_t len;

	if (at + HEAD > j->found_len || bytes_get(p, 8) != j->id)
		return 0;
	*count = bytes_get(p + 8, 8);
	len = bytes_get(p + 16, 8);
	if (!len || len > j->found_len - at - HEAD ||
	    !is_whole(p, HEAD + len))
		return 0;
	return len;
}

const void *journal_next(struct journal *j, size_t *len)
{
	size_t at = j->end;
	uint64_t count;

	*len = j->found ? record_at(j, at, &count) : 0;
	if (!*len || count != j->count)
		return NULL;
	j->count++;
	j->end = at + round_up(HEAD + *len, SECTOR);
	return j->found + at + HEAD;
}

/* One is added only when the one before it is on the disk. */
bool journal_is_cut(const struct journal *j)
{
	uint64_t count;
	size_t at;

	for (at = j->end; at + SECTOR <= j->found_len; at += SECTOR)
		if (record_at((struct journal *)j, at, &count) &&
		    count >= j->count)
			return true;
	return false;
}

/* ---- writing ---- */

static int write_at(struct journal *j, const void *data, size_t len, size_t at)
{
	const unsigned char *p = data;

	while (len) {
		ssize_t n = pwrite(j->fd, p, len, at);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n <= 0)
			continue;
		p += n;
		at += n;
		len -= n;
	}
	return 0;
}

static int sync_file(struct journal *j)
{
	return journal_sync(j->fd) < 0 ? errno : 0;
}

/* To write where the file has no blocks yet takes another sync of the file
 * system's, so it grows in steps. */
static int grow_to(struct journal *j, size_t end)
{
	size_t step = round_up(end, STEP), size = step < j->max ? step : j->max;
	unsigned char *zeros;
	int rc;

	if (end <= j->size)
		return 0;
	zeros = xcalloc(1, size - j->size);
	rc = write_at(j, zeros, size - j->size, j->size);
	free(zeros);
	if (!rc)
		j->size = size;
	return rc;
}

static int make_file(struct journal *j)
{
	char *slash = strrchr(j->name, '/');
	int rc, folder;

	j->fd = open(j->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return errno;
	*slash = '\0';
	folder = open(j->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	rc = folder < 0 || fsync(folder) < 0 ? errno : 0;
	if (folder >= 0)
		close(folder);
	return rc;
}

int journal_begin(struct journal *j, const void *base, size_t len,
		  uint64_t number)
{
	size_t size = round_up(SECTOR + len, SECTOR);
	unsigned char *header = xcalloc(1, size);
	int rc = len > BASE_MAX ? EFBIG : j->fd < 0 ? make_file(j) : 0;

	forget_found(j);
	randombytes_buf(&j->id, sizeof(j->id));
	memcpy(header, magic, sizeof(magic));
	bytes_put(header + 8, j->id, 8);
	bytes_put(header + 16, number, 8);
	bytes_put(header + 24, len, 8);
	memcpy(header + SECTOR, base, rc ? 0 : len);
	hash_put(header, SECTOR + len);
	if (!rc)
		rc = grow_to(j, size);
	if (!rc) {
		j->begun = true;
		rc = write_at(j, header, size, 0);
	}
	free(header);
	if (!rc)
		rc = sync_file(j);
	j->base_len = len;
	journal_rewind(j);
	return rc;
}

int journal_end(struct journal *j)
{
	static const unsigned char zeros[SECTOR];
	int rc;

	if (!j->begun)
		return 0;
	forget_found(j);
	rc = write_at(j, zeros, sizeof(zeros), 0);
	if (!rc)
		rc = sync_file(j);
	if (!rc)
		j->begun = false;
	return rc;
}

unsigned char *journal_record(struct journal *j, size_t len)
{
	size_t size = round_up(HEAD + len, SECTOR);

	if (j->end + size > j->max)
		return NULL;
	if (size > j->record_room) {
		j->record_room = round_up(2 * size, STEP / 4);
		j->record = xrealloc(j->record, j->record_room);
	}
	memset(j->record + size - SECTOR, 0, SECTOR);
	bytes_put(j->record, j->id, 8);
	bytes_put(j->record + 8, j->count, 8);
	bytes_put(j->record + 16, len, 8);
	bytes_put(j->record + 24, 0, 8);
	j->record_len = HEAD + len;
	return j->record + HEAD;
}

int journal_append(struct journal *j)
{
	size_t size = round_up(j->record_len, SECTOR);
	int rc = grow_to(j, j->end + size);

	hash_put(j->record, j->record_len);
	if (!rc)
		rc = write_at(j, j->record, size, j->end);
	if (!rc)
		rc = sync_file(j);
	if (rc)
		return rc;
	j->end += size;
	j->count++;
	return 0;
}
