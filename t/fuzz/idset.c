/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of idsets: decoded, encoded and decoded again a set is equal, and
 * its text is canonical. */
#include "config.h"

#include "proto/idset.h"
#include "t/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_error err;
	struct idset *set = idset_decode_n((const char *)data, size, &err);
	struct idset *again, *both;
	char *text, *canon;

	if (!set) {
		must(err.text[0]);
		return 0;
	}
	text = idset_encode(set, IDSET_BRACKETS);
	again = idset_decode(text, NULL);
	must(again && idset_equal(set, again));
	canon = idset_encode(again, IDSET_BRACKETS);
	must(!strcmp(text, canon));
	both = idset_intersect(set, again);
	must(idset_equal(set, both) && idset_contains(set, both));
	must(idset_count(both) == idset_count(set));
	must(idset_subtract(both, set) == 0 && idset_empty(both));
	free(text);
	free(canon);
	idset_destroy(set);
	idset_destroy(again);
	idset_destroy(both);
	return 0;
}
