/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a directory by name: see overlay.h. */
#include "config.h"

#include <sodium.h>
#include <string.h>

#include "kvsd/alloc.h"
#include "kvsd/overlay.h"

/* For each level, the pointer to the first change that is not below NAME. */
static void find(const struct overlay *overlay, const void *name, size_t len,
		 struct change ***link)
{
	struct change **next = (struct change **)overlay->first;

	for (int i = overlay->height - 1; i >= 0; i--) {
		while (next[i] && name_order(next[i]->entry->bytes,
					     next[i]->entry->name_len,
					     name, len) < 0)
			next = next[i]->next;
		link[i] = &next[i];
	}
}

static struct change *equal(struct change *change, const void *name,
			    size_t len)
{
	if (!change || change->entry->name_len != len ||
	    memcmp(change->entry->bytes, name, len))
		return NULL;
	return change;
}

/* One of 4^N is higher than N. Nobody may foresee it, for names can be
 * chosen. */
static int random_height(void)
{
	static uint64_t state;
	int height = 1;

	if (!state)
		randombytes_buf(&state, sizeof(state));
	state += 0x9e3779b97f4a7c15;
	for (uint64_t n = (state ^ state >> 31) * 0xbf58476d1ce4e5b9 >> 32;
	     height < OVERLAY_HEIGHT && !(n & 3); n >>= 2)
		height++;
	return height;
}

static void insert(struct overlay *overlay, struct change ***link,
		   struct entry *entry)
{
	int height = random_height();
	struct change *change = xmalloc(sizeof(*change) +
					height * sizeof(change->next[0]));

	while (overlay->height < height) {
		link[overlay->height] = &overlay->first[overlay->height];
		overlay->height++;
	}
	change->entry = entry;
	for (int i = 0; i < height; i++) {
		change->next[i] = *link[i];
		*link[i] = change;
	}
}

struct entry *overlay_find(const struct overlay *overlay, const void *name,
			   size_t len)
{
	struct change **link[OVERLAY_HEIGHT], *change;

	if (!overlay->height)
		return NULL;
	find(overlay, name, len, link);
	change = equal(*link[0], name, len);
	return change ? change->entry : NULL;
}

struct entry *overlay_put(struct overlay *overlay, struct entry *entry)
{
	struct change **link[OVERLAY_HEIGHT], *change = NULL;
	struct entry *old;

	find(overlay, entry->bytes, entry->name_len, link);
	if (overlay->height)
		change = equal(*link[0], entry->bytes, entry->name_len);
	if (!change) {
		insert(overlay, link, entry);
		return NULL;
	}
	old = change->entry;
	change->entry = entry;
	return old;
}

struct entry *overlay_take(struct overlay *overlay, const void *name,
			   size_t len)
{
	struct change **link[OVERLAY_HEIGHT], *change = NULL;
	struct entry *entry;

	find(overlay, name, len, link);
	if (overlay->height)
		change = equal(*link[0], name, len);
	if (!change)
		return NULL;
	for (int i = 0; i < overlay->height && *link[i] == change; i++)
		*link[i] = change->next[i];
	entry = change->entry;
	free(change);
	return entry;
}

struct change *overlay_after(const struct overlay *overlay, const void *name,
			     size_t len)
{
	struct change **link[OVERLAY_HEIGHT], *change;

	if (!overlay->height)
		return NULL;
	find(overlay, name, len, link);
	change = *link[0];
	return equal(change, name, len) ? change->next[0] : change;
}

void overlay_clear(struct overlay *overlay)
{
	struct change *change = overlay->first[0];

	while (change) {
		struct change *next = change->next[0];

		entry_unref(change->entry);
		free(change);
		change = next;
	}
	memset(overlay, 0, sizeof(*overlay));
}
