/* SPDX-License-Identifier: Apache-2.0 */
/* Plug-ins as objects: found, checked, loaded, configured, unloaded. See
 * plugin.h and weir-plugin(7). */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedd/plugin_impl.h"

#define NAME_MAX_LENGTH	64

/* ---- calls ---- */

void plugin_enter(struct plugin *p, const char *callback, uint64_t id)
{
	p->why[0] = '\0';
	guard_enter(p->ops.name ? p->ops.name : p->word, p->path, callback,
		    id);
}

void plugin_leave(struct plugin *p)
{
	guard_leave();
}

const char *plugin_why(const struct plugin *p, const char *text)
{
	return p->why[0] ? p->why : text;
}

/* ---- the file ---- */

/* The path of WORD, to be freed. NULL with ENOENT or ENOMEM. */
static char *find_file(const struct schedd *s, const char *word,
		       struct proto_error *err)
{
	const char *dirs = s->plugins.searchpath ? s->plugins.searchpath :
			   WEIR_PLUGINDIR;
	const char *dir = dirs, *end;
	char *path = NULL;
	int i, len;

	if (strchr(word, '/')) {
		path = strdup(word);
		if (!path)
			proto_error_set(err, ENOMEM, "out of memory");
		return path;
	}
	for (; *dir; dir = *end ? end + 1 : end) {
		end = strchrnul(dir, ':');
		len = (int)(end - dir);
		for (i = 0; i < 2 && len > 0; i++) {
			if (asprintf(&path, "%.*s/%s%s", len, dir, word,
				     i ? "" : ".so") < 0) {
				proto_error_set(err, ENOMEM, "out of memory");
				return NULL;
			}
			if (access(path, F_OK) == 0)
				return path;
			free(path);
		}
	}
	proto_error_set(err, ENOENT, "plug-in %.64s: there is no such file in "
			"%.300s", word, dirs);
	return NULL;
}

/* ---- what it says of itself ---- */

static bool is_good_name(const char *name)
{
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") : 0;

	return n > 0 && n <= NAME_MAX_LENGTH && !name[n];
}

struct plugin *plugin_find(struct schedd *s, const char *name)
{
	struct plugin *p = s->plugins.first;

	while (p && strcmp(p->ops.name, name))
		p = p->next;
	return p;
}

static int check_schemes(struct plugin *p, struct proto_error *err)
{
	const char *const *scheme = p->ops.schemes;

	for (; scheme && *scheme; scheme++)
		if (!dependency_is_foreign(*scheme) ||
		    plugins_know(p->schedd, *scheme))
			return proto_error_set(err, EINVAL, "%s: the "
				"dependency scheme '%.60s' %s", p->path, *scheme,
				plugins_know(p->schedd, *scheme) ?
				"is another plug-in's" : "cannot be its own");
	if (scheme && !p->ops.depend)
		return proto_error_set(err, EINVAL, "%s: has schemes, but not "
				       "the callback depend", p->path);
	return 0;
}

static int take_ops(struct plugin *p, struct proto_error *err)
{
	const struct weir_plugin *ops = dlsym(p->handle, "weir_plugin");
	size_t size;

	if (!ops)
		return proto_error_set(err, EINVAL, "%s: is no plug-in: it has "
				       "no symbol weir_plugin", p->path);
	if (ops->abi != WEIR_PLUGIN_ABI)
		return proto_error_set(err, EINVAL, "%s: was made for plug-in "
				       "ABI %d, this schedd has %d", p->path,
				       ops->abi, WEIR_PLUGIN_ABI);
	size = ops->size;
	if (size < offsetof(struct weir_plugin, unload))
		return proto_error_set(err, EINVAL, "%s: says a size of %zu: "
				       "use WEIR_PLUGIN_HEAD", p->path, size);
	memcpy(&p->ops, ops, size < sizeof(p->ops) ? size : sizeof(p->ops));
	if (!is_good_name(p->ops.name))
		return proto_error_set(err, EINVAL, "%s: its name must be 1 to "
				       "%d letters, digits, '.', '_' or '-'",
				       p->path, NAME_MAX_LENGTH);
	if (plugin_find(p->schedd, p->ops.name))
		return proto_error_set(err, EEXIST, "a plug-in %s is loaded "
				       "already", p->ops.name);
	return check_schemes(p, err);
}

/* ---- loading ---- */

static void plugin_free(struct plugin *p)
{
	if (!p)
		return;
	if (p->timer)
		event_free(p->timer);
	if (p->handle) {
		/* its destructors are its code, too */
		guard_enter(p->word, p->path, "(unloading)", 0);
		dlclose(p->handle);
		guard_leave();
	}
	guard_forget();
	free(p->word);
	free(p->path);
	free(p->conf);
	p->magic = 0;
	free(p);
}

