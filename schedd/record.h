/* SPDX-License-Identifier: Apache-2.0 */
/* A record of an ended job as the line that the store keeps of it, so that a
 * start need not read the job's directory. weir-jobs(7). */
#ifndef WEIR_SCHEDD_RECORD_H
#define WEIR_SCHEDD_RECORD_H

#include "proto/error.h"
#include "proto/wire.h"
#include "schedd/history.h"

/* Adds the line of R; ORIGIN may be NULL. -1, and B is as it was, with EINVAL
 * (a text that has a line feed) or E2BIG: such a job has no line. */
int record_encode(struct wire_buf *b, const struct record *r,
		  const struct job_origin *origin);
/* From a line taken apart, whose words the texts of R are then. ORIGIN's time
 * is 0 if it has none. -1 with EINVAL. */
int record_decode(const struct wire_frame *f, struct record *r,
		  struct job_origin *origin, struct proto_error *err);

#endif
