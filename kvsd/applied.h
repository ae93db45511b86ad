/* SPDX-License-Identifier: Apache-2.0 */
/* What was applied and is not durable: kept for the watches. */
#ifndef WEIR_KVSD_APPLIED_H
#define WEIR_KVSD_APPLIED_H

#include "kvsd/kvsd.h"

/* In place of an operation: namespace KEY was made or removed. */
#define APPLIED_NAMESPACE	OP_COUNT

struct applied_op {
	enum wire_operation_id op;
	const char *ns, *key;		/* what was changed */
	const char *arg, *target_ns;	/* as in struct db_op, or NULL */
	const void *data;		/* put, append; NULL: not kept */
	size_t len;
	uint64_t offset;		/* append */
	uint64_t version;		/* of NS after it */
};

/* The operations of a transaction, in one piece of memory. */
struct applied {
	struct applied *next;
	uint64_t ticket;
	size_t kept;			/* bytes of data */
	size_t count;
	struct applied_op op[];
};

/* WANTED says for each operation whether its data is to be kept. NULL if
 * nothing is worth noting. */
struct applied *applied_create(struct db *db, const struct db_op *ops,
			       size_t count,
			       bool (*wanted)(const struct db_op *op,
					      void *arg), void *arg);
struct applied *applied_namespace(struct db *db, const char *name);

#endif
