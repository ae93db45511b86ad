/* SPDX-License-Identifier: Apache-2.0 */
/* Many jobs at once: see many.h; weir job raiseall and killall. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/many.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

size_t many_call(weir_t *h, const char *method, json_t *body, size_t *errors)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_int_t count = 0, failed = 0;
	weir_future_t *f;
	json_t *reply;

	if (!text)
		die("out of memory");
	f = made(weir_rpc(h, method, text, strlen(text), -1), method);
	if (weir_future_get(f) < 0)
		fail("%s", weir_future_strerror(f));
	reply = reply_json(f);
	json_unpack(reply, "{s:I s:I}", "count", &count, "errors", &failed);
	json_decref(reply);
	weir_future_destroy(f);
	free(text);
	json_decref(body);
	*errors = (size_t)failed;
	return (size_t)count;
}

void many_wait(weir_t *h, json_t *ids)
{
	weir_future_t *f;
	json_t *id;
	size_t i;

	json_array_foreach(ids, i, id) {
		f = made(weir_job_events(h, (weir_jobid_t)
					 json_integer_value(id)), "events");
		while (weir_future_wait(f, -1) == 0 && !weir_future_error(f))
			weir_future_next(f);
		if (weir_future_error(f) != ENODATA)
			fail("%s", weir_future_strerror(f));
		weir_future_destroy(f);
	}
}

/* Asks what would be done, unless FORCE. */
static int act(const char *method, json_t *body, bool force, const char *done)
{
	weir_t *h = open_instance(0);
	size_t errors, n;

	json_object_set_new(body, "dry_run", json_boolean(!force));
	n = many_call(h, method, body, &errors);
	if (!force)
		warn("Command matched %zu jobs (-f to confirm)", n);
	else
		warn("%s %zu jobs (%zu errors)", done, n, errors);
	weir_close(h);
	return force && errors ? 1 : 0;
}

int job_killall(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "signal", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 }
	};
	int64_t user = getuid();
	int c, signum = SIGTERM;
	bool force = false;

	while ((c = next_option(argc, argv, "s:u:f", longs, "weir-job"))
	       != -1) {
		switch (c) {
		case 's':
			signum = text_signal(optarg);
			if (!signum)
				die("killall: Invalid signal %s", optarg);
			break;
		case 'u': user = text_user(optarg); break;
		case 'f': force = true; break;
		}
	}
	if (argc != optind)
		verb_usage();
	return act("job-manager.killall", json_pack("{s:I s:i}", "userid",
		   (json_int_t)user, "signum", signum), force,
		   sigdescr_np(signum) ? sigdescr_np(signum) : "Signaled");
}

int job_raiseall(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "severity", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ "states", required_argument, NULL, 'S' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 }
	};
	int c, states = STATE_ACTIVE, i, rc;
	uint64_t severity = 7;
	int64_t user = getuid();
	bool force = false;
	char *note, *longer;

	while ((c = next_option(argc, argv, "s:u:S:f", longs, "weir-job"))
	       != -1) {
		switch (c) {
		case 's':
			if (wire_parse_u64(optarg, &severity) < 0 ||
			    severity > 7)
				usage_error("--severity: '%s' is no number "
					    "from 0 to 7", optarg);
			break;
		case 'u': user = text_user(optarg); break;
		case 'S': states = text_state_list(optarg); break;
		case 'f': force = true; break;
		}
	}
	if (argc == optind)
		verb_usage();
	note = xstrdup("");
	for (i = optind + 1; i < argc; i++) {
		longer = xasprintf("%s%s%s", note, *note ? " " : "", argv[i]);
		free(note);
		note = longer;
	}
	rc = act("job-manager.raiseall", json_pack("{s:I s:i s:i s:s s:s}",
		 "userid", (json_int_t)user, "states", states, "severity",
		 (int)severity, "type", argv[optind], "note", note), force,
		 "Raised exception on");
	free(note);
	return rc;
}
