/* SPDX-License-Identifier: Apache-2.0 */
/* See backfill_shape.h. */
#include "config.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/backfill_shape.h"

static int by_key(const void *a, const void *b)
{
	const struct shape *s = a, *t = b;

	return strcmp(s->key, t->key);
}

static struct shape *shape_new(struct shapes *shapes, const char *key)
{
	struct shape *shape = calloc(1, sizeof(*shape));

	if (shape)
		shape->key = strdup(key);
	if (shape && shape->key && tsearch(shape, &shapes->tree, by_key))
		return shape;
	if (shape)
		free(shape->key);
	free(shape);
	errno = ENOMEM;
	return NULL;
}

struct shape *shape_get(struct shapes *shapes, const struct request *request)
{
	struct shape want = { .key = request->key };
	struct shape **found = tfind(&want, &shapes->tree, by_key);
	struct shape *shape = found ? *found :
			      shape_new(shapes, request->key);

	if (shape)
		shape->jobs++;
	return shape;
}

void shape_put(struct shapes *shapes, struct shape *shape)
{
	if (--shape->jobs)
		return;
	tdelete(shape, &shapes->tree, by_key);
	free(shape->key);
	free(shape);
}

static void doubt(const void *node, VISIT visit, int depth)
{
	struct shape *shape = *(struct shape *const *)node;

	(void)depth;
	if (visit == postorder || visit == leaf) {
		shape->verdict = SHAPE_UNKNOWN;
		shape->count = 0;
	}
}

void shapes_doubt(struct shapes *shapes)
{
	twalk(shapes->tree, doubt);
}

int64_t shape_bound(const struct shape *shape, uint64_t pass,
		    int64_t duration)
{
	int64_t start = 0;

	if (shape->pass != pass)
		return 0;
	for (unsigned i = 0; i < shape->count; i++) {
		if (shape->bounds[i].duration > duration)
			break;
		start = shape->bounds[i].start;
	}
	return start;
}

void shape_learn(struct shape *shape, uint64_t pass, int64_t duration,
		 int64_t start)
{
	struct shape_bound *list = shape->bounds;
	unsigned i = 0, end;

	if (shape->pass != pass)
		shape->count = 0;
	shape->pass = pass;
	if (start <= shape_bound(shape, pass, duration))
		return;
	while (i < shape->count && list[i].duration < duration)
		i++;
	/* those that last longer and were known to start no later say
	 * nothing new */
	for (end = i; end < shape->count && list[end].start <= start; end++)
		;
	if (end == i) {
		if (shape->count == SHAPE_BOUNDS)
			shape->count--;
		if (i > shape->count)
			return;
		memmove(list + i + 1, list + i,
			(shape->count - i) * sizeof(*list));
		shape->count++;
	} else {
		memmove(list + i + 1, list + end,
			(shape->count - end) * sizeof(*list));
		shape->count -= end - i - 1;
	}
	list[i] = (struct shape_bound) { duration, start };
}
