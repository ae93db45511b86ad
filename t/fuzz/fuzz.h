/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers share: the entry, a string of the input, a check. */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input up to its first NUL as a string of its own, to be freed; bytes
 * beyond it are the sanitizer's. */
__attribute__((unused))
static char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	if (!text)
		abort();
	return text;
}

#define must(condition) do { \
	if (!(condition)) { \
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
			#condition); \
		abort(); \
	} \
} while (0)

#endif
