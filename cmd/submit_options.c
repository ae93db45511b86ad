/* SPDX-License-Identifier: Apache-2.0 */
/* Options of weir run, submit, batch and alloc, and the jobspec they make.
 * weir-submit(1). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/datetime.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/arrayspec.h"
#include "proto/dependency.h"
#include "proto/duration.h"
#include "proto/jobspec.h"

enum {
	OPT_NAME = 256, OPT_URGENCY, OPT_FLAGS, OPT_CWD, OPT_ENV,
	OPT_ENV_REMOVE, OPT_ENV_FILE, OPT_RLIMIT, OPT_DRY_RUN, OPT_QUIET,
	OPT_WAIT_EVENT, OPT_WAIT, OPT_WATCH, OPT_PROGRESS, OPT_JPS, OPT_CC,
	OPT_BCC, OPT_DEPENDENCY, OPT_BEGIN_TIME, OPT_SIGNAL, OPT_WRAP, OPT_BG,
	OPT_BROKER_OPTS, OPT_INPUT, OPT_OUTPUT, OPT_ERROR, OPT_CORES,
	OPT_TASKS_PER_NODE, OPT_TASKS_PER_CORE, OPT_GPUS_PER_NODE,
	OPT_RESOURCES_JSON, OPT_REQUIRES, OPT_TASKMAP, OPT_ADD_FILE, OPT_LOG, OPT_LOG_STDERR,
	OPT_ARRAY,
};

void word_add(struct word_list *list, const char *word)
{
	list->word = xrealloc(list->word, (list->count + 1) *
			      sizeof(*list->word));
	list->word[list->count++] = xstrdup(word);
}

static int count_option(const char *name, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < 1 || n > JOBSPEC_COUNT_MAX)
		fail("%s: '%s' is no number from 1 to %d", name, text,
		     JOBSPEC_COUNT_MAX);
	return (int)n;
}

/* A bare number is minutes. */
static double time_limit(const char *text)
{
	struct proto_error error;
	double n;
	char *end;

	n = strtod(text, &end);
	if (!*end && end != text && n >= 0 && n * 60 < JOBSPEC_DURATION_MAX)
		return n * 60;
	if (duration_parse(text, &n, &error) < 0)
		fail("--time-limit: %s", error.text);
	if (n > JOBSPEC_DURATION_MAX)	/* infinity: no limit */
		return 0;
	return n;
}

static int urgency_option(const char *text)
{
	int urgency = text_urgency(text);

	if (urgency < 0)
		fail("--urgency: '%s': urgency range is [0:31], or hold, "
		     "default, expedite", text);
	return urgency;
}

static int flags_option(const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	int flags = 0;

	while ((word = strsep(&rest, ","))) {
		if (!strcmp(word, "debug"))
			flags |= WEIR_JOB_DEBUG;
		else if (!strcmp(word, "waitable"))
			flags |= WEIR_JOB_WAITABLE;
		else
			fail("--flags: '%s' is neither debug nor waitable",
			     word);
	}
	free(copy);
	return flags;
}

static char *prefixed(char first, const char *rest)
{
	return xasprintf("%c%s", first, rest);
}

static void take_prefixed(struct word_list *list, char first,
			  const char *rest)
{
	char *rule = prefixed(first, rest);

	word_add(list, rule);
	free(rule);
}

/* At --begin-time=WHEN, as the dependency that it is. */
static void begin_time(struct submit_options *o, const char *when)
{
	struct proto_error error;
	double t;
	char *uri;

	if (datetime_parse(when, wall_clock(), &t, &error) < 0)
		fail("--begin-time: %s", error.text);
	uri = xasprintf("begin-time:%.3f", t);
	word_add(&o->dependency, uri);
	free(uri);
}

