/* SPDX-License-Identifier: Apache-2.0 */
/* What dependencies are made of, for dependency.c and depend.c alone. */
#ifndef WEIR_SCHEDD_CONDITION_H
#define WEIR_SCHEDD_CONDITION_H

#include <stddef.h>
#include <stdint.h>

#include "schedd/dependency.h"

enum condition_kind {
	CONDITION_STARTED, CONDITION_FINISHED, CONDITION_SUCCEEDED,
	CONDITION_FAILED, CONDITION_EXCEPTION,	/* of the job ID */
	CONDITION_TIME,
	CONDITION_SINGLETON,	/* ID: the job that it found in its way */
	CONDITION_FOREIGN,	/* a plug-in knows */
};

struct condition {
	struct dependency *dependency;
	enum condition_kind kind;
	uint64_t id;
	double time;			/* seconds since 1970 */
	char *scheme, *value;		/* of a foreign one; one block */
	struct condition *next, **prev;	/* who else waits; prev NULL: does not */
	struct event *timer;
};

/* Holds when one of its conditions does. */
struct dependency {
	struct job *job;
	struct dependency *next;
	char *description;
	bool posted;		/* dependency-add is in the log */
	bool open;		/* and dependency-remove is not */
	size_t count;
	struct condition condition[];
};

/* C into LIST, out of where it was; out of it. */
void condition_link(struct condition **list, struct condition *c);
void condition_unlink(struct condition *c);
const char *condition_scheme(const struct condition *c);

#endif
