/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of the database, and the instance's id in it. */
#ifndef WEIR_KVSD_STATEDIR_H
#define WEIR_KVSD_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The folder must be of OWNER and of nobody else's to write or read, and is
 * made if CREATE and it is missing. -1 with a text that names it. */
int statedir_check(const char *path, uid_t owner, bool create, char *why,
		   size_t size);
/* The id of the instance: GIVEN (may be NULL) if there is one, else the one
 * in the folder, else a new one, which is kept there. */
int statedir_instance(const char *path, const char *given, char *id,
		      size_t id_size, char *why, size_t size);

#endif
