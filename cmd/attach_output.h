/* SPDX-License-Identifier: Apache-2.0 */
/* Showing a job's output: records of weir-output(5) to lines on standard
 * output and standard error. */
#ifndef WEIR_CMD_ATTACH_OUTPUT_H
#define WEIR_CMD_ATTACH_OUTPUT_H

#include <stddef.h>

#include "cmd/attach.h"
#include "proto/error.h"

struct attach_output;

/* OPTIONS is borrowed. */
struct attach_output *attach_output_create(weir_jobid_t id,
					const struct attach_options *options);
void attach_output_destroy(struct attach_output *out);
/* When the job was submitted: what the times of messages count from. */
void attach_output_set_start(struct attach_output *out, double start);
/* The next bytes of the stream; -1 with EPROTO. Dies if they can't be
 * written. */
int attach_output_take(struct attach_output *out, const char *data,
		       size_t len, struct proto_error *error);
/* Where messages go, what came before them on the way. */
FILE *attach_output_errors(struct attach_output *out);
/* Parts of lines, and what stdio holds. */
void attach_output_flush(struct attach_output *out);

#endif
