/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job envelope: see envelope.h and weir-envelope(5). A stranger's bytes
 * reach envelope_unpack(), also in the privileged monitor: every length is
 * checked before use and every byte is accounted for.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/envelope.h"
#include "proto/kvenc.h"

#define NONCE_HEX	(2 * ENVELOPE_NONCE_BYTES)

static const char hex_digits[] = "0123456789abcdef";
static const char id_characters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

static bool is_nonce(const char *s)
{
	return strlen(s) == NONCE_HEX && strspn(s, hex_digits) == NONCE_HEX;
}

static bool is_instance(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len && len < ENVELOPE_INSTANCE_MAX &&
	       strspn(s, id_characters) == len;
}

static void *refuse(struct proto_error *err, int errnum, const char *text)
{
	proto_error_set(err, errnum, "envelope: %s", text);
	return NULL;
}

/* ---- packing ---- */

static struct kvenc *header_make(const struct envelope_params *p,
				 struct proto_error *err)
{
	struct kvenc *kv = kvenc_create(ENVELOPE_HEADER_MAX);
	unsigned char random[ENVELOPE_NONCE_BYTES];
	char nonce[NONCE_HEX + 1];
	bool bad;

	if (!kv)
		return refuse(err, ENOMEM, "out of memory");
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(nonce, sizeof(nonce), random, sizeof(random));
	bad = kvenc_put_int(kv, "version", ENVELOPE_VERSION) ||
	      kvenc_put_string(kv, "mechanism", p->mechanism) ||
	      kvenc_put_int(kv, "userid", p->userid) ||
	      kvenc_put_string(kv, "instance", p->instance) ||
	      kvenc_put_string(kv, "nonce", p->nonce ? p->nonce : nonce) ||
	      kvenc_put_time(kv, "time", p->time) ||
	      kvenc_put_time(kv, "expiry", p->time + p->lifetime);
	if (bad) {
		kvenc_destroy(kv);
		return refuse(err, errno, "header cannot be written");
	}
	return kv;
}

/* "HEADER.PAYLOAD", to be freed. */
static char *signed_text(const struct kvenc *kv, const void *payload,
			 size_t len, size_t *text_len,
			 struct proto_error *err)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL;
	size_t header_len, size;
	const char *header = kvenc_encoded(kv, &header_len);
	char *text, *p;

	size = ENVELOPE_BASE64(header_len) + 1 + ENVELOPE_BASE64(len) + 1;
	text = malloc(size);
	if (!text)
		return refuse(err, ENOMEM, "out of memory");
	sodium_bin2base64(text, size, (const unsigned char *)header,
			  header_len, variant);
	p = text + strlen(text);
	*p++ = '.';
	sodium_bin2base64(p, size - (p - text), payload, len, variant);
	*text_len = size - 1;
	return text;
}

char *envelope_pack(const struct envelope_params *p, const void *payload,
		    size_t len, struct proto_error *err)
{
	const struct envelope_mechanism *m;
	char *text = NULL, *signature = NULL, *whole = NULL;
	size_t text_len, signature_len;
	struct kvenc *kv;

	if (sodium_init() < 0)
		return refuse(err, EIO, "libsodium does not start");
	m = envelope_mechanism(p->mechanism);
	if (!m)
		return refuse(err, EINVAL, "unknown mechanism");
	if (!is_instance(p->instance))
		return refuse(err, EINVAL, "instance is no instance id");
	if (p->nonce && !is_nonce(p->nonce))
		return refuse(err, EINVAL, "nonce is not 32 hex digits");
	if (p->userid == (uid_t)-1 || p->lifetime <= 0 || !len)
		return refuse(err, EINVAL, !len ? "no payload" :
			      "userid or lifetime out of range");
	if (len > ENVELOPE_PAYLOAD_MAX)
		return refuse(err, E2BIG, "payload is over 4 MiB");
	kv = header_make(p, err);
	if (!kv)
		return NULL;
	text = signed_text(kv, payload, len, &text_len, err);
	kvenc_destroy(kv);
	if (text)
		signature = m->sign(p, text, text_len, err);
	if (signature) {
		signature_len = strlen(signature);
		whole = realloc(text, text_len + 1 + signature_len + 1);
	}
	if (whole) {
		text = NULL;
		whole[text_len] = '.';
		memcpy(whole + text_len + 1, signature, signature_len + 1);
	} else if (signature) {
		refuse(err, ENOMEM, "out of memory");
	}
	free(text);
	free(signature);
	return whole;
}

