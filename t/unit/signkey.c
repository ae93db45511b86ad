/* SPDX-License-Identifier: Apache-2.0 */
/* The signing key: made on first use, by one of many; files that must not be
 * trusted; public keys and their rotation. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/pubkey.h"
#include "proto/signkey.h"
#include "t/unit/tap.h"

#define MAKERS	8

static char base[] = "/tmp/weir-signkey-XXXXXX";

/* Run a shell command in the test's folder. */
__attribute__((format(printf, 1, 2)))
static void shell(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;
	int n = snprintf(cmd, sizeof(cmd), "cd '%s' && ", base);

	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - n, fmt, ap);
	va_end(ap);
	if (system(cmd)) {
		printf("Bail out! %s\n", cmd);
		exit(1);
	}
}

static struct signkey *open_key(const char *sub, struct proto_error *err)
{
	char dir[256];

	snprintf(dir, sizeof(dir), "%s/%s", base, sub);
	return signkey_open(dir, err);
}

static bool mode_is(const char *name, mode_t mode)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return !stat(path, &st) && (st.st_mode & 07777) == mode;
}

static int find_public(const char *sub, const char *fingerprint,
		       unsigned char key[PUBKEY_BYTES])
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/sign.pub", base, sub);
	return pubkey_find(AT_FDCWD, path, geteuid(), fingerprint, key, NULL);
}

static void test_first_use(void)
{
	unsigned char sig[SIGNKEY_SIGNATURE_BYTES], pub[PUBKEY_BYTES];
	struct proto_error err = { "" };
	struct signkey *key, *again;
	char *dir;

	shell("mkdir -m 755 home && umask 0");
	setenv("HOME", base, 1);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	dir = signkey_dir();
	ok(dir && strstr(dir, "/.config/weir"),
	   "a relative XDG_CONFIG_HOME is not used");
	free(dir);
	setenv("XDG_CONFIG_HOME", base, 1);
	key = signkey_open(NULL, &err);
	if (!ok(key != NULL, "made on first use %s", err.text))
		return;
	dir = signkey_public_file();
	ok(dir && !access(dir, R_OK), "%s is there", dir ? dir : "sign.pub");
	free(dir);
	ok(mode_is("weir", 0700), "in a folder of mode 0700");
	ok(mode_is("weir/sign.key", 0600), "secret file has mode 0600");
	ok(mode_is("weir/sign.pub", 0644), "public file has mode 0644");
	ok(!find_public("weir", signkey_fingerprint(key), pub),
	   "its public key is in the public file");
	signkey_sign(key, "abc", 3, sig);
	ok(!crypto_sign_verify_detached(sig, (const void *)"abc", 3, pub),
	   "a signature verifies with it");
	again = signkey_open(NULL, &err);
	ok(again && !strcmp(signkey_fingerprint(key),
			    signkey_fingerprint(again)),
	   "the second use loads the same key %s", err.text);
	signkey_destroy(again);
	shell("test \"$(ls -A weir | wc -l)\" = 2");
	ok(1, "no other file is left behind");

	shell("rm weir/sign.pub");
	again = signkey_open(NULL, &err);
	ok(again && !find_public("weir", signkey_fingerprint(key), pub),
	   "a lost public file is written again %s", err.text);
	signkey_destroy(again);

	shell("mv weir/sign.key weir/old.key");
	again = signkey_open(NULL, &err);
	ok(again && strcmp(signkey_fingerprint(key),
			   signkey_fingerprint(again)), "a new key is made");
	ok(again && !find_public("weir", signkey_fingerprint(again), pub),
	   "the new public key is in the file");
	ok(!find_public("weir", signkey_fingerprint(key), pub),
	   "and the old one too");
	signkey_destroy(again);
	signkey_destroy(key);
	signkey_destroy(NULL);
	unsetenv("XDG_CONFIG_HOME");
	dir = signkey_dir();
	ok(dir && !strncmp(dir, base, strlen(base)) &&
	   strstr(dir, "/.config/weir"), "$HOME/.config/weir is the default");
	free(dir);
}

/* All makers are let go at once; each reports its key's name. */
static void test_race(void)
{
	char names[MAKERS][PUBKEY_FINGERPRINT], c;
	int start[2], report[2], same = 0, status, failed = 0;
	struct signkey *key;

	if (pipe(start) || pipe(report))
		exit(1);
	for (int i = 0; i < MAKERS; i++) {
		if (fork())
			continue;
		close(start[1]);
		if (read(start[0], &c, 1) != 0)
			_exit(1);
		key = open_key("race/deeper", NULL);
		if (!key || write(report[1], signkey_fingerprint(key),
				  PUBKEY_FINGERPRINT) != PUBKEY_FINGERPRINT)
			_exit(1);
		signkey_destroy(key);
		_exit(0);
	}
	close(start[0]);
	close(start[1]);
	close(report[1]);
	for (int i = 0; i < MAKERS; i++)
		same += read(report[0], names[i], PUBKEY_FINGERPRINT) ==
			PUBKEY_FINGERPRINT && !strcmp(names[i], names[0]);
	close(report[0]);
	while (wait(&status) > 0)
		failed += status != 0;
	ok(!failed && same == MAKERS, "%d first users at once agree (%d do)",
	   MAKERS, same);
}

