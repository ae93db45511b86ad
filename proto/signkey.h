/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's own signing key, Ed25519: sign.key (secret, mode 0600) and
 * sign.pub (see pubkey.h) in the user's configuration folder. Made on first
 * use; several first users at once get the same one. See weir-envelope(5).
 */
#ifndef WEIR_PROTO_SIGNKEY_H
#define WEIR_PROTO_SIGNKEY_H

#include <stddef.h>

#include "proto/error.h"

#define SIGNKEY_SIGNATURE_BYTES	64

struct signkey;

/* The folder: $XDG_CONFIG_HOME/weir, else .config/weir in the home folder.
 * To be freed. NULL with ENOMEM, or ENOENT if the user has no home. */
char *signkey_dir(void);

/* The file of public keys there, for envelope_policy.own_public. Likewise. */
char *signkey_public_file(void);

/*
 * Load the key of folder DIR (NULL: signkey_dir); make folder, key and public
 * key if they are missing. The memory is locked, kept out of core dumps, and
 * wiped by signkey_destroy. NULL with errno EPERM (folder or file is not the
 * caller's alone), ELOOP (a symbolic link), EINVAL (not a key file), ENOMEM,
 * or what the file system gave; ERR names the file.
 */
struct signkey *signkey_open(const char *dir, struct proto_error *err);
void signkey_destroy(struct signkey *key);

void signkey_sign(const struct signkey *key, const void *data, size_t len,
		  unsigned char signature[SIGNKEY_SIGNATURE_BYTES]);

/* Name of the public key, see pubkey_fingerprint. Belongs to KEY. */
const char *signkey_fingerprint(const struct signkey *key);

#endif
