/* SPDX-License-Identifier: Apache-2.0 */
/* powerloss.so: loaded into kvsd by LD_PRELOAD, it notes what each write to
 * the database overwrites until that is synced, so that a loss of power can be
 * played afterwards (power_loss() of kvsd_run.c; powerloss.h says the format).
 *
 * The database's files are those named data.* and journal in any folder. All writes go to
 * the file at once, as they do to the kernel's memory. A sync forgets the
 * notes of its file and does not wait for the disk: nothing really loses
 * power. A write through a descriptor that was opened with O_DSYNC is synced
 * by itself when it returns. Renames count as synced.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "t/tool/powerloss.h"

#define EXPORT	__attribute__((visibility("default")))
#define FILES	1024

/* Each entry point finds the libc's function behind it. */
#define REAL(type, name, ...) \
	static type (*real_)(__VA_ARGS__); \
	if (!real_) \
		real_ = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

EXPORT int open(const char *path, int flags, ...);
EXPORT int open64(const char *path, int flags, ...);
EXPORT int close(int fd);
EXPORT ssize_t write(int fd, const void *data, size_t size);
EXPORT ssize_t writev(int fd, const struct iovec *v, int count);
EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at);
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at);
EXPORT int ftruncate(int fd, off_t size);
EXPORT int fsync(int fd);
EXPORT int fdatasync(int fd);
EXPORT int msync(void *at, size_t size, int flags);
EXPORT int rename(const char *from, const char *to);
EXPORT int unlink(const char *path);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	bool used, dsync;
	int undo;		/* descriptor of its notes */
} files[FILES];			/* by descriptor */
static unsigned long calls;

static void fail(const char *what)
{
	fprintf(stderr, "powerloss: %s: %s\n", what, strerror(errno));
	abort();
}

static bool is_database(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return (!strncmp(name, "data.", 5) && !strstr(name, UNDO_SUFFIX)) ||
		!strcmp(name, "journal");
}

static bool is_noted(int fd)
{
	return fd >= 0 && fd < FILES && files[fd].used;
}

/* True if this is the call to end at. */
static bool is_last(void)
{
	static unsigned long last;
	const char *s;

	if (!last) {
		s = getenv(POWERLOSS_CALL);
		last = s && atol(s) > 0 ? strtoul(s, NULL, 10) : -1UL;
	}
	return ++calls == last;
}

static void end(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* ---- notes ---- */

static void write_all(int fd, const void *data, size_t size)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	const char *p = data;

	while (size) {
		ssize_t n = real_(fd, p, size);

		if (n <= 0)
			fail("cannot write notes");
		p += n;
		size -= n;
	}
}

static off_t undo_size(int fd)
{
	struct stat st;

	if (fstat(files[fd].undo, &st) < 0)
		fail("cannot look at notes");
	return st.st_size;
}

static void undo_cut(int fd, off_t size)
{
	REAL(int, "ftruncate", int, off_t);

	if (!getenv(POWERLOSS_IGNORE) && real_(files[fd].undo, size) < 0)
		fail("cannot cut notes");
}

static void note(int fd, off_t at, size_t size)
{
	struct undo_record *record = calloc(1, sizeof(*record) + size + 7);
	struct stat st;

	if (!record || fstat(fd, &st) < 0)
		fail("cannot note a write");
	record->offset = at;
	record->size = size;
	record->file_size = st.st_size;
	if (pread(fd, record + 1, size, at) < 0)
		fail("cannot read what is overwritten");
	write_all(files[fd].undo, record,
		  sizeof(*record) + (size + 7) / 8 * 8);
	free(record);
}

static void file_opened(int fd, const char *path, int flags)
{
	REAL(int, "open", const char *, int, ...);
	char name[4096];

	if (fd < 0 || fd >= FILES || !is_database(path) ||
	    (flags & O_ACCMODE) == O_RDONLY)
		return;
	snprintf(name, sizeof(name), "%s" UNDO_SUFFIX, path);
	files[fd].undo = real_(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			       0600);
	if (files[fd].undo < 0)
		fail(name);
	files[fd].dsync = (flags & O_DSYNC) == O_DSYNC;
	files[fd].used = true;
}

/* ---- what the database calls ---- */

