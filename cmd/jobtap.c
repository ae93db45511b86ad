/* SPDX-License-Identifier: Apache-2.0 */
/* weir jobtap: plug-ins of schedd. weir-jobtap(1), weir-plugin(7). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/job.h"
#include "cmd/jobtext.h"
#include "cmd/subcommands.h"

static const struct option no_options[] = { { 0 } };

/* What METHOD gives for BODY, which is taken; or dies. */
static json_t *ask(const char *method, json_t *body)
{
	weir_t *h = open_instance(0);
	json_t *reply = job_call(h, method, 0, body);

	weir_close(h);
	return reply;
}

static const char *member(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "?";
}

static int jobtap_list(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ 0 }
	};
	json_t *reply, *p;
	size_t i;

	/* none is built in: all of them are what is listed anyway */
	while (next_option(argc, argv, "a", longs, "weir-jobtap") != -1)
		;
	if (optind < argc)
		verb_usage();
	reply = ask("job-manager.jobtap-list", json_object());
	json_array_foreach(json_object_get(reply, "plugins"), i, p)
		printf("%-20s %s\n", member(p, "name"), member(p, "path"));
	json_decref(reply);
	return 0;
}

/* KEY=VALUE into CONF; KEY may have dots, VALUE may be JSON. */
static void add_setting(json_t *conf, const char *setting)
{
	const char *eq = strchr(setting, '=');
	char *key, *name, *dot;
	json_t *value, *inner;

	if (!eq || eq == setting)
		die("'%s' is no KEY=VALUE", setting);
	key = name = xstrdup(setting);
	key[eq - setting] = '\0';
	while ((dot = strchr(name, '.'))) {
		*dot = '\0';
		inner = json_object_get(conf, name);
		if (!json_is_object(inner))
			json_object_set_new(conf, name,
					    inner = json_object());
		conf = inner;
		name = dot + 1;
	}
	value = json_loads(eq + 1, JSON_DECODE_ANY, NULL);
	if (json_object_set_new(conf, name, value ? value :
				json_string(eq + 1)) < 0)
		die("'%s' is no text", setting);
	free(key);
}

static int jobtap_load(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "remove", required_argument, NULL, 'r' },
		{ 0 }
	};
	json_t *body = json_object(), *conf = json_object();
	char *path;
	int i;

	while (next_option(argc, argv, "r:", longs, "weir-jobtap") != -1)
		json_object_set_new(body, "remove", json_string(optarg));
	if (optind == argc)
		verb_usage();
	path = strchr(argv[optind], '/') ? realpath(argv[optind], NULL) :
	       xstrdup(argv[optind]);
	if (!path)
		die("%s: %s", argv[optind], strerror(errno));
	for (i = optind + 1; i < argc; i++)
		add_setting(conf, argv[i]);
	json_object_set_new(body, "load", json_string(path));
	json_object_set_new(body, "conf", conf);
	json_decref(ask("job-manager.jobtap", body));
	free(path);
	return 0;
}

static int jobtap_remove(int argc, char **argv)
{
	int i;

	next_option(argc, argv, "", no_options, "weir-jobtap");
	if (optind == argc)
		verb_usage();
	for (i = optind; i < argc; i++)
		json_decref(ask("job-manager.jobtap",
				json_pack("{s:s}", "remove", argv[i])));
	return 0;
}

static int jobtap_query(int argc, char **argv)
{
	char *text;
	json_t *reply;

	next_option(argc, argv, "", no_options, "weir-jobtap");
	if (optind + 1 != argc)
		verb_usage();
	reply = ask("job-manager.jobtap-query",
		    json_pack("{s:s}", "name", argv[optind]));
	text = json_dumps(reply, 0);
	if (!text)
		die("out of memory");
	puts(text);
	free(text);
	json_decref(reply);
	return 0;
}

static const struct verb verbs[] = {
	{ "list", jobtap_list, "[-a]" },
	{ "load", jobtap_load, "[--remove=NAME] PLUGIN [KEY=VALUE...]" },
	{ "query", jobtap_query, "NAME" },
	{ "remove", jobtap_remove, "NAME..." },
	{ 0 }
};

int main_jobtap(int argc, char **argv)
{
	return run_verb(verbs, argc, argv, "weir-jobtap");
}
