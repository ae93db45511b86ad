/* SPDX-License-Identifier: Apache-2.0 */
/* job-manager.jobtap, -list and -query: plug-ins by command, for the
 * instance's owner alone. weir-jobtap(1), weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/plugin_impl.h"

static bool is_owner(struct schedd *s, weir_call_t *call)
{
	if (may_act(s, call, s->uid))
		return true;
	weir_call_fail(call, EPERM, "only the instance's owner may do that");
	return false;
}

/* By its name or its path. */
static bool is_meant(const struct plugin *p, const char *pattern)
{
	return !strcmp(pattern, "all") ||
	       fnmatch(pattern, p->ops.name, 0) == 0 ||
	       !strcmp(pattern, p->path);
}

static size_t unload(struct schedd *s, const char *pattern)
{
	struct plugin *p, *next;
	size_t n = 0;

	for (p = s->plugins.first; p; p = next) {
		next = p->next;
		if (is_meant(p, pattern)) {
			daemon_log(LOG_INFO, "plug-in %s is removed",
				   p->ops.name);
			plugin_unload(p);
			n++;
		}
	}
	return n;
}

static json_t *describe(const struct plugin *p)
{
	return json_pack("{s:s s:s s:b s:o}", "name", p->ops.name, "path",
			 p->path, "configured", p->configured, "conf",
			 json_loads(p->conf, 0, NULL));
}

/* What was removed stays so if another then can't be loaded. */
static void change(struct schedd *s, weir_call_t *call, const char *pattern,
		   const char *word, json_t *conf)
{
	struct plugin *p = NULL;
	struct proto_error error;
	int e = 0;

	if (pattern && !unload(s, pattern) && strcmp(pattern, "all") && !word) {
		weir_call_fail(call, ENOENT, "no plug-in matches %.64s",
			       pattern);
		return;
	}
	if (word) {
		p = plugin_load(s, word, conf, &error);
		e = p ? 0 : errno;
	}
	if (pattern || p)
		plugins_record(s);
	if (e)
		weir_call_fail(call, e, "%s", error.text);
	else
		commit_reply_json(s->commit, call, p ? describe(p) :
				  json_object());
}

void do_jobtap(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call), *conf = NULL;
	const char *word = NULL, *pattern = NULL;
	json_error_t error;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s?s s?s s?o}", "load", &word,
			   "remove", &pattern, "conf", &conf) < 0)
		weir_call_fail(call, EPROTO, "%s", error.text);
	else if (!is_owner(s, call))
		;	/* the call has failed */
	else if (!word && !pattern)
		weir_call_fail(call, EPROTO, "nothing to load or to remove");
	else if (word && (!*word || (strchr(word, '/') && *word != '/')))
		weir_call_fail(call, EINVAL, "load: must be a name or an "
			       "absolute path");
	else if (conf && !json_is_object(conf))
		weir_call_fail(call, EINVAL, "conf: must be an object");
	else
		change(s, call, pattern, word, conf);
	json_decref(o);
}

void do_jobtap_list(struct schedd *s, weir_call_t *call)
{
	json_t *list = json_array();
	struct plugin *p;

	if (!is_owner(s, call)) {
		json_decref(list);
		return;
	}
	for (p = s->plugins.first; p; p = p->next)
		json_array_append_new(list, describe(p));
	call_answer(call, json_pack("{s:o}", "plugins", list));
}

static json_t *query(struct plugin *p)
{
	json_t *o = describe(p), *own;
	char *text = NULL;

	if (p->ops.query) {
		plugin_enter(p, "query", 0);
		text = p->ops.query(p->self);
		plugin_leave(p);
	}
	own = text ? json_loads(text, 0, NULL) : NULL;
	if (text && !own)
		daemon_log(LOG_ERR, "plug-in %s: its callback query gave no "
			   "JSON", p->ops.name);
	if (own)
		json_object_update_missing(o, own);
	json_decref(own);
	free(text);
	return o;
}

void do_jobtap_query(struct schedd *s, weir_call_t *call)
{
	json_t *o = call_json(call);
	const char *name = NULL;
	json_error_t error;
	struct plugin *p;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s:s}", "name", &name) < 0)
		weir_call_fail(call, EPROTO, "%s", error.text);
	else if (!is_owner(s, call))
		;	/* the call has failed */
	else if (!(p = plugin_find(s, name)))
		weir_call_fail(call, ENOENT, "no plug-in %.64s is loaded",
			       name);
	else
		call_answer(call, query(p));
	json_decref(o);
}
