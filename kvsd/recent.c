/* SPDX-License-Identifier: Apache-2.0 */
/* The keys written by the newest transactions: see recent.h. */
#include "config.h"

#include "kvsd/alloc.h"
#include "kvsd/database.h"
#include "kvsd/recent.h"

static void drop_first(struct recent *recent)
{
	struct recent_write *write = &recent->write[recent->first];

	write->ns->recent_floor = write->version;
	recent->bytes -= strlen(write->key);
	namespace_unref(write->ns);
	free(write->key);
	recent->first = (recent->first + 1) % RECENT_MAX;
	recent->count--;
}

void recent_add(struct recent *recent, struct namespace *ns, uint64_t version,
		const char *key)
{
	struct recent_write *write;

	if (!recent->write)
		recent->write = xcalloc(RECENT_MAX, sizeof(*write));
	while (recent->count == RECENT_MAX ||
	       (recent->count && recent->bytes > RECENT_BYTES))
		drop_first(recent);
	write = &recent->write[(recent->first + recent->count++) % RECENT_MAX];
	write->ns = namespace_ref(ns);
	write->version = version;
	write->key = xstrdup(key);
	recent->bytes += strlen(key);
}

/* Whether A is B, or one is above the other. */
static bool touches(const char *a, const char *b)
{
	if (!strcmp(a, ".") || !strcmp(b, "."))
		return true;
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (!*a && !*b) || (!*a && *b == '.') || (!*b && *a == '.');
}

int recent_written(const struct recent *recent, const struct namespace *ns,
		   const char *key, uint64_t version)
{
	if (version < ns->recent_floor)
		return -1;
	for (size_t i = recent->count; i-- > 0;) {
		const struct recent_write *write =
			&recent->write[(recent->first + i) % RECENT_MAX];

		if (write->ns != ns)
			continue;
		if (write->version <= version)
			return 0;
		if (touches(write->key, key))
			return 1;
	}
	return 0;
}

void recent_clear(struct recent *recent)
{
	while (recent->count)
		drop_first(recent);
}

void recent_free(struct recent *recent)
{
	recent_clear(recent);
	free(recent->write);
	recent->write = NULL;
}
