/* SPDX-License-Identifier: Apache-2.0 */
/* The index from keys to watches: a tree of the watched keys and those above
 * them, a root for each namespace. A watch hooks on to the spot that its key
 * leads to and to that of every link on the way. */
#ifndef WEIR_KVSD_SPOT_H
#define WEIR_KVSD_SPOT_H

#include <sys/queue.h>

#include "kvsd/table.h"
#include "kvsd/watch.h"

struct watch;

struct spot {
	struct table_node node;		/* by parent and name */
	struct spot *parent;		/* NULL: the root of a namespace */
	LIST_ENTRY(spot) sibling;
	LIST_HEAD(, spot) children;
	TAILQ_HEAD(, hook) hooks;	/* in the order in which they came */
	size_t len;
	char name[];
};

struct hook {
	struct watch *watch;
	struct spot *spot;		/* NULL: not hooked on */
	TAILQ_ENTRY(hook) at_spot;
	bool is_link;
};

/* Hooks HOOK on to the spot of a key. */
void hook_on(struct table *spots, struct hook *hook, const char *ns,
	     const char *key);
void hook_off(struct table *spots, struct hook *hook);

/* Where a change was, as seen from a hook. */
enum where { BELOW, AT, ABOVE };

/* Calls CB for each hook that a change of KEY concerns: those at it and above
 * it, and those below it. TAIL is the rest of KEY below the hook ("" at and
 * above). CB must not hook on or off. */
typedef void spot_f(struct hook *hook, enum where where, const char *tail,
		    void *arg);
void spots_tell(struct table *spots, const char *ns, const char *key,
		spot_f *cb, void *arg);

#endif
