/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the envelope: unpacking takes any bytes, and nothing that it
 * takes passes verification but what was signed (here: nothing). */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope_policy policy = {
		.mechanisms = ENVELOPE_NONE | ENVELOPE_SODIUM,
		.uid = -2,
		.sender = -1,
		.max_lifetime = INT64_MAX,
		.now = 1700000000,
		.keydir = "/nonexistent",
	};
	struct envelope *env;

	env = envelope_unpack((const char *)data, size, NULL);
	if (!env)
		return 0;
	if (env->payload_len > ENVELOPE_PAYLOAD_MAX || !env->payload_len ||
	    env->signed_len + 1 + strlen(env->signature) != size ||
	    memcmp(env->text, data, env->signed_len) ||
	    env->expiry <= env->time)
		abort();
	if (!envelope_verify(env, &policy, NULL))
		abort();
	envelope_destroy(env);
	return 0;
}
