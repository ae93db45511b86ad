/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of all jobs in the store, read blocking at a start. weir-jobs(7). */
#ifndef WEIR_SCHEDD_JOBDIRS_H
#define WEIR_SCHEDD_JOBDIRS_H

#include <stddef.h>
#include <stdint.h>

#include "libclient/weir.h"

#define WINDOW		1024	/* requests on the way at a time */

struct job_ids {
	uint64_t *id;		/* malloc */
	size_t count, size;
};

int job_ids_add(struct job_ids *ids, uint64_t id);	/* -1 with ENOMEM */
/* Fills the empty IDS in ascending order. -1 with ERROR; IDS is then empty. */
int jobdirs_find(weir_t *h, struct job_ids *ids, struct weir_error *error);

/* What became of F (NULL: of a call that set errno) as ERROR, about WHAT;
 * returns -1. */
int replay_failed(struct weir_error *error, weir_future_t *f,
		  const char *what);

#endif