/* ---- unpacking ---- */

/* Bytes of strict base64 and a NUL behind them, to be freed. */
static char *decode_part(const char *name, const char *text, size_t len,
			 size_t max, size_t *bytes, struct proto_error *err)
{
	char *buf;

	if (!len || len > ENVELOPE_BASE64(max)) {
		proto_error_set(err, len ? E2BIG : EINVAL,
				"envelope: %s is %s", name,
				len ? "too long" : "empty");
		return NULL;
	}
	buf = malloc(len / 4 * 3 + 4);
	if (!buf)
		return refuse(err, ENOMEM, "out of memory");
	if (sodium_base642bin((unsigned char *)buf, len / 4 * 3 + 3, text, len,
			      NULL, bytes, NULL,
			      sodium_base64_VARIANT_ORIGINAL)) {
		proto_error_set(err, EINVAL, "envelope: %s is not base64",
				name);
		free(buf);
		return NULL;
	}
	if (*bytes > max) {
		proto_error_set(err, E2BIG, "envelope: %s is too long", name);
		free(buf);
		return NULL;
	}
	buf[*bytes] = '\0';
	return buf;
}

static int header_string(const struct kvenc *kv, const char *key,
			 const char **value, struct proto_error *err)
{
	if (!kvenc_get_string(kv, key, value))
		return 0;
	return proto_error_set(err, EINVAL, "envelope: header: %s is %s", key,
			       errno == ENOENT ? "missing" : "not a string");
}

static int header_number(const struct kvenc *kv, const char *key,
			 int (*get)(const struct kvenc *, const char *,
				    int64_t *),
			 int64_t *value, struct proto_error *err)
{
	if (!get(kv, key, value))
		return 0;
	return proto_error_set(err, EINVAL, "envelope: header: %s is %s", key,
			       errno == ENOENT ? "missing" : "of a wrong type");
}

static int header_strings(const struct kvenc *kv, struct envelope *env,
			  struct proto_error *err)
{
	const char *mechanism, *instance, *nonce;

	if (header_string(kv, "mechanism", &mechanism, err) ||
	    header_string(kv, "instance", &instance, err) ||
	    header_string(kv, "nonce", &nonce, err))
		return -1;
	if (!*mechanism || strlen(mechanism) >= ENVELOPE_MECHANISM_MAX ||
	    strspn(mechanism, id_characters) != strlen(mechanism))
		return proto_error_set(err, EINVAL, "envelope: header: "
				       "mechanism is no name");
	if (!is_instance(instance))
		return proto_error_set(err, EINVAL, "envelope: header: "
				       "instance is no instance id");
	if (!is_nonce(nonce))
		return proto_error_set(err, EINVAL, "envelope: header: "
				       "nonce is not 32 hex digits");
	strcpy(env->mechanism, mechanism);
	strcpy(env->instance, instance);
	return sodium_hex2bin(env->nonce, sizeof(env->nonce), nonce, NONCE_HEX,
			      NULL, NULL, NULL);
}

static int header_read(const struct kvenc *kv, struct envelope *env,
		       struct proto_error *err)
{
	int64_t version, userid;

	if (header_number(kv, "version", kvenc_get_int, &version, err))
		return -1;
	if (version != ENVELOPE_VERSION)
		return proto_error_set(err, EINVAL, "envelope: version %"
				       PRIi64 " is not known, only %d", version,
				       ENVELOPE_VERSION);
	if (header_strings(kv, env, err) ||
	    header_number(kv, "userid", kvenc_get_int, &userid, err) ||
	    header_number(kv, "time", kvenc_get_time, &env->time, err) ||
	    header_number(kv, "expiry", kvenc_get_time, &env->expiry, err))
		return -1;
	if (userid < 0 || userid >= UINT32_MAX)
		return proto_error_set(err, EINVAL, "envelope: header: userid "
				       "%" PRIi64 " is no user id", userid);
	if (env->expiry <= env->time)
		return proto_error_set(err, EINVAL, "envelope: header: expiry "
				       "is not after time");
	env->userid = userid;
	return 0;
}

static int decode(struct envelope *env, const char *dot,
		  struct proto_error *err)
{
	size_t header_len, payload_len = env->signed_len - (dot - env->text) - 1;
	struct proto_error why = { "" };
	char *header;
	struct kvenc *kv;
	int rc;

