/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: what jobs that want the same have in common. What was found out
 * about one job of a shape in a pass need not be asked for the next: resources
 * are only taken in a pass, so one that lasts as long or longer can't start
 * earlier. What holes open in the pass is counted in.
 */
#ifndef WEIR_SCHEDD_BACKFILL_SHAPE_H
#define WEIR_SCHEDD_BACKFILL_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "schedd/request.h"

#define SHAPE_BOUNDS	12

struct shape_bound {
	int64_t duration, start;	/* none so long starts before */
};

struct shape {
	char *key;			/* of its requests */
	size_t jobs;
	enum { SHAPE_UNKNOWN, SHAPE_POSSIBLE, SHAPE_NEVER } verdict;
	uint64_t pass;			/* of the bounds */
	uint64_t down;			/* pass in which it waits for what
					   is down */
	struct shape_bound bounds[SHAPE_BOUNDS];	/* ascending in both */
	unsigned count;
};

struct shapes {
	void *tree;			/* of tsearch(3), by key */
};

/* The shape of a request, one job more; NULL with ENOMEM. */
struct shape *shape_get(struct shapes *shapes, const struct request *request);
void shape_put(struct shapes *shapes, struct shape *shape);
/* No verdict stands any more. */
void shapes_doubt(struct shapes *shapes);

/* No job that lasts DURATION starts before this; 0: not known. */
int64_t shape_bound(const struct shape *shape, uint64_t pass,
		    int64_t duration);
void shape_learn(struct shape *shape, uint64_t pass, int64_t duration,
		 int64_t start);

#endif
