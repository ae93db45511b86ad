/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an envelope is signed and who is believed: a row a mechanism. See
 * envelope.h and weir-envelope(5).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <munge.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/envelope.h"
#include "proto/pubkey.h"
#include "proto/signkey.h"

/* ---- none: no proof, so good for oneself only ---- */

static char *none_sign(const struct envelope_params *p, const char *text,
		       size_t len, struct proto_error *err)
{
	char *signature = strdup("none");

	if (!signature)
		proto_error_set(err, ENOMEM, "out of memory");
	return signature;
}

static int none_verify(const struct envelope *env,
		       const struct envelope_policy *policy,
		       struct proto_error *err)
{
	if (strcmp(env->signature, "none"))
		return proto_error_set(err, EBADMSG, "mechanism 'none' with a "
				       "signature");
	if (env->userid != policy->uid)
		return proto_error_set(err, EPERM, "user %u must sign: "
				       "mechanism 'none' is only for user %u",
				       (unsigned)env->userid,
				       (unsigned)policy->uid);
	return 0;
}

/* ---- munge: its daemon states who made the credential ----
 * The credential binds 0x01 and the SHA-256 of the text. MUNGE's own lifetime
 * and replay check are for messages that are read once within minutes; an
 * envelope is read by several parties, and perhaps days later. So these
 * two verdicts are put aside in favour of the header's expiry, the cache of
 * nonces, and the demand that the credential be as old as the header says. */

#define DIGEST_BYTES	(1 + crypto_hash_sha256_BYTES)

static void digest(const char *text, size_t len, unsigned char *out)
{
	out[0] = 1;		/* SHA-256 */
	crypto_hash_sha256(out + 1, (const unsigned char *)text, len);
}

static munge_ctx_t munge_open(const char *socket, struct proto_error *err)
{
	munge_ctx_t ctx = munge_ctx_create();

	if (!ctx) {
		proto_error_set(err, ENOMEM, "out of memory");
	} else if (socket && munge_ctx_set(ctx, MUNGE_OPT_SOCKET, socket)) {
		proto_error_set(err, EIO, "munge: %s", munge_ctx_strerror(ctx));
		munge_ctx_destroy(ctx);
		return NULL;
	}
	return ctx;
}

static void munge_why(munge_ctx_t ctx, munge_err_t e, struct proto_error *err)
{
	const char *why = munge_ctx_strerror(ctx);

	proto_error_set(err, e == EMUNGE_SOCKET || e == EMUNGE_NO_MEMORY ?
			EIO : EBADMSG, "munge: %s", why ? why :
			munge_strerror(e));
}

static char *munge_sign(const struct envelope_params *p, const char *text,
			size_t len, struct proto_error *err)
{
	munge_ctx_t ctx = munge_open(p->munge_socket, err);
	unsigned char bytes[DIGEST_BYTES];
	char *signature = NULL;
	munge_err_t e;

	if (!ctx)
		return NULL;
	digest(text, len, bytes);
	e = munge_encode(&signature, ctx, bytes, sizeof(bytes));
	if (e) {
		munge_why(ctx, e, err);
		errno = EIO;
	}
	munge_ctx_destroy(ctx);
	return signature;
}

/* What a decoded credential must say. */
static int munge_check(const struct envelope *env,
		       const struct envelope_policy *policy, const void *bytes,
		       int len, uid_t uid, time_t encoded,
		       struct proto_error *err)
{
	unsigned char want[DIGEST_BYTES];

	digest(env->text, env->signed_len, want);
	if (len != DIGEST_BYTES || sodium_memcmp(bytes, want, DIGEST_BYTES))
		return proto_error_set(err, EBADMSG, "munge credential is for "
				       "something else: the envelope was "
				       "changed");
	if (uid != env->userid)
		return proto_error_set(err, EPERM, "envelope of user %u was "
				       "signed by user %u",
				       (unsigned)env->userid, (unsigned)uid);
	if (encoded < env->time - policy->skew ||
	    encoded > env->time + ENVELOPE_SUBMIT_AGE + policy->skew)
		return proto_error_set(err, ESTALE, "munge credential was made "
				       "%" PRIi64 " s after the time in the "
				       "header", (int64_t)encoded - env->time);
	return 0;
}

static int munge_verify(const struct envelope *env,
			const struct envelope_policy *policy,
			struct proto_error *err)
{
	munge_ctx_t ctx = munge_open(policy->munge_socket, err);
	time_t encoded = 0;
	void *bytes = NULL;
	munge_err_t e;
	int len = 0, rc = -1, saved;
	uid_t uid = -1;

