/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas: how much a namespace, and all of a user's, may hold. What they hold
 * is the extent of their applied roots, of which each transaction tells the
 * difference; so nothing is ever counted anew but at the start. weir-kvs(7). */
#ifndef WEIR_KVSD_QUOTA_H
#define WEIR_KVSD_QUOTA_H

#include "kvsd/db.h"
#include "kvsd/extent.h"

struct namespace;
struct namespace_list;

struct user {
	uid_t uid;
	struct extent use, before;	/* BEFORE: within quota_take */
	struct db_limits quota;
};

struct quota {
	struct user **user;	/* by uid; they are never moved or freed */
	size_t count, room;
	uid_t owner;		/* of the instance */
	struct db_limits namespace_default, user_default;
};

void quota_init(struct db *db, const struct db_options *options);
void quota_free(struct db *db);
/* Counts all namespaces, and reads the users' limits. */
void quota_load(struct db *db);
struct user *quota_user(struct db *db, uid_t uid);
/* Counts what the namespaces of both lists (B may be NULL) hold now. EDQUOT,
 * with a text, and nothing was counted, if that is more than before and over
 * a limit. */
int quota_take(struct db *db, const struct namespace_list *a,
	       const struct namespace_list *b, struct db_error *error);
/* For a namespace without a quota of its own. */
const struct db_limits *namespace_quota_default(const struct db *db,
						const struct namespace *ns);
/* LIMITS with what stands for DB_DEFAULT. */
void quota_effective(struct db_limits *limits,
		     const struct db_limits *in_place);

#endif
