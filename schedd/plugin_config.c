/* SPDX-License-Identifier: Apache-2.0 */
/* Which plug-ins there are to be: by the key config, and by the key
 * plugin.loaded, where those are noted that were loaded by command.
 * weir-config(5), weir-jobtap(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_check.h"
#include "schedd/plugin_impl.h"

#define KEY	"plugin.loaded"

/* ---- the table ---- */

static int check_row(json_t *row, size_t i, struct proto_error *err)
{
	static const char *const known[] = { "load", "conf", NULL };
	json_t *load = json_object_get(row, "load");
	json_t *conf = json_object_get(row, "conf");
	const char *word = json_string_value(load);
	char path[JSON_PATH_SIZE];

	snprintf(path, sizeof(path), "job-manager.plugins[%zu]", i);
	if (!json_is_object(row))
		return json_must_be(err, path, "an object", row);
	if (json_check_keys(row, path, known, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "job-manager.plugins[%zu].load", i);
	if (!word || !*word || (strchr(word, '/') && *word != '/'))
		return json_must_be(err, path, "a name or an absolute path",
				    load);
	snprintf(path, sizeof(path), "job-manager.plugins[%zu].conf", i);
	if (conf && !json_is_object(conf))
		return json_must_be(err, path, "an object", conf);
	return 0;
}

static int check_table(json_t *manager, struct proto_error *err)
{
	json_t *path = json_object_get(manager, "searchpath");
	json_t *table = json_object_get(manager, "plugins"), *row;
	size_t i;

	if (path && !json_is_string(path))
		return json_must_be(err, "job-manager.searchpath", "a string",
				    path);
	if (table && !json_is_array(table))
		return json_must_be(err, "job-manager.plugins", "an array",
				    table);
	json_array_foreach(table, i, row)
		if (check_row(row, i, err) < 0)
			return -1;
	return 0;
}

/* ---- what is there, made into what is wanted ---- */

static json_t *find_row(json_t *table, const char *word)
{
	json_t *row;
	size_t i;

	json_array_foreach(table, i, row)
		if (!strcmp(json_string_value(json_object_get(row, "load")),
			    word))
			return row;
	return NULL;
}

static void unload_others(struct schedd *s)
{
	struct plugin *p, *next;

	for (p = s->plugins.first; p; p = next) {
		next = p->next;
		if (p->configured && !find_row(s->plugins.wanted, p->word))
			plugin_unload(p);
	}
}

/* Whether TEXT, JSON, is CONF, or {} without one. */
static bool is_same(const char *text, json_t *conf)
{
	json_t *o = json_loads(text, 0, NULL), *empty = json_object();
	bool same = json_equal(o, conf ? conf : empty);

	json_decref(o);
	json_decref(empty);
	return same;
}

static void want(struct schedd *s, json_t *row)
{
	const char *word = json_string_value(json_object_get(row, "load"));
	json_t *conf = json_object_get(row, "conf");
	struct plugin *p = s->plugins.first;
	struct proto_error error;
	int r = 0;

	while (p && strcmp(p->word, word))
		p = p->next;
	if (!p) {
		p = plugin_load(s, word, conf, &error);
		r = p ? 0 : -1;
	} else if (!is_same(p->conf, conf)) {
		r = plugin_configure(p, conf, &error);
		s->plugins.reprioritize |= p->ops.priority != NULL;
		parked_look(s, WEIR_PLUGIN_ALL);
	}
	if (p)
		p->configured = true;
	if (r < 0)
		daemon_log(LOG_ERR, "config: %s", error.text);
}

static void follow(struct schedd *s)
{
	json_t *row;
	size_t i;

	unload_others(s);
	json_array_foreach(s->plugins.wanted, i, row)
		want(s, row);
}

void plugins_configure(struct schedd *s, const char *data, size_t len)
{
	json_t *config = len ? json_loadb(data, len, 0, NULL) : NULL;
	json_t *manager = json_object_get(config, "job-manager");
	const char *path = json_string_value(json_object_get(manager,
							     "searchpath"));
	struct proto_error error;

	if (check_table(manager, &error) < 0) {
		daemon_log(LOG_ERR, "config: %s; no plug-in is changed",
			   error.text);
		json_decref(config);
		return;
	}
	free(s->plugins.searchpath);
	s->plugins.searchpath = path ? strdup(path) : NULL;
	json_decref(s->plugins.wanted);
	s->plugins.wanted = json_incref(json_object_get(manager, "plugins"));
	json_decref(config);
	if (s->plugins.started)
		follow(s);
}

/* ---- those that were loaded by command ---- */

void plugins_record(struct schedd *s)
{
	json_t *list = json_array();
	struct plugin *p;
	char *text;

	for (p = s->plugins.first; p; p = p->next)
		if (!p->configured)
			json_array_append_new(list, json_pack("{s:s s:o}",
				"load", p->word, "conf",
				json_loads(p->conf, 0, NULL)));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (text)
		weir_txn_put(commit_txn(s->commit), KEY, text, strlen(text));
	else
		schedd_restart(s, "out of memory");
	free(text);
}

int plugins_read(struct schedd *s, struct weir_error *error)
{
	weir_future_t *f = weir_kvs_get(s->h, "primary", KEY, NULL);
	int e = !f || weir_future_get(f) < 0 ? errno : 0;
	const char *data;
	size_t len;

	if (!e) {
		data = weir_future_data(f, &len);
		s->plugins.recorded = data ? json_loadb(data, len, 0, NULL) :
				      NULL;
		if (!json_is_array(s->plugins.recorded))
			daemon_log(LOG_ERR, KEY ": is no array; it is not "
				   "used");
	}
	weir_future_destroy(f);
	if (!e || e == ENOENT || e == ENOTDIR || e == EISDIR)
		return 0;
	error->errnum = e;
	snprintf(error->text, sizeof(error->text), KEY ": %s", strerror(e));
	errno = e;
	return -1;
}

void plugins_start(struct schedd *s)
{
	struct proto_error error;
	const char *word;
	json_t *row;
	size_t i;

	s->plugins.started = true;
	follow(s);
	json_array_foreach(s->plugins.recorded, i, row) {
		word = json_string_value(json_object_get(row, "load"));
		if (!word || !plugin_load(s, word, json_object_get(row, "conf"),
					  &error))
			daemon_log(LOG_ERR, KEY ": %s", word ? error.text :
				   "a row names no plug-in");
	}
	json_decref(s->plugins.recorded);
	s->plugins.recorded = NULL;
}

void plugins_stop(struct schedd *s)
{
	s->plugins.started = false;
	while (s->plugins.first)
		plugin_unload(s->plugins.first);
}

void plugins_free(struct schedd *s)
{
	size_t i;

	for (i = 0; i < s->plugins.requests; i++)
		if (s->plugins.request[i].kind == REQUEST_RAISE)
			free(s->plugins.request[i].note);
	free(s->plugins.request);
	free(s->plugins.ids);
	free(s->plugins.searchpath);
	json_decref(s->plugins.wanted);
	json_decref(s->plugins.recorded);
	parked_free(s);
}
