/* SPDX-License-Identifier: Apache-2.0 */
/* Updates as they stand in a job's log: see update.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/weir.h"
#include "schedd/array.h"
#include "schedd/update.h"

static int set_text(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -1;
	free(*field);
	*field = copy;
	return 0;
}

int update_apply(struct job *job, json_t *updates)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach(updates, key, value) {
		const char *text = json_string_value(value);

		if (!strcmp(key, UPDATE_DURATION) && json_is_number(value)) {
			job->want.duration = json_number_value(value);
		} else if (!strcmp(key, UPDATE_NAME) && text) {
			r |= set_text(&job->name, text);
			job->named = true;
		} else if (!strcmp(key, UPDATE_QUEUE) && text) {
			r |= set_text(&job->queue, text);
		}
	}
	return job->array ? r | array_update(job->array, updates) : r;
}

int json_merge(json_t *into, json_t *from)
{
	const char *key;
	json_t *value, *old;
	int r = 0;

	json_object_foreach(from, key, value) {
		old = json_object_get(into, key);
		if (json_is_null(value))
			json_object_del(into, key);
		else if (json_is_object(value) && json_is_object(old))
			r |= json_merge(old, value);
		else
			r |= json_object_set_new(into, key,
						 json_deep_copy(value));
	}
	if (r)
		errno = ENOMEM;
	return r;
}

int update_memo(struct job *job, json_t *context)
{
	int r;

	if (!job->memo)
		job->memo = json_object();
	r = job->memo ? json_merge(job->memo, context) : -1;
	if (job->memo && json_object_size(job->memo) == 0) {
		json_decref(job->memo);
		job->memo = NULL;
	}
	return r;
}

int update_flags(struct job *job, json_t *context)
{
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(context, "flags"), i, name) {
		const char *word = json_string_value(name);

		if (word && !strcmp(word, "debug"))
			job->flags |= WEIR_JOB_DEBUG;
		else if (word && !strcmp(word, "waitable"))
			job->flags |= WEIR_JOB_WAITABLE;
		else if (word && !strcmp(word, "immutable"))
			job->immutable = true;
	}
	return 0;
}
