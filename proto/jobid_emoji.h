/* SPDX-License-Identifier: Apache-2.0 */
/* The digits of the emoji form of job ids, RFC 19 of the Flux project. */
#ifndef WEIR_PROTO_JOBID_EMOJI_H
#define WEIR_PROTO_JOBID_EMOJI_H

#include <stddef.h>
#include <stdint.h>

#define JOBID_EMOJI_BASE	576

/* The emoji of DIGIT, 0 to 575; each is of four bytes. */
void jobid_emoji_put(unsigned digit, char utf8[4]);

/* The digit at UTF8, which has LEN bytes; -1 if it is none. */
int jobid_emoji_find(const char *utf8, size_t len);

#endif
