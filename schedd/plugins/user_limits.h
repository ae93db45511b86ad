/* SPDX-License-Identifier: Apache-2.0 */
/* A limit for every user, and others for some: the part of a configuration
 * that plug-ins have in common. */
#ifndef WEIR_PLUGINS_USER_LIMITS_H
#define WEIR_PLUGINS_USER_LIMITS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define USER_LIMIT_NONE	(-1)

/* All zeros is a limit of 0 for all. */
struct user_limits {
	int standard;		/* or USER_LIMIT_NONE */
	struct user_limit {
		uint32_t uid;
		int limit;
	} *user;
	size_t count;
};

/* From the members `limit' and `users' (names or numbers) of CONF. -1 with
 * what is wrong in ERROR, and LIMITS is as it was. */
int user_limits_parse(struct user_limits *limits, json_t *conf, char *error,
		      size_t size);
void user_limits_free(struct user_limits *limits);
int user_limit(const struct user_limits *limits, uint32_t uid);

#endif
