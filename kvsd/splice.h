/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the changes of a directory into its nodes. */
#ifndef WEIR_KVSD_SPLICE_H
#define WEIR_KVSD_SPLICE_H

#include "kvsd/dir.h"

struct tree;
struct splice;		/* room to work in, kept from one call to the next */

/* Sets dir->hash to that of DIR with all its changes, of which none is dirty;
 * new nodes are added to the blobs and the cache. -1 EIO: a node that stood
 * next to a change is damaged. */
int splice_dir(struct tree *tree, struct dir *dir);
void splice_destroy(struct splice *splice);

#endif