static int open_any(const char *path, int flags, va_list ap)
{
	REAL(int, "open", const char *, int, ...);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	bool noted = is_database(path) && (flags & O_ACCMODE) != O_RDONLY;
	/* the disk is not waited for, and what is overwritten is read */
	int fd = real_(path, noted ? (flags & ~(O_DSYNC | O_SYNC | O_ACCMODE)) |
				     O_RDWR : flags, mode);

	pthread_mutex_lock(&mutex);
	file_opened(fd, path, flags);
	pthread_mutex_unlock(&mutex);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_any(path, flags, ap);
	va_end(ap);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_any(path, flags, ap);
	va_end(ap);
	return fd;
}

int close(int fd)
{
	REAL(int, "close", int);

	pthread_mutex_lock(&mutex);
	if (is_noted(fd)) {
		files[fd].used = false;
		real_(files[fd].undo);
	}
	pthread_mutex_unlock(&mutex);
	return real_(fd);
}

/* AT -1: where the descriptor stands. */
static ssize_t write_any(int fd, const void *data, size_t size, off_t at)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
	bool moves = at < 0, last;
	off_t notes;
	ssize_t n;

	pthread_mutex_lock(&mutex);
	if (moves)
		at = lseek(fd, 0, SEEK_CUR);
	last = is_last();
	if (last && calls % 3 == 0)
		end();
	notes = undo_size(fd);
	note(fd, at, size);
	if (last && calls % 3 == 1)
		size /= 2;
	n = real_(fd, data, size, at);
	if (last)
		end();
	if (n > 0 && moves)
		lseek(fd, n, SEEK_CUR);
	if (files[fd].dsync)
		undo_cut(fd, notes);
	pthread_mutex_unlock(&mutex);
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);

	return is_noted(fd) ? write_any(fd, data, size, at)
			    : real_(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return pwrite(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size)
{
	REAL(ssize_t, "write", int, const void *, size_t);

	return is_noted(fd) ? write_any(fd, data, size, -1)
			    : real_(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	REAL(ssize_t, "writev", int, const struct iovec *, int);
	ssize_t done = 0;

	if (!is_noted(fd))
		return real_(fd, v, count);
	for (int i = 0; i < count; i++) {
		ssize_t n = write_any(fd, v[i].iov_base, v[i].iov_len, -1);

		if (n < 0)
			return done ? done : -1;
		done += n;
		if ((size_t)n < v[i].iov_len)
			break;
	}
	return done;
}

/* Files of the database are only made longer, which a sync makes last as it
 * does a write of nothing at the end. */
int ftruncate(int fd, off_t size)
{
	REAL(int, "ftruncate", int, off_t);
	struct stat st;

	if (is_noted(fd)) {
		pthread_mutex_lock(&mutex);
		if (fstat(fd, &st) < 0)
			fail("cannot look at a file");
		if (size < st.st_size)
			note(fd, size, st.st_size - size);
		else
			note(fd, st.st_size, 0);
		pthread_mutex_unlock(&mutex);
	}
	return real_(fd, size);
}

static int sync_any(int fd)
{
	bool last;

	pthread_mutex_lock(&mutex);
	last = is_last();
	if (last && calls % 2)
		end();
	undo_cut(fd, 0);
	if (last)
		end();
	pthread_mutex_unlock(&mutex);
	return 0;
}

int fsync(int fd)
{
	REAL(int, "fsync", int);

	return is_noted(fd) ? sync_any(fd) : real_(fd);
}

int fdatasync(int fd)
{
	REAL(int, "fdatasync", int);

	return is_noted(fd) ? sync_any(fd) : real_(fd);
}

/* Of a map that is written to nothing is noted: kvsd has none. */
int msync(void *at, size_t size, int flags)
{
	errno = ENOSYS;
	fail("msync");
	return -1;
}

/* The notes follow their file. */
int rename(const char *from, const char *to)
{
	REAL(int, "rename", const char *, const char *);
	char from_undo[4096], to_undo[4096];

	if (is_database(from) && is_database(to)) {
		snprintf(from_undo, sizeof(from_undo), "%s" UNDO_SUFFIX, from);
		snprintf(to_undo, sizeof(to_undo), "%s" UNDO_SUFFIX, to);
		if (real_(from_undo, to_undo) < 0)
			fail(from_undo);
	}
	return real_(from, to);
}

int unlink(const char *path)
{
	REAL(int, "unlink", const char *);
	char undo[4096];

	if (is_database(path)) {
		snprintf(undo, sizeof(undo), "%s" UNDO_SUFFIX, path);
		real_(undo);
	}
	return real_(path);
}
