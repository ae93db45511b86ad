/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a jobspec's attributes, for jobspec.c alone. */
#ifndef WEIR_PROTO_JOBSPEC_ATTRIBUTES_H
#define WEIR_PROTO_JOBSPEC_ATTRIBUTES_H

#include <jansson.h>

#include "proto/error.h"

/* All known attributes have the right types and ranges; others are let be. */
int jobspec_check_attributes(json_t *attributes, struct proto_error *err);

#endif
