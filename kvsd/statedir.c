/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of the database: see statedir.h; kvsd(8), FILES. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvsd/statedir.h"

#define ID_BYTES	16

__attribute__((format(printf, 3, 4)))
static int fail(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -1;
}

int statedir_check(const char *path, uid_t owner, bool create, char *why,
		   size_t size)
{
	struct stat st;

	if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail(why, size, "%s: cannot be made: %s", path,
			    strerror(errno));
	if (stat(path, &st) < 0) {
		if (errno == ENOENT && !create)
			return 0;
		return fail(why, size, "%s: %s", path, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return fail(why, size, "%s: is no directory", path);
	if (st.st_uid != owner)
		return fail(why, size, "%s: belongs to uid %u, not to uid %u",
			    path, (unsigned)st.st_uid, (unsigned)owner);
	if (st.st_mode & 077)
		return fail(why, size, "%s: others may enter it (mode %04o): "
			    "chmod 700", path, (unsigned)st.st_mode & 07777);
	if (access(path, R_OK | W_OK | X_OK) < 0)
		return fail(why, size, "%s: %s", path, strerror(errno));
	return 0;
}

/* 1 if there is one, 0 if not. */
static int read_id(const char *file, char *id, size_t id_size, char *why,
		   size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 :
			fail(why, size, "%s: %s", file, strerror(errno));
	n = read(fd, id, id_size);
	close(fd);
	if (n < 0)
		return fail(why, size, "%s: %s", file, strerror(errno));
	if (n < 2 || (size_t)n >= id_size || id[n - 1] != '\n' ||
	    strcspn(id, " \t\r\n") != (size_t)n - 1)
		return fail(why, size, "%s: holds no id of an instance", file);
	id[n - 1] = '\0';
	return 1;
}

/* A name that was made must be found again after a loss of power. */
static int sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	if (fd >= 0) {
		rc = fsync(fd);
		close(fd);
	}
	return rc;
}

static int write_id(const char *path, const char *file, const char *id,
		    char *why, size_t size)
{
	char temporary[4096 + 32];
	int fd, rc = -1;

	snprintf(temporary, sizeof(temporary), "%s/instance.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(why, size, "%s: %s", temporary, strerror(errno));
	if (dprintf(fd, "%s\n", id) > 0 && !fsync(fd) &&
	    !rename(temporary, file))
		rc = sync_folder(path);
	if (rc < 0)
		fail(why, size, "%s: %s", file, strerror(errno));
	close(fd);
	return rc;
}

int statedir_instance(const char *path, const char *given, char *id,
		      size_t id_size, char *why, size_t size)
{
	unsigned char random[ID_BYTES];
	char file[4096 + 32];
	int rc;

	if (given && (strlen(given) >= id_size || strpbrk(given, " \t\r\n")))
		return fail(why, size, "--instance: 1 to %zu bytes without "
			    "white space", id_size - 1);
	if (given) {
		strcpy(id, given);
		return 0;
	}
	snprintf(file, sizeof(file), "%.4096s/instance", path);
	rc = read_id(file, id, id_size, why, size);
	if (rc)
		return rc < 0 ? -1 : 0;
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(id, id_size, random, sizeof(random));
	return write_id(path, file, id, why, size);
}
