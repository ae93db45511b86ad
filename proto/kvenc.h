/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value encoding: typed pairs in a binary string, as the header of a job
 * envelope and the privileged monitor's messages have them. See
 * weir-envelope(5).
 *
 *	KEY NUL TYPE VALUE NUL		repeated, nothing in between
 *
 * Keys are unique and not empty; keys and strings are UTF-8. There is exactly
 * one way to write a value, and the decoder takes no other.
 */
#ifndef WEIR_PROTO_KVENC_H
#define WEIR_PROTO_KVENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/error.h"

enum kvenc_type {
	KVENC_STRING = 's',
	KVENC_INT = 'i',	/* 64 bits, decimal */
	KVENC_DOUBLE = 'd',	/* six digits after the point, "inf", "nan" */
	KVENC_BOOL = 'b',	/* "true" or "false" */
	KVENC_TIME = 't',	/* seconds since 1970, as 2023-08-18T14:59:45Z */
};

struct kvenc;

/* An empty set that may grow to MAX encoded bytes. NULL with ENOMEM. */
struct kvenc *kvenc_create(size_t max);
void kvenc_destroy(struct kvenc *kv);

/*
 * A set from LEN encoded bytes. NULL with errno E2BIG (more than MAX), EINVAL
 * (malformed: ERR says how and at which byte) or ENOMEM.
 */
struct kvenc *kvenc_decode(const void *buf, size_t len, size_t max,
			   struct proto_error *err);

/* The encoded bytes; they belong to KV and are valid until it changes. */
const char *kvenc_encoded(const struct kvenc *kv, size_t *len);

/*
 * Set KEY, in the place of what it was. -1 with errno EINVAL (key or value
 * not allowed), E2BIG or ENOMEM; KV is then as before.
 */
int kvenc_put_string(struct kvenc *kv, const char *key, const char *value);
int kvenc_put_int(struct kvenc *kv, const char *key, int64_t value);
int kvenc_put_double(struct kvenc *kv, const char *key, double value);
int kvenc_put_bool(struct kvenc *kv, const char *key, bool value);
int kvenc_put_time(struct kvenc *kv, const char *key, int64_t value);

/* Take KEY away; -1 with ENOENT. */
int kvenc_delete(struct kvenc *kv, const char *key);

/* -1 with errno ENOENT, or EINVAL if KEY is of another type. A string is
 * valid until KV changes. */
int kvenc_get_string(const struct kvenc *kv, const char *key,
		     const char **value);
int kvenc_get_int(const struct kvenc *kv, const char *key, int64_t *value);
int kvenc_get_double(const struct kvenc *kv, const char *key, double *value);
int kvenc_get_bool(const struct kvenc *kv, const char *key, bool *value);
int kvenc_get_time(const struct kvenc *kv, const char *key, int64_t *value);

/* The key after KEY in encoded order (NULL: the first) and its type; NULL at
 * the end. KEY must be one that this function returned. */
const char *kvenc_next(const struct kvenc *kv, const char *key,
		       enum kvenc_type *type);

#endif
