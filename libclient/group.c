/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of futures: all of them, or any. weir_future(3). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "libclient/internal.h"

weir_future_t *weir_future_all(weir_t *h)
{
	return future_create(h, KIND_ALL);
}

weir_future_t *weir_future_any(weir_t *h)
{
	return future_create(h, KIND_ANY);
}

int weir_future_push(weir_future_t *group, weir_future_t *f)
{
	weir_future_t **child;

	if (group->kind < KIND_ALL || group->cb || group->item || !f ||
	    f->group || f->cb) {
		errno = EINVAL;
		return -1;
	}
	child = realloc(group->child, (group->children + 1) * sizeof(*child));
	if (!child)
		return -1;
	group->child = child;
	child[group->children++] = f;
	f->group = group;
	if (f->item)
		group->fulfilled++;
	return 0;
}

weir_future_t *weir_future_child(weir_future_t *group, size_t i)
{
	return i < group->children ? group->child[i] : NULL;
}
