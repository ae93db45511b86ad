/* SPDX-License-Identifier: Apache-2.0 */
/* The job envelope: format version 1 frozen in a golden file, every check of
 * the verifier, tampering with each byte, the three mechanisms, replay. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/envelope.h"
#include "proto/kvenc.h"
#include "proto/pubkey.h"
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

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fchmod(fd, mode) || close(fd)) {
		printf("Bail out! cannot write %s\n", path);
		exit(1);
	}
}

static struct envelope_params params(const char *mechanism)
{
	return (struct envelope_params){
		.mechanism = mechanism, .userid = geteuid(),
		.instance = INSTANCE, .time = NOW, .lifetime = DAY,
		.nonce = NONCE, .key = key, .munge_socket = munge_socket,
	};
}

static struct envelope_policy policy(void)
{
	return (struct envelope_policy){
		.mechanisms = ENVELOPE_NONE | ENVELOPE_SODIUM, .uid = geteuid(),
		.sender = geteuid(), .instance = INSTANCE, .now = NOW + 10,
		.max_lifetime = DAY, .max_age = 300, .skew = 30,
		.own_public = public, .munge_socket = munge_socket,
	};
}

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

/* ---- what unpacking refuses ---- */

/* base64 of HEADER, and TAIL behind it. */
static char *assemble(const char *header, size_t len, const char *tail)
{
	size_t size = ENVELOPE_BASE64(len) + 1 + strlen(tail) + 1;
	char *text = malloc(size);

	sodium_bin2base64(text, size, (const unsigned char *)header, len,
			  sodium_base64_VARIANT_ORIGINAL);
	strcat(text, tail);
	return text;
}

#define TAIL ".e30=.none"

/* An envelope of a good header with one pair replaced or, with VALUE NULL,
 * taken away; TAIL is what follows the header. */
static char *with_pair(const char *name, char type, const char *value,
		       const char *tail)
{
	struct kvenc *kv = kvenc_create(8192);
	const char *bytes;
	char pair[8192];
	size_t len, n = 0;

	kvenc_put_int(kv, "version", 1);
	kvenc_put_string(kv, "mechanism", "none");
	kvenc_put_int(kv, "userid", geteuid());
	kvenc_put_string(kv, "instance", INSTANCE);
	kvenc_put_string(kv, "nonce", NONCE);
	kvenc_put_time(kv, "time", NOW);
	kvenc_put_time(kv, "expiry", NOW + DAY);
	kvenc_delete(kv, name);
	bytes = kvenc_encoded(kv, &len);
	memcpy(pair, bytes, len);
	if (value)
		n = snprintf(pair + len, sizeof(pair) - len, "%s%c%c%s", name,
			     0, type, value) + 1;
	kvenc_destroy(kv);
	return assemble(pair, len + n, tail);
}

static const struct {
	const char *what, *name;
	char type;
	const char *value, *word;
} headers[] = {
	{ "no version", "version", 0, NULL, "version is missing" },
	{ "version 2", "version", 'i', "2", "version 2 is not known" },
	{ "version as a string", "version", 's', "1", "wrong type" },
	{ "no mechanism", "mechanism", 0, NULL, "mechanism is missing" },
	{ "empty mechanism", "mechanism", 's', "", "no name" },
	{ "long mechanism", "mechanism", 's', "sixteencharacter", "no name" },
	{ "mechanism with a line feed", "mechanism", 's', "a\nb", "no name" },
	{ "unknown mechanism", "mechanism", 's', "pgp", "not known" },
	{ "no userid", "userid", 0, NULL, "userid is missing" },
	{ "negative userid", "userid", 'i', "-1", "no user id" },
	{ "userid of nobody", "userid", 'i', "4294967295", "no user id" },
	{ "userid beyond 32 bits", "userid", 'i', "4294967296", "no user id" },
	{ "userid as a string", "userid", 's', "0", "wrong type" },
	{ "no instance", "instance", 0, NULL, "instance is missing" },
	{ "empty instance", "instance", 's', "", "no instance id" },
	{ "instance with a space", "instance", 's', "a b", "no instance id" },
	{ "no nonce", "nonce", 0, NULL, "nonce is missing" },
	{ "short nonce", "nonce", 's', "00", "32 hex" },
	{ "nonce in capitals", "nonce", 's',
	  "000102030405060708090A0B0C0D0E0F", "32 hex" },
	{ "no time", "time", 0, NULL, "time is missing" },
	{ "time as an int", "time", 'i', "1700000000", "wrong type" },
	{ "no expiry", "expiry", 0, NULL, "expiry is missing" },
	{ "expiry at time", "expiry", 't', "2023-11-14T22:13:20Z",
	  "not after" },
	{ "pair of unknown type", "more", 'x', "1", "unknown type" },
};

