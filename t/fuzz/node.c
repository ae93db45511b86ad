/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the decoder of directory nodes: what it accepts must be exactly what
 * the encoder makes of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "kvsd/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *why = NULL;
	struct node *node = node_decode(data, size, &why);
	struct blob *blob;

	if (!node) {
		if (!why)
			abort();
		return 0;
	}
	blob = node_encode(node);
	if (blob->len != size || memcmp(blob->data, data, size))
		abort();
	free(blob);
	node_unref(node);
	return 0;
}
