/* SPDX-License-Identifier: Apache-2.0 */
/* See user_limits.h. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "schedd/plugins/user_limits.h"

static int take_limit(json_t *value, const char *name, int *limit, char *error,
		      size_t size)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < -1 || n > INT_MAX) {
		snprintf(error, size, "%s: must be a number, or -1 for no "
			 "limit", name);
		return -1;
	}
	*limit = (int)n;
	return 0;
}

static int find_uid(const char *name, uint32_t *uid)
{
	const struct passwd *pw;
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(name, &end, 10);
	if (*name >= '0' && *name <= '9' && !*end && !errno &&
	    n < UINT32_MAX) {
		*uid = (uint32_t)n;
		return 0;
	}
	pw = getpwnam(name);
	if (!pw)
		return -1;
	*uid = pw->pw_uid;
	return 0;
}

static int take_users(struct user_limits *l, json_t *users, char *error,
		      size_t size)
{
	struct user_limit *u;
	const char *name;
	char path[128];
	json_t *value;

	l->user = calloc(json_object_size(users) + 1, sizeof(*l->user));
	if (!l->user) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	json_object_foreach(users, name, value) {
		u = &l->user[l->count];
		snprintf(path, sizeof(path), "users.%.64s", name);
		if (find_uid(name, &u->uid) < 0) {
			snprintf(error, size, "%s: there is no such user",
				 path);
			return -1;
		}
		if (take_limit(value, path, &u->limit, error, size) < 0)
			return -1;
		l->count++;
	}
	return 0;
}

int user_limits_parse(struct user_limits *limits, json_t *conf, char *error,
		      size_t size)
{
	struct user_limits new = { .standard = USER_LIMIT_NONE };
	json_t *limit = json_object_get(conf, "limit");
	json_t *users = json_object_get(conf, "users");

	if (users && !json_is_object(users)) {
		snprintf(error, size, "users: must be an object");
		return -1;
	}
	if ((limit && take_limit(limit, "limit", &new.standard, error,
				 size) < 0) ||
	    take_users(&new, users, error, size) < 0) {
		free(new.user);
		return -1;
	}
	user_limits_free(limits);
	*limits = new;
	return 0;
}

void user_limits_free(struct user_limits *limits)
{
	free(limits->user);
	limits->user = NULL;
	limits->count = 0;
}

int user_limit(const struct user_limits *limits, uint32_t uid)
{
	size_t i;

	for (i = 0; i < limits->count; i++)
		if (limits->user[i].uid == uid)
			return limits->user[i].limit;
	return limits->standard;
}