int plugin_configure(struct plugin *p, json_t *conf, struct proto_error *err)
{
	char *text = conf ? json_dumps(conf, JSON_COMPACT) : strdup("{}");
	int r = 0;

	if (!text)
		return proto_error_set(err, ENOMEM, "out of memory");
	if (p->ops.configure) {
		plugin_enter(p, "configure", 0);
		r = p->ops.configure(p->self, text);
		plugin_leave(p);
	} else if (conf && json_object_size(conf) > 0) {
		snprintf(p->why, sizeof(p->why), "it takes none");
		r = -1;
	}
	if (r < 0) {
		free(text);
		return proto_error_set(err, EINVAL, "plug-in %s: its "
				       "configuration: %s", p->ops.name,
				       plugin_why(p, "it is refused"));
	}
	free(p->conf);
	p->conf = text;
	return 0;
}

static int begin(struct plugin *p, json_t *conf, struct proto_error *err)
{
	int r = 0;

	if (p->ops.load) {
		plugin_enter(p, "load", 0);
		r = p->ops.load(&plugin_api, plugin_host(p), &p->self);
		plugin_leave(p);
	}
	if (r < 0)
		return proto_error_set(err, EINVAL, "plug-in %s: %s",
				       p->ops.name,
				       plugin_why(p, "it cannot be loaded"));
	if (plugin_configure(p, conf, err) == 0)
		return 0;
	if (p->ops.unload) {
		plugin_enter(p, "unload", 0);
		p->ops.unload(p->self);
		plugin_leave(p);
	}
	return -1;
}

static void tell_jobs(struct plugin *p)
{
	struct job *job;

	for (job = jobs_first(p->schedd->jobs); job && p->ops.job;
	     job = job->next) {
		plugin_enter(p, "job", job->id);
		p->ops.job(p->self, plugin_job(job));
		plugin_leave(p);
	}
}

/* P has come, or goes: what it has a say in is asked anew. */
static void ask_anew(struct plugin *p)
{
	struct schedd *s = p->schedd;

	if (p->ops.priority)
		s->plugins.reprioritize = true;
	if (p->ops.schemes)
		dependency_look(s);
	if (p->ops.start)
		parked_look(s, WEIR_PLUGIN_ALL);
	commit_wake(s->commit);
}

static int open_file(struct plugin *p, struct proto_error *err)
{
	if (access(p->path, R_OK) < 0)
		return proto_error_set(err, errno == ENOENT ? ENOENT : EINVAL,
				       "plug-in %.300s: %s", p->path,
				       strerror(errno));
	guard_enter(p->word, p->path, "(loading)", 0);
	p->handle = dlopen(p->path, RTLD_NOW | RTLD_LOCAL);
	guard_leave();
	if (p->handle)
		return 0;
	return proto_error_set(err, EINVAL, "plug-in %s", dlerror());
}

static void append(struct plugin *p)
{
	struct plugin **last = &p->schedd->plugins.first;

	while (*last)
		last = &(*last)->next;
	*last = p;
}

struct plugin *plugin_load(struct schedd *s, const char *word, json_t *conf,
			   struct proto_error *err)
{
	struct plugin *p = calloc(1, sizeof(*p));

	if (!p || !(p->word = strdup(word)) || guard_start() < 0) {
		proto_error_set(err, ENOMEM, "%s", strerror(errno));
		if (p)
			free(p->word);
		free(p);
		return NULL;
	}
	p->magic = PLUGIN_MAGIC;
	p->schedd = s;
	p->path = find_file(s, word, err);
	if (!p->path || open_file(p, err) < 0 || take_ops(p, err) < 0 ||
	    begin(p, conf, err) < 0) {
		int e = errno;

		plugin_free(p);
		if (!s->plugins.first)
			guard_stop();
		errno = e;
		return NULL;
	}
	append(p);
	daemon_log(LOG_INFO, "plug-in %s is loaded: %s", p->ops.name, p->path);
	tell_jobs(p);
	ask_anew(p);
	return p;
}

void plugin_unload(struct plugin *p)
{
	struct schedd *s = p->schedd;
	struct plugin **q = &s->plugins.first;

	while (*q != p)
		q = &(*q)->next;
	*q = p->next;
	if (p->ops.unload) {
		plugin_enter(p, "unload", 0);
		p->ops.unload(p->self);
		plugin_leave(p);
	}
	if (s->plugins.started)
		ask_anew(p);
	plugin_free(p);
	if (!s->plugins.first)
		guard_stop();
}
