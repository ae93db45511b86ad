/* SPDX-License-Identifier: Apache-2.0 */
/* weir job wait and purge. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

/* ---- wait ---- */

/* The next result, or that of ID. NULL: there is none, said in TEXT. */
static json_t *next_result(weir_t *h, weir_jobid_t id, char text[256])
{
	char body[64] = "{}";
	weir_future_t *f;
	json_t *reply;

	if (id)
		snprintf(body, sizeof(body), "{\"id\":%llu}",
			 (unsigned long long)id);
	f = made(weir_rpc(h, "job-manager.wait", body, strlen(body), -1),
		 "wait");
	if (weir_future_get(f) < 0) {
		if (weir_future_error(f) != ECHILD)
			die("wait: %s", weir_future_strerror(f));
		snprintf(text, 256, "%s", weir_future_strerror(f));
		weir_future_destroy(f);
		return NULL;
	}
	reply = reply_json(f);
	if (!reply)
		die("wait: the reply is no object");
	weir_future_destroy(f);
	return reply;
}

static const char *reason(const json_t *result)
{
	const char *text = json_string_value(json_object_get(result,
							     "errstr"));

	return text ? text : "";
}

static bool succeeded(const json_t *result)
{
	return json_is_true(json_object_get(result, "success"));
}

static weir_jobid_t id_of(const json_t *result)
{
	return (weir_jobid_t)json_integer_value(json_object_get(result,
								"id"));
}

static int wait_all(weir_t *h, bool verbose)
{
	char text[256], f58[JOBID_SIZE];
	json_t *result;
	int rc = 0;

	while ((result = next_result(h, 0, text))) {
		text_f58(id_of(result), f58);
		if (!succeeded(result)) {
			fprintf(stderr, "%s: %s\n", f58, reason(result));
			rc = 1;
		} else if (verbose) {
			fprintf(stderr, "%s: job completed successfully\n",
				f58);
		}
		json_decref(result);
	}
	return rc;
}

static int wait_one(weir_t *h, weir_jobid_t id)
{
	char text[256], f58[JOBID_SIZE];
	json_t *result = next_result(h, id, text);
	int rc = 0;

	if (!result) {
		warn("%s", text);
		return 2;
	}
	if (!id)
		puts(text_f58(id_of(result), f58));
	if (!succeeded(result)) {
		warn("%s", reason(result));
		rc = 1;
	}
	json_decref(result);
	return rc;
}

int job_wait(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	bool all = false, verbose = false;
	weir_jobid_t id = 0;
	weir_t *h;
	int c, rc;

	while ((c = next_option(argc, argv, "av", longs, "weir-job")) != -1) {
		if (c == 'a')
			all = true;
		else
			verbose = true;
	}
	if (argc - optind > 1 || (all && argc > optind))
		verb_usage();
	if (argc > optind)
		id = job_argument(argv[optind]);
	h = open_instance(0);
	rc = all ? wait_all(h, verbose) : wait_one(h, id);
	weir_close(h);
	return rc;
}

/* ---- purge ---- */

int job_purge(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "age-limit", required_argument, NULL, 'a' },
		{ "num-limit", required_argument, NULL, 'n' },
		/* schedd itself does it in parts */
		{ "batch", required_argument, NULL, 'b' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 }
	};
	json_t *body = json_object(), *ids = json_array(), *reply;
	json_int_t count = 0, total = 0;
	bool force = false;
	uint64_t n;
	weir_t *h;
	int c, i;

	while ((c = next_option(argc, argv, "f", longs, "weir-job")) != -1) {
		if (c == 'f') {
			force = true;
		} else if (c == 'a') {
			json_object_set_new(body, "age_limit",
					    json_real(text_duration(optarg)));
		} else if (wire_parse_u64(optarg, &n) < 0 || n > INT32_MAX) {
			usage_error("--%s: '%s' is no number from 0 on",
				    c == 'n' ? "num-limit" : "batch", optarg);
		} else if (c == 'n') {
			json_object_set_new(body, "num_limit",
					    json_integer((json_int_t)n));
		}
	}
	for (i = optind; i < argc; i++)
		json_array_append_new(ids, json_integer((json_int_t)
						job_argument(argv[i])));
	if (json_array_size(ids) && json_object_size(body))
		usage_error("ids and limits exclude each other");
	if (json_array_size(ids))
		json_object_set(body, "ids", ids);
	json_decref(ids);
	json_object_set_new(body, "force", json_boolean(force));
	h = open_instance(0);
	reply = job_call(h, "job-manager.purge", 0, body);
	json_unpack(reply, "{s:I s:I}", "count", &count, "total", &total);
	if (force)
		printf("purged %lld inactive jobs, %lld remaining\n",
		       (long long)count, (long long)total);
	else
		printf("use --force to purge %lld of %lld inactive jobs\n",
		       (long long)count, (long long)total);
	json_decref(reply);
	weir_close(h);
	return 0;
}
