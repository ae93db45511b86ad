/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job depends on, as people write it on a command line:
 *
 *	SCHEME[:VALUE][?KEY=VALUE[&KEY=VALUE...]]
 *
 * and as it stands in a jobspec: an object with scheme, value, and the keys.
 * See weir-submit(1) and weir-jobs(7).
 */
#ifndef WEIR_PROTO_DEPENDENCY_H
#define WEIR_PROTO_DEPENDENCY_H

#include <jansson.h>

#include "proto/error.h"

/* A new object, or NULL with EINVAL. What the scheme demands of its value is
 * for schedd to check. ';' may stand for '&'. */
json_t *dependency_from_uri(const char *uri, struct proto_error *err);

#endif
