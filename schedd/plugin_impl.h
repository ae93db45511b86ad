/* SPDX-License-Identifier: Apache-2.0 */
/* A plug-in that is loaded: what the files plugin*.c share. */
#ifndef WEIR_SCHEDD_PLUGIN_IMPL_H
#define WEIR_SCHEDD_PLUGIN_IMPL_H

#include "schedd/schedd.h"

#define PLUGIN_MAGIC	0x504c5547u

struct plugin {
	uint32_t magic;
	struct schedd *schedd;
	struct plugin *next;
	struct weir_plugin ops;		/* a copy: what it lacks is NULL */
	void *handle;			/* of dlopen */
	void *self;			/* its own */
	char *word;			/* by which it was asked for */
	char *path;			/* what that was found to be */
	char *conf;			/* JSON */
	bool configured;		/* by the key config */
	char why[512];			/* what it explained last */
	struct event *timer;
};

/* What a plug-in asked for. */
struct plugin_request {
	enum { REQUEST_PRIORITY, REQUEST_DEPEND, REQUEST_RAISE } kind;
	uint64_t id;
	int severity;
	char type[TYPE_MAX + 1];
	char *note;			/* or NULL */
};

/* ---- plugin.c ---- */

struct plugin *plugin_find(struct schedd *s, const char *name);
/* WORD is a path or a name to be searched for, CONF an object or NULL. NULL
 * with ENOENT, EEXIST, EINVAL or ENOMEM. */
struct plugin *plugin_load(struct schedd *s, const char *word, json_t *conf,
			   struct proto_error *err);
/* -1 with EINVAL and it keeps the one that it had. */
int plugin_configure(struct plugin *p, json_t *conf, struct proto_error *err);
void plugin_unload(struct plugin *p);
/* Into this turn's transaction: which were loaded by command. */
void plugins_record(struct schedd *s);

/* ---- plugin_api.c ---- */

extern const struct weir_plugin_api plugin_api;

static inline struct weir_plugin_host *plugin_host(struct plugin *p)
{
	return (struct weir_plugin_host *)p;
}

static inline const struct weir_plugin_job *plugin_job(const struct job *job)
{
	return (const struct weir_plugin_job *)job;
}

/* Each call of a plug-in's is between these; what it explained before is
 * forgotten. */
void plugin_enter(struct plugin *p, const char *callback, uint64_t id);
void plugin_leave(struct plugin *p);
/* What it explained, or TEXT. */
const char *plugin_why(const struct plugin *p, const char *text);

/* ---- plugin_guard.c: who is to blame ---- */

/* From the first plug-in on: a signal that ends the process while a plug-in is
 * called, and a call that takes long, are told with the plug-in's name. -1
 * with errno. */
int guard_start(void);
void guard_stop(void);			/* no plug-in is there any more */
/* PATH's CALLBACK runs, for the job ID or 0; strings are borrowed until
 * guard_forget, which is called before they go. */
void guard_enter(const char *name, const char *path, const char *callback,
		 uint64_t id);
void guard_leave(void);
void guard_forget(void);

#endif
