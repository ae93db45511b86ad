/* SPDX-License-Identifier: Apache-2.0 */
/* weir job urgency and memo. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"

json_t *job_call(weir_t *h, const char *method, weir_jobid_t id, json_t *body)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char f58[JOBID_SIZE];
	weir_future_t *f;
	json_t *reply;

	if (!text)
		die("out of memory");
	f = made(weir_rpc(h, method, text, strlen(text), -1), method);
	if (weir_future_get(f) < 0 && !id)
		die("%s", weir_future_strerror(f));
	if (weir_future_error(f))
		die("%s: %s", text_f58(id, f58),
		    weir_future_error(f) == ENOENT ? "unknown job id" :
		    weir_future_strerror(f));
	reply = reply_json(f);
	weir_future_destroy(f);
	free(text);
	json_decref(body);
	return reply;
}

static void print_old(int urgency)
{
	if (urgency == 0)
		puts("old urgency: job held");
	else if (urgency == 31)
		puts("old urgency: job expedited");
	else
		printf("old urgency: %d\n", urgency);
}

int job_urgency(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	char f58[JOBID_SIZE];
	bool verbose = false;
	int urgency, old = 0;
	weir_jobid_t id;
	json_t *reply;
	weir_t *h;

	while (next_option(argc, argv, "v", longs, "weir-job") != -1)
		verbose = true;
	if (argc - optind != 2)
		verb_usage();
	id = job_argument(argv[optind]);
	urgency = text_urgency(argv[optind + 1]);
	if (urgency < 0)
		die("%s: urgency value is out of range", text_f58(id, f58));
	h = open_instance(0);
	reply = job_call(h, "job-manager.urgency", id,
			 json_pack("{s:I s:i}", "id", (json_int_t)id,
				   "urgency", urgency));
	json_unpack(reply, "{s:i}", "old_urgency", &old);
	if (verbose)
		print_old(old);
	json_decref(reply);
	weir_close(h);
	return 0;
}

/* KEY=VALUE into O; dots nest, VALUE is JSON or else a string. */
static void add_pair(json_t *o, const char *arg)
{
	char *copy = xstrdup(arg), *rest = copy, *value = strchr(copy, '=');
	char *key = NULL;
	json_t *v, *child;

	if (!value || value == copy)
		die("'%s' is not KEY=VALUE", arg);
	*value++ = '\0';
	while ((key = strsep(&rest, ".")) && rest) {
		child = json_object_get(o, key);
		if (!json_is_object(child)) {
			child = json_object();
			json_object_set_new(o, key, child);
		}
		o = child;
	}
	v = json_loads(value, JSON_DECODE_ANY, NULL);
	if (!v)
		v = json_string(value);
	if (!v || json_object_set_new(o, key, v) < 0)
		die("'%s' is not UTF-8", arg);
	free(copy);
}

int job_memo(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "volatile", no_argument, NULL, 'V' },
		{ 0 }
	};
	json_t *memo = json_object();
	bool is_volatile = false;
	weir_jobid_t id;
	weir_t *h;
	int i;

	while (next_option(argc, argv, "", longs, "weir-job") != -1)
		is_volatile = true;
	if (argc - optind < 2)
		verb_usage();
	id = job_argument(argv[optind]);
	for (i = optind + 1; i < argc; i++)
		add_pair(memo, argv[i]);
	h = open_instance(0);
	json_decref(job_call(h, "job-manager.memo", id,
			     json_pack("{s:I s:b s:o}", "id", (json_int_t)id,
				       "volatile", is_volatile, "memo",
				       memo)));
	weir_close(h);
	return 0;
}
