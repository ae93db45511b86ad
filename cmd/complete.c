/* SPDX-License-Identifier: Apache-2.0 */
/* What can stand next on a command line. See complete.h.
 *
 * A line is a word; or "@files" or "@commands", for what the shell itself
 * knows. Nothing is said where anything can stand. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/complete.h"
#include "cmd/jobtext.h"

bool completing;

static struct {
	char **word;		/* of the subcommand, the last to be completed */
	int count;
	const char *last;
	const char *before;	/* what stands before the candidate in it */
} line;

void complete_word(const char *word)
{
	if (!strncmp(word, line.last, strlen(line.last)))
		printf("%s%s\n", line.before, word);
}

/* ---- which word is what ---- */

static bool global_option(const char *word)
{
	return *word == '-';
}

char **complete_begin(char **words)
{
	static char empty[] = "";
	int i = 1;

	completing = true;
	line.before = "";
	line.last = empty;
	if (!words[0] || !words[1])
		return NULL;
	while (words[i + 1] && global_option(words[i]))
		i++;
	if (words[i + 1] && !strcmp(words[i], "mini"))
		i++;
	line.word = words + i;
	while (line.word[line.count])
		line.count++;
	line.last = line.word[line.count - 1];
	return line.count > 1 ? line.word : NULL;
}

/* ---- what the instance knows ---- */

/* "-q" for what an option or a subcommand takes. */
enum kind { NOTHING, FILES, COMMANDS, JOBS, ACTIVE_JOBS, QUEUES, SIGNALS };

static const struct {
	const char *name;
	enum kind kind;
} option_kinds[] = {
	{ "queue", QUEUES }, { "signal", SIGNALS },
	{ "input", FILES }, { "output", FILES }, { "error", FILES },
	{ "log", FILES }, { "log-stderr", FILES }, { "env-file", FILES },
	{ "add-file", FILES }, { "cwd", FILES }, { "dir", FILES },
	{ "statedir", FILES }, { "config-path", FILES },
};

static const struct {
	const char *command, *verb;	/* verb NULL: any */
	enum kind kind;
} argument_kinds[] = {
	{ "run", NULL, COMMANDS }, { "submit", NULL, COMMANDS },
	{ "bulksubmit", NULL, COMMANDS }, { "alloc", NULL, COMMANDS },
	{ "start", NULL, COMMANDS }, { "lock", NULL, COMMANDS },
	{ "env", NULL, COMMANDS }, { "batch", NULL, FILES },
	{ "cancel", NULL, ACTIVE_JOBS }, { "update", NULL, ACTIVE_JOBS },
	{ "jobs", NULL, JOBS }, { "watch", NULL, JOBS },
	{ "uri", NULL, ACTIVE_JOBS }, { "hostlist", NULL, ACTIVE_JOBS },
	{ "pstree", NULL, ACTIVE_JOBS }, { "top", NULL, ACTIVE_JOBS },
	{ "job", "submit", FILES }, { "job", "kill", ACTIVE_JOBS },
	{ "job", "cancel", ACTIVE_JOBS }, { "job", "raise", ACTIVE_JOBS },
	{ "job", "urgency", ACTIVE_JOBS }, { "job", NULL, JOBS },
	{ "queue", NULL, QUEUES }, { "config", "load", FILES },
	{ "jobtap", "load", FILES },
};

/* Without a word if there is no instance: nobody asked for it. */
static json_t *ask(const char *method, const char *body)
{
	weir_t *h = weir_open(NULL, 0, NULL);
	weir_future_t *f = h ? weir_rpc(h, method, body, strlen(body), 5) :
			   NULL;
	json_t *reply = NULL;

	if (f && weir_future_get(f) == 0)
		reply = reply_json(f);
	weir_future_destroy(f);
	weir_close(h);
	return reply;
}

static void list_jobs(int states)
{
	char *body = xasprintf("{\"max_entries\":1000,\"userid\":%u,"
			       "\"attrs\":[\"name\"],\"states\":%d}",
			       (unsigned)getuid(), states);
	json_t *reply = ask("job-list.list", body), *job;
	bool plain = *line.last == 'f';
	char name[JOBID_SIZE];
	size_t i;

	json_array_foreach(json_object_get(reply, "jobs"), i, job) {
		weir_jobid_t id = (weir_jobid_t)json_integer_value(
					json_object_get(job, "id"));

		complete_word(plain ? jobid_encode(id, JOBID_F58PLAIN, name) :
			      text_f58(id, name));
	}
	json_decref(reply);
	free(body);
}

