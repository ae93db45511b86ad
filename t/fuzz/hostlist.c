/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of hostlists: the text that a list is encoded to has the same names
 * in the same order. */
#include "config.h"

#include "proto/hostlist.h"
#include "t/fuzz/fuzz.h"

#define NAMES_MAX 3000		/* compared of each list, for speed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *encoded;
	char a[HOSTLIST_NAME_SIZE], b[HOSTLIST_NAME_SIZE];
	struct hostlist_iter x = { 0 }, y = { 0 };
	struct hostlist *list, *again, *single;
	struct proto_error err;

	list = hostlist_decode(text, &err);
	free(text);
	if (!list) {
		must(err.text[0]);
		return 0;
	}
	encoded = hostlist_encode(list);
	again = hostlist_decode(encoded, &err);
	must(again && hostlist_count(again) == hostlist_count(list));
	single = hostlist_create();
	for (int i = 0; i < NAMES_MAX && hostlist_next(list, &x, a); i++) {
		must(hostlist_next(again, &y, b) && !strcmp(a, b));
		must(hostlist_find(list, a) <= i);
		must(hostlist_append(single, a) == 0);
		must(hostlist_nth(single, i, b) && !strcmp(a, b));
	}
	free(encoded);
	hostlist_destroy(list);
	hostlist_destroy(again);
	hostlist_destroy(single);
	return 0;
}
