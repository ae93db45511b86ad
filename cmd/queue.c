/* SPDX-License-Identifier: Apache-2.0 */
/* weir queue: what queues take and give, and waiting until they are empty.
 * weir-queue(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/queue.h"
#include "cmd/subcommands.h"

/* ---- asking ---- */

static const char *verb_word;

/* The reply's future, waited for; or "weir-queue: ERROR: VERB: reason". */
static weir_future_t *call(weir_t *h, const char *method, json_t *body,
			   double timeout)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	weir_future_t *f;

	if (!text)
		die("out of memory");
	f = made(weir_rpc(h, method, text, strlen(text), -1), method);
	if (weir_future_wait(f, timeout) < 0)
		fail("%s: %s", verb_word, errno == ETIMEDOUT ? "timeout" :
		     strerror(errno));
	if (weir_future_error(f) == EPERM)
		fail("%s: only the instance owner may do that", verb_word);
	if (weir_future_error(f) == EINVAL &&
	    strstr(weir_future_strerror(f), "Specify queues"))
		fail("%s", weir_future_strerror(f));
	if (weir_future_error(f))
		fail("%s: %s", verb_word, weir_future_strerror(f));
	free(text);
	json_decref(body);
	return f;
}

json_t *queue_ask(weir_t *h)
{
	weir_future_t *f = weir_rpc(h, "job-manager.queue-list", "{}", 2, -1);
	json_t *o, *queues;

	must(f, "queue-list");
	o = reply_json(f);
	queues = json_incref(json_object_get(o, "queues"));
	if (!json_is_array(queues))
		die("queue-list: the reply has no queues");
	json_decref(o);
	weir_future_destroy(f);
	return queues;
}

const char *queue_name(const json_t *queue)
{
	const char *name = json_string_value(json_object_get(queue, "name"));

	return name ? name : "";
}

static json_t *find(json_t *queues, const char *name)
{
	json_t *q;
	size_t i;

	json_array_foreach(queues, i, q)
		if (!strcmp(queue_name(q), name))
			return q;
	return NULL;
}

static bool anonymous(json_t *queues)
{
	return find(queues, "");
}

/* ---- status ---- */

static void print_state(const json_t *q, const char *what, const char *flag,
			const char *on, const char *off, const char *reason)
{
	bool is_on = json_is_true(json_object_get(q, flag));
	const char *why = json_string_value(json_object_get(q, reason));

	if (*queue_name(q))
		printf("%s: ", queue_name(q));
	printf("%s is %s%s%s\n", what, is_on ? on : off,
	       !is_on && why ? ": " : "", !is_on && why ? why : "");
}

static void print_submission(const json_t *q)
{
	print_state(q, "Job submission", "enable", "enabled", "disabled",
		    "disable_reason");
}

static void print_scheduling(const json_t *q)
{
	print_state(q, "Scheduling", "start", "started", "stopped",
		    "stop_reason");
}

static void print_requests(json_t *queues)
{
	json_int_t waiting = 0, queued = 0, running = 0;
	json_t *q;
	size_t i;

	json_array_foreach(queues, i, q) {
		running += json_integer_value(json_object_get(q, "running"));
		waiting += json_integer_value(json_object_get(q, "queued"));
		queued += json_integer_value(json_object_get(q, "stopped"));
	}
	printf("%lld alloc requests queued\n"
	       "%lld alloc requests pending to scheduler\n"
	       "%lld running jobs\n", (long long)queued, (long long)waiting,
	       (long long)running);
}

static int queue_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 }
	};
	bool verbose = false;
	json_t *queues, *q;
	weir_t *h;
	size_t i;
	int k;

	while (next_option(argc, argv, "v", longs, "weir-queue") != -1)
		verbose = true;
	h = open_instance(0);
	queues = queue_ask(h);
	for (k = optind; k < argc; k++)
		if (!find(queues, argv[k]))
			fail("status: '%s' is not a valid queue", argv[k]);
	for (k = optind; k < argc; k++) {
		print_submission(find(queues, argv[k]));
		print_scheduling(find(queues, argv[k]));
	}
	json_array_foreach(queues, i, q) {
		if (argc > optind)
			break;
		print_submission(q);
		print_scheduling(q);
	}
	if (verbose)
		print_requests(queues);
	json_decref(queues);
	weir_close(h);
	return 0;
}

/* ---- enable, disable, start, stop ---- */

struct change {
	const char *method, *flag, *reason;
	bool on, all, quiet, is_volatile;
	void (*print)(const json_t *queue);
};

static void apply(weir_t *h, const struct change *c, const char *name)
{
	json_t *o = json_pack("{s:b s:b s:b}", "all", c->all, c->flag, c->on,
			      "nocheckpoint", c->is_volatile);

	if (name)
		json_object_set_new(o, "name", json_string(name));
	if (c->reason)
		json_object_set_new(o, "reason", json_string(c->reason));
	weir_future_destroy(call(h, c->method, o, -1));
}

