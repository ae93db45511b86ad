/* SPDX-License-Identifier: Apache-2.0 */
/* weir job: one job at a time. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/attach.h"
#include "cmd/many.h"
#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"
#include "proto/envelope.h"
#include "proto/wire.h"

weir_jobid_t job_argument(const char *text)
{
	weir_jobid_t id;

	if (weir_jobid_parse(text, &id) < 0)
		die("%s: %s", text, errno == ENOTSUP ?
		    "job ids in words are not supported" :
		    "malformed input");
	return id;
}

weir_jobid_t only_job_argument(int argc, char **argv)
{
	if (argc - optind != 1)
		verb_usage();
	return job_argument(argv[optind]);
}

void job_must_exist(weir_t *h, weir_jobid_t id, const char *key)
{
	char f58[JOBID_SIZE];
	bool missing = !strcmp(key, "eventlog");
	weir_future_t *f;

	if (!missing) {		/* each job has that one */
		f = made(weir_job_lookup(h, id, "eventlog"), "eventlog");
		missing = weir_future_get(f) < 0 &&
			  weir_future_error(f) == ENOENT;
		weir_future_destroy(f);
	}
	text_f58(id, f58);
	if (missing)
		die("%s: No such job", f58);
}

int job_attach(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "show-events", no_argument, NULL, 'E' },
		{ "wait-event", required_argument, NULL, 'w' },
		{ "label-io", no_argument, NULL, 'l' },
		{ "unbuffered", no_argument, NULL, 'u' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	struct attach_options options = { .output = true };
	struct terminal_options terminal = { .read_only = false };
	weir_jobid_t id;
	weir_t *h;
	int c, code;

	while ((c = next_option(argc, argv, "Ew:lurqv", longs, "weir-job"))
	       != -1) {
		switch (c) {
		case 'v':
		case 'E': options.events = true; break;
		case 'w': options.until = optarg; break;
		case 'l': options.label = true; break;
		case 'u': options.unbuffered = true; break;
		case 'r': terminal.read_only = true; break;
		case 'q': options.quiet = true; break;
		}
	}
	id = only_job_argument(argc, argv);
	h = open_lasting();
	code = attach_run(h, id, &options, &terminal);
	weir_close(h);
	return code;
}

static void print_value(const char *data, size_t len)
{
	if (len) {
		fwrite(data, 1, len, stdout);
		if (data[len - 1] != '\n')
			putchar('\n');
	}
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
}

/* The jobspec within the signed request. */
static void print_original(const char *data, size_t len)
{
	struct proto_error error;
	struct envelope *env = envelope_unpack(data, len, &error);

	if (!env)
		die("J: %s", error.text);
	print_value(env->payload, env->payload_len);
	envelope_destroy(env);
}

int job_info(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "original", no_argument, NULL, 'o' },
		{ "base", no_argument, NULL, 'b' },
		{ 0 }
	};
	bool original = false, base = false;
	const char *data, *key;
	char *current = NULL;
	weir_future_t *f;
	weir_jobid_t id;
	size_t len = 0;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "ob", longs, "weir-job")) != -1) {
		if (c == 'o')
			original = true;
		else
			base = true;
	}
	if (argc - optind != 2)
		verb_usage();
	id = job_argument(argv[optind]);
	key = argv[optind + 1];
	if (original && strcmp(key, "jobspec"))
		die("--original is for the key jobspec");
	h = open_instance(0);
	f = made(weir_job_lookup(h, id, original ? "J" : key), key);
	if (weir_future_get(f) < 0) {
		if (weir_future_error(f) == ENOENT) {
			job_must_exist(h, id, key);
			die("%s: key not found", key);
		}
		die("%s: %s", key, weir_future_strerror(f));
	}
	data = weir_future_data(f, &len);
	if (data && !base && !original)
		current = job_current(h, id, key, data, len);
	if (current)
		print_value(current, strlen(current));
	else if (original)
		print_original(data, len);
	else
		print_value(data, data ? len : 0);
	free(current);
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

