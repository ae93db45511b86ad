/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of public signing keys: a line a key, "weir-ed25519 BASE64 [comment]",
 * empty lines and lines that begin with # ignored. A user may have several, so
 * that work signed with an old key is accepted while there is a new one.
 * See weir-envelope(5).
 */
#ifndef WEIR_PROTO_PUBKEY_H
#define WEIR_PROTO_PUBKEY_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/error.h"

#define PUBKEY_BYTES		32
#define PUBKEY_FINGERPRINT	33	/* 32 hex digits and a NUL */
#define PUBKEY_FILE_MAX		65536u	/* bytes */
#define PUBKEY_WORD		"weir-ed25519"

/* Name of a key: BLAKE2b, 128 bits, of its bytes. */
void pubkey_fingerprint(const unsigned char key[PUBKEY_BYTES],
			char fingerprint[PUBKEY_FINGERPRINT]);

/*
 * Find the key called FINGERPRINT in the file NAME of the open directory DIR
 * (AT_FDCWD: NAME is a path). The file must be a regular one, no symbolic
 * link, owned by root or OWNER and writable by nobody else. -1 with ENOENT (no
 * such file), ENOKEY (no such key in it), EPERM (owner or mode), EINVAL (a
 * line is malformed), or what reading it gave.
 */
int pubkey_find(int dir, const char *name, uid_t owner,
		const char *fingerprint, unsigned char key[PUBKEY_BYTES],
		struct proto_error *err);

/* Open DIR if it is a directory that root or OWNER owns and nobody else can
 * write. The descriptor, or -1 as above. */
int pubkey_dir(const char *dir, uid_t owner, struct proto_error *err);

/* The file's bytes and a NUL, to be freed, checked as by pubkey_find. */
char *pubkey_read(int dir, const char *name, uid_t owner,
		  struct proto_error *err);

/* As pubkey_find in TEXT. */
int pubkey_scan(const char *text, const char *fingerprint,
		unsigned char key[PUBKEY_BYTES], struct proto_error *err);

#endif
