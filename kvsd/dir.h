/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that are being changed: a stored one, or nothing, and the
 * changes on top of it. May be changed under its token only, and never once
 * sealed. */
#ifndef WEIR_KVSD_DIR_H
#define WEIR_KVSD_DIR_H

#include "kvsd/extent.h"
#include "kvsd/overlay.h"

struct dir {
	unsigned refs;
	bool sealed;		/* HASH has all of it, and CHANGES are none */
	bool stored;		/* there is something below the changes */
	uint64_t token;
	struct extent extent;	/* changes included, also those below */
	struct extent stored_extent;
	struct db_hash hash;	/* of what is stored */
	struct overlay changes;
	struct dir *up;		/* the one above, since the last way through
				   both: used at the end of that alone */
};

struct dir *dir_create(uint64_t token);		/* empty */
/* To go on changing what ENTRY, a directory, holds. */
struct dir *dir_open(const struct entry *entry, uint64_t token);
struct dir *dir_ref(struct dir *dir);
void dir_unref(struct dir *dir);

#endif
