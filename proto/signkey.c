/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's signing key: see signkey.h. Every file is made under a name of
 * its own and then linked or renamed into place, so that nobody sees half a
 * key; link() lets exactly one of several makers win.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/pubkey.h"
#include "proto/signkey.h"

#define MAGIC		0x7369676e
#define SECRET_WORD	"weir-ed25519-secret "
#define SECRET_NAME	"sign.key"
#define PUBLIC_NAME	"sign.pub"
#define BASE64(n)	sodium_base64_ENCODED_LEN(n, \
				sodium_base64_VARIANT_ORIGINAL)
#define SECRET_SIZE	(sizeof(SECRET_WORD) - 1 + \
			 BASE64(crypto_sign_SEEDBYTES))	/* line feed included */

/* All of it in memory from sodium_malloc. */
struct signkey {
	unsigned magic;
	unsigned char seed[crypto_sign_SEEDBYTES];
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	unsigned char public[PUBKEY_BYTES];
	char fingerprint[PUBKEY_FINGERPRINT];
	char text[SECRET_SIZE + 1];	/* of the secret file */
};

static int fail(struct proto_error *err, const char *name)
{
	return proto_error_set(err, errno, "%s: %s", name, strerror(errno));
}

/* close and unlink keep errno, for use after something failed. */
static void close_quietly(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

char *signkey_dir(void)
{
	const char *config = secure_getenv("XDG_CONFIG_HOME");
	const char *home = secure_getenv("HOME");
	struct passwd *pw;
	char *dir;

	if (config && *config == '/')
		return asprintf(&dir, "%s/weir", config) < 0 ? NULL : dir;
	if (!home || *home != '/') {
		pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home || *home != '/') {
		errno = ENOENT;
		return NULL;
	}
	return asprintf(&dir, "%s/.config/weir", home) < 0 ? NULL : dir;
}

char *signkey_public_file(void)
{
	char *dir = signkey_dir(), *file = NULL;

	if (dir && asprintf(&file, "%s/" PUBLIC_NAME, dir) < 0)
		file = NULL;
	free(dir);
	return file;
}

/* Make PATH and what is missing on the way to it, for the user alone. */
static int make_dirs(const char *path)
{
	char *copy = strdup(path), *slash;
	int rc = 0;

	if (!copy)
		return -1;
	for (slash = strchr(copy + 1, '/'); slash && !rc;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			rc = -1;
		*slash = '/';
	}
	if (!rc && mkdir(copy, 0700) && errno != EEXIST)
		rc = -1;
	free(copy);
	return rc;
}

/* Is what FD refers to the caller's, with none of the mode bits FORBIDDEN? */
static int check_own(int fd, mode_t type, mode_t forbidden, const char *name,
		     struct proto_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(err, name);
	if ((st.st_mode & S_IFMT) != type)
		return proto_error_set(err, EPERM, "%s: not a %s", name,
				       type == S_IFDIR ? "directory" :
				       "regular file");
	if (st.st_uid != geteuid())
		return proto_error_set(err, EPERM, "%s: owned by user %u, not "
				       "by you (user %u)", name,
				       (unsigned)st.st_uid,
				       (unsigned)geteuid());
	if (st.st_mode & forbidden)
		return proto_error_set(err, EPERM, "%s: open to others (mode "
				       "%04o); use chmod go-%s", name,
				       (unsigned)(st.st_mode & 07777),
				       forbidden & 044 ? "rwx" : "w");
	return 0;
}

static int open_dir(const char *path, struct proto_error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags);

	if (fd < 0 && errno == ENOENT) {
		if (make_dirs(path))
			return fail(err, path);
		fd = open(path, flags);
	}
	if (fd < 0)
		return fail(err, path);
	if (check_own(fd, S_IFDIR, 022, path, err)) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len; data += n, len -= n) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return -1;
	}
	return fsync(fd);
}

/* Write a new file in DIR under a random name, which NAME gets. */
static int write_new(int dir, char name[40], mode_t mode, const char *data,
		     size_t len)
{
	unsigned char random[8];
	char hex[2 * sizeof(random) + 1];
	int fd, saved;

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
	snprintf(name, 40, ".sign-%s", hex);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, mode);
	if (fd < 0)
		return -1;
	if (fchmod(fd, mode) || write_all(fd, data, len)) {
		saved = errno;
		close(fd);
		unlinkat(dir, name, 0);
		errno = saved;
		return -1;
	}
	return close(fd);
}

/* Fill KEY from its text. */
static int parse_secret(struct signkey *key, size_t len,
			struct proto_error *err)
{
	const size_t word = sizeof(SECRET_WORD) - 1;
	size_t bytes;

