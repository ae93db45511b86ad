/* SPDX-License-Identifier: Apache-2.0 */
/* The job envelope: what passes, every check of the verifier, tampering with
 * each byte, the mechanisms none and sodium. */
#include "config.h"

#include "proto/pubkey.h"
#include "t/unit/envelope.h"

/* ---- sodium ---- */

static void test_sodium(void)
{
	struct envelope_params p = params("sodium");
	struct envelope_policy pol = policy();
	struct envelope *env;
	char *text = pack(p);

	env = envelope_unpack(text, strlen(text), NULL);
	ok(env && !strcmp(env->mechanism, "sodium") &&
	   env->userid == geteuid() && !strcmp(env->instance, INSTANCE) &&
	   env->time == NOW && env->expiry == NOW + DAY &&
	   env->nonce[0] == 0 && env->nonce[15] == 15, "header comes back");
	ok(env && env->payload_len == strlen(PAYLOAD) &&
	   !strcmp(env->payload, PAYLOAD), "payload comes back");
	envelope_destroy(env);
	envelope_destroy(NULL);
	passes(text, pol, 0, NULL, "good envelope passes");
	pol.instance = NULL;
	pol.sender = -1;
	pol.max_age = 0;
	pol.now = NOW + DAY;
	passes(pack(p), pol, 0, NULL,
	       "as the monitor sees it: a day later, any instance, no sender");
	p.nonce = NULL;
	p.key = NULL;
	text = envelope_pack(&p, PAYLOAD, 1, NULL);
	ok(!text && errno == EINVAL, "no key, no signature");
}

static void test_nonce_random(void)
{
	struct envelope_params p = params("none");
	char *a, *b;

	p.nonce = NULL;
	a = pack(p);
	b = pack(p);
	ok(strcmp(a, b), "two envelopes have different nonces");
	free(a);
	free(b);
}

/* Every byte of a good one changed in three ways, and cut at every length. */
static void test_tampered(void)
{
	char *text = pack(params("sodium"));
	size_t len = strlen(text), passed = 0;

	for (size_t i = 0; i < len; i++) {
		static const char flips[] = { 1, 0x20, (char)0x80 };

		for (size_t f = 0; f < sizeof(flips); f++) {
			text[i] ^= flips[f];
			if (!check(text, len, policy(), NULL))
				diag("passed: byte %zu, flip %zu", i, f);
			passed += !check(text, len, policy(), NULL);
			text[i] ^= flips[f];
		}
	}
	ok(!passed, "no change of any of %zu bytes passes", len);
	passed = 0;
	for (size_t i = 0; i < len; i++)
		passed += !check(text, i, policy(), NULL);
	ok(!passed, "no truncation passes");
	ok(check(text, len + 1, policy(), NULL) == EINVAL,
	   "a NUL at the end is refused");
	ok(!check(text, len, policy(), NULL), "and the original passes");
	free(text);
}

static void test_times(void)
{
	struct envelope_params p = params("sodium");
	struct envelope_policy pol = policy();

	pol.now = NOW - 30;
	passes(pack(p), pol, 0, NULL, "as early as clocks may differ");
	pol.now = NOW - 31;
	passes(pack(p), pol, ESTALE, "not yet valid", "not yet valid");
	pol.now = NOW + 330;
	passes(pack(p), pol, 0, NULL, "as old as submission allows");
	pol.now = NOW + 331;
	passes(pack(p), pol, ESTALE, "signed 331 s ago", "too old to submit");
	pol.max_age = 0;
	pol.now = NOW + DAY + 29;
	passes(pack(p), pol, 0, NULL, "in its last second");
	pol.now++;
	passes(pack(p), pol, ESTALE, "expired", "expired");
	pol = policy();
	p.lifetime++;
	passes(pack(p), pol, EPERM, "valid for 86401 s", "lifetime too long");
}

static void test_policy(void)
{
	struct envelope_params p = params("sodium");
	struct envelope_policy pol = policy();

	passes(pack(p), (struct envelope_policy){ 0 }, EPERM, NULL,
	       "nothing passes an empty policy");
	pol.mechanisms = ENVELOPE_NONE | ENVELOPE_MUNGE;
	passes(pack(p), pol, EPERM, "not allowed here",
	       "mechanism not allowed");
	pol = policy();
	pol.instance = "9f2c01d3a4b5c6d8";
	passes(pack(p), pol, EPERM, INSTANCE, "another instance");
	pol = policy();
	pol.sender = geteuid() + 1;
	passes(pack(p), pol, EPERM, "was sent by user", "another's envelope");
	p.userid = geteuid() + 1;
	pol.sender = geteuid() + 1;
	passes(pack(p), pol, EPERM, "no place for public keys",
	       "the owner's file is for the owner only");
	p = params("sodium");
	pol = policy();
	pol.own_public = NULL;
	passes(pack(p), pol, EPERM, "no place for public keys",
	       "no public key known");
	pol.own_public = "/nonexistent";
	passes(pack(p), pol, EPERM, "/nonexistent", "no such key file");
}

/* Public keys by uid, in a folder that the administrator keeps. */
static void test_keydir(void)
{
	struct envelope_params p = params("sodium");
	struct envelope_policy pol = policy();
	struct proto_error err = { "" };
	char dir[80], file[96], *text;

	snprintf(dir, sizeof(dir), "%s/keys", base);
	snprintf(file, sizeof(file), "%s/%u", dir, 12345);
	mkdir(dir, 0755);
	text = pubkey_read(AT_FDCWD, public, geteuid(), &err);
	write_file(file, text, 0644);
	free(text);
	p.userid = pol.sender = 12345;
	pol.keydir = dir;
	passes(pack(p), pol, 0, NULL, "key of another user from the folder");
	p.userid = pol.sender = 12346;
	passes(pack(p), pol, EPERM, "12346", "user without a key there");
	p.userid = pol.sender = 12345;
	chmod(file, 0664);
	passes(pack(p), pol, EPERM, "others may write", "key file of mode 664");
	chmod(file, 0644);
	chmod(dir, 0777);
	passes(pack(p), pol, EPERM, "others may write", "folder of mode 777");
	chmod(dir, 0755);
	write_file(file, "weir-ed25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		   "AAA=\n", 0644);
	passes(pack(p), pol, EPERM, "no key", "the folder has another key");
	write_file(file, "rubbish\n", 0644);
	passes(pack(p), pol, EIO, "line 1", "the file is rubbish");
	unlink(file);
	if (symlink(public, file))
		ok(0, "symlink");
	passes(pack(p), pol, EIO, NULL, "the file is a link");
	p = params("sodium");
	pol.sender = geteuid();
	passes(pack(p), pol, 0, NULL,
	       "the owner's own file serves besides the folder");
}

/* ---- none ---- */

static void test_none(void)
{
	struct envelope_params p = params("none");
	struct envelope_policy pol = policy();
	char *text;

	passes(pack(p), pol, 0, NULL, "none: for oneself");
	pol.mechanisms = ENVELOPE_SODIUM | ENVELOPE_MUNGE;
	passes(pack(p), pol, EPERM, "not allowed here", "none: not allowed");
	pol = policy();
	p.userid = pol.sender = geteuid() + 1;
	passes(pack(p), pol, EPERM, "must sign", "none: not for others");
	text = pack(params("none"));
	text[strlen(text) - 1] = 'E';
	passes(text, policy(), EBADMSG, NULL, "none: another signature");
}

int main(void)
{
	set_up();
	test_sodium();
	test_nonce_random();
	test_tampered();
	test_times();
	test_policy();
	test_keydir();
	test_none();
	return tear_down();
}
