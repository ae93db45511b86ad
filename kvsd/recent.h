/* SPDX-License-Identifier: Apache-2.0 */
/* The keys written by the newest transactions, in a ring: tells whether a key
 * was written since a version, also for the versions inside a batch, whose
 * roots nobody ever knew. */
#ifndef WEIR_KVSD_RECENT_H
#define WEIR_KVSD_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_MAX	16384
#define RECENT_BYTES	(2u << 20)	/* of keys */

struct namespace;

struct recent {
	struct recent_write {
		struct namespace *ns;	/* a reference */
		uint64_t version;
		char *key;
	} *write;		/* a ring of RECENT_MAX, or NULL */
	size_t first, count, bytes;
};

void recent_add(struct recent *recent, struct namespace *ns, uint64_t version,
		const char *key);
/* Whether a write after VERSION may have changed KEY of NS: 0 no, 1 yes, -1
 * if the ring does not reach back so far. */
int recent_written(const struct recent *recent, const struct namespace *ns,
		   const char *key, uint64_t version);
void recent_clear(struct recent *recent);
void recent_free(struct recent *recent);

#endif
