/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that must be there: the database keeps its state in small pieces,
 * and a state that is half changed is worse than none. Abort when it is out. */
#ifndef WEIR_KVSD_ALLOC_H
#define WEIR_KVSD_ALLOC_H

#include <stdlib.h>
#include <string.h>

static inline void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		abort();
	return p;
}

static inline void *xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

static inline void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

static inline char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xmalloc(size), s, size);
}

#endif