static void test_headers(void)
{
	struct proto_error err;
	char *text, big[ENVELOPE_HEADER_MAX];
	int got;

	passes(with_pair("more", 's', "1", TAIL), policy(), 0, NULL,
	       "a further pair is allowed");
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		text = with_pair(headers[i].name, headers[i].type,
				 headers[i].value, TAIL);
		err.text[0] = '\0';
		got = check(text, strlen(text), policy(), &err);
		ok(got && strstr(err.text, headers[i].word),
		   "refused: %s (%s)", headers[i].what, err.text);
		free(text);
	}
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	passes(with_pair("more", 's', big, TAIL), policy(), E2BIG, "too long",
	       "refused: header over 4 KiB");
}

static const struct {
	const char *what, *text;
	int errnum;
} shapes[] = {
	{ "nothing", "", EINVAL },
	{ "one part", "e30=", EINVAL },
	{ "two parts", "e30=.e30=", EINVAL },
	{ "no header", ".e30=.none", EINVAL },
	{ "no signature", "e30=.e30=.", EINVAL },
	{ "four parts", "e30=.e30=.a.b", EINVAL },
	{ "signature with a space", "e30=.e30=.a b", EINVAL },
	{ "signature with a line feed", "e30=.e30=.none\n", EINVAL },
	{ "base64 without padding", "e30.e30=.none", EINVAL },
	{ "base64 of the other alphabet", "-_-_.e30=.none", EINVAL },
	{ "base64 with a line feed", "e3\n0=.e30=.none", EINVAL },
};

static void test_shapes(void)
{
	static const char *const payloads[] = {
		"..none", ".e30.none", ".e31=.none", ".e30=e30=.none",
	};
	struct proto_error err = { "" };
	char *text;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		passes(strdup(shapes[i].text), policy(), shapes[i].errnum,
		       NULL, shapes[i].what);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		passes(with_pair("more", 's', "1", payloads[i]), policy(),
		       EINVAL, "payload", payloads[i]);
	text = calloc(1, ENVELOPE_TEXT_MAX + 2);
	memset(text, 'A', ENVELOPE_TEXT_MAX + 1);
	ok(check(text, ENVELOPE_TEXT_MAX + 1, policy(), &err) == E2BIG,
	   "refused: over the limit of all (%s)", err.text);
	free(text);
}

static void test_bounds(void)
{
	struct envelope_params p = params("none");
	char *payload = malloc(ENVELOPE_PAYLOAD_MAX + 1), *text;

	memset(payload, 'x', ENVELOPE_PAYLOAD_MAX + 1);
	text = envelope_pack(&p, payload, ENVELOPE_PAYLOAD_MAX + 1, NULL);
	ok(!text && errno == E2BIG, "a payload over 4 MiB is not packed");
	text = envelope_pack(&p, payload, ENVELOPE_PAYLOAD_MAX, NULL);
	ok(text && !check(text, strlen(text), policy(), NULL),
	   "a payload of 4 MiB passes");
	free(text);
	free(payload);
	ok(!envelope_pack(&p, "", 0, NULL) && errno == EINVAL, "no payload");
	p.lifetime = 0;
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL, "no lifetime");
	p = params("none");
	p.nonce = "00";
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL, "short nonce");
	p = params("none");
	p.instance = NULL;
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL, "no instance");
	p = params("pgp");
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL,
	   "no such mechanism");
}

/* ---- golden file: format version 1 as it was first written ---- */

