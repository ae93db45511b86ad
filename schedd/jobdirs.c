/* SPDX-License-Identifier: Apache-2.0 */
/* Which jobs there are: the directories below `job', four levels of them, each
 * level a group of the id. See jobdirs.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/daemon.h"
#include "proto/jobid.h"
#include "schedd/jobdirs.h"

#define PAGE		10000	/* names */

int job_ids_add(struct job_ids *ids, uint64_t id)
{
	if (ids->count == ids->size) {
		size_t n = ids->size ? ids->size * 2 : 1024;
		uint64_t *p = reallocarray(ids->id, n, sizeof(*p));

		if (!p)
			return -1;
		ids->id = p;
		ids->size = n;
	}
	ids->id[ids->count++] = id;
	return 0;
}

int replay_failed(struct weir_error *error, weir_future_t *f, const char *what)
{
	error->errnum = f ? weir_future_error(f) : errno;
	if (!error->errnum)
		error->errnum = EIO;
	snprintf(error->text, sizeof(error->text), "%s: %.180s", what,
		 f && weir_future_error(f) ? weir_future_strerror(f) :
		 strerror(error->errnum));
	errno = error->errnum;
	return -1;
}

static void level_key(char key[JOBID_SIZE], uint64_t prefix, int level)
{
	jobid_encode(prefix, JOBID_KVS, key);
	key[3 + 5 * level] = '\0';	/* "job", then ".xxxx" a level */
}

/* Four hexadecimal digits; -1 for any other name. */
static long group(const char *name)
{
	if (strlen(name) != 4 || strspn(name, "0123456789abcdef") != 4)
		return -1;
	return strtol(name, NULL, 16);
}

/* What is in F's page, below PREFIX. *AFTER gets the last name if more
 * follows, else "". */
static int take_page(weir_future_t *f, uint64_t prefix, int level,
		     struct job_ids *below, char after[8])
{
	const char *type, *name, *more;
	uint64_t size;

	after[0] = '\0';
	while (weir_kvs_list_next(f, &type, &size, &name) > 0) {
		long n = group(name);

		snprintf(after, 8, "%.7s", name);
		if (n < 0 || strcmp(type, "dir")) {
			daemon_log(LOG_WARNING, "job: '%s' is no part of a "
				   "job id", name);
			continue;
		}
		if (job_ids_add(below, prefix |
			    (uint64_t)n << (16 * (3 - level))) < 0)
			return -1;
	}
	more = weir_future_option(f, "more");
	if (!more || strcmp(more, "1"))
		after[0] = '\0';
	return 0;
}

static int list_rest(weir_t *h, weir_future_t *f, uint64_t prefix,
		     int level, struct job_ids *below, struct weir_error *error)
{
	char key[JOBID_SIZE], after[8];

	level_key(key, prefix, level);
	for (;;) {
		if (!f || weir_future_get(f) < 0) {
			bool none = f && weir_future_error(f) == ENOENT;

			if (!none)
				replay_failed(error, f, key);
			weir_future_destroy(f);
			return none ? 0 : -1;
		}
		if (take_page(f, prefix, level, below, after) < 0) {
			replay_failed(error, NULL, key);
			weir_future_destroy(f);
			return -1;
		}
		weir_future_destroy(f);
		if (!after[0])
			return 0;
		f = weir_kvs_list(h, "primary", key, NULL, after, PAGE);
	}
}

/* From the directories of LEVEL to those one deeper. */
static int descend(weir_t *h, const struct job_ids *at, int level,
		   struct job_ids *below, struct weir_error *error)
{
	weir_future_t *f[WINDOW];
	char key[JOBID_SIZE];
	size_t i, j, n;
	int r = 0;

	for (i = 0; i < at->count; i += n) {
		n = at->count - i < WINDOW ? at->count - i : WINDOW;
		for (j = 0; j < n; j++) {
			level_key(key, at->id[i + j], level);
			f[j] = weir_kvs_list(h, "primary", key, NULL, NULL,
					     PAGE);
		}
		for (j = 0; j < n; j++) {
			if (r == 0)
				r = list_rest(h, f[j], at->id[i + j], level,
					      below, error);
			else
				weir_future_destroy(f[j]);
		}
		if (r < 0)
			return -1;
	}
	return 0;
}

int jobdirs_find(weir_t *h, struct job_ids *ids, struct weir_error *error)
{
	struct job_ids at = { NULL, 0, 0 }, below;
	int level, r = 0;

	if (job_ids_add(&at, 0) < 0)
		return replay_failed(error, NULL, "job");
	for (level = 0; level < 4 && r == 0; level++) {
		below = (struct job_ids) { NULL, 0, 0 };
		r = descend(h, &at, level, &below, error);
		free(at.id);
		at = below;
	}
	if (r < 0)
		free(at.id);
	else
		*ids = at;
	return r;
}

