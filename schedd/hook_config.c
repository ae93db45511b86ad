/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of hooks: job-manager.prolog, epilog and
 * housekeeping. weir-config(5). */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/duration.h"
#include "proto/json_check.h"
#include "schedd/hook.h"
#include "schedd/queue.h"

#define PROLOG_TIMEOUT	1800	/* seconds */
#define TERM_TIMEOUT	60	/* seconds */

const char *const hook_names[HOOKS] = { "prolog", "epilog",
					"housekeeping" };

static int take_command(json_t *value, const char *path, char ***argv,
			struct proto_error *err)
{
	size_t i, n = json_array_size(value);
	const char *word = json_string_value(json_array_get(value, 0));

	if (!word || word[0] != '/')
		return json_must_be(err, path, "an array of strings, the first "
				    "an absolute path", value);
	*argv = calloc(n + 1, sizeof(**argv));
	for (i = 0; *argv && i < n; i++) {
		word = json_string_value(json_array_get(value, i));
		if (!word)
			return json_must_be(err, path, "an array of strings",
					    value);
		(*argv)[i] = strdup(word);
		if (!(*argv)[i])
			break;
	}
	return *argv && i == n ? 0 :
	       proto_error_set(err, ENOMEM, "out of memory");
}

static int take_flag(json_t *value, const char *path, bool *flag,
		     struct proto_error *err)
{
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return json_must_be(err, path, "true or false", value);
	*flag = json_is_true(value);
	return 0;
}

/* Here 0 is at once, and not what no limit is. */
static int take_after(json_t *value, const char *path, double *seconds,
		      struct proto_error *err)
{
	const char *text = json_string_value(value);
	double n = 0;

	if (config_duration(value, path, seconds, err) < 0)
		return -1;
	if (text && duration_parse(text, &n, NULL) == 0 && isinf(n))
		*seconds = -1;
	return 0;
}

static int take_hook(json_t *o, const char *name, struct hook_config *c,
		     struct proto_error *err)
{
	char path[4][64];

	snprintf(path[0], sizeof(path[0]), "job-manager.%s", name);
	if (!json_is_object(o))
		return json_must_be(err, path[0], "an object", o);
	snprintf(path[0], sizeof(path[0]), "job-manager.%s.command", name);
	snprintf(path[1], sizeof(path[1]), "job-manager.%s.timeout", name);
	snprintf(path[2], sizeof(path[2]), "job-manager.%s.kill-timeout",
		 name);
	snprintf(path[3], sizeof(path[3]), "job-manager.%s.per-rank", name);
	if (take_command(json_object_get(o, "command"), path[0], &c->command.argv,
			 err) < 0 ||
	    config_duration(json_object_get(o, "timeout"), path[1],
			    &c->command.timeout, err) < 0 ||
	    config_duration(json_object_get(o, "kill-timeout"), path[2],
			    &c->command.kill_timeout, err) < 0 ||
	    take_flag(json_object_get(o, "per-rank"), path[3], &c->per_rank,
		      err) < 0)
		return -1;
	snprintf(path[0], sizeof(path[0]), "job-manager.%s.release-after",
		 name);
	if (take_after(json_object_get(o, "release-after"), path[0],
		       &c->release_after, err) < 0)
		return -1;
	snprintf(path[0], sizeof(path[0]), "job-manager.%s.cancel-on-exception",
		 name);
	return take_flag(json_object_get(o, "cancel-on-exception"), path[0],
			 &c->cancel, err);
}

int hook_configure(struct hook_config config[HOOKS], json_t *manager,
		   struct proto_error *err)
{
	json_t *o;
	int i;

	for (i = 0; i < HOOKS; i++)
		config[i] = (struct hook_config) {
			.command.timeout = i == HOOK_PROLOG ?
					   PROLOG_TIMEOUT : 0,
			.command.kill_timeout = TERM_TIMEOUT,
			.cancel = true,
			.release_after = -1,
		};
	for (i = 0; i < HOOKS; i++) {
		o = json_object_get(manager, hook_names[i]);
		if (!o || take_hook(o, hook_names[i], &config[i], err) == 0)
			continue;
		hook_config_free(config);
		return -1;
	}
	return 0;
}

void hook_config_free(struct hook_config config[HOOKS])
{
	char **p;
	int i;

	for (i = 0; i < HOOKS; i++) {
		for (p = config[i].command.argv; p && *p; p++)
			free(*p);
		free(config[i].command.argv);
		config[i].command.argv = NULL;
	}
}
