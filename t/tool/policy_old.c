/* SPDX-License-Identifier: Apache-2.0 */
/* A match policy of a version that is no more. */
#include "schedd/policy.h"

MATCH_POLICY_EXPORT const struct match_policy weir_match_policy = {
	.version = 0,
	.name = "old",
};
