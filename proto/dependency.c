/* SPDX-License-Identifier: Apache-2.0 */
/* Dependencies from their command-line form: see dependency.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dependency.h"

/* KEY=VALUE pairs, of which TEXT is cut up. */
static int add_keys(json_t *o, char *text, const char *uri,
		    struct proto_error *err)
{
	char *pair, *value;

	while ((pair = strsep(&text, "&;"))) {
		value = strchr(pair, '=');
		if (!value || value == pair)
			return proto_error_set(err, EINVAL, "dependency "
				"\"%.80s\": behind \"?\" must stand KEY=VALUE",
				uri);
		*value++ = '\0';
		if (json_object_get(o, pair))
			return proto_error_set(err, EINVAL, "dependency "
				"\"%.80s\": \"%.40s\" is given twice", uri,
				pair);
		if (json_object_set_new(o, pair, json_string(value)) < 0)
			return proto_error_set(err, EINVAL, "dependency "
				"\"%.80s\" is not UTF-8", uri);
	}
	return 0;
}

json_t *dependency_from_uri(const char *uri, struct proto_error *err)
{
	char *copy = strdup(uri), *keys, *value;
	json_t *o = NULL;

	if (!copy) {
		proto_error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	keys = strchr(copy, '?');
	if (keys)
		*keys++ = '\0';
	value = strchr(copy, ':');
	if (value)
		*value++ = '\0';
	if (!*copy || (value && !*value)) {
		proto_error_set(err, EINVAL, "dependency \"%.80s\": must be "
				"SCHEME:VALUE", uri);
		goto out;
	}
	o = json_pack("{s:s s:s}", "scheme", copy, "value",
		      value ? value : "");
	if (!o) {
		proto_error_set(err, EINVAL, "dependency \"%.80s\" is not "
				"UTF-8", uri);
		goto out;
	}
	if (keys && add_keys(o, keys, uri, err) < 0) {
		json_decref(o);
		o = NULL;
	}
out:
	free(copy);
	return o;
}
