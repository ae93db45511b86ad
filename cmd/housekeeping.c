/* SPDX-License-Identifier: Apache-2.0 */
/* weir housekeeping: what runs on nodes after their jobs have ended.
 * weir-housekeeping(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobs.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"

static json_t *ask(const char *method, json_t *body)
{
	weir_t *h = open_instance(0);
	json_t *reply = job_call(h, method, 0, body);

	weir_close(h);
	return reply;
}

static void print(json_t *k)
{
	const char *nodelist = "?";
	json_int_t id = 0;
	int nnodes = 0, active = 0;
	double start = 0;
	char f58[JOBID_SIZE], time[32];

	json_unpack(k, "{s:I s:i s:i s:F s:s}", "id", &id, "nnodes", &nnodes,
		    "active", &active, "t_start", &start, "nodelist",
		    &nodelist);
	printf("%12s %6d %7d %8s %s\n", text_f58((weir_jobid_t)id, f58),
	       nnodes, active, short_duration(wall_clock() - start, time,
					      sizeof(time)), nodelist);
}

static int housekeeping_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "no-header", no_argument, NULL, 'n' },
		{ 0 }
	};
	bool header = true;
	json_t *reply, *k;
	size_t i;

	while (next_option(argc, argv, "n", longs, "weir-housekeeping") != -1)
		header = false;
	if (optind < argc)
		verb_usage();
	reply = ask("job-manager.housekeeping-list", json_object());
	if (header)
		printf("%12s %6s %7s %8s %s\n", "JOBID", "NNODES", "#ACTIVE",
		       "TIME", "NODELIST");
	json_array_foreach(json_object_get(reply, "housekeeping"), i, k)
		print(k);
	json_decref(reply);
	return 0;
}

static int housekeeping_kill(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "jobid", required_argument, NULL, 'j' },
		{ "targets", required_argument, NULL, 't' },
		{ 0 }
	};
	json_t *body = json_object(), *reply;
	bool all = false;
	weir_jobid_t id;
	int c;

	while ((c = next_option(argc, argv, "aj:t:", longs,
				"weir-housekeeping")) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 't')
			json_object_set_new(body, "ranks",
					    json_string(optarg));
		else if (weir_jobid_parse(optarg, &id) < 0)
			usage_error("'%s' is no job id", optarg);
		else
			json_object_set_new(body, "id",
					    json_integer((json_int_t)id));
	}
	if (optind < argc || all == (json_object_size(body) > 0))
		usage_error("kill: say which: --jobid, --targets or --all");
	reply = ask("job-manager.housekeeping-kill", body);
	if (json_integer_value(json_object_get(reply, "count")) == 0)
		die("kill: nothing of that runs");
	json_decref(reply);
	return 0;
}

static const struct verb verbs[] = {
	{ "kill", housekeeping_kill, "[-j JOBID] [-t RANKS] [-a]" },
	{ "list", housekeeping_list, "[-n]" },
	{ 0 }
};

int main_housekeeping(int argc, char **argv)
{
	return run_verb(verbs, argc, argv, "weir-housekeeping");
}
