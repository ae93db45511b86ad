/* SPDX-License-Identifier: Apache-2.0 */
/* The choke point that every request passes, and a handler for each row of
 * proto/commands.h. A handler gets a frame that was checked against its row:
 * word[0] is the tag, word[1] the command, arguments follow. It replies, or
 * begins a stream. */
#ifndef WEIR_KVSD_DISPATCH_H
#define WEIR_KVSD_DISPATCH_H

#include "kvsd/conn.h"

void dispatch(struct conn *c, struct wire_frame *f);
/* As dispatch, but at once, for what was parked. */
void dispatch_parked(struct conn *c, struct wire_frame *f);

#define COMMAND(id, ...) \
	void do_##id(struct conn *c, const struct wire_frame *f);
WEIR_COMMANDS(COMMAND)
#undef COMMAND

/* ---- arguments ---- */

#define ARG	2	/* index of the first argument */

/* Value of option NAME, or NULL. */
const char *arg_option(const struct wire_frame *f, const char *name);
/* *N is set if the option is there. -1 after an error reply if it is no
 * number. */
int arg_u64(struct conn *c, const struct wire_frame *f, const char *name,
	    uint64_t *n);
int arg_seconds(struct conn *c, const struct wire_frame *f, const char *name,
		double *seconds);
/* A flag: absent and 0 are false, 1 is true. */
int arg_flag(struct conn *c, const struct wire_frame *f, const char *name,
	     bool *flag);
/* "-" is primary. */
const char *arg_namespace(const char *word);
/* May C use a namespace of OWNER? For db_apply and db_lookup, ARG is C. */
int conn_check_namespace(const char *ns, uid_t owner, void *arg);

#endif