	header = decode_part("header", env->text, dot - env->text,
			     ENVELOPE_HEADER_MAX, &header_len, err);
	if (!header)
		return -1;
	kv = kvenc_decode(header, header_len, ENVELOPE_HEADER_MAX, &why);
	free(header);
	if (!kv)
		return proto_error_set(err, errno, "envelope: header: %s",
				       why.text);
	rc = header_read(kv, env, err);
	kvenc_destroy(kv);
	if (rc)
		return -1;
	env->payload = decode_part("payload", dot + 1, payload_len,
				   ENVELOPE_PAYLOAD_MAX, &env->payload_len,
				   err);
	return env->payload ? 0 : -1;
}

/* Printable, without space and dot. */
static bool is_signature(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '.')
			return false;
	return len > 0;
}

struct envelope *envelope_unpack(const char *text, size_t len,
				 struct proto_error *err)
{
	const char *dot, *dot2 = NULL;
	struct envelope *env;
	size_t signature_len;

	if (sodium_init() < 0)
		return refuse(err, EIO, "libsodium does not start");
	if (len > ENVELOPE_TEXT_MAX)
		return refuse(err, E2BIG, "too long");
	dot = memchr(text, '.', len);
	if (dot)
		dot2 = memchr(dot + 1, '.', text + len - dot - 1);
	if (!dot2)
		return refuse(err, EINVAL, "not HEADER.PAYLOAD.SIGNATURE");
	signature_len = text + len - dot2 - 1;
	if (signature_len > ENVELOPE_SIGNATURE_MAX)
		return refuse(err, E2BIG, "signature is too long");
	if (!is_signature(dot2 + 1, signature_len))
		return refuse(err, EINVAL, "signature is malformed");
	env = calloc(1, sizeof(*env));
	if (env)
		env->text = malloc(len + 1);
	if (!env || !env->text) {
		envelope_destroy(env);
		return refuse(err, ENOMEM, "out of memory");
	}
	memcpy(env->text, text, len);
	env->text[len] = '\0';
	env->signed_len = dot2 - text;
	env->text[env->signed_len] = '\0';
	env->signature = env->text + env->signed_len + 1;
	if (decode(env, env->text + (dot - text), err)) {
		envelope_destroy(env);
		return NULL;
	}
	return env;
}

void envelope_destroy(struct envelope *env)
{
	int saved = errno;

	if (env) {
		free(env->payload);
		free(env->text);
		free(env);
	}
	errno = saved;
}

/* ---- verifying ---- */

static int verify_time(const struct envelope *env,
		       const struct envelope_policy *policy,
		       struct proto_error *err)
{
	int64_t age = policy->now - env->time;
	int64_t lifetime = env->expiry - env->time;

	if (lifetime > policy->max_lifetime)
		return proto_error_set(err, EPERM, "envelope is valid for %"
				       PRIi64 " s, at most %" PRIi64
				       " s are allowed", lifetime,
				       policy->max_lifetime);
	if (age < -policy->skew)
		return proto_error_set(err, ESTALE, "envelope is not yet "
				       "valid: signed %" PRIi64 " s in the "
				       "future; are the clocks right?", -age);
	if (age >= lifetime + policy->skew)
		return proto_error_set(err, ESTALE, "envelope has expired "
				       "%" PRIi64 " s ago", age - lifetime);
	if (policy->max_age && age > policy->max_age + policy->skew)
		return proto_error_set(err, ESTALE, "envelope was signed %"
				       PRIi64 " s ago, at most %" PRIi64
				       " s are allowed", age, policy->max_age);
	return 0;
}

int envelope_verify(const struct envelope *env,
		    const struct envelope_policy *policy,
		    struct proto_error *err)
{
	const struct envelope_mechanism *m = envelope_mechanism(env->mechanism);

	if (!m || !(m->bit & policy->mechanisms))
		return proto_error_set(err, EPERM, "signing mechanism '%s' is "
				       "%s", env->mechanism,
				       m ? "not allowed here" : "not known");
	if (policy->sender >= 0 && policy->sender != (int64_t)env->userid)
		return proto_error_set(err, EPERM, "envelope of user %u was "
				       "sent by user %" PRIi64,
				       (unsigned)env->userid, policy->sender);
	if (policy->instance && strcmp(policy->instance, env->instance))
		return proto_error_set(err, EPERM, "envelope is for instance "
				       "%s, this is %s", env->instance,
				       policy->instance);
	if (verify_time(env, policy, err))
		return -1;
	return m->verify(env, policy, err);
}
