/* SPDX-License-Identifier: Apache-2.0 */
/* The blobs that a collection has found in use: see gc.c.
 *
 * Directories and branches are kept exactly (128 bits of their hash), since
 * one that is taken for known is not looked into. Leaves name no others: for
 * them a Bloom filter will do, which errs to the side of keeping and errs on
 * others the next time. So the memory is 16 to 43 bytes for each directory
 * node and branch and 2 to 4 for each leaf. All operations take bounded time:
 * the exact part is many small tables which grow one by one.
 */
#ifndef WEIR_KVSD_MARKS_H
#define WEIR_KVSD_MARKS_H

#include "kvsd/blob.h"

struct marks;

/* BLOBS: how many there are, about. */
struct marks *marks_create(uint64_t blobs);
void marks_destroy(struct marks *marks);
/* True if it is new. Of leaves that is not known: always true. */
bool marks_add(struct marks *marks, enum blob_kind kind,
	       const struct db_hash *hash);
/* Certainly true for what was added. */
bool marks_have(const struct marks *marks, const struct db_hash *hash);
/* The same, for directories and branches only: never wrong. */
bool marks_have_exactly(const struct marks *marks, const struct db_hash *hash);
size_t marks_memory(const struct marks *marks);

#endif
