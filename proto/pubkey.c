/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public signing keys: see pubkey.h. Files are judged by the descriptor that
 * they are read from, so that they cannot be exchanged in between.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/pubkey.h"

void pubkey_fingerprint(const unsigned char key[PUBKEY_BYTES],
			char fingerprint[PUBKEY_FINGERPRINT])
{
	unsigned char hash[(PUBKEY_FINGERPRINT - 1) / 2];

	crypto_generichash(hash, sizeof(hash), key, PUBKEY_BYTES, NULL, 0);
	sodium_bin2hex(fingerprint, PUBKEY_FINGERPRINT, hash, sizeof(hash));
}

/* 0 if only root and OWNER can have written what FD refers to. */
static int check_owner(int fd, mode_t type, uid_t owner, const char *name,
		       struct proto_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return proto_error_set(err, errno, "%s: %s", name,
				       strerror(errno));
	if ((st.st_mode & S_IFMT) != type)
		return proto_error_set(err, EPERM, "%s: not a %s", name,
				       type == S_IFDIR ? "directory" :
				       "regular file");
	if (st.st_uid != 0 && st.st_uid != owner)
		return proto_error_set(err, EPERM, "%s: owned by user %u, "
				       "not by root or user %u", name,
				       (unsigned)st.st_uid, (unsigned)owner);
	if (st.st_mode & 022)
		return proto_error_set(err, EPERM, "%s: others may write it "
				       "(mode %04o)", name,
				       (unsigned)(st.st_mode & 07777));
	return 0;
}

/* Open for reading and check; never waits for a FIFO's other end. */
static int open_checked(int dir, const char *name, int flags, mode_t type,
			uid_t owner, struct proto_error *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
			O_NOCTTY | flags), saved;

	if (fd < 0)
		return proto_error_set(err, errno, "%s: %s", name,
				       strerror(errno));
	if (check_owner(fd, type, owner, name, err)) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int pubkey_dir(const char *dir, uid_t owner, struct proto_error *err)
{
	return open_checked(AT_FDCWD, dir, O_DIRECTORY, S_IFDIR, owner, err);
}

char *pubkey_read(int dir, const char *name, uid_t owner,
		  struct proto_error *err)
{
	int fd = open_checked(dir, name, O_NOFOLLOW, S_IFREG, owner, err);
	size_t len = 0;
	ssize_t n = 0;
	char *buf;

	if (fd < 0)
		return NULL;
	buf = malloc(PUBKEY_FILE_MAX + 1);
	while (buf && len <= PUBKEY_FILE_MAX) {
		n = read(fd, buf + len, PUBKEY_FILE_MAX + 1 - len);
		if (n > 0)
			len += n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	if (n < 0 || !buf)
		proto_error_set(err, errno, "%s: %s", name, strerror(errno));
	else if (len > PUBKEY_FILE_MAX)
		n = proto_error_set(err, E2BIG, "%s: over %u bytes", name,
				    PUBKEY_FILE_MAX);
	else if (memchr(buf, '\0', len))
		n = proto_error_set(err, EINVAL, "%s: not text", name);
	else
		buf[len] = '\0';
	if (n < 0) {
		free(buf);
		buf = NULL;
	}
	n = errno;
	close(fd);
	errno = n;
	return buf;
}

/* The key of a line of LEN bytes. */
static int parse_line(const char *line, size_t len,
		      unsigned char key[PUBKEY_BYTES])
{
	const size_t word = sizeof(PUBKEY_WORD) - 1;
	const size_t text = sodium_base64_ENCODED_LEN(PUBKEY_BYTES,
					sodium_base64_VARIANT_ORIGINAL) - 1;
	size_t bytes;

	if (len < word + 1 + text || memcmp(line, PUBKEY_WORD " ", word + 1) ||
	    (len > word + 1 + text && line[word + 1 + text] != ' ') ||
	    sodium_base642bin(key, PUBKEY_BYTES, line + word + 1, text, NULL,
			      &bytes, NULL, sodium_base64_VARIANT_ORIGINAL) ||
	    bytes != PUBKEY_BYTES)
		return -1;
	return 0;
}

int pubkey_scan(const char *text, const char *fingerprint,
		unsigned char key[PUBKEY_BYTES], struct proto_error *err)
{
	char name[PUBKEY_FINGERPRINT];
	size_t len;

	for (int line = 1; *text; line++, text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (!len || *text == '#')
			continue;
		if (parse_line(text, len, key))
			return proto_error_set(err, EINVAL, "line %d is no "
					       "public key", line);
		pubkey_fingerprint(key, name);
		if (!strcmp(name, fingerprint))
			return 0;
	}
	return proto_error_set(err, ENOKEY, "no key %s", fingerprint);
}

int pubkey_find(int dir, const char *name, uid_t owner,
		const char *fingerprint, unsigned char key[PUBKEY_BYTES],
		struct proto_error *err)
{
	struct proto_error why = { "" };
	char *text = pubkey_read(dir, name, owner, err);
	int rc, saved;

	if (!text)
		return -1;
	rc = pubkey_scan(text, fingerprint, key, &why);
	saved = errno;
	free(text);
	return rc ? proto_error_set(err, saved, "%s: %s", name, why.text) : 0;
}
