/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a job brings along, attributes.system.files of its jobspec: they
 * are written into its folder before a task starts. weir-jobspec(5). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "execd/shell.h"

#define MODE_DEFAULT	0600

/* Bytes, or NULL: *LEN of them. */
static char *content(json_t *file, size_t *len)
{
	json_t *data = json_object_get(file, "data");
	const char *encoding = json_string_value(
		json_object_get(file, "encoding"));
	const char *text = json_string_value(data);
	char *bytes;

	if (!encoding || !text) {	/* any JSON, as text */
		bytes = data && !encoding ?
			json_dumps(data, JSON_ENCODE_ANY) : NULL;
		*len = bytes ? strlen(bytes) : 0;
		return bytes;
	}
	*len = json_string_length(data);
	bytes = malloc(*len + 1);
	if (!bytes)
		return NULL;
	if (!strcmp(encoding, "utf-8")) {
		memcpy(bytes, text, *len);
		return bytes;
	}
	if (strcmp(encoding, "base64") ||
	    sodium_base642bin((unsigned char *)bytes, *len + 1, text, *len,
			      "\r\n", len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) < 0) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

static int write_file(int folder, const char *name, int mode,
		      const char *data, size_t len)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC |
			O_CLOEXEC | O_NOFOLLOW, 0600);
	int e;

	if (fd < 0)
		return -1;
	if (write_all(fd, data, len) < 0 || fchmod(fd, mode & 0777) < 0) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return close(fd);
}

static const char *write_one(int folder, const char *name, json_t *file)
{
	json_t *mode = json_object_get(file, "mode");
	size_t len;
	char *data;
	int r;

	if (!*name || *name == '.' || strchr(name, '/'))
		return "the name must be that of a file, and not begin with "
			"a dot";
	if (mode && !json_is_integer(mode))
		return "mode: must be an integer";
	data = content(file, &len);
	if (!data)
		return "data is missing, or its encoding is neither utf-8 "
			"nor base64";
	r = write_file(folder, name, mode ? (int)json_integer_value(mode) :
		       MODE_DEFAULT, data, len);
	free(data);
	return r < 0 ? strerror(errno) : NULL;
}

int files_write(struct shell *s)
{
	json_t *all = s->spec->jobspec->files, *file;
	const char *name, *why = NULL;
	int folder;

	if (!all || json_object_size(all) == 0)
		return 0;
	folder = open(s->tmpdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) {
		name = s->tmpdir;
		why = strerror(errno);
	} else {
		json_object_foreach(all, name, file)
			if ((why = write_one(folder, name, file)))
				break;
		close(folder);
	}
	if (!why)
		return 0;
	if (asprintf(&s->failure, "cannot write the job's file %.100s: %s",
		     name, why) < 0)
		s->failure = NULL;
	s->failure_status = 1 << 8;
	return -1;
}
