/* SPDX-License-Identifier: Apache-2.0 */
/* A job as listings tell of it, and the JSON text of that. weir-jobs(7). */
#ifndef WEIR_SCHEDD_LIST_H
#define WEIR_SCHEDD_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/error.h"
#include "proto/wire.h"
#include "schedd/history.h"

/* Active jobs and records of finished ones are looked at through one view, so
 * that an attribute is written in one place only. Strings are borrowed; NULL
 * or 0 is "no value". */
struct view {
	uint64_t id;
	uid_t userid;
	int urgency;
	int64_t priority;
	enum job_state state;
	int ntasks, ncores, nnodes;
	const double *entered;
	double duration, expiration;
	const char *name, *cwd, *queue, *nodelist, *ranks, *resources;
	bool exception, finished;
	int exception_severity, status, result;
	const char *exception_type, *exception_note;
	const struct job *job;		/* NULL once it has ended */
	const char *array, *rest;	/* as in struct record; or NULL */
	const char *memo;		/* and then this, or NULL */
};

struct view view_job(const struct job *job);
struct view view_record(const struct record *r);

/* A bit for each attribute that the array ATTRS names, the id's always; NULL:
 * that alone. -1 with EINVAL. */
int view_attributes(json_t *attrs, uint64_t *wanted, struct proto_error *err);
/* Adds the object with those that V has to B. -1 with ENOMEM. */
int view_write(struct wire_buf *b, const struct view *v, uint64_t wanted);

#endif
