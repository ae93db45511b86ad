/* SPDX-License-Identifier: Apache-2.0 */
/* Job arrays: one job that stands for many. weir-jobs(7), section Arrays.
 *
 * An array is a job that never gets resources itself. Its elements are jobs
 * like others, but made only when the scheduler is about to need them, or
 * somebody names one; until then they are a range of numbers. From then on an
 * element is its own job, and the array counts how it ends.
 *
 * Which were made and how those ended is written, as the array's key
 * `elements', in the transaction in which it happened.
 */
#ifndef WEIR_SCHEDD_ARRAY_H
#define WEIR_SCHEDD_ARRAY_H

#include "proto/arrayspec.h"
#include "proto/idset.h"
#include "schedd/job.h"

/* Holds an element that was named before its turn. */
#define ARRAY_HOLD	"array-turn"

struct array {
	struct array_spec *spec;
	char *text;			/* of it, canonical */
	uint32_t next;			/* to be made; those before it were */
	bool more;			/* there is one at NEXT */
	struct idset *apart;		/* made, from NEXT on */
	size_t results[RESULT_TIMEOUT + 1];	/* elements that ended so */
	int status;			/* the greatest wait status of one */
	/* active elements: */
	struct job *first;		/* then job->sibling */
	size_t active;
	size_t waiting;			/* they have no resources yet */
	size_t held;			/* by ARRAY_HOLD */
	json_t *updates;		/* of the jobspec; or NULL */
	bool changed;			/* since it was written */
	bool look;			/* something may be done */
	struct job *next_array, **prev_array;	/* of all */
	struct job *next_todo, **prev_todo;	/* to be looked at or written;
						   PREV NULL: it is not */
};

/* All that arrays do for struct job: which has one if it is one. */
struct array *array_create(const char *text, struct proto_error *err);
void array_destroy(struct array *a);		/* NULL is fine */
/* The elements that were not made, as *TEXT to be freed; NULL: none. -1 with
 * ENOMEM. */
int array_rest(const struct array *a, char **text);
/* From the key `elements'. -1 with EINVAL. */
int array_decode(struct array *a, const char *data, size_t len,
		 struct proto_error *err);

char *array_encode(const struct array *a);	/* to be freed; or NULL */

/* Elements made from now on get UPDATES as well. -1 with ENOMEM. */
int array_update(struct array *a, json_t *updates);

struct schedd;
struct record;

/* ---- arrays.c ---- */

/* JOB, an array, is among s->jobs. */
void arrays_add(struct schedd *s, struct job *job);
/* JOB, perhaps an element, was read back and is active. -1 with ENOMEM. */
void arrays_adopt(struct schedd *s, struct job *job);
void arrays_wake(struct schedd *s, struct job *array);
void arrays_turn(struct schedd *s);	/* before resources are given */
void arrays_save(struct schedd *s);	/* at the very end of a turn */
bool arrays_wait(struct schedd *s);	/* for another turn */
/* An element has gone from state BEFORE to another. */
void array_moved(struct schedd *s, struct job *job, enum job_state before);
/* An element has ended, and its record is in the history. */
void array_ended(struct schedd *s, struct job *job);
/* An array has ended. */
void array_gone(struct schedd *s, struct job *job);
/* It is to end, by an exception: so are its elements. */
void array_stop(struct schedd *s, struct job *job);
/* The active job ID; an element of UID, or for ANY one of any user, that was
 * not made yet is now. */
struct job *arrays_find(struct schedd *s, uint64_t id, uid_t uid, bool any);
/* If ID is an element that was never made: the array's job, or its record. */
struct job *arrays_rest_of(struct schedd *s, uint64_t id);
const struct record *arrays_rest_record(struct schedd *s, uint64_t id);
/* To all elements that run; how many. */
size_t array_signal(struct schedd *s, struct job *array, int signum);
/* EV, of urgency, to all that wait. */
void array_urgency(struct schedd *s, struct job *array,
		   const struct jobevent *ev);

#endif