/* [SIG][@TIME]: what to send before the time limit, and how long before. */
static void signal_option(struct submit_options *o, const char *text)
{
	const char *at = strchr(text, '@');
	char *name = xstrdup(text);
	struct proto_error error;

	name[at ? at - text : (int)strlen(text)] = '\0';
	o->warn_signum = *name ? text_signal(name) : SIGUSR1;
	if (!o->warn_signum)
		fail("--signal: '%s' is no signal", name);
	o->warn_before = 60;
	if (at && duration_parse(at + 1, &o->warn_before, &error) < 0)
		fail("--signal: %s", error.text);
	free(name);
}

static const char *array_option(const char *text)
{
	struct proto_error error;
	struct array_spec *spec = array_spec_parse(text, &error);

	if (!spec)
		fail("--array: '%s': %s", text, error.text);
	array_spec_destroy(spec);
	return text;
}

/* Options that weir run does not have. */
static bool copies_option(struct submit_options *o, int c)
{
	switch (c) {
	case OPT_WAIT: o->wait = true; return true;
	case OPT_WATCH: o->watch = true; return true;
	case OPT_PROGRESS: o->progress = true; return true;
	case OPT_JPS: o->jps = true; return true;
	case OPT_ARRAY: o->array = array_option(optarg); return true;
	case OPT_CC: o->cc = optarg; return true;
	case OPT_BCC: o->bcc = optarg; return true;
	case OPT_LOG: o->log = optarg; return true;
	case OPT_LOG_STDERR: o->log_stderr = optarg; return true;
	}
	return false;
}

/* Those of the size by resources, with their names. */
static bool size_option(struct submit_size *size, int c)
{
	switch (c) {
	case OPT_CORES:
		size->cores = count_option("--cores", optarg);
		return true;
	case OPT_TASKS_PER_NODE:
		size->tasks_per_node = count_option("--tasks-per-node",
						    optarg);
		return true;
	case OPT_TASKS_PER_CORE:
		size->tasks_per_core = count_option("--tasks-per-core",
						    optarg);
		return true;
	case OPT_GPUS_PER_NODE:
		size->gpus_per_node = count_option("--gpus-per-node", optarg);
		return true;
	}
	return false;
}

static void take(struct submit_options *o, int c)
{
	switch (c) {
	case 'n': o->ntasks = count_option("--ntasks", optarg); break;
	case 'c':
		o->cores_per_task = count_option("--cores-per-task", optarg);
		break;
	case 'g':
		o->gpus_per_task = count_option("--gpus-per-task", optarg);
		break;
	case 'N': o->nnodes = count_option("--nodes", optarg); break;
	case 'x': o->exclusive = true; break;
	case 't': o->duration = time_limit(optarg); break;
	case 'q': o->queue = optarg; break;
	case 'B': o->bank = optarg; break;
	case 'o': word_add(&o->setopt, optarg); break;
	case 'S': word_add(&o->setattr, optarg); break;
	case 'u': o->unbuffered = true; break;
	case 'l': o->label = true; break;
	case 'v': o->verbose++; break;
	case OPT_NAME: o->name = optarg; break;
	case OPT_URGENCY: o->urgency = urgency_option(optarg); break;
	case OPT_FLAGS: o->flags |= flags_option(optarg); break;
	case OPT_CWD: o->cwd = optarg; break;
	case OPT_ENV: word_add(&o->env, optarg); break;
	case OPT_ENV_REMOVE: take_prefixed(&o->env, '-', optarg); break;
	case OPT_ENV_FILE: take_prefixed(&o->env, '^', optarg); break;
	case OPT_RLIMIT: word_add(&o->rlimit, optarg); break;
	case OPT_DEPENDENCY: word_add(&o->dependency, optarg); break;
	case OPT_BEGIN_TIME: begin_time(o, optarg); break;
	case OPT_SIGNAL: signal_option(o, optarg); break;
	case OPT_DRY_RUN: o->dry_run = true; break;
	case OPT_QUIET: o->quiet = true; break;
	case OPT_INPUT: o->input = optarg; break;
	case OPT_OUTPUT: o->output = optarg; break;
	case OPT_ERROR: o->error = optarg; break;
	case OPT_WAIT_EVENT: o->wait_event = optarg; break;
	case OPT_WRAP: o->wrap = true; break;
	case OPT_BG: o->background = true; break;
	case OPT_BROKER_OPTS: word_add(&o->start_opts, optarg); break;
	case OPT_REQUIRES: o->requires = optarg; break;
	case OPT_TASKMAP: o->taskmap = optarg; break;
	case OPT_RESOURCES_JSON: o->resources_json = optarg; break;
	case OPT_ADD_FILE: word_add(&o->add_file, optarg); break;
	}
}

