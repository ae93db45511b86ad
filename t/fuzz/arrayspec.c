/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the indices of job arrays: read, written and read again they are
 * the same, and those from any on are counted right. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arrayspec.h"
#include "t/fuzz/fuzz.h"

static void check(const struct array_spec *spec)
{
	char *text = array_spec_encode(spec, 0, NULL), *canon;
	struct array_spec *again = array_spec_parse(text, NULL);
	uint32_t index, from = 0;
	int i;

	must(again && again->count == spec->count);
	canon = array_spec_encode(again, 0, NULL);
	must(!strcmp(text, canon));
	for (i = 0; i < 100 && array_spec_next(spec, from, &index); i++) {
		must(index >= from && array_spec_has(again, index));
		must(array_spec_left(spec, from) ==
		     array_spec_left(spec, index + 1) + 1);
		from = index + 1;
	}
	array_spec_destroy(again);
	free(canon);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct proto_error err = { "" };
	struct array_spec *spec = array_spec_parse(text, &err);

	if (spec)
		check(spec);
	else
		must(err.text[0]);
	array_spec_destroy(spec);
	free(text);
	return 0;
}