/* N queues, or without one all. */
static void print_changed(weir_t *h, const struct change *c, char **names,
			  int n)
{
	json_t *queues = queue_ask(h), *q;
	size_t i;
	int k;

	for (k = 0; k < n; k++)
		if ((q = find(queues, names[k])))
			c->print(q);
	json_array_foreach(queues, i, q)
		if (!n)
			c->print(q);
	json_decref(queues);
}

/* Without named queues, words are a reason: an older spelling. */
static char *free_reason(weir_t *h, const struct change *c, char **words,
			 int n)
{
	json_t *queues = queue_ask(h);
	char *text = NULL, *longer;
	int i;

	for (i = 0; !c->on && !c->reason && anonymous(queues) && i < n; i++) {
		longer = text ? xasprintf("%s %s", text, words[i]) :
				xstrdup(words[i]);
		free(text);
		text = longer;
	}
	json_decref(queues);
	return text;
}

static int change(int argc, char **argv, struct change c)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "nocheckpoint", no_argument, NULL, 'n' },
		{ "message", required_argument, NULL, 'm' },
		{ 0 }
	};
	char *words;
	weir_t *h;
	int o, n, i;

	while ((o = next_option(argc, argv, "avm:", longs, "weir-queue"))
	       != -1) {
		switch (o) {
		case 'a': c.all = true; break;
		case 'q': c.quiet = true; break;
		case 'n': c.is_volatile = true; break;
		case 'm': c.reason = optarg; break;
		}
	}
	if (c.on && (c.reason || c.is_volatile))
		usage_error("--message and --nocheckpoint are for stop and "
			    "disable");
	h = open_instance(0);
	argv += optind;
	n = argc - optind;
	words = free_reason(h, &c, argv, n);
	if (words) {
		c.reason = words;
		n = 0;
	}
	if (!c.on && !c.reason && !strcmp(c.flag, "enable"))
		c.reason = "disabled by administrator";
	for (i = 0; i < n; i++)
		apply(h, &c, argv[i]);
	if (!n)
		apply(h, &c, NULL);
	if (!c.quiet)
		print_changed(h, &c, argv, n);
	free(words);
	weir_close(h);
	return 0;
}

static int queue_enable(int argc, char **argv)
{
	verb_word = "enable";
	return change(argc, argv, (struct change) {
		.method = "job-manager.queue-enable", .flag = "enable",
		.on = true, .print = print_submission });
}

static int queue_disable(int argc, char **argv)
{
	verb_word = "disable";
	return change(argc, argv, (struct change) {
		.method = "job-manager.queue-enable", .flag = "enable",
		.print = print_submission });
}

static int queue_start(int argc, char **argv)
{
	verb_word = "start";
	return change(argc, argv, (struct change) {
		.method = "job-manager.queue-start", .flag = "start",
		.on = true, .print = print_scheduling });
}

static int queue_stop(int argc, char **argv)
{
	verb_word = "stop";
	return change(argc, argv, (struct change) {
		.method = "job-manager.queue-start", .flag = "start",
		.print = print_scheduling });
}

/* ---- drain, idle ---- */

static int wait_for(int argc, char **argv, const char *method, bool tell)
{
	static const struct option longs[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "quiet", no_argument, NULL, 'q' },
		{ 0 }
	};
	double timeout = -1;
	weir_t *h;
	int c, i;

	while ((c = next_option(argc, argv, "t:q", longs, "weir-queue"))
	       != -1) {
		if (c == 't')
			timeout = text_duration(optarg);
		else
			tell = false;
	}
	h = open_instance(0);
	for (i = optind; i < argc; i++)
		weir_future_destroy(call(h, method, json_pack("{s:s}", "name",
						argv[i]), timeout));
	if (argc == optind)
		weir_future_destroy(call(h, method, json_object(), timeout));
	if (tell)
		puts("0 jobs");
	weir_close(h);
	return 0;
}

static int queue_drain(int argc, char **argv)
{
	verb_word = "drain";
	return wait_for(argc, argv, "job-manager.queue-drain", false);
}

static int queue_idle(int argc, char **argv)
{
	verb_word = "idle";
	return wait_for(argc, argv, "job-manager.queue-idle", true);
}

static const struct verb verbs[] = {
	{ "disable", queue_disable,
	  "[-a] [--quiet] [--nocheckpoint] [-m REASON] [QUEUE...]" },
	{ "drain", queue_drain, "[--timeout=DURATION] [QUEUE...]" },
	{ "enable", queue_enable, "[-a] [--quiet] [QUEUE...]" },
	{ "idle", queue_idle, "[--timeout=DURATION] [--quiet] [QUEUE...]" },
	{ "list", queue_list, "[-q QUEUE,...] [-n] [-o FORMAT]" },
	{ "start", queue_start, "[-a] [--quiet] [QUEUE...]" },
	{ "status", queue_status, "[-v] [QUEUE...]" },
	{ "stop", queue_stop,
	  "[-a] [--quiet] [--nocheckpoint] [-m REASON] [QUEUE...]" },
	{ 0 }
};

int main_queue(int argc, char **argv)
{
	options_anywhere = true;
	return run_verb(verbs, argc, argv, "weir-queue");
}