#define TASK_LONGS \
	{ "ntasks", required_argument, NULL, 'n' }, \
	{ "cores-per-task", required_argument, NULL, 'c' }, \
	{ "gpus-per-task", required_argument, NULL, 'g' }, \
	{ "cores", required_argument, NULL, OPT_CORES }, \
	{ "tasks-per-node", required_argument, NULL, OPT_TASKS_PER_NODE }, \
	{ "tasks-per-core", required_argument, NULL, OPT_TASKS_PER_CORE }, \
	{ "gpus-per-node", required_argument, NULL, OPT_GPUS_PER_NODE }, \
	{ "taskmap", required_argument, NULL, OPT_TASKMAP }

#define SLOT_LONGS \
	{ "nslots", required_argument, NULL, 'n' }, \
	{ "cores-per-slot", required_argument, NULL, 'c' }, \
	{ "gpus-per-slot", required_argument, NULL, 'g' }, \
	{ "broker-opts", required_argument, NULL, OPT_BROKER_OPTS }

#define COMMON_LONGS \
	{ "nodes", required_argument, NULL, 'N' }, \
	{ "exclusive", no_argument, NULL, 'x' }, \
	{ "time-limit", required_argument, NULL, 't' }, \
	{ "queue", required_argument, NULL, 'q' }, \
	{ "bank", required_argument, NULL, 'B' }, \
	{ "job-name", required_argument, NULL, OPT_NAME }, \
	{ "urgency", required_argument, NULL, OPT_URGENCY }, \
	{ "flags", required_argument, NULL, OPT_FLAGS }, \
	{ "setopt", required_argument, NULL, 'o' }, \
	{ "setattr", required_argument, NULL, 'S' }, \
	{ "cwd", required_argument, NULL, OPT_CWD }, \
	{ "env", required_argument, NULL, OPT_ENV }, \
	{ "env-remove", required_argument, NULL, OPT_ENV_REMOVE }, \
	{ "env-file", required_argument, NULL, OPT_ENV_FILE }, \
	{ "rlimit", required_argument, NULL, OPT_RLIMIT }, \
	{ "dependency", required_argument, NULL, OPT_DEPENDENCY }, \
	{ "begin-time", required_argument, NULL, OPT_BEGIN_TIME }, \
	{ "signal", required_argument, NULL, OPT_SIGNAL }, \
	{ "requires", required_argument, NULL, OPT_REQUIRES }, \
	{ "resources-json", required_argument, NULL, OPT_RESOURCES_JSON }, \
	{ "add-file", required_argument, NULL, OPT_ADD_FILE }, \
	{ "input", required_argument, NULL, OPT_INPUT }, \
	{ "output", required_argument, NULL, OPT_OUTPUT }, \
	{ "error", required_argument, NULL, OPT_ERROR }, \
	{ "unbuffered", no_argument, NULL, 'u' }, \
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN }, \
	{ "quiet", no_argument, NULL, OPT_QUIET }

#define FOLLOW_LONGS \
	{ "label-io", no_argument, NULL, 'l' }, \
	{ "wait-event", required_argument, NULL, OPT_WAIT_EVENT }

