/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints about a stranger's JSON document: see json_check.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_check.h"

/* What VALUE is, in a few words, for "got ...". */
static const char *describe(const json_t *value, char buf[64])
{
	char *text;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return json_array_size(value) ? "an array" : "an empty array";
	default:
		break;
	}
	text = json_dumps(value, JSON_ENCODE_ANY);
	snprintf(buf, 64, "%.48s%s", text ? text : "?",
		 text && strlen(text) > 48 ? "..." : "");
	free(text);
	return buf;
}

int json_must_be(struct proto_error *err, const char *path,
		   const char *what, const json_t *value)
{
	char buf[64];

	if (!value)
		return proto_error_set(err, EINVAL, "%s: is missing (must be "
				       "%s)", path, what);
	return proto_error_set(err, EINVAL, "%s: must be %s, got %s", path,
			       what, describe(value, buf));
}

int json_check_keys(json_t *object, const char *path,
		      const char *const *known, struct proto_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		const char *const *k = known;

		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return proto_error_set(err, EINVAL, "%s%s%.60s: "
					       "unknown key", path,
					       *path ? "." : "", key);
	}
	return 0;
}
