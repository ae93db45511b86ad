/* SPDX-License-Identifier: Apache-2.0 */
/* weir update: changes what an active job asks for. weir-update(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/duration.h"

/* The name as the server has it; to be freed. */
static char *full_key(const char *key)
{
	if (!strcmp(key, "name"))
		return xstrdup("attributes.system.job.name");
	if (!strncmp(key, "attributes.", 11) || !strncmp(key, "tasks.", 6) ||
	    !strncmp(key, "resources.", 10))
		return xstrdup(key);
	return xasprintf("attributes.system.%s", key);
}

static double present_duration(weir_t *h, weir_jobid_t id)
{
	json_t *job = jobs_query_id(h, id);
	double duration;

	if (!job)
		fail("unknown job id");
	duration = json_number_value(json_object_get(job, "duration"));
	json_decref(job);
	if (duration <= 0)
		fail("the job has no time limit to add to or take from");
	return duration;
}

/* [+-]DURATION; infinite is 0, no limit. */
static json_t *duration_value(weir_t *h, weir_jobid_t id, const char *text)
{
	const char *number = text + (*text == '+' || *text == '-');
	struct proto_error error;
	double d;

	if (duration_parse(number, &d, &error) < 0)
		fail("duration: %s", error.text);
	if (number > text) {
		d = present_duration(h, id) + (*text == '-' ? -d : d);
		if (d <= 0)
			fail("duration: '%s' would leave no time", text);
	}
	return json_real(isfinite(d) ? d : 0);
}

static void add(json_t *updates, weir_t *h, weir_jobid_t id, const char *arg)
{
	char *copy = xstrdup(arg), *text = strchr(copy, '='), *key;
	json_t *value = NULL;

	if (!text || text == copy)
		usage_error("'%s' is not KEY=VALUE", arg);
	*text++ = '\0';
	key = full_key(copy);
	if (!strcmp(key, "attributes.system.duration"))
		value = duration_value(h, id, text);
	else if (strcmp(copy, "name") && strcmp(copy, "queue"))
		value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!value)
		value = json_string(text);
	if (!value || json_object_set_new(updates, key, value) < 0)
		fail("'%s' is not UTF-8", arg);
	free(key);
	free(copy);
}

static void print(json_t *updates)
{
	char *text = json_dumps(updates, JSON_REAL_PRECISION(15));

	if (!text)
		die("out of memory");
	puts(text);
	free(text);
}

static void send_updates(weir_t *h, weir_jobid_t id, json_t *updates)
{
	json_t *body = json_pack("{s:I s:O}", "id", (json_int_t)id, "updates",
				 updates);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	weir_future_t *f;

	if (!text)
		die("out of memory");
	f = made(weir_rpc(h, "job-manager.update", text, strlen(text), -1),
		 "update");
	if (weir_future_get(f) < 0)
		fail("%s", weir_future_error(f) == ENOENT ? "unknown job id" :
		     weir_future_strerror(f));
	weir_future_destroy(f);
	free(text);
	json_decref(body);
}

static void tell(json_t *updates)
{
	const char *key;
	json_t *value;
	char *text;

	json_object_foreach(updates, key, value) {
		text = json_is_string(value) ?
		       xstrdup(json_string_value(value)) :
		       json_dumps(value, JSON_ENCODE_ANY |
				  JSON_REAL_PRECISION(15));
		fprintf(stderr, "%s: INFO: updated %s to %s\n", cmd_name, key,
			text ? text : "");
		free(text);
	}
}

int main_update(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "verbose", no_argument, NULL, 'v' },
		/* what is asked for is in force when the reply comes */
		{ "wait", no_argument, NULL, 'w' },
		{ 0 }
	};
	bool dry_run = false, verbose = false;
	json_t *updates = json_object();
	weir_jobid_t id;
	weir_t *h;
	int c, i;

	usage_status = 2;
	while ((c = next_option(argc, argv, "nv", longs, "weir-update"))
	       != -1) {
		if (c == 'n')
			dry_run = true;
		else if (c == 'v')
			verbose = true;
	}
	if (argc - optind < 2)
		usage_error("a job id and KEY=VALUE are needed");
	if (weir_jobid_parse(argv[optind], &id) < 0)
		usage_error("argument JOBID: invalid JobID value: '%s'",
			    argv[optind]);
	h = open_instance(0);
	for (i = optind + 1; i < argc; i++)
		add(updates, h, id, argv[i]);
	if (dry_run) {
		print(updates);
	} else {
		send_updates(h, id, updates);
		if (verbose)
			tell(updates);
	}
	json_decref(updates);
	weir_close(h);
	return 0;
}
