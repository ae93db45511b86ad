/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the envelope share: a folder with the key of the golden
 * file, parameters and a policy that fit each other, and one way to check. */
#ifndef WEIR_TEST_ENVELOPE_H
#define WEIR_TEST_ENVELOPE_H

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/envelope.h"
#include "proto/signkey.h"
#include "t/unit/tap.h"

#define NOW		1700000000
#define DAY		86400
#define INSTANCE	"9f2c01d3a4b5c6d7"
#define NONCE		"000102030405060708090a0b0c0d0e0f"
#define PAYLOAD		"{\"version\":1}"
/* The key of the golden file: seed of 32 bytes 0x07. */
#define SECRET		"weir-ed25519-secret " \
			"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"

static char base[] = "/tmp/weir-envelope-XXXXXX";
static char keys[64], public[128], munge_socket[128];
static struct signkey *key;

__attribute__((unused))
static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fchmod(fd, mode) || close(fd)) {
		printf("Bail out! cannot write %s\n", path);
		exit(1);
	}
}

__attribute__((unused))
static struct envelope_params params(const char *mechanism)
{
	return (struct envelope_params){
		.mechanism = mechanism, .userid = geteuid(),
		.instance = INSTANCE, .time = NOW, .lifetime = DAY,
		.nonce = NONCE, .key = key, .munge_socket = munge_socket,
	};
}

__attribute__((unused))
static struct envelope_policy policy(void)
{
	return (struct envelope_policy){
		.mechanisms = ENVELOPE_NONE | ENVELOPE_SODIUM, .uid = geteuid(),
		.sender = geteuid(), .instance = INSTANCE, .now = NOW + 10,
		.max_lifetime = DAY, .max_age = 300, .skew = 30,
		.own_public = public, .munge_socket = munge_socket,
	};
}

__attribute__((unused))
static char *pack(struct envelope_params p)
{
	struct proto_error err = { "" };
	char *text = envelope_pack(&p, PAYLOAD, strlen(PAYLOAD), &err);

	if (!text) {
		printf("Bail out! pack: %s\n", err.text);
		exit(1);
	}
	return text;
}

/* Unpack and verify: 0 or the errno. */
__attribute__((unused))
static int check(const char *text, size_t len, struct envelope_policy p,
		 struct proto_error *err)
{
	struct envelope *env = envelope_unpack(text, len, err);
	int rc = !env || envelope_verify(env, &p, err) ? errno : 0;

	envelope_destroy(env);
	return rc;
}

/* What TEXT (freed here) gives under P must be WANT, with WORD in the error's
 * text. */
__attribute__((unused))
static void passes(char *text, struct envelope_policy p, int want,
		   const char *word, const char *what)
{
	struct proto_error err = { "" };
	int got = check(text, strlen(text), p, &err);

	if (!ok(got == want && (!word || strstr(err.text, word)), "%s%s%s%s",
		what, *err.text ? " (" : "", err.text, *err.text ? ")" : ""))
		diag("errno %d, want %d", got, want);
	free(text);
}

/* Make the folder and the key. */
static void set_up(void)
{
	char path[128];

	umask(022);
	if (!mkdtemp(base) || sodium_init() < 0) {
		printf("Bail out! no folder for the test\n");
		exit(1);
	}
	snprintf(keys, sizeof(keys), "%s/weir", base);
	snprintf(public, sizeof(public), "%s/sign.pub", keys);
	snprintf(munge_socket, sizeof(munge_socket), "%s/munge/socket", base);
	mkdir(keys, 0700);
	snprintf(path, sizeof(path), "%s/sign.key", keys);
	write_file(path, SECRET, 0600);
	key = signkey_open(keys, NULL);
	if (!key) {
		printf("Bail out! no signing key\n");
		exit(1);
	}
}

/* Take it all away; main's return value. */
static int tear_down(void)
{
	char cmd[128];

	signkey_destroy(key);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", base);
	return system(cmd) ? 1 : done();
}

#endif