	if (!ctx)
		return -1;
	e = munge_decode(env->signature, ctx, &bytes, &len, &uid, NULL);
	if (e == EMUNGE_SUCCESS || e == EMUNGE_CRED_EXPIRED ||
	    e == EMUNGE_CRED_REPLAYED)
		e = munge_ctx_get(ctx, MUNGE_OPT_ENCODE_TIME, &encoded);
	if (e)
		munge_why(ctx, e, err);
	else
		rc = munge_check(env, policy, bytes, len, uid, encoded, err);
	saved = errno;
	free(bytes);
	munge_ctx_destroy(ctx);
	errno = saved;
	return rc;
}

/* ---- sodium: FINGERPRINT:BASE64, an Ed25519 signature ---- */

#define SIGNATURE_BASE64 \
	sodium_base64_ENCODED_LEN(crypto_sign_BYTES, \
				  sodium_base64_VARIANT_ORIGINAL)

static char *sodium_sign(const struct envelope_params *p, const char *text,
			 size_t len, struct proto_error *err)
{
	const size_t size = PUBKEY_FINGERPRINT + SIGNATURE_BASE64;
	unsigned char bytes[crypto_sign_BYTES];
	char *signature;
	int at;

	if (!p->key) {
		proto_error_set(err, EINVAL, "no signing key given");
		return NULL;
	}
	signature = malloc(size);
	if (!signature) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	signkey_sign(p->key, text, len, bytes);
	at = snprintf(signature, size, "%s:", signkey_fingerprint(p->key));
	sodium_bin2base64(signature + at, size - at, bytes, sizeof(bytes),
			  sodium_base64_VARIANT_ORIGINAL);
	return signature;
}

/* The public key of ENV's user called FINGERPRINT: first from the directory,
 * and the instance's owner is also believed in what he says himself. */
static int sodium_key(const struct envelope *env,
		      const struct envelope_policy *policy,
		      const char *fingerprint,
		      unsigned char key[PUBKEY_BYTES], struct proto_error *err)
{
	struct proto_error why = { "no place for public keys is configured" };
	char name[16];
	int dir, rc = -1, saved = ENOENT;

	if (policy->keydir) {
		snprintf(name, sizeof(name), "%u", (unsigned)env->userid);
		dir = pubkey_dir(policy->keydir, policy->uid, &why);
		if (dir >= 0)
			rc = pubkey_find(dir, name, policy->uid, fingerprint,
					 key, &why);
		saved = errno;
		if (dir >= 0)
			close(dir);
	}
	if (rc && policy->own_public && env->userid == policy->uid) {
		rc = pubkey_find(AT_FDCWD, policy->own_public, policy->uid,
				 fingerprint, key, &why);
		saved = errno;
	}
	if (!rc)
		return 0;
	return proto_error_set(err, saved == ENOENT || saved == ENOKEY ||
			       saved == EPERM ? EPERM : EIO,
			       "public key of user %u: %s",
			       (unsigned)env->userid, why.text);
}

static int sodium_verify(const struct envelope *env,
			 const struct envelope_policy *policy,
			 struct proto_error *err)
{
	unsigned char key[PUBKEY_BYTES], bytes[crypto_sign_BYTES];
	const char *colon = strchr(env->signature, ':');
	char fingerprint[PUBKEY_FINGERPRINT];
	size_t len;

	if (!colon || colon - env->signature != PUBKEY_FINGERPRINT - 1 ||
	    strspn(env->signature, "0123456789abcdef") !=
	    PUBKEY_FINGERPRINT - 1 ||
	    sodium_base642bin(bytes, sizeof(bytes), colon + 1,
			      strlen(colon + 1), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    len != sizeof(bytes))
		return proto_error_set(err, EBADMSG, "signature is malformed");
	memcpy(fingerprint, env->signature, sizeof(fingerprint) - 1);
	fingerprint[sizeof(fingerprint) - 1] = '\0';
	if (sodium_key(env, policy, fingerprint, key, err))
		return -1;
	if (crypto_sign_verify_detached(bytes,
					(const unsigned char *)env->text,
					env->signed_len, key))
		return proto_error_set(err, EBADMSG, "signature does not fit: "
				       "the envelope was changed");
	return 0;
}

static const struct envelope_mechanism mechanisms[] = {
	{ "none", ENVELOPE_NONE, none_sign, none_verify },
	{ "munge", ENVELOPE_MUNGE, munge_sign, munge_verify },
	{ "sodium", ENVELOPE_SODIUM, sodium_sign, sodium_verify },
};

const struct envelope_mechanism *envelope_mechanism(const char *name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
		if (!strcmp(mechanisms[i].name, name))
			return &mechanisms[i];
	errno = EINVAL;
	return NULL;
}
