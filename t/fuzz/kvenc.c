/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the key-value decoder: what it takes, the encoder writes again
 * byte for byte from the values that it gives. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/kvenc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int copy_pair(const struct kvenc *from, struct kvenc *to,
		     const char *key, enum kvenc_type type)
{
	const char *s;
	int64_t i;
	double d;
	bool b;

	switch (type) {
	case KVENC_STRING:
		return kvenc_get_string(from, key, &s) ||
		       kvenc_put_string(to, key, s);
	case KVENC_INT:
		return kvenc_get_int(from, key, &i) ||
		       kvenc_put_int(to, key, i);
	case KVENC_DOUBLE:
		return kvenc_get_double(from, key, &d) ||
		       kvenc_put_double(to, key, d);
	case KVENC_BOOL:
		return kvenc_get_bool(from, key, &b) ||
		       kvenc_put_bool(to, key, b);
	case KVENC_TIME:
		return kvenc_get_time(from, key, &i) ||
		       kvenc_put_time(to, key, i);
	}
	return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kvenc *kv = kvenc_decode(data, size, 4096, NULL), *again;
	enum kvenc_type type;
	const char *key = NULL, *bytes;
	size_t len;

	if (!kv)
		return 0;
	again = kvenc_create(4096);
	while ((key = kvenc_next(kv, key, &type)))
		if (copy_pair(kv, again, key, type))
			abort();
	bytes = kvenc_encoded(again, &len);
	if (len != size || (size && memcmp(bytes, data, size)))
		abort();
	kvenc_destroy(again);
	kvenc_destroy(kv);
	return 0;
}