	if (len != SECRET_SIZE || memcmp(key->text, SECRET_WORD, word) ||
	    key->text[len - 1] != '\n' ||
	    sodium_base642bin(key->seed, crypto_sign_SEEDBYTES, key->text + word,
			      len - word - 1, NULL, &bytes, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    bytes != crypto_sign_SEEDBYTES)
		return proto_error_set(err, EINVAL, SECRET_NAME ": not a "
				       "signing key; move it away to get a "
				       "new one");
	crypto_sign_seed_keypair(key->public, key->secret, key->seed);
	pubkey_fingerprint(key->public, key->fingerprint);
	return 0;
}

static int load_secret(struct signkey *key, int dir, struct proto_error *err)
{
	int fd = openat(dir, SECRET_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
			O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return fail(err, SECRET_NAME);
	if (check_own(fd, S_IFREG, 077, SECRET_NAME, err)) {
		close_quietly(fd);
		return -1;
	}
	do {
		n = read(fd, key->text + len, sizeof(key->text) - len);
		if (n > 0)
			len += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	close_quietly(fd);
	return n < 0 ? fail(err, SECRET_NAME) : parse_secret(key, len, err);
}

/* Make a secret key unless somebody else was quicker. */
static int make_secret(struct signkey *key, int dir, struct proto_error *err)
{
	const size_t word = sizeof(SECRET_WORD) - 1;
	char name[40];
	int rc;

	randombytes_buf(key->seed, sizeof(key->seed));
	memcpy(key->text, SECRET_WORD, word);
	sodium_bin2base64(key->text + word, sizeof(key->text) - word,
			  key->seed, sizeof(key->seed),
			  sodium_base64_VARIANT_ORIGINAL);
	key->text[SECRET_SIZE - 1] = '\n';
	if (write_new(dir, name, 0600, key->text, SECRET_SIZE))
		return fail(err, SECRET_NAME);
	rc = linkat(dir, name, dir, SECRET_NAME, 0);
	if (rc && errno == EEXIST)
		rc = 0;
	if (rc)
		fail(err, SECRET_NAME);
	else
		fsync(dir);
	unlinkat(dir, name, 0);
	return rc;
}

/* Put KEY's public key before the OLD ones. */
static int write_public(const struct signkey *key, int dir, const char *old,
			struct proto_error *err)
{
	char base64[BASE64(PUBKEY_BYTES)], name[40], *text;
	int len, rc;

	sodium_bin2base64(base64, sizeof(base64), key->public, PUBKEY_BYTES,
			  sodium_base64_VARIANT_ORIGINAL);
	len = asprintf(&text, "%s %s\n%s", PUBKEY_WORD, base64, old);
	if (len < 0)
		return fail(err, PUBLIC_NAME);
	rc = write_new(dir, name, 0644, text, len);
	free(text);
	if (rc)
		return fail(err, PUBLIC_NAME);
	if (renameat(dir, name, dir, PUBLIC_NAME)) {
		fail(err, PUBLIC_NAME);
		unlinkat(dir, name, 0);
		return -1;
	}
	return 0;
}

/* See to it that the public file has KEY. */
static int ensure_public(const struct signkey *key, int dir,
			 struct proto_error *err)
{
	unsigned char found[PUBKEY_BYTES];
	char *old = pubkey_read(dir, PUBLIC_NAME, geteuid(), err);
	int rc;

	if (!old && errno != ENOENT)
		return -1;
	rc = old ? pubkey_scan(old, key->fingerprint, found, err) : -1;
	if (rc && errno == EINVAL)
		rc = proto_error_set(err, EINVAL, PUBLIC_NAME ": a line is no "
				     "public key; move the file away to get a "
				     "new one");
	else if (rc)
		rc = write_public(key, dir, old ? old : "", err);
	free(old);
	return rc;
}

/* Fill KEY from the folder DIR. */
static int open_in(struct signkey *key, int dir, struct proto_error *err)
{
	int rc = load_secret(key, dir, err);

	if (rc && errno == ENOENT) {
		rc = make_secret(key, dir, err);
		if (!rc)
			rc = load_secret(key, dir, err);
	}
	return rc ? rc : ensure_public(key, dir, err);
}

struct signkey *signkey_open(const char *dir, struct proto_error *err)
{
	char *path = dir ? strdup(dir) : signkey_dir();
	struct signkey *key = NULL;
	int fd, rc;

	if (!path || sodium_init() < 0) {
		proto_error_set(err, path ? EIO : errno, "no folder for the "
				"signing key: set HOME");
		free(path);
		return NULL;
	}
	fd = open_dir(path, err);
	free(path);
	if (fd < 0)
		return NULL;
	key = sodium_malloc(sizeof(*key));
	if (!key) {
		close(fd);
		proto_error_set(err, ENOMEM, "signing key: no locked memory");
		return NULL;
	}
	key->magic = MAGIC;
	rc = open_in(key, fd, err);
	close_quietly(fd);
	if (rc) {
		signkey_destroy(key);
		return NULL;
	}
	sodium_mprotect_readonly(key);
	return key;
}

void signkey_destroy(struct signkey *key)
{
	int saved = errno;

	sodium_free(key);
	errno = saved;
}

void signkey_sign(const struct signkey *key, const void *data, size_t len,
		  unsigned char signature[SIGNKEY_SIGNATURE_BYTES])
{
	assert(key->magic == MAGIC);
	crypto_sign_detached(signature, NULL, data, len, key->secret);
}

const char *signkey_fingerprint(const struct signkey *key)
{
	assert(key->magic == MAGIC);
	return key->fingerprint;
}
