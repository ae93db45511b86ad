/* SPDX-License-Identifier: Apache-2.0 */
/* The names of queue policies. See backfill.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/backfill.h"

static const struct backfill_config policies[] = {
	{ "fcfs", true, 0, BACKFILL_UNLIMITED, BACKFILL_SLICE },
	{ "easy", false, 1, BACKFILL_UNLIMITED, BACKFILL_SLICE },
	{ "conservative", false, BACKFILL_UNLIMITED, BACKFILL_UNLIMITED,
	  BACKFILL_SLICE },
	{ "hybrid", false, 64, BACKFILL_UNLIMITED, BACKFILL_SLICE },
};
#define POLICIES (sizeof(policies) / sizeof(*policies))

const char *backfill_policy_name(unsigned i)
{
	return i < POLICIES ? policies[i].policy : NULL;
}

static int parse_depth(struct backfill_config *config, const char *text,
		       struct proto_error *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !n ||
	    n >= BACKFILL_UNLIMITED)
		return proto_error_set(err, EINVAL, "hybrid: '%.40s' is not a "
				       "number of reservations", text);
	config->reservations = (uint32_t)n;
	return 0;
}

int backfill_config_parse(struct backfill_config *config, const char *text,
			  struct proto_error *err)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < POLICIES; i++) {
		const char *name = policies[i].policy;

		if (strlen(name) != len || strncmp(name, text, len))
			continue;
		*config = policies[i];
		if (!text[len])
			return 0;
		if (!strcmp(name, "hybrid"))
			return parse_depth(config, text + len + 1, err);
		return proto_error_set(err, EINVAL, "%s: it has no number of "
				       "reservations", name);
	}
	return proto_error_set(err, EINVAL, "there is no queue policy '%.40s': "
			       "fcfs, easy, conservative, hybrid or hybrid:N",
			       text);
}
