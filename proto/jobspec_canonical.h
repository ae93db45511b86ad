/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of a canonical jobspec, for jobspec.c alone. */
#ifndef WEIR_PROTO_JOBSPEC_CANONICAL_H
#define WEIR_PROTO_JOBSPEC_CANONICAL_H

#include "proto/jobspec.h"

/* Checks RESOURCES, a graph of any types, and takes from them what SPEC says
 * of nodes and slots, counting the least that will do. *LABEL is the slot's.
 * -1 with EINVAL. */
int jobspec_take_canonical(struct jobspec *spec, json_t *resources,
			   const char **label, struct proto_error *err);

#endif