static void test_golden(void)
{
	const char *src = getenv("srcdir");
	struct envelope_params p = params("sodium");
	struct envelope_policy pol = policy();
	char path[512], golden[2048];
	FILE *f;
	char *text;

	snprintf(path, sizeof(path), "%s/t/unit/golden/envelope-1.txt",
		 src ? src : ".");
	f = fopen(path, "r");
	if (!ok(f && fgets(golden, sizeof(golden), f), "golden file %s", path))
		return;
	fclose(f);
	golden[strcspn(golden, "\n")] = '\0';
	p.userid = 1000;
	text = pack(p);
	is_str(text, golden, "version 1 is written as ever");
	free(text);
	snprintf(path, sizeof(path), "%s/golden", base);
	mkdir(path, 0755);
	strcat(path, "/1000");
	if (link(public, path))
		ok(0, "link");
	*strrchr(path, '/') = '\0';
	pol.sender = 1000;
	pol.keydir = path;
	passes(strdup(golden), pol, 0, NULL, "version 1 passes as ever");
}

/* ---- replay ---- */

static struct envelope *nth(unsigned n, uid_t uid)
{
	struct envelope *env = calloc(1, sizeof(*env));

	env->userid = uid;
	env->time = NOW + n;
	env->expiry = NOW + n + DAY;
	memcpy(env->nonce, &n, sizeof(n));
	return env;
}

static int add(struct envelope_nonces *seen, unsigned n, uid_t uid,
	       int64_t now)
{
	struct envelope *env = nth(n, uid);
	struct envelope_policy pol = { .now = now, .max_age = 300, .skew = 30 };
	int rc = envelope_nonces_add(seen, env, &pol) ? errno : 0;

	envelope_destroy(env);
	return rc;
}

static void test_replay(void)
{
	struct envelope_nonces *seen = envelope_nonces_create(1000);
	int bad = 0;

	is_int(add(seen, 1, 1, NOW), 0, "first time");
	is_int(add(seen, 1, 1, NOW + 1), EEXIST, "replay is noticed");
	is_int(add(seen, 1, 2, NOW + 1), 0, "another user's nonce is another");
	is_int(add(seen, 1, 1, NOW + 1 + 330), EEXIST,
	       "remembered as long as it could pass");
	is_int(add(seen, 1, 1, NOW + 1 + 331), 0, "forgotten afterwards");
	envelope_nonces_destroy(seen);

	seen = envelope_nonces_create(1000);
	for (unsigned n = 0; n < 1000; n++)
		bad += add(seen, n, 1, NOW) != 0;
	is_int(bad, 0, "1000 fit");
	for (unsigned n = 0; n < 1000; n++)
		bad += add(seen, n, 1, NOW) != EEXIST;
	is_int(bad, 0, "all of them are remembered");
	is_int(add(seen, 1000, 1, NOW), ENOSPC, "one more does not fit");
	is_int(envelope_nonces_count(seen), 1000, "count");
	is_int(add(seen, 1000, 1, NOW + 331), 0, "it does when one is over");
	for (unsigned n = 1; n < 1001; n++)
		bad += add(seen, n, 1, NOW + 331) != EEXIST;
	is_int(bad, 0, "the others are still remembered");
	for (unsigned n = 2000; n < 200000; n++)
		bad += add(seen, n, 1, NOW + n) != 0;
	is_int(bad, 0, "as many as one likes over time");
	ok(envelope_nonces_count(seen) <= 1000, "within the bound");
	envelope_nonces_destroy(seen);
	envelope_nonces_destroy(NULL);
}

/* ---- munge, with a daemon of our own ---- */

static pid_t munged_start(void)
{
	char keyfile[80], key_opt[128], sock[160], pid[128], log[128],
	     seed[128], bytes[129];
	int null, status;
	pid_t child;

	if (access("/usr/sbin/munged", X_OK))
		return -1;
	snprintf(keyfile, sizeof(keyfile), "%s/munge/key", base);
	snprintf(key_opt, sizeof(key_opt), "--key-file=%s", keyfile);
	snprintf(sock, sizeof(sock), "--socket=%s", munge_socket);
	snprintf(pid, sizeof(pid), "--pid-file=%s/munge/pid", base);
	snprintf(log, sizeof(log), "--log-file=%s/munge/log", base);
	snprintf(seed, sizeof(seed), "--seed-file=%s/munge/seed", base);
	memset(bytes, 'k', 128);
	bytes[128] = '\0';
	write_file(keyfile, bytes, 0400);
	prctl(PR_SET_CHILD_SUBREAPER, 1);	/* for munged_stop */
	child = fork();
	if (child)
		return waitpid(child, &status, 0) == child && !status ?
		       child : -1;
	/* without --foreground it returns when the socket is ready */
	null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	execl("/usr/sbin/munged", "munged", "--force", "--num-threads=1",
	      key_opt, sock, pid, log, seed, (char *)NULL);
	_exit(127);
}

