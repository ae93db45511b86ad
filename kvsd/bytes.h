/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in records and blobs: unsigned, most significant byte first. */
#ifndef WEIR_KVSD_BYTES_H
#define WEIR_KVSD_BYTES_H

#include <stdint.h>

static inline unsigned char *bytes_put(unsigned char *p, uint64_t n, int size)
{
	for (int i = size - 1; i >= 0; i--, n >>= 8)
		p[i] = n & 0xff;
	return p + size;
}

static inline uint64_t bytes_get(const unsigned char *p, int size)
{
	uint64_t n = 0;

	for (int i = 0; i < size; i++)
		n = n << 8 | p[i];
	return n;
}

#endif
