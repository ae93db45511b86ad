/* SPDX-License-Identifier: Apache-2.0 */
/* Host names one by one. See hosts.h. */
#include "config.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/hosts.h"

void hosts_add(struct hosts *h, const char *name)
{
	if (h->count == h->size) {
		h->size = h->size ? 2 * h->size : 16;
		h->name = xrealloc(h->name, h->size * sizeof(*h->name));
	}
	h->name[h->count++] = xstrdup(name);
}

struct hosts hosts_of(const struct hostlist *list)
{
	struct hostlist_iter it = { 0 };
	char name[HOSTLIST_NAME_SIZE];
	struct hosts h = { 0 };

	while (hostlist_next(list, &it, name))
		hosts_add(&h, name);
	return h;
}

struct hostlist *hosts_list(const struct hosts *h)
{
	struct hostlist *list = hostlist_create();
	size_t i;

	for (i = 0; list && i < h->count; i++)
		if (hostlist_append(list, h->name[i]) < 0)
			die("out of memory");
	if (!list)
		die("out of memory");
	return list;
}

void hosts_free(struct hosts *h)
{
	while (h->count)
		free(h->name[--h->count]);
	free(h->name);
}

/* ---- sets: trees of borrowed names ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* False if it was there. */
static bool put(void **tree, const char *name)
{
	if (tfind(name, tree, by_name))
		return false;
	if (!tsearch(name, tree, by_name))
		die("out of memory");
	return true;
}

static void *tree_of(const struct hosts *h)
{
	void *tree = NULL;
	size_t i;

	for (i = 0; i < h->count; i++)
		put(&tree, h->name[i]);
	return tree;
}

static void keep_name(void *name)
{
	(void)name;
}

/* Adds those of FROM, each once, that are in IN or, if not WANTED, are not. */
static void add_some(struct hosts *to, const struct hosts *from, void *in,
		     bool wanted)
{
	void *seen = NULL;
	size_t i;

	for (i = 0; i < from->count; i++)
		if (!tfind(from->name[i], &in, by_name) == !wanted &&
		    put(&seen, from->name[i]))
			hosts_add(to, from->name[i]);
	tdestroy(seen, keep_name);
}

void hosts_combine(struct hosts *h, const struct hosts *other,
		   enum hosts_op op)
{
	struct hosts result = { 0 };
	void *ours, *theirs;
	size_t i;

	if (op == HOSTS_JOIN) {
		for (i = 0; i < other->count; i++)
			hosts_add(h, other->name[i]);
		return;
	}
	ours = tree_of(h);
	theirs = tree_of(other);
	add_some(&result, h, theirs, op == HOSTS_INTERSECT);
	if (op == HOSTS_XOR)
		add_some(&result, other, ours, false);
	tdestroy(ours, keep_name);
	tdestroy(theirs, keep_name);
	hosts_free(h);
	*h = result;
}

/* ---- places ---- */

void hosts_drop(struct hosts *h, const struct idset *places)
{
	size_t i, kept = 0;

	for (i = 0; i < h->count; i++)
		if (idset_test(places, (unsigned)i))
			free(h->name[i]);
		else
			h->name[kept++] = h->name[i];
	h->count = kept;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

void hosts_sort(struct hosts *h, bool unique)
{
	size_t i, kept = 0;

	if (h->count)
		qsort(h->name, h->count, sizeof(*h->name), by_version);
	for (i = 0; unique && i < h->count; i++)
		if (kept && !strcmp(h->name[kept - 1], h->name[i]))
			free(h->name[i]);
		else
			h->name[kept++] = h->name[i];
	if (unique)
		h->count = kept;
}

void hosts_limit(struct hosts *h, long n)
{
	size_t most = (size_t)(n < 0 ? -n : n);
	size_t drop = h->count > most ? h->count - most : 0, i;

	if (n < 0) {
		for (i = 0; i < drop; i++)
			free(h->name[i]);
		memmove(h->name, h->name + drop,
			(h->count - drop) * sizeof(*h->name));
	} else {
		for (i = h->count - drop; i < h->count; i++)
			free(h->name[i]);
	}
	h->count -= drop;
}
