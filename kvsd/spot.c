/* SPDX-License-Identifier: Apache-2.0 */
/* The index from keys to watches: see spot.h. A change costs a look-up for
 * each component of its key that is watched, whatever else there is. */
#include "config.h"

#include "kvsd/alloc.h"
#include "kvsd/spot.h"

static uint64_t spot_hash(const struct spot *parent, const char *name,
			  size_t len)
{
	return table_hash(name, len, (uintptr_t)parent >> 4);
}

static struct spot *spot_find(const struct table *spots,
			      const struct spot *parent, const char *name,
			      size_t len)
{
	struct table_node *n;

	for (n = table_first(spots, spot_hash(parent, name, len)); n;
	     n = table_next(n)) {
		struct spot *spot = table_entry(n, struct spot, node);

		if (spot->parent == parent && spot->len == len &&
		    !memcmp(spot->name, name, len))
			return spot;
	}
	return NULL;
}

static struct spot *spot_make(struct table *spots, struct spot *parent,
			      const char *name, size_t len)
{
	struct spot *spot = spot_find(spots, parent, name, len);

	if (spot)
		return spot;
	spot = xcalloc(1, sizeof(*spot) + len + 1);
	memcpy(spot->name, name, len);
	spot->len = len;
	spot->parent = parent;
	LIST_INIT(&spot->children);
	TAILQ_INIT(&spot->hooks);
	if (parent)
		LIST_INSERT_HEAD(&parent->children, spot, sibling);
	table_add(spots, &spot->node, spot_hash(parent, name, len));
	return spot;
}

/* Frees SPOT and those above it as far as nothing needs them. */
static void spot_release(struct table *spots, struct spot *spot)
{
	while (spot && TAILQ_EMPTY(&spot->hooks) &&
	       LIST_EMPTY(&spot->children)) {
		struct spot *parent = spot->parent;

		if (parent)
			LIST_REMOVE(spot, sibling);
		table_remove(spots, &spot->node);
		free(spot);
		spot = parent;
	}
}

/* The component that *KEY begins with; moves *KEY behind it and its dot. */
static size_t component(const char **key)
{
	size_t len = strcspn(*key, ".");

	*key += len + ((*key)[len] == '.');
	return len;
}

void hook_on(struct table *spots, struct hook *hook, const char *ns,
	     const char *key)
{
	struct spot *spot = spot_make(spots, NULL, ns, strlen(ns));
	const char *p = strcmp(key, ".") ? key : "";

	while (*p) {
		const char *name = p;
		size_t len = component(&p);

		spot = spot_make(spots, spot, name, len);
	}
	hook->spot = spot;
	TAILQ_INSERT_TAIL(&spot->hooks, hook, at_spot);
}

void hook_off(struct table *spots, struct hook *hook)
{
	struct spot *spot = hook->spot;

	if (!spot)
		return;
	TAILQ_REMOVE(&spot->hooks, hook, at_spot);
	hook->spot = NULL;
	spot_release(spots, spot);
}

static void tell_hooks(struct spot *spot, enum where where, const char *tail,
		       spot_f *cb, void *arg)
{
	struct hook *hook;

	TAILQ_FOREACH(hook, &spot->hooks, at_spot)
		cb(hook, where, tail, arg);
}

/* As deep as the deepest watched key, which is bounded. */
static void tell_below(struct spot *spot, spot_f *cb, void *arg)
{
	struct spot *child;

	LIST_FOREACH(child, &spot->children, sibling) {
		tell_hooks(child, ABOVE, "", cb, arg);
		tell_below(child, cb, arg);
	}
}

void spots_tell(struct table *spots, const char *ns, const char *key,
		spot_f *cb, void *arg)
{
	struct spot *spot = spot_find(spots, NULL, ns, strlen(ns));
	const char *p = strcmp(key, ".") ? key : "";

	while (spot && *p) {
		const char *name = p;
		size_t len;

		tell_hooks(spot, BELOW, p, cb, arg);
		len = component(&p);
		spot = spot_find(spots, spot, name, len);
	}
	if (!spot)
		return;
	tell_hooks(spot, AT, "", cb, arg);
	tell_below(spot, cb, arg);
}
