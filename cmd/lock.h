/* SPDX-License-Identifier: Apache-2.0 */
/* Running a program under a lock: what lock.c asks of lock_run.c. */
#ifndef WEIR_CMD_LOCK_H
#define WEIR_CMD_LOCK_H

#include "libclient/weir.h"

/* Exit codes beside those of the program, as timeout(1) and env(1) have
 * them. */
enum {
	LOCK_TIMEOUT = 124, LOCK_FAILED = 125, LOCK_NO_EXEC = 126,
	LOCK_NOT_FOUND = 127
};

struct lock_run {
	weir_t *h;
	weir_future_t *lock;
	const char *key;
	char **command;		/* NULL: print the number and hold the lock */
	double timeout;		/* seconds to wait for it; negative: no end */
	int signum;		/* to the program when the lock is lost */
};

/* Waits for the lock, runs the program, gives the lock up. The exit code. */
int lock_run(const struct lock_run *run);

#endif