static const struct {
	const char *what, *prepare, *sub;
	int errnum;
} bad[] = {
	{ "folder that others may write", "mkdir -m 770 b1", "b1", EPERM },
	{ "folder that is a link", "ln -s weir b2", "b2", ENOTDIR },
	{ "folder that is a file", "touch b3", "b3", ENOTDIR },
	{ "secret that others may read",
	  "mkdir b4 && cp weir/sign.key b4 && chmod 640 b4/sign.key", "b4",
	  EPERM },
	{ "secret that is a link",
	  "mkdir b5 && ln -s ../weir/sign.key b5/sign.key", "b5", ELOOP },
	{ "secret that dangles", "mkdir b6 && ln -s nowhere b6/sign.key", "b6",
	  ELOOP },
	{ "secret that is a FIFO", "mkdir b7 && mkfifo -m 600 b7/sign.key",
	  "b7", EPERM },
	{ "secret that is empty",
	  "mkdir b8 && touch b8/sign.key && chmod 600 b8/sign.key", "b8",
	  EINVAL },
	{ "secret that is cut",
	  "mkdir b9 && head -c 40 weir/sign.key >b9/sign.key && "
	  "chmod 600 b9/sign.key", "b9", EINVAL },
	{ "secret with a byte more",
	  "mkdir b10 && (cat weir/sign.key; echo) >b10/sign.key && "
	  "chmod 600 b10/sign.key", "b10", EINVAL },
	{ "public file that others may write",
	  "mkdir b11 && touch b11/sign.pub && chmod 666 b11/sign.pub", "b11",
	  EPERM },
	{ "public file with another line",
	  "mkdir b12 && echo ssh-ed25519 AAAA >b12/sign.pub", "b12", EINVAL },
	{ "secret of somebody else",
	  "mkdir b13 && cp weir/sign.key b13 && chown 1 b13/sign.key", "b13",
	  EPERM },
	{ "folder of somebody else", "mkdir b14 && chown 1 b14", "b14",
	  EPERM },
};

static void test_refused(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct proto_error err = { "" };
		struct signkey *key;

		if (geteuid() && strstr(bad[i].prepare, "chown")) {
			ok(1, "%s # SKIP only root can make one", bad[i].what);
			continue;
		}
		shell("%s", bad[i].prepare);
		errno = 0;
		key = open_key(bad[i].sub, &err);
		if (!ok(!key && errno == bad[i].errnum && *err.text,
			"refused: %s (%s)", bad[i].what, err.text))
			diag("errno %d", errno);
		signkey_destroy(key);
	}
}

#define KEY_A "weir-ed25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_B "weir-ed25519 AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void test_public(void)
{
	static const unsigned char a[PUBKEY_BYTES], b[PUBKEY_BYTES] = { 1 };
	unsigned char key[PUBKEY_BYTES];
	char name_a[PUBKEY_FINGERPRINT], name_b[PUBKEY_FINGERPRINT];

	pubkey_fingerprint(a, name_a);
	pubkey_fingerprint(b, name_b);
	ok(!pubkey_scan("# two\n\n" KEY_A " me@here\n" KEY_B, name_b, key,
			NULL) && !memcmp(key, b, sizeof(b)), "second key");
	ok(!pubkey_scan("# two\n\n" KEY_A " me@here\n" KEY_B, name_a, key,
			NULL) && !memcmp(key, a, sizeof(a)), "first key");
	errno = 0;
	ok(pubkey_scan(KEY_A "\n", name_b, key, NULL) && errno == ENOKEY,
	   "a key that is not there");
	errno = 0;
	ok(pubkey_scan(KEY_A "x\n", name_a, key, NULL) && errno == EINVAL,
	   "bytes right behind a key");
	ok(pubkey_scan("weir-ed25519\n", name_a, key, NULL) && errno == EINVAL,
	   "a line without a key");
	ok(pubkey_scan("weir-ed25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		       "AB=\n", name_a, key, NULL) && errno == EINVAL,
	   "base64 with spare bits set");
}

int main(void)
{
	if (!mkdtemp(base) || sodium_init() < 0)
		return 1;
	test_first_use();
	test_race();
	test_refused();
	test_public();
	shell("cd / && rm -rf '%s'", base);
	return done();
}
