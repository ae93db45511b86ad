/* SPDX-License-Identifier: Apache-2.0 */
/* What powerloss.so notes and power_loss() undoes.
 *
 * For each file NAME of the database, NAME.undo in its folder has a record of
 * every write since the last sync: this, then the SIZE bytes that were there
 * before, zeros in the place of those behind the end of the file, and more
 * zeros up to a multiple of 8. */
#ifndef WEIR_T_POWERLOSS_H
#define WEIR_T_POWERLOSS_H

#include <stdint.h>

#define SECTOR		512
#define UNDO_SUFFIX	".undo"

struct undo_record {
	uint64_t offset, size;
	uint64_t file_size;	/* before */
};

/* Environment: the CALLth write or sync ends the process, at once, half done
 * or done; and syncs that do nothing. */
#define POWERLOSS_CALL	"POWERLOSS_CALL"
#define POWERLOSS_IGNORE "POWERLOSS_IGNORE_SYNC"

#endif
