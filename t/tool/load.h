/* SPDX-License-Identifier: Apache-2.0 */
/* A load of many clients on one kvsd, each with several requests in flight,
 * that ends when the kvsd is killed. Every operation goes to the history.
 *
 * Keys: r0, r1 ... of namespace primary for all kinds of operations; log.N for
 * appends alone; and group, which stands for three keys that transactions
 * write together and that are read at one root hash. */
#ifndef WEIR_T_LOAD_H
#define WEIR_T_LOAD_H

#include <stdio.h>

#include "t/tool/kvsd_run.h"

struct load {
	struct kvsd_run *run;
	FILE *history;
	uint64_t *seed;
	unsigned clients, depth, keys;
	unsigned log;		/* number of the log that is written to */
	uint64_t clients_made;	/* in all rounds, to number them */
	uint64_t tokens;	/* written in all rounds */
	uint64_t operations, acknowledged, unknown;	/* in all rounds */
};

/* Connects, reads every key, works until ACKNOWLEDGED more operations are
 * done or the kvsd ends itself, kills it, and waits for the end of what was in
 * flight. ACKNOWLEDGED 0: ends after the reads. -1 after a message. */
int load_round(struct load *load, uint64_t acknowledged);

#endif