static void munged_stop(void)
{
	char path[96];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/munge/pid", base);
	f = fopen(path, "r");
	if (f && fscanf(f, "%d", &pid) == 1 && !kill(pid, SIGTERM))
		waitpid(pid, NULL, 0);
	if (f)
		fclose(f);
}

static void test_munge(void)
{
	struct envelope_params p = params("munge");
	struct envelope_policy pol = policy();
	char *text, *other, *sig;

	if (munged_start() < 0) {
		ok(1, "munge # SKIP cannot run a munge daemon here");
		return;
	}
	p.time = time(NULL);
	pol.now = p.time + 1;
	pol.mechanisms = ENVELOPE_MUNGE;
	passes(pack(p), pol, 0, NULL, "munge: good envelope passes");
	text = pack(p);
	ok(!check(text, strlen(text), pol, NULL) &&
	   !check(text, strlen(text), pol, NULL),
	   "munge: schedd and the monitor both can verify");
	text[strcspn(text, ".") + 3] ^= 1;
	passes(text, pol, EBADMSG, "changed", "munge: payload changed");
	text = pack(p);
	sig = strrchr(text, '.');
	sig[40] = sig[40] == 'A' ? 'B' : 'A';
	passes(text, pol, EBADMSG, "munge", "munge: credential changed");
	text = pack(p);
	strcpy(strrchr(text, '.'), ".none");
	passes(text, pol, EBADMSG, "munge", "munge: no credential");
	p.userid++;
	pol.sender++;
	passes(pack(p), pol, EPERM, "signed by user",
	       "munge: in another's name");
	p = params("munge");
	pol = policy();
	pol.mechanisms = ENVELOPE_MUNGE;
	passes(pack(p), pol, ESTALE, "after the time",
	       "munge: credential much later than the header's time");
	p.time = pol.now = time(NULL) + 1000;
	passes(pack(p), pol, ESTALE, "after the time",
	       "munge: credential before the header's time");
	p.time = time(NULL);
	text = pack(p);
	p.nonce = NULL;
	other = pack(p);
	sig = strrchr(other, '.');
	text = realloc(text, strlen(text) + strlen(sig) + 1);
	strcpy(strrchr(text, '.'), sig);
	free(other);
	pol.now = p.time;
	passes(text, pol, EBADMSG, "changed",
	       "munge: credential of another envelope");
	munged_stop();
	text = pack(params("none"));
	free(text);
	p.munge_socket = "/nonexistent";
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EIO,
	   "munge: no daemon, no signature");
}

int main(void)
{
	char path[128];

	umask(022);
	if (!mkdtemp(base) || sodium_init() < 0)
		return 1;
	snprintf(keys, sizeof(keys), "%s/weir", base);
	snprintf(public, sizeof(public), "%s/sign.pub", keys);
	snprintf(munge_socket, sizeof(munge_socket), "%s/munge/socket", base);
	snprintf(path, sizeof(path), "%s/munge", base);
	mkdir(path, 0755);
	mkdir(keys, 0700);
	snprintf(path, sizeof(path), "%s/sign.key", keys);
	write_file(path, SECRET, 0600);
	key = signkey_open(keys, NULL);
	if (!ok(key != NULL, "signing key"))
		return done();
	test_sodium();
	test_nonce_random();
	test_tampered();
	test_times();
	test_policy();
	test_keydir();
	test_none();
	test_headers();
	test_shapes();
	test_bounds();
	test_golden();
	test_replay();
	test_munge();
	signkey_destroy(key);
	snprintf(path, sizeof(path), "rm -rf '%s'", base);
	return system(path) ? 1 : done();
}