const struct option *submit_longs(void)
{
	static const struct option longs[] = {
		TASK_LONGS, COMMON_LONGS, FOLLOW_LONGS,
		{ "wait", no_argument, NULL, OPT_WAIT },
		{ "watch", no_argument, NULL, OPT_WATCH },
		{ "progress", no_argument, NULL, OPT_PROGRESS },
		{ "jps", no_argument, NULL, OPT_JPS },
		{ "array", required_argument, NULL, OPT_ARRAY },
		{ "cc", required_argument, NULL, OPT_CC },
		{ "bcc", required_argument, NULL, OPT_BCC },
		{ "log", required_argument, NULL, OPT_LOG },
		{ "log-stderr", required_argument, NULL, OPT_LOG_STDERR },
		{ 0 }
	};

	return longs;
}

void submit_parse(struct submit_options *o, int argc, char **argv)
{
	static const struct option run_longs[] = {
		TASK_LONGS, COMMON_LONGS, FOLLOW_LONGS,
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	static const struct option batch_longs[] = {
		SLOT_LONGS, COMMON_LONGS,
		{ "array", required_argument, NULL, OPT_ARRAY },
		{ "wrap", no_argument, NULL, OPT_WRAP },
		{ 0 }
	};
	static const struct option alloc_longs[] = {
		SLOT_LONGS, COMMON_LONGS,
		{ "bg", no_argument, NULL, OPT_BG },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	const struct {
		const char *shorts, *page;
		const struct option *longs;
	} kinds[] = {
		[SUBMIT_MANY] = { SUBMIT_SHORTS, "weir-submit",
				  submit_longs() },
		[SUBMIT_RUN] = { SUBMIT_SHORTS "v", "weir-run", run_longs },
		[SUBMIT_BATCH] = { "n:c:g:N:xt:q:B:o:S:u", "weir-batch",
				   batch_longs },
		[SUBMIT_ALLOC] = { "n:c:g:N:xt:q:B:o:S:uv", "weir-alloc",
				   alloc_longs },
	};
	bool tasks = o->kind == SUBMIT_MANY || o->kind == SUBMIT_RUN;
	int c;

	o->urgency = WEIR_URGENCY_DEFAULT;
	while ((c = next_option(argc, argv, kinds[o->kind].shorts,
				kinds[o->kind].longs,
				kinds[o->kind].page)) != -1)
		if (!copies_option(o, c) && !size_option(&o->size, c))
			take(o, c);
	o->argv = argv + optind;
	if (tasks && !*o->argv)
		fail("job command and arguments are missing");
	if (o->exclusive && !o->nnodes)
		fail("exclusive can only be set with a node count");
	if (o->nnodes && o->ntasks && o->nnodes > o->ntasks)
		fail("node count must not be greater than %s count",
		     tasks ? "task" : "slot");
}

/* ---- the jobspec ---- */

char *with_cc(const char *word, const char *cc)
{
	char *result = xstrdup(""), *longer;
	const char *at;

	while ((at = strstr(word, "{cc}"))) {
		longer = xasprintf("%s%.*s%s", result, (int)(at - word), word,
				   cc ? cc : "");
		free(result);
		result = longer;
		word = at + 4;
	}
	longer = xasprintf("%s%s", result, word);
	free(result);
	return longer;
}

static void setattr(json_t *jobspec, const char *arg)
{
	struct proto_error error;
	json_error_t where;
	json_t *value;
	char *key;

	if (*arg != '^') {
		if (jobspec_setattr_arg(jobspec, arg, &error) < 0)
			fail("--setattr: %s", error.text);
		return;
	}
	/* ^KEY=FILE */
	key = xstrdup(arg + 1);
	if (!strchr(key, '='))
		fail("--setattr: ^KEY=FILE names no file");
	*strchr(key, '=') = '\0';
	value = json_load_file(arg + 2 + strlen(key), JSON_DECODE_ANY, &where);
	if (!value)
		fail("--setattr: %s: %s", arg + 2 + strlen(key), where.text);
	if (jobspec_setattr(jobspec, key, value, &error) < 0)
		fail("--setattr: %s", error.text);
	free(key);
}

static void set_options(json_t *jobspec, const struct submit_options *o)
{
	struct proto_error error;
	json_t *limits = submit_limits(&o->rlimit);
	int i;

	if (limits && jobspec_setopt(jobspec, "rlimit", limits, &error) < 0)
		fail("--rlimit: %s", error.text);
	if (o->unbuffered) {
		jobspec_setopt(jobspec, "output.stdout.buffer.type",
			       json_string("none"), &error);
		jobspec_setopt(jobspec, "output.stderr.buffer.type",
			       json_string("none"), &error);
	}
	if (o->warn_signum)
		jobspec_setopt(jobspec, "signal", json_pack("{s:i s:f}",
			       "signum", o->warn_signum, "timeleft",
			       o->warn_before), &error);
	if (!o->resources_json)
		submit_size_tasks(o, jobspec);
	if (o->taskmap)
		jobspec_setopt(jobspec, "taskmap", submit_taskmap(o->taskmap),
			       &error);
	if (o->requires)
		jobspec_setattr(jobspec, "constraints",
				submit_requires(o->requires), &error);
	for (i = 0; i < o->setopt.count; i++)
		if (jobspec_setopt_arg(jobspec, o->setopt.word[i], &error) < 0)
			fail("--setopt: %s", error.text);
	if (o->array)
		jobspec_setattr(jobspec, "array", json_string(o->array),
				&error);
	if (o->bank)
		jobspec_setattr(jobspec, "bank", json_string(o->bank), &error);
	for (i = 0; i < o->setattr.count; i++)
		setattr(jobspec, o->setattr.word[i]);
}

static void set_dependencies(json_t *jobspec, const struct submit_options *o,
			     const char *cc)
{
	json_t *list = json_array(), *one;
	struct proto_error error;
	int i;

	for (i = 0; i < o->dependency.count; i++) {
		char *uri = with_cc(o->dependency.word[i], cc);

		one = dependency_from_uri(uri, &error);
		if (!one)
			fail("%s", error.text);
		json_array_append_new(list, one);
		free(uri);
	}
	if (json_array_size(list) > 0)
		jobspec_setattr(jobspec, "dependencies", list, NULL);
	else
		json_decref(list);
}

json_t *submit_jobspec(const struct submit_options *o, const char *cc)
{
	struct proto_error error;
	char cwd[4096], *name = o->name ? with_cc(o->name, cc) : NULL;
	json_t *environment = submit_environment(&o->env), *jobspec;
	char **argv;
	int argc = 0, i;
	struct jobspec_request request = {
		.ntasks = o->ntasks,
		.cores_per_task = o->cores_per_task,
		.gpus_per_task = o->gpus_per_task, .nnodes = o->nnodes,
		.exclusive = o->exclusive, .duration = o->duration,
		.environment = environment, .name = name, .queue = o->queue,
	};

	while (o->argv[argc])
		argc++;
	argv = xmalloc((argc + 1) * sizeof(*argv));
	for (i = 0; i < argc; i++)
		argv[i] = with_cc(o->argv[i], cc);
	argv[argc] = NULL;
	request.argv = (const char *const *)argv;
	request.cwd = o->cwd;
	if (!o->cwd) {
		if (!getcwd(cwd, sizeof(cwd)))
			fail("the current folder: %s", strerror(errno));
		request.cwd = cwd;
	}
	if (o->cc && cc)
		json_object_set_new(environment, "WEIR_JOB_CC",
				    json_string(cc));
	if (submit_by_resource(o) && !o->resources_json)
		submit_size(o, &request);
	jobspec = jobspec_build(&request, &error);
	if (!jobspec)
		fail("%s", error.text);
	if (o->resources_json)
		submit_resources_json(jobspec, o->resources_json);
	set_dependencies(jobspec, o, cc);
	submit_files(jobspec, o, cc);
	submit_stdio(jobspec, o, cc);
	set_options(jobspec, o);
	for (i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);
	free(name);
	json_decref(environment);
	return jobspec;
}