static void list_queues(void)
{
	weir_t *h = weir_open(NULL, 0, NULL);
	weir_future_t *f = h ? weir_kvs_get(h, "primary", "config", NULL) :
			   NULL;
	json_t *config = f && weir_future_get(f) == 0 ? reply_json(f) : NULL;
	json_t *queue;
	const char *name;

	json_object_foreach(json_object_get(config, "queues"), name, queue)
		complete_word(name);
	json_decref(config);
	weir_future_destroy(f);
	weir_close(h);
}

static void list_signals(void)
{
	static const int common[] = { SIGTERM, SIGKILL, SIGINT, SIGHUP,
		SIGUSR1, SIGUSR2, SIGSTOP, SIGCONT, SIGALRM, SIGQUIT };
	size_t i;

	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		complete_word(sigabbrev_np(common[i]));
}

static void list(enum kind kind)
{
	switch (kind) {
	case FILES: puts("@files"); break;
	case COMMANDS: puts("@commands"); break;
	case JOBS: list_jobs(STATE_ANY); break;
	case ACTIVE_JOBS: list_jobs(STATE_ACTIVE); break;
	case QUEUES: list_queues(); break;
	case SIGNALS: list_signals(); break;
	case NOTHING: break;
	}
}

/* ---- options ---- */

static void list_value(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(option_kinds) / sizeof(option_kinds[0]); i++)
		if (!strcmp(option_kinds[i].name, name))
			list(option_kinds[i].kind);
}

static void list_options(const char *shorts, const struct option *longs)
{
	char word[128];
	const char *p;

	for (; longs->name; longs++) {
		snprintf(word, sizeof(word), "--%s%s", longs->name,
			 longs->has_arg == required_argument ? "=" : "");
		complete_word(word);
	}
	complete_word("--help");
	if (!strcmp(line.last, "-"))
		for (p = shorts; *p; p++)
			if (*p != ':')
				printf("-%c\n", *p);
}

/* The option whose value the last word is or ends with, or NULL. */
static const struct option *wants_value(const char *shorts,
					const struct option *longs)
{
	const char *word = line.last, *equal = strchr(word, '=');
	const char *before = line.count > 2 ? line.word[line.count - 2] : "";
	const struct option *o;
	size_t len;

	if (!strncmp(word, "--", 2) && equal) {
		len = (size_t)(equal - word - 2);
		for (o = longs; o->name; o++)
			if (strlen(o->name) == len && o->has_arg &&
			    !strncmp(o->name, word + 2, len)) {
				line.before = strndup(word, len + 3);
				line.last = equal + 1;
				return o;
			}
		return NULL;
	}
	for (o = longs; o->name; o++) {
		if (o->has_arg != required_argument)
			continue;
		if (!strncmp(before, "--", 2) && !strcmp(o->name, before + 2))
			return o;
		if (before[0] == '-' && before[1] == o->val && !before[2] &&
		    o->val < 256 && strchr(shorts, o->val))
			return o;
	}
	return NULL;
}

static enum kind argument_kind(void)
{
	const char *verb = line.count > 2 ? line.word[1] : "";
	size_t i;

	for (i = 0; i < sizeof(argument_kinds) / sizeof(argument_kinds[0]);
	     i++)
		if (!strcmp(argument_kinds[i].command, line.word[0]) &&
		    (!argument_kinds[i].verb ||
		     !strcmp(argument_kinds[i].verb, verb)))
			return argument_kinds[i].kind;
	return NOTHING;
}

/* A command's own words follow: they are no business of ours. */
static bool in_command(const char *shorts, const struct option *longs)
{
	const struct option *o;
	int i;

	for (i = 1; i < line.count - 1; i++) {
		const char *word = line.word[i];
		bool value = false;

		if (*word != '-' || !strcmp(word, "--"))
			return true;
		for (o = longs; o->name; o++)
			value |= o->has_arg == required_argument &&
				((!strncmp(word, "--", 2) &&
				  !strcmp(word + 2, o->name)) ||
				 (o->val < 256 && word[1] == o->val &&
				  !word[2] && strchr(shorts, o->val)));
		i += value;
	}
	return false;
}

void complete_options(const char *shorts, const struct option *longs)
{
	enum kind kind = argument_kind();
	const struct option *o;

	if (kind == COMMANDS && in_command(shorts, longs))
		list(FILES);
	else if ((o = wants_value(shorts, longs)))
		list_value(o->name);
	else if (*line.last == '-')
		list_options(shorts, longs);
	else
		list(kind);
	leave(0);
}

void complete_verbs(const struct verb *verbs)
{
	if (line.count != 2)
		return;
	for (; verbs->word; verbs++)
		complete_word(verbs->word);
	leave(0);
}
