/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of host names, in order and with duplicates, in a short text form
 * such as "node[1-3,7],login". Kept as runs of consecutive numbers. See
 * weir-hostlist(5).
 */
#ifndef WEIR_PROTO_HOSTLIST_H
#define WEIR_PROTO_HOSTLIST_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/error.h"

#define HOSTLIST_MAX		(1u << 20)	/* hosts in a list */
#define HOSTLIST_NAME_MAX	255		/* bytes in a name */
#define HOSTLIST_NAME_SIZE	(HOSTLIST_NAME_MAX + 1)
#define HOSTLIST_DIGITS_MAX	15		/* in a number in brackets */

struct hostlist;

struct hostlist *hostlist_create(void);
void hostlist_destroy(struct hostlist *list);	/* NULL is fine, keeps errno */

/*
 * Text to list; "" is the empty one. NULL with EINVAL (ERR says where),
 * EOVERFLOW (more than HOSTLIST_MAX hosts) or ENOMEM.
 */
struct hostlist *hostlist_decode(const char *text, struct proto_error *err);
/* Add what TEXT expands to. After an error the list holds a part of it. */
int hostlist_decode_append(struct hostlist *list, const char *text,
			   struct proto_error *err);
/* Short text, to be freed. */
char *hostlist_encode(const struct hostlist *list);

/* One name, taken as it is. -1: EINVAL (empty, too long, or with brackets,
 * commas, blanks or other than printable ASCII), EOVERFLOW, ENOMEM. */
int hostlist_append(struct hostlist *list, const char *host);

size_t hostlist_count(const struct hostlist *list);
/* Name number N, from 0, written to BUF; NULL with ENOENT. */
char *hostlist_nth(const struct hostlist *list, size_t n,
		   char buf[HOSTLIST_NAME_SIZE]);
/* The first place of HOST, or -1 with ENOENT. */
ssize_t hostlist_find(const struct hostlist *list, const char *host);

/*
 * One name after the other, each in constant time:
 *	struct hostlist_iter it = { 0 };
 *	while (hostlist_next(list, &it, buf)) ...
 */
struct hostlist_iter {
	size_t run;
	size_t offset;
};
char *hostlist_next(const struct hostlist *list, struct hostlist_iter *it,
		    char buf[HOSTLIST_NAME_SIZE]);

#endif
