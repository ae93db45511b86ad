/* SPDX-License-Identifier: Apache-2.0 */
/* A bar on standard error that says how many of many jobs are done. */
#ifndef WEIR_CMD_PROGRESS_H
#define WEIR_CMD_PROGRESS_H

#include <stdbool.h>

struct progress {
	bool shown;		/* else nothing is */
	bool rate;		/* with jobs per second */
	const char *what;	/* "done", "submitted" */
	double start;		/* seconds since 1970 */
};

/* Shown if standard error is a terminal; says so if not. */
void progress_begin(struct progress *p, const char *what, bool rate);
/* N of COUNT; the last ends the line. */
void progress_show(const struct progress *p, int n, int count, int failures);

#endif
