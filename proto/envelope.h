/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signed job envelope: what a user asks for, bound to that user, to one
 * instance and to a span of time. See weir-envelope(5).
 *
 *	HEADER.PAYLOAD.SIGNATURE
 *
 * HEADER and PAYLOAD are base64; the signature covers the exact text
 * "HEADER.PAYLOAD". schedd verifies at submission, and the privileged monitor
 * again before it runs anything, so that this code stands alone: libsodium
 * and libmunge, no JSON, no event loop, no memory that outlives a call
 * but what it returns.
 *
 * Unpacking proves nothing. Only what envelope_verify() has passed may be
 * acted on.
 */
#ifndef WEIR_PROTO_ENVELOPE_H
#define WEIR_PROTO_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/error.h"

#define ENVELOPE_VERSION	1
#define ENVELOPE_HEADER_MAX	4096u		/* bytes, decoded */
#define ENVELOPE_PAYLOAD_MAX	(4u << 20)	/* bytes, decoded */
#define ENVELOPE_SIGNATURE_MAX	4096u
#define ENVELOPE_BASE64(n)	(((n) + 2) / 3 * 4)
#define ENVELOPE_TEXT_MAX	(ENVELOPE_BASE64(ENVELOPE_HEADER_MAX) + 1 + \
				 ENVELOPE_BASE64(ENVELOPE_PAYLOAD_MAX) + 1 + \
				 ENVELOPE_SIGNATURE_MAX)

#define ENVELOPE_MECHANISM_MAX	16	/* with the NUL */
#define ENVELOPE_INSTANCE_MAX	65	/* with the NUL */
#define ENVELOPE_NONCE_BYTES	16	/* twice as many hex digits */

/* Suggested times, in seconds. */
#define ENVELOPE_LIFETIME	(14 * 86400)	/* from signing to running */
#define ENVELOPE_SUBMIT_AGE	300		/* from signing to submission */
#define ENVELOPE_SKEW		30		/* between two machines' clocks */

/* Bits of envelope_policy.mechanisms. */
enum {
	ENVELOPE_NONE = 1,	/* no signature: the verifier's own user only */
	ENVELOPE_MUNGE = 2,	/* MUNGE states who packed it */
	ENVELOPE_SODIUM = 4,	/* the user's Ed25519 key, see signkey.h */
};

struct signkey;

/* ---- packing ---- */

struct envelope_params {
	const char *mechanism;	/* "none", "munge" or "sodium" */
	uid_t userid;
	const char *instance;	/* the id of the instance it is meant for */
	int64_t time;		/* now, seconds since 1970 */
	int64_t lifetime;	/* seconds from then on */
	const char *nonce;	/* 32 hex digits, or NULL: random */
	const struct signkey *key;	/* sodium */
	const char *munge_socket;	/* munge; NULL: its default */
};

/* Text of an envelope, to be freed. NULL with errno EINVAL (a parameter is
 * not allowed), E2BIG, ENOMEM, or EIO (no munge daemon). */
char *envelope_pack(const struct envelope_params *p, const void *payload,
		    size_t len, struct proto_error *err);

/* ---- unpacking ---- */

struct envelope {
	char mechanism[ENVELOPE_MECHANISM_MAX];
	uid_t userid;		/* as claimed */
	char instance[ENVELOPE_INSTANCE_MAX];
	unsigned char nonce[ENVELOPE_NONCE_BYTES];
	int64_t time, expiry;	/* seconds since 1970 */
	char *payload;		/* a NUL that is not counted follows */
	size_t payload_len;
	char *text;		/* "HEADER.PAYLOAD", NUL, signature, NUL */
	size_t signed_len;	/* of "HEADER.PAYLOAD" */
	const char *signature;	/* in text */
};

/* NULL with errno EINVAL (malformed; ERR says where), E2BIG or ENOMEM. */
struct envelope *envelope_unpack(const char *text, size_t len,
				 struct proto_error *err);
void envelope_destroy(struct envelope *env);

/* ---- verifying ---- */

/* All zero is a policy that nothing passes. */
struct envelope_policy {
	unsigned mechanisms;	/* those allowed */
	uid_t uid;		/* the instance's owner, whom the verifier
				   works for */
	int64_t sender;		/* uid that sent it; -1: not known */
	const char *instance;	/* id that it must name; NULL: any */
	int64_t now;		/* seconds since 1970 */
	int64_t max_lifetime;	/* greatest expiry - time */
	int64_t max_age;	/* greatest now - time; 0: up to the expiry */
	int64_t skew;		/* how much clocks may differ */
	const char *keydir;	/* sodium: files of public keys named by uid,
				   owned by root or uid; NULL: none */
	const char *own_public;	/* sodium: uid's own public keys; or NULL */
	const char *munge_socket;	/* NULL: its default */
};

/*
 * Does ENV pass? -1 with ERR telling which check failed and errno
 *	EPERM	mechanism, user, instance or key is not accepted
 *	ESTALE	expired, not yet valid, or too old to submit: sign again
 *	EBADMSG	the signature does not fit
 *	EIO	the munge daemon or a key file could not be used
 */
int envelope_verify(const struct envelope *env,
		    const struct envelope_policy *policy,
		    struct proto_error *err);

/* ---- mechanisms (envmech.c) ---- */

struct envelope_mechanism {
	const char *name;
	unsigned bit;
	/* Signature of the LEN bytes at TEXT, to be freed; NULL with errno. */
	char *(*sign)(const struct envelope_params *p, const char *text,
		      size_t len, struct proto_error *err);
	/* 0 if the signature is ENV's user's over ENV's text. */
	int (*verify)(const struct envelope *env,
		      const struct envelope_policy *policy,
		      struct proto_error *err);
};

/* NULL with EINVAL if there is none called NAME. */
const struct envelope_mechanism *envelope_mechanism(const char *name);

/* ---- replay (nonces.c) ---- */

/*
 * The envelopes seen that could be presented again, by user and nonce. Each
 * is forgotten when the policy would refuse it as too old. Nothing is kept
 * over a restart: who creates one then adds the recent envelopes again.
 */
struct envelope_nonces;

/* MAX: how many to remember at most. NULL with ENOMEM. */
struct envelope_nonces *envelope_nonces_create(size_t max);
void envelope_nonces_destroy(struct envelope_nonces *n);

/* Remember ENV, which has passed POLICY, and the ID of the job that it made.
 * -1 with errno EEXIST (seen before), ENOSPC (MAX of them are not yet too old)
 * or ENOMEM. */
int envelope_nonces_add(struct envelope_nonces *n, const struct envelope *env,
			const struct envelope_policy *policy, uint64_t id);
/* Has it been seen? Then *ID is the job's. */
bool envelope_nonces_find(const struct envelope_nonces *n,
			  const struct envelope *env,
			  const struct envelope_policy *policy, uint64_t *id);

size_t envelope_nonces_count(const struct envelope_nonces *n);

#endif
