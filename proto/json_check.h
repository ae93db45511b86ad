/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Complaints about a stranger's JSON document that name the field by its
 * path. Both return -1 and set errno to EINVAL when they complain.
 */
#ifndef WEIR_PROTO_JSON_CHECK_H
#define WEIR_PROTO_JSON_CHECK_H

#include <jansson.h>

#include "proto/error.h"

#define JSON_PATH_SIZE	160	/* room for the path of a field */

/* Always -1: "PATH: must be WHAT, got VALUE"; with VALUE NULL "PATH: is
 * missing". */
int json_must_be(struct proto_error *err, const char *path, const char *what,
		 const json_t *value);

/* Complains of the first key of OBJECT that isn't in KNOWN, a list that ends
 * with NULL. PATH is "" for the document itself. */
int json_check_keys(json_t *object, const char *path,
		    const char *const *known, struct proto_error *err);

#endif