int job_submit(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "urgency", required_argument, NULL, 'u' },
		{ 0 }
	};
	int c, urgency = WEIR_URGENCY_DEFAULT;
	char f58[JOBID_SIZE], *text;
	FILE *file = stdin;
	weir_future_t *f;
	weir_jobid_t id;
	uint64_t n;
	size_t len;
	weir_t *h;

	while ((c = next_option(argc, argv, "u:", longs, "weir-job")) != -1) {
		if (wire_parse_u64(optarg, &n) < 0 || n > 31)
			die("urgency range is [0:31]");
		urgency = (int)n;
	}
	if (argc - optind > 1)
		verb_usage();
	if (argc > optind && strcmp(argv[optind], "-")) {
		file = fopen(argv[optind], "r");
		if (!file)
			die("%s: %s", argv[optind], strerror(errno));
	}
	text = read_all(file, &len);
	if (strlen(text) != len)
		die("the jobspec has a NUL byte");
	h = open_instance(0);
	f = made(weir_job_submit(h, text, urgency, 0), "submit");
	free(text);
	if (weir_job_submit_id(f, &id) < 0)
		die("%s", weir_future_error(f) ? weir_future_strerror(f) :
		    strerror(errno));
	puts(text_f58(id, f58));
	weir_future_destroy(f);
	weir_close(h);
	if (file != stdin)
		fclose(file);
	return 0;
}

int job_stats(int argc, char **argv)
{
	static const struct option longs[] = { { 0 } };
	weir_future_t *f;
	weir_t *h;

	next_option(argc, argv, "", longs, "weir-job");
	if (argc != optind)
		verb_usage();
	h = open_instance(0);
	f = made(weir_rpc(h, "job-list.job-stats", NULL, 0, -1), "stats");
	must(f, "stats");
	puts((const char *)weir_future_data(f, NULL));
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}

static const struct verb verbs[] = {
	{ "attach", job_attach, "[-E] [-l] [-u] [-r] [-q] [-w EVENT] ID" },
	{ "cancel", job_cancel, "[-m NOTE] ID..." },
	{ "eventlog", job_eventlog,
	  "[-f text|json] [-T raw|iso|offset] [-H] [-F] [-p PATH] ID" },
	{ "id", job_id, "[-t FORM] [ID...]" },
	{ "info", job_info, "[-o|-b] ID KEY" },
	{ "journal", job_journal,
	  "[-P] [-s SINCE] [-u USER] [-q QUEUE] [-e EVENT,...] [-c N] "
	  "[-f text|json] [-T raw|iso|offset|human] [ID...]" },
	{ "kill", job_kill, "[-s SIGNAL] ID..." },
	{ "killall", job_killall, "[-s SIGNAL] [-u USER] [-f]" },
	{ "last", job_last, "[N|[START:STOP:STEP]]" },
	{ "list", job_list, "[-c N] [-s STATES] [-u USER] [-a] [-A]" },
	{ "list-ids", job_list_ids, "ID..." },
	{ "list-inactive", job_list_inactive, "[-c N] [-s TIME]" },
	{ "memo", job_memo, "[--volatile] ID KEY=VALUE..." },
	{ "namespace", job_namespace, "[ID...]" },
	{ "purge", job_purge,
	  "[--age-limit=DURATION] [--num-limit=N] [--batch=N] [-f] [ID...]" },
	{ "raise", job_raise,
	  "[-s SEVERITY] [-t TYPE] [-m NOTE] ID... [-- NOTE...]" },
	{ "raiseall", job_raiseall,
	  "[-s SEVERITY] [-u USER] [-S STATES] [-f] TYPE [NOTE...]" },
	{ "stats", job_stats, "" },
	{ "status", job_status, "[-v] [-j] [-e CODE] ID..." },
	{ "submit", job_submit, "[-u URGENCY] [FILE]" },
	{ "taskmap", job_taskmap,
	  "[--taskids=NODE|--ntasks=NODE|--nodeid=TASK|--hostname=TASK|"
	  "--to=FORM] ID|TASKMAP" },
	{ "timeleft", job_timeleft, "[-H] [ID]" },
	{ "urgency", job_urgency, "[-v] ID N|hold|default|expedite" },
	{ "wait", job_wait, "[-v] [-a] [ID]" },
	{ "wait-event", job_wait_event,
	  "[-t SECONDS] [-m KEY=VALUE] [-c N] [-q] [-v] ID EVENT" },
	{ 0 }
};

int main_job(int argc, char **argv)
{
	return run_verb(verbs, argc, argv, "weir-job");
}
