/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept in memory of finished jobs: as much as listings tell, in one
 * allocation each, in the order in which they ended. */
#ifndef WEIR_SCHEDD_HISTORY_H
#define WEIR_SCHEDD_HISTORY_H

#include <stdint.h>

#include "schedd/job.h"

/* The strings lie behind the record, each with its NUL; a NULL string of the
 * job is left as NULL. */
struct record {
	uint64_t id;
	struct record *chain;	/* in the hash */
	uint32_t chunk;		/* of its line in the store; 0: none */
	double entered[STATES];	/* as in struct job */
	double expiration, duration;
	int64_t priority;
	uid_t userid;
	int ntasks, ncores, nnodes;
	int status;
	unsigned char urgency, result, exception_severity;
	bool exception, started, finished;
	const char *name, *cwd, *queue, *nodelist, *ranks;
	const char *exception_type, *exception_note, *resources;
	const char *memo;	/* JSON, an object */
	const char *array, *rest;	/* of an array: all of its elements,
				   and those that were never made */
	int flags;
};

struct history;

struct history *history_create(void);		/* NULL with ENOMEM */
void history_destroy(struct history *h);	/* NULL is fine */
/* -1 with ENOMEM. */
int history_add(struct history *h, const struct job *job);
/* The same with a copy of R, its texts included. */
int history_put(struct history *h, const struct record *r);
/* Orders by the time of the end, after jobs were added out of order. */
void history_sort(struct history *h);
const struct record *history_find(const struct history *h, uint64_t id);
/* Number I from 0, the newest first, or last added; NULL beyond the last. */
struct record *history_nth(const struct history *h, size_t i);
/* The number, as above, of the one behind that of ID, which ended at T; if it
 * has gone meanwhile, of one that ended earlier. */
size_t history_behind(const struct history *h, double t, uint64_t id);
const struct record *history_oldest(const struct history *h);	/* or NULL */
/* Frees the record of ID, if there is one; quick for the oldest. */
void history_remove(struct history *h, uint64_t id);
/* How many ended with RESULT (RESULT_...), or 0: in all. */
size_t history_count(const struct history *h, int result);

#endif
